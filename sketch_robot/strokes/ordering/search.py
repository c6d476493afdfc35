"""The life of one search for a tour: from the cheapest hops to a local optimum, and on from there."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numba
import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.strokes.ordering.moves import Tour, hop_cost, hop_costs, perturb, refine_spots, settle

LOOKS_AT_ONCE, PERTURBATIONS_AT_ONCE = 20_000, 500  # between two looks at the clock, with few strokes ...
HALVED_AT = 1500  # ... and half as many with this many, whose moves take longer
ENOUGH_PERTURBATIONS = 1000  # times the square of the strokes: few strokes are in their best order long before
MOST_SPOTS = 24  # points tried of each closed stroke while searching; the best of all its points is taken at the end
SPOTS_IN_ALL = 20_000  # fewer of each when there are many
LATE_WEIGHT = 1000  # weights are whole numbers up to this

NEIGHBOURS = 8  # nearest ends tried for each end; at 1000 strokes 5 gave 1.2 % more travel, 12 gave 0.3 % less


class TourSearch:
    """A tour through strokes that gets better.

    Args:
        low, high: (N, 2) float64, the ends of each stroke, home at the origin.
        loops: the points of each closed stroke, each once, and None for an open one; empty: all are open.
        band: (N,) float64, whole numbers from 0; lower ones come first.
        limits: what a hop costs, see `Tour`.
    """

    def __init__(
        self,
        low: np.ndarray,
        high: np.ndarray,
        loops: Sequence[np.ndarray | None],
        band: np.ndarray,
        limits: np.ndarray,
    ) -> None:
        n = len(low) + 1
        xy = np.zeros((2 * n, 2))
        xy[0:-2:2], xy[1:-2:2] = low, high
        self._loops = loops
        spots, self._vertex, first_spot = _spots(loops, n, MOST_SPOTS)
        extent = float(np.ptp(np.concatenate((xy, spots)), axis=0).max())
        dearest = hop_cost(extent, extent, limits)
        # More than the travel of any tour, so that no saved travel pays for another change of band.
        level = np.repeat(np.append(band, 0.0), 2) * (n + 1) * dearest
        level[-2:] = level[:-2].max(), level[:-2].min()  # home is left by its second end
        near, cost = neighbours(xy, level, limits, spots, first_spot)
        ends = cheapest_hops_first(xy, level, limits, near, cost)
        place = np.empty(n, np.int64)
        place[ends >> 1] = np.arange(n)
        none = np.zeros(0, np.int64)
        self.tour = Tour(
            xy, level, limits, near, cost, ends, place, spots, first_spot, first_spot[:-1].copy(),
            none, none, none, 0.0, 1e-9 * dearest + 1e-300,
        )  # fmt: skip
        self._queue, self._queued = np.empty(2 * n, np.int64), np.zeros(2 * n, np.bool_)
        self._log = np.empty((max(50 * n, 1000), 2), np.int64)

    def weigh(self, urgent: np.ndarray, patience: float) -> bool:
        """Let strokes wait for their turn at a price; to be called before the search begins.

        Args:
            urgent: (N,) float64 in [0, 1]; only differences count.
            patience: the price of all waiting to the end, as a share of the travel of the tour so far.

        Returns:
            whether there is anything to wait for.
        """
        t, n = self.tour, len(self.tour.ends)
        weight = np.append(np.rint(LATE_WEIGHT * (urgent - urgent.min())).astype(np.int64), 0)
        if patience == 0.0 or not weight.any():
            return False
        ends = _from_home(t.ends)
        t.ends[:] = ends
        t.place[ends >> 1] = np.arange(n)
        travel = hop_costs(t.xy[ends ^ 1] - np.roll(t.xy[ends], -1, axis=0), t.limits).sum()
        in_turn = weight[ends >> 1]
        self.tour = t._replace(
            weight=weight,
            before=np.concatenate(([0], np.cumsum(in_turn))),
            waits=np.concatenate(([0], np.cumsum(in_turn * np.arange(n)))),
            wait=float(patience * travel / (n * weight.sum())),
        )
        return True

    def settle(self, until_s: float | None = None) -> None:
        """Go to a local optimum, or as far as the clock (`time.perf_counter`) allows."""
        ends = self.tour.ends
        self._queue[0::2], self._queue[1::2] = ends, ends ^ 1  # in tour order: neighbours settle together
        self._queued[:] = True
        head, waiting = 0, 2 * len(ends)
        at_once = _fewer(LOOKS_AT_ONCE, len(ends))
        while waiting and not _late(until_s):
            _, _, head, waiting = settle(  # type: ignore[call-arg]
                *self.tour, self._queue, self._queued, head, waiting, at_once, self._log, 0
            )
        self._queued[:] = False

    def perturb(self, count: int, until_s: float | None = None) -> None:
        """Perturb and repair `count` times, or as often as the clock (`time.perf_counter`) allows."""
        n = len(self.tour.ends)
        count = min(count, ENOUGH_PERTURBATIONS * n * n) if n > 3 else 0
        at_once = count if until_s is None else _fewer(PERTURBATIONS_AT_ONCE, n)
        random = np.array([0x9E3779B97F4A7C15], np.uint64)
        while count > 0 and not _late(until_s):
            perturb(*self.tour, self._queue, self._queued, self._log, random, min(count, at_once))  # type: ignore[call-arg]
            count -= at_once

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """The ends by which strokes are entered, from home on; and the point by which each closed stroke is."""
        ends = _from_home(self.tour.ends)
        n = len(ends)
        if len(self.tour.spots) == 0:
            return ends[1:], np.zeros(n - 1, np.int64)
        spots, vertex, first_spot = _spots(self._loops, n, None)
        spot = first_spot[:-1].copy()
        closed = np.diff(first_spot) > 0
        spot[closed] += self._vertex[self.tour.spot[closed]]
        place = np.empty(n, np.int64)
        place[ends >> 1] = np.arange(n)
        refine_spots(self.tour.xy, self.tour.limits, ends, place, spot, spots, first_spot)
        entered = np.zeros(n, np.int64)
        entered[closed] = vertex[spot[closed]]
        return ends[1:], entered[:-1]


def _from_home(ends: np.ndarray) -> np.ndarray:
    """A tour from home on, which is left by its second end."""
    home = len(ends) - 1
    ends = np.roll(ends, -int(np.flatnonzero(ends >> 1 == home)[0]))
    if ends[0] & 1:  # home is met from its far side: the same way, walked backwards
        ends = np.concatenate((ends[:1], ends[:0:-1])) ^ 1
    return ends


def _fewer(count: int, strokes: int) -> int:
    return max(1, int(count / (1.0 + strokes / HALVED_AT)))


def _late(until_s: float | None) -> bool:
    return until_s is not None and time.perf_counter() >= until_s


def _spots(loops: Sequence[np.ndarray | None], n: int, most: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where closed strokes may be entered: (S, 2) points, (S,) their numbers in their loops, (n + 1,) first of each.

    Evenly chosen points, at most `most` of each loop and `SPOTS_IN_ALL` together; None: all of them.
    """
    counts = np.zeros(n, np.int64)
    counts[: len(loops)] = [0 if loop is None else len(loop) for loop in loops]
    if not counts.any():
        return np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(n + 1, np.int64)
    taken = counts if most is None else np.minimum(counts, max(4, min(most, SPOTS_IN_ALL // np.count_nonzero(counts))))
    chosen = [np.arange(taken[k]) * counts[k] // taken[k] if counts[k] else np.zeros(0, np.int64) for k in range(n)]
    places = [loop[chosen[k]] for k, loop in enumerate(loops) if loop is not None]
    return np.concatenate(places), np.concatenate(chosen), np.concatenate(([0], np.cumsum(taken)))


def neighbours(
    xy: np.ndarray, level: np.ndarray, limits: np.ndarray, spots: np.ndarray, first_spot: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest ends to hop to from each end, other strokes' only; see `Tour` for the arguments.

    Returns:
        near: (2n, K) int64, cheapest first.
        low: (2n, K) float64, what the hop costs at least: a closed stroke may yet be entered elsewhere.
    """
    count = len(xy)
    most_spots = int(np.diff(first_spot).max())
    wanted = min(NEIGHBOURS, count - 2)
    if most_spots == 0:
        place, owner = xy, np.arange(count)
    else:
        open_ends = np.flatnonzero(np.repeat(np.diff(first_spot) == 0, 2))
        place = np.concatenate((xy[open_ends], spots, spots))
        closed_ends = 2 * np.repeat(np.arange(count // 2), np.diff(first_spot))
        owner = np.concatenate((open_ends, closed_ends, closed_ends + 1))
    tree, lifted = _tree(place, level[owner])
    closest = tree.query(lifted, k=min(NEIGHBOURS + 2 + 4 * most_spots, len(place)))[1].reshape(len(place), -1)
    steps = (place[:, None] - place[closest]).reshape(-1, 2)
    costs = hop_costs(steps, limits).reshape(closest.shape) + np.abs(level[owner][:, None] - level[owner[closest]])
    return _cheapest(owner, np.argsort(owner, kind='stable'), closest, costs, count, wanted)


def _tree(place: np.ndarray, level: np.ndarray) -> tuple[cKDTree, np.ndarray]:
    """A tree of places, those of other levels far away; each place moved by less than is ever measured.

    Many places at one point would make the tree slow.
    """
    extent = float(np.ptp(place, axis=0).max()) or 1.0
    offset = np.modf(np.arange(1, len(place) + 1)[:, None] * np.array([0.7548776662466927, 0.5698402909980532]))[0]
    apart = 3.0 * extent * np.unique(level, return_inverse=True)[1]
    lifted = np.column_stack((place + 1e-9 * extent * offset, apart))
    return cKDTree(lifted), lifted


@numba.njit(cache=True, nogil=True)
def _cheapest(owner, by_owner, closest, costs, count, wanted):  # type: ignore[no-untyped-def]
    """The `wanted` cheapest ends for each of `count` ends, from what is closest to each of its places."""
    near, low = np.zeros((count, wanted), np.int64), np.full((count, wanted), np.inf)
    row_near, row_low = np.empty(wanted, np.int64), np.empty(wanted)
    cursor = 0
    while cursor < len(by_owner):
        end = owner[by_owner[cursor]]
        filled = 0
        while cursor < len(by_owner) and owner[by_owner[cursor]] == end:
            at = by_owner[cursor]
            cursor += 1
            for column in range(closest.shape[1]):
                other, cost = owner[closest[at, column]], costs[at, column]
                if other >> 1 == end >> 1:
                    continue
                known = -1
                for k in range(filled):
                    if row_near[k] == other:
                        known = k
                if known >= 0:
                    if cost >= row_low[known]:
                        continue
                    k = known
                elif filled < wanted:
                    k = filled
                    filled += 1
                elif cost < row_low[filled - 1]:
                    k = filled - 1
                else:
                    continue
                while k > 0 and row_low[k - 1] > cost:
                    row_low[k], row_near[k] = row_low[k - 1], row_near[k - 1]
                    k -= 1
                row_low[k], row_near[k] = cost, other
        for k in range(wanted):
            j = min(k, filled - 1)
            near[end, k], low[end, k] = row_near[j], row_low[j] if k < filled else np.inf
    return near, low


def cheapest_hops_first(
    xy: np.ndarray, level: np.ndarray, limits: np.ndarray, near: np.ndarray, low: np.ndarray
) -> np.ndarray:
    """A tour as the ends by which strokes are entered, home (the last stroke) first.

    Hops are taken cheapest first wherever both ends are free and no circle closes; what is left in pieces is joined in
    the same way, piece by piece ("greedy edge", Bentley 1992).
    """
    count = len(xy)
    mate = np.full(count, -1)
    far = np.arange(count) ^ 1  # of a piece's end: its other end
    pieces = count // 2
    a, b, cost = np.repeat(np.arange(count), near.shape[1]), near.ravel(), low.ravel()
    while True:
        pieces -= _take_cheapest(np.argsort(cost, kind='stable'), a, b, mate, far)
        if pieces == 1:
            return _walk(mate)
        free = np.flatnonzero(mate < 0)
        tree, lifted = _tree(xy[free], level[free])
        closest = free[tree.query(lifted, k=min(6, len(free)))[1].reshape(len(free), -1)]
        a, b = np.repeat(free, closest.shape[1]), closest.ravel()
        cost = hop_costs(xy[a] - xy[b], limits) + np.abs(level[a] - level[b])


@numba.njit(cache=True, nogil=True)
def _take_cheapest(by_cost, a, b, mate, far):  # type: ignore[no-untyped-def]
    taken = 0
    for k in by_cost:
        i, j = a[k], b[k]
        if i == j or mate[i] >= 0 or mate[j] >= 0 or far[i] == j:
            continue
        mate[i], mate[j] = j, i
        i, j = far[i], far[j]
        far[i], far[j] = j, i
        taken += 1
    return taken


@numba.njit(cache=True, nogil=True)
def _walk(mate: np.ndarray) -> np.ndarray:
    """Follow the joined ends from home."""
    n = len(mate) // 2
    tour = np.empty(n, np.int64)
    end = 2 * (n - 1)
    for k in range(n):
        tour[k] = end
        end = mate[end ^ 1]
        if end < 0:  # the last piece's ends are still free
            break
    # home need not be an end of the piece: what lies on its other side comes after
    if k + 1 < n:
        end = 2 * (n - 1)
        for p in range(n - 1, k, -1):
            end = mate[end] ^ 1
            tour[p] = end
    return tour
