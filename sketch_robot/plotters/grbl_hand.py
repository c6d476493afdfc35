"""Move a GRBL machine's pen: lines streamed, watched, halted, and home in the end.

A halt is a feed hold, which brakes along the path and keeps the position; when the machine stands, a soft reset drops
what was sent ahead, and the pen is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import numpy as np

from sketch_robot.errors import SketchRobotError
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.grbl_client import GrblClient
from sketch_robot.plotters.grbl_drawing import GrblDrawing
from sketch_robot.plotters.grbl_events import AlarmError, Damaged, DoorOpen, Held, RestartError, too_noisy
from sketch_robot.plotters.grbl_program import Program
from sketch_robot.plotters.grbl_status import Report
from sketch_robot.plotters.grbl_step import Kind, Step
from sketch_robot.plotters.plotter import PlotterStatus, Progress
from sketch_robot.plotters.session import Session, Stopped
from sketch_robot.plotters.tally import Tally

LOOK_S = 0.05  # how often a paused machine is looked at
PROGRESS_S = 0.1
PARKINGS = 3
_log = logging.getLogger(__name__)


class PauseWanted(Exception):  # noqa: N818  an event
    """`pause` was called."""


class GrblHand:
    """See the module. One thread moves it; any may look at its progress.

    Args:
        client, session: whom to move, by whose wishes.

    Attributes:
        pen_down: whether the pen touches, as far as answers tell.
        on_progress: is told how the drawing stands.
    """

    def __init__(self, client: GrblClient, session: Session) -> None:
        self._client, self._session = client, session
        self.pen_down = False
        self.on_progress: Callable[[Progress], None] | None = None
        self._drawing: GrblDrawing | None = None
        self._tally = Tally()
        self._plan_s = np.zeros(0)
        self._pen_mm: tuple[float, float] = HOME_MM
        self._reported_s = 0.0

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._tally.progress(self._pen_mm, self.pen_down)

    def begin(self, drawing: GrblDrawing, plan: DrawingPlan) -> None:
        """Count for a drawing, which is what is left of a plan."""
        self._drawing = drawing
        self._tally, self._plan_s = Tally.of(plan, self._pen_mm), plan.stroke_s

    def finish(self) -> None:
        """The whole plan is on paper."""
        self._tally.finish()

    # ------------------------------------------------------------- movements
    def run(self, steps: Iterator[Step], drawing: GrblDrawing) -> None:
        """Stream lines of a drawing, which hears what becomes of them.

        Raises:
            Damaged, Held, AlarmError, RestartError: what came between.
            PauseWanted, Stopped: on request.
            SketchRobotError: PLOTTER_OFFLINE; of the journal, it cannot be written.
        """
        stream, program = self._client.stream, drawing.program

        def done(step: Step) -> None:
            wants_report = drawing.done(step)
            if step.value is not None:
                stream.pen_value = step.value
            self.pen_down = drawing.pen_down
            if wants_report:
                stream.want_report()
            if step.kind == Kind.RAISING:
                self.tell(force=True)

        def reported(report: Report) -> None:
            self._note_pen(program, report)
            drawing.reported(report)
            self.tell()

        stream.run(steps, done=done, reported=reported, meet=self._meet)

    def park(self, program: Program) -> None:
        """Go to the page's origin with the pen up."""
        if self._session.status == PlotterStatus.DRAWING or self._session.status == PlotterStatus.PAUSED:
            self._session.set_status(PlotterStatus.PARKING)
        self._session.forget_wishes()

        def reported(report: Report) -> None:
            self._note_pen(program, report)
            self.tell()

        for _ in range(PARKINGS):
            try:
                self._client.stream.run(program.park(), done=_nothing, reported=reported, meet=self._session.meet)
                self._client.stream.settle(reported)
            except (Damaged, Held) as damage:
                _log.info('parking again: %s', damage)
                self._client.stand()
            except Stopped:  # closed
                self._client.stand()
                return
            else:
                self._pen_mm, self.pen_down = HOME_MM, False
                return
        raise too_noisy(self._client.link.port)

    # ------------------------------------------------------------- interruptions
    def halt(self, drawing: GrblDrawing, *, quietly: bool = False) -> bool:
        """Stand still and raise the pen; the drawing goes on from there.

        Returns:
            whether it had to pause for that, until somebody had closed a door.

        Raises:
            Stopped: while it was paused.
        """
        try:
            report = self._client.stream.halt()
        except (AlarmError, RestartError) as stop:
            self.note_place(drawing, stop)
            raise
        try:
            drawing.halted(report)
        except SketchRobotError:
            if not quietly:
                raise
        finally:
            paused = self._recover()
            self.pen_down = False
        return paused

    def _recover(self) -> bool:
        paused, stopped = False, None
        while True:
            try:
                self._client.recover()
            except DoorOpen as door:
                if stopped is not None:
                    raise
                paused = True
                try:
                    self.stand_paused(str(door))
                except Stopped as stop:
                    stopped = stop
            else:
                break
        if stopped is not None:
            raise stopped
        return paused

    def note_place(self, drawing: GrblDrawing, stop: AlarmError | RestartError) -> None:
        """The machine has stopped itself; where, it knows only if it has braked along the path."""
        if isinstance(stop, RestartError) or stop.loses_position:
            drawing.lost()
        else:
            self._client.make_safe(keep_position=True)
            drawing.halted(self._client.stream.look())

    def stand_paused(self, reason: str) -> None:
        """Stand still until somebody resumes; with a reason, also if nobody asked for it.

        Raises:
            Stopped: on request.
        """
        self._session.stand_paused(self._look, reason)

    def _meet(self) -> None:
        self._session.meet()
        if self._session.pause_wanted:
            raise PauseWanted

    def _look(self) -> None:
        self.tell()
        self._client.stream.idle(LOOK_S)

    # ------------------------------------------------------------- keeping count
    def tell(self, *, force: bool = False) -> None:
        """Say how the drawing stands, if that was not said just now, or by force."""
        drawing = self._drawing
        if drawing is not None:
            done = drawing.remainder.first + drawing.number
            share = drawing.share * self._plan_s[done] if done < len(self._plan_s) else 0.0
            self._tally.done, self._tally.machine_s = done, float(self._plan_s[:done].sum() + share)
        now_s = self._client.link.now_s()
        if self.on_progress is not None and (force or now_s - self._reported_s >= PROGRESS_S):
            self._reported_s = now_s
            self.on_progress(self.progress)

    def _note_pen(self, program: Program, report: Report) -> None:
        x, y = program.frame.to_page(self._client.machine_mm(report))
        self._pen_mm = float(x), float(y)


def _nothing(_: object) -> None:
    """Nobody listens."""
