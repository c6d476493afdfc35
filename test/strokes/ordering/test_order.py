"""Ordering: a permutation, short, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.strokes import Order, order_strokes

coordinate = st.floats(0.0, 200.0)
segments = st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), min_size=0, max_size=25).map(
    lambda rows: np.array(rows, dtype=float).reshape(-1, 4)
)


def random_segments(count: int, seed: int = 0, length: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Short segments anywhere on A4."""
    generator = np.random.default_rng(seed)
    starts = generator.uniform((10, 10), (200, 287), (count, 2))
    return starts, starts + generator.uniform(-length, length, (count, 2))


def travel(starts: np.ndarray, ends: np.ndarray, order: Order, home: tuple[float, float] = (0.0, 0.0)) -> float:
    """Pen-up travel of an order, counted plainly."""
    here, total = np.array(home), 0.0
    for k, flipped in zip(order.index, order.flipped, strict=True):
        enter, leave = (ends[k], starts[k]) if flipped else (starts[k], ends[k])
        total += float(np.hypot(*(enter - here)))
        here = leave
    return total + float(np.hypot(*(np.array(home) - here)))


def greedy_travel(starts: np.ndarray, ends: np.ndarray) -> float:
    """Always the nearest end next."""
    here, total, left = np.zeros(2), 0.0, set(range(len(starts)))
    while left:
        gap, k, leave = min(
            (float(np.hypot(*(enter - here))), k, leave)
            for k in left
            for enter, leave in ((starts[k], 1), (ends[k], 0))
        )
        total, here = total + gap, (ends[k] if leave else starts[k])
        left.remove(k)
    return total + float(np.hypot(*here))


@given(segments, st.sampled_from([0.0, 0.001]))
@settings(max_examples=80, deadline=None)
def test_every_stroke_is_drawn_once_and_the_travel_is_counted_right(rows: np.ndarray, seconds: float) -> None:
    starts, ends = rows[:, :2], rows[:, 2:]
    order = order_strokes(starts, ends, home=(5.0, 7.0), seconds=seconds)
    assert sorted(order.index.tolist()) == list(range(len(rows)))
    assert order.flipped.shape == (len(rows),)
    assert order.travel_mm == pytest.approx(travel(starts, ends, order, (5.0, 7.0)), abs=1e-6)


@pytest.mark.parametrize('count', [1, 2, 3, 4, 5])
@pytest.mark.parametrize('seed', range(4))
def test_few_strokes_are_drawn_in_the_best_order(count: int, seed: int) -> None:
    from itertools import permutations, product

    starts, ends = random_segments(count, seed, length=80.0)
    best = min(
        travel(starts, ends, Order(np.array(index), np.array(flips), 0.0))
        for index in permutations(range(count))
        for flips in product((False, True), repeat=count)
    )
    assert order_strokes(starts, ends).travel_mm == pytest.approx(best)


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('seconds', [0.0, 0.02])
def test_an_order_is_no_longer_than_the_nearest_first(seed: int, seconds: float) -> None:
    starts, ends = random_segments(80, seed)
    assert order_strokes(starts, ends, seconds=seconds).travel_mm <= greedy_travel(starts, ends) + 1e-6


def test_a_longer_search_is_no_worse_and_shorter_than_local_search_by_a_twentieth() -> None:
    starts, ends = random_segments(300, 1)
    travels = [order_strokes(starts, ends, seconds=seconds).travel_mm for seconds in (0.0, 0.01, 0.05, 0.2)]
    assert travels == sorted(travels, reverse=True)
    assert travels[-1] < 0.95 * travels[0]


def test_a_seeded_drawing_is_a_fifth_shorter_than_the_nearest_first() -> None:
    starts, ends = random_segments(200, 42)
    assert order_strokes(starts, ends, seconds=0.2).travel_mm < 0.8 * greedy_travel(starts, ends)


def test_strokes_on_a_row_are_drawn_along_it_and_turned_round() -> None:
    x = np.arange(20.0)
    starts, ends = np.column_stack((x, 0 * x)), np.column_stack((x, 0 * x + 50))
    order = order_strokes(starts, ends, home=(-1.0, 0.0))
    # up one line, down the next: 19 steps along the top or the bottom, and the way home
    assert order.travel_mm == pytest.approx(1 + 19 + 20)


def test_the_same_strokes_get_the_same_order() -> None:
    starts, ends = random_segments(150, 3)
    one, other = (order_strokes(starts.copy(), ends.copy(), seconds=0.05) for _ in range(2))
    assert one.index.tolist() == other.index.tolist()
    assert one.flipped.tolist() == other.flipped.tolist()


def test_moving_the_page_and_home_keeps_the_travel() -> None:
    starts, ends = random_segments(60, 4)
    here = order_strokes(starts, ends, home=(0.0, 0.0), seconds=0.02).travel_mm
    there = order_strokes(starts + 64.0, ends + 64.0, home=(64.0, 64.0), seconds=0.02).travel_mm
    assert there == pytest.approx(here)


@pytest.mark.parametrize('count', [2, 3, 30])
def test_strokes_all_at_one_place_are_no_trouble(count: int) -> None:
    at = np.full((count, 2), 30.0)
    order = order_strokes(at, at)
    assert sorted(order.index.tolist()) == list(range(count))
    assert order.travel_mm == pytest.approx(2 * 30 * np.sqrt(2))


def test_nothing_to_order_is_no_travel() -> None:
    order = order_strokes(np.zeros((0, 2)), np.zeros((0, 2)))
    assert (order.index.tolist(), order.flipped.tolist(), order.travel_mm) == ([], [], 0.0)


def test_ordering_leaves_the_ends_alone() -> None:
    starts, ends = random_segments(20)
    before = starts.copy(), ends.copy()
    order_strokes(starts, ends)
    assert np.array_equal(starts, before[0])
    assert np.array_equal(ends, before[1])


def test_an_end_that_is_not_finite_is_named() -> None:
    starts, ends = random_segments(9)
    ends[4, 1] = np.nan
    with pytest.raises(ValueError, match='stroke 4 has an end that is not finite'):
        order_strokes(starts, ends)


@pytest.mark.parametrize(
    ('starts', 'ends', 'options', 'message'),
    [
        (np.zeros((3, 2)), np.zeros((2, 2)), {}, 'starts and ends are'),
        (np.zeros(4), np.zeros(4), {}, 'starts and ends are'),
        (np.zeros((3, 3)), np.zeros((3, 3)), {}, 'starts and ends are'),
        (np.zeros((3, 2)), np.zeros((3, 2)), {'seconds': -1.0}, 'must not be negative'),
        (np.zeros((3, 2)), np.zeros((3, 2)), {'seconds': np.inf}, 'must not be negative'),
        (np.zeros((3, 2)), np.zeros((3, 2)), {'home': (np.nan, 0.0)}, 'must be finite'),
    ],
)
def test_unusable_input_is_refused(starts: np.ndarray, ends: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        order_strokes(starts, ends, **options)
