"""An emulated plotter that runs Marlin, behind its cable, in its own time.

Source: marlinfw.org: G-code, host protocol. Lines with numbers and checksums, `Resend`, one `ok` for each line that was
carried out, a planner of some blocks, `M400`, `busy` messages, soft endstops once it has homed. Moves go at constant
speed.
"""

from __future__ import annotations

import math
import re
from collections import deque
from functools import reduce
from operator import xor
from typing import ClassVar

from sketch_robot_emulators.cable import Cable
from sketch_robot_emulators.faults import FaultSchedule
from sketch_robot_emulators.ink import Page, PenTrace, PlainPage

BLOCKS, COMMANDS, RX_BYTES = 16, 4, 128
BUSY_S = 2.0
BOOT_S = 1.0
HOMING_S = 2.0
_NUMBERED = re.compile(rb'N(-?\d+)\s*(.*)')
_WORD = re.compile(r'([A-Z])(-?\d*\.?\d*)')


class MarlinUnit(Cable):
    """A plotter with Marlin; one thread.

    Args:
        page: the sheet; its corner is at the machine's 0, 0, where the switches are.
        size_mm: that the axes reach.
        servo: angles of the raised and of the lowered pen; None: the pen is on Z, down at 0.
        has_extruder: whether it counts a position E.
        reset_on_open: whether a client that opens the port resets it, as most boards.
        line_s: its time to take in a line.
        baud: speed of the line.
        faults: what goes wrong when.

    Attributes:
        trace: the pen over the page.
        lines: commands that were carried out.
        resends: how often it asked for a line again.
        overruns: bytes that found no room.
    """

    name: ClassVar[str] = 'Marlin'

    def __init__(
        self,
        page: Page | None = None,
        *,
        size_mm: tuple[float, float] = (220.0, 220.0),
        servo: tuple[float, float] | None = (90.0, 30.0),
        has_extruder: bool = True,
        reset_on_open: bool = True,
        line_s: float = 0.001,
        baud: int = 115200,
        faults: FaultSchedule | None = None,
    ) -> None:
        effects = {'reset': (lambda _: self.reset(), None), 'alarm': (lambda _: self._kill(), None)}
        super().__init__(PenTrace(page or PlainPage()), faults, baud=baud, effects=effects)
        self._size_mm, self._servo, self._has_extruder = size_mm, servo, has_extruder
        self._reset_on_open, self._line_s = reset_on_open, line_s
        self.resends = self.overruns = 0
        self._restart(0.0)

    def _restart(self, boot_s: float) -> None:
        self._coming.clear()
        self._rx, self._queue = bytearray(), deque[str]()
        self._moves: deque[tuple[float, float, float]] = deque()  # x, y of the machine, seconds
        self._move_ends = math.inf
        self._last, self._halted = 0, False
        self._command, self._done_at, self._busy_at = '', math.inf, math.inf
        self._begun = self._waits = False  # of the command: whether it has begun, and waits for moves to end
        self._zero = self.trace.xy_mm  # where its coordinates are 0
        self._x = self._y = self._z = self._e = 0.0
        self._relative = self._homed = False
        self._boots = self._now + boot_s
        self._greets = True

    # ------------------------------------------------------------- of the cable
    def client_opens(self) -> None:
        """A program opens the port."""
        if self._reset_on_open:
            self.reset()

    def reset(self) -> None:
        """Press its button."""
        self.drop_answers()
        self._restart(BOOT_S)

    def _next_event_s(self) -> float:
        boots = self._boots if self._greets else math.inf
        busy = self._busy_at if self._command else math.inf
        return max(self._now, min(boots, self._move_ends, self._done_at, busy))

    def _take(self, data: bytes) -> None:
        if not (self._greets or self._halted):
            room = RX_BYTES - len(self._rx)
            self._rx += data[:room]
            self.overruns += max(0, len(data) - room)
        self._settle()

    def _settle(self) -> None:
        if self._greets and self._boots <= self._now:
            self._greets = False
            self._say('start\necho:Marlin 2.1.2')
        while self._move_ends <= self._now:
            x, y, _ = self._moves.popleft()
            self.trace.move((x, y))
            self._move_ends = self._now + self._moves[0][2] if self._moves else math.inf
        if self._command and self._busy_at <= self._now:
            self._say('echo:busy: processing')
            self._busy_at = self._now + BUSY_S
        self._read()
        self._go_on()

    def _kill(self) -> None:
        """Halt, as after something went wrong for good."""
        self._say('Error:Printer halted. kill() called!')
        self._halted = True
        self._moves.clear()
        self._move_ends = self._done_at = math.inf
        self._command = ''

    # ------------------------------------------------------------- lines
    def _say(self, text: str) -> None:
        self._sent += text.encode() + b'\n'

    def _read(self) -> None:
        while len(self._queue) < COMMANDS and b'\n' in self._rx:
            line, _, rest = bytes(self._rx).partition(b'\n')
            self._rx = bytearray(rest)
            line = line.strip()
            if not line:
                continue
            text, star, checksum = line.rpartition(b'*')
            numbered = _NUMBERED.match(text if star else line)
            if numbered is None:
                if star:
                    self._ask_again('No Line Number with checksum')
                else:
                    self._queue.append(line.decode('latin-1'))
                continue
            if not star:
                self._ask_again('No Checksum with line number')
            elif not checksum.isdigit() or int(checksum) != reduce(xor, text):
                self._ask_again('checksum mismatch')
            elif int(numbered[1]) != self._last + 1 and not numbered[2].startswith(b'M110'):
                self._ask_again('Line Number is not Last Line Number+1')
            else:
                self._last = int(numbered[1])
                self._queue.append(numbered[2].decode('latin-1'))

    def _ask_again(self, why: str) -> None:
        self._rx.clear()
        self.resends += 1
        self._say(f'Error:{why}, Last Line: {self._last}')
        self._say(f'Resend: {self._last + 1}')
        self._say('ok')

    def _go_on(self) -> None:
        """Carry out what can be."""
        while True:
            if self._command:
                if not self._is_done():
                    return
                self._command = ''
                self.lines += 1
                self._say('ok')
                self._read()
            if not self._queue or self._halted:
                self._done_at = math.inf
                return
            self._command = self._queue.popleft()
            self._done_at, self._busy_at = self._now + self._line_s, self._now + BUSY_S
            self._begun = self._waits = False

    def _is_done(self) -> bool:
        """Whether the command has come to its end; it begins when its line was taken in."""
        if not self._waits and self._now < self._done_at - 1e-12:
            return False
        self._waits = False
        words = dict(_WORD.findall(self._command.upper()))
        code = self._command.split()[0].upper()
        if code in ('G0', 'G1'):
            if len(self._moves) >= BLOCKS - 1:
                return self._wait_for_moves()
            self._plan(words)
            return True
        if code in ('M400', 'G28', 'G4') and self._moves:
            return self._wait_for_moves()
        if code in ('G28', 'G4') and not self._begun:
            self._begun = True
            self._done_at = self._now + (HOMING_S if code == 'G28' else float(words.get('P') or 0.0) / 1000.0)
            return False
        self._execute(code, words)
        return True

    def _wait_for_moves(self) -> bool:
        self._waits, self._done_at = True, math.inf
        return False

    def _plan(self, words: dict[str, str]) -> None:
        was = self._x, self._y
        for axis in 'XYZ':
            if words.get(axis):
                value = float(words[axis]) + (getattr(self, f'_{axis.lower()}') if self._relative else 0.0)
                setattr(self, f'_{axis.lower()}', value)
        if self._homed:
            self._x = min(max(self._x, 0.0), self._size_mm[0])
            self._y = min(max(self._y, 0.0), self._size_mm[1])
        if 'Z' in words and self._servo is None:
            self.trace.set_down(self._z <= 0.0)
        speed = float(words.get('F') or 3000.0) / 60.0
        seconds = math.hypot(self._x - was[0], self._y - was[1]) / speed
        if seconds > 0.0:
            self._moves.append((self._zero[0] + self._x, self._zero[1] + self._y, seconds))
            if len(self._moves) == 1:
                self._move_ends = self._now + seconds

    def _execute(self, code: str, words: dict[str, str]) -> None:
        if code == 'G28':
            self.trace.move((0.0, 0.0), counts=False)
            self._zero, self._homed = (0.0, 0.0), True
            self._x = self._y = 0.0
        elif code == 'G92':
            x, y = self.trace.xy_mm
            self._x, self._y = float(words.get('X') or self._x), float(words.get('Y') or self._y)
            self._e = float(words.get('E') or self._e)
            self._zero = x - self._x, y - self._y
        elif code in ('G90', 'G91'):
            self._relative = code == 'G91'
        elif code == 'M280' and self._servo is not None:
            up, down = self._servo
            angle = float(words['S'])
            self.trace.set_down(abs(angle - down) < abs(angle - up))
        elif code == 'M110':
            self._last = int(float(words.get('N') or 0))
        elif code == 'M114':
            e = f' E:{self._e:.2f}' if self._has_extruder else ''
            place = f'X:{self._x:.2f} Y:{self._y:.2f} Z:{self._z:.2f}{e}'
            self._say(f'{place} Count X:{self._x * 80:.0f} Y:{self._y * 80:.0f}')
        elif code == 'M115':
            self._say('FIRMWARE_NAME:Marlin 2.1.2 PROTOCOL_VERSION:1.0 MACHINE_TYPE:Plotter EXTRUDER_COUNT:1')
            self._say('Cap:EEPROM:1')
        elif code == 'M211':
            x, y = self._size_mm
            self._say(f'echo:Soft endstops: On  Min: X0.00 Y0.00 Z0.00  Max: X{x:.2f} Y{y:.2f} Z10.00')
        elif code not in ('G21', 'M17', 'M84', 'M400', 'G4', 'M280'):
            self._say(f'echo:Unknown command: "{self._command}"')
