"""Lines said to an EBB, and which line is the answer to which: one by one, or several on their way at once.

Every command ends in a carriage return and is answered once it is obeyed or in the queue, in order. Firmware 3 can put
the command's name before each answer. Older firmware answers `OK`, after most values but not after all.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from sketch_robot.plotters.serial_link import Link

MOST_CHATTER = 64  # lines that are no answer, until we give up waiting for one
OK_S = 0.02  # within which the OK comes that belongs to the line before it
AFTER, BEFORE, NONE = 'after', 'before', 'none'  # where the OK is that belongs to a value
_VERSION = re.compile(r'(?:V,)?EBB.* EB Firmware Version (\d+)\.(\d+)\.(\d+)(?:[^\d.].*)?')
_ONLY_OK = ('SM', 'XM', 'LM', 'SP', 'TP', 'S2', 'EM', 'CS', 'SC', 'SR', 'SL', 'HM', 'CU')
_BARE = ('QM', 'QG', 'V')  # whose answers have no OK
_log = logging.getLogger(__name__)


class Doubt(Exception):  # noqa: N818  an event, not an error of its own
    """No clear answer came: whether the command was obeyed is unknown."""


class Refusal(Exception):  # noqa: N818
    """The board said `!`: it did not obey."""


@dataclass(frozen=True)
class Heard:
    """An answer, or that it was refused.

    Attributes:
        text: what was said.
        answer: without the command's name: '' for done, else its fields.
        refusal: what was wrong, beginning with `!`; '': it obeyed.
    """

    text: str
    answer: str = ''
    refusal: str = ''


class EbbLines:
    """See the module. One thread at a time; every method raises SketchRobotError PLOTTER_OFFLINE when the port is lost.

    Args:
        link: to the board.
        answer_s: how long an answer may take.

    Attributes:
        link: as given.
        checked: whether the board takes only what arrived whole, and says what it answers to.
    """

    def __init__(self, link: Link, *, answer_s: float) -> None:
        self.link, self._answer_s = link, answer_s
        self.checked = False
        self._value_ok, self._bare_ok = AFTER, NONE
        self._said: deque[str] = deque()  # not answered yet
        self._heard_s = 0.0  # when the last answer came, or the first of them was said
        self._value = ''  # of an answer whose OK has not come yet

    def exchange(self, text: str) -> str:
        """Say something; the answer without the command's name: '' for done, else its fields.

        Raises:
            Refusal: it said `!`. Nothing happened.
            Doubt: no clear answer came.
        """
        if self._said:
            raise Doubt(f'{self._said[0]!r} is not answered yet')
        self.say(text)
        deadline_s = self.link.now_s() + self._answer_s
        for _ in range(MOST_CHATTER):
            left_s = deadline_s - self.link.now_s()
            if left_s <= 0.0:
                break
            heard = self._heard(left_s)
            if heard is not None and heard.refusal:
                raise Refusal(heard.refusal)
            if heard is not None:
                return heard.answer
        raise self._doubt(f'no answer to {text.split(",", 1)[0]} within {self._answer_s:g} s')

    def say(self, *texts: str) -> None:
        """Say something, also before what was said is answered; `hear` has the answers, in the same order.

        Raises:
            Doubt: something came unasked.
        """
        if not self._said:
            self._drop_chatter()
            self._heard_s = self.link.now_s()
        self._said.extend(texts)
        self._say(*(self._sealed(text) for text in texts))

    def blurt(self, *texts: str) -> None:
        """Say something of which nobody needs to know whether it was obeyed; `sync` is next."""
        self._say(*(self._sealed(text) for text in texts))

    def hear(self, timeout_s: float) -> Heard | None:
        """The next answer to what was said; None: it is not there yet, or somebody called `wake`.

        Raises:
            Doubt: it does not come, or something else does.
        """
        heard = self._heard(timeout_s)
        if heard is None and self._said and self.link.now_s() - self._heard_s > self._answer_s:
            raise self._doubt(f'no answer to {self._said[0]!r} within {self._answer_s:g} s')
        return heard

    @property
    def is_answered(self) -> bool:
        """Whether all that was said is answered."""
        return not self._said

    @property
    def silent_s(self) -> float:
        """For how long no answer has come to what was said; 0: all is answered."""
        return self.link.now_s() - self._heard_s if self._said else 0.0

    def _heard(self, timeout_s: float) -> Heard | None:
        line = self.link.read_line(timeout_s)
        if line is None:
            return None
        if not self._said:
            if not self.checked:
                raise self._doubt(f'{line!r} came unasked')
            return None
        heard = self._named_answer(line) if self.checked else self._old_answer(line)
        if heard is not None:
            self._heard_s = self.link.now_s()
        return heard

    def _sealed(self, text: str) -> str:
        return f'{text},{-sum(text.encode()) % 256}' if self.checked else text

    def _doubt(self, what: str) -> Doubt:
        self._forget_said()
        return Doubt(what)

    def _forget_said(self) -> None:
        self._said.clear()
        self._value = ''

    def _take(self, answer: str = '', *, refusal: str = '') -> Heard:
        self._value = ''
        return Heard(self._said.popleft(), answer, refusal)

    def _named_answer(self, line: str) -> Heard | None:
        for index, text in enumerate(self._said):
            name = text.split(',', 1)[0]
            if line != name and not line.startswith(f'{name},'):
                continue
            if any(not text.startswith('Q') for text in list(self._said)[:index]):  # what was it that was not obeyed?
                raise self._doubt(f'{self._said[0]!r} was answered with {line!r}')
            for _ in range(index):  # a question can be asked again
                self._said.popleft()
            rest = line[len(name) + 1 :]
            return self._take(refusal=rest) if rest.startswith('!') else self._take(rest)
        if '!9 ' in line and len(self._said) == 1:  # only that can have the wrong checksum, whatever name it had then
            return self._take(refusal=line[line.index('!9 ') :])
        if '!9 ' in line or is_unnamed_version(line):
            raise self._doubt(f'{self._said[0]!r} was answered with {line!r}')
        _log.debug('%s: %r is no answer to %s', self.link.port, line, self._said[0])
        return None

    def _old_answer(self, line: str) -> Heard | None:
        name = self._said[0].split(',', 1)[0]
        order = AFTER if name in _ONLY_OK else self._bare_ok if name in _BARE else self._value_ok
        if line.startswith('!'):
            if len(self._said) == 1:
                self.link.read_line(OK_S)  # firmware 3 ends an error with OK
            return self._take(refusal=line.removesuffix('OK'))
        if line == 'OK':
            return None if order == BEFORE else self._take(self._value)
        if self._value or name in _ONLY_OK:
            raise self._doubt(f'{name} was answered with {line!r}')
        self._value = line[len(name) + 1 :] if line.startswith(f'{name},') else line
        return None if order == AFTER else self._take(self._value)

    def _say(self, *texts: str) -> None:
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
                raise Doubt(f'{line!r} came unasked')


def version_in(line: str) -> tuple[int, int, int] | None:
    """The version that a board says it has."""
    found = _VERSION.fullmatch(line)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def is_unnamed_version(line: str) -> bool:
    """Whether a board says its version in the old syntax, as one does that has restarted."""
    return version_in(line) is not None and not line.startswith('V,')
