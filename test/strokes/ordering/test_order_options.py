"""Ordering by time, with loops, bands and urgency; what must not change the result."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sketch_robot.strokes.ordering.moves import hop_costs
from sketch_robot.strokes.ordering.order import DISTANCE, HopTime, Order, order_strokes
from sketch_robot.strokes.ordering.search import TourSearch

FAST = HopTime(200.0, 2000.0)
STIFF = HopTime(200.0, 2000.0, axis_speed_mm_s=(200.0, 50.0), axis_accel_mm_s2=(1000.0, 300.0))
coordinate = st.floats(-100.0, 200.0).map(lambda value: round(value, 2))
segments = st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), min_size=1, max_size=7).map(np.array)


def random_segments(count: int, seed: int = 0, length: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Short segments anywhere on A4."""
    generator = np.random.default_rng(seed)
    starts = generator.uniform((10, 10), (200, 287), (count, 2))
    return starts, starts + generator.uniform(-length, length, (count, 2))


def hops_of(starts: np.ndarray, ends: np.ndarray, order: Order) -> np.ndarray:
    """The pen-up movements of an order of open strokes, from (0, 0) and back."""
    entered = np.where(order.flipped[:, None], ends[order.index], starts[order.index])
    left = np.where(order.flipped[:, None], starts[order.index], ends[order.index])
    return np.vstack((entered, [0.0, 0.0])) - np.vstack(([0.0, 0.0], left))


def cost(starts: np.ndarray, ends: np.ndarray, order: Order, hop: HopTime) -> float:
    return float(hop_costs(hops_of(starts, ends, order), hop.limits()).sum())


def circle(middle: tuple[float, float], radius: float, points: int = 60, turned: float = 0.0) -> np.ndarray:
    angle = turned + np.linspace(0.0, 2.0 * np.pi, points)
    loop = np.array(middle) + radius * np.column_stack((np.cos(angle), np.sin(angle)))
    loop[-1] = loop[0]
    return loop


@pytest.mark.parametrize(
    ('step', 'hop', 'seconds'),
    [
        ((30.0, 40.0), DISTANCE, 50.0),
        ((0.0, 0.0), FAST, 0.0),
        ((3.0, 4.0), FAST, 2.0 * math.sqrt(5.0 / 2000.0)),  # too short for full speed
        ((30.0, 40.0), FAST, 50.0 / 200.0 + 200.0 / 2000.0),
        ((-30.0, 40.0), HopTime(200.0), 50.0 / 200.0),
        ((30.0, 0.0), STIFF, 2.0 * math.sqrt(30.0 / 1000.0)),
        ((0.0, 30.0), STIFF, 30.0 / 50.0 + 50.0 / 300.0),
        # in a direction of 3 : 4 the y axis gives 50 / 0.8 mm/s and 300 / 0.8 mm/s^2 along the way
        ((30.0, -40.0), STIFF, 50.0 / 62.5 + 62.5 / 375.0),
    ],
)
def test_a_hop_costs_its_way_or_its_time_from_rest_to_rest(
    step: tuple[float, float], hop: HopTime, seconds: float
) -> None:
    assert hop_costs(np.array([step]), hop.limits())[0] == pytest.approx(seconds)


@pytest.mark.parametrize('hop', [FAST, STIFF])
@pytest.mark.parametrize('seed', range(3))
def test_few_strokes_are_drawn_in_the_quickest_order(hop: HopTime, seed: int) -> None:
    starts, ends = random_segments(5, seed, length=60.0)
    best = min(
        cost(starts, ends, Order(np.array(index), np.array(flips), 0.0), hop)
        for index in permutations(range(5))
        for flips in product((False, True), repeat=5)
    )
    assert cost(starts, ends, order_strokes(starts, ends, hop=hop), hop) == pytest.approx(best)


def test_the_quickest_order_differs_from_the_shortest() -> None:
    starts, ends = random_segments(120, 5)
    short, quick = (order_strokes(starts, ends, hop=hop, seconds=0.1) for hop in (DISTANCE, STIFF))
    assert short.travel_mm < quick.travel_mm
    assert cost(starts, ends, quick, STIFF) < cost(starts, ends, short, STIFF)


@given(segments, st.integers(0, 2**32 - 1))
@example(np.zeros((3, 4)), 0)
@settings(max_examples=40, deadline=None)
def test_turning_strokes_round_or_shuffling_them_keeps_the_travel(rows: np.ndarray, seed: int) -> None:
    generator = np.random.default_rng(seed)
    order = order_strokes(rows[:, :2], rows[:, 2:], seconds=0.001)
    rows = generator.permutation(rows)
    turned = generator.random(len(rows)) < 0.5
    rows[turned] = rows[turned][:, [2, 3, 0, 1]]
    again = order_strokes(rows[:, :2], rows[:, 2:], seconds=0.001)
    assert again.travel_mm == pytest.approx(order.travel_mm, abs=1e-6)


def test_many_strokes_given_the_other_way_round_are_drawn_the_same() -> None:
    starts, ends = random_segments(200, 6)
    one, other = order_strokes(starts, ends, seconds=0.02), order_strokes(ends, starts, seconds=0.02)
    assert one.index.tolist() == other.index.tolist()
    assert one.flipped.tolist() == (~other.flipped).tolist()


@given(segments, st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0.01, 100.0))
@settings(max_examples=40, deadline=None)
def test_moving_and_enlarging_the_page_with_home_changes_the_travel_by_the_scale(
    rows: np.ndarray, x: float, y: float, scale: float
) -> None:
    order = order_strokes(rows[:, :2], rows[:, 2:], seconds=0.001)
    at = np.array([x, y])
    moved = order_strokes(rows[:, :2] * scale + at, rows[:, 2:] * scale + at, home=(x, y), seconds=0.001)
    assert moved.travel_mm == pytest.approx(order.travel_mm * scale, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize('scale', [1.0, 0.25, 8.0])
def test_many_strokes_are_drawn_in_the_same_order_elsewhere(scale: float) -> None:
    starts, ends = random_segments(300, 7)
    order = order_strokes(starts, ends, seconds=0.02)
    at = np.array([33.3, -71.9])
    moved = order_strokes(starts * scale + at, ends * scale + at, home=(33.3, -71.9), seconds=0.02)
    assert moved.index.tolist() == order.index.tolist()
    assert moved.flipped.tolist() == order.flipped.tolist()


def test_a_closed_stroke_is_entered_where_that_is_shortest() -> None:
    loop = circle((50.0, 0.0), 10.0, 61)  # starts at (60, 0), on the far side
    order = order_strokes(loop[:1], loop[-1:], loops={0: loop})
    assert loop[order.entry[0]].tolist() == pytest.approx([40.0, 0.0])
    assert order.travel_mm == pytest.approx(80.0)
    assert order.flipped.tolist() == [False]


@pytest.mark.parametrize('points', [5, 9, 13])
def test_closed_strokes_are_entered_at_their_best_points_all_together(points: int) -> None:
    loops = [circle((40.0, 20.0), 12.0, points), circle((70.0, 60.0), 15.0, points, 1.0)]
    best = min(
        np.hypot(*a) + np.hypot(*(b - a)) + np.hypot(*b) for a in loops[0] for b in loops[1]
    )  # home, one, other, home; either way round
    ends = np.array([loop[0] for loop in loops])
    order = order_strokes(ends, ends, loops=dict(enumerate(loops)))
    assert order.travel_mm == pytest.approx(best)


def test_a_row_of_circles_is_entered_no_worse_than_by_trying_all_points() -> None:
    loops = {k: circle((20.0 + 12.0 * k, 50.0), 6.0, 121, 0.7 * k) for k in range(12)}
    ends = np.array([loop[0] for loop in loops.values()])
    order = order_strokes(ends, ends, loops=loops)
    # the best points of all for the circles in that order: dynamic programming
    before, travel = np.zeros((1, 2)), np.zeros(1)
    for k in order.index:
        steps = np.hypot(*(loops[k][:, None] - before[None]).transpose(2, 0, 1))
        before, travel = loops[k], (steps + travel).min(axis=1)
    assert order.travel_mm == pytest.approx((travel + np.hypot(*before.T)).min(), rel=2e-3)
    assert order.travel_mm < order_strokes(ends, ends).travel_mm - 15.0


def test_closed_and_open_strokes_together_are_counted_right() -> None:
    starts, ends = random_segments(60, 8)
    loops = {k: circle((20.0 + 15.0 * k, 150.0 - 9.0 * k), 5.0, 30) for k in range(10)}
    for k, loop in loops.items():
        starts[k] = ends[k] = loop[0]
    order = order_strokes(starts, ends, loops=loops, seconds=0.02)
    here, travel = np.zeros(2), 0.0
    for k, flipped, entry in zip(order.index, order.flipped, order.entry, strict=True):
        enter, leave = (ends[k], starts[k]) if flipped else (starts[k], ends[k])
        if k in loops:
            enter = leave = loops[k][entry]
        else:
            assert entry == 0
        travel += float(np.hypot(*(enter - here)))
        here = leave
    assert order.travel_mm == pytest.approx(travel + float(np.hypot(*here)))
    assert sorted(order.index.tolist()) == list(range(60))


@given(st.integers(0, 1000), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_strict_bands_follow_one_another(seed: int, count: int) -> None:
    starts, ends = random_segments(40, seed)
    bands = np.random.default_rng(seed).integers(0, count, 40) * 7 - 3
    order = order_strokes(starts, ends, bands=bands, seconds=0.005)
    assert sorted(order.index.tolist()) == list(range(40))
    assert (np.diff(bands[order.index]) >= 0).all()


def test_strict_bands_are_in_the_best_order_each() -> None:
    starts, ends = random_segments(5, 3, length=50.0)
    bands = np.array([1, 0, 2, 1, 0])
    best = min(
        cost(starts, ends, Order(np.array(index), np.array(flips), 0.0), DISTANCE)
        for index in permutations(range(5))
        if (np.diff(bands[list(index)]) >= 0).all()
        for flips in product((False, True), repeat=5)
    )
    assert order_strokes(starts, ends, bands=bands).travel_mm == pytest.approx(best)


def test_one_band_is_no_band() -> None:
    starts, ends = random_segments(50, 4)
    free, banded = (order_strokes(starts, ends, bands=bands, seconds=0.01) for bands in (None, np.full(50, 2)))
    assert free.index.tolist() == banded.index.tolist()


def test_urgent_strokes_come_earlier_the_more_patience_there_is() -> None:
    starts, ends = random_segments(150, 9)
    urgent = np.hypot(*(starts - (105, 150)).T) < 60
    free = order_strokes(starts, ends, seconds=0.1, hop=FAST)
    places, costs = [], []
    for patience in (0.0, 0.5, 2.0, 50.0):
        order = order_strokes(starts, ends, seconds=0.1, hop=FAST, urgency=urgent.astype(float), patience=patience)
        places.append(float(np.flatnonzero(urgent[order.index]).mean()) / 149)
        costs.append(cost(starts, ends, order, FAST) / cost(starts, ends, free, FAST))
    assert places == sorted(places, reverse=True)
    assert places[-1] == pytest.approx((urgent.sum() - 1) / 2 / 149, abs=0.02)  # all before the others
    assert costs[0] == 1.0
    assert costs[1] < 1.05
    assert places[1] < 0.7 * places[0]


def test_equal_urgency_is_none() -> None:
    starts, ends = random_segments(60, 2)
    free = order_strokes(starts, ends, seconds=0.01)
    equal = order_strokes(starts, ends, seconds=0.01, urgency=np.full(60, 0.7), patience=5.0)
    assert free.index.tolist() == equal.index.tolist()


def test_urgency_sorts_strokes_that_cost_no_travel() -> None:
    at = np.zeros((20, 2))
    at[:, 0] = 50.0 + 1e-3 * np.random.default_rng(0).permutation(20)
    urgency = np.linspace(0.0, 1.0, 20)
    order = order_strokes(at, at, urgency=urgency, patience=3.0)
    assert order.index.tolist() == list(range(19, -1, -1))


def test_the_sums_of_waiting_are_right_after_thousands_of_moves() -> None:
    starts, ends = random_segments(80, 1)
    bands = np.zeros(80)
    search = TourSearch(starts, ends, [], bands, FAST.limits())
    assert search.weigh(np.random.default_rng(1).random(80), 2.0)
    search.settle()
    search.perturb(3000)
    tour = search.tour
    weights = tour.weight[tour.ends >> 1]
    assert tour.ends[0] >> 1 == 80  # home is still at the front
    assert tour.before.tolist() == [0, *np.cumsum(weights)]
    assert tour.waits.tolist() == [0, *np.cumsum(weights * np.arange(81))]
    assert tour.ends[tour.place] >> 1 == pytest.approx(np.arange(81))


def test_searching_in_pieces_is_searching_at_once() -> None:
    starts, ends = random_segments(300, 3)
    whole = order_strokes(starts, ends, seconds=0.05)
    in_pieces = order_strokes(starts, ends, seconds=0.05, limit_s=3600.0)
    assert whole.index.tolist() == in_pieces.index.tolist()
    assert whole.flipped.tolist() == in_pieces.flipped.tolist()


def test_a_search_without_time_still_draws_every_stroke_once() -> None:
    starts, ends = random_segments(500, 3)
    hurried = order_strokes(starts, ends, seconds=10.0, limit_s=0.0)
    settled = order_strokes(starts, ends, seconds=0.0)
    assert sorted(hurried.index.tolist()) == list(range(500))
    assert hurried.travel_mm > settled.travel_mm


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'urgency': np.zeros(2)}, 'urgency must be a finite number for each of 3 strokes'),
        ({'urgency': np.array([0.0, 0.5, 1.1])}, r'urgency must lie in \[0, 1\]'),
        ({'urgency': np.array([0.0, 0.5, np.nan])}, 'urgency must be a finite number for each of 3 strokes'),
        ({'bands': np.zeros((3, 1))}, 'bands must be a finite number for each of 3 strokes'),
        ({'bands': np.array([0.0, np.inf, 1.0])}, 'bands must be a finite number for each of 3 strokes'),
        ({'patience': -1.0}, 'a patience of -1.0 must not be negative'),
        ({'patience': math.nan}, 'a patience of nan must not be negative'),
        ({'loops': {3: np.zeros((5, 2))}}, 'there is no stroke 3 to be closed'),
        ({'loops': {1: np.zeros((3, 2))}}, 'stroke 1 is no closed loop of finite points'),
        ({'loops': {1: np.arange(10.0).reshape(5, 2)}}, 'stroke 1 is no closed loop of finite points'),
        ({'loops': {1: np.full((5, 2), np.inf)}}, 'stroke 1 is no closed loop of finite points'),
    ],
)
def test_unusable_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        order_strokes(np.zeros((3, 2)), np.ones((3, 2)), **options)


@pytest.mark.parametrize(
    ('limits', 'message'),
    [
        ((0.0, 1.0), 'speed 0.0 and acceleration 1.0 must be positive'),
        ((math.inf, 1.0), 'speed inf and acceleration 1.0 must be positive'),
        ((1.0, -1.0), 'speed 1.0 and acceleration -1.0 must be positive'),
        ((1.0, math.nan), 'speed 1.0 and acceleration nan must be positive'),
        ((1.0, 1.0, (1.0, -1.0)), 'axis limits .* must be zero or more'),
        ((1.0, 1.0, (0.0, 0.0), (math.nan, 0.0)), 'axis limits .* must be zero or more'),
    ],
)
def test_machines_that_cannot_be_are_refused(limits: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HopTime(*limits)
