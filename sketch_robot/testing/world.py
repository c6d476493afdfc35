"""A ROS domain of a test's own: nodes as processes, a probe that talks to them, a client, a simulated camera."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
from domain_coordinator import domain_id
from rclpy.action import ActionClient
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState
from unique_identifier_msgs.msg import UUID

import sketch_robot
from sketch_robot.client import PortraitClient
from sketch_robot.graph import middleware_environment, portrait_graph
from sketch_robot.nodes import qos
from sketch_robot.nodes.graph_process import DOMAINS, is_free
from sketch_robot.nodes.node import destroy_actions
from sketch_robot.testing.camera import Frames, SimulatedCamera

PACKAGES = Path(sketch_robot.__file__).parents[1]  # the processes run the package that runs here
LOG_TAIL = 3000  # characters of each process's log that a failed wait shows
START_S = 120.0  # a graph takes its time to start on a busy computer
_domains = itertools.cycle(random.sample(DOMAINS, len(DOMAINS)))  # one just left is the last to be taken again


class Running:
    """One process of the graph.

    Attributes:
        log: the file with what it says.
        process: the process.
    """

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.log = log
        self._command, self._environment = command, environment
        self._start()

    def _start(self) -> None:
        with self.log.open('ab') as out:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=out, stderr=out)

    @property
    def output(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(errors='replace')

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash or a power cut does."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Stop its execution, as a computer that hangs."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def start_again(self) -> None:
        """Start it as it was started, after it has ended."""
        self.wait()
        self._start()

    def wait(self, timeout_s: float = 15.0) -> int:
        """Its exit status."""
        return self.process.wait(timeout=timeout_s)

    def end(self) -> None:
        """End it, in order if it lets itself."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class _Listener:
    """A node that is spun in a thread of its own: it hears and sends while the test does something else."""

    def __init__(self, context: rclpy.Context) -> None:
        self.node = Node('listener', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._ended = False
        self._thread = threading.Thread(target=self._spin, name='listener', daemon=True)
        self._thread.start()

    def collect(self, kind: Any, topic: str, profile: Any) -> list[Any]:
        """A list that fills with (arrival time, message) of a topic."""
        found: list[Any] = []
        made = threading.Event()

        def listen() -> None:
            self.node.create_subscription(kind, topic, lambda msg: found.append((time.monotonic(), msg)), profile)
            made.set()

        self._executor.create_task(listen)
        if not made.wait(10.0):
            raise AssertionError(f'no subscription to {topic} within 10 s')
        return found

    def close(self) -> None:
        """Stop."""
        self._ended = True
        self._executor.wake()
        self._thread.join(timeout=5.0)
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()

    def _spin(self) -> None:
        try:
            while not self._ended:
                self._executor.spin_once(timeout_sec=0.5)
        except (ExternalShutdownException, ShutdownException):
            return


class Probe(Node):
    """A node that calls services and actions, spun by the test itself while it waits."""

    def __init__(self, context: rclpy.Context, listener: _Listener) -> None:
        super().__init__('probe', context=context)
        self._listener = listener
        self.executor_ = SingleThreadedExecutor(context=context)
        self.executor_.add_node(self)
        self.running: list[Running] = []

    def until(self, condition: Callable[[], Any], timeout_s: float = 20.0, what: str = '') -> Any:
        """Spin until the condition is true; returns its value.

        A condition may look at the last of a list that `collect` gave: while nothing has come, it is not true yet.

        Raises:
            AssertionError: it is not within `timeout_s`; with the end of each process's log.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            with suppress(IndexError):
                value = condition()
                if value:
                    return value
            if time.monotonic() > deadline_s:
                logs = '\n'.join(f'--- {r.log.name}\n{r.output[-LOG_TAIL:]}' for r in self.running)
                raise AssertionError(f'not within {timeout_s} s: {what or condition}\n{logs}')
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
        """A list that fills with (arrival time, message) of a topic, also while the test does something else."""
        return self._listener.collect(kind, topic, profile)


class DrawCall:
    """A goal on its way as any client sends it, its feedback with arrival times, and its end."""

    def __init__(self, probe: Probe, goal: Draw.Goal, client: ActionClient) -> None:
        self.probe = probe
        self.feedback: list[tuple[float, Draw.Feedback]] = []
        probe.until(client.server_is_ready, 30.0, 'the action draw')
        sent = client.send_goal_async(goal, feedback_callback=self._on_feedback)
        self.handle = probe.result(sent)
        self.accepted: bool = self.handle.accepted
        self.coming: Any = self.handle.get_result_async() if self.accepted else None

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
    """A ROS domain of a test's own, with processes and a probe in it; a context manager.

    Args:
        domain: its ROS_DOMAIN_ID.
        folder: where the logs go, and what the nodes keep of their drawings.

    Attributes:
        probe: calls services and actions, and waits.
        running: all processes, in the order of their start.
        context: initialised for the domain, for nodes of the test's own.
    """

    def __init__(self, domain: int, folder: Path) -> None:
        self._logs = folder
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        os.environ.update(middleware_environment())
        own = {'ROS_DOMAIN_ID': str(domain), 'XDG_STATE_HOME': str(folder / 'state')}  # none finds another's drawings
        path = os.pathsep.join(filter(None, (str(PACKAGES), os.environ.get('PYTHONPATH'))))
        self._environment = {**os.environ, **own, 'PYTHONPATH': path}
        self.context = rclpy.Context()
        rclpy.init(args=[], context=self.context, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        self._listener = _Listener(self.context)
        self.probe = Probe(self.context, self._listener)
        self.running = self.probe.running
        self._cameras: list[SimulatedCamera] = []
        self._adopted: list[Node] = []
        self._client: PortraitClient | None = None
        self._draw_client: ActionClient | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Of processes on this domain."""
        return dict(self._environment)

    # ------------------------------------------------------------- the robot
    def start_graph(
        self, *, only: Iterable[str] = (), parameters: dict[str, dict[str, Any]] | None = None, **options: str
    ) -> dict[str, Running]:
        """Start the nodes that draw portraits, each a process.

        Args:
            only: names of those to start; empty: all.
            parameters: of nodes, by the node's name, over what the options set.
            options: the launch file's arguments. Without `photo` and `camera` there is no camera node: see `camera`.

        Returns:
            the processes by the node's name, with its namespace before it where it has one.
        """
        specs = portrait_graph(options if options.keys() & {'photo', 'camera'} else {**options, 'camera': 'none'})
        chosen = set(only) or {spec.name for spec in specs}
        more = parameters or {}
        patient = {'portrait': {'server_timeout': START_S}}
        started = {}
        for spec in (spec for spec in specs if spec.name in chosen):
            values = {**spec.parameters, **patient.get(spec.name, {}), **more.get(spec.name, {})}
            renamed = list(spec.remappings)
            if spec.namespace:
                renamed.append(('__ns', f'/{spec.namespace}'))
            words = [word for old, new in renamed for word in ('-r', f'{old}:={new}')]
            name = '/'.join(filter(None, (spec.namespace, spec.name)))
            started[name] = self.start(spec.name, '--ros-args', *words, *_parameter_words(values))
        return started

    def start_node(self, name: str, **parameters: Any) -> Running:
        """Start one node with parameters."""
        return self.start(name, '--ros-args', *_parameter_words(parameters))

    def start(self, module: str, *words: str) -> Running:
        """Start `sketch_robot.nodes.<module>` with command line words."""
        log = self._logs / f'{len(self.running)}_{module}.log'
        command = [sys.executable, '-P', '-m', f'sketch_robot.nodes.{module}', *words]
        self.running.append(Running(command, log, self._environment))
        return self.running[-1]

    # ------------------------------------------------------------- whom it meets
    @property
    def client(self) -> PortraitClient:
        """A client of the robot; it waits for a graph that is starting."""
        if self._client is None:
            self._client = PortraitClient(context=self.context, server_timeout=START_S)
        return self._client

    def camera(self, frames: Frames, rate_hz: float = 10.0, topic: str = 'image_raw') -> SimulatedCamera:
        """A camera that sends frames from now on; see `SimulatedCamera`."""
        self._cameras.append(SimulatedCamera(self._listener.node, frames, rate_hz, topic))
        return self._cameras[-1]

    def node(self, name: str) -> Node:
        """A node in the test's own process, spun by the probe: a stand-in for a neighbour."""
        return self.adopt(lambda context: Node(name, context=context))

    def adopt(self, make: Callable[..., Node]) -> Any:
        """One of the project's nodes in the test's own process, spun by the probe."""
        node = make(context=self.context)
        self._adopted.append(node)
        self.probe.executor_.add_node(node)
        return node

    def listen_for_keepalive(self, node: Node) -> None:
        """Have a stand-in for the portrait node listen to its clients' signs of life."""
        node.create_subscription(UUID, 'draw_keepalive', lambda _: None, qos.KEEPALIVE)

    # ------------------------------------------------------------- watching and waiting
    def collect(self, kind: Any, topic: str, profile: Any = 10) -> list[Any]:
        """A list that fills with (arrival time, message) of a topic."""
        return self._listener.collect(kind, topic, profile)

    def states(self) -> list[tuple[float, PlotterState]]:
        """A list that fills with the plotter's states."""
        return self.collect(PlotterState, 'plotter_state', qos.LATCHED)

    def until(self, condition: Callable[[], Any], timeout_s: float = 20.0, what: str = '') -> Any:
        """Wait until a condition is true; returns its value. See `Probe.until`."""
        return self.probe.until(condition, timeout_s, what)

    def draw(self, **fields: Any) -> DrawCall:
        """Send a raw goal to the action draw, as a client of any language does."""
        if self._draw_client is None:
            self._draw_client = ActionClient(self.probe, Draw, 'draw')
        return DrawCall(self.probe, Draw.Goal(**fields), self._draw_client)

    def hang_up(self) -> None:
        """Be no client of the action draw any more, as one that has died."""
        if self._draw_client is not None:
            self._draw_client.destroy()
            self._draw_client = None

    # ------------------------------------------------------------- the end
    def close(self) -> None:
        """End everything."""
        if self._client is not None:
            self._client.close()
        for camera in self._cameras:
            camera.stop()
        for running in self.running:
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGINT)
        for running in self.running:
            running.end()
        self.probe.executor_.shutdown()
        for node in (*self._adopted, self.probe):  # one left over would be heard by the next test in this domain
            destroy_actions(node)
            node.destroy_node()
        self._listener.close()
        rclpy.try_shutdown(context=self.context)

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def fresh_domain() -> Iterator[int]:
    """A domain in which nobody else is, neither another test nor a robot."""
    with ExitStack() as taken:
        while not is_free(domain := int(taken.enter_context(domain_id(lambda: next(_domains))))):
            pass
        yield domain


@contextmanager
def fresh_world(folder: Path) -> Iterator[World]:
    """A world on a fresh domain."""
    with fresh_domain() as domain, World(domain, folder) as made:
        yield made


def _parameter_words(values: dict[str, Any]) -> list[str]:
    return [word for key, value in values.items() for word in ('-p', f'{key}:={_yaml(value)}')]


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)
