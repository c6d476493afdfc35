"""What the search for an order starts from: who is near whom, and a tour by the cheapest hops first."""

from __future__ import annotations

import numba
import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.strokes.order_moves import hop_costs

NEIGHBOURS = 8  # nearest ends tried for each end; at 1000 strokes 5 gave 1.2 % more travel, 12 gave 0.3 % less


def neighbours(
    xy: np.ndarray, level: np.ndarray, limits: np.ndarray, spots: np.ndarray, first_spot: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest ends to hop to from each end, other strokes' only; see `order_moves` for the arguments.

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
