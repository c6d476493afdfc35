"""Whether an HP-GL plotter answers at a port: it tells its model (`OI`), as a 7475A does, with the pen raised."""

from __future__ import annotations

import re

from sketch_robot.plotters.serial_link import Link, lines_within

BAUD = 9600
WITHIN_S = 1.5
_MODEL = re.compile(r'\d{4,5}[A-Z]?|HP\S{2,12}|DXY\S{1,10}')


def identify(link: Link) -> str:
    """Ask who is there; as 'HP-GL 7475A', '' when it is no plotter."""
    link.write(b'\x1b.(\x1b.J\x1b.K;PU;OI;')
    return next((f'HP-GL {line}' for line in lines_within(link, WITHIN_S) if _MODEL.fullmatch(line)), '')
