"""As few points of a curve as a planner may have without losing time.

Chords that stay within t of a curve of radius R meet at corners that junction deviation d lets pass at sqrt(a R d / t),
while the acceleration a carries the pen round at sqrt(a R): so t <= d loses no time, and larger t does no harm where
the machine's speed is reached anyway.
"""

from __future__ import annotations

import math

import numba
import numpy as np

FINEST_CHORD_MM = 0.004


@numba.njit(cache=True)
def curvature(xy: np.ndarray) -> np.ndarray:
    """Curvature of a curve given by a polyline: (N, 2) mm -> (N,) 1/mm, 0 at both ends.

    At each inner vertex the angle that it turns by over the mean length of its two segments, which for chords of a
    circle is the circle's curvature. A corner is a vertex like any other here: far sharper than its neighbours.
    """
    n = len(xy)
    result = np.zeros(n)
    for i in range(1, n - 1):
        ax, ay = xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1]
        bx, by = xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1]
        length = 0.5 * (math.hypot(ax, ay) + math.hypot(bx, by))
        if length > 0.0:
            result[i] = abs(math.atan2(ax * by - ay * bx, ax * bx + ay * by)) / length
    return result


@numba.njit(cache=True)
def vertices(xy: np.ndarray, chord: float, deviation: float, slowness: float) -> np.ndarray:
    """Which points of a finely sampled curve to keep: chords as long as their tolerance and the planner let them be.

    `slowness` is acceleration over speed squared: at radii above its inverse the machine reaches its speed.
    A chord from a kept point must pass within tolerance of every point since: the directions for which it does narrow
    down point by point (a sleeve, as Williams 1978).
    """
    n = len(xy)
    bend = curvature(xy)
    bend[0], bend[n - 1] = bend[1], bend[n - 2]
    keep = np.zeros(n, np.int64)
    kept = 1
    a = 0
    while a < n - 1:
        low, high = -1e9, 1e9
        b = a + 1
        base = math.atan2(xy[b, 1] - xy[a, 1], xy[b, 0] - xy[a, 0])
        best = b
        while b < n:
            dx, dy = xy[b, 0] - xy[a, 0], xy[b, 1] - xy[a, 1]
            away = math.hypot(dx, dy)
            planner = deviation * max(1.0, slowness / bend[b]) if bend[b] > 0.0 else chord
            limit = max(min(chord, planner), FINEST_CHORD_MM)
            if away > limit:
                angle = math.atan2(dy, dx) - base
                if angle > math.pi:
                    angle -= 2.0 * math.pi
                elif angle < -math.pi:
                    angle += 2.0 * math.pi
                if not low <= angle <= high or abs(angle) > 0.5 * math.pi:
                    break
                half = math.asin(limit / away)
                low, high = max(low, angle - half), min(high, angle + half)
                best = b
            elif b > a + 1 and away < math.hypot(xy[b - 1, 0] - xy[a, 0], xy[b - 1, 1] - xy[a, 1]):
                break  # it comes back
            else:
                best = b
            b += 1
        a = best
        keep[kept] = a
        kept += 1
    return keep[:kept]
