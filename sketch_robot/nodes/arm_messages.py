"""Joint trajectories and joint states as messages and back, as ros2_control's controllers speak them.

Times are seconds of the ROS clock: a trajectory's header tells when its first point is due, as
joint_trajectory_controller takes it (points of the past are skipped there). Places are radians and metres on both
sides.
"""

from __future__ import annotations

import array
import math
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg
from trajectory_msgs.msg import JointTrajectoryPoint

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes.durations import duration_from_ros, duration_to_ros, seconds_from_ros
from sketch_robot.plotters.arm import JointSample, JointTrajectory


def time_to_ros(seconds: float) -> Time:
    """A moment of at least zero."""
    whole = int(
        max(0.0, seconds)
    )  # first: a double holds the nanoseconds of today's date to a quarter microsecond only
    carry, part = divmod(round((max(0.0, seconds) - whole) * 1e9), 10**9)
    return Time(sec=whole + carry, nanosec=part)


def trajectory_to_ros(trajectory: JointTrajectory) -> JointTrajectoryMsg:
    """What a controller is to follow, in place of what it was told before."""
    start_s = float(trajectory.times_s[0])
    points = [
        JointTrajectoryPoint(
            positions=array.array('d', place.tobytes()),
            velocities=array.array('d', speed.tobytes()),
            time_from_start=duration_to_ros(float(t_s) - start_s),
        )
        for t_s, place, speed in zip(
            trajectory.times_s,
            np.ascontiguousarray(trajectory.positions, dtype=np.float64),
            np.ascontiguousarray(trajectory.velocities, dtype=np.float64),
            strict=True,
        )
    ]
    return JointTrajectoryMsg(
        header=Header(stamp=time_to_ros(start_s)), joint_names=list(trajectory.names), points=points
    )


def trajectory_from_ros(msg: JointTrajectoryMsg) -> JointTrajectory:
    """What a controller was told.

    Raises:
        SketchRobotError: BAD_PLAN, it has no points, one has not a position and a velocity for each joint, a value is
            not finite, or times do not increase.
    """
    count = len(msg.joint_names)
    if not msg.points:
        raise SketchRobotError(ErrorCode.BAD_PLAN, 'the joint trajectory has no points')
    for number, point in enumerate(msg.points):
        if len(point.positions) != count or len(point.velocities) != count:
            raise SketchRobotError(
                ErrorCode.BAD_PLAN,
                f'point {number} of the joint trajectory has {len(point.positions)} positions and '
                f'{len(point.velocities)} velocities for {count} joints',
            )
    start_s = seconds_from_ros(msg.header.stamp)
    times_s = start_s + np.array([duration_from_ros(point.time_from_start) for point in msg.points])
    positions = np.array([point.positions for point in msg.points], dtype=np.float64)
    velocities = np.array([point.velocities for point in msg.points], dtype=np.float64)
    if not (np.isfinite(positions).all() and np.isfinite(velocities).all()):
        raise SketchRobotError(ErrorCode.BAD_PLAN, 'the joint trajectory has a value that is not finite')
    if (np.diff(times_s) <= 0.0).any():
        raise SketchRobotError(ErrorCode.BAD_PLAN, 'the times of the joint trajectory do not increase')
    return JointTrajectory(tuple(msg.joint_names), times_s, positions, velocities)


def sample_to_ros(sample: JointSample, names: Sequence[str]) -> JointState:
    """Where joints are, for robot_state_publisher and RViz."""
    return JointState(
        header=Header(stamp=time_to_ros(sample.t_s)),
        name=list(names),
        position=array.array('d', np.asarray(sample.positions, dtype=np.float64).tobytes()),
        velocity=array.array('d', np.asarray(sample.velocities, dtype=np.float64).tobytes()),
    )


def sample_from_ros(msg: JointState, names: Sequence[str], *, received_s: float = math.nan) -> JointSample | None:
    """Where an arm's joints are.

    Args:
        msg: of this arm and maybe of more; names in any order.
        names: of the arm's joints.
        received_s: when it came; taken for the time of a message that tells none.

    Returns:
        the joints, velocities zero where the message has none; None when it is of other joints only.

    Raises:
        SketchRobotError: PLOTTER_ALARM, it has some of the arm's joints but not all, or fewer positions than names.
    """
    index = {name: k for k, name in enumerate(msg.name)}
    known = [name for name in names if name in index]
    if not known:
        return None
    if len(known) < len(names) or len(msg.position) != len(msg.name):
        missing = next((name for name in names if name not in index), None)
        what = f'no joint {missing!r}' if missing else f'{len(msg.position)} positions for {len(msg.name)} joints'
        raise SketchRobotError(ErrorCode.PLOTTER_ALARM, f'the joint states have {what}; check the controller')
    order = [index[name] for name in names]
    speeds = np.array(msg.velocity) if len(msg.velocity) == len(msg.name) else np.zeros(len(msg.name))
    stamped_s = seconds_from_ros(msg.header.stamp)
    return JointSample(stamped_s or received_s, np.array(msg.position)[order], speeds[order])
