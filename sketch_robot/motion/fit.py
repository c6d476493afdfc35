"""Put strokes on a page: scale, clip, simplify."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, get_args

import numba
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.polyline import lengths_of, stacked, without_repeats
from sketch_robot.stroke import Stroke

# A chord that stays within t of a curve of radius R spans sqrt(8 R t), at which junction deviation d allows the corner
# speed sqrt(a R d / t). With GRBL's d of 0.01 mm this tolerance asks for 0.7 of the acceleration that is set.
SIMPLIFY_MM = 0.02
HALF_WIDTH_MM = 0.05  # a line's width may be off by a tenth of a millimetre; pens scatter more
IMPORT_MM = 0.005  # what is imported is to stay within 0.01 mm of where it was
SAME_SIZE_MM = 0.5  # sheets that differ by no more are the same: 210 mm, 595 pt, 793.7 px
LEAST_MM = 1e-3  # a straight line has no width
WORTH_SAYING_MM = 0.5
FARTHEST = 1e7  # pixels or mm; ten kilometres
MOST_STROKES = 100_000  # days of drawing
_log = logging.getLogger(__name__)

Scaling = Literal['auto', 'keep', 'fill']
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)


@dataclass(frozen=True)
class Placement:
    """Where a picture lies on a page: x_mm = left_mm + scale * x_px, y_mm = top_mm - scale * y_px.

    Attributes:
        scale: mm of paper for each pixel.
        left_mm, top_mm: where the picture's upper left corner lies, mm in the page's frame.
    """

    scale: float
    left_mm: float
    top_mm: float

    def to_page(self, xy_px: np.ndarray) -> np.ndarray:
        """(N, 2) pixels, y down -> (N, 2) mm in the page's frame, y up."""
        return np.array([self.left_mm, self.top_mm]) + self.scale * np.array([1.0, -1.0]) * xy_px


def place_on(page: Page, size_px: tuple[float, float]) -> Placement:
    """The largest picture of that aspect inside the margins, centred.

    Raises:
        SketchRobotError: BAD_GOAL, the picture has no size.
    """
    width, height = size_px
    if not (np.isfinite([width, height]).all() and width > 0 and height > 0):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'a picture of {width} x {height} pixels has nothing to draw')
    left, bottom, right, top = page.drawable_mm
    scale = min((right - left) / width, (top - bottom) / height)
    return Placement(scale, (left + right - scale * width) / 2.0, (bottom + top + scale * height) / 2.0)


def fit_strokes(
    strokes: Sequence[Stroke], size_px: tuple[float, float], page: Page, *, tolerance_mm: float = SIMPLIFY_MM
) -> tuple[Stroke, ...]:
    """Place strokes on a page.

    Args:
        strokes: in pixels of a picture, y down.
        size_px: width and height of the picture; it is fitted as a whole, so that a drawing keeps its place in it.
        page: where to.
        tolerance_mm: points are left out when the line moves by no more than this.

    Returns:
        strokes in mm of the page's frame, y up, all inside the drawable area; those that leave it are cut in pieces.

    Raises:
        SketchRobotError: BAD_GOAL, the picture has no size; BAD_PLAN, see `check_strokes`.
    """
    check_strokes(strokes)
    placement = place_on(page, size_px)
    scaled = [scale_stroke(stroke, placement.scale, placement.to_page(stroke.xy)) for stroke in strokes]
    return tuple(simplify_stroke(stroke, tolerance_mm) for stroke in clip_strokes(scaled, page.drawable_mm))


def place_sheet(
    strokes: Sequence[Stroke], size_mm: tuple[float, float], page: Page, *, scaling: Scaling = 'auto'
) -> tuple[Stroke, ...]:
    """Place strokes that lie on a sheet of their own.

    Args:
        strokes: in mm of their sheet, origin at its lower left corner, y up.
        size_mm: width and height of that sheet.
        page: where to.
        scaling: 'auto' leaves them as they are on a page of the sheet's size, and fits the sheet into the drawable area
            of another; 'keep' keeps their true size, the middle of the sheet in the middle of the page; 'fill' makes
            them as large as the drawable area lets.

    Returns:
        strokes in mm of the page's frame, all inside the drawable area; those that leave it are cut in pieces.

    Raises:
        SketchRobotError: BAD_GOAL, the sheet has no size; BAD_PLAN, see `check_strokes`.
    """
    check_strokes(strokes)
    size, paper = np.array(size_mm), np.array([page.width_mm, page.height_mm])
    place_on(page, size_mm)  # refuses what has no size
    scale, corner, origin = 1.0, (paper - size) / 2.0, np.zeros(2)
    if scaling == 'auto' and np.abs(paper - size).max() <= SAME_SIZE_MM:
        corner = np.zeros(2)
    elif scaling != 'keep':
        if scaling == 'fill':
            every = np.concatenate([stroke.xy for stroke in strokes])
            origin = every.min(axis=0)
            size = np.maximum(every.max(axis=0) - origin, LEAST_MM)
        placement = place_on(page, (float(size[0]), float(size[1])))
        scale = placement.scale
        corner = np.array([placement.left_mm, placement.top_mm - scale * size[1]])
    moved = list(strokes)
    if scale != 1.0 or (corner != scale * origin).any():
        moved = [scale_stroke(stroke, scale, (stroke.xy - origin) * scale + corner) for stroke in strokes]
    inside = clip_strokes(moved, page.drawable_mm)
    before, after = (float(lengths_of([stroke.xy for stroke in some]).sum()) for some in (moved, inside))
    if before - after > WORTH_SAYING_MM:
        _log.warning(
            '%.0f mm of lines lie outside of the margins of %g mm and are cut off', before - after, page.margin_mm
        )
    return tuple(simplify_stroke(stroke, IMPORT_MM) for stroke in inside)


def check_strokes(strokes: Sequence[Stroke]) -> None:
    """Refuse what no pen will ever draw, and what rounding would spoil.

    Raises:
        SketchRobotError: BAD_PLAN, there are more than `MOST_STROKES`, or a coordinate is beyond `FARTHEST`.
    """
    if len(strokes) > MOST_STROKES:
        raise SketchRobotError(
            ErrorCode.BAD_PLAN, f'the drawing has {len(strokes)} strokes, more than {MOST_STROKES}; draw it in parts'
        )
    every, offsets = stacked([stroke.xy for stroke in strokes])
    if np.abs(every).max(initial=0.0) > FARTHEST:
        worst = int(np.abs(every).max(axis=1).argmax())
        raise SketchRobotError(
            ErrorCode.BAD_PLAN,
            f'stroke {int(np.searchsorted(offsets, worst, side="right")) - 1} has a coordinate of '
            f'{np.abs(every[worst]).max():.3g}, beyond {FARTHEST:.0e}; check its unit',
        )


def scale_stroke(stroke: Stroke, scale: float, xy: np.ndarray) -> Stroke:
    """The stroke through other points, as many, with its widths scaled."""
    half_widths = None if stroke.half_widths is None else stroke.half_widths * scale
    return replace(stroke, xy=xy, half_width=stroke.half_width * scale, half_widths=half_widths)


def clip_strokes(strokes: Sequence[Stroke], box_mm: tuple[float, float, float, float]) -> list[Stroke]:
    """The parts of strokes inside a rectangle (left, bottom, right, top); what belongs to a point is interpolated where
    a stroke is cut."""
    every, offsets = stacked([stroke.xy for stroke in strokes])
    outside = ((every < box_mm[:2]) | (every > box_mm[2:])).any(axis=1)
    if not outside.any():
        return list(strokes)
    cut = np.logical_or.reduceat(outside, offsets[:-1])
    inside = []
    for stroke, is_cut in zip(strokes, cut.tolist(), strict=True):
        if not is_cut:
            inside.append(stroke)
            continue
        values = [array for array in (stroke.half_widths, stroke.pressure) if array is not None]
        for piece in clip_polyline(np.column_stack((stroke.xy, *values)), box_mm):
            columns = iter(piece.T[2:])
            half_widths = None if stroke.half_widths is None else np.maximum(next(columns), 0.0)
            pressure = None if stroke.pressure is None else np.clip(next(columns), 0.0, 1.0)
            inside.append(replace(stroke, xy=piece[:, :2], half_widths=half_widths, pressure=pressure))
    return inside


def simplify_stroke(stroke: Stroke, tolerance_mm: float) -> Stroke:
    """Leave out points of a stroke; neither its line nor its half widths move by more than the tolerances."""
    if len(stroke.xy) < 3:
        kept = without_repeats(stroke.xy)
        return stroke if kept is stroke.xy else stroke.taking(slice(len(kept)))
    if stroke.half_widths is None:
        return stroke.taking(_spared(stroke.xy, None, tolerance_mm))
    return stroke.taking(_spared(stroke.xy, stroke.half_widths * (tolerance_mm / HALF_WIDTH_MM), tolerance_mm))


def clip_polyline(points: np.ndarray, box: tuple[float, float, float, float]) -> list[np.ndarray]:
    """The parts of a polyline inside a rectangle, edges included (Liang & Barsky 1984).

    Args:
        points: (N, 2 + K) float64, N >= 1: x, y, and what else belongs to a point, interpolated where it is cut.
        box: left, bottom, right, top.

    Returns:
        pieces (M, 2 + K), in the order and direction of the polyline; a point alone or one that never moves is a dot.
    """
    low, high = np.array(box[:2]), np.array(box[2:])
    xy = points[:, :2]
    if ((xy >= low) & (xy <= high)).all():
        return [points]
    points = points[np.concatenate(([True], (np.diff(xy, axis=0) != 0.0).any(axis=1)))]
    xy = points[:, :2]
    inside = ((xy >= low) & (xy <= high)).all(axis=1)
    start, step = points[:-1], np.diff(points, axis=0)
    still = step[:, :2] == 0.0
    with np.errstate(all='ignore'):
        to_low, to_high = (low - xy[:-1]) / step[:, :2], (high - xy[:-1]) / step[:, :2]
    within = (xy[:-1] >= low) & (xy[:-1] <= high)
    enter = np.where(still, np.where(within, 0.0, 2.0), np.minimum(to_low, to_high)).max(axis=1)
    leave = np.where(still, 1.0, np.maximum(to_low, to_high)).min(axis=1)
    # A line that only touches the edge there must not be broken by rounding.
    t0 = np.where(inside[:-1], 0.0, np.maximum(enter, 0.0))
    t1 = np.where(inside[1:], 1.0, np.minimum(leave, 1.0))
    seen = np.flatnonzero(t0 < t1)
    if len(seen) == 0:
        return []
    first = start[seen] + t0[seen, None] * step[seen]
    last = np.where(t1[seen, None] == 1.0, points[seen + 1], start[seen] + t1[seen, None] * step[seen])
    cut = (np.diff(seen) > 1) | (t1[seen[:-1]] < 1.0) | (t0[seen[1:]] > 0.0)
    bounds = np.concatenate(([0], np.flatnonzero(cut) + 1, [len(seen)]))
    pieces = []
    for a, b in pairwise(bounds):
        piece = np.concatenate((first[a : a + 1], last[a:b]))
        piece[:, :2] = np.clip(piece[:, :2], low, high)
        if np.hypot(*np.diff(piece[:, :2], axis=0).T).sum() > 1e-9:  # else rounding's leftover where a line touches
            pieces.append(piece)
    return pieces


@numba.njit(cache=True)
def _kept(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Douglas & Peucker 1973: which points of a polyline, (N, 2 or 3), to keep.

    The nearest place on a chord is the one nearest in x and y; a third coordinate is compared with the chord's there.
    """
    n = len(points)
    keep = np.zeros(n, np.bool_)
    keep[0] = keep[n - 1] = True
    stack = [(0, n - 1)]
    while stack:
        a, b = stack.pop()
        dx, dy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
        squared = dx * dx + dy * dy
        worst, farthest = tolerance * tolerance, -1
        for k in range(a + 1, b):
            px, py = points[k, 0] - points[a, 0], points[k, 1] - points[a, 1]
            t = min(max((px * dx + py * dy) / squared, 0.0), 1.0) if squared > 0.0 else 0.0
            away = (px - t * dx) ** 2 + (py - t * dy) ** 2
            for j in range(2, points.shape[1]):
                away = max(away, (points[k, j] - points[a, j] - t * (points[b, j] - points[a, j])) ** 2)
            if away > worst:
                worst, farthest = away, k
        if farthest >= 0:
            keep[farthest] = True
            stack.append((a, farthest))
            stack.append((farthest, b))
    return keep


def _spared(xy: np.ndarray, third: np.ndarray | None, tolerance: float) -> np.ndarray:
    """(M,) int64: the points that remain; a line that never leaves its first point by more becomes that point."""
    if len(xy) < 3:
        kept = np.arange(len(xy))
    else:
        points = xy if third is None else np.column_stack((xy, third))
        kept = np.flatnonzero(_kept(np.ascontiguousarray(points), float(tolerance)))
    return kept[:1] if len(kept) == 2 and np.array_equal(xy[kept[0]], xy[kept[1]]) else kept


def simplify(xy: np.ndarray, tolerance: float) -> np.ndarray:
    """Leave out points of a polyline that lie within `tolerance` of what remains: (N, 2) -> (M, 2), M <= N.

    The ends stay. What never leaves its first point by more than the tolerance becomes that point alone, a dot.
    """
    return xy[_spared(xy, None, tolerance)]
