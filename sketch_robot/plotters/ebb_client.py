"""Talk with an EBB: commands that it obeys or refuses, questions that it answers (EBB command set, 2.x and 3.0).

Every command ends in a carriage return and is answered once it is obeyed or in the queue. Firmware 3 can put the
command's name before each answer (`CU,10,1`), and take commands with a checksum only (`CU,54,1`): both are switched on
where they are known, so that no byte lost on the way can become another movement, and no answer be taken for another's.
Older firmware answers `OK`; there what the board does has to be compared with what it was told.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.serial_link import Link

OLDEST = (2, 4, 4)  # QM as it is now, and QS
WITH_QG = (2, 6, 2)
WITH_LM = (2, 7, 0)
WITH_QE = (2, 8, 0)
WITH_SYNTAX = (3, 0, 0)  # future syntax, checksums, a longer queue
ANSWER_S = 1.0  # an answer takes 1 to 2 ms; a busy computer and hub a hundred times that
TRIES = 3
MOST_CHATTER = 64  # lines that are no answer, until we give up waiting for one
_VERSION = re.compile(r'(?:V,)?EBB\S* EB Firmware Version (\d+)\.(\d+)\.(\d+)')
_FIELDS = re.compile(r'-?[0-9A-Fa-f]+(,-?[0-9A-Fa-f]+)*')
_log = logging.getLogger(__name__)


class Doubt(Exception):  # noqa: N818  an event, not an error of its own
    """No clear answer came: whether the command was obeyed is unknown."""


class Refusal(Exception):  # noqa: N818
    """The board said `!`: it did not obey."""


@dataclass(frozen=True)
class Status:
    """What the board does.

    Attributes:
        running: whether something runs or waits.
        waiting: at most so many entries wait in the queue besides the one that runs.
        pressed: whether PRG was pressed since the last question.
    """

    running: bool
    waiting: int
    pressed: bool


class EbbClient:
    """See the module. One thread at a time; every method raises SketchRobotError PLOTTER_OFFLINE when the port is lost.

    Args:
        link: to the board.
        answer_s: how long an answer may take.

    Attributes:
        version: of its firmware; (0, 0, 0) before `open`.
        depth: entries that its queue holds besides the one that runs.
    """

    def __init__(self, link: Link, *, answer_s: float = ANSWER_S) -> None:
        self._link, self._answer_s = link, answer_s
        self.version = (0, 0, 0)
        self.depth = 1
        self._checked = False

    # ------------------------------------------------------------- the connection
    def open(self, depth: int) -> None:
        """Find out who is there, and switch on what makes talking safe.

        Args:
            depth: how many entries the queue should hold, where that can be chosen.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, nobody answers, or it is no EBB, or one whose firmware is too old.
        """
        self._link.open()
        self.version, self.depth, self._checked = (0, 0, 0), 1, False
        self._greet()
        self.sync()
        if self.version < OLDEST:
            raise self._offline(
                f'has the firmware {self._spoken()}; update it to {".".join(map(str, OLDEST))} or newer'
            )
        if self.version[0] > 3:
            raise self._offline(f'has the firmware {self._spoken()}, which is newer than this program knows (2 and 3)')
        if self.version >= WITH_SYNTAX:
            self._switch_syntax()
            self.settle(f'CU,4,{depth}')
            self.depth = depth

    @property
    def checked(self) -> bool:
        """Whether the board takes only what arrived whole, and says what it answers to."""
        return self._checked

    def close(self) -> None:
        """Give the port back, with the board as others expect to find it. Closing twice is harmless."""
        if self._checked:
            try:
                self.command('CU,54,0')
                self._link.write(b'CU,10,0\r')
                self._link.read_line(self._answer_s)
            except (Doubt, Refusal, SketchRobotError) as error:
                _log.info('%s: left in its newer syntax: %s', self._link.port, error)
        self._checked = False
        self._link.close()

    def _greet(self) -> None:
        # an empty line ends what a former program left half said; firmware 3 may still want checksums
        for text in ('\rV', '\rV', 'V,170', 'V,170'):
            self._link.write(f'{text}\r'.encode())
            for line in self._lines(self._answer_s):
                if version := _VERSION.fullmatch(line):
                    self.version = int(version[1]), int(version[2]), int(version[3])
                    self._checked = text.endswith('170')
                    return
                if line.startswith('V,!10 '):  # it wants a checksum
                    break
        raise self._offline('does not answer as an EBB; check its cable, its power, and that this is its port')

    def _switch_syntax(self) -> None:
        if self._checked:
            return
        for text in ('CU,10,1', 'CU,54,1'):  # each answer is half in the old syntax, half in the new
            self._link.write(f'{text}\r'.encode())
        self._checked = True
        self.sync()

    def sync(self) -> None:
        """Let all answers on the way arrive and be forgotten, so that the next one is the next command's.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, the board does not answer any more; PLOTTER_ALARM, it has restarted.
        """
        seen = 0
        for asked in range(1, TRIES + 1):
            self._link.write(b'\rV\r')
            for line in self._lines(self._answer_s):
                if self._checked and _VERSION.fullmatch(line) and not line.startswith('V,'):
                    raise self.restarted()
                seen += line.startswith('V,!10 ') if self._checked else self._is_own_version(line)
                if seen == asked:  # also those to former questions, which were late
                    return
            if seen:
                return
        raise self._offline('does not answer any more; check its cable and power, then connect again')

    def _is_own_version(self, line: str) -> bool:
        version = _VERSION.fullmatch(line)
        return version is not None and (int(version[1]), int(version[2]), int(version[3])) == self.version

    def restarted(self) -> SketchRobotError:
        """What to say when the board has forgotten where the pen is."""
        return SketchRobotError(
            ErrorCode.PLOTTER_ALARM,
            f'the EBB at {self._link.port} has restarted and does not know where its pen is; put the pen above the '
            "page's lower left corner by hand, then home it, or resume with --origin-is-set",
        )

    # ------------------------------------------------------------- commands and questions
    def command(self, text: str) -> None:
        """Let the board obey.

        Raises:
            Refusal: it said `!`. Nothing happened.
            Doubt: no clear answer came.
        """
        for _ in range(TRIES):
            try:
                answer = self._exchange(text)
            except Refusal as refusal:
                if self._checked and re.match(r'!(9|10) ', str(refusal)):
                    _log.info('%s: %r did not arrive whole; sent again', self._link.port, text)
                    continue
                raise
            if answer != '':
                raise Doubt(f'{text!r} was answered with {answer!r}')
            return
        raise Doubt(f'{text!r} does not arrive whole')

    def settle(self, text: str) -> None:
        """Let the board obey what may be said twice, until it is certain that it did.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it refuses; PLOTTER_OFFLINE, it does not answer any more.
        """
        for _ in range(TRIES):
            try:
                self.command(text)
                return
            except Doubt as doubt:
                _log.info('%s: %s', self._link.port, doubt)
                self.sync()
            except Refusal as refusal:
                raise self.alarm(f'refused {text!r}: {refusal}') from refusal
        raise self._offline(f'does not understand {text!r}; check its cable')

    def ask(self, text: str, fields: int) -> list[str]:
        """The fields of an answer, each a decimal or hexadecimal number, which may be asked for again.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, no clear answer came, however often it was asked.
        """
        for _ in range(TRIES):
            try:
                answer = self._exchange(text)
                if _FIELDS.fullmatch(answer) and answer.count(',') == fields - 1:
                    return answer.split(',')
                _log.info('%s: %r was answered with %r', self._link.port, text, answer)
            except (Doubt, Refusal) as trouble:
                _log.info('%s: %r: %s', self._link.port, text, trouble)
            self.sync()
        raise self._offline(f'gives no clear answer to {text!r}; check its cable')

    def ask_number(self, text: str, *, low: int, high: int) -> int:
        """A decimal number between bounds; as `ask`."""
        for _ in range(TRIES):
            value = _whole(self.ask(text, 1)[0])
            if value is not None and low <= value <= high:
                return value
        raise self._offline(f'gives no clear answer to {text!r}; check its cable')

    def steps(self) -> tuple[int, int]:
        """How many steps its motors have made since they were last set to zero (`QS`)."""
        for _ in range(TRIES):
            first, second = (_whole(field) for field in self.ask('QS', 2))
            if first is not None and second is not None:
                return first, second
        raise self._offline("gives no clear answer to 'QS'; check its cable")

    def steps_for_certain(self) -> tuple[int, int]:
        """Its steps while nothing moves: asked until two answers in a row are the same.

        Raises:
            SketchRobotError: PLOTTER_ALARM, they never are.
        """
        last = self.steps()
        for _ in range(2 * TRIES):
            last, before = self.steps(), last
            if last == before:
                return last
        raise self.alarm('gives another position each time it is asked')

    def pen_is_up(self) -> bool:
        """Where the board has last sent the pen (`QP`)."""
        return self.ask_number('QP', low=0, high=1) == 1

    def status(self) -> Status:
        """What it does (`QG`, before 2.6.2 `QM` and `QB`)."""
        if self.version < WITH_QG:
            running, _, _, behind = self.ask('QM', 4)
            return Status(running != '0', int(behind != '0'), self.ask_number('QB', low=0, high=1) == 1)
        byte = -1
        for _ in range(TRIES):
            field = self.ask('QG', 1)[0]
            byte = int(field, 16)
            if (
                len(field) == 2 and 0 <= byte <= 255 and not (byte & 1 and not byte & 8)
            ):  # what waits, waits for what runs
                break
        else:
            raise self._offline("gives no clear answer to 'QG'; check its cable")
        waiting = byte & 1
        if waiting and self.depth > 1:
            waiting = self.ask_number('QU,6', low=0, high=self.depth)
        return Status(bool(byte & 8), waiting, bool(byte & 32))

    def alarm(self, what: str) -> SketchRobotError:
        """What to say when the board stands in the way of the drawing."""
        return SketchRobotError(ErrorCode.PLOTTER_ALARM, f'the EBB at {self._link.port} {what}; home it first')

    # ------------------------------------------------------------- lines
    def _exchange(self, text: str) -> str:
        """The answer without the command's name: '' for done, else its fields."""
        self._drop_chatter()
        said = f'{text},{-sum(text.encode()) % 256}' if self._checked else text
        name = text.split(',', 1)[0]
        self._link.write(f'{said}\r'.encode())
        return self._named_answer(name) if self._checked else self._old_answer(name)

    def _named_answer(self, name: str) -> str:
        for line in self._lines(self._answer_s):
            if line == name:
                return ''
            if '!9 ' in line:  # only what is said now can be the command whose checksum is wrong, whatever name it has
                raise Refusal(line[line.index('!9 ') :])
            if line.startswith(f'{name},!'):
                raise Refusal(line[len(name) + 1 :])
            if line.startswith(f'{name},'):
                return line[len(name) + 1 :]
            _log.debug('%s: %r is no answer to %s', self._link.port, line, name)
            if _VERSION.fullmatch(line) and not line.startswith('V,'):
                raise self.restarted()
        raise Doubt(f'no answer to {name} within {self._answer_s:g} s')

    def _old_answer(self, name: str) -> str:
        """`OK`; or a value, after which some questions have an `OK` of their own."""
        value = ''
        for line in self._lines(self._answer_s):
            if line.startswith('!'):
                raise Refusal(line)
            if line == 'OK':
                return value
            if value or (name in _ONLY_OK):
                raise Doubt(f'{name} was answered with {line!r}')
            value = line[len(name) + 1 :] if line.startswith(f'{name},') else line
            if name in _WITHOUT_OK:
                return value
        raise Doubt(f'no answer to {name} within {self._answer_s:g} s')

    def _lines(self, seconds: float) -> Iterator[str]:
        deadline_s = self._link.now_s() + seconds
        for _ in range(MOST_CHATTER):
            left_s = deadline_s - self._link.now_s()
            if left_s <= 0.0:
                return
            line = self._link.read_line(left_s)
            if line is not None:
                yield line

    def _drop_chatter(self) -> None:
        for _ in range(MOST_CHATTER):
            line = self._link.read_line(0.0)
            if line is None:
                return
            if not self._checked:
                raise Doubt(f'{line!r} came unasked')
            if _VERSION.fullmatch(line) and not line.startswith('V,'):
                raise self.restarted()

    def _offline(self, what: str) -> SketchRobotError:
        return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'the machine at {self._link.port} {what}')

    def _spoken(self) -> str:
        return '.'.join(map(str, self.version))


_WITHOUT_OK = ('QM', 'QG', 'V')
_ONLY_OK = ('SM', 'XM', 'LM', 'SP', 'TP', 'S2', 'EM', 'CS', 'SC', 'SR', 'SL', 'HM')


def _whole(field: str) -> int | None:
    return int(field) if re.fullmatch(r'-?\d{1,10}', field) else None
