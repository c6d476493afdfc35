"""Strokes on a page: where they go, and that clipping keeps what is inside and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import Page, parse_page
from sketch_robot.motion.fit import clip_polyline, fit_strokes, place_on, simplify
from sketch_robot.stroke import Stroke

BOX = (10.0, 20.0, 110.0, 80.0)
x_or_y = st.one_of(st.floats(-50.0, 170.0), st.sampled_from([10.0, 20.0, 80.0, 110.0]))
polylines = st.lists(st.tuples(x_or_y, x_or_y), min_size=1, max_size=12).map(np.array)


def length(xy: np.ndarray) -> float:
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())


def length_inside(xy: np.ndarray) -> float:
    """Of a polyline within BOX, by walking it in small steps."""
    total = 0.0
    middle = (np.arange(4000) + 0.5) / 4000
    for a, b in zip(xy[:-1], xy[1:], strict=True):
        points = a + middle[:, None] * (b - a)
        seen = (points[:, 0] >= 10) & (points[:, 0] <= 110) & (points[:, 1] >= 20) & (points[:, 1] <= 80)
        total += seen.mean() * float(np.hypot(*(b - a)))
    return total


def test_a_square_picture_fills_the_width_of_an_upright_page_and_is_centred() -> None:
    strokes = [Stroke(np.array([[0.0, 0.0], [512.0, 512.0]]), half_width=2.0, label='hair', importance=0.3)]
    (fitted,) = fit_strokes(strokes, (512, 512), parse_page('A5'))
    assert np.allclose(fitted.xy, [[10.0, 105.0 + 64.0], [138.0, 105.0 - 64.0]])  # the top left corner is up left
    assert fitted.half_width == pytest.approx(2.0 * 128 / 512)
    assert (fitted.label, fitted.importance) == ('hair', 0.3)


@pytest.mark.parametrize(
    ('size_px', 'page', 'scale'),
    [
        ((512, 512), Page(148, 210, 10), 128 / 512),
        ((512, 512), Page(210, 148, 10), 128 / 512),
        ((1280, 720), Page(297, 210, 20), 257 / 1280),
        ((100, 1000), Page(148, 210, 10), 190 / 1000),
    ],
)
def test_a_picture_keeps_its_aspect_and_touches_the_margins(size_px: tuple[int, int], page: Page, scale: float) -> None:
    placement = place_on(page, size_px)
    assert placement.scale == pytest.approx(scale)
    corners = placement.to_page(np.array([[0.0, 0.0], size_px]))
    left, bottom, right, top = page.drawable_mm
    assert corners.mean(axis=0) == pytest.approx([(left + right) / 2, (bottom + top) / 2])
    assert corners[:, 0].min() >= left - 1e-9
    assert corners[:, 0].max() <= right + 1e-9
    assert corners[:, 1].min() >= bottom - 1e-9
    assert corners[:, 1].max() <= top + 1e-9


@pytest.mark.parametrize('size_px', [(0, 100), (100, -1), (float('nan'), 5)])
def test_a_picture_without_size_is_refused(size_px: tuple[int, int]) -> None:
    with pytest.raises(SketchRobotError) as caught:
        place_on(Page(148, 210), size_px)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert 'has nothing to draw' in caught.value.message


def test_a_line_that_leaves_and_comes_back_becomes_two() -> None:
    pieces = clip_polyline(np.array([[50.0, 50.0], [50.0, 120.0], [60.0, 120.0], [60.0, 50.0]]), BOX)
    assert [piece.tolist() for piece in pieces] == [[[50, 50], [50, 80]], [[60, 80], [60, 50]]]


def test_a_line_across_is_cut_at_both_sides() -> None:
    (piece,) = clip_polyline(np.array([[-40.0, 50.0], [160.0, 50.0]]), BOX)
    assert piece.tolist() == [[10.0, 50.0], [110.0, 50.0]]


def test_a_line_that_touches_the_edge_with_a_point_is_not_broken_there() -> None:
    line = np.array([[50.0, 50.0], [60.0, 80.0], [70.0, 50.0], [200.0, 50.0]])
    (piece,) = clip_polyline(line, BOX)
    assert piece.tolist() == [[50, 50], [60, 80], [70, 50], [110, 50]]


def test_a_line_outside_is_gone_and_one_along_the_edge_stays() -> None:
    assert clip_polyline(np.array([[0.0, 0.0], [200.0, 0.0]]), BOX) == []
    assert clip_polyline(np.array([[0.0, 0.0], [5.0, 30.0]]), BOX) == []
    (piece,) = clip_polyline(np.array([[0.0, 80.0], [200.0, 80.0]]), BOX)
    assert piece.tolist() == [[10, 80], [110, 80]]


def test_a_dot_stays_inside_and_goes_outside() -> None:
    (piece,) = clip_polyline(np.array([[10.0, 20.0]]), BOX)
    assert piece.tolist() == [[10.0, 20.0]]
    assert clip_polyline(np.array([[9.0, 30.0]]), BOX) == []
    assert clip_polyline(np.array([[9.0, 30.0], [9.0, 30.0]]), BOX) == []


@given(polylines)
@settings(max_examples=80, deadline=None)
def test_everything_is_inside_and_nothing_inside_is_lost(xy: np.ndarray) -> None:
    pieces = clip_polyline(xy, BOX)
    for piece in pieces:
        assert piece[:, 0].min() >= 10.0
        assert piece[:, 0].max() <= 110.0
        assert piece[:, 1].min() >= 20.0
        assert piece[:, 1].max() <= 80.0
    step = length(xy) / 4000 * 4 + 1e-3  # what the walk above may be off by, for up to two crossings a segment
    assert sum(map(length, pieces)) == pytest.approx(length_inside(xy), abs=step)


@given(polylines)
@settings(max_examples=40, deadline=None)
def test_clipping_twice_changes_nothing(xy: np.ndarray) -> None:
    once = clip_polyline(xy, BOX)
    again = [piece for part in once for piece in clip_polyline(part, BOX)]
    assert [piece.tolist() for piece in again] == [piece.tolist() for piece in once]


@given(polylines, st.floats(0.001, 5.0))
@settings(max_examples=60, deadline=None)
def test_simplifying_moves_no_point_by_more_than_the_tolerance(xy: np.ndarray, tolerance: float) -> None:
    simple = simplify(xy, tolerance)
    assert simple[0].tolist() == xy[0].tolist()
    if len(simple) > 1:
        assert simple[-1].tolist() == xy[-1].tolist()
        a, step = simple[:-1], np.diff(simple, axis=0)
        t = ((xy[:, None] - a) * step).sum(2) / np.maximum((step**2).sum(1), 1e-300)
        away = np.hypot(*np.moveaxis(xy[:, None] - (a + np.clip(t, 0, 1)[..., None] * step), 2, 0)).min(1)
    else:
        away = np.hypot(*(xy - simple[0]).T)
    assert away.max() <= tolerance + 1e-9


def test_a_curve_keeps_few_points_and_a_line_two() -> None:
    angle = np.linspace(0.0, np.pi, 500)
    arc = 20.0 * np.column_stack((np.cos(angle), np.sin(angle)))
    fewest = np.pi * 20 / np.sqrt(8 * 20 * 0.02)  # a chord within t of the curve spans sqrt(8 R t)
    assert fewest < len(simplify(arc, 0.02)) < 2 * fewest  # halving may leave chords half as long
    line = np.column_stack((np.linspace(0, 9, 100), np.zeros(100)))
    assert simplify(line, 0.02).tolist() == [[0.0, 0.0], [9.0, 0.0]]


def test_what_never_moves_is_a_dot() -> None:
    assert simplify(np.array([[3.0, 3.0], [3.01, 3.0], [3.0, 3.0]]), 0.02).tolist() == [[3.0, 3.0]]


def test_fitting_leaves_the_strokes_alone() -> None:
    stroke = Stroke(np.array([[-5.0, 3.0], [600.0, 20.0], [300.0, 20.0]]))
    before = stroke.xy.copy()
    fit_strokes([stroke], (512, 512), parse_page('A6'))
    assert np.array_equal(stroke.xy, before)


def test_local_half_widths_are_scaled_and_interpolated_where_a_stroke_is_cut() -> None:
    xy = np.array([[-256.0, 256.0], [256.0, 256.0], [768.0, 256.0]])
    stroke = Stroke(xy, 2.0, half_widths=np.array([0.0, 4.0, 2.0]))
    (fitted,) = fit_strokes([stroke], (512, 512), parse_page('A5'))
    assert fitted.xy.tolist() == [[10.0, 105.0], [74.0, 105.0], [138.0, 105.0]]
    assert fitted.half_widths is not None
    assert fitted.half_widths == pytest.approx([0.5, 1.0, 0.75])  # a pixel is a quarter of a millimetre
    assert fitted.half_width == 0.5


def test_a_bulge_of_a_straight_line_keeps_its_points_and_an_even_one_does_not() -> None:
    xy = np.column_stack((np.arange(5) * 100.0, np.full(5, 256.0)))
    bulging, even = (
        fit_strokes([Stroke(xy, half_widths=np.array(widths))], (512, 512), parse_page('A5'))[0]
        for widths in ([1.0, 1.0, 4.0, 1.0, 1.0], [1.0, 1.5, 2.0, 2.5, 3.0])
    )
    assert bulging.xy[:, 0].tolist() == [10.0, 35.0, 60.0, 85.0, 110.0]
    assert bulging.half_widths is not None
    assert bulging.half_widths.tolist() == [0.25, 0.25, 1.0, 0.25, 0.25]
    assert even.xy[:, 0].tolist() == [10.0, 110.0]
    assert even.half_widths is not None
    assert even.half_widths.tolist() == [0.25, 0.75]


widths = st.floats(0.0, 8.0)
wide_strokes = st.lists(st.tuples(st.floats(-100.0, 700.0), st.floats(-100.0, 700.0), widths), min_size=2, max_size=9)


@given(wide_strokes)
@settings(max_examples=60, deadline=None)
def test_half_widths_stay_within_their_range_one_to_a_point(points: list[tuple[float, float, float]]) -> None:
    values = np.array(points)
    stroke = Stroke(values[:, :2], half_widths=values[:, 2], pressure=values[:, 2] / 8.0)
    for fitted in fit_strokes([stroke], (512, 512), parse_page('A5')):
        assert fitted.half_widths is not None
        assert fitted.pressure is not None
        assert len(fitted.half_widths) == len(fitted.pressure) == len(fitted.xy)
        assert fitted.half_widths.max() <= values[:, 2].max() * 0.25 + 1e-12
        assert fitted.half_widths.min() >= values[:, 2].min() * 0.25 - 1e-12
        assert fitted.half_widths == pytest.approx(fitted.pressure * 2.0, abs=1e-9)


@given(st.lists(st.tuples(st.floats(20, 490), st.floats(20, 490)), min_size=1, max_size=9).map(np.array))
@settings(max_examples=40, deadline=None)
def test_a_picture_twice_as_large_or_moved_gives_the_same_drawing(xy: np.ndarray) -> None:
    def shape(points: np.ndarray, size: int, move: tuple[float, float] = (0.0, 0.0)) -> list[float]:
        (fitted,) = fit_strokes([Stroke(points + move)], (size, size), parse_page('A5'), tolerance_mm=0.0)
        return [*fitted.xy[0], *fitted.xy[-1], *fitted.xy.min(axis=0), *fitted.xy.max(axis=0), fitted.length]

    assert shape(2.0 * xy, 1024) == pytest.approx(shape(xy, 512), abs=1e-6)
    down = np.array([0.0, 5.0] * 4 + [0.0])
    assert shape(xy, 512, (0.0, 20.0)) == pytest.approx(shape(xy, 512) - down, abs=1e-6)
