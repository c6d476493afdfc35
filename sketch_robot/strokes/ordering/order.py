"""Order strokes for a short time with the pen up.

A drawing's strokes may be drawn in any order and either way round, and a closed one from any of its points. The
cheapest hops first (greedy edge), then 2-opt and Or-opt moves, then iterated local search, see `moves`. Home is
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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import BAND
from sketch_robot.strokes.ordering.search import TourSearch
from sketch_robot.validation import NOT_NEGATIVE, POSITIVE, fits

PERTURBATIONS_PER_SECOND = 150_000.0  # what one core of a small server tries with few strokes ...
HALVED_AT = 1500  # ... and half as many with this many strokes: longer reversals
WEIGHED_SHARE = 0.6  # of them, when strokes wait at a price
GRID_BITS = 30  # the search rounds coordinates to this share of the drawing's size

Precedence = Literal['soft', 'strict', 'none']
PRECEDENCES: tuple[Precedence, ...] = get_args(Precedence)

# How early strokes are wanted, by band and, within it, by importance. On twelve portraits, the eyes, brows, nose and
# mouth came at 0.45 of the drawing on average without precedence; with a patience of 1 at 0.20, for 2.7 % more travel
# time; with 2 at 0.16, for 7 %; in strict bands at 0.16, for 19 %.
BAND_URGENCY = (0.9, 0.3, 0.0)
IMPORTANCE_URGENCY = 0.1
PATIENCE = 1.0


@dataclass(frozen=True)
class HopTime:
    """How fast the pen hops from rest to rest.

    Attributes:
        speed_mm_s, accel_mm_s2: limits along the way, positive; the acceleration may be infinite.
        axis_speed_mm_s, axis_accel_mm_s2: limits of the x and of the y axis; 0: none of its own.

    Raises:
        ValueError: a limit is not a number or out of its range.
    """

    speed_mm_s: float
    accel_mm_s2: float = math.inf
    axis_speed_mm_s: tuple[float, float] = (0.0, 0.0)
    axis_accel_mm_s2: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        axes = (*self.axis_speed_mm_s, *self.axis_accel_mm_s2)
        if not (fits(self.speed_mm_s, POSITIVE) and self.accel_mm_s2 > 0.0):
            raise ValueError(f'speed {self.speed_mm_s} and acceleration {self.accel_mm_s2} must be positive')
        if not all(fits(limit, NOT_NEGATIVE) for limit in axes):
            raise ValueError(f'axis limits {axes} must be zero or more')

    def limits(self) -> np.ndarray:
        """(10,) float64, as `Tour` takes them."""
        v, a = self.speed_mm_s, self.accel_mm_s2
        (x_speed, y_speed), (x_accel, y_accel) = self.axis_speed_mm_s, self.axis_accel_mm_s2
        axes = [1.0 / limit if limit > 0.0 else 0.0 for limit in (x_speed, x_accel, y_speed, y_accel)]
        return np.array([1.0 / v, v / a, v * v / a, 2.0 / math.sqrt(a), float(any(axes)), 1.0 / a, *axes])


DISTANCE = HopTime(1.0)  # what is short is the way


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
    hop: HopTime = DISTANCE,
    loops: Mapping[int, np.ndarray] | None = None,
    urgency: np.ndarray | None = None,
    patience: float = 1.0,
    bands: np.ndarray | None = None,
    limit_s: float | None = None,
) -> Order:
    """Find a short way through all strokes.

    Args:
        starts, ends: (N, 2) float64, the ends of each stroke, mm in the page's frame.
        home: where the pen starts and returns to, mm.
        seconds: about how long to search on the reference machine; turned into a count of perturbations, so that the
            result is the same for the same input. 0 stops at the first local optimum.
        hop: what a hop costs: its distance, or the time of a machine.
        loops: the points of closed strokes, (M, 2) each with M >= 4 and the first the same as the last, by stroke.
        urgency: (N,) float64 in [0, 1]; how much each stroke is wanted early. None: not at all.
        patience: what drawing all that is urgent at the very end costs more than at the very beginning, as a share of
            the whole travel of a quickly made tour.
        bands: (N,) numbers; all strokes of a lower band come before those of a higher one.
        limit_s: wall-clock seconds after which the search stops within some ms, with what it has. A safety net: where
            it cuts in, the result depends on the machine. None: no limit.

    Raises:
        ValueError: shapes differ, a coordinate is not finite (the message names the first such stroke), or an option is
            out of its range.
    """
    until_s = None if limit_s is None else time.perf_counter() + limit_s
    starts, ends = np.asarray(starts, dtype=np.float64), np.asarray(ends, dtype=np.float64)
    loops = {} if loops is None else loops
    _check_strokes(starts, ends, loops)
    _check_options(len(starts), home, seconds, urgency, patience, bands)
    n = len(starts)
    if n == 0:
        return Order(np.zeros(0, np.int64), np.zeros(0, bool), 0.0)
    urgent = np.zeros(n) if urgency is None else np.asarray(urgency, dtype=np.float64)
    band = np.zeros(n) if bands is None else np.unique(bands, return_inverse=True)[1].reshape(n).astype(np.float64)

    # The search sees strokes from home, on a grid, each from its lesser end, sorted.
    grid = _grid(starts, ends, home)
    low, high = np.rint((starts - home) / grid), np.rint((ends - home) / grid)
    turned = (low[:, 0] > high[:, 0]) | ((low[:, 0] == high[:, 0]) & (low[:, 1] > high[:, 1]))
    low[turned], high[turned] = high[turned], low[turned]
    points = {k: _canonical_loop(np.rint((np.asarray(loop) - home) / grid)) for k, loop in loops.items()}
    for k, (loop, _) in points.items():
        low[k] = high[k] = loop[0]
    rank = np.lexsort((urgent, band, high[:, 1], high[:, 0], low[:, 1], low[:, 0]))
    search = TourSearch(
        low[rank] * grid,
        high[rank] * grid,
        [points[k][0] * grid if k in points else None for k in rank] if points else [],
        band[rank],
        hop.limits(),
    )
    rate = PERTURBATIONS_PER_SECOND / (1.0 + n / HALVED_AT)
    if search.weigh(urgent[rank], patience):
        rate *= WEIGHED_SHARE
    search.settle(until_s)
    search.perturb(int(seconds * rate), until_s)
    tour, vertex = search.result()
    # The search keeps bands apart by cost, and may stop where that has not yet been gained.
    tour = tour[np.argsort(band[rank][tour >> 1], kind='stable')]

    index = rank[tour >> 1]
    flipped = (tour & 1).astype(bool) ^ turned[index]
    entry = np.zeros(n, np.int64)
    for k in np.flatnonzero(np.isin(index, list(points))) if points else ():
        flipped[k] = False
        entry[k] = points[index[k]][1][vertex[tour[k] >> 1]]
    return Order(index, flipped, _travel_mm(starts, ends, home, loops, index, flipped, entry), entry)


def _canonical_loop(loop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A loop's points, each once, from the least towards the lesser of its neighbours; and their numbers."""
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
    loops: Mapping[int, np.ndarray],
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


def _check_strokes(starts: np.ndarray, ends: np.ndarray, loops: Mapping[int, np.ndarray]) -> None:
    if starts.ndim != 2 or starts.shape[1:] != (2,) or starts.shape != ends.shape:
        raise ValueError(f'starts and ends are (N, 2) both, not {starts.shape} and {ends.shape}')
    finite = np.isfinite(starts).all(axis=1) & np.isfinite(ends).all(axis=1)
    if not finite.all():
        raise ValueError(f'stroke {int(np.argmin(finite))} has an end that is not finite')
    for k, loop in loops.items():
        if not 0 <= k < len(starts):
            raise ValueError(f'there is no stroke {k} to be closed')
        if np.ndim(loop) != 2 or len(loop) < 4 or not np.isfinite(loop).all() or tuple(loop[0]) != tuple(loop[-1]):
            raise ValueError(f'stroke {k} is no closed loop of finite points')


def _check_options(
    n: int,
    home: tuple[float, float],
    seconds: float,
    urgency: np.ndarray | None,
    patience: float,
    bands: np.ndarray | None,
) -> None:
    if not (fits(seconds, NOT_NEGATIVE) and np.isfinite(home).all()):
        raise ValueError(f'seconds {seconds} must not be negative, and home {home} must be finite')
    if not fits(patience, NOT_NEGATIVE):
        raise ValueError(f'a patience of {patience} must not be negative')
    for name, values in (('urgency', urgency), ('bands', bands)):
        if values is not None and (np.shape(values) != (n,) or not np.isfinite(values).all()):
            raise ValueError(f'{name} must be a finite number for each of {n} strokes')
    if urgency is not None and n > 0 and not (np.min(urgency) >= 0.0 and np.max(urgency) <= 1.0):
        raise ValueError('urgency must lie in [0, 1]')


def stroke_bands(strokes: Sequence[Stroke]) -> np.ndarray:
    """Which of `BANDS` each stroke belongs to: (N,) int64; 0 is the face."""
    return np.array([BAND[stroke.label] for stroke in strokes], dtype=np.int64)


def order_drawing(
    strokes: Sequence[Stroke],
    *,
    home: tuple[float, float] = (0.0, 0.0),
    seconds: float = 0.2,
    hop: HopTime = DISTANCE,
    precedence: Precedence = 'soft',
    limit_s: float | None = None,
) -> Order:
    """Find a quick way through all strokes, whatever their pens.

    Args:
        strokes: mm of the page's frame.
        home: where the pen starts and returns to, mm.
        seconds, hop, limit_s: see `order_strokes`.
        precedence: whether what matters comes early: 'soft' where it costs little travel, 'strict' first the face, then
            hair and ears, then the rest, 'none' not at all.

    Raises:
        ValueError: an option is out of its range.
    """
    if precedence not in PRECEDENCES:
        raise ValueError(f'there is no precedence {precedence!r}; choose one of: {", ".join(PRECEDENCES)}')
    bands = stroke_bands(strokes)
    urgency = np.take(BAND_URGENCY, bands) + [IMPORTANCE_URGENCY * stroke.importance for stroke in strokes]
    return order_strokes(
        np.array([stroke.xy[0] for stroke in strokes]).reshape(-1, 2),
        np.array([stroke.xy[-1] for stroke in strokes]).reshape(-1, 2),
        home=home,
        seconds=seconds,
        hop=hop,
        loops={k: stroke.xy for k, stroke in enumerate(strokes) if stroke.closed},
        urgency=urgency if precedence == 'soft' else None,
        patience=PATIENCE,
        bands=bands if precedence == 'strict' else None,
        limit_s=limit_s,
    )


def apply_order(strokes: Sequence[Stroke], order: Order) -> tuple[Stroke, ...]:
    """The strokes as they are drawn: in order, turned round, closed ones from where they are entered."""
    return tuple(
        _drawn(strokes[k], bool(flipped), int(entry))
        for k, flipped, entry in zip(order.index, order.flipped, order.entry, strict=True)
    )


def _drawn(stroke: Stroke, flipped: bool, entry: int) -> Stroke:
    if entry:
        around = len(stroke.xy) - 1  # the last point is the first
        stroke = stroke.taking(np.append(np.arange(entry, around), np.arange(entry + 1)))
    return stroke.reversed() if flipped else stroke
