"""Polylines: lengths and points along them, one at a time and many at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.polyline import (
    length_of,
    lengths_along,
    lengths_of,
    nearest_on,
    points_at,
    stacked,
    stacked_without_repeats,
    without_repeats,
)

place = st.integers(-3, 3).map(float)
polylines = st.lists(st.tuples(place, place), min_size=1, max_size=8).map(np.array)


def test_lengths_are_those_of_the_way() -> None:
    xy = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0], [3.0, 10.0]])
    assert length_of(xy) == 11.0
    assert lengths_along(xy).tolist() == [0.0, 5.0, 5.0, 11.0]
    assert points_at(xy, np.array([-1.0, 2.5, 5.0, 8.0, 99.0])).tolist() == [[0, 0], [1.5, 2], [3, 4], [3, 7], [3, 10]]
    assert without_repeats(xy).tolist() == [[0, 0], [3, 4], [3, 10]]


@given(polylines)
def test_a_polyline_without_repeats_is_as_long(xy: np.ndarray) -> None:
    kept = without_repeats(xy)
    assert length_of(kept) == pytest.approx(length_of(xy))
    assert lengths_along(xy)[-1] == pytest.approx(length_of(xy))
    assert len(kept) == 1 or np.hypot(*np.diff(kept, axis=0).T).min() > 0.0


@given(st.lists(polylines, max_size=6))
def test_many_at_once_are_as_one_by_one(lines: list[np.ndarray]) -> None:
    assert lengths_of(lines) == pytest.approx([length_of(xy) for xy in lines])
    xy, offsets = stacked(lines)
    assert [xy[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:], strict=True)] == [
        line.tolist() for line in lines
    ]
    xy, offsets = stacked_without_repeats(lines)
    found = [xy[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    assert found == [without_repeats(line).tolist() for line in lines]


def test_the_nearest_point_is_told_by_its_line_and_share() -> None:
    xy = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    assert nearest_on(xy, np.array([2.5, 3.0])) == (0.25, 3.0)
    assert nearest_on(xy, np.array([14.0, 5.0])) == (2.5, 4.0)
    assert nearest_on(xy[:1], np.array([3.0, 4.0])) == (0.0, 5.0)
    assert nearest_on(np.array([[0.0, 0.0, 1.0], [4.0, 0.0, 1.0]]), np.array([1.0, 0.0, 3.0])) == (0.25, 2.0)


coordinates = st.floats(-100.0, 100.0)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=8), st.tuples(coordinates, coordinates))
def test_the_nearest_point_is_no_farther_than_any_corner(
    xy: list[tuple[float, float]], to: tuple[float, float]
) -> None:
    at, apart = nearest_on(np.array(xy), np.array(to))
    assert apart <= np.hypot(*(np.array(xy) - to).T).min() + 1e-9
    assert 0.0 <= at <= len(xy) - 1
