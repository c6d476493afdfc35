"""What counts for a robot: strokes, ink, predicted seconds, ink outside the sitter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import PenProfile, make_profile, parse_page
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import drop_specks, trace_ink

PAGE = 'A5'
FAST = PenProfile(
    draw_speed_mm_s=200.0, draw_accel_mm_s2=2000.0, travel_speed_mm_s=200.0, travel_accel_mm_s2=2000.0,
    lift_s=0.1, drop_s=0.1,
)  # fmt: skip
MATTE_MARGIN_PX = 6  # outlines run on the matte's border
DRAWN = 0.5  # ink above this counts as drawn


@dataclass(frozen=True)
class RobotMeasures:
    """A drawing as a plotter has it.

    Attributes:
        strokes: pen-down movements planned.
        ink_mm: length drawn on A5.
        axidraw_s: predicted seconds with saxi's default AxiDraw profile, travel and the way home included.
        fast_s: the same at 200 mm/s, 2000 mm/s^2 and 0.1 s lifts.
    """

    strokes: int
    ink_mm: float
    axidraw_s: float
    fast_s: float


def measure_drawing(ink: np.ndarray, strokes: Sequence[Stroke] | None = None) -> RobotMeasures:
    """Trace (unless strokes are given) and plan on A5.

    Args:
        ink: (H, W) float32 in [0, 1].
        strokes: the artist's own, pixels of `ink`.
    """
    traced = tuple(strokes) if strokes is not None else drop_specks(trace_ink(ink))
    page, size_px = parse_page(PAGE), (ink.shape[1], ink.shape[0])
    try:
        slow = plan_drawing(traced, size_px, page, make_profile('axidraw'))
        fast = plan_drawing(traced, size_px, page, FAST)
    except SketchRobotError as error:
        if error.code is not ErrorCode.NOTHING_TO_DRAW:
            raise
        return RobotMeasures(0, 0.0, 0.0, 0.0)  # an empty drawing costs nothing
    return RobotMeasures(len(slow.strokes), slow.ink_mm, slow.predicted_s, fast.predicted_s)


def ink_outside(ink: np.ndarray, matte: np.ndarray) -> float:
    """Share of the drawn pixels that lie outside the sitter, a margin of 6 px around the matte allowed.

    Args:
        ink, matte: (H, W), both in [0, 1].

    Returns:
        0 for an empty drawing.
    """
    side = 2 * MATTE_MARGIN_PX + 1
    sitter = cv2.dilate((matte > 0.5).astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    drawn = ink > DRAWN
    return float((drawn & ~sitter).sum() / max(1, drawn.sum()))
