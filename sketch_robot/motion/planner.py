"""From strokes in pixels to a plan: fit to the page, choose what there is time for, order, predict."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.budget import check_budget, check_precedence, order_in_time, within_budget
from sketch_robot.motion.fair import fair_strokes
from sketch_robot.motion.fit import fit_strokes
from sketch_robot.motion.join import join_strokes
from sketch_robot.motion.layers import name_pens, used_pens
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan, Pen
from sketch_robot.motion.pressure import press_strokes
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import time_plan
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.drawing_order import Precedence

FIT_MM = 0.002  # what fitting may leave out; making curves fair afterwards needs all points that are not on a line

_log = logging.getLogger(__name__)


def plan_drawing(
    strokes: Sequence[Stroke],
    size_px: tuple[float, float],
    page: Page,
    profile: PenProfile,
    *,
    time_budget_s: float | None = None,
    artist: str = '',
    pens: Sequence[Pen] = (),
    precedence: Precedence = 'soft',
) -> DrawingPlan:
    """Plan a drawing.

    Args:
        strokes: in pixels of a picture, y down.
        size_px: width and height of the picture, which is fitted into the page's drawable area: aspect kept, centred.
        page, profile: the sheet, and the machine.
        time_budget_s: the most the drawing may take as predicted, travel, lifts and the way home included; the least
            important strokes are left out. None or 0: no limit.
        artist: who drew the strokes, handed on to the plan.
        pens: that strokes may name, in the order of their use; all strokes of one are drawn before those of the next,
            with the machine parked in between. Empty: those that strokes name.
        precedence: whether what matters is drawn early: 'soft' where it costs little time, 'strict' first the face,
            then hair and ears, then the rest, 'none' in the quickest order.

    Returns:
        the plan; the same for the same input.

    Raises:
        SketchRobotError: BAD_GOAL, the budget, the pens, the precedence or the picture's size are unusable;
            NOTHING_TO_DRAW, there are no strokes, none lies on the page, or the budget is too short for any.
    """
    check_budget(time_budget_s)
    check_precedence(precedence)
    if len(strokes) == 0:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'the picture gave no strokes; there is nothing to draw')
    placed = join_strokes(fit_strokes(strokes, size_px, page, tolerance_mm=FIT_MM), profile)
    fair = fair_strokes(placed, profile, box_mm=page.drawable_mm)
    return plan_strokes(
        fair, page, profile, time_budget_s=time_budget_s, artist=artist, pens=pens, precedence=precedence
    )


def plan_strokes(
    placed: Sequence[Stroke],
    page: Page,
    profile: PenProfile,
    *,
    time_budget_s: float | None = None,
    artist: str = '',
    pens: Sequence[Pen] = (),
    precedence: Precedence = 'soft',
) -> DrawingPlan:
    """Plan strokes that lie on their page already; see `plan_drawing`.

    Args:
        placed: in millimetres of the page's frame, inside its drawable area.
    """
    budget_s = check_budget(time_budget_s)
    check_precedence(precedence)
    if not placed:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'all strokes lie outside the drawable part of the page')
    placed, pens = name_pens(placed, pens, width_mm=profile.pen_width_mm)
    names = [pen.name for pen in pens]
    drawn, predicted_s = order_in_time(placed, profile, precedence=precedence, pens=names)
    if budget_s is not None and predicted_s > budget_s:
        drawn, predicted_s = within_budget(placed, profile, budget_s, precedence=precedence, pens=names)
    drawn = press_strokes(drawn, profile)
    stroke_s, return_s = time_plan(drawn, profile)
    left_out = len(placed) - len(drawn)
    plan = DrawingPlan(drawn, page, profile, stroke_s, return_s, left_out, artist, used_pens(drawn, pens))
    _log.info(
        'planned %d strokes, %.2f m of ink, %.2f m of travel, %.1f s; %d left out',
        len(drawn), plan.ink_mm / 1000.0, plan.travel_mm / 1000.0, plan.predicted_s, plan.left_out,
    )  # fmt: skip
    return plan
