"""The node `portrait`: draws a portrait by running the other nodes.

Serves the action `draw`: a picture (the goal's own, or the next one on `image_raw`), then `render_line_art`,
`plan_drawing` and `execute_plan`. One drawing at a time. Every failure, also of another node, ends the action with a
named error; a cancel, a lost client or a shutdown lifts the pen. Publishes `/diagnostics`.
"""

from __future__ import annotations

import time
from typing import Any

from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw, ExecutePlan
from sketch_robot_interfaces.srv import PlanDrawing, RenderLineArt

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import diagnostics
from sketch_robot.nodes.commander import Commander
from sketch_robot.nodes.drawing import Drawing
from sketch_robot.nodes.failures import failure_of
from sketch_robot.nodes.image_input import ImageInput
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.nodes.runner import PARK_TIMEOUT_S, SketchNode, run_node

RESULT_TIMEOUT_S = 900  # how long a result waits for a client that asks late
TICK_S = 0.02  # at least so often a drawing looks for cancels, deadlines and lost nodes

PARAMETERS = (
    Parameter('frame_timeout', 5.0, 'How long to wait for a camera frame, seconds.', low=0.1, high=600.0),
    Parameter(
        'server_timeout', 5.0, 'How long to wait for a node that is not there yet, seconds.', low=0.1, high=600.0
    ),
    Parameter(
        'stage_timeout',
        60.0,
        'How long line art or planning may take, or the plotter be silent, seconds.',
        low=1.0,
        high=3600.0,
    ),
    Parameter(
        'client_timeout', 2.0, 'A drawing ends when its client is gone for so long, seconds.', low=0.1, high=3600.0
    ),
)


class PortraitNode(SketchNode):
    """See the module."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('portrait', **kwargs)
        self._values = Parameters(self, PARAMETERS)
        self._promised = False
        self._drawing: Drawing | None = None
        self._closing = False
        self._frame_wanted: Future | None = None
        group = ReentrantCallbackGroup()
        self._image_in = ImageInput(self, 'image_raw', self._on_image)
        self.render = self.create_client(RenderLineArt, 'render_line_art', callback_group=group)
        self.plan = self.create_client(PlanDrawing, 'plan_drawing', callback_group=group)
        self.execute = ActionClient(self, ExecutePlan, 'execute_plan', callback_group=group)
        self._health = diagnostics.Diagnostics(self, 'drawing')
        self._health.say(diagnostics.OK, 'ready')
        self._commander = Commander(self, 'draw')
        self._server = ActionServer(
            self, Draw, 'draw', self._execute,
            goal_callback=self._on_goal, handle_accepted_callback=self._on_accepted, cancel_callback=self._on_cancel,
            callback_group=group, result_timeout=RESULT_TIMEOUT_S,
        )  # fmt: skip
        self._timer = self.every(TICK_S, self._on_timer)
        self._timer.cancel()

    def park(self) -> None:
        """End a drawing; the plotter lifts the pen."""
        self._closing = True
        deadline_s = time.monotonic() + PARK_TIMEOUT_S
        while self._promised and time.monotonic() < deadline_s:
            time.sleep(0.01)

    # ------------------------------------------------------------- callbacks
    def _on_goal(self, _goal: Draw.Goal) -> GoalResponse:
        if self._promised:
            self.get_logger().warning('a goal was rejected (BUSY): one drawing at a time')
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _on_accepted(self, handle: ServerGoalHandle) -> None:
        # Promised only now: a goal whose acceptance could not be sent, to a client that the middleware does not know
        # yet or any more, is never executed.
        self._promised = True
        handle.execute()

    def _on_cancel(self, _handle: ServerGoalHandle) -> CancelResponse:
        if self._drawing is not None:
            self._drawing.cancel(SketchRobotError(ErrorCode.CANCELLED, 'the drawing was cancelled; the pen is up'))
        return CancelResponse.ACCEPT

    def _on_image(self, msg: Image) -> None:
        if self._frame_wanted is not None and not self._frame_wanted.done():
            self._frame_wanted.set_result(msg)

    def _on_timer(self) -> None:
        """Nothing: waking the executor is what the timer is for."""

    # ------------------------------------------------------------- what a drawing asks of its node
    def next_frame(self) -> Future:
        """A future of the next camera frame."""
        self._frame_wanted = Future()
        return self._frame_wanted

    def setting(self, name: str) -> float:
        """The value of one of the timeouts."""
        return self._values[name]

    def reason_to_end(self) -> SketchRobotError | None:
        """Why a drawing cannot go on for reasons outside it."""
        if self._closing:
            return SketchRobotError(ErrorCode.CANCELLED, 'the portrait node is shutting down; the pen is up')
        if self._commander.lost_for_s() > self._values['client_timeout']:
            return SketchRobotError(ErrorCode.CLIENT_LOST, 'whoever asked for the drawing is gone; the pen is up')
        return None

    # ------------------------------------------------------------- the action
    async def _execute(self, handle: ServerGoalHandle) -> Draw.Result:
        self._timer.reset()
        self._commander.begin()
        self._health.say(diagnostics.OK, 'drawing')
        self._drawing = Drawing(self, handle)
        result = self._drawing.result
        try:
            await self._drawing.run()
        except Exception as error:  # noqa: BLE001  every failure ends in a result; defects are logged
            failure = failure_of(error)
            result.error_code, result.error_msg = failure.code, failure.message
        self._drawing = self._frame_wanted = None
        self._timer.cancel()
        self._finish(handle, result)
        return result

    def _finish(self, handle: ServerGoalHandle, result: Draw.Result) -> None:
        self._promised = False
        code = ErrorCode(result.error_code)
        if handle.is_active:
            if code == ErrorCode.OK:
                handle.succeed()
            elif code == ErrorCode.CANCELLED and handle.is_cancel_requested:
                handle.canceled()
            else:
                handle.abort()
        level = diagnostics.OK if code in (ErrorCode.OK, ErrorCode.CANCELLED) else diagnostics.WARN
        message = (
            'ready' if code == ErrorCode.OK else f'ready; the last drawing ended with {code.name}: {result.error_msg}'
        )
        self._health.say(level, message, last_error_code=int(code), last_error=code.name)
        if code == ErrorCode.OK:
            self.get_logger().info(f'drawn: {result.strokes_drawn} strokes, {result.ink:.2f} m of ink')
        else:
            self.get_logger().warning(f'the drawing ended with {code.name}: {result.error_msg}')


def main() -> None:
    """Run the node."""
    run_node(PortraitNode)


if __name__ == '__main__':
    main()
