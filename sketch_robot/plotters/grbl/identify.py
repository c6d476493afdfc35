"""Whether a GRBL controller answers at a port: it tells its status (`?`) at any time, and its version (`$I`)."""

from __future__ import annotations

import re

from sketch_robot.plotters.serial_link import Link, lines_within

BAUD = 115200
WITHIN_S = 4.0  # an Arduino's boot loader takes 2
ASK_S = 0.25
_BANNER = re.compile(r'Grbl (\d\.\d\w?)')
_VERSION = re.compile(r'\[VER:(\d\.\d\w?)')
_REPORT = re.compile(r'<(Idle|Run|Hold|Jog|Alarm|Door|Check|Home|Sleep)\b')


def identify(link: Link) -> str:
    """Ask who is there until it has had the time to start; as 'GRBL 1.1h', '' when it is no GRBL."""
    end_s = link.now_s() + WITHIN_S
    while link.now_s() < end_s:
        link.write(b'?')
        for line in lines_within(link, ASK_S):
            if found := _BANNER.match(line):
                return f'GRBL {found[1]}'
            if _REPORT.match(line):
                return _version(link)
    return ''


def _version(link: Link) -> str:
    for _ in range(2):
        link.write(b'\n$I\n')
        for line in lines_within(link, 4.0 * ASK_S):
            if found := _VERSION.match(line):
                return f'GRBL {found[1]}'
    return 'GRBL'
