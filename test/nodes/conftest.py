"""Real nodes as processes on a ROS domain of their own, and a probe that talks to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from domain_coordinator import domain_id
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState
from skimage import data

from sketch_robot.graph import middleware_environment
from sketch_robot.nodes import qos
from sketch_robot.nodes.images import image_to_ros

ROOT = Path(__file__).resolve().parents[2]
LOG_TAIL = 3000  # characters of each process's log that a failed wait shows
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


class Running:
    """One process of the graph."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open('wb') as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)

    @property
    def output(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(errors='replace')

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self, timeout_s: float = 15.0) -> int:
        """Its exit status."""
        return self.process.wait(timeout=timeout_s)

    def end(self) -> None:
        """End it, in order if it lets itself."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Probe(Node):
    """A client of everything, with its own context and executor."""

    def __init__(self, context: rclpy.Context) -> None:
        super().__init__('probe', context=context)
        self.executor_ = SingleThreadedExecutor(context=context)
        self.executor_.add_node(self)
        self.running: list[Running] = []

    def until(self, condition: Callable[[], Any], timeout_s: float = 20.0, what: str = '') -> Any:
        """Spin until the condition is true; returns its value. Fails after the deadline."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline_s:
                logs = '\n'.join(f'--- {r.log.name}\n{r.output[-LOG_TAIL:]}' for r in self.running)
                pytest.fail(f'not within {timeout_s} s: {what or condition}\n{logs}')
            self.executor_.spin_once(timeout_sec=0.01)

    def result(self, future: Any, timeout_s: float = 60.0) -> Any:
        """The result of a future."""
        self.until(future.done, timeout_s, 'an answer')
        return future.result()

    def call(self, kind: Any, name: str, request: Any, timeout_s: float = 20.0) -> Any:
        """Call a service once it is there."""
        client = self.create_client(kind, name)
        self.until(client.service_is_ready, timeout_s, f'the service {name}')
        answer = self.result(client.call_async(request), timeout_s)
        self.destroy_client(client)
        return answer

    def collect(self, kind: Any, topic: str, profile: Any = 10) -> list[Any]:
        """A list that fills with (arrival time, message) of a topic."""
        found: list[Any] = []
        self.create_subscription(kind, topic, lambda msg: found.append((time.monotonic(), msg)), profile)
        return found


class DrawCall:
    """A goal on its way, its feedback with arrival times, and its end."""

    def __init__(self, probe: Probe, goal: Draw.Goal, client: ActionClient) -> None:
        self.probe = probe
        self.feedback: list[tuple[float, Draw.Feedback]] = []
        probe.until(client.server_is_ready, 30.0, 'the action draw')
        sent = client.send_goal_async(goal, feedback_callback=self._on_feedback)
        self.handle = probe.result(sent)
        self.accepted: bool = self.handle.accepted
        self.coming = self.handle.get_result_async() if self.accepted else None

    def _on_feedback(self, msg: Any) -> None:
        self.feedback.append((time.monotonic(), msg.feedback))

    def until_phase(self, phase: int, timeout_s: float = 30.0) -> None:
        """Wait until feedback names the phase."""
        self.probe.until(lambda: any(f.phase == phase for _, f in self.feedback), timeout_s, f'phase {phase}')

    def until_drawing(self, strokes: int = 1, timeout_s: float = 30.0) -> None:
        """Wait until so many strokes are on paper."""
        self.probe.until(lambda: any(f.strokes_done >= strokes for _, f in self.feedback), timeout_s, 'strokes')

    def cancel(self) -> float:
        """Cancel; returns after how many seconds it was acknowledged."""
        begin_s = time.monotonic()
        self.probe.result(self.handle.cancel_goal_async())
        return time.monotonic() - begin_s

    def result(self, timeout_s: float = 60.0) -> Draw.Result:
        """Its result."""
        return self.probe.result(self.coming, timeout_s).result

    @property
    def status(self) -> int:
        """The goal's final status (action_msgs/GoalStatus)."""
        return self.coming.result().status


class World:
    """A ROS domain of a test's own, with processes and a probe in it."""

    def __init__(self, domain: int, logs: Path) -> None:
        self._logs = logs
        own = {'ROS_DOMAIN_ID': str(domain), 'XDG_STATE_HOME': str(logs / 'state')}  # no test finds another's drawings
        self._environment = {**os.environ, **middleware_environment(), **own}
        os.environ.update(middleware_environment())
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        self.probe = Probe(self._context)
        self.running = self.probe.running
        self._draw_client: ActionClient | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Of processes on this domain."""
        return dict(self._environment)

    def start(self, module: str, *words: str) -> Running:
        """Start `sketch_robot.nodes.<module>` with command line words."""
        log = self._logs / f'{len(self.running)}_{module}.log'
        command = [sys.executable, '-m', f'sketch_robot.nodes.{module}', *words]
        self.running.append(Running(command, log, self._environment))
        return self.running[-1]

    def start_node(self, name: str, **parameters: Any) -> Running:
        """Start one node with parameters."""
        words = [word for key, value in parameters.items() for word in ('-p', f'{key}:={_yaml(value)}')]
        return self.start(name, '--ros-args', *words)

    def node(self, name: str) -> Node:
        """A node in the test's own process, spun by the probe: a stand-in for a neighbour."""
        node = Node(name, context=self._context)
        self.probe.executor_.add_node(node)
        return node

    def adopt(self, make: Callable[..., Node]) -> Node:
        """One of the project's nodes in the test's own process, spun by the probe."""
        node = make(context=self._context)
        self.probe.executor_.add_node(node)
        return node

    def draw(self, **fields: Any) -> DrawCall:
        """Send a goal to the action draw."""
        if self._draw_client is None:
            self._draw_client = ActionClient(self.probe, Draw, 'draw')
        return DrawCall(self.probe, Draw.Goal(**fields), self._draw_client)

    def hang_up(self) -> None:
        """Be no client of the action draw any more, as one that has died."""
        if self._draw_client is not None:
            self._draw_client.destroy()
            self._draw_client = None

    def states(self) -> list[tuple[float, PlotterState]]:
        """A list that fills with the plotter's states."""
        return self.probe.collect(PlotterState, 'plotter_state', qos.LATCHED)

    def close(self) -> None:
        """End everything."""
        for running in self.running:
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGINT)
        for running in self.running:
            running.end()
        self.probe.executor_.shutdown()
        for waitable in list(self.probe.waitables):  # a node forgets them, and one left over would listen on
            if isinstance(waitable, ActionClient):
                waitable.destroy()
        self.probe.destroy_node()
        rclpy.try_shutdown(context=self._context)


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A fresh domain."""
    with domain_id() as domain:
        made = World(int(domain), tmp_path)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope='module')
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A domain that the tests of a module share; each leaves it as it found it."""
    with domain_id() as domain:
        made = World(int(domain), tmp_path_factory.mktemp('logs'))
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope='session')
def astronaut() -> np.ndarray:
    """(512, 512, 3) uint8 RGB: scikit-image's portrait of Eileen Collins."""
    return data.astronaut()


@pytest.fixture
def astronaut_image(astronaut: np.ndarray) -> Image:
    """The same as a message."""
    return image_to_ros(astronaut, 'rgb8')
