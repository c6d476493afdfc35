"""One goal of the action `draw` on its way through the stages.

A coroutine on the executor that waits without blocking it: between two looks at a future it lets the executor do other
things, and at every look it sees whether the goal was cancelled, the client lost, a deadline over or a neighbour gone.
"""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Generator
from typing import Any, Protocol

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.action.server import ServerGoalHandle
from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw, ExecutePlan
from sketch_robot_interfaces.srv import PlanDrawing, RenderLineArt

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes.durations import duration_from_ros, duration_to_ros

FEEDBACK_S = 0.1
GRAPH_S = 0.2  # asking the middleware who is there costs a little
ASK_S = 2.0  # a plotter that has been silent for so long is asked whether it still knows the drawing
GONE_S = 0.5  # a node that comes back at once, as one being restarted, was not lost


class Studio(Protocol):
    """What a drawing asks of its node: the neighbours, settings, frames, and reasons to end."""

    render: Client
    plan: Client
    execute: ActionClient

    def next_frame(self) -> Future:
        """A future of the next camera frame."""

    def setting(self, name: str) -> float:
        """The value of one of the timeouts, seconds."""

    def reason_to_end(self) -> SketchRobotError | None:
        """Why a drawing cannot go on for reasons outside it."""

    def get_clock(self) -> Clock:
        """The node's clock."""

    def resolve_topic_name(self, topic: str) -> str:
        """The topic's whole name."""


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Let the executor do other things; it comes back whenever it wakes."""
    yield


class Drawing:
    """One goal on its way through the stages."""

    def __init__(self, node: Studio, handle: ServerGoalHandle) -> None:
        self._node = node
        self._handle = handle
        self._feedback = Draw.Feedback(phase=Draw.Feedback.CAPTURE)
        self._ended: SketchRobotError | None = None
        self._next_feedback_s = self._next_look_s = 0.0
        self._heard_s = time.monotonic()  # of the plotter
        self._missed_s: float | None = None  # since when a neighbour has not been seen
        self.result = Draw.Result()

    def cancel(self, why: SketchRobotError) -> None:
        """End at the next turn; the first reason counts."""
        self._ended = self._ended or why

    async def run(self) -> None:
        """All stages; fills `result`.

        Raises:
            SketchRobotError: why it ended early.
        """
        goal, result = self._handle.request, self.result
        if self._handle.is_cancel_requested:
            raise SketchRobotError(ErrorCode.CANCELLED, 'the drawing was cancelled before it began')
        budget_s = duration_from_ros(goal.time_budget)
        if budget_s < 0.0:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'the time budget {budget_s:g} s is negative; 0 takes the configured one'
            )
        image = await self._timed('capture_seconds', self._capture(goal.image))
        art = await self._timed('line_art_seconds', self._render(goal, image))
        result.line_art, result.artist, result.faces = art.line_art, art.artist, art.faces
        plan = await self._timed('plan_seconds', self._plan(goal, art))
        result.plan, result.predicted = plan, duration_to_ros(plan.predicted_seconds)
        self._feedback.strokes_total = len(plan.strokes)
        self._feedback.remaining = result.predicted
        if goal.dry_run:
            result.finished = self._node.get_clock().now().to_msg()
            return
        await self._timed('draw_seconds', self._execute(plan))

    async def _timed(self, field: str, stage: Any) -> Any:
        begin_s = time.perf_counter()
        try:
            return await stage
        finally:
            setattr(self.result, field, time.perf_counter() - begin_s)

    # ------------------------------------------------------------- the stages
    async def _capture(self, image: Image) -> Image:
        self._enter(Draw.Feedback.CAPTURE)
        if len(image.data) > 0 or image.width > 0 or image.height > 0:
            return image
        frame_s = self._node.setting('frame_timeout')
        where = self._node.resolve_topic_name('image_raw')
        late = SketchRobotError(
            ErrorCode.NO_FRAME, f'no picture came on {where} within {frame_s:g} s; is the camera running?'
        )
        return await self._wait(self._node.next_frame(), frame_s, late)

    async def _render(self, goal: Draw.Goal, image: Image) -> RenderLineArt.Response:
        self._enter(Draw.Feedback.LINE_ART)
        request = RenderLineArt.Request(
            image=image, artist=goal.artist, styles=goal.styles, style_weights=goal.style_weights
        )
        return await self._call(self._node.render, request, 'line_artist')

    async def _plan(self, goal: Draw.Goal, art: RenderLineArt.Response) -> Any:
        self._enter(Draw.Feedback.PLAN)
        request = PlanDrawing.Request(
            line_art=art.line_art, strokes=art.strokes, page=goal.page, time_budget=goal.time_budget, artist=art.artist
        )
        return (await self._call(self._node.plan, request, 'planner')).plan

    async def _execute(self, plan: Any) -> None:
        node = self._node
        self._enter(Draw.Feedback.DRAW)
        offline = SketchRobotError(
            ErrorCode.PLOTTER_OFFLINE, 'no node offers execute_plan; is the node plotter running?'
        )
        await self._until(node.execute.server_is_ready, node.setting('server_timeout'), offline)
        self._heard_s = time.monotonic()
        sent = node.execute.send_goal_async(ExecutePlan.Goal(plan=plan), feedback_callback=self._on_progress)
        handle: ClientGoalHandle = await self._wait(
            sent, node.setting('server_timeout'), offline, self._plotter_gone, unless_ended=False
        )
        if not handle.accepted:
            raise SketchRobotError(ErrorCode.BUSY, 'the plotter is drawing something else; wait or stop it')
        coming = handle.get_result_async()
        asked, asked_s = coming, self._heard_s
        cancelled = False
        while not coming.done():
            self._look_around()
            gone = self._plotter_gone()
            if time.monotonic() - max(self._heard_s, asked_s) > ASK_S:
                asked, asked_s = handle.get_result_async(), time.monotonic()
            if asked.done():
                coming = asked
                if asked.result().status == GoalStatus.STATUS_UNKNOWN:
                    text = 'the plotter node was started again in the middle of the drawing; its resume draws the rest'
                    raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, text)
            if not cancelled and (self._ended is not None or gone is not None):
                handle.cancel_goal_async()  # a plotter that is only silent may still hear it and lift the pen
                cancelled = True
            if gone is not None:
                raise gone
            await _turn()
        self._take(coming.result().result)

    def _take(self, done: ExecutePlan.Result) -> None:
        result = self.result
        result.strokes_drawn, result.ink, result.travel, result.lifts = (
            done.strokes_drawn,
            done.ink,
            done.travel,
            done.lifts,
        )
        result.taken, result.finished = done.taken, done.finished
        if self._feedback.phase != Draw.Feedback.PARK:  # the machine's last word may have come after its result
            self._enter(Draw.Feedback.PARK)
        if done.error_code != ErrorCode.OK:
            if self._ended is not None:
                raise self._ended
            raise SketchRobotError(ErrorCode(done.error_code), done.error_msg)

    def _on_progress(self, msg: Any) -> None:
        self._heard_s = time.monotonic()
        said, feedback = msg.feedback, self._feedback
        feedback.strokes_done, feedback.strokes_total = said.strokes_done, said.strokes_total
        feedback.fraction, feedback.remaining = said.fraction, said.remaining
        if said.parking and feedback.phase != Draw.Feedback.PARK:
            self._enter(Draw.Feedback.PARK)

    # ------------------------------------------------------------- waiting
    async def _call(self, client: Client, request: Any, name: str) -> Any:
        """A service's answer, or its error raised."""
        node = self._node
        missing = SketchRobotError(
            ErrorCode.NODE_LOST, f'no node offers {client.srv_name}; is the node {name} running?'
        )
        await self._until(client.service_is_ready, node.setting('server_timeout'), missing)
        lost = SketchRobotError(ErrorCode.NODE_LOST, f'the node {name} went away in the middle')
        late = SketchRobotError(
            ErrorCode.NODE_LOST, f'the node {name} did not answer in {node.setting("stage_timeout"):g} s'
        )
        answered = Future()
        calls: list[Future] = []
        timeout_s, begun_s = node.setting('stage_timeout'), time.monotonic()

        def ask() -> None:
            calls.append(client.call_async(request))
            calls[-1].add_done_callback(lambda call: answered.done() or answered.set_result(call.result()))

        def gone() -> SketchRobotError | None:
            # While a graph is starting, an answer can be lost: its sender may not have heard of us yet.
            if len(calls) == 1 and time.monotonic() - begun_s > 0.5 * timeout_s:
                ask()
            return lost if self._missing(client.service_is_ready()) else None

        ask()
        try:
            answer = await self._wait(answered, timeout_s, late, gone)
        finally:
            for call in calls:
                client.remove_pending_request(call)
        if answer.error_code != ErrorCode.OK:
            raise SketchRobotError(ErrorCode(answer.error_code), answer.error_msg)
        return answer

    async def _until(self, ready: Callable[[], bool], timeout_s: float, late: SketchRobotError) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not ready():
            self._look_around()
            if self._ended is not None:
                raise self._ended
            if time.monotonic() > deadline_s:
                raise late
            await _turn()

    async def _wait(
        self,
        future: Future,
        timeout_s: float,
        late: SketchRobotError,
        gone: Callable[[], SketchRobotError | None] = lambda: None,
        *,
        unless_ended: bool = True,
    ) -> Any:
        """The future's result, unless the drawing ends, the time is over, or `gone` names a loss."""
        deadline_s = time.monotonic() + timeout_s
        while not future.done():
            looked = self._look_around()
            if unless_ended and self._ended is not None:
                raise self._ended
            loss = gone() if looked else None
            if loss is not None:
                raise loss
            if time.monotonic() > deadline_s:
                raise late
            await _turn()
        return future.result()

    def _missing(self, there: bool) -> bool:
        """Whether a neighbour has not been there for long enough to count as gone."""
        now_s = time.monotonic()
        if there:
            self._missed_s = None
        elif self._missed_s is None:
            self._missed_s = now_s
        return self._missed_s is not None and now_s - self._missed_s > GONE_S

    def _plotter_gone(self) -> SketchRobotError | None:
        if self._missing(self._node.execute.server_is_ready()):
            text = 'the plotter node went away in the middle of the drawing'
            return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, text)
        silent_s = time.monotonic() - self._heard_s
        if silent_s > self._node.setting('stage_timeout'):
            return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'the plotter node has been silent for {silent_s:.0f} s')
        return None

    def _look_around(self) -> bool:
        """Send feedback when due; now and then see whether the drawing must end. Whether it looked this time."""
        now_s = time.monotonic()
        if now_s >= self._next_feedback_s:
            self._next_feedback_s = now_s + FEEDBACK_S
            self._handle.publish_feedback(self._feedback)
        if now_s < self._next_look_s:
            return False
        self._next_look_s = now_s + GRAPH_S
        reason = self._node.reason_to_end()
        if reason is not None:
            self.cancel(reason)
        return True

    def _enter(self, phase: int) -> None:
        self._feedback.phase = phase
        self._missed_s = None
        self._handle.publish_feedback(self._feedback)
