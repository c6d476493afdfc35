"""Put strokes together that go on in one another, and bundles of short hatch strokes to zigzags.

Every stroke costs a lift, a drop and the stop between. But ink that joins two strokes must look as if it were meant: it
goes straight on over a small gap, or turns back at the edge of a bundle of hatching, and never touches other ink.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.stroke import Stroke
from sketch_robot.strokes.arms import turn_cost
from sketch_robot.strokes.ends import Ends, ends_of, matched, put_together

LOOK_PX = 5.0  # over which a stroke's direction at its end is taken
GAP_PX = 5.0  # the widest that is bridged: a millimetre on A5
TURN_DEGREES = 25.0
WIDTH_RATIO = 2.5  # of two strokes that are one line
CLEAR_PX = 0.7  # between the added ink and other ink
SAMPLE_PX = 0.5

HATCH_LONGEST_PX, HATCH_SHORTEST_PX = 45.0, 3.0
HATCH_STRAIGHT = 0.92  # chord over length
HATCH_DEGREES = 25.0  # between neighbours
HATCH_APART_PX, HATCH_APART_WIDTHS = 2.5, 4.0  # the farthest, and that times half their width more
HATCH_OVERLAP = 0.5  # of the shorter one's length beside the other


def merge_strokes(strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
    """Merge strokes only where they continue one another: small turns, small gaps, like widths, no other ink between.

    Strokes of different labels or pens stay apart. A stroke whose own ends continue one another becomes closed.

    Args:
        strokes: in pixels.

    Returns:
        as many or fewer strokes; see `put_together`.
    """
    ends = ends_of(strokes, look=LOOK_PX)
    candidates = []
    for a, b in _near(ends, GAP_PX):
        widths = np.sort(ends.half_width[[a, b]])
        if widths[1] > WIDTH_RATIO * max(widths[0], 0.3):
            continue
        turn = turn_cost(ends.xy[a], ends.away[a], 0.0, ends.xy[b], ends.away[b], 0.0)
        gap = float(np.hypot(*(ends.xy[a] - ends.xy[b])))
        if turn < TURN_DEGREES and (a // 2 != b // 2 or strokes[ends.lines[a // 2]].length > 4.0 * GAP_PX):
            candidates.append((turn + gap * TURN_DEGREES / GAP_PX, a, b))
    clear = _Clearance(strokes)
    pairs = ((a, b) for _, a, b in sorted(candidates) if clear(ends, a, b))
    return put_together(strokes, ends.lines, matched(pairs, len(ends.lines), rings=True))


def join_hatching(strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
    """Draw neighbours in a bundle of short, close, parallel strokes back and forth without lifting.

    The ink between their ends lies at the edge of the bundle, no longer than they are apart.

    Args:
        strokes: in pixels.

    Returns:
        as many or fewer strokes; see `put_together`.
    """
    ends = ends_of(strokes, look=LOOK_PX)
    short = np.array([_is_hatch(strokes[k]) for k in ends.lines], dtype=bool)
    candidates = []
    for a, b in _near(ends, HATCH_APART_PX + HATCH_APART_WIDTHS * float(ends.half_width.max(initial=0.0)), short):
        one, other = strokes[ends.lines[a // 2]], strokes[ends.lines[b // 2]]
        apart = float(np.hypot(*(ends.xy[a] - ends.xy[b])))
        if a // 2 == b // 2 or apart > HATCH_APART_PX + HATCH_APART_WIDTHS * min(one.half_width, other.half_width):
            continue
        if float(ends.away[a] @ ends.away[b]) < np.cos(np.radians(HATCH_DEGREES)):
            continue
        if _overlap(one, other) >= HATCH_OVERLAP:
            candidates.append((apart, a, b))
    clear = _Clearance(strokes)
    pairs = ((a, b) for _, a, b in sorted(candidates) if clear(ends, a, b))
    return put_together(strokes, ends.lines, matched(pairs, len(ends.lines)))


def _near(ends: Ends, within_px: float, lines: np.ndarray | None = None) -> list[tuple[int, int]]:
    """Pairs of ends of one kind, of the chosen lines."""
    if len(ends.xy) == 0:
        return []
    pairs = cKDTree(ends.xy).query_pairs(within_px, output_type='ndarray')
    alike = ends.kind[pairs[:, 0]] == ends.kind[pairs[:, 1]]
    if lines is not None:
        alike &= lines[pairs // 2].all(axis=1)
    chosen: list[tuple[int, int]] = [(a, b) for a, b in pairs[alike].tolist()]
    return chosen


def _is_hatch(stroke: Stroke) -> bool:
    length = stroke.length
    chord = float(np.hypot(*(stroke.xy[-1] - stroke.xy[0])))
    return HATCH_SHORTEST_PX <= length <= HATCH_LONGEST_PX and chord >= HATCH_STRAIGHT * length


def _overlap(one: Stroke, other: Stroke) -> float:
    """Which share of the shorter of two straight strokes lies beside the other, along their common direction."""
    first, second = one.xy[-1] - one.xy[0], other.xy[-1] - other.xy[0]
    way = first / np.hypot(*first) + np.sign(first @ second) * second / np.hypot(*second)
    along = np.sort(np.array([one.xy[[0, -1]] @ way, other.xy[[0, -1]] @ way]), axis=1)
    shared = along[:, 1].min() - along[:, 0].max()
    return float(shared / max((along[:, 1] - along[:, 0]).min(), 1e-9))


class _Clearance:
    """Whether a line between two ends keeps clear of all other strokes' ink."""

    def __init__(self, strokes: Sequence[Stroke]) -> None:
        self._strokes = strokes
        self._tree: cKDTree | None = None  # most drawings have nothing to join, and it takes a while

    def _plant(self) -> cKDTree:
        dense = [_dense(stroke) for stroke in self._strokes]
        self._owner = np.repeat(np.arange(len(dense)), [len(points) for points in dense])
        self._half_width = np.array([stroke.half_width for stroke in self._strokes])
        self._widest = float(self._half_width.max())
        return cKDTree(np.concatenate(dense))

    def __call__(self, ends: Ends, a: int, b: int) -> bool:
        tree = self._tree = self._plant() if self._tree is None else self._tree
        start, stop = ends.xy[a], ends.xy[b]
        count = max(2, int(np.hypot(*(stop - start)) / SAMPLE_PX) + 2)
        points = start + np.linspace(0.0, 1.0, count)[:, None] * (stop - start)
        own = {int(ends.lines[a // 2]), int(ends.lines[b // 2])}
        half = float(max(ends.half_width[a], ends.half_width[b]))
        for point, near in zip(points, tree.query_ball_point(points, self._widest + half + CLEAR_PX), strict=True):
            for k in near:
                owner = int(self._owner[k])
                if owner in own:
                    continue
                away = float(np.hypot(*(tree.data[k] - point)))
                if away < self._half_width[owner] + half + CLEAR_PX:
                    return False
        return True


def _dense(stroke: Stroke) -> np.ndarray:
    """Points of a stroke, at most half a pixel or so apart."""
    if len(stroke.xy) < 2:
        return stroke.xy
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(stroke.xy, axis=0).T))))
    if arc[-1] / max(len(arc) - 1, 1) <= SAMPLE_PX and np.diff(arc).max() <= 2.0 * SAMPLE_PX:
        return stroke.xy
    at = np.linspace(0.0, arc[-1], int(arc[-1] / SAMPLE_PX) + 2)
    return np.column_stack([np.interp(at, arc, column) for column in stroke.xy.T])
