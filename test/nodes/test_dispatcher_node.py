"""The node `dispatcher`: several machines behind one `draw`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.parameter import Parameter
from rclpy.task import Future
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import qos
from sketch_robot.nodes.dispatcher import DispatcherNode
from sketch_robot.testing import DrawCall, World

pytestmark = pytest.mark.system


class Robot:
    """Stands for the graph of one machine: it draws until it is told to finish."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self.node = world, world.node(f'robot_{name}')
        self.goals: list[ServerGoalHandle] = []
        self.ends = False  # at once
        self.outcome = Draw.Result(strokes_drawn=7, ink=1.5)
        self._is_there = True
        self._gate: Future | None = None
        self._state_out = self.node.create_publisher(PlotterState, f'{name}/plotter_state', qos.LATCHED)
        self.say(PlotterState.IDLE)
        self._server = ActionServer(
            self.node, Draw, f'{name}/draw', self._draw, goal_callback=lambda _: GoalResponse.ACCEPT,
            cancel_callback=self._on_cancel, callback_group=ReentrantCallbackGroup(),
        )  # fmt: skip

    def say(self, status: int) -> None:
        self._state_out.publish(PlotterState(status=status))

    def _on_cancel(self, _handle: Any) -> CancelResponse:
        self.outcome = Draw.Result(error_code=ErrorCode.CANCELLED, error_msg='cancelled', strokes_drawn=2, ink=0.5)
        self.finish()
        return CancelResponse.ACCEPT

    async def _draw(self, handle: ServerGoalHandle) -> Draw.Result:
        self.goals.append(handle)
        self._gate = Future(executor=self.node.executor)
        handle.publish_feedback(Draw.Feedback(phase=Draw.Feedback.DRAW, strokes_done=1, strokes_total=7))
        if not self.ends:
            await self._gate
        if handle.is_cancel_requested:
            handle.canceled()
        elif self.outcome.error_code == ErrorCode.OK:
            handle.succeed()
        else:
            handle.abort()
        return self.outcome

    def finish(self) -> None:
        if self._gate is not None and not self._gate.done():
            self._gate.set_result(None)

    def vanish(self) -> None:
        if self._is_there:
            self._is_there = False
            self._server.destroy()  # a node that is destroyed leaves it behind

    def close(self) -> None:
        self.finish()
        self.vanish()
        self._world.probe.executor_.remove_node(self.node)
        self.node.destroy_node()  # or its last word would be heard by the next test in this domain


class Fair:
    """Two machines behind a dispatcher, and visitors."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.left, self.right = Robot(world, 'left'), Robot(world, 'right')
        overrides = [Parameter('robots', value='left, right'), Parameter('server_timeout', value=3.0)]
        self.node: DispatcherNode = world.adopt(partial(DispatcherNode, parameter_overrides=overrides))
        world.probe.until(lambda: all(robot.is_free for robot in self.node._robots), what='both are free')

    def draw(self, **fields: Any) -> DrawCall:
        return self.world.draw(**fields)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        self.world.probe.until(condition, what=what)


@pytest.fixture
def fair(world: World) -> Iterator[Fair]:
    made = Fair(world)
    yield made
    made.left.close()
    made.right.close()
    world.probe.executor_.remove_node(made.node)
    made.node.destroy_node()


def test_two_goals_are_drawn_at_once_under_their_own_ids_and_a_third_is_rejected(fair: Fair) -> None:
    first = fair.draw(page='A5')
    fair.until(lambda: fair.left.goals, 'the left one draws')
    second = fair.draw(page='A6')
    fair.until(lambda: fair.right.goals, 'the right one draws')
    assert not fair.draw().accepted
    assert (fair.left.goals[0].request.page, fair.right.goals[0].request.page) == ('A5', 'A6')
    assert bytes(fair.left.goals[0].goal_id.uuid) == bytes(first.handle.goal_id.uuid)
    fair.until(lambda: any(f.strokes_total == 7 for _, f in second.feedback), 'its feedback goes through')
    fair.right.finish()
    result = second.result()
    assert (result.error_code, result.strokes_drawn, result.ink) == (ErrorCode.OK, 7, 1.5)
    third = fair.draw(page='A4')
    fair.until(lambda: len(fair.right.goals) == 2, 'the right one is free again')
    for robot in (fair.left, fair.right):
        robot.finish()
    assert [call.result().error_code for call in (first, third)] == [ErrorCode.OK] * 2
    assert (first.status, third.status) == (GoalStatus.STATUS_SUCCEEDED,) * 2


def test_a_cancel_reaches_the_machine_that_draws_and_no_other(fair: Fair) -> None:
    first, second = fair.draw(), fair.draw()
    fair.until(lambda: fair.left.goals and fair.right.goals, 'both draw')
    second.cancel()
    result = second.result()
    assert (result.error_code, result.strokes_drawn) == (ErrorCode.CANCELLED, 2)
    assert second.status == GoalStatus.STATUS_CANCELED
    assert not first.coming.done()
    fair.left.finish()
    assert first.result().error_code == ErrorCode.OK


def test_a_machine_that_is_offline_passes_its_goal_on_and_is_avoided(fair: Fair) -> None:
    fair.left.ends = fair.right.ends = True
    fair.left.outcome = Draw.Result(error_code=ErrorCode.PLOTTER_OFFLINE, error_msg='no machine is connected')
    assert fair.draw().result().error_code == ErrorCode.OK
    assert (len(fair.left.goals), len(fair.right.goals)) == (1, 1)
    assert fair.draw().result().error_code == ErrorCode.OK
    assert (len(fair.left.goals), len(fair.right.goals)) == (1, 2)
    fair.right.outcome = Draw.Result(error_code=ErrorCode.PLOTTER_ALARM, error_msg='a switch was hit')
    result = fair.draw().result()
    assert (result.error_code, result.error_msg) == (ErrorCode.PLOTTER_OFFLINE, 'no machine is connected')


def test_an_alarm_in_the_middle_of_a_drawing_is_not_drawn_again_elsewhere(fair: Fair) -> None:
    fair.left.ends = True
    fair.left.outcome = Draw.Result(error_code=ErrorCode.PLOTTER_ALARM, error_msg='a switch was hit', strokes_drawn=3)
    result = fair.draw().result()
    assert (result.error_code, result.strokes_drawn) == (ErrorCode.PLOTTER_ALARM, 3)
    assert fair.right.goals == []


def test_a_machine_that_draws_for_somebody_else_is_left_alone_and_waited_for(fair: Fair) -> None:
    fair.left.ends = fair.right.ends = True
    for robot in (fair.left, fair.right):
        robot.say(PlotterState.DRAWING)
    fair.until(lambda: not any(robot.is_free for robot in fair.node._robots), 'both are busy')
    call = fair.draw()
    fair.until(lambda: any(f.waiting_for == 'a free machine' for _, f in call.feedback), 'it waits')
    fair.right.say(PlotterState.IDLE)
    assert call.result().error_code == ErrorCode.OK
    assert (len(fair.left.goals), len(fair.right.goals)) == (0, 1)
    fair.right.say(PlotterState.ALARM)
    fair.until(lambda: fair.node._robots[1].status == PlotterState.ALARM, 'none is free')
    result = fair.draw().result()
    assert (result.error_code, result.error_msg) == (
        ErrorCode.PLOTTER_OFFLINE, 'none of the machines left, right is there and free'
    )  # fmt: skip


def test_a_graph_that_goes_away_in_the_middle_is_named(fair: Fair) -> None:
    call = fair.draw()
    fair.until(lambda: fair.left.goals, 'the left one draws')
    fair.left.vanish()
    result = call.result()
    assert (result.error_code, result.error_msg) == (
        ErrorCode.NODE_LOST, 'the graph of the machine left went away'
    )  # fmt: skip


def test_a_client_that_dies_ends_its_drawing(fair: Fair) -> None:
    fair.draw()
    fair.until(lambda: fair.left.goals, 'the left one draws')
    fair.world.hang_up()
    fair.until(lambda: fair.left.goals[0].status == GoalStatus.STATUS_CANCELED, 'the client is missed')
    fair.until(lambda: fair.node._robots[0].goal is None, 'the machine is free')


@pytest.mark.parametrize(('robots', 'words'), [('', 'robots names no machine'), ('left,left', 'names a machine twice')])
def test_machines_that_cannot_be_told_apart_are_refused(world: World, robots: str, words: str) -> None:
    with pytest.raises(SketchRobotError, match=words):
        world.adopt(partial(DispatcherNode, parameter_overrides=[Parameter('robots', value=robots)]))
