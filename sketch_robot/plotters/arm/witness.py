"""What an arm's joints prove of a drawing: strokes on paper, lengths, time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketch_robot.plotters.arm.legs import Leg
from sketch_robot.plotters.arm.path import nearest
from sketch_robot.plotters.arm.timeline import Timeline
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Outcome, Progress
from sketch_robot.plotters.remainder import Remainder

LAG_S = 0.2  # by how much the arm may be behind its command
TOUCHING_MM = 0.2  # a tip that is higher proves no ink
NEAR_MM = 0.5


class Witness:
    """Follows one drawing. The thread that moves the arm tells it what it sees; any may ask.

    Args:
        rest: what is drawn; None: nothing, as when homing.
        planned: all its legs.
        journal: told what is proven to be on paper.
        now_s: the arm's time.
    """

    def __init__(
        self,
        rest: Remainder | None = None,
        planned: Sequence[Leg] = (),
        journal: Journal | None = None,
        now_s: float = 0.0,
    ) -> None:
        self._rest, self._journal = rest, journal
        self._lengths = [] if rest is None else [stroke.length for stroke in rest.plan.strokes]
        self._total_s = sum(leg.seconds for leg in planned)
        self._drawn_mm = np.zeros(len(self._lengths))
        self._done = 0
        self._machine_s, self._last_s = 0.0, now_s
        self._travel_mm, self._lifts = 0.0, 0
        self._next = 0
        self._pen_mm = np.array([0.0, 0.0, 1.0])

    def expect(self, _legs: Sequence[Leg]) -> None:
        """From here on other legs are followed."""
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
        while self._next <= min(followed, len(line.legs) - 1):
            leg = line.legs[self._next]
            since_s = t_s - line.starts_s[self._next]
            passed = followed > self._next or since_s >= leg.seconds - 1e-9
            if leg.stroke >= 0:
                passed = self._see_stroke(leg, since_s, pen_mm) and passed
            if not passed:
                break
            if leg.stroke >= 0:
                self._lifts += 1
            else:
                self._travel_mm += float(leg.path.along_mm[-1])
            self._next += 1
        return self._done > done

    def _see_stroke(self, leg: Leg, since_s: float, pen_mm: np.ndarray) -> bool:
        """Whether the leg is proven to be behind the pen; tells what of its stroke is on paper."""
        path, last = leg.path, len(leg.path.joints) - 1
        u, _ = leg.timing.at(np.array([since_s - LAG_S, since_s]))
        low, high = int(np.floor(u[0])), int(np.ceil(u[1]))
        at, apart_mm = nearest(path.xyz_mm[low : high + 1], pen_mm)
        waited = since_s > leg.seconds + LAG_S
        if waited:
            proven, at_end = leg.timing.u[-1], True
        elif apart_mm > NEAR_MM or pen_mm[2] > TOUCHING_MM:
            return False
        else:
            proven = min(low + at, float(leg.timing.u[-1]))
            at_end = proven >= leg.timing.u[-1] - 1e-9
        whole = proven >= last - 1e-9 and since_s >= leg.seconds - 1e-9
        self._tell(leg.stroke, self._lengths[leg.stroke] if whole else path.length_to(proven), whole)
        return at_end and since_s >= leg.seconds - 1e-9

    def _tell(self, stroke: int, length_mm: float, whole: bool) -> None:
        self._drawn_mm[stroke] = max(self._drawn_mm[stroke], length_mm)
        if whole:
            self._done = max(self._done, stroke + 1)
        elif length_mm >= self._lengths[stroke]:
            return  # the end is proven by the leg's end alone
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
