"""Move an EBB's pen along lines: queued bit by bit, watched, interrupted and taken up again.

A movement is cut into slices of some milliseconds, so that little is ever queued. A pause ends the queue with a braking
slice or two on the line itself; when it is over, the stroke goes on from the very step. Whenever the board is not
understood, or its motors are not where they should be, it is stopped, the pen lifted, and the motors asked where they
are: from there the drawing goes on, as often as that leads anywhere.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator

import numpy as np

from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.timing import TimedPath, draw_motion, travel_motion
from sketch_robot.plotters.ebb.answers import BoardStatus, UnclearAnswer
from sketch_robot.plotters.ebb.machine import LIFT_S, POLL_S, EbbMachine
from sketch_robot.plotters.ebb.move_queue import LookAhead
from sketch_robot.plotters.ebb.moves import Move, brake, cut, sample_path
from sketch_robot.plotters.ebb.options import SERVO_MS, EbbOptions
from sketch_robot.plotters.ebb.progress import EbbProgress
from sketch_robot.plotters.progress import Remainder
from sketch_robot.plotters.serial_link import Link
from sketch_robot.plotters.session import Session
from sketch_robot.polyline import lengths_along
from sketch_robot.stroke import stroke_from

LOOK_S = 0.02  # as long as there is room, the board is looked at no more often: the next move comes first
PAUSED_LOOK_S = 0.05  # between two looks at the button while the machine stands still
MOST_DOUBTS = 8  # in a row, without anything drawn in between
OVERLAP_MM = 0.2  # by which a stroke goes on before where it stopped, so that no gap shows
_log = logging.getLogger(__name__)


class Interrupted(Exception):  # noqa: N818  an event, not an error
    """A pause or a stop was asked for, and the pen has come to rest or is about to be lifted."""


class PressureHeights:
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


class EbbExecutor:
    """Carries a plan out on an EBB. One thread moves it.

    What queues something may raise Interrupted, and UnclearAnswer: the board is not to be understood, or not where it
    should be; and SketchRobotError PLOTTER_OFFLINE and PLOTTER_ALARM.

    Args:
        machine, link, session: whom to move, over which connection, by whose wishes.
        tell: called at each look; it tells of it only now and then.

    Attributes:
        limits: how fast the pen moves.
        progress: what becomes of it.
    """

    def __init__(self, machine: EbbMachine, link: Link, session: Session, tell: Callable[[], None]) -> None:
        self._machine, self._link, self._session, self._tell = machine, link, session, tell
        self.progress = EbbProgress(machine)
        self.begin(MachineLimits(), self.progress)

    def begin(self, limits: MachineLimits, progress: EbbProgress) -> None:
        """Start something new, with the pen as it is."""
        progress.pen_down = self.progress.pen_down
        self.limits, self.progress = limits, progress
        self._carry_s = 0.0
        self._looked_s = -math.inf
        self._doubts, self._proofs = 0, 0
        self._machine.on_done, self._machine.on_drawn = progress.done, progress.drawn

    # ------------------------------------------------------------- movements
    def travel(self, xy_mm: np.ndarray | tuple[float, float]) -> None:
        """Queue a straight way with the pen up."""
        to_mm = float(xy_mm[0]), float(xy_mm[1])
        self._stream(travel_motion(self._machine.end_mm, to_mm, self.limits))

    def draw(self, xy_mm: np.ndarray, *, stroke: int, from_mm: float, pressure: np.ndarray | None = None) -> None:
        """Queue a line with the pen down, which is a stroke's from some length on; with a pressure at each point."""
        heights = None
        if pressure is not None and self._machine.pen.presses:
            heights = PressureHeights(lengths_along(xy_mm), pressure, self._machine.pen.pressed)
        self._stream(draw_motion(xy_mm, self.limits), stroke=stroke, from_mm=from_mm, heights=heights)

    def drop(self) -> None:
        """Queue lowering the pen."""
        self._await_room()
        self.progress.pen_down = True
        self._machine.drop(self.limits.dropping_s)

    def lift(self, *, stroke: int = -1) -> None:
        """Queue raising the pen; with a stroke, that one is all drawn then."""
        self._await_room(to_the_end=True)
        self._machine.lift(self.limits.lifting_s, stroke=stroke)

    def move_pen(self, percent: float) -> None:
        """Queue moving the pen to a height of the servo's range, to try what it does."""
        self._await_room()
        self.progress.pen_down = True
        self._machine.move_pen(percent, max(0.5, self.limits.dropping_s))

    def drain(self) -> None:
        """Watch until all that was queued is done."""
        while self._note(self._machine.look()).running:
            if self._session.stop_wanted and self.progress.pen_down:
                raise Interrupted
            self._machine.wait()

    def park(self) -> None:
        """Lift the pen and go home.

        Raises:
            Stopped: on request.
        """

        def go() -> None:
            if self.progress.pen_down:
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
            except UnclearAnswer as unclear:
                self._recover(unclear)
            except Interrupted:
                self._session.meet()

    def draw_strokes(self, rest: Remainder, start: int, end: int) -> None:
        """Draw strokes [start, end), however often that is interrupted, until all of them are proven.

        Raises:
            Stopped: on request.
        """
        if self.progress.pen_down:  # as somebody left it
            self.persist(self.lift)
        number, start_mm = start, 0.0
        while True:
            try:
                if number == end:
                    self.drain()
                    return
                stroke = rest.plan.strokes[number]
                stroke = stroke_from(stroke, start_mm) if start_mm > 0.0 else stroke
                self.travel(stroke.xy[0])
                self.drop()
                self.draw(stroke.xy, stroke=number, from_mm=start_mm, pressure=stroke.pressure)
                self.lift(stroke=number)
                number, start_mm = number + 1, 0.0
            except (Interrupted, UnclearAnswer) as event:
                if isinstance(event, UnclearAnswer):
                    self._recover(event)
                self._stand_still()
                proven = self.progress.proven
                number, start_mm = max(start, proven.strokes), max(0.0, proven.length_mm - OVERLAP_MM)

    # ------------------------------------------------------------- interruptions
    def _stand_still(self) -> None:
        """Lift the pen and stand still as long as that is wished.

        Raises:
            Stopped: on request.
        """
        while self._session.pause_wanted or self._session.stop_wanted:
            self._session.meet()
            try:
                if self.progress.pen_down:
                    self.lift()
                self.drain()
            except UnclearAnswer as unclear:
                self._recover(unclear)
            except Interrupted:
                continue
            self.stand_paused()

    def stand_paused(self, reason: str = '') -> None:
        """Stand still until somebody resumes, also by the button; with a reason, also if nobody asked for it.

        Raises:
            Stopped: on request.
        """
        since_s = self._link.now_s()
        self._tell()
        try:
            while True:
                try:
                    self._session.stand_paused(self.look_paused, reason)
                    return
                except UnclearAnswer as unclear:
                    self._recover(unclear)
        finally:
            self.progress.paused_s += self._link.now_s() - since_s

    def look_paused(self) -> None:
        """Look at the board while it stands still: the button resumes, the pen stays up."""
        self._machine.wait(PAUSED_LOOK_S)
        if self._machine.look().pressed:
            self._session.want_resume()
        self._machine.keep_pen_up()
        self._tell()

    def halt(self) -> None:
        """Stop: with the pen on the paper at once, else at the end of what is queued."""
        if not self.progress.pen_down:
            try:
                self.drain()
                return
            except UnclearAnswer as unclear:
                _log.info('%s', unclear)
        self._take_stock()

    def _recover(self, unclear: UnclearAnswer) -> None:
        """Stop, lift the pen, and find out what is drawn.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM: it leads nowhere.
        """
        _log.warning('the EBB at %s was stopped: %s', self._link.port, unclear)
        if self.progress.proofs > self._proofs:
            self._doubts, self._proofs = 0, self.progress.proofs
        self._doubts += 1
        if self._doubts > MOST_DOUBTS:
            raise self._machine.client.alarm(f'is not to be understood: {unclear}')
        self._take_stock()

    def _take_stock(self) -> None:
        drawn = self._machine.abort(self.limits.lifting_s)
        self.progress.lifted()
        self._carry_s = 0.0
        self._machine.place.check_kept()
        if drawn is not None:
            self.progress.drawn(*drawn)
        self._machine.check_inside()

    # ------------------------------------------------------------- queueing
    def _stream(
        self, motion: TimedPath, *, stroke: int = -1, from_mm: float = 0.0, heights: PressureHeights | None = None
    ) -> None:
        """Queue a movement bit by bit; a pause brakes on its line."""
        machine = self._machine
        path, self._carry_s = sample_path(motion, self._carry_s, machine.axes)
        at_mm, gone_ms = from_mm, 0

        def tell(move: Move, *, to_the_end: bool = False) -> None:
            nonlocal at_mm
            if heights is not None and (height := heights.change(at_mm - from_mm, move.ms)) is not None:
                self._await_room(to_the_end=to_the_end)
                machine.move_pen(height)
            self._await_room(move.ms, to_the_end=to_the_end)
            start_mm, at_mm = at_mm, from_mm + move.length_mm
            machine.move(move, stroke=stroke, from_mm=start_mm, to_mm=at_mm)

        try:
            for move in cut(path, machine.axes, machine.end, **machine.slice_limits()):
                tell(move)
                gone_ms += move.ms
        except Interrupted:
            if self._session.stop_wanted and self.progress.pen_down:
                raise
            slow = brake(motion, path, gone_ms)
            for move in cut(slow, machine.axes, machine.end, **machine.slice_limits()):
                tell(move, to_the_end=True)
            raise

    def _await_room(self, move_ms: int = 0, *, to_the_end: bool = False) -> None:
        """Watch until the machine has room for one thing more; to the end of what cannot be left half done."""
        while True:
            has_room = self._machine.has_room(move_ms)
            if not has_room or self._link.now_s() >= self._looked_s + LOOK_S:
                self._machine.ask()
            status = self._machine.wait(0.0 if has_room else POLL_S)
            if status is not None:
                self._note(status)
            stop, pause = self._session.stop_wanted, self._session.pause_wanted
            if (stop and (self.progress.pen_down or not to_the_end)) or (pause and not to_the_end):
                raise Interrupted
            if has_room:
                return

    def _note(self, status: BoardStatus) -> BoardStatus:
        """What was seen of the board."""
        self._looked_s = self._link.now_s()
        if status.pressed:
            self._session.want_pause('the button on the machine was pressed')
        self._tell()
        return status


def program_of(plan: DrawingPlan, options: EbbOptions) -> Iterator[str]:
    """The commands that draw a plan on a machine that stands at the origin and obeys all of them, with `LM`."""
    axes, pen, limits = options.page_axes, options.pen, plan.profile
    ahead = LookAhead(options.ahead_ms)
    slices = ahead.slice_limits(ahead.depth, low_level=options.low_level)
    carry_s, end, end_mm = 0.0, (0, 0), HOME_MM

    def moves(motion: TimedPath, heights: PressureHeights | None = None) -> Iterator[str]:
        nonlocal carry_s, end, end_mm
        path, carry_s = sample_path(motion, carry_s, axes)
        at_mm = 0.0
        for move in cut(path, axes, end, **slices):
            if heights is not None and (height := heights.change(at_mm, move.ms)) is not None:
                yield pen.moving_to(height)[0]
            yield move.command(options.low_level)
            at_mm, end = move.length_mm, move.target
        x, y = axes.mm(np.array(end))
        end_mm = float(x), float(y)

    yield from (*pen.settings, pen.raising(LIFT_S)[0], 'EM,1,1', 'CS')
    for stroke in plan.strokes:
        yield from moves(travel_motion(end_mm, (float(stroke.xy[0, 0]), float(stroke.xy[0, 1])), limits))
        yield pen.lowering(limits.dropping_s)[0]
        heights = None
        if stroke.pressure is not None and pen.presses:
            heights = PressureHeights(lengths_along(stroke.xy), stroke.pressure, pen.pressed)
        yield from moves(draw_motion(stroke.xy, limits), heights)
        yield pen.raising(limits.lifting_s)[0]
    yield from moves(travel_motion(end_mm, HOME_MM, limits))
