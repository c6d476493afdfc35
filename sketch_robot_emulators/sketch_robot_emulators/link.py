"""A serial link to an emulated machine in the machine's own time: no threads, no wall clock, the same every time.

Time passes only while somebody waits for an answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from sketch_robot_emulators.cable import Cable

_TINY_S = 1e-7
_PRINTABLE = bytes(byte if 0x20 <= byte < 0x7F else 0xFF for byte in range(256))


M = TypeVar('M', bound=Cable)


class VirtualLink(Generic[M]):
    """The port of an emulated machine, as a driver's `Link`.

    Args:
        unit: the machine.
        latency_s: machine seconds that an answer needs beside those of the line.
        offline: makes the error that is raised when there is no machine, or the link is not open.
        port: what people call it.
    """

    def __init__(
        self,
        unit: M,
        *,
        latency_s: float = 0.0,
        offline: Callable[[str], Exception] = ConnectionError,
        port: str = 'the emulated machine',
    ) -> None:
        self.unit, self.port, self.latency_s = unit, port, latency_s
        self._offline = offline
        self._actions: list[tuple[float, Callable[[], object]]] = []
        self._input, self._lines = b'', deque[str]()
        self._is_open = self._is_dead = self._woken = False

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something, as another thread would, at a time since power-on."""
        self._actions = sorted([*self._actions, (seconds, action)], key=lambda timed: timed[0])

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something when so much of the machine's time has passed."""
        self.at(self.now_s() + seconds, action)

    def kill(self) -> None:
        """Let the program that uses it say nothing more, as if it had been killed."""
        self._is_dead = True

    def revive(self) -> None:
        """Let another program use it."""
        self._is_dead = self._is_open = False

    def now_s(self) -> float:
        """Seconds of the machine's time."""
        return self.unit.seconds

    def open(self) -> None:
        """Open the port."""
        if self._is_dead or not self.unit.plugged:
            raise self._offline(f'there is no machine at {self.port}; plug it in, then connect again')
        if not self._is_open:
            self.unit.heard()
            self._input = b''
            self._lines.clear()
            self.unit.client_opens()
        self._is_open = True

    def close(self) -> None:
        """Close the port."""
        self._is_open = False

    def wake(self) -> None:
        """Let the next `read_line` return at once."""
        self._woken = True

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._check()
        self.unit.send(data)

    def read_line(self, timeout_s: float) -> str | None:
        """The next line without its end, never empty; None: none came in time, or somebody called `wake`."""
        self._check()
        while self.unit.suspended_until > self.now_s():
            self.wait(self.unit.suspended_until - self.now_s())
        end = self.now_s() + timeout_s
        while not self._lines:
            self._take(self.unit.heard())
            if self._lines or self._woken or self.now_s() >= end or not self.unit.plugged:
                break
            self.wait(max(1e-6, end - self.now_s()), until_heard=True)
            if self.latency_s:
                self.wait(self.latency_s)
        self._woken = False
        self._check()
        return self._lines.popleft() if self._lines else None

    def wait(self, seconds: float, *, until_heard: bool = False) -> None:
        """Let the machine run."""
        end = self.now_s() + seconds
        while True:
            until = min([end, *(moment for moment, _ in self._actions[:1])])
            self.unit.run(max(0.0, until - self.now_s()), until_heard=until_heard)
            now = self.now_s() + _TINY_S
            due = [action for moment, action in self._actions if moment <= now]
            self._actions = [timed for timed in self._actions if timed[0] > now]
            for action in due:
                action()
            if until_heard or self.now_s() >= end - _TINY_S:
                return

    def overhear(self, data: bytes) -> None:
        """Let the program hear what the machine has not said."""
        self._take(data)

    def _take(self, data: bytes) -> None:
        *lines, self._input = (self._input + data).replace(b'\r', b'\n').split(b'\n')
        self._lines.extend(line.translate(_PRINTABLE).decode('ascii', 'replace') for line in lines if line)

    def _check(self) -> None:
        if self._is_dead or not self._is_open:
            raise self._offline(f'{self.port} is not connected; connect it first')
        if not self.unit.plugged:
            raise self._offline(f'{self.port} was lost; plug it in, then connect it again')
