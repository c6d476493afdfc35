"""The time model against closed forms, and what must hold for any movement."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion import MachineLimits, TimedPath, draw_motion, plan_motion, time_plan, travel_motion
from sketch_robot.motion.plan import hops
from sketch_robot.motion.timing import draw_seconds, travel_seconds
from sketch_robot.stroke import Stroke

coordinate = st.floats(-200.0, 200.0).map(lambda value: round(value, 4))
polylines = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=25).map(np.array)


def plan(
    xy: list[tuple[float, float]], *, speed: float = 100.0, accel: float = 1000.0, deviation: float = 0.01
) -> TimedPath:
    return plan_motion(np.array(xy, dtype=float), speed_mm_s=speed, accel_mm_s2=accel, junction_deviation_mm=deviation)


def test_a_long_line_takes_its_length_over_the_speed_and_one_ramp() -> None:
    assert plan([(0, 0), (50, 0)]).seconds == pytest.approx(50 / 100 + 100 / 1000)


def test_a_short_line_never_reaches_the_speed() -> None:
    assert plan([(0, 0), (0, 2.5)]).seconds == pytest.approx(2 * math.sqrt(2.5 / 1000))


def test_a_tiny_move_takes_its_square_root() -> None:
    assert plan([(0, 0), (1e-6, 0)]).seconds == pytest.approx(2 * math.sqrt(1e-9))


def test_one_point_takes_no_time() -> None:
    motion = plan([(3, 4)])
    assert motion.seconds == 0.0
    assert motion.position(0.7) == (3.0, 4.0)


def test_points_on_a_line_and_repeated_points_cost_nothing() -> None:
    assert plan([(0, 0), (10, 0), (10, 0), (20, 0), (50, 0)]).seconds == pytest.approx(plan([(0, 0), (50, 0)]).seconds)


def test_a_right_angle_is_passed_at_the_speed_of_the_junction_deviation() -> None:
    s = math.sqrt(0.5)  # sin(45 degrees)
    corner = math.sqrt(1000 * 0.01 * s / (1 - s))
    motion = plan([(0, 0), (50, 0), (50, 50)])
    assert motion.corner_speeds_mm_s.tolist() == pytest.approx([0.0, corner, 0.0])
    ramps = 100 / 1000 + (100 - corner) / 1000
    cruise = 50 - 100**2 / 2000 - (100**2 - corner**2) / 2000
    assert motion.seconds == pytest.approx(2 * (ramps + cruise / 100))


def test_turning_back_stops() -> None:
    assert plan([(0, 0), (50, 0), (0, 0)]).seconds == pytest.approx(2 * plan([(0, 0), (50, 0)]).seconds)


def test_without_junction_deviation_every_corner_stops() -> None:
    motion = plan([(0, 0), (10, 0), (10, 10), (20, 15)], deviation=0.0)
    assert motion.corner_speeds_mm_s.tolist() == [0.0, 0.0, 0.0, 0.0]


def test_a_corner_too_near_the_end_is_slowed_so_that_the_pen_can_stop() -> None:
    motion = plan([(0, 0), (50, 0), (50.1, 0.001)])
    assert motion.corner_speeds_mm_s[1] == pytest.approx(math.sqrt(2 * 1000 * math.hypot(0.1, 0.001)))


def test_the_pen_is_where_the_trapezoid_says() -> None:
    motion = plan([(0, 0), (50, 0)])
    assert motion.position(0.05) == pytest.approx((0.5 * 1000 * 0.05**2, 0.0))
    assert motion.position(0.3) == pytest.approx((5 + 100 * 0.2, 0.0))
    assert motion.position(0.55) == pytest.approx((50 - 0.5 * 1000 * 0.05**2, 0.0))
    assert motion.position(-1.0) == (0.0, 0.0)
    assert motion.position(99.0) == (50.0, 0.0)


@given(polylines, st.floats(1.0, 500.0), st.floats(10.0, 5000.0))
@settings(max_examples=60, deadline=None)
def test_the_pen_passes_every_point_on_time_and_never_faster_than_allowed(
    xy: np.ndarray, speed: float, accel: float
) -> None:
    motion = plan_motion(xy, speed_mm_s=speed, accel_mm_s2=accel, junction_deviation_mm=0.01)
    assert np.allclose(motion.positions(motion.times_s), motion.xy_mm, atol=1e-6)
    t = np.linspace(0.0, motion.seconds, 2001)
    moved = np.hypot(*np.diff(motion.positions(t), axis=0).T)
    assert (moved <= speed * (t[1] - t[0]) * (1 + 1e-6) + 1e-9).all()


@given(polylines, st.floats(1.0, 300.0), st.floats(1.0, 4.0))
@settings(max_examples=60, deadline=None)
def test_a_faster_or_stronger_machine_never_takes_longer(xy: np.ndarray, speed: float, factor: float) -> None:
    base = plan_motion(xy, speed_mm_s=speed, accel_mm_s2=500, junction_deviation_mm=0.01).seconds
    faster = plan_motion(xy, speed_mm_s=speed * factor, accel_mm_s2=500, junction_deviation_mm=0.01).seconds
    stronger = plan_motion(xy, speed_mm_s=speed, accel_mm_s2=500 * factor, junction_deviation_mm=0.01).seconds
    assert faster <= base * (1 + 1e-9)
    assert stronger <= base * (1 + 1e-9)


@given(polylines)
@settings(max_examples=60, deadline=None)
def test_the_way_back_takes_as_long(xy: np.ndarray) -> None:
    assert draw_motion(xy, MachineLimits()).seconds == pytest.approx(draw_motion(xy[::-1], MachineLimits()).seconds)


@given(polylines, coordinate, coordinate)
@settings(max_examples=40, deadline=None)
def test_it_does_not_matter_where_on_the_page(xy: np.ndarray, dx: float, dy: float) -> None:
    there = draw_motion(xy + np.array([dx, dy]), MachineLimits()).seconds
    assert there == pytest.approx(draw_motion(xy, MachineLimits()).seconds, rel=1e-4, abs=1e-4)


def test_planning_leaves_the_points_alone() -> None:
    xy = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [2.0, 2.0]])
    before = xy.copy()
    plan_motion(xy, speed_mm_s=10, accel_mm_s2=10, junction_deviation_mm=0.01)
    assert np.array_equal(xy, before)


@pytest.mark.parametrize(
    ('xy', 'speed', 'accel', 'deviation'),
    [
        ([[0, 0], [1, math.nan]], 1, 1, 0.01),
        ([[0, 0, 0]], 1, 1, 0.01),
        (np.zeros((0, 2)), 1, 1, 0.01),
        ([[0, 0], [1, 1]], 0, 1, 0.01),
        ([[0, 0], [1, 1]], math.inf, 1, 0.01),
        ([[0, 0], [1, 1]], 1, -1, 0.01),
        ([[0, 0], [1, 1]], 1, 1, -0.01),
    ],
)
def test_unusable_movements_are_refused(xy: list, speed: float, accel: float, deviation: float) -> None:
    with pytest.raises(ValueError, match=r'a movement needs|must be positive|must not be negative'):
        plan_motion(np.array(xy, dtype=float), speed_mm_s=speed, accel_mm_s2=accel, junction_deviation_mm=deviation)


def test_a_plan_counts_travel_drop_line_and_lift() -> None:
    profile = MachineLimits(drop_s=0.11, lift_s=0.07)
    strokes = [Stroke(np.array([[30.0, 40.0], [80.0, 40.0]])), Stroke(np.array([[80.0, 40.0]]))]
    stroke_s, return_s = time_plan(strokes, profile)
    travel = 50 / 200 + 200 / 2000
    assert stroke_s.tolist() == pytest.approx([travel + 0.11 + 0.6 + 0.07, 0.0 + 0.11 + 0.07])
    assert return_s == pytest.approx(math.hypot(80, 40) / 200 + 200 / 2000)


def test_an_empty_plan_takes_no_time() -> None:
    stroke_s, return_s = time_plan([], MachineLimits())
    assert stroke_s.tolist() == []
    assert return_s == 0.0


def test_many_strokes_are_timed_like_each_alone() -> None:
    generator = np.random.default_rng(5)
    profile = MachineLimits()
    strokes = [Stroke(np.repeat(generator.uniform(0, 100, (n, 2)), 2, axis=0)) for n in (1, 2, 3, 10, 40)]
    alone = [draw_motion(stroke.xy, profile).seconds for stroke in strokes]
    assert draw_seconds(strokes, profile).tolist() == pytest.approx(alone)


@pytest.mark.parametrize('distance', [0.0, 0.01, 19.9, 20.0, 20.1, 300.0])
def test_travel_is_timed_like_its_motion(distance: float) -> None:
    profile = MachineLimits()
    motion = travel_motion((0.0, 0.0), (0.6 * distance, 0.8 * distance), profile)
    assert float(travel_seconds(np.array(distance), profile)) == pytest.approx(motion.seconds)


def test_between_two_pens_the_way_leads_home() -> None:
    xy = np.array([[30.0, 40.0], [60.0, 80.0]])
    drawn = [Stroke(xy, pen='black'), Stroke(xy, pen='black'), Stroke(xy, pen='red')]
    expected = [[30, 40], [-30, -40], [-60, -80], [30, 40], [-60, -80]]
    assert hops(drawn).tolist() == expected
    stroke_s, return_s = time_plan(drawn, MachineLimits())
    black_s, black_return_s = time_plan(drawn[:2], MachineLimits())
    red_s, red_return_s = time_plan(drawn[2:], MachineLimits())
    assert stroke_s[:2].tolist() == black_s.tolist()
    assert stroke_s[2] == pytest.approx(black_return_s + red_s[0])
    assert return_s == red_return_s
