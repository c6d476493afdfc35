"""An emulated AxiDraw: an EBB on a pseudo-terminal, or at a link that needs none and has time of its own.

with EmulatedEbb(page=Page(148.0, 210.0), speedup=4.0) as machine:
    EbbPlotter(port=machine.port) ...

link = EbbLink(EbbCable(EbbBoard(page, Axes.of())))
EbbPlotter(link=link) ...  # as fast as the computer can, and always the same
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.plotters.ebb_moves import Axes
from sketch_robot.plotters.emulators.ebb_board import EbbBoard
from sketch_robot.plotters.emulators.ebb_cable import TICK_S, EbbCable
from sketch_robot.plotters.emulators.ebb_motion import TICKS_PER_MS
from sketch_robot.plotters.emulators.faults import Fault, FaultSchedule
from sketch_robot.plotters.emulators.pty import PseudoTerminal
from sketch_robot.plotters.paper import Paper

FIRMWARE = (3, 0, 3)
_TURN_S = 0.001  # wall-clock; how often time passes while something moves
_QUIET_S = 0.05
_LATEST_S = 0.05  # wall-clock; time that could not be kept up with is forgotten beyond this
_log = logging.getLogger(__name__)


class EmulatedEbb:
    """An AxiDraw on a pseudo-terminal; satisfies `Emulator`.

    Args:
        page: the sheet under the pen; None: A5.
        axes: how it lies; None: as an AxiDraw has it.
        firmware: what the board says it has; 2.x and 3.0 differ.
        pen_width_mm: of the line.
        speedup: machine seconds in a wall-clock second.
        link: a path that always leads to the port.
        faults: what goes wrong when.

    Attributes:
        board: look at its `travel_down_mm`, `outside_mm`, `commands` and `stepper.counters`, but let this thread alone
            run it.
    """

    def __init__(
        self,
        page: Page | None = None,
        *,
        axes: Axes | None = None,
        firmware: tuple[int, int, int] = FIRMWARE,
        pen_width_mm: float = 0.5,
        speedup: float = 1.0,
        link: str | Path | None = None,
        faults: FaultSchedule | None = None,
    ) -> None:
        if not 0.0 < speedup < float('inf'):
            raise ValueError(f'a speed-up of {speedup} is not possible; it must be positive and finite')
        sheet = page or Page(148.0, 210.0, 10.0, 'A5')
        self.board = EbbBoard(sheet, axes or Axes.of(), firmware=firmware, pen_width_mm=pen_width_mm)
        self._cable = EbbCable(self.board, faults)
        self._speedup, self._link = float(speedup), link
        self._terminal: PseudoTerminal | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._wall_s = 0.0
        self._owed = 0  # ticks that have to pass yet; below zero: that have passed too early

    @property
    def port(self) -> str:
        """Path of the serial port. Without a link it changes when the port is plugged in again."""
        if self._terminal is None:
            raise RuntimeError('the emulator has not been started')
        return self._terminal.path

    @property
    def paper(self) -> Paper:
        """What has been drawn."""
        return self.board.paper

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Where the pen truly is, in the page's frame."""
        return self.board.xy_mm

    @property
    def pen_down(self) -> bool:
        """Whether it touches."""
        return self.board.pen_down

    @property
    def machine_s(self) -> float:
        """Machine seconds since the start."""
        return self._cable.seconds

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
        self._thread = threading.Thread(target=self._work, args=(self._terminal,), name='emulated-ebb', daemon=True)
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

    def unplug(self) -> None:
        """Pull the cable; the board goes on with what it has."""
        with self._lock:
            self._cable.unplug()
        self._wake()

    def replug(self) -> None:
        """Put the cable back."""
        with self._lock:
            self._cable.replug()
        self._wake()

    def inject(self, fault: Fault) -> None:
        """Let something go wrong when its moment comes; one that has passed is now."""
        with self._lock:
            self._cable.inject(fault)
        self._wake()

    def press_button(self) -> None:
        """Press PRG."""
        with self._lock:
            self.board.press_button()

    def move_by_hand(self, xy_mm: tuple[float, float]) -> None:
        """Push the carriage somewhere, which the board does not notice."""
        with self._lock:
            self.board.move_by_hand(xy_mm)

    def _wake(self) -> None:
        if self._terminal is not None:
            self._terminal.wake()

    def _work(self, terminal: PseudoTerminal) -> None:
        try:
            while not self._closing.is_set():
                with self._lock:
                    self._turn(terminal)
                    quiet = self._cable.quiet
                terminal.wait(_QUIET_S if quiet else _TURN_S)
        except Exception:  # a thread has nobody to tell but the log
            _log.exception('the emulated EBB has a defect')
            terminal.unplug()
            raise

    def _turn(self, terminal: PseudoTerminal) -> None:
        """Let time pass, take what the client has sent, and answer."""
        now_s = time.monotonic()
        passed_s, self._wall_s = min(now_s - self._wall_s, _LATEST_S), now_s
        self._owed += round(passed_s * self._speedup / TICK_S)
        if self._owed > 0:
            self._cable.run(self._owed)
            self._owed = 0
        if self._cable.plugged and not terminal.plugged:
            terminal.plug()
        elif terminal.plugged and not self._cable.plugged:
            terminal.unplug()
        if data := terminal.read():
            self._cable.send(data)
            self._cable.run(TICKS_PER_MS)  # until it is obeyed, ahead of time
            self._owed -= TICKS_PER_MS
        terminal.write(self._cable.take())


class EbbLink:
    """A link to an emulated board in its own time, which passes only while somebody waits for an answer.

    Args:
        cable: to the board.
    """

    def __init__(self, cable: EbbCable) -> None:
        self.cable = cable
        self._actions: list[tuple[int, Callable[[], object]]] = []
        self._input = b''
        self._is_open = self._is_dead = self._woken = False

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something, as another thread would, when so much of the board's time has passed."""
        self._actions.append((self.cable.board.ticks + round(seconds / TICK_S), action))
        self._actions.sort(key=lambda item: item[0])

    def kill(self) -> None:
        """Let the program that uses it say nothing more, as if it had been killed."""
        self._is_dead = True

    def revive(self) -> None:
        """Let another program use it."""
        self._is_dead = self._is_open = False

    @property
    def port(self) -> str:
        """What people call it."""
        return 'the emulated EBB'

    def open(self) -> None:
        """Open it; what the machine had said before is dropped.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it is not plugged in.
        """
        if not self.cable.plugged:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the emulated EBB is not plugged in')
        self._is_open = True
        self.cable.take()
        self._input = b''

    def close(self) -> None:
        """Give the port back."""
        self._is_open = False

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it was unplugged.
        """
        self._check()
        self.cable.send(data)

    def read_line(self, timeout_s: float) -> str | None:
        """The next line without its end, never empty; None: none came in time, or somebody called `wake`.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it was unplugged.
        """
        left = round(timeout_s / TICK_S)
        while True:
            self._check()
            self._input += self.cable.take()
            while b'\n' in (text := self._input.replace(b'\r', b'\n')):
                line = text.partition(b'\n')[0]
                self._input = self._input[len(line) + 1 :]
                if line:
                    return line.decode('ascii', 'replace')
            if self._woken or left <= 0:
                self._woken = False
                return None
            step = min(left, TICKS_PER_MS if not self.cable.quiet else left)
            if self._actions:
                step = max(1, min(step, self._actions[0][0] - self.cable.board.ticks))
            self.cable.run(step)
            left -= step
            while self._actions and self._actions[0][0] <= self.cable.board.ticks:
                self._actions.pop(0)[1]()

    def wake(self) -> None:
        """Let the next `read_line` return at once."""
        self._woken = True

    def now_s(self) -> float:
        """Seconds of the board's time."""
        return self.cable.seconds

    def _check(self) -> None:
        if not self._is_open or self._is_dead:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the emulated EBB is not connected; connect it first')
        if not self.cable.plugged:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the emulated EBB was unplugged; connect it again')
