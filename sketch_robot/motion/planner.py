"""From strokes in pixels to a plan: fit to the page, choose what there is time for, order, predict."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.budget import check_budget, check_precedence, order_in_time, within_budget
from sketch_robot.motion.fit import fit_strokes, place_on
from sketch_robot.motion.layout import PLAIN, LaidOutSheet, SheetLayout, lay_out
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan, Pen, name_pens, used_pens
from sketch_robot.motion.pressure import press_strokes
from sketch_robot.motion.smoothing import smooth_strokes
from sketch_robot.motion.timing import time_plan
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.merge import ends_of, matched, put_together
from sketch_robot.strokes.ordering.order import Precedence
from sketch_robot.strokes.shapes import fill_shapes, in_few_lines, outlines
from sketch_robot.strokes.weight import FULL, SHAPES_ALONE, Weight, check_weight, weigh_strokes
from sketch_robot.validation import NOT_NEGATIVE, fits

FIT_MM = 0.002  # what fitting may leave out; making curves fair afterwards needs all points that are not on a line
GAP_PENS = 1.0  # of the pen's width; two dots of the pen so far apart touch
LOOK_MM = 0.5  # over which a stroke's direction at its end is taken
FEATURES = ('eye', 'brow', 'nose', 'mouth', 'glasses')
FEATURES_SHARE = 0.85  # of a time budget that these may take when they are drawn as dark as they are
FEW_POINTS = 12  # of a dot drawn as a small circle

_log = logging.getLogger(__name__)


def plan_drawing(
    strokes: Sequence[Stroke],
    size_px: tuple[float, float],
    page: Page,
    profile: MachineLimits,
    *,
    time_budget_s: float | None = None,
    artist: str = '',
    pens: Sequence[Pen] = (),
    precedence: Precedence = 'soft',
    weight: Weight = 'pressure',
    layout: SheetLayout = PLAIN,
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
        weight: what becomes of lines wider than the pen: 'passes' draws them there and back beside themselves, as far
            as pressing does not make them wide; 'pressure' only presses, where the machine can; 'none' does neither.
        layout: what is on the sheet beside the drawing; its time counts, and the budget leaves none of it out.

    Returns:
        the plan; the same for the same input.

    Raises:
        SketchRobotError: BAD_GOAL, the budget, the pens, the precedence, the weight or the picture's size are unusable,
            or the layout does not fit; BAD_PLAN, an SVG in it cannot be read; NOTHING_TO_DRAW, there are no strokes,
            none lies on the page, or the budget is too short for any.
    """
    check_budget(time_budget_s)
    check_precedence(precedence)
    check_weight(weight)
    if len(strokes) == 0:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'the picture gave no strokes; there is nothing to draw')
    sheet = lay_out(layout, page, profile.pen_width_mm)
    box_mm, budget_s = sheet.box_mm, _for_each_copy(time_budget_s, sheet, sheet.written(()), profile)
    placed = join_strokes(sheet.moved(fit_strokes(strokes, size_px, sheet.area, tolerance_mm=FIT_MM)), profile)
    if weight == 'none':
        placed = tuple(replace(stroke, half_width=0.0, half_widths=None) for stroke in outlines(placed))
    elif weight == 'pressure':
        placed = fill_shapes(placed, profile.pen_width_mm, FULL.inside * profile.pen_width_mm)
    else:
        placed = _weighed(placed, profile, box_mm, budget_s)
    fair = _fair(placed, profile, box_mm)
    return plan_strokes(
        fair, page, profile, time_budget_s=time_budget_s, artist=artist, pens=pens, precedence=precedence, sheet=sheet
    )


def _fair(
    placed: Sequence[Stroke], profile: MachineLimits, box_mm: tuple[float, float, float, float]
) -> tuple[Stroke, ...]:
    """Strokes without wobble; the small ones of a shading, of which there are thousands, are as they were meant."""
    meant = [stroke.label == 'shading' and len(stroke.xy) <= FEW_POINTS for stroke in placed]
    smooth = iter(
        smooth_strokes([s for s, is_meant in zip(placed, meant, strict=True) if not is_meant], profile, box_mm=box_mm)
    )
    return tuple(s if is_meant else next(smooth) for s, is_meant in zip(placed, meant, strict=True))


def _for_each_copy(
    time_budget_s: float | None, sheet: LaidOutSheet, written: Sequence[Stroke], profile: MachineLimits
) -> float | None:
    """The part of a time budget that is left for each copy of the drawing; None: there is no limit.

    A way straight on is never longer than by way of home, so that all together keep to the budget when each does.

    Raises:
        SketchRobotError: NOTHING_TO_DRAW, what is written takes all of it.
    """
    budget_s = check_budget(time_budget_s)
    if budget_s is None:
        return None
    stroke_s, return_s = time_plan(written, profile)
    written_s = float(stroke_s.sum()) + return_s
    if written and written_s >= budget_s:
        raise SketchRobotError(
            ErrorCode.NOTHING_TO_DRAW,
            f'what is written beside the drawing takes {written_s:.1f} s, all of the time budget of {budget_s:g} s',
        )
    return (budget_s - written_s) / len(sheet.shifts_mm)


def _tries(
    time_budget_s: float, sheet: LaidOutSheet, written: Sequence[Stroke], profile: MachineLimits
) -> tuple[float, ...]:
    """Budgets of one copy to be tried, the last one sure to keep to that of the sheet."""
    sure_s = _for_each_copy(time_budget_s, sheet, written, profile) or 0.0
    if len(sheet.shifts_mm) == 1:
        return (sure_s,)
    most_s = time_budget_s / len(sheet.shifts_mm)  # drawn on the way, a copy needs less than by itself from home
    return tuple(sure_s + share * (most_s - sure_s) for share in (1.0, 0.75, 0.5, 0.25, 0.0))


def _whole_sheet(
    drawn: Sequence[Stroke], written: Sequence[Stroke], sheet: LaidOutSheet, profile: MachineLimits
) -> tuple[tuple[Stroke, ...], np.ndarray, float]:
    """All strokes of a sheet in drawing order, and their times."""
    pressed = press_strokes(drawn, profile)
    last_pen = pressed[-1].pen  # of those that are used, which also writes
    every = (*sheet.copied(pressed), *(replace(stroke, pen=last_pen) for stroke in written))
    stroke_s, return_s = time_plan(every, profile)
    return every, stroke_s, return_s


def _weighed(
    placed: Sequence[Stroke],
    profile: MachineLimits,
    box_mm: tuple[float, float, float, float],
    time_budget_s: float | None,
) -> tuple[Stroke, ...]:
    """Strokes drawn as often as their widths ask for; within a budget, as often as eyes, brows, nose and mouth leave
    time for the rest."""
    pen_mm = max(profile.pen_width_mm, profile.firmest_mm)
    weighed = weigh_strokes(placed, pen_mm, box=box_mm)
    if not time_budget_s or not placed or order_in_time(weighed, profile, seconds=0.0)[1] <= time_budget_s:
        return weighed
    features = [stroke for stroke in placed if stroke.label in FEATURES]
    around = [stroke for stroke in placed if stroke.label not in FEATURES]
    for filling in (FULL, SHAPES_ALONE):
        heavy = weigh_strokes(features, pen_mm, filling, box=box_mm)
        if not heavy or order_in_time(heavy, profile, seconds=0.0)[1] <= FEATURES_SHARE * time_budget_s:
            return (*heavy, *fill_shapes(around, pen_mm, SHAPES_ALONE.inside * pen_mm))
    return in_few_lines(placed, pen_mm, SHAPES_ALONE.inside * pen_mm)


def pen_in_pixels(
    size_px: tuple[float, float], page: Page, profile: MachineLimits, layout: SheetLayout = PLAIN
) -> float:
    """How wide the pen's line is on a picture of that width and height, once that lies on the page; pixels.

    Raises:
        SketchRobotError: BAD_GOAL, see `lay_out`; the picture has no size.
    """
    return profile.pen_width_mm / place_on(lay_out(layout, page, profile.pen_width_mm).area, size_px).scale


def plan_strokes(
    placed: Sequence[Stroke],
    page: Page,
    profile: MachineLimits,
    *,
    time_budget_s: float | None = None,
    artist: str = '',
    pens: Sequence[Pen] = (),
    precedence: Precedence = 'soft',
    sheet: LaidOutSheet | None = None,
) -> DrawingPlan:
    """Plan strokes that lie on their page already; see `plan_drawing`.

    Args:
        placed: in millimetres of the page's frame, inside its drawable area; with a `sheet`, in its frame and box.
        sheet: what else is on the page, and how often the drawing is; None: nothing, and once.
    """
    sheet = sheet or lay_out(PLAIN, page, profile.pen_width_mm)
    check_budget(time_budget_s)
    check_precedence(precedence)
    if not placed:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'all strokes lie outside the drawable part of the page')
    written = sheet.written(placed)
    placed, pens = name_pens(sheet.onto_page(placed), pens, width_mm=profile.pen_width_mm)
    names = [pen.name for pen in pens]
    drawn, _ = order_in_time(placed, profile, precedence=precedence, pens=names)
    every, stroke_s, return_s = _whole_sheet(drawn, written, sheet, profile)
    if time_budget_s and stroke_s.sum() + return_s > time_budget_s:
        for budget_s in _tries(time_budget_s, sheet, written, profile):
            drawn, _ = within_budget(placed, profile, budget_s, precedence=precedence, pens=names)
            every, stroke_s, return_s = _whole_sheet(drawn, written, sheet, profile)
            if stroke_s.sum() + return_s <= time_budget_s:
                break
    left_out = len(placed) - len(drawn)
    plan = DrawingPlan(every, page, profile, stroke_s, return_s, left_out, artist, used_pens(every, pens))
    _log.info(
        'planned %d strokes, %.2f m of ink, %.2f m of travel, %.1f s; %d left out',
        len(drawn), plan.ink_mm / 1000.0, plan.travel_mm / 1000.0, plan.predicted_s, plan.left_out,
    )  # fmt: skip
    return plan


def join_strokes(
    strokes: Sequence[Stroke], profile: MachineLimits, *, gap_mm: float | None = None
) -> tuple[Stroke, ...]:
    """Join strokes end to end where the gap is below the pen's width, the nearest ends and straightest turns first.

    A lift, a drop and the stop between cost as much as tens of millimetres of line. Ends that lie within a pen's width
    of each other are one place on paper: whatever the turn there, a line between them adds no ink that would be seen.

    Strokes of different pens and labels stay apart, so that what is left out for lack of time stays a thing of its own;
    dots and closed strokes are left alone.

    Args:
        strokes: in mm.
        profile: the machine; its pen's width is the widest gap.
        gap_mm: the widest gap instead; 0 joins what touches.

    Returns:
        the strokes, each joined one in the place of its first; see `put_together`.

    Raises:
        ValueError: the gap is negative or not finite.
    """
    widest = GAP_PENS * profile.pen_width_mm if gap_mm is None else gap_mm
    if not fits(widest, NOT_NEGATIVE):
        raise ValueError(f'a gap of {widest} mm is not a length')
    ends = ends_of(strokes, look=LOOK_MM)
    if len(ends.lines) < 2:
        return tuple(strokes)
    pairs = cKDTree(ends.xy).query_pairs(widest * (1.0 + 1e-12), output_type='ndarray')
    apart = pairs[:, 0] // 2 != pairs[:, 1] // 2
    pairs = pairs[apart & (ends.kind[pairs[:, 0]] == ends.kind[pairs[:, 1]])]
    gaps = np.hypot(*(ends.xy[pairs[:, 0]] - ends.xy[pairs[:, 1]]).T)
    straight = -(ends.away[pairs[:, 0]] * ends.away[pairs[:, 1]]).sum(axis=1)  # 1: goes on straight
    first = np.lexsort((pairs[:, 1], pairs[:, 0], gaps - widest * straight))
    partner = matched(map(tuple, pairs[first].tolist()), len(ends.lines))
    return put_together(strokes, ends.lines, partner)
