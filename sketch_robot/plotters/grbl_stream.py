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
import math
from collections import deque
from collections.abc import Callable, Iterator

from sketch_robot.plotters.grbl_events import (
    AlarmError,
    Damaged,
    DoorOpen,
    Held,
    Miscounted,
    PenUnlike,
    Refused,
    restarted,
    silent,
)
from sketch_robot.plotters.grbl_port import ANSWER_S, ASKINGS, STATUS, GrblPort
from sketch_robot.plotters.grbl_status import Alarm, Answer, Banner, Error, Note, Ok, Report
from sketch_robot.plotters.grbl_step import Kind, Step
from sketch_robot.plotters.serial_link import Link

RX_BYTES = 128  # GRBL's receive buffer on an AVR; one place is left free
MOST_BYTES = 256  # of larger buffers: what is sent ahead is drawn even when nobody is there any more
BATCH_BYTES = 64  # sent together, and checked by one report
POLL_S = 0.05  # reports while nothing is sent
INK_POLL_S = 0.01  # and while the pen is down: what the last one has not told is drawn twice if the place is lost
STALL_S = 2.0  # neither an answer nor motion
NORMAL_OVERRIDES = b'\x90\x95\x99'
_INKING = frozenset({Kind.INK, Kind.PROBE, Kind.RAISE})
_WAITING = frozenset({Kind.HOLD, Kind.LOWER, Kind.LOWERING, Kind.RAISE, Kind.RAISING})
_log = logging.getLogger(__name__)


class GrblStream(GrblPort):
    """A controller's connection over which programs are sent.

    Args:
        link: the serial port.
        rx_bytes: size of the controller's receive buffer.

    Attributes:
        free_bytes: that a report tells when none waits.
        audited: whether reports tell how many bytes wait, so that they can be compared.
        tells_pen: whether reports tell S as it was set.
        pen_range: S is set no lower, unless it is 0, and no higher, as $31 and $30 say.
        pen_value: S as it must be now; None: not known, or the pen does not go by it.
        batches: writes of lines.
    """

    def __init__(self, link: Link, *, rx_bytes: int = RX_BYTES) -> None:
        super().__init__(link)
        self.rx_bytes = rx_bytes
        self.free_bytes = rx_bytes
        self.audited = self.tells_pen = True
        self.pen_range = 0.0, math.inf
        self.pen_value: float | None = None
        self.batches = 0
        self._waiting: deque[Step] = deque()
        self._waiting_bytes = 0
        self._gates = 0  # waiting lines that the next stroke waits for
        self._checking = False

    @property
    def waiting(self) -> int:
        """Lines not yet answered."""
        return len(self._waiting)

    def forget(self) -> None:
        """The controller has been reset: no line waits, no report will come."""
        super().forget()
        self._waiting.clear()
        self._waiting_bytes = self._gates = 0
        self.pen_value = None

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
        room = min(self.rx_bytes, MOST_BYTES) - 1 - self._waiting_bytes
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
        if isinstance(answer, Banner):  # not a welcome told twice: by now it has answered
            raise restarted()
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
            raise Held('stopped at the machine')
        if report.state == 'Door':
            raise DoorOpen
        if report.state not in ('Idle', 'Run'):
            raise Damaged(f'the controller is in the state {report.state} that nobody asked for')
        if report.overrides is not None and report.overrides != (100, 100, 100):
            self.link.write(NORMAL_OVERRIDES)
            raise Damaged(f'its overrides are {report.overrides}')
        head = self._waiting[0] if self._waiting else None
        if self.tells_pen and (head is None or head.kind not in (Kind.LOWER, Kind.RAISE)):
            self._compare_pen(report)
        if not self.audited or report.bytes_free < 0 or head is None or self._may_be_stray:
            return
        if report.blocks_free == 0 or head.kind in _WAITING:
            there = self.free_bytes - report.bytes_free
            sent = self._waiting_bytes - len(head.data)
            if there not in (sent, self._waiting_bytes):  # the latter: it has not begun with the first line yet
                raise Miscounted(f'{there} bytes wait in the controller, {sent} were sent')

    def _compare_pen(self, report: Report) -> None:
        if self.pen_value is None or report.spindle is None:
            return
        least, most = self.pen_range
        value = min(max(self.pen_value, least), most) if self.pen_value > 0.0 else 0.0
        if abs(report.spindle - value) > 1.0:
            raise PenUnlike(report.spindle, value)

    def _watch(self) -> None:
        """Notice what does not come."""
        now_s = self.link.now_s()
        if self._asked_s is None:
            if now_s - self._reported_s >= self._poll_s:
                self.ask()
        elif now_s - self._asked_s > ANSWER_S:
            if self._askings >= ASKINGS:
                raise silent(self.link.port)
            self.ask()
        head = self._waiting[0] if self._waiting else None
        if head is not None and now_s - self._progress_s > STALL_S + head.seconds:
            raise Damaged(f'no answer to {head.data!r}')

    def _patience_s(self) -> float:
        since_s = self._reported_s if self._asked_s is None else self.link.now_s()
        return max(0.001, min(self._poll_s, since_s + self._poll_s - self.link.now_s()))

    @property
    def _poll_s(self) -> float:
        is_down = bool(self._waiting) and self._waiting[0].kind in _INKING and not self._checking
        return INK_POLL_S if is_down else POLL_S


def _ignore(_: object) -> None:
    """Nobody listens."""
