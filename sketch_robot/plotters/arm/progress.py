"""What an arm's joints prove of a drawing: strokes, lengths, time; and what is left of one that was interrupted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.arm.segments import Planner, Segment, Timeline
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Outcome, Progress
from sketch_robot.plotters.progress import Remainder, remaining
from sketch_robot.polyline import nearest_on

LAG_S = 0.2  # by how much the arm may be behind its command
TOUCHING_MM = 0.2  # a tip that is higher proves no ink
NEAR_MM = 0.5


class ArmProgress:
    """Follows one drawing. The thread that moves the arm tells it what it sees; any may ask.

    Args:
        rest: what is drawn; None: nothing, as when homing.
        planned: all its segments.
        journal: told what is proven to be on paper.
        now_s: the arm's time.
        approach_s: how long it takes to come to the page first.
    """

    def __init__(
        self,
        rest: Remainder | None = None,
        planned: Sequence[Segment] = (),
        journal: Journal | None = None,
        now_s: float = 0.0,
        *,
        approach_s: float = 0.0,
    ) -> None:
        self._rest, self._journal = rest, journal
        self._lengths = [] if rest is None else [stroke.length for stroke in rest.plan.strokes]
        self._total_s = approach_s + sum(segment.seconds for segment in planned)
        self._drawn_mm = np.zeros(len(self._lengths))
        self._done = 0
        self._machine_s, self._last_s = 0.0, now_s
        self._travel_mm, self._lifts = 0.0, 0
        self._next = 0
        self._pen_mm = np.array([0.0, 0.0, 1.0])

    def expect(self, _legs: Sequence[Segment]) -> None:
        """From here on other segments are followed."""
        self._next = 0

    def see(self, line: Timeline, t_s: float, pen_mm: np.ndarray) -> bool:
        """The pen (3,) was seen at a time of a line; whether a stroke was finished since the last look.

        Raises:
            SketchRobotError: BAD_GOAL, the journal cannot be written.
        """
        self.idle(t_s, moving=True)
        self._pen_mm = pen_mm
        done = self._done
        followed = line.index(t_s)
        while self._next <= min(followed, len(line.segments) - 1):
            segment = line.segments[self._next]
            since_s = t_s - line.starts_s[self._next]
            passed = followed > self._next or since_s >= segment.seconds - 1e-9
            if segment.stroke >= 0:
                passed = self._see_stroke(segment, since_s, pen_mm) and passed
            if not passed:
                break
            if segment.stroke >= 0:
                self._lifts += 1
            else:
                self._travel_mm += float(segment.path.along_mm[-1])
            self._next += 1
        return self._done > done

    def _see_stroke(self, segment: Segment, since_s: float, pen_mm: np.ndarray) -> bool:
        """Whether the segment is proven to be behind the pen; tells what of its stroke is on paper."""
        path, last = segment.path, len(segment.path.joints) - 1
        u, _ = segment.timing.at(np.array([since_s - LAG_S, since_s]))
        low, high = int(np.floor(u[0])), int(np.ceil(u[1]))
        at, apart_mm = nearest_on(path.xyz_mm[low : high + 1], pen_mm)
        waited = since_s > segment.seconds + LAG_S
        if waited:
            proven, at_end = segment.timing.u[-1], True
        elif apart_mm > NEAR_MM or pen_mm[2] > TOUCHING_MM:
            return False
        else:
            proven = min(low + at, float(segment.timing.u[-1]))
            at_end = proven >= segment.timing.u[-1] - 1e-9
        whole = proven >= last - 1e-9 and since_s >= segment.seconds - 1e-9
        self._tell(segment.stroke, self._lengths[segment.stroke] if whole else path.length_to(proven), whole)
        return at_end and since_s >= segment.seconds - 1e-9

    def _tell(self, stroke: int, length_mm: float, whole: bool) -> None:
        self._drawn_mm[stroke] = max(self._drawn_mm[stroke], length_mm)
        if whole:
            self._done = max(self._done, stroke + 1)
        elif length_mm >= self._lengths[stroke]:
            return  # the end is proven by the segment's end alone
        if self._journal is not None and self._rest is not None:
            self._journal.proven(*self._rest.in_whole(stroke, length_mm))

    def idle(self, now_s: float, *, moving: bool = False) -> None:
        """Time has passed, standing paused unless the arm was moving."""
        if moving:
            self._machine_s += max(0.0, now_s - self._last_s)
        self._last_s = now_s

    def end(self, finished: bool) -> None:
        """The arm is parked."""
        if finished:
            self._total_s = self._machine_s

    def progress(self) -> Progress:
        """Where the drawing stands."""
        first = 0 if self._rest is None else self._rest.first
        left_s = max(0.0, self._total_s - self._machine_s)
        fraction = 1.0 - left_s / self._total_s if self._total_s > 0.0 else 0.0
        pen = float(self._pen_mm[0]), float(self._pen_mm[1])
        total = first + len(self._lengths)
        return Progress(first + self._done, total, fraction, left_s, pen, bool(self._pen_mm[2] <= 0.0))

    def outcome(self, finished: bool) -> Outcome:
        """What was put on paper."""
        first = 0 if self._rest is None else self._rest.first
        return Outcome(
            finished, first + self._done, float(self._drawn_mm.sum()), self._travel_mm, self._lifts, self._machine_s
        )


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


def drawn_ahead(segments: Sequence[Segment], hover_mm: np.ndarray) -> tuple[int, float] | None:
    """How far an arm has drawn by itself after its last proven point: whoever told it what to do was lost.

    It was told a little more of its way, then to brake and to lift its pen: so the pen hovers over the point up to
    which everything is on paper.

    Args:
        segments: what was to be drawn from the last proven point on.
        hover_mm: (3,) where the pen hovers.

    Returns:
        a stroke, as numbered in `segments`, and the length of it that is on paper; None: the pen hovers nowhere near.
    """
    began_s, drawn = 0.0, (0, 0.0)
    for segment in segments[1:]:
        if began_s > AHEAD_S:
            return None
        fine = np.linspace(0.0, segment.path.end, 1 + PARTS * (len(segment.path.joints) - 1))
        places = segment.path.places(fine)
        near = np.flatnonzero(np.hypot(*(places[:, :2] - hover_mm[:2]).T) < ON_PATH_MM)
        if len(near):
            stay = near[: int(np.argmax(np.append(np.diff(near), 2) > 1)) + 1]  # its first pass, should it come again
            at, _ = nearest_on(places[stay, :2], hover_mm[:2])
            closest = float(np.interp(at, np.arange(len(stay)), fine[stay]))
            return drawn if segment.stroke < 0 else (segment.stroke, segment.path.length_to(closest))
        if segment.stroke >= 0:
            drawn = segment.stroke, float(segment.path.along_mm[-1])
        began_s += segment.seconds
    return None
