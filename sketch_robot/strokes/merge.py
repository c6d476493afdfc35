"""Join strokes end to end: those that go on in one another, and bundles of short hatch strokes to zigzags.

Every stroke costs a lift, a drop and the stop between. But ink that joins two strokes must look as if it were meant: it
goes straight on over a small gap, or turns back at the edge of a bundle of hatching, and never touches other ink.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.stroke import Stroke
from sketch_robot.strokes.tracing.arms import turn_cost

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

LOOK_WIDTHS = 6.0  # of the line's half width, over which its end's direction is taken


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


@dataclass(frozen=True, eq=False)
class Ends:
    """Both ends of every open line among some strokes; end 2 k is the start of line k, 2 k + 1 its end.

    Attributes:
        lines: (L,) int64, the strokes that are open lines, by their numbers.
        xy: (2 L, 2) float64.
        away: (2 L, 2) float64, unit vectors in which the lines leave their ends.
        half_width: (2 L,) float64, 0 when unknown.
        kind: (2 L,) int64; only ends of one kind (label and pen) may be put together.
    """

    lines: np.ndarray
    xy: np.ndarray
    away: np.ndarray
    half_width: np.ndarray
    kind: np.ndarray


def ends_of(strokes: Sequence[Stroke], *, look: float) -> Ends:
    """The ends of those strokes that are neither dots nor closed.

    Args:
        look: the least length over which a direction is taken, in the strokes' unit.
    """
    lines = [k for k, stroke in enumerate(strokes) if len(stroke.xy) > 1 and not stroke.closed]
    kinds: dict[tuple[str, str], int] = {}
    xy, away, half_width, kind = [], [], [], []
    for k in lines:
        stroke = strokes[k]
        number = kinds.setdefault((stroke.label, stroke.pen), len(kinds))
        for side in (0, -1):
            xy.append(stroke.xy[side])
            half_width.append(stroke.half_width if stroke.half_widths is None else stroke.half_widths[side])
            away.append(_away(stroke.xy, side, max(look, LOOK_WIDTHS * stroke.half_width)))
            kind.append(number)
    return Ends(
        np.array(lines, dtype=np.int64),
        np.array(xy, dtype=np.float64).reshape(-1, 2),
        np.array(away, dtype=np.float64).reshape(-1, 2),
        np.array(half_width, dtype=np.float64),
        np.array(kind, dtype=np.int64),
    )


def _away(xy: np.ndarray, side: int, look: float) -> np.ndarray:
    inward = xy if side == 0 else xy[::-1]
    far = np.hypot(*(inward - inward[0]).T)
    reached = np.flatnonzero(far >= look)
    way = inward[reached[0] if len(reached) else int(np.argmax(far))] - inward[0]
    length = np.hypot(*way)
    return way / length if length > 0.0 else way


def matched(pairs: Iterable[tuple[int, int]], count: int, *, rings: bool = False) -> dict[int, int]:
    """Take pairs of ends, the first first, as long as both are free and no ring comes of it.

    Args:
        pairs: of ends.
        count: of lines.
        rings: whether lines may be put together to rings.

    Returns:
        the other end, for each end that has one.
    """
    partner: dict[int, int] = {}
    group = list(range(count))

    def root(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    for a, b in pairs:
        if a in partner or b in partner or (root(a // 2) == root(b // 2) and not rings):
            continue
        partner[a], partner[b] = b, a
        group[root(a // 2)] = root(b // 2)
    return partner


def put_together(strokes: Sequence[Stroke], lines: np.ndarray, partner: dict[int, int]) -> tuple[Stroke, ...]:
    """Draw lines without lifting where their ends are partners; straight from end to end.

    Args:
        strokes: all.
        lines, partner: see `Ends` and `matched`.

    Returns:
        the strokes, each one that was put together in the place of its first; importance and half width are means by
        length, and what belongs to points is kept.
    """
    result: list[Stroke | None] = list(strokes)
    used: set[int] = set()
    starts = sorted(set(range(2 * len(lines))) - set(partner)) + sorted(partner)  # rings last
    for first in starts:
        if first // 2 in used:
            continue
        row: list[tuple[int, Stroke]] = []
        end: int | None = first
        while end is not None and end // 2 not in used:
            used.add(end // 2)
            k = int(lines[end // 2])
            row.append((k, strokes[k] if end % 2 == 0 else strokes[k].reversed()))
            end = partner.get(end ^ 1)
        ring = end is not None
        if len(row) > 1 or ring:
            for k, _ in row:
                result[k] = None
            result[min(k for k, _ in row)] = _chain([stroke for _, stroke in row], ring=ring)
    return tuple(stroke for stroke in result if stroke is not None)


def _chain(row: list[Stroke], *, ring: bool) -> Stroke:
    length = np.array([stroke.length for stroke in row])
    share = length / length.sum() if length.sum() > 0.0 else np.full(len(row), 1.0 / len(row))
    widths = [stroke.half_widths for stroke in row]
    if any(values is not None for values in widths):
        widths = [
            np.full(len(stroke.xy), stroke.half_width) if values is None else values
            for stroke, values in zip(row, widths, strict=True)
        ]
    xy = np.concatenate([stroke.xy for stroke in row] + ([row[0].xy[:1]] if ring else []))
    moved: np.ndarray = np.concatenate(([True], (np.diff(xy, axis=0) != 0.0).any(axis=1)))
    return replace(
        row[0],
        xy=xy,
        half_width=float(share @ [stroke.half_width for stroke in row]),
        importance=float(np.clip(share @ [stroke.importance for stroke in row], 0.0, 1.0)),
        half_widths=_concatenated(widths, ring=ring),
        pressure=_concatenated([stroke.pressure for stroke in row], ring=ring),
    ).taking(moved)


def _concatenated(arrays: list[np.ndarray | None], *, ring: bool) -> np.ndarray | None:
    """One after another, a ring's first value again at its end; None when one is missing."""
    known = [array for array in arrays if array is not None]
    if len(known) < len(arrays):
        return None
    return np.concatenate([*known, known[0][:1]] if ring else known)
