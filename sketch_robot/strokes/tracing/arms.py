"""The branches of a skeleton where they meet: tangent and curvature of each, and the ways from one into another.

Thinning distorts lines near a junction, so an arm is measured from where it is itself again; what lies between is
bridged, brought to a corner, or run up to the line that the arm ends at.
"""

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
NO_CIRCLE_PX, DEGREES_PER_PX = (
    0.15,
    60.0,
)  # that a circle's skeleton is off it, and what more than that counts as turning
CURVED = 0.4  # radians of turning over its length from which on an arm is measured as a circle, not as a parabola
FARTHEST_MIDDLE_PX = 1e5  # of a circle that is a line
LEAST_OWN_BEND = 0.3  # of the circle's curvature, that each arm must have by itself
MOST_TURNED = 2.1  # radians of a circle that are hidden by a junction

STEP_PX = 0.5  # between points of a bridge
REACH_PX = 3.0  # how far beyond where it should be an end may look for the line that it meets
BESIDE_PX = 0.6  # how far beside its straight way that line may be
HIT_SLOPE = 0.1  # of two places that are as near the way, the nearer one is meant
FARTHEST_CORNER_PX = 12.0  # from where a line is itself to the corner that it makes
LEAST_CROSSING = 0.06  # sine of the angle of lines that cross; 3 degrees
CORNER_GAPS = 1.6  # and of the distance of the two


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
        seen: (E, 2) int64, over how many points from there on it was looked at.
        length: (E,) float64 pixels.
    """
    count = len(offsets) - 1
    anchor, away = np.zeros((count, 2, 2)), np.zeros((count, 2, 2))
    bend, lengths = np.zeros((count, 2)), np.zeros(count)
    cut, seen = np.zeros((count, 2), np.int64), np.zeros((count, 2), np.int64)
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
            cut[e, side], seen[e, side] = begin, kept
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
            if abs(bend[e, side]) * far[kept - 1] > CURVED:
                cx, cy, radius, _ = _circle(points, kept)
                px, py = points[0, 0] - cx, points[0, 1] - cy
                far_x, far_y = points[kept - 1, 0] - cx, points[kept - 1, 1] - cy
                way = 1.0 if px * far_y - py * far_x > 0.0 else -1.0
                out = math.hypot(px, py)
                anchor[e, side, 0], anchor[e, side, 1] = cx + px * radius / out, cy + py * radius / out
                away[e, side, 0], away[e, side, 1] = -py * way / out, px * way / out
                bend[e, side] = way / radius
    return anchor, away, bend, cut, seen, lengths


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
def arc_cost(one, one_away, one_bend, other, other_away, other_bend):  # type: ignore[no-untyped-def]
    """How much a line must turn, in degrees, to go on from one arm into another along the circle that fits both.

    180 when there is none that both bend with.

    Args:
        one, other: (N, 2) and (M, 2) points of the arms, from the junction on.
        one_away, ...: as for `turn_cost`.
    """
    n, m = len(one), len(other)
    if n < 3 or m < 3:
        return 180.0
    points = np.concatenate((one, other))
    cx, cy, radius, off = _circle(points, n + m)
    # Against the first arm, over the gap and along the second one, all the same way round.
    turned = np.empty(3)
    for k, (a, b) in enumerate(((n - 1, 0), (0, n), (n, n + m - 1))):
        ax, ay = points[a, 0] - cx, points[a, 1] - cy
        bx, by = points[b, 0] - cx, points[b, 1] - cy
        turned[k] = math.atan2(ax * by - ay * bx, ax * bx + ay * by)
    way = math.copysign(1.0, turned[0])
    if turned[2] * way <= 0.0 or (turned[1] * way < 0.0 and abs(turned[1]) * radius > 1.0):
        return 180.0
    if abs(turned[1]) > MOST_TURNED or min(-one_bend * way, other_bend * way) < LEAST_OWN_BEND / radius:
        return 180.0
    turn = 0.0
    for k, away, back in ((0, one_away, -way), (n, other_away, way)):
        tx, ty = -(points[k, 1] - cy) * back, (points[k, 0] - cx) * back
        turn += abs(math.atan2(tx * away[1] - ty * away[0], tx * away[0] + ty * away[1]))
    return DEGREES_PER_PX * max(off - NO_CIRCLE_PX, 0.0) + math.degrees(turn)


@numba.njit(cache=True)
def _circle(points: np.ndarray, n: int):  # type: ignore[no-untyped-def]
    """The circle through the first n points: its middle x y, radius, and how far off they are (rms).

    Taubin's fit (1991): least algebraic distance, scaled by its mean gradient. Straight lines are very large circles.
    """
    middle_x, middle_y = points[:n, 0].mean(), points[:n, 1].mean()
    x, y = points[:n, 0] - middle_x, points[:n, 1] - middle_y
    z = x * x + y * y
    xx, yy, xy, xz, yz = (x * x).mean(), (y * y).mean(), (x * y).mean(), (x * z).mean(), (y * z).mean()
    mean, spread = xx + yy, (z * z).mean() - (xx + yy) ** 2
    area = xx * yy - xy * xy
    c2 = -3.0 * mean * mean - (z * z).mean()
    c1 = spread * mean + 4.0 * area * mean - xz * xz - yz * yz
    c0 = xz * (xz * yy - yz * xy) + yz * (yz * xx - xz * xy) - spread * area
    root = 0.0
    for _ in range(20):
        slope = c1 + root * (2.0 * c2 + 12.0 * mean * root)
        if slope == 0.0:
            break
        step = (c0 + root * (c1 + root * (c2 + 4.0 * mean * root))) / slope
        root -= step
        if abs(step) < 1e-12 * mean:
            break
    scale = root * root - root * mean + area
    cx, cy = xz * (yy - root) - yz * xy, yz * (xx - root) - xz * xy
    if max(abs(cx), abs(cy)) < 2.0 * FARTHEST_MIDDLE_PX * abs(scale) and abs(scale) > 1e-9 * mean * mean:
        cx, cy = 0.5 * cx / scale, 0.5 * cy / scale
    else:
        turn = 0.5 * math.atan2(2.0 * xy, xx - yy)
        cx, cy = -FARTHEST_MIDDLE_PX * math.sin(turn), FARTHEST_MIDDLE_PX * math.cos(turn)
    radius = math.sqrt(cx * cx + cy * cy + mean)
    off = 0.0
    for k in range(n):
        off += (math.hypot(x[k] - cx, y[k] - cy) - radius) ** 2
    return cx + middle_x, cy + middle_y, radius, math.sqrt(off / n)


@numba.njit(cache=True)
def _less(angle: float, expected: float) -> float:
    """An angle less what was expected of it, never more than without."""
    if angle * expected <= 0.0:
        return angle
    if abs(expected) >= abs(angle):
        return 0.0
    return angle - expected


def bridge(from_xy: np.ndarray, from_away: np.ndarray, to_xy: np.ndarray, to_away: np.ndarray) -> np.ndarray:
    """Points between two anchors, without these: a cubic that leaves and enters as the lines do (Hermite).

    Args:
        from_xy, to_xy: (2,) pixels.
        from_away, to_away: (2,) unit vectors in which the lines leave the meeting.
    """
    gap = math.dist(from_xy, to_xy)
    count = math.ceil(gap / STEP_PX) - 1
    if count < 1:
        return np.empty((0, 2))
    t = (np.arange(1, count + 1) / (count + 1))[:, None]
    h = t * t * (3.0 - 2.0 * t)
    leave, enter = -gap * from_away, gap * to_away
    return (1.0 - h) * from_xy + h * to_xy + t * (1.0 - t) ** 2 * leave - t * t * (1.0 - t) * enter


def corner_between(
    from_xy: np.ndarray, from_away: np.ndarray, to_xy: np.ndarray, to_away: np.ndarray
) -> np.ndarray | None:
    """(2,) where two lines meet when they go on straight towards the meeting; None when they do not, or far off."""
    cross = float(from_away[0] * to_away[1] - from_away[1] * to_away[0])
    if abs(cross) < 0.1:
        return None
    step = from_xy - to_xy
    back_from = (step[0] * to_away[1] - step[1] * to_away[0]) / cross
    back_to = (step[0] * from_away[1] - step[1] * from_away[0]) / cross
    gap = math.hypot(*step)
    farthest = min(FARTHEST_CORNER_PX, max(CORNER_GAPS * gap / max(abs(cross), 0.3), 2.0))
    if not (-0.5 <= back_from <= farthest and -0.5 <= back_to <= farthest):
        return None
    corner: np.ndarray = from_xy - back_from * from_away
    return corner


def line_through(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The straight line nearest to points: (2,) the middle of them, the unit vector from the first to the last, and
    how far the farthest point is off it."""
    middle = points.mean(axis=0)
    way = np.linalg.svd(points - middle, full_matrices=False)[2][0]
    way = np.copysign(1.0, way @ (points[-1] - points[0])) * way
    return middle, way, float(np.abs((points - middle) @ np.array([-way[1], way[0]])).max())


def crossing_of(
    from_xy: np.ndarray, from_away: np.ndarray, to_xy: np.ndarray, to_away: np.ndarray
) -> np.ndarray | None:
    """(2,) where two lines meet, however far off, when both go on straight towards the junction; None: nowhere."""
    cross = float(from_away[0] * to_away[1] - from_away[1] * to_away[0])
    if abs(cross) < LEAST_CROSSING:
        return None
    step = from_xy - to_xy
    back_from = (step[0] * to_away[1] - step[1] * to_away[0]) / cross
    back_to = (step[0] * from_away[1] - step[1] * from_away[0]) / cross
    if min(back_from, back_to) < -0.5:
        return None
    crossing: np.ndarray = from_xy - back_from * from_away
    return crossing


def run_up(
    anchor: np.ndarray, away: np.ndarray, node_xy: np.ndarray, through: list[np.ndarray], half_width: float
) -> np.ndarray:
    """The way of an end to what it meets, (N, 2) points from near its anchor on: straight on when that leads there.
    Empty when the end has no direction.

    Args:
        anchor, away: where the line is itself, and the unit vector in which it leaves the meeting.
        node_xy: the middle of the fork of the skeleton there.
        through: the lines that go through the meeting, (M, 2) points each.
        half_width: of the ink at the meeting.
    """
    if not away.any():
        return np.empty((0, 2))
    line = np.concatenate(through) if through else node_xy[None]
    along = max(float(-((node_xy - anchor) @ away)), 0.0)
    back = line - anchor
    on = -(back @ away)
    off = np.abs(back[:, 0] * away[1] - back[:, 1] * away[0])
    ahead = (on > 0.0) & (on < along + REACH_PX + 5.0 * half_width)
    hit = int(np.argmin(np.where(ahead, off + HIT_SLOPE * on, np.inf)))
    if ahead[hit] and off[hit] < BESIDE_PX:
        target = anchor - on[hit] * away
    else:
        straight = anchor - along * away
        target = line[int(np.argmin(((line - straight) ** 2).sum(axis=1)))]
    return straight_to(anchor, target)


def straight_to(anchor: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N, 2) points from near an anchor straight on to a target."""
    count = max(1, math.ceil(math.dist(anchor, target) / STEP_PX))
    way: np.ndarray = anchor + (np.arange(1, count + 1) / count)[:, None] * (target - anchor)
    return way
