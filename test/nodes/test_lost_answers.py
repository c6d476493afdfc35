"""Answers that never arrive, as in a graph that has just started on a busy computer: nobody waits for ever."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from conftest import World
from neighbours import Neighbours
from rclpy.action import ActionClient, ActionServer, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.parameter import Parameter
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw, ExecutePlan
from unique_identifier_msgs.msg import UUID

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import draw_client, graph_process
from sketch_robot.nodes.graph_process import NoGraph, free_domain
from sketch_robot.nodes.plotter import PlotterNode
from sketch_robot.nodes.portrait import PortraitNode

pytestmark = pytest.mark.system


def overrides(**values: Any) -> list[Parameter]:
    return [Parameter(name, value=value) for name, value in values.items()]


def lose_acceptance(server: ActionServer, kind: Any) -> None:
    """Let the server accept a goal and fail to say so: there is nobody to answer."""
    request = kind.Impl.SendGoalService.Request(goal_id=UUID(uuid=list(uuid.uuid4().bytes)), goal=kind.Goal())
    with pytest.raises(StopIteration):
        server._execute_goal_request((None, request)).send(None)
    assert [handle.status for handle in server._goal_handles.values()] == [GoalStatus.STATUS_ACCEPTED]


def test_a_goal_whose_acceptance_is_lost_does_not_keep_the_robot_busy(world: World) -> None:
    node = world.adopt(partial(PortraitNode, parameter_overrides=overrides(frame_timeout=0.1)))
    lose_acceptance(node._server, Draw)
    call = world.draw()
    assert call.accepted
    assert call.result().error_code == ErrorCode.NO_FRAME


def test_a_plan_whose_acceptance_is_lost_does_not_keep_the_plotter_busy(world: World, tmp_path: Path) -> None:
    node = world.adopt(partial(PlotterNode, parameter_overrides=overrides(journal_folder=str(tmp_path))))
    lose_acceptance(node._server, ExecutePlan)
    client = ActionClient(world.probe, ExecutePlan, 'execute_plan')
    world.probe.until(client.server_is_ready)
    handle = world.probe.result(client.send_goal_async(ExecutePlan.Goal()))
    assert handle.accepted
    assert world.probe.result(handle.get_result_async()).result.error_code == ErrorCode.BAD_PLAN
    node.park()


class Forgetful(Neighbours):
    """Stand-ins of which the first request for line art gets no answer."""

    asked = 0

    async def _pass(self, stage: str, request: Any) -> tuple[int, str]:
        self.asked += stage == 'render'
        if stage == 'render' and self.asked == 1:
            await Future()  # for ever
        return await super()._pass(stage, request)


def test_a_service_that_does_not_answer_is_asked_once_more(world: World, astronaut_image: Image) -> None:
    world.adopt(partial(PortraitNode, parameter_overrides=overrides(stage_timeout=2.0)))
    around = Forgetful(world.node('neighbours'))
    assert world.draw(image=astronaut_image, dry_run=True).result().error_code == ErrorCode.OK
    assert around.asked == 2


class Graph(NoGraph):
    """A graph in the test's own process, which runs while the client looks at it, and while it is awake."""

    def __init__(self, world: World, awake: Callable[[], bool] = lambda: True) -> None:
        self._world, self._awake = world, awake

    def check(self) -> None:
        if self._awake():
            self._world.probe.executor_.spin_once(timeout_sec=0.001)


class Patient(draw_client.Interrupts):
    """Nobody interrupts."""

    def __init__(self) -> None:
        self.count = 0


def serve(world: World, on_goal: Any) -> list[bytes]:
    """A stand-in for the node portrait; a list that fills with the ids of the goals that it executes."""
    executed: list[bytes] = []

    def execute(handle: Any) -> Draw.Result:
        executed.append(bytes(handle.goal_id.uuid))
        handle.succeed()
        return Draw.Result(strokes_drawn=len(executed))

    group = ReentrantCallbackGroup()
    ActionServer(world.node('portrait'), Draw, 'draw', execute, goal_callback=on_goal, callback_group=group)
    return executed


@pytest.fixture
def client(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[draw_client.DrawClient]:
    """A client in the default context, as `draw_portrait` has it."""
    monkeypatch.setattr(draw_client, 'ANSWER_TIMEOUT_S', 0.5)
    rclpy.init(args=[], domain_id=int(world.environment['ROS_DOMAIN_ID']))
    made = draw_client.DrawClient()
    try:
        yield made
    finally:
        made.destroy_node()
        rclpy.try_shutdown()


def test_the_client_sends_a_goal_again_that_is_not_answered(world: World, client: draw_client.DrawClient) -> None:
    asked: list[Draw.Goal] = []

    async def on_goal(goal: Draw.Goal) -> GoalResponse:
        asked.append(goal)
        if len(asked) == 1:
            await Future()  # for ever
        return GoalResponse.ACCEPT

    executed = serve(world, on_goal)
    result = draw_client.draw(client, Graph(world), Draw.Goal(page='A6'), Patient())
    assert (result.strokes_drawn, len(executed), [goal.page for goal in asked]) == (1, 1, ['A6', 'A6'])


def test_an_answer_that_is_only_late_counts_and_nothing_is_drawn_twice(
    world: World, client: draw_client.DrawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Future] = []
    send = client.action.send_goal_async
    monkeypatch.setattr(
        client.action, 'send_goal_async', lambda *args, **options: sent.append(send(*args, **options)) or sent[-1]
    )
    answers = iter((GoalResponse.ACCEPT, GoalResponse.REJECT))
    executed = serve(world, lambda _: next(answers))
    graph = Graph(world, awake=lambda: len(sent) > 1)
    assert draw_client.draw(client, graph, Draw.Goal(), Patient()).strokes_drawn == 1
    assert len(executed) == 1


def test_a_goal_that_is_rejected_is_not_sent_again(world: World, client: draw_client.DrawClient) -> None:
    serve(world, lambda _: GoalResponse.REJECT)
    with pytest.raises(SketchRobotError, match='one drawing at a time') as caught:
        draw_client.draw(client, Graph(world), Draw.Goal(), Patient())
    assert caught.value.code == ErrorCode.BUSY


def test_a_domain_in_which_somebody_is_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_process, 'DOMAINS', (150, 151))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody:
        somebody.bind(('', 7410 + 250 * 150))
        assert {free_domain() for _ in range(8)} == {151}
