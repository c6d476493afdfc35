"""Commands that an EBB obeys or refuses, questions that it answers: said again as far as that is harmless."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sketch_robot.errors import SketchRobotError
from sketch_robot.plotters.ebb_lines import Doubt, Refusal
from sketch_robot.plotters.ebb_talk import TRIES, WITH_SYNTAX, EbbTalk
from sketch_robot.plotters.serial_link import Link

WITH_LM = (2, 7, 0)
ANSWER_S = 1.0  # an answer takes 1 to 2 ms; a busy computer and hub a hundred times that
_SINCE = {  # what the driver can do without, the firmware from which it is there, and how many fields it answers with
    'QL': ((1, 9, 5), 1),
    'QB': ((1, 9, 2), 1),
    'QC': ((2, 2, 3), 2),
    'QG': ((2, 6, 2), 1),
    'QE': ((2, 8, 0), 2),
    'QU,6': (WITH_SYNTAX, 1),
}
_FIELDS = re.compile(r'-?[0-9A-Fa-f]+(,-?[0-9A-Fa-f]+)*')
_log = logging.getLogger(__name__)


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
        talk: how the board is spoken to.
        depth: entries that its queue holds besides the one that runs.
    """

    def __init__(self, link: Link, *, answer_s: float = ANSWER_S) -> None:
        self.talk = EbbTalk(link, answer_s=answer_s)
        self.depth = 1
        self._known: frozenset[str] = frozenset()

    @property
    def version(self) -> tuple[int, int, int]:
        """Of the board's firmware; (0, 0, 0) before `open`."""
        return self.talk.version

    @property
    def checked(self) -> bool:
        """Whether the board takes only what arrived whole, and says what it answers to."""
        return self.talk.checked

    def open(self, depth: int) -> None:
        """Find out who is there and what it can do.

        Args:
            depth: how many entries the queue should hold, where that can be chosen.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, nobody answers, or it is no EBB, or one whose firmware is too old.
        """
        self.depth = 1
        self.talk.open()
        should = {text: fields for text, (since, fields) in _SINCE.items() if self.version >= since}
        self._known = frozenset(text for text, fields in should.items() if self._answers(text, fields))
        if missing := sorted(should.keys() - self._known):
            _log.warning('%s: firmware %s has no %s', self.talk.link.port, self.talk.spoken, ', '.join(missing))
        if self.knows('QU,6') and self._obeys(f'CU,4,{depth}'):
            self.depth = depth

    def close(self) -> None:
        """Give the port back, with the board as others expect to find it. Closing twice is harmless."""
        self.talk.close()

    def knows(self, text: str) -> bool:
        """Whether the board answers one of the questions that the driver can do without."""
        return text in self._known

    # ------------------------------------------------------------- commands
    def command(self, text: str) -> None:
        """Let the board obey.

        Raises:
            Refusal: it said `!`. Nothing happened.
            Doubt: no clear answer came.
        """
        for _ in range(TRIES):
            try:
                answer = self.talk.exchange(text)
            except Refusal as refusal:
                if self.checked and re.match(r'!(9|10) ', str(refusal)):
                    _log.info('%s: %r did not arrive whole; sent again', self.talk.link.port, text)
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
        try:
            self._settled(text)
        except Refusal as refusal:
            raise self._refuses(text, refusal) from refusal

    def _settled(self, text: str) -> None:
        """As `settle`. Raises Refusal: each time, or the last time at least."""
        refused: Refusal | None = None
        for _ in range(TRIES):
            try:
                self.command(text)
                return
            except Doubt as doubt:
                _log.info('%s: %s', self.talk.link.port, doubt)
                refused = None
            except Refusal as refusal:  # of something else perhaps, that became of it on the way
                refused = refusal
            self.talk.sync()
        if refused is not None:
            raise refused
        raise self.talk.offline(f'does not understand {text!r}; check its cable')

    def _obeys(self, text: str) -> bool:
        try:
            self._settled(text)
        except Refusal:
            return False
        return True

    # ------------------------------------------------------------- questions
    def ask(self, text: str, *fields: int) -> list[str]:
        """The fields of an answer, each a decimal or hexadecimal number, which may be asked for again.

        Args:
            text: the question.
            fields: how many the answer may have.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, no clear answer came, however often it was asked; PLOTTER_ALARM, the
                board refuses to answer.
        """
        try:
            return self._asked(text, *fields)
        except Refusal as refusal:
            raise self._refuses(text, refusal) from refusal

    def _asked(self, text: str, *fields: int) -> list[str]:
        """As `ask`. Raises Refusal: each time it was asked."""
        refusals: list[Refusal] = []
        for _ in range(TRIES):
            try:
                answer = self.talk.exchange(text)
                if _FIELDS.fullmatch(answer) and answer.count(',') + 1 in fields:
                    return answer.split(',')
                _log.info('%s: %r was answered with %r', self.talk.link.port, text, answer)
            except Doubt as doubt:
                _log.info('%s: %r: %s', self.talk.link.port, text, doubt)
            except Refusal as refusal:
                refusals.append(refusal)
            self.talk.sync()
        if len(refusals) == TRIES:
            raise refusals[0]
        raise self.talk.offline(f'gives no clear answer to {text!r}; check its cable')

    def _answers(self, text: str, fields: int) -> bool:
        try:
            self._asked(text, fields)
        except Refusal:
            return False
        return True

    def ask_number(self, text: str, *, low: int, high: int) -> int:
        """A decimal number between bounds; as `ask`."""
        for _ in range(TRIES):
            value = _whole(self.ask(text, 1)[0])
            if value is not None and low <= value <= high:
                return value
        raise self.talk.offline(f'gives no clear answer to {text!r}; check its cable')

    def steps(self) -> tuple[int, int]:
        """How many steps its motors have made since they were last set to zero (`QS`)."""
        for _ in range(TRIES):
            first, second = (_whole(field) for field in self.ask('QS', 2))
            if first is not None and second is not None:
                return first, second
        raise self.talk.offline("gives no clear answer to 'QS'; check its cable")

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
        raise self.talk.alarm('gives another position each time it is asked')

    def supply(self) -> float:
        """The voltage of the motors' supply (`QC`), of 1023; infinite where the board does not tell."""
        if not self.knows('QC'):
            return math.inf
        for _ in range(TRIES):
            value = _whole(self.ask('QC', 2)[1])
            if value is not None:
                return value
        raise self.talk.offline("gives no clear answer to 'QC'; check its cable")

    def pen_is_up(self) -> bool:
        """Where the board has last sent the pen (`QP`)."""
        return self.ask_number('QP', low=0, high=1) == 1

    def status(self) -> Status:
        """What it does (`QG`; before 2.6.2 `QM` and `QB`)."""
        for _ in range(TRIES):
            answers = {text: ','.join(self.ask(text, *fields)) for text, fields in self._state_fields.items()}
            if (status := self._status_of(answers)) is not None:
                return status
        raise self.talk.offline(f'gives no clear answer to {next(iter(self._state_fields))!r}; check its cable')

    @property
    def look(self) -> tuple[str, ...]:
        """What to ask to see both what it does and where its motors are, in one go."""
        return *self._state_fields, 'QS'

    def seen(self, answers: Mapping[str, str]) -> tuple[Status, tuple[int, int]] | None:
        """What the answers to `look` tell; None: they are not clear."""
        if not all(_FIELDS.fullmatch(answers.get(text, '')) for text in self.look):
            return None
        status, steps = self._status_of(answers), [_whole(field) for field in answers['QS'].split(',')]
        if status is None or len(steps) != 2 or steps[0] is None or steps[1] is None:
            return None
        return status, (steps[0], steps[1])

    @property
    def _state_fields(self) -> dict[str, tuple[int, ...]]:
        """What tells its state, and how many fields the answers may have."""
        fields: dict[str, tuple[int, ...]] = {'QG': (1,)} if self.knows('QG') else {'QM': (3, 4)}
        if not self.knows('QG') and self.knows('QB'):
            fields['QB'] = (1,)
        return {**fields, 'QU,6': (1,)} if self.depth > 1 else fields

    def _status_of(self, answers: Mapping[str, str]) -> Status | None:
        if 'QG' in answers:
            byte = int(answers['QG'], 16) if re.fullmatch(r'[0-9A-F]{2}', answers['QG']) else -1
            if byte < 0 or (byte & 1 and not byte & 8):  # what waits, waits for what runs
                return None
            running, waits, pressed = bool(byte & 8), bool(byte & 1), bool(byte & 32)
        else:
            told, *motors = answers['QM'].split(',')
            if len(motors) not in (2, 3) or answers.get('QB', '0') not in ('0', '1'):
                return None
            running, pressed = told != '0', answers.get('QB') == '1'
            waits = motors[2] != '0' if len(motors) == 3 else running  # older firmware does not tell: something may
        many = _whole(answers['QU,6']) if self.depth > 1 else int(waits)
        if many is None or not 0 <= many <= self.depth:
            return None
        return Status(running, many, pressed)

    def _refuses(self, text: str, refusal: Refusal) -> SketchRobotError:
        return self.talk.alarm(f'refused {text!r}: {refusal}; if it does so again, update its firmware')


def _whole(field: str) -> int | None:
    return int(field) if re.fullmatch(r'-?\d{1,10}', field) else None
