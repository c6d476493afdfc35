"""Where a drawing stands: strokes on paper, and machine seconds against those predicted."""

from __future__ import annotations

from dataclasses import dataclass

from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.timing import time_plan, travel_motion
from sketch_robot.plotters.plotter import Progress


@dataclass
class Tally:
    """One thread counts; any may look.

    Attributes:
        strokes, total_s: of the whole drawing.
        done, machine_s: so far.
        reached: the fraction of the time that was shown when the whole grew; it never goes back.
    """

    strokes: int = 0
    total_s: float = 0.0
    done: int = 0
    machine_s: float = 0.0
    reached: float = 0.0

    @classmethod
    def of(cls, plan: DrawingPlan, pen_mm: tuple[float, float]) -> Tally:
        """Of a drawing that starts with the pen at some place, by the time model rather than by the plan's word."""
        stroke_s, return_s = time_plan(plan.strokes, plan.profile)
        first, profile = plan.strokes[0].xy[0], plan.profile
        extra_s = travel_motion(pen_mm, first, profile).seconds - travel_motion(HOME_MM, first, profile).seconds
        return cls(len(plan.strokes), float(stroke_s.sum()) + return_s + extra_s)

    def extend(self, seconds: float) -> None:
        """The drawing takes so much longer than predicted."""
        self.reached = self._fraction
        self.total_s += seconds

    def finish(self) -> None:
        """All is done, whatever rounding says."""
        self.total_s = self.machine_s

    def progress(self, pen_mm: tuple[float, float], pen_down: bool) -> Progress:
        """What a plotter says of it."""
        left_s = max(0.0, self.total_s - self.machine_s)
        return Progress(self.done, self.strokes, self._fraction, left_s, pen_mm, pen_down)

    @property
    def _fraction(self) -> float:
        left_s = max(0.0, self.total_s - self.machine_s)
        # No seconds: nothing yet, or dots at home by a machine that needs no time for them.
        fraction = 1.0 - left_s / self.total_s if self.total_s > 0.0 else self.done / max(1, self.strokes)
        return max(self.reached, fraction)
