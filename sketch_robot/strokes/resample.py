"""Even samples along a line, and values smoothed along them."""

from __future__ import annotations

import math

import numba
import numpy as np

from sketch_robot.strokes.junctions import BRIDGE

STEP_PX = 0.5  # between points


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
    """Even samples of a polyline, and whether each lies on a bridge."""
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
        bridged[i] = (kind[k] == BRIDGE and kind[k + 1] != 0) or (kind[k + 1] == BRIDGE and kind[k] != 0)
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
