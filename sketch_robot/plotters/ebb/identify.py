"""Whether an EBB answers at a port: it tells its version (`V`) at any time, which others refuse."""

from __future__ import annotations

import re

from sketch_robot.plotters.serial_link import Link, lines_within

BAUD = 115200
WITHIN_S = 0.4
_VERSION = re.compile(r'(?:V,)?EBB\S* EB Firmware Version (\d+\.\d+\.\d+)')


def identify(link: Link) -> str:
    """Ask who is there; as 'EBB 3.0.3', '' when it is no EBB."""
    for text in (b'\rV\r', b'V,170\r'):  # the latter, should it want checksums
        link.write(text)
        for line in lines_within(link, WITHIN_S):
            if found := _VERSION.match(line):
                return f'EBB {found[1]}'
    return ''
