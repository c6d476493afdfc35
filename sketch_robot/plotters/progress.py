"""How far a drawing is: what of it is on paper, what is left, and where its time stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.timing import time_plan, travel_motion
from sketch_robot.plotters.plotter import Progress
from sketch_robot.stroke import stroke_from

OVERLAP_MM = 0.4  # of a stroke that was interrupted, so that no gap shows; a machine's steps make it 0.45 at most


@dataclass(frozen=True)
class Proven:
    """What is known to be on paper: so many whole strokes, in drawing order, and so much of the next one.

    Attributes:
        strokes: whole strokes.
        length_mm: of the next one, from its start; 0: none, or only where the pen touched.
    """

    strokes: int = 0
    length_mm: float = 0.0


@dataclass(frozen=True, eq=False)
class Remainder:
    """What is left to draw.

    Attributes:
        plan: it, with its own times.
        first: number of its first stroke in the whole plan.
        skipped_mm: how much of that stroke, from its start, is not drawn again.
    """

    plan: DrawingPlan
    first: int = 0
    skipped_mm: float = 0.0

    def in_whole(self, number: int, length_mm: float = 0.0) -> tuple[int, float]:
        """A length along a stroke of `plan` as (stroke, length along it) of the whole plan."""
        return self.first + number, length_mm + (self.skipped_mm if number == 0 else 0.0)


def remaining(plan: DrawingPlan, proven: Proven, overlap_mm: float = OVERLAP_MM) -> Remainder:
    """What is left of a plan: whole strokes not begun, and of the one in progress what is not proven.

    Args:
        plan: the whole drawing.
        proven: what is on paper.
        overlap_mm: by how much the piece of the stroke in progress starts before its last proven point.

    Raises:
        ValueError: more is proven than the plan has.
    """
    if not 0 <= proven.strokes <= len(plan.strokes) or proven.length_mm < 0.0 or overlap_mm < 0.0:
        raise ValueError(f'{proven} and an overlap of {overlap_mm} mm do not fit a plan of {len(plan.strokes)} strokes')
    strokes = plan.strokes[proven.strokes :]
    skipped_mm = 0.0
    if strokes and proven.length_mm > overlap_mm:
        skipped_mm = min(proven.length_mm - overlap_mm, max(0.0, strokes[0].length - overlap_mm))
        if skipped_mm > 0.0:
            strokes = (stroke_from(strokes[0], skipped_mm), *strokes[1:])
    if len(strokes) == len(plan.strokes) and skipped_mm == 0.0:
        return Remainder(plan)
    stroke_s, return_s = time_plan(strokes, plan.profile)
    used = {pen for pen, _ in groupby(stroke.pen for stroke in strokes)}
    rest = replace(
        plan,
        strokes=strokes,
        stroke_s=stroke_s,
        return_s=return_s,
        pens=tuple(pen for pen in plan.pens if pen.name in used),
    )
    return Remainder(rest, proven.strokes, skipped_mm)


@dataclass
class ProgressCounter:
    """Counts strokes on paper, and machine seconds against those predicted. One thread counts; any may look.

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
    def of(cls, plan: DrawingPlan, pen_mm: tuple[float, float]) -> ProgressCounter:
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
