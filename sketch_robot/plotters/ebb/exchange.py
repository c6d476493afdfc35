"""Talk with an EBB over its link: commands, each with its answer, and the thread found again.

Firmware 3 can put the command's name before each answer (`CU,10,1`), and take commands with a checksum only
(`CU,54,1`): both are switched on where they are known, so that no byte lost on the way can become another movement, and
no answer be taken for another's. Where older firmware says its `OK` in another order than usual, that is seen at the
first connection.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ebb.answers import (
    WITH_SYNTAX,
    Answer,
    AnswerMatcher,
    CommandRefused,
    OkPlace,
    UnclearAnswer,
    Version,
    checksummed,
    is_unnamed_version,
    ok_place,
    spoken,
    version_in,
)
from sketch_robot.plotters.plotter import OriginUnknownError
from sketch_robot.plotters.serial_link import Link

OLDEST = (2, 4, 4)  # QM as it is now, and QS
ANSWER_S = 1.0  # an answer takes 1 to 2 ms; a busy computer and hub a hundred times that
TRIES = 3
SILENCE_S = 0.1  # after which nothing more belongs to an answer
OK_S = 0.02  # within which the OK comes that belongs to the line before it
MOST_CHATTER = 64  # lines that are no answer, until we give up waiting for one
_CHECKSUMS_OFF = 'CU,54,0,119'
_log = logging.getLogger(__name__)


class EbbExchange:
    """Says commands to an EBB and knows which answer belongs to which.

    One thread at a time; every method raises SketchRobotError PLOTTER_OFFLINE when the port is lost.

    Args:
        link: to the board.
        answer_s: how long an answer may take.

    Attributes:
        link: as given.
        version: of the board's firmware; (0, 0, 0) before `open`.
    """

    def __init__(self, link: Link, *, answer_s: float = ANSWER_S) -> None:
        self.link, self._answer_s = link, answer_s
        self.version: Version = (0, 0, 0)
        self._matcher = AnswerMatcher()
        self._heard_s = 0.0  # when the last answer came, or the first of those that wait was said
        self._learnt: Version | None = None  # whose order of lines is known

    @property
    def checked(self) -> bool:
        """Whether the board takes only what arrived whole, and says what it answers to."""
        return self._matcher.checked

    # ------------------------------------------------------------- beginning and end
    def open(self) -> None:
        """Find out who is there, and switch on what makes talking safe.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, nobody answers, or it is no EBB, or one whose firmware is too old.
        """
        self.link.open()
        self.version = (0, 0, 0)
        self._matcher.checked = False
        self._matcher.clear()
        self._greet()
        self.sync()
        if self.version < OLDEST:
            raise self.offline(f'has the firmware {spoken(self.version)}; update it to {spoken(OLDEST)} or newer')
        if self.version[0] > 3:
            raise self.offline(
                f'has the firmware {spoken(self.version)}, which is newer than this program knows (2 and 3)'
            )
        if self.version >= WITH_SYNTAX and not self.checked:
            self._switch_syntax()
        if not self.checked and self._learnt != self.version:
            self._learn_order()

    def close(self) -> None:
        """Give the port back, with the board as others expect to find it. Closing twice is harmless."""
        if self.checked:
            try:
                self.answer_to('CU,54,0')
                self.link.write(b'CU,10,0\r')
                self.link.read_line(self._answer_s)
            except (UnclearAnswer, CommandRefused, SketchRobotError) as error:
                _log.info('%s: left in its newer syntax: %s', self.link.port, error)
        self._matcher.checked = False
        self.link.close()

    def _greet(self) -> None:
        # an empty line ends what a former program left half said; firmware 3 may still want checksums
        for text in ('\rV', '\rV', 'V,170', 'V,170'):
            self._write(text)
            for line in self._lines(self._answer_s):
                if version := version_in(line):
                    self.version = version
                    self._matcher.checked = text.endswith('170')
                    return
                if line.startswith('V,!10 '):  # it wants a checksum
                    break
        raise self.offline('does not answer as an EBB; check its cable, its power, and that this is its port')

    def _switch_syntax(self) -> None:
        """Switch names and checksums on: both, or neither where the board does not know one of them."""
        for _ in range(TRIES):
            self._write('CU,10,1', 'CU,54,1', '\rV')  # the first answer is half in the old syntax, half in the new
            for line in self._lines(self._answer_s):
                if line.startswith('V,!10 '):
                    self._matcher.checked = True
                    self.sync()
                    return
                if version_in(line) or line.startswith('!10 '):
                    _log.info('%s: firmware %s has no names and checksums', self.link.port, spoken(self.version))
                    self._write(_CHECKSUMS_OFF, 'CU,10,0')
                    self.sync()
                    return
        raise self.silent()

    def _learn_order(self) -> None:
        """See where OK stands in answers, while it is certain to which one it belongs."""
        for _ in range(TRIES):
            value, bare = self._ok_place_of('QP'), self._ok_place_of('QM')
            if value is not None and bare is not None:
                self._matcher.value_ok, self._matcher.bare_ok, self._learnt = value, bare, self.version
                if (value, bare) != ('after', 'none'):
                    _log.info('%s: OK stands %s a value, %s a state', self.link.port, value, bare)
                break
        self.sync()

    def _ok_place_of(self, text: str) -> OkPlace | None:
        for _ in range(MOST_CHATTER):
            if self.link.read_line(OK_S) is None:
                break
        self._write(text)
        first = next(self._lines(self._answer_s), None)
        return ok_place([] if first is None else [first, *self._lines(SILENCE_S)])

    def sync(self) -> None:
        """Let all answers on the way arrive and be forgotten, so that the next one is the next command's.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, the board does not answer any more.
            OriginUnknownError: it has restarted.
        """
        seen = unnamed = 0
        self._matcher.clear()
        for asked in range(1, TRIES + 1):
            self._write('\rV')
            for line in self._lines(self._answer_s):
                if self.checked and is_unnamed_version(line):
                    unnamed += 1
                    if unnamed > 1:  # one may have been on its way since before the names were switched on
                        raise restarted(self.link.port)
                    break
                seen += line.startswith('V,!10 ') if self.checked else version_in(line) == self.version
                if seen == asked:  # also those to former questions, which were late
                    break
            if seen:
                if not self.checked and self._matcher.bare_ok == 'after':
                    self.link.read_line(OK_S)
                return
        raise self.silent()

    # ------------------------------------------------------------- saying and hearing
    def say(self, *texts: str) -> None:
        """Say something, also before what was said is answered; `hear` has the answers, in the same order.

        Raises:
            UnclearAnswer: something came unasked.
        """
        if not self._matcher.first:
            self._drop_chatter()
            self._heard_s = self.link.now_s()
        self._matcher.add(*texts)
        self.blurt(*texts)

    def blurt(self, *texts: str) -> None:
        """Say something of which nobody needs to know whether it was obeyed; `sync` is next."""
        self._write(*(checksummed(text) if self.checked else text for text in texts))

    def hear(self, timeout_s: float) -> Answer | None:
        """The next answer to what was said; None: it is not there yet, or somebody called `wake`.

        Raises:
            UnclearAnswer: it does not come, or something else does.
        """
        answer = self._heard(timeout_s)
        if answer is None and self._matcher.first and self.link.now_s() - self._heard_s > self._answer_s:
            raise self._matcher.unclear(f'no answer to {self._matcher.first!r} within {self._answer_s:g} s')
        return answer

    def answer_to(self, text: str) -> str:
        """Say something; the answer without the command's name: '' for done, else its fields.

        Raises:
            CommandRefused: it said `!`. Nothing happened.
            UnclearAnswer: no clear answer came.
        """
        if self._matcher.first:
            raise UnclearAnswer(f'{self._matcher.first!r} is not answered yet')
        self.say(text)
        deadline_s = self.link.now_s() + self._answer_s
        for _ in range(MOST_CHATTER):
            left_s = deadline_s - self.link.now_s()
            if left_s <= 0.0:
                break
            answer = self._heard(left_s)
            if answer is not None and answer.refusal:
                raise CommandRefused(answer.refusal)
            if answer is not None:
                return answer.value
        raise self._matcher.unclear(f'no answer to {text.split(",", 1)[0]} within {self._answer_s:g} s')

    @property
    def is_answered(self) -> bool:
        """Whether all that was said is answered."""
        return not self._matcher.first

    @property
    def silent_s(self) -> float:
        """For how long no answer has come to what was said; 0: all is answered."""
        return self.link.now_s() - self._heard_s if self._matcher.first else 0.0

    def _heard(self, timeout_s: float) -> Answer | None:
        line = self.link.read_line(timeout_s)
        if line is None:
            return None
        if self.is_answered:
            if not self.checked:
                raise self._matcher.unclear(f'{line!r} came unasked')
            return None
        answer = self._matcher.match(line)
        if answer is not None:
            if answer.refusal and not self.checked and self.is_answered:
                self.link.read_line(OK_S)  # firmware 3 ends an error with OK
            self._heard_s = self.link.now_s()
        return answer

    def _write(self, *texts: str) -> None:
        self.link.write(''.join(f'{text}\r' for text in texts).encode())

    def _lines(self, seconds: float) -> Iterator[str]:
        deadline_s = self.link.now_s() + seconds
        for _ in range(MOST_CHATTER):
            left_s = deadline_s - self.link.now_s()
            if left_s <= 0.0:
                return
            line = self.link.read_line(left_s)
            if line is not None:
                yield line

    def _drop_chatter(self) -> None:
        for _ in range(MOST_CHATTER):
            line = self.link.read_line(0.0)
            if line is None:
                return
            if not self.checked or is_unnamed_version(line):
                raise UnclearAnswer(f'{line!r} came unasked')

    # ------------------------------------------------------------- what to say to people
    def offline(self, what: str) -> SketchRobotError:
        """What to say when the board cannot be used."""
        return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'the machine at {self.link.port} {what}')

    def silent(self) -> SketchRobotError:
        """What to say when it says nothing."""
        return self.offline('does not answer any more; check its cable and power, then connect again')


def restarted(port: str) -> OriginUnknownError:
    """What to say when the board at a port has forgotten all that it was told."""
    return OriginUnknownError(f'the EBB at {port} has restarted and does not know where its pen is')
