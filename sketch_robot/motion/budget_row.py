"""The row in which strokes are kept as a time budget grows, and the steps along it.

The row goes by rank, the face first, but no stroke comes so early that the budget which it first fits into would have
been far from used up before. A step along it is a whole stroke, or a piece of one that would be too long a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.motion.cut import stroke_until
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import travel_seconds, work_seconds
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.drawing_order import stroke_bands
from sketch_robot.strokes.importance import BANDS, rank_strokes

LARGEST_STEP = 0.06  # of the time so far, that a step should take: a budget is used to 94 %
LARGEST_PIECE = 0.04  # of the time so far, that a piece of a stroke should take
LEAST_BUDGET_S = 30.0  # where that begins to hold; below, what matters comes first, if it takes long or not
LEAST_PIECE_MM = 2.0  # of a stroke that is kept in part


@dataclass(frozen=True, eq=False)
class Row:
    """Strokes as they are kept, and the steps along them.

    Attributes:
        strokes: in the order of the row; cut ones begin at the end that is nearer to what comes before.
        whole: (M,) int64, how many of them are kept whole at each step.
        piece_mm: (M,) float64, how much of the next one, from its start; 0 for none of it.
    """

    strokes: tuple[Stroke, ...]
    whole: np.ndarray
    piece_mm: np.ndarray

    def __len__(self) -> int:
        """How many steps there are."""
        return len(self.whole)

    def until(self, step: int) -> list[Stroke]:
        """What is kept after so many steps, at least one."""
        whole, piece_mm = int(self.whole[step - 1]), float(self.piece_mm[step - 1])
        kept = list(self.strokes[:whole])
        return [*kept, stroke_until(self.strokes[whole], piece_mm)] if piece_mm > 0.0 else kept

    def least_seconds(self, profile: PenProfile) -> np.ndarray:
        """What drawing up to each step takes at the very least, however it is ordered: (M,) float64."""
        ink_mm = np.concatenate(([0.0], np.cumsum([stroke.length for stroke in self.strokes])))
        count = self.whole + (self.piece_mm > 0.0)
        lifts_s = profile.dropping_s + profile.lifting_s
        return (ink_mm[self.whole] + self.piece_mm) / profile.draw_speed_mm_s + count * lifts_s


def make_row(strokes: Sequence[Stroke], profile: PenProfile) -> Row:
    """The row of some strokes and its steps, the same for every budget.

    A stroke that takes more than `LARGEST_PIECE` of the time so far, or of `LEAST_BUDGET_S`, has steps of its own; the
    way there, touching and lifting cannot be divided.

    Args:
        strokes: mm of the page's frame.
    """
    order = in_a_row(strokes, profile)
    cost_s, way_home_s = _costs(strokes, profile)
    row: list[Stroke] = []
    whole: list[int] = []
    piece_mm: list[float] = []
    so_far_s = 2.0 * way_home_s
    for k in order.tolist():
        stroke, length_mm = strokes[k], strokes[k].length
        step_s = LARGEST_PIECE * max(LEAST_BUDGET_S, so_far_s)
        if cost_s[k] > step_s and length_mm >= 2.0 * LEAST_PIECE_MM:
            ink_s = min(length_mm / profile.draw_speed_mm_s, cost_s[k])
            count = np.ceil(ink_s / max(step_s - (cost_s[k] - ink_s), 0.5 * step_s))
            count = int(min(count, length_mm // LEAST_PIECE_MM))
            stroke = _from_the_near_end(stroke, row)
            pieces = length_mm * np.arange(1, count) / max(count, 1)
            whole += [len(row)] * len(pieces)
            piece_mm += pieces.tolist()
        row.append(stroke)
        whole.append(len(row))
        piece_mm.append(0.0)
        so_far_s += cost_s[k]
    return Row(tuple(row), np.array(whole, dtype=np.int64), np.array(piece_mm))


def in_a_row(strokes: Sequence[Stroke], profile: PenProfile) -> np.ndarray:
    """In which order strokes are kept as a budget grows: (N,) int64, the same for every budget.

    By rank, band after band. But a stroke that takes more than `LARGEST_STEP` of the time so far waits, unless it is no
    longer than most or takes no more than that of `LEAST_BUDGET_S`: the others of its band go first, and when it is
    twice as long, those of other bands as well.

    Args:
        strokes: mm of the page's frame.
    """
    rank = rank_strokes(strokes)
    bands = stroke_bands(strokes)
    cost_s, way_home_s = _costs(strokes, profile)
    short_s = max(LARGEST_STEP * LEAST_BUDGET_S, float(np.median(cost_s))) if len(strokes) else 0.0
    ready: list[list[tuple[int, int]]] = [[] for _ in BANDS]  # heaps of (place by rank, stroke)
    long: list[list[tuple[float, int, int]]] = [[] for _ in BANDS]  # heaps of (cost, place by rank, stroke)
    for place, k in enumerate(rank.tolist()):
        heappush(long[bands[k]], (cost_s[k], place, k))
    row: list[int] = []
    so_far_s = 2.0 * way_home_s
    while len(row) < len(rank):
        step_s = max(short_s, LARGEST_STEP * so_far_s)
        for band, waiting in enumerate(long):
            while waiting and waiting[0][0] <= step_s:
                _, place, k = heappop(waiting)
                heappush(ready[band], (place, k))
        band = next(b for b in range(len(BANDS)) if ready[b] or long[b])
        others = next((heap for heap in ready if heap), None)
        if ready[band]:
            k = heappop(ready[band])[-1]
        elif others is None or long[band][0][0] <= 2.0 * step_s:
            k = heappop(long[band])[-1]
        else:
            k = heappop(others)[-1]
        row.append(k)
        so_far_s += cost_s[k]
    return np.array(row, dtype=np.int64)


def _costs(strokes: Sequence[Stroke], profile: PenProfile) -> tuple[np.ndarray, float]:
    """What strokes take about, with the way from a near one: (N,) seconds; and the way home from their middle."""
    if not strokes:
        return np.zeros(0), 0.0
    ends = np.concatenate([stroke.xy[[0, -1]] for stroke in strokes])
    near_mm = cKDTree(ends).query(ends, k=min(4, len(ends)))[0][:, -1].reshape(-1, 2).min(axis=1)
    way_home_s = float(travel_seconds(np.hypot(*(ends.mean(axis=0) - HOME_MM)), profile))
    return work_seconds(strokes, profile) + travel_seconds(near_mm, profile), way_home_s


def _from_the_near_end(stroke: Stroke, drawn: Sequence[Stroke]) -> Stroke:
    """The stroke so turned that it begins at the end that is nearer to what is drawn."""
    if not drawn:
        return stroke
    start, end = cKDTree(np.concatenate([other.xy for other in drawn])).query(stroke.xy[[0, -1]])[0]
    return stroke.reversed() if end < start else stroke
