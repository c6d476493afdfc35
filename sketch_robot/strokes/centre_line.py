"""A fair line through the middle of the ink, finer than pixels.

A skeleton is a staircase: it is sampled evenly, smoothed, moved across to the ink's centre of mass where no other line
is near, and drawn out to where a round pen of the line's width would have touched down.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from scipy.ndimage import gaussian_filter1d

from sketch_robot.strokes.junctions import Chain

STEP_PX = 0.5  # between points
SMOOTH_PX = 1.0  # standard deviation along the line, of the skeleton and of the move across
MOST_PX = 0.6  # that the middle of the ink may lie beside the skeleton; more is another line
BEYOND_PX = 1.5  # the ink's soft edge, outside half its width
WIDEST_PX = 16.0  # half the width of what is still a line; in wider ink nothing is looked for
TIP_PX = 3.0  # that thinning may have shortened an end by
CLOSE_GAP_PX, CLOSE_LENGTH_PX = 1.5, 8.0  # ends so near, of a line so long, are one
SAMPLE_PX = 0.25
RISE = 0.02  # of ink across a line, that is not yet another line: noise


@numba.njit(cache=True)
def _ink_at(ink: np.ndarray, x: float, y: float) -> float:
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
def _offsets_to_middle(ink: np.ndarray, xy: np.ndarray, reach_px: np.ndarray, most_px: float) -> np.ndarray:
    """How far the middle of the ink lies to the left of a line (towards (-dy, dx)), measured across it.

    From each point outwards, ink counts until it grows again (another line) or the reach ends; the middle is its centre
    of mass above the level where that happened.

    Args:
        ink: (H, W) float32, pixel centres at +0.5.
        xy: (N, 2) float64 pixels, N >= 2.
        reach_px: (N,) float64, how far to look to either side.
        most_px: results are limited to +- this.

    Returns:
        (N,) float64 pixels.
    """
    n = len(xy)
    result = np.zeros(n)
    for i in range(n):
        a, b = max(i - 2, 0), min(i + 2, n - 1)
        dx, dy = xy[b, 0] - xy[a, 0], xy[b, 1] - xy[a, 1]
        norm = math.hypot(dx, dy)
        if norm == 0.0:
            continue
        dx, dy = dx / norm, dy / norm
        steps = int(reach_px[i] / SAMPLE_PX)
        values = np.empty(2 * steps + 1)
        for k in range(-steps, steps + 1):
            across = k * SAMPLE_PX
            values[k + steps] = _ink_at(ink, xy[i, 0] - dy * across, xy[i, 1] + dx * across)
        near = int(most_px / SAMPLE_PX)
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
        mass, moment = 0.0, 0.0
        for k in range(left, right + 1):
            above = max(values[k] - floor, 0.0)
            mass += above
            moment += above * (k - steps) * SAMPLE_PX
        if mass > 0.0:
            result[i] = min(max(moment / mass, -most_px), most_px)
    return result


@numba.njit(cache=True)
def _ink_ahead(ink: np.ndarray, x: float, y: float, dx: float, dy: float, most_px: float) -> float:
    """How far the ink goes on in a direction: until it has half the darkness that it has here, at most `most_px`."""
    level = 0.5 * _ink_at(ink, x, y)
    ahead = 0.0
    while ahead < most_px and _ink_at(ink, x + ahead * dx, y + ahead * dy) > level:
        ahead += SAMPLE_PX
    return ahead


def _smooth(values: np.ndarray, closed: bool) -> np.ndarray:
    """Along the line; the ends of an open one stay where they are, a closed one repeats its first point."""
    sigma = SMOOTH_PX / STEP_PX
    if closed:
        smooth = gaussian_filter1d(values[:-1], sigma, axis=0, mode='wrap')
        return np.concatenate((smooth, smooth[:1]))
    smooth = gaussian_filter1d(values, sigma, axis=0, mode='nearest')
    smooth[0], smooth[-1] = values[0], values[-1]
    return smooth


def _sampled(chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) points at even distances along a chain, and (N,) bool: those on a bridge from part to part."""
    xy = np.concatenate(chain.parts)
    last = np.cumsum([len(part) for part in chain.parts]) - 1
    bridge = np.zeros(len(xy), dtype=bool)
    bridge[last] = True
    if chain.closed:
        xy = np.concatenate((xy, xy[:1]))
    steps = np.hypot(*np.diff(xy, axis=0).T)
    arc = np.concatenate(([0.0], np.cumsum(steps)))
    if arc[-1] == 0.0:
        return xy[:1], bridge[:1]
    at = np.linspace(0.0, arc[-1], max(2, math.ceil(arc[-1] / STEP_PX) + 1))
    segment = np.clip(np.searchsorted(arc, at, side='right') - 1, 0, len(steps) - 1)
    points = np.column_stack([np.interp(at, arc, column) for column in xy.T])
    return points, bridge[segment] & (steps[segment] > 2.0 * STEP_PX)


def centre_line(chain: Chain, ink: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    """The line of one chain.

    Args:
        chain: in pixels of `ink`.
        ink: (H, W) float32 in [0, 1].
        half_width: (k H, k W) float32, half the ink's width around each of its points, pixels of `ink`; k an integer.

    Returns:
        (N, 2) float64, N >= 1, pixels; a closed line has its first point again at its end.
    """
    xy, bridged = _sampled(chain)
    if len(xy) < 5:
        return xy
    near = math.dist(xy[0], xy[-1]) < CLOSE_GAP_PX and STEP_PX * (len(xy) - 1) > CLOSE_LENGTH_PX
    closed = chain.closed or near
    if near and not chain.closed:
        xy, bridged = np.concatenate((xy, xy[:1])), np.concatenate((bridged, bridged[:1]))
    xy = _smooth(xy, closed)

    scale = half_width.shape[0] // ink.shape[0]
    column, row = np.clip((xy * scale).astype(np.int64), 0, np.array(half_width.shape)[::-1] - 1).T
    width = np.minimum(half_width[row, column].astype(np.float64), WIDEST_PX)
    offset = _offsets_to_middle(ink, xy, width + BEYOND_PX, MOST_PX)
    offset[bridged] = 0.0
    along = np.gradient(xy, axis=0)
    if closed:
        offset[-1] = offset[0]
        along[0] = along[-1] = xy[1] - xy[-2]
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    xy = xy + _smooth(offset, closed)[:, None] * np.column_stack((-along[:, 1], along[:, 0]))
    if closed:
        return np.clip(xy, 0.0, np.array(ink.shape)[::-1])
    back = min(len(xy) - 1, round(2.0 / STEP_PX))  # 2 px say where an end points to
    first, last = 0, len(xy)
    for free, end, inner in ((chain.free[0], 0, back), (chain.free[1], -1, -1 - back)):
        way = xy[end] - xy[inner]
        length = math.hypot(*way)
        if not free or length == 0.0:
            continue
        (x, y), (dx, dy) = xy[end], way / length
        missing = _ink_ahead(ink, x, y, dx, dy, TIP_PX + float(width[inner])) - float(width[inner])
        if missing > 0.0:
            xy[end] += min(missing, TIP_PX) * way / length
        elif end == 0:
            first = min(int(-missing / STEP_PX), back)
        else:
            last -= min(int(-missing / STEP_PX), back)
    return np.clip(xy[first : max(last, first + 2)], 0.0, np.array(ink.shape)[::-1])
