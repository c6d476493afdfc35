"""Smooth curves for a machine: no wobble that costs speed, true corners kept, vertices only where they are needed.

Between corners, where a line turns sharply within a short way and still does seen from farther off, it is replaced by
the line of least change in curvature that stays within a tolerance of it: the sum of squared third differences is
minimised against weighted distances (a smoothing spline on even samples; Eilers 2003, "A perfect smoother"), and
weights grow where the line would move too far (Lawson 1961).

Then points are left out as far as the planner loses no time by it. Chords that stay within t of a curve of radius R
meet at corners that junction deviation d lets pass at sqrt(a R d / t), while the acceleration a carries the pen round
at sqrt(a R): so t <= d loses no time, and larger t does no harm where the machine's speed is reached anyway.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numba
import numpy as np

from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.polyline import lengths_along, points_at
from sketch_robot.stroke import Stroke
from sketch_robot.validation import POSITIVE, fits

TOLERANCE_MM = 0.05  # a tenth of the usual pen's width: nobody sees it
CUT_SHARE = 0.2  # of the tolerance, that samples may cut off a corner
MOST_SAMPLES = 1_000_000
CHORD_SHARE = 0.3  # of the tolerance, what chords may cut off; the rest is for moving the line
CORNER_DEGREES = 35.0
CORNER_REACH_MM = 0.1  # a turn within so much of the line, to each side, is a corner
STEP_MM = 0.12  # between samples
SMOOTH_MM = 1.5  # waves shorter than 2 pi times this are damped, as far as the tolerance lets them
ROUNDS = 14  # of growing weights
PINNED = 1e6  # the weight of an end that must stay
FINEST_CHORD_MM = 0.004


def smooth_strokes(
    strokes: Sequence[Stroke],
    profile: MachineLimits,
    *,
    tolerance_mm: float = TOLERANCE_MM,
    box_mm: tuple[float, float, float, float] | None = None,
) -> tuple[Stroke, ...]:
    """Make strokes smooth.

    Args:
        strokes: in mm.
        profile: the machine: its junction deviation, speed and acceleration say how far apart vertices may be.
        tolerance_mm: no point of a line moves by more than this, and none of the new line is farther from the old.
        box_mm: left, bottom, right, top that nothing may leave; None: no such limit.

    Returns:
        as many strokes, in their order, with the same ends; closed ones stay closed, but may begin elsewhere (at a
        corner). Dots are left as they are; values per point are interpolated along the line.

    Raises:
        ValueError: the tolerance is not positive.
    """
    if not fits(tolerance_mm, POSITIVE):
        raise ValueError(f'a tolerance of {tolerance_mm} mm is not a positive length')
    return tuple(_smooth(stroke, profile, tolerance_mm, box_mm) for stroke in strokes)


def _smooth(
    stroke: Stroke, profile: MachineLimits, tolerance_mm: float, box_mm: tuple[float, float, float, float] | None
) -> Stroke:
    moved = np.concatenate(([True], (np.diff(stroke.xy, axis=0) != 0.0).any(axis=1)))
    stroke = stroke if moved.all() else stroke.taking(moved)
    if len(stroke.xy) < 3:
        return stroke
    closed = bool((stroke.xy[0] == stroke.xy[-1]).all()) and len(stroke.xy) > 3
    corner = corners(stroke.xy, closed, CORNER_REACH_MM, math.radians(CORNER_DEGREES))
    if closed and corner.any() and not corner[0]:  # begin at a corner, so that all between corners is open
        first = int(np.argmax(corner))
        stroke = stroke.taking(np.concatenate((np.arange(first, len(corner)), np.arange(1, first + 1))))
        corner = np.concatenate((corner[first:], corner[1 : first + 1]))
    chord_mm = CHORD_SHARE * tolerance_mm
    cuts = np.flatnonzero(corner | (np.arange(len(corner)) % (len(corner) - 1) == 0))
    arc = lengths_along(stroke.xy)
    pieces, places = [], []
    for a, b in pairwise(cuts):
        at, sampled, cut_mm = _sampled(stroke.xy[a : b + 1], arc[a : b + 1], CUT_SHARE * tolerance_mm)
        smooth = smoothed(sampled, closed and not corner.any(), tolerance_mm - chord_mm - cut_mm, SMOOTH_MM)
        if box_mm is not None:
            smooth = np.clip(smooth, box_mm[:2], box_mm[2:])
        kept = vertices(
            smooth, chord_mm, profile.junction_deviation_mm, profile.draw_accel_mm_s2 / profile.draw_speed_mm_s**2
        )
        last = len(kept) if b == cuts[-1] else len(kept) - 1
        pieces.append(smooth[kept[:last]])
        places.append(at[kept[:last]])
    xy, at = np.concatenate(pieces), np.concatenate(places)
    return Stroke(
        xy,
        stroke.half_width,
        stroke.label,
        stroke.importance,
        half_widths=None if stroke.half_widths is None else np.interp(at, arc, stroke.half_widths),
        pressure=None if stroke.pressure is None else np.interp(at, arc, stroke.pressure),
        pen=stroke.pen,
    )


def _sampled(xy: np.ndarray, arc: np.ndarray, most_cut_mm: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Even samples of a polyline: where along it, (N, 2) points, N >= 2, and by how much they cut its corners off."""
    count = max(2, math.ceil((arc[-1] - arc[0]) / STEP_MM) + 1)
    while True:
        at = np.linspace(arc[0], arc[-1], count)
        sampled = points_at(xy, at, arc)
        before = np.clip(np.searchsorted(at, arc, side='right') - 1, 0, count - 2)
        chord, reach = sampled[before + 1] - sampled[before], xy - sampled[before]
        length = np.maximum(np.hypot(*chord.T), 1e-12)
        cut_mm = float((np.abs(chord[:, 0] * reach[:, 1] - chord[:, 1] * reach[:, 0]) / length).max())
        if cut_mm <= most_cut_mm or count > MOST_SAMPLES:
            return at, sampled, min(cut_mm, most_cut_mm)
        count = 2 * count - 1


# ----------------------------------------------------------------- corners
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


# ----------------------------------------------------------------- smoothing
@numba.njit(cache=True)
def least_third_differences(weight: np.ndarray, xy: np.ndarray, stiffness: float) -> np.ndarray:
    """Minimise `sum w |z - xy|^2 + stiffness sum |third differences of z|^2` by a banded Cholesky factor."""
    n = len(xy)
    band = np.zeros((n, 4))  # band[i, k]: entry (i, i - k)
    for i in range(n):
        band[i, 0] = weight[i]
    third = (-1.0, 3.0, -3.0, 1.0)
    for r in range(n - 3):
        for p in range(4):
            for q in range(p + 1):
                band[r + p, p - q] += stiffness * third[p] * third[q]
    z = np.empty((n, 2))
    for i in range(n):
        for k in range(min(3, i), 0, -1):
            total = band[i, k]
            for m in range(k + 1, min(3, i) + 1):
                total -= band[i, m] * band[i - k, m - k] * band[i - m, 0]
            band[i, k] = total / band[i - k, 0]
        for k in range(1, min(3, i) + 1):
            band[i, 0] -= band[i, k] * band[i, k] * band[i - k, 0]
        for c in range(2):
            total = weight[i] * xy[i, c]
            for k in range(1, min(3, i) + 1):
                total -= band[i, k] * z[i - k, c]
            z[i, c] = total
    for i in range(n):
        z[i, 0] /= band[i, 0]
        z[i, 1] /= band[i, 0]
    for i in range(n - 1, -1, -1):
        for k in range(1, min(3, n - 1 - i) + 1):
            z[i, 0] -= band[i + k, k] * z[i + k, 0]
            z[i, 1] -= band[i + k, k] * z[i + k, 1]
    return z


@numba.njit(cache=True)
def smoothed(xy: np.ndarray, ring: bool, tolerance: float, reach: float) -> np.ndarray:
    """The smoothest line within `tolerance` of even samples; the ends of an open one stay, a ring's stay together."""
    n = len(xy)
    if n < 5:
        return xy.copy()
    step = 0.0
    for i in range(n - 1):
        step += math.hypot(xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1])
    step /= n - 1
    if step == 0.0:
        return xy.copy()
    around = min(n - 1, int(6.0 * reach / step)) if ring else 0
    total = n + 2 * around
    line = np.empty((total, 2))
    for i in range(total):
        k = i - around
        if k < 0:
            k += n - 1
        elif k >= n:
            k -= n - 1
        line[i] = xy[k]
    weight = np.ones(total)
    stiffness = (reach / step) ** 6
    best = line.copy()
    for round_ in range(ROUNDS):
        if not ring:
            weight[0] = weight[total - 1] = PINNED * max(1.0, stiffness)
        best = least_third_differences(weight, line, stiffness)
        worst = 0.0
        for i in range(total):
            away = math.hypot(best[i, 0] - line[i, 0], best[i, 1] - line[i, 1])
            worst = max(worst, away)
        if worst <= tolerance:
            break
        for i in range(total):
            away = math.hypot(best[i, 0] - line[i, 0], best[i, 1] - line[i, 1]) / tolerance
            if away > 0.7:
                factor = min((away / 0.7) ** 2, 30.0 if round_ < 6 else 1e4)
                weight[i] *= factor
    part = min(1.0, tolerance / worst) if worst > 0.0 else 1.0
    result = np.empty((n, 2))
    for i in range(n):
        result[i] = line[i + around] + part * (best[i + around] - line[i + around])
    if ring:
        result[n - 1] = result[0]
    else:
        result[0] = xy[0]
        result[n - 1] = xy[n - 1]
    return result


# ----------------------------------------------------------------- vertices
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
