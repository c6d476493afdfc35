"""A tour through strokes, and the moves that change it: compiled kernels on plain arrays.

Reversals (2-opt moves) are all that an open stroke needs, others are made of them; a closed stroke may also be entered
at another of its spots.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np


class Tour(NamedTuple):
    """A tour through n strokes, of which the last is home, and all that a search for a better one needs.

    End 2k is where stroke k starts, end 2k + 1 where it ends.

    Attributes:
        xy: (2n, 2) where the ends are; both ends of a closed stroke are at the spot by which it is entered.
        level: (2n,) a hop between two ends costs the difference of their levels on top of its travel.
        limits: (10,) 1 / speed, speed / acceleration, the distance from which top speed is reached, 2 / sqrt(acceler-
            ation); 1 when axes have limits of their own, else 0; then one over the acceleration, over the x axis' speed
            and acceleration, and over the y axis', 0 without a limit.
        near: (2n, K) int64, the ends to try beside each end, cheapest first.
        low: (2n, K) what such a hop costs at least: a closed stroke may yet be entered elsewhere.
        ends: (n,) int64, those by which strokes are entered, one after the other.
        place: (n,) int64, where in `ends` a stroke is.
        spots: (S, 2) where closed strokes may be entered.
        first_spot: (n + 1,) int64; stroke k has the spots `first_spot[k]` to `first_spot[k + 1]`, an open one none.
        spot: (n,) int64, the one in use.
        weight: (n,) int64, what each place that a stroke comes later costs, times `wait`; empty: nothing. With weights,
            home stays at the front of `ends`. Whole numbers, so that a move taken back leaves no trace.
        before: (n + 1,) int64, the sums of the weights before each place.
        waits: (n + 1,) int64, the sums of weight times place before each place.
        wait: see `weight`.
        least: what a move must gain.
    """

    xy: np.ndarray
    level: np.ndarray
    limits: np.ndarray
    near: np.ndarray
    low: np.ndarray
    ends: np.ndarray
    place: np.ndarray
    spots: np.ndarray
    first_spot: np.ndarray
    spot: np.ndarray
    weight: np.ndarray
    before: np.ndarray
    waits: np.ndarray
    wait: float
    least: float


@numba.njit(cache=True, nogil=True, error_model='numpy')
def hop_cost(dx: float, dy: float, limits: np.ndarray) -> float:
    """What a straight way costs, from rest to rest."""
    distance = math.sqrt(dx * dx + dy * dy)
    if limits[4] == 0.0:
        return distance * limits[0] + limits[1] if distance >= limits[2] else limits[3] * math.sqrt(distance)
    cruise = max(distance * limits[0], abs(dx) * limits[6], abs(dy) * limits[8])
    ramp = max(distance * limits[5], abs(dx) * limits[7], abs(dy) * limits[9])
    return 2.0 * math.sqrt(ramp) if cruise * cruise <= ramp else cruise + ramp / cruise


@numba.njit(cache=True, nogil=True)
def hop_costs(steps: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """What many straight ways cost: (M, 2) -> (M,)."""
    costs = np.empty(len(steps))
    for k in range(len(steps)):
        costs[k] = hop_cost(steps[k, 0], steps[k, 1], limits)
    return costs


@numba.njit(cache=True, nogil=True)
def hop(xy, level, limits, a, b):  # type: ignore[no-untyped-def]
    """What the hop between two ends costs."""
    return hop_cost(xy[a, 0] - xy[b, 0], xy[a, 1] - xy[b, 1], limits) + abs(level[a] - level[b])


@numba.njit(cache=True, nogil=True)
def mate_of(ends, place, end):  # type: ignore[no-untyped-def]
    """The end that travel joins to this one."""
    p = place[end >> 1]
    if ends[p] == end:  # entered here: from where the stroke before is left
        return ends[p - 1] ^ 1
    return ends[p + 1] if p + 1 < len(ends) else ends[0]


@numba.njit(cache=True, nogil=True)
def turned_run(ends, place, weight, a, b):  # type: ignore[no-untyped-def]
    """The run of places, from and to, that joining end a to end b reverses; with weights the one without home."""
    n = len(ends)
    if ends[place[a >> 1]] == a:
        i, j = place[b >> 1], place[a >> 1] - 1
    else:
        i, j = place[a >> 1] + 1, place[b >> 1]
    i, j = (i if i < n else 0), (j if j >= 0 else n - 1)
    if len(weight) > 0 and (i == 0 or i > j):
        return j + 1, (i - 1 if i > 0 else n - 1)
    return i, j


@numba.njit(cache=True, nogil=True)
def join(ends, place, weight, before, waits, a, b):  # type: ignore[no-untyped-def]
    """A 2-opt move: join end a to end b, and the two ends they were joined to with one another.

    Both ends must be entered, or both left. Joining `a` to its former mate again takes the move back. Without weights
    the shorter part of the tour is reversed.
    """
    n = len(ends)
    weighted = len(weight) > 0
    left, right = turned_run(ends, place, weight, a, b)
    i, j = left, right
    count = (j - i if j >= i else j - i + n) + 1
    if weighted:
        if i > j:  # all but home: the same tour
            return
    elif 2 * count > n:
        i, j, count = (j + 1 if j + 1 < n else 0), (i - 1 if i > 0 else n - 1), n - count
    for _ in range((count + 1) // 2):
        first, last = ends[i] ^ 1, ends[j] ^ 1
        ends[i], ends[j] = last, first
        place[last >> 1], place[first >> 1] = i, j
        i = i + 1 if i + 1 < n else 0
        j = j - 1 if j > 0 else n - 1
    if weighted:
        change = -waits[right + 1]
        for p in range(left, right + 1):
            own = weight[ends[p] >> 1]
            before[p + 1] = before[p] + own
            waits[p + 1] = waits[p] + own * p
        change += waits[right + 1]
        if change != 0:
            for p in range(right + 2, n + 1):
                waits[p] += change


@numba.njit(cache=True, nogil=True)
def saved_by_turning(before, waits, i, j):  # type: ignore[no-untyped-def]
    """Weight times places saved by reversing the run of places i to j."""
    if i > j:
        return 0
    return 2 * (waits[j + 1] - waits[i]) - (i + j) * (before[j + 1] - before[i])


@numba.njit(cache=True, nogil=True)
def saved_by_moving(before, waits, first, last, gap, turned):  # type: ignore[no-untyped-def]
    """Weight times places saved by carrying the run `first` to `last` to after place `gap`, which is outside it."""
    count = last - first + 1
    own = before[last + 1] - before[first]
    if gap > last:
        saved = count * (before[gap + 1] - before[last + 1]) - (gap - last) * own
    else:
        saved = (first - gap - 1) * own - count * (before[first] - before[gap + 1])
    return saved + saved_by_turning(before, waits, first, last) if turned else saved


@numba.njit(cache=True, nogil=True)
def best_spot(xy, limits, spots, begin, end, a, b):  # type: ignore[no-untyped-def]
    """The spot that is cheapest between ends a and b: (cost without levels, spot)."""
    best, found = np.inf, begin
    for s in range(begin, end):
        cost = hop_cost(spots[s, 0] - xy[a, 0], spots[s, 1] - xy[a, 1], limits)
        if cost < best:
            cost += hop_cost(spots[s, 0] - xy[b, 0], spots[s, 1] - xy[b, 1], limits)
            if cost < best:
                best, found = cost, s
    return best, found


@numba.njit(cache=True, nogil=True)
def enter_by(xy, spot, spots, stroke, chosen):  # type: ignore[no-untyped-def]
    """Let a closed stroke be entered by another spot."""
    spot[stroke] = chosen
    for end in (2 * stroke, 2 * stroke + 1):
        xy[end, 0], xy[end, 1] = spots[chosen, 0], spots[chosen, 1]
