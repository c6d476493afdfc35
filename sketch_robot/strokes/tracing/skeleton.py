"""The skeleton of ink: lines one pixel wide, as a graph of nodes where they end or meet and pixel chains between them.

Thinned by Guo & Hall (1989), on a list of ink pixels instead of whole pictures; Zhang & Suen's better known rules eat
diagonal lines two pixels wide from their ends. On line drawings the list takes 3 ms of 1024 x 1024 pixels where
`cv2.ximgproc.thinning`, whose Guo-Hall lines are the same ones, takes 50 to 75.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

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


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A graph of pixel chains.

    Attributes:
        xy: (P, 2) float64, x y of pixel centres in pixels (centre at +0.5), the edges' points one edge after another.
            An edge runs from node to node with a pixel of the node at each end, and has at least two points. A ring
            has its first point again at its end.
        offsets: (E + 1,) int64; edge k is `xy[offsets[k]:offsets[k + 1]]`.
        nodes: (E, 2) int64, the node at each edge's start and end; -1 -1 for a ring without a node.
        node_xy: (M, 2) float64, the middle of each node.
    """

    xy: np.ndarray
    offsets: np.ndarray
    nodes: np.ndarray
    node_xy: np.ndarray

    @property
    def edges(self) -> list[np.ndarray]:
        """The points of each edge."""
        return [self.xy[a:b] for a, b in pairwise(self.offsets)]


@numba.njit(cache=True)
def _thin_corners(line: np.ndarray, at: np.ndarray) -> None:
    """Take out pixels whose neighbours hang together without them, so that chains are 8-connected only. In place."""
    ring_y = np.array([-1, -1, 0, 1, 1, 1, 0, -1])
    ring_x = np.array([0, 1, 1, 1, 0, -1, -1, -1])
    around = np.empty(8, np.int64)
    for i in range(len(at)):
        y, x = at[i, 0], at[i, 1]
        count = 0
        for k in range(8):
            around[k] = line[y + ring_y[k], x + ring_x[k]]
            count += around[k]
        if count < 2:
            continue
        # 8-connected groups among the neighbours: gaps in the ring, where a side pixel between bridges two corners
        groups = 0
        for k in range(0, 8, 2):
            side, corner, following = around[k], around[k + 1], around[(k + 2) % 8]
            if not side and (corner or following):
                groups += 1
        if groups == 1:
            line[y, x] = 0


@numba.njit(cache=True)
def _trace(line: np.ndarray, at: np.ndarray):  # type: ignore[no-untyped-def]
    """Walk thin lines: chains of points x y, their offsets, their nodes, the nodes' middles.

    Args:
        line: (H, W) uint8 with an empty border; 1: line. Used up: pixels become 2 (a node), 3 (walked).
        at: (N, 2) rows and columns of all pixels of lines, in reading order; some may be empty by now.
    """
    total = 0
    pixels = np.empty((len(at), 2), np.int64)
    for i in range(len(at)):
        y, x = at[i, 0], at[i, 1]
        if not line[y, x]:
            continue
        total += 1
        count = 0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                count += line[y + dy, x + dx] != 0
        if count != 3:
            line[y, x] = 2
    # Number the nodes: pixels of them that touch are one. 2 becomes 4 once it has its number.
    number = np.empty(total, np.int64)
    middles = np.zeros((total, 2))
    nodes, listed = 0, 0
    for i in range(len(at)):
        if line[at[i, 0], at[i, 1]] != 2:
            continue
        line[at[i, 0], at[i, 1]] = 4
        first = listed
        pixels[listed] = at[i]
        listed += 1
        k = first
        while k < listed:
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    v, u = pixels[k, 0] + dy, pixels[k, 1] + dx
                    if line[v, u] == 2:
                        line[v, u] = 4
                        pixels[listed, 0], pixels[listed, 1] = v, u
                        listed += 1
            number[k] = nodes
            middles[nodes, 0] += pixels[k, 1] + 0.5
            middles[nodes, 1] += pixels[k, 0] + 0.5
            k += 1
        middles[nodes] /= listed - first
        nodes += 1
    order = np.argsort(pixels[:listed, 0] * line.shape[1] + pixels[:listed, 1])
    keys = (pixels[:listed, 0] * line.shape[1] + pixels[:listed, 1])[order]
    chain = np.empty((9 * total + 2, 2))  # each pixel once, and a node's pixel once for each of up to 8 chains
    offsets, joined = np.zeros(8 * total + 2, np.int64), np.empty((8 * total + 1, 2), np.int64)
    chains, filled = 0, 0
    for k in range(listed + len(at)):
        # Chains that leave each node pixel; then the rings, which have none.
        ring = k >= listed
        if ring:
            y0, x0 = at[k - listed, 0], at[k - listed, 1]
            y1, x1 = y0 + 1, x0 + 1
        else:
            y0, y1, x0, x1 = pixels[k, 0] - 1, pixels[k, 0] + 2, pixels[k, 1] - 1, pixels[k, 1] + 2
        for v in range(y0, y1):
            for u in range(x0, x1):
                if line[v, u] != 1:
                    continue
                before_y, before_x = -1, -1
                start_node, end_node = -1, -1
                if not ring:
                    before_y, before_x = pixels[k, 0], pixels[k, 1]
                    start_node = number[k]
                    chain[filled, 0], chain[filled, 1] = before_x + 0.5, before_y + 0.5
                    filled += 1
                y, x = v, u
                while True:
                    chain[filled, 0], chain[filled, 1] = x + 0.5, y + 0.5
                    filled += 1
                    if line[y, x] == 4:
                        end_node = number[order[np.searchsorted(keys, y * line.shape[1] + x)]]
                        break
                    if line[y, x] == 3:  # a ring has come round
                        break
                    line[y, x] = 3
                    next_y, next_x = -1, -1
                    for dy in range(-1, 2):
                        for dx in range(-1, 2):
                            q, p = y + dy, x + dx
                            if not line[q, p] or (dy == 0 and dx == 0) or (q == before_y and p == before_x):
                                continue
                            next_y, next_x = q, p
                    before_y, before_x = y, x
                    y, x = next_y, next_x
                joined[chains, 0], joined[chains, 1] = start_node, end_node
                chains += 1
                offsets[chains] = filled
    return chain[:filled].copy(), offsets[: chains + 1].copy(), joined[:chains].copy(), middles[:nodes].copy()


def skeleton_graph(line: np.ndarray, at: np.ndarray | None = None) -> Skeleton:
    """Turn a picture of thin lines into a graph.

    Args:
        line: (H, W) bool, lines one pixel wide, as a thinning leaves them.
        at: (N, 2) int rows and columns of its pixels in reading order, when they are known.
    """
    framed = np.zeros((line.shape[0] + 2, line.shape[1] + 2), np.uint8)
    framed[1:-1, 1:-1] = line
    places = np.argwhere(line) if at is None else at
    places = np.ascontiguousarray(places, dtype=np.int64) + 1
    _thin_corners(framed, places)
    xy, offsets, nodes, node_xy = _trace(framed, places)
    return Skeleton(xy - 1.0, offsets, nodes, node_xy - 1.0)
