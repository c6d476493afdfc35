"""What is seen of lines where they meet: from where each is straight again, which way it goes, and how it bends."""

from __future__ import annotations

import math

import numba
import numpy as np

# In half widths of the ink at the meeting, and pixels: a thinned line is bent so far out.
BENT_WIDTHS, BENT_PX = 1.2, 0.3
WIDER, WIDER_PX = 1.1, 0.15  # and as long as the ink is so much wider than the line's own, up to so often as far
MOST_BENT = 3.0
UNLIKE = 0.8  # of the turn that different bends make over a gap, for what it costs; chosen on lines that touch circles
LOOK_PX = 7.0  # over this length a direction is measured, at the least
LOOK_FAR_PX = 14.0  # and, as far as the line is a parabola, over this


@numba.njit(cache=True)
def arms(xy, offsets, nodes, half_width, edge_width):  # type: ignore[no-untyped-def]
    """Measure both ends of every edge, as seen from its nodes.

    Args:
        xy, offsets, nodes: of a `Skeleton` in pixels of the picture.
        half_width: (M,) float64 pixels, half the ink's width at each node.
        edge_width: (P,) float64 pixels, half the ink's width at each point.

    Returns:
        anchor: (E, 2, 2) float64, the point from which on the edge is itself.
        away: (E, 2, 2) float64, the unit vector in which it leaves the node there; 0 0 for edges without length.
        bend: (E, 2) float64, 1/px, its curvature there, positive when it turns from x towards y; 0 when too short.
        cut: (E, 2) int64, how many of its points lie before the anchor.
        length: (E,) float64 pixels.
    """
    count = len(offsets) - 1
    anchor, away = np.zeros((count, 2, 2)), np.zeros((count, 2, 2))
    bend, cut, lengths = np.zeros((count, 2)), np.zeros((count, 2), np.int64), np.zeros(count)
    for e in range(count):
        first, last = offsets[e], offsets[e + 1]
        n = last - first
        arc = np.zeros(n)
        for i in range(1, n):
            p = first + i
            arc[i] = arc[i - 1] + math.hypot(xy[p, 0] - xy[p - 1, 0], xy[p, 1] - xy[p - 1, 1])
        total = arc[n - 1]
        lengths[e] = total
        own = np.median(edge_width[first:last])
        for side in range(2):
            width = half_width[nodes[e, side]] if nodes[e, side] >= 0 else 0.5
            skip = BENT_WIDTHS * width + BENT_PX
            most = MOST_BENT * skip
            for i in range(n):
                k = i if side == 0 else n - 1 - i
                s = arc[k] if side == 0 else total - arc[k]
                if s > most or edge_width[first + k] <= WIDER * own + WIDER_PX:
                    break
                skip = max(skip, s)
            skip = min(skip, total / 3.0)
            points = np.empty((n, 2))
            far = np.empty(n)
            begin = -1
            kept = 0
            reach = max(LOOK_FAR_PX, 3.0 * skip)
            for i in range(n):
                k = i if side == 0 else n - 1 - i
                s = arc[k] if side == 0 else total - arc[k]
                if s < skip - 1e-9:
                    continue
                if begin < 0:
                    begin = i
                if s > skip + reach:
                    break
                points[kept, 0], points[kept, 1] = xy[first + k, 0], xy[first + k, 1]
                far[kept] = s - skip
                kept += 1
            cut[e, side] = begin
            span = far[kept - 1] if kept > 0 else 0.0
            if kept < 2 or span == 0.0:
                k = 0 if side == 0 else n - 1
                anchor[e, side] = xy[first + k]
                other = n - 1 - k
                dx, dy = xy[first + other, 0] - xy[first + k, 0], xy[first + other, 1] - xy[first + k, 1]
                norm = math.hypot(dx, dy)
                if norm > 0.0:
                    away[e, side, 0], away[e, side, 1] = dx / norm, dy / norm
                continue
            # A parabola over as far as it fits to half a pixel, else a line over the least length.
            while True:
                a, b, c, worst = _parabola(points, far, kept, span >= LOOK_PX)
                if worst < 0.75 or span <= LOOK_PX:
                    break
                span = max(LOOK_PX, 0.7 * span)
                while kept > 3 and far[kept - 1] > span:
                    kept -= 1
                if far[kept - 1] > span:
                    break
            anchor[e, side] = a
            norm = math.hypot(b[0], b[1])
            if norm > 0.0:
                away[e, side] = b / norm
                bend[e, side] = 2.0 * (b[0] * c[1] - b[1] * c[0]) / norm**3
    return anchor, away, bend, cut, lengths


@numba.njit(cache=True)
def _parabola(points: np.ndarray, s: np.ndarray, n: int, curved: bool):  # type: ignore[no-untyped-def]
    """Least squares x, y = a + b s + c s^2 (or c = 0): a, b, c, and the largest distance."""
    m = 3 if curved and n >= 5 else 2
    normal = np.zeros((m, m))
    right = np.zeros((m, 2))
    for i in range(n):
        power = 1.0
        row = np.empty(m)
        for k in range(m):
            row[k] = power
            power *= s[i]
        for k in range(m):
            for j in range(m):
                normal[k, j] += row[k] * row[j]
            right[k, 0] += row[k] * points[i, 0]
            right[k, 1] += row[k] * points[i, 1]
    for k in range(m):  # elimination; the matrix is positive definite
        for j in range(k + 1, m):
            factor = normal[j, k] / normal[k, k]
            for i in range(k, m):
                normal[j, i] -= factor * normal[k, i]
            right[j] -= factor * right[k]
    found = np.zeros((3, 2))
    for k in range(m - 1, -1, -1):
        for i in range(2):
            value = right[k, i]
            for j in range(k + 1, m):
                value -= normal[k, j] * found[j, i]
            found[k, i] = value / normal[k, k]
    worst = 0.0
    for i in range(n):
        dx = found[0, 0] + s[i] * (found[1, 0] + s[i] * found[2, 0]) - points[i, 0]
        dy = found[0, 1] + s[i] * (found[1, 1] + s[i] * found[2, 1]) - points[i, 1]
        worst = max(worst, math.hypot(dx, dy))
    return found[0], found[1], found[2], worst


@numba.njit(cache=True)
def turn_cost(
    from_xy: np.ndarray, from_away: np.ndarray, from_bend: float, to_xy: np.ndarray, to_away: np.ndarray, to_bend: float
) -> float:
    """How much a line must turn, in degrees, to go on from the end of one arm into another; 0: straight on.

    Arms of one circle go on without a turn as well. 180 when there is no way.
    """
    in_x, in_y = -from_away[0], -from_away[1]
    out_x, out_y = to_away[0], to_away[1]
    if (in_x == 0.0 and in_y == 0.0) or (out_x == 0.0 and out_y == 0.0):
        return 180.0
    total = math.atan2(in_x * out_y - in_y * out_x, in_x * out_x + in_y * out_y)
    dx, dy = to_xy[0] - from_xy[0], to_xy[1] - from_xy[1]
    gap = math.hypot(dx, dy)
    if gap < 0.5:
        return math.degrees(abs(total))
    leave = math.atan2(in_x * dy - in_y * dx, in_x * dx + in_y * dy)
    enter = math.atan2(dx * out_y - dy * out_x, dx * out_x + dy * out_y)
    # What the arms' own bends account for. The way in is against the arm's own direction, which turns its bend's sign.
    expected_leave = -0.75 * from_bend * gap
    expected_enter = 0.75 * to_bend * gap
    leave = _less(leave, expected_leave)
    enter = _less(enter, expected_enter)
    slack = math.atan2(0.35, gap)  # anchors are known to a third of a pixel
    leave = math.copysign(max(abs(leave) - slack, 0.0), leave)
    enter = math.copysign(max(abs(enter) - slack, 0.0), enter)
    unlike = 0.5 * gap * abs(from_bend + to_bend)  # one line's bend changes little
    turn = 0.5 * (abs(leave) + abs(enter)) + 0.5 * abs(leave + enter) + 0.1 * abs(total)
    return math.degrees(turn + UNLIKE * min(unlike, 1.0))


@numba.njit(cache=True)
def _less(angle: float, expected: float) -> float:
    """An angle less what was expected of it, never more than without."""
    if angle * expected <= 0.0:
        return angle
    if abs(expected) >= abs(angle):
        return 0.0
    return angle - expected
