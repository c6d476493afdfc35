"""The search for a short tour through strokes: compiled kernels on plain arrays.

2-opt and Or-opt moves on neighbour lists with a queue of ends to look at, then iterated local search: a double bridge
among neighbouring strokes, repaired locally and taken back when the tour got worse (Johnson & McGeoch 1997; Bentley
1992). A closed stroke may be entered at any of its spots; moving it picks the best.
"""

from __future__ import annotations

import numba
import numpy as np

from sketch_robot.strokes.order_moves import (
    best_spot,
    enter_by,
    hop,
    hop_cost,
    join,
    mate_of,
    saved_by_moving,
    saved_by_turning,
    turned_run,
)

LONGEST_MOVED = 3  # strokes that an Or-opt move carries
BRIDGE_SPAN = 30  # strokes within which a perturbation cuts; 50 gave 0.3 % more travel at 1000 strokes, 15 as well


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
