"""Samples along a line, evenly spaced and smoothed, and of the ink across it and ahead of its end."""

from __future__ import annotations

import math

import numba
import numpy as np

SKELETON, BRIDGE, CORNER = 0, 1, 2  # what a point of a path is, see `SkeletonPath`
STEP_PX = 0.5  # between points

MOST_PX = 0.6  # that the middle of the ink may lie beside the skeleton; more is another line
WIDEST_PX = 16.0  # half the width of what is still a line; in wider ink nothing is looked for
SAMPLE_PX = 0.25
ASIDE_POINTS = 12  # from a corner, where a line is surely as wide as it is
RISE = 0.02  # of ink across a line, that is not yet another line: noise


@numba.njit(cache=True)
def smooth(values: np.ndarray, sigma: float, ring: bool) -> np.ndarray:
    """Columns smoothed by a Gaussian; beyond an end they go on turned about it, so that straight stays straight and
    ends stay; a ring goes round, its last value being its first."""
    n, columns = values.shape
    reach = min(int(3.0 * sigma + 0.5), n - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    longer = np.empty((n + 2 * reach, columns))
    longer[reach : reach + n] = values
    for k in range(1, reach + 1):
        for c in range(columns):
            if ring:
                longer[reach - k, c], longer[reach + n - 1 + k, c] = (
                    values[(n - 1 - k) % (n - 1), c],
                    values[k % (n - 1), c],
                )
            else:
                longer[reach - k, c] = 2.0 * values[0, c] - values[k, c]
                longer[reach + n - 1 + k, c] = 2.0 * values[n - 1, c] - values[n - 1 - k, c]
    result = np.zeros((n, columns))
    for i in range(n):
        for k in range(2 * reach + 1):
            for c in range(columns):
                result[i, c] += kernel[k] * longer[i + k, c]
    return result


@numba.njit(cache=True)
def sampled(xy: np.ndarray, kind: np.ndarray):  # type: ignore[no-untyped-def]
    """Even samples of a polyline, and whether each lies on a bridge or runs up to a corner."""
    n = len(xy)
    arc = np.zeros(n)
    for i in range(1, n):
        arc[i] = arc[i - 1] + math.hypot(xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1])
    if arc[n - 1] == 0.0:
        return xy[:1].copy(), np.zeros(1, np.bool_)
    count = max(2, math.ceil(arc[n - 1] / STEP_PX) + 1)
    points, bridged = np.empty((count, 2)), np.zeros(count, np.bool_)
    k = 0
    for i in range(count):
        at = arc[n - 1] * i / (count - 1)
        while k < n - 2 and arc[k + 1] < at:
            k += 1
        step = arc[k + 1] - arc[k]
        part = min(max((at - arc[k]) / step, 0.0), 1.0) if step > 0.0 else 0.0
        points[i] = xy[k] + part * (xy[k + 1] - xy[k])
        one, other = kind[k], kind[k + 1]
        bridged[i] = one == CORNER or other == CORNER or (one == BRIDGE and other == BRIDGE)
    return points, bridged


@numba.njit(cache=True)
def fill_between(values: np.ndarray, unknown: np.ndarray, column: int) -> None:
    """Put values between known ones where they are unknown, linearly; the nearest beyond the last. In place."""
    n = len(values)
    before = -1
    for i in range(n + 1):
        if i < n and unknown[i]:
            continue
        for k in range(before + 1, i):
            if before < 0 and i == n:
                values[k, column] = 0.0
            elif before < 0:
                values[k, column] = values[i, column]
            elif i == n:
                values[k, column] = values[before, column]
            else:
                part = (k - before) / (i - before)
                values[k, column] = values[before, column] + part * (values[i, column] - values[before, column])
        before = i


@numba.njit(cache=True)
def median_of_five(values: np.ndarray) -> np.ndarray:
    """Of 5 neighbours each."""
    n = len(values)
    result = values.copy()
    five = np.empty(5)
    for i in range(2, n - 2):
        for k in range(5):
            five[k] = values[i - 2 + k, 0]
        result[i, 0] = np.sort(five)[2]
    return result


@numba.njit(cache=True)
def ink_at(ink: np.ndarray, x: float, y: float) -> float:
    """Ink between pixel centres, linearly; that of the border outside."""
    height, width = ink.shape
    x = min(max(x - 0.5, 0.0), width - 1.0)
    y = min(max(y - 0.5, 0.0), height - 1.0)
    u, v = min(int(x), max(width - 2, 0)), min(int(y), max(height - 2, 0))
    right, below = min(u + 1, width - 1), min(v + 1, height - 1)
    p, q = x - u, y - v
    top = ink[v, u] * (1.0 - p) + ink[v, right] * p
    bottom = ink[below, u] * (1.0 - p) + ink[below, right] * p
    return top * (1.0 - q) + bottom * q


@numba.njit(cache=True)
def across(ink: np.ndarray, x: float, y: float, dx: float, dy: float, reach: float, values: np.ndarray):  # type: ignore[no-untyped-def]
    """How far the middle of a line's ink lies to the left of a point (towards (-dy, dx)), how much ink there is across
    the line (pixels of full ink), and the darkest of it.

    From the darkest place outwards, ink counts until it grows again (another line) or the reach ends; the middle is its
    centre of mass above the level where that happened.
    """
    steps = int(reach / SAMPLE_PX)
    for k in range(-steps, steps + 1):
        values[k + steps] = ink_at(ink, x - dy * k * SAMPLE_PX, y + dx * k * SAMPLE_PX)
    near = int(MOST_PX / SAMPLE_PX)
    peak = steps
    for k in range(max(steps - near, 0), min(steps + near, 2 * steps) + 1):
        if values[k] > values[peak]:
            peak = k
    left, right = peak, peak
    while right < 2 * steps and values[right + 1] <= values[right] + RISE:
        right += 1
    while left > 0 and values[left - 1] <= values[left] + RISE:
        left -= 1
    floor = max(values[left], values[right])
    mass, moment, whole = 0.0, 0.0, 0.0
    for k in range(left, right + 1):
        above = max(values[k] - floor, 0.0)
        mass += above
        moment += above * (k - steps) * SAMPLE_PX
        whole += values[k]
    off = min(max(moment / mass, -MOST_PX), MOST_PX) if mass > 0.0 else 0.0
    return off, whole * SAMPLE_PX, values[peak]


@numba.njit(cache=True)
def ink_ahead(ink: np.ndarray, x: float, y: float, dx: float, dy: float, most_px: float) -> float:
    """How far the ink goes on in a direction: until it has half the darkness that it has here, at most `most_px`."""
    level = 0.5 * ink_at(ink, x, y)
    ahead = 0.0
    while ahead < most_px and ink_at(ink, x + ahead * dx, y + ahead * dy) > level:
        ahead += SAMPLE_PX
    return ahead


@numba.njit(cache=True)
def within_tip(line, i, ink, half_width):  # type: ignore[no-untyped-def]
    """Where the corner of a line at its point i is: no farther out than a round pen would have gone."""
    before, corner, after = line[i - 1], line[i], line[i + 1]
    scale = half_width.shape[0] // ink.shape[0]
    x, y = 0.5 * (before[0] + after[0]), 0.5 * (before[1] + after[1])
    dx, dy = corner[0] - x, corner[1] - y
    out = math.hypot(dx, dy)
    if out == 0.0:
        return corner[0], corner[1]
    pen = WIDEST_PX
    for k in (max(i - ASIDE_POINTS, 0), i - 1, i + 1, min(i + ASIDE_POINTS, len(line) - 1)):
        column = min(max(int(line[k, 0] * scale), 0), half_width.shape[1] - 1)
        row = min(max(int(line[k, 1] * scale), 0), half_width.shape[0] - 1)
        if half_width[row, column] > 0.0:
            pen = min(pen, float(half_width[row, column]))
    # Between the sides of an acute corner there may be paper first.
    start, darkest = 0.0, 0.0
    for k in range(int(out / SAMPLE_PX) + 1):
        here = ink_at(ink, x + k * SAMPLE_PX * dx / out, y + k * SAMPLE_PX * dy / out)
        if here > darkest:
            start, darkest = k * SAMPLE_PX, here
    x_dark, y_dark = x + start * dx / out, y + start * dy / out
    ends = start + ink_ahead(ink, x_dark, y_dark, dx / out, dy / out, out - start + 2.0 * pen + 2.0)
    part = min(1.0, max(ends - pen, 0.0) / out)
    return x + part * dx, y + part * dy
