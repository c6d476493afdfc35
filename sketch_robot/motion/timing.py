"""How long a drawing takes: the movements of a plan by a machine's profile.

Every movement goes from rest to rest, since raising and lowering the pen waits for it. The machine's planner is GRBL's
(see `corner_speeds`), which with other numbers is that of an AxiDraw as well: constant acceleration, and a cornering
tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from sketch_robot.motion.motion_profile import MotionProfile, plan_motion, polylines_seconds
from sketch_robot.motion.profile import PenProfile
from sketch_robot.stroke import Stroke

__all__ = [
    'MotionProfile',
    'draw_motion',
    'draw_seconds',
    'hop_seconds',
    'plan_motion',
    'time_plan',
    'travel_motion',
    'travel_seconds',
    'work_seconds',
]


def travel_motion(from_mm: Sequence[float], to_mm: Sequence[float], profile: PenProfile) -> MotionProfile:
    """Plan one straight movement with the pen up."""
    return plan_motion(
        np.array([from_mm, to_mm], dtype=np.float64),
        speed_mm_s=profile.travel_speed_mm_s,
        accel_mm_s2=profile.travel_accel_mm_s2,
        junction_deviation_mm=profile.junction_deviation_mm,
        axis_speed_mm_s=profile.axis_speed_mm_s,
        axis_accel_mm_s2=profile.axis_accel_mm_s2,
        stop_s=profile.stop_s,
    )


def draw_motion(xy_mm: np.ndarray, profile: PenProfile) -> MotionProfile:
    """Plan one stroke with the pen down."""
    return plan_motion(xy_mm, stop_s=profile.stop_s, **_pen_down(profile))


def hop_seconds(step_mm: np.ndarray, profile: PenProfile) -> np.ndarray:
    """Seconds of straight pen-up movements from rest to rest: (..., 2) mm -> (...) s. No way takes no time."""
    step = np.abs(np.asarray(step_mm, dtype=np.float64))
    distance = np.hypot(step[..., 0], step[..., 1])
    share = step / np.where(distance > 0.0, distance, 1.0)[..., None]
    speed = _along_axes(profile.travel_speed_mm_s, share, profile.axis_speed_mm_s)
    accel = _along_axes(profile.travel_accel_mm_s2, share, profile.axis_accel_mm_s2)
    return _from_rest_to_rest(distance, speed, accel) + np.where(distance > 0.0, profile.stop_s, 0.0)


def travel_seconds(distance_mm: np.ndarray, profile: PenProfile) -> np.ndarray:
    """The most seconds that straight pen-up movements of some lengths may take in any direction: (...) -> (...)."""
    speed = min((profile.travel_speed_mm_s, *(axis for axis in profile.axis_speed_mm_s if axis > 0.0)))
    accel = min((profile.travel_accel_mm_s2, *(axis for axis in profile.axis_accel_mm_s2 if axis > 0.0)))
    distance = np.asarray(distance_mm, dtype=np.float64)
    return _from_rest_to_rest(distance, speed, accel) + np.where(distance > 0.0, profile.stop_s, 0.0)


def draw_seconds(strokes: Sequence[Stroke], profile: PenProfile) -> np.ndarray:
    """Seconds that each stroke's line takes with the pen down, in mm: (len(strokes),) float64. A dot takes none."""
    moved_s = polylines_seconds([stroke.xy for stroke in strokes], **_pen_down(profile))
    return moved_s + np.where(moved_s > 0.0, profile.stop_s, 0.0)


def work_seconds(strokes: Sequence[Stroke], profile: PenProfile) -> np.ndarray:
    """Seconds of each stroke without the way to it: drop, draw, lift: (len(strokes),) float64."""
    return profile.dropping_s + draw_seconds(strokes, profile) + profile.lifting_s


def time_plan(
    strokes: Sequence[Stroke], profile: PenProfile, *, home: Sequence[float] = (0.0, 0.0)
) -> tuple[np.ndarray, float]:
    """Predict a drawing's times from home through all strokes and back home; changing pens takes no time.

    Args:
        strokes: mm of the page's frame, in drawing order and direction.
        home: where the pen starts and parks, also between two pens, mm.

    Returns:
        stroke_s: (len(strokes),) float64 seconds of each stroke: travel to it, drop, draw, lift.
        return_s: seconds of the way home; 0 without strokes.
    """
    if not strokes:
        return np.zeros(0), 0.0
    leads_to = np.repeat(np.arange(len(strokes) + 1), 1 + _pen_changes(strokes))
    travel_s = np.bincount(leads_to, hop_seconds(hops(strokes, home=home), profile))
    return travel_s[:-1] + work_seconds(strokes, profile), float(travel_s[-1])


def hops(strokes: Sequence[Stroke], *, home: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
    """The pen-up movements from home through all strokes and back home, by way of home between two pens.

    Returns:
        (M, 2) mm; M is len(strokes) + 1, and one more for each change of the pen.
    """
    if not strokes:
        return np.zeros((1, 2))
    starts = np.array([stroke.xy[0] for stroke in strokes] + [home])
    ends = np.array([home, *(stroke.xy[-1] for stroke in strokes)])
    changed = np.flatnonzero(_pen_changes(strokes))
    starts = np.insert(starts, changed, home, axis=0)
    ends = np.insert(ends, changed + 1, home, axis=0)
    return starts - ends


def _pen_changes(strokes: Sequence[Stroke]) -> np.ndarray:
    """(len(strokes) + 1,) int: 1 where another pen than before is needed."""
    pens = [stroke.pen for stroke in strokes]
    return np.array([0, *(a != b for a, b in pairwise(pens)), 0], dtype=np.int64)


def _pen_down(profile: PenProfile) -> dict[str, Any]:
    return {
        'speed_mm_s': profile.draw_speed_mm_s,
        'accel_mm_s2': profile.draw_accel_mm_s2,
        'junction_deviation_mm': profile.junction_deviation_mm,
        'axis_speed_mm_s': profile.axis_speed_mm_s,
        'axis_accel_mm_s2': profile.axis_accel_mm_s2,
        'lookahead_blocks': profile.lookahead_blocks,
        'slow_in_curves': True,
    }


def _along_axes(limit: float, share: np.ndarray, axes: Sequence[float]) -> np.ndarray:
    """A limit along unit vectors (..., 2), of which no axis has more than its own; 0: none."""
    found = np.full(share.shape[:-1], limit)
    for axis, own in enumerate(axes):
        if own > 0.0:
            part = share[..., axis]
            found = np.where(part * found > own, own / np.maximum(part, 1e-12), found)
    return found


def _from_rest_to_rest(distance: np.ndarray, speed: np.ndarray | float, accel: np.ndarray | float) -> np.ndarray:
    short = distance <= speed * speed / accel
    return np.where(short, 2.0 * np.sqrt(distance / accel), distance / speed + speed / accel)
