"""Thin ink to lines one pixel wide (Guo & Hall 1989), on a list of ink pixels instead of whole pictures.

Zhang & Suen's better known rules eat diagonal lines two pixels wide from their ends.
"""

from __future__ import annotations

import numba
import numpy as np


def _removable() -> np.ndarray:
    """(2, 256) bool: whether a pixel goes in the first or second half of a round, by its neighbours.

    Bit k of the index is neighbour k, clockwise from the one above.
    """
    p = ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype(bool)
    following = np.roll(p, -1, axis=1)
    sides, corners = p[:, ::2], p[:, 1::2]
    groups = (~sides & (corners | following[:, 1::2])).sum(axis=1)
    pairs = np.minimum((p | following)[:, ::2].sum(axis=1), (p | following)[:, 1::2].sum(axis=1))
    border = (groups == 1) & (pairs >= 2) & (pairs <= 3)
    first = border & ~((p[:, 4] | p[:, 5] | ~p[:, 7]) & p[:, 6])
    second = border & ~((p[:, 0] | p[:, 1] | ~p[:, 3]) & p[:, 2])
    return np.stack((first, second))


_REMOVABLE = _removable()


@numba.njit(cache=True)
def _thin(ink: np.ndarray, removable: np.ndarray) -> np.ndarray:
    """Thin a uint8 picture with an empty border, in place; rows and columns of what is left, in reading order."""
    height, width = ink.shape
    count = 0
    for y in range(height):
        for x in range(width):
            count += ink[y, x]
    at_y, at_x = np.empty(count, np.int32), np.empty(count, np.int32)
    going = np.empty(count, np.int32)
    count = 0
    for y in range(height):
        for x in range(width):
            if ink[y, x]:
                at_y[count], at_x[count] = y, x
                count += 1
    changed = True
    while changed:
        changed = False
        for half in range(2):
            gone = 0
            for k in range(count):
                y, x = at_y[k], at_x[k]
                code = (
                    ink[y - 1, x]
                    | ink[y - 1, x + 1] << 1
                    | ink[y, x + 1] << 2
                    | ink[y + 1, x + 1] << 3
                    | ink[y + 1, x] << 4
                    | ink[y + 1, x - 1] << 5
                    | ink[y, x - 1] << 6
                    | ink[y - 1, x - 1] << 7
                )
                if removable[half, code]:
                    going[gone] = k
                    gone += 1
            if gone == 0:
                continue
            changed = True
            for k in range(gone):
                ink[at_y[going[k]], at_x[going[k]]] = 0
            left = 0
            for k in range(count):
                if ink[at_y[k], at_x[k]]:
                    at_y[left], at_x[left] = at_y[k], at_x[k]
                    left += 1
            count = left
    at = np.empty((count, 2), np.int64)
    for k in range(count):
        at[k, 0], at[k, 1] = at_y[k], at_x[k]
    return at


def thin(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines one pixel wide along the middle of ink, as connected as it.

    Args:
        ink: (H, W) bool.

    Returns:
        (H, W) bool; a subset of `ink`. And (N, 2) int64 rows and columns of its pixels, in reading order.
    """
    framed = np.zeros((ink.shape[0] + 2, ink.shape[1] + 2), np.uint8)
    framed[1:-1, 1:-1] = ink
    at = _thin(framed, _REMOVABLE)
    return framed[1:-1, 1:-1].view(bool), at - 1
