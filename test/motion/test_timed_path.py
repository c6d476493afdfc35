"""What axes, a short look-ahead, dwell steps and stops do to a movement: closed forms, and what holds for any."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion import MachineLimits, TimedPath, draw_motion, load_limits, plan_motion, time_plan
from sketch_robot.motion.timing import draw_seconds, hop_seconds, travel_motion, travel_seconds, work_seconds
from sketch_robot.stroke import Stroke

coordinate = st.floats(-200.0, 200.0).map(lambda value: round(value, 4))
polylines = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=25).map(np.array)
limits = st.floats(5.0, 500.0)
PLAIN = MachineLimits(draw_speed_mm_s=200.0, draw_accel_mm_s2=1000.0)


def plan(xy: object, **options: object) -> TimedPath:
    said = {'speed_mm_s': 100.0, 'accel_mm_s2': 1000.0, 'junction_deviation_mm': 0.01, **options}
    return plan_motion(np.array(xy, dtype=float), **said)


def steps(count: int, length: float = 1.0) -> np.ndarray:
    return np.column_stack((length * np.arange(count + 1), np.zeros(count + 1)))


# ------------------------------------------------------------------ axes
def test_each_axis_limits_the_speed_along_the_way() -> None:
    axes = {'speed_mm_s': 1e3, 'axis_speed_mm_s': (90.0, 40.0)}
    speeds = [plan([(0, 0), to], **axes).segment_speeds_mm_s[0] for to in ((9, 0), (0, 9), (3, 4), (40, 3), (-3, -4))]
    assert speeds == pytest.approx([90.0, 40.0, 50.0, 90.0 * math.hypot(40, 3) / 40, 50.0])


def test_each_axis_limits_the_acceleration_along_the_way() -> None:
    axes = {'accel_mm_s2': 1e5, 'axis_accel_mm_s2': (900.0, 400.0)}
    accels = [plan([(0, 0), to], **axes).segment_accels_mm_s2[0] for to in ((9, 0), (0, -9), (3, 4))]
    assert accels == pytest.approx([900.0, 400.0, 500.0])


def test_a_diagonal_line_by_two_equal_axes_takes_the_time_of_one_axis() -> None:
    along = plan([(0, 0), (50, 0)], axis_speed_mm_s=(80, 80), axis_accel_mm_s2=(500, 500))
    across = plan(
        [(0, 0), (50, 50)], speed_mm_s=1e3, accel_mm_s2=1e4, axis_speed_mm_s=(80, 80), axis_accel_mm_s2=(500, 500)
    )
    assert along.seconds == pytest.approx(50 / 80 + 80 / 500)
    assert across.seconds == pytest.approx(along.seconds)


def test_a_corner_is_as_fast_as_the_axes_allow_in_the_direction_that_it_pushes() -> None:
    s = math.sqrt(0.5)
    path = [(0, 0), (50, 50), (100, 0)]  # a right angle that pushes along y only
    strong = plan(path, accel_mm_s2=1e4, axis_accel_mm_s2=(2000.0, 300.0)).corner_speeds_mm_s[1]
    assert strong == pytest.approx(math.sqrt(300.0 * 0.01 * s / (1 - s)))


def test_one_limited_axis_leaves_the_other_alone() -> None:
    assert plan([(0, 0), (0, 50)], axis_speed_mm_s=(1.0, 0.0)).seconds == plan([(0, 0), (0, 50)]).seconds


@given(polylines, limits, limits, limits, limits)
@settings(max_examples=60, deadline=None)
def test_no_axis_is_ever_faster_than_it_can_be(xy: np.ndarray, vx: float, vy: float, ax: float, ay: float) -> None:
    profile = replace(PLAIN, axis_speed_mm_s=(vx, vy), axis_accel_mm_s2=(10 * ax, 10 * ay))
    motion = draw_motion(xy, profile)
    if len(motion.xy_mm) == 1:
        return
    unit = np.diff(motion.xy_mm, axis=0)
    unit = np.abs(unit / np.hypot(*unit.T)[:, None])
    assert (unit * motion.segment_speeds_mm_s[:, None] <= np.array([vx, vy]) * (1 + 1e-9)).all()
    assert (unit * motion.segment_accels_mm_s2[:, None] <= np.array([10 * ax, 10 * ay]) * (1 + 1e-9)).all()
    t = np.linspace(0.0, motion.seconds, 1501)
    moved = np.abs(np.diff(motion.positions(t), axis=0))
    assert (moved <= np.array([vx, vy]) * (t[1] - t[0]) * (1 + 1e-6) + 1e-9).all()


@given(polylines, limits, limits, st.floats(1.0, 5.0))
@settings(max_examples=60, deadline=None)
def test_stronger_axes_never_take_longer(xy: np.ndarray, speed: float, accel: float, factor: float) -> None:
    weak = replace(PLAIN, axis_speed_mm_s=(speed, 90.0), axis_accel_mm_s2=(5 * accel, 800.0))
    base = draw_motion(xy, weak).seconds
    for stronger in (
        replace(weak, axis_speed_mm_s=(speed * factor, 90.0)),
        replace(weak, axis_accel_mm_s2=(5 * accel * factor, 800.0)),
        replace(weak, axis_accel_mm_s2=(5 * accel, 800.0 * factor)),
        replace(weak, axis_speed_mm_s=(0.0, 0.0)),
        replace(weak, axis_accel_mm_s2=(0.0, 0.0)),
        replace(weak, draw_speed_mm_s=200.0 * factor),
        replace(weak, draw_accel_mm_s2=1000.0 * factor),
    ):
        assert draw_motion(xy, stronger).seconds <= base * (1 + 1e-9)


@given(polylines, limits, limits)
@settings(max_examples=50, deadline=None)
def test_the_way_back_takes_as_long_whatever_the_axes(xy: np.ndarray, speed: float, accel: float) -> None:
    profile = replace(PLAIN, axis_speed_mm_s=(speed, 60.0), axis_accel_mm_s2=(700.0, 5 * accel))
    assert draw_motion(xy, profile).seconds == pytest.approx(draw_motion(xy[::-1], profile).seconds)


@given(coordinate, coordinate, st.sampled_from(['default', 'axidraw', 'grbl_plotter', 'slow_cnc']))
@settings(max_examples=60, deadline=None)
def test_a_hop_is_timed_like_its_motion(x: float, y: float, name: str) -> None:
    profile = replace(load_limits(name), stop_s=0.01)
    seconds = float(hop_seconds(np.array([x, y]), profile))
    assert seconds == pytest.approx(travel_motion((3.0, 4.0), (3.0 + x, 4.0 + y), profile).seconds, abs=1e-9)
    assert seconds <= float(travel_seconds(np.hypot(x, y), profile)) * (1 + 1e-9)


# ------------------------------------------------------------------ look-ahead
@pytest.mark.parametrize('blocks', [2, 3, 15])
def test_a_planner_goes_as_fast_as_it_can_stop_within_the_blocks_that_it_sees(blocks: int) -> None:
    motion = plan(steps(100), speed_mm_s=1e3, lookahead_blocks=blocks)
    assert motion.corner_speeds_mm_s[60] == pytest.approx(math.sqrt(2 * 1000 * (blocks - 1)))


def test_a_planner_that_sees_one_block_stops_after_each() -> None:
    motion = plan(steps(20), lookahead_blocks=1)
    assert motion.corner_speeds_mm_s.tolist() == [0.0] * 21
    assert motion.seconds == pytest.approx(20 * 2 * math.sqrt(1.0 / 1000))


def test_a_planner_that_sees_the_whole_movement_loses_nothing() -> None:
    assert plan(steps(15), lookahead_blocks=15).seconds == plan(steps(15)).seconds
    assert plan(steps(60, 0.1)).seconds == pytest.approx(2 * math.sqrt(6.0 / 1000))
    held = math.sqrt(2 * 1000 * 1.4)  # what it can stop from within 14 blocks, but for a hump in each
    assert plan(steps(60, 0.1), lookahead_blocks=15).seconds == pytest.approx(6.0 / held + held / 1000, rel=0.01)


def test_long_segments_need_no_look_ahead() -> None:
    assert plan(steps(40, 10.0), lookahead_blocks=2).seconds == pytest.approx(plan(steps(40, 10.0)).seconds)


@given(polylines, st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_seeing_more_blocks_never_takes_longer(xy: np.ndarray, blocks: int) -> None:
    fewer = draw_motion(xy, replace(PLAIN, lookahead_blocks=blocks)).seconds
    more = draw_motion(xy, replace(PLAIN, lookahead_blocks=blocks + 1)).seconds
    everything = draw_motion(xy, PLAIN).seconds
    assert everything * (1 - 1e-12) <= more <= fewer * (1 + 1e-12)


@given(polylines, st.integers(0, 20), limits, limits)
@settings(max_examples=60, deadline=None)
def test_speeds_change_no_faster_than_the_acceleration_allows(
    xy: np.ndarray, blocks: int, vx: float, ax: float
) -> None:
    motion = draw_motion(
        xy, replace(PLAIN, lookahead_blocks=blocks, axis_speed_mm_s=(vx, 0.0), axis_accel_mm_s2=(ax, 0.0))
    )
    squared = motion.corner_speeds_mm_s**2
    length = np.hypot(*np.diff(motion.xy_mm, axis=0).T)
    assert (np.abs(np.diff(squared)) <= 2 * motion.segment_accels_mm_s2 * length * (1 + 1e-9) + 1e-9).all()
    for side in (squared[:-1], squared[1:]):
        assert (side <= motion.segment_speeds_mm_s**2 * (1 + 1e-9)).all()


# ------------------------------------------------------------------ dwells and stops
@pytest.mark.parametrize(('said', 'taken'), [(0.12, 0.15), (0.15, 0.15), (0.1501, 0.2), (0.05, 0.05), (0.0, 0.0)])
def test_lifts_and_drops_take_whole_dwell_steps(said: float, taken: float) -> None:
    profile = MachineLimits(lift_s=said, drop_s=said, dwell_step_s=0.05)
    assert (profile.lifting_s, profile.dropping_s) == pytest.approx((taken, taken))
    assert (replace(profile, dwell_step_s=0.0).lifting_s, replace(profile, dwell_step_s=0.0).dropping_s) == (said, said)


def test_each_movement_ends_with_a_stop() -> None:
    strokes = [Stroke(np.array([[30.0, 40.0], [80.0, 40.0]])), Stroke(np.array([[80.0, 40.0]]))]
    (without, home), (stops, home_stops) = (time_plan(strokes, replace(PLAIN, stop_s=stop)) for stop in (0.0, 0.008))
    assert (stops - without).tolist() == pytest.approx([0.016, 0.0])  # travel and line; a dot where the pen is already
    assert home_stops - home == pytest.approx(0.008)


def test_work_is_a_stroke_s_time_but_for_the_way_to_it() -> None:
    profile = load_limits('grbl_plotter')
    strokes = [Stroke(np.array([[0.0, 0.0], [30.0, 5.0], [31.0, 40.0]])), Stroke(np.array([[31.0, 40.0], [9.0, 9.0]]))]
    assert work_seconds(strokes, profile).tolist() == pytest.approx(time_plan(strokes, profile)[0].tolist())


def test_many_strokes_are_timed_like_each_alone_with_all_options() -> None:
    generator = np.random.default_rng(5)
    profile = replace(load_limits('slow_cnc'), stop_s=0.02)
    strokes = [Stroke(np.repeat(generator.uniform(0, 100, (n, 2)), 2, axis=0)) for n in (1, 2, 3, 10, 40)]
    alone = [draw_motion(stroke.xy, profile).seconds for stroke in strokes]
    assert draw_seconds(strokes, profile).tolist() == pytest.approx(alone)


@pytest.mark.parametrize(
    ('option', 'value', 'message'),
    [
        ('axis_speed_mm_s', (1.0,), 'of the two axes'),
        ('axis_speed_mm_s', (1.0, -1.0), 'of the two axes'),
        ('axis_accel_mm_s2', (math.nan, 1.0), 'of the two axes'),
        ('lookahead_blocks', -1, 'a look-ahead of -1 blocks'),
        ('stop_s', -0.1, 'a stop of -0.1 s'),
        ('stop_s', math.inf, 'a stop of inf s'),
    ],
)
def test_impossible_machines_are_refused(option: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan([(0, 0), (1, 1)], **{option: value})
