"""What every machine checks of a plan before it moves."""

from __future__ import annotations

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan

OFF_PAGE_MM = 1e-6  # rounding is no excursion


def check_plan(plan: DrawingPlan) -> None:
    """Refuse a plan that cannot be drawn.

    Raises:
        SketchRobotError: NOTHING_TO_DRAW, it has no strokes; OFF_PAGE, a point lies outside the page; the message says
            which stroke and where.
    """
    if not plan.strokes:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'the plan has no strokes')
    high = np.array([plan.page.width_mm, plan.page.height_mm]) + OFF_PAGE_MM
    for number, stroke in enumerate(plan.strokes):
        outside = ((stroke.xy < -OFF_PAGE_MM) | (stroke.xy > high)).any(axis=1)
        if outside.any():
            x, y = stroke.xy[int(np.argmax(outside))]
            raise SketchRobotError(
                ErrorCode.OFF_PAGE,
                f'stroke {number} leaves the page {plan.page.width_mm:g} x {plan.page.height_mm:g} mm '
                f'at ({x:.1f}, {y:.1f}) mm; nothing was drawn',
            )
