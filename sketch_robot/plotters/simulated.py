"""A plotter that exists in time only: it moves as the time model says and keeps what would be on paper.

The pen follows each movement's `MotionProfile`, the same that predicts the plan's seconds, so that machine seconds are
the predicted ones. A pause brakes along the line as hard as the machine may, lifts the pen, and afterwards starts again
from rest; what that takes is added. Wall-clock seconds are machine seconds divided by `speedup`. Standing still, paused
or for a change of the pen, takes no machine seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.pressure import line_width_mm
from sketch_robot.plotters.checks import check_plan
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.pacing import Pace
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.pen import SimulatedPen
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.remainder import Remainder
from sketch_robot.plotters.session import Session, Stopped, pen_changes, pen_request
from sketch_robot.plotters.simulated_mover import SimulatedMover
from sketch_robot.plotters.tally import Tally

_log = logging.getLogger(__name__)


class _OfCallerError(Exception):
    """Carries an error of `on_progress`, which is none of the machine, to where it is raised."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class SimulatedPlotter(Plotter):
    """See the module.

    Args:
        speedup: how many times faster than real it draws; infinite: as fast as this computer can.
        pens_at_hand: whether pens change by themselves; else it asks for each by a pause.
        alarm_after_strokes: raise an alarm once so many strokes of a drawing are on paper, as a machine that hits its
            limits; None: never. For tests of what happens then, as is the next.
        offline_after_strokes: go OFFLINE in the middle of the stroke after so many, as a machine whose cable is pulled
            (its servo lifts the pen); None: never.
        clock: wall-clock seconds, for tests.
        wait: waits for an event at most so many wall-clock seconds, for tests.

    Raises:
        SketchRobotError: BAD_GOAL, an option is no positive speed-up, or no count.
    """

    def __init__(
        self,
        *,
        speedup: float = 1.0,
        pens_at_hand: bool = False,
        alarm_after_strokes: int | None = None,
        offline_after_strokes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        for fault, after in (('an alarm', alarm_after_strokes), ('a loss', offline_after_strokes)):
            if after is not None and after < 0:
                raise SketchRobotError(ErrorCode.BAD_GOAL, f'{fault} after {after} strokes is not possible')
        try:
            self._pace = Pace(speedup, clock=clock, wait=wait)
        except ValueError as error:
            raise SketchRobotError(ErrorCode.BAD_GOAL, str(error)) from error
        self._pens_at_hand = pens_at_hand
        self._alarm_after, self._offline_after = alarm_after_strokes, offline_after_strokes
        self._pen = SimulatedPen()
        poke = threading.Event()
        self._session = Session('simulated plotter', poke.set)
        self._mover = SimulatedMover(self._pen, self._pace, self._session, poke, self._report)
        self._shown = Tally()
        self._journal: Journal | None = None
        self._on_progress: Callable[[Progress], None] | None = None

    # ------------------------------------------------------------- what it is doing
    @property
    def paper(self) -> Paper | None:
        """The sheet of the current or last drawing; None before the first."""
        return self._pen.paper

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
        return self._shown.progress(self._pen.xy_mm, self._pen.down)

    # ------------------------------------------------------------- commands
    def connect(self) -> None:
        """Become IDLE. Connecting twice is harmless."""
        if self._session.status == PlotterStatus.OFFLINE:
            self._session.set_status(PlotterStatus.IDLE)

    def home(self) -> None:
        """Lift the pen and go to the page's origin; clears an alarm.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; BUSY, the machine is moving.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM):
            self._mover.begin(self._mover.profile, Tally())
            self._on_progress = None
            self._pen.lift()
            try:
                self._mover.travel_to(HOME_MM)
            except Stopped:
                _log.info('homing was stopped')

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE):
            if down:
                self._pen.lower()
            else:
                self._pen.lift()

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
                PLOTTER_ALARM and PLOTTER_OFFLINE: also in the middle, with the pen up.
        """
        check_plan(plan)
        try:
            with self._session.moving(PlotterStatus.DRAWING, PlotterStatus.IDLE):
                try:
                    return self._draw(plan, on_progress, journal)
                finally:
                    self._pen.lift()
        except _OfCallerError as carried:
            raise carried.error from None

    def pause(self) -> None:
        """Brake, lift the pen and stand still until `resume`. Without a drawing it does nothing."""
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
        if self._session.want_close():
            self._pen.lift()
            self._session.set_status(PlotterStatus.OFFLINE)

    # ------------------------------------------------------------- drawing
    def _draw(
        self, plan: DrawingPlan, on_progress: Callable[[Progress], None] | None, journal: Journal | None
    ) -> Outcome:
        rest = journal.begin(plan) if journal is not None else Remainder(plan)
        self._on_progress, self._journal = on_progress, journal
        self._pen.take_paper(Paper(plan.page, plan.profile.pen_width_mm, plan.pens))
        self._shown = Tally.of(rest.plan, self._pen.xy_mm)
        self._mover.begin(plan.profile, self._shown)
        finished = self._draw_and_park(rest)
        if finished and journal is not None:
            journal.finish()
        pen, tally = self._pen, self._shown
        return Outcome(finished, tally.done, pen.ink_mm, pen.travel_mm, pen.lifts, tally.machine_s)

    def _draw_and_park(self, rest: Remainder) -> bool:
        """Whether all of it was drawn."""
        finished = True
        try:
            self._mover.report()
            for number, pen in enumerate(pen_changes(rest.plan, rest.first)):
                self._alarm_if_due()
                if pen:
                    self._change_pen(pen_request(rest.plan, pen))
                self._draw_stroke(rest, number)
            self._alarm_if_due()
        except Stopped:
            finished = False
            self._pace.restart()
        self._pen.lift()
        self._session.set_status(PlotterStatus.PARKING)  # from here on nobody can ask for a pause or a stop
        self._session.forget_wishes()
        try:
            self._mover.travel_to(HOME_MM)
        except Stopped:  # closed
            return False
        if finished:
            self._shown.finish()
        self._mover.report()
        return finished

    def _draw_stroke(self, rest: Remainder, number: int) -> None:
        stroke = rest.plan.strokes[number]
        self._mover.travel_to(stroke.xy[0])
        self._mover.spend(self._mover.profile.dropping_s)
        self._pen.begin(stroke.pen, stroke.xy, line_width_mm(stroke, rest.plan.profile))
        self._pen.lower()
        before_mm = self._pen.ink_mm
        lost = self._shown.done == self._offline_after
        try:
            self._mover.draw(stroke.xy, share=0.5 if lost else 1.0)
        finally:
            self._pen.end()
            self._record(rest, number, self._pen.ink_mm - before_mm)
        if lost:
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE,
                f'the simulated plotter was lost within a stroke after {self._shown.done} strokes; connect it again',
            )
        self._pen.lift()
        self._shown.done += 1
        self._mover.spend(self._mover.profile.lifting_s)
        self._mover.report()

    def _record(self, rest: Remainder, number: int, drawn_mm: float) -> None:
        if self._journal is not None:
            self._journal.proven(*rest.in_whole(number, drawn_mm))

    def _change_pen(self, request: str) -> None:
        self._mover.travel_to(HOME_MM)
        if not self._pens_at_hand:
            self._mover.stand_paused(request)

    def _alarm_if_due(self) -> None:
        if self._alarm_after is not None and self._shown.done >= self._alarm_after:
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM, f'simulated alarm after {self._shown.done} strokes; home the machine to go on'
            )

    def _report(self) -> None:
        if self._on_progress is None:
            return
        try:
            self._on_progress(self.progress)
        except Exception as error:
            raise _OfCallerError(error) from error
