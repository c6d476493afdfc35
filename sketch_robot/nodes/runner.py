"""Run nodes in one process: an executor thread for each, an orderly end on Ctrl-C and on a plain kill.

Every node has a single-threaded executor of its own (a multi-threaded one loses frames), spun in a thread, so that one
node's callbacks never wait for another's. The main thread waits for a signal; then the nodes park while they can still
speak, and only then does ROS shut down.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.timer import Timer

from sketch_robot.errors import SketchRobotError
from sketch_robot.graph import middleware_environment

LAST_TURNS = 10  # what the executor still does after the nodes have parked: results and answers on their way
PARK_TIMEOUT_S = 3.0  # launch kills with SIGTERM 5 s after Ctrl-C


class RosLogHandler(logging.Handler):
    """Hands the rooms' log lines to the ROS log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one line under the module's name."""
        logger = get_logger(record.name)
        line = self.format(record)
        if record.levelno >= logging.ERROR:
            logger.error(line)
        elif record.levelno >= logging.WARNING:
            logger.warning(line)
        elif record.levelno >= logging.INFO:
            logger.info(line)
        else:
            logger.debug(line)


class SketchNode(Node):
    """A node that can be asked to leave things in order before ROS shuts down."""

    def every(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """A timer on the steady clock: it also runs while simulated time stands still."""
        return self.create_timer(seconds, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def park(self) -> None:
        """Stop what is going on and leave the pen up; called from the main thread while the executor still spins."""


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
    crew: list[_Crew] = []
    status = 0
    try:
        for make in makers:
            crew.append(_Crew(make(), stop))
        for member in crew:
            member.thread.start()
        stop.wait()
    except SketchRobotError as error:
        get_logger('sketch_robot').fatal(str(error))
        status = 1
    finally:
        for member in crew:
            member.node.park()
        for member in crew:
            member.end()
        for member in crew:
            member.close()
        status = max([status, *(member.status for member in crew)])
        rclpy.try_shutdown()
        rooms.removeHandler(handler)
        for number, old in old_handlers.items():
            signal.signal(number, old)
    return status


class _Crew:
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


def run_node(maker: Callable[[], SketchNode]) -> None:
    """The body of a node executable's `main`."""
    sys.exit(run([maker]))
