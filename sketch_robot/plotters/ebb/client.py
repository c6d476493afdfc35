"""Ask and tell an EBB what it is to do, until it is certain: commands that it obeys or refuses, questions it answers.

What is harmless is said again until it is clear what became of it.
"""

from __future__ import annotations

import logging
import re

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ebb.answers import (
    LEAST_SUPPLY,
    BoardStatus,
    CommandRefused,
    StatusReader,
    UnclearAnswer,
    is_fields,
    is_power_lost,
    optional_questions,
    spoken,
    supply_in,
    whole_number,
)
from sketch_robot.plotters.ebb.exchange import TRIES, EbbExchange

WITH_LM = (2, 7, 0)
SERVO_MS = 60_000  # without a command until the servo is let go; as the board has it after a start
_log = logging.getLogger(__name__)


class EbbClient:
    """Speaks the commands of an EBB.

    One thread at a time; every method raises SketchRobotError PLOTTER_OFFLINE when the port is lost.

    Args:
        exchange: with the board.

    Attributes:
        exchange: as given.
        reader: what the board can be asked of its state.
    """

    def __init__(self, exchange: EbbExchange) -> None:
        self.exchange = exchange
        self.reader = StatusReader()
        self._times_servo = False

    @property
    def port(self) -> str:
        """Where the board is, for messages."""
        return self.exchange.link.port

    def open(self, depth: int) -> None:
        """Find out who is there and what it can do, and switch on what makes talking safe.

        Args:
            depth: how many commands the queue should hold, where that can be chosen.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, nobody answers, or it is no EBB, or one whose firmware is too old.
        """
        power_lost = self.reader.power_lost
        self.exchange.open()
        self._learn_questions(depth)
        self.reader.power_lost = self.reader.power_lost or power_lost
        self._times_servo = self._obeys(f'SR,{SERVO_MS}')

    def _learn_questions(self, depth: int) -> None:
        should = optional_questions(self.exchange.version)
        answers = {text: answer for text, fields in should.items() if (answer := self._answer_to(text, fields))}
        known, power_lost = frozenset(answers), False
        if missing := sorted(should.keys() - known):
            _log.warning('%s: firmware %s has no %s', self.port, spoken(self.exchange.version), ', '.join(missing))
        depth = depth if 'QU,6' in known and self._obeys(f'CU,4,{depth}') else 1
        watches = {'QU,60', 'QG'} <= known
        if watches and whole_number(answers['QU,60'][0]) == LEAST_SUPPLY:
            power_lost = is_power_lost(int(answers['QG'][0], 16))  # before it was opened
        elif watches:
            watches = self._obeys(f'CU,60,{LEAST_SUPPLY}')
            self.ask('QG', 1)  # what was before it was set does not count
        self.reader = StatusReader(known, depth, watches_supply=watches)
        self.reader.power_lost = power_lost

    # ------------------------------------------------------------- commands
    def command(self, text: str) -> None:
        """Let the board obey.

        Raises:
            CommandRefused: it said `!`. Nothing happened.
            UnclearAnswer: no clear answer came.
        """
        for _ in range(TRIES):
            try:
                answer = self.exchange.answer_to(text)
            except CommandRefused as refusal:
                if self.exchange.checked and re.match(r'!(9|10) ', str(refusal)):
                    _log.info('%s: %r did not arrive whole; sent again', self.port, text)
                    continue
                raise
            if answer != '':
                raise UnclearAnswer(f'{text!r} was answered with {answer!r}')
            return
        raise UnclearAnswer(f'{text!r} does not arrive whole')

    def settle(self, text: str) -> None:
        """Let the board obey what may be said twice, until it is certain that it did.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it refuses; PLOTTER_OFFLINE, it does not answer any more.
        """
        try:
            self._settled(text)
        except CommandRefused as refusal:
            raise self._refuses(text, refusal) from refusal

    def _settled(self, text: str) -> None:
        """As `settle`. Raises CommandRefused: each time, or the last time at least."""
        refused: CommandRefused | None = None
        for _ in range(TRIES):
            try:
                self.command(text)
                return
            except UnclearAnswer as unclear:
                _log.info('%s: %s', self.port, unclear)
                refused = None
            except CommandRefused as refusal:  # of something else perhaps, that became of it on the way
                refused = refusal
            self.exchange.sync()
        if refused is not None:
            raise refused
        raise self.exchange.offline(f'does not understand {text!r}; check its cable')

    def _obeys(self, text: str) -> bool:
        try:
            self._settled(text)
        except CommandRefused:
            return False
        return True

    def keep_servo(self) -> None:
        """Let the servo have its power for another minute (`SR`), where the board would take it away."""
        if self._times_servo:
            self._obeys(f'SR,{SERVO_MS},1')

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
        except CommandRefused as refusal:
            raise self._refuses(text, refusal) from refusal

    def _asked(self, text: str, *fields: int) -> list[str]:
        """As `ask`. Raises CommandRefused: each time it was asked."""
        refusals: list[CommandRefused] = []
        for _ in range(TRIES):
            try:
                answer = self.exchange.answer_to(text)
                if is_fields(answer, *fields):
                    return answer.split(',')
                _log.info('%s: %r was answered with %r', self.port, text, answer)
            except UnclearAnswer as unclear:
                _log.info('%s: %r: %s', self.port, text, unclear)
            except CommandRefused as refusal:
                refusals.append(refusal)
            self.exchange.sync()
        if len(refusals) == TRIES:
            raise refusals[0]
        raise self._unclear_answer_to(text)

    def _answer_to(self, text: str, fields: int) -> list[str]:
        """As `ask`; nothing: the board does not know this question."""
        try:
            return self._asked(text, fields)
        except CommandRefused:
            return []

    def ask_number(self, text: str, *, low: int, high: int) -> int:
        """A decimal number between bounds; as `ask`."""
        for _ in range(TRIES):
            value = whole_number(self.ask(text, 1)[0])
            if value is not None and low <= value <= high:
                return value
        raise self._unclear_answer_to(text)

    def steps(self) -> tuple[int, int]:
        """How many steps its motors have made since they were last set to zero (`QS`)."""
        for _ in range(TRIES):
            first, second = (whole_number(field) for field in self.ask('QS', 2))
            if first is not None and second is not None:
                return first, second
        raise self._unclear_answer_to('QS')

    def steps_at_rest(self) -> tuple[int, int]:
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

    def has_power(self) -> bool:
        """Whether the motors have their supply (`QC`), asked again if not; True where the board does not tell."""
        if not self.reader.knows('QC'):
            return True
        low = 0
        for _ in range(2 * TRIES):
            value = supply_in(','.join(self.ask('QC', 2)))
            if value is not None and value >= LEAST_SUPPLY:
                return True
            low += value is not None
            if low == 2:
                return False
        raise self._unclear_answer_to('QC')

    def pen_is_up(self) -> bool:
        """Where the board has last sent the pen (`QP`)."""
        return self.ask_number('QP', low=0, high=1) == 1

    def status(self) -> BoardStatus:
        """What it does."""
        for _ in range(TRIES):
            answers = {text: ','.join(self.ask(text, *fields)) for text, fields in self.reader.status.items()}
            if (status := self.reader.read_status(answers, self.exchange.link.now_s())) is not None:
                return status
        raise self._unclear_answer_to(next(iter(self.reader.status)))

    # ------------------------------------------------------------- what to say to people
    def alarm(self, what: str) -> SketchRobotError:
        """What to say when the board stands in the way of the drawing."""
        return SketchRobotError(ErrorCode.PLOTTER_ALARM, f'the EBB at {self.port} {what}; home it first')

    def _unclear_answer_to(self, text: str) -> SketchRobotError:
        return self.exchange.offline(f'gives no clear answer to {text!r}; check its cable')

    def _refuses(self, text: str, refusal: CommandRefused) -> SketchRobotError:
        return self.alarm(f'refused {text!r}: {refusal}; if it does so again, update its firmware')
