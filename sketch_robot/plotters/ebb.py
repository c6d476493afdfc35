"""An AxiDraw, or another machine with an EBB: moves by the time model, what is on paper proven by its own steps.

A movement is cut into slices of some milliseconds, so that little is ever queued. A pause ends the queue with a braking
slice or two on the line itself; when it is over, the stroke goes on from the very step. Whenever the board is not
understood, or its motors are not where they should be, it is stopped, the pen lifted, and the motors asked where they
are: from there the drawing goes on, as often as that leads anywhere.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import MotionProfile, draw_motion, travel_motion
from sketch_robot.plotters.checks import check_plan
from sketch_robot.plotters.ebb_client import ANSWER_S, Doubt, Status
from sketch_robot.plotters.ebb_found import found_drawn
from sketch_robot.plotters.ebb_machine import EbbMachine, PenLift
from sketch_robot.plotters.ebb_moves import STEPS_PER_MM, Axes, Move, brake, course_of, cut
from sketch_robot.plotters.ebb_queue import Entry
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.remainder import Proven, Remainder, remaining, stroke_from
from sketch_robot.plotters.serial_link import Link, SerialLink
from sketch_robot.plotters.session import Session, Stopped, pen_changes, pen_request
from sketch_robot.plotters.tally import Tally

DEVICE_ID = '04d8:fd92'  # of every EBB
PROGRESS_S = 0.1
PAUSED_LOOK_S = 0.05  # between two looks at the button while the machine stands still
OVERLAP_MM = 0.2  # by which a stroke goes on before where it stopped, so that no gap shows
JOURNAL_MM = 0.1  # what is drawn is recorded in pieces not shorter than this
MOST_DOUBTS = 8  # in a row without anything drawn in between
_log = logging.getLogger(__name__)


class _Interrupted(Exception):  # noqa: N818  an event, not an error
    """A pause or a stop was asked for."""


class EbbPlotter(Plotter):
    """See the module.

    Args:
        port: a device or a device id; see `ports.port_of`.
        page_x, page_y: which way the page's x and y run on the machine: '+x', '-x', '+y' or '-y'; see `Axes.of`.
        steps_per_mm: of the machine's own axes, at 1/16 steps.
        pen: heights and speeds of the servo; the fields of `PenLift`.
        hold_motors: whether they keep their current, and their place, when the machine is given back.
        low_level: move by `LM` where the firmware has it.
        link: to a board that is on no serial port.
        answer_s: how long the board may take to answer.

    Raises:
        SketchRobotError: BAD_GOAL, an option is unusable.
    """

    def __init__(
        self,
        *,
        port: str = DEVICE_ID,
        page_x: str = '+y',
        page_y: str = '+x',
        steps_per_mm: float = STEPS_PER_MM,
        pen: dict[str, float] | None = None,
        hold_motors: bool = True,
        low_level: bool = True,
        link: Link | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        try:
            axes = Axes.of(page_x, page_y, steps_per_mm)
            pen_lift = PenLift(**(pen or {}))
        except (TypeError, ValueError) as error:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the EBB takes no such option: {error}') from error
        self._link = link if link is not None else SerialLink(port, machine='EBB')
        self._machine = EbbMachine(self._link, axes, pen_lift, answer_s=answer_s)
        self._machine.on_done, self._machine.on_drawn = self._note_done, self._note_drawn
        self._session = Session('EBB', self._link.wake)
        self._hold_motors, self._low_level = hold_motors, low_level
        self._profile = PenProfile()
        self._carry_s = 0.0
        self._pen_down = False
        self._forget_drawing()

    def _forget_drawing(self) -> None:
        self._tally = Tally()
        self._journal: Journal | None = None
        self._rest: Remainder | None = None
        self._proven = Proven()
        self._recorded = Proven()
        self._on_progress: Callable[[Progress], None] | None = None
        self._reported_s = -math.inf
        self._ink_mm = self._travel_mm = self._paused_s = 0.0
        self._lifts = self._doubts = 0

    # ------------------------------------------------------------- what it is doing
    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing now."""
        return self._session.status

    @property
    def reason(self) -> str:
        """Why it is paused, in alarm or offline; '' when there is nothing to say."""
        return self._session.reason

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._tally.progress(self._machine.xy_mm, self._pen_down)

    @property
    def knows_place(self) -> bool:
        """Whether the board has kept, since it was switched on, where the page's origin is."""
        return self._machine.knows_place

    # ------------------------------------------------------------- commands
    def connect(self) -> None:
        """Find the board, lift the pen; afterwards it is IDLE, or in ALARM when it lost its place in a drawing.

        A board that was switched on since it was last used takes the pen to be above the page's origin.
        """
        if self._session.status != PlotterStatus.OFFLINE:
            return
        had_place, lost = self._machine.knows_place, ''
        try:
            self._machine.connect(low_level=self._low_level)
            if not self._machine.knows_place:
                if had_place:
                    lost = self._machine.client.restarted().message
                else:
                    self._machine.start_here()
        except Doubt as doubt:
            self._link.close()
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE, f'the machine at {self._link.port} is not to be understood: {doubt}'
            ) from doubt
        except SketchRobotError:
            self._link.close()
            raise
        self._pen_down = False
        self._session.set_status(PlotterStatus.ALARM if lost else PlotterStatus.IDLE, lost)

    def home(self) -> None:
        """Lift the pen and go to the page's origin; a machine that lost its place takes the pen to be there.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM), self._ending():
            self._forget_drawing()
            if not self._machine.knows_place:
                self._machine.raise_pen()
                self._machine.start_here()
                return
            try:
                self._machine.keep_inside()
                self._park()
            except Stopped:
                _log.info('homing was stopped')

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE), self._ending():
            self._forget_drawing()
            self._persist(lambda: self._drop() if down else self._lift(-1))

    def draw(
        self,
        plan: DrawingPlan,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        journal: Journal | None = None,
    ) -> Outcome:
        """Draw the whole plan, or what its journal has left of it; then lift the pen and go home; see `Plotter.draw`.

        An error of `on_progress` ends the drawing with the pen up where it is, and is raised.

        Raises:
            SketchRobotError: OFF_PAGE, NOTHING_TO_DRAW, PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY: before anything moves;
                PLOTTER_ALARM and PLOTTER_OFFLINE: also in the middle, with the pen up as far as it can be reached.
        """
        check_plan(plan)
        with self._session.moving(PlotterStatus.DRAWING, PlotterStatus.IDLE), self._ending():
            self._forget_drawing()
            self._machine.check_power()
            self._profile, self._on_progress = plan.profile, on_progress
            self._rest = self._begin_journal(plan, journal) if journal is not None else Remainder(plan)
            rest = self._rest.plan
            self._machine.keep_inside(plan.page.width_mm, plan.page.height_mm)
            self._machine.say_drawing(True)
            if rest.strokes:
                self._tally = Tally.of(rest, self._machine.xy_mm)
            begun_s = self._link.now_s()
            finished = self._draw_and_park(rest)
            self._machine.say_drawing(False)
            if finished and journal is not None:
                journal.finish()
            return Outcome(
                finished,
                self._proven.strokes,
                self._ink_mm,
                self._travel_mm,
                self._lifts,
                self._link.now_s() - begun_s - self._paused_s,
            )

    def pause(self) -> None:
        """Come to rest on the line, lift the pen and stand still until `resume`. Without a drawing it does nothing."""
        self._session.want_pause()

    def resume(self) -> None:
        """Go on drawing where `pause` stopped."""
        self._session.want_resume()

    def stop(self) -> None:
        """End the drawing: lift the pen at once and park. Without a movement, or while parking, it does nothing."""
        self._session.want_stop()

    def close(self) -> None:
        """Lift the pen and be OFFLINE. A drawing ends first, without parking; from its own `on_progress`, right after.

        Closing twice is harmless.
        """
        if self._session.want_close() and self._session.status != PlotterStatus.OFFLINE:
            self._leave()
            self._session.set_status(PlotterStatus.OFFLINE)

    # ------------------------------------------------------------- beginnings and ends
    def _begin_journal(self, plan: DrawingPlan, journal: Journal) -> Remainder:
        """What is left to draw, also by what the board drew after it was last heard of."""
        resumed = journal.is_resumed
        rest = journal.begin(plan)
        self._journal = journal
        machine = self._machine
        if resumed and machine.left_alone:
            found = found_drawn(rest.plan.strokes, machine.xy_mm, down=machine.found_down)
            if found != Proven():
                journal.proven(*self._whole(rest, found))
                rest = remaining(plan, journal.on_paper)
        return rest

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """However it ends: with the pen up as far as the machine can be reached, and what is drawn recorded."""
        try:
            yield
        except SketchRobotError as error:
            if error.code == ErrorCode.PLOTTER_OFFLINE:
                self._pen_down = False  # as far as anybody knows
                self._link.close()
            else:
                self._give_up()
            raise
        except BaseException:
            self._give_up()
            raise
        finally:
            if self._session.close_wanted:
                self._leave()

    def _give_up(self) -> None:
        """Stop where the pen is and lift it, whatever else is wrong."""
        try:
            if drawn := self._machine.abort(self._profile.lifting_s):
                self._note_drawn(*drawn)
            self._record(self._proven)
            self._machine.say_drawing(False)
        except SketchRobotError as error:
            _log.warning('the EBB is left as it is: %s', error.message)
            self._machine.raise_pen()
        self._pen_down = False

    def _leave(self) -> None:
        self._machine.leave(hold_motors=self._hold_motors)
        self._pen_down = False

    # ------------------------------------------------------------- drawing
    def _draw_and_park(self, plan: DrawingPlan) -> bool:
        """Whether all of it was drawn."""
        finished = True
        try:
            self._draw_strokes(plan)
        except Stopped:
            finished = False
            self._stop_here()
        self._record(self._proven)
        if self._session.close_wanted:
            return False
        self._session.forget_wishes()
        self._session.set_status(PlotterStatus.PARKING)
        try:
            self._park()
        except Stopped:  # closed
            return False
        if finished:
            self._tally.finish()
        self._report(always=True)
        return finished

    def _draw_strokes(self, plan: DrawingPlan) -> None:
        """Draw all strokes, however often that is interrupted.

        Raises:
            Stopped: on request.
        """
        assert self._rest is not None
        asked_for = pen_changes(plan, self._rest.first)
        number, start_mm = 0, 0.0
        while True:
            try:
                if number == len(plan.strokes):
                    self._drain()
                    return
                if asked_for[number]:
                    self._change_pen(pen_request(plan, asked_for[number]))
                    asked_for[number] = ''
                self._draw_stroke(plan, number, start_mm)
                number, start_mm = number + 1, 0.0
            except (_Interrupted, Doubt) as event:
                self._after_interruption(event)
                number, start_mm = self._proven.strokes, max(0.0, self._proven.length_mm - OVERLAP_MM)

    def _after_interruption(self, event: Exception) -> None:
        """Recover from a doubt; stand still while a pause is asked for.

        Raises:
            Stopped: on request.
        """
        if isinstance(event, Doubt):
            self._recover(event)
        while self._session.pause_wanted or self._session.stop_wanted:
            self._session.meet()
            try:
                self._lift(-1)
                self._drain()
                self._stand_paused()
            except Doubt as doubt:
                self._recover(doubt)

    def _draw_stroke(self, plan: DrawingPlan, number: int, start_mm: float) -> None:
        stroke = plan.strokes[number]
        xy = stroke_from(stroke, start_mm).xy if start_mm > 0.0 else stroke.xy
        self._travel(xy[0])
        self._drop()
        self._stream(draw_motion(xy, self._profile), stroke=number, from_mm=start_mm)
        self._lift(number)

    def _park(self) -> None:
        """Lift the pen and go home; Stopped: on request."""

        def go() -> None:
            if self._pen_down:
                self._lift(-1)
            self._travel(np.array(HOME_MM))
            self._drain()

        self._persist(go)

    def _persist(self, action: Callable[[], None]) -> None:
        """Do it until no doubt is left that it is done.

        Raises:
            Stopped: on request.
        """
        while True:
            try:
                action()
                self._drain()
                return
            except Doubt as doubt:
                self._recover(doubt)
            except _Interrupted:
                self._session.meet()

    def _change_pen(self, request: str) -> None:
        self._travel(np.array(HOME_MM))
        self._drain()
        self._stand_paused(request)

    def _stand_paused(self, reason: str = '') -> None:
        def look() -> None:
            self._machine.wait(PAUSED_LOOK_S)
            if self._machine.look().pressed:
                self._session.want_resume()
            self._report()

        since_s = self._link.now_s()
        self._report(always=True)
        try:
            self._session.stand_paused(look, reason)
        finally:
            self._paused_s += self._link.now_s() - since_s

    def _stop_here(self) -> None:
        """End where the pen is: with the pen on the paper at once, else at the end of what is queued."""
        try:
            if not self._pen_down:
                self._drain()
                return
        except Doubt as doubt:
            _log.info('%s', doubt)
        self._take_stock(self._machine.abort(self._profile.lifting_s))

    def _recover(self, doubt: Doubt) -> None:
        """Stop, lift the pen, and find out what is drawn.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM: that leads nowhere.
        """
        _log.warning('the EBB at %s was stopped: %s', self._link.port, doubt)
        self._doubts += 1
        if self._doubts > MOST_DOUBTS:
            raise self._machine.client.alarm(f'is not to be understood: {doubt}')
        self._take_stock(self._machine.abort(self._profile.lifting_s))

    def _take_stock(self, drawn: tuple[int, float] | None) -> None:
        if self._pen_down:
            self._lifts += 1
        self._pen_down = False
        if drawn is not None:
            self._note_drawn(*drawn)
        self._machine.check_inside()

    # ------------------------------------------------------------- telling the machine
    def _travel(self, xy_mm: np.ndarray) -> None:
        from_mm = self._machine.end_mm
        self._stream(travel_motion(from_mm, (float(xy_mm[0]), float(xy_mm[1])), self._profile))

    def _stream(self, motion: MotionProfile, *, stroke: int = -1, from_mm: float = 0.0) -> None:
        """Queue a movement bit by bit; a pause brakes on its line.

        Raises:
            _Interrupted: a pause or stop was asked for.
            Doubt: see `EbbMachine.look`.
        """
        machine = self._machine
        course, self._carry_s = course_of(motion, self._carry_s, machine.axes)
        at_mm, gone_ms = from_mm, 0

        def tell(move: Move, *, to_the_end: bool = False) -> None:
            nonlocal at_mm
            start_mm, at_mm = at_mm, from_mm + move.length_mm
            self._await_room(to_the_end=to_the_end)
            machine.move(move, stroke=stroke, from_mm=start_mm, to_mm=at_mm)

        try:
            for move in cut(course, machine.axes, machine.end, **machine.slice_limits()):
                tell(move)
                gone_ms += move.ms
        except _Interrupted:
            if self._session.stop_wanted and self._pen_down:
                raise
            at_mm = from_mm + float(course.length_mm[gone_ms])
            slow = brake(motion, course, gone_ms, self._brake_mm_s2(down=stroke >= 0))
            for move in cut(slow, machine.axes, machine.end, **machine.slice_limits()):
                tell(move, to_the_end=True)
            raise

    def _brake_mm_s2(self, *, down: bool) -> float:
        profile = self._profile
        own = profile.draw_accel_mm_s2 if down else profile.travel_accel_mm_s2
        return min([own, *(accel for accel in profile.axis_accel_mm_s2 if accel > 0.0)])

    def _drop(self) -> None:
        self._await_room()
        self._pen_down = True
        self._machine.drop(self._profile.dropping_s)

    def _lift(self, stroke: int) -> None:
        self._await_room(to_the_end=True)
        self._machine.lift(self._profile.lifting_s, stroke=stroke)

    def _await_room(self, *, to_the_end: bool = False) -> None:
        """Watch until the machine has room for one thing more.

        Raises:
            _Interrupted: a pause or stop was asked for; not to the end of what cannot be left half done.
            Doubt: see `EbbMachine.look`.
        """
        while True:
            self._watch()
            session = self._session
            if (session.stop_wanted and (self._pen_down or not to_the_end)) or (
                session.pause_wanted and not to_the_end
            ):
                raise _Interrupted
            if self._machine.has_room:
                return
            self._machine.wait()

    def _drain(self) -> None:
        """Watch until all that was told is done."""
        while self._watch().running:
            if self._session.stop_wanted and self._pen_down:
                raise _Interrupted
            self._machine.wait()

    # ------------------------------------------------------------- watching it
    def _watch(self) -> Status:
        status = self._machine.look()
        if status.pressed:
            self._session.want_pause('the button on the machine was pressed')
        self._report()
        return status

    def _note_done(self, entry: Entry) -> None:
        self._tally.machine_s += 0.001 * entry.ms
        length_mm = float(np.hypot(*self._machine.axes.mm(np.array(entry.target) - np.array(entry.start))))
        if entry.lift:
            self._lifts += self._pen_down
            self._pen_down = False
            if entry.stroke >= 0:
                self._note(Proven(entry.stroke + 1))
        elif entry.stroke >= 0:
            self._ink_mm += length_mm
            self._note_drawn(entry.stroke, entry.to_mm)
        else:
            self._travel_mm += length_mm

    def _note_drawn(self, stroke: int, length_mm: float) -> None:
        assert self._rest is not None
        whole = length_mm >= self._rest.plan.strokes[stroke].length - 1e-6
        self._note(Proven(stroke + 1) if whole else Proven(stroke, length_mm))

    def _note(self, proven: Proven) -> None:
        """So much is on paper for certain."""
        if (proven.strokes, proven.length_mm) <= (self._proven.strokes, self._proven.length_mm):
            return
        self._proven = proven
        self._doubts = 0
        self._tally.done = proven.strokes
        new = proven.strokes > self._recorded.strokes
        if new or proven.length_mm >= self._recorded.length_mm + JOURNAL_MM:
            self._record(proven)

    def _record(self, proven: Proven) -> None:
        if self._journal is not None and self._rest is not None and proven != Proven():
            self._journal.proven(*self._whole(self._rest, proven))
            self._recorded = proven

    @staticmethod
    def _whole(rest: Remainder, proven: Proven) -> tuple[int, float]:
        """What is proven of the rest of a drawing, as a stroke of the whole and how much of it."""
        if proven.length_mm == 0.0 and proven.strokes > 0:
            return rest.in_whole(proven.strokes - 1)[0], math.inf
        return rest.in_whole(proven.strokes, proven.length_mm)

    def _report(self, *, always: bool = False) -> None:
        now_s = self._link.now_s()
        if self._on_progress is not None and (always or now_s >= self._reported_s + PROGRESS_S):
            self._reported_s = now_s
            self._on_progress(self.progress)
