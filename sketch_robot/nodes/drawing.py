"""One goal of the action `draw` on its way through the stages.

A coroutine on the executor that waits without blocking it: between two looks at a future it lets the executor do other
things, and at every look it sees whether the goal was cancelled, the client lost, a deadline over or a node gone.

A goal first waits for all nodes that it will need, since a graph takes its time to start, and says in its feedback for
which. From then on it looks for all of them that are still needed, so that a loss is told at once and not when the
stage of that node begins.
"""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Generator
from dataclasses import dataclass
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
from sketch_robot.nodes.diagnostics import drawing_id
from sketch_robot.nodes.image_input import unpacked
from sketch_robot.nodes.messages import duration_from_ros, duration_to_ros

FEEDBACK_S = 0.1
GRAPH_S = 0.1  # asking the middleware who is there costs a little
ASK_S = 2.0  # a plotter that has been silent for so long is asked whether it still knows the drawing
SHORTEST_KEEPALIVE_S = 0.5  # less would end drawings of clients that are only held up
GONE_S = 0.3  # one that the middleware loses sight of for a moment was not lost
STARTED_AGAIN = {
    'plotter': 'the plotter node was started again in the middle of the drawing; its resume draws the rest',
    'planner': 'the node planner was started again in the middle of the drawing',
    'line_artist': 'the node line_artist was started again in the middle of the drawing',
}


class Studio(Protocol):
    """What a drawing asks of its node: the neighbours, settings, frames, and reasons to end."""

    render: Client
    plan: Client
    execute: ActionClient

    def camera_is_there(self) -> bool:
        """Whether anybody publishes frames."""

    def next_frame(self) -> Future:
        """A future of the next camera frame."""

    def setting(self, name: str) -> float:
        """The value of one of the timeouts, seconds."""

    def reason_to_end(self) -> SketchRobotError | None:
        """Why a drawing cannot go on for reasons outside it."""

    def get_clock(self) -> Clock:
        """The node's clock."""

    def picture_topic(self) -> str:
        """The whole name of the topic of camera frames."""

    def servers_of(self, service: str) -> frozenset[bytes]:
        """Who offers a service, by their identities in the middleware; empty where it does not tell."""


@dataclass
class _Needed:
    """A node that a drawing needs.

    Attributes:
        name: the node's.
        offers: what it has to offer, for messages.
        is_there: whether it offers that now.
        code: of the failure when it does not.
        until: the last phase in which it is needed.
        service: by which it is asked.
        asked: who offered that service when it was asked something. One started again since knows nothing of it.
    """

    name: str
    offers: str
    is_there: Callable[[], bool]
    code: ErrorCode
    until: int
    service: str = ''
    asked: frozenset[bytes] = frozenset()


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Let the executor do other things; it comes back whenever it wakes."""
    yield


class DrawGoal:
    """One goal on its way through the stages."""

    def __init__(self, node: Studio, handle: ServerGoalHandle) -> None:
        self._node = node
        self._handle = handle
        self._feedback = Draw.Feedback(phase=Draw.Feedback.CAPTURE)
        self._ended: SketchRobotError | None = None
        self._next_feedback_s = self._next_look_s = 0.0
        self._heard_s = time.monotonic()  # of the plotter
        self._needed = self._needed_nodes()
        self._missed_s: dict[str, float] = {}  # since when a needed node has not been seen
        self._pen_width = 0.0  # of the pen's line on the line art, px, as the planner says
        self.result = Draw.Result()
        self.id = drawing_id(handle.goal_id)

    @property
    def phase(self) -> str:
        """What is going on, in a word."""
        names = ('capture', 'line art', 'plan', 'draw', 'park')
        return names[self._feedback.phase]

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
        keepalive_s = duration_from_ros(goal.keepalive)
        if keepalive_s != 0.0 and keepalive_s < SHORTEST_KEEPALIVE_S:
            text = f'a keepalive of {keepalive_s:g} s is too short; at least {SHORTEST_KEEPALIVE_S:g} s, or 0 for none'
            raise SketchRobotError(ErrorCode.BAD_GOAL, text)
        await self._assembled()
        await self._checked(goal)
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

    # ------------------------------------------------------------- the nodes that it needs
    def _needed_nodes(self) -> list[_Needed]:
        node, goal, F = self._node, self._handle.request, Draw.Feedback  # noqa: N806  a type
        render, plan = node.render, node.plan
        needed = [
            _Needed('line_artist', render.srv_name, render.service_is_ready, ErrorCode.NODE_LOST, F.LINE_ART,
                    render.srv_name),
            _Needed('planner', plan.srv_name, plan.service_is_ready, ErrorCode.NODE_LOST, F.PLAN, plan.srv_name),
        ]  # fmt: skip
        if not _has_picture(goal.image):
            topic = node.picture_topic()
            needed.insert(0, _Needed('camera', topic, node.camera_is_there, ErrorCode.NO_FRAME, F.CAPTURE))
        if not goal.dry_run:
            ready = node.execute.server_is_ready
            asked_by = 'execute_plan/_action/send_goal'
            needed.append(_Needed('plotter', 'execute_plan', ready, ErrorCode.PLOTTER_OFFLINE, F.PARK, asked_by))
        return needed

    async def _assembled(self) -> None:
        """Wait until all nodes that are needed are there.

        Raises:
            SketchRobotError: NO_FRAME, NODE_LOST, PLOTTER_OFFLINE, one is not after the node's `server_timeout`.
        """
        deadline_s = time.monotonic() + self._node.setting('server_timeout')
        while missing := [node for node in self._needed if not node.is_there()]:
            self._feedback.waiting_for = missing[0].name
            self._look_around()
            if self._ended is not None:
                raise self._ended
            if time.monotonic() > deadline_s:
                first = missing[0]
                text = f'no node offers {first.offers}; is the node {first.name} running?'
                raise SketchRobotError(first.code, text)
            await _turn()
        self._feedback.waiting_for = ''

    async def _checked(self, goal: Draw.Goal) -> None:
        """Have those who know refuse what they could not do, before anybody sits for it."""
        await self._call(self._node.render, _render_request(goal, check_only=True), 'line_artist')
        answer = await self._call(self._node.plan, _plan_request(goal, check_only=True), 'planner')
        self._pen_width = answer.pen_pixels

    def _lost(self) -> SketchRobotError | None:
        """The loss of a node that is still needed; one that comes back at once was not lost."""
        now_s = time.monotonic()
        for node in self._needed:
            if self._feedback.phase > node.until or self._is_there(node):
                self._missed_s.pop(node.name, None)
            elif now_s - self._missed_s.setdefault(node.name, now_s) > GONE_S:
                text = f'the node {node.name} went away in the middle of the drawing'
                return SketchRobotError(node.code, STARTED_AGAIN.get(node.name, text) if node.is_there() else text)
        return None

    def _is_there(self, node: _Needed) -> bool:
        return node.is_there() and (not node.asked or bool(node.asked & self._node.servers_of(node.service)))

    def _about_to_ask(self, name: str) -> None:
        """Note who is there to answer."""
        for node in self._needed:
            if node.name == name:
                node.asked = self._node.servers_of(node.service)

    # ------------------------------------------------------------- the stages
    async def _capture(self, image: Image) -> Image:
        self._enter(Draw.Feedback.CAPTURE)
        if _has_picture(image):
            return image
        frame_s = self._node.setting('frame_timeout')
        where = self._node.picture_topic()
        late = SketchRobotError(
            ErrorCode.NO_FRAME, f'no picture came on {where} within {frame_s:g} s; is the camera running?'
        )
        return unpacked(await self._wait(self._node.next_frame(), frame_s, late))

    async def _render(self, goal: Draw.Goal, image: Image) -> RenderLineArt.Response:
        self._enter(Draw.Feedback.LINE_ART)
        try:
            return await self._call(
                self._node.render, _render_request(goal, image, pen_pixels=self._pen_width), 'line_artist'
            )
        finally:
            # The action server keeps the goal for clients that ask late; its picture is used up.
            goal.image = Image(header=goal.image.header)

    async def _plan(self, goal: Draw.Goal, art: RenderLineArt.Response) -> Any:
        self._enter(Draw.Feedback.PLAN)
        request = _plan_request(goal, line_art=art.line_art, strokes=art.strokes, artist=art.artist)
        return (await self._call(self._node.plan, request, 'planner')).plan

    async def _execute(self, plan: Any) -> None:
        node = self._node
        self._enter(Draw.Feedback.DRAW)
        self._heard_s = time.monotonic()
        self._about_to_ask('plotter')
        # The plotter's goal has the drawing's own id, so that both nodes speak of it by one name.
        sent = node.execute.send_goal_async(ExecutePlan.Goal(plan=plan), self._on_progress, self._handle.goal_id)
        late = SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the node plotter did not answer; look after it')
        handle: ClientGoalHandle = await self._wait(sent, node.setting('server_timeout'), late, unless_ended=False)
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
                    raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, STARTED_AGAIN['plotter'])
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
        timeout_s, begun_s = self._node.setting('stage_timeout'), time.monotonic()
        late = SketchRobotError(ErrorCode.NODE_LOST, f'the node {name} did not answer in {timeout_s:g} s')
        answered = Future()
        calls: list[Future] = []

        def ask() -> None:
            self._about_to_ask(name)
            calls.append(client.call_async(request))
            calls[-1].add_done_callback(lambda call: answered.done() or answered.set_result(call.result()))

        def ask_again() -> None:
            # While a graph is starting, an answer can be lost: its sender may not have heard of us yet.
            if len(calls) == 1 and time.monotonic() - begun_s > 0.5 * timeout_s:
                ask()

        ask()
        try:
            answer = await self._wait(answered, timeout_s, late, ask_again)
        finally:
            for call in calls:
                client.remove_pending_request(call)
        if answer.error_code != ErrorCode.OK:
            raise SketchRobotError(ErrorCode(answer.error_code), answer.error_msg)
        return answer

    async def _wait(
        self,
        future: Future,
        timeout_s: float,
        late: SketchRobotError,
        meanwhile: Callable[[], None] = lambda: None,
        *,
        unless_ended: bool = True,
    ) -> Any:
        """The future's result, unless the drawing ends, the time is over or a node is lost."""
        deadline_s = time.monotonic() + timeout_s
        while not future.done():
            looked = self._look_around()
            if unless_ended and self._ended is not None:
                raise self._ended
            loss = self._lost() if looked else None
            if loss is not None:
                raise loss
            meanwhile()
            if time.monotonic() > deadline_s:
                raise late
            await _turn()
        return future.result()

    def _plotter_gone(self) -> SketchRobotError | None:
        lost = self._lost()
        if lost is not None:
            return lost
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
        self._handle.publish_feedback(self._feedback)


def _has_picture(image: Image) -> bool:
    return len(image.data) > 0 or image.width > 0 or image.height > 0


def _render_request(goal: Draw.Goal, image: Image | None = None, **fields: Any) -> RenderLineArt.Request:
    return RenderLineArt.Request(
        image=Image() if image is None else image,
        artist=goal.artist,
        styles=goal.styles,
        style_weights=goal.style_weights,
        detail=goal.detail,
        age_lines=goal.age_lines,
        caricature=goal.caricature,
        shading=goal.shading,
        pose=goal.pose,
        pose_image=goal.pose_image,
        **fields,
    )


def _plan_request(goal: Draw.Goal, **fields: Any) -> PlanDrawing.Request:
    return PlanDrawing.Request(
        page=goal.page,
        time_budget=goal.time_budget,
        caption=goal.caption,
        signature=goal.signature,
        layout=goal.layout,
        **fields,
    )
