"""What is left of a drawing once part of it is on paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

from sketch_robot.motion.cut import stroke_from
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.motion.timing import time_plan

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


def rest_of(plan: DrawingPlan, proven: Proven, overlap_mm: float = OVERLAP_MM) -> DrawingPlan:
    """`remaining`, as a plan alone."""
    return remaining(plan, proven, overlap_mm).plan
