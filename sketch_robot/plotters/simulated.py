"""A plotter that exists in time only: it moves as the time model says and keeps what would be on paper.

The pen follows each movement's `MotionProfile`, the same that predicts the plan's seconds, so that machine seconds are
the predicted ones. Wall-clock seconds are machine seconds divided by `speedup`. Standing paused, and lifting the pen
for it, take no machine seconds.

One thread moves: that of `draw` or `home`. The others only leave it a wish (stop, pause, close), which it meets before
each step of a movement; so nobody else ever touches the pen while it moves, and no wish can come between two halves of
a step.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import MotionProfile, draw_motion, travel_motion
from sketch_robot.plotters.checks import check_plan
from sketch_robot.plotters.pacing import Pace
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.pen import SimulatedPen
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.tally import Tally

PROGRESS_S = 0.05  # wall-clock; how often progress is reported within a stroke

_MOVING = (PlotterStatus.HOMING, PlotterStatus.DRAWING, PlotterStatus.PAUSED, PlotterStatus.PARKING)
_log = logging.getLogger(__name__)


class _Stopped(Exception):  # noqa: N818  an event, not an error
    """`stop` or `close` was called."""


class _FaultError(SketchRobotError):
    """The machine stopped itself, or went away."""


class SimulatedPlotter(Plotter):
    """See the module.

    Args:
        speedup: how many times faster than real it draws; infinite: as fast as this computer can.
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
        self._pen = SimulatedPen()
        self._alarm_after, self._offline_after = alarm_after_strokes, offline_after_strokes
        self._state = threading.Condition()  # guards the status, the wishes, and who moves
        self._poke = threading.Event()
        self._stop_wanted = self._pause_wanted = self._close_wanted = False
        self._status = PlotterStatus.OFFLINE
        self._mover: int | None = None  # the thread that moves
        self._profile = PenProfile()
        self._tally = self._shown = Tally()
        self._on_progress: Callable[[Progress], None] | None = None
        self._reported_s = 0.0

    # ------------------------------------------------------------- what it is doing
    @property
    def paper(self) -> Paper | None:
        """The sheet of the current or last drawing; None before the first."""
        return self._pen.paper

    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing now."""
        return self._status

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._shown.progress(self._pen.xy_mm, self._pen.down)

    # ------------------------------------------------------------- commands
    def connect(self) -> None:
        """Become IDLE. Connecting twice is harmless."""
        with self._state:
            if self._status == PlotterStatus.OFFLINE:
                self._status = PlotterStatus.IDLE

    def home(self) -> None:
        """Lift the pen and go to the page's origin; clears an alarm.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; BUSY, the machine is moving.
        """
        self._begin(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM)
        try:
            self._tally, self._on_progress = Tally(), None
            self._pen.lift()
            self._travel_to(HOME_MM)
        except _Stopped:
            _log.info('homing was stopped')
        finally:
            self._end(PlotterStatus.IDLE)

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        with self._state:
            self._check(PlotterStatus.IDLE)
            if down:
                self._pen.lower()
            else:
                self._pen.lift()

    def draw(self, plan: DrawingPlan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """Draw the whole plan, then lift the pen and go home; see `Plotter.draw`.

        An error of `on_progress` ends the drawing with the pen up where it is, and is raised.

        Raises:
            SketchRobotError: OFF_PAGE, NOTHING_TO_DRAW, PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY: before anything moves;
                PLOTTER_ALARM and PLOTTER_OFFLINE: also in the middle, with the pen up.
        """
        check_plan(plan)
        self._begin(PlotterStatus.DRAWING, PlotterStatus.IDLE)
        after = PlotterStatus.IDLE
        try:
            self._profile, self._on_progress = plan.profile, on_progress
            self._pen.take_paper(Paper(plan.page, plan.profile.pen_width_mm))
            self._tally = self._shown = Tally.of(plan, self._pen.xy_mm)
            finished = self._draw_and_park(plan)
            pen, tally = self._pen, self._tally
            return Outcome(finished, tally.done, pen.ink_mm, pen.travel_mm, pen.lifts, tally.machine_s)
        except _FaultError as fault:
            after = PlotterStatus.OFFLINE if fault.code == ErrorCode.PLOTTER_OFFLINE else PlotterStatus.ALARM
            raise
        finally:
            self._pen.lift()
            self._end(after)

    def pause(self) -> None:
        """Lift the pen and stand still until `resume`. Without a drawing it does nothing."""
        with self._state:
            if self._status == PlotterStatus.DRAWING:
                self._pause_wanted = True
                self._poke.set()

    def resume(self) -> None:
        """Go on drawing where `pause` stopped."""
        with self._state:
            self._pause_wanted = False
            self._poke.set()

    def stop(self) -> None:
        """End the drawing: lift the pen at once and park. Without a movement, or while parking, it does nothing."""
        with self._state:
            if self._status in (PlotterStatus.DRAWING, PlotterStatus.PAUSED, PlotterStatus.HOMING):
                self._stop_wanted = True
                self._poke.set()

    def close(self) -> None:
        """Lift the pen and be OFFLINE. A drawing ends first, without parking; from its own `on_progress`, right after.

        Closing twice is harmless.
        """
        with self._state:
            while self._status in _MOVING:
                self._close_wanted = True
                self._poke.set()
                if self._mover == threading.get_ident():
                    return
                self._state.wait()
            self._pen.lift()
            self._status = PlotterStatus.OFFLINE

    # ------------------------------------------------------------- states
    def _check(self, *allowed: PlotterStatus) -> None:
        if self._status in allowed:
            return
        if self._status == PlotterStatus.OFFLINE:
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE, 'the simulated plotter is not connected; connect it first'
            )
        if self._status == PlotterStatus.ALARM:
            raise SketchRobotError(ErrorCode.PLOTTER_ALARM, 'the simulated plotter is in alarm; home it first')
        raise SketchRobotError(ErrorCode.BUSY, f'the simulated plotter is {self._status.name.lower()}')

    def _begin(self, status: PlotterStatus, *allowed: PlotterStatus) -> None:
        with self._state:
            self._check(*allowed)
            self._status, self._mover = status, threading.get_ident()
            self._stop_wanted = self._pause_wanted = self._close_wanted = False
            self._poke.clear()
        self._pace.restart()
        self._reported_s = self._pace.now_s()

    def _end(self, status: PlotterStatus) -> None:
        with self._state:
            self._status = PlotterStatus.OFFLINE if self._close_wanted else status
            self._mover = None
            self._state.notify_all()

    def _alarm_if_due(self) -> None:
        if self._alarm_after is not None and self._tally.done >= self._alarm_after:
            raise _FaultError(
                ErrorCode.PLOTTER_ALARM, f'simulated alarm after {self._tally.done} strokes; home the machine to go on'
            )

    # ------------------------------------------------------------- movements
    def _draw_and_park(self, plan: DrawingPlan) -> bool:
        """Whether all of it was drawn."""
        finished = True
        try:
            self._report()
            for stroke in plan.strokes:
                self._alarm_if_due()
                self._draw_stroke(stroke.xy)
            self._alarm_if_due()
        except _Stopped:
            finished = False
            self._pace.restart()
        self._pen.lift()
        with self._state:
            self._status = PlotterStatus.PARKING  # from here on `stop` and `pause` have nothing to do
            self._stop_wanted = self._pause_wanted = False
        try:
            self._travel_to(HOME_MM)
        except _Stopped:  # closed
            return False
        if finished:
            self._tally.finish()
        self._report()
        return finished

    def _draw_stroke(self, xy_mm: np.ndarray) -> None:
        self._travel_to(xy_mm[0])
        self._spend(self._profile.dropping_s)
        self._pen.lower()
        lost = self._tally.done == self._offline_after
        self._move(draw_motion(xy_mm, self._profile), share=0.5 if lost else 1.0)
        if lost:
            raise _FaultError(
                ErrorCode.PLOTTER_OFFLINE,
                f'the simulated plotter was lost within a stroke after {self._tally.done} strokes; connect it again',
            )
        self._pen.lift()
        self._tally.done += 1
        self._spend(self._profile.lifting_s)
        self._report()

    def _travel_to(self, xy_mm: Sequence[float] | np.ndarray) -> None:
        self._move(travel_motion(self._pen.xy_mm, xy_mm, self._profile))  # type: ignore[arg-type]

    def _move(self, motion: MotionProfile, share: float = 1.0) -> None:
        """Follow a movement, or a share of its time, as machine time allows, inking the paper while the pen is down."""
        gone_s, end_s = 0.0, share * motion.seconds
        while gone_s < end_s:
            before_s, gone_s = gone_s, min(end_s, gone_s + self._take(end_s - gone_s))
            passed = motion.xy_mm[(motion.times_s > before_s) & (motion.times_s <= gone_s)]
            if gone_s < motion.seconds:  # at the end the last point, not what interpolation makes of it
                passed = np.vstack([passed, motion.position(gone_s)])
            self._pen.follow(passed)

    def _spend(self, seconds: float) -> None:
        """Stand still for machine seconds."""
        while seconds > 0.0:
            seconds -= self._take(seconds)

    # ------------------------------------------------------------- machine time and wishes
    def _take(self, wanted_s: float) -> float:
        """Wait until machine time has passed and take at most what is wanted of it; meets wishes first.

        Raises:
            _Stopped: on request.
        """
        while True:
            self._poke.clear()
            if self._pace.now_s() - self._reported_s >= PROGRESS_S:
                self._report()
            if self._stop_wanted or self._close_wanted:
                raise _Stopped
            if self._pause_wanted:
                self._stand_paused()
            taken_s = self._pace.take(wanted_s)
            if taken_s > 0.0:
                self._tally.machine_s += taken_s
                return taken_s
            self._pace.wait(self._poke)

    def _stand_paused(self) -> None:
        was_down = self._pen.down
        self._pen.lift()
        with self._state:
            self._status = PlotterStatus.PAUSED
        while True:
            self._report()
            self._poke.clear()
            with self._state:
                if self._stop_wanted or self._close_wanted:
                    raise _Stopped
                if not self._pause_wanted:
                    self._status = PlotterStatus.DRAWING
                    break
            self._pace.wait(self._poke, PROGRESS_S)
        self._pace.restart()
        if was_down:
            self._pen.lower()

    def _report(self) -> None:
        self._reported_s = self._pace.now_s()
        if self._on_progress is not None:
            self._on_progress(self.progress)
