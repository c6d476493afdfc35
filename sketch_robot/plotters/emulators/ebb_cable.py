"""The USB cable to an emulated EBB, with all that can go wrong between a program and a machine; and its time.

Time is the board's own, in ticks of 40 us. A command is obeyed a millisecond after it has arrived or after the one
before it, as USB brings it, and 3 ms after one that moves, which takes the board so long to read; what it answers is
there at once, unless the way is long or a fault holds it back.
"""

from __future__ import annotations

import logging
import math
from collections import deque

from sketch_robot.plotters.emulators.ebb_board import EbbBoard
from sketch_robot.plotters.emulators.ebb_motion import TICKS_PER_MS
from sketch_robot.plotters.emulators.faults import Counts, Fault, FaultSchedule

TICK_S = 40e-6
COMMAND_TICKS = TICKS_PER_MS  # a USB frame
MOVE_TICKS = 3 * TICKS_PER_MS  # to read a move (command reference, "Performance")
_MOVES = ('SM', 'XM', 'LM')
_log = logging.getLogger(__name__)


class EbbCable:
    """See the module. One thread at a time.

    Args:
        board: at its other end.
        faults: what goes wrong when; the answer that 'drop-ok' loses is the next one of any kind.

    Attributes:
        way_s: seconds that bytes are on their way to the board, and back, as over Bluetooth or a network.
        plugged: whether there is a port.
        restarts: how often the board has lost its power.
    """

    def __init__(self, board: EbbBoard, faults: FaultSchedule | None = None) -> None:
        self.board, self.faults = board, faults or FaultSchedule()
        self.way_s = (0.0, 0.0)
        self.plugged = True
        self.restarts = 0
        self._arriving: deque[tuple[int, bytes]] = deque()
        self._next_command = 0  # tick from which the board looks at the next command
        self._answers: deque[tuple[int, bytes]] = deque()
        self._bytes_in = self._bytes_out = 0
        self._silent_until = self._delay = self._drops = 0
        self._later: list[tuple[int, Fault]] = []

    @property
    def seconds(self) -> float:
        """The board's time."""
        return self.board.ticks * TICK_S

    @property
    def quiet(self) -> bool:
        """Whether nothing happens until somebody says something."""
        waiting = self.faults.waiting or self._later or self._answers or self._arriving
        return self.board.stepper.idle and not waiting and not self.board.has_input

    def send(self, data: bytes) -> None:
        """Put bytes on the cable; without a port they are gone."""
        if not self.plugged:
            return
        self._arriving.append((self.board.ticks + round(self.way_s[0] / TICK_S), data))
        self._arrive()

    def _arrive(self) -> None:
        while self._arriving and self._arriving[0][0] <= self.board.ticks:
            _, data = self._arriving.popleft()
            if not self.board.has_input:
                self._next_command = max(self._next_command, self.board.ticks + COMMAND_TICKS)
            self.board.receive(self.faults.pass_bytes(data, 'in', self._counts()))
            self._bytes_in += len(data)

    def take(self) -> bytes:
        """What has come from the board by now."""
        data = b''
        while self._answers and max(self._answers[0][0], self._silent_until) <= self.board.ticks:
            data += self._answers.popleft()[1]
        return data if self.plugged else b''

    def inject(self, fault: Fault) -> None:
        """Let something go wrong when its moment comes; one that has passed is now."""
        self.faults.add(fault)

    def unplug(self) -> None:
        """Pull the cable; the board goes on with what it has."""
        self.plugged = False
        self._answers.clear()
        self._arriving.clear()
        self.board.forget_input()

    def replug(self) -> None:
        """Put the cable back."""
        self.plugged = True

    def run(self, ticks: int) -> None:
        """Let time pass."""
        end = self.board.ticks + ticks
        while self.board.ticks < end:
            if self.quiet:
                self.board.advance(end - self.board.ticks)
                return
            self.board.advance(min(TICKS_PER_MS - self.board.ticks % TICKS_PER_MS, end - self.board.ticks))
            self._arrive()
            self._obey()
            if self.faults.waiting or self._later:
                self._meet_faults()

    def _obey(self) -> None:
        board = self.board
        while board.ticks >= self._next_command and board.has_input and board.handle_one():
            taken = MOVE_TICKS if board.commands[-1][:2].upper() in _MOVES else COMMAND_TICKS
            self._next_command = max(self._next_command, board.ticks - COMMAND_TICKS) + taken
            answer = board.take_output()
            if self._drops and answer:
                self._drops -= 1
                continue
            passed = self.faults.pass_bytes(answer, 'out', self._counts())
            self._bytes_out += len(answer)
            self._answers.append((board.ticks + self._delay + round(self.way_s[1] / TICK_S), passed))

    def _counts(self) -> Counts:
        board = self.board
        return Counts(self._bytes_in, self._bytes_out, board.lines, board.lifts, board.ink_mm, board.ticks * TICK_S)

    def _meet_faults(self) -> None:
        for fault in self.faults.due(self._counts()):
            self._happen(fault)
        for end, fault in [item for item in self._later if item[0] <= self.board.ticks]:
            self._later.remove((end, fault))
            if fault.kind == 'stuck-pen':
                self.board.servo.stuck = False
            else:
                self.replug()

    def _happen(self, fault: Fault) -> None:
        _log.info('fault %s after %.3f s', fault.kind, self.seconds)
        ticks = round(min(fault.amount, 1e9) / TICK_S)
        if fault.kind == 'stall':
            self._silent_until = max(self._silent_until, self.board.ticks + ticks)
        elif fault.kind == 'slow':
            self._delay = ticks
        elif fault.kind in ('reset', 'alarm'):  # an EBB has no alarms of its own; its motors' supply fails
            self.restarts += 1
            self.unplug()  # USB finds it again when it is back
            self.board.reset()
            self._later.append((self.board.ticks + round(1.0 / TICK_S), fault))
        elif fault.kind == 'unplug':
            self.unplug()
        elif fault.kind == 'stuck-pen':
            self.board.servo.stuck = True
        if fault.kind in ('unplug', 'stuck-pen') and math.isfinite(fault.amount):
            self._later.append((self.board.ticks + ticks, fault))
