"""Corners that smoothing has rounded, made sharp again."""

from __future__ import annotations

import math

import numba
import numpy as np

from sketch_robot.strokes.across import ink_at

CORNER_DEGREES = 45.0  # that a line turns by within the pixels below
CORNER_NEAR, CORNER_FAR = 3, 11  # points from a corner between which its sides are looked at, 1.5 to 5.5 px
CORNER_STRAIGHT_PX = 0.17  # that its sides may bend: a circle that turns as much within them bends by more


@numba.njit(cache=True)
def sharpened(xy: np.ndarray, rest: np.ndarray, ink: np.ndarray):  # type: ignore[no-untyped-def]
    """Put the corner back where a line turns sharply between straight sides."""
    n = len(xy)
    near, far = CORNER_NEAR, CORNER_FAR
    turn = np.zeros(n)
    place = np.empty((n, 2))
    for i in range(far, n - far):
        ax, ay = xy[i - near, 0] - xy[i - far, 0], xy[i - near, 1] - xy[i - far, 1]
        bx, by = xy[i + far, 0] - xy[i + near, 0], xy[i + far, 1] - xy[i + near, 1]
        la, lb = math.hypot(ax, ay), math.hypot(bx, by)
        if la == 0.0 or lb == 0.0:
            continue
        cross = (ax * by - ay * bx) / (la * lb)
        angle = abs(math.atan2(cross, (ax * bx + ay * by) / (la * lb)))
        if math.degrees(angle) < CORNER_DEGREES or abs(cross) < 0.2:
            continue
        bent = 0.0
        for k in range(near, far + 1):
            px, py = xy[i - k, 0] - xy[i - far, 0], xy[i - k, 1] - xy[i - far, 1]
            qx, qy = xy[i + k, 0] - xy[i + near, 0], xy[i + k, 1] - xy[i + near, 1]
            bent = max(bent, abs(px * ay - py * ax) / la, abs(qx * by - qy * bx) / lb)
        if bent > CORNER_STRAIGHT_PX:
            continue
        sx, sy = xy[i + near, 0] - xy[i - near, 0], xy[i + near, 1] - xy[i - near, 1]
        ahead = (sx * by - sy * bx) / (cross * lb)
        x, y = xy[i - near, 0] + ahead * ax / la, xy[i - near, 1] + ahead * ay / la
        if ahead < 0.0 or math.hypot(x - xy[i, 0], y - xy[i, 1]) > 1.5:
            continue
        if ink_at(ink, x, y) < 0.4 * ink_at(ink, xy[i, 0], xy[i, 1]):
            continue
        turn[i] = angle - 0.01 * math.hypot(x - xy[i, 0], y - xy[i, 1])
        place[i, 0], place[i, 1] = x, y
    keep = np.ones(n, np.bool_)
    for i in range(far, n - far):
        if turn[i] == 0.0:
            continue
        best = True
        for k in range(max(i - far, 0), min(i + far + 1, n)):
            if turn[k] > turn[i] or (turn[k] == turn[i] and k < i):
                best = False
        if not best:
            continue
        for k in range(i - near + 1, i + near):
            keep[k] = k == i
        xy[i] = place[i]
    return xy[keep], rest[keep]
