"""Fair lines through the middle of the ink, finer than pixels.

A skeleton is a staircase: it is sampled evenly, smoothed, moved across to the ink's centre of mass where no other line
is near, and drawn out to where a round pen of the line's width would have touched down. Corners stay sharp. The width
of the line at each point is the ink across it over its darkness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np

from sketch_robot.strokes.tracing.junctions import SkeletonPath
from sketch_robot.strokes.tracing.sampling import (
    CORNER,
    SAMPLE_PX,
    STEP_PX,
    WIDEST_PX,
    across,
    fill_between,
    ink_ahead,
    ink_at,
    median_of_five,
    sampled,
    smooth,
    within_tip,
)

SMOOTH_PX = 1.0  # standard deviation along the line, of the skeleton and of the move across
SMOOTH_WIDTH_PX = 1.5
BEYOND_PX = 1.5  # the ink's soft edge, outside half its width
TIP_PX = 3.0  # that thinning may have shortened an end by
CLOSE_GAP_PX, CLOSE_LENGTH_PX = 1.5, 8.0  # ends so near, of a line so long, are one
LEAST_DARKNESS = 0.3
LEAST_HALF_WIDTH_PX = 0.25

CORNER_DEGREES = 45.0  # that a line turns by within the pixels below
CORNER_NEAR, CORNER_FAR = 3, 11  # points from a corner between which its sides are looked at, 1.5 to 5.5 px
CORNER_STRAIGHT_PX = 0.17  # that its sides may bend: a circle that turns as much within them bends by more


@dataclass(frozen=True, eq=False)
class CentreLine:
    """A line through the middle of ink.

    Attributes:
        xy: (N, 2) float64 pixels, N >= 1; a closed line has its first point again at its end.
        half_widths: (N,) float64 pixels, half the line's width at each point.
        half_width: their median.
        length: of the line, pixels.
        darkness: mean ink along it, in [0, 1].
    """

    xy: np.ndarray
    half_widths: np.ndarray
    half_width: float
    length: float
    darkness: float


@numba.njit(cache=True)
def _section(xy, kind, ring, sharp_start, sharp_end, ink, half_width, scratch):  # type: ignore[no-untyped-def]
    """One line between corners: points, unit normals (to the left), and per point: offset to the middle of the ink (not
    applied yet), ink across, darkness, half width of the mask; (N, 2), (N, 2), (N, 4)."""
    points, bridged = sampled(xy, kind)
    n = len(points)
    if n >= 5:
        points = smooth(points, SMOOTH_PX / STEP_PX, ring)
    scale = half_width.shape[0] // ink.shape[0]
    normal, seen = np.zeros((n, 2)), np.zeros((n, 4))
    for i in range(n):
        a, b = i - 2, i + 2
        if ring:
            a, b = a % (n - 1), b % (n - 1)
        else:
            a, b = max(a, 0), min(b, n - 1)
        dx, dy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
        norm = math.hypot(dx, dy)
        column = min(max(int(points[i, 0] * scale), 0), half_width.shape[1] - 1)
        row = min(max(int(points[i, 1] * scale), 0), half_width.shape[0] - 1)
        width = min(float(half_width[row, column]), WIDEST_PX)
        seen[i, 3] = width
        from_corner = min(i * STEP_PX if sharp_start else np.inf, (n - 1 - i) * STEP_PX if sharp_end else np.inf)
        if from_corner < width + 1.0:
            bridged[i] = True
        if norm == 0.0:
            bridged[i] = True
            continue
        dx, dy = dx / norm, dy / norm
        normal[i, 0], normal[i, 1] = -dy, dx
        if not bridged[i]:
            seen[i, 0], seen[i, 1], seen[i, 2] = across(
                ink, points[i, 0], points[i, 1], dx, dy, width + BEYOND_PX, scratch
            )
    for column in range(3):
        fill_between(seen, bridged, column)
    if n >= 5:
        offset = smooth(seen[:, :1], SMOOTH_PX / STEP_PX, ring)
        seen[:, 0] = offset[:, 0]
    return points, normal, seen


@numba.njit(cache=True)
def _fit(xy, kind, offsets, closed, free, ink, half_width):  # type: ignore[no-untyped-def]
    """All paths: points, half widths, (paths, 3) median half width, length and darkness, offsets of their points."""
    paths = len(offsets) - 1
    height, width_px = ink.shape
    room = 0
    for c in range(paths):
        room += 64
        for i in range(offsets[c] + 1, offsets[c + 1]):
            room += 2 * int(math.hypot(xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1]) / STEP_PX) + 3
    out, out_width = np.empty((room, 2)), np.empty(room)
    summary, ends = np.zeros((paths, 3)), np.zeros(paths + 1, np.int64)
    scratch = np.empty(2 * int((WIDEST_PX + BEYOND_PX) / SAMPLE_PX) + 3)
    filled = 0
    for c in range(paths):
        line, sort = xy[offsets[c] : offsets[c + 1]], kind[offsets[c] : offsets[c + 1]]
        n = len(line)
        length = 0.0
        for i in range(1, n):
            length += math.hypot(line[i, 0] - line[i - 1, 0], line[i, 1] - line[i - 1, 1])
        ring = closed[c]
        gap = math.hypot(line[0, 0] - line[n - 1, 0], line[0, 1] - line[n - 1, 1])
        if not ring and gap < CLOSE_GAP_PX and length > CLOSE_LENGTH_PX:
            ring = True
        if ring and (line[0] != line[n - 1]).any():
            longer, sorts = np.empty((n + 1, 2)), np.empty(n + 1, np.uint8)
            longer[:n], longer[n] = line, line[0]
            sorts[:n], sorts[n] = sort, sort[0]
            line, sort = longer, sorts
            n += 1
        corners = [0]
        for i in range(1, n - 1):
            if sort[i] == CORNER:
                line[i, 0], line[i, 1] = within_tip(line, i, ink, half_width)
                corners.append(i)
        corners.append(n - 1)
        sharp = sort[0] == CORNER and ring
        first = filled
        inked = 0.0
        rest = np.empty((0, 4))
        points = np.empty((0, 2))
        for s in range(len(corners) - 1):
            a, b = corners[s], corners[s + 1]
            part, normal, seen = _section(
                line[a : b + 1], sort[a : b + 1], ring and len(corners) == 2 and not sharp,
                s > 0 or sharp, s < len(corners) - 2 or sharp, ink, half_width, scratch,
            )  # fmt: skip
            m = len(part)
            moved = np.empty((m, 2))
            for i in range(m):
                moved[i] = part[i] + seen[i, 0] * normal[i]
            if s == 0:
                points, rest = moved, seen
            else:
                # The corner moves so that it lies on both of its sides.
                k = len(points) - 1
                points[k] = 0.5 * (points[k] + moved[0])
                points, rest = np.concatenate((points, moved[1:])), np.concatenate((rest, seen[1:]))
        n = len(points)
        if ring and n > 2:
            points[0] = points[n - 1] = 0.5 * (points[0] + points[n - 1])
        points, rest = sharpened(points, rest, ink)
        n = len(points)
        start, stop = 0, n
        if not ring and n >= 5:
            back = min(n - 1, int(2.0 / STEP_PX))  # 2 px say where an end points to
            for side in range(2):
                if not free[c, side]:
                    continue
                end, inner = (0, back) if side == 0 else (n - 1, n - 1 - back)
                dx, dy = points[end, 0] - points[inner, 0], points[end, 1] - points[inner, 1]
                norm = math.hypot(dx, dy)
                if norm == 0.0:
                    continue
                pen = rest[inner, 3]
                missing = ink_ahead(ink, points[end, 0], points[end, 1], dx / norm, dy / norm, TIP_PX + pen) - pen
                if missing > 0.0:
                    points[end, 0] += min(missing, TIP_PX) * dx / norm
                    points[end, 1] += min(missing, TIP_PX) * dy / norm
                elif side == 0:
                    start = min(int(-missing / STEP_PX), back)
                else:
                    stop -= min(int(-missing / STEP_PX), back)
            stop = max(stop, start + 2)
        peaks = np.sort(rest[:, 2])
        full = max(peaks[int(0.9 * (n - 1))], LEAST_DARKNESS)
        wide = np.empty((n, 1))
        for i in range(n):
            wide[i, 0] = max(0.5 * rest[i, 1] / full, LEAST_HALF_WIDTH_PX)
        if n >= 5:
            wide = smooth(median_of_five(wide), SMOOTH_WIDTH_PX / STEP_PX, ring)
        for i in range(start, stop):
            out[filled, 0] = min(max(points[i, 0], 0.0), width_px)
            out[filled, 1] = min(max(points[i, 1], 0.0), height)
            out_width[filled] = max(wide[i, 0], LEAST_HALF_WIDTH_PX)
            inked += ink_at(ink, points[i, 0], points[i, 1])
            filled += 1
        for i in range(first + 1, filled):
            summary[c, 1] += math.hypot(out[i, 0] - out[i - 1, 0], out[i, 1] - out[i - 1, 1])
        summary[c, 0] = np.sort(out_width[first:filled])[(filled - first) // 2]
        summary[c, 2] = inked / max(filled - first, 1)
        ends[c + 1] = filled
    return out[:filled], out_width[:filled], summary, ends


def centre_lines(paths: list[SkeletonPath], ink: np.ndarray, half_width: np.ndarray) -> list[CentreLine]:
    """Fit lines to the ink along paths, in their order.

    Args:
        paths: in pixels of `ink`.
        ink: (H, W) float32 in [0, 1].
        half_width: (k H, k W) float32, half the ink's width around each of its points, pixels of `ink`; k an integer.
    """
    if not paths:
        return []
    offsets = np.concatenate(([0], np.cumsum([len(path.xy) for path in paths])))
    xy, widths, summary, ends = _fit(
        np.concatenate([path.xy for path in paths]),
        np.concatenate([path.kind for path in paths]),
        offsets,
        np.array([path.closed for path in paths]),
        np.array([path.free for path in paths]),
        ink,
        half_width,
    )
    return [
        CentreLine(xy[a:b], widths[a:b], *figures)
        for (a, b), figures in zip(pairwise(ends.tolist()), summary.tolist(), strict=True)
    ]


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
