"""Make the cmake files of the ROS wheels fit this virtual environment. Run with the environment's Python.

Some wheels name the include folders of the machine that built them. The generators of messages read a list of paths as
ASCII, so that a folder like /home/jörg breaks them. A second run finds nothing to rewrite.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

import numpy

AS_ASCII = 'file(STRINGS "${idl_output}" idl_tuples)'  # of rosidl_adapter
AS_UTF8 = 'file(STRINGS "${idl_output}" idl_tuples ENCODING UTF-8)'
FOREIGN = {
    re.compile(r'/opt/python/cp3\d+-cp3\d+/include/python3\.\d+'): sysconfig.get_path('include'),
    re.compile(r'/opt/python/cp3\d+-cp3\d+/lib/python3\.\d+/site-packages/numpy/_core/include'): numpy.get_include(),
}


def mend(share: Path) -> int:
    """Rewrite foreign include folders and ASCII lists in all cmake files below `share`; returns how many changed."""
    changed = 0
    for path in share.glob('*/cmake/*.cmake'):
        text = path.read_text(encoding='utf-8')
        mended = text.replace(AS_ASCII, AS_UTF8)
        for pattern, here in FOREIGN.items():
            mended = pattern.sub(lambda _, here=here: here.replace('\\', '/'), mended)
        if mended != text:
            path.write_text(mended, encoding='utf-8')
            changed += 1
    return changed


if __name__ == '__main__':
    print(f'mended {mend(Path(sys.prefix) / "share")} cmake files of the ROS wheels')
