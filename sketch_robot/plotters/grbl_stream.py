"""Lines to a GRBL controller and its answers, so that nothing is lost on the way without being noticed.

GRBL answers each line once, in order, when it has taken it in. By counting the bytes of lines not yet answered, as many
are sent as its receive buffer holds, and the planner always has blocks to plan.

GRBL has no checksum: a byte that is lost or doubled on the way can turn one coordinate into another that is as good.
But its reports tell how many bytes wait in the receive buffer. `?` is carried out as it arrives, after all bytes sent
before it, so with every batch of lines a report is asked for, and nothing is sent until it has come: then the bytes in
the buffer must be exactly those of the lines not yet answered but the first, which the controller has taken out and is
working on. That holds whenever the controller is kept from taking in more: by a full planner or by waiting for motion
or time; a program is laid out so that this is nearly always so when lines arrive. A difference is noticed before the
line that has changed can be carried out, since 15 blocks are to be drawn first. What escapes this, since the line was
taken out at once or only changed, is found by the program's probes; see `grbl_program`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.grbl_program import Kind, Step
from sketch_robot.plotters.grbl_status import (
    Alarm,
    Answer,
    Banner,
    Error,
    Note,
    Ok,
    Report,
    Setting,
    Unknown,
    parse_answer,
)
from sketch_robot.plotters.serial_link import Link

RX_BYTES = 128  # GRBL's receive buffer on an AVR; one place is left free
BATCH_BYTES = 64  # sent together, and checked by one report
POLL_S = 0.05  # reports while nothing is sent
IDLE_POLL_S = 0.5  # and while nothing is drawn
ANSWER_S = 1.0  # a controller that does not report for so long is asked again
ASKINGS = 3
STRAYS_S = 0.3  # after a report that was asked for more than once
STALL_S = 2.0  # neither an answer nor motion
SETTLE_LOOK_S = 0.02
SETTLE_S = 3.0  # from a feed hold to standstill, at the slowest
COMMAND_S = 3.0
STATUS, HOLD, RESET = b'?', b'!', b'\x18'
NORMAL_OVERRIDES = b'\x90\x95\x99'
_WAITING = frozenset({Kind.HOLD, Kind.LOWER, Kind.LOWERING, Kind.RAISE, Kind.RAISING})
_log = logging.getLogger(__name__)


class Damaged(Exception):  # noqa: N818  an event: the drawing halts and goes on
    """What was sent or answered has not arrived as it was."""


class Miscounted(Damaged):
    """Not as many bytes wait in the controller as should."""


class Refused(Damaged):
    """A line of a program was answered with an error."""

    def __init__(self, step: Step, error: Error) -> None:
        super().__init__(f'the controller refused the line {step.data!r}: {error.text}')
        self.step, self.error = step, error


class Held(Exception):  # noqa: N818  an event
    """Somebody else has stopped the machine, as with its own button."""


class RestartError(SketchRobotError):
    """The controller has started anew by itself, and does not know where it is."""


class AlarmError(SketchRobotError):
    """The controller has stopped itself."""

    def __init__(self, alarm: Alarm) -> None:
        what = f'raised {alarm.text}' if alarm.code else 'is locked after an alarm'
        super().__init__(ErrorCode.PLOTTER_ALARM, f'the GRBL controller {what}; home it, then resume')
        self.loses_position = alarm.loses_position


class GrblStream:
    """One controller's connection. One thread uses it.

    Args:
        link: the serial port.
        rx_bytes: size of its receive buffer.

    Attributes:
        audited: whether reports tell how many bytes wait, so that they can be compared.
        report: the last one.
        asked: reports asked for; `batches`: writes of lines.
    """

    def __init__(self, link: Link, *, rx_bytes: int = RX_BYTES) -> None:
        self.link = link
        self.rx_bytes = rx_bytes
        self.audited = True
        self.report: Report | None = None
        self.pen_value: float | None = None  # S as it must be now; None: not known, or not by S
        self.asked = self.batches = 0
        self._waiting: deque[Step] = deque()
        self._waiting_bytes = 0
        self._gates = 0  # waiting lines that the next stroke waits for
        self._asked_s: float | None = None  # since when a report is awaited
        self._askings = 0
        self._ask_again = False
        self._strays_until_s = 0.0  # reports may come that answer an earlier asking
        self._progress_s = link.now_s()
        self._reported_s = 0.0
        self._expects_banner = self._checking = False

    @property
    def waiting(self) -> int:
        """Lines not yet answered."""
        return len(self._waiting)

    def forget(self) -> None:
        """The controller has been reset: no line waits, no report will come."""
        self._waiting.clear()
        self._waiting_bytes = self._gates = 0
        self._asked_s, self._askings, self._ask_again = None, 0, False
        self._strays_until_s = 0.0
        self.report, self.pen_value = None, None
        self._progress_s = self.link.now_s()

    # ------------------------------------------------------------- a program
    def run(
        self,
        steps: Iterator[Step],
        *,
        done: Callable[[Step], None],
        reported: Callable[[Report], None],
        meet: Callable[[], None],
    ) -> None:
        """Send a program and wait until its last line is answered.

        Args:
            steps: its lines; taken as there is room for them.
            done: called with each line that was answered `ok`.
            reported: called with each report, after it was compared.
            meet: called between any two answers; raises to end the program here.

        Raises:
            Damaged: bytes were lost, doubled or changed on the way, or an answer does not come.
            Held: the controller is in a feed hold that nobody asked for.
            AlarmError, RestartError: it stopped itself.
            SketchRobotError: PLOTTER_OFFLINE, it does not answer any more.
        """
        self._progress_s = self.link.now_s()
        upcoming = next(steps, None)
        while upcoming is not None or self._waiting:
            meet()
            upcoming = self._fill(upcoming, steps)
            answer = self.read(self._patience_s())
            if isinstance(answer, Report):
                self._compare(answer)
                reported(answer)
            elif answer is not None:
                self._take(answer, done)
            self._watch()

    def check(self, steps: Iterator[Step], meet: Callable[[], None]) -> None:
        """Send a program in check mode: nothing waits, and so nothing can be compared."""
        self._checking = True
        try:
            self.run(steps, done=_ignore, reported=_ignore, meet=meet)
        finally:
            self._checking = False

    def _fill(self, upcoming: Step | None, steps: Iterator[Step]) -> Step | None:
        """Send as many lines as there is room for, when it is worth while; returns the next one."""
        if upcoming is None or (self.audited and (self._asked_s is not None or self._may_be_stray)):
            return upcoming
        room = self.rx_bytes - 1 - self._waiting_bytes
        is_held = not self._waiting or self._waiting[0].kind in _WAITING  # then each line can still be compared
        if room < len(upcoming.data) or (room < BATCH_BYTES and not is_held) or self._must_wait(upcoming):
            return upcoming
        batch: list[Step] = []
        while upcoming is not None and len(upcoming.data) <= room and not self._must_wait(upcoming):
            room -= len(upcoming.data)
            batch.append(upcoming)
            self._gates += upcoming.kind == Kind.PROBE
            upcoming = next(steps, None)
        self._waiting.extend(batch)
        data = b''.join(step.data for step in batch)
        self._waiting_bytes += len(data)
        self.batches += 1
        self._asking()
        self.link.write(data + STATUS)
        return upcoming

    def _must_wait(self, step: Step) -> bool:
        """A stroke is begun when the one before is on paper, and the way to its start was taken as it was meant."""
        return step.kind == Kind.LOWER and self._gates > 0

    def _take(self, answer: Answer, done: Callable[[Step], None]) -> None:
        if isinstance(answer, Note):
            return
        if not isinstance(answer, Ok | Error):
            raise Damaged(f'the controller answered {answer}')
        if not self._waiting:
            raise Damaged('the controller answered one line more than were sent')
        if isinstance(answer, Error):
            raise Refused(self._waiting[0], answer)
        step = self._waiting.popleft()
        self._gates -= step.kind == Kind.PROBE
        self._waiting_bytes -= len(step.data)
        self._progress_s = self.link.now_s()
        done(step)

    def _compare(self, report: Report) -> None:
        """Hold a report against what was sent."""
        if report.state == 'Alarm':
            raise AlarmError(Alarm(0))
        if self._checking:
            if report.state != 'Check':
                raise Damaged(f'the controller has left check mode for {report.state}')
            return
        if report.state == 'Hold':
            raise Held
        if report.state not in ('Idle', 'Run'):
            raise Damaged(f'the controller is in the state {report.state} that nobody asked for')
        if report.overrides is not None and report.overrides != (100, 100, 100):
            self.link.write(NORMAL_OVERRIDES)
            raise Damaged(f'its overrides are {report.overrides}')
        head = self._waiting[0] if self._waiting else None
        if (
            self.pen_value is not None
            and report.spindle is not None
            and (head is None or head.kind not in (Kind.LOWER, Kind.RAISE))
            and abs(report.spindle - self.pen_value) > 1.0
        ):
            raise Damaged(f'S is {report.spindle:g}, not {self.pen_value:g}')
        if not self.audited or report.bytes_free < 0 or head is None or self._may_be_stray:
            return
        if report.blocks_free == 0 or head.kind in _WAITING:
            there = self.rx_bytes - report.bytes_free
            sent = self._waiting_bytes - len(head.data)
            if there != sent:
                raise Miscounted(f'{there} bytes wait in the controller, {sent} were sent')

    def _watch(self) -> None:
        """Notice what does not come."""
        now_s = self.link.now_s()
        if self._asked_s is None:
            if now_s - self._reported_s >= POLL_S:
                self.ask()
        elif now_s - self._asked_s > ANSWER_S:
            if self._askings >= ASKINGS:
                raise silent(self.link)
            self.ask()
        head = self._waiting[0] if self._waiting else None
        if head is not None and now_s - self._progress_s > STALL_S + head.seconds:
            raise Damaged(f'no answer to {head.data!r}')

    def _patience_s(self) -> float:
        since_s = self._reported_s if self._asked_s is None else self.link.now_s()
        return max(0.001, min(POLL_S, since_s + POLL_S - self.link.now_s()))

    # ------------------------------------------------------------- single exchanges
    def read(self, timeout_s: float, *, may_start: bool = False) -> Answer | None:
        """The next answer; None: none came in time.

        Args:
            timeout_s: how long to wait.
            may_start: the controller may have been started just now.

        Raises:
            AlarmError, RestartError: the controller says so.
            Damaged: what it says is nothing that GRBL says.
        """
        line = self.link.read_line(timeout_s)
        if line is None:
            return None
        answer = parse_answer(line)
        if isinstance(answer, Report):
            moved = self.report is None or self.report.position_mm != answer.position_mm
            self.report = answer
            self._reported_s = self.link.now_s()
            if self._askings > 1:
                self._strays_until_s = self._reported_s + STRAYS_S
            self._asked_s, self._askings = None, 0
            if moved:
                self._progress_s = self._reported_s
            if self._ask_again:
                self.ask()
        elif isinstance(answer, Alarm):
            raise AlarmError(answer)
        elif isinstance(answer, Banner) and not (self._expects_banner or may_start):
            raise RestartError(
                ErrorCode.PLOTTER_ALARM,
                'the GRBL controller started anew in the middle and lost its position; check its power and USB cable, '
                'home it, then resume',
            )
        elif isinstance(answer, Unknown):
            raise Damaged(f'the controller said {answer.text[:40]!r}')
        return answer

    def ask(self) -> None:
        """Ask for a report, now."""
        self._asking()
        self.link.write(STATUS)

    def want_report(self) -> None:
        """Ask for a report as soon as none is awaited: two askings may be answered by one."""
        if self._asked_s is None:
            self.ask()
        else:
            self._ask_again = True

    @property
    def _may_be_stray(self) -> bool:
        return self.link.now_s() < self._strays_until_s

    def _asking(self) -> None:
        self._ask_again = False
        self.asked += 1
        self._askings += 1
        self._asked_s = self.link.now_s()

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
                raise CommandError(line, answer)
            if isinstance(answer, Note | Setting):
                notes.append(answer)
        raise Damaged(f'no answer to {line!r}')

    def drain(self, seconds: float) -> None:
        """Read away what still comes in answer to somebody else.

        Raises:
            AlarmError, RestartError: as `read`.
        """
        end_s = self.link.now_s() + seconds
        while (left_s := end_s - self.link.now_s()) > 0.0:
            with suppress(Damaged):
                self.read(left_s)

    def look(self, timeout_s: float = ANSWER_S) -> Report:
        """A report of this moment; what else comes is dropped.

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
                if isinstance(answer, Report):
                    return answer
        raise silent(self.link)

    def idle(self, timeout_s: float) -> None:
        """Wait while nothing is drawn, and notice if the machine goes away.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it does not answer.
            AlarmError, RestartError: as `read`.
        """
        now_s = self.link.now_s()
        if self._asked_s is None and now_s - self._reported_s > IDLE_POLL_S:
            self.ask()
        elif self._asked_s is not None and now_s - self._asked_s > ANSWER_S:
            if self._askings >= ASKINGS:
                raise silent(self.link)
            self.ask()
        try:
            answer = self.read(timeout_s)
        except Damaged as damage:
            _log.info('%s', damage)
            return
        if isinstance(answer, Report) and answer.state == 'Alarm':
            raise AlarmError(Alarm(0))

    # ------------------------------------------------------------- standing still
    def settle(self, reported: Callable[[Report], None], timeout_s: float = 60.0) -> Report:
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

    def halt(self) -> Report:
        """Brake along the path and stand still; the position is kept.

        Returns:
            the report of the standstill, confirmed by a second one.
        """
        self.link.write(HOLD)
        deadline_s = self.link.now_s() + SETTLE_S
        last: Report | None = None
        while self.link.now_s() < deadline_s:
            report = self.look()
            if report.is_still:
                if last is not None and last.position_mm == report.position_mm and report.state == last.state:
                    return report
                last = report
            else:
                last = None
                if report.state in ('Run', 'Jog', 'Home'):
                    self.link.write(HOLD)  # the first one was lost
        raise silent(self.link)

    def reset(self, timeout_s: float = COMMAND_S) -> None:
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
        raise silent(self.link)


def _ignore(_: object) -> None:
    """Nobody listens."""


class CommandError(SketchRobotError):
    """A single line was answered with an error."""

    def __init__(self, line: str, error: Error) -> None:
        super().__init__(ErrorCode.PLOTTER_ALARM, f'the GRBL controller refused {line!r}: {error.text}')
        self.number = error.code


def silent(link: Link) -> SketchRobotError:
    """The error of a controller that does not answer."""
    return SketchRobotError(
        ErrorCode.PLOTTER_OFFLINE,
        f'the GRBL controller at {link.port} does not answer; check its power, its cable and the baud rate',
    )
