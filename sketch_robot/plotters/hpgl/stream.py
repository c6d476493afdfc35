"""HP-GL sent ahead to a plotter with a small buffer, by any of the handshakes that these plotters know.

Source: HP 7475A Interfacing and Programming Manual, chapter on RS-232-C. Whatever the handshake, no more is sent ahead
than the buffer holds: each piece is answered when it is drawn, so that what waits in the plotter is known. The
handshakes are for what else may wait there, as behind a printer switch:

* `buffer`: `ESC . B` is answered at once with the bytes that are free.
* `enq`: the plotter acknowledges an ENQ as soon as a block fits (`ESC . I`); its ACK is told to end in CR, as a line.
* `xon`: the plotter stops the computer's sending by XOFF (`ESC . I`, `ESC . N`); the system minds that.
* `none`: only what was said above.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Literal

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.hpgl.program import ASK, Sent
from sketch_robot.plotters.serial_link import LineWindow, Link
from sketch_robot.plotters.streaming import LOOK_S, DamagedError

Handshake = Literal['buffer', 'enq', 'xon', 'none']
BLOCK_BYTES = 160  # the longest piece, and what ENQ asks room for
XOFF_BYTES = 100  # free, when the plotter says XOFF
ANSWER_S = 3.0  # to what is answered at once
SLOWEST_MM_S = 10.0  # the pen, on a long way
PATIENCE_S = 15.0  # beyond the time that pieces need: pens are changed, lids opened
ENQ, ACK = b'\x05', '\N{REPLACEMENT CHARACTER}'  # as a link hands out what is no text
_SETUP = {
    'buffer': b'',
    'none': b'',
    'enq': f'\x1b.I{BLOCK_BYTES};5;6;13:'.encode(),
    'xon': f'\x1b.I{XOFF_BYTES};;17:\x1b.N;19:'.encode(),
}
_PLACE = re.compile(r'(-?\d{1,6}),(-?\d{1,6}),([01])')
_NUMBER = re.compile(r'-?\d{1,6}')
_log = logging.getLogger(__name__)


class HpglStream:
    """Sends HP-GL as fast as the plotter takes it. One thread uses it.

    Args:
        link: to the plotter.
        handshake: how room in its buffer is found out.

    Attributes:
        window: what waits in its buffer.
    """

    def __init__(self, link: Link, handshake: Handshake) -> None:
        self._link, self._handshake = link, handshake
        self.window: LineWindow[Sent] = LineWindow(2 * BLOCK_BYTES)
        self._heard_s = 0.0

    # ------------------------------------------------------------- one question at a time
    def open(self) -> None:
        """Open the port, let the plotter forget what is left in its buffer, raise its pen, and set the handshake.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE.
        """
        self._link.open()
        self._link.write(b'\x1b.(\x1b.J\x1b.K;PU;' + _SETUP[self._handshake])
        self.window.clear()

    def command(self, data: bytes) -> None:
        """Send what is not answered."""
        self._link.write(data)

    def ask(self, data: bytes, pattern: re.Pattern[str] | None = None, *, within_s: float = PATIENCE_S) -> str:
        """Send a question and return its answer; lines that do not look like one are dropped.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, there is none in time.
        """
        self._link.write(data)
        end_s = self._link.now_s() + within_s
        while (left_s := end_s - self._link.now_s()) > 0.0:
            line = self._link.read_line(left_s)
            if line is not None and (pattern is None or pattern.fullmatch(line)):
                return line
        raise SketchRobotError(
            ErrorCode.PLOTTER_OFFLINE,
            f'the HP-GL plotter at {self._link.port} does not answer {data.decode(errors="replace").strip()!r}; check '
            'its power, its cable, and that baud rate and parity are those of its switches',
        )

    def number(self, data: bytes, *, within_s: float = PATIENCE_S) -> int:
        """Ask for a number."""
        return int(self.ask(data, _NUMBER, within_s=within_s))

    def place(self, before: bytes = b'') -> tuple[tuple[int, int], bool]:
        """Where the pen is, in plotter units, and whether it is down, once all is done that was sent."""
        found = _PLACE.fullmatch(self.ask(before + ASK, _PLACE))
        assert found is not None
        return (int(found[1]), int(found[2])), found[3] == '1'

    # ------------------------------------------------------------- many pieces
    def run(
        self,
        pieces: Iterator[Sent],
        *,
        sent: Callable[[Sent], None],
        done: Callable[[Sent], None],
        meet: Callable[[], None],
    ) -> None:
        """Send pieces ahead until all are done.

        Args:
            pieces: what to send.
            sent, done: told of each, in order.
            meet: called often; what it raises ends this.

        Raises:
            DamagedError: a piece was not done as it was sent.
            SketchRobotError: PLOTTER_OFFLINE.
        """
        self.window.clear()
        self._heard_s = self._link.now_s()
        for each in pieces:
            while self.window.room < len(each.data):
                self._listen(done, meet)
            self._await_room(done, meet)
            meet()
            self._link.write(self.window.send([each]))
            sent(each)
        while self.window:
            self._listen(done, meet)

    def halt(self, longest_mm: float) -> tuple[tuple[int, int], bool]:
        """Drop what waits in the plotter, raise the pen; where it stands then, and whether the plotter was restarted.

        `ESC . K` lets the vector that is being drawn come to its end. `OI` after it tells which answer is the last.

        Args:
            longest_mm: of the vectors that it may be at.
        """
        self._link.write(b'\x1b.K')
        within_s = PATIENCE_S + longest_mm / SLOWEST_MM_S
        self._link.write(b';PU;' + ASK + b'OI;')
        place: tuple[int, int] | None = None
        end_s = self._link.now_s() + within_s
        while (left_s := end_s - self._link.now_s()) > 0.0:
            line = self._link.read_line(left_s)
            if line is None:
                continue
            if found := _PLACE.fullmatch(line):
                place = int(found[1]), int(found[2])
            elif place is not None and any(letter.isalnum() for letter in line) and not _NUMBER.fullmatch(line):
                break
        self.window.clear()
        if place is None:
            place, _ = self.place(b';PU;')
        return place, bool(self.number(b'OS;') & 8)  # switched on since it was last asked

    def _await_room(self, done: Callable[[Sent], None], meet: Callable[[], None]) -> None:
        """Wait until the plotter says that a block fits."""
        if self._handshake in ('none', 'xon'):
            return
        while True:
            self._link.write(ENQ if self._handshake == 'enq' else b'\x1b.B')
            answer = ''
            while not answer:
                answer = self._listen(done, meet)
            if answer == ACK or (_NUMBER.fullmatch(answer) and int(answer) >= BLOCK_BYTES):
                return
            self._listen(done, meet)  # no room yet; asked again when something was drawn

    def _listen(self, done: Callable[[Sent], None], meet: Callable[[], None]) -> str:
        """Take what comes, at most one line; the answer to a handshake is returned."""
        meet()
        line = self._link.read_line(LOOK_S)
        if line is None:
            self._check_alive()
            return ''
        self._heard_s = self._link.now_s()
        found = _PLACE.fullmatch(line)
        if found is None:
            if line == ACK or _NUMBER.fullmatch(line):
                return line
            raise DamagedError(f'it says {line!r}')
        each = self.window.head
        if each is None:
            raise DamagedError(f'it tells of {line}, which nobody has asked for')
        if (int(found[1]), int(found[2])) != each.units or (found[3] == '1') != each.down:
            raise DamagedError(f'the pen is at {line}, not at {each.units[0]},{each.units[1]},{int(each.down)}')
        done(self.window.answered())
        return ''

    def _check_alive(self) -> None:
        """Ask a plotter that has been silent for too long whether it is there: somebody may have paused it.

        Raises:
            DamagedError: it is, and has nothing left to do: an answer was lost.
            SketchRobotError: PLOTTER_OFFLINE.
        """
        longest_mm = max((each.piece.length_mm for each in self.window), default=0.0)
        if self._link.now_s() - self._heard_s <= PATIENCE_S + longest_mm / SLOWEST_MM_S:
            return
        free = self.number(b'\x1b.B', within_s=ANSWER_S)
        self._heard_s = self._link.now_s()
        if free >= self.window.capacity_bytes:
            raise DamagedError('an answer was lost')
        _log.info('the plotter at %s stands still with %d bytes free', self._link.port, free)
