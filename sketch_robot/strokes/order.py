"""Order strokes for a short time with the pen up.

A drawing's strokes may be drawn in any order and either way round, and a closed one from any of its points. The
cheapest hops first (greedy edge), then 2-opt and Or-opt moves, then iterated local search, see `order_search`. Home is
a stroke of no length, so that the tour is closed. What a hop costs is its distance, or its time from rest to rest:
short hops are slow.

Some strokes may be wanted early. Softly: an urgent stroke pays for each place that it comes later, and saves it where
that costs little travel. Strictly: strokes of one band come before those of the next; a hop between bands costs more
than all travel, which is symmetric, as home counts as the first band when the pen leaves and as the last when it
returns.

The search is bounded by a count of perturbations, has its own random numbers, and sorts the strokes first: the same
strokes give the same order on any machine, wherever they lie on the page and whichever way round they are given.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sketch_robot.strokes.order_search import perturb, refine_spots, settle
from sketch_robot.strokes.order_start import cheapest_hops_first, neighbours

PERTURBATIONS_PER_SECOND = 150_000.0  # what one core of a small server tries with few strokes ...
HALVED_AT = 1500  # ... and half as many with this many strokes: longer reversals
MOST_PERTURBATIONS_PER_STROKE = 1000  # small drawings are as good as they get long before
PERTURBATIONS_AT_ONCE = 500  # between two looks at the clock
MOST_SPOTS = 24  # points tried of each closed stroke while searching; the best of all its points is taken at the end
SPOTS_IN_ALL = 20_000  # fewer of each when there are many
LATE_WEIGHT = 1000  # weights are whole numbers up to this
GRID_BITS = 30  # the search rounds coordinates to this share of the drawing's size


@dataclass(frozen=True, eq=False)
class Order:
    """How to draw a set of strokes.

    Attributes:
        index: (N,) int64; the stroke drawn k-th.
        flipped: (N,) bool; whether it is drawn from its end.
        travel_mm: pen-up travel from home through all strokes and back home.
        entry: (N,) int64; for a closed stroke the point by which it is entered and left, for others 0.
    """

    index: np.ndarray
    flipped: np.ndarray
    travel_mm: float
    entry: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if len(self.entry) != len(self.index):
            object.__setattr__(self, 'entry', np.zeros(len(self.index), np.int64))


def order_strokes(
    starts: np.ndarray,
    ends: np.ndarray,
    *,
    home: tuple[float, float] = (0.0, 0.0),
    seconds: float = 0.2,
    speed: float = 1.0,
    accel: float = math.inf,
    loops: dict[int, np.ndarray] | None = None,
    urgency: np.ndarray | None = None,
    patience: float = 0.0,
    bands: np.ndarray | None = None,
    limit_s: float | None = None,
) -> Order:
    """Find a short way through all strokes.

    Args:
        starts, ends: (N, 2) float64, the ends of each stroke, mm in the page's frame.
        home: where the pen starts and returns to, mm.
        seconds: about how long to search on the reference machine; turned into a count of perturbations, so that the
            result is the same for the same input. 0 stops at the first local optimum.
        speed, accel: of a hop from rest to rest, mm/s and mm/s^2. With infinite acceleration travel is what is short.
        loops: the points of closed strokes, (M, 2) each with M >= 4 and the first the same as the last, by stroke.
        urgency: (N,) float64 in [0, 1]; how much each stroke is wanted early. None: not at all.
        patience: what drawing all that is urgent at the very end costs more than at the very beginning, as a share of
            the whole travel of a quickly made tour.
        bands: (N,) whole numbers; strokes of a lower band come before those of a higher one, strictly.
        limit_s: wall-clock seconds after which the search stops as soon as it can (some ms), with what it has. A safety
            net: where it cuts in, the result depends on the machine. None: no limit.

    Raises:
        ValueError: shapes differ, a coordinate is not finite (the message names the first such stroke), or an option is
            out of its range.
    """
    began_s = time.perf_counter()
    starts, ends = np.asarray(starts, dtype=np.float64), np.asarray(ends, dtype=np.float64)
    loops = loops or {}
    _check(starts, ends, home, seconds, speed, accel, loops, urgency, patience, bands)
    n = len(starts)
    if n == 0:
        return Order(np.zeros(0, np.int64), np.zeros(0, bool), 0.0)
    urgent = np.zeros(n) if urgency is None else np.asarray(urgency, dtype=np.float64)
    band = np.zeros(n) if bands is None else np.unique(bands, return_inverse=True)[1].reshape(n).astype(np.float64)

    # The search sees strokes from home, on a grid, sorted, each from its lesser end.
    grid = _grid(starts, ends, home)
    low, high = np.rint((starts - home) / grid), np.rint((ends - home) / grid)
    turned = (low[:, 0] > high[:, 0]) | ((low[:, 0] == high[:, 0]) & (low[:, 1] > high[:, 1]))
    low[turned], high[turned] = high[turned], low[turned]
    points = {k: _canonical_loop(np.rint((np.asarray(loop) - home) / grid)) for k, loop in loops.items()}
    for k, (loop, _) in points.items():
        low[k] = high[k] = loop[0]
    by_place = np.lexsort((urgent, band, high[:, 1], high[:, 0], low[:, 1], low[:, 0]))

    search = _Search(
        low[by_place] * grid,
        high[by_place] * grid,
        [points[k][0] * grid if k in points else None for k in by_place] if points else [],
        band[by_place],
        speed,
        accel,
    )
    rate = PERTURBATIONS_PER_SECOND / (1.0 + n / HALVED_AT)
    count = min(int(seconds * rate), MOST_PERTURBATIONS_PER_STROKE * n)
    until_s = None if limit_s is None else began_s + limit_s
    search.run(urgent[by_place], patience, count, until_s)
    tour, vertex = search.result()

    index = by_place[tour >> 1]
    flipped = (tour & 1).astype(bool) ^ turned[index]
    entry = np.zeros(n, np.int64)
    for k in np.flatnonzero(np.isin(index, list(points))) if points else ():
        flipped[k] = False
        entry[k] = points[index[k]][1][vertex[tour[k] >> 1]]
    return Order(index, flipped, _travel_mm(starts, ends, home, loops, index, flipped, entry), entry)


class _Search:
    """The state of one search: a tour that gets better."""

    def __init__(
        self,
        low: np.ndarray,
        high: np.ndarray,
        loops: Sequence[np.ndarray | None],
        band: np.ndarray,
        speed: float,
        accel: float,
    ) -> None:
        n = len(low)
        self.xy = np.zeros((2 * n + 2, 2))
        self.xy[0:-2:2], self.xy[1:-2:2] = low, high
        self.limits = np.array([1.0 / speed, speed / accel, speed * speed / accel, 2.0 / math.sqrt(accel)])
        self.loops = loops
        self.spots, self.vertex, self.first_spot = _spots(loops, n, MOST_SPOTS)
        self.spot = self.first_spot[:-1].copy()
        extent = float(np.ptp(np.concatenate((self.xy, self.spots)), axis=0).max())
        longest = 2.0 * extent
        dearest = longest / speed + speed / accel if longest >= self.limits[2] else self.limits[3] * math.sqrt(longest)
        self.least = 1e-9 * dearest + 1e-300
        # More than the travel of any tour, so that no saved travel pays for another change of band.
        self.level = np.repeat(np.append(band, 0.0), 2) * (n + 2) * dearest
        self.level[-2:] = self.level[:-2].max(), self.level[:-2].min()  # home is left by its second end
        self.near, self.low = neighbours(self.xy, self.level, self.limits, self.spots, self.first_spot)
        self.tour = cheapest_hops_first(self.xy, self.level, self.limits, self.near, self.low)

    def run(self, urgent: np.ndarray, patience: float, count: int, until_s: float | None) -> None:
        """Improve the tour: to a local optimum, then by `count` perturbations."""
        n = len(self.tour)
        if n < 3 and len(self.spots) == 0:
            return
        weight, before, waits, wait = self._weigh(urgent, patience)
        place = np.empty(n, np.int64)
        place[self.tour >> 1] = np.arange(n)
        queue, queued = np.empty(2 * n, np.int64), np.ones(2 * n, np.bool_)
        queue[0::2], queue[1::2] = self.tour, self.tour ^ 1  # in tour order: neighbours settle together
        log = np.empty((max(50 * n, 1000), 2), np.int64)
        state = (self.xy, self.level, self.limits, self.near, self.low, self.least, self.tour, place, self.spots,
                 self.first_spot, self.spot, weight, before, waits, wait)  # fmt: skip
        head, waiting = 0, 2 * n
        while waiting and not _late(until_s):
            _, _, head, waiting = settle(*state, queue, queued, head, waiting, 20_000, log, 0)
        if waiting or n < 4:
            return
        random = np.array([0x9E3779B97F4A7C15], np.uint64)
        at_once = count if until_s is None else PERTURBATIONS_AT_ONCE
        while count > 0 and not _late(until_s):
            perturb(*state, queue, queued, log, random, min(count, at_once))
            count -= at_once

    def _weigh(self, urgent: np.ndarray, patience: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        n = len(self.tour)
        whole = np.rint(LATE_WEIGHT * np.append(urgent, 0.0)).astype(np.int64)
        none = np.zeros(0, np.int64)
        if patience == 0.0 or whole.max() == whole[:-1].min():
            return none, none, none, 0.0
        if self.tour[0] & 1:  # walk so that home's second end is left first
            self.tour = np.concatenate((self.tour[:1], self.tour[:0:-1])) ^ 1
        gone = self.xy[self.tour ^ 1] - np.roll(self.xy[self.tour], -1, axis=0)
        far = np.hypot(*gone.T)
        fast = far >= self.limits[2]
        whole_travel = np.where(fast, far * self.limits[0] + self.limits[1], self.limits[3] * np.sqrt(far)).sum()
        by_place = whole[self.tour >> 1]
        before = np.concatenate(([0], np.cumsum(by_place)))
        waits = np.concatenate(([0], np.cumsum(by_place * np.arange(n))))
        return whole, before, waits, float(patience * whole_travel / (n * whole.sum()))

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """The tour without home, from home on; and for each closed stroke the point of its loop to enter by."""
        n = len(self.tour)
        tour = np.roll(self.tour, -int(np.flatnonzero(self.tour >> 1 == n - 1)[0]))
        if tour[0] & 1:  # home is met from its far side: the same way, walked backwards
            tour = np.concatenate((tour[:1], tour[:0:-1])) ^ 1
        if len(self.spots) == 0:
            return tour[1:], np.zeros(n - 1, np.int64)
        place = np.empty(n, np.int64)
        place[tour >> 1] = np.arange(n)
        every, vertex, first_spot = _spots(self.loops, n - 1, None)
        spot = first_spot[:-1].copy()
        for k in np.flatnonzero(np.diff(first_spot)):
            spot[k] += self.vertex[self.spot[k]]
        refine_spots(self.xy, self.limits, tour, place, every, first_spot, spot)
        return tour[1:], np.where(np.diff(first_spot) > 0, vertex[np.minimum(spot, len(vertex) - 1)], 0)[:-1]


def _late(until_s: float | None) -> bool:
    return until_s is not None and time.perf_counter() >= until_s


def _spots(
    loops: Sequence[np.ndarray | None], n: int, most: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where closed strokes may be entered: (S, 2) points, (S,) their numbers in their loops, (n + 2,) first of each.

    Evenly chosen points, at most `most` of each loop and `SPOTS_IN_ALL` together; None: all of them.
    """
    counts = np.array([0 if loop is None else len(loop) for loop in loops], dtype=np.int64)
    if not counts.any():
        return np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(n + 2, np.int64)
    taken = counts if most is None else np.minimum(counts, max(4, min(most, SPOTS_IN_ALL // np.count_nonzero(counts))))
    vertices = [np.arange(k) * count // max(k, 1) for k, count in zip(taken, counts, strict=True)]
    places = [loop[vertex] for loop, vertex in zip(loops, vertices, strict=True) if loop is not None]
    return np.concatenate(places), np.concatenate(vertices), np.concatenate(([0], np.cumsum(taken), [taken.sum()]))


def _canonical_loop(loop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A loop's points without the last, from the least point towards the lesser of its neighbours; and their numbers."""
    points = loop[:-1]
    least = int(np.lexsort((points[:, 1], points[:, 0]))[0])
    number = np.roll(np.arange(len(points)), -least)
    if tuple(points[number[-1]]) < tuple(points[number[1]]):
        number = np.roll(number[::-1], 1)
    return points[number], number


def _grid(starts: np.ndarray, ends: np.ndarray, home: tuple[float, float]) -> float:
    """A power of two, small beside the drawing: rounded to it, coordinates are the same wherever home is."""
    extent = max(float(np.abs(starts - home).max()), float(np.abs(ends - home).max()))
    return 2.0 ** (math.ceil(math.log2(extent)) - GRID_BITS) if extent > 0.0 else 1.0


def _travel_mm(
    starts: np.ndarray,
    ends: np.ndarray,
    home: tuple[float, float],
    loops: dict[int, np.ndarray],
    index: np.ndarray,
    flipped: np.ndarray,
    entry: np.ndarray,
) -> float:
    """Pen-up travel of an order, from home and back."""
    entered = np.where(flipped[:, None], ends[index], starts[index])
    left = np.where(flipped[:, None], starts[index], ends[index])
    for k, stroke in enumerate(index):
        if stroke in loops:
            entered[k] = left[k] = loops[stroke][entry[k]]
    return float(np.hypot(*(np.vstack((entered, home)) - np.vstack((home, left))).T).sum())


def _check(
    starts: np.ndarray,
    ends: np.ndarray,
    home: tuple[float, float],
    seconds: float,
    speed: float,
    accel: float,
    loops: dict[int, np.ndarray],
    urgency: np.ndarray | None,
    patience: float,
    bands: np.ndarray | None,
) -> None:
    if starts.ndim != 2 or starts.shape[1:] != (2,) or starts.shape != ends.shape:
        raise ValueError(f'starts and ends are (N, 2) both, not {starts.shape} and {ends.shape}')
    finite = np.isfinite(starts).all(axis=1) & np.isfinite(ends).all(axis=1)
    if not finite.all():
        raise ValueError(f'stroke {int(np.argmin(finite))} has an end that is not finite')
    if not (np.isfinite(seconds) and seconds >= 0.0 and np.isfinite(home).all()):
        raise ValueError(f'seconds {seconds} must not be negative, and home {home} must be finite')
    if not (math.isfinite(speed) and speed > 0.0 and accel > 0.0):
        raise ValueError(f'speed {speed} and acceleration {accel} must be positive')
    for k, loop in loops.items():
        if np.ndim(loop) != 2 or len(loop) < 4 or not np.isfinite(loop).all() or tuple(loop[0]) != tuple(loop[-1]):
            raise ValueError(f'stroke {k} is no closed loop of finite points')
    if not (math.isfinite(patience) and patience >= 0.0):
        raise ValueError(f'a patience of {patience} must not be negative')
    for name, values in (('urgency', urgency), ('bands', bands)):
        if values is not None and (np.shape(values) != (len(starts),) or not np.isfinite(values).all()):
            raise ValueError(f'{name} must be a finite number for each of {len(starts)} strokes')
    if urgency is not None and len(starts) and not (np.min(urgency) >= 0.0 and np.max(urgency) <= 1.0):
        raise ValueError('urgency must lie in [0, 1]')
