"""The graph as processes on a domain of its own, and a probe: what the ROS benches measure with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rclpy
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sketch_robot_interfaces.action import Draw
from skimage import data

from sketch_robot.graph import middleware_environment, portrait_graph
from sketch_robot.nodes.graph_process import free_domain


def frame_1280x720() -> np.ndarray:
    """(720, 1280, 3) uint8 RGB: the astronaut as a camera at a fair would see her."""
    rgb = np.full((720, 1280, 3), 190, np.uint8)
    rgb[104:616, 384:896] = data.astronaut()
    return rgb


class RosWorld:
    """The nodes of `portrait_graph` with the given options, one process each; a context manager."""

    def __init__(
        self, only: tuple[str, ...] = (), overrides: dict[str, dict[str, Any]] | None = None, **options: str
    ) -> None:
        self._options, self._only, self._overrides = options, only, overrides or {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> RosWorld:
        os.environ.update(middleware_environment())
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        domain = free_domain()
        log = (Path(tempfile.mkdtemp()) / 'graph.log').open('wb')
        for spec in portrait_graph(self._options):
            if self._only and spec.name not in self._only:
                continue
            parameters = {**spec.parameters, **self._overrides.get(spec.name, {})}
            words = [w for name, value in parameters.items() for w in ('-p', f'{name}:={_yaml(value)}')]
            self.processes[spec.name] = subprocess.Popen(
                [sys.executable, '-m', spec.module, *(['--ros-args', *words] if words else [])],
                env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
                stdout=log,
                stderr=log,
            )
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        self.node = Node('bench', context=self._context)
        self.executor = SingleThreadedExecutor(context=self._context)
        self.executor.add_node(self.node)
        self._draw: ActionClient | None = None
        self._clients: dict[str, Any] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                process.kill()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def until(self, condition: Callable[[], Any], timeout_s: float = 60.0) -> None:
        """Spin until the condition is true; raises TimeoutError."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f'nothing within {timeout_s} s')
            self.executor.spin_once(timeout_sec=0.02)

    def spin(self, seconds: float) -> None:
        """Spin for so long."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.executor.spin_once(timeout_sec=0.02)

    def answer(self, future: Any, timeout_s: float = 120.0) -> Any:
        """A future's result."""
        self.until(future.done, timeout_s)
        return future.result()

    def rate_of(self, kind: Any, topic: str, profile: Any, seconds: float) -> float:
        """Messages a second of a topic."""
        times: list[float] = []
        subscription = self.node.create_subscription(kind, topic, lambda _: times.append(time.monotonic()), profile)
        self.spin(seconds)
        self.node.destroy_subscription(subscription)
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 2 else 0.0

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """A service's answer."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
            self.until(self._clients[name].service_is_ready)
        return self.answer(self._clients[name].call_async(request))

    def send(self, goal: Draw.Goal, on_feedback: Callable[[Any], None] | None = None) -> Any:
        """An accepted goal's handle."""
        if self._draw is None:
            self._draw = ActionClient(self.node, Draw, 'draw')
        self.until(self._draw.server_is_ready)
        return self.answer(self._draw.send_goal_async(goal, feedback_callback=on_feedback))


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)
