"""A drawing plan: which strokes, where on the page, in which order, and how long each takes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from sketch_robot.motion.page import Page
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import hops
from sketch_robot.stroke import Stroke

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
        if not (math.isfinite(self.width_mm) and self.width_mm > 0.0):
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
    profile: PenProfile = field(default_factory=PenProfile)
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
        return float(sum(s.length for s in self.strokes))

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
