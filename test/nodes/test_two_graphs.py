"""Several plotter nodes of one user, who has one home: each graph resumes its own drawing, and none takes another's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from sketch_robot_interfaces.action import ExecutePlan
from sketch_robot_interfaces.msg import PlotterState
from std_srvs.srv import Trigger

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, time_plan
from sketch_robot.nodes import qos
from sketch_robot.nodes.conversions import plan_to_ros
from sketch_robot.nodes.plotter import PlotterNode
from sketch_robot.plotters import PlotterStatus
from sketch_robot.stroke import Stroke
from sketch_robot.testing import World, fresh_world

pytestmark = pytest.mark.system


@pytest.fixture
def other_world(tmp_path: Path) -> Iterator[World]:
    """A second domain."""
    (tmp_path / 'other').mkdir()
    with fresh_world(tmp_path / 'other') as made:
        yield made


def lines(number: int) -> Any:
    """The message of a plan of so many lines of 100 mm."""
    strokes = tuple(Stroke(np.array([[20.0, 20.0 + 2.0 * k], [120.0, 20.0 + 2.0 * k]])) for k in range(number))
    stroke_s, return_s = time_plan(strokes, MachineLimits())
    plan = DrawingPlan(strokes, Page(148.0, 210.0, 10.0, 'A5'), MachineLimits(), stroke_s, return_s)
    return plan_to_ros(plan)


class Robot:
    """A plotter node in a graph of its own, which can be ended and made again."""

    def __init__(self, world: World, journals: Path, namespace: str, number: int) -> None:
        self.number = number  # of the strokes that it is asked to draw
        self._world, self._namespace = world, namespace
        overrides = [Parameter('journal_folder', value=str(journals)), Parameter('speedup', value=20.0)]
        self._make = partial(PlotterNode, namespace=namespace, parameter_overrides=overrides)
        self._client = ActionClient(world.probe, ExecutePlan, f'{namespace}/execute_plan')
        self._states = world.probe.collect(PlotterState, f'{namespace}/plotter_state', qos.LATCHED)
        self.start()

    def start(self) -> None:
        self._node = self._world.adopt(self._make)
        self._world.probe.until(lambda: self._node._plotter.status == PlotterStatus.IDLE, what='the machine is ready')

    def draw(self) -> None:
        probe = self._world.probe
        probe.until(self._client.server_is_ready, what='the action execute_plan')
        sent = self._client.send_goal_async(ExecutePlan.Goal(plan=lines(self.number)))
        assert probe.result(sent).accepted

    def until_strokes(self, number: int) -> None:
        self._world.probe.until(lambda: self._states[-1][1].strokes_done >= number, what=f'{number} strokes')

    def until_nothing_is_left(self) -> None:
        def is_done() -> bool:
            state = self._states[-1][1]
            return state.status == PlotterState.IDLE and state.reason == ''  # it would name what is unfinished

        self._world.probe.until(is_done, what='the rest is drawn')

    def end(self) -> None:
        ending = threading.Thread(target=self._node.park)
        ending.start()
        self._world.probe.until(lambda: not ending.is_alive(), what='the node is parked')
        self._world.probe.executor_.remove_node(self._node)
        self._node.destroy_node()

    def resume(self) -> Trigger.Response:
        return self._world.probe.call(Trigger, f'{self._namespace}/plotter/resume', Trigger.Request())


def test_robots_of_one_user_in_two_namespaces_and_two_domains_draw_at_once_and_resume_each_its_own(
    world: World, other_world: World, tmp_path: Path
) -> None:
    journals = tmp_path / 'journals'
    places = ((world, '', 50), (world, '/left', 51), (other_world, '', 52), (other_world, '/left', 53))
    robots = [Robot(where, journals, namespace, number) for where, namespace, number in places]
    for robot in robots:
        robot.draw()
    for robot in robots:
        robot.until_strokes(2)
    for robot in robots:
        robot.end()
        robot.start()
    for robot in robots:
        answer = robot.resume()
        assert answer.success, answer.message
        assert f'of {robot.number} strokes are on paper' in answer.message
    for robot in robots:
        robot.until_nothing_is_left()
    for robot in robots:
        robot.end()


def test_a_second_node_with_the_same_name_in_the_same_graph_is_refused_with_a_sentence(
    world: World, tmp_path: Path
) -> None:
    overrides = [Parameter('journal_folder', value=str(tmp_path))]
    make = partial(PlotterNode, parameter_overrides=overrides)
    first = world.adopt(make)
    with pytest.raises(SketchRobotError, match=r"keeps the drawings of the machine 'default' in this graph") as caught:
        world.adopt(make)
    assert caught.value.code == ErrorCode.BUSY
    first.park()
    world.adopt(make).park()
