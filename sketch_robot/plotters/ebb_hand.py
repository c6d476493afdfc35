"""Move an EBB's pen along lines: queued bit by bit, watched, interrupted and taken up again."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import numpy as np

from sketch_robot.motion.cut import lengths_along
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import MotionProfile, draw_motion, travel_motion
from sketch_robot.plotters.ebb_client import Status
from sketch_robot.plotters.ebb_feed import POLL_S
from sketch_robot.plotters.ebb_lines import Doubt
from sketch_robot.plotters.ebb_machine import EbbMachine
from sketch_robot.plotters.ebb_moves import Move, brake, course_of, cut
from sketch_robot.plotters.ebb_record import EbbRecord
from sketch_robot.plotters.serial_link import Link
from sketch_robot.plotters.session import Session

LOOK_S = 0.02  # as long as there is room, the board is looked at no more often: the next move comes first
PAUSED_LOOK_S = 0.05  # between two looks at the button while the machine stands still
SERVO_MS = 24  # the board moves its servo so often
MOST_DOUBTS = 8  # in a row, without anything drawn in between
_log = logging.getLogger(__name__)


class Interrupted(Exception):  # noqa: N818  an event, not an error
    """A pause or a stop was asked for, and the pen has come to rest or is about to be lifted."""


class _Press:
    """When to move the pen for pressure, along one line.

    Args:
        length_mm, pressure: (N,) of each point along the line.
        height_of: heights of the pen at pressures, %.
    """

    def __init__(
        self, length_mm: np.ndarray, pressure: np.ndarray, height_of: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        self._length_mm, self._pressure, self._height_of = length_mm, pressure, height_of
        self._held: float | None = None
        self._since_ms = 0

    def change(self, at_mm: float, ms: int) -> float | None:
        """The height from there on, if it is another one and the servo takes notice; a move of some ms follows."""
        self._since_ms += ms
        height = float(self._height_of(np.interp([at_mm], self._length_mm, self._pressure))[0])
        if height == self._held or (self._held is not None and self._since_ms < SERVO_MS):
            return None
        self._held, self._since_ms = height, 0
        return height


class EbbHand:
    """See the module. One thread moves it.

    What queues something may raise Interrupted, and Doubt: the board is not to be understood, or not where it should
    be; and SketchRobotError PLOTTER_OFFLINE and PLOTTER_ALARM.

    Args:
        machine, link, session: whom to move, over which connection, by whose wishes.

    Attributes:
        profile: how fast the pen moves.
        record: what becomes of it.
        paused_s: how long it has stood still on request.
    """

    def __init__(self, machine: EbbMachine, link: Link, session: Session) -> None:
        self._machine, self._link, self._session = machine, link, session
        self.record = EbbRecord(machine)
        self.begin(PenProfile(), self.record)

    def begin(self, profile: PenProfile, record: EbbRecord) -> None:
        """Start something new, with the pen as it is."""
        record.pen_down = self.record.pen_down
        self.profile, self.record = profile, record
        self.paused_s = 0.0
        self._carry_s = 0.0
        self._looked_s = -math.inf
        self._doubts, self._proofs = 0, 0
        self._machine.on_done, self._machine.on_drawn = record.done, record.drawn

    # ------------------------------------------------------------- movements
    def travel(self, xy_mm: np.ndarray | tuple[float, float]) -> None:
        """Queue a straight way with the pen up."""
        to_mm = float(xy_mm[0]), float(xy_mm[1])
        self._stream(travel_motion(self._machine.end_mm, to_mm, self.profile))

    def draw(self, xy_mm: np.ndarray, *, stroke: int, from_mm: float, pressure: np.ndarray | None = None) -> None:
        """Queue a line with the pen down, which is a stroke's from some length on; with a pressure at each point."""
        press = None
        if pressure is not None and self._machine.presses:
            press = _Press(lengths_along(xy_mm), pressure, self._machine.heights)
        self._stream(draw_motion(xy_mm, self.profile), stroke=stroke, from_mm=from_mm, press=press)

    def drop(self) -> None:
        """Queue lowering the pen."""
        self._await_room()
        self.record.pen_down = True
        self._machine.drop(self.profile.dropping_s)

    def lift(self, *, stroke: int = -1) -> None:
        """Queue raising the pen; with a stroke, that one is all drawn then."""
        self._await_room(to_the_end=True)
        self._machine.lift(self.profile.lifting_s, stroke=stroke)

    def move_pen(self, percent: float) -> None:
        """Queue moving the pen to a height of the servo's range, to try what it does."""
        self._await_room()
        self.record.pen_down = True
        self._machine.move_pen(percent, max(0.5, self.profile.dropping_s))

    def drain(self) -> None:
        """Watch until all that was queued is done."""
        while self._watch().running:
            if self._session.stop_wanted and self.record.pen_down:
                raise Interrupted
            self._machine.wait()

    def park(self) -> None:
        """Lift the pen and go home.

        Raises:
            Stopped: on request.
        """

        def go() -> None:
            if self.record.pen_down:
                self.lift()
            self.travel(HOME_MM)

        self.persist(go)

    def persist(self, action: Callable[[], None]) -> None:
        """Queue something, again and again until there is no doubt that it is done.

        Raises:
            Stopped: on request.
        """
        while True:
            try:
                action()
                self.drain()
                return
            except Doubt as doubt:
                self.recover(doubt)
            except Interrupted:
                self._session.meet()

    # ------------------------------------------------------------- interruptions
    def stand_still(self) -> None:
        """Lift the pen and stand still as long as that is wished.

        Raises:
            Stopped: on request.
        """
        while self._session.pause_wanted or self._session.stop_wanted:
            self._session.meet()
            try:
                if self.record.pen_down:
                    self.lift()
                self.drain()
                self.wait_for_resume()
            except Doubt as doubt:
                self.recover(doubt)
            except Interrupted:
                continue

    def wait_for_resume(self, reason: str = '') -> None:
        """Stand still until somebody resumes, also by the button; with a reason, also if nobody asked for it."""

        def look() -> None:
            self._machine.wait(PAUSED_LOOK_S)
            if self._machine.look().pressed:
                self._session.want_resume()
            self.record.report(self._link.now_s())

        since_s = self._link.now_s()
        self.record.report(since_s, always=True)
        try:
            self._session.stand_paused(look, reason)
        finally:
            self.paused_s += self._link.now_s() - since_s

    def report(self) -> None:
        """Tell how the drawing stands."""
        self.record.report(self._link.now_s(), always=True)

    def end_here(self) -> None:
        """Stop: with the pen on the paper at once, else at the end of what is queued."""
        if not self.record.pen_down:
            try:
                self.drain()
                return
            except Doubt as doubt:
                _log.info('%s', doubt)
        self._take_stock()

    def recover(self, doubt: Doubt) -> None:
        """Stop, lift the pen, and find out what is drawn.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM: it leads nowhere.
        """
        _log.warning('the EBB at %s was stopped: %s', self._link.port, doubt)
        if self.record.proofs > self._proofs:
            self._doubts, self._proofs = 0, self.record.proofs
        self._doubts += 1
        if self._doubts > MOST_DOUBTS:
            raise self._machine.client.talk.alarm(f'is not to be understood: {doubt}')
        self._take_stock()

    def _take_stock(self) -> None:
        drawn = self._machine.abort(self.profile.lifting_s)
        self.record.lifted()
        self._carry_s = 0.0
        if drawn is not None:
            self.record.drawn(*drawn)
        self._machine.check_inside()

    # ------------------------------------------------------------- queueing
    def _stream(
        self, motion: MotionProfile, *, stroke: int = -1, from_mm: float = 0.0, press: _Press | None = None
    ) -> None:
        """Queue a movement bit by bit; a pause brakes on its line."""
        machine = self._machine
        course, self._carry_s = course_of(motion, self._carry_s, machine.axes)
        at_mm, gone_ms = from_mm, 0

        def tell(move: Move, *, to_the_end: bool = False) -> None:
            nonlocal at_mm
            if press is not None and (height := press.change(at_mm - from_mm, move.ms)) is not None:
                self._await_room(to_the_end=to_the_end)
                machine.move_pen(height)
            self._await_room(move.ms, to_the_end=to_the_end)
            start_mm, at_mm = at_mm, from_mm + move.length_mm
            machine.move(move, stroke=stroke, from_mm=start_mm, to_mm=at_mm)

        try:
            for move in cut(course, machine.axes, machine.end, **machine.slice_limits()):
                tell(move)
                gone_ms += move.ms
        except Interrupted:
            if self._session.stop_wanted and self.record.pen_down:
                raise
            slow = brake(motion, course, gone_ms)
            for move in cut(slow, machine.axes, machine.end, **machine.slice_limits()):
                tell(move, to_the_end=True)
            raise

    def _await_room(self, move_ms: int = 0, *, to_the_end: bool = False) -> None:
        """Watch until the machine has room for one thing more; to the end of what cannot be left half done."""
        while True:
            has_room = self._machine.has_room(move_ms)
            if not has_room or self._link.now_s() >= self._looked_s + LOOK_S:
                self._machine.ask()
            self._note(self._machine.wait(0.0 if has_room else POLL_S))
            stop, pause = self._session.stop_wanted, self._session.pause_wanted
            if (stop and (self.record.pen_down or not to_the_end)) or (pause and not to_the_end):
                raise Interrupted
            if has_room:
                return

    def _watch(self) -> Status:
        status = self._machine.look()
        self._note(status)
        return status

    def _note(self, status: Status | None) -> None:
        """What was seen of the board, if anything was."""
        if status is None:
            return
        self._looked_s = self._link.now_s()
        if status.pressed:
            self._session.want_pause('the button on the machine was pressed')
        self.record.report(self._link.now_s())
