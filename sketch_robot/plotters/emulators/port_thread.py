"""The thread that runs an emulated machine behind a pseudo-terminal, from plugging it in to switching it off."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sketch_robot.plotters.emulators.pty import PseudoTerminal

_log = logging.getLogger(__name__)


class PortThread(ABC):
    """See the module. What others do to the machine is done `aside`.

    Args:
        name: what the log calls the machine.
        link: a path that always leads to the port; None: the port is the pseudo-terminal itself.
        turn_s: wall-clock; how often time passes while something moves.
        quiet_s: wall-clock; how often while nothing does.
        latest_s: wall-clock; time that could not be kept up with is forgotten beyond this.
    """

    def __init__(self, name: str, link: str | Path | None, *, turn_s: float, quiet_s: float, latest_s: float) -> None:
        self._name, self._link = name, link
        self._turn_s, self._quiet_s, self._latest_s = turn_s, quiet_s, latest_s
        self._terminal: PseudoTerminal | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._wall_s = 0.0

    @property
    def port(self) -> str:
        """Path of the serial port. Without a link it changes when the port is plugged in again."""
        if self._terminal is None:
            raise RuntimeError('the emulator has not been started')
        return self._terminal.path

    def start(self) -> None:
        """Plug in and power on. Starting twice is harmless.

        Raises:
            SketchRobotError: BAD_GOAL, the link cannot be made; PLOTTER_OFFLINE, no pseudo-terminal is left.
        """
        if self._thread is not None:
            return
        self._closing.clear()
        self._terminal = PseudoTerminal(self._link)
        self._wall_s = time.monotonic()
        self._thread = threading.Thread(target=self._work, args=(self._terminal,), name=self._name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Power off; the port vanishes. Closing twice is harmless."""
        if self._thread is None or self._terminal is None:
            return
        self._closing.set()
        self._terminal.wake()
        self._thread.join()
        self._terminal.close()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do something to the machine while its thread stands still; it notices at once."""
        with self._lock:
            yield
        if self._terminal is not None:
            self._terminal.wake()

    @property
    @abstractmethod
    def _plugged(self) -> bool:
        """Whether the cable is in."""

    @property
    @abstractmethod
    def _busy(self) -> bool:
        """Whether anything happens by itself."""

    @abstractmethod
    def _pass(self, seconds: float) -> None:
        """Let so much wall-clock time pass."""

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """Take what the client has sent."""

    @abstractmethod
    def _answer(self) -> bytes:
        """What goes to the client."""

    @abstractmethod
    def _mind_client(self, terminal: PseudoTerminal) -> None:
        """See whether a client has come or gone."""

    def _work(self, terminal: PseudoTerminal) -> None:
        try:
            while not self._closing.is_set():
                with self._lock:
                    self._turn(terminal)
                    busy = self._busy
                terminal.wait(self._turn_s if busy else self._quiet_s)
        except Exception:  # a thread has nobody to tell but the log
            _log.exception('the %s has a defect', self._name)
            terminal.unplug()
            raise

    def _turn(self, terminal: PseudoTerminal) -> None:
        """Let time pass, take what the client has sent, and answer."""
        now_s = time.monotonic()
        if now_s > self._wall_s:
            passed_s, self._wall_s = min(now_s - self._wall_s, self._latest_s), now_s
            self._pass(passed_s)
        if self._plugged and not terminal.plugged:
            terminal.plug()
        elif terminal.plugged and not self._plugged:
            terminal.unplug()
        self._mind_client(terminal)
        if data := terminal.read():
            self._take(data)
        terminal.write(self._answer())
