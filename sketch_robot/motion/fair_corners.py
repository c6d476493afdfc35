"""The true corners of a polyline: where it turns sharply within a short way, and still does seen from farther off."""

from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit(cache=True)
def _turn(xy: np.ndarray, i: int, closed: bool, reach: float) -> float:
    """Radians that a polyline turns by at a point, seen from `reach` before to `reach` after."""
    n = len(xy)
    way = np.zeros((2, 2))
    for side in range(2):
        step = 2 * side - 1
        j = i
        if closed and i == 0 and side == 0:
            j = n - 1
        elif closed and i == n - 1 and side == 1:
            j = 0
        x, y = xy[j, 0], xy[j, 1]
        left = reach
        while left > 0.0 and 0 <= j + step < n:
            dx, dy = xy[j + step, 0] - x, xy[j + step, 1] - y
            length = math.hypot(dx, dy)
            part = min(1.0, left / length) if length > 0.0 else 1.0
            x, y = x + part * dx, y + part * dy
            left -= length
            j += step
        way[side, 0], way[side, 1] = step * (x - xy[i, 0]), step * (y - xy[i, 1])
    cross = way[0, 0] * way[1, 1] - way[0, 1] * way[1, 0]
    return abs(math.atan2(cross, way[0, 0] * way[1, 0] + way[0, 1] * way[1, 1]))


@numba.njit(cache=True)
def corners(xy: np.ndarray, closed: bool, reach: float, least: float) -> np.ndarray:
    """(N,) bool: where a polyline turns by more than `least` radians within `reach`, and still does seen from farther.

    Of neighbours only the sharpest counts. Ends are corners only of closed lines.
    """
    n = len(xy)
    turn = np.zeros(n)
    for i in range(n):
        if closed or 0 < i < n - 1:
            near = _turn(xy, i, closed, reach)
            if near > least and _turn(xy, i, closed, 3.0 * reach) > 0.7 * least:
                turn[i] = near
    corner = turn > 0.0
    for i in range(n):
        gone = 0.0
        for j in range(i + 1, n):
            gone += math.hypot(xy[j, 0] - xy[j - 1, 0], xy[j, 1] - xy[j - 1, 1])
            if not corner[i] or gone > reach:
                break
            if turn[j] > turn[i]:
                corner[i] = False
            else:
                corner[j] = False
    if closed:
        corner[0] = corner[n - 1] = corner[0] or corner[n - 1]
    return corner
