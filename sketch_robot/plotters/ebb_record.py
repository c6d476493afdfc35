"""What an EBB has put on paper of one drawing, as far as that is certain."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.ebb_found import found_drawn
from sketch_robot.plotters.ebb_machine import EbbMachine
from sketch_robot.plotters.ebb_queue import Entry
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Progress
from sketch_robot.plotters.remainder import Proven, Remainder, remaining
from sketch_robot.plotters.tally import Tally

JOURNAL_MM = 0.1  # what is drawn is recorded in pieces not shorter than this
PROGRESS_S = 0.1  # how often progress is reported within a stroke
WHOLE_MM = 1e-6  # a length so close to the stroke's is all of it


class EbbRecord:
    """See the module. One thread writes, any may look.

    Args:
        machine: which draws.
        rest: what is to be drawn; None: the machine only moves.
        journal: where to record it; begun.
        on_progress: whom to tell.

    Attributes:
        proven: what is on paper of the rest.
        proofs: how often something more was proven.
        pen_down: whether the pen may be on the paper.
        ink_mm, travel_mm: lengths moved, as far as they are done.
        lifts: how often the pen was raised from the paper.
    """

    def __init__(
        self,
        machine: EbbMachine,
        rest: Remainder | None = None,
        journal: Journal | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._machine, self._rest, self._journal, self._on_progress = machine, rest, journal, on_progress
        drawn = rest is not None and bool(rest.plan.strokes)
        self._tally = Tally.of(rest.plan, machine.xy_mm) if rest is not None and drawn else Tally()
        self.proven, self._recorded = Proven(), Proven()
        self.proofs = self.lifts = 0
        self.pen_down = False
        self.ink_mm = self.travel_mm = 0.0
        self._reported_s = -math.inf

    @property
    def progress(self) -> Progress:
        """Where the drawing stands."""
        return self._tally.progress(self._machine.xy_mm, self.pen_down)

    def report(self, now_s: float, *, always: bool = False) -> None:
        """Tell how it stands, if that was not just done."""
        if self._on_progress is not None and (always or now_s >= self._reported_s + PROGRESS_S):
            self._reported_s = now_s
            self._on_progress(self.progress)

    def done(self, entry: Entry) -> None:
        """The board has done something."""
        self._tally.machine_s += 0.001 * entry.ms
        way_mm = self._machine.axes.mm(np.array(entry.target) - np.array(entry.start))
        length_mm = float(np.hypot(way_mm[0], way_mm[1]))
        if entry.lift:
            self.lifted()
            if entry.stroke >= 0:
                self._prove(Proven(entry.stroke + 1))
        elif entry.stroke >= 0:
            self.ink_mm += length_mm
            self.drawn(entry.stroke, entry.to_mm)
        else:
            self.travel_mm += length_mm

    def drawn(self, stroke: int, length_mm: float) -> None:
        """A stroke is drawn so far."""
        if self._rest is None:
            return
        whole = length_mm >= self._rest.plan.strokes[stroke].length - WHOLE_MM
        self._prove(Proven(stroke + 1) if whole else Proven(stroke, length_mm))

    def lifted(self) -> None:
        """The pen is up."""
        self.lifts += self.pen_down
        self.pen_down = False

    def finish(self) -> None:
        """All is drawn, and the machine is home."""
        self._tally.finish()

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


def begin_record(plan: DrawingPlan, journal: Journal | None, machine: EbbMachine) -> Remainder:
    """What is left to draw by the journal, and by what the board drew after it was last heard of.

    Raises:
        SketchRobotError: as `Journal.begin`.
    """
    if journal is None:
        return Remainder(plan)
    resumed = journal.is_resumed
    rest = journal.begin(plan)
    if resumed and machine.left_alone:
        found = found_drawn(rest.plan.strokes, machine.xy_mm, down=machine.found_down)
        if found != Proven():
            journal.proven(*_in_whole(rest, found))
            return remaining(plan, journal.on_paper)
    return rest


def _in_whole(rest: Remainder, proven: Proven) -> tuple[int, float]:
    """What is proven of the rest of a drawing, as a stroke of the whole and how much of it."""
    if proven.length_mm == 0.0 and proven.strokes > 0:
        return rest.in_whole(proven.strokes - 1)[0], math.inf
    return rest.in_whole(proven.strokes, proven.length_mm)
