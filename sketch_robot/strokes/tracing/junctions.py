"""Understand where lines meet: which of the edges of a skeleton are one stroke.

A thinned picture bends lines where they meet, and splits a crossing into two forks a little apart. So spurs that only
the width of a line makes are pruned, and forks that lie within the ink of one meeting are taken as one, as are the two
ends of a stretch that two lines share. Lines go on through a meeting where that takes the smallest turns, their bends
considered; the bent part of the skeleton is cut out and bridged (`arms`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sketch_robot.strokes.tracing.arms import (
    arc_cost,
    arms,
    bridge,
    corner_between,
    crossing_of,
    line_through,
    run_up,
    straight_to,
    turn_cost,
)
from sketch_robot.strokes.tracing.corners import corners_of, cut_at
from sketch_robot.strokes.tracing.sampling import BRIDGE, CORNER, SKELETON
from sketch_robot.strokes.tracing.skeleton import Skeleton

# Lengths below are in pixels or multiples of half the ink's width at a meeting; found on synthetic drawings with known
# strokes (crossings, forks, touching lines), where each multiple may vary by a quarter with little effect.
SPUR_WIDTHS, SPUR_PX = 1.2, 0.5
POINT_PX = 0.5  # half the width of the point of a spur
FORK_WIDTHS, FORK_PX = 1.8, 1.0
SHARED_WIDTHS, SHARED_PX = 12.0, 12.0  # the longest stretch that two lines share; lines that cross at 20 degrees: 7
SHARED_DEGREES = 22.0
# Between where the spur of an acute corner ends and where its lines meet, besides half the ink's width; of its length.
TIP_OFF_PX, TIP_OFF = 1.5, 0.15
TIP_BENT_POINTS, TIP_POINTS, TIP_STRAIGHT_PX = (
    8,
    (60, 40, 26, 16),
    0.5,
)  # of a side of an acute corner that is looked at
ACUTE_DEGREES = 100.0
STRAIGHT_ON_DEGREES = 40.0
CORNER_DEGREES = 35.0  # two lines that meet at more are a corner, else a curve
PRUNINGS = 3  # a pruned spur may leave another
# Cross-hatching: lines that two sides of a corner cross which are parallel to the other side, and the sine of how much.
HATCHED_LINES, PARALLEL = 2, 0.3
MOST_MATCHED = 7  # arms of a meeting for which all ways to pair them are tried

BESIDE_POINTS = 24  # of a line that goes through a meeting, among which an end looks for it

End = tuple[int, int]  # an edge, and 0 for its start or 1 for its end


class Junctions:
    """The nodes of a skeleton and which edges are left, as they are understood step by step."""

    def __init__(self, skeleton: Skeleton, half_width: np.ndarray, edge_width: np.ndarray, *, corners: int = 0) -> None:
        self._corner_nodes = len(skeleton.node_xy) - corners  # its last nodes are corners, where an edge was cut
        self.edges, self.nodes, self.node_xy = skeleton.edges, skeleton.nodes, skeleton.node_xy
        self.half_width = np.maximum(half_width, 0.5) if len(half_width) else np.full(1, 0.5)  # rings have no nodes
        self.anchor, self.away, self.bend, self.cut, self.seen, self.length = arms(
            skeleton.xy, skeleton.offsets, skeleton.nodes, self.half_width, edge_width
        )
        self.keep = np.ones(len(self.nodes), dtype=bool)
        self.ring = self.nodes[:, 0] < 0
        self.ends = np.maximum(self.nodes, 0)
        self.group = np.arange(len(self.half_width))
        self.here: dict[int, list[End]] = {}
        self.links: dict[End, End] = {}
        self.corners: dict[End, np.ndarray] = {}
        self.uncut: set[End] = set()  # linked as they were before their edge was cut at a corner
        self.hatched: list[int] = []  # which of the corners are none
        self.through: dict[int, list[np.ndarray]] = defaultdict(list)

    def degree(self) -> np.ndarray:
        """Ends of edges at each node."""
        return np.bincount(self.nodes[self.keep & ~self.ring].ravel(), minlength=len(self.half_width))

    def prune(self) -> None:
        """Take out spurs: short dead ends at forks."""
        width = self.half_width[self.ends]
        # Thinning took half its width off a line's end, but nothing off the point of a spur.
        length = self.length + np.maximum(width.min(axis=1) - POINT_PX, 0.0)
        short = ~self.ring & (length < SPUR_WIDTHS * width.max(axis=1) + SPUR_PX)
        for _ in range(PRUNINGS if short.any() else 0):
            at_ends = self.degree()[self.ends]
            spur = self.keep & short & (at_ends.min(axis=1) == 1) & (at_ends.max(axis=1) > 2)
            if not spur.any():
                break
            self.keep &= ~spur

    def collapse(self) -> None:
        """Take forks as one meeting where only the width of lines parts them, or a stretch that two lines share."""
        at_forks = (self.degree()[self.ends] > 2).all(axis=1)
        between = at_forks & (self.nodes[:, 0] != self.nodes[:, 1]) & self.keep & ~self.ring
        width = self.half_width[self.ends].mean(axis=1)
        short = between & (self.length < FORK_WIDTHS * width + FORK_PX)
        pairs = self.nodes[short].T
        graph = coo_array((np.ones(pairs.shape[1]), pairs), shape=(len(self.group),) * 2)
        self.group = connected_components(graph, directed=False)[1].astype(np.int64)
        self.keep &= ~short
        self._gather()
        perhaps = between & ~short & (self.length < SHARED_WIDTHS * width + SHARED_PX)
        order = np.flatnonzero(perhaps)
        for k in order[np.argsort(self.length[order], kind='stable')].tolist():
            if self._is_shared(k):
                a, b = self.meeting((k, 0)), self.meeting((k, 1))
                self.keep[k] = False
                self.group[b] = a
                self.here[a] = [end for end in self.here[a] + self.here.pop(b) if end[0] != k]

    def meeting(self, end: End) -> int:
        """The number of the meeting at an end."""
        number = int(self.group[self.nodes[end]])
        while self.group[number] != number:
            number = int(self.group[number])
        return number

    def _gather(self) -> None:
        # A meeting's number becomes that of its first node, so that meetings can be united further.
        first = np.full(len(self.group), len(self.group))
        np.minimum.at(first, self.group, np.arange(len(self.group)))
        self.group = first[self.group]
        for k in np.flatnonzero(self.keep & ~self.ring).tolist():
            for side in (0, 1):
                self.here.setdefault(int(self.group[self.nodes[k, side]]), []).append((k, side))

    def cost(self, a: End, b: End) -> float:
        """Degrees that a line turns by to go on from one end into another."""
        turn: float = turn_cost(self.anchor[a], self.away[a], self.bend[a], self.anchor[b], self.away[b], self.bend[b])
        if turn == 0.0:
            return 0.0
        arc = arc_cost(self._arm(a), self.away[a], self.bend[a], self._arm(b), self.away[b], self.bend[b])
        return min(turn, float(arc))

    def _arm(self, end: End) -> np.ndarray:
        """The points of an edge over which it was looked at from an end."""
        edge, first = self.edges[end[0]], int(self.cut[end])
        last = first + int(self.seen[end])
        return edge[first:last] if end[1] == 0 else edge[::-1][first:last]

    def _straight(self, end: End) -> tuple[np.ndarray, np.ndarray]:
        """The straight line along an edge near an end: a point of it, and the unit vector in which it leaves."""
        edge = self.edges[end[0]][:: -1 if end[1] else 1]
        first = int(self.cut[end]) + TIP_BENT_POINTS  # those before are bent by the other side of a corner
        for count in TIP_POINTS:
            points = edge[first : first + count]
            if len(points) < TIP_POINTS[-1]:
                break
            middle, way, off = line_through(points)
            if off < TIP_STRAIGHT_PX:
                return middle, way
        return self.anchor[end], self.away[end]

    def _is_shared(self, k: int) -> bool:
        """Whether two lines run along an edge together: both go on across it."""
        if not self.keep[k]:
            return False
        if self.meeting((k, 0)) == self.meeting((k, 1)):
            return False
        sides = [[end for end in self.here[self.meeting((k, side))] if end[0] != k] for side in (0, 1)]
        if len(sides[0]) != 2 or len(sides[1]) != 2:
            return False
        (a, b), (c, d) = sides
        straight = min(max(self.cost(a, c), self.cost(b, d)), max(self.cost(a, d), self.cost(b, c)))
        return straight < SHARED_DEGREES

    def pair(self) -> None:
        """Decide at each meeting which edges go on into which; at corners last, by what their sides cross."""
        corners: list[tuple[int, End, End, np.ndarray | None]] = []
        for meeting, here in list(self.here.items()):
            if len(here) == 2:
                is_corner = meeting >= self._corner_nodes
                if here[0][0] != here[1][0] and (is_corner or self.cost(here[0], here[1]) > CORNER_DEGREES):
                    corners.append((meeting, here[0], here[1], None))
                else:
                    self._link(meeting, here[0], here[1])
            elif len(here) > 2:
                if (tip := self._tip(meeting, here)) is not None:
                    corners.append((meeting, *tip))
                    continue
                for one, other in self._best_pairs(here):
                    self._link(meeting, one, other)
        crossings = self._crossings() if corners else {}
        for meeting, one, other, apex in corners:
            if self._is_hatched(one, other, crossings):
                self._end_at_corner(one, other, apex)
                if meeting >= self._corner_nodes:
                    self.hatched.append(meeting - self._corner_nodes)
            elif meeting >= self._corner_nodes:
                self.links[one], self.links[other] = other, one
                self.uncut |= {one, other}
            else:
                self._link(meeting, one, other, apex)

    def _crossings(self) -> dict[int, np.ndarray]:
        """What the line that each edge is a part of crosses: (N, 2) unit vectors along it, by edge."""
        here: dict[int, list[tuple[End, End]]] = defaultdict(list)
        for one, other in self.links.items():
            if one < other:
                here[self.meeting(one)].append((one, other))
        ends = np.array([(one[0], other[0]) for one, other in self.links.items()]).reshape(-1, 2)
        graph = coo_array((np.ones(len(ends)), ends.T), shape=(len(self.nodes),) * 2)
        line = connected_components(graph, directed=False)[1]
        crossed: dict[int, list[np.ndarray]] = defaultdict(list)
        for pairs in here.values():
            for (one, _), (other, _) in permutations(pairs, 2):
                crossed[line[one[0]]].append(self.away[other])
        return {k: np.array(crossed[line[k]]) for k in np.flatnonzero(self.keep).tolist() if line[k] in crossed}

    def _is_hatched(self, one: End, other: End, crossings: dict[int, np.ndarray]) -> bool:
        """Whether the sides of a corner are of two families of parallels that cross each other: each ends there."""
        parallels = 0
        for side, across in ((one, other), (other, one)):
            if side[0] in crossings:
                sine = np.abs(crossings[side[0]] @ np.array([-self.away[across][1], self.away[across][0]]))
                parallels += int((sine < PARALLEL).sum())
        return parallels >= HATCHED_LINES

    def _end_at_corner(self, one: End, other: End, apex: np.ndarray | None) -> None:
        if apex is None:
            apex = corner_between(self.anchor[one], self.away[one], self.anchor[other], self.away[other])
        if apex is not None:
            self.corners[one] = self.corners[other] = apex

    def _tip(self, meeting: int, here: list[End]) -> tuple[End, End, np.ndarray] | None:
        """The sides of an acute corner and its tip, if a meeting of three is the inside of one; the tip is a spur."""
        if len(here) != 3:
            return None
        degree_one = [end for end in here if len(self.here[self.meeting((end[0], 1 - end[1]))]) == 1]
        width = float(self.half_width[self.nodes[here[0]]])
        for spur in degree_one:
            a, b = (end for end in here if end != spur)
            if float(self.away[a] @ self.away[b]) < np.cos(np.radians(ACUTE_DEGREES)):
                continue
            if min(self.length[a[0]], self.length[b[0]]) < self.length[spur[0]]:
                continue
            apex = crossing_of(*self._straight(a), *self._straight(b))
            if apex is None:
                continue
            tip = self.edges[spur[0]][-1 if spur[1] == 0 else 0]
            off = float(np.hypot(*(apex - tip)))
            if off > width + TIP_OFF_PX + TIP_OFF * self.length[spur[0]]:
                continue
            apex = tip + (apex - tip) * min(1.0, (width + TIP_OFF_PX) / max(off, 1e-9))
            self.keep[spur[0]] = False
            self.here[self.meeting((spur[0], 1 - spur[1]))] = []
            self.here[meeting] = [a, b]
            return a, b, apex
        return None

    def _best_pairs(self, here: list[End]) -> list[tuple[End, End]]:
        """The pairs that save the most turning against the limit."""
        gain = {}
        for i, a in enumerate(here):
            for j in range(i + 1, len(here)):
                saved = STRAIGHT_ON_DEGREES - self.cost(a, here[j])
                if saved > 0.0:
                    gain[i, j] = saved
        if len(here) > MOST_MATCHED:
            chosen, free = [], set(range(len(here)))
            for i, j in sorted(gain, key=lambda pair: (-gain[pair], pair)):
                if i in free and j in free:
                    free -= {i, j}
                    chosen.append((i, j))
        else:
            chosen = _matching(tuple(range(len(here))), gain)[1]
        return [(here[i], here[j]) for i, j in chosen]

    def _link(self, meeting: int, a: End, b: End, corner: np.ndarray | None = None) -> None:
        self.links[a], self.links[b] = b, a
        if a == b or (a[0] == b[0] and self.length[a[0]] < 4.0):
            return
        if corner is None and self.cost(a, b) > CORNER_DEGREES:
            corner = corner_between(self.anchor[a], self.away[a], self.anchor[b], self.away[b])
        if corner is not None:
            self.corners[a] = self.corners[b] = corner
        self.through[meeting] += [self._beginning(a), self.bridge_from(a)[0], self._beginning(b)]

    def _beginning(self, end: End) -> np.ndarray:
        """The points of an edge next to the meeting at its end."""
        edge = self.edges[end[0]][:: -1 if end[1] else 1]
        return edge[self.cut[end] : self.cut[end] + BESIDE_POINTS]

    def bridge_from(self, end: End) -> tuple[np.ndarray, int]:
        """(N, 2) points between an end's anchor and that of the end it runs on into, and what kind they are."""
        if end in self.uncut:
            return np.empty((0, 2)), SKELETON
        if end in self.corners:
            return self.corners[end][None], CORNER
        other = self.links[end]
        return bridge(self.anchor[end], self.away[end], self.anchor[other], self.away[other]), BRIDGE

    def trimmed(self, end: End) -> int:
        """How many points of an edge lie within the meeting at that end; of a cut one of two alike."""
        return end[1] if end in self.uncut else int(self.cut[end])


def _matching(left: tuple[int, ...], gain: dict[tuple[int, int], float]) -> tuple[float, list[tuple[int, int]]]:
    """The pairs of most gain among some numbers, each in at most one."""
    if len(left) < 2:
        return 0.0, []
    first, rest = left[0], left[1:]
    best = _matching(rest, gain)
    for j in rest:
        if (first, j) in gain:
            total, pairs = _matching(tuple(k for k in rest if k != j), gain)
            if total + gain[first, j] > best[0] + 1e-12:
                best = total + gain[first, j], [(first, j), *pairs]
    return best


@dataclass(frozen=True, eq=False)
class SkeletonPath:
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


def _understood(skeleton: Skeleton, half_width: np.ndarray, edge_width: np.ndarray) -> Junctions:
    """Decide which edges go on into which; edges are cut at those of their corners alone where hatching ends."""
    cuts = corners_of(skeleton)
    for _ in range(2):
        at = Junctions(*cut_at(skeleton, cuts, half_width, edge_width), corners=len(cuts))
        at.prune()
        at.collapse()
        at.pair()
        if len(at.hatched) == len(cuts):
            break
        cuts = cuts[sorted(at.hatched)]
    return at


def skeleton_paths(skeleton: Skeleton, half_width: np.ndarray, edge_width: np.ndarray) -> list[SkeletonPath]:
    """Put the edges of a skeleton together to strokes.

    Args:
        skeleton: in pixels of the picture.
        half_width: (M,) float64, half the ink's width at each node, pixels.
        edge_width: (P,) float64, half the ink's width at each point of the edges, pixels.
    """
    at = _understood(skeleton, half_width, edge_width)
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
        found.append(_path(at, row, looped=start in at.links))
    return found


def _path(at: Junctions, row: list[End], *, looped: bool) -> SkeletonPath:
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
        return SkeletonPath(xy[:-1], kind[:-1], True)
    return SkeletonPath(xy, kind, looped, (False, False) if looped else (outer[0], outer[1]))


def _alone(at: Junctions, end: End) -> bool:
    """Whether no other edge ends where this one does."""
    return len(at.here[at.meeting(end)]) == 1


def _towards(at: Junctions, end: End) -> tuple[np.ndarray, int]:
    """How an end that goes on into nothing reaches what it meets: points from its anchor on, and what to cut off."""
    if _alone(at, end):
        return np.empty((0, 2)), 0
    if end in at.corners:
        return straight_to(at.anchor[end], at.corners[end]), at.trimmed(end)
    node = at.nodes[end]
    way = run_up(
        at.anchor[end], at.away[end], at.node_xy[node], at.through[at.meeting(end)], float(at.half_width[node])
    )
    return way, at.trimmed(end) if len(way) else 0
