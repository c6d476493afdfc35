"""Tracing drawings that nobody has looked at: all strokes found, wherever the drawing lies on its paper."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from bench.drawings import MEETINGS, MOTIFS, Drawing, TrueStroke, meetings, paint, random_drawing
from bench.stroke_score import StrokeScore, score_strokes
from sketch_robot.commands.trace import strokes_to_json
from sketch_robot.strokes import Stroke, trace_ink

SIZE_PX = 420  # 16 motifs


def score(drawing: Drawing) -> StrokeScore:
    traced = [np.array(xy) for xy in strokes_to_json(trace_ink(drawing.ink))]
    return score_strokes(traced, [stroke.xy for stroke in drawing.strokes])


@pytest.mark.parametrize('seed', range(500, 506))
def test_clean_drawings_are_found_stroke_by_stroke(seed: int) -> None:
    found = score(random_drawing(seed, size_px=SIZE_PX))
    assert found.strict >= 0.95 * found.true_strokes
    assert found.mean_px < 0.11
    assert found.missed_px < 0.005 * found.true_px
    assert found.spurious_px < 0.002 * found.true_px


def test_noisy_drawings_are_found_nearly_as_well() -> None:
    found = [score(random_drawing(seed, noisy=True, size_px=SIZE_PX)) for seed in range(600, 608)]
    true_px = sum(each.true_px for each in found)
    assert sum(each.strict for each in found) >= 0.92 * sum(each.true_strokes for each in found)
    assert np.mean([each.mean_px for each in found]) < 0.12
    assert sum(each.missed_px for each in found) < 0.005 * true_px
    assert sum(each.spurious_px for each in found) < 0.002 * true_px


@pytest.mark.parametrize('blurred', [False, True])
@pytest.mark.parametrize('kind', MEETINGS)
def test_lines_that_meet_at_small_angles_or_touch_are_told_apart(kind: str, blurred: bool) -> None:
    found = [score(meetings(seed, kind, blurred=blurred, size_px=420)) for seed in (70, 71)]
    assert sum(each.strict for each in found) >= 0.85 * sum(each.true_strokes for each in found)
    assert np.mean([each.mean_px for each in found]) < 0.2
    assert sum(each.missed_px for each in found) < 0.005 * sum(each.true_px for each in found)


@pytest.mark.parametrize('steps', [3, 5])
@pytest.mark.parametrize('turn', [0.1, 0.5])
def test_lines_of_two_families_that_cross_each_other_end_where_they_meet(steps: int, turn: float) -> None:
    """The corners at the edge of cross-hatching that has no outline are none."""
    lines = []
    for k in np.arange(1.5 - steps, steps - 1):
        x = np.array([max(k, 0.0), min(steps + k, steps)])
        lines += [np.column_stack((x, x - k)), np.column_stack((steps - x, x - k))]
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    dense = [line[0] + np.linspace(0.0, 1.0, 200)[:, None] * (line[1] - line[0]) for line in lines]
    truth = [80.0 + 50.0 * (2.0 * line / steps - 1.0) @ rotation for line in dense]
    traced = trace_ink(paint([TrueStroke(xy, np.full(200, 0.8)) for xy in truth], (160, 160)))
    assert len(traced) == len(truth)
    for xy in truth:
        assert min(apart_px(stroke.xy, xy) for stroke in traced) < 1.5


def test_corners_whose_sides_cross_no_parallels_of_each_other_stay_in_one_stroke() -> None:
    angle = 4.0 * np.pi / 5.0 * np.arange(6)
    star = 80.0 + 60.0 * np.column_stack((np.sin(angle), -np.cos(angle)))  # in one stroke
    zigzag = np.array([[20.0, 180.0], [35.0, 220.0], [50.0, 180.0], [65.0, 220.0], [80.0, 180.0], [95.0, 220.0]])
    across = np.array([[12.0, 203.0], [110.0, 197.0]])
    strokes = [TrueStroke(xy, np.full(len(xy), 0.8)) for xy in (star, zigzag, across)]
    traced = trace_ink(paint(strokes, (160, 240)))
    assert sorted(round(stroke.length, -1) for stroke in traced) == [100.0, 210.0, 570.0]


@pytest.mark.parametrize('degrees', [10, 14, 19, 25])
@pytest.mark.parametrize('width', [1.0, 2.0, 3.0])
def test_an_acute_corner_is_one_stroke_to_its_tip(degrees: float, width: float) -> None:
    turn = np.radians(degrees)
    tip = np.array([20.0, 30.0])
    truth = np.array([tip + 60 * np.array([np.cos(a), np.sin(a)]) for a in (0.4, 0.4 + turn)])
    (traced,) = trace_ink(paint([TrueStroke(np.array([truth[0], tip, truth[1]]), np.full(3, width / 2))], (90, 100)))
    assert np.hypot(*(traced.xy - tip).T).min() < 1.5
    assert traced.length == pytest.approx(120.0, abs=5.0)


@pytest.mark.parametrize('apart', [0.0, 1.0, 2.0])
def test_circles_that_touch_are_two_closed_strokes(apart: float) -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    ring = 20.0 * np.column_stack((np.cos(angle), np.sin(angle)))
    circles = [ring + np.array([x, 30.3]) for x in (30.0, 70.0 + apart)]
    strokes = trace_ink(paint([TrueStroke(xy, np.full(200, 1.0)) for xy in circles], (110, 60)))
    assert len(strokes) == 2
    for stroke, circle in zip(sorted(strokes, key=lambda stroke: stroke.xy[:, 0].mean()), circles, strict=True):
        assert stroke.closed
        assert apart_px(stroke.xy, circle) < 0.8


@functools.cache
def clean() -> tuple[np.ndarray, tuple[Stroke, ...]]:
    ink = random_drawing(7, size_px=312).ink
    return ink, trace_ink(ink)


def apart_px(one: np.ndarray, other: np.ndarray) -> float:
    """The largest distance of two lines given by dense points."""
    return float(max(cKDTree(other).query(one)[0].max(), cKDTree(one).query(other)[0].max()))


def points(strokes: tuple[Stroke, ...]) -> np.ndarray:
    return np.concatenate([stroke.xy for stroke in strokes])


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=6, deadline=None)
def test_moving_the_drawing_by_whole_pixels_moves_the_strokes(right: int, down: int) -> None:
    ink, strokes = clean()
    moved = trace_ink(np.pad(ink, ((down, 40 - down), (right, 40 - right))))
    assert len(moved) == len(strokes)
    assert apart_px(points(moved), points(strokes) + np.array([right, down])) < 0.5


@pytest.mark.parametrize('turn', ['mirrored', 'turned', 'upside down'])
def test_mirroring_or_turning_the_drawing_does_so_to_the_strokes(turn: str) -> None:
    ink, strokes = clean()
    side = ink.shape[0]
    expected = points(strokes)
    if turn == 'mirrored':
        other, expected = ink[:, ::-1], expected * [-1, 1] + [side, 0]
    elif turn == 'turned':
        other, expected = np.rot90(ink), np.column_stack((expected[:, 1], side - expected[:, 0]))
    else:
        other, expected = ink[::-1, ::-1], side - expected
    found = trace_ink(np.ascontiguousarray(other))
    assert abs(len(found) - len(strokes)) <= 1
    off = cKDTree(expected).query(points(found))[0]
    assert np.percentile(off, 99) < 0.5
    assert off.max() < 2.0


def test_a_drawing_twice_as_large_gives_strokes_twice_as_large() -> None:
    ink, strokes = clean()
    large = trace_ink(cv2.resize(ink, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).clip(0, 1))
    assert abs(len(large) - len(strokes)) <= 2
    off = cKDTree(points(large) / 2).query(points(strokes))[0]
    assert np.percentile(off, 99) < 0.6
    widths = [np.median([stroke.half_width for stroke in drawn]) for drawn in (strokes, large)]
    assert widths[1] == pytest.approx(2.0 * widths[0], rel=0.15)


@pytest.mark.parametrize('half', [(0.75, 0.75), (1.5, 1.5), (3.0, 3.0), (0.6, 3.5)])
def test_the_width_is_measured_at_each_point(half: tuple[float, float]) -> None:
    line = np.column_stack((np.linspace(20, 110, 500), np.linspace(40, 62, 500)))
    width = np.linspace(*half, 500)
    (traced,) = trace_ink(paint([TrueStroke(line, width)], (130, 100)))
    assert traced.half_widths is not None
    assert len(traced.half_widths) == len(traced.xy)
    at = cKDTree(line).query(traced.xy)[1]
    assert np.abs(traced.half_widths - width[at])[6:-6].max() < 0.25


def test_a_crossing_line_does_not_widen_the_width() -> None:
    one = np.array([[20.0, 50.0], [110.0, 50.0]])
    other = np.array([[66.0, 10.0], [62.0, 90.0]])
    strokes = trace_ink(paint([TrueStroke(xy, np.full(2, 1.0)) for xy in (one, other)], (130, 100)))
    assert len(strokes) == 2
    for stroke in strokes:
        assert stroke.half_widths is not None
        assert stroke.half_widths.max() < 1.4


@pytest.mark.parametrize('degrees', [25, 40, 60, 90, 120])
def test_corners_stay_sharp(degrees: float) -> None:
    angle = np.radians(degrees)
    corner = np.array([30.0, 60.0])
    sides = [corner + 70 * np.array([np.cos(a), np.sin(a)]) for a in (-0.4, -0.4 + angle)]
    truth = np.array([sides[0], corner, sides[1]])
    (traced,) = trace_ink(paint([TrueStroke(truth, np.full(3, 1.0))], (140, 160)))
    off = np.hypot(*(traced.xy - corner).T)
    assert off.min() < 1.0
    step = np.diff(traced.xy[max(0, off.argmin() - 1) : off.argmin() + 2], axis=0)
    turn = abs(np.degrees(np.arctan2(step[0, 0] * step[1, 1] - step[0, 1] * step[1, 0], step[0] @ step[1])))
    assert turn > 0.6 * (180 - degrees)


@pytest.mark.parametrize('motif', MOTIFS | MEETINGS)
def test_drawings_are_the_same_for_the_same_seed(motif: str) -> None:
    one, other = ((MOTIFS | MEETINGS)[motif](np.random.default_rng(3)) for _ in range(2))
    assert [(xy.tolist(), pen) for xy, pen in one] == [(xy.tolist(), pen) for xy, pen in other]


def test_a_score_knows_what_is_missing_and_what_is_too_much() -> None:
    truth = [np.array([[0.0, 0.0], [100.0, 0.0]]), np.array([[0.0, 20.0], [100.0, 20.0]])]
    found = score_strokes([np.array([[0.0, 0.1], [95.0, 0.1]]), np.array([[0.0, 60.0], [30.0, 60.0]])], truth)
    assert (found.strict, found.strokes, found.true_strokes, found.unmatched) == (1, 2, 2, (1,))
    assert found.mean_px == pytest.approx(0.1)
    assert found.missed_px == pytest.approx(103.0, abs=0.5)
    assert found.spurious_px == pytest.approx(30.0)
