"""Draws with a GRBL 1.1 controller.

What is on paper is known in two ways. The pen's lift waits for all motion before it, so the answer to the line after it
tells that the stroke was drawn, and where the machine is then proves it. Within a stroke the machine's position, as it
reports it, lies on the path that was sent. Both go to the journal.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, ClassVar

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.grbl.client import GrblClient
from sketch_robot.plotters.grbl.executor import GrblExecutor
from sketch_robot.plotters.grbl.interruptions import (
    AlarmError,
    Damaged,
    DoorOpen,
    HoldRequested,
    RestartError,
    held_up,
    too_noisy,
)
from sketch_robot.plotters.grbl.location import IN_MOTION, is_begun, journal_facts, note_facts
from sketch_robot.plotters.grbl.options import GrblOptions
from sketch_robot.plotters.grbl.program import GrblProgram
from sketch_robot.plotters.grbl.progress import GrblProgress
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Capability, Outcome, PlotterStatus, Progress, check_plan
from sketch_robot.plotters.progress import Proven, Remainder, remaining
from sketch_robot.plotters.registry import register_plotter
from sketch_robot.plotters.serial_link import Link, SerialLink
from sketch_robot.plotters.session import Stopped
from sketch_robot.plotters.session_plotter import SessionPlotter

_ORIGIN = Page(1.0, 1.0, 0.0)
_log = logging.getLogger(__name__)


@register_plotter('grbl', GrblOptions)
class GrblPlotter(SessionPlotter):
    """A machine with a GRBL controller; see the module.

    Args:
        options: what its file says.
        limits: how fast it moves without a drawing, and what its settings are compared with; None: as a light plotter.
        link: to a controller that is on no serial port.
    """

    CAPABILITIES: ClassVar[Capability] = (
        Capability.ORIGIN | Capability.JOG | Capability.PEN_HEIGHTS | Capability.CORRECTION | Capability.PROGRAM
    )
    JOGS_IN_ALARM = True

    def __init__(
        self, options: GrblOptions | None = None, limits: MachineLimits | None = None, *, link: Link | None = None
    ) -> None:
        options, self._limits = options or GrblOptions(), limits or MachineLimits()
        port = SerialLink(options.port, options.baud, machine='GRBL plotter')  # stays closed beside another link
        self._link: Link = port if link is None else link
        self._client = GrblClient(self._link, options, self._limits)
        super().__init__('GRBL plotter', self._link.wake, clock=self._link.now_s, port=port)
        self._executor = GrblExecutor(self._client, self._session, self._tell, recoveries=options.recoveries)
        self._checks, self._origin_is_set = options.check, options.origin_is_set
        self._rest: Remainder | None = None
        self._begun_s = 0.0

    # ------------------------------------------------------------- what it is
    def describe(self) -> dict[str, Any]:
        """What the controller says of itself."""
        controller = self._client.controller
        return {
            **super().describe(),
            'firmware': f'GRBL {controller.version}',
            'homes': controller.homes,
            'soft_limits': controller.limited,
            'position_known': self._client.location.known,
            'settings': {f'${number}': value for number, value in sorted(controller.settings.items())},
        }

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._executor.progress

    @property
    def knows_place(self) -> bool:
        """Whether `home` leads to the page's origin; not after a person was asked to set it, until they have."""
        return not self._client.location.wants_origin

    def origin_found_by_homing(self) -> tuple[float, float] | None:
        """Machine coordinates of the page's corner, of a machine that finds them again by homing; else None."""
        location = self._client.location
        if not (self._client.controller.homes and location.known):
            return None
        x, y = location.origin_mm
        return round(float(x), 3), round(float(y), 3)

    def program(self, plan: DrawingPlan) -> Iterator[bytes]:
        """The lines of a drawing as they are sent, without what is asked in between; needs no machine.

        Offsets that only the controller knows, as G54, are taken for 0.

        Raises:
            SketchRobotError: NOTHING_TO_DRAW, OFF_PAGE, as `draw`.
        """
        check_plan(plan)
        program = self._client.program(plan.page, plan.profile)
        drawing = GrblProgress(remaining(plan, Proven()), program, None)
        steps = (program.start(), drawing.steps(len(plan.strokes)), program.park())
        return (step.data for step in chain.from_iterable(steps))

    # ------------------------------------------------------------- of the driver
    def _connect(self) -> str:
        self._client.open()
        if self._origin_is_set:
            self._client.set_origin()
            self._origin_is_set = False  # it was, and need not be when it is connected again
        return ''

    def _release(self) -> None:
        self._client.close()

    def _home(self) -> None:
        client = self._client
        if client.can_home:
            client.home()
        else:
            client.locate()
            client.recover()
        client.location.begin_motion()
        self._executor.park(client.program(_ORIGIN, self._limits))

    def _move_pen_to(self, *, down: bool) -> None:
        if down:
            self._client.lower_pen()
        else:
            self._client.raise_pen()
        self._executor.pen_down = down

    def _set_origin(self) -> None:
        self._client.set_origin()

    def _jog(self, x_mm: float, y_mm: float) -> None:
        self._client.jog(x_mm, y_mm)

    def _move_pen(self, height: float) -> None:
        self._client.move_pen(height)

    def _begin(self, plan: DrawingPlan, journal: Journal | None) -> Remainder:
        """Know where the page is, how far an earlier run has come, and that the controller takes the program."""
        client, self._begun_s = self._client, self._clock()
        self._executor.drawing = None
        is_resumed = journal is not None and journal.is_resumed
        self._rest = rest = super()._begin(plan, journal)  # the journal tells what it knows from here on
        begun = journal if journal is not None and is_resumed and is_begun(journal) else None
        client.locate(journal_facts(begun))
        found, client.found = client.found, None
        drawing = GrblProgress(rest, client.program(plan.page, plan.profile), journal)
        if begun is not None and found is not None:
            on_path = drawing.found(found.report, found.feed, lookahead=client.controller.lines_ahead)
            if found.token == IN_MOTION and not on_path:  # it is not this drawing that it was at
                client.location.lose()
                client.locate()
                drawing = GrblProgress(rest, client.program(plan.page, plan.profile), journal)
        if begun is not None and client.was_left_moving and rest.plan.strokes:
            self._tell_twice(rest, drawing.program.piece_mm)
        self._executor.begin(drawing, plan)
        if self._checks and not drawing.finished:
            self._executor.check(drawing)
        note_facts(journal, client.location)
        return rest

    def _tell_twice(self, rest: Remainder, piece_mm: float) -> None:
        """Say how much may come twice: what a controller draws by itself, and then is reset, nobody knows."""
        ahead_mm = self._client.controller.lines_ahead * piece_mm
        _log.warning(
            'the controller has started anew since it drew; up to %.0f mm that it may have drawn by itself come twice',
            min(ahead_mm, rest.plan.strokes[0].length),  # the next stroke waits until this one is proven
        )

    def _draw_strokes(self, _start: int, end: int) -> None:
        assert self._executor.drawing is not None
        self._executor.draw(self._executor.drawing, end)

    def _look(self) -> None:
        self._executor.look()

    def _halt(self) -> None:
        if self._executor.drawing is not None:
            self._executor.halt(self._executor.drawing)

    def _park(self) -> None:
        self._client.location.begin_motion()
        self._executor.park(self._program)

    @property
    def _program(self) -> GrblProgram:
        drawing = self._executor.drawing
        return drawing.program if drawing is not None else self._client.program(_ORIGIN, self._limits)

    def _outcome(self, finished: bool) -> Outcome:
        seconds, drawing, rest = self._clock() - self._begun_s, self._executor.drawing, self._rest
        if finished:
            self._executor.finish()
        if drawing is None or rest is None:
            return Outcome(finished, rest.first if rest is not None else 0, 0.0, 0.0, 0, seconds)
        return Outcome(
            finished, rest.first + drawing.number, drawing.ink_mm, drawing.travel_mm, drawing.lifts, seconds
        )  # fmt: skip

    # ------------------------------------------------------------- ends
    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except HoldRequested as held:
            raise held_up(held) from held
        except Damaged as damage:
            raise too_noisy(self._link.port) from damage

    def _abort(self, error: BaseException) -> None:
        """Raise the pen if it can be; a machine that has lost its place has to be homed."""
        if isinstance(error, SketchRobotError) and error.code == ErrorCode.PLOTTER_OFFLINE:
            if not self._why_lost():
                self._client.abandon()
            return
        drawing, cause = self._executor.drawing, error.__cause__
        try:
            if isinstance(error, AlarmError | RestartError):
                self._client.make_safe(keep_position=isinstance(error, AlarmError) and not error.loses_position)
            elif isinstance(cause, HoldRequested | Damaged):
                if not isinstance(cause, DoorOpen):  # while it is, no line is taken
                    self._client.make_safe(keep_position=True)
            elif drawing is not None:  # of the journal, or of `on_progress`
                self._executor.halt(drawing, quietly=True)
            self._executor.pen_down = False
        except (SketchRobotError, Damaged, HoldRequested, Stopped) as failure:  # the first error is the one to tell
            _log.warning('the pen could not be raised: %s', failure)

    def _leave(self, status: PlotterStatus) -> None:
        if status == PlotterStatus.IDLE:
            self._client.raise_pen()
