"""Long work beside an executor, awaited by its callbacks.

An executor that computes answers nobody. A callback says `await worker.run(function, ...)`: the function runs in the
worker's one thread, one at a time in the order asked, and the executor goes on. A future's done callbacks run in the
executor's thread too, so that a node's state is touched by one thread only.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rclpy.node import Node
from rclpy.task import Future

from sketch_robot.errors import ErrorCode, SketchRobotError


class Worker:
    """One thread for the long work of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=node.get_name())

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
            executor = self._node.executor
            if executor is not None:
                executor.wake()

        try:
            self._pool.submit(work)
        except RuntimeError:  # closed: the node parks while its executor still spins
            name = self._node.get_name()
            future.set_exception(SketchRobotError(ErrorCode.CANCELLED, f'the node {name} is shutting down'))
        return future

    def close(self) -> None:
        """Drop what waits; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
