"""Choose the strokes that fit into a time budget, the most important first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import hop_seconds, work_seconds
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import rank_strokes
from sketch_robot.strokes.order import Order, order_strokes


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


def order_in_time(
    strokes: Sequence[Stroke], work_s: np.ndarray, profile: PenProfile, *, seconds: float
) -> tuple[Order, float]:
    """Order strokes; and predicted seconds from home through all of them and back.

    Args:
        strokes: mm of the page's frame.
        work_s: (N,) seconds of each stroke without travel.
        seconds: how long to search, see `order_strokes`.
    """
    starts = np.array([stroke.xy[0] for stroke in strokes])
    ends = np.array([stroke.xy[-1] for stroke in strokes])
    order = order_strokes(starts, ends, home=HOME_MM, seconds=seconds)
    flipped = order.flipped[:, None]
    entered = np.where(flipped, ends[order.index], starts[order.index])
    left = np.where(flipped, starts[order.index], ends[order.index])
    hops = np.vstack((entered, HOME_MM)) - np.vstack((HOME_MM, left))
    return order, float(work_s.sum() + hop_seconds(hops, profile).sum())


def within_budget(
    strokes: Sequence[Stroke], profile: PenProfile, budget_s: float, *, order_s: float
) -> tuple[np.ndarray, Order, float]:
    """The longest row of strokes by rank whose drawing, travel and lifts included, takes no longer than the budget.

    Strokes that would not fit even alone are passed over; else each longer budget keeps what a shorter one kept.

    Args:
        strokes: mm of the page's frame, at least one.
        budget_s: predicted seconds from home and back home.
        order_s: how long each try may search for an order, see `order_strokes`.

    Returns:
        kept: (K,) int64 indices of `strokes`, most important first.
        order: how to draw `strokes[kept]`.
        seconds: predicted, from home and back home.

    Raises:
        SketchRobotError: NOTHING_TO_DRAW, no stroke fits; the message says the least time that would do.
    """
    work_s = work_seconds(strokes, profile)
    ends = np.array([(stroke.xy[0], stroke.xy[-1]) for stroke in strokes])
    alone_s = work_s + hop_seconds(ends - HOME_MM, profile).sum(axis=1)
    ranked = rank_strokes(strokes)
    ranked = ranked[alone_s[ranked] <= budget_s]
    if len(ranked) == 0:
        raise SketchRobotError(
            ErrorCode.NOTHING_TO_DRAW,
            f'a time budget of {budget_s:g} s leaves nothing to draw; the shortest stroke takes {alone_s.min():.2f} s',
        )

    def attempt(count: int) -> tuple[Order, float]:
        kept = ranked[:count]
        return order_in_time([strokes[k] for k in kept], work_s[kept], profile, seconds=order_s)

    fits, best = 1, attempt(1)
    too_many = int(np.searchsorted(np.cumsum(work_s[ranked]), budget_s, side='right')) + 1
    while too_many - fits > 1:
        count = (fits + too_many) // 2
        tried = attempt(count)
        if tried[1] <= budget_s:
            fits, best = count, tried
        else:
            too_many = count
    return ranked[:fits], *best
