"""Put the edges of a skeleton together to strokes, meetings bridged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sketch_robot.strokes.bridges import run_up
from sketch_robot.strokes.junctions import BRIDGE, SKELETON, End, Meetings
from sketch_robot.strokes.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Chain:
    """Edges that are one stroke.

    Attributes:
        xy: (N, 2) float64 pixels, in order, without what a meeting has bent.
        kind: (N,) uint8: SKELETON; BRIDGE, put in across a meeting; CORNER, a sharp turn that must stay.
        closed: whether the last runs into the first.
        free: whether its start, and its end, meets no other ink.
    """

    xy: np.ndarray
    kind: np.ndarray
    closed: bool
    free: tuple[bool, bool] = (False, False)


def chains(skeleton: Skeleton, half_width: np.ndarray, edge_width: np.ndarray) -> list[Chain]:
    """Put the edges of a skeleton together to strokes.

    Args:
        skeleton: in pixels of the picture.
        half_width: (M,) float64, half the ink's width at each node, pixels.
        edge_width: (P,) float64, half the ink's width at each point of the edges, pixels.
    """
    at = Meetings(skeleton, half_width, edge_width)
    at.prune()
    at.collapse()
    at.pair()
    kept = np.flatnonzero(at.keep).tolist()
    open_ends = [(k, side) for k in kept for side in (0, 1) if (k, side) not in at.links]
    left = set(kept)
    found = []
    for start in (*open_ends, *((k, 0) for k in kept)):
        if start[0] not in left:
            continue
        row: list[End] = []
        here: End | None = start
        while here is not None and here[0] in left:
            left.discard(here[0])
            row.append(here)
            here = at.links.get((here[0], 1 - here[1]))
        found.append(_chain(at, row, looped=start in at.links))
    return found


def _chain(at: Meetings, row: list[End], *, looped: bool) -> Chain:
    """One stroke along some edges, each entered at the end that is given.

    `looped`: it began at a linked end, and so has come round to it: no open end leads there.
    """
    parts: list[tuple[np.ndarray, int]] = []
    ring = bool(at.ring[row[0][0]])
    outer: list[bool] = []
    for position, (k, side) in enumerate(row):
        edge = at.edges[k][:: -1 if side else 1]
        leaves = (k, 1 - side)
        head = at.trimmed((k, side)) if position > 0 or looped else 0
        tail = at.trimmed(leaves) if position < len(row) - 1 or looped else 0
        before = after = edge[:0]
        if position == 0 and not looped and not ring:
            before, head = _towards(at, (k, side))
            before = before[::-1]
            outer.append(head == 0 and len(before) == 0 and _alone(at, (k, side)))
        if position == len(row) - 1 and not looped and not ring:
            after, tail = _towards(at, leaves)
            outer.append(tail == 0 and len(after) == 0 and _alone(at, leaves))
        parts += [(before, BRIDGE), (edge[head : max(len(edge) - tail, head + 1)], SKELETON), (after, BRIDGE)]
        if position < len(row) - 1 or looped:
            parts.append(at.bridge_from(leaves))
    xy = np.concatenate([points for points, _ in parts])
    kind = np.repeat(np.array([kind for _, kind in parts], np.uint8), [len(points) for points, _ in parts])
    if ring:
        return Chain(xy[:-1], kind[:-1], True)
    return Chain(xy, kind, looped, (False, False) if looped else (outer[0], outer[1]))


def _alone(at: Meetings, end: End) -> bool:
    """Whether no other edge ends where this one does."""
    return len(at.here[at.meeting(end)]) == 1


def _towards(at: Meetings, end: End) -> tuple[np.ndarray, int]:
    """How an end that goes on into nothing reaches what it meets: points from its anchor on, and what to cut off."""
    if _alone(at, end):
        return np.empty((0, 2)), 0
    node = at.nodes[end]
    way = run_up(
        at.anchor[end], at.away[end], at.node_xy[node], at.through[at.meeting(end)], float(at.half_width[node])
    )
    return way, at.trimmed(end) if len(way) else 0
