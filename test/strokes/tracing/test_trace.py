"""Tracing drawings whose strokes are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.strokes import Stroke, render_ink, trace_ink

SIZE = (128, 128)


def line(*points: tuple[float, float], step: float = 0.05) -> np.ndarray:
    """A polyline sampled finely."""
    xy = np.array(points, dtype=float)
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
    at = np.linspace(0.0, arc[-1], int(arc[-1] / step) + 2)
    return np.column_stack([np.interp(at, arc, column) for column in xy.T])


def circle(x: float, y: float, radius: float) -> np.ndarray:
    angle = np.linspace(0.0, 2.0 * np.pi, 4000)
    return np.column_stack((x + radius * np.cos(angle), y + radius * np.sin(angle)))


def draw(*lines: np.ndarray, width: float = 2.0) -> np.ndarray:
    """Ink by the distance of each pixel's centre to the nearest line: exact to a hundredth of a pixel."""
    column, row = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    distance, _ = cKDTree(np.concatenate(lines)).query(np.column_stack((column.ravel(), row.ravel())))
    return np.clip(width / 2 + 0.5 - distance, 0, 1).reshape(SIZE[::-1]).astype(np.float32)


def dense(strokes: tuple[Stroke, ...]) -> np.ndarray:
    return np.concatenate([line(*stroke.xy.tolist()) if len(stroke.xy) > 1 else stroke.xy for stroke in strokes])


def check(strokes: tuple[Stroke, ...], *truth: np.ndarray, mean_px: float, missed_px: float = 1.5) -> None:
    """That lines lie on the truth, `mean_px` off on average, and reach all of it to within `missed_px`."""
    off, _ = cKDTree(np.concatenate(truth)).query(dense(strokes))
    assert off.mean() < mean_px
    assert off.max() < 2.0
    missed, _ = cKDTree(dense(strokes)).query(np.concatenate(truth))
    assert missed.max() < missed_px


@pytest.mark.parametrize('width', [1.0, 2.0, 3.0, 6.0])
@pytest.mark.parametrize('turn', [0.0, 0.3, 0.7853981633974483, 1.2])
def test_a_straight_line_is_found_where_it_is(width: float, turn: float) -> None:
    half = 40.0 * np.array([np.cos(turn), np.sin(turn)])
    truth = line(tuple(64.3 - half), tuple(64.3 + half))
    strokes = trace_ink(draw(truth, width=width))
    assert len(strokes) == 1
    check(strokes, truth, mean_px=0.1)
    assert strokes[0].half_width == pytest.approx(width / 2, abs=0.45)
    assert strokes[0].length == pytest.approx(80.0, abs=1.5)


def test_an_arc_is_one_smooth_stroke() -> None:
    angle = np.linspace(0.2, 2.5, 3000)
    truth = np.column_stack((64 + 45 * np.cos(angle), 30 + 45 * np.sin(angle)))
    strokes = trace_ink(draw(truth))
    assert len(strokes) == 1
    check(strokes, truth, mean_px=0.1)
    step = np.diff(strokes[0].xy, axis=0)
    turn = np.diff(np.unwrap(np.arctan2(step[:, 1], step[:, 0])))
    assert np.abs(turn).max() < 0.12  # 0.5 px steps on a radius of 45 px turn by 0.011 on average


def test_a_circle_is_one_closed_stroke() -> None:
    truth = circle(64, 64, 30)
    strokes = trace_ink(draw(truth))
    assert len(strokes) == 1
    assert strokes[0].xy[0].tolist() == strokes[0].xy[-1].tolist()
    check(strokes, truth, mean_px=0.1)
    assert strokes[0].length == pytest.approx(2 * np.pi * 30, rel=0.01)


@pytest.mark.parametrize('between', [0.5, 0.6, 1.0, np.pi / 2])
def test_crossing_lines_are_two_strokes_through_the_crossing(between: float) -> None:
    a = 45.0 * np.array([np.cos(0.3), np.sin(0.3)])
    b = 45.0 * np.array([np.cos(0.3 + between), np.sin(0.3 + between)])
    truth = [line(tuple(64 - half), tuple(64 + half)) for half in (a, b)]
    strokes = trace_ink(draw(*truth))
    assert len(strokes) == 2
    check(strokes, *truth, mean_px=0.12)
    for stroke in strokes:  # each on one of the two
        off = min(cKDTree(one).query(stroke.xy)[0].max() for one in truth)
        assert off < 0.6


def test_a_line_that_ends_at_another_leaves_that_straight() -> None:
    bar, stem = line((20, 40), (108, 40)), line((64, 40), (64, 100))
    strokes = trace_ink(draw(bar, stem, width=3.0))
    assert len(strokes) == 2
    check(strokes, bar, stem, mean_px=0.15)
    across = max(strokes, key=lambda stroke: np.ptp(stroke.xy[:, 0]))
    assert np.ptp(across.xy[:, 0]) == pytest.approx(88, abs=2.0)
    assert np.abs(across.xy[:, 1] - 40).max() < 0.6


def test_three_lines_through_a_point_are_three_strokes() -> None:
    truth = []
    for turn in (0.1, 1.15, 2.2):
        half = 45.0 * np.array([np.cos(turn), np.sin(turn)])
        truth.append(line(tuple(64 - half), tuple(64 + half)))
    strokes = trace_ink(draw(*truth))
    assert len(strokes) == 3
    check(strokes, *truth, mean_px=0.15)


def test_lines_three_pixels_apart_stay_apart() -> None:
    truth = [line((x, 20), (x + 6, 108)) for x in (50.0, 53.0, 56.0, 59.0)]
    strokes = trace_ink(draw(*truth, width=1.3))
    assert len(strokes) == 4
    check(strokes, *truth, mean_px=0.15)


def test_faint_lines_are_kept_and_noise_is_not() -> None:
    truth = [line((15, 20), (110, 30)), line((20, 60), (110, 80))]
    ink = 0.4 * draw(truth[0]) + draw(truth[1])
    noisy = np.clip(cv2.GaussianBlur(ink, (0, 0), 0.6) + np.random.default_rng(0).normal(0, 0.05, ink.shape), 0, 1)
    strokes = trace_ink(noisy.astype(np.float32))
    assert len(strokes) == 2
    check(strokes, *truth, mean_px=0.25, missed_px=2.0)
    assert sorted(stroke.importance for stroke in strokes)[0] < 0.5 < max(stroke.importance for stroke in strokes)


def test_dots_are_dots_and_specks_are_gone() -> None:
    ink = draw(np.array([[30.0, 40.0]]), np.array([[90.0, 80.0]]), width=3.0)
    ink[100, 20] = 0.6  # one pixel, not quite black
    strokes = trace_ink(ink)
    assert len(strokes) == 2
    assert sorted(stroke.xy.mean(axis=0).round(1).tolist() for stroke in strokes) == [[30.0, 40.0], [90.0, 80.0]]
    assert max(stroke.length for stroke in strokes) < 1.5


@pytest.mark.parametrize('width', [1.5, 2.0, 3.0, 4.5])
@pytest.mark.parametrize('shift', [0.0, 0.2, 0.4, 0.5, 0.7])
def test_a_dot_is_one_point_wherever_it_lies_on_the_pixels(width: float, shift: float) -> None:
    where = np.array([[40.0 + shift, 30.0 + 0.6 * shift]])
    (dot,) = trace_ink(draw(where, width=width))
    assert len(dot.xy) == 1
    assert np.abs(dot.xy - where).max() < 0.25
    assert dot.half_width == pytest.approx(width / 2, abs=0.5)


def test_short_dashes_are_no_dots() -> None:
    (dash,) = trace_ink(draw(line((40.0, 30.0), (44.0, 31.0)), width=2.0))
    assert dash.length == pytest.approx(np.hypot(4.0, 1.0), abs=1.0)


@pytest.mark.parametrize('turn', [0.0, 0.1, 0.3, 0.6])
def test_thick_lines_reach_out_beyond_those_that_they_cross_near_their_ends(turn: float) -> None:
    cos, sin = np.cos(turn), np.sin(turn)
    flat = [line((-40.0, -18.0), (40.0, -18.0)), *(line((x, -22.0), (x, 22.0)) for x in (-24.0, 0.0, 24.0))]
    truth = [np.array([64.0, 64.0]) + xy @ np.array([[cos, sin], [-sin, cos]]) for xy in flat]
    strokes = trace_ink(draw(*truth, width=4.5))
    assert len(strokes) == 4
    check(strokes, *truth, mean_px=0.15)


def test_a_pupil_is_filled_with_one_stroke() -> None:
    lid = circle(64, 64, 20)
    ink = np.maximum(draw(lid), draw(np.array([[64.0, 64.0]]), width=10.0))
    strokes = trace_ink(ink)
    assert len(strokes) == 2
    pupil = min(strokes, key=lambda stroke: np.hypot(*(stroke.xy - 64).T).max())
    assert np.hypot(*(pupil.xy - 64).T).max() == pytest.approx(4.0, abs=0.6)
    missing = ink - render_ink(strokes, SIZE, 2.0)
    assert missing[56:72, 56:72].clip(0).sum() < 0.1 * ink[56:72, 56:72].sum()


def test_a_thick_line_is_a_line_and_no_blob() -> None:
    truth = line((20, 20), (100, 90))
    strokes = trace_ink(np.maximum(draw(truth, width=9.0), draw(line((10, 120), (120, 120)))))
    assert len(strokes) == 2


def test_tracing_what_was_traced_gives_it_back() -> None:
    curve = line(*[(20 + 3 * k, 64 + 25 * np.sin(k / 4)) for k in range(30)])
    first = trace_ink(draw(curve))
    second = trace_ink(render_ink(first, SIZE))
    assert len(first) == len(second) == 1
    check(second, dense(first), mean_px=0.1)


def test_an_offset_of_whole_pixels_moves_the_strokes_by_it() -> None:
    ink = draw(line((20, 30), (60, 70)), circle(50, 40, 15))
    moved = np.zeros_like(ink)
    moved[10:, 20:] = ink[:-10, :-20]
    before, after = trace_ink(ink), trace_ink(moved)
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert np.allclose(one.xy + np.array([20, 10]), other.xy, atol=0.05)


def test_the_same_ink_gives_the_same_strokes_and_is_left_alone() -> None:
    ink = draw(line((20, 30), (100, 70)), circle(64, 64, 30))
    before = ink.copy()
    one, other = trace_ink(ink), trace_ink(ink)
    assert np.array_equal(ink, before)
    assert [stroke.xy.tolist() for stroke in one] == [stroke.xy.tolist() for stroke in other]


@pytest.mark.parametrize('value', [0.0, 0.1, 0.2])
def test_paper_has_no_strokes(value: float) -> None:
    assert trace_ink(np.full((40, 60), value, np.float32)) == ()


@pytest.mark.parametrize('shape', [(1, 1), (1, 50), (2, 2), (50, 1)])
def test_tiny_pictures_are_traced_or_not_but_never_break(shape: tuple[int, int]) -> None:
    for stroke in trace_ink(np.ones(shape, np.float32)):
        assert (stroke.xy >= 0).all()
        assert (stroke.xy <= shape[::-1]).all()


@pytest.mark.parametrize('seed', range(3))
def test_any_noise_is_traced_to_finite_strokes_inside_the_picture(seed: int) -> None:
    ink = np.random.default_rng(seed).random((60, 80)).astype(np.float32)
    strokes = trace_ink(ink)
    assert len(strokes) > 0
    every = np.concatenate([stroke.xy for stroke in strokes])
    assert np.isfinite(every).all()
    assert (every >= 0.0).all()
    assert (every <= (80.0, 60.0)).all()


@pytest.mark.parametrize(
    ('ink', 'message'),
    [
        (np.zeros((4, 4, 3), np.float32), 'ink to trace is (H, W) of floating point in [0, 1], not (4, 4, 3) float32'),
        (np.zeros((0, 4), np.float32), 'ink to trace is (H, W) of floating point in [0, 1], not (0, 4) float32'),
        (np.zeros((4, 4), np.uint8), 'ink to trace is (H, W) of floating point in [0, 1], not (4, 4) uint8'),
        (np.full((4, 4), np.nan, np.float32), 'the ink to trace has values that are not finite'),
        (
            np.broadcast_to(np.float32(0), (8001, 8000)),
            'a picture of 8000 x 8001 pixels is too large to trace; make it smaller',
        ),
    ],
)
def test_what_is_no_ink_is_refused(ink: np.ndarray, message: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        trace_ink(ink)
    assert caught.value.code is ErrorCode.BAD_IMAGE
    assert caught.value.message == message
