"""Look at the ink across a line, and ahead of its end."""

from __future__ import annotations

import math

import numba
import numpy as np

MOST_PX = 0.6  # that the middle of the ink may lie beside the skeleton; more is another line
WIDEST_PX = 16.0  # half the width of what is still a line; in wider ink nothing is looked for
SAMPLE_PX = 0.25
RISE = 0.02  # of ink across a line, that is not yet another line: noise


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
def within_tip(before, corner, after, ink, half_width):  # type: ignore[no-untyped-def]
    """Where a corner is, between its neighbours: no farther out than a round pen would have gone."""
    scale = half_width.shape[0] // ink.shape[0]
    x, y = 0.5 * (before[0] + after[0]), 0.5 * (before[1] + after[1])
    dx, dy = corner[0] - x, corner[1] - y
    out = math.hypot(dx, dy)
    if out == 0.0:
        return corner[0], corner[1]
    column = min(max(int(before[0] * scale), 0), half_width.shape[1] - 1)
    row = min(max(int(before[1] * scale), 0), half_width.shape[0] - 1)
    pen = min(float(half_width[row, column]), WIDEST_PX)
    ends = ink_ahead(ink, x, y, dx / out, dy / out, out + 2.0 * pen + 2.0)
    part = min(1.0, max(ends - pen, 0.0) / out)
    return x + part * dx, y + part * dy
