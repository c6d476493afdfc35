"""G-code for Marlin of a drawing: `G0` and `G1` in mm, a pen on a servo (`M280`) or on the Z axis.

Source: marlinfw.org, G-code. A servo does not wait for motion by itself, so `M400` goes before it and `G4` after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.marlin.stream import NumberedLine
from sketch_robot.plotters.options import DriverOptions, option
from sketch_robot.plotters.page_axes import PageAxes
from sketch_robot.plotters.streaming import Piece, StreamedDrawing
from sketch_robot.polyline import lengths_along
from sketch_robot.stroke import Stroke

GRID_MM = 0.01
LONGEST_MM = (
    2.0  # of a move with the pen down: a pause does not wait for long ones, and a planner full of them is little ink
)
SYNC = NumberedLine('M400', syncs=True)


@dataclass(frozen=True)
class MarlinPen(DriverOptions):
    """How the pen is lowered and raised.

    Attributes:
        kind: 'servo' (`M280`) or 'z' (height of the Z axis in mm); called `type` in files.
        servo: which one.
        up, down: degrees of the servo, or Z in mm.
        feed_mm_min: of Z.
    """

    kind: Literal['servo', 'z'] = option('servo', key='type')
    servo: int = option(0, low=0, high=9)
    up: float = option(90.0, low=-360.0, high=360.0)
    down: float = option(30.0, low=-360.0, high=360.0)
    feed_mm_min: float = option(600.0, above=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.up == self.down or (self.kind == 'z' and self.up < self.down):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a pen that is up at {self.up:g} and down at {self.down:g}')

    def lines(self, height: float, seconds: float, piece: Piece | None = None) -> Iterator[NumberedLine]:
        """Move it to a height once all motion has ended, and wait until it is there."""
        yield SYNC
        if self.kind == 'servo':
            yield NumberedLine(f'M280 P{self.servo} S{height:g}')
            yield NumberedLine(f'G4 P{max(1, round(1000.0 * seconds))}', piece, syncs=True, seconds=seconds)
        else:
            yield NumberedLine(f'G0 Z{height:g} F{self.feed_mm_min:g}', moves=True)
            yield NumberedLine('M400', piece, syncs=True)


@dataclass(frozen=True, eq=False)
class MarlinProgram:
    """Lines for a page on a machine.

    Attributes:
        page: the sheet.
        axes: where it lies.
        pen: how it is moved.
        limits: speeds of the plan's machine.
        reach_mm: (2, 2) float64, the least and the greatest machine coordinates; None: not known.
    """

    page: Page
    axes: PageAxes
    pen: MarlinPen
    limits: MachineLimits
    reach_mm: np.ndarray | None = None

    def check_reach(self, plan: DrawingPlan) -> None:
        """Refuse a plan that leaves what the machine reaches: Marlin would hold it at its soft endstops, silently.

        Raises:
            SketchRobotError: OFF_PAGE.
        """
        if self.reach_mm is None:
            return
        for number, stroke in enumerate(plan.strokes):
            places = self.axes.to_machine(stroke.xy)
            if (places < self.reach_mm[0] - GRID_MM).any() or (places > self.reach_mm[1] + GRID_MM).any():
                (x0, y0), (x1, y1) = self.reach_mm
                raise SketchRobotError(
                    ErrorCode.OFF_PAGE,
                    f'stroke {number} leaves what the machine reaches, ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}) mm; set '
                    'the origin, or take a smaller page',
                )

    def begin(self) -> Iterator[NumberedLine]:
        """Millimetres, absolute, and motors that keep their place; the pen is up."""
        for text in ('G21', 'G90', 'M17', 'M84 S0'):
            yield NumberedLine(text)
        yield from self.raise_pen()

    def raise_pen(self, piece: Piece | None = None) -> Iterator[NumberedLine]:
        """Raise it where it is."""
        return self.pen.lines(self.pen.up, self.limits.lifting_s, piece)

    def lower_pen(self) -> Iterator[NumberedLine]:
        """Lower it where it is."""
        return self.pen.lines(self.pen.down, self.limits.dropping_s)

    def park(self) -> Iterator[NumberedLine]:
        """Go to the page's corner; the pen is up."""
        yield NumberedLine(self._move('G0', np.array(HOME_MM), self.limits.travel_speed_mm_s), moves=True)
        yield SYNC

    def strokes(
        self, drawing: StreamedDrawing, end: int, here_mm: tuple[float, float], start: int = 0
    ) -> Iterator[NumberedLine]:
        """What is left of the strokes from `start` and before `end`, from where the pen is."""
        here = np.array(here_mm)
        for number in range(max(start, drawing.number), end):
            stroke, skipped_mm = drawing.stroke(number)
            yield from self._stroke(stroke, number, skipped_mm, here)
            here = stroke.xy[-1]

    def _stroke(self, stroke: Stroke, number: int, skipped_mm: float, here: np.ndarray) -> Iterator[NumberedLine]:
        way = Piece(b'', np.array([here, stroke.xy[0]]))
        travel_mm_s = self.limits.travel_speed_mm_s
        seconds = way.length_mm / travel_mm_s
        yield NumberedLine(self._move('G0', stroke.xy[0], travel_mm_s), way, moves=True, seconds=seconds)
        yield from self.lower_pen()
        xy, along = _in_short_moves(stroke.xy)
        speed_mm_s = self.limits.draw_speed_mm_s
        last = 0
        for k in range(1, len(xy)):
            if k < len(xy) - 1 and np.hypot(*(xy[k] - xy[last])) < 2.0 * GRID_MM:
                continue
            piece = Piece(b'', xy[last : k + 1], number, skipped_mm + float(along[k]))
            seconds = piece.length_mm / speed_mm_s
            yield NumberedLine(self._move('G1', xy[k], speed_mm_s), piece, moves=True, seconds=seconds)
            last = k
        yield from self.raise_pen(Piece(b'', xy[-1:], number, skipped_mm + float(along[-1]), ends=True))

    def _move(self, word: str, page_mm: np.ndarray, speed_mm_s: float) -> str:
        held = np.clip(page_mm, 0.0, [self.page.width_mm, self.page.height_mm])
        x, y = self.axes.to_machine(held)
        return f'{word} X{_text(x)} Y{_text(y)} F{speed_mm_s * 60.0:.0f}'


def _text(value: float) -> str:
    text = f'{round(value / GRID_MM) * GRID_MM:.2f}'.rstrip('0').rstrip('.')
    return '0' if text == '-0' else text


def _in_short_moves(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A polyline with points no farther apart than `LONGEST_MM`, and its lengths: (M, 2) and (M,)."""
    along = lengths_along(xy)
    if len(xy) < 2:
        return xy, along
    parts = np.maximum(1, np.ceil(np.diff(along) / LONGEST_MM).astype(int))
    fill = [np.linspace(a, b, n, endpoint=False) for (a, b), n in zip(pairwise(along), parts, strict=True)]
    at = np.concatenate([*fill, along[-1:]])
    return np.stack([np.interp(at, along, xy[:, axis]) for axis in (0, 1)], axis=1), at
