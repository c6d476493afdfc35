"""An emulated machine on a pseudo-terminal: a thread that runs it by the wall clock, from plugging it in to switching
it off."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from sketch_robot_emulators.cable import Cable
from sketch_robot_emulators.ebb.unit import EbbUnit
from sketch_robot_emulators.faults import Fault
from sketch_robot_emulators.grbl.unit import GrblUnit
from sketch_robot_emulators.hpgl import HpglUnit
from sketch_robot_emulators.ink import Ink
from sketch_robot_emulators.marlin import MarlinUnit
from sketch_robot_emulators.pty import PseudoTerminal

TURN_S = 0.001  # wall clock; how often time passes while something moves
QUIET_S = 0.05  # and while nothing does
LATEST_S = 0.05  # time that could not be kept up with is forgotten beyond this
AHEAD_S = 0.001  # machine time that passes at once when the client has sent something
_EVENTS = 1_000_000  # that a machine of infinite speed may take in one turn
_log = logging.getLogger(__name__)
M = TypeVar('M', bound=Cable)


class Emulator(Generic[M]):
    """A machine behind its cable on a pseudo-terminal. Attributes may be read from any thread at any time.

    Args:
        arguments, options: of the machine, see there.
        speedup: machine seconds in a wall-clock second; inf: as fast as it can, without regard to the client.
        link: a path that always leads to the port; None: the port is the pseudo-terminal itself.

    Attributes:
        unit: the machine, in its own time; look at it, but let this thread alone run it.

    Raises:
        ValueError: a speed-up that is not positive.
    """

    kind: ClassVar[Callable[..., Any]]  # makes the machine

    def __init__(self, *arguments: Any, speedup: float = 1.0, link: str | Path | None = None, **options: Any) -> None:
        if not speedup > 0.0:
            raise ValueError(f'a speed-up of {speedup} is not possible; it must be positive')
        self.unit: M = type(self).kind(*arguments, **options)
        self._link, self._speedup = link, float(speedup)
        self._terminal: PseudoTerminal | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._wall_s = self._owed_s = 0.0  # machine seconds that have to pass yet; below zero: passed too early
        self._connected = False

    @property
    def port(self) -> str:
        """Path of the serial port. Without a link it changes when the port is plugged in again."""
        if self._terminal is None:
            raise RuntimeError('the emulator has not been started')
        return self._terminal.path

    @property
    def paper(self) -> Ink:
        """What the pen has left, in the page's frame: mm, the origin at the lower left corner."""
        return self.unit.trace.paper

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Where the pen truly is, in the page's frame, whatever the controller believes."""
        return self.unit.trace.xy_mm

    @property
    def pen_down(self) -> bool:
        """Whether it touches the paper."""
        return self.unit.trace.down

    @property
    def connected(self) -> bool:
        """Whether a client has the port open; one that goes and comes back at once may not be noticed."""
        return self._connected

    def start(self) -> None:
        """Plug in and power on. Starting twice is harmless.

        Raises:
            OSError: the link cannot be made, or no pseudo-terminal is left.
        """
        if self._thread is not None:
            return
        self._closing.clear()
        self._terminal = PseudoTerminal(self._link)
        self._wall_s, self._owed_s, self._connected = time.monotonic(), 0.0, False
        self._thread = threading.Thread(target=self._work, args=(self._terminal,), name=self.unit.name, daemon=True)
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

    def unplug(self) -> None:
        """Pull the USB cable: the client sees its port vanish; the machine goes on with what it has."""
        with self.aside():
            self.unit.unplug()

    def replug(self) -> None:
        """Put the cable back: a new device under the same link."""
        with self.aside():
            self.unit.replug()

    def inject(self, fault: Fault) -> None:
        """Let something go wrong when its moment comes; one that has passed is now."""
        with self.aside():
            self.unit.inject(fault)

    def wait_until_idle(self, seconds: float = 10.0) -> bool:
        """Wait at most so many wall-clock seconds until nothing moves and nothing is on its way; whether it is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self._lock:
                if self.unit.at_rest:
                    return True
            time.sleep(0.002)
        return False

    # ------------------------------------------------------------- the thread
    def _work(self, terminal: PseudoTerminal) -> None:
        try:
            while not self._closing.is_set():
                with self._lock:
                    self._turn(terminal)
                    busy = not self.unit.quiet
                terminal.wait(TURN_S if busy else QUIET_S)
        except Exception:  # a thread has nobody to tell but the log
            _log.exception('the emulated %s has a defect', self.unit.name)
            terminal.unplug()
            raise

    def _turn(self, terminal: PseudoTerminal) -> None:
        """Let time pass, take what the client has sent, and answer."""
        now_s = time.monotonic()
        if now_s > self._wall_s:
            passed_s, self._wall_s = min(now_s - self._wall_s, LATEST_S), now_s
            self._pass(passed_s)
        if self.unit.plugged and not terminal.plugged:
            terminal.plug()
        elif terminal.plugged and not self.unit.plugged:
            terminal.unplug()
        self._mind_client(terminal)
        if data := terminal.read():
            self.unit.send(data)
            if math.isinf(self._speedup):
                self._run_out()
            else:
                self.unit.run(AHEAD_S)
                self._owed_s -= AHEAD_S
        terminal.write(self.unit.heard())

    def _pass(self, seconds: float) -> None:
        if math.isinf(self._speedup):
            self._run_out()
            return
        self._owed_s += seconds * self._speedup
        if self._owed_s > 0.0:
            self.unit.run(self._owed_s)
            self._owed_s = 0.0

    def _run_out(self) -> None:
        """Run until nothing happens by itself."""
        for _ in range(_EVENTS):
            ahead_s = self.unit.seconds_to_event()
            if ahead_s == math.inf:
                return
            self.unit.run(max(ahead_s, 1e-6))

    def _mind_client(self, terminal: PseudoTerminal) -> None:
        """See whether a client has come or gone."""
        left, here = terminal.client_left(), terminal.in_use()
        if left:
            terminal.make_raw()
        if here and (left or not self._connected):
            self.unit.client_opens()
        self._connected = here


class EmulatedGrbl(Emulator[GrblUnit]):
    """A plotter with a GRBL 1.1 controller; arguments as of `GrblUnit` and `Emulator`."""

    kind = GrblUnit


class EmulatedEbb(Emulator[EbbUnit]):
    """An AxiDraw; arguments as of `EbbUnit` and `Emulator`."""

    kind = EbbUnit


class EmulatedHpgl(Emulator[HpglUnit]):
    """An HP-GL plotter; arguments as of `HpglUnit` and `Emulator`."""

    kind = HpglUnit


class EmulatedMarlin(Emulator[MarlinUnit]):
    """A plotter with Marlin; arguments as of `MarlinUnit` and `Emulator`."""

    kind = MarlinUnit
