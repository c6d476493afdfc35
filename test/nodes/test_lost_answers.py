"""Answers that never arrive, as in a graph that has just started on a busy computer: nobody waits for ever."""

from __future__ import annotations

import socket
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from neighbours import Neighbours
from rclpy.action import ActionClient, ActionServer
from rclpy.parameter import Parameter
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw, ExecutePlan
from unique_identifier_msgs.msg import UUID

from sketch_robot.errors import ErrorCode
from sketch_robot.nodes import graph_process
from sketch_robot.nodes.graph_process import free_domain
from sketch_robot.nodes.plotter import PlotterNode
from sketch_robot.nodes.portrait import PortraitNode
from sketch_robot.testing import World

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
    node = world.adopt(partial(PortraitNode, parameter_overrides=overrides(frame_timeout=0.1, server_timeout=0.5)))
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


def test_a_domain_in_which_somebody_is_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_process, 'DOMAINS', (150, 151))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody:
        somebody.bind(('', 7410 + 250 * 150))
        assert {free_domain() for _ in range(8)} == {151}
