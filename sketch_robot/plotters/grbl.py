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
from itertools import chain
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.plotters.checks import check_plan
from sketch_robot.plotters.grbl_check import check_program
from sketch_robot.plotters.grbl_client import GrblClient
from sketch_robot.plotters.grbl_drawing import GrblDrawing
from sketch_robot.plotters.grbl_events import (
    AlarmError,
    Damaged,
    DoorOpen,
    Held,
    RestartError,
    held_up,
    too_noisy,
)
from sketch_robot.plotters.grbl_hand import GrblHand
from sketch_robot.plotters.grbl_loop import draw_all
from sketch_robot.plotters.grbl_options import GrblOptions, make_pen, page_matrix
from sketch_robot.plotters.grbl_setup import Controller
from sketch_robot.plotters.grbl_whereabouts import is_begun, locate_for, note_machine, origin_wanted
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.remainder import Proven, remaining
from sketch_robot.plotters.serial_link import Link, SerialLink
from sketch_robot.plotters.session import Session, Stopped

_RESTING = (PlotterStatus.IDLE, PlotterStatus.ALARM)
_log = logging.getLogger(__name__)


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
        self._hand = GrblHand(self._client, self._session)

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
        return self._hand.progress

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

    def _locate(self) -> None:
        """Know where the pen is, and go to the page's origin."""
        client = self._client
        if client.can_home():
            client.home()
        elif not client.located:
            raise origin_wanted()
        else:
            client.recover()
        self._hand.park(client.program(Page(1.0, 1.0, 0.0), client.options.profile))

    def set_origin(self) -> None:
        """Say that the pen stands over the page's lower left corner; ends an alarm."""
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM), self._guarded():
            self._client.set_origin()

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is."""
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE), self._guarded():
            self._client.set_pen(down)
            self._hand.pen_down = down

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
            self._hand.on_progress = on_progress
            with self._guarded():
                resumed = journal is not None and journal.is_resumed
                remainder = journal.begin(plan) if journal is not None else remaining(plan, Proven())
                begun = journal if journal is not None and resumed and is_begun(journal) else None
                locate_for(begun, self._client)
                program = self._client.program(plan.page, plan.profile)
                drawing = GrblDrawing(remainder, program, journal)
                self._hand.begin(drawing, plan)
                found, self._client.found = self._client.found, None
                if begun is not None and found is not None:
                    drawing.found(found.report, found.feed, lookahead=self._client.controller.lines_ahead)
                if self._check and not drawing.finished:
                    check_program(drawing, self._client, self._session)
                note_machine(journal, self._client)
                finished = draw_all(drawing, self._client, self._hand, recoveries=self._recoveries)
                self._hand.park(drawing.program)
            if finished:
                self._hand.finish()
                if journal is not None:
                    journal.finish()
            self._hand.tell(force=True)
            return Outcome(
                finished,
                remainder.first + drawing.number,
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

    # ------------------------------------------------------------- ends
    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever ends a movement, the pen is up if it can be, and a port that is gone is given back."""
        try:
            yield
        except (AlarmError, RestartError) as error:
            self._client.make_safe(keep_position=isinstance(error, AlarmError) and not error.loses_position)
            self._hand.pen_down = False
            raise
        except Held as held:
            if not isinstance(held, DoorOpen):  # while it is, no line is taken
                self._client.make_safe(keep_position=True)
            raise held_up(held) from held
        except Damaged as damage:
            _log.warning('%s', damage)
            self._client.make_safe(keep_position=True)
            raise too_noisy(self._client.link.port) from damage
        except SketchRobotError as error:
            if error.code == ErrorCode.PLOTTER_OFFLINE:
                self._client.close()
            raise
        except Stopped:
            _log.info('stopped before it drew')
