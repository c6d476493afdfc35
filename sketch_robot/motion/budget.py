"""Choose the strokes that fit into a time budget, what matters first.

The strokes are put in a row once, whatever the budget, with steps along it (`budget_row.py`). A budget keeps the row up
to one of its steps. Which is found by bisection, whose tries depend on the row alone. So for two budgets the searches
look at the same steps until they part, and from there on the longer one keeps more: **what a budget keeps, every longer
one keeps**, whatever the predicted times are, which need not even grow with the steps, since orders are searched for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.budget_row import make_row
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import time_plan
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.drawing_order import PRECEDENCES, Precedence, apply_order, order_drawing
from sketch_robot.strokes.order import HopTime

TRY_S = 0.01  # search for an order, for each step that is tried ...
ORDER_S = 0.1  # ... and for what is kept


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

    A longer budget keeps what a shorter one kept. One long stroke may be kept in part, from its end that is nearer to
    what is kept.

    Args:
        strokes: mm of the page's frame, at least one.
        budget_s: predicted seconds from home and back home.
        precedence, pens: see `order_drawing`.

    Returns:
        the strokes as they are drawn, and the predicted seconds.

    Raises:
        SketchRobotError: NOTHING_TO_DRAW, the budget is too short for the first step; the message says how long that
            takes.
    """
    row = make_row(strokes, profile)
    pens = pens or tuple(dict.fromkeys(stroke.pen for stroke in strokes))
    least_s = row.least_seconds(profile)
    fits, too_many = 0, len(row) + 1
    drawn: tuple[Stroke, ...] = ()
    drawn_s = 0.0
    while too_many - fits > 1:
        step = (fits + too_many) // 2
        if least_s[step - 1] > budget_s:  # whatever the order
            too_many = step
            continue
        tried, tried_s = order_in_time(row.until(step), profile, seconds=TRY_S, precedence=precedence, pens=pens)
        if tried_s <= budget_s:
            fits, drawn, drawn_s = step, tried, tried_s
        else:
            too_many = step
    if fits == 0:
        _, first_s = order_in_time(row.until(1), profile, seconds=0.0, pens=pens)
        raise SketchRobotError(
            ErrorCode.NOTHING_TO_DRAW,
            f'a time budget of {budget_s:g} s leaves nothing to draw; the least to be drawn takes {first_s:.2f} s',
        )
    longer, longer_s = order_in_time(row.until(fits), profile, precedence=precedence, pens=pens)
    return (longer, longer_s) if longer_s <= drawn_s else (drawn, drawn_s)
