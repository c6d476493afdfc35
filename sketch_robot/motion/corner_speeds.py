"""How fast a machine may pass each vertex of a polyline, as GRBL plans it: compiled loops over plain arrays.

The corner speed is GRBL's junction deviation (Jeon 2011): v^2 = a d s / (1 - s) with
s = sin(theta / 2), theta the angle between the segments (180 degrees: straight on), d the deviation and a the
acceleration that the axes have in the direction in which the corner pushes. A pass from the end and a pass from the
start then make every corner reachable: v^2 <= v_neighbour^2 + 2 a L. A planner that sees some blocks only must be able
to stop at the end of what it sees.

In curves no vertex is passed faster than sqrt(a / curvature). Junction deviation looks at one corner at a time, so a
curve cut into short segments looks straight to it: a circle of 2 mm in segments of 0.2 mm would be drawn at four times
the acceleration that was set. The curvature at a vertex is that of the circle through it and the points that lie
`WINDOW_MM` before and after it on the polyline, or one segment where that is longer; so a circle gets its own radius
however it is cut, and the jitter of single vertices is damped. A lone corner has a gentle circle between its long
segments and stays with junction deviation.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_NO_AXES = np.zeros(2)
WINDOW_MM = 0.5  # to each side: half the radius of the smallest curves on a portrait on A5, some 1 mm


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
    push = math.hypot(bx - ax, by - ay)  # 2 cos(theta / 2)
    if push == 0.0:  # straight on
        return math.inf
    available = along_axes(accel, (bx - ax) / push, (by - ay) / push, axis_accel)
    s = 0.5 * math.hypot(ax + bx, ay + by)
    return available * deviation * s * (1.0 + s) / (0.25 * push * push)  # 1 - s^2 = (push / 2)^2


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


# ----------------------------------------------------------------- curves
@numba.njit(cache=True)
def _point_along(xy: np.ndarray, start: int, step: int, distance: float) -> tuple[float, float]:
    """The point `distance` along a polyline from its vertex `start`, ahead (step 1) or back (-1); else its end."""
    last = len(xy) - 1 if step > 0 else 0
    i = start
    while i != last:
        x, y = xy[i + step, 0] - xy[i, 0], xy[i + step, 1] - xy[i, 1]
        length = math.hypot(x, y)
        if length >= distance:
            share = distance / length
            return xy[i, 0] + share * x, xy[i, 1] + share * y
        distance -= length
        i += step
    return xy[last, 0], xy[last, 1]


@numba.njit(cache=True)
def curvatures(xy: np.ndarray, window: float) -> np.ndarray:
    """Curvature at each vertex of a polyline (N, 2) without repeated points, 1 / mm: (N,); 0 at both ends."""
    found = np.zeros(len(xy))
    for i in range(1, len(xy) - 1):
        before = math.hypot(xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1])
        after = math.hypot(xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1])
        ax, ay = _point_along(xy, i, -1, max(window, before))
        cx, cy = _point_along(xy, i, 1, max(window, after))
        ux, uy, vx, vy = xy[i, 0] - ax, xy[i, 1] - ay, cx - xy[i, 0], cy - xy[i, 1]
        sides = math.hypot(ux, uy) * math.hypot(vx, vy) * math.hypot(cx - ax, cy - ay)
        if sides > 0.0:  # else the line runs back on itself, which junction deviation stops
            found[i] = 2.0 * abs(ux * vy - uy * vx) / sides
    return found


@numba.njit(cache=True)
def cap_in_curves(xy: np.ndarray, speeds: np.ndarray, accel: float, deviation: float, window: float) -> None:
    """Lower the speeds (N - 1,) of segments so that no vertex is passed faster than sqrt(accel / curvature).

    A vertex binds the shorter of its two segments, and the longer one the less the longer it is: a long straight line
    that ends in a curve need not be slow from its beginning. Where junction deviation is the stricter limit by itself,
    the segments are left alone likewise: there is a corner.
    """
    curved = curvatures(xy, window)
    for i in range(1, len(xy) - 1):
        if curved[i] <= 0.0:
            continue
        most = math.sqrt(accel / curved[i])
        ax, ay = xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1]
        bx, by = xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1]
        a, b = math.hypot(ax, ay), math.hypot(bx, by)
        corner = corner_limit(ax / a, ay / a, bx / b, by / b, accel, _NO_AXES, deviation)
        if corner <= 0.0:
            continue
        most *= max(1.0, most * most / corner)
        speeds[i - 1] = min(speeds[i - 1], most * max(1.0, a / b))
        speeds[i] = min(speeds[i], most * max(1.0, b / a))
