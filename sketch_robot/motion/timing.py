"""Where the pen is at each moment of a movement, and how long a drawing takes, by a machine's profile.

Every movement goes from rest to rest, since raising and lowering the pen waits for it: trapezoids of speed between the
vertices of a polyline. The machine's planner is GRBL's (see `corner_speeds`), which with other numbers is that of an
AxiDraw as well: constant acceleration, and a cornering tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from sketch_robot.motion.corner_speeds import WINDOW_MM, cap_in_curves, corner_speeds, segment_limits, segment_seconds
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import hops, pen_changes
from sketch_robot.polyline import length_of, stacked_without_repeats, without_repeats
from sketch_robot.stroke import Stroke
from sketch_robot.validation import NOT_NEGATIVE, POSITIVE, all_fit, fits

NO_AXIS_LIMITS = (0.0, 0.0)
_ALL_BLOCKS = 2**31 - 1
_SAME_MM = 1e-6  # a machine that comes to rest so near a point rests at it


@dataclass(frozen=True, eq=False)
class TimedPath:
    """Where the pen is at each moment of one movement, which ends at rest.

    Attributes:
        xy_mm: (N, 2) float64, N >= 1; the polyline, repeated points dropped.
        times_s: (N,) float64; when the pen reaches each point; the first is 0.
        corner_speeds_mm_s: (N,) float64; how fast it passes each point; 0 at the end.
        segment_speeds_mm_s: (N - 1,) float64; the speed set for each segment (a G-code F word), whether it is reached
            or not.
        segment_accels_mm_s2: (N - 1,) float64; the acceleration along each segment.
        stop_s: how long the machine stands at the end until it goes on.
    """

    xy_mm: np.ndarray
    times_s: np.ndarray
    corner_speeds_mm_s: np.ndarray
    segment_speeds_mm_s: np.ndarray
    segment_accels_mm_s2: np.ndarray
    stop_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of the whole movement, with the stop at its end."""
        return float(self.times_s[-1]) + self.stop_s

    @property
    def length_mm(self) -> float:
        """Length of the way."""
        return length_of(self.xy_mm)

    def position(self, t_s: float) -> tuple[float, float]:
        """Where the pen is `t_s` seconds after the start; its ends before the start and after the end."""
        x, y = self.positions(np.array([t_s]))[0]
        return float(x), float(y)

    def positions(self, t_s: np.ndarray) -> np.ndarray:
        """Where the pen is at many moments: (M,) seconds -> (M, 2) mm."""
        t = np.asarray(t_s, dtype=np.float64)
        if len(self.xy_mm) == 1:
            return np.repeat(self.xy_mm, len(t), axis=0)
        i, gone, _ = self._at(t)
        step = self.xy_mm[i + 1] - self.xy_mm[i]
        return self.xy_mm[i] + step * np.clip(gone / np.hypot(*step.T), 0.0, 1.0)[:, None]

    def speeds(self, t_s: np.ndarray) -> np.ndarray:
        """How fast the pen is at many moments: (M,) seconds -> (M,) mm/s."""
        t = np.asarray(t_s, dtype=np.float64)
        return np.zeros(len(t)) if len(self.xy_mm) == 1 else self._at(t)[2]

    def braked(self, t_s: float) -> tuple[TimedPath, np.ndarray]:
        """What happens when the machine brakes at some moment, as hard as it may, and along its way.

        Returns:
            brake: the movement from where the pen then is to where it comes to rest.
            rest_mm: (M, 2) the points still to draw, the first being where it rests; one alone at the end.
        """
        here = np.array([self.position(t_s)])
        if len(self.xy_mm) == 1 or t_s >= self.times_s[-1]:
            return self._still(self.xy_mm[-1:]), self.xy_mm[-1:]
        at, _, speed = self._at(np.array([t_s]))
        first = int(at[0])
        points = np.concatenate((here, self.xy_mm[first + 1 :]))
        lengths = np.hypot(*np.diff(points, axis=0).T)
        accels, nominal = self.segment_accels_mm_s2[first:], self.segment_speeds_mm_s[first:]
        squared = float(speed[0]) ** 2 - np.concatenate(([0.0], np.cumsum(2.0 * accels * lengths)))
        if squared[0] <= 0.0:
            return self._still(here), without_repeats(points)
        last = int(np.argmax(squared <= 0.0)) if (squared <= 0.0).any() else len(points) - 1  # rounding, at the end
        way_mm, end_mm = squared[last - 1] / (2.0 * accels[last - 1]), lengths[last - 1]
        reaches = way_mm >= end_mm - _SAME_MM
        rest = points[last] if reaches else points[last - 1] + way_mm / end_mm * (points[last] - points[last - 1])
        way = np.concatenate((points[:last], rest[None]))
        corners = np.sqrt(np.concatenate((squared[:last], [0.0])))
        times = np.concatenate(([0.0], np.cumsum((corners[:-1] - corners[1:]) / accels[:last])))
        brake = TimedPath(way, times, corners, nominal[:last], accels[:last], self.stop_s)
        return brake, without_repeats(np.concatenate((rest[None], points[last:])))

    def _still(self, point_mm: np.ndarray) -> TimedPath:
        return TimedPath(point_mm, np.zeros(1), np.zeros(1), np.zeros(0), np.zeros(0))

    def _at(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The segment, the mm gone along it, and the speed, at many moments."""
        t = np.clip(t_s, 0.0, self.times_s[-1])
        i = np.clip(np.searchsorted(self.times_s, t, side='right') - 1, 0, len(self.xy_mm) - 2)
        length = np.hypot(*(self.xy_mm[i + 1] - self.xy_mm[i]).T)
        v0, v1, accel = self.corner_speeds_mm_s[i], self.corner_speeds_mm_s[i + 1], self.segment_accels_mm_s2[i]
        peak = np.minimum(self.segment_speeds_mm_s[i], np.sqrt(0.5 * (v0 * v0 + v1 * v1) + accel * length))
        since, left = t - self.times_s[i], self.times_s[i + 1] - t
        speed_up_s, brake_s = (peak - v0) / accel, (peak - v1) / accel
        cruised = (peak * peak - v0 * v0) / (2.0 * accel) + peak * (since - speed_up_s)
        gone = np.where(
            since < speed_up_s,
            v0 * since + 0.5 * accel * since**2,
            np.where(left < brake_s, length - v1 * left - 0.5 * accel * left**2, cruised),
        )
        speed = np.where(since < speed_up_s, v0 + accel * since, np.where(left < brake_s, v1 + accel * left, peak))
        return i, gone, speed


def plan_motion(
    xy_mm: np.ndarray,
    *,
    speed_mm_s: float,
    accel_mm_s2: float,
    junction_deviation_mm: float,
    axis_speed_mm_s: Sequence[float] = NO_AXIS_LIMITS,
    axis_accel_mm_s2: Sequence[float] = NO_AXIS_LIMITS,
    lookahead_blocks: int = 0,
    stop_s: float = 0.0,
    slow_in_curves: bool = False,
) -> TimedPath:
    """Plan one movement along a polyline, from rest to rest.

    Args:
        xy_mm: (N, 2) float64, N >= 1, finite, mm. One point alone takes no time.
        speed_mm_s, accel_mm_s2: limits along the way, positive.
        junction_deviation_mm: cornering tolerance; 0 stops at every corner.
        axis_speed_mm_s, axis_accel_mm_s2: limits of the x and the y axis; 0: none.
        lookahead_blocks: blocks that the planner holds, the one in execution included; 0: all.
        stop_s: what the stop at the end costs, when there is a movement at all.
        slow_in_curves: whether speed is capped by sqrt(a / curvature).

    Raises:
        ValueError: points or limits are unusable.
    """
    _check_machine(speed_mm_s, accel_mm_s2, junction_deviation_mm)
    speed_axes, accel_axes = (_checked_axes(axes) for axes in (axis_speed_mm_s, axis_accel_mm_s2))
    if lookahead_blocks < 0 or not fits(stop_s, NOT_NEGATIVE):
        raise ValueError(f'a look-ahead of {lookahead_blocks} blocks or a stop of {stop_s} s is not possible')
    xy = np.array(xy_mm, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) == 0 or not np.isfinite(xy).all():
        raise ValueError('a movement needs finite points of shape (N, 2) with N >= 1')
    xy = np.ascontiguousarray(without_repeats(xy))
    seconds, corners, speeds, accels = _planned(
        xy,
        float(speed_mm_s),
        float(accel_mm_s2),
        speed_axes,
        accel_axes,
        float(junction_deviation_mm),
        min(int(lookahead_blocks), _ALL_BLOCKS),
        WINDOW_MM if slow_in_curves else 0.0,
    )
    times = np.concatenate(([0.0], np.cumsum(seconds)))
    return TimedPath(xy, times, corners, speeds, accels, float(stop_s) if len(xy) > 1 else 0.0)


def polylines_seconds(
    polylines: Sequence[np.ndarray],
    *,
    speed_mm_s: float,
    accel_mm_s2: float,
    junction_deviation_mm: float,
    axis_speed_mm_s: Sequence[float],
    axis_accel_mm_s2: Sequence[float],
    lookahead_blocks: int,
    slow_in_curves: bool,
) -> np.ndarray:
    """Seconds of many movements, each from rest to rest, without stops: (len(polylines),). For the rest `plan_motion`.

    Args:
        polylines: (N, 2) float64, each with N >= 1, finite.
    """
    if len(polylines) == 0:
        return np.zeros(0)
    xy, offsets = stacked_without_repeats(polylines)
    return _all_seconds(
        xy,
        offsets,
        float(speed_mm_s),
        float(accel_mm_s2),
        _checked_axes(axis_speed_mm_s),
        _checked_axes(axis_accel_mm_s2),
        float(junction_deviation_mm),
        min(int(lookahead_blocks), _ALL_BLOCKS),
        WINDOW_MM if slow_in_curves else 0.0,
    )


@numba.njit(cache=True)
def _planned(
    xy: np.ndarray,
    speed: float,
    accel: float,
    axis_speed: np.ndarray,
    axis_accel: np.ndarray,
    deviation: float,
    lookahead: int,
    window: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Seconds, corner speeds, speeds and accelerations of a polyline's segments; no window: no cap in curves."""
    speeds, accels = segment_limits(xy, speed, axis_speed), segment_limits(xy, accel, axis_accel)
    if window > 0.0:
        push = accel  # in a curve it turns through all directions, so the weakest axis limits it
        for axis in axis_accel:
            if axis > 0.0:
                push = min(push, axis)
        cap_in_curves(xy, speeds, push, deviation, window)
    corners = corner_speeds(xy, speeds, accels, accel, axis_accel, deviation, lookahead)
    return segment_seconds(xy, corners, speeds, accels), corners, speeds, accels


@numba.njit(cache=True)
def _all_seconds(
    xy: np.ndarray,
    offsets: np.ndarray,
    speed: float,
    accel: float,
    axis_speed: np.ndarray,
    axis_accel: np.ndarray,
    deviation: float,
    lookahead: int,
    window: float,
) -> np.ndarray:
    """Seconds of each polyline `xy[offsets[k]:offsets[k + 1]]`, none with repeated points."""
    seconds = np.zeros(len(offsets) - 1)
    for k in range(len(seconds)):
        part = xy[offsets[k] : offsets[k + 1]]
        seconds[k] = _planned(part, speed, accel, axis_speed, axis_accel, deviation, lookahead, window)[0].sum()
    return seconds


def _check_machine(speed_mm_s: float, accel_mm_s2: float, junction_deviation_mm: float) -> None:
    if not (fits(speed_mm_s, POSITIVE) and fits(accel_mm_s2, POSITIVE)):
        raise ValueError(f'speed {speed_mm_s} mm/s and acceleration {accel_mm_s2} mm/s^2 must be positive')
    if not fits(junction_deviation_mm, NOT_NEGATIVE):
        raise ValueError(f'junction deviation {junction_deviation_mm} mm must not be negative')


def _checked_axes(limits: Sequence[float]) -> np.ndarray:
    axes = np.array(limits, dtype=np.float64)
    if axes.shape != (2,) or not all_fit(axes, NOT_NEGATIVE):
        raise ValueError(f'the limits {tuple(limits)} of the two axes must be finite and not negative')
    return axes


# ------------------------------------------------------------- of a drawing
def travel_motion(from_mm: Sequence[float], to_mm: Sequence[float], profile: MachineLimits) -> TimedPath:
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


def draw_motion(xy_mm: np.ndarray, profile: MachineLimits) -> TimedPath:
    """Plan one stroke with the pen down."""
    return plan_motion(xy_mm, stop_s=profile.stop_s, **_pen_down(profile))


def hop_seconds(step_mm: np.ndarray, profile: MachineLimits) -> np.ndarray:
    """Seconds of straight pen-up movements from rest to rest: (..., 2) mm -> (...) s. No way takes no time."""
    step = np.abs(np.asarray(step_mm, dtype=np.float64))
    distance = np.hypot(step[..., 0], step[..., 1])
    share = step / np.where(distance > 0.0, distance, 1.0)[..., None]
    speed = _along_axes(profile.travel_speed_mm_s, share, profile.axis_speed_mm_s)
    accel = _along_axes(profile.travel_accel_mm_s2, share, profile.axis_accel_mm_s2)
    return _from_rest_to_rest(distance, speed, accel) + np.where(distance > 0.0, profile.stop_s, 0.0)


def travel_seconds(distance_mm: np.ndarray, profile: MachineLimits) -> np.ndarray:
    """The most seconds that straight pen-up movements of some lengths may take in any direction: (...) -> (...)."""
    speed = min((profile.travel_speed_mm_s, *(axis for axis in profile.axis_speed_mm_s if axis > 0.0)))
    accel = min((profile.travel_accel_mm_s2, *(axis for axis in profile.axis_accel_mm_s2 if axis > 0.0)))
    distance = np.asarray(distance_mm, dtype=np.float64)
    return _from_rest_to_rest(distance, speed, accel) + np.where(distance > 0.0, profile.stop_s, 0.0)


def draw_seconds(strokes: Sequence[Stroke], profile: MachineLimits) -> np.ndarray:
    """Seconds that each stroke's line takes with the pen down, in mm: (len(strokes),) float64. A dot takes none."""
    moved_s = polylines_seconds([stroke.xy for stroke in strokes], **_pen_down(profile))
    return moved_s + np.where(moved_s > 0.0, profile.stop_s, 0.0)


def work_seconds(strokes: Sequence[Stroke], profile: MachineLimits) -> np.ndarray:
    """Seconds of each stroke without the way to it: drop, draw, lift: (len(strokes),) float64."""
    return profile.dropping_s + draw_seconds(strokes, profile) + profile.lifting_s


def time_plan(
    strokes: Sequence[Stroke], profile: MachineLimits, *, home: Sequence[float] = (0.0, 0.0)
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
    leads_to = np.repeat(np.arange(len(strokes) + 1), 1 + pen_changes(strokes))
    travel_s = np.bincount(leads_to, hop_seconds(hops(strokes, home=home), profile))
    return travel_s[:-1] + work_seconds(strokes, profile), float(travel_s[-1])


def _pen_down(profile: MachineLimits) -> dict[str, Any]:
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
