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
taken out at once or only changed, is found by the program's probes; see `program`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from sketch_robot.plotters.grbl.connection import ANSWER_S, ASKINGS, STATUS, GrblConnection
from sketch_robot.plotters.grbl.interruptions import (
    AlarmError,
    Damaged,
    DoorOpen,
    HoldRequested,
    Miscounted,
    PenUnlike,
    Refused,
    restarted,
    silent,
)
from sketch_robot.plotters.grbl.program import Kind, Step
from sketch_robot.plotters.grbl.status import Alarm, Answer, Banner, Error, Note, Ok, StatusReport
from sketch_robot.plotters.serial_link import LineWindow

RX_BYTES = 128  # GRBL's receive buffer on an AVR; one place is left free
MOST_BYTES = 256  # of larger buffers: what is sent ahead is drawn even when nobody is there any more
BATCH_BYTES = 64  # sent together, and checked by one report
POLL_S = 0.05  # reports while nothing is sent
INK_POLL_S = 0.002  # and while the pen is down: what the last one has not told is drawn twice if the place is lost
STALL_S = 2.0  # neither an answer nor motion
READ_UP_S = 0.2  # for what was said while this program was suspended
NORMAL_OVERRIDES = b'\x90\x95\x99'
_INKING = frozenset({Kind.INK, Kind.PROBE, Kind.RAISE})
_WAITING = frozenset({Kind.HOLD, Kind.LOWER, Kind.LOWERING, Kind.RAISE, Kind.RAISING})


def _always(_step: Step) -> bool:
    return True


class GrblStreamer:
    """Sends programs to a controller.

    Args:
        connection: to it.

    Attributes:
        rx_bytes: size of the controller's receive buffer.
        free_bytes: that a report tells when none waits.
        audited: whether reports tell how many bytes wait, so that they can be compared.
        tells_pen: whether reports tell S as it was set.
        pen_range: S is set no lower, unless it is 0, and no higher, as $31 and $30 say.
        pen_value: S as it must be now; None: not known, or the pen does not go by it.
        batches: writes of lines.
    """

    def __init__(self, connection: GrblConnection) -> None:
        self._connection = connection
        self._window: LineWindow[Step] = LineWindow(RX_BYTES - 1)
        self.rx_bytes = self.free_bytes = RX_BYTES
        self.audited = self.tells_pen = True
        self.pen_range = 0.0, math.inf
        self.pen_value: float | None = None
        self.batches = 0
        self._gates = 0  # waiting lines that the next stroke waits for
        self._checking = False
        self._may_begin: Callable[[Step], bool] = _always
        self._overdue_s: float | None = None  # since when an answer is missing

    @property
    def waiting_bytes(self) -> int:
        """Of lines not yet answered."""
        return self._window.waiting_bytes

    def clear(self) -> None:
        """The controller has been reset: no line waits."""
        self._window.clear()
        self._gates = 0
        self.pen_value = None

    # ------------------------------------------------------------- a program
    def run(
        self,
        steps: Iterator[Step],
        *,
        done: Callable[[Step], None],
        reported: Callable[[StatusReport], None],
        meet: Callable[[], None],
        may_begin: Callable[[Step], bool] = _always,
    ) -> None:
        """Send a program and wait until its last line is answered.

        Args:
            steps: its lines; taken as there is room for them.
            done: called with each line that was answered `ok`.
            reported: called with each report, after it was compared.
            meet: called between any two answers; raises to end the program here.
            may_begin: whether a line that lowers the pen may be sent yet.

        Raises:
            Damaged: bytes were lost, doubled or changed on the way, or an answer does not come.
            HoldRequested: the controller is in a feed hold that nobody asked for.
            AlarmError, RestartError: it stopped itself.
            SketchRobotError: PLOTTER_OFFLINE, it does not answer any more.
        """
        connection = self._connection
        connection.progressed_s = connection.link.now_s()
        self._may_begin = may_begin
        self._window.capacity_bytes = min(self.rx_bytes, MOST_BYTES) - 1
        upcoming = next(steps, None)
        while upcoming is not None or self._window:
            meet()
            upcoming = self._fill(upcoming, steps)
            answer = connection.read(self._patience_s())
            if isinstance(answer, StatusReport):
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
        connection, head, room = self._connection, self._window.head, self._window.room
        if upcoming is None or (self.audited and (connection.awaited_s is not None or connection.may_be_stray)):
            return upcoming
        is_held = head is None or head.kind in _WAITING  # then each line can still be compared
        if room < len(upcoming.data) or (room < BATCH_BYTES and not is_held) or self._must_wait(upcoming):
            return upcoming
        batch: list[Step] = []
        while upcoming is not None and len(upcoming.data) <= room and not self._must_wait(upcoming):
            room -= len(upcoming.data)
            batch.append(upcoming)
            self._gates += upcoming.kind == Kind.PROBE
            upcoming = next(steps, None)
        self.batches += 1
        connection.note_asked()
        connection.link.write(self._window.send(batch) + STATUS)
        return upcoming

    def _must_wait(self, step: Step) -> bool:
        """A stroke is begun when the one before is on paper, and the way to its start was taken as it was meant."""
        return step.kind == Kind.LOWER and (self._gates > 0 or not self._may_begin(step))

    def _take(self, answer: Answer, done: Callable[[Step], object]) -> None:
        if isinstance(answer, Note):
            return
        if isinstance(answer, Banner):  # not a welcome told twice: by now it has answered
            raise restarted()
        if not isinstance(answer, Ok | Error):
            raise Damaged(f'the controller answered {answer}')
        head = self._window.head
        if head is None:
            raise Damaged('the controller answered one line more than were sent')
        if isinstance(answer, Error):
            raise Refused(head, answer)
        step = self._window.answered()
        self._gates -= step.kind == Kind.PROBE
        self._connection.progressed_s = self._connection.link.now_s()
        done(step)

    def hear(self, answer: Answer, done: Callable[[Step], object]) -> None:
        """Take an `ok` that comes while a machine that was streamed to is halted.

        Raises:
            Damaged: it is none, or answers nothing that was sent; what comes after it tells nothing.
        """
        if isinstance(answer, Ok | Error):
            self._take(answer, done)

    def _compare(self, report: StatusReport) -> None:
        """Hold a report against what was sent."""
        if report.state == 'Alarm':
            raise AlarmError(Alarm(0))
        if self._checking:
            if report.state != 'Check':
                raise Damaged(f'the controller has left check mode for {report.state}')
            return
        if report.state == 'Hold':
            raise HoldRequested('stopped at the machine')
        if report.state == 'Door':
            raise DoorOpen
        if report.state not in ('Idle', 'Run'):
            raise Damaged(f'the controller is in the state {report.state} that nobody asked for')
        if report.overrides is not None and report.overrides != (100, 100, 100):
            self._connection.link.write(NORMAL_OVERRIDES)
            raise Damaged(f'its overrides are {report.overrides}')
        head = self._window.head
        if self.tells_pen and (head is None or head.kind not in (Kind.LOWER, Kind.RAISE)):
            self._compare_pen(report)
        if not self.audited or report.bytes_free < 0 or head is None or self._connection.may_be_stray:
            return
        if report.blocks_free == 0 or head.kind in _WAITING:
            there = self.free_bytes - report.bytes_free
            sent = self.waiting_bytes - len(head.data)
            if there not in (sent, self.waiting_bytes):  # the latter: it has not begun with the first line yet
                raise Miscounted(f'{there} bytes wait in the controller, {sent} were sent')

    def _compare_pen(self, report: StatusReport) -> None:
        if self.pen_value is None or report.spindle is None:
            return
        least, most = self.pen_range
        value = min(max(self.pen_value, least), most) if self.pen_value > 0.0 else 0.0
        if abs(report.spindle - value) > 1.0:
            raise PenUnlike(report.spindle, value)

    def _watch(self) -> None:
        """Notice what does not come; a little later, as it may be there to be read once this program was suspended."""
        connection, head = self._connection, self._window.head
        now_s = connection.link.now_s()
        if connection.awaited_s is None:
            if now_s - connection.reported_s >= self._poll_s:
                connection.ask()
        elif now_s - connection.awaited_s > ANSWER_S:
            if connection.askings >= ASKINGS:
                raise silent(connection.link.port)
            connection.ask()
        if head is None or now_s - connection.progressed_s <= STALL_S + head.seconds:
            self._overdue_s = None
        elif self._overdue_s is None:
            self._overdue_s = now_s
        elif now_s - self._overdue_s > READ_UP_S:
            self._overdue_s = None
            raise Damaged(f'no answer to {head.data!r}')

    def _patience_s(self) -> float:
        connection, now_s = self._connection, self._connection.link.now_s()
        since_s = connection.reported_s if connection.awaited_s is None else now_s
        return max(0.001, min(self._poll_s, since_s + self._poll_s - now_s))

    @property
    def _poll_s(self) -> float:
        head = self._window.head
        is_down = head is not None and head.kind in _INKING and not self._checking
        return INK_POLL_S if is_down else POLL_S


def _ignore(_: object) -> None:
    """Nobody listens."""
