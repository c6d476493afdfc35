"""What an EBB says: which line answers which command, and what the answers tell of the board. Nothing is sent or read.

Every command ends in a carriage return and is answered once it is obeyed or in the queue, in order. Firmware 3 can put
the command's name before each answer. Older firmware answers `OK`, after most values but not after all.
"""

from __future__ import annotations

import logging
import math
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RELEASED_S = 0.2  # a button that is held is found pressed again by each look, and they are closer together
LEAST_SUPPLY = 250  # of 1023: the voltage of the motors' supply, as AxiDraw's own software has it
WITH_SYNTAX = (3, 0, 0)  # named answers, checksums, a longer queue, a watch on the supply
_OPTIONAL = {  # questions that the driver can do without: the firmware that knows them, and how many fields they answer
    'QL': ((1, 9, 5), 1),
    'QB': ((1, 9, 2), 1),
    'QC': ((2, 2, 3), 2),
    'QG': ((2, 6, 2), 1),
    'QE': ((2, 8, 0), 2),
    'QU,6': (WITH_SYNTAX, 1),
    'QU,60': (WITH_SYNTAX, 1),
}
_VERSION = re.compile(r'(?:V,)?EBB.* EB Firmware Version (\d+)\.(\d+)\.(\d+)(?:[^\d.].*)?')
_FIELDS = re.compile(r'-?[0-9A-Fa-f]+(,-?[0-9A-Fa-f]+)*')
_ONLY_OK = ('SM', 'XM', 'LM', 'SP', 'TP', 'S2', 'EM', 'CS', 'SC', 'SR', 'SL', 'HM', 'CU')
_BARE = ('QM', 'QG', 'V')  # whose answers have no OK
_POWER_LOST = 64  # of the status byte of a board that watches its supply
_log = logging.getLogger(__name__)
OkPlace = Literal['after', 'before', 'none']  # where the OK is that belongs to a value
Version = tuple[int, int, int]


class UnclearAnswer(Exception):  # noqa: N818  an event, not an error of its own
    """No clear answer came, or the motors are not where they should be: whether a command was obeyed is unknown."""


class CommandRefused(Exception):  # noqa: N818
    """The board said `!`: it did not obey."""


@dataclass(frozen=True)
class Answer:
    """The answer to one command.

    Attributes:
        text: what was said.
        value: without the command's name: '' for done, else its fields.
        refusal: what was wrong, beginning with `!`; '': it obeyed.
    """

    text: str
    value: str = ''
    refusal: str = ''


class AnswerMatcher:
    """The commands that wait for their answers, and the lines that are these.

    Attributes:
        checked: whether the board takes only what arrived whole, and says what it answers to.
        value_ok, bare_ok: where OK stands beside the value of most questions, and of those that have none.
    """

    def __init__(self) -> None:
        self.checked = False
        self.value_ok: OkPlace = 'after'
        self.bare_ok: OkPlace = 'none'
        self._waiting: deque[str] = deque()
        self._value = ''  # of an answer whose OK has not come yet

    @property
    def first(self) -> str:
        """The command that the next answer belongs to; '': all are answered."""
        return self._waiting[0] if self._waiting else ''

    def add(self, *texts: str) -> None:
        """Commands were said."""
        self._waiting.extend(texts)

    def clear(self) -> None:
        """No answer that comes belongs to anything."""
        self._waiting.clear()
        self._value = ''

    def match(self, line: str) -> Answer | None:
        """The answer that a line completes; None: it completes none.

        Raises:
            UnclearAnswer: it cannot be part of an answer to what was said.
        """
        return self._match_named(line) if self.checked else self._match_plain(line)

    def unclear(self, why: str) -> UnclearAnswer:
        """Take nothing more for an answer; the error that says why."""
        self.clear()
        return UnclearAnswer(why)

    def _take(self, value: str = '', *, refusal: str = '') -> Answer:
        self._value = ''
        return Answer(self._waiting.popleft(), value, refusal)

    def _match_named(self, line: str) -> Answer | None:
        for index, text in enumerate(self._waiting):
            name = text.split(',', 1)[0]
            if line != name and not line.startswith(f'{name},'):
                continue
            if any(not text.startswith('Q') for text in list(self._waiting)[:index]):
                raise self.unclear(f'{self.first!r} was answered with {line!r}')  # what was it that was not obeyed?
            for _ in range(index):  # a question can be asked again
                self._waiting.popleft()
            rest = line[len(name) + 1 :]
            return self._take(refusal=rest) if rest.startswith('!') else self._take(rest)
        if '!9 ' in line and len(self._waiting) == 1:  # only that can have the wrong checksum, whatever name it had
            return self._take(refusal=line[line.index('!9 ') :])
        if '!9 ' in line or is_unnamed_version(line):
            raise self.unclear(f'{self.first!r} was answered with {line!r}')
        _log.debug('%r is no answer to %s', line, self.first)
        return None

    def _match_plain(self, line: str) -> Answer | None:
        name = self.first.split(',', 1)[0]
        order = 'after' if name in _ONLY_OK else self.bare_ok if name in _BARE else self.value_ok
        if line.startswith('!'):
            return self._take(refusal=line.removesuffix('OK'))
        if line == 'OK':
            return None if order == 'before' else self._take(self._value)
        if self._value or name in _ONLY_OK:
            raise self.unclear(f'{name} was answered with {line!r}')
        self._value = line[len(name) + 1 :] if line.startswith(f'{name},') else line
        return None if order == 'after' else self._take(self._value)


@dataclass(frozen=True)
class BoardStatus:
    """What the board does.

    Attributes:
        running: whether something runs or waits.
        waiting: at most so many commands wait in the queue besides the one that runs.
        pressed: whether PRG was pressed, and not merely held, since the last question.
    """

    running: bool
    waiting: int
    pressed: bool


class StatusReader:
    """What a board can be asked of its state, and what the answers tell.

    Args:
        known: those of the optional questions that it answers.
        depth: commands that its queue holds besides the one that runs.
        watches_supply: whether its status byte tells that the motors' supply was too low since it was asked last.

    Attributes:
        depth: as given.
        power_lost: whether the supply was seen to be too low since this was last set to False.
    """

    def __init__(self, known: frozenset[str] = frozenset(), depth: int = 1, *, watches_supply: bool = False) -> None:
        self._known, self.depth, self._watches_supply = known, depth, watches_supply
        self.power_lost = self._low_once = False
        self._pressed_s = -math.inf  # when the button was last found pressed

    def knows(self, text: str) -> bool:
        """Whether the board answers one of the questions that the driver can do without."""
        return text in self._known

    @property
    def status(self) -> dict[str, tuple[int, ...]]:
        """What to ask for its status (`QG`; before 2.6.2 `QM` and `QB`), and how many fields the answers may have."""
        asked: dict[str, tuple[int, ...]] = {'QG': (1,)} if self.knows('QG') else {'QM': (3, 4)}
        if not self.knows('QG') and self.knows('QB'):
            asked['QB'] = (1,)
        return {**asked, 'QU,6': (1,)} if self.depth > 1 else asked

    @property
    def look(self) -> tuple[str, ...]:
        """What to ask to see at once what it does, where its motors are, and that they had power until then."""
        return *self.status, 'QS', *(() if self._watches_supply or not self.knows('QC') else ('QC',))

    def read_status(self, answers: Mapping[str, str], now_s: float) -> BoardStatus | None:
        """The status that answers tell at some moment; None: they are not clear."""
        if 'QG' in answers:
            byte = int(answers['QG'], 16) if re.fullmatch(r'[0-9A-F]{2}', answers['QG']) else -1
            if byte < 0 or (byte & 1 and not byte & 8):  # what waits, waits for what runs
                return None
            running, waits, pressed = bool(byte & 8), bool(byte & 1), bool(byte & 32)
            self.power_lost = self.power_lost or (self._watches_supply and is_power_lost(byte))
        else:
            told, *motors = answers['QM'].split(',')
            if len(motors) not in (2, 3) or answers.get('QB', '0') not in ('0', '1'):
                return None
            running, pressed = told != '0', answers.get('QB') == '1'
            waits = motors[2] != '0' if len(motors) == 3 else running  # older firmware does not tell: something may
        many = whole_number(answers['QU,6']) if self.depth > 1 else int(waits)
        if many is None or not 0 <= many <= self.depth:
            return None
        return BoardStatus(running, many, pressed and self._is_press(now_s))

    def read_look(self, answers: Mapping[str, str], now_s: float) -> tuple[BoardStatus, tuple[int, int]] | None:
        """The status, and where the motors are, by the answers to `look`; None: they are not clear."""
        if not all(is_fields(answers.get(text, '')) for text in self.look):
            return None
        steps = [whole_number(field) for field in answers['QS'].split(',')]
        if len(steps) != 2 or steps[0] is None or steps[1] is None:
            return None
        if 'QC' in self.look:
            supply = supply_in(answers['QC'])
            if supply is None:
                return None
            was_low, self._low_once = self._low_once, supply < LEAST_SUPPLY
            if self._low_once and not was_low:  # a wrong byte perhaps: nothing is certain until it is seen again
                return None
            self.power_lost = self.power_lost or self._low_once
        status = self.read_status(answers, now_s)
        return None if status is None else (status, (steps[0], steps[1]))

    def _is_press(self, now_s: float) -> bool:
        """Whether a button that is found pressed had been let go before."""
        before_s, self._pressed_s = self._pressed_s, now_s
        return now_s > before_s + RELEASED_S


def optional_questions(version: Version) -> dict[str, int]:
    """The optional questions that a firmware should know, and how many fields they answer."""
    return {text: fields for text, (since, fields) in _OPTIONAL.items() if version >= since}


def checksummed(text: str) -> str:
    """A command with its checksum, as a board with checksums wants it (command reference, "CU")."""
    return f'{text},{-sum(text.encode()) % 256}'


def version_in(line: str) -> Version | None:
    """The version that a board says it has."""
    found = _VERSION.fullmatch(line)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def spoken(version: Version) -> str:
    """A version as people write it."""
    return '.'.join(map(str, version))


def is_unnamed_version(line: str) -> bool:
    """Whether a board says its version in the old syntax, as one does that has restarted."""
    return version_in(line) is not None and not line.startswith('V,')


def is_fields(answer: str, *counts: int) -> bool:
    """Whether an answer is decimal or hexadecimal numbers, so many where that is given."""
    return bool(_FIELDS.fullmatch(answer)) and (not counts or answer.count(',') + 1 in counts)


def whole_number(field: str) -> int | None:
    """The decimal number in a field."""
    return int(field) if re.fullmatch(r'-?\d{1,10}', field) else None


def supply_in(answer: str) -> int | None:
    """The voltage of the motors' supply in an answer to QC, of 1023."""
    return int(answer[5:]) if re.fullmatch(r'\d{4},\d{4}', answer) else None


def is_power_lost(status_byte: int) -> bool:
    """Whether the status byte of a board that watches its supply tells that it was too low."""
    return bool(status_byte & _POWER_LOST)


def ok_place(lines: list[str]) -> OkPlace | None:
    """Where OK stands beside one value; None: there is something else."""
    if len(lines) not in (1, 2) or any(line.startswith('!') for line in lines):
        return None
    if lines.count('OK') != len(lines) - 1:
        return None
    return 'none' if len(lines) == 1 else 'before' if lines[0] == 'OK' else 'after'
