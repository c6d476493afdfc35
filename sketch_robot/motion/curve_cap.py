"""Slow down in curves: no vertex is passed faster than sqrt(a / curvature).

Junction deviation looks at one corner at a time, so a curve cut into short segments looks straight to it: a circle of
2 mm in segments of 0.2 mm would be drawn at four times the acceleration that was set. The curvature at a vertex is that
of the circle through it and the points that lie `WINDOW_MM` before and after it on the polyline, or one segment where
that is longer; so a circle gets its own radius however it is cut, and the jitter of single vertices is damped. A lone
corner has a gentle circle between its long segments and stays with junction deviation.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sketch_robot.motion.corner_speeds import corner_limit

_NO_AXES = np.zeros(2)
WINDOW_MM = 0.5  # to each side: half the radius of the smallest curves on a portrait on A5, some 1 mm


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
