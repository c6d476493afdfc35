"""How long a pen movement takes: trapezoids between corners, as GRBL plans them.

Each segment starts and ends at the speed that its corners allow, accelerates at a constant rate up to the set speed
and brakes likewise. The corner speed is GRBL's junction deviation (Jeon 2011; grbl/planner.c, `plan_buffer_line`):
v^2 = a d s / (1 - s) with s = sin(theta / 2), theta the angle between the segments (180 degrees: straight on), a the
acceleration and d the deviation. A pass from the end and a pass from the start then make every corner reachable:
v^2 <= v_neighbour^2 + 2 a L. The look-ahead is the whole polyline; GRBL's is 16 blocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from sketch_robot.motion.profile import PenProfile
from sketch_robot.stroke import Stroke

_STRAIGHT = 0.999999  # |cos theta| from which GRBL takes a corner for straight, or for a full turn back


@numba.njit(cache=True)
def _corner_speeds(xy: np.ndarray, speed: float, accel: float, deviation: float) -> np.ndarray:
    """Speed at each point of a polyline without repeated points, at rest at both ends."""
    n = len(xy)
    squared = np.zeros(n)
    for i in range(1, n - 1):
        ax, ay = xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1]
        bx, by = xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1]
        cos_theta = -(ax * bx + ay * by) / (math.hypot(ax, ay) * math.hypot(bx, by))
        limit = speed * speed
        if cos_theta > _STRAIGHT:
            limit = 0.0
        elif cos_theta > -_STRAIGHT:
            s = math.sqrt(0.5 * (1.0 - cos_theta))
            limit = min(limit, accel * deviation * s / (1.0 - s))
        squared[i] = limit
    for i in range(n - 2, 0, -1):
        reach = squared[i + 1] + 2.0 * accel * math.hypot(xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1])
        squared[i] = min(squared[i], reach)
    for i in range(1, n - 1):
        reach = squared[i - 1] + 2.0 * accel * math.hypot(xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1])
        squared[i] = min(squared[i], reach)
    return np.sqrt(squared)


@numba.njit(cache=True)
def _segment_seconds(xy: np.ndarray, corner: np.ndarray, speed: float, accel: float) -> np.ndarray:
    """Seconds of each segment, given the speeds at its two ends."""
    seconds = np.empty(max(len(xy) - 1, 0))
    for i in range(len(seconds)):
        v0, v1 = corner[i], corner[i + 1]
        length = math.hypot(xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1])
        peak = min(speed, math.sqrt(0.5 * (v0 * v0 + v1 * v1) + accel * length))
        cruise = max(length - (2.0 * peak * peak - v0 * v0 - v1 * v1) / (2.0 * accel), 0.0)
        seconds[i] = (2.0 * peak - v0 - v1) / accel + cruise / peak
    return seconds


@numba.njit(cache=True)
def _polyline_seconds(xy: np.ndarray, offsets: np.ndarray, speed: float, accel: float, deviation: float) -> np.ndarray:
    """Seconds of each polyline `xy[offsets[k]:offsets[k + 1]]`, none with repeated points."""
    seconds = np.zeros(len(offsets) - 1)
    for k in range(len(seconds)):
        part = xy[offsets[k] : offsets[k + 1]]
        seconds[k] = _segment_seconds(part, _corner_speeds(part, speed, accel, deviation), speed, accel).sum()
    return seconds


def _without_repeats(xy: np.ndarray) -> np.ndarray:
    """The points that differ from the one before."""
    if len(xy) < 2:
        return xy
    moved = np.hypot(*np.diff(xy, axis=0).T) > 0.0
    return xy if moved.all() else xy[np.concatenate(([True], moved))]


def _check_machine(speed_mm_s: float, accel_mm_s2: float, junction_deviation_mm: float) -> None:
    if not (math.isfinite(speed_mm_s) and speed_mm_s > 0.0 and math.isfinite(accel_mm_s2) and accel_mm_s2 > 0.0):
        raise ValueError(f'speed {speed_mm_s} mm/s and acceleration {accel_mm_s2} mm/s^2 must be positive')
    if not (math.isfinite(junction_deviation_mm) and junction_deviation_mm >= 0.0):
        raise ValueError(f'junction deviation {junction_deviation_mm} mm must not be negative')


@dataclass(frozen=True, eq=False)
class MotionProfile:
    """Where the pen is at each moment of one movement, from rest to rest.

    Attributes:
        xy_mm: (N, 2) float64, N >= 1; the polyline, repeated points dropped.
        times_s: (N,) float64; when the pen reaches each point; the first is 0.
        corner_speeds_mm_s: (N,) float64; how fast it passes each point; 0 at both ends.
        speed_mm_s, accel_mm_s2: the machine's limits.
    """

    xy_mm: np.ndarray
    times_s: np.ndarray
    corner_speeds_mm_s: np.ndarray
    speed_mm_s: float
    accel_mm_s2: float

    @property
    def seconds(self) -> float:
        """Seconds of the whole movement."""
        return float(self.times_s[-1])

    @property
    def length_mm(self) -> float:
        """Length of the way."""
        return float(np.hypot(*np.diff(self.xy_mm, axis=0).T).sum())

    def position(self, t_s: float) -> tuple[float, float]:
        """Where the pen is `t_s` seconds after the start; its ends before the start and after the end."""
        x, y = self.positions(np.array([t_s]))[0]
        return float(x), float(y)

    def positions(self, t_s: np.ndarray) -> np.ndarray:
        """Where the pen is at many moments: (M,) seconds -> (M, 2) mm."""
        t = np.clip(np.asarray(t_s, dtype=np.float64), 0.0, self.seconds)
        if len(self.xy_mm) == 1:
            return np.repeat(self.xy_mm, len(t), axis=0)
        i = np.clip(np.searchsorted(self.times_s, t, side='right') - 1, 0, len(self.xy_mm) - 2)
        step = self.xy_mm[i + 1] - self.xy_mm[i]
        length = np.hypot(*step.T)
        v0, v1, accel = self.corner_speeds_mm_s[i], self.corner_speeds_mm_s[i + 1], self.accel_mm_s2
        peak = np.minimum(self.speed_mm_s, np.sqrt(0.5 * (v0 * v0 + v1 * v1) + accel * length))
        since, left = t - self.times_s[i], self.times_s[i + 1] - t
        speed_up_s, brake_s = (peak - v0) / accel, (peak - v1) / accel
        cruised = (peak * peak - v0 * v0) / (2.0 * accel) + peak * (since - speed_up_s)
        gone = np.where(
            since < speed_up_s,
            v0 * since + 0.5 * accel * since**2,
            np.where(left < brake_s, length - v1 * left - 0.5 * accel * left**2, cruised),
        )
        return self.xy_mm[i] + step * np.clip(gone / length, 0.0, 1.0)[:, None]


def plan_motion(
    xy_mm: np.ndarray, *, speed_mm_s: float, accel_mm_s2: float, junction_deviation_mm: float
) -> MotionProfile:
    """Plan one movement along a polyline, from rest to rest.

    Args:
        xy_mm: (N, 2) float64, N >= 1, finite, mm. One point alone takes no time.
        speed_mm_s, accel_mm_s2: limits along the way, positive.
        junction_deviation_mm: cornering tolerance; 0 stops at every corner.

    Raises:
        ValueError: points or limits are unusable.
    """
    _check_machine(speed_mm_s, accel_mm_s2, junction_deviation_mm)
    xy = np.array(xy_mm, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) == 0 or not np.isfinite(xy).all():
        raise ValueError('a movement needs finite points of shape (N, 2) with N >= 1')
    xy = np.ascontiguousarray(_without_repeats(xy))
    corner = _corner_speeds(xy, float(speed_mm_s), float(accel_mm_s2), float(junction_deviation_mm))
    seconds = _segment_seconds(xy, corner, float(speed_mm_s), float(accel_mm_s2))
    times = np.concatenate(([0.0], np.cumsum(seconds)))
    return MotionProfile(xy, times, corner, float(speed_mm_s), float(accel_mm_s2))


def travel_motion(from_mm: Sequence[float], to_mm: Sequence[float], profile: PenProfile) -> MotionProfile:
    """Plan one straight movement with the pen up."""
    return plan_motion(
        np.array([from_mm, to_mm], dtype=np.float64),
        speed_mm_s=profile.travel_speed_mm_s,
        accel_mm_s2=profile.travel_accel_mm_s2,
        junction_deviation_mm=profile.junction_deviation_mm,
    )


def draw_motion(xy_mm: np.ndarray, profile: PenProfile) -> MotionProfile:
    """Plan one stroke with the pen down."""
    return plan_motion(
        xy_mm,
        speed_mm_s=profile.draw_speed_mm_s,
        accel_mm_s2=profile.draw_accel_mm_s2,
        junction_deviation_mm=profile.junction_deviation_mm,
    )


def travel_seconds(distance_mm: np.ndarray, profile: PenProfile) -> np.ndarray:
    """Seconds of straight pen-up movements from rest to rest: (...) mm -> (...) s."""
    speed, accel = profile.travel_speed_mm_s, profile.travel_accel_mm_s2
    distance = np.asarray(distance_mm, dtype=np.float64)
    short = distance <= speed * speed / accel
    return np.where(short, 2.0 * np.sqrt(distance / accel), distance / speed + speed / accel)


def draw_seconds(strokes: Sequence[Stroke], profile: PenProfile) -> np.ndarray:
    """Seconds that each stroke's line takes with the pen down, in mm: (len(strokes),) float64. A dot takes none."""
    if not strokes:
        return np.zeros(0)
    parts = [_without_repeats(stroke.xy) for stroke in strokes]
    offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts])))
    return _polyline_seconds(
        np.ascontiguousarray(np.concatenate(parts)),
        offsets,
        float(profile.draw_speed_mm_s),
        float(profile.draw_accel_mm_s2),
        float(profile.junction_deviation_mm),
    )


def time_plan(
    strokes: Sequence[Stroke], profile: PenProfile, *, home: Sequence[float] = (0.0, 0.0)
) -> tuple[np.ndarray, float]:
    """Predict a drawing's times from home through all strokes and back home.

    Args:
        strokes: mm of the page's frame, in drawing order and direction.
        home: where the pen starts and parks, mm.

    Returns:
        stroke_s: (len(strokes),) float64 seconds of each stroke: travel to it, drop, draw, lift.
        return_s: seconds of the way home; 0 without strokes.
    """
    if not strokes:
        return np.zeros(0), 0.0
    starts = np.array([stroke.xy[0] for stroke in strokes] + [home])
    ends = np.array([home, *(stroke.xy[-1] for stroke in strokes)])
    travel = travel_seconds(np.hypot(*(starts - ends).T), profile)
    stroke_s = travel[:-1] + profile.drop_s + draw_seconds(strokes, profile) + profile.lift_s
    return stroke_s, float(travel[-1])
