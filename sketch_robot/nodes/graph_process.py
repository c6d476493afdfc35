"""The graph as a child process, on a ROS domain that is free."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from sketch_robot.errors import ErrorCode, SketchRobotError

STOP_TIMEOUT_S = 8.0
DOMAINS = range(1, 101)  # that fit between the system's own ports
FIRST_PORT, PORTS = 7410, 250  # what a domain's first participant listens to (DDSI-RTPS 2.5, 9.6.2.3)
PARTICIPANTS = 60  # of a domain that are looked for; each has two ports


def free_domain() -> int:
    """A ROS domain in which nobody on this machine is; a random one if somebody is in all of them."""
    domains = random.sample(DOMAINS, len(DOMAINS))
    return next((domain for domain in domains if is_free(domain)), domains[0])


def is_free(domain: int) -> bool:
    """Whether nobody on this machine is in a domain."""
    first = FIRST_PORT + PORTS * domain
    for port in range(first, first + 2 * PARTICIPANTS, 2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('', port))
            except OSError:
                return False
    return True


class Graph:
    """The nodes as a child process; a context manager that leaves none behind."""

    def __init__(self, options: dict[str, str], log: Path) -> None:
        words = [f'{name}:={value}' for name, value in options.items() if value]
        if shutil.which('ros2'):
            self._command = ['ros2', 'launch', 'sketch_robot', 'portrait.launch.py', *words]
        else:
            self._command = [sys.executable, '-P', '-m', 'sketch_robot.nodes.system', *words]
        self._log = log

    def __enter__(self) -> Graph:
        with self._log.open('wb') as out:
            # A session of its own: Ctrl-C in the terminal reaches this program only, which ends the graph in order.
            self._process = subprocess.Popen(
                self._command, stdout=out, stderr=out, start_new_session=True, env=_environment()
            )
        return self

    def check(self) -> None:
        """Raise when the graph has ended.

        Raises:
            SketchRobotError: NODE_LOST, with the end of its log.
        """
        if self._process.poll() is not None:
            end = self._log.read_text(errors='replace').strip().splitlines()[-1:] or ['it said nothing']
            raise SketchRobotError(ErrorCode.NODE_LOST, f'the graph ended by itself: {end[0]} (see {self._log})')

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            try:
                self._process.wait(timeout=STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()


def _environment() -> dict[str, str]:
    """The child runs the package that runs here, whatever lies in the folder where this program was started."""
    package = str(Path(__file__).parents[2])
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, (package, os.environ.get('PYTHONPATH'))))}


class NoGraph:
    """Somebody else runs the graph."""

    def __enter__(self) -> NoGraph:
        return self

    def check(self) -> None:
        """Nothing to check."""

    def __exit__(self, *_: object) -> None:
        pass
