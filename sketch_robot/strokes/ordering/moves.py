"""A tour through strokes and the search for a short one: compiled kernels on plain arrays.

2-opt and Or-opt moves on neighbour lists with a queue of ends to look at, then iterated local search: a double bridge
among neighbouring strokes, repaired locally and taken back when the tour got worse (Johnson & McGeoch 1997; Bentley
1992). All moves are made of reversals, the 2-opt moves. A closed stroke may be entered at any of its spots; moving it
picks the best.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

LONGEST_MOVED = 3  # strokes that an Or-opt move carries
BRIDGE_SPAN = 30  # strokes within which a perturbation cuts; 50 gave 0.3 % more travel at 1000 strokes, 15 as well


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


# As part of its caller: passing so many arrays took half of the time.
@numba.njit(cache=True, nogil=True, inline='always')
def _improve_at(  # type: ignore[no-untyped-def]
    xy, level, limits, near, low, ends, place, spots, first_spot, weight, before, waits, wait, least, end, move
):
    """The first move found at one end that makes the tour better: (gain, rows of `move`), 0 rows when there is none.

    A row is two ends to join, or -1 - stroke and the spot to enter it by.
    """
    n = len(ends)
    weighted = len(weight) > 0
    stroke = end >> 1
    mate = mate_of(ends, place, end)
    here = hop(xy, level, limits, end, mate)
    enters = ends[place[stroke]] == end
    closed = first_spot[stroke + 1] > first_spot[stroke]
    if closed:
        other = mate_of(ends, place, end ^ 1)
        step = abs(level[end] - level[mate]) + abs(level[end] - level[other])
        cost, found = best_spot(xy, limits, spots, first_spot[stroke], first_spot[stroke + 1], mate, other)
        gain = here + hop(xy, level, limits, end ^ 1, other) - cost - step
        if gain > least:
            move[0, 0], move[0, 1] = -1 - stroke, found
            return gain, 1
    for k in range(near.shape[1]):
        if low[end, k] >= here:
            break
        c = near[end, k]
        if (ends[place[c >> 1]] == c) == enters:
            cost = hop(xy, level, limits, end, c)
            if cost >= here:
                continue
            d = mate_of(ends, place, c)
            gain = here + hop(xy, level, limits, c, d) - cost - hop(xy, level, limits, mate, d)
            if weighted:
                i, j = turned_run(ends, place, weight, end, c)
                gain += wait * saved_by_turning(before, waits, i, j)
            if gain > least:
                move[0, 0], move[0, 1] = end, c
                return gain, 1
    # Or-opt: carry the run of strokes from `end` to `tail` to between c and its mate d, with `end` beside c.
    first = place[stroke]
    for length in range(1, min(LONGEST_MOVED, n - 2) + 1):
        last = first + length - 1 if enters else first - length + 1
        if weighted and (last >= n or last <= 0 or first == 0):
            break  # home stays
        if last >= n:
            last -= n
        elif last < 0:
            last += n
        tail = ends[last] ^ 1 if enters else ends[last]
        beyond = mate_of(ends, place, tail)
        freed = here + hop(xy, level, limits, tail, beyond) - hop(xy, level, limits, beyond, mate)
        for k in range(near.shape[1]):
            if low[end, k] >= freed:
                break
            c = near[end, k]
            along = place[c >> 1] - first if enters else first - place[c >> 1]
            if along < 0:
                along += n
            d = mate_of(ends, place, c)
            if along < length or d in (end, tail):
                continue  # within the run, or beside it
            alone = closed and length == 1
            found = 0
            if alone:
                cost, found = best_spot(xy, limits, spots, first_spot[stroke], first_spot[stroke + 1], c, d)
                cost += abs(level[end] - level[c]) + abs(level[end] - level[d])
            else:
                cost = hop(xy, level, limits, end, c)
                if cost >= freed:
                    continue
                cost += hop(xy, level, limits, tail, d)
            gain = freed + hop(xy, level, limits, c, d) - cost
            c_enters = ends[place[c >> 1]] == c
            if weighted:
                gap = place[c >> 1]
                if c_enters:
                    gap = gap - 1 if gap > 0 else n - 1
                gain += wait * saved_by_moving(
                    before, waits, min(first, last), max(first, last), gap, c_enters == enters
                )
            if gain > least:
                rows = 2
                move[0, 0], move[0, 1] = end, c if c_enters == enters else d
                move[1, 0], move[1, 1] = mate, beyond
                if c_enters != enters:
                    move[2, 0], move[2, 1] = end, c
                    rows = 3
                if alone:
                    move[rows, 0], move[rows, 1] = -1 - stroke, found
                    rows += 1
                return gain, rows
    return 0.0, 0


@numba.njit(cache=True, nogil=True)
def settle(  # type: ignore[no-untyped-def]
    xy, level, limits, near, low, ends, place, spots, first_spot, spot, weight, before, waits, wait, least,
    queue, queued, head, waiting, most, log, logged,
):  # fmt: skip
    """Improve the tour at the queued ends, and at those that this disturbs, until none is left or `most` were seen.

    Args:
        xy ... least: see `Tour`, which changes.
        queue: (2n,) int64, a ring of `waiting` ends, its first at place `head`.
        queued: (2n,) bool, which ends are in it.
        most: ends to look at.
        log: (L, 2) int64, takes what undoes each step, after the `logged` that are there; full, it ends settling.

    Returns:
        gain, steps logged, head, waiting.
    """
    move = np.empty((4, 2), np.int64)
    total, size = 0.0, len(queue)
    while waiting > 0 and most > 0 and logged + 4 <= len(log):
        end = queue[head]
        head = head + 1 if head + 1 < size else 0
        waiting -= 1
        most -= 1
        queued[end] = False
        gain, rows = _improve_at(
            xy, level, limits, near, low, ends, place, spots, first_spot, weight, before, waits, wait, least, end, move
        )
        total += gain
        for k in range(rows):
            a, b = move[k]
            if a < 0:
                stroke = -1 - a
                log[logged, 0], log[logged, 1] = a, spot[stroke]
                enter_by(xy, spot, spots, stroke, b)
                a, b = 2 * stroke, 2 * stroke + 1
                a_mate, b_mate = mate_of(ends, place, a), mate_of(ends, place, b)
            else:
                a_mate, b_mate = mate_of(ends, place, a), mate_of(ends, place, b)
                log[logged, 0], log[logged, 1] = a, a_mate
                join(ends, place, weight, before, waits, a, b)
            logged += 1
            for touched in (a, b, a_mate, b_mate):
                if not queued[touched]:
                    queued[touched] = True
                    slot = head + waiting
                    queue[slot if slot < size else slot - size] = touched
                    waiting += 1
    return total, logged, head, waiting


@numba.njit(cache=True, nogil=True)
def perturb(  # type: ignore[no-untyped-def]
    xy, level, limits, near, low, ends, place, spots, first_spot, spot, weight, before, waits, wait, least,
    queue, queued, log, random, count,
):  # fmt: skip
    """Iterated local search: `count` times swap two neighbouring runs, repair, keep what is no worse.

    Args:
        xy ... least: see `Tour`, which changes.
        queue, queued, log: see `settle`; no end is queued before and after.
        random: (1,) uint64, the state of the random numbers, carried from call to call.
    """
    n = len(ends)
    weighted = len(weight) > 0
    span = min(BRIDGE_SPAN, (n - 1) // 2)
    state = random[0]
    for _ in range(count):
        state ^= state << np.uint64(13)  # xorshift64
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        r = state >> np.uint64(11)
        p = np.int64(r % np.uint64(n))
        r //= np.uint64(n)
        q = (p + 1 + np.int64(r % np.uint64(span))) % n
        r //= np.uint64(span)
        s = (q + 1 + np.int64(r % np.uint64(span))) % n
        # ... a | b ... c | d ... e | f ...  becomes  ... a | d ... e | b ... c | f ...
        a, c, e = ends[p] ^ 1, ends[q] ^ 1, ends[s] ^ 1
        b, d, f = mate_of(ends, place, a), mate_of(ends, place, c), mate_of(ends, place, e)
        worse = hop(xy, level, limits, a, d) + hop(xy, level, limits, e, b) + hop(xy, level, limits, c, f)
        worse -= hop(xy, level, limits, a, b) + hop(xy, level, limits, c, d) + hop(xy, level, limits, e, f)
        waited = waits[n] if weighted else 0
        log[0, 0], log[0, 1] = a, b
        join(ends, place, weight, before, waits, a, e)  # a | e ... d | c ... b | f
        log[1, 0], log[1, 1] = a, e
        join(ends, place, weight, before, waits, a, d)  # a | d ... e | c ... b | f
        log[2, 0], log[2, 1] = e, c
        join(ends, place, weight, before, waits, e, b)  # a | d ... e | b ... c | f
        if weighted:
            worse += wait * (waits[n] - waited)
        waiting = 0
        for touched in (a, b, c, d, e, f):
            if not queued[touched]:
                queued[touched] = True
                queue[waiting] = touched
                waiting += 1
        gain, logged, head, waiting = settle(
            xy, level, limits, near, low, ends, place, spots, first_spot, spot, weight, before, waits, wait, least,
            queue, queued, 0, waiting, len(log), log, 3,
        )  # fmt: skip
        for k in range(waiting):
            queued[queue[(head + k) % len(queue)]] = False
        if worse - gain > 0.01 * least:
            for k in range(logged - 1, -1, -1):
                if log[k, 0] < 0:
                    enter_by(xy, spot, spots, -1 - log[k, 0], log[k, 1])
                else:
                    join(ends, place, weight, before, waits, log[k, 0], log[k, 1])
    random[0] = state


@numba.njit(cache=True, nogil=True)
def refine_spots(xy, limits, ends, place, spot, spots, first_spot):  # type: ignore[no-untyped-def]
    """Let closed strokes be entered by the best of more spots than were searched, the tour being what it is.

    Args:
        xy ... spot: see `Tour`; `xy` change, and `spot`, which counts these spots before and after.
    """
    for _ in range(10):
        changed = False
        for end in ends:
            begin, stop = first_spot[end >> 1], first_spot[(end >> 1) + 1]
            if begin == stop:
                continue
            a, b = mate_of(ends, place, end), mate_of(ends, place, end ^ 1)
            now = hop_cost(xy[end, 0] - xy[a, 0], xy[end, 1] - xy[a, 1], limits)
            now += hop_cost(xy[end, 0] - xy[b, 0], xy[end, 1] - xy[b, 1], limits)
            best, found = best_spot(xy, limits, spots, begin, stop, a, b)
            if best < now * (1.0 - 1e-12):
                enter_by(xy, spot, spots, end >> 1, found)
                changed = True
        if not changed:
            return
