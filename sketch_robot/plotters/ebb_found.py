"""What a board has drawn since it was left alone: its queue ran out where it stands now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketch_robot.motion.cut import lengths_along
from sketch_robot.plotters.remainder import Proven
from sketch_robot.stroke import Stroke

NEAR_MM = 0.08  # a slice's chord beside the curve, and the rounding to steps
QUEUED_MM = 25.0  # more than a queue draws until it is empty


def found_drawn(strokes: Sequence[Stroke], xy_mm: tuple[float, float], *, down: bool) -> Proven:
    """What is on paper of strokes of which nothing was proven yet, told by where the pen was found.

    Args:
        strokes: in drawing order; the pen was drawing the first when it was last heard of.
        xy_mm: where the pen is.
        down: whether it was found on the paper; else it was lifted after a stroke, and is on its way to the next.
    """
    left_mm = QUEUED_MM
    point = np.array(xy_mm)
    for number, stroke in enumerate(strokes):
        along = _first_near(stroke.xy, point, left_mm)
        if down and along is not None:
            return Proven(number, along)
        left_mm -= stroke.length
        if left_mm <= 0.0:
            break
        # with the pen up on the stroke itself, it is not certain that all of that was drawn
        on_stroke = along is not None and along < stroke.length - 2.0 * NEAR_MM
        if not down and not on_stroke and number + 1 < len(strokes):
            hop = np.array([stroke.xy[-1], strokes[number + 1].xy[0]])
            if _first_near(hop, point, np.inf) is not None:
                return Proven(number + 1)
    return Proven()


def _first_near(xy_mm: np.ndarray, point: np.ndarray, most_mm: float) -> float | None:
    """How far along a polyline it first comes near a point; None: it does not, within a length."""
    if len(xy_mm) == 1:
        return 0.0 if np.hypot(*(xy_mm[0] - point)) <= NEAR_MM else None
    start, step = xy_mm[:-1], np.diff(xy_mm, axis=0)
    length = np.hypot(*step.T)
    squared = np.where(length > 0.0, length**2, 1.0)
    share = np.clip(((point - start) * step).sum(axis=1) / squared, 0.0, 1.0)
    away = np.hypot(*(start + share[:, None] * step - point).T)
    along = lengths_along(xy_mm)[:-1] + share * length
    near = (away <= NEAR_MM) & (along <= most_mm)
    return float(along[int(np.argmax(near))]) if near.any() else None
