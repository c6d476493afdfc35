"""The node `dispatcher`: several machines behind one `draw`.

Serves the action `draw` and hands each goal to the first machine that is free: to the action NAME/draw of its graph,
under the same id. As many drawings run at once as there are machines; a goal more is rejected. A machine that is
offline or in alarm before it has drawn anything passes its goal on to the next. Cancels, feedback and results go
through unchanged. Publishes `/diagnostics`.
"""

from __future__ import annotations

import time
import types
from collections.abc import Generator
from typing import Any

from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import qos
from sketch_robot.nodes.commander import Commander
from sketch_robot.nodes.diagnostics import OK, WARN, Diagnostics, Health, drawing_id
from sketch_robot.nodes.messages import duration_from_ros
from sketch_robot.nodes.node import PARK_TIMEOUT_S, SketchNode, end_goal, failure_of, run_node
from sketch_robot.nodes.parameters import Parameter, Parameters

RESULT_TIMEOUT_S = 60  # how long a result waits for a client that asks late
TICK_S, FEEDBACK_S = 0.02, 0.2
GONE_S = 1.0  # a machine's graph that comes back at once was not lost
AVOIDED_S = 30.0  # for so long a machine that was offline or in alarm is only taken when there is no other
BROKEN = (ErrorCode.PLOTTER_OFFLINE, ErrorCode.PLOTTER_ALARM)

PARAMETERS = (
    Parameter('robots', '', "The machines' names, with commas between: their graphs' namespaces.", read_only=True),
    Parameter('server_timeout', 30.0, 'How long a goal waits for a machine that is there, seconds.', 0.1, 600.0),
    Parameter('client_timeout', 2.0, 'A drawing ends when its client is gone for so long, seconds; a goal may say it '
              '(keepalive).', 0.1, 3600.0),
)  # fmt: skip


class Station:
    """One of the machines.

    Attributes:
        name: its graph's namespace.
        draw: its action.
        goal: the one that it was given; None: it is free.
        status: what its plotter is doing, as of PlotterState; None: nobody knows yet.
        avoided_until_s: it was broken a while ago.
    """

    def __init__(self, node: SketchNode, name: str, group: ReentrantCallbackGroup) -> None:
        self.name = name
        self.draw = ActionClient(node, Draw, f'{name}/draw', callback_group=group)
        self.commander = Commander(node, 'draw')  # watches the client of the goal that this machine has
        self.goal: ServerGoalHandle | None = None
        self.status: int | None = None
        self.avoided_until_s = 0.0
        node.create_subscription(PlotterState, f'{name}/plotter_state', self._on_state, qos.LATCHED)

    def _on_state(self, msg: PlotterState) -> None:
        self.status = msg.status

    @property
    def is_free(self) -> bool:
        """Whether it could draw now."""
        return self.goal is None and self.draw.server_is_ready() and self.status in (None, PlotterState.IDLE)


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Let the executor do other things; it comes back whenever it wakes."""
    yield


class DispatcherNode(SketchNode):
    """Hands goals to machines."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('dispatcher', **kwargs)
        self._values = Parameters(self, PARAMETERS, check=_problem_with)
        group = ReentrantCallbackGroup()
        self._robots = [Station(self, name, group) for name in names_of(self._values['robots'])]
        self._waiting = self._rejected = 0  # goals that look for a machine, and that found none
        self._closing = False
        self._health = Diagnostics(self, 'machines', self._look_around)
        self._server = ActionServer(
            self, Draw, 'draw', self._execute,
            goal_callback=self._on_goal, handle_accepted_callback=self._on_accepted,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=group, result_timeout=RESULT_TIMEOUT_S,
        )  # fmt: skip
        self._timer = self.every(TICK_S, lambda: None)  # wakes the executor while there are drawings
        self._timer.cancel()
        names = ', '.join(robot.name for robot in self._robots)
        self.get_logger().info(f'ready: the action {self.resolve_topic_name("draw")} of the machines {names}')

    def park(self) -> None:
        """End all drawings; their machines lift the pens."""
        self._closing = True
        deadline_s = time.monotonic() + PARK_TIMEOUT_S
        while self._is_busy and time.monotonic() < deadline_s:
            time.sleep(0.01)

    @property
    def _is_busy(self) -> bool:
        return self._waiting > 0 or any(robot.goal is not None for robot in self._robots)

    # ------------------------------------------------------------- goals
    def _on_goal(self, _goal: Draw.Goal) -> GoalResponse:
        taken = self._waiting + sum(robot.goal is not None for robot in self._robots)
        if self._closing or taken >= len(self._robots):
            self._rejected += 1
            self.get_logger().warning('a goal was rejected (BUSY): all machines draw')
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _on_accepted(self, handle: ServerGoalHandle) -> None:
        self._waiting += 1
        self._timer.reset()
        handle.execute()

    async def _execute(self, handle: ServerGoalHandle) -> Draw.Result:
        result = Draw.Result()
        tried: list[Station] = []
        try:
            result = await self._drawn(handle, tried)
        except Exception as error:  # noqa: BLE001  every failure ends in a result; defects are logged
            failure = failure_of(error)
            result.error_code, result.error_msg = failure.code, failure.message
        finally:
            self._let_go(handle)
        end_goal(handle, result.error_code)
        return result

    async def _drawn(self, handle: ServerGoalHandle, tried: list[Station]) -> Draw.Result:
        """The result of the first machine that draws it."""
        keepalive = handle.request.keepalive
        keepalive_s = duration_from_ros(keepalive)
        keepalive.sec = keepalive.nanosec = 0  # the machines' client is this node
        while True:
            robot = await self._free_robot(handle, tried)
            robot.commander.begin(handle.goal_id if keepalive_s > 0.0 else None)
            robot.commander.lost_for_s()  # takes down who is there now
            tried.append(robot)
            result = await self._draw_with(robot, handle, keepalive_s)
            if result is None:
                continue  # somebody else was faster
            nothing = result.strokes_drawn == 0 and result.ink == 0.0
            if ErrorCode(result.error_code) not in BROKEN or not nothing:
                return result
            robot.avoided_until_s = time.monotonic() + AVOIDED_S
            self.get_logger().warning(f'the machine {robot.name} cannot draw: {result.error_msg}')
            if all(other in tried for other in self._robots):
                return result
            robot.goal = None
            self._waiting += 1

    async def _free_robot(self, handle: ServerGoalHandle, tried: list[Station]) -> Station:
        """The first machine that is free, taken for the goal; it waits until one is there.

        Raises:
            SketchRobotError: CANCELLED; PLOTTER_OFFLINE, none came in time; CLIENT_LOST.
        """
        deadline_s = time.monotonic() + self._values['server_timeout']
        told_s = 0.0
        while True:
            self._check(handle)
            now_s = time.monotonic()
            free = [robot for robot in self._robots if robot.is_free and robot not in tried]
            if free:
                robot = min(free, key=lambda robot: robot.avoided_until_s > now_s)  # the first of those that are well
                robot.goal = handle
                self._waiting -= 1
                return robot
            if now_s > deadline_s:
                names = ', '.join(robot.name for robot in self._robots)
                raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'none of the machines {names} is there and free')
            if now_s > told_s + FEEDBACK_S:
                told_s = now_s
                handle.publish_feedback(Draw.Feedback(waiting_for='a free machine'))
            await _turn()

    async def _draw_with(self, robot: Station, handle: ServerGoalHandle, keepalive_s: float) -> Draw.Result | None:
        """What a machine makes of the goal; None: it did not take it."""
        name = drawing_id(handle.goal_id)

        def on_feedback(msg: Any) -> None:
            if handle.is_active:
                handle.publish_feedback(msg.feedback)

        sent = robot.draw.send_goal_async(handle.request, on_feedback, handle.goal_id)
        gone_s: float | None = None
        while not sent.done():
            gone_s = self._gone(robot, gone_s)
            robot.commander.lost_for_s()
            await _turn()
        theirs = sent.result()
        if not theirs.accepted:
            robot.goal = None
            self._waiting += 1
            return None
        self.get_logger().info(f'drawing {name} goes to {robot.name}')
        coming = theirs.get_result_async()
        why: SketchRobotError | None = None
        while not coming.done():
            gone_s = self._gone(robot, gone_s)
            if why is None:
                why = self._reason_to_end(handle, robot, keepalive_s)
                if why is not None:
                    theirs.cancel_goal_async()
            await _turn()
        result: Draw.Result = coming.result().result
        if why is not None and result.error_code == ErrorCode.CANCELLED:
            result.error_code, result.error_msg = why.code, why.message
        return result

    def _gone(self, robot: Station, since_s: float | None) -> float | None:
        """Since when a machine's graph has been missing.

        Raises:
            SketchRobotError: NODE_LOST, for too long.
        """
        if robot.draw.server_is_ready():
            return None
        now_s = time.monotonic()
        if since_s is not None and now_s - since_s > GONE_S:
            raise SketchRobotError(ErrorCode.NODE_LOST, f'the graph of the machine {robot.name} went away')
        return now_s if since_s is None else since_s

    def _check(self, handle: ServerGoalHandle) -> None:
        if handle.is_cancel_requested:
            raise SketchRobotError(ErrorCode.CANCELLED, 'the drawing was cancelled before a machine was free')
        if self._closing:
            raise SketchRobotError(ErrorCode.CANCELLED, 'the dispatcher is shutting down')

    def _reason_to_end(self, handle: ServerGoalHandle, robot: Station, keepalive_s: float) -> SketchRobotError | None:
        if handle.is_cancel_requested:
            return SketchRobotError(ErrorCode.CANCELLED, 'the drawing was cancelled; the pen is up')
        if self._closing:
            return SketchRobotError(ErrorCode.CANCELLED, 'the dispatcher is shutting down; the pen is up')
        if robot.commander.lost_for_s() > (keepalive_s or self._values['client_timeout']):
            return SketchRobotError(ErrorCode.CLIENT_LOST, 'whoever asked for the drawing is gone; the pen is up')
        return None

    def _let_go(self, handle: ServerGoalHandle) -> None:
        held = [robot for robot in self._robots if robot.goal is handle]
        for robot in held:
            robot.goal = None
        if not held:
            self._waiting -= 1
        if not self._is_busy:
            self._timer.cancel()

    def _look_around(self) -> Health:
        values: dict[str, object] = {'waiting': self._waiting, 'rejected': self._rejected}
        for robot in self._robots:
            drawing = '' if robot.goal is None else drawing_id(robot.goal.goal_id)
            state = 'away' if not robot.draw.server_is_ready() else f'drawing {drawing}' if drawing else 'free'
            if state == 'free' and not robot.is_free:
                state = 'not ready'
            values[robot.name] = state
        there = sum(robot.draw.server_is_ready() for robot in self._robots)
        text = f'{there} of {len(self._robots)} machines are there'
        return Health(OK if there == len(self._robots) else WARN, text, values)


def names_of(text: str) -> list[str]:
    """The names between commas."""
    return [name.strip() for name in text.split(',') if name.strip()]


def _problem_with(values: dict[str, Any]) -> str:
    names = names_of(values['robots'])
    if not names:
        return "robots names no machine; say for instance 'left,right'"
    if len(set(names)) < len(names):
        return f'robots names a machine twice: {values["robots"]}'
    return ''


def main() -> None:
    """Run the node."""
    run_node(DispatcherNode)


if __name__ == '__main__':
    main()
