"""Thin lines, one pixel wide, as a graph: nodes where lines end or meet, and the pixel chains between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A graph of pixel chains.

    Attributes:
        edges: each (N, 2) float64, x y of pixel centres in pixels (centre at +0.5), N >= 2, from node to node with a
            pixel of the node at each end. A ring has its first point again at its end.
        nodes: (len(edges), 2) int64, the node at each edge's start and end; -1 -1 for a ring without a node.
        node_xy: (M, 2) float64, the middle of each node.
    """

    edges: list[np.ndarray]
    nodes: np.ndarray
    node_xy: np.ndarray


@numba.njit(cache=True)
def _thin_corners(line: np.ndarray) -> None:
    """Take out pixels whose neighbours hang together without them, so that chains are 8-connected only. In place."""
    ring_y = np.array([-1, -1, 0, 1, 1, 1, 0, -1])
    ring_x = np.array([0, 1, 1, 1, 0, -1, -1, -1])
    around = np.empty(8, np.int64)
    for y in range(1, line.shape[0] - 1):
        for x in range(1, line.shape[1] - 1):
            if not line[y, x]:
                continue
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
def _trace(line: np.ndarray):  # type: ignore[no-untyped-def]
    """Walk a thin-lined picture with an empty border: chains of pixels (row, column), their offsets, nodes."""
    height, width = line.shape
    total = 0
    node = np.full((height, width), -1, np.int32)  # -1: not a node, -2: waits for its number
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if line[y, x]:
                total += 1
                count = 0
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        count += line[y + dy, x + dx]
                if count != 3:
                    node[y, x] = -2
    # Number the nodes: pixels of them that touch are one.
    middles = np.zeros((total, 2))
    pixels = np.empty((total, 2), np.int32)
    nodes, listed = 0, 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if node[y, x] != -2:
                continue
            node[y, x] = nodes
            first = listed
            pixels[listed, 0], pixels[listed, 1] = y, x
            listed += 1
            k = first
            while k < listed:
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        v, u = pixels[k, 0] + dy, pixels[k, 1] + dx
                        if node[v, u] == -2:
                            node[v, u] = nodes
                            pixels[listed, 0], pixels[listed, 1] = v, u
                            listed += 1
                k += 1
            for k in range(first, listed):
                middles[nodes, 0] += pixels[k, 1] + 0.5
                middles[nodes, 1] += pixels[k, 0] + 0.5
            middles[nodes, 0] /= listed - first
            middles[nodes, 1] /= listed - first
            nodes += 1
    chain = np.empty((9 * total + 2, 2))  # each pixel once, and a node's pixel once for each of up to 8 chains
    offsets, joined = np.zeros(8 * total + 2, np.int64), np.empty((8 * total + 1, 2), np.int64)
    chains, filled = 0, 0
    done = np.zeros((height, width), np.bool_)
    for k in range(listed + 1):
        # Chains that leave this node pixel; after the last one, the rings, which have none.
        rings = k == listed
        y0, y1 = (1, height - 1) if rings else (pixels[k, 0] - 1, pixels[k, 0] + 2)
        x0, x1 = (1, width - 1) if rings else (pixels[k, 1] - 1, pixels[k, 1] + 2)
        for v in range(y0, y1):
            for u in range(x0, x1):
                if not line[v, u] or done[v, u] or node[v, u] >= 0:
                    continue
                before_y, before_x = -1, -1
                start_node = -1
                if not rings:
                    before_y, before_x = pixels[k, 0], pixels[k, 1]
                    start_node = node[before_y, before_x]
                    chain[filled, 0], chain[filled, 1] = before_x + 0.5, before_y + 0.5
                    filled += 1
                y, x = v, u
                end_node = -1
                while True:
                    chain[filled, 0], chain[filled, 1] = x + 0.5, y + 0.5
                    filled += 1
                    if node[y, x] >= 0:
                        end_node = node[y, x]
                        break
                    if done[y, x]:  # a ring has come round
                        break
                    done[y, x] = True
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


def skeleton_graph(line: np.ndarray) -> Skeleton:
    """Turn a picture of thin lines into a graph.

    Args:
        line: (H, W) bool, lines one pixel wide, as a thinning leaves them.
    """
    framed = np.zeros((line.shape[0] + 2, line.shape[1] + 2), np.uint8)
    framed[1:-1, 1:-1] = line
    _thin_corners(framed)
    chain, offsets, nodes, node_xy = _trace(framed)
    edges = [chain[a:b] - 1.0 for a, b in pairwise(offsets)]
    return Skeleton(edges, nodes, node_xy - 1.0)
