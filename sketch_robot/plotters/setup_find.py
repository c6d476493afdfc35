"""Who is behind a serial port: a GRBL controller, an EBB, or somebody else.

Both are asked for what they answer at any time: an EBB for its version (`V`), which a GRBL controller refuses with an
error; then, until it has had the time to start, a GRBL controller for its status (`?`) and version (`$I`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sketch_robot.errors import SketchRobotError
from sketch_robot.plotters.serial_link import Link, SerialLink

BAUD = 115200
EBB_S = 0.4
GRBL_S = 4.0  # an Arduino's boot loader takes 2
ASK_S = 0.25
_EBB = re.compile(r'(?:V,)?EBB\S* EB Firmware Version (\d+\.\d+\.\d+)')
_BANNER = re.compile(r'Grbl (\d\.\d\w?)')
_VERSION = re.compile(r'\[VER:(\d\.\d\w?)')
_REPORT = re.compile(r'<(Idle|Run|Hold|Jog|Alarm|Door|Check|Home|Sleep)\b')


def identify(port: str, *, grbl_s: float = GRBL_S) -> str:
    """Find out what is behind a port; it is opened for that, which restarts most Arduinos.

    Args:
        port: a device or device id.
        grbl_s: how long a GRBL controller may take to start.

    Returns:
        as 'GRBL 1.1h' or 'EBB 3.0.3'; '' when it is neither.

    Raises:
        SketchRobotError: PLOTTER_OFFLINE, the port cannot be opened.
    """
    with SerialLink(port, BAUD, machine='machine') as link:
        try:
            return _ebb(link) or _grbl(link, grbl_s)
        except SketchRobotError:  # lost meanwhile
            return ''


def _ebb(link: Link) -> str:
    for text in (b'\rV\r', b'V,170\r'):  # the latter, should it want checksums
        link.write(text)
        for line in _lines(link, EBB_S):
            if found := _EBB.match(line):
                return f'EBB {found[1]}'
    return ''


def _grbl(link: Link, within_s: float) -> str:
    end_s = link.now_s() + within_s
    while link.now_s() < end_s:
        link.write(b'?')
        for line in _lines(link, ASK_S):
            if found := _BANNER.match(line):
                return f'GRBL {found[1]}'
            if _REPORT.match(line):
                return _grbl_version(link)
    return ''


def _grbl_version(link: Link) -> str:
    for _ in range(2):
        link.write(b'\n$I\n')
        for line in _lines(link, 4.0 * ASK_S):
            if found := _VERSION.match(line):
                return f'GRBL {found[1]}'
    return 'GRBL'


def _lines(link: Link, within_s: float) -> Iterator[str]:
    end_s = link.now_s() + within_s
    while (left_s := end_s - link.now_s()) > 0.0:
        line = link.read_line(left_s)
        if line is not None:
            yield line
