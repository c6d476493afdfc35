"""Understand where lines meet: which of the edges of a skeleton are one stroke.

A thinned picture bends lines where they meet, and splits a crossing into two forks a little apart. So spurs that only
the width of a line makes are pruned, and forks that lie within the ink of one meeting are taken as one, as are the two
ends of a stretch that two lines share. Lines go on through a meeting where that takes the smallest turns, their bends
considered; the bent part of the skeleton is cut out and bridged (`bridges`).
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sketch_robot.strokes.arms import arms, turn_cost
from sketch_robot.strokes.bridges import bridge, corner_between
from sketch_robot.strokes.skeleton import Skeleton

# Lengths below are in pixels or multiples of half the ink's width at a meeting; found on synthetic drawings with known
# strokes (crossings, forks, touching lines), where each multiple may vary by a quarter with little effect.
SPUR_WIDTHS, SPUR_PX = 1.2, 0.5
POINT_PX = 0.5  # half the width of the point of a spur
FORK_WIDTHS, FORK_PX = 1.8, 1.0
SHARED_WIDTHS, SHARED_PX = 12.0, 12.0  # the longest stretch that two lines share; lines that cross at 20 degrees: 7
SHARED_DEGREES = 22.0
TIP_WIDTHS, TIP_PX = 6.0, 3.0  # the longest spur that the ink between the lines of an acute corner makes
TIP_OFF_PX = 1.5  # between where it ends and where the lines meet, besides half a line's width
ACUTE_DEGREES = 100.0
STRAIGHT_ON_DEGREES = 40.0
CORNER_DEGREES = 35.0  # two lines that meet at more are a corner, else a curve
PRUNINGS = 3  # a pruned spur may leave another
MOST_MATCHED = 7  # arms of a meeting for which all ways to pair them are tried

BESIDE_POINTS = 24  # of a line that goes through a meeting, among which an end looks for it

SKELETON, BRIDGE, CORNER = 0, 1, 2

End = tuple[int, int]  # an edge, and 0 for its start or 1 for its end


class Meetings:
    """The nodes of a skeleton and which edges are left, as they are understood step by step."""

    def __init__(self, skeleton: Skeleton, half_width: np.ndarray, edge_width: np.ndarray) -> None:
        self.edges, self.nodes, self.node_xy = skeleton.edges, skeleton.nodes, skeleton.node_xy
        self.half_width = np.maximum(half_width, 0.5) if len(half_width) else np.full(1, 0.5)  # rings have no nodes
        self.anchor, self.away, self.bend, self.cut, self.length = arms(
            skeleton.xy, skeleton.offsets, skeleton.nodes, self.half_width, edge_width
        )
        self.keep = np.ones(len(self.nodes), dtype=bool)
        self.ring = self.nodes[:, 0] < 0
        self.ends = np.maximum(self.nodes, 0)
        self.group = np.arange(len(self.half_width))
        self.here: dict[int, list[End]] = {}
        self.links: dict[End, End] = {}
        self.corners: dict[End, np.ndarray] = {}
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
        return turn_cost(
            self.anchor[a], self.away[a], self.bend[a], self.anchor[b], self.away[b], self.bend[b]
        )  # fmt: skip

    def _is_shared(self, k: int) -> bool:
        """Whether two lines run along an edge together: both go on across it."""
        if not self.keep[k]:
            return False
        if self.meeting((k, 0)) == self.meeting((k, 1)):
            return False
        sides = [[end for end in self.here[self.meeting((k, side))] if end[0] != k] for side in (0, 1)]
        if len(sides[0]) != 2 or len(sides[1]) != 2:
            return False
        if len({end[0] for side in sides for end in side}) < 3:
            return False
        (a, b), (c, d) = sides
        straight = min(max(self.cost(a, c), self.cost(b, d)), max(self.cost(a, d), self.cost(b, c)))
        return straight < SHARED_DEGREES

    def pair(self) -> None:
        """Decide at each meeting which edges go on into which."""
        for meeting, here in list(self.here.items()):
            if len(here) == 2:
                self._link(meeting, *here)
            elif len(here) > 2 and not self._is_tip(meeting, here):
                for a, b in self._best_pairs(here):
                    self._link(meeting, a, b)

    def _is_tip(self, meeting: int, here: list[End]) -> bool:
        """Whether a meeting of three is the inside of an acute corner, whose tip is a spur; links it then."""
        if len(here) != 3:
            return False
        degree_one = [end for end in here if len(self.here[self.meeting((end[0], 1 - end[1]))]) == 1]
        width = float(self.half_width[self.nodes[here[0]]])
        for spur in degree_one:
            if self.length[spur[0]] > TIP_WIDTHS * width + TIP_PX:
                continue
            a, b = (end for end in here if end != spur)
            if float(self.away[a] @ self.away[b]) < np.cos(np.radians(ACUTE_DEGREES)):
                continue
            corner = corner_between(self.anchor[a], self.away[a], self.anchor[b], self.away[b])
            tip = self.edges[spur[0]][-1 if spur[1] == 0 else 0]
            if corner is None or np.hypot(*(corner - tip)) > width + TIP_OFF_PX:
                continue
            if min(self.length[a[0]], self.length[b[0]]) < self.length[spur[0]]:
                continue
            self.keep[spur[0]] = False
            self.here[self.meeting((spur[0], 1 - spur[1]))] = []
            self.here[meeting] = [a, b]
            self._link(meeting, a, b)
            return True
        return False

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

    def _link(self, meeting: int, a: End, b: End) -> None:
        self.links[a], self.links[b] = b, a
        if a == b or (a[0] == b[0] and self.length[a[0]] < 4.0):
            return
        if self.cost(a, b) > CORNER_DEGREES:
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
        if end in self.corners:
            return self.corners[end][None], CORNER
        other = self.links[end]
        return bridge(self.anchor[end], self.away[end], self.anchor[other], self.away[other]), BRIDGE

    def trimmed(self, end: End) -> int:
        """How many points of an edge lie within the meeting at that end."""
        return int(self.cut[end])


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
