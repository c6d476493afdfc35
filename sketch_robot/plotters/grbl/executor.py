"""Draws with a GRBL machine: stroke after stroke, halted and taken up again whatever comes between.

A halt is a feed hold, which brakes along the path and keeps the position; when the machine stands, a soft reset drops
what was sent ahead, and the pen is raised. The rest is sent anew from where the pen stood, with a little overlap.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.grbl.client import GrblClient
from sketch_robot.plotters.grbl.connection import UNKNOWN_COMMAND
from sketch_robot.plotters.grbl.interruptions import (
    AlarmError,
    CommandError,
    Damaged,
    DoorOpen,
    Doubtful,
    HoldRequested,
    Miscounted,
    PenUnlike,
    Refused,
    RestartError,
    too_noisy,
)
from sketch_robot.plotters.grbl.program import GrblProgram, Kind, Step
from sketch_robot.plotters.grbl.progress import GrblProgress
from sketch_robot.plotters.grbl.status import Answer, StatusReport
from sketch_robot.plotters.grbl.streaming import GrblStreamer
from sketch_robot.plotters.plotter import Progress
from sketch_robot.plotters.progress import ProgressCounter
from sketch_robot.plotters.session import PauseWanted, Session, Stopped

LOOK_S = 0.05  # how often a paused machine is looked at
PARKINGS = CHECKS = 3
NOT_SUPPORTED = 20  # the error of a word that a controller does not know
DOUBTS = 4  # of one kind in a stroke, and nothing else: it is not the line that is at fault
REFUSALS = 5  # for one reason in a stroke, and nothing else
_log = logging.getLogger(__name__)


class GrblExecutor:
    """Moves the pen of one machine. One thread uses it; any may look at its progress.

    Args:
        client: the machine.
        session: what is wished of it.
        tell: called to say how the drawing stands, by force or if that was not said just now.
        recoveries: how often a stroke goes on by itself after something was lost on the line.

    Attributes:
        pen_down: whether the pen touches, as far as answers tell.
        drawing: how far the current drawing, or the last one, has come; None before the first.
    """

    def __init__(self, client: GrblClient, session: Session, tell: Callable[..., None], *, recoveries: int) -> None:
        self._client, self._session, self._tell, self._recoveries = client, session, tell, recoveries
        self.pen_down = False
        self.drawing: GrblProgress | None = None
        self._tally = ProgressCounter()
        self._plan: DrawingPlan | None = None
        self._pen_mm: tuple[float, float] = HOME_MM
        self._has_sent = False  # since it was halted

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._tally.progress(self._pen_mm, self.pen_down)

    def begin(self, drawing: GrblProgress, plan: DrawingPlan) -> None:
        """Count for a drawing, which is what is left of a plan."""
        self.drawing, self._plan = drawing, plan
        self._tally = ProgressCounter.of(plan, self._pen_mm)
        self._count(drawing)

    def finish(self) -> None:
        """The whole plan is on paper."""
        self._tally.finish()

    # ------------------------------------------------------------- a drawing
    def check(self, drawing: GrblProgress) -> None:
        """Let the controller parse all lines without moving (`$C`).

        Raises:
            SketchRobotError: PLOTTER_ALARM, it refuses one; OFF_PAGE, one leads out of the machine.
            Stopped: on request.
        """
        client, refused = self._client, b''
        for _ in range(CHECKS):
            try:
                client.connection.command('$C')
                client.streamer.check(drawing.steps(len(drawing.strokes)), self._session.meet)
                client.recover()
            except Refused as refusal:
                client.recover()
                if refusal.step.data == refused and not self._does_without_arcs(refusal, drawing):
                    raise SketchRobotError(
                        ErrorCode.PLOTTER_ALARM,
                        f'the controller refuses the line {refused.decode().strip()!r} of this drawing: '
                        f'{refusal.error.text}; nothing was drawn',
                    ) from refusal
                refused = refusal.step.data
            except CommandError as error:
                if error.number not in UNKNOWN_COMMAND:
                    raise
                _log.warning('%s; the program is not checked before it is drawn', error.message)
                return
            except Damaged as damage:
                _log.info('checking the program again: %s', damage)
                client.recover()
            except AlarmError as alarm:
                if alarm.loses_position:
                    raise
                client.make_safe(keep_position=True)
                client.set_up()
                raise SketchRobotError(
                    ErrorCode.OFF_PAGE,
                    'part of the page is outside the machine; set the origin, or take a smaller page',
                ) from alarm
            else:
                return
        raise too_noisy(client.link.port)

    def draw(self, drawing: GrblProgress, end: int) -> None:
        """Draw all strokes before `end`, however often that is interrupted; the pen is up then.

        Raises:
            Stopped: on request.
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; of the journal, it cannot be written.
        """
        failures = _Failures(self._client.streamer, self._recoveries)
        self._client.location.begin_motion()
        while drawing.number < end:
            number = drawing.number
            try:
                self._run(drawing, end)
            except (PauseWanted, HoldRequested) as wish:
                if not self.halt(drawing):
                    self._stand_paused('' if isinstance(wish, PauseWanted) else str(wish))
            except Damaged as damage:
                hopeless = failures.note(damage, number)
                self.halt(drawing, damaged=True)
                if not hopeless:
                    continue
                if not isinstance(damage, Refused):
                    raise too_noisy(self._client.link.port) from damage
                if not self._does_without_arcs(damage, drawing):
                    raise SketchRobotError(
                        ErrorCode.PLOTTER_ALARM,
                        f'{damage}, and so the others that were tried; the drawing was halted with the pen up',
                    ) from damage
                failures.forget()
            except (AlarmError, RestartError) as stop:
                self._note_place(drawing, stop)
                raise

    def _run(self, drawing: GrblProgress, end: int) -> None:
        """Stream lines of a drawing, which hears what becomes of them.

        Raises:
            Damaged, HoldRequested, AlarmError, RestartError: what came between.
            PauseWanted, Stopped: on request.
            SketchRobotError: PLOTTER_OFFLINE; of the journal, it cannot be written.
        """
        streamer, connection, program = self._client.streamer, self._client.connection, drawing.program
        self._has_sent = True

        def done(step: Step) -> None:
            wants_report = drawing.done(step)
            if step.value is not None:
                streamer.pen_value = step.value
            self.pen_down = drawing.pen_down
            if wants_report:
                connection.want_report()
            if step.kind == Kind.RAISING and not drawing.unproven:
                self._count(drawing, always=True)

        def reported(report: StatusReport) -> None:
            was_unproven, drawing.tells_pen = drawing.unproven, streamer.tells_pen
            self._note_pen(program, report)
            drawing.reported(report)
            self._count(drawing, always=was_unproven)

        streamer.run(drawing.steps(end), done=done, reported=reported, meet=self._meet, may_begin=drawing.may_begin)
        if drawing.unproven:
            reported(connection.look())

    def park(self, program: GrblProgram) -> None:
        """Go to the page's origin with the pen up.

        Raises:
            Stopped: the machine is to be closed.
            SketchRobotError: PLOTTER_ALARM, too much is lost on the line; PLOTTER_OFFLINE.
        """

        def reported(report: StatusReport) -> None:
            self._note_pen(program, report)
            self._tell()

        client = self._client
        for _ in range(PARKINGS):
            try:
                client.streamer.run(program.park(), done=_nothing, reported=reported, meet=self._session.meet)
                client.connection.settle(reported)
            except (Damaged, HoldRequested) as damage:
                _log.info('parking again: %s', damage)
                client.stand()
            except Stopped:  # closed
                client.stand()
                raise
            else:
                self._pen_mm, self.pen_down = HOME_MM, False
                client.location.end_motion()
                return
        raise too_noisy(client.link.port)

    # ------------------------------------------------------------- interruptions
    def halt(self, drawing: GrblProgress, *, quietly: bool = False, damaged: bool = False) -> bool:
        """Stand still and raise the pen; the drawing goes on from there. Twice is harmless.

        Args:
            drawing: hears where that is.
            quietly: when its journal cannot be written, that is known already.
            damaged: the answers that are still to come tell nothing.

        Returns:
            whether it had to pause for that, until somebody had closed a door.

        Raises:
            Stopped: while it was paused.
        """
        if not self._has_sent:
            return False
        try:
            report = self._client.connection.halt(None if damaged else self._hearing(drawing))
        except (AlarmError, RestartError) as stop:
            self._note_place(drawing, stop)
            raise
        self._has_sent = False
        try:
            drawing.halted(report)
        except SketchRobotError:
            if not quietly:
                raise
        finally:
            paused = self._recover()
            self.pen_down = False
        return paused

    def _hearing(self, drawing: GrblProgress) -> Callable[[Answer], None]:
        """Let a drawing hear the answers that come while it is halted: a stroke may have ended meanwhile."""
        is_clear = True

        def hear(answer: Answer) -> None:
            nonlocal is_clear
            if is_clear:
                try:
                    self._client.streamer.hear(answer, drawing.done)
                except Damaged:
                    is_clear = False

        return hear

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
                    self._stand_paused(str(door))
                except Stopped as stop:
                    stopped = stop
            else:
                break
        if stopped is not None:
            raise stopped
        return paused

    def _note_place(self, drawing: GrblProgress, stop: AlarmError | RestartError) -> None:
        """The machine has stopped itself; where, it knows only if it has braked along the path."""
        self._has_sent = False
        if isinstance(stop, RestartError) or stop.loses_position:
            drawing.lost()
        else:
            self._client.make_safe(keep_position=True)
            drawing.halted(self._client.connection.look())

    def _stand_paused(self, reason: str) -> None:
        self._session.stand_paused(self.look, reason)

    def look(self) -> None:
        """Wait a little while the machine stands, until woken, and notice if it goes away."""
        self._tell()
        self._client.connection.idle(LOOK_S)

    def _meet(self) -> None:
        self._session.meet()
        if self._session.pause_wanted:
            raise PauseWanted

    def _does_without_arcs(self, refusal: Refused, drawing: GrblProgress) -> bool:
        """Whether a controller was found to know no arcs just now; the drawing then goes without."""
        if not (drawing.program.has_arcs and refusal.step.kind == Kind.PROBE and refusal.error.code == NOT_SUPPORTED):
            return False
        _log.warning('this controller knows no arcs: what is lost or changed on the line may not be noticed')
        self._client.has_arcs = False
        drawing.program = replace(drawing.program, has_arcs=False)
        return True

    # ------------------------------------------------------------- keeping count
    def _count(self, drawing: GrblProgress, *, always: bool = False) -> None:
        """Count what is done, and say so."""
        assert self._plan is not None
        plan_s, done = self._plan.stroke_s, drawing.remainder.first + drawing.number
        share = drawing.share * plan_s[done] if done < len(plan_s) else 0.0
        self._tally.done, self._tally.machine_s = done, float(plan_s[:done].sum() + share)
        self._tell(always=always)

    def _note_pen(self, program: GrblProgram, report: StatusReport) -> None:
        x, y = program.placement.axes.to_page(self._client.location.machine_mm(report))
        self._pen_mm = float(x), float(y)


class _Failures:
    """What went wrong in one stroke, and whether it is worth while to go on; with the next stroke it is forgotten.

    Args:
        streamer: is told what it shall not compare any more.
        most: of one stroke.
    """

    def __init__(self, streamer: GrblStreamer, most: int) -> None:
        self._streamer, self._most = streamer, most
        self._stroke = -1
        self._kinds: list[object] = []

    def note(self, damage: Damaged, stroke: int) -> bool:
        """Take note of a failure in a stroke; returns whether there is no hope left."""
        if stroke != self._stroke:
            self._stroke, self._kinds = stroke, []
        self._kinds.append(_kind_of(damage))
        _log.warning('%s; drawing on from there (%d of %d)', damage, len(self._kinds), self._most)
        if self._is_alone(DOUBTS) and isinstance(damage, Doubtful):
            self._believe_no_more(damage)
        return len(self._kinds) > self._most or (isinstance(damage, Refused) and self._is_alone(REFUSALS))

    def forget(self) -> None:
        """What they came from was put right."""
        self._kinds = []

    def _is_alone(self, times: int) -> bool:
        return len(self._kinds) == times and len(set(self._kinds)) == 1

    def _believe_no_more(self, doubt: Doubtful) -> None:
        if isinstance(doubt, Miscounted):
            _log.warning('this controller counts waiting bytes in a way of its own; they are not compared')
            self._streamer.audited = False
        else:
            _log.warning('this controller does not tell S as it was set; it is not compared')
            self._streamer.tells_pen = False


def _kind_of(damage: Damaged) -> object:
    if isinstance(damage, Refused):
        return damage.error.code
    return damage.told if isinstance(damage, PenUnlike) else type(damage)


def _nothing(_: object) -> None:
    """Nobody listens."""
