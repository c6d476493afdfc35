"""What a client of the action `draw` does: goals on their way, in a thread and an executor of their own."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from action_msgs.srv import CancelGoal
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sketch_robot_interfaces.action import Draw
from unique_identifier_msgs.msg import UUID

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import qos
from sketch_robot.nodes.draw_messages import DrawError, DrawProgress, DrawResult, progress_from_ros, result_from_ros
from sketch_robot.nodes.messages import duration_from_ros

SIGNS = 6  # of life, in the time after which a client counts as dead
TICK_S = 0.1
ANSWER_TIMEOUT_S = 10.0  # then the goal is sent again
GONE_S = 0.2  # a server that comes back at once was not lost
ASK_S = 1.5  # a server that has been silent for so long is asked whether it still knows the drawing ...
ASK_AGAIN_S = 0.5  # ... and again, since one that is starting again does not hear the first time
SILENT_S = 30.0  # one that stays silent although it is there is lost, too
CLOSE_S = 2.0  # how long leaving waits until drawings that are still going have been cancelled
_log = logging.getLogger(__name__)


class DrawCaller:
    """The client's end of the action, with a thread that spins its node and one that calls the user back.

    Args:
        node: the client's own; nobody else spins it.
        server_timeout_s: how long a drawing waits for the robot to be there.

    Attributes:
        action: the action's client; used in the executor's thread only.
        signs: publishes signs of life.
        action_name: whole name of the action.
        drawings: those that have not ended.
    """

    def __init__(self, node: Node, server_timeout_s: float) -> None:
        self.server_timeout_s = server_timeout_s
        self._node = node
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self.action = ActionClient(node, Draw, 'draw')
        self.signs = node.create_publisher(UUID, 'draw_keepalive', qos.KEEPALIVE)
        self.action_name: str = node.resolve_topic_name('draw')
        self.drawings: set[DrawHandle] = set()
        self._over = ''  # why nothing can be done any more
        self._calls: queue.SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._timer = node.create_timer(TICK_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._spinning = threading.Thread(target=self._spin, name='PortraitClient', daemon=True)
        self._telling = threading.Thread(target=self._tell_all, name='PortraitClient callbacks', daemon=True)
        self._spinning.start()
        self._telling.start()

    @property
    def closed(self) -> bool:
        """Whether nothing can be done any more."""
        return bool(self._over)

    def is_ready(self) -> bool:
        """Whether the robot is there."""
        return not self._over and self.action.server_is_ready() and self.signs.get_subscription_count() > 0

    def do(self, work: Callable[..., object], *args: Any) -> None:
        """Have something done in the executor's thread, where everything of ROS is.

        Raises:
            SketchRobotError: CANCELLED, the client is closed, or ROS was shut down.
        """
        if self._over:
            raise SketchRobotError(ErrorCode.CANCELLED, self._over)
        self._executor.create_task(work, *args)

    def tell(self, callback: Callable[..., object], *args: Any) -> None:
        """Have a callback of the user called, in a thread that may wait."""
        self._calls.put((callback, args))

    def begin(self, drawing: DrawHandle) -> None:
        """Send the goal of a drawing, now or when the robot is there."""
        self.drawings.add(drawing)
        drawing.tick()

    def close(self) -> None:
        """Cancel what is still going, unless it may go on without this client, and end the threads."""
        if not self._over:
            cancels = [drawing.cancel() for drawing in tuple(self.drawings) if drawing.keepalive_s > 0.0]
            deadline_s = time.monotonic() + CLOSE_S
            while not all(cancel.done() for cancel in cancels) and time.monotonic() < deadline_s:
                time.sleep(0.01)
            self._over = 'the client is closed'
            self._executor.wake()
        if threading.current_thread() is not self._spinning:
            self._spinning.join(timeout=CLOSE_S)
        self._calls.put(None)
        self._give_up('the client was closed')
        self.action.destroy()
        self._executor.shutdown(timeout_sec=1.0)

    def _tick(self) -> None:
        for drawing in tuple(self.drawings):
            drawing.tick()

    def _spin(self) -> None:
        while not self._over:
            try:
                self._executor.spin_once(timeout_sec=0.5)
            except (ExternalShutdownException, ShutdownException):
                pass
            except Exception as error:  # noqa: BLE001  whoever waits for a drawing is told
                if self._node.context.ok():
                    _log.exception('a defect of the client')
                    self._give_up(f'{type(error).__name__}: {error}; the log has the traceback', ErrorCode.INTERNAL)
            if not self._node.context.ok():
                self._over = self._over or 'ROS was shut down'
                self._give_up(self._over)

    def _give_up(self, why: str, code: ErrorCode = ErrorCode.CANCELLED) -> None:
        for drawing in tuple(self.drawings):
            drawing.fail(code, why)

    def _tell_all(self) -> None:
        while (call := self._calls.get()) is not None:
            callback, args = call
            try:
                callback(*args)
            except Exception:  # noqa: BLE001  a user's, which must not end the thread
                _log.exception('a callback failed')


class DrawHandle:
    """A drawing that was asked for.

    Made by `PortraitClient.draw`; everything may be called from any thread, also from inside callbacks of a node.
    `await handle` waits for the result in asyncio, where a task that is cancelled cancels the drawing.
    """

    def __init__(self, caller: DrawCaller, goal: Draw.Goal, on_progress: Callable[[DrawProgress], object]) -> None:
        self._caller, self._goal, self._on_progress = caller, goal, on_progress
        self._ended: Future[DrawResult] = Future()
        self._ended.set_running_or_notify_cancel()  # cancelling is for the robot to do
        self._accepted: Future[bool] = Future()
        self._progress = DrawProgress()
        self._untold: list[DrawProgress] = []
        self._untold_lock = threading.Lock()
        self._ids: list[UUID] = []
        self._unanswered = 0
        self._handle: ClientGoalHandle | None = None
        self._cancels: list[Future[bool]] = []
        self.keepalive_s = duration_from_ros(goal.keepalive)
        self._begun_s = self._heard_s = self._asked_s = time.monotonic()
        self._sent_s = self._sign_s = -np.inf
        self._missed_s: float | None = None

    # ------------------------------------------------------------- for everybody
    @property
    def progress(self) -> DrawProgress:
        """Where it stands, by the last that was heard."""
        return self._progress

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._ended.done()

    def accepted(self, timeout: float | None = None) -> bool:
        """Wait until the robot has taken it on or refused to; False: it will not be drawn, `result` says why.

        Raises:
            TimeoutError: neither, after `timeout` seconds.
        """
        return self._accepted.result(timeout)

    def cancel(self) -> Future[bool]:
        """Have the pen lifted and parked; returns at once, also where it was asked before.

        Returns:
            a future that is done as soon as the robot has heard it: True when it stops, False when it had ended.
        """
        asked: Future[bool] = Future()
        if self.done:
            asked.set_result(False)
        else:
            self._caller.do(self._cancel, asked)
        return asked

    def result(self, timeout: float | None = None) -> DrawResult:
        """Wait for its end.

        Args:
            timeout: seconds; None: as long as it takes.

        Raises:
            DrawError: it did not come about; `code` says why: CANCELLED, BUSY, NO_FACE, NODE_LOST ...
            TimeoutError: it has not ended yet; it goes on.
        """
        return self._ended.result(timeout)

    def add_done_callback(self, callback: Callable[[DrawHandle], object]) -> None:
        """Have something called with this handle when it has ended, in the client's thread for callbacks."""
        self._ended.add_done_callback(lambda _: self._caller.tell(callback, self))

    def __await__(self) -> Generator[Any, None, DrawResult]:
        return self._wait().__await__()

    async def _wait(self) -> DrawResult:
        try:
            return await asyncio.shield(asyncio.wrap_future(self._ended))
        except asyncio.CancelledError:
            self.cancel()
            raise

    # ------------------------------------------------------------- in the client's executor
    def tick(self) -> None:
        """Do what is due."""
        now_s, caller = time.monotonic(), self._caller
        if now_s - self._sign_s >= self.keepalive_s / SIGNS and self.keepalive_s > 0.0:
            self._sign_s = now_s
            for goal_id in self._ids:
                caller.signs.publish(goal_id)
        if self._handle is not None:
            self._watch(self._handle, now_s)
        elif now_s - self._begun_s > caller.server_timeout_s and not self._ids:
            text = f'no node offers the action {caller.action_name} in this ROS domain; is the robot running?'
            self.fail(ErrorCode.NODE_LOST, text)
        elif now_s - self._begun_s > caller.server_timeout_s + ANSWER_TIMEOUT_S:
            self.fail(ErrorCode.NODE_LOST, f'the action {caller.action_name} did not answer')
        elif now_s - self._sent_s > ANSWER_TIMEOUT_S and caller.is_ready():
            self._send(now_s)

    def _send(self, now_s: float) -> None:
        """Ask for it, and again when no answer comes.

        In a graph that has just started on a busy computer the acceptance of a goal can be lost: the server's
        middleware may not have heard yet of whom to answer. Such a goal is not executed. Should the answer only have
        been late, the goal that was sent again is rejected, and the first one counts.
        """
        self._sent_s = now_s
        goal_id = UUID(uuid=list(os.urandom(16)))
        self._ids.append(goal_id)
        self._unanswered += 1
        sent = self._caller.action.send_goal_async(self._goal, self._on_feedback, goal_id)
        sent.add_done_callback(lambda answer: self._on_answer(answer.result()))

    def _on_answer(self, handle: ClientGoalHandle) -> None:
        self._unanswered -= 1
        if handle.accepted and (self.done or self._handle is not None):
            handle.cancel_goal_async()  # one of the two is enough
        elif handle.accepted:
            self._handle, self._ids = handle, [handle.goal_id]
            self._heard_s = self._asked_s = time.monotonic()
            self._accepted.set_result(True)
            self._ask(handle)
            for asked in self._cancels:
                self._send_cancel(handle, asked)
        elif self._handle is None and self._unanswered == 0:
            self.fail(ErrorCode.BUSY, 'the robot is drawing something else; one drawing at a time')

    def _ask(self, handle: ClientGoalHandle) -> None:
        self._asked_s = time.monotonic()
        handle.get_result_async().add_done_callback(lambda answer: self._on_result(answer.result()))

    def _watch(self, handle: ClientGoalHandle, now_s: float) -> None:
        """See whether the robot is still there and knows of the drawing."""
        if self._caller.action.server_is_ready():
            self._missed_s = None
        else:
            self._missed_s = self._missed_s or now_s
        silent_s = now_s - self._heard_s
        if self._missed_s is not None and now_s - self._missed_s > GONE_S:
            self.fail(ErrorCode.NODE_LOST, 'the node portrait went away in the middle of the drawing')
        elif silent_s > SILENT_S:
            self.fail(ErrorCode.NODE_LOST, f'the node portrait has been silent for {silent_s:.0f} s')
        elif silent_s > ASK_S and now_s - self._asked_s > ASK_AGAIN_S:
            self._ask(handle)

    def _on_feedback(self, msg: Any) -> None:
        if self.done:
            return
        self._heard_s = time.monotonic()
        self._progress = progress_from_ros(msg.feedback)
        with self._untold_lock:
            if self._untold and self._untold[-1].phase == self._progress.phase:  # a slow callback gets the newest one
                self._untold.pop()
            else:
                self._caller.tell(self._tell_progress)
            self._untold.append(self._progress)

    def _tell_progress(self) -> None:
        with self._untold_lock:
            progress = self._untold.pop(0)
        self._on_progress(progress)

    def _on_result(self, answer: Any) -> None:
        result, status = answer.result, answer.status
        if status == GoalStatus.STATUS_UNKNOWN:
            self.fail(ErrorCode.NODE_LOST, 'the node portrait was started again in the middle of the drawing')
        elif result.error_code != ErrorCode.OK:
            self.fail(ErrorCode(result.error_code), result.error_msg, result_from_ros(result))
        elif status != GoalStatus.STATUS_SUCCEEDED:
            self.fail(ErrorCode.INTERNAL, 'the drawing was given up without a reason; see the log of the node portrait')
        elif not self.done:
            self._end(lambda: self._ended.set_result(result_from_ros(result)))

    def fail(self, code: ErrorCode, message: str, result: DrawResult | None = None) -> None:
        if not self.done:
            stopped = code == ErrorCode.CANCELLED  # the result may overtake the answer to the cancel
            self._end(lambda: self._ended.set_exception(DrawError(code, message, result)), stopped)

    def _end(self, conclude: Callable[[], None], stopped: bool = False) -> None:
        """Everybody who waits is told; nothing is heard any more."""
        self._caller.drawings.discard(self)
        self._ids = []
        if not self._accepted.done():
            self._accepted.set_result(False)
        conclude()
        for asked in self._cancels:
            asked.set_result(stopped)
        self._cancels = []

    def _cancel(self, asked: Future[bool]) -> None:
        if self.done:
            asked.set_result(False)
            return
        if not self._ids:
            self.fail(ErrorCode.CANCELLED, 'the drawing was cancelled before the robot was there')
            asked.set_result(True)
            return
        self._cancels.append(asked)
        if self._handle is not None:
            self._send_cancel(self._handle, asked)

    def _send_cancel(self, handle: ClientGoalHandle, asked: Future[bool]) -> None:
        def on_answer(answer: Any) -> None:
            if asked in self._cancels:
                self._cancels.remove(asked)
                asked.set_result(answer.result().return_code == CancelGoal.Response.ERROR_NONE)

        handle.cancel_goal_async().add_done_callback(on_answer)
