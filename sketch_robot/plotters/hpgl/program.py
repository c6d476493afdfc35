"""HP-GL of a drawing: strokes as pen-down vectors in plotter units, cut into pieces that the plotter answers.

Source: HP 7475A Graphics Plotter, Interfacing and Programming Manual. A plotter unit is 0.025 mm. `PU x,y` and `PD
x,y,...` move the pen in straight lines with the pen up and down; `OA` in the stream answers, when the plotter comes to
it, where the pen is: x, y and 1 if it is down. So each answer proves all that was sent before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.page_axes import PageAxes
from sketch_robot.plotters.streaming import Piece, StreamedDrawing
from sketch_robot.polyline import lengths_along
from sketch_robot.stroke import Stroke

UNITS_MM = 40.0
A4_LIMITS = (0, 0, 11040, 7721)  # hard-clip limits of a 7475A with A4 in it, for programs that are only written down
PIECE_BYTES = 120  # of one piece, without its first move; ten vectors or so are drawn between two answers
SLOWEST_CM_S, FASTEST_CM_S = 1, 38  # VS of a 7475A
ASK = b'OA;'


@dataclass(frozen=True, eq=False)
class HpglSheet:
    """Where a page lies on a plotter's bed.

    Attributes:
        page: the sheet.
        axes: from page mm to mm on the bed, origin at the bed's plotter unit (0, 0).
        limits: x and y of the lower left and of the upper right corner that the pen reaches, plotter units.
    """

    page: Page
    axes: PageAxes
    limits: tuple[int, int, int, int]

    @property
    def window(self) -> tuple[int, int, int, int]:
        """The box around what of the page the pen reaches, as `limits`: nothing leads out of it."""
        size = np.array([self.page.width_mm, self.page.height_mm])
        corners = self.axes.to_machine(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) * size) * UNITS_MM
        low = np.maximum(np.ceil(corners.min(axis=0) - 1e-6), self.limits[:2]).astype(int)
        high = np.minimum(np.floor(corners.max(axis=0) + 1e-6), self.limits[2:]).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def to_units(self, page_mm: np.ndarray) -> np.ndarray:
        """(N, 2) of the page to (N, 2) int64 plotter units within the window."""
        window = self.window
        exact = self.axes.to_machine(np.asarray(page_mm, dtype=np.float64)) * UNITS_MM
        units: np.ndarray = np.clip(np.rint(exact), window[:2], window[2:]).astype(np.int64)
        return units

    def to_page(self, units: np.ndarray) -> np.ndarray:
        """(..., 2) plotter units to (..., 2) mm of the page."""
        return self.axes.to_page(np.asarray(units) / UNITS_MM)

    def check_reach(self, plan: DrawingPlan) -> None:
        """Refuse a plan that leaves what the pen reaches; the margins of a sheet may.

        Raises:
            SketchRobotError: OFF_PAGE; the message says where and what to do.
        """
        low, high = np.array(self.limits[:2]) - 0.5, np.array(self.limits[2:]) + 0.5
        for number, stroke in enumerate(plan.strokes):
            units = self.axes.to_machine(stroke.xy) * UNITS_MM
            outside = ((units < low) | (units > high)).any(axis=1)
            if outside.any():
                x, y = stroke.xy[int(np.argmax(outside))]
                width_mm, height_mm = (high - low) / UNITS_MM
                raise SketchRobotError(
                    ErrorCode.OFF_PAGE,
                    f'stroke {number} at ({x:.1f}, {y:.1f}) mm lies outside the {width_mm:.0f} x {height_mm:.0f} mm '
                    'that the plotter reaches; turn the page (axes), move it (origin_mm), or take wider margins',
                )


@dataclass(frozen=True)
class Sent:
    """A piece of a drawing in plotter units.

    Attributes:
        piece: it, with its data.
        units: where the pen is afterwards.
        down: whether it is down then.
    """

    piece: Piece
    units: tuple[int, int]
    down: bool

    @property
    def data(self) -> bytes:
        """For the plotter."""
        return self.piece.data


def begin(sheet: HpglSheet, draw_speed_mm_s: float) -> bytes:
    """What comes before a drawing: absolute coordinates, the window that nothing leaves, and the pen's speed."""
    x0, y0, x1, y1 = sheet.window
    speed = min(FASTEST_CM_S, max(SLOWEST_CM_S, round(draw_speed_mm_s / 10.0)))
    return f'PU;PA;IW{x0},{y0},{x1},{y1};VS{speed};'.encode()


def park(sheet: HpglSheet) -> Sent:
    """The way to the page's corner, or as near to it as the pen reaches."""
    x, y = sheet.to_units(np.array([HOME_MM]))[0].tolist()
    return Sent(Piece(f'PU{x},{y};'.encode() + ASK, np.array([HOME_MM])), (x, y), False)


def pieces(
    sheet: HpglSheet, drawing: StreamedDrawing, end: int, here_mm: tuple[float, float], start: int = 0
) -> Iterator[Sent]:
    """What is left of the strokes from `start` and before `end`, from where the pen is, piece by piece."""
    here = np.array(here_mm)
    for number in range(max(start, drawing.number), end):
        stroke, skipped_mm = drawing.stroke(number)
        yield from _stroke(sheet, stroke, number, skipped_mm, here)
        here = stroke.xy[-1]


def _stroke(sheet: HpglSheet, stroke: Stroke, number: int, skipped_mm: float, here: np.ndarray) -> Iterator[Sent]:
    units, along = sheet.to_units(stroke.xy), lengths_along(stroke.xy)
    kept = np.concatenate(([True], np.diff(units, axis=0).any(axis=1)))
    points, kept_at = units[kept], np.flatnonzero(kept)
    x, y = points[0].tolist()
    yield Sent(Piece(f'PU{x},{y};'.encode() + ASK, np.array([here, stroke.xy[0]])), (x, y), False)
    first = 0
    while True:
        last, text = first, 'PD' if first else 'PD;PD'  # the pen touches where it is, then moves on
        while last + 1 < len(points) and len(text) < PIECE_BYTES:
            last += 1
            text += f'{"," if text[-1] != "D" else ""}{points[last, 0]},{points[last, 1]}'
        text = 'PD;' if last == 0 else f'{text};'
        ends = last == len(points) - 1
        to = len(along) - 1 if ends else int(kept_at[last])
        way = stroke.xy[int(kept_at[first]) : to + 1]
        data = f'{text}PU;' if ends else text
        piece = Piece(data.encode() + ASK, way, number, skipped_mm + float(along[to]), ends)
        yield Sent(piece, (int(points[last, 0]), int(points[last, 1])), not ends)
        if ends:
            return
        first = last
