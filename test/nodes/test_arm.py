"""Joint trajectories and states as messages and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes.arm import (
    sample_from_ros,
    sample_to_ros,
    time_to_ros,
    trajectory_from_ros,
    trajectory_to_ros,
)
from sketch_robot.plotters.arm import JointSample, JointTrajectory

NAMES = ('one', 'two')


def trajectory(count: int = 4, start_s: float = 1_700_000_000.25) -> JointTrajectory:
    rng = np.random.default_rng(count)
    times = start_s + np.arange(count) * 0.0125
    return JointTrajectory(NAMES, times, rng.normal(size=(count, 2)), rng.normal(size=(count, 2)))


@given(st.integers(1, 30), st.floats(0.0, 2e9))
def test_a_trajectory_goes_there_and_back(count: int, start_s: float) -> None:
    sent = trajectory(count, start_s)
    got = trajectory_from_ros(trajectory_to_ros(sent))
    assert got.names == NAMES
    assert got.times_s == pytest.approx(sent.times_s, abs=1e-6)
    assert (got.positions == sent.positions).all()
    assert (got.velocities == sent.velocities).all()


def test_the_header_tells_when_the_first_point_is_due() -> None:
    msg = trajectory_to_ros(trajectory())
    assert (msg.header.stamp.sec, msg.header.stamp.nanosec) == (1_700_000_000, 250_000_000)
    assert msg.points[0].time_from_start.sec == msg.points[0].time_from_start.nanosec == 0
    assert msg.points[2].time_from_start.nanosec == pytest.approx(25_000_000, abs=500)
    assert msg.joint_names == list(NAMES)


def _changed(**changes: object) -> JointTrajectoryMsg:
    msg = trajectory_to_ros(trajectory())
    for name, value in changes.items():
        if name == 'points':
            msg.points = value
        else:
            setattr(msg.points[1], name, value)
    return msg


@pytest.mark.parametrize(
    ('msg', 'match'),
    [
        (_changed(points=[]), 'no points'),
        (_changed(positions=[1.0]), 'point 1 of the joint trajectory has 1 positions and 2 velocities for 2 joints'),
        (_changed(velocities=[]), '0 velocities'),
        (_changed(positions=[1.0, float('nan')]), 'not finite'),
        (_changed(time_from_start=trajectory_to_ros(trajectory()).points[0].time_from_start), 'do not increase'),
    ],
)
def test_a_message_that_is_no_trajectory_is_refused(msg: JointTrajectoryMsg, match: str) -> None:
    with pytest.raises(SketchRobotError, match=match) as caught:
        trajectory_from_ros(msg)
    assert caught.value.code == ErrorCode.BAD_PLAN


@given(st.lists(st.floats(-6.0, 6.0), min_size=2, max_size=2), st.floats(1.0, 2e9))
def test_joints_go_there_and_back(positions: list[float], t_s: float) -> None:
    sent = JointSample(t_s, np.array(positions), np.array([0.5, -0.5]))
    got = sample_from_ros(sample_to_ros(sent, NAMES), NAMES)
    assert got is not None
    assert got.t_s == pytest.approx(t_s, abs=1e-6)
    assert (got.positions == sent.positions).all()
    assert (got.velocities == sent.velocities).all()


def test_joints_are_found_by_name_among_others_in_any_order() -> None:
    msg = JointState(name=['gripper', 'two', 'one'], position=[9.0, 2.0, 1.0])
    got = sample_from_ros(msg, NAMES, received_s=77.0)
    assert got is not None
    assert got.positions.tolist() == [1.0, 2.0]
    assert got.velocities.tolist() == [0.0, 0.0]
    assert got.t_s == 77.0


def test_states_of_other_joints_only_are_passed_over() -> None:
    assert sample_from_ros(JointState(name=['gripper'], position=[1.0]), NAMES) is None


@pytest.mark.parametrize(
    ('msg', 'match'),
    [
        (JointState(name=['one'], position=[1.0]), "no joint 'two'"),
        (JointState(name=['one', 'two'], position=[1.0]), '1 positions for 2 joints'),
    ],
)
def test_states_that_lack_a_joint_are_refused(msg: JointState, match: str) -> None:
    with pytest.raises(SketchRobotError, match=match) as caught:
        sample_from_ros(msg, NAMES)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM


def test_a_moment_rounds_to_the_nanosecond() -> None:
    assert time_to_ros(1.9999999999) == time_to_ros(2.0)
    assert time_to_ros(-3.0).sec == 0
