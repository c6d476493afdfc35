"""Numbered lines to a Marlin controller, with checksums, sent again when it asks for that.

Source: marlinfw.org, G-code and host protocol. A line `N5 G1 X1*33` carries its number and the XOR of all bytes before
`*`. What arrives damaged, or out of order, is answered by `Error:...`, `Resend: 5` and an `ok` that belongs to no line.
Else `ok` means that a line was carried out: a move then waits in the planner, which holds `blocks` of them; `M400` is
carried out when all of them are drawn. A controller that is at something long says `echo:busy: ...` every 2 s. `start`
tells that it has been switched on or reset. One line is on its way at a time, as the protocol wants it for resends.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.serial_link import Link
from sketch_robot.plotters.streaming import LOOK_S, DamagedError, Piece

SILENCE_S = 6.0  # three busy messages
QUIET_S = 0.3  # nothing more is on its way
RESENDS = 20  # of one line
_RESEND = re.compile(r'(?:Resend:|rs)\s*N?(\d+)', re.IGNORECASE)
_FATAL = re.compile(r'!!|.*(halted|kill)', re.IGNORECASE)
_log = logging.getLogger(__name__)


class RestartedError(SketchRobotError):
    """The controller has started anew by itself, and does not know where it is."""

    def __init__(self, port: str) -> None:
        super().__init__(
            ErrorCode.PLOTTER_ALARM,
            f'the Marlin controller at {port} started anew in the middle and lost its position; check its power and '
            'USB cable, home it, then resume',
        )


@dataclass(frozen=True, eq=False)
class NumberedLine:
    """One line of a program.

    Attributes:
        text: without number and checksum.
        piece: what is drawn by it.
        moves: whether it waits in the planner once it was answered.
        syncs: whether its answer proves all before it.
        seconds: that it takes at least.
    """

    text: str
    piece: Piece | None = None
    moves: bool = False
    syncs: bool = False
    seconds: float = 0.0


def numbered(number: int, text: str) -> bytes:
    """A line with its number and checksum."""
    line = f'N{number} {text}'.encode()
    return line + f'*{reduce(xor, line)}\n'.encode()


class MarlinStream:
    """Sends numbered lines of G-code and hears their answers. One thread uses it.

    Args:
        link: to the controller.
        blocks: how many moves its planner holds.
        ahead_s: how many seconds of movement it is told in advance.
    """

    def __init__(self, link: Link, *, blocks: int, ahead_s: float) -> None:
        self._link, self._blocks, self._ahead_s = link, blocks, ahead_s
        self._number = 0
        self._unanswered: NumberedLine | None = None
        self._planned: deque[NumberedLine] = deque()  # answered, and perhaps in the planner still
        self._told: list[str] = []
        self._heard_s = self._busy_until_s = 0.0
        self._resends, self._foreign_oks = 0, 0

    # ------------------------------------------------------------- one line at a time
    def open(self, boot_s: float) -> bool:
        """Open the port and start counting; whether the controller has just been switched on or reset.

        Args:
            boot_s: how long it may take to say so after the port was opened.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE.
        """
        self._link.open()
        restarted = False
        end_s = self._link.now_s() + boot_s
        while (left_s := end_s - self._link.now_s()) > 0.0:
            line = self._link.read_line(min(left_s, QUIET_S) if restarted else left_s)
            if line is None and restarted:
                break
            restarted = restarted or (line is not None and line.strip() == 'start')
        self.count_anew()
        return restarted

    def count_anew(self) -> None:
        """Forget what is unanswered and number lines from 1.

        Raises:
            RestartedError: it has started anew.
            SketchRobotError: PLOTTER_OFFLINE, nobody answers.
        """
        for _ in range(3):
            self._be_quiet()
            self._number = self._resends = self._foreign_oks = 0
            self._unanswered, self._told, self._busy_until_s = None, [], 0.0
            self._planned.clear()
            self._link.write(b'\n' + numbered(0, 'M110 N0'))
            self._heard_s = self._link.now_s()
            while self._link.now_s() - self._heard_s <= SILENCE_S:
                text = self._link.read_line(LOOK_S)
                if text is None:
                    continue
                if 'busy' in text:
                    self._heard_s = self._link.now_s()
                if text.startswith('ok'):
                    self._be_quiet()
                    return
        raise SketchRobotError(
            ErrorCode.PLOTTER_OFFLINE,
            f'the Marlin controller at {self._link.port} does not answer; check its power, its cable and the baud rate',
        )

    def command(self, text: str) -> list[str]:
        """Send one line and wait until it was carried out; what was told meanwhile.

        Raises:
            DamagedError: answers make no sense.
            RestartedError: the controller has started anew.
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        self._told = []
        self._send(NumberedLine(text, syncs=text == 'M400'))
        self._await_answer(_nothing, _no_wish)
        return self._told

    # ------------------------------------------------------------- many lines
    def run(
        self,
        lines: Iterator[NumberedLine],
        *,
        sent: Callable[[NumberedLine], None],
        done: Callable[[NumberedLine], None],
        meet: Callable[[], None],
    ) -> None:
        """Send lines ahead until all were carried out.

        Args:
            lines: what to send; the last one syncs.
            sent: told of each.
            done: told of each with a piece, in order, when it is drawn for certain.
            meet: called often; what it raises ends this, and what was sent goes on.

        Raises:
            DamagedError, RestartedError, SketchRobotError: as of `command`.
        """
        for line in lines:
            while (early_s := self._busy_until_s - self._ahead_s - self._link.now_s()) > 0.0:
                meet()
                self._listen(done, min(LOOK_S, early_s))
            meet()
            self._send(line)
            sent(line)
            self._await_answer(done, meet)

    def drain(self, done: Callable[[NumberedLine], None]) -> None:
        """Wait until all that was sent is drawn.

        Raises:
            DamagedError, RestartedError, SketchRobotError: as of `command`.
        """
        self._await_answer(done, _no_wish)
        self._send(NumberedLine('M400', syncs=True))
        self._await_answer(done, _no_wish)

    # ------------------------------------------------------------- sending and hearing
    def _send(self, line: NumberedLine) -> None:
        self._number += 1
        self._unanswered, self._resends = line, 0
        self._heard_s = self._link.now_s()
        self._busy_until_s = max(self._busy_until_s, self._heard_s) + line.seconds
        self._link.write(numbered(self._number, line.text))

    def _await_answer(self, done: Callable[[NumberedLine], None], meet: Callable[[], None]) -> None:
        while self._unanswered is not None:
            meet()
            self._listen(done)

    def _listen(self, done: Callable[[NumberedLine], None], within_s: float = LOOK_S) -> None:
        """Take what comes, at most one line."""
        text = self._link.read_line(within_s)
        if text is None:
            if self._unanswered is not None and self._link.now_s() - self._heard_s > SILENCE_S:
                self._send_again(f'no answer to {self._unanswered.text!r}')
            return
        self._heard_s = self._link.now_s()
        text = text.strip()
        if text.startswith('ok'):
            self._hear_ok(done)
        elif found := _RESEND.match(text):
            self._hear_resend(int(found[1]), done)
        elif text == 'start':
            raise RestartedError(self._link.port)
        elif text.startswith(('Error:', '!!')):
            self._hear_error(text)
        elif text.startswith('echo:Unknown command'):
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM, f'the Marlin controller at {self._link.port} does not know a command: {text}'
            )
        elif 'busy' not in text:
            self._told.append(text)

    def _hear_ok(self, done: Callable[[NumberedLine], None]) -> None:
        if self._foreign_oks:
            self._foreign_oks -= 1
            if self._unanswered is not None and not self._foreign_oks:
                self._link.write(numbered(self._number, self._unanswered.text))
            return
        if self._unanswered is None:
            raise DamagedError('an ok too many')
        self._carried_out(done)

    def _carried_out(self, done: Callable[[NumberedLine], None]) -> None:
        line, self._unanswered = self._unanswered, None
        assert line is not None
        self._planned.append(line)
        moves = sum(each.moves for each in self._planned)
        while self._planned and (line.syncs or moves > self._blocks):
            drawn = self._planned.popleft()
            moves -= drawn.moves
            if drawn.piece is not None:
                done(drawn)

    def _hear_resend(self, number: int, done: Callable[[NumberedLine], None]) -> None:
        """The line on its way was damaged, or had arrived before it was sent again."""
        if number == self._number + 1 and self._unanswered is not None and self._resends:
            if self._unanswered.syncs:
                raise DamagedError('an answer was lost')
            self._be_quiet()
            self._carried_out(done)
        elif number == self._number and self._unanswered is not None:
            self._resends += 1
            self._foreign_oks += 1
            if self._resends > RESENDS:
                raise DamagedError(f'line {number} does not arrive')
        else:
            raise DamagedError(f'it asks for line {number}, not for {self._number}')

    def _send_again(self, why: str) -> None:
        assert self._unanswered is not None
        self._resends += 1
        if self._resends > 2:
            raise DamagedError(why)
        _log.info('%s: %s', self._link.port, why)
        self._heard_s = self._link.now_s()
        self._foreign_oks = 0
        self._link.write(numbered(self._number, self._unanswered.text))

    def _hear_error(self, text: str) -> None:
        if _FATAL.match(text):
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM,
                f'the Marlin controller at {self._link.port} has halted itself ({text}); switch it off and on, home '
                'it, then resume',
            )
        _log.info('%s: %s', self._link.port, text)

    def _be_quiet(self) -> None:
        """Drop what is on its way."""
        while (text := self._link.read_line(QUIET_S)) is not None:
            if text.strip() == 'start' and self._number:
                raise RestartedError(self._link.port)


def _nothing(_: object) -> None:
    """Nobody listens."""


def _no_wish() -> None:
    """Nobody wishes anything."""
