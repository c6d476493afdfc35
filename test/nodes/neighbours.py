"""Stand-ins for line_artist, planner and plotter that answer at once, wait at a gate, fail or vanish as a test says."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from sketch_robot_interfaces.action import ExecutePlan
from sketch_robot_interfaces.msg import Stroke
from sketch_robot_interfaces.srv import PlanDrawing, RenderLineArt

from sketch_robot.errors import ErrorCode
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.messages import duration_to_ros

PREDICTED_S = 12.5
PEN_WIDTH_PX = 1.75  # on the line art, as the planner says
REPORT_S = 0.3  # between signs of life of a drawing that waits at its gate


class Neighbours:
    """What a portrait node needs around it.

    Attributes:
        failures: stage ('render', 'plan', 'execute') -> (code, message) that it answers with.
        refusals: stage ('render', 'plan') -> (code, message) when it is asked whether it could.
        requests: stage -> the last request or goal it got.
        cancelled: how often the execute goal was cancelled.
        silent: give no sign of life while a drawing waits at its gate.
        mute: never answer whether a plan will be drawn.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.failures: dict[str, tuple[int, str]] = {}
        self.refusals: dict[str, tuple[int, str]] = {}
        self.requests: dict[str, Any] = {}
        self.cancelled = 0
        self.reject_plans = self.silent = self.mute = False
        self._drawing: ServerGoalHandle | None = None
        self._gates: dict[str, Future] = {}
        self._group = ReentrantCallbackGroup()
        self._offered: dict[str, Any] = {}
        for stage in ('render', 'plan', 'execute'):
            self.offer(stage)
        node.create_timer(REPORT_S, self._report)

    def offer(self, stage: str) -> None:
        """Be there for a stage."""
        if stage == 'render':
            made: Any = self.node.create_service(
                RenderLineArt, 'render_line_art', self._on_render, callback_group=self._group
            )
        elif stage == 'plan':
            made = self.node.create_service(PlanDrawing, 'plan_drawing', self._on_plan, callback_group=self._group)
        else:
            made = ActionServer(
                self.node,
                ExecutePlan,
                'execute_plan',
                self._on_execute,
                goal_callback=self._on_plan_to_draw,
                cancel_callback=self._on_cancel,
                callback_group=self._group,
            )
        self._offered[stage] = made

    def vanish(self, stage: str) -> None:
        """Be there no longer; a request in progress is never answered."""
        gone = self._offered.pop(stage)
        self._drawing = None
        self._gates.pop(stage, None)  # never opened: whoever waits at it waits for ever
        if stage == 'execute':
            gone.destroy()
        else:
            self.node.destroy_service(gone)

    def close(self) -> None:
        """Let everybody pass and be there no longer: a node that is destroyed leaves its action servers behind."""
        for stage in ('render', 'plan', 'execute'):
            self.open_gate(stage)
        for stage in tuple(self._offered):
            self.vanish(stage)

    def close_gate(self, stage: str) -> None:
        """Let requests of a stage wait from now on."""
        self._gates[stage] = Future(executor=self.node.executor)

    def open_gate(self, stage: str) -> None:
        """Let them pass again."""
        gate = self._gates.pop(stage, None)
        if gate is not None and not gate.done():
            gate.set_result(None)

    async def _pass(self, stage: str, request: Any) -> tuple[int, str]:
        self.requests[stage] = request
        if stage in self._gates:
            await self._gates[stage]
        return self.failures.get(stage, (ErrorCode.OK, ''))

    async def _on_render(self, request: Any, response: RenderLineArt.Response) -> RenderLineArt.Response:
        if request.check_only:
            response.error_code, response.error_msg = self.refusals.get('render', (ErrorCode.OK, ''))
            return response
        response.error_code, response.error_msg = await self._pass('render', request)
        response.line_art = image_to_ros(np.full((8, 8), 255, np.uint8), 'mono8', request.image.header)
        response.strokes = [Stroke(x=array.array('d', [1.0, 7.0]), y=array.array('d', [1.0, 7.0]), label='eye')]
        response.artist, response.faces = 'stand-in', 3
        return response

    async def _on_plan(self, request: Any, response: PlanDrawing.Response) -> PlanDrawing.Response:
        if request.check_only:
            response.error_code, response.error_msg = self.refusals.get('plan', (ErrorCode.OK, ''))
            response.pen_pixels = PEN_WIDTH_PX
            return response
        response.error_code, response.error_msg = await self._pass('plan', request)
        response.plan.strokes = [Stroke(x=array.array('d', [0.01, 0.02]), y=array.array('d', [0.01, 0.02]))]
        response.plan.stroke_seconds = [PREDICTED_S]
        response.plan.predicted_seconds = PREDICTED_S
        response.plan.page = request.page or 'A5'
        return response

    def _report(self) -> None:
        if self._drawing is not None and not self.silent:
            total = len(self._drawing.request.plan.strokes)
            self._drawing.publish_feedback(ExecutePlan.Feedback(strokes_done=0, strokes_total=total))

    async def _on_plan_to_draw(self, goal: ExecutePlan.Goal) -> GoalResponse:
        if self.mute:
            self.requests['execute'] = goal
            await Future()  # for ever
        return GoalResponse.REJECT if self.reject_plans else GoalResponse.ACCEPT

    def _on_cancel(self, _handle: ServerGoalHandle) -> CancelResponse:
        self.cancelled += 1
        self.failures['execute'] = (ErrorCode.CANCELLED, 'stand-in: cancelled')
        self.open_gate('execute')
        return CancelResponse.ACCEPT

    async def _on_execute(self, handle: ServerGoalHandle) -> ExecutePlan.Result:
        total = len(handle.request.plan.strokes)
        handle.publish_feedback(ExecutePlan.Feedback(strokes_done=0, strokes_total=total))
        self._drawing = handle
        code, message = await self._pass('execute', handle.request)
        self._drawing = None
        result = ExecutePlan.Result(error_code=code, error_msg=message, ink=0.014, travel=0.02, lifts=total)
        result.taken = duration_to_ros(11.0)
        result.strokes_drawn = total if code == ErrorCode.OK else 0
        if handle.is_cancel_requested:
            handle.canceled()
        elif code == ErrorCode.OK:
            handle.publish_feedback(
                ExecutePlan.Feedback(strokes_done=total, strokes_total=total, fraction=1.0, parking=True)
            )
            handle.succeed()
        else:
            handle.abort()
        return result
