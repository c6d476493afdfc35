"""Understand where lines meet: which of the edges of a skeleton are one stroke.

A thinned picture bends lines where they meet, and splits a crossing into two forks a little apart. So spurs that only
the width of a line makes are pruned, forks that lie within the ink of one meeting are taken as one, lines go on through
a meeting where their directions agree, and the bent part of the skeleton there is cut out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from sketch_robot.strokes.skeleton import Skeleton

# Lengths below are in pixels or multiples of half the ink's width at a meeting; found on a synthetic drawing with known
# strokes (crossings, forks, touching lines), where each multiple may vary by a quarter without changing the result.
SPUR_WIDTHS, SPUR_PX = 1.2, 0.5
FORK_WIDTHS, FORK_PX = 1.6, 1.0
ACUTE_WIDTHS, ACUTE_PX = 4.0, 3.0  # two lines that cross at 20 degrees run together for so long
CROSSING_DEGREES = 15.0
CUT_WIDTHS = 1.2
LOOK_WIDTHS, LOOK_PX = 1.3, 6.0  # directions are taken from there on, over that length
STRAIGHT_ON_DEGREES = 40.0
PRUNINGS = 3  # a pruned spur may leave another


@dataclass(frozen=True, eq=False)
class Chain:
    """Edges that are one stroke.

    Attributes:
        parts: (N, 2) float64 each, pixels, in order and direction, without what a meeting has bent.
        closed: whether the last runs into the first.
        free: whether its start, and its end, meets no other ink.
    """

    parts: tuple[np.ndarray, ...]
    closed: bool
    free: tuple[bool, bool] = (False, False)


def _lengths(edges: list[np.ndarray]) -> np.ndarray:
    return np.array([np.hypot(*np.diff(edge, axis=0).T).sum() for edge in edges])


def _pruned(skeleton: Skeleton, lengths: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    """(E,) bool: the edges that are no spurs."""
    nodes = skeleton.nodes
    keep = np.ones(len(nodes), dtype=bool)
    ring = nodes[:, 0] < 0
    for _ in range(PRUNINGS):
        degree = np.bincount(nodes[keep & ~ring].ravel(), minlength=len(half_width))
        at_ends = degree[np.maximum(nodes, 0)]
        loose = (at_ends.min(axis=1) == 1) & (at_ends.max(axis=1) > 2) & ~ring
        widest = half_width[np.maximum(nodes, 0)].max(axis=1)
        spur = keep & loose & (lengths < SPUR_WIDTHS * widest + SPUR_PX)
        if not spur.any():
            break
        keep &= ~spur
    return keep


def _meetings(skeleton: Skeleton, keep: np.ndarray, lengths: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    """(M,) int64: a common number for nodes that are one meeting; takes the edges between them out of `keep`."""
    meeting = np.arange(len(half_width))
    nodes = skeleton.nodes
    ring = nodes[:, 0] < 0
    degree = np.bincount(nodes[keep & ~ring].ravel(), minlength=len(half_width))
    ends = np.maximum(nodes, 0)
    between = (degree[ends] > 2).all(axis=1) & (nodes[:, 0] != nodes[:, 1]) & keep & ~ring
    width = half_width[ends].mean(axis=1)
    short = between & (lengths < FORK_WIDTHS * width + FORK_PX)
    for k in np.flatnonzero(between & ~short & (lengths < ACUTE_WIDTHS * width + ACUTE_PX)):
        short[k] = _is_crossing(k, skeleton, keep, half_width)
    for k in np.flatnonzero(short):
        a, b = meeting[nodes[k]]
        meeting[meeting == max(a, b)] = min(a, b)
    keep &= ~short
    return meeting


def _is_crossing(k: int, skeleton: Skeleton, keep: np.ndarray, half_width: np.ndarray) -> bool:
    """Whether an edge between two forks is where two lines cross at a small angle: both go on straight across it."""
    sides = []
    for node in skeleton.nodes[k]:
        at, side = np.nonzero((skeleton.nodes == node) & keep[:, None])
        away = [
            _direction(skeleton.edges[e][:: -1 if end else 1], half_width[node])
            for e, end in zip(at.tolist(), side.tolist(), strict=True)
            if e != k
        ]
        sides.append(away)
    if len(sides[0]) != 2 or len(sides[1]) != 2:
        return False
    agree = -np.array(sides[0]) @ np.array(sides[1]).T
    straight = max(min(agree[0, 0], agree[1, 1]), min(agree[0, 1], agree[1, 0]))
    return bool(straight > np.cos(np.radians(CROSSING_DEGREES)))


def _direction(edge: np.ndarray, half_width: float) -> np.ndarray:
    """(2,) unit vector in which an edge leaves its first point, taken beyond what the meeting has bent."""
    span = min(len(edge), int(4.0 * (LOOK_WIDTHS * half_width + LOOK_PX)) + 8)  # enough points for what is looked at
    head = edge[:span]
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(head, axis=0).T))))
    skip = LOOK_WIDTHS * half_width
    near = min(skip, 0.3 * arc[-1])
    far = min(near + max(LOOK_PX, 2.0 * skip), arc[-1])
    step = np.array([np.interp(far, arc, column) - np.interp(near, arc, column) for column in head.T])
    length = np.hypot(*step)
    return step / length if length > 0.0 else step


def _links(
    edges: list[np.ndarray], nodes: np.ndarray, keep: np.ndarray, meeting: np.ndarray, half_width: np.ndarray
) -> dict[tuple[int, int], tuple[int, int]]:
    """Which edge's end (edge, 0 for its start or 1) runs on into which; both ways round."""
    ends = defaultdict(list)
    for k in np.flatnonzero(keep & (nodes[:, 0] >= 0)):
        ends[meeting[nodes[k, 0]]].append((int(k), 0))
        ends[meeting[nodes[k, 1]]].append((int(k), 1))
    links = {}
    least = -np.cos(np.radians(180.0 - STRAIGHT_ON_DEGREES))
    for here in ends.values():
        if len(here) == 2:
            links[here[0]], links[here[1]] = here[1], here[0]
        if len(here) < 3:
            continue
        away = np.array([_direction(edges[k][:: -1 if side else 1], half_width[nodes[k, side]]) for k, side in here])
        agree = -away @ away.T
        a, b = np.triu_indices(len(here), 1)
        best = np.argsort(-agree[a, b], kind='stable')
        free = set(range(len(here)))
        for i, j in zip(a[best].tolist(), b[best].tolist(), strict=True):
            if agree[i, j] < least:
                break
            if i in free and j in free:
                free -= {i, j}
                links[here[i]], links[here[j]] = here[j], here[i]
    return links


def chains(skeleton: Skeleton, half_width: np.ndarray, pixel: float) -> list[Chain]:
    """Put the edges of a skeleton together to strokes.

    Args:
        skeleton: in pixels of the picture.
        half_width: (M,) float64, half the ink's width at each node, pixels.
        pixel: distance between neighbouring points of an edge, pixels.
    """
    edges, nodes = skeleton.edges, skeleton.nodes
    lengths = _lengths(edges)
    half_width = np.maximum(half_width, 0.5) if len(half_width) else np.full(1, 0.5)  # rings alone have no nodes
    keep = _pruned(skeleton, lengths, half_width)
    meeting = _meetings(skeleton, keep, lengths, half_width)
    links = _links(edges, nodes, keep, meeting, half_width)
    # An open end is free where no other edge ends.
    used = np.bincount(meeting[nodes[keep & (nodes[:, 0] >= 0)].ravel()], minlength=len(half_width))
    found = []
    open_ends = [(k, side) for k in np.flatnonzero(keep).tolist() for side in (0, 1) if (k, side) not in links]
    for start in (*open_ends, *((k, 0) for k in np.flatnonzero(keep).tolist())):
        if not keep[start[0]]:
            continue
        here: tuple[int, int] | None = start
        row = []
        while here is not None and keep[here[0]]:
            k, side = here
            keep[k] = False
            row.append(here)
            here = links.get((k, 1 - side))
        # A row that begins at a linked end comes round to it: no open end leads there.
        closed = start in links or nodes[start[0], 0] < 0
        parts = []
        for position, (k, side) in enumerate(row):
            edge = edges[k][:: -1 if side else 1]
            before = half_width[nodes[k, side]] if position > 0 or start in links else 0.0
            after = half_width[nodes[k, 1 - side]] if position < len(row) - 1 or start in links else 0.0
            longest = len(edge) // 3
            head, tail = (min(longest, int(CUT_WIDTHS * width / pixel)) for width in (before, after))
            parts.append(edge[head : len(edge) - tail])
        (first, first_side), (last, last_side) = row[0], row[-1]
        outer = (nodes[first, first_side], nodes[last, 1 - last_side])
        free = (False, False) if closed else (bool(used[meeting[outer[0]]] == 1), bool(used[meeting[outer[1]]] == 1))
        found.append(Chain(tuple(parts), closed, free))
    return found
