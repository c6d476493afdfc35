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
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import MotionProfile, draw_motion, time_plan, travel_motion
from sketch_robot.plotters.pacing import Pace
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress

PROGRESS_S = 0.05  # wall-clock; how often progress is reported within a stroke
OFF_PAGE_MM = 1e-6  # rounding is no excursion

_MOVING = (PlotterStatus.HOMING, PlotterStatus.DRAWING, PlotterStatus.PAUSED, PlotterStatus.PARKING)
_log = logging.getLogger(__name__)


class _Stopped(Exception):  # noqa: N818  an event, not an error
    """`stop` or `close` was called."""


class _AlarmError(SketchRobotError):
    """The machine stopped itself."""


@dataclass
class _Tally:
    """What one drawing has come to."""

    strokes: int = 0
    total_s: float = 0.0
    done: int = 0
    machine_s: float = 0.0
    ink_mm: float = 0.0
    travel_mm: float = 0.0
    lifts: int = 0


class SimulatedPlotter(Plotter):
    """See the module.

    Args:
        speedup: how many times faster than real it draws; infinite: as fast as this computer can.
        alarm_after_strokes: raise an alarm once so many strokes of a drawing are on paper, as a machine that hits its
            limits; None: never. For tests of what happens then.
        clock: wall-clock seconds, for tests.
        wait: waits for an event at most so many wall-clock seconds, for tests.

    Attributes:
        paper: the sheet of the current or last drawing; None before the first.

    Raises:
        SketchRobotError: BAD_GOAL, an option is no positive speed-up, or no count.
    """

    def __init__(
        self,
        *,
        speedup: float = 1.0,
        alarm_after_strokes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        if alarm_after_strokes is not None and alarm_after_strokes < 0:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'an alarm after {alarm_after_strokes} strokes is not possible')
        try:
            self._pace = Pace(speedup, clock=clock, wait=wait)
        except ValueError as error:
            raise SketchRobotError(ErrorCode.BAD_GOAL, str(error)) from error
        self.paper: Paper | None = None
        self._alarm_after = alarm_after_strokes
        self._state = threading.Condition()  # guards the status, the wishes, and who moves
        self._poke = threading.Event()
        self._stop_wanted = self._pause_wanted = self._close_wanted = False
        self._status = PlotterStatus.OFFLINE
        self._mover: int | None = None  # the thread that moves
        self._pen = HOME_MM
        self._pen_down = False
        self._profile = PenProfile()
        self._tally = self._shown = _Tally()
        self._on_progress: Callable[[Progress], None] | None = None
        self._reported_s = 0.0

    # ------------------------------------------------------------- what it is doing
    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing now."""
        return self._status

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        tally = self._shown
        done, left_s = tally.done, max(0.0, tally.total_s - tally.machine_s)
        if tally.total_s > 0.0:
            fraction = 1.0 - left_s / tally.total_s
        else:  # nothing yet, or dots at home by a machine that needs no time for them
            fraction = done / tally.strokes if tally.strokes else 0.0
        return Progress(done, tally.strokes, fraction, left_s, self._pen, self._pen_down)

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
            self._tally, self._on_progress = _Tally(), None
            self._raise_pen()
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
            if not down:
                self._raise_pen()
            elif not self._pen_down:
                self._lower_pen()

    def draw(self, plan: DrawingPlan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """Draw the whole plan, then lift the pen and go home; see `Plotter.draw`.

        An error of `on_progress` ends the drawing with the pen up where it is, and is raised.

        Raises:
            SketchRobotError: OFF_PAGE, NOTHING_TO_DRAW, PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY: before anything moves;
                PLOTTER_ALARM: also in the middle, with the pen up.
        """
        if not plan.strokes:
            raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'the plan has no strokes')
        _check_on_page(plan)
        self._begin(PlotterStatus.DRAWING, PlotterStatus.IDLE)
        after, finished = PlotterStatus.IDLE, True
        try:
            self._raise_pen()
            self._profile, self._on_progress = plan.profile, on_progress
            self.paper = Paper(plan.page, plan.profile.pen_width_mm)
            self._tally = self._shown = _Tally(len(plan.strokes), _seconds_from(self._pen, plan))
            try:
                self._report()
                for stroke in plan.strokes:
                    self._alarm_if_due()
                    self._draw_stroke(stroke.xy)
                self._alarm_if_due()
            except _Stopped:
                finished = False
            self._raise_pen()
            self._park()
            if finished:
                self._tally.total_s = self._tally.machine_s  # all of it is done, whatever rounding says
            self._report()
        except _Stopped:  # closed while parking
            finished = False
        except _AlarmError:
            after = PlotterStatus.ALARM
            raise
        finally:
            self._raise_pen()
            self._end(after)
        done = self._tally
        return Outcome(finished, done.done, done.ink_mm, done.travel_mm, done.lifts, done.machine_s)

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
            self._raise_pen()
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
            raise _AlarmError(
                ErrorCode.PLOTTER_ALARM, f'simulated alarm after {self._tally.done} strokes; home the machine to go on'
            )

    # ------------------------------------------------------------- movements
    def _draw_stroke(self, xy_mm: np.ndarray) -> None:
        self._travel_to(xy_mm[0])
        self._spend(self._profile.drop_s)
        self._lower_pen()
        self._move(draw_motion(xy_mm, self._profile))
        self._raise_pen()
        self._tally.done += 1
        self._spend(self._profile.lift_s)
        self._report()

    def _park(self) -> None:
        with self._state:
            self._status = PlotterStatus.PARKING  # from here on `stop` and `pause` have nothing to do
            self._stop_wanted = self._pause_wanted = False
        self._pace.restart()
        self._travel_to(HOME_MM)

    def _travel_to(self, xy_mm: Sequence[float] | np.ndarray) -> None:
        self._move(travel_motion(self._pen, xy_mm, self._profile))  # type: ignore[arg-type]

    def _move(self, motion: MotionProfile) -> None:
        """Follow a movement as machine time allows, inking the paper while the pen is down."""
        gone_s = 0.0
        while gone_s < motion.seconds:
            before_s, gone_s = gone_s, min(motion.seconds, gone_s + self._take(motion.seconds - gone_s))
            passed = motion.xy_mm[(motion.times_s > before_s) & (motion.times_s <= gone_s)]
            if gone_s < motion.seconds:  # at the end the last point, not what interpolation makes of it
                passed = np.vstack([passed, motion.position(gone_s)])
            length_mm = float(np.hypot(*np.diff(np.vstack([[self._pen], passed]), axis=0).T).sum())
            if self._pen_down and self.paper is not None:
                self._tally.ink_mm += length_mm
                self.paper.ink(passed)
            else:
                self._tally.travel_mm += length_mm
            self._pen = (float(passed[-1, 0]), float(passed[-1, 1]))

    def _spend(self, seconds: float) -> None:
        """Stand still for machine seconds."""
        while seconds > 0.0:
            seconds -= self._take(seconds)

    def _lower_pen(self) -> None:
        if self.paper is not None:
            self.paper.touch(self._pen)
        self._pen_down = True

    def _raise_pen(self) -> None:
        if not self._pen_down:
            return
        self._pen_down = False
        self._tally.lifts += 1
        if self.paper is not None:
            self.paper.lift()

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
        was_down = self._pen_down
        self._raise_pen()
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
            self._lower_pen()

    def _report(self) -> None:
        self._reported_s = self._pace.now_s()
        if self._on_progress is not None:
            self._on_progress(self.progress)


def _seconds_from(pen_mm: tuple[float, float], plan: DrawingPlan) -> float:
    """Seconds of a drawing that starts with the pen at some place, by the time model rather than by the plan's word."""
    stroke_s, return_s = time_plan(plan.strokes, plan.profile)
    first = plan.strokes[0].xy[0]
    nearer_s = travel_motion(HOME_MM, first, plan.profile).seconds - travel_motion(pen_mm, first, plan.profile).seconds
    return float(stroke_s.sum()) + return_s - nearer_s


def _check_on_page(plan: DrawingPlan) -> None:
    high = np.array([plan.page.width_mm, plan.page.height_mm]) + OFF_PAGE_MM
    for number, stroke in enumerate(plan.strokes):
        outside = ((stroke.xy < -OFF_PAGE_MM) | (stroke.xy > high)).any(axis=1)
        if outside.any():
            x, y = stroke.xy[int(np.argmax(outside))]
            raise SketchRobotError(
                ErrorCode.OFF_PAGE,
                f'stroke {number} leaves the page {plan.page.width_mm:g} x {plan.page.height_mm:g} mm '
                f'at ({x:.1f}, {y:.1f}) mm; nothing was drawn',
            )
