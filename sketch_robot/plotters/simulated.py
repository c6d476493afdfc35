"""A plotter that exists in time only: it moves as the time model says and keeps what would be on paper.

The pen follows each movement's `MotionProfile`, the same that predicts the plan's seconds, so that machine seconds are
the predicted ones. Wall-clock seconds are machine seconds divided by `speedup`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import MotionProfile, draw_motion, travel_motion
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress

STEP_S = 0.004  # wall-clock; how often the pen moves on, and how late a stop or pause may come
PROGRESS_S = 0.05  # wall-clock; how often progress is reported within a stroke
OFF_PAGE_MM = 1e-6  # rounding is no excursion

_log = logging.getLogger(__name__)


class _Stopped(Exception):  # noqa: N818  an event, not an error
    """`stop` was called."""


class SimulatedPlotter(Plotter):
    """See the module.

    Args:
        speedup: how many times faster than real it draws.
        alarm_after_strokes: raise an alarm once so many strokes are on paper, as a machine that hits its limits; None:
            never. For tests of what happens then.
        clock: wall-clock seconds, for tests.
        wait: waits for an event at most so many wall-clock seconds, for tests.

    Attributes:
        paper: the sheet of the current or last drawing; None before the first.
    """

    def __init__(
        self,
        *,
        speedup: float = 1.0,
        alarm_after_strokes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        if not (np.isfinite(speedup) and speedup > 0.0):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a speed-up of {speedup} is not possible; it must be positive')
        self.paper: Paper | None = None
        self._speedup = float(speedup)
        self._alarm_after = alarm_after_strokes
        self._clock, self._wait = clock, wait
        self._lock = threading.Lock()
        self._poke = threading.Event()
        self._stop_wanted = self._pause_wanted = False
        self._status = PlotterStatus.OFFLINE
        self._pen = HOME_MM
        self._pen_down = False
        self._profile = PenProfile()
        self._plan: DrawingPlan | None = None
        self._done = 0
        self._machine_s = self._credit_s = self._ink_mm = self._travel_mm = 0.0
        self._lifts = 0
        self._on_progress: Callable[[Progress], None] | None = None
        self._reported_s = self._last_s = 0.0

    # ------------------------------------------------------------- what it is doing
    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing now."""
        return self._status

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        plan, done, machine_s = self._plan, self._done, self._machine_s
        total_s = plan.predicted_s if plan is not None else 0.0
        fraction = min(1.0, machine_s / total_s) if total_s > 0.0 else 0.0
        left_s = max(0.0, total_s - machine_s)
        return Progress(done, len(plan.strokes) if plan else 0, fraction, left_s, self._pen, self._pen_down)

    # ------------------------------------------------------------- commands
    def connect(self) -> None:
        """Become IDLE. Connecting twice is harmless."""
        with self._lock:
            if self._status == PlotterStatus.OFFLINE:
                self._status = PlotterStatus.IDLE

    def home(self) -> None:
        """Lift the pen and go to the page's origin; clears an alarm.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; BUSY, a drawing is running.
        """
        self._begin(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM)
        try:
            self._raise_pen()
            self._travel_to(HOME_MM)
        except _Stopped:
            _log.info('homing was stopped')
        finally:
            self._end(PlotterStatus.IDLE)

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, a drawing is running.
        """
        self._check(PlotterStatus.IDLE)
        if down and not self._pen_down:
            self._lower_pen()
        elif not down:
            self._raise_pen()

    def draw(self, plan: DrawingPlan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """Draw the whole plan, then lift the pen and go home; see `Plotter.draw`.

        Raises:
            SketchRobotError: OFF_PAGE, NOTHING_TO_DRAW, PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY: before anything moves;
                PLOTTER_ALARM: also in the middle, with the pen up.
        """
        if not plan.strokes:
            raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'the plan has no strokes')
        _check_on_page(plan)
        self._begin(PlotterStatus.DRAWING, PlotterStatus.IDLE)
        self._raise_pen()
        self._plan, self._profile, self._on_progress = plan, plan.profile, on_progress
        self.paper = Paper(plan.page, plan.profile.pen_width_mm)
        self._done = self._lifts = 0
        self._machine_s = self._ink_mm = self._travel_mm = 0.0
        after = PlotterStatus.IDLE
        finished = False
        try:
            for stroke in plan.strokes:
                self._draw_stroke(stroke.xy)
            self._park()
            finished = True
        except _Stopped:
            self._park_after_stop()
        except SketchRobotError as error:
            if error.code == ErrorCode.PLOTTER_ALARM:
                after = PlotterStatus.ALARM
            raise
        finally:
            self._raise_pen()
            self._end(after)
        return Outcome(finished, self._done, self._ink_mm, self._travel_mm, self._lifts, self._machine_s)

    def pause(self) -> None:
        """Lift the pen and stand still until `resume`. Without a drawing it does nothing."""
        if self._status == PlotterStatus.DRAWING:
            self._pause_wanted = True
            self._poke.set()

    def resume(self) -> None:
        """Go on drawing where `pause` stopped."""
        self._pause_wanted = False
        self._poke.set()

    def stop(self) -> None:
        """End the drawing: lift the pen at once and park."""
        if self._status in (PlotterStatus.DRAWING, PlotterStatus.PAUSED, PlotterStatus.HOMING):
            self._stop_wanted = True
            self._poke.set()

    def close(self) -> None:
        """Lift the pen and be OFFLINE; a drawing ends first. Closing twice is harmless."""
        self.stop()
        while self._status not in (PlotterStatus.IDLE, PlotterStatus.ALARM, PlotterStatus.OFFLINE):
            self._wait(threading.Event(), STEP_S)
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
        with self._lock:
            self._check(*allowed)
            self._status = status
            self._stop_wanted = self._pause_wanted = False
            self._poke.clear()
        self._credit_s, self._last_s, self._reported_s = 0.0, self._clock(), self._clock()

    def _end(self, status: PlotterStatus) -> None:
        self._status = status

    # ------------------------------------------------------------- movements
    def _draw_stroke(self, xy_mm: np.ndarray) -> None:
        if self._alarm_after is not None and self._done >= self._alarm_after:
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM, f'simulated alarm after {self._done} strokes; home the machine to go on'
            )
        self._travel_to(xy_mm[0])
        self._lower_pen()
        self._spend(self._profile.drop_s)
        self._move(draw_motion(xy_mm, self._profile))
        self._raise_pen()
        self._spend(self._profile.lift_s)
        self._done += 1
        self._report()

    def _travel_to(self, xy_mm: np.ndarray | tuple[float, float]) -> None:
        self._move(travel_motion(self._pen, tuple(xy_mm), self._profile))

    def _park(self) -> None:
        self._status = PlotterStatus.PARKING
        self._travel_to(HOME_MM)

    def _park_after_stop(self) -> None:
        self._raise_pen()
        self._stop_wanted = self._pause_wanted = False
        self._credit_s, self._last_s = 0.0, self._clock()
        self._park()

    def _move(self, motion: MotionProfile) -> None:
        """Follow a movement as machine time allows, inking the paper while the pen is down."""
        gone_s = 0.0
        while gone_s < motion.seconds:
            step_s = self._take(motion.seconds - gone_s)
            before_s, gone_s = gone_s, min(motion.seconds, gone_s + step_s)
            passed = (motion.times_s > before_s) & (motion.times_s <= gone_s)
            way = np.vstack([[self._pen], motion.xy_mm[passed], [motion.position(gone_s)]])
            length_mm = float(np.hypot(*np.diff(way, axis=0).T).sum())
            if self._pen_down and self.paper is not None:
                self._ink_mm += length_mm
                self.paper.ink(way[1:])
            else:
                self._travel_mm += length_mm
            self._pen = (float(way[-1, 0]), float(way[-1, 1]))

    def _spend(self, seconds: float) -> None:
        """Stand still for machine seconds."""
        while seconds > 0.0:
            seconds -= self._take(seconds)

    def _lower_pen(self) -> None:
        if self.paper is not None:
            self.paper.touch(self._pen)
        self._pen_down = True

    def _raise_pen(self) -> None:
        if self._pen_down:
            self._lifts += 1
        self._pen_down = False
        if self.paper is not None:
            self.paper.lift()

    # ------------------------------------------------------------- machine time
    def _take(self, wanted_s: float) -> float:
        """Wait until machine time has passed; take at most what is wanted of it, and keep the rest for what follows."""
        while True:
            if self._stop_wanted:
                raise _Stopped
            if self._pause_wanted and self._status == PlotterStatus.DRAWING:
                self._stand_paused()
            now_s = self._clock()
            self._credit_s += (now_s - self._last_s) * self._speedup
            self._last_s = now_s
            if now_s - self._reported_s >= PROGRESS_S:
                self._report()
            if self._credit_s > 0.0:
                taken_s = min(wanted_s, self._credit_s)
                self._credit_s -= taken_s
                self._machine_s += taken_s
                return taken_s
            self._poke.clear()
            if not (self._stop_wanted or self._pause_wanted):
                self._wait(self._poke, STEP_S)

    def _stand_paused(self) -> None:
        was_down = self._pen_down
        self._raise_pen()
        self._status = PlotterStatus.PAUSED
        while self._pause_wanted and not self._stop_wanted:
            self._report()
            self._poke.clear()
            if self._pause_wanted and not self._stop_wanted:
                self._wait(self._poke, PROGRESS_S)
        if self._stop_wanted:
            raise _Stopped
        self._status = PlotterStatus.DRAWING
        self._credit_s, self._last_s = 0.0, self._clock()
        if was_down:
            self._lower_pen()

    def _report(self) -> None:
        self._reported_s = self._clock()
        if self._on_progress is not None:
            self._on_progress(self.progress)


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
