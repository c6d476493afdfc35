"""An emulated AxiDraw: an EBB on a pseudo-terminal.

with EmulatedEbb(page=Page(148.0, 210.0), speedup=4.0) as machine:
    EbbPlotter(port=machine.port) ...
"""

from __future__ import annotations

from pathlib import Path

from sketch_robot.motion.page import Page
from sketch_robot.plotters.ebb_moves import Axes
from sketch_robot.plotters.emulators.ebb_board import EbbBoard
from sketch_robot.plotters.emulators.ebb_cable import TICK_S, EbbCable
from sketch_robot.plotters.emulators.ebb_motion import TICKS_PER_MS
from sketch_robot.plotters.emulators.faults import Fault, FaultSchedule
from sketch_robot.plotters.emulators.port_thread import PortThread
from sketch_robot.plotters.emulators.pty import PseudoTerminal
from sketch_robot.plotters.paper import Paper

FIRMWARE = (3, 0, 3)
_TURN_S = 0.001
_QUIET_S = 0.05
_LATEST_S = 0.05


class EmulatedEbb(PortThread):
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
        super().__init__('emulated EBB', link, turn_s=_TURN_S, quiet_s=_QUIET_S, latest_s=_LATEST_S)
        sheet = page or Page(148.0, 210.0, 10.0, 'A5')
        self.board = EbbBoard(sheet, axes or Axes.of(), firmware=firmware, pen_width_mm=pen_width_mm)
        self._cable = EbbCable(self.board, faults)
        self._speedup = float(speedup)
        self._owed = 0  # ticks that have to pass yet; below zero: that have passed too early

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

    def unplug(self) -> None:
        """Pull the cable; the board goes on with what it has."""
        with self.aside():
            self._cable.unplug()

    def replug(self) -> None:
        """Put the cable back."""
        with self.aside():
            self._cable.replug()

    def inject(self, fault: Fault) -> None:
        """Let something go wrong when its moment comes; one that has passed is now."""
        with self.aside():
            self._cable.inject(fault)

    def press_button(self) -> None:
        """Press PRG."""
        with self.aside():
            self.board.press_button()

    def move_by_hand(self, xy_mm: tuple[float, float]) -> None:
        """Push the carriage somewhere, which the board does not notice."""
        with self.aside():
            self.board.move_by_hand(xy_mm)

    @property
    def _plugged(self) -> bool:
        return self._cable.plugged

    @property
    def _busy(self) -> bool:
        return not self._cable.quiet

    def _pass(self, seconds: float) -> None:
        self._owed += round(seconds * self._speedup / TICK_S)
        if self._owed > 0:
            self._cable.run(self._owed)
            self._owed = 0

    def _take(self, data: bytes) -> None:
        self._cable.send(data)
        self._cable.run(TICKS_PER_MS)  # until it is obeyed, ahead of time
        self._owed -= TICKS_PER_MS

    def _answer(self) -> bytes:
        return self._cable.take()

    def _mind_client(self, terminal: PseudoTerminal) -> None:
        """An EBB goes on as before, whoever opens its port."""
