"""What a pen has left on a sheet: ink kept as polylines, and seen as a picture at any moment.

The picture is the coverage of round-nibbed lines. Each pixel takes its distance to the nearest ink, so that lines have
their true width at any resolution, lie exact to a fraction of a pixel, and do not darken where they cross or overlap.
"""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numba
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan

INK_GREY = 24  # a fine liner is not quite black
MAX_PIXELS = 200_000_000  # A3 at 40 px/mm; more is a slip of the unit rather than a wish


class Paper:
    """A sheet that a pen draws on. Every method may be called from any thread, also while the pen is moving.

    Args:
        page: the sheet; its size is the picture's.
        pen_width_mm: width of the line.

    Raises:
        ValueError: the page or the pen has no finite, positive size.
    """

    def __init__(self, page: Page, pen_width_mm: float = 0.5) -> None:
        sizes = np.array([page.width_mm, page.height_mm, pen_width_mm])
        if not (np.isfinite(sizes).all() and (sizes > 0.0).all()):
            raise ValueError(f'a paper of {sizes[0]:g} x {sizes[1]:g} mm and a pen of {sizes[2]:g} mm cannot be drawn')
        self.page = page
        self.pen_width_mm = float(pen_width_mm)
        self._lock = threading.Lock()
        self._dry: list[np.ndarray] = []  # finished lines
        self._wet: list[np.ndarray] = []  # pieces of the line being drawn
        self._touching = False

    def touch(self, xy_mm: np.ndarray | tuple[float, float]) -> None:
        """Put the pen down at a point, which leaves a dot; a line begun before is finished."""
        with self._lock:
            self._finish()
            self._wet = [_points(xy_mm)]
            self._touching = True

    def ink(self, xy_mm: np.ndarray) -> None:
        """Move the pen that is down through (N, 2) points.

        Raises:
            ValueError: the pen is not on the paper.
        """
        points = _points(xy_mm)
        with self._lock:
            if not self._touching:
                raise ValueError('the pen is not on the paper; touch it first')
            if len(points):
                self._wet.append(points)

    def lift(self) -> None:
        """Take the pen off; without a line begun it does nothing."""
        with self._lock:
            self._finish()

    @property
    def polylines(self) -> tuple[np.ndarray, ...]:
        """Every line on the sheet in the order drawn, the unfinished one too: (N, 2) float64 mm, N = 1 for a dot."""
        with self._lock:
            wet = [np.concatenate(self._wet)] if self._wet else []
            return (*self._dry, *wet)

    @property
    def ink_mm(self) -> float:
        """Length of all lines."""
        return float(sum(np.hypot(*np.diff(xy, axis=0).T).sum() for xy in self.polylines))

    def image(self, px_per_mm: float = 8.0) -> np.ndarray:
        """The sheet seen from above: (H, W) uint8, white paper, dark ink.

        Its lower left corner is the page's origin: the point (x, y) mm lies `x * px_per_mm` from the left and
        `y * px_per_mm` from the bottom edge.

        Raises:
            ValueError: a resolution that is not positive or makes more than `MAX_PIXELS`.
        """
        if not (np.isfinite(px_per_mm) and px_per_mm > 0.0):
            raise ValueError(f'{px_per_mm} px/mm is not a resolution')
        width = max(1, round(self.page.width_mm * px_per_mm))
        height = max(1, round(self.page.height_mm * px_per_mm))
        if width * height > MAX_PIXELS:
            raise ValueError(f'{px_per_mm:g} px/mm makes a picture of {width} x {height}; choose a lower resolution')
        ink = coverage(self.polylines, px_per_mm, self.pen_width_mm, height, width)
        return (255.0 - (255.0 - INK_GREY) * ink).round().astype(np.uint8)

    def save_png(self, path: str | Path, px_per_mm: float = 8.0) -> None:
        """Write `image` to a PNG file, whole or not at all.

        Raises:
            SketchRobotError: BAD_GOAL, the file cannot be written.
        """
        save_png(path, self.image(px_per_mm))

    def _finish(self) -> None:
        if self._wet:
            self._dry.append(np.concatenate(self._wet))
        self._wet = []
        self._touching = False


def paper_of(plan: DrawingPlan) -> Paper:
    """The sheet that a perfect machine leaves, for previews and comparisons."""
    paper = Paper(plan.page, plan.profile.pen_width_mm)
    for stroke in plan.strokes:
        paper.touch(stroke.xy[0])
        paper.ink(stroke.xy[1:])
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
    polylines: tuple[np.ndarray, ...], px_per_mm: float, width_mm: float, height_px: int, width_px: int
) -> np.ndarray:
    """How much of each pixel lies under lines of a width.

    Args:
        polylines: (N, 2) mm each, origin at the picture's lower left corner, y up.
        px_per_mm: resolution.
        width_mm: of the lines.
        height_px, width_px: of the picture.

    Returns:
        (height_px, width_px) float32 in [0, 1].
    """
    radius = 0.5 * width_mm * px_per_mm
    nearest = np.full((height_px, width_px), np.float32(radius + 1.0), dtype=np.float32)
    for xy in polylines:
        _lower_distance(nearest, xy[:, 0] * px_per_mm, height_px - xy[:, 1] * px_per_mm, radius + 1.0)
    # a line thinner than a pixel covers its width of it at most
    return np.clip(radius - nearest + 0.5, 0.0, min(1.0, 2.0 * radius)).astype(np.float32)


def _points(xy_mm: np.ndarray | tuple[float, float]) -> np.ndarray:
    return np.array(xy_mm, dtype=np.float64).reshape(-1, 2)


@numba.njit(cache=True)
def _lower_distance(nearest, x, y, reach):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Lower each pixel centre's distance to that of the polyline (x, y) in pixels, y down, where below `reach`."""
    height, width = nearest.shape
    for i in range(max(1, len(x) - 1)):
        j = min(i + 1, len(x) - 1)
        span_x, span_y = x[j] - x[i], y[j] - y[i]
        pieces = int(np.hypot(span_x, span_y) / (4.0 * reach)) + 1  # short pieces: a slanted line has a large box
        dx, dy = span_x / pieces, span_y / pieces
        square = dx * dx + dy * dy
        for k in range(pieces):
            ax, ay = x[i] + k * dx, y[i] + k * dy
            first_row = max(0, int(np.floor(min(ay, ay + dy) - reach)))
            last_row = min(height - 1, int(np.ceil(max(ay, ay + dy) + reach)))
            first_column = max(0, int(np.floor(min(ax, ax + dx) - reach)))
            last_column = min(width - 1, int(np.ceil(max(ax, ax + dx) + reach)))
            for row in range(first_row, last_row + 1):
                for column in range(first_column, last_column + 1):
                    px, py = column + 0.5 - ax, row + 0.5 - ay
                    along = 0.0 if square == 0.0 else min(1.0, max(0.0, (px * dx + py * dy) / square))
                    distance = np.hypot(px - along * dx, py - along * dy)
                    if distance < nearest[row, column]:
                        nearest[row, column] = distance
