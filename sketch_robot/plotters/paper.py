"""What pens have left on a sheet: ink kept as polylines, and seen as a picture at any moment.

The picture is the coverage of round-nibbed lines. Each pixel takes its distance to the nearest ink, so that lines have
their true width at any resolution, lie exact to a fraction of a pixel, and do not darken where they cross or overlap.
Inks of different colours are glazes on white: where they overlap, each takes its share of the light, in any order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import cv2
import numba
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan, Pen
from sketch_robot.motion.pressure import line_width_mm
from sketch_robot.validation import POSITIVE, all_fit, fits

INK_GREY = 24  # a fine liner is not quite black, nor is any channel of another ink darker
MAX_PIXELS = 200_000_000  # A3 at 40 px/mm; more is a slip of the unit rather than a wish


@dataclass(frozen=True, eq=False)
class Line:
    """One line on a sheet.

    Attributes:
        xy: (N, 2) float64 mm, N = 1 for a dot.
        width_mm: of all of it, or (N,) float64 at each point.
        colour: of its ink, '#rrggbb'.
    """

    xy: np.ndarray
    width_mm: float | np.ndarray
    colour: str


class Paper:
    """A sheet that a pen draws on. Every method may be called from any thread, also while the pen is moving.

    Args:
        page: the sheet; its size is the picture's.
        pen_width_mm: width of the line, where no pens are named.
        pens: that draw on it, the first one to begin with; none: a black one.

    Raises:
        ValueError: the page or the pen has no finite, positive size.
    """

    def __init__(self, page: Page, pen_width_mm: float = 0.5, pens: Sequence[Pen] = ()) -> None:
        sizes = np.array([page.width_mm, page.height_mm, pen_width_mm])
        if not all_fit(sizes, POSITIVE):
            raise ValueError(f'a paper of {sizes[0]:g} x {sizes[1]:g} mm and a pen of {sizes[2]:g} mm cannot be drawn')
        self.page = page
        self.pen_width_mm = float(pen_width_mm)
        self._pens = {pen.name: pen for pen in pens} or {'': Pen('pen', width_mm=self.pen_width_mm)}
        self._pen = next(iter(self._pens.values()))
        self._lock = threading.Lock()
        self._dry: list[Line] = []  # finished lines
        self._wet: list[tuple[np.ndarray, np.ndarray | None]] = []  # pieces of the line being drawn, and their widths
        self._touching = False

    @property
    def is_coloured(self) -> bool:
        """Whether one of its pens is neither black nor grey."""
        return any(not pen.is_grey for pen in self._pens.values())

    def take_pen(self, name: str) -> None:
        """Lift the pen and draw on with the one of this name.

        Raises:
            ValueError: it is none of the paper's.
        """
        if name not in self._pens:
            raise ValueError(f'there is no pen {name!r}; there are: {", ".join(self._pens)}')
        with self._lock:
            self._finish()
            self._pen = self._pens[name]

    def touch(self, xy_mm: np.ndarray | tuple[float, float], width_mm: float | None = None) -> None:
        """Put the pen down at a point, which leaves a dot; a line begun before is finished.

        Args:
            width_mm: of the line there, for pens that press; None: the pen's.
        """
        width = None if width_mm is None else np.array([width_mm], dtype=np.float64)
        with self._lock:
            self._finish()
            self._wet = [(_points(xy_mm), width)]
            self._touching = True

    def ink(self, xy_mm: np.ndarray, width_mm: np.ndarray | None = None) -> None:
        """Move the pen that is down through (N, 2) points, with (N,) widths of the line there; None: the pen's.

        Raises:
            ValueError: the pen is not on the paper, or there are not as many widths as points.
        """
        points = _points(xy_mm)
        widths = None if width_mm is None else np.array(width_mm, dtype=np.float64)
        if widths is not None and widths.shape != (len(points),):
            raise ValueError(f'{len(points)} points need as many widths, not an array of shape {widths.shape}')
        with self._lock:
            if not self._touching:
                raise ValueError('the pen is not on the paper; touch it first')
            if len(points):
                self._wet.append((points, widths))

    def lift(self) -> None:
        """Take the pen off; without a line begun it does nothing."""
        with self._lock:
            self._finish()

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line on the sheet in the order drawn, the unfinished one too."""
        with self._lock:
            return (*self._dry, *self._unfinished())

    @property
    def polylines(self) -> tuple[np.ndarray, ...]:
        """Where `lines` lie: (N, 2) float64 mm, N = 1 for a dot."""
        return tuple(line.xy for line in self.lines)

    @property
    def ink_mm(self) -> float:
        """Length of all lines."""
        return float(sum(np.hypot(*np.diff(xy, axis=0).T).sum() for xy in self.polylines))

    def image(self, px_per_mm: float = 8.0) -> np.ndarray:
        """The sheet seen from above: white paper, dark ink; (H, W) uint8, or RGB (H, W, 3) where it `is_coloured`.

        Its lower left corner is the page's origin: the point (x, y) mm lies `x * px_per_mm` from the left and
        `y * px_per_mm` from the bottom edge.

        Raises:
            ValueError: a resolution that is not positive or makes more than `MAX_PIXELS`.
        """
        if not fits(px_per_mm, POSITIVE):
            raise ValueError(f'{px_per_mm} px/mm is not a resolution')
        width = max(1, round(self.page.width_mm * px_per_mm))
        height = max(1, round(self.page.height_mm * px_per_mm))
        if width * height > MAX_PIXELS:
            raise ValueError(f'{px_per_mm:g} px/mm makes a picture of {width} x {height}; choose a lower resolution')
        lines = self.lines
        channels = 3 if self.is_coloured else 1
        sheet = np.full((height, width, channels), 255, dtype=np.uint8)
        for colour in dict.fromkeys(line.colour for line in lines):
            own = [line for line in lines if line.colour == colour]
            ink = coverage([line.xy for line in own], px_per_mm, [line.width_mm for line in own], height, width)
            _glaze(sheet, ink, 1.0 - _shades(colour)[:channels] / 255.0)
        return sheet if channels == 3 else sheet[..., 0]

    def save_png(self, path: str | Path, px_per_mm: float = 8.0) -> None:
        """Write `image` to a PNG file, whole or not at all.

        Raises:
            SketchRobotError: BAD_GOAL, the file cannot be written.
        """
        save_png(path, self.image(px_per_mm))

    def _unfinished(self) -> list[Line]:
        if not self._wet:
            return []
        points = np.concatenate([part for part, _ in self._wet])
        width: float | np.ndarray = self._pen.width_mm
        if any(widths is not None for _, widths in self._wet):
            width = np.concatenate(
                [np.full(len(part), self._pen.width_mm) if own is None else own for part, own in self._wet]
            )
        return [Line(points, width, self._pen.colour)]

    def _finish(self) -> None:
        self._dry += self._unfinished()
        self._wet = []
        self._touching = False


def paper_of(plan: DrawingPlan) -> Paper:
    """The sheet that a perfect machine leaves, for previews and comparisons."""
    paper = Paper(plan.page, plan.profile.pen_width_mm, plan.pens)
    for stroke in plan.strokes:
        width_mm = line_width_mm(stroke, plan.profile)
        paper.take_pen(stroke.pen)
        paper.touch(stroke.xy[0], None if width_mm is None else float(width_mm[0]))
        paper.ink(stroke.xy[1:], None if width_mm is None else width_mm[1:])
        paper.lift()
    return paper


def paper_with(page: Page, polylines: Iterable[np.ndarray], pen_width_mm: float = 0.5) -> Paper:
    """A sheet with given lines, (N, 2) mm each, as of an emulated machine."""
    paper = Paper(page, pen_width_mm)
    for xy in polylines:
        paper.touch(xy[0])
        paper.ink(xy[1:])
        paper.lift()
    return paper


def save_png(path: str | Path, image: np.ndarray) -> None:
    """Write a picture, (H, W) or (H, W, 3) RGB uint8, to a PNG file, whole or not at all.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written.
    """
    done, data = cv2.imencode('.png', image if image.ndim == 2 else image[..., ::-1])
    if not done:
        raise SketchRobotError(ErrorCode.INTERNAL, f'a picture of shape {image.shape} cannot be coded as PNG')
    with replacing(path) as draft:
        draft.write_bytes(data.tobytes())


def coverage(
    polylines: Sequence[np.ndarray],
    px_per_mm: float,
    width_mm: float | Sequence[float | np.ndarray],
    height_px: int,
    width_px: int,
) -> np.ndarray:
    """How much of each pixel lies under lines.

    Args:
        polylines: (N, 2) mm each, origin at the picture's lower left corner, y up.
        px_per_mm: resolution.
        width_mm: of all lines, or of each: one number, or (N,) at its points, linear between them.
        height_px, width_px: of the picture.

    Returns:
        (height_px, width_px) float32 in [0, 1].
    """
    ink = np.zeros((height_px, width_px), dtype=np.float32)
    widths = repeat(width_mm, len(polylines)) if isinstance(width_mm, int | float) else width_mm
    for xy, width in zip(polylines, widths, strict=True):
        radius = np.broadcast_to(np.asarray(width, dtype=np.float64) * (0.5 * px_per_mm), len(xy))
        _cover(ink, xy[:, 0] * px_per_mm, height_px - xy[:, 1] * px_per_mm, np.ascontiguousarray(radius))
    return ink


def _points(xy_mm: np.ndarray | tuple[float, float]) -> np.ndarray:
    return np.array(xy_mm, dtype=np.float64).reshape(-1, 2)


def _shades(colour: str) -> np.ndarray:
    """(3,) float64: red, green and blue of an ink, in [INK_GREY, 255]."""
    return np.array([max(INK_GREY, int(colour[k : k + 2], 16)) for k in (1, 3, 5)], dtype=np.float64)


@numba.njit(cache=True)
def _glaze(sheet, ink, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Take a share of the light of each channel of (H, W, C) uint8 where there is ink, (H, W) float32."""
    for row in range(ink.shape[0]):
        for column in range(ink.shape[1]):
            if ink[row, column] > 0.0:
                for channel in range(sheet.shape[2]):
                    left = sheet[row, column, channel] * (1.0 - taken[channel] * ink[row, column])
                    sheet[row, column, channel] = np.uint8(np.rint(left))


@numba.njit(cache=True)
def _cover(ink, x, y, radius):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Raise each pixel's ink to how much of it lies under the polyline (x, y), in pixels, y down, with half widths."""
    height, width = ink.shape
    for i in range(max(1, len(x) - 1)):
        j = min(i + 1, len(x) - 1)
        span_x, span_y = x[j] - x[i], y[j] - y[i]
        reach = max(radius[i], radius[j]) + 0.5
        pieces = int(np.hypot(span_x, span_y) / (4.0 * reach)) + 1  # short pieces: a slanted line has a large box
        dx, dy, grows = span_x / pieces, span_y / pieces, (radius[j] - radius[i]) / pieces
        square = dx * dx + dy * dy
        for k in range(pieces):
            ax, ay, first = x[i] + k * dx, y[i] + k * dy, radius[i] + k * grows
            first_row = max(0, int(np.floor(min(ay, ay + dy) - reach)))
            last_row = min(height - 1, int(np.ceil(max(ay, ay + dy) + reach)))
            first_column = max(0, int(np.floor(min(ax, ax + dx) - reach)))
            last_column = min(width - 1, int(np.ceil(max(ax, ax + dx) + reach)))
            for row in range(first_row, last_row + 1):
                for column in range(first_column, last_column + 1):
                    px, py = column + 0.5 - ax, row + 0.5 - ay
                    along = 0.0 if square == 0.0 else min(1.0, max(0.0, (px * dx + py * dy) / square))
                    px, py = px - along * dx, py - along * dy
                    away = px * px + py * py
                    if away < reach * reach:
                        half = first + along * grows
                        # a line thinner than a pixel covers its width of it at most
                        share = min(half + 0.5 - np.sqrt(away), 1.0, 2.0 * half)
                        if share > ink[row, column]:
                            ink[row, column] = share
