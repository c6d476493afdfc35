"""Every node killed at random moments, as a crash, a power cut or a person does it: what becomes of the drawing."""

from __future__ import annotations

import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sketch_robot_interfaces.msg import PlotterState

from bench.registry import Figure, bench
from bench.ros_world import free_domain
from sketch_robot.client import DrawError, DrawPhase
from sketch_robot.errors import ErrorCode
from sketch_robot.testing import Running, World

RESPAWN_S = 1.0  # as launch/portrait.launch.py starts nodes again
SPEEDUP = 20.0
LONGEST_S = 4.0  # after a goal begins: it is drawn in about five
NOTICED_S = 3.0  # by when a dead node is known to be
BACK_S = 120.0  # a node takes its time to start on a busy computer


@dataclass(frozen=True)
class Kill:
    """What one kill led to.

    Attributes:
        victim, signal: which node, and how.
        code: the drawing's end; OK: it was drawn, the node was not needed any more.
        after_s: from the kill to that end; None: it was over before.
        pen_up: whether the pen was up when all was back.
        next_code: the end of the next drawing.
        said: what the drawings' ends said.
    """

    victim: str
    signal: str
    code: ErrorCode
    after_s: float | None
    pen_up: bool
    next_code: ErrorCode
    said: str

    @property
    def in_order(self) -> bool:
        """Whether it ended with a name, pen up, and the robot drew again."""
        return self.code != ErrorCode.INTERNAL and self.pen_up and self.next_code == ErrorCode.OK


class Killer:
    """A graph whose nodes are started again when they have died, as launch does it, and somebody who kills them."""

    def __init__(self, world: World, seed: int = 7) -> None:
        self._world = world
        self._random = random.Random(seed)
        self.nodes = world.start_graph(photo='astronaut', speedup=f'{SPEEDUP:g}')
        self.states = world.states()
        self._ended = threading.Event()
        self._respawning = [threading.Thread(target=self._respawn, args=(node,)) for node in self.nodes.values()]
        for thread in self._respawning:
            thread.start()
        first, why = self.draw()
        assert first == ErrorCode.OK, why

    def close(self) -> None:
        """Start nothing again."""
        self._ended.set()
        for thread in self._respawning:
            thread.join()

    def draw(self, time_budget: float = 20.0) -> tuple[ErrorCode, str]:
        """How a small drawing ends."""
        try:
            self._world.client.draw(time_budget=time_budget).result(timeout=BACK_S)
        except DrawError as error:
            return error.code, error.message
        return ErrorCode.OK, ''

    def kill(self, victim: str, number: signal.Signals, phase: DrawPhase | None = None) -> Kill:
        """Kill a node when a drawing reaches a phase, else at a random moment, and see what becomes of it."""
        node = self.nodes[victim]
        process = node.process
        reached = threading.Event()
        drawing = self._world.client.draw(on_progress=lambda told: told.phase == phase and reached.set())
        if phase is None:
            time.sleep(self._random.uniform(0.0, LONGEST_S))
        elif not reached.wait(BACK_S):
            raise AssertionError(f'the drawing did not reach {phase}')
        node.signal(number)
        begin_s = time.monotonic()
        code, said = ErrorCode.OK, ''
        try:
            drawing.result(timeout=BACK_S)
        except DrawError as error:
            code, said = error.code, error.message
        after_s = time.monotonic() - begin_s
        self._world.until(
            lambda: node.process is not process and node.process.poll() is None, BACK_S, f'{victim} is back'
        )
        time.sleep(max(0.0, NOTICED_S - (time.monotonic() - begin_s)))  # sooner it ends the next drawing by its name
        next_code, why = self.draw()
        self._world.until(lambda: self.states[-1][1].status == PlotterState.IDLE, BACK_S, 'the machine is ready')
        pen_up = not self.states[-1][1].pen_down
        late_s = None if code == ErrorCode.OK else after_s
        return Kill(victim, number.name, code, late_s, pen_up, next_code, ' / '.join(filter(None, (said, why))))

    def _respawn(self, node: Running) -> None:
        while not self._ended.wait(0.05):
            if node.process.poll() is not None and not self._ended.wait(RESPAWN_S):
                node.start_again()


@bench('ros_kills', 'every node killed at random moments, fifty times', slow=True)
def kills(quick: bool) -> Iterator[Figure]:
    """SIGKILL and SIGTERM in turn, nodes in turn, moments at random, the same each time."""
    number = 10 if quick else 50
    done: list[Kill] = []
    with World(free_domain(), Path(tempfile.mkdtemp())) as world:
        killer = Killer(world)
        try:
            for k in range(number):
                victim = list(killer.nodes)[k % len(killer.nodes)]
                how = (signal.SIGKILL, signal.SIGTERM)[k // len(killer.nodes) % 2]
                done.append(killer.kill(victim, how))
                print(f'  {k + 1}: {done[-1]}', flush=True)
        finally:
            killer.close()
    late = [kill.after_s for kill in done if kill.after_s is not None]
    yield Figure('kills of nodes', float(len(done)), '')
    yield Figure('kills: drawings that ended with an error', float(len(late)), '')
    yield Figure('kills: from the kill to the named error, worst', max(late, default=0.0), 's', at_most=NOTICED_S)
    yield Figure('kills: not in order (no name, pen down, or the next drawing failed)',
                 float(sum(not kill.in_order for kill in done)), '', at_most=0.0)  # fmt: skip
