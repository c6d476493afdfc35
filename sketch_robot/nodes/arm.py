"""An arm over ROS: its model and joints for RViz, its trajectories for ros2_control.

Publishes `robot_description` (std_msgs/String, latched) and, of a simulated arm, `joint_states`. To a real one's
controller it sends trajectory_msgs/JointTrajectory on the topic that the parameter `arm_controller` names, and listens
to `joint_states`. Times are seconds of the ROS clock: a trajectory's header tells when its first point is due, as
joint_trajectory_controller takes it (points of the past are skipped there). Places are radians and metres.
"""

from __future__ import annotations

import array
import math
import threading
import time
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import JointState
from std_msgs.msg import Header, String
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg
from trajectory_msgs.msg import JointTrajectoryPoint

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import qos
from sketch_robot.nodes.messages import duration_from_ros, duration_to_ros, seconds_from_ros
from sketch_robot.nodes.node import SketchNode
from sketch_robot.plotters.arm import ArmPlotter, ArmTransport, JointSample, JointTrajectory
from sketch_robot.plotters.arm.frames import PageFrame, PenPose
from sketch_robot.plotters.arm.transport import LineWidth
from sketch_robot.plotters.paper import Paper

FIRST_WORD_S = 3.0  # how long to wait for the first joint states
SILENCE_S = 0.5  # a controller that says nothing for so long is lost
STATES_S = 1.0 / 30.0  # how often a simulated arm's joints are published, for the eye


class WatchedArm(ArmTransport):
    """Another transport, whose last sample can be looked at from any thread."""

    def __init__(self, arm: ArmTransport) -> None:
        self._arm = arm
        self.lead_s = arm.lead_s
        self.last: JointSample | None = None

    @property
    def paper(self) -> Paper | None:
        """What is on paper."""
        return self._arm.paper

    def take_sheet(self, paper: Paper, page: PageFrame, pose: PenPose, width_mm: LineWidth | None = None) -> None:
        """Lay a fresh sheet."""
        self._arm.take_sheet(paper, page, pose, width_mm)

    def connect(self) -> None:
        """Open it."""
        self._arm.connect()
        self.sample()

    def close(self) -> None:
        """Let the arm go."""
        self._arm.close()

    def now_s(self) -> float:
        """The time."""
        return self._arm.now_s()

    def send(self, trajectory: JointTrajectory) -> None:
        """Follow it from now on."""
        self._arm.send(trajectory)

    def hold(self) -> None:
        """Stop."""
        self._arm.hold()

    def sample(self) -> JointSample:
        """The joints."""
        self.last = self._arm.sample()
        return self.last

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._arm.wait(seconds)


class ControlledArm(ArmTransport):
    """A joint trajectory controller that listens to a topic.

    Args:
        node: that speaks and listens; its executor must spin in another thread than the driver's.
        topic: that it listens to.
    """

    lead_s = 0.1

    def __init__(self, node: SketchNode, topic: str) -> None:
        self._node = node
        self._names: tuple[str, ...] = ()
        self._changed = threading.Condition()
        self._last: JointSample | None = None
        self._heard_s = 0.0
        self._trouble: SketchRobotError | None = None
        self._out = node.create_publisher(JointTrajectoryMsg, topic, 10)
        node.create_subscription(JointState, 'joint_states', self._on_states, 10)

    def of(self, names: tuple[str, ...]) -> ControlledArm:
        """Be told the arm's joints."""
        self._names = names
        return self

    def connect(self) -> None:
        """Wait for the first joint states, and for a controller that listens.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE.
        """
        self._trouble = None
        with self._changed:
            begun_s = time.monotonic()
            if not self._changed.wait_for(lambda: self._heard_s >= begun_s, FIRST_WORD_S):
                raise _offline('nobody publishes joint_states; start the arm and its joint_state_broadcaster')
        if self._out.get_subscription_count() == 0:
            topic = self._out.topic_name
            raise _offline(f'nobody listens to {topic}; start its controller, or set arm_controller to its topic')

    def close(self) -> None:
        """The controller holds where it is."""

    def now_s(self) -> float:
        """The ROS clock."""
        return float(self._node.get_clock().now().nanoseconds) * 1e-9

    def send(self, trajectory: JointTrajectory) -> None:
        """Follow it from now on."""
        self._out.publish(trajectory_to_ros(trajectory))

    def hold(self) -> None:
        """Stop where it is: a trajectory of one point, now."""
        sample = self.sample()
        now_s = self.now_s()
        places = sample.positions[None]
        self._out.publish(
            trajectory_to_ros(
                JointTrajectory(self._names, np.array([now_s + self.lead_s]), places, np.zeros_like(places))
            )
        )

    def sample(self) -> JointSample:
        """The latest word of the joints.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, there has been none for long; PLOTTER_ALARM, it does not fit the arm.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._last is None or time.monotonic() - self._heard_s > SILENCE_S:
            raise _offline(f'no joint_states for {SILENCE_S:g} s; look after the controller')
        return self._last

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def _on_states(self, msg: JointState) -> None:
        try:
            sample = sample_from_ros(msg, self._names, received_s=self.now_s())
        except SketchRobotError as error:
            self._trouble = error
            return
        if sample is not None:
            with self._changed:
                self._last, self._heard_s = sample, time.monotonic()
                self._changed.notify_all()


class ArmTopics:
    """Publishes what RViz needs of an arm.

    Args:
        node: that publishes.
        plotter: the arm.
        watched: its simulation; None: it is real, and its own driver publishes its joints.
    """

    def __init__(self, node: SketchNode, plotter: ArmPlotter, watched: WatchedArm | None) -> None:
        self._node = node
        self._names = plotter.setup.chain.names
        self._start = plotter.setup.start
        self._watched = watched
        self._description = node.create_publisher(String, 'robot_description', qos.LATCHED)
        if plotter.robot_description:  # RViz reads no MJCF
            self._description.publish(String(data=plotter.robot_description))
        if watched is not None:
            self._states = node.create_publisher(JointState, 'joint_states', 10)
            node.every(STATES_S, self._publish)

    def _publish(self) -> None:
        last = self._watched.last if self._watched is not None else None
        sample = last or JointSample(0.0, self._start, np.zeros(len(self._names)))
        msg = sample_to_ros(sample, self._names)
        msg.header.stamp = self._node.get_clock().now().to_msg()  # the simulation has seconds of its own
        self._states.publish(msg)


def _offline(why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'the arm does not answer: {why}')


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
