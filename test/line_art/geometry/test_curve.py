"""Polylines and what lies under them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sketch_robot.line_art.geometry import curve

polyline = arrays(np.float64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.floats(0, 500))


@given(polyline, st.floats(0.5, 20))
def test_resampling_keeps_both_ends(xy: np.ndarray, spacing: float) -> None:
    out = curve.resample(xy, spacing)
    assert out[0] == pytest.approx(xy[0])
    if curve.length(xy) > 1e-6:
        assert out[-1] == pytest.approx(xy[-1], abs=1e-6)


def test_resampling_a_straight_line_spaces_points_evenly() -> None:
    out = curve.resample(np.array([[0.0, 0.0], [3.0, 0.0], [20.0, 0.0]]), 2.0)
    assert np.diff(out[:, 0]) == pytest.approx(np.full(10, 2.0))


def test_a_curve_without_length_becomes_one_point() -> None:
    assert curve.resample(np.full((4, 2), 7.0)).tolist() == [[7.0, 7.0]]


@given(polyline, st.floats(0.3, 10))
def test_smoothing_keeps_the_ends_and_the_number_of_points(xy: np.ndarray, sigma: float) -> None:
    out = curve.smooth(xy, sigma)
    assert out.shape == xy.shape
    assert out[0] == pytest.approx(xy[0], abs=1e-6)
    assert out[-1] == pytest.approx(xy[-1], abs=1e-6)


def test_smoothing_leaves_a_straight_line_alone() -> None:
    line = np.stack([np.arange(40.0), 3 * np.arange(40.0)], axis=1)
    assert curve.smooth(line, 4.0) == pytest.approx(line)


def test_smoothing_a_closed_curve_does_not_depend_on_its_start() -> None:
    turn = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    ring = np.stack([np.cos(turn) + 0.2 * np.cos(7 * turn), np.sin(turn)], axis=1)
    rolled = curve.smooth_closed(np.roll(ring, 13, axis=0), 2.0)
    assert np.roll(rolled, -13, axis=0) == pytest.approx(curve.smooth_closed(ring, 2.0))


def test_normals_point_a_quarter_turn_clockwise_on_the_screen() -> None:
    to_the_right = np.stack([np.arange(10.0), np.zeros(10)], axis=1)
    assert curve.normals(to_the_right) == pytest.approx(np.tile([0.0, 1.0], (10, 1)))


@pytest.mark.parametrize(
    ('keep', 'gap', 'shortest', 'expected'),
    [
        ('0110111', 0, 1, [(1, 3), (4, 7)]),
        ('0110111', 1, 1, [(1, 7)]),
        ('0110111', 0, 3, [(4, 7)]),
        ('1000001', 4, 1, [(0, 1), (6, 7)]),
        ('1000001', 5, 1, [(0, 7)]),
        ('0000', 9, 1, []),
        ('1111', 0, 5, []),
        ('', 0, 1, []),
    ],
)
def test_runs_close_short_holes_and_drop_short_runs(
    keep: str, gap: int, shortest: int, expected: list[tuple[int, int]]
) -> None:
    flags = np.array([c == '1' for c in keep], bool)
    assert [(r.start, r.stop) for r in curve.runs(flags, gap=gap, shortest=shortest)] == expected


def test_the_value_at_a_pixels_centre_is_the_pixels() -> None:
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert curve.sample(image, np.array([[2.5, 1.5]])).tolist() == [6.0]
    assert curve.sample(image, np.array([[2.0, 1.5]])).tolist() == [5.5]
    assert curve.at(image, np.array([[2.01, 1.99], [-5.0, 99.0]])).tolist() == [6.0, 8.0]


def test_a_filled_square_covers_its_pixels() -> None:
    square = np.array([[2.5, 2.5], [6.5, 2.5], [6.5, 6.5], [2.5, 6.5]])
    assert curve.filled(square, (12, 12)).sum() == 25
    assert curve.filled(square, (12, 12), 1).sum() == 45  # and one pixel around, without the corners
