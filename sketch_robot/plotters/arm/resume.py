"""What is left of a drawing that was interrupted, by its journal and by where the arm's pen hovers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.arm.legs import Leg, Planner
from sketch_robot.plotters.arm.path import nearest
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.remainder import Remainder, remaining

HOVER_MM = 0.5  # a pen this near to its height above the page hovers
AHEAD_S = 1.5  # how much an arm may still have drawn by itself: what it had been told, and braking
ON_PATH_MM = 0.3
PARTS = 10  # of the way between two knots, which is 2 mm at most


def what_is_left(plan: DrawingPlan, planner: Planner, journal: Journal, pen_mm: np.ndarray | None) -> Remainder:
    """Begin a journal and tell what is left of its plan.

    Args:
        pen_mm: (3,) where the pen is over the page; None: elsewhere.

    Raises:
        SketchRobotError: as `Journal.begin`; NOTHING_TO_DRAW also when the arm had finished the drawing by itself.
    """
    resumed = journal.is_resumed
    rest = journal.begin(plan)
    if not resumed or pen_mm is None or abs(pen_mm[2] - planner.touch.lift_mm) > HOVER_MM:
        return rest
    ahead = drawn_ahead(planner.drawing(rest.plan, pen_mm), pen_mm)
    if ahead is None:
        return rest
    journal.proven(*rest.in_whole(*ahead))
    if journal.on_paper.strokes == len(plan.strokes):
        journal.finish()
        raise SketchRobotError(
            ErrorCode.NOTHING_TO_DRAW, 'all of this drawing is on paper: the arm had finished it by itself'
        )
    return remaining(plan, journal.on_paper)


def drawn_ahead(legs: Sequence[Leg], hover_mm: np.ndarray) -> tuple[int, float] | None:
    """How far an arm has drawn by itself after its last proven point: whoever told it what to do was lost.

    It was told a little more of its way, then to brake and to lift its pen: so the pen hovers over the point up to
    which everything is on paper.

    Args:
        legs: what was to be drawn from the last proven point on.
        hover_mm: (3,) where the pen hovers.

    Returns:
        a stroke, as numbered in `legs`, and the length of it that is on paper; None: the pen hovers nowhere near.
    """
    began_s, drawn = 0.0, (0, 0.0)
    for leg in legs[1:]:
        if began_s > AHEAD_S:
            return None
        fine = np.linspace(0.0, leg.path.end, 1 + PARTS * (len(leg.path.joints) - 1))
        places = leg.path.places(fine)
        near = np.flatnonzero(np.hypot(*(places[:, :2] - hover_mm[:2]).T) < ON_PATH_MM)
        if len(near):
            stay = near[: int(np.argmax(np.append(np.diff(near), 2) > 1)) + 1]  # its first pass, should it come again
            at, _ = nearest(places[stay, :2], hover_mm[:2])
            closest = float(np.interp(at, np.arange(len(stay)), fine[stay]))
            return drawn if leg.stroke < 0 else (leg.stroke, leg.path.length_to(closest))
        if leg.stroke >= 0:
            drawn = leg.stroke, float(leg.path.along_mm[-1])
        began_s += leg.seconds
    return None
