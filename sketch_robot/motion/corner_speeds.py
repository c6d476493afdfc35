"""How fast a machine may pass each vertex of a polyline, as GRBL plans it: compiled loops over plain arrays.

The corner speed is GRBL's junction deviation (Jeon 2011; GRBL 1.1, `plan_buffer_line`): v^2 = a d s / (1 - s) with
s = sin(theta / 2), theta the angle between the segments (180 degrees: straight on), d the deviation and a the
acceleration that the axes have in the direction in which the corner pushes. A pass from the end and a pass from the
start then make every corner reachable: v^2 <= v_neighbour^2 + 2 a L. A planner that sees some blocks only must be able
to stop at the end of what it sees.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_STRAIGHT = 0.999999  # |cos theta| from which GRBL takes a corner for straight, or for a full turn back


@numba.njit(cache=True)
def along_axes(limit: float, x: float, y: float, axes: np.ndarray) -> float:
    """A limit along the unit vector (x, y) that exceeds neither itself nor the limits (2,) of the axes; 0: none."""
    if axes[0] > 0.0 and abs(x) * limit > axes[0]:
        limit = axes[0] / abs(x)
    if axes[1] > 0.0 and abs(y) * limit > axes[1]:
        limit = axes[1] / abs(y)
    return limit


@numba.njit(cache=True)
def segment_limits(xy: np.ndarray, limit: float, axes: np.ndarray) -> np.ndarray:
    """A limit along each segment of a polyline (N, 2) without repeated points: (N - 1,)."""
    limits = np.empty(max(len(xy) - 1, 0))
    for i in range(len(limits)):
        x, y = xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1]
        length = math.hypot(x, y)
        limits[i] = along_axes(limit, x / length, y / length, axes)
    return limits


@numba.njit(cache=True)
def corner_limit(
    ax: float, ay: float, bx: float, by: float, accel: float, axis_accel: np.ndarray, deviation: float
) -> float:
    """The square of the speed at which a machine may turn from one unit vector into another."""
    cos_theta = -(ax * bx + ay * by)
    if cos_theta > _STRAIGHT:
        return 0.0
    if cos_theta < -_STRAIGHT:
        return math.inf
    push = math.hypot(bx - ax, by - ay)
    available = along_axes(accel, (bx - ax) / push, (by - ay) / push, axis_accel)
    s = math.sqrt(0.5 * (1.0 - cos_theta))
    return available * deviation * s / (1.0 - s)


@numba.njit(cache=True)
def corner_speeds(
    xy: np.ndarray,
    speeds: np.ndarray,
    accels: np.ndarray,
    accel: float,
    axis_accel: np.ndarray,
    deviation: float,
    lookahead: int,
) -> np.ndarray:
    """Speed at each point of a polyline (N, 2) without repeated points, at rest at both ends: (N,).

    Args:
        speeds, accels: (N - 1,) limits along each segment.
        accel, axis_accel: what `accels` comes from; axis_accel (2,), 0: none.
        deviation: junction deviation.
        lookahead: blocks that the planner holds, the one in execution included; 0: all.
    """
    n = len(xy)
    squared = np.zeros(n)
    gained = np.zeros(n)  # what braking along each segment takes off the square of the speed
    for i in range(n - 1):
        gained[i] = 2.0 * accels[i] * math.hypot(xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1])
    for i in range(1, n - 1):
        ax, ay = xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1]
        bx, by = xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1]
        a, b = math.hypot(ax, ay), math.hypot(bx, by)
        corner = corner_limit(ax / a, ay / a, bx / b, by / b, accel, axis_accel, deviation)
        slower = min(speeds[i - 1], speeds[i])
        squared[i] = min(corner, slower * slower)
    for i in range(n - 2, 0, -1):
        squared[i] = min(squared[i], squared[i + 1] + gained[i])
    if lookahead > 0:
        _stop_within(squared, gained, lookahead - 1)
    for i in range(1, n - 1):
        squared[i] = min(squared[i], squared[i - 1] + gained[i - 1])
    return np.sqrt(squared)


@numba.njit(cache=True)
def _stop_within(squared: np.ndarray, gained: np.ndarray, blocks: int) -> None:
    """Lower the squares of speeds (N,) so that each could be braked to rest within so many segments."""
    n = len(squared)
    for i in range(1, n - 1):
        if i + blocks < n - 1:  # else the end is in sight
            room = 0.0
            for k in range(i, i + blocks):
                room += gained[k]
            squared[i] = min(squared[i], room)


@numba.njit(cache=True)
def segment_seconds(xy: np.ndarray, corners: np.ndarray, speeds: np.ndarray, accels: np.ndarray) -> np.ndarray:
    """Seconds of each segment, given the speeds (N,) at its ends and the limits (N - 1,) along it: (N - 1,)."""
    seconds = np.empty(max(len(xy) - 1, 0))
    for i in range(len(seconds)):
        v0, v1, accel = corners[i], corners[i + 1], accels[i]
        length = math.hypot(xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1])
        peak = min(speeds[i], math.sqrt(0.5 * (v0 * v0 + v1 * v1) + accel * length))
        cruise = max(length - (2.0 * peak * peak - v0 * v0 - v1 * v1) / (2.0 * accel), 0.0)
        seconds[i] = (2.0 * peak - v0 - v1) / accel + cruise / peak
    return seconds
