"""Begin and end talking with an EBB, and find the thread again when it was lost (EBB command set, 2.x and 3.0).

Firmware 3 can put the command's name before each answer (`CU,10,1`), and take commands with a checksum only
(`CU,54,1`): both are switched on where they are known, so that no byte lost on the way can become another movement, and
no answer be taken for another's. Where older firmware says its `OK`s in another order than usual, that is seen at the
first connection.
"""

from __future__ import annotations

import logging

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ebb_lines import (
    AFTER,
    BEFORE,
    MOST_CHATTER,
    NONE,
    OK_S,
    Doubt,
    EbbLines,
    Refusal,
    is_unnamed_version,
    version_in,
)
from sketch_robot.plotters.serial_link import Link

OLDEST = (2, 4, 4)  # QM as it is now, and QS
WITH_SYNTAX = (3, 0, 0)  # future syntax, checksums, a longer queue
TRIES = 3
SILENCE_S = 0.1  # after which nothing more belongs to an answer
_CHECKSUMS_OFF = 'CU,54,0,119'
_log = logging.getLogger(__name__)


class EbbTalk(EbbLines):
    """See the module. One thread at a time; every method raises SketchRobotError PLOTTER_OFFLINE when the port is lost.

    Args:
        link: to the board.
        answer_s: how long an answer may take.

    Attributes:
        version: of the board's firmware; (0, 0, 0) before `open`.
    """

    def __init__(self, link: Link, *, answer_s: float) -> None:
        super().__init__(link, answer_s=answer_s)
        self.version = (0, 0, 0)
        self._learnt: tuple[int, int, int] | None = None  # whose order of lines is known

    # ------------------------------------------------------------- beginning and end
    def open(self) -> None:
        """Find out who is there, and switch on what makes talking safe.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, nobody answers, or it is no EBB, or one whose firmware is too old.
        """
        self.link.open()
        self.version, self.checked = (0, 0, 0), False
        self._forget_said()
        self._greet()
        self.sync()
        if self.version < OLDEST:
            raise self.offline(f'has the firmware {self.spoken}; update it to {_spoken(OLDEST)} or newer')
        if self.version[0] > 3:
            raise self.offline(f'has the firmware {self.spoken}, which is newer than this program knows (2 and 3)')
        if self.version >= WITH_SYNTAX and not self.checked:
            self._switch_syntax()
        if not self.checked and self._learnt != self.version:
            self._learn_order()

    def close(self) -> None:
        """Give the port back, with the board as others expect to find it. Closing twice is harmless."""
        if self.checked:
            try:
                self.exchange('CU,54,0')
                self.link.write(b'CU,10,0\r')
                self.link.read_line(self._answer_s)
            except (Doubt, Refusal, SketchRobotError) as error:
                _log.info('%s: left in its newer syntax: %s', self.link.port, error)
        self.checked = False
        self.link.close()

    def _greet(self) -> None:
        # an empty line ends what a former program left half said; firmware 3 may still want checksums
        for text in ('\rV', '\rV', 'V,170', 'V,170'):
            self._say(text)
            for line in self._lines(self._answer_s):
                if version := version_in(line):
                    self.version = version
                    self.checked = text.endswith('170')
                    return
                if line.startswith('V,!10 '):  # it wants a checksum
                    break
        raise self.offline('does not answer as an EBB; check its cable, its power, and that this is its port')

    def _switch_syntax(self) -> None:
        """Switch names and checksums on: both, or neither where the board does not know one of them."""
        for _ in range(TRIES):
            self._say('CU,10,1', 'CU,54,1', '\rV')  # the first answer is half in the old syntax, half in the new
            for line in self._lines(self._answer_s):
                if line.startswith('V,!10 '):
                    self.checked = True
                    self.sync()
                    return
                if version_in(line) or line.startswith('!10 '):
                    _log.info('%s: firmware %s without names and checksums', self.link.port, self.spoken)
                    self._say(_CHECKSUMS_OFF, 'CU,10,0')
                    self.sync()
                    return
        raise self.offline('does not answer any more; check its cable and power, then connect again')

    def _learn_order(self) -> None:
        """See where OK stands in answers, while it is certain to which one it belongs."""
        for _ in range(TRIES):
            value, bare = _order(self._all_said('QP')), _order(self._all_said('QM'))
            if value is not None and bare is not None:
                self._value_ok, self._bare_ok, self._learnt = value, bare, self.version
                if (value, bare) != (AFTER, NONE):
                    _log.info('%s: OK stands %s a value, %s a state', self.link.port, value, bare)
                break
        self.sync()

    def _all_said(self, text: str) -> list[str]:
        for _ in range(MOST_CHATTER):
            if self.link.read_line(OK_S) is None:
                break
        self._say(text)
        first = next(self._lines(self._answer_s), None)
        return [] if first is None else [first, *self._lines(SILENCE_S)]

    def sync(self) -> None:
        """Let all answers on the way arrive and be forgotten, so that the next one is the next command's.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, the board does not answer any more; PLOTTER_ALARM, it has restarted.
        """
        seen = unnamed = 0
        self._forget_said()
        for asked in range(1, TRIES + 1):
            self._say('\rV')
            for line in self._lines(self._answer_s):
                if self.checked and is_unnamed_version(line):
                    unnamed += 1
                    if unnamed > 1:  # one may have been on its way since before the names were switched on
                        raise self.restarted()
                    break
                seen += line.startswith('V,!10 ') if self.checked else version_in(line) == self.version
                if seen == asked:  # also those to former questions, which were late
                    break
            if seen:
                if not self.checked and self._bare_ok == AFTER:
                    self.link.read_line(OK_S)
                return
        raise self.offline('does not answer any more; check its cable and power, then connect again')

    # ------------------------------------------------------------- what to say to people
    @property
    def spoken(self) -> str:
        """The version of the firmware."""
        return _spoken(self.version)

    def offline(self, what: str) -> SketchRobotError:
        """What to say when the board cannot be used."""
        return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'the machine at {self.link.port} {what}')

    def alarm(self, what: str) -> SketchRobotError:
        """What to say when the board stands in the way of the drawing."""
        return SketchRobotError(ErrorCode.PLOTTER_ALARM, f'the EBB at {self.link.port} {what}; home it first')

    def restarted(self) -> SketchRobotError:
        """What to say when the board has forgotten where the pen is."""
        return SketchRobotError(
            ErrorCode.PLOTTER_ALARM,
            f'the EBB at {self.link.port} has restarted and does not know where its pen is; put the pen above the '
            "page's lower left corner by hand, then home it, or resume with --origin-is-set",
        )


def _order(lines: list[str]) -> str | None:
    """Where OK stands beside one value; None: there is something else."""
    if len(lines) not in (1, 2) or any(line.startswith('!') for line in lines):
        return None
    if lines.count('OK') != len(lines) - 1:
        return None
    return NONE if len(lines) == 1 else BEFORE if lines[0] == 'OK' else AFTER


def _spoken(version: tuple[int, int, int]) -> str:
    return '.'.join(map(str, version))
