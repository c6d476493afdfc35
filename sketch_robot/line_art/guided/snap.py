"""Snap a curve to the picture.

A template curve may move along its normals within a band. The best offsets weigh evidence in the picture against
bending and against leaving the template, and are found exactly by dynamic programming (Amini, Weymouth & Jain 1990, for
the active contours of Kass, Witkin & Terzopoulos 1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numba import njit

from sketch_robot.line_art.filters import wide_blur
from sketch_robot.line_art.geometry.curve import normals, sample, smooth

Evidence = Literal['dark', 'edge', 'brighter', 'darker']


@dataclass(frozen=True, eq=False)
class Snapped:
    """A curve on the picture.

    Attributes:
        xy: (N, 2) float64.
        evidence: (N,) float64; contrast under each point in local standard deviations, about -0.5 .. 2.
    """

    xy: np.ndarray
    evidence: np.ndarray


def local_spread(light: np.ndarray, sigma: float = 14.0) -> np.ndarray:
    """Standard deviation of lightness (H, W) float32 around each pixel; what a contrast is measured in."""
    mean = wide_blur(light, sigma)
    return np.sqrt(np.maximum(wide_blur(light * light, sigma) - mean * mean, 0.0))


def snap(
    light: np.ndarray,
    spread: np.ndarray,
    xy: np.ndarray,
    band_px: int,
    evidence: Evidence = 'dark',
    *,
    stiffness: float = 1.2,
    loyalty: float = 0.5,
    reach_px: int = 2,
    pin_ends: bool = False,
) -> Snapped:
    """Move a curve along its normals to where the picture supports it.

    Args:
        light: (H, W) float32 lightness in [0, 1].
        spread: `local_spread(light)`.
        xy: (N, 2) the template, evenly spaced.
        band_px: how far a point may move.
        evidence: 'dark': a dark line; 'edge': any step; 'brighter', 'darker': a step towards the normal's side.
        stiffness: price of bending.
        loyalty: price of leaving the template.
        reach_px: half the width of the line or step.
        pin_ends: keep the ends near the template's.
    """
    if len(xy) < 3:
        return Snapped(np.array(xy, np.float64), np.zeros(len(xy)))
    normal = normals(xy)
    margin = reach_px + 3
    offset = np.arange(-band_px - margin, band_px + margin + 1, dtype=np.float64)
    profile = sample(light, xy[:, None] + normal[:, None] * offset[None, :, None])
    profile = np.asarray(cv2.GaussianBlur(profile, (0, 0), sigmaX=0.9, sigmaY=1.5), np.float64)

    def shifted(by: int) -> np.ndarray:
        return profile[:, margin + by : profile.shape[1] - margin + by]

    if evidence == 'dark':
        both = np.minimum(shifted(reach_px + 1), shifted(-reach_px - 1))
        gain = 0.7 * both + 0.15 * (shifted(reach_px + 2) + shifted(-reach_px - 2)) - shifted(0)
    else:
        step = shifted(reach_px) - shifted(-reach_px)
        gain = np.abs(step) if evidence == 'edge' else step if evidence == 'brighter' else -step
    scale = np.sqrt((sample(spread, xy).astype(np.float64) ** 2).mean()) + 0.02
    gain = np.clip(gain / scale, -0.5, 2.0)
    offset = offset[margin:-margin]
    cost = loyalty * (offset / band_px) ** 2 - gain
    if pin_ends:
        cost[[0, -1]] += 0.3 * np.abs(offset)
    path = cheapest_path(cost, 0.25 * stiffness)
    found = smooth(gain[np.arange(len(xy)), path], 2.0)
    moved = xy + normal * smooth(offset[path], 2.0)[:, None]
    return Snapped(smooth(moved, 1.2), found)


@njit(cache=True)
def cheapest_path(cost: np.ndarray, bend: float) -> np.ndarray:
    """One column for each row of `cost` (N, K): least sum of costs and of bend * (change of column)^2. (N,) int64."""
    rows, columns = cost.shape
    best = cost[0].copy()
    come_from = np.zeros((rows, columns), np.int64)
    for row in range(1, rows):
        following = np.empty(columns)
        for column in range(columns):
            least, at = np.inf, 0
            for before in range(columns):
                price = best[before] + bend * (column - before) ** 2
                if price < least:
                    least, at = price, before
            following[column] = least + cost[row, column]
            come_from[row, column] = at
        best = following
    path = np.empty(rows, np.int64)
    path[rows - 1] = np.argmin(best)
    for row in range(rows - 1, 0, -1):
        path[row - 1] = come_from[row, path[row]]
    return path
