"""An emulated HP-GL pen plotter behind its cable, in its own time: the 7475A's instructions, buffer and handshakes.

Source: HP 7475A Graphics Plotter, Interfacing and Programming Manual. Device control (`ESC .`) is done as it arrives;
everything else waits in the buffer and is done in order. A vector that has begun comes to its end. What a plotter
cannot hold is lost, and error 16 tells of it. A plotter unit is 0.025 mm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

from sketch_robot_emulators.cable import Cable
from sketch_robot_emulators.faults import FaultSchedule
from sketch_robot_emulators.ink import Page, PenTrace, PlainPage

UNITS_MM = 40.0
BED = (0, 0, 11040, 7721)  # hard-clip limits with A4
BUFFER_BYTES = 1024
FASTEST_CM_S = 38.1
LIFT_S, CHANGE_S = 0.1, 1.5
ESC, ENQ = 0x1B, 0x05
_INITIALISED, _ERROR = 8, 32
_KNOWN = ('IN', 'PU', 'PD', 'PA', 'PR', 'SP', 'VS', 'IW', 'OA', 'OH', 'OW', 'OE', 'OI', 'OS', 'IP', 'DF')
Placing = Callable[[float, float], tuple[float, float]]


class HpglUnit(Cable):
    """A pen plotter; one thread.

    Args:
        page: the sheet; where it lies `placing` says.
        placing: mm on the bed, from the plotter's origin, to mm of the page; None: the same.
        bed: hard-clip limits, plotter units.
        buffer_bytes: of what waits to be done.
        baud: speed of the line; 10 bits a byte.
        faults: what goes wrong when.

    Attributes:
        trace: the pen over the page.
        pen: which is held; 0: none.
        overflows: how many bytes found no room.
        lines: instructions that were done.
    """

    name: ClassVar[str] = 'HP-GL plotter'

    def __init__(
        self,
        page: Page | None = None,
        *,
        placing: Placing | None = None,
        bed: tuple[int, int, int, int] = BED,
        buffer_bytes: int = BUFFER_BYTES,
        baud: int = 9600,
        faults: FaultSchedule | None = None,
    ) -> None:
        self._placing = placing or (lambda x, y: (x, y))
        trace = PenTrace(page or PlainPage(), self._placing(0.0, 0.0))
        super().__init__(trace, faults, baud=baud, effects={'reset': (lambda _: self._reset(), None)})
        self._bed, self._size = bed, buffer_bytes
        self._at = (0, 0)
        self.overflows = 0
        self.pens: list[int] = []
        self._switch_on()

    def _switch_on(self) -> None:
        self._buffer, self._control = bytearray(), bytearray()
        self._status, self._error, self._line_error = _INITIALISED, 0, 0
        self._block, self._enq, self._ack, self._xon, self._xoff = 80, -1, b'', -1, -1
        self._stopped, self._asked, self._stuck = False, False, ''
        self._relative, self._speed_mm_s, self._window = False, 10.0 * FASTEST_CM_S, self._bed
        self._pairs: list[float] = []
        self._mnemonic = ''
        self.pen = 0  # one that was held is put away
        self._then: Callable[[], None] | None = None  # what is true when the pen has moved
        self._busy_until = self._now
        self.trace.set_down(False)

    @property
    def free_bytes(self) -> int:
        """Room in the buffer."""
        return self._size - len(self._buffer)

    # ------------------------------------------------------------- of the cable
    def client_opens(self) -> None:
        """A program opens the port, which a plotter does not notice."""

    def _next_event_s(self) -> float:
        return max(self._now, self._busy_until) if self._then is not None or self._can_do() else math.inf

    def _can_do(self) -> bool:
        return bool(self._buffer) and self._token() is not None

    def _settle(self) -> None:
        while self._next_event_s() <= self._now:
            self._do()

    def _reset(self) -> None:
        self._coming.clear()
        self.drop_answers()
        self._switch_on()

    # ------------------------------------------------------------- what arrives
    def _take(self, data: bytes) -> None:
        self._take_byte(data[0])
        self._answer_enq()
        self._settle()

    def _take_byte(self, byte: int) -> None:
        if self._control or byte == ESC:
            self._control.append(byte)
            self._device_control()
        elif byte == self._enq:
            self._asked = True
        elif byte in (self._xon, self._xoff) or byte in b'\r\n':
            return
        elif self.free_bytes == 0:
            self.overflows += 1
            self._line_error = 16
        else:
            self._buffer.append(byte)
            if self._xoff >= 0 and not self._stopped and self.free_bytes < self._block:
                self._stopped = True
                self._sent.append(self._xoff)

    def _device_control(self) -> None:
        """`ESC .` and a letter; `H I M N @` have parameters, separated by `;` and ended by `:`."""
        text = bytes(self._control)
        if len(text) < 3:
            if len(text) == 2 and text[1:] != b'.':
                self._line_error, self._control = 11, bytearray()
            return
        letter = chr(text[2])
        if letter in '@HIMN' and not text.endswith(b':'):
            return
        self._control = bytearray()
        values = [int(part) if part.strip().isdigit() else -1 for part in text[3:-1].decode('latin-1').split(';')]
        if letter == 'B':
            self._say(str(self.free_bytes))
        elif letter == 'L':
            self._stuck = str(self._size)  # told when the buffer is empty
            self._tell_stuck()
        elif letter == 'E':
            self._say(str(self._line_error))
            self._line_error = 0
        elif letter == 'O':
            self._say('0' if self._buffer else '8')
        elif letter == 'K':
            self._buffer.clear()
            self._pairs.clear()
            self._mnemonic = ''
            self._resume_line()
        elif letter == 'I':
            self._block = values[0] if values[0] > 0 else 80
            self._enq = values[1] if len(values) > 1 and values[1] > 0 else -1
            codes = [value for value in values[2:] if value >= 0]
            self._ack = bytes(codes) if self._enq >= 0 else b''
            self._xon = codes[0] if self._enq < 0 and codes else -1
        elif letter == 'N':
            self._xoff = values[1] if len(values) > 1 else -1
        elif letter not in '()YZJR@HM':
            self._line_error = 11

    def _say(self, text: str) -> None:
        self._sent += text.encode() + b'\r'

    def _answer_enq(self) -> None:
        if self._asked and self.free_bytes >= self._block:
            self._asked = False
            self._sent += self._ack

    def _tell_stuck(self) -> None:
        if self._stuck and not self._buffer and self._then is None:
            self._say(self._stuck)
            self._stuck = ''

    def _resume_line(self) -> None:
        if self._stopped and self.free_bytes >= self._size // 2:
            self._stopped = False
            self._sent.append(self._xon)

    # ------------------------------------------------------------- what is done in order
    def _token(self) -> tuple[int, str] | None:
        """How many bytes the next thing to do takes, and what it is: a mnemonic, a number with what ends it, or `;`."""
        data = self._buffer
        first = chr(data[0])
        if first in '; ,':
            return 1, first
        if first.isalpha():
            return (2, data[:2].decode('latin-1').upper()) if len(data) >= 2 else None
        for index, byte in enumerate(data):
            if chr(byte) not in '0123456789+-.':
                return max(1, index), data[: max(1, index)].decode('latin-1')
        return None

    def _do(self) -> None:
        if self._then is not None:
            after, self._then = self._then, None
            after()
            self._tell_stuck()
            return
        token = self._token()
        assert token is not None
        count, text = token
        del self._buffer[:count]
        self._resume_line()
        self._answer_enq()
        if text.isalpha():
            self._end_instruction()
            self._mnemonic, self._pairs = text, []
            self._begin_instruction()
        elif text == ';':
            self._end_instruction()
            self._mnemonic = ''
        elif text not in ' ,':
            self._number(text)
        self._tell_stuck()

    def _begin_instruction(self) -> None:
        name = self._mnemonic
        self.lines += 1
        if name not in _KNOWN:
            self._error, self._status = 1, self._status | _ERROR
        elif name in ('PU', 'PD'):
            self._lift(name == 'PD')
        elif name in ('PA', 'PR'):
            self._relative = name == 'PR'
        elif name == 'IN':
            self._lift(False)
            self._error, self._relative, self._window = 0, False, self._bed
            self._speed_mm_s, self._status = 10.0 * FASTEST_CM_S, _INITIALISED
        elif name[0] == 'O':
            self._output(name)

    def _output(self, name: str) -> None:
        if name == 'OA':
            self._say(f'{self._at[0]},{self._at[1]},{int(self.trace.down)}')
        elif name == 'OH':
            self._say(','.join(map(str, self._bed)))
        elif name == 'OW':
            self._say(','.join(map(str, self._window)))
        elif name == 'OE':
            self._say(str(self._error))
            self._error, self._status = 0, self._status & ~_ERROR
        elif name == 'OI':
            self._say('7475A')
        elif name == 'OS':
            self._say(str(self._status | 16 | int(self.trace.down)))
            self._status &= ~_INITIALISED

    def _number(self, text: str) -> None:
        try:
            self._pairs.append(float(text))
        except ValueError:
            self._error, self._status = 3, self._status | _ERROR
            return
        if self._mnemonic in ('PU', 'PD', 'PA', 'PR') and len(self._pairs) == 2:
            x, y = self._pairs
            self._pairs = []
            self._go(x, y)

    def _end_instruction(self) -> None:
        name, values = self._mnemonic, self._pairs
        if name == 'SP':
            self._select(int(values[0]) if values else 0)
        elif name == 'VS':
            self._speed_mm_s = 10.0 * min(FASTEST_CM_S, values[0]) if values else 10.0 * FASTEST_CM_S
        elif name == 'IW':
            self._window = self._bed
            if len(values) == 4:
                x0, y0, x1, y1 = (int(value) for value in values)
                self._window = x0, y0, x1, y1
        elif name in ('PU', 'PD', 'PA', 'PR') and values:
            self._error, self._status = 2, self._status | _ERROR
        self._pairs = []

    def _select(self, pen: int) -> None:
        if pen == self.pen:
            return
        self._lift(False)
        self.pen = pen
        self.pens.append(pen)
        self._busy_until = max(self._busy_until, self._now) + CHANGE_S
        self._then = lambda: None

    def _lift(self, down: bool) -> None:
        down = down and self.pen > 0
        if down != self.trace.down:
            self._busy_until = max(self._busy_until, self._now) + LIFT_S
            self._then = lambda: self.trace.set_down(down)

    def _go(self, x: float, y: float) -> None:
        """Move in a straight line; what lies outside the window is not reached."""
        if self._relative:
            x, y = self._at[0] + x, self._at[1] + y
        low_x, low_y, high_x, high_y = self._window
        to = int(min(max(x, low_x), high_x)), int(min(max(y, low_y), high_y))
        way_mm = math.hypot(to[0] - self._at[0], to[1] - self._at[1]) / UNITS_MM
        self._busy_until = max(self._busy_until, self._now) + way_mm / self._speed_mm_s

        def there() -> None:
            self._at = to
            self.trace.move(self._placing(to[0] / UNITS_MM, to[1] / UNITS_MM))

        self._then = there
