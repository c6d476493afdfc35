"""Paths of the joints, how fast they are followed, and the trajectories that come of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arm_worlds import PROFILE, circle, dense, field_of, plan_of, sample_chain
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.plotters.arm.path import JointPath, resample, smooth
from sketch_robot.plotters.arm.retime import JointLimits, brake, retime
from sketch_robot.plotters.arm.segments import DOT_S, PenContact, Planner, Timeline
from sketch_robot.plotters.arm.transport import JointTrajectory
from sketch_robot.stroke import Stroke

FREE = 1e9


def line_path(length: float, points: int = 101, *, speed: float = FREE, accel: float = FREE) -> JointPath:
    """One joint that moves evenly; its pen does not."""
    joints = np.linspace(0.0, length, points)[:, None]
    still = np.zeros((points, 3))
    return JointPath(still, joints, np.full(points, speed), accel, np.zeros(points))


def limits(speed: float, accel: float, n: int = 1) -> JointLimits:
    return JointLimits(np.full(n, speed), np.full(n, accel))


@pytest.mark.parametrize(('length', 'speed', 'accel'), [(1.0, 0.5, 2.0), (0.1, 5.0, 2.0), (3.0, 1.0, 10.0)])
def test_a_joint_that_moves_straight_takes_the_time_of_a_trapezoid(length: float, speed: float, accel: float) -> None:
    seconds = 2.0 * math.sqrt(length / accel) if length < speed**2 / accel else length / speed + speed / accel
    assert retime(line_path(length), limits(speed, accel)).seconds == pytest.approx(seconds, rel=0.01)


def test_a_path_of_two_points_takes_its_time_too() -> None:
    assert retime(line_path(0.01, 2), limits(9.0, 1.0)).seconds == pytest.approx(2.0 * math.sqrt(0.01), rel=0.05)


def test_a_path_without_length_takes_none() -> None:
    assert retime(line_path(0.0, 1), limits(1.0, 1.0)).seconds == 0.0


def test_the_rest_of_a_path_starts_and_ends_at_rest() -> None:
    path = line_path(1.0)
    timing = retime(path, limits(9.0, 1.0), start_u=75.0)
    assert timing.seconds == pytest.approx(2.0 * math.sqrt(0.25), rel=0.02)
    assert timing.u[0] == 75.0
    assert timing.z[0] == timing.z[-1] == 0.0


@pytest.mark.parametrize('share', [0.1, 0.3, 0.5, 0.9])
def test_braking_takes_the_way_that_physics_says_and_stays_on_the_path(share: float) -> None:
    path, most = line_path(1.0), limits(0.5, 2.0)
    timing = retime(path, most)
    u, speed = (float(each[0]) for each in timing.at(np.array([share * timing.seconds])))
    stop = brake(path, most, start_u=u, speed=speed)
    assert stop.seconds == pytest.approx(speed * 0.01 / 2.0, rel=0.02)
    assert (stop.u[-1] - u) * 0.01 == pytest.approx((speed * 0.01) ** 2 / 4.0, rel=0.05)
    assert stop.u[-1] <= path.end
    assert stop.z[-1] == 0.0


def test_braking_from_rest_is_standing_still() -> None:
    assert brake(line_path(1.0), limits(1.0, 1.0), start_u=40.0, speed=0.0).seconds == 0.0


def test_what_the_pen_may_do_limits_the_joints_as_well() -> None:
    joints = np.linspace(0.0, 1.0, 101)[:, None]
    pen = np.column_stack([np.linspace(0.0, 100.0, 101), np.zeros((101, 2))])
    path = JointPath(pen, joints, np.full(101, 50.0), 400.0, np.linspace(0.0, 100.0, 101))
    assert retime(path, limits(FREE, FREE)).seconds == pytest.approx(100.0 / 50.0 + 50.0 / 400.0, rel=0.01)


wiggles = st.lists(st.tuples(st.floats(2.0, 58.0), st.floats(2.0, 78.0)), min_size=2, max_size=7)


@settings(deadline=None, max_examples=40)
@given(wiggles)
def test_any_stroke_keeps_the_limits_and_its_line(points: list[tuple[float, float]]) -> None:
    chain = sample_chain()
    planner = Planner(field_of(), JointLimits(chain.speed, chain.accel).scaled(0.8), PROFILE)
    segment = planner.stroke(Stroke(np.array(points)), 0)
    line = Timeline([segment], 10.0)
    told = line.trajectory(chain.names, 0.0, line.end_s)
    times = np.arange(10.0, line.end_s, 0.001)
    assert (np.abs(told.at(times, order=1)) <= chain.speed).all()
    assert (np.abs(told.at(times, order=2)) <= chain.accel).all()
    tips = planner.field.situation.page.to_page(forward(chain, told.at(times))[:, :3, 3])
    drawn = planner.field.situation.pose.untip(tips)[:, :2]
    wanted = dense(np.array(points))
    assert cKDTree(wanted).query(drawn)[0].max() < 0.1
    assert (told.positions[0] == segment.path.joints[0]).all()
    assert told.positions[-1] == pytest.approx(segment.path.joints[-1], abs=1e-9)
    assert np.abs(told.velocities[[0, -1]]).max() < 1e-9


def test_a_circle_is_drawn_with_the_acceleration_of_its_speed() -> None:
    planner = Planner(field_of(), JointLimits(sample_chain().speed, sample_chain().accel), PROFILE)
    segment = planner.stroke(Stroke(circle(30.0, 40.0, 4.0, 200)), 0)
    fastest = math.sqrt(PROFILE.draw_accel_mm_s2 / math.sqrt(2.0) * 4.0)
    cruise = 8.0 * math.pi / segment.seconds
    assert 0.6 * fastest < cruise < 1.2 * fastest


def test_a_dot_is_a_short_rest() -> None:
    planner = Planner(field_of(), JointLimits(sample_chain().speed, sample_chain().accel), PROFILE)
    segment = planner.stroke(Stroke(np.array([[30.0, 40.0]])), 3)
    assert (segment.seconds, segment.stroke) == (DOT_S, 3)
    assert segment.start_mm == pytest.approx([30.0, 40.0, -planner.touch.offset_mm])


def test_pressure_says_how_deep_the_pen_is_pressed() -> None:
    touch = PenContact(lightest_mm=0.2, firmest_mm=1.0, offset_mm=0.5)
    stroke = Stroke(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), pressure=np.array([0.0, 0.5, 1.0]))
    assert touch.depths(stroke) == pytest.approx([0.2, 0.6, 1.0])
    assert touch.depths(Stroke(stroke.xy)).tolist() == [0.5, 0.5, 0.5]


def test_a_hop_goes_straight_up_and_comes_straight_and_slowly_down() -> None:
    planner = Planner(field_of(), JointLimits(sample_chain().speed, sample_chain().accel), PROFILE)
    segment = planner.hop(np.array([10.0, 10.0, -0.6]), np.array([50.0, 60.0, -0.6]))
    places = segment.path.xyz_mm
    low = places[:, 2] < 1.5
    near = np.minimum(np.hypot(*(places[:, :2] - [10, 10]).T), np.hypot(*(places[:, :2] - [50, 60]).T))
    assert near[low].max() < 1e-6
    assert places[:, 2].max() == pytest.approx(planner.touch.lift_mm, abs=1e-6)
    u, speed = segment.timing.at(np.linspace(0.0, segment.seconds, 2000))
    fall = segment.path.spline(u, 1)[:, 8] * speed
    height = segment.path.spline(u)[:, 8]
    assert fall[(height < 1.0) & (u > segment.path.end / 2)].min() > -1.05 * planner.touch.approach_mm_s


def test_the_legs_of_a_drawing_join_without_a_gap() -> None:
    planner = Planner(field_of(), JointLimits(sample_chain().speed, sample_chain().accel), PROFILE)
    plan = plan_of([[10, 10], [20, 15]], [[30.0, 30.0]], circle(40, 50, 8))
    segments = planner.drawing(plan, (0.0, 0.0, 4.0))
    assert [segment.stroke for segment in segments] == [-1, 0, -1, 1, -1, 2, -1]
    for one, other in zip(segments[:-1], segments[1:], strict=True):
        assert np.abs(one.joints_at_end - other.path.joints[0]).max() < 1e-9
    assert segments[-1].end_mm == pytest.approx([0.0, 0.0, 4.0])


def test_resampling_keeps_ends_and_sharp_corners() -> None:
    points = np.array([[0, 0, 0], [10, 0, 0], [10, 7.3, 0], [10, 7.3, 0], [3, 7.3, 0]], dtype=float)
    out, along = resample(points, 0.5, 0.5)
    for corner in points:
        assert np.abs(out - corner).sum(axis=1).min() < 1e-9
    assert np.linalg.norm(np.diff(out, axis=0), axis=1).max() <= 0.5 + 1e-9
    assert along[-1] == pytest.approx(24.3)


@given(st.integers(2, 30), st.integers(0, 1000))
def test_smoothing_keeps_both_ends_and_moves_no_point_by_more_than_a_sixth_of_its_second_difference(
    count: int, seed: int
) -> None:
    controls = np.random.default_rng(seed).uniform(0, 1, (count, 3))
    out = smooth(controls)
    assert (out[[0, -1]] == controls[[0, -1]]).all()
    if count > 2:
        bend = np.linalg.norm(controls[:-2] - 2 * controls[1:-1] + controls[2:], axis=1)
        assert (np.linalg.norm(out - controls, axis=1)[1:-1] <= bend / 6 + 1e-12).all()


def test_a_line_stopped_in_the_middle_ends_at_rest_on_the_same_path() -> None:
    chain = sample_chain()
    planner = Planner(field_of(), JointLimits(chain.speed, chain.accel).scaled(0.8), PROFILE)
    whole = Timeline(planner.drawing(plan_of([[10, 10], [50, 60]], circle(30, 40, 10)), (0.0, 0.0, 4.0)), 5.0)
    times = np.arange(5.0, whole.end_s, 0.01)
    for stop_s in np.linspace(5.01, whole.end_s - 0.01, 40):
        stopped = whole.stopped(float(stop_s), JointLimits(chain.speed, chain.accel))
        before = times[times < stop_s]
        assert (
            np.abs(stopped.sample(chain.names, before).positions - whole.sample(chain.names, before).positions).max()
            < 1e-9
        )
        assert stopped.end_s - stop_s < 0.25
        told = stopped.trajectory(chain.names, stop_s, stopped.end_s)
        assert np.abs(told.velocities[-1]).max() < 1e-9
        assert (np.abs(told.at(np.arange(stop_s, stopped.end_s, 0.001), order=2)) < 1.1 * chain.accel).all()


def test_parts_of_a_trajectory_fit_together() -> None:
    chain = sample_chain()
    planner = Planner(field_of(), JointLimits(chain.speed, chain.accel), PROFILE)
    line = Timeline(planner.drawing(plan_of(circle(30, 40, 10)), (0.0, 0.0, 4.0)), 2.0)
    whole = line.trajectory(chain.names, 0.0, line.end_s)
    part = line.trajectory(chain.names, 2.333, 2.777)
    assert part.times_s[0] <= 2.333
    assert part.times_s[-1] >= 2.777
    assert set(part.times_s.round(6)) <= set(whole.times_s.round(6))
    at = np.arange(2.34, 2.77, 0.001)
    assert np.abs(part.at(at) - whole.at(at)).max() < 1e-12


@given(st.integers(0, 1000), st.integers(2, 8))
def test_a_trajectory_goes_through_its_points_with_their_speeds(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.01, 1.0, count))
    told = JointTrajectory(('a', 'b'), times, rng.normal(size=(count, 2)), rng.normal(size=(count, 2)))
    assert told.at(times) == pytest.approx(told.positions)
    assert told.at(times[1:-1], order=1) == pytest.approx(told.velocities[1:-1])
    middle = np.array([0.5 * (times[0] + times[1])])
    slope = (told.at(middle + 1e-6) - told.at(middle - 1e-6)) / 2e-6
    assert told.at(middle, order=1) == pytest.approx(slope, abs=1e-5)
    assert told.at(np.array([times[0] - 1.0, times[-1] + 1.0])) == pytest.approx(told.positions[[0, -1]])
    assert (told.at(np.array([times[0] - 1.0, times[-1] + 1.0]), order=1) == 0.0).all()


def test_a_trajectory_with_too_few_columns_is_refused() -> None:
    with pytest.raises(ValueError, match='2 joints'):
        JointTrajectory(('a', 'b'), np.zeros(1), np.zeros((1, 1)), np.zeros((1, 2)))
