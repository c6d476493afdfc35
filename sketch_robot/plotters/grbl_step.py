"""One line of a program for GRBL, and what it is for."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from sketch_robot.plotters.grbl_frame import plain

TRAVEL_FEED = 600  # F after a travel, whose G0 does not need it: says that the next stroke was not begun
MARKS = 50  # F after a stroke is 1 + its number modulo this: says which one was finished last
LEAST_FEED = 60  # of lines with the pen down; what is less is a mark
MODES = f'G21G90G94G17G54F{TRAVEL_FEED}'  # F, since none is known after a reset


class Kind(Enum):
    """What a line does."""

    MODE = auto()  # sets how others are read
    HOLD = auto()  # waits, so that what follows can be checked before it is carried out
    TRAVEL = auto()
    LOWER = auto()
    LOWERING = auto()  # waits until the pen is down
    INK = auto()
    PROBE = auto()  # refused unless the parser stands where it should
    RAISE = auto()
    RAISING = auto()  # waits until the pen is up


class Step(NamedTuple):
    """One line of a program.

    Attributes:
        data: its bytes, the line's end included.
        kind: what it does.
        stroke: number of the stroke that it belongs to.
        point: for INK: number of the point of the stroke's path that it leads to.
        seconds: that it takes, for those that wait.
        value: S that it sets; None: it does not.
    """

    data: bytes
    kind: Kind
    stroke: int = -1
    point: int = 0
    seconds: float = 0.0
    value: float | None = None


def mark_of(stroke: int) -> int:
    """F that tells that a stroke of the whole drawing was the last one finished."""
    return 1 + stroke % MARKS


def hold(seconds: float = 0.05) -> Step:
    """A wait that keeps the controller from taking in what follows."""
    return step_of(f'G4P{plain(seconds)}', Kind.HOLD, seconds=seconds)


def step_of(text: str, kind: Kind, stroke: int = -1, *, seconds: float = 0.0) -> Step:
    """A step from its line without end."""
    return Step(f'{text}\n'.encode(), kind, stroke, 0, seconds)
