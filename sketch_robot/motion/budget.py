"""Choose the strokes that fit into a time budget, what matters first.

The strokes are put in a row once, whatever the budget: by rank, the face first. A step along it is a whole stroke, or a
piece of one that would be too long a step. A budget keeps the row up to one of its steps. Which is found
by bisection, whose tries depend on the row alone. So for two budgets the searches look at the same steps until they
part, and from there on the longer one keeps more: **what a budget keeps, every longer one keeps**, whatever the
predicted times are, which need not even grow with the steps, since orders are searched for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.motion.timing import time_plan, travel_seconds, work_seconds
from sketch_robot.stroke import Stroke, stroke_until
from sketch_robot.strokes.importance import rank_strokes
from sketch_robot.strokes.ordering.order import (
    PRECEDENCES,
    HopTime,
    Precedence,
    apply_order,
    order_drawing,
)
from sketch_robot.validation import NOT_NEGATIVE, fits

TRY_S = 0.01  # search for an order, for each step that is tried ...
ORDER_S = 0.1  # ... and for what is kept
LARGEST_PIECE = 0.04  # of the time so far, that a piece of a stroke should take
LEAST_BUDGET_S = 30.0  # where that begins to hold
LEAST_PIECE_MM = 2.0  # of a stroke that is kept in part


def check_budget(time_budget_s: float | None) -> float | None:
    """The budget in seconds, or None for no limit (None or 0).

    Raises:
        SketchRobotError: BAD_GOAL, it is negative or not finite.
    """
    if time_budget_s is None or time_budget_s == 0.0:
        return None
    if not fits(time_budget_s, NOT_NEGATIVE):
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


def hop_time(profile: MachineLimits) -> HopTime:
    """How fast a machine moves from stroke to stroke."""
    return HopTime(
        profile.travel_speed_mm_s, profile.travel_accel_mm_s2, profile.axis_speed_mm_s, profile.axis_accel_mm_s2
    )


def order_in_time(
    strokes: Sequence[Stroke],
    profile: MachineLimits,
    *,
    seconds: float | None = None,
    precedence: Precedence = 'soft',
    pens: Sequence[str] = (),
) -> tuple[tuple[Stroke, ...], float]:
    """Order strokes for a short drawing time, each pen's by themselves: the machine parks at home between two pens.

    Args:
        strokes: mm of the page's frame.
        seconds: how long to search, see `order_strokes`; None: `ORDER_S`.
        precedence: see `order_drawing`.
        pens: the strokes' pens in the order of their use. Empty: as the strokes name them.

    Returns:
        the strokes as they are drawn, and the predicted seconds from home through all of them and back.

    Raises:
        ValueError: a stroke's pen is not among `pens`.
    """
    search_s = ORDER_S if seconds is None else seconds
    by_pen: dict[str, list[Stroke]] = {pen: [] for pen in pens or dict.fromkeys(stroke.pen for stroke in strokes)}
    for stroke in strokes:
        if stroke.pen not in by_pen:
            raise ValueError(f'a stroke wants the pen {stroke.pen!r}; there are {", ".join(map(repr, by_pen))}')
        by_pen[stroke.pen].append(stroke)
    drawn: list[Stroke] = []
    for of_pen in by_pen.values():
        share = len(of_pen) / len(strokes) if strokes else 0.0
        order = order_drawing(
            of_pen, home=HOME_MM, seconds=search_s * share, hop=hop_time(profile), precedence=precedence
        )
        drawn += apply_order(of_pen, order)
    stroke_s, return_s = time_plan(drawn, profile, home=HOME_MM)
    return tuple(drawn), float(np.sum(stroke_s)) + return_s


def within_budget(
    strokes: Sequence[Stroke],
    profile: MachineLimits,
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
        precedence, pens: see `order_in_time`.

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


# ----------------------------------------------------------------- the row
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

    def least_seconds(self, profile: MachineLimits) -> np.ndarray:
        """What drawing up to each step takes at the very least, however it is ordered: (M,) float64."""
        ink_mm = np.concatenate(([0.0], np.cumsum([stroke.length for stroke in self.strokes])))
        count = self.whole + (self.piece_mm > 0.0)
        lifts_s = profile.dropping_s + profile.lifting_s
        return (ink_mm[self.whole] + self.piece_mm) / profile.draw_speed_mm_s + count * lifts_s


def make_row(strokes: Sequence[Stroke], profile: MachineLimits) -> Row:
    """The row of some strokes and its steps, the same for every budget.

    A stroke that takes more than `LARGEST_PIECE` of the time so far, or of `LEAST_BUDGET_S`, has steps of its own; the
    way there, touching and lifting cannot be divided.

    Args:
        strokes: mm of the page's frame.
    """
    cost_s, way_home_s = _costs(strokes, profile)
    row: list[Stroke] = []
    whole: list[int] = []
    piece_mm: list[float] = []
    so_far_s = 2.0 * way_home_s
    for k in rank_strokes(strokes).tolist():
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


def _costs(strokes: Sequence[Stroke], profile: MachineLimits) -> tuple[np.ndarray, float]:
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
