"""Lines wider than the pen are drawn there and back, dark shapes are filled, and the pen never lifts for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import SketchRobotError
from sketch_robot.line_art.ink import render_ink
from sketch_robot.polyline import points_at
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.weight import check_weight, weigh_strokes

PEN = 2.0
SIZE = 200, 120


def _line(width, length: float = 120.0) -> Stroke:
    """A horizontal line whose width at fractions 0 ... 1 of it a function gives."""
    x = np.linspace(0.0, length, 121)
    half = np.array([width(t) for t in np.linspace(0.0, 1.0, 121)]) / 2.0
    return Stroke(np.column_stack([40.0 + x, np.full(121, 60.0)]), float(np.median(half)), half_widths=half)


def _inked(stroke: Stroke) -> np.ndarray:
    return render_ink([stroke], SIZE, PEN) > 0.5


def test_a_line_as_wide_as_the_pen_is_drawn_once():
    line = _line(lambda _t: 1.3 * PEN)
    assert weigh_strokes([line], PEN)[0] is line


def test_a_line_twice_as_wide_as_the_pen_is_drawn_there_and_back():
    line = _line(lambda _t: 2.0 * PEN)
    drawn = weigh_strokes([line], PEN)[0]
    assert drawn.length == pytest.approx(2.0 * line.length, rel=0.05)
    height = _inked(drawn)[:, 60:140].sum(axis=0)
    assert height.min() >= 2.0 * PEN - 1.0
    assert height.max() <= 2.0 * PEN + 1.0


def test_a_dark_place_in_the_middle_tapers_to_single_lines_at_both_ends():
    line = _line(lambda t: PEN * (1.0 + 4.0 * np.exp(-(((t - 0.5) / 0.12) ** 2))))
    drawn = weigh_strokes([line], PEN)[0]
    np.testing.assert_allclose(drawn.xy[[0, -1]], line.xy[[0, -1]], atol=1e-9)
    height = _inked(drawn).sum(axis=0)
    assert height[100] >= 4 * PEN
    assert height[50] <= PEN + 1
    assert height[150] <= PEN + 1


@given(wide=st.floats(2.0, 12.0))
@settings(max_examples=20, deadline=None)
def test_a_shape_is_filled_to_its_edge_and_without_gaps_wider_than_a_hair(wide):
    line = _line(lambda t: wide * PEN * np.sin(np.pi * np.clip(0.1 + 0.8 * t, 0, 1)))
    drawn = weigh_strokes([line], PEN)[0]
    inked = render_ink([drawn], SIZE, PEN)
    middle = inked[:, 100]
    rows = np.flatnonzero(middle > 0.5)
    assert np.ptp(rows) + 1 == pytest.approx(wide * PEN, abs=1.5)
    between = middle[rows[0] : rows[-1] + 1]
    assert between.mean() > 0.75
    white = np.diff(np.flatnonzero(np.concatenate([[True], between > 0.5, [True]]))) - 1
    assert white.max() <= PEN / 2


@given(widths=st.lists(st.floats(0.2, 8.0), min_size=2, max_size=12), count=st.integers(2, 60), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_whatever_the_widths_the_stroke_stays_one_near_its_own_ink(widths, count, seed):
    rng = np.random.default_rng(seed)
    xy = np.cumsum(rng.normal(0.6, 0.5, (count, 2)), axis=0)
    half = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(widths)), widths) / 2.0
    drawn = weigh_strokes([Stroke(xy, 1.0, 'brow', 0.7, half_widths=half)], 1.0)[0]
    assert np.isfinite(drawn.xy).all()
    assert (drawn.label, drawn.importance) == ('brow', 0.7)
    near = np.hypot(*(drawn.xy[:, None] - xy[None]).transpose(2, 0, 1)).min(axis=1)
    assert near.max() <= half.max() + 2.0


@given(seed=st.integers(0, 10**6), begin=st.floats(0.0, 0.6), wide=st.floats(1.5, 5.0))
@settings(max_examples=40, deadline=None)
def test_between_two_passes_the_pen_follows_the_line_and_takes_no_short_cut(seed, begin, wide):
    turn = np.linspace(0.0, 1.5 * np.pi, 241)
    arc = 60.0 * np.column_stack([np.cos(turn), np.sin(turn)])
    bumps = np.random.default_rng(seed).uniform(0.8, wide, 7)
    along = np.linspace(0.0, 1.0, 241)
    half = PEN / 2.0 * np.where(along < begin, 0.8, np.interp(along, np.linspace(0.0, 1.0, 7), bumps))
    drawn = weigh_strokes([Stroke(arc, float(np.median(half)), half_widths=half)], PEN)[0]
    path = points_at(drawn.xy, np.arange(0.0, drawn.length, 0.5))
    off = np.abs(np.hypot(*path.T) - 60.0)
    assert off.max() < half.max()


def test_nothing_leaves_the_box():
    line = _line(lambda _t: 10.0)
    drawn = weigh_strokes([line], PEN, box=(0.0, 58.0, 200.0, 60.0))[0]
    assert drawn.xy[:, 1].min() >= 58.0
    assert drawn.xy[:, 1].max() <= 60.0


def test_a_large_dot_is_a_circle_and_a_small_one_a_dot():
    large, small = (Stroke(np.array([[50.0, 50.0]]), r, half_widths=np.array([r])) for r in (3.0, 1.1))
    circle, dot = weigh_strokes([large, small], PEN)
    assert np.hypot(*(circle.xy - (50.0, 50.0)).T) == pytest.approx(2.0)
    assert dot is small


def test_an_unknown_weight_is_refused_by_name():
    with pytest.raises(SketchRobotError, match=r"'heavy'.*passes, pressure, none"):
        check_weight('heavy')
