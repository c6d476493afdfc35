"""Draws with a GRBL 1.1 controller.

What is on paper is known in two ways. The pen's lift waits for all motion before it, so the answer to the line after it
proves the stroke. Within a stroke the machine's position, as it reports it, lies on the path that was sent. Both go to
the journal.

To pause, to stop, and when something was lost on the line, the machine is halted with a feed hold, which brakes along
the path and keeps the position; when it stands, a soft reset drops what was sent ahead, and the pen is raised. The rest
is then sent anew from where the pen stood, with a little overlap.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.plotters.checks import check_plan
from sketch_robot.plotters.grbl_client import ORIGIN_HINT, GrblClient
from sketch_robot.plotters.grbl_drawing import GrblDrawing
from sketch_robot.plotters.grbl_events import (
    AlarmError,
    CommandError,
    Damaged,
    DoorOpen,
    Held,
    Refused,
    RestartError,
    held_up,
)
from sketch_robot.plotters.grbl_failures import Failures
from sketch_robot.plotters.grbl_memory import MOVING
from sketch_robot.plotters.grbl_options import GrblOptions, make_pen, page_matrix
from sketch_robot.plotters.grbl_port import UNKNOWN_COMMAND
from sketch_robot.plotters.grbl_program import Program
from sketch_robot.plotters.grbl_setup import Controller
from sketch_robot.plotters.grbl_status import Report
from sketch_robot.plotters.grbl_step import Kind, Step
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.remainder import Proven, remaining
from sketch_robot.plotters.serial_link import Link, SerialLink
from sketch_robot.plotters.session import Session, Stopped, pen_changes, pen_request
from sketch_robot.plotters.tally import Tally

LOOK_S = 0.05  # how often a paused machine is looked at
PROGRESS_S = 0.1
CHECKS = 3
NOT_SUPPORTED = 20  # the error of a word that a controller does not know
FACTS = 'grbl'  # what the journal notes of the controller
_RESTING = (PlotterStatus.IDLE, PlotterStatus.ALARM)
_log = logging.getLogger(__name__)


class _PauseWanted(Exception):  # noqa: N818  an event
    """`pause` was called."""


class GrblPlotter(Plotter):
    """See the module.

    Args:
        port: device or device id of its serial port; see `ports.port_of`.
        baud: of the port.
        pen: how the pen is lowered: `type` servo, z or commands, and further fields of `PenLift`.
        origin_mm: machine coordinates of the page's lower left corner. Without: a machine that homes has the page in
            the lower left corner of its range; any other has it where the pen was when the controller was switched on.
        axes: directions of the page's x and y on the machine, as ['x', 'y'] or ['-y', 'x'].
        correction: 2 x 2 matrix from page mm to machine mm along those directions; measured scale and squareness.
        profile: speeds that its settings are compared with; the plan's own profile sets the feeds.
        check: let the controller check each program before anything moves (`$C`).
        configure: set reports, held motors, and mm in its EEPROM where they are otherwise.
        configure_motion: set its speeds and accelerations to those of the profile as well.
        home: 'auto': home when it can and has to; 'never'.
        origin_is_set: the pen stands on the page's lower left corner when it is connected.
        recoveries: how often a drawing goes on by itself after something was lost on the line.
        link: stands for the port, in tests.

    Raises:
        SketchRobotError: BAD_GOAL, an option is unusable.
    """

    def __init__(
        self,
        port: str = '',
        *,
        baud: int = 115200,
        pen: Mapping[str, Any] | None = None,
        origin_mm: Sequence[float] | None = None,
        axes: Sequence[str] = ('x', 'y'),
        correction: Sequence[Sequence[float]] = ((1.0, 0.0), (0.0, 1.0)),
        profile: PenProfile | None = None,
        check: bool = True,
        configure: bool = True,
        configure_motion: bool = False,
        home: str = 'auto',
        origin_is_set: bool = False,
        recoveries: int = 10,
        link: Link | None = None,
    ) -> None:
        if link is None and not port:
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'a GRBL machine needs a port; name it with --port')
        options = GrblOptions(
            make_pen(pen or {}),
            page_matrix(axes, correction),
            None if origin_mm is None else np.array(origin_mm, dtype=np.float64),
            profile or PenProfile(),
            configure,
            configure_motion,
            home != 'never',
        )
        self._client = GrblClient(link or SerialLink(port, baud, machine='GRBL plotter'), options)
        self._check, self._origin_is_set, self._recoveries = check, origin_is_set, recoveries
        self._session = Session('GRBL plotter', self._client.link.wake)
        self._drawing: GrblDrawing | None = None
        self._tally = Tally()
        self._plan_s = np.zeros(0)
        self._first = 0
        self._pen_mm: tuple[float, float] = HOME_MM
        self._pen_down = False
        self._on_progress: Callable[[Progress], None] | None = None
        self._reported_s = 0.0

    # ------------------------------------------------------------- what it is doing
    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing now; at rest too it is noticed when it was unplugged."""
        link = self._client.link
        if self._session.status in _RESTING and isinstance(link, SerialLink) and link.is_lost:
            self._session.set_status(PlotterStatus.OFFLINE, link.how_lost)
        return self._session.status

    @property
    def reason(self) -> str:
        """Why it is PAUSED, in ALARM or OFFLINE, for a person."""
        return self._session.reason

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._tally.progress(self._pen_mm, self._pen_down)

    @property
    def controller(self) -> Controller:
        """What the controller says it is."""
        return self._client.controller

    @property
    def client(self) -> GrblClient:
        """The controller itself, for setting a machine up while it is IDLE."""
        return self._client

    # ------------------------------------------------------------- commands
    def connect(self) -> None:
        """Open the machine; see `Plotter.connect`."""
        if self.status != PlotterStatus.OFFLINE:
            return
        self._client.close()  # one that was lost at rest is open still
        self._client.open()
        if self._origin_is_set:
            self._client.set_origin()
        self._session.set_status(PlotterStatus.IDLE)

    def home(self) -> None:
        """Lift the pen, find the position if it can, and go to the page's origin; ends an alarm.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it cannot home and does not know where it is: `set_origin`.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM), self._guarded():
            self._locate()

    def set_origin(self) -> None:
        """Say that the pen stands over the page's lower left corner; ends an alarm."""
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM), self._guarded():
            self._client.set_origin()

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is."""
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE), self._guarded():
            self._client.set_pen(down)
            self._pen_down = down

    def pause(self) -> None:
        """Lift the pen and stand still until `resume`. Without a drawing it does nothing."""
        self._session.want_pause()

    def resume(self) -> None:
        """Go on drawing where `pause` stopped."""
        self._session.want_resume()

    def stop(self) -> None:
        """End the drawing: lift the pen at once and park."""
        self._session.want_stop()

    def close(self) -> None:
        """Lift the pen and give the port back. Closing twice is harmless."""
        if not self._session.want_close():
            return
        if self.status == PlotterStatus.IDLE:
            try:
                self._client.raise_pen()
            except (SketchRobotError, Damaged) as error:
                _log.warning('the pen could not be raised: %s', error)
        self._client.close()
        self._session.set_status(PlotterStatus.OFFLINE)

    def draw(
        self,
        plan: DrawingPlan,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        journal: Journal | None = None,
    ) -> Outcome:
        """Draw what of a plan is not on paper yet, then lift the pen and go home; see `Plotter.draw`."""
        check_plan(plan)
        with self._session.moving(PlotterStatus.DRAWING, PlotterStatus.IDLE):
            began_s = self._client.link.now_s()
            self._on_progress = on_progress
            with self._guarded():
                resumed = journal is not None and journal.is_resumed
                remainder = journal.begin(plan) if journal is not None else remaining(plan, Proven())
                begun = journal if journal is not None and resumed and _is_begun(journal) else None
                self._locate_for(begun)
                program = self._client.program(plan.page, plan.profile)
                self._drawing = drawing = GrblDrawing(remainder, program, journal)
                self._tally, self._plan_s = Tally.of(plan, self._pen_mm), plan.stroke_s
                self._first = remainder.first
                found, self._client.found = self._client.found, None
                if begun is not None and found is not None:
                    drawing.found(found.report, found.feed, lookahead=self._client.lines_ahead)
                if self._check and not drawing.finished:
                    self._check_program(drawing)
                self._note_machine(journal)
                finished = self._draw_all(drawing)
                self._park(drawing.program)
            if finished:
                self._tally.finish()
                if journal is not None:
                    journal.finish()
            self._tell(force=True)
            return Outcome(
                finished,
                self._first + drawing.number,
                drawing.ink_mm,
                drawing.travel_mm,
                drawing.lifts,
                self._client.link.now_s() - began_s,
            )

    def program_of(self, plan: DrawingPlan) -> Iterator[bytes]:
        """The lines of a drawing as they are sent, without what is asked in between; needs no machine.

        Offsets that only the controller knows, as G54, are taken for 0.

        Raises:
            SketchRobotError: NOTHING_TO_DRAW, OFF_PAGE, as `draw`.
        """
        check_plan(plan)
        program = self._client.program(plan.page, plan.profile)
        drawing = GrblDrawing(remaining(plan, Proven()), program, None)
        steps = (program.start(), drawing.steps(len(plan.strokes)), program.park())
        return (step.data for step in chain.from_iterable(steps))

    # ------------------------------------------------------------- before the first move
    def _locate(self) -> None:
        """Know where the pen is, and go to the page's origin."""
        client = self._client
        if client.can_home():
            client.home()
        elif not client.located:
            raise _origin_wanted()
        else:
            client.recover()
        self._park(client.program(Page(1.0, 1.0, 0.0), client.options.profile))

    def _locate_for(self, resumed: Journal | None) -> None:
        """Know that the page is where it was, by homing if need be.

        Raises:
            SketchRobotError: PLOTTER_ALARM, nobody knows.
        """
        client = self._client
        facts = resumed.facts.get(FACTS) if resumed is not None else None
        known = (int(facts['token']) or MOVING, MOVING) if facts else ()
        if facts and client.found is not None and client.found.token in known and client.located:
            client.origin_mm = np.array(facts['origin_mm'], dtype=np.float64)
            client.trusted = True
        if client.located and (client.trusted or resumed is None):
            client.trusted = True
            return
        client.found = None
        if not client.can_home():
            raise _origin_wanted()
        client.home()

    def _check_program(self, drawing: GrblDrawing) -> None:
        """Let the controller parse all lines without moving.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it refuses one; OFF_PAGE, one leads out of the machine.
        """
        client, refused = self._client, b''
        for _ in range(CHECKS):
            try:
                client.stream.command('$C')
                client.stream.check(drawing.steps(len(drawing.strokes)), self._session.meet)
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
        raise self._too_noisy()

    def _does_without_arcs(self, refusal: Refused, drawing: GrblDrawing) -> bool:
        """Whether a controller was found to know no arcs just now; the drawing then goes without."""
        if not (drawing.program.has_arcs and refusal.step.kind == Kind.PROBE and refusal.error.code == NOT_SUPPORTED):
            return False
        _log.warning('this controller knows no arcs: what is lost or changed on the line may not be noticed')
        self._client.has_arcs = False
        drawing.program = replace(drawing.program, has_arcs=False)
        return True

    def _note_machine(self, journal: Journal | None) -> None:
        if journal is not None:
            facts = {'token': self._client.token, 'origin_mm': [float(value) for value in self._client.origin_mm]}
            journal.note(**{FACTS: facts})

    # ------------------------------------------------------------- drawing
    def _draw_all(self, drawing: GrblDrawing) -> bool:
        """Whether all of it was drawn."""
        plan = drawing.remainder.plan
        changes = pen_changes(plan, self._first)
        asked, failures = -1, Failures(self._client.stream, self._recoveries)
        while not drawing.finished:
            try:
                number = drawing.number
                if changes[number] and asked != number:
                    asked = number
                    self._stand_paused(pen_request(plan, changes[number]))
                end = next((later for later in range(number + 1, len(changes)) if changes[later]), len(changes))
                self._run(drawing.steps(end), drawing)
            except (_PauseWanted, Held) as wish:
                try:
                    if not self._halt(drawing):
                        self._stand_paused('' if isinstance(wish, _PauseWanted) else str(wish))
                except Stopped:
                    return False
            except Stopped:
                self._halt(drawing)
                return False
            except Damaged as damage:
                hopeless = failures.note(damage, number)
                try:
                    self._halt(drawing)
                except Stopped:
                    return False
                if hopeless and isinstance(damage, Refused):
                    if self._does_without_arcs(damage, drawing):
                        failures.forget()
                        continue
                    raise SketchRobotError(
                        ErrorCode.PLOTTER_ALARM,
                        f'{damage}, and so the others that were tried; the drawing was halted with the pen up',
                    ) from damage
                if hopeless:
                    raise self._too_noisy() from damage
            except (AlarmError, RestartError) as stop:
                self._note_place(drawing, stop)
                raise
            except BaseException as error:  # of the journal or of `on_progress`: the pen must not stay down
                if not (isinstance(error, SketchRobotError) and error.code == ErrorCode.PLOTTER_OFFLINE):
                    self._halt(drawing, quietly=True)
                raise
        return True

    def _run(self, steps: Iterator[Step], drawing: GrblDrawing) -> None:
        stream, program = self._client.stream, drawing.program

        def done(step: Step) -> None:
            wants_report = drawing.done(step)
            if step.value is not None:
                stream.pen_value = step.value
            self._pen_down = drawing.pen_down
            if wants_report:
                stream.want_report()
            if step.kind == Kind.RAISING:
                self._tell(force=True)

        def reported(report: Report) -> None:
            self._note_pen(program, report)
            drawing.reported(report)
            self._tell()

        stream.run(steps, done=done, reported=reported, meet=self._meet)

    def _meet(self) -> None:
        self._session.meet()
        if self._session.pause_wanted:
            raise _PauseWanted

    def _halt(self, drawing: GrblDrawing, *, quietly: bool = False) -> bool:
        """Stand still and raise the pen; the drawing goes on from there.

        Returns:
            whether it had to pause for that, until somebody had closed a door.

        Raises:
            Stopped: while it was paused.
        """
        try:
            report = self._client.stream.halt()
        except (AlarmError, RestartError) as stop:
            self._note_place(drawing, stop)
            raise
        try:
            drawing.halted(report)
        except SketchRobotError:
            if not quietly:
                raise
        finally:
            paused = self._recover()
            self._pen_down = False
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
                    self._stand_paused(str(door))
                except Stopped as stop:
                    stopped = stop
            else:
                break
        if stopped is not None:
            raise stopped
        return paused

    def _note_place(self, drawing: GrblDrawing, stop: AlarmError | RestartError) -> None:
        """The machine has stopped itself; where, it knows only if it has braked along the path."""
        if isinstance(stop, RestartError) or stop.loses_position:
            drawing.lost()
        else:
            self._client.make_safe(keep_position=True)
            drawing.halted(self._client.stream.look())

    def _stand_paused(self, reason: str) -> None:
        self._session.stand_paused(self._look, reason)

    def _look(self) -> None:
        self._tell()
        self._client.stream.idle(LOOK_S)

    def _park(self, program: Program) -> None:
        """Go to the page's origin with the pen up."""
        if self.status == PlotterStatus.DRAWING or self.status == PlotterStatus.PAUSED:
            self._session.set_status(PlotterStatus.PARKING)
        self._session.forget_wishes()

        def reported(report: Report) -> None:
            self._note_pen(program, report)
            self._tell()

        for _ in range(CHECKS):
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
                self._pen_mm, self._pen_down = HOME_MM, False
                return
        raise self._too_noisy()

    def _note_pen(self, program: Program, report: Report) -> None:
        x, y = program.frame.to_page(self._client.machine_mm(report))
        self._pen_mm = float(x), float(y)

    def _too_noisy(self) -> SketchRobotError:
        return SketchRobotError(
            ErrorCode.PLOTTER_ALARM,
            f'too much is lost on the line to {self._client.link.port}; check the cable and what runs beside it, home '
            'the machine, then resume',
        )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever ends a movement, the pen is up if it can be, and a port that is gone is given back."""
        try:
            yield
        except (AlarmError, RestartError) as error:
            self._client.make_safe(keep_position=isinstance(error, AlarmError) and not error.loses_position)
            self._pen_down = False
            raise
        except Held as held:
            if not isinstance(held, DoorOpen):  # while it is, no line is taken
                self._client.make_safe(keep_position=True)
            raise held_up(held) from held
        except Damaged as damage:
            _log.warning('%s', damage)
            self._client.make_safe(keep_position=True)
            raise self._too_noisy() from damage
        except SketchRobotError as error:
            if error.code == ErrorCode.PLOTTER_OFFLINE:
                self._client.close()
            raise
        except Stopped:
            _log.info('stopped before it drew')

    def _tell(self, *, force: bool = False) -> None:
        drawing = self._drawing
        if drawing is not None:
            done = self._first + drawing.number
            share = drawing.share * self._plan_s[done] if done < len(self._plan_s) else 0.0
            self._tally.done, self._tally.machine_s = done, float(self._plan_s[:done].sum() + share)
        now_s = self._client.link.now_s()
        if self._on_progress is not None and (force or now_s - self._reported_s >= PROGRESS_S):
            self._reported_s = now_s
            self._on_progress(self.progress)


def _nothing(_: object) -> None:
    """Nobody listens."""


def _is_begun(journal: Journal) -> bool:
    """Whether a driver has come as far as to move for the drawing that is resumed."""
    return FACTS in journal.facts or journal.on_paper != Proven()


def _origin_wanted() -> SketchRobotError:
    return SketchRobotError(
        ErrorCode.PLOTTER_ALARM,
        f'the GRBL controller was restarted and does not know where the pen is, nor has it switches to home by: '
        f'{ORIGIN_HINT}',
    )
