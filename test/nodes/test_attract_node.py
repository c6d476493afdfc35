"""The node `attract`: who stays is drawn, of their best frame; shut eyes and a busy robot are left alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from rclpy.action import ActionServer, GoalResponse
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState
from std_srvs.srv import Trigger

from sketch_robot.nodes import attract as module
from sketch_robot.nodes import qos
from sketch_robot.nodes.attract import AttractNode
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.photo.best_frame import EYES
from sketch_robot.testing import World

pytestmark = pytest.mark.system
FACE = np.array([60.0, 40.0, 64.0, 72.0])


class FaceModelsDouble:
    """Sees a face in every frame whose first pixel is not black; its green says how open the eyes are."""

    def boxes(self, rgb: np.ndarray) -> np.ndarray:
        return FACE[None] if rgb[0, 0, 0] else np.empty((0, 4))

    def mesh(self, rgb: np.ndarray, _box: np.ndarray) -> np.ndarray:
        mesh = np.zeros((478, 3))
        for (outer, inner), lids in EYES:
            mesh[inner, 0] = mesh[outer, 0] + 10.0
            for upper, lower in lids:
                mesh[lower, 1] = mesh[upper, 1] + 10.0 * rgb[0, 0, 1] / 255.0
        return mesh

    def close(self) -> None:
        pass


class Robot:
    """Stands for the graph that draws, and for the camera."""

    def __init__(self, world: World) -> None:
        self.world, self.node = world, world.node('robot')
        self.goals: list[Draw.Goal] = []
        self.accepts = True
        self._server = ActionServer(self.node, Draw, 'draw', self._draw, goal_callback=self._on_goal)
        self._state_out = self.node.create_publisher(PlotterState, 'plotter_state', qos.LATCHED)
        self._image_out = self.node.create_publisher(Image, 'image_raw', qos.IMAGE)
        self._timer: Any = None
        self.rng = np.random.default_rng(3)

    def _on_goal(self, goal: Draw.Goal) -> GoalResponse:
        self.goals.append(goal)
        return GoalResponse.ACCEPT if self.accepts else GoalResponse.REJECT

    def _draw(self, handle: Any) -> Draw.Result:
        handle.succeed()
        return Draw.Result()

    def close(self) -> None:
        self._server.destroy()  # a node that is destroyed leaves it behind

    def say(self, status: int) -> None:
        self._state_out.publish(PlotterState(status=status))

    def show(self, *, face: bool = True, eyes: int = 255, frame_id: str = '') -> None:
        """Show a frame 20 times a second from now on."""
        rgb = self.rng.integers(60, 200, (160, 200, 3), dtype=np.uint8)
        rgb[0, 0] = (255 if face else 0, eyes, 0)
        image = image_to_ros(rgb, 'rgb8')
        image.header.frame_id = frame_id
        if self._timer is not None:
            self.node.destroy_timer(self._timer)
        self._timer = self.node.create_timer(0.05, lambda: self._image_out.publish(image))

    def trigger(self) -> Trigger.Response:
        return self.world.probe.call(Trigger, 'attract/trigger', Trigger.Request())


@pytest.fixture
def robot(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Robot]:
    monkeypatch.setattr(module, 'FaceModels', FaceModelsDouble)
    made = Robot(world)
    yield made
    made.close()


@pytest.fixture
def attract(world: World) -> Iterator[Callable[..., AttractNode]]:
    """Make the node with parameters."""
    made: list[AttractNode] = []

    def make(**parameters: Any) -> AttractNode:
        values = {'stay': 0.5, 'look_hz': 20.0, 'cool_down': 0.0, **parameters}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        made.append(world.adopt(partial(AttractNode, parameter_overrides=overrides)))
        return made[-1]

    yield make
    for node in made:
        node.park()
        world.probe.executor_.remove_node(node)
        node.destroy_node()  # one left over would be heard by the next test in this domain


def test_whoever_stays_is_drawn_on_the_page_that_is_set_and_again_after_the_cool_down(
    world: World, robot: Robot, attract: Callable[..., AttractNode]
) -> None:
    attract(page='A6', time_budget=90.5)
    robot.show(frame_id='front')
    world.probe.until(lambda: len(robot.goals) >= 2, what='two drawings')
    goal = robot.goals[0]
    assert (goal.page, goal.time_budget.sec, goal.time_budget.nanosec) == ('A6', 90, 500_000_000)
    assert (goal.image.header.frame_id, goal.image.width) == ('front', 200)


def test_when_nobody_is_there_a_character_is_drawn_as_it_is_and_again(
    world: World, robot: Robot, attract: Callable[..., AttractNode]
) -> None:
    attract(page='A6', character_after=0.3)
    robot.show(face=False)
    world.probe.until(lambda: len(robot.goals) >= 2, 30.0, 'two characters')
    first, second = robot.goals[:2]
    assert (first.artist, first.page, first.image.width, first.image.height) == ('drawing', 'A6', 512, 512)
    assert first.image.header.frame_id.startswith('character:')
    assert bytes(first.image.data) != bytes(second.image.data)


def test_no_character_is_drawn_while_somebody_is_there(
    world: World, robot: Robot, attract: Callable[..., AttractNode]
) -> None:
    node = attract(character_after=0.5, stay=60.0)
    robot.show()
    until_s = time.monotonic() + 1.5
    world.probe.until(lambda: time.monotonic() > until_s, what='a while')
    assert robot.goals == []
    assert node._seen_s > until_s - 1.0


def test_of_the_last_second_the_frame_with_open_eyes_is_drawn(
    world: World, robot: Robot, attract: Callable[..., AttractNode]
) -> None:
    node = attract(enabled=False)
    robot.show(eyes=0, frame_id='shut')

    def shown_for_a_while(frame_id: str) -> None:
        seen: list[str] = []
        judge = node._frames.add
        node._frames.add = lambda at_s, quality, frame: (
            seen.append(frame.header.frame_id),
            judge(at_s, quality, frame),
        )
        world.probe.until(lambda: seen.count(frame_id) >= 2, what=frame_id)
        node._frames.add = judge

    answers: list[Any] = []
    client = world.probe.create_client(Trigger, 'attract/trigger')
    world.probe.until(client.service_is_ready)
    node._draw.server_is_ready = lambda: False  # it keeps looking until the robot is there
    client.call_async(Trigger.Request()).add_done_callback(lambda future: answers.append(future.result()))
    shown_for_a_while('shut')
    robot.show(eyes=255, frame_id='open')
    shown_for_a_while('open')
    robot.show(eyes=0, frame_id='shut again')
    shown_for_a_while('shut again')
    del node._draw.server_is_ready
    world.probe.until(lambda: answers, what='an answer')
    assert answers[0].success, answers[0].message
    assert [goal.image.header.frame_id for goal in robot.goals] == ['open']
    world.probe.destroy_client(client)


def test_nobody_is_drawn_while_the_robot_draws_somebody_else_nor_frames_taken(
    world: World, robot: Robot, attract: Callable[..., AttractNode]
) -> None:
    node = attract()
    robot.say(PlotterState.DRAWING)
    world.probe.until(lambda: node._plotter_state == PlotterState.DRAWING, what='it knows')
    robot.show()
    world.probe.until(lambda: robot._image_out.get_subscription_count() == 0, what='it does not look')
    for _ in range(100):
        world.probe.executor_.spin_once(timeout_sec=0.01)
    assert robot.goals == []
    robot.say(PlotterState.IDLE)
    world.probe.until(lambda: robot.goals, what='then they are drawn')


def test_a_trigger_draws_whoever_is_there_and_says_when_nobody_is_or_the_robot_is_busy(
    world: World, robot: Robot, attract: Callable[..., AttractNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, 'TRIGGER_S', 0.5)
    node = attract(enabled=False, stay=60.0, cool_down=3600.0)
    robot.show(face=False)
    assert robot.trigger().message == 'NO_FACE: nobody is in front'
    robot.show()
    answer = robot.trigger()
    assert answer.success
    assert answer.message.startswith('drawing ')
    assert len(robot.goals) == 1
    world.probe.until(lambda: node._drawing == '', what='it is drawn')
    robot.accepts = False
    answer = robot.trigger()  # during the cool-down, too
    assert (answer.success, answer.message) == (False, 'BUSY: the robot is drawing something else; wait')


def test_nobody_is_drawn_during_the_cool_down(world: World, robot: Robot, attract: Callable[..., AttractNode]) -> None:
    attract(cool_down=3600.0)
    robot.show()
    world.probe.until(lambda: robot.goals, what='a drawing')
    world.probe.until(lambda: robot._image_out.get_subscription_count() == 0, what='it does not look')
    for _ in range(100):
        world.probe.executor_.spin_once(timeout_sec=0.01)
    assert len(robot.goals) == 1
