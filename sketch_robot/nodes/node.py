"""What every node of the graph has: an executor, a worker thread, an orderly end.

Every node has a single-threaded executor of its own (a multi-threaded one loses frames), spun in a thread, so that one
node's callbacks never wait for another's. The main thread waits for a signal; then the nodes park while they can still
speak, and only then does ROS shut down.

An executor that computes answers nobody: long work runs in the one thread of a `Worker`. A callback says
`await worker.run(function, ...)`, one function at a time in the order asked, and the executor goes on. A future's done
callbacks run in the executor's thread too, so that a node's state is touched by one thread only.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, NoReturn

import rclpy
from rclpy.action import ActionClient, ActionServer
from rclpy.action.server import ServerGoalHandle
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rclpy.timer import Timer

from sketch_robot.errors import ErrorCode, SketchRobotError, printable
from sketch_robot.graph import middleware_environment

_log = logging.getLogger(__name__)

LAST_TURNS = 10  # what the executor still does after the nodes have parked: results and answers on their way
PARK_TIMEOUT_S = 3.0  # launch kills with SIGTERM 5 s after Ctrl-C


_here = threading.local()  # `logger`: that of the node whose thread this is


class RosLogHandler(logging.Handler):
    """Hands the rooms' log lines to the ROS log, under the name of the node in whose thread they are written.

    Args:
        fallback: the name for threads that no node is known of, as those of a driver; None: the module's.
    """

    def __init__(self, fallback: str | None = None) -> None:
        super().__init__()
        self.fallback = fallback

    def emit(self, record: logging.LogRecord) -> None:
        """Log one line."""
        logger = getattr(_here, 'logger', None) or get_logger(self.fallback or record.name)
        line = printable(self.format(record))
        if record.levelno >= logging.ERROR:
            logger.error(line)
        elif record.levelno >= logging.WARNING:
            logger.warning(line)
        elif record.levelno >= logging.INFO:
            logger.info(line)
        else:
            logger.debug(line)


class SketchNode(Node):
    """A node that can be asked to leave things in order before ROS shuts down.

    Args:
        name: of the node.
        of_others: parameters that are given to all nodes of a process, though only others have them: no warning.
        options: as of `rclpy.node.Node`.
    """

    def __init__(self, name: str, *, of_others: Collection[str] = (), **options: Any) -> None:
        super().__init__(name, **options)
        self.of_others = frozenset(of_others)

    def speak_here(self) -> None:
        """Let what this thread logs be told under the node's name."""
        _here.logger = self.get_logger()

    def every(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """A timer on the steady clock: it also runs while simulated time stands still."""
        return self.create_timer(seconds, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def destroy_node(self) -> None:
        """Free everything, its actions too."""
        destroy_actions(self)
        super().destroy_node()

    def park(self) -> None:
        """Stop what is going on and leave the pen up; called from the main thread while the executor still spins."""


def destroy_actions(node: Node) -> None:
    """Free a node's action clients and servers: rclpy's `destroy_node` leaves them behind, heard by everybody."""
    for waitable in tuple(node.waitables):
        if isinstance(waitable, (ActionClient, ActionServer)):
            waitable.destroy()


def run(makers: Sequence[Callable[[], SketchNode]], args: list[str] | None = None) -> int:
    """Run nodes until SIGINT or SIGTERM, or until one of them fails.

    Args:
        makers: make the nodes, after ROS is initialised.
        args: the command line; None: the process's own.

    Returns:
        The exit status: 0, or 1 when a node could not start or died of an exception.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    os.environ.update(middleware_environment())
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    old_handlers = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    handler = RosLogHandler()
    rooms = logging.getLogger('sketch_robot')
    rooms.addHandler(handler)
    rooms.setLevel(logging.INFO)
    spinning: list[_SpinningNode] = []
    status = 0
    try:
        for make in makers:
            spinning.append(_SpinningNode(make(), stop))
            handler.fallback = spinning[0].node.get_logger().name if len(makers) == 1 else None
        for member in spinning:
            member.thread.start()
        stop.wait()
    except SketchRobotError as error:
        get_logger('sketch_robot').fatal(str(error))
        status = 1
    finally:
        for member in spinning:
            member.node.park()
        for member in spinning:
            member.end()
        for member in spinning:
            member.close()
        status = max([status, *(member.status for member in spinning)])
        rclpy.try_shutdown()
        rooms.removeHandler(handler)
        for number, old in old_handlers.items():
            signal.signal(number, old)
    return status


class _SpinningNode:
    """A node, its executor and its thread."""

    def __init__(self, node: SketchNode, stop: threading.Event) -> None:
        self.node = node
        self.status = 0
        self._stop = stop
        self._ending = False
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self.thread = threading.Thread(target=self._spin, name=node.get_name(), daemon=True)

    def _spin(self) -> None:
        self.node.speak_here()
        try:
            while not self._ending:
                self._executor.spin_once(timeout_sec=0.5)
            for _ in range(LAST_TURNS):
                self._executor.spin_once(timeout_sec=0.02)
        except (ExternalShutdownException, ShutdownException):
            self._stop.set()
        except Exception:
            logging.getLogger(f'sketch_robot.nodes.{self.node.get_name()}').exception('the node died of a defect')
            self.status = 1
            self._stop.set()

    def end(self) -> None:
        """Let the executor do what it still has, and stop spinning."""
        self._ending = True
        self._executor.wake()

    def close(self) -> None:
        """Free everything; not while it spins, or a callback would find the executor gone and its answer unsent."""
        if self.thread.is_alive():
            self.thread.join(timeout=2.0)
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()


def leave(status: int) -> NoReturn:
    """End the process at once, with everything that was written out.

    Taking down OpenVINO and numba takes an interpreter up to 0.8 s of processor time, and on a busy computer
    more than the 5 s after which launch kills.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run_node(maker: Callable[[], SketchNode]) -> NoReturn:
    """The body of a node executable's `main`."""
    leave(run([maker]))


class Worker:
    """One thread for the long work of one node.

    Args:
        node: whose work it is.
        name: what the thread does, where a node has several.
    """

    def __init__(self, node: SketchNode, name: str = '') -> None:
        self._node = node
        called = f'{node.get_name()} {name}' if name else node.get_name()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=called, initializer=node.speak_here)
        self._asked = self._done = 0

    @property
    def waiting(self) -> int:
        """How many functions are asked for and not done."""
        return self._asked - self._done

    def run(self, function: Callable[..., Any], *args: Any) -> Future:
        """A future of what the function returns or raises; await it in a coroutine callback.

        After `close` the future holds a SketchRobotError, CANCELLED.
        """
        future = Future(executor=self._node.executor)

        def work() -> None:
            try:
                result = function(*args)
            except Exception as error:  # noqa: BLE001  it is raised again where the future is awaited
                future.set_exception(error)
            else:
                future.set_result(result)
            self._done += 1
            executor = self._node.executor
            if executor is not None:
                executor.wake()

        self._asked += 1
        try:
            self._pool.submit(work)
        except RuntimeError:  # closed: the node parks while its executor still spins
            self._asked -= 1
            name = self._node.get_name()
            future.set_exception(SketchRobotError(ErrorCode.CANCELLED, f'the node {name} is shutting down'))
        return future

    def close(self) -> None:
        """Drop what waits; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def end_goal(handle: ServerGoalHandle, code: int) -> None:
    """End a goal as its result's code says: succeeded, cancelled where that was asked for, or aborted.

    A goal that has ended already, as when its client has gone, stays as it is.
    """
    if not handle.is_active:
        return
    if code == ErrorCode.OK:
        handle.succeed()
    elif code == ErrorCode.CANCELLED and handle.is_cancel_requested:
        handle.canceled()
    else:
        handle.abort()


def failure_of(error: BaseException) -> SketchRobotError:
    """The failure to report: its own if it has a name, else INTERNAL, with the traceback in the log."""
    if isinstance(error, SketchRobotError):
        return error
    _log.error('a defect', exc_info=error)
    return SketchRobotError(ErrorCode.INTERNAL, f'{type(error).__name__}: {error}; the log has the traceback')
