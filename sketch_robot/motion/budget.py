"""Choose the strokes that fit into a time budget, what matters first.

The strokes are put in a row once, whatever the budget: by rank, the face first, but none so long that the budget which
it first fits into would have been far from used up before. A budget keeps the first strokes of the row. How many is
found by bisection, whose tries depend on the row alone. So for two budgets the searches look at the same counts until
they part, and from there on the longer one keeps more: **what a budget keeps, every longer one keeps**, whatever the
predicted times are, which need not even grow with the count, since orders are found by searching.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import time_plan, travel_seconds, work_seconds
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.drawing_order import PRECEDENCES, Precedence, apply_order, order_drawing, stroke_bands
from sketch_robot.strokes.importance import BANDS, rank_strokes
from sketch_robot.strokes.order import HopTime

TRY_S = 0.01  # search for an order, for each count of strokes that is tried ...
ORDER_S = 0.1  # ... and for what is kept
LARGEST_STEP = 0.06  # of the time so far, that a stroke may take: a budget is used to 94 %
LEAST_BUDGET_S = 30.0  # where that begins to hold; below, what matters comes first, if it takes long or not


def check_budget(time_budget_s: float | None) -> float | None:
    """The budget in seconds, or None for no limit (None or 0).

    Raises:
        SketchRobotError: BAD_GOAL, it is negative or not finite.
    """
    if time_budget_s is None or time_budget_s == 0.0:
        return None
    if not np.isfinite(time_budget_s) or time_budget_s < 0.0:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'a time budget of {time_budget_s:g} s is not a length of time; give seconds, or 0 for no limit',
        )
    return float(time_budget_s)


def check_precedence(precedence: str) -> None:
    """Refuse a precedence that there is not.

    Raises:
        SketchRobotError: BAD_GOAL; the message names those that there are.
    """
    if precedence not in PRECEDENCES:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'there is no precedence {precedence!r}; choose one of: {", ".join(PRECEDENCES)}'
        )


def hop_time(profile: PenProfile) -> HopTime:
    """How fast a machine moves from stroke to stroke."""
    return HopTime(
        profile.travel_speed_mm_s, profile.travel_accel_mm_s2, profile.axis_speed_mm_s, profile.axis_accel_mm_s2
    )


def order_in_time(
    strokes: Sequence[Stroke],
    profile: PenProfile,
    *,
    seconds: float | None = None,
    precedence: Precedence = 'soft',
    pens: Sequence[str] = (),
) -> tuple[tuple[Stroke, ...], float]:
    """Order strokes for a short drawing time.

    Args:
        strokes: mm of the page's frame.
        seconds: how long to search, see `order_strokes`; None: `ORDER_S`.
        precedence, pens: see `order_drawing`.

    Returns:
        the strokes as they are drawn, and the predicted seconds from home through all of them and back.
    """
    search_s = ORDER_S if seconds is None else seconds
    order = order_drawing(
        strokes, home=HOME_MM, seconds=search_s, hop=hop_time(profile), precedence=precedence, pens=pens
    )
    drawn = apply_order(strokes, order)
    stroke_s, return_s = time_plan(drawn, profile, home=HOME_MM)
    return drawn, float(np.sum(stroke_s)) + return_s


def within_budget(
    strokes: Sequence[Stroke],
    profile: PenProfile,
    budget_s: float,
    *,
    precedence: Precedence = 'soft',
    pens: Sequence[str] = (),
) -> tuple[tuple[Stroke, ...], float]:
    """The strokes that are kept when a drawing, travel and lifts included, must take no longer than a budget.

    A longer budget keeps what a shorter one kept.

    Args:
        strokes: mm of the page's frame, at least one.
        budget_s: predicted seconds from home and back home.
        precedence, pens: see `order_drawing`.

    Returns:
        the strokes as they are drawn, and the predicted seconds.

    Raises:
        SketchRobotError: NOTHING_TO_DRAW, the budget is too short for the first stroke; the message says how long that
            takes.
    """
    row = [strokes[k] for k in in_a_row(strokes, profile)]
    pens = pens or tuple(dict.fromkeys(stroke.pen for stroke in strokes))
    least_s = _least_seconds(row, profile)
    fits, too_many = 0, len(row) + 1
    drawn: tuple[Stroke, ...] = ()
    drawn_s = 0.0
    while too_many - fits > 1:
        count = (fits + too_many) // 2
        if least_s[count - 1] > budget_s:  # whatever the order
            too_many = count
            continue
        tried, tried_s = order_in_time(row[:count], profile, seconds=TRY_S, precedence=precedence, pens=pens)
        if tried_s <= budget_s:
            fits, drawn, drawn_s = count, tried, tried_s
        else:
            too_many = count
    if fits == 0:
        _, first_s = order_in_time(row[:1], profile, seconds=0.0, pens=pens)
        raise SketchRobotError(
            ErrorCode.NOTHING_TO_DRAW,
            f'a time budget of {budget_s:g} s leaves nothing to draw; the first stroke takes {first_s:.2f} s',
        )
    longer, longer_s = order_in_time(row[:fits], profile, precedence=precedence, pens=pens)
    return (longer, longer_s) if longer_s <= drawn_s else (drawn, drawn_s)


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


def _least_seconds(row: Sequence[Stroke], profile: PenProfile) -> np.ndarray:
    """What drawing the first strokes of a row takes at the very least, however they are ordered: (N,) float64."""
    ink_s = np.array([stroke.length for stroke in row]) / profile.draw_speed_mm_s
    return np.cumsum(ink_s + profile.dropping_s + profile.lifting_s)
