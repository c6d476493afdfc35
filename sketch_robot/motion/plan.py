"""A drawing plan: which strokes, where on the page, in which order, and how long each takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.polyline import lengths_of
from sketch_robot.stroke import Stroke
from sketch_robot.validation import POSITIVE, fits

_COLOUR = re.compile('#[0-9a-fA-F]{6}')
HOME_MM = (0.0, 0.0)  # where the pen starts and parks: the page's lower left corner


@dataclass(frozen=True)
class Pen:
    """A pen that a plan needs.

    Attributes:
        name: what strokes call it.
        colour: of its ink, '#rrggbb'.
        width_mm: of its line.

    Raises:
        ValueError: there is no name, the colour is written otherwise, or the width is not positive and finite.
    """

    name: str
    colour: str = '#000000'
    width_mm: float = 0.5

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError('a pen needs a name')
        if not _COLOUR.fullmatch(self.colour):
            raise ValueError(f'the pen {self.name!r} has the colour {self.colour!r}; write it as #rrggbb')
        if not fits(self.width_mm, POSITIVE):
            raise ValueError(f'the pen {self.name!r} has a line of {self.width_mm} mm')

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Its colour, each channel in [0, 255]."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue

    @property
    def is_grey(self) -> bool:
        """Whether its ink is black, or grey, rather than in a colour."""
        return len(set(self.rgb)) == 1


@dataclass(frozen=True, eq=False)
class DrawingPlan:
    """Strokes in drawing order on a page.

    Attributes:
        strokes: in millimetres of the page's frame, all inside the drawable area, in drawing order and direction.
        page, profile: the sheet, and the machine that the times hold for.
        stroke_s: (len(strokes),) float64; predicted seconds of each stroke: travel to it, drop, draw, lift.
        return_s: predicted seconds of the way home after the last stroke.
        left_out: how many strokes a time budget left out; one that is kept in part is not.
        artist: who drew it, '' when unknown.
        pens: those that strokes name, in the order of their use; the machine parks and pauses for a change between
            them. Empty: one pen.

    Raises:
        ValueError: there are not as many times as strokes, or the strokes' pens are not `pens`, each in one run.
    """

    strokes: tuple[Stroke, ...]
    page: Page
    profile: MachineLimits = field(default_factory=MachineLimits)
    stroke_s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    return_s: float = 0.0
    left_out: int = 0
    artist: str = ''
    pens: tuple[Pen, ...] = ()

    def __post_init__(self) -> None:
        if len(self.stroke_s) != len(self.strokes):
            raise ValueError(f'{len(self.strokes)} strokes but {len(self.stroke_s)} times')
        used = [pen for pen, _ in groupby(stroke.pen for stroke in self.strokes)]
        named = [pen.name for pen in self.pens] or ['']
        if self.strokes and used != named:
            raise ValueError(f'the pens of the strokes, in drawing order, are {used}, but those of the plan {named}')

    @property
    def predicted_s(self) -> float:
        """Seconds from home through all strokes and back home; what a person takes to change pens is not in them."""
        return float(np.sum(self.stroke_s)) + self.return_s if self.strokes else 0.0

    @property
    def ink_mm(self) -> float:
        """Length drawn with the pen down."""
        return float(lengths_of([stroke.xy for stroke in self.strokes]).sum())

    @property
    def travel_mm(self) -> float:
        """Length moved with the pen up, from home and back, also between two pens."""
        if not self.strokes:
            return 0.0
        return float(np.hypot(*hops(self.strokes, home=HOME_MM).T).sum())

    @property
    def lifts(self) -> int:
        """How often the pen is raised: once after each stroke."""
        return len(self.strokes)


# ----------------------------------------------------------------- pens
def name_pens(
    strokes: Sequence[Stroke], pens: Sequence[Pen], *, width_mm: float
) -> tuple[tuple[Stroke, ...], tuple[Pen, ...]]:
    """Settle who draws what.

    Args:
        strokes: those that name no pen are drawn by the first.
        pens: in the order of their use. Empty: those that the strokes name, in the order in which they do, black.
        width_mm: of the lines of pens that only strokes name.

    Returns:
        strokes: each with a pen, unless there is only one without a name.
        pens: those that are used.

    Raises:
        SketchRobotError: BAD_GOAL, a stroke names a pen that is not among them, or two pens have one name.
    """
    named = tuple(dict.fromkeys(stroke.pen for stroke in strokes if stroke.pen))
    known = tuple(pens) or tuple(Pen(name, width_mm=width_mm) for name in named)
    names = [pen.name for pen in known]
    if len(set(names)) < len(names):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'two pens have one name: {", ".join(names)}')
    strange = [name for name in named if name not in names]
    if strange:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'a stroke wants the pen {strange[0]!r}, and there are only: {", ".join(names)}'
        )
    if not known:
        return tuple(strokes), ()
    drawn = tuple(stroke if stroke.pen else replace(stroke, pen=names[0]) for stroke in strokes)
    return drawn, used_pens(drawn, known)


def used_pens(strokes: Sequence[Stroke], pens: Sequence[Pen]) -> tuple[Pen, ...]:
    """Those of the pens that strokes name, in their order."""
    used = {stroke.pen for stroke in strokes}
    return tuple(pen for pen in pens if pen.name in used)


def digest_of(plan: DrawingPlan) -> str:
    """Names a plan by what is drawn, where and in which order: SHA-256 in hexadecimal, of coordinates to 0.1 um."""
    digest = hashlib.sha256(f'{plan.page.width_mm:.3f} {plan.page.height_mm:.3f}'.encode())
    for stroke in plan.strokes:
        digest.update(f'{len(stroke.xy)} {stroke.pen}\n'.encode())
        digest.update(np.round(stroke.xy * 1e4).astype('<i8').tobytes())
    return digest.hexdigest()


def hops(strokes: Sequence[Stroke], *, home: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
    """The pen-up movements from home through all strokes and back home, by way of home between two pens.

    Returns:
        (M, 2) mm; M is len(strokes) + 1, and one more for each change of the pen.
    """
    if not strokes:
        return np.zeros((1, 2))
    starts = np.array([stroke.xy[0] for stroke in strokes] + [home])
    ends = np.array([home, *(stroke.xy[-1] for stroke in strokes)])
    changed = np.flatnonzero(pen_changes(strokes))
    starts = np.insert(starts, changed, home, axis=0)
    ends = np.insert(ends, changed + 1, home, axis=0)
    return starts - ends


def pen_changes(strokes: Sequence[Stroke]) -> np.ndarray:
    """(len(strokes) + 1,) int: 1 where another pen than before is needed."""
    pens = [stroke.pen for stroke in strokes]
    return np.array([0, *(a != b for a, b in pairwise(pens)), 0], dtype=np.int64)
