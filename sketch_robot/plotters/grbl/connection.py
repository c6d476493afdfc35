"""Single exchanges with a GRBL controller: lines one at a time, reports, halting and starting anew."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from sketch_robot.plotters.grbl.interruptions import AlarmError, CommandError, Damaged, restarted, silent
from sketch_robot.plotters.grbl.status import (
    Alarm,
    Answer,
    Banner,
    Error,
    Note,
    Ok,
    Setting,
    StatusReport,
    Unknown,
    parse_answer,
    pieces_of,
)
from sketch_robot.plotters.serial_link import Link

CONNECT_S = 8.0  # an Arduino's boot loader takes 2
ASK_AGAIN_S = 0.25
ANSWER_S = 1.0  # a controller that does not report for so long is asked again
ASKINGS = 3
STRAYS_S = 0.3  # after a report that was asked for more than once
IDLE_POLL_S = 0.5  # reports while nothing is drawn
SETTLE_LOOK_S = 0.02
SETTLE_S = 3.0  # from a feed hold to standstill, at the slowest
COMMAND_S = 3.0
RESET_S = 5.0
LOCKED = 9  # the error
UNKNOWN_COMMAND = frozenset({2, 3, 20})  # errors, of lines that are as they should be
SAME_WELCOME_S = 0.5  # a second welcome so soon is the same one told twice
STATUS, HOLD, RESET = b'?', b'!', b'\x18'
OFFSETS, PARSER = '$#', '$G'
_log = logging.getLogger(__name__)


class GrblConnection:
    """One controller's connection. One thread uses it.

    Args:
        link: the serial port.

    Attributes:
        report: the last one.
        asked: how many reports were asked for.
        version: of the firmware, as its welcome says.
        welcomed_twice: whether it seems to have started twice after the last reset.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.report: StatusReport | None = None
        self.asked = 0
        self.awaited_s: float | None = None  # since when a report is awaited
        self.askings = 0
        self._ask_again = False
        self._strays_until_s = 0.0  # reports may come that answer an earlier asking
        self.progressed_s = link.now_s()  # when an answer or motion was last seen
        self.reported_s = 0.0
        self._expects_banner = False
        self._pieces: deque[str] = deque()  # of a line that is several answers
        self.version = ''
        self.welcomed_twice = False
        self._welcomed_s = -SAME_WELCOME_S

    def forget(self) -> None:
        """The controller has been reset: no report will come."""
        self.awaited_s, self.askings, self._ask_again = None, 0, False
        self._strays_until_s = 0.0
        self._pieces.clear()
        self.report = None
        self.progressed_s = self.link.now_s()

    def read(self, timeout_s: float, *, may_start: bool = False) -> Answer | None:
        """The next answer; None: none came in time.

        Args:
            timeout_s: how long to wait.
            may_start: the controller may have been started just now.

        Raises:
            AlarmError, RestartError: the controller says so.
            Damaged: what it says is nothing that GRBL says.
        """
        if not self._pieces:
            line = self.link.read_line(timeout_s)
            if line is None:
                return None
            self._pieces.extend(pieces_of(line))
        answer = parse_answer(self._pieces.popleft())
        if isinstance(answer, StatusReport):
            moved = self.report is None or self.report.position_mm != answer.position_mm
            self.report = answer
            self.reported_s = self.link.now_s()
            if self.askings > 1:
                self._strays_until_s = self.reported_s + STRAYS_S
            self.awaited_s, self.askings = None, 0
            if moved:
                self.progressed_s = self.reported_s
            if self._ask_again:
                self.ask()
        elif isinstance(answer, Alarm):
            raise AlarmError(answer)
        elif isinstance(answer, Banner):
            self._note_welcome(answer, expected=self._expects_banner or may_start)
        elif isinstance(answer, Unknown):
            raise Damaged(f'the controller said {answer.text[:40]!r}')
        return answer

    def _note_welcome(self, banner: Banner, *, expected: bool) -> None:
        self.version = banner.version or self.version
        if expected:
            self._welcomed_s, self.welcomed_twice = self.link.now_s(), False
            return
        if self.link.now_s() - self._welcomed_s >= SAME_WELCOME_S:
            raise restarted()
        self.welcomed_twice = True

    def ask(self) -> None:
        """Ask for a report, now."""
        self.note_asked()
        self.link.write(STATUS)

    def await_first_report(self) -> tuple[StatusReport, bool]:
        """Wait until the controller speaks; returns what it reports, and whether it has just started.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, nobody answers.
        """
        end_s, has_started = self.link.now_s() + CONNECT_S, False
        while self.link.now_s() < end_s:
            self.ask()
            again_s = self.link.now_s() + ASK_AGAIN_S
            while (left_s := again_s - self.link.now_s()) > 0.0:
                try:
                    answer = self.read(left_s, may_start=True)
                except (Damaged, AlarmError):
                    continue  # the end of what it said to whoever had the port before
                has_started = has_started or isinstance(answer, Banner)
                if isinstance(answer, StatusReport):
                    return answer, has_started
        raise silent(self.link.port)

    def want_report(self) -> None:
        """Ask for a report as soon as none is awaited: two askings may be answered by one."""
        if self.awaited_s is None:
            self.ask()
        else:
            self._ask_again = True

    @property
    def may_be_stray(self) -> bool:
        return self.link.now_s() < self._strays_until_s

    def note_asked(self) -> None:
        self._ask_again = False
        self.asked += 1
        self.askings += 1
        self.awaited_s = self.link.now_s()

    def command(self, line: str, timeout_s: float = COMMAND_S) -> list[Note | Setting]:
        """Send one line and wait for its answer, as settings and all that goes to EEPROM need it.

        Returns:
            what came before the answer.

        Raises:
            SketchRobotError: PLOTTER_ALARM, the line was refused; the error `CommandError` tells the code.
            Damaged, AlarmError, RestartError: as `read`.
        """
        self.link.write(f'{line}\n'.encode())
        notes: list[Note | Setting] = []
        deadline_s = self.link.now_s() + timeout_s
        while (left_s := deadline_s - self.link.now_s()) > 0.0:
            answer = self.read(left_s)
            if isinstance(answer, Ok):
                return notes
            if isinstance(answer, Error):
                if answer.code == LOCKED and self.look().state == 'Alarm':
                    raise AlarmError(Alarm(0))
                raise CommandError(line, answer)
            if isinstance(answer, Note | Setting):
                notes.append(answer)
        raise Damaged(f'no answer to {line!r}')

    def command_if_known(self, line: str) -> list[Note | Setting]:
        """`command`, of a line that some controllers do not know; it is ignored then.

        Raises:
            as `command`; `CommandError` for any other reason.
        """
        for _ in range(2):  # it is believed when it says so twice
            try:
                return self.command(line)
            except CommandError as error:
                if error.number not in UNKNOWN_COMMAND:
                    raise
                refused = error
        _log.warning('%s; going on without', refused.message)
        return []

    def drain(self, seconds: float) -> None:
        """Read away what still comes in answer to something else, until nothing has come for so long.

        Raises:
            AlarmError, RestartError: as `read`.
        """
        end_s = self.link.now_s() + COMMAND_S
        while self.link.now_s() < end_s:
            with suppress(Damaged):
                if self.read(seconds) is None:
                    return

    def look(self, timeout_s: float = ANSWER_S, heard: Callable[[Answer], None] | None = None) -> StatusReport:
        """A report of this moment; what else comes is dropped, or `heard`.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, none comes.
            AlarmError, RestartError: as `read`.
        """
        for _ in range(ASKINGS):
            self.ask()
            deadline_s = self.link.now_s() + timeout_s
            while (left_s := deadline_s - self.link.now_s()) > 0.0:
                try:
                    answer = self.read(left_s)
                except Damaged:
                    continue
                if isinstance(answer, StatusReport):
                    return answer
                if heard is not None and answer is not None:
                    heard(answer)
        raise silent(self.link.port)

    def idle(self, timeout_s: float) -> None:
        """Wait while nothing is drawn, and notice if the machine goes away.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it does not answer.
            AlarmError, RestartError: as `read`.
        """
        now_s = self.link.now_s()
        if self.awaited_s is None and now_s - self.reported_s > IDLE_POLL_S:
            self.ask()
        elif self.awaited_s is not None and now_s - self.awaited_s > ANSWER_S:
            if self.askings >= ASKINGS:
                raise silent(self.link.port)
            self.ask()
        try:
            answer = self.read(timeout_s)
        except Damaged as damage:
            _log.info('%s', damage)
            return
        if isinstance(answer, StatusReport) and answer.state == 'Alarm':
            raise AlarmError(Alarm(0))

    # ------------------------------------------------------------- standing still
    def settle(self, reported: Callable[[StatusReport], None], timeout_s: float = 60.0) -> StatusReport:
        """Wait until nothing moves.

        Args:
            reported: called with each report.
            timeout_s: how long to wait.

        Raises:
            Damaged: it goes on and on.
            SketchRobotError, AlarmError, RestartError: as `look`.
        """
        end_s = self.link.now_s() + timeout_s
        while self.link.now_s() < end_s:
            report = self.look()
            reported(report)
            if report.state == 'Alarm':
                raise AlarmError(Alarm(0))
            if report.is_still:
                return report
            with suppress(Damaged):
                self.read(SETTLE_LOOK_S)
        raise Damaged('the machine does not come to rest')

    def halt(self, heard: Callable[[Answer], None] | None = None) -> StatusReport:
        """Brake along the path and stand still; the position is kept.

        Args:
            heard: called with what comes meanwhile besides reports.

        Returns:
            the report of the standstill, confirmed by a second one.
        """
        is_old = self.awaited_s is not None  # the next report: it was asked for before the hold
        self.link.write(HOLD)
        deadline_s = self.link.now_s() + SETTLE_S
        last: StatusReport | None = None
        while self.link.now_s() < deadline_s:
            report = self.look(heard=heard)
            if report.is_still:
                if last is not None and last.position_mm == report.position_mm and report.state == last.state:
                    return report
                last = report
            else:
                last = None
                if report.state in ('Run', 'Jog', 'Home') and not is_old:
                    self.link.write(HOLD)  # the first one was lost
            is_old = False
        raise silent(self.link.port)

    def reset(self, timeout_s: float = RESET_S) -> None:
        """Let the controller start anew, which drops all lines; at a standstill its position is kept.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it does not start.
        """
        self._expects_banner = True
        try:
            for _ in range(ASKINGS):
                self.link.write(RESET)
                deadline_s = self.link.now_s() + timeout_s
                while (left_s := deadline_s - self.link.now_s()) > 0.0:
                    try:
                        answer = self.read(left_s)
                    except (Damaged, AlarmError):
                        continue
                    if isinstance(answer, Banner):
                        self.forget()
                        return
        finally:
            self._expects_banner = False
        raise silent(self.link.port)
