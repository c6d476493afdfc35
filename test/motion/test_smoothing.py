"""Fair curves: they stay where the line was, keep corners and ends, and cost the machine less time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from sketch_robot.motion import MachineLimits
from sketch_robot.motion.smoothing import curvature, least_third_differences, smooth_strokes
from sketch_robot.motion.timing import draw_seconds
from sketch_robot.stroke import Stroke

FAST = MachineLimits('fast', 200.0, 2000.0, 200.0, 2000.0, 0.1, 0.1, 0.01)
coordinate = st.floats(0.0, 60.0, allow_nan=False)
polylines = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=25).map(np.array)


def dense(xy: np.ndarray, step: float = 0.01) -> np.ndarray:
    if len(xy) < 2:
        return xy
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
    at = np.union1d(np.arange(0.0, arc[-1], step), arc)
    return np.column_stack([np.interp(at, arc, column) for column in xy.T])


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Hausdorff distance of two polylines, to half a hundredth."""
    a, b = dense(one), dense(other)
    return float(max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max()))


def fair(xy: np.ndarray, **options: float) -> np.ndarray:
    return smooth_strokes([Stroke(xy)], FAST, **options)[0].xy  # type: ignore[arg-type]


def wobbly(amplitude: float = 0.03, points: int = 800) -> np.ndarray:
    """A wide arc with the waves that tracing pixels leaves."""
    angle = np.linspace(0.0, 2.0, points)
    radius = 30.0 + amplitude * np.sin(80.0 * angle)
    return np.column_stack((40.0 + radius * np.cos(angle), 10.0 + radius * np.sin(angle)))


def test_the_banded_solver_solves() -> None:
    generator = np.random.default_rng(0)
    weight, xy = generator.uniform(0.5, 2.0, 12), generator.normal(size=(12, 2))
    third = np.diff(np.eye(12), 3, axis=0)
    expected = np.linalg.solve(np.diag(weight) + 7.0 * third.T @ third, weight[:, None] * xy)
    assert least_third_differences(weight, xy, 7.0) == pytest.approx(expected)


@given(polylines, st.sampled_from([0.02, 0.05, 0.2]))
@settings(max_examples=60, deadline=None)
def test_no_line_moves_by_more_than_the_tolerance_and_ends_stay(xy: np.ndarray, tolerance: float) -> None:
    result = fair(xy, tolerance_mm=tolerance)
    assert apart(xy, result) <= tolerance + 0.005
    closed = len(xy) > 3 and np.array_equal(xy[0], xy[-1])
    if not closed:
        assert result[0].tolist() == xy[0].tolist()
        assert result[-1].tolist() == xy[-1].tolist()


def test_waves_go_and_time_with_them() -> None:
    rough = wobbly()
    smooth = fair(rough)
    assert apart(rough, smooth) <= 0.05
    middle = slice(3, -3)
    assert curvature(smooth)[middle].max() < 1.6 / 30.0  # an arc of radius 30
    assert curvature(rough)[middle].max() > 5.0 / 30.0
    assert len(smooth) < 100
    before, after = draw_seconds([Stroke(rough[::4]), Stroke(smooth)], FAST)
    assert after < 0.75 * before


def test_curvature_changes_evenly_where_the_line_is_smooth() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 700)
    ellipse = np.column_stack((40 + 25 * np.cos(angle), 30 + 10 * np.sin(angle)))
    noisy = ellipse + np.random.default_rng(1).normal(0.0, 0.01, ellipse.shape)
    noisy[-1] = noisy[0]
    bend = curvature(fair(noisy))[1:-1]
    assert bend.min() > 0.5 * 10 / 25**2  # least and most of an ellipse's curvature
    assert bend.max() < 1.5 * 25 / 10**2
    assert np.abs(np.diff(bend)).max() < 0.25 * bend.max()


def test_a_corner_stays_a_corner_and_a_straight_line_needs_no_points() -> None:
    corner = dense(np.array([[0.0, 0.0], [20.0, 0.0], [20.0, 15.0], [5.0, 10.0]]), 0.1)
    result = fair(corner)
    for expected in ([0.0, 0.0], [20.0, 0.0], [20.0, 15.0], [5.0, 10.0]):
        assert np.hypot(*(result - expected).T).min() < 1e-9
    assert len(result) <= 8


def test_a_ring_closes_without_a_seam() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 400)
    ring = np.column_stack((20 + 8 * np.cos(angle), 20 + 8 * np.sin(angle)))
    ring[-1] = ring[0]
    result = fair(ring + 0.0)
    assert result[0].tolist() == result[-1].tolist()
    around = np.concatenate((result[-4:-1], result[:4]))
    assert curvature(around)[1:-1] == pytest.approx(1 / 8, rel=0.1)


def test_a_closed_line_with_a_corner_begins_there() -> None:
    drop = dense(np.array([[10.0, 0.0], [20.0, 10.0], [10.0, 20.0], [0.0, 10.0], [10.0, 0.0]]), 0.1)
    turned = np.concatenate((drop[30:], drop[1:31]))
    result = fair(turned)
    assert result[0].tolist() == result[-1].tolist()
    assert apart(drop, result) < 0.06


@pytest.mark.parametrize('radius', [0.5, 2.0, 10.0, 60.0])
def test_chords_let_the_planner_go_as_fast_as_the_acceleration_allows(radius: float) -> None:
    angle = np.linspace(0.0, 1.5, 4000)
    arc = radius * np.column_stack((np.cos(angle), np.sin(angle)))
    result = fair(arc)
    turn = (curvature(result) * np.concatenate(([0], np.hypot(*(result[2:] - result[:-2]).T) / 2, [0])))[2:-2]
    s = np.cos(turn / 2)  # of half the angle between the segments
    corner = np.sqrt(2000 * 0.01 * s / (1 - s))
    assert (corner > 0.8 * min(200.0, np.sqrt(2000 * radius))).all()


def test_larger_tolerances_take_fewer_points() -> None:
    counts = [len(fair(wobbly(), tolerance_mm=tolerance)) for tolerance in (0.02, 0.05, 0.2)]
    assert counts[0] >= counts[1] >= counts[2]


def test_what_belongs_to_points_goes_along() -> None:
    xy = wobbly()
    along = np.linspace(0.2, 0.8, len(xy))
    stroke = Stroke(xy, 0.4, 'hair', 0.3, half_widths=along, pressure=along, pen='red')
    (result,) = smooth_strokes([stroke], FAST)
    assert (result.half_width, result.label, result.importance, result.pen) == (0.4, 'hair', 0.3, 'red')
    assert result.half_widths is not None
    assert result.pressure is not None
    place = cKDTree(xy).query(result.xy)[1]
    assert result.half_widths == pytest.approx(along[place], abs=0.01)
    assert result.pressure == pytest.approx(along[place], abs=0.01)


def test_nothing_leaves_the_box() -> None:
    edge = np.column_stack((np.linspace(10, 60, 300), 10.0 + 0.04 * np.abs(np.sin(np.linspace(0, 40, 300)))))
    (result,) = smooth_strokes([Stroke(edge)], FAST, box_mm=(10.0, 10.0, 60.0, 60.0))
    assert result.xy[:, 1].min() >= 10.0
    assert result.xy[:, 0].max() <= 60.0


@pytest.mark.parametrize('xy', [[[3.0, 4.0]], [[3.0, 4.0], [3.0, 4.0]], [[3.0, 4.0], [3.0, 4.0], [5.0, 6.0]]])
def test_dots_and_segments_are_left_as_they_are(xy: list[list[float]]) -> None:
    result = fair(np.array(xy))
    assert result[0].tolist() == xy[0]
    assert result[-1].tolist() == xy[-1]


@given(polylines.filter(lambda xy: len(xy) > 2), st.floats(-40, 40), st.sampled_from([1.0, -1.0]))
@settings(max_examples=25, deadline=None)
def test_moving_or_mirroring_a_line_moves_or_mirrors_the_fair_one(xy: np.ndarray, by: float, side: float) -> None:
    assert apart(fair(xy) * [side, 1.0] + by, fair(xy * [side, 1.0] + by)) < 0.02


@pytest.mark.parametrize('tolerance', [0.0, -1.0, float('nan')])
def test_a_tolerance_is_a_length(tolerance: float) -> None:
    with pytest.raises(ValueError, match='not a positive length'):
        smooth_strokes([replace(Stroke(wobbly()))], FAST, tolerance_mm=tolerance)
