"""The node `plotter` with the sample arm: simulated for RViz, and over ROS with a controller as ros2_control's."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from rclpy.action import ActionClient
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState
from sketch_robot_interfaces.action import ExecutePlan
from sketch_robot_interfaces.msg import PlotterState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from sketch_robot.motion import DrawingPlan, Page, load_machine, time_plan
from sketch_robot.nodes import qos
from sketch_robot.nodes.arm import sample_to_ros, trajectory_from_ros
from sketch_robot.nodes.conversions import plan_to_ros
from sketch_robot.plotters import make_plotter
from sketch_robot.plotters.arm import ArmPlotter, JointSample, JointTrajectory
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.stroke import Stroke
from sketch_robot.testing import World

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
STATES_S = 0.01


def plan() -> DrawingPlan:
    profile = load_machine('arm').motion
    strokes = (
        Stroke(np.array([[40.0, 60.0], [100.0, 60.0], [100.0, 90.0]])),
        Stroke(np.array([[50.0, 120.0], [90.0, 140.0]])),
    )
    stroke_s, return_s = time_plan(strokes, profile)
    return DrawingPlan(strokes, Page(148.0, 210.0, 10.0, 'A5'), profile, stroke_s, return_s)


@pytest.fixture(scope='module')
def arm() -> ArmPlotter:
    """The same arm here; its kernels are compiled by that."""
    made = make_plotter(load_machine('arm'), speedup=float('inf'))
    assert isinstance(made, ArmPlotter)
    with made:
        made.draw(plan())
    return made


class Controller(Node):
    """Stands in for joint_trajectory_controller and joint_state_broadcaster: follows the last trajectory it got."""

    def __init__(self, context: Any, arm: ArmPlotter) -> None:
        super().__init__('controller', context=context)
        self._names, self._at = arm.setup.chain.names, arm.setup.start.copy()
        self._trajectory: JointTrajectory | None = None
        self.followed: list[np.ndarray] = []
        self.received = 0
        self._out = self.create_publisher(JointState, 'joint_states', 10)
        self.create_subscription(JointTrajectoryMsg, 'joint_trajectory', self._on_trajectory, 10)
        self.create_timer(STATES_S, self._step)

    def _on_trajectory(self, msg: JointTrajectoryMsg) -> None:
        self._trajectory = trajectory_from_ros(msg)
        self.received += 1

    def _step(self) -> None:
        now_s = self.get_clock().now().nanoseconds * 1e-9
        speed = np.zeros_like(self._at)
        if self._trajectory is not None and now_s >= self._trajectory.times_s[0]:
            self._at = self._trajectory.at(np.array([now_s]))[0]
            speed = self._trajectory.at(np.array([now_s]), order=1)[0]
            self.followed.append(self._at.copy())
        # another joint and another order, as a real robot's broadcaster has it
        msg = sample_to_ros(JointSample(now_s, self._at[::-1], speed[::-1]), self._names[::-1])
        msg.name, msg.position, msg.velocity = ['gripper', *msg.name], [0.1, *msg.position], [0.0, *msg.velocity]
        self._out.publish(msg)


class Bench:
    def __init__(self, world: World) -> None:
        self.world, self.probe = world, world.probe
        self.states = world.states()
        self.client = ActionClient(world.probe, ExecutePlan, 'execute_plan')

    def until_idle(self) -> None:
        self.probe.until(
            lambda: self.states and self.states[-1][1].status == PlotterState.IDLE, 60.0, 'the arm is ready'
        )

    def draw(self) -> ExecutePlan.Result:
        self.probe.until(self.client.server_is_ready, what='the action execute_plan')
        handle = self.probe.result(self.client.send_goal_async(ExecutePlan.Goal(plan=plan_to_ros(plan()))))
        return self.probe.result(handle.get_result_async(), 90.0).result


@pytest.fixture
def bench(world: World, arm: ArmPlotter) -> Bench:
    return Bench(world)


def tips(arm: ArmPlotter, joints: np.ndarray) -> np.ndarray:
    """Where the pen's tip is above the page, (N, 3) mm."""
    return arm.setup.page.to_page(forward(arm.setup.chain, joints)[:, :3, 3])


def test_a_simulated_arm_draws_and_shows_its_model_and_its_joints_moving(bench: Bench, arm: ArmPlotter) -> None:
    joints = bench.probe.collect(JointState, 'joint_states')
    models = bench.probe.collect(String, 'robot_description', qos.LATCHED)
    papers = bench.probe.collect(Image, 'paper', qos.LATCHED)
    bench.world.start_node('plotter', machine='arm')  # in real time, as somebody watches it
    bench.until_idle()
    bench.probe.until(lambda: models and joints, what='model and joints')
    names = {
        joint.get('name') for joint in ET.fromstring(models[0][1].data).iter('joint') if joint.get('type') != 'fixed'
    }
    assert set(joints[0][1].name) == set(arm.setup.chain.names) <= names
    assert list(joints[0][1].position) == pytest.approx(arm.setup.start.tolist())
    joints.clear()
    result = bench.draw()
    assert (result.error_code, result.error_msg, result.strokes_drawn) == (0, '', 2)
    assert result.ink == pytest.approx(plan().ink_mm * 1e-3, rel=0.01)
    places = np.array([msg.position for _, msg in joints])
    assert len(np.unique(places.round(4), axis=0)) > 20
    stamps = [msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9 for _, msg in joints]
    assert stamps == sorted(stamps)
    assert abs(stamps[-1] - time.time()) < 10.0
    tip = tips(arm, places)
    low = tip[tip[:, 2] <= 0.0]
    assert low[:, 0].min() > 39.0
    assert low[:, 1].max() < 141.0
    assert papers


def test_a_controller_is_sent_trajectories_that_draw_the_plan(bench: Bench, arm: ArmPlotter) -> None:
    controller = Controller(bench.world.probe.context, arm)
    bench.probe.executor_.add_node(controller)
    bench.world.start_node('plotter', machine='arm', arm_controller='joint_trajectory')
    bench.until_idle()
    result = bench.draw()
    assert (result.error_code, result.error_msg, result.strokes_drawn) == (0, '', 2)
    assert controller.received > 5  # in chunks
    tip = tips(arm, np.array(controller.followed))
    drawn = tip[tip[:, 2] <= 0.0][:, :2]
    for stroke in plan().strokes:
        away = np.hypot(*(stroke.xy[:, None] - drawn[None]).transpose(2, 0, 1)).min(axis=1)
        assert away.max() < 1.5  # the joints are seen a hundred times a second only
    assert tip[-1, 2] == pytest.approx(4.0, abs=0.1)
    assert tip[-1, :2] == pytest.approx((0.0, 0.0), abs=0.2)


def test_without_a_controller_the_arm_is_offline_and_says_what_to_do(bench: Bench) -> None:
    bench.world.start_node('plotter', machine='arm', arm_controller='joint_trajectory')
    bench.probe.until(
        lambda: bench.states and 'nobody publishes joint_states' in bench.states[-1][1].reason, 60.0, 'the reason'
    )
    assert bench.states[-1][1].status == PlotterState.OFFLINE
    answer = bench.probe.call(Trigger, 'plotter/home', Trigger.Request())
    assert not answer.success
    assert answer.message.startswith('PLOTTER_OFFLINE')
