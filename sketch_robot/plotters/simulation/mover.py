"""Movements in machine time: a pen in memory that follows the time model, and what others wish of it meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.motion.timing import TimedPath, draw_motion, travel_motion
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.progress import ProgressCounter
from sketch_robot.plotters.session import Session
from sketch_robot.polyline import lengths_along

PROGRESS_S = 0.05  # wall-clock; how often one looks around while standing paused
STEP_S = 0.004  # wall-clock; how often the pen moves on


class Pace:
    """Hands out machine seconds as they pass. Time that passes between two calls is kept for the later one.

    Args:
        speedup: machine seconds in a wall-clock second; infinite: no waiting at all.
        clock: wall-clock seconds.
        wait: waits for an event, at most so many wall-clock seconds.

    Raises:
        ValueError: the speed-up is not positive.
    """

    def __init__(
        self,
        speedup: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        if not speedup > 0.0:
            raise ValueError(f'a speed-up of {speedup} is not possible; it must be positive')
        self._speedup = float(speedup)
        self._clock, self._wait = clock, wait
        self._credit_s = 0.0
        self._last_s = clock()

    def now_s(self) -> float:
        """Wall-clock seconds."""
        return self._clock()

    def restart(self) -> None:
        """Forget the time that has passed, as after standing still."""
        self._credit_s, self._last_s = 0.0, self._clock()

    def take(self, wanted_s: float) -> float:
        """Machine seconds that have passed, at most as many as are wanted; the rest is kept.

        None, 0, until they are worth a step or all that is wanted, so that who takes and waits by turns does not spin.
        """
        if np.isinf(self._speedup):
            return wanted_s
        now_s = self._clock()
        self._credit_s += (now_s - self._last_s) * self._speedup
        self._last_s = now_s
        if self._credit_s < min(wanted_s, 0.99 * STEP_S * self._speedup):
            return 0.0
        taken_s = min(wanted_s, self._credit_s)
        self._credit_s -= taken_s
        return taken_s

    def wait(self, event: threading.Event, seconds: float = STEP_S) -> None:
        """Wait for an event, at most so many wall-clock seconds."""
        self._wait(event, seconds)


class SimulatedMover:
    """Moves a pen, for the thread that draws.

    Args:
        pen: what moves.
        pace: hands out machine seconds.
        session: whose wishes are met before each step; Stopped is raised in the middle of any movement.
        poke: set when there is a new wish.
        report: called at every step; it tells only now and then.

    Attributes:
        profile: how the machine moves.
        tally: counts machine seconds, and what pauses add to those predicted.
    """

    def __init__(
        self,
        pen: SimulatedPen,
        pace: Pace,
        session: Session,
        poke: threading.Event,
        report: Callable[[], None],
    ) -> None:
        self.profile = MachineLimits()
        self.tally = ProgressCounter()
        self._pen, self._pace, self._session, self._poke = pen, pace, session, poke
        self._report = report

    def begin(self, profile: MachineLimits, tally: ProgressCounter) -> None:
        """Start a drawing, or homing, now."""
        self.profile, self.tally = profile, tally
        self._poke.clear()
        self._pace.restart()

    def draw(self, xy_mm: np.ndarray, *, share: float = 1.0) -> None:
        """Follow a line from where the pen is, or a share of its time."""
        self._move(draw_motion(xy_mm, self.profile), self._draw_on, share=share)

    def travel_to(self, xy_mm: Sequence[float] | np.ndarray) -> None:
        """Go straight to a point."""
        self._move(self._travel_on(np.array([self._pen.xy_mm, (xy_mm[0], xy_mm[1])])), self._travel_on)

    def _travel_on(self, points_mm: np.ndarray) -> TimedPath:
        return travel_motion(points_mm[0].tolist(), points_mm[-1].tolist(), self.profile)

    def _draw_on(self, points_mm: np.ndarray) -> TimedPath:
        return draw_motion(points_mm, self.profile)

    def _move(self, motion: TimedPath, plan_on: Callable[[np.ndarray], TimedPath], *, share: float = 1.0) -> None:
        """Follow a movement, or a share of its time; a pause brakes, and what is left is planned anew, from rest."""
        while (at_s := self._follow(motion, share * motion.seconds)) is not None:
            brake, left_mm = motion.braked(at_s)
            onward = plan_on(left_mm)
            self.tally.extend(brake.seconds + onward.seconds - (motion.seconds - at_s))
            self._follow(brake, brake.seconds, heed_pause=False)
            if self._session.pause_wanted:
                self._lift_and_stand(lower_again=len(left_mm) > 1)
            motion = onward

    def _follow(self, motion: TimedPath, end_s: float, *, heed_pause: bool = True) -> float | None:
        """Follow a movement as machine time allows, inking the paper while the pen is down.

        Returns:
            when a pause interrupted it, in its seconds; None: it did not.
        """
        gone_s = 0.0
        while gone_s < end_s:
            taken_s = self._take(end_s - gone_s, heed_pause=heed_pause)
            if taken_s == 0.0:
                return gone_s
            before_s, gone_s = gone_s, min(end_s, gone_s + taken_s)
            passed = motion.xy_mm[(motion.times_s > before_s) & (motion.times_s <= gone_s)]
            if gone_s < motion.times_s[-1]:  # at the end the last point, not what interpolation makes of it
                passed = np.vstack([passed, motion.position(gone_s)])
            if len(passed) > 0:
                self._pen.follow(passed)
        return None

    def _lift_and_stand(self, *, lower_again: bool) -> None:
        was_down = self._pen.down
        if was_down:
            self._pen.lift()
            self.tally.extend(self.profile.lifting_s)
            self.spend(self.profile.lifting_s, heed_pause=False)
        self.stand_paused()
        if was_down and lower_again:
            self.tally.extend(self.profile.dropping_s)
            self.spend(self.profile.dropping_s)
            self._pen.lower()

    def spend(self, seconds: float, *, heed_pause: bool = True) -> None:
        """Stand still, with the pen up, for machine seconds."""
        while seconds > 0.0:
            taken_s = self._take(seconds, heed_pause=heed_pause)
            if taken_s == 0.0:
                self.stand_paused()
            seconds -= taken_s

    def _take(self, wanted_s: float, *, heed_pause: bool = True) -> float:
        """Wait until machine time has passed and take at most what is wanted of it.

        Returns:
            seconds; none, 0, when a pause comes first.

        Raises:
            Stopped: on request.
        """
        while True:
            self._poke.clear()
            self._report()
            self._session.meet()
            if heed_pause and self._session.pause_wanted:
                return 0.0
            taken_s = self._pace.take(wanted_s)
            if taken_s > 0.0:
                self.tally.machine_s += taken_s
                return taken_s
            self._pace.wait(self._poke)

    def stand_paused(self, reason: str = '') -> None:
        """Stand still until somebody resumes; with a reason, nobody needs to have asked for it."""

        self._session.stand_paused(self.look, reason)
        self._pace.restart()

    def look(self) -> None:
        """One look around while standing still."""
        self._pace.wait(self._poke, PROGRESS_S)
        self._poke.clear()
        self._report()


class SimulatedPen:
    """One thread moves it; its attributes may be read from any.

    Attributes:
        paper: what it draws on; None: the bare table.
        xy_mm: where it is, in the page's frame.
        down: whether it touches the paper.
        ink_mm, travel_mm: how far it has moved down and up, on this paper.
        lifts: how often it was raised, on this paper.
    """

    def __init__(self) -> None:
        self.paper: Paper | None = None
        self.xy_mm = HOME_MM
        self.down = False
        self.ink_mm = self.travel_mm = 0.0
        self.lifts = 0
        self._along_mm = 0.0
        self._widths: tuple[np.ndarray, np.ndarray] | None = None

    def take_paper(self, paper: Paper) -> None:
        """Leave the old paper, pen up, and count from zero on a new one."""
        self.lift()
        self.paper = paper
        self.ink_mm = self.travel_mm = 0.0
        self.lifts = 0

    def begin(self, pen: str, xy_mm: np.ndarray, width_mm: np.ndarray | None) -> None:
        """Take a pen for a line that is about to be drawn, in one go or in pieces.

        Args:
            pen: its name; one of the paper's.
            xy_mm: (N, 2), the line.
            width_mm: (N,) of the line at these points; None: as wide as its pen all along.
        """
        self._along_mm = 0.0
        self._widths = None if width_mm is None else (lengths_along(xy_mm), width_mm)
        if self.paper is not None:
            self.paper.take_pen(pen)

    def end(self) -> None:
        """The line is finished, or given up; whatever is drawn next is as wide as the pen."""
        self._widths = None

    def lower(self) -> None:
        """Touch the paper, which leaves a dot. Down already, it stays."""
        if self.down:
            return
        if self.paper is not None:
            self.paper.touch(self.xy_mm, None if self._widths is None else float(self._width_at(self._along_mm)))
        self.down = True

    def lift(self) -> None:
        """Leave the paper. Up already, it stays."""
        if not self.down:
            return
        self.down = False
        self.lifts += 1
        if self.paper is not None:
            self.paper.lift()

    def follow(self, points_mm: np.ndarray) -> None:
        """Move through (N, 2) points, N >= 1, from where it is."""
        steps_mm = np.hypot(*np.diff(np.vstack([[self.xy_mm], points_mm]), axis=0).T)
        length_mm = float(steps_mm.sum())
        if self.down:
            self.ink_mm += length_mm
            if self.paper is not None:
                widths = None if self._widths is None else self._width_at(self._along_mm + np.cumsum(steps_mm))
                self.paper.ink(points_mm, widths)
            self._along_mm += length_mm
        else:
            self.travel_mm += length_mm
        self.xy_mm = float(points_mm[-1, 0]), float(points_mm[-1, 1])

    def _width_at(self, along_mm: np.ndarray | float) -> np.ndarray:
        assert self._widths is not None
        return np.interp(along_mm, *self._widths)
