"""Draw portraits from Python: a client of the robot's action `draw`.

>>> with PortraitClient() as robot:
...     drawing = robot.draw('face.jpg', page='A5', on_progress=print)
...     result = drawing.result(timeout=300.0)

The client has a thread and an executor of its own, so that waiting for a drawing blocks nobody else's callbacks: it is
used alike from a script, from inside another node's callback and from asyncio (`result = await drawing`). While a
drawing is asked for, the client tells the robot that it lives; when it dies or is stopped, the pen goes up within 3 s.
"""

from __future__ import annotations

import atexit
import itertools
import os
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw
from std_srvs.srv import SetBool, Trigger

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.graph import middleware_environment
from sketch_robot.nodes import qos
from sketch_robot.nodes.draw_calls import DrawCaller, DrawHandle
from sketch_robot.nodes.draw_messages import DrawError, DrawPhase, DrawProgress, DrawResult, make_goal
from sketch_robot.nodes.images import array_from_ros

__all__ = ['DrawError', 'DrawHandle', 'DrawPhase', 'DrawProgress', 'DrawResult', 'PortraitClient', 'make_goal']

KEEPALIVE_S = 2.5  # with what the robot needs to look and to lift the pen, a dead client is noticed within 3 s
_numbers = itertools.count(1)


class PortraitClient:
    """A client of the robot; a context manager.

    Args:
        node: a node of yours, whose namespace and ROS context the client shares; it is not spun, and its callbacks may
            wait for drawings. None: the client has a context of its own.
        context: an initialised context, where there is no node.
        namespace: the robot's, as 'robo'; None: that of `node`, else none.
        keepalive: how soon the robot may notice that this program died or hangs, seconds; 0: it need not live, and a
            drawing goes on without it.
        server_timeout: how long a drawing waits for the robot to be there, seconds.
    """

    def __init__(
        self,
        node: Node | None = None,
        *,
        context: rclpy.Context | None = None,
        namespace: str | None = None,
        keepalive: float = KEEPALIVE_S,
        server_timeout: float = 10.0,
    ) -> None:
        self.keepalive = keepalive
        if namespace is None:
            namespace = node.get_namespace() if node is not None else ''
        context = node.context if node is not None else context
        self._own_context = context is None
        if context is None:
            os.environ.update(middleware_environment())
            context = rclpy.Context()
            rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
        self._context = context
        self._node = Node(
            f'portrait_client_{os.getpid()}_{next(_numbers)}',
            context=context,
            namespace=namespace,
            start_parameter_services=False,
            enable_rosout=False,
            use_global_arguments=False,
        )
        self._caller = DrawCaller(self._node, server_timeout)
        self._closed = False
        atexit.register(self.close)

    # ------------------------------------------------------------- drawing
    def draw(
        self, image: Any = None, *, on_progress: Callable[[DrawProgress], object] = lambda _: None, **fields: Any
    ) -> DrawHandle:
        """Ask for a portrait; returns at once.

        Args:
            image: the photo: an array, (H, W, 3) RGB or (H, W) grey uint8; the path of a file; a `Photo`; a
                sensor_msgs Image. None: the next frame of the robot's camera is taken.
            on_progress: called with each progress, in a thread of the client's own; a slow one misses some.
            fields: any other field of the action's goal by its name, as `page='A5'`, `time_budget=60.0`,
                `dry_run=True`, `artist=...`, `styles=[...]`, with durations in seconds; see action/Draw.action.

        Raises:
            SketchRobotError: BAD_GOAL, BAD_IMAGE: a field or the picture cannot be used; CANCELLED, the client is
                closed. All else is told by the handle's `result`.
        """
        return self.draw_goal(make_goal(image, **{'keepalive': self.keepalive, **fields}), on_progress=on_progress)

    def draw_goal(
        self, goal: Draw.Goal, *, on_progress: Callable[[DrawProgress], object] = lambda _: None
    ) -> DrawHandle:
        """Send a goal of the action as it is; returns at once. See `draw`."""
        handle = DrawHandle(self._caller, goal, on_progress)
        self._caller.do(self._caller.begin, handle)
        return handle

    def is_ready(self) -> bool:
        """Whether the robot is there."""
        return self._caller.is_ready()

    def wait_until_ready(self, timeout: float | None = None) -> bool:
        """Wait until the robot is there; whether it is."""
        return _wait(lambda: self.is_ready() or self._caller.closed, timeout) and self.is_ready()

    def paper(self, result: DrawResult | None = None, timeout: float = 5.0) -> np.ndarray | None:
        """The paper of a simulated machine as a picture, (H, W) grey or (H, W, 3) RGB uint8.

        Args:
            result: of the drawing after which the paper is wanted; None: as it is now.
            timeout: how long to wait for it, seconds.

        Returns:
            the picture; the last that there was when the right one did not come; None when there was none, or the
            drawing ended before the machine was asked.
        """
        if result is not None and result.message.finished == Time():
            return None
        seen: queue.SimpleQueue[Image] = queue.SimpleQueue()
        listening = self._made(lambda: self._node.create_subscription(Image, 'paper', seen.put, qos.LATCHED))
        deadline_s = time.monotonic() + timeout
        last = None
        try:
            while last is None or (result is not None and last.header.stamp != result.message.finished):
                last = seen.get(timeout=max(0.0, deadline_s - time.monotonic()))
        except queue.Empty:
            pass
        finally:
            self._caller.do(self._node.destroy_subscription, listening)
        return None if last is None else array_from_ros(last)

    # ------------------------------------------------------------- the machine
    def pause(self, timeout: float = 10.0) -> str:
        """Lift the pen and stand still in the middle of a drawing; returns what the machine says.

        Raises:
            SketchRobotError: it cannot; NODE_LOST, it does not answer. The other verbs likewise.
        """
        return self._command(Trigger, 'plotter/pause', Trigger.Request(), timeout)

    def resume(self, timeout: float = 10.0) -> str:
        """Go on after a pause, or draw the rest of a drawing that was stopped, lost or killed."""
        return self._command(Trigger, 'plotter/resume', Trigger.Request(), timeout)

    def stop(self, timeout: float = 10.0) -> str:
        """End whatever is being drawn, whoever asked for it: pen up, park."""
        return self._command(Trigger, 'plotter/stop', Trigger.Request(), timeout)

    def home(self, timeout: float = 120.0) -> str:
        """Look for the machine's home; ends an alarm."""
        return self._command(Trigger, 'plotter/home', Trigger.Request(), timeout)

    def set_origin(self, timeout: float = 10.0) -> str:
        """Say that the pen is over the page's lower left corner now."""
        return self._command(Trigger, 'plotter/set_origin', Trigger.Request(), timeout)

    def set_pen(self, down: bool, timeout: float = 10.0) -> str:
        """Lower or raise the pen."""
        return self._command(SetBool, 'plotter/pen', SetBool.Request(data=down), timeout)

    # ------------------------------------------------------------- the end
    def close(self) -> None:
        """Cancel what is still going, unless it may go on without this client, and leave."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._caller.close()
        self._node.destroy_node()
        if self._own_context:
            rclpy.try_shutdown(context=self._context)

    def __enter__(self) -> PortraitClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _made(self, make: Callable[[], Any]) -> Any:
        """What a function makes in the executor's thread."""
        made: Future[Any] = Future()
        self._caller.do(lambda: made.set_result(make()))
        return made.result(timeout=10.0)

    def _command(self, kind: Any, name: str, request: Any, timeout: float) -> str:
        service = self._made(lambda: self._node.create_client(kind, name))
        answered: Future[Any] = Future()
        try:
            if not _wait(service.service_is_ready, timeout):
                raise SketchRobotError(ErrorCode.NODE_LOST, f'no node offers {service.srv_name}')
            self._caller.do(
                lambda: service.call_async(request).add_done_callback(lambda call: answered.set_result(call.result()))
            )
            answer = answered.result(timeout)
        except TimeoutError as error:
            raise SketchRobotError(
                ErrorCode.NODE_LOST, f'{service.srv_name} did not answer in {timeout:g} s'
            ) from error
        finally:
            self._caller.do(self._node.destroy_client, service)
        if answer.success:
            return answer.message
        code, sign, words = answer.message.partition(': ')
        if sign and code in ErrorCode.__members__:
            raise SketchRobotError(ErrorCode[code], words)
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, answer.message)


def _wait(condition: Callable[[], bool], timeout: float | None) -> bool:
    deadline_s = np.inf if timeout is None else time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True
