"""The node `portrait`: draws a portrait by running the other nodes.

Serves the action `draw`: a picture (the goal's own, or the next one on `image_raw`, or `image_raw/compressed` where
`image_transport` says so), then `render_line_art`, `plan_drawing` and `execute_plan`. One drawing at a time. Every
failure, also of another node, ends the action with a named error; a cancel, a lost client or a shutdown lifts the pen.
Publishes `/diagnostics`.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sketch_robot_interfaces.action import Draw, ExecutePlan
from sketch_robot_interfaces.srv import PlanDrawing, RenderLineArt

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes.commander import Commander
from sketch_robot.nodes.diagnostics import OK, WARN, Diagnostics, Health, drawing_id, log_line
from sketch_robot.nodes.drawing import DrawGoal
from sketch_robot.nodes.image_input import TRANSPORT, ImageInput, Picture, picture_topic
from sketch_robot.nodes.messages import duration_from_ros
from sketch_robot.nodes.node import PARK_TIMEOUT_S, SketchNode, end_goal, failure_of, run_node
from sketch_robot.nodes.parameters import Parameter, Parameters

STAGES = ('capture', 'line_art', 'plan', 'draw')
FINE = (ErrorCode.OK, ErrorCode.CANCELLED)  # ends that nobody needs to look after
RESULT_TIMEOUT_S = 15  # how long a result waits for a client that asks late; each has a picture and a plan
TICK_S = 0.02  # at least so often a drawing looks for cancels, deadlines and lost nodes

PARAMETERS = (
    TRANSPORT,
    Parameter('frame_timeout', 5.0, 'How long to wait for a camera frame, seconds.', low=0.1, high=600.0),
    Parameter(
        'server_timeout', 30.0, 'How long a goal waits for nodes that are not there yet, seconds.', low=0.1, high=600.0
    ),
    Parameter(
        'stage_timeout',
        60.0,
        'How long line art or planning may take, or the plotter be silent, seconds.',
        low=1.0,
        high=3600.0,
    ),
    Parameter(
        'client_timeout',
        2.0,
        'A drawing ends when its client is gone for so long, seconds; a goal may say it (keepalive).',
        low=0.1,
        high=3600.0,
    ),
)


class PortraitNode(SketchNode):
    """Runs the other nodes for one goal at a time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('portrait', **kwargs)
        self._values = Parameters(self, PARAMETERS)
        self._promised = False
        self._drawing: DrawGoal | None = None
        self._closing = False
        self._keepalive_s = 0.0
        self._frame_wanted: Future | None = None
        group = ReentrantCallbackGroup()
        self._image_in: ImageInput | None = None
        self.render = self.create_client(RenderLineArt, 'render_line_art', callback_group=group)
        self.plan = self.create_client(PlanDrawing, 'plan_drawing', callback_group=group)
        self.execute = ActionClient(self, ExecutePlan, 'execute_plan', callback_group=group)
        self._counted: Counter[str] = Counter()  # ends of drawings by their code, and goals that were rejected
        self._last: Draw.Result | None = None
        self._health = Diagnostics(self, 'drawing', self._look_around)
        self._commander = Commander(self, 'draw')
        self._server = ActionServer(
            self, Draw, 'draw', self._execute,
            goal_callback=self._on_goal, handle_accepted_callback=self._on_accepted, cancel_callback=self._on_cancel,
            callback_group=group, result_timeout=RESULT_TIMEOUT_S,
        )  # fmt: skip
        self._timer = self.every(TICK_S, self._on_timer)
        self._timer.cancel()
        self.get_logger().info(f'ready: the action {self.resolve_topic_name("draw")}')

    def park(self) -> None:
        """End a drawing; the plotter lifts the pen."""
        self._closing = True
        deadline_s = time.monotonic() + PARK_TIMEOUT_S
        while self._promised and time.monotonic() < deadline_s:
            time.sleep(0.01)

    # ------------------------------------------------------------- callbacks
    def _on_goal(self, _goal: Draw.Goal) -> GoalResponse:
        if self._promised:
            self._counted['rejected'] += 1
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

    def _on_image(self, msg: Picture) -> None:
        if self._frame_wanted is not None and not self._frame_wanted.done():
            self._frame_wanted.set_result(msg)
            self._stop_listening()

    def _stop_listening(self) -> None:
        if self._image_in is not None:
            self._image_in.close()
            self._image_in = None

    def _on_timer(self) -> None:
        """Nothing: waking the executor is what the timer is for."""

    # ------------------------------------------------------------- what a drawing asks of its node
    def picture_topic(self) -> str:
        """The whole name of the topic of camera frames."""
        return picture_topic(self, 'image_raw', self._values['image_transport'])

    def camera_is_there(self) -> bool:
        """Whether anybody publishes frames."""
        return self.count_publishers(self.picture_topic()) > 0

    def servers_of(self, service: str) -> frozenset[bytes]:
        """Who offers a service, by their identities in the middleware (DDS); empty where it has other names."""
        replies = f'rr{self.resolve_service_name(service)}Reply'
        offering = self.get_publishers_info_by_topic(replies, no_mangle=True)
        return frozenset(bytes(one.endpoint_gid) for one in offering)

    def next_frame(self) -> Future:
        """A future of the next camera frame. Only then frames are listened to: each costs a few milliseconds."""
        self._frame_wanted = Future()
        self._stop_listening()
        self._image_in = ImageInput(self, 'image_raw', self._on_image, self._values['image_transport'])
        return self._frame_wanted

    def setting(self, name: str) -> float:
        """The value of one of the timeouts."""
        return self._values[name]

    def reason_to_end(self) -> SketchRobotError | None:
        """Why a drawing cannot go on for reasons outside it."""
        if self._closing:
            return SketchRobotError(ErrorCode.CANCELLED, 'the portrait node is shutting down; the pen is up')
        if self._commander.lost_for_s() > (self._keepalive_s or self._values['client_timeout']):
            return SketchRobotError(ErrorCode.CLIENT_LOST, 'whoever asked for the drawing is gone; the pen is up')
        return None

    # ------------------------------------------------------------- the action
    async def _execute(self, handle: ServerGoalHandle) -> Draw.Result:
        self._timer.reset()
        self._keepalive_s = duration_from_ros(handle.request.keepalive)
        self._commander.begin(handle.goal_id if self._keepalive_s > 0.0 else None)
        self._drawing = DrawGoal(self, handle)
        self._health.changed()
        result = self._drawing.result
        try:
            await self._drawing.run()
        except Exception as error:  # noqa: BLE001  every failure ends in a result; defects are logged
            failure = failure_of(error)
            result.error_code, result.error_msg = failure.code, failure.message
        self._drawing = self._frame_wanted = None
        self._stop_listening()
        self._timer.cancel()
        self._finish(handle, result)
        return result

    def _finish(self, handle: ServerGoalHandle, result: Draw.Result) -> None:
        self._promised = False
        code = ErrorCode(result.error_code)
        end_goal(handle, code)
        self._last = result
        self._counted[code.name] += 1
        self._health.changed()
        words = {
            'id': drawing_id(handle.goal_id),
            'code': code.name,
            **({'error': result.error_msg} if result.error_msg else {}),
            'strokes': f'{result.strokes_drawn}/{len(result.plan.strokes)}',
            'ink_m': result.ink,
            'predicted_s': duration_from_ros(result.predicted),
            'taken_s': duration_from_ros(result.taken),
            **{f'{stage}_s': getattr(result, f'{stage}_seconds') for stage in STAGES},
            **({'artist': result.artist} if result.artist else {}),
            **({'page': result.plan.page} if result.plan.page else {}),
            'faces': result.faces,
        }
        if code in FINE:  # rclpy wants each severity in a line of its own
            self.get_logger().info(log_line('drawing', **words))
        else:
            self.get_logger().warning(log_line('drawing', **words))

    def _look_around(self) -> Health:
        drawing, last = self._drawing, self._last
        values: dict[str, object] = {'drawing': '' if drawing is None else drawing.id}
        values |= {f'drawings_{code.lower()}': count for code, count in sorted(self._counted.items())}
        if drawing is not None:
            return Health(OK, f'drawing: {drawing.phase}', values)
        if last is None:
            return Health(OK, 'ready', values)
        code = ErrorCode(last.error_code)
        values |= {'last_error_code': int(code), 'last_error': code.name}
        values |= {f'last_{stage}_s': getattr(last, f'{stage}_seconds') for stage in STAGES}
        if code == ErrorCode.OK:
            return Health(OK, 'ready', values)
        text = f'ready; the last drawing ended with {code.name}: {last.error_msg}'
        return Health(OK if code in FINE else WARN, text, values)


def main() -> None:
    """Run the node."""
    run_node(PortraitNode)


if __name__ == '__main__':
    main()
