"""Ink from strokes."""

from __future__ import annotations

import numpy as np
import pytest

from sketch_robot.line_art.ink import render_ink, wipe_specks
from sketch_robot.stroke import Stroke


def test_no_stroke_leaves_the_paper_white() -> None:
    ink = render_ink([], (30, 20))
    assert ink.shape == (20, 30)
    assert ink.dtype == np.float32
    assert ink.max() == 0.0


@pytest.mark.parametrize('half_width', [0.5, 1.0, 1.5, 2.5])
def test_a_line_is_as_wide_as_it_says(half_width: float) -> None:
    ink = render_ink([Stroke(np.array([[-5.0, 20.0], [105.0, 20.0]]), half_width)], (100, 40))
    width = ink[:, 50].sum()
    assert width == pytest.approx(2 * half_width, abs=0.3)


def test_an_unknown_width_is_drawn_two_pixels_wide() -> None:
    line = np.array([[5.0, 20.0], [95.0, 20.0]])
    assert np.array_equal(render_ink([Stroke(line)], (100, 40)), render_ink([Stroke(line, 1.0)], (100, 40)))


def test_a_stroke_lies_where_its_points_are() -> None:
    ink = render_ink([Stroke(np.array([[10.5, 5.5], [10.5, 35.5]]), 0.5)], (30, 40))
    rows, columns = np.nonzero(ink > 0.5)
    assert set(columns) == {10}
    assert (rows.min(), rows.max()) == pytest.approx((5, 35), abs=1)


def test_one_point_is_a_dot() -> None:
    ink = render_ink([Stroke(np.array([[15.5, 10.5]]), 1.0)], (30, 20))
    assert 0 < ink.sum() < 12
    assert ink[10, 15] > 0.9


def test_strokes_beyond_the_paper_are_cut() -> None:
    ink = render_ink([Stroke(np.array([[-1000.0, 10.0], [1000.0, 10.0]]))], (30, 20))
    assert ink[10].min() > 0.4


def test_short_marks_in_an_area_are_wiped_and_others_stay() -> None:
    def lines(*rows: int) -> np.ndarray:
        ends = {10: (20, 30), 20: (20, 80), 30: (44, 54), 40: (70, 80)}  # short; long; across the border; outside
        strokes = [Stroke(np.array([[ends[row][0], row], [ends[row][1], row]], float)) for row in rows]
        return render_ink(strokes, (100, 50))

    where = np.zeros((50, 100), bool)
    where[:, :50] = True
    assert np.abs(wipe_specks(lines(10, 20, 30, 40), where, 20.0) - lines(20, 30, 40)).max() < 0.05
    np.testing.assert_array_equal(wipe_specks(lines(10, 20), where, 5.0), lines(10, 20))
