"""Movements in machine time: a pen that follows the time model, and what others wish of it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import MotionProfile, draw_motion, travel_motion
from sketch_robot.plotters.pacing import Pace
from sketch_robot.plotters.pen import SimulatedPen
from sketch_robot.plotters.session import Session
from sketch_robot.plotters.tally import Tally

PROGRESS_S = 0.05  # wall-clock; how often progress is reported within a movement


class SimulatedMover:
    """Moves a pen, for the thread that draws.

    Args:
        pen: what moves.
        pace: hands out machine seconds.
        session: whose wishes are met before each step; Stopped is raised in the middle of any movement.
        poke: set when there is a new wish.
        report: called every `PROGRESS_S`.

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
        self.profile = PenProfile()
        self.tally = Tally()
        self._pen, self._pace, self._session, self._poke = pen, pace, session, poke
        self._report = report
        self._reported_s = 0.0

    def begin(self, profile: PenProfile, tally: Tally) -> None:
        """Start a drawing, or homing, now."""
        self.profile, self.tally = profile, tally
        self._poke.clear()
        self._pace.restart()
        self._reported_s = self._pace.now_s()

    def draw(self, xy_mm: np.ndarray, *, share: float = 1.0) -> None:
        """Follow a line from where the pen is, or a share of its time."""
        self._move(draw_motion(xy_mm, self.profile), self._draw_on, share=share)

    def travel_to(self, xy_mm: Sequence[float] | np.ndarray) -> None:
        """Go straight to a point."""
        self._move(self._travel_on(np.array([self._pen.xy_mm, (xy_mm[0], xy_mm[1])])), self._travel_on)

    def report(self) -> None:
        """Report now."""
        self._reported_s = self._pace.now_s()
        self._report()

    def _travel_on(self, points_mm: np.ndarray) -> MotionProfile:
        return travel_motion(points_mm[0].tolist(), points_mm[-1].tolist(), self.profile)

    def _draw_on(self, points_mm: np.ndarray) -> MotionProfile:
        return draw_motion(points_mm, self.profile)

    def _move(
        self, motion: MotionProfile, plan_on: Callable[[np.ndarray], MotionProfile], *, share: float = 1.0
    ) -> None:
        """Follow a movement, or a share of its time; a pause brakes, and what is left is planned anew, from rest."""
        while (at_s := self._follow(motion, share * motion.seconds)) is not None:
            brake, left_mm = motion.braked(at_s)
            onward = plan_on(left_mm)
            self.tally.extend(brake.seconds + onward.seconds - (motion.seconds - at_s))
            self._follow(brake, brake.seconds, heed_pause=False)
            if self._session.pause_wanted:
                self._lift_and_stand(lower_again=len(left_mm) > 1)
            motion = onward

    def _follow(self, motion: MotionProfile, end_s: float, *, heed_pause: bool = True) -> float | None:
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
            if self._pace.now_s() - self._reported_s >= PROGRESS_S:
                self.report()
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

        def look() -> None:
            self._pace.wait(self._poke, PROGRESS_S)
            self._poke.clear()
            self.report()

        self._session.stand_paused(look, reason)
        self._pace.restart()
