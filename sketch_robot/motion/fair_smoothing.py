"""The line of least change in curvature within a tolerance of another.

The sum of squared third differences is minimised against weighted distances (a smoothing spline on even samples; Eilers
2003, "A perfect smoother"), and weights grow where the line would move too far (Lawson 1961).
"""

from __future__ import annotations

import math

import numba
import numpy as np

ROUNDS = 14  # of growing weights
PINNED = 1e6  # the weight of an end that must stay


@numba.njit(cache=True)
def least_third_differences(weight: np.ndarray, xy: np.ndarray, stiffness: float) -> np.ndarray:
    """Minimise sum w |z - xy|^2 + stiffness sum |third differences of z|^2: banded Cholesky (L D L')."""
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
    """The fairest line within `tolerance` of even samples; the ends of an open one stay, a ring's stay together."""
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
