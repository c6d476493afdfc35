"""What an EBB has put on paper of one drawing, as far as that is certain, also by a board that was left alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.ebb.machine import EbbMachine
from sketch_robot.plotters.ebb.move_queue import QueuedCommand
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Outcome, Progress
from sketch_robot.plotters.progress import ProgressCounter, Proven, Remainder, remaining
from sketch_robot.polyline import feet_on, lengths_along
from sketch_robot.stroke import Stroke

JOURNAL_MM = 0.1  # what is drawn is recorded in pieces not shorter than this
WHOLE_MM = 1e-6  # a length so close to the stroke's is all of it
NEAR_MM = 0.08  # a slice's chord beside the curve, and the rounding to steps
QUEUED_MM = 25.0  # more than a queue draws until it is empty


class EbbProgress:
    """Knows how far the moves that an EBB was told have come. One thread writes, any may look.

    Args:
        machine: which draws.
        rest: what is to be drawn; None: the machine only moves.
        journal: where to record it; begun.

    Attributes:
        proven: what is on paper of the rest.
        proofs: how often something more was proven.
        pen_down: whether the pen may be on the paper.
        paused_s: how long the machine has stood still on request.
    """

    def __init__(self, machine: EbbMachine, rest: Remainder | None = None, journal: Journal | None = None) -> None:
        self._machine, self._rest, self._journal = machine, rest, journal
        drawn = rest is not None and bool(rest.plan.strokes)
        self._tally = ProgressCounter.of(rest.plan, machine.xy_mm) if rest is not None and drawn else ProgressCounter()
        self.proven, self._recorded = Proven(), Proven()
        self.proofs = self._lifts = 0
        self.pen_down = False
        self.paused_s = self._ink_mm = self._travel_mm = 0.0

    @property
    def progress(self) -> Progress:
        """Where the drawing stands."""
        return self._tally.progress(self._machine.xy_mm, self.pen_down)

    def outcome(self, finished: bool, seconds: float) -> Outcome:
        """What has become of the drawing in so many seconds, pauses included."""
        if finished:
            self._tally.finish()
        machine_s = seconds - self.paused_s
        return Outcome(finished, self.proven.strokes, self._ink_mm, self._travel_mm, self._lifts, machine_s)

    def done(self, command: QueuedCommand) -> None:
        """The board has done something."""
        self._tally.machine_s += 0.001 * command.ms
        way_mm = self._machine.axes.mm(np.array(command.target) - np.array(command.start))
        length_mm = float(np.hypot(way_mm[0], way_mm[1]))
        if command.lift:
            self.lifted()
            if command.stroke >= 0:
                self._prove(Proven(command.stroke + 1))
        elif command.stroke >= 0:
            self._ink_mm += length_mm
            self.drawn(command.stroke, command.to_mm)
        else:
            self._travel_mm += length_mm

    def drawn(self, stroke: int, length_mm: float) -> None:
        """A stroke is drawn so far."""
        if self._rest is None:
            return
        whole = length_mm >= self._rest.plan.strokes[stroke].length - WHOLE_MM
        self._prove(Proven(stroke + 1) if whole else Proven(stroke, length_mm))

    def lifted(self) -> None:
        """The pen is up."""
        self._lifts += self.pen_down
        self.pen_down = False

    def flush(self) -> None:
        """Record all that is proven.

        Raises:
            SketchRobotError: BAD_GOAL, the journal cannot be written.
        """
        if self._journal is not None and self._rest is not None and self.proven != self._recorded:
            self._journal.proven(*_in_whole(self._rest, self.proven))
            self._recorded = self.proven

    def _prove(self, proven: Proven) -> None:
        if (proven.strokes, proven.length_mm) <= (self.proven.strokes, self.proven.length_mm):
            return
        self.proven = proven
        self.proofs += 1
        self._tally.done = proven.strokes
        if proven.strokes > self._recorded.strokes or proven.length_mm >= self._recorded.length_mm + JOURNAL_MM:
            self.flush()


def left_to_draw(plan: DrawingPlan, journal: Journal | None, machine: EbbMachine) -> Remainder:
    """What is left to draw by the journal, and by what the board drew after it was last heard of.

    Raises:
        SketchRobotError: as `Journal.begin`.
    """
    if journal is None:
        return Remainder(plan)
    resumed = journal.is_resumed
    rest = journal.begin(plan)
    if resumed and machine.place.left_alone:
        found = drawn_alone(rest.plan.strokes, machine.xy_mm, down=machine.place.found_down)
        if found != Proven():
            journal.proven(*_in_whole(rest, found))
            return remaining(plan, journal.on_paper)
    return rest


def drawn_alone(strokes: Sequence[Stroke], xy_mm: tuple[float, float], *, down: bool) -> Proven:
    """What a board that was left alone has drawn: its queue ran out where it was found.

    Args:
        strokes: in drawing order, of which nothing was proven yet; the pen was drawing the first when it was last heard
            of.
        xy_mm: where the pen is.
        down: whether it was found on the paper; else it was lifted after a stroke, and is on its way to the next.
    """
    left_mm = QUEUED_MM
    point = np.array(xy_mm)
    for number, stroke in enumerate(strokes):
        along = _first_near(stroke.xy, point, left_mm)
        if down and along is not None:
            return Proven(number, along)
        left_mm -= stroke.length
        if left_mm <= 0.0:
            break
        # with the pen up on the stroke itself, it is not certain that all of that was drawn
        on_stroke = along is not None and along < stroke.length - 2.0 * NEAR_MM
        if not down and not on_stroke and number + 1 < len(strokes):
            hop = np.array([stroke.xy[-1], strokes[number + 1].xy[0]])
            if _first_near(hop, point, np.inf) is not None:
                return Proven(number + 1)
    return Proven()


def _first_near(xy_mm: np.ndarray, point: np.ndarray, most_mm: float) -> float | None:
    """How far along a polyline it first comes near a point; None: it does not, within a length."""
    if len(xy_mm) == 1:
        return 0.0 if np.hypot(*(xy_mm[0] - point)) <= NEAR_MM else None
    share, apart_mm = feet_on(xy_mm, point)
    lengths = lengths_along(xy_mm)
    along = lengths[:-1] + share * np.diff(lengths)
    near = (apart_mm <= NEAR_MM) & (along <= most_mm)
    return float(along[int(np.argmax(near))]) if near.any() else None


def _in_whole(rest: Remainder, proven: Proven) -> tuple[int, float]:
    """What is proven of the rest of a drawing, as a stroke of the whole and how much of it."""
    if proven.length_mm == 0.0 and proven.strokes > 0:
        return rest.in_whole(proven.strokes - 1)[0], math.inf
    return rest.in_whole(proven.strokes, proven.length_mm)
