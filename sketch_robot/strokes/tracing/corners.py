"""Cut the edges of a skeleton at sharp corners, so that each side of one is measured by itself.

In cross-hatching whose two directions end at the same points an edge runs from the last crossing of one line around the
corner to the last crossing of the other. Neither its direction at the crossings nor that of its sides can be told from
the whole. What the two sides of a corner are to each other is for `junctions` to say.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sketch_robot.strokes.tracing.skeleton import Skeleton

SIDE_PX = 6.0  # of a corner that is looked at, less near a fork, which bends the line
BENT_PX, LEAST_SIDE_PX = 1.0, 4.0
ROUND_PX = 1.0  # thinning cuts so much off a corner
ONE_CORNER_PX = 4.0
TURN = math.radians(45.0)
STRAIGHT = 0.95  # of a side's length, from end to end; a skeleton has steps


def corners_of(skeleton: Skeleton) -> np.ndarray:
    """Find the sharp corners of edges between two forks: (K,) int64, which of the skeleton's points, in order."""
    nodes = skeleton.nodes
    degree = np.bincount(nodes[nodes[:, 0] >= 0].ravel(), minlength=max(len(skeleton.node_xy), 1))
    between = (nodes[:, 0] >= 0) & (degree[np.maximum(nodes, 0)] > 2).all(axis=1)
    found: np.ndarray = _corners(skeleton.xy, skeleton.offsets, between)
    return found


def cut_at(
    skeleton: Skeleton, at: np.ndarray, node_width: np.ndarray, edge_width: np.ndarray
) -> tuple[Skeleton, np.ndarray, np.ndarray]:
    """Cut edges at some of their points.

    Args:
        skeleton: in pixels of the picture.
        at: (K,) int64, which points, in order; none is at a node.
        node_width: (M,) float64, half the ink's width at each node, pixels.
        edge_width: (P,) float64, the same at each point of the edges.

    Returns:
        the skeleton with K nodes more, after those that it had, and the widths of it.
    """
    if len(at) == 0:
        return skeleton, node_width, edge_width
    # A point that is cut at ends one edge and begins the next.
    repeats = np.ones(len(skeleton.xy), np.int64)
    repeats[at] = 2
    order = np.repeat(np.arange(len(skeleton.xy)), repeats)
    cuts = at + np.arange(1, len(at) + 1)
    moved = skeleton.offsets + np.searchsorted(at, skeleton.offsets)
    offsets = np.sort(np.concatenate((moved, cuts)))
    edge = np.searchsorted(skeleton.offsets, at, side='right') - 1
    parts = np.repeat(skeleton.nodes, np.bincount(edge, minlength=len(skeleton.nodes)) + 1, axis=0)
    first = np.searchsorted(offsets, cuts) - 1
    parts[first, 1] = parts[first + 1, 0] = len(skeleton.node_xy) + np.arange(len(at))
    cut = Skeleton(skeleton.xy[order], offsets, parts, np.concatenate((skeleton.node_xy, skeleton.xy[at])))
    return cut, np.concatenate((node_width, edge_width[at])), edge_width[order]


@numba.njit(cache=True)
def _corners(xy, offsets, between):  # type: ignore[no-untyped-def]
    points = np.empty(len(xy), np.int64)
    found = 0
    for e in range(len(between)):
        if not between[e]:
            continue
        first, n = offsets[e], offsets[e + 1] - offsets[e]
        arc, turn = np.zeros(n), np.zeros(n)
        for i in range(1, n):
            p = first + i
            arc[i] = arc[i - 1] + math.hypot(xy[p, 0] - xy[p - 1, 0], xy[p, 1] - xy[p - 1, 1])
        for i in range(1, n - 1):
            reach = min(SIDE_PX, arc[i] - BENT_PX, arc[n - 1] - arc[i] - BENT_PX)
            if reach < LEAST_SIDE_PX:
                continue
            way = np.zeros((2, 2))
            straight = True
            for side in range(2):
                step = 2 * side - 1
                near, far = i, i
                while abs(arc[near] - arc[i]) < ROUND_PX:
                    near += step
                far = near
                while abs(arc[far] - arc[i]) < reach:
                    far += step
                dx, dy = xy[first + far, 0] - xy[first + near, 0], xy[first + far, 1] - xy[first + near, 1]
                length = math.hypot(dx, dy)
                # A chain of pixels along a straight line is up to 8 % longer than it.
                if length < 0.92 * STRAIGHT * abs(arc[far] - arc[near]) or length == 0.0:
                    straight = False
                    break
                way[side, 0], way[side, 1] = step * dx / length, step * dy / length
            if straight:
                cross = way[0, 0] * way[1, 1] - way[0, 1] * way[1, 0]
                turn[i] = abs(math.atan2(cross, way[0, 0] * way[1, 0] + way[0, 1] * way[1, 1]))
        i = 0
        while i < n:
            if turn[i] < TURN:
                i += 1
                continue
            # Turns that follow each other closely are one corner, which blur has rounded.
            last = k = i
            while k + 1 < n and arc[k + 1] - arc[last] < ONE_CORNER_PX:
                k += 1
                if turn[k] >= TURN:
                    last = k
            points[found] = first + (i + last) // 2
            found += 1
            i = last + 1
    return points[:found].copy()
