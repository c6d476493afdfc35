"""Dark shapes: what is inked wider than a pen's line, such as brows, pupils and nostrils.

A skeleton leaves an iris as a fork. A shape is told from lines by opening its ink with a disc wider than a line (Serra
1982), kept as its outline, and filled by strokes along the insets of that outline, one after another without lifting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.line_art.art import ShapeArea
from sketch_robot.polyline import length_of, points_at
from sketch_robot.stroke import Stroke

FULL = 0.5  # of a part: where more of it is dark, it takes more ink to be
MORE_INK, MOST_INK = 0.12, 0.9  # by how much more at a time; at most
WIDEST_LINE = 3.0  # widths of the pen: what is somewhere wider is a shape
NARROWEST = 2.1  # widths of the pen: so far a shape tapers; what is narrower goes on as a line
LEAST_AREA = 6.0  # squares of the pen's width
LEAST_HOLE = 1.5  # squares of the pen's width
CORNER = 0.6  # widths of the pen by which a shape reaches into its corners, which the disc does not
REACH = 1.2  # widths of the pen from a shape, within which a line leads to it
AHEAD = 0.5  # cosine between the line's end and the way there
EDGE = 0.7  # widths of the pen by which a shape's ink is taken out beyond it
FINE = 8.0  # pixels across the pen, in which insets are found
REST = 0.35  # of the distance between insets: an inner rest that is deeper has a line of its own
SHORTEST = 0.2  # widths of the pen: smaller insets are dots of the one around them
NEAR = 2.0  # distances between insets, over which the pen stays down from one to the next
LONG = 5.0  # (half the way round)^2 / area: a disc has 3.1, a rectangle three times as long as wide 5.3
SCALE = 2  # pixels in which shapes are told, for one of the ink


def take_shapes(ink: np.ndarray, areas: Sequence[ShapeArea], pen_px: float) -> tuple[list[Stroke], np.ndarray]:
    """Take the dark shapes out of ink.

    Args:
        ink: (H, W) float32 in [0, 1].
        areas: where there may be shapes, those on top last; dark lines elsewhere stay lines.
        pen_px: width of a pen's line.

    Returns:
        their outlines, filled, in pixels of the ink, and what is left: (H, W) float32.
    """
    strokes: list[Stroke] = []
    left = ink.copy() if areas else ink
    soft = cv2.GaussianBlur(ink, (0, 0), 0.25 * pen_px)
    around = round(EDGE * pen_px) + 1
    free = np.ones(ink.shape, bool)
    for area in reversed(areas):
        inside = area.where & free
        free &= ~inside
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if len(rows) == 0:
            continue
        top, first = int(rows[0]), int(columns[0])
        window = slice(top, int(rows[-1]) + 1), slice(first, int(columns[-1]) + 1)
        mask = _shape_mask(soft[window], inside[window], area.least_ink, pen_px)
        if mask is None:
            continue
        for outline in cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
            xy = _calm((outline[:, 0] + 0.5) / SCALE, 0.35 * pen_px * SCALE) + np.array([first, top])
            strokes.append(Stroke(np.vstack([xy, xy[:1]]), pen_px / 2.0, filled=True))
        grown = cv2.dilate(np.pad(mask, around * SCALE), _disc(2 * EDGE * pen_px * SCALE))
        taken = cv2.resize(grown, None, fx=1 / SCALE, fy=1 / SCALE, interpolation=cv2.INTER_AREA)
        _wipe(left, taken > 0, top - around, first - around)
    return strokes, left


def reach_shapes(strokes: Iterable[Stroke], shapes: Sequence[Stroke], pen_px: float) -> tuple[Stroke, ...]:
    """Lead lines on to the shapes that they end in front of: with those, a little of the lines was taken out, too.

    Args:
        strokes: pixels; closed ones and dots have no end to be led on.
        shapes: outlines, in the same pixels.
        pen_px: width of a pen's line.
    """
    if not shapes:
        return tuple(strokes)
    edge = np.vstack([shape.xy for shape in shapes])
    near = cKDTree(edge)
    reaching = []
    for stroke in strokes:
        if stroke.closed:
            reaching.append(stroke)
            continue
        for _ in range(2):  # its end, and its other end
            far, k = near.query(stroke.xy[-1])
            along = stroke.xy[-1] - stroke.xy[-min(len(stroke.xy), 1 + round(pen_px))]
            ahead = along @ (edge[k] - stroke.xy[-1]) > AHEAD * far * np.hypot(*along)
            if ahead and far < REACH * pen_px:
                widths = stroke.half_widths
                longer = None if widths is None else np.append(widths, widths[-1])
                stroke = replace(stroke, xy=np.vstack([stroke.xy, edge[k]]), half_widths=longer, pressure=None)
            stroke = stroke.reversed()
        reaching.append(stroke)
    return tuple(reaching)


def _shape_mask(soft: np.ndarray, inside: np.ndarray, least_ink: float, pen_px: float) -> np.ndarray | None:
    """The shapes of a part, `SCALE` times as large, uint8, holes cut open; None: it has none."""
    pen = pen_px * SCALE
    size = inside.shape[1] * SCALE, inside.shape[0] * SCALE
    large = cv2.resize(np.where(inside, soft, np.float32(0)), size, interpolation=cv2.INTER_CUBIC)
    level, most = least_ink, FULL * np.count_nonzero(inside) * SCALE**2
    while level + MORE_INK < MOST_INK and np.count_nonzero(large > level) > most:
        level += MORE_INK
    dark = (large > level).astype(np.uint8)
    core = cv2.morphologyEx(dark, cv2.MORPH_OPEN, _disc(WIDEST_LINE * pen))
    broad = cv2.morphologyEx(dark, cv2.MORPH_OPEN, _disc(NARROWEST * pen))
    broad = cv2.min(dark, cv2.dilate(broad, _disc(2 * CORNER * pen)))
    count, part, stats, _ = cv2.connectedComponentsWithStats(broad, connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA * pen**2
    keep &= np.isin(np.arange(count), np.unique(part[core > 0]))
    keep[0] = False
    return _opened_holes(keep[part].astype(np.uint8), LEAST_HOLE * pen**2) if keep.any() else None


def _wipe(ink: np.ndarray, mask: np.ndarray, row: int, column: int) -> None:
    """Set ink to 0 under a mask whose corner lies at a place, in part perhaps outside."""
    top, left = max(row, 0), max(column, 0)
    seen = mask[top - row : ink.shape[0] - row, left - column : ink.shape[1] - column]
    ink[top : top + seen.shape[0], left : left + seen.shape[1]][seen] = 0


def _opened_holes(mask: np.ndarray, least_px2: float) -> np.ndarray:
    """A mask whose holes are cut open where it is thinnest, so that an outline goes round them: the light in a pupil.

    Smaller holes are closed.
    """
    outlines, nested = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for outline, (_, _, _, parent) in zip(outlines, [] if nested is None else nested[0], strict=True):
        if parent < 0:
            continue
        if cv2.contourArea(outline) < least_px2:
            cv2.drawContours(mask, [outline], 0, (1,), cv2.FILLED)
            continue
        far, nearest = cKDTree(outlines[parent][:, 0]).query(outline[:, 0])
        here = int(far.argmin())
        ends = outline[here, 0], outlines[parent][nearest[here], 0]
        cv2.line(mask, ends[0].tolist(), ends[1].tolist(), (0,), 1, cv2.LINE_4)  # no outline crosses it at a corner
    return mask


def fill_shapes(strokes: Iterable[Stroke], pen: float, apart: float) -> tuple[Stroke, ...]:
    """Fill the shapes among strokes, and leave the others as they are.

    Args:
        strokes: in any unit.
        pen: width of the pen's line, in that unit.
        apart: distance between the lines of a filling.

    Returns:
        for each shape one stroke, or several where its inside falls into parts; label and importance are the shape's.
    """
    return tuple(piece for stroke in strokes for piece in (_filled(stroke, pen, apart) if stroke.filled else [stroke]))


def in_few_lines(strokes: Iterable[Stroke], pen: float, apart: float) -> tuple[Stroke, ...]:
    """Shapes where there is little time: those that are long as one line along their middle, others filled.

    Args:
        strokes: in any unit; those that are no shapes stay.
        pen, apart: see `fill_shapes`.
    """
    few: list[Stroke] = []
    for stroke in strokes:
        if not stroke.filled:
            few.append(stroke)
            continue
        middle = _middle_line(stroke.xy)
        few += _filled(stroke, pen, apart) if middle is None else [replace(stroke, xy=middle, filled=False)]
    return tuple(few)


def _middle_line(outline: np.ndarray) -> np.ndarray | None:
    """The line (N, 2) between the two sides of a long closed outline, from end to end; None: it is not long."""
    ring = outline[:-1]
    length = length_of(outline) / 2.0
    area = cv2.contourArea(outline.astype(np.float32))
    if len(ring) < 8 or area * LONG > length**2:
        return None
    far = np.hypot(*(ring[:, None] - ring[None]).transpose(2, 0, 1))
    first, last = sorted(np.unravel_index(int(far.argmax()), far.shape))
    count = max(4, min(60, len(ring) // 4))
    sides = [ring[first : last + 1], np.vstack([ring[last:], ring[: first + 1]])[::-1]]
    one, other = (points_at(side, np.linspace(0.0, length_of(side), count)) for side in sides)
    return (one + other) / 2.0


def outlines(strokes: Iterable[Stroke]) -> tuple[Stroke, ...]:
    """The strokes, of shapes no more than their outlines."""
    return tuple(replace(stroke, filled=False) if stroke.filled else stroke for stroke in strokes)


def _filled(stroke: Stroke, pen: float, apart: float) -> list[Stroke]:
    step = pen / FINE
    low = stroke.xy.min(axis=0) - 2 * step
    size = np.ceil((stroke.xy.max(axis=0) - low) / step).astype(int) + 3
    mask = np.zeros((int(size[1]), int(size[0])), np.uint8)
    cv2.fillPoly(mask, [np.rint((stroke.xy - low) / step * 16 - 8).astype(np.int32)], (1,), shift=4)
    depth = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)) * step
    loops = [low + loop * step for loop in _insets(depth, pen / 2.0, apart, SHORTEST * pen)]
    if not loops:
        middle = stroke.xy[:-1].mean(axis=0) if len(stroke.xy) > 1 else stroke.xy[0]
        loops = [middle[None]]
    plain = replace(stroke, half_width=pen / 2.0, half_widths=None, pressure=None, filled=False)
    return [replace(plain, xy=xy) for xy in _in_a_row(loops, NEAR * apart)]


def _insets(depth: np.ndarray, first: float, apart: float, shortest: float) -> list[np.ndarray]:
    """Closed lines at `first` and every `apart` more from the edge, pixels of `depth`, the outermost first."""
    deepest = float(depth.max())
    levels = np.arange(first, max(deepest, first), apart).tolist()
    if levels and deepest - levels[-1] > REST * apart:
        levels.append((levels[-1] + deepest) / 2.0)
    loops = []
    for level in levels:
        inner = (depth > level).astype(np.uint8)
        for found in cv2.findContours(inner, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]:
            xy = found[:, 0].astype(np.float64) + 0.5
            if len(xy) < 3 or max(np.ptp(xy, axis=0)) < shortest * FINE / (2 * first):
                continue
            loops.append(_calm(xy, 0.25 * FINE))
    return loops


def _in_a_row(loops: list[np.ndarray], near: float) -> list[np.ndarray]:
    """Closed lines one after another, each from its point nearest to where the last one ended; lifting where that is
    farther than `near`."""
    waiting = list(loops)
    rows: list[list[np.ndarray]] = []
    while waiting:
        if not rows:
            k, begin, gap = 0, 0, np.inf
        else:
            end = rows[-1][-1][-1]
            nearest = [np.hypot(*(loop - end).T) for loop in waiting]
            k = int(np.argmin([far.min() for far in nearest]))
            begin, gap = int(nearest[k].argmin()), float(nearest[k].min())
        loop = np.roll(waiting.pop(k), -begin, axis=0)
        closed = np.vstack([loop, loop[:1]])
        if gap <= near:
            rows[-1].append(closed)
        else:
            rows.append([closed])
    return [np.vstack(row) for row in rows]


def _calm(xy: np.ndarray, sigma: float) -> np.ndarray:
    """A closed line (N, 2) of pixel steps without its steps, with about a point for two pixels."""
    reach = min(int(3 * sigma) + 1, (len(xy) - 1) // 2)
    if reach < 1:
        return xy
    kernel = np.asarray(cv2.getGaussianKernel(2 * reach + 1, sigma)).ravel()
    padded = np.vstack([xy[-reach:], xy, xy[:reach]])
    smooth = np.column_stack([np.convolve(column, kernel, 'valid') for column in padded.T])
    return smooth[::2] if len(smooth) > 8 else smooth


def _disc(diameter_px: float) -> np.ndarray:
    size = max(1, round(diameter_px)) | 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
