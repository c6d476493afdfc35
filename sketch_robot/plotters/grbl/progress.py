"""How far a drawing has come on a GRBL machine: which line comes next, and what of it is proven to be on paper.

Answers alone prove nothing: an `ok` too many, as another program's empty line earns one, would run ahead of the
machine. A stroke is on paper when the line that lifted the pen was answered and the machine was then seen at the
stroke's end, or on its way from there to the next one, after it was seen to draw: with the pen down, or on its way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sketch_robot.plotters.grbl.interruptions import Damaged, PenUnseen
from sketch_robot.plotters.grbl.program import LEAST_FEED, TRAVEL_FEED, GrblProgram, Kind, Path, Step, hold, mark_of
from sketch_robot.plotters.grbl.status import StatusReport
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.progress import Remainder
from sketch_robot.polyline import feet_on
from sketch_robot.stroke import Stroke, stroke_from

NEAR_MM = 0.05  # of the path; a machine is off it by a step, and reports to 0.001 mm
_AS_NEAR_MM = 0.02  # distances that differ by less do not tell which of two places it is
RESUME_OVERLAP_MM = 0.2  # where the machine stood is known to a step; so much hides that the pen was raised there
JOURNAL_MM = 0.1  # what is drawn is recorded in pieces not shorter than this
LEAST_MM = 0.02  # a rest of a stroke so short is none


class GrblProgress:
    """The progress of one remainder of a plan.

    Args:
        remainder: what to draw.
        program: makes the lines.
        journal: is told what is proven; may be None.

    Attributes:
        number: the stroke that is drawn, or is to be drawn next.
        from_mm: where along it the next attempt begins.
        pen_down: whether the pen touches, as far as answers tell.
        lifts: how often the pen was raised.
        ink_mm, travel_mm: drawn, and moved with the pen up.
    """

    def __init__(self, remainder: Remainder, program: GrblProgram, journal: Journal | None) -> None:
        self.remainder, self.program, self._journal = remainder, program, journal
        self.number, self.from_mm = 0, 0.0
        self.pen_down = False
        self.lifts, self.ink_mm, self.travel_mm = 0, 0.0, 0.0
        self._paths: dict[int, Path] = {}
        self._lowered = False  # of the current stroke: the pen has had the time for it
        self._raised = False  # the command was answered
        self._answered = False  # and the wait after it
        self._ended = False  # and the machine was seen at the end
        self._seen_down = False  # a report told that the pen was lowered
        self.tells_pen = True  # whether reports can be believed in that
        self._length = self._proven = 0.0  # along the current path
        self._stands: np.ndarray | None = None

    @property
    def strokes(self) -> tuple[Stroke, ...]:
        """Those to draw."""
        return self.remainder.plan.strokes

    @property
    def finished(self) -> bool:
        """Whether all is on paper."""
        return self.number >= len(self.strokes)

    @property
    def share(self) -> float:
        """How much of the current stroke is drawn, in [0, 1]."""
        if self.finished or self.strokes[self.number].length == 0.0:
            return 0.0
        return min(1.0, (self.from_mm + self._length) / self.strokes[self.number].length)

    def steps(self, end: int) -> Iterator[Step]:
        """The lines from here to the stroke before `end`."""
        first, from_mm = self.number, self.from_mm
        yield hold()
        for number in range(first, end):
            stroke = self.strokes[number]
            skipped = from_mm if number == first else 0.0
            if skipped > 0.0:
                stroke = stroke_from(stroke, skipped)
            self._paths[number] = path = self.program.path_of(stroke, skipped)
            yield from self.program.draw(stroke, path, number, self.remainder.first + number)

    # ------------------------------------------------------------- what the machine tells
    @property
    def unproven(self) -> bool:
        """Whether all lines of the current stroke were answered, but a report has yet to tell that it has ended."""
        return self._answered

    def may_begin(self, step: Step) -> bool:
        """Whether the strokes before that of a line are on paper."""
        return step.stroke <= self.number

    def done(self, step: Step) -> bool:
        """A line was answered; returns whether a report of now would tell what the stroke is proven by."""
        if step.stroke != self.number:
            return False
        if step.kind == Kind.LOWER and self.program.pen.waits_for_motion:
            self.pen_down = True
            return not self._seen_down
        if step.kind == Kind.LOWERING:
            self.pen_down = self._lowered = True
        elif step.kind == Kind.RAISE and self.program.pen.waits_for_motion:
            self._raised, self.pen_down = True, False
            return True
        elif step.kind == Kind.RAISING:
            self._answered, self.pen_down = True, False
            if not self._ended:
                return True
            self._finish_stroke()
        return False

    def reported(self, report: StatusReport) -> None:
        """The machine told where it stands.

        Raises:
            Damaged: that is not where it can be.
        """
        place = self._machine_mm(report)
        self._note_travel(place)
        self._seen_down = self._seen_down or bool(self.tells_pen and self._is_down(report))
        path = self._paths.get(self.number)
        if path is None or not (self.pen_down or self._raised or self._answered):
            return
        if self._raised or self._answered:
            if not self._is_beyond(path, place):
                raise Damaged(f'stroke {self.number} ended at {place.tolist()}, not at {path.machine_mm[-1].tolist()}')
            self._ended = self._ended or self._was_drawn(path, report)
            if self._answered and not self._ended:
                raise PenUnseen(f'stroke {self.number} was answered, but the pen was not seen down')
            if self._answered:
                self._finish_stroke()
            return
        length = length_at(path, place, self._length)
        if length is None:
            raise Damaged(f'the pen is at {place.tolist()}, off the path of stroke {self.number}')
        # A report is believed when the next one agrees with it: a damaged one need not look damaged.
        if self._length >= self._proven + JOURNAL_MM:
            self._prove(self._length)
        self._length = length

    def halted(self, report: StatusReport) -> None:
        """The machine stands, and what was sent ahead is dropped: the next attempt begins here."""
        place = self._machine_mm(report)
        path = self._paths.get(self.number)
        is_raised = self._raised or self._answered
        if path is not None and is_raised and self._is_beyond(path, place) and self._was_drawn(path, report):
            self._finish_stroke()
        elif path is not None and (self.pen_down or is_raised):
            length = length_at(path, place, self._length)
            self._halted_at(path, self._length if length is None else length)
        self._forget()

    def _was_drawn(self, path: Path, report: StatusReport) -> bool:
        """Whether the pen is up again at the end of a stroke, as far as reports tell.

        It was there before only if the stroke ends where it begins; then it must have been seen down, or on its way.
        """
        down = self._is_down(report) if self.tells_pen else None
        is_open = bool(np.hypot(*(path.machine_mm[-1] - path.machine_mm[0])) > 2.0 * NEAR_MM)
        return down is None or (not down and (is_open or self._seen_down or self._length > NEAR_MM))

    def _is_beyond(self, path: Path, place: np.ndarray) -> bool:
        """Whether a machine that has lifted the pen is where the current stroke ends, or on the way to the next one."""
        if np.hypot(*(place - path.machine_mm[-1])) <= NEAR_MM:
            return True
        after = self._paths.get(self.number + 1) if self._answered else None
        return after is not None and length_at(_straight(path.machine_mm[-1], after.machine_mm[0]), place) is not None

    def _halted_at(self, path: Path, length_mm: float) -> None:
        """The pen, down, stands at a length along the current path."""
        is_seen = self._seen_down or not self.tells_pen or self.program.pen.kind != 'servo' or length_mm > NEAR_MM
        if length_mm >= path.along_mm[-1] - LEAST_MM and self._lowered and is_seen:
            self._finish_stroke()
        else:
            self._prove(length_mm)
            self.ink_mm += length_mm
            self.from_mm = path.first_mm + max(0.0, length_mm - RESUME_OVERLAP_MM)
            self._forget()

    def lost(self) -> None:
        """The machine does not know where it is any more: what is proven is what was seen last."""
        if self.number in self._paths and self._ended:
            self._finish_stroke()
        elif self.number in self._paths and (self.pen_down or self._raised or self._answered):
            self._prove(self._length)
        self._forget()

    def found(self, report: StatusReport, feed: int | None, *, lookahead: int) -> bool:
        """The machine stands where an earlier run of this program has left it: all up to there is on paper.

        Args:
            report: of the standstill.
            feed: F as the parser has it, which tells whether a stroke has ended; None: it was halted in motion, and
                could not be asked.
            lookahead: how many lines the earlier run can have sent beyond what it had proven.

        Returns:
            whether it stands on the way of this drawing.
        """
        place, down = self._machine_mm(report), self._is_down(report)
        lines, last = 0, None
        for number in range(self.number, len(self.strokes)):
            path = self.program.path_of(self.strokes[number])
            if feed is not None and feed < LEAST_FEED:
                if feed == mark_of(self.remainder.first + number):
                    self._skip_to(number, path)
                    self._finish_stroke()
                    return True
            elif feed == TRAVEL_FEED or (feed is None and down is False):
                begins = path.machine_mm[0]
                way = _straight(begins if last is None or feed is not None else last, begins)
                if length_at(way, place) is not None:
                    self._skip_to(number, path)
                    self._forget()
                    return True
            elif (length := length_at(path, place)) is not None:
                self._skip_to(number, path)
                self.pen_down = self._lowered = self._seen_down = True
                self._halted_at(path, length)
                return True
            last = path.machine_mm[-1]
            lines += len(path.along_mm) + 5
            if lines > lookahead:
                return False
        return False

    def _is_down(self, report: StatusReport) -> bool | None:
        """Whether the pen is down; None: the report does not tell."""
        pen = self.program.pen
        if pen.kind == 'servo' and report.spindle is not None:
            return abs(report.spindle - pen.up) > abs(report.spindle - pen.down)
        return None

    def _skip_to(self, number: int, path: Path) -> None:
        """All strokes before are on paper."""
        if self._journal is not None and number > 0:
            self._journal.proven(*self.remainder.in_whole(number - 1, self.strokes[number - 1].length))
        self.number = number
        self._paths[number] = path

    # ------------------------------------------------------------- keeping count
    def _machine_mm(self, report: StatusReport) -> np.ndarray:
        return report.xy_mm + (self.program.zero_mm if report.of_work else 0.0)

    def _prove(self, length_mm: float) -> None:
        path = self._paths[self.number]
        if self._journal is not None and length_mm > self._proven:
            self._journal.proven(*self.remainder.in_whole(self.number, path.first_mm + length_mm))
        self._proven = max(self._proven, length_mm)

    def _finish_stroke(self) -> None:
        path = self._paths.pop(self.number)
        if self._journal is not None:
            whole_mm = self.strokes[self.number].length
            self._journal.proven(*self.remainder.in_whole(self.number, whole_mm))
        self.ink_mm += float(path.along_mm[-1])
        self.lifts += 1
        self.number += 1
        self.from_mm = 0.0
        self._start_anew()

    def _forget(self) -> None:
        self._paths.clear()
        self._start_anew()

    def _start_anew(self) -> None:
        self.pen_down = self._lowered = self._raised = self._answered = self._ended = self._seen_down = False
        self._length = self._proven = 0.0

    def _note_travel(self, place: np.ndarray) -> None:
        if self._stands is not None and not self.pen_down:
            self.travel_mm += float(np.hypot(*(place - self._stands)))
        self._stands = place


def _straight(start_mm: np.ndarray, end_mm: np.ndarray) -> Path:
    points = np.array([start_mm, end_mm])
    length = float(np.hypot(*(end_mm - start_mm)))
    return Path(np.zeros((2, 2), np.int64), points, np.array([0.0, length]))


def length_at(path: Path, place_mm: np.ndarray, from_mm: float = 0.0, near_mm: float = NEAR_MM) -> float | None:
    """How far along its path a machine has come.

    Where a path crosses itself, the first passage counts, so that the answer is never too long.

    Args:
        path: of the stroke that it draws.
        place_mm: (2,) where it stands, in its own coordinates.
        from_mm: how far it was known to be, as this function tells it.
        near_mm: how far from the path it may be.

    Returns:
        mm along the path, at least `from_mm`; None: it is not on what is left of the path.
    """
    points, along = path.machine_mm, path.along_mm
    first = max(0, int(np.searchsorted(along, from_mm, side='right')) - 1)
    if len(points) == 1:
        return 0.0 if np.hypot(*(place_mm - points[0])) <= near_mm else None
    first = min(first, len(points) - 2)
    share, away = feet_on(points[first:], place_mm)
    lengths = along[first:-1] + share * np.diff(along[first:])
    found = np.flatnonzero((away <= near_mm) & (lengths >= from_mm - near_mm))
    if len(found) == 0:
        return None
    # Neighbours of the first segment within reach may be nearer, as short segments of a curve are.
    run = found[: int(np.argmax(np.diff(found, append=found[-1] + 2) > 1)) + 1]
    best = run[int(np.argmax(away[run] <= away[run].min() + _AS_NEAR_MM))]
    return float(max(from_mm, lengths[best]))
