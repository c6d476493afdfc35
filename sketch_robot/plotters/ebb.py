"""An AxiDraw, or another machine with an EBB: moves by the time model, what is on paper proven by its own steps.

A movement is cut into slices of some milliseconds, so that little is ever queued. A pause ends the queue with a braking
slice or two on the line itself; when it is over, the stroke goes on from the very step. Whenever the board is not
understood, or its motors are not where they should be, it is stopped, the pen lifted, and the motors asked where they
are: from there the drawing goes on, as often as that leads anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.plotters.checks import check_plan
from sketch_robot.plotters.ebb_client import ANSWER_S
from sketch_robot.plotters.ebb_drawing import draw_and_park
from sketch_robot.plotters.ebb_hand import EbbHand
from sketch_robot.plotters.ebb_machine import EbbMachine
from sketch_robot.plotters.ebb_moves import STEPS_PER_MM, Axes
from sketch_robot.plotters.ebb_pace import AHEAD_MS, EbbPace
from sketch_robot.plotters.ebb_pen import PenLift
from sketch_robot.plotters.ebb_record import EbbRecord, begin_record
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.serial_link import Link, SerialLink
from sketch_robot.plotters.session import Session, Stopped

DEVICE_ID = '04d8:fd92'  # of every EBB
_log = logging.getLogger(__name__)


class EbbPlotter(Plotter):
    """See the module.

    Args:
        port: a device or a device id; see `ports.port_of`.
        axes: which way the page's x and y run on the machine, as ['y', 'x'] or ['x', '-y']; see `Axes.of`.
        correction: 2 x 2 matrix from page mm to machine mm along those directions; measured scale and squareness.
        steps_per_mm: of the machine's own axes, at 1/16 steps.
        pen: heights and speeds of the servo; the fields of `PenLift`.
        hold_motors: whether they keep their current, and their place, when the machine is given back.
        low_level: move by `LM` where the firmware has it.
        ahead_ms: how much is told in advance: a pause waits so long before it brakes, and the pen stops when the
            computer is later than most of that; 20 to 250.
        profile: how fast it goes home without a drawing; None: as the last drawing.
        origin_is_set: the pen stands above the page's lower left corner when it is connected.
        link: to a board that is on no serial port.
        answer_s: how long the board may take to answer.

    Raises:
        SketchRobotError: BAD_GOAL, an option is unusable.
    """

    def __init__(
        self,
        *,
        port: str = DEVICE_ID,
        axes: Sequence[str] = ('y', 'x'),
        correction: Sequence[Sequence[float]] = ((1.0, 0.0), (0.0, 1.0)),
        steps_per_mm: float = STEPS_PER_MM,
        pen: Mapping[str, float] | None = None,
        hold_motors: bool = True,
        low_level: bool = True,
        ahead_ms: int = AHEAD_MS,
        profile: PenProfile | None = None,
        origin_is_set: bool = False,
        link: Link | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        try:
            lies = Axes.of(axes, correction, steps_per_mm)
            pen_lift = PenLift(**(pen or {}))
        except (TypeError, ValueError) as error:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the EBB takes no such option: {error}') from error
        if not 20 <= ahead_ms <= 250:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{ahead_ms} ms ahead are not possible; take 20 to 250')
        self._link = link if link is not None else SerialLink(port, machine='EBB')
        self._machine = EbbMachine(self._link, lies, pen_lift, answer_s=answer_s, pace=EbbPace(ahead_ms))
        self._session = Session('EBB', self._link.wake)
        self._hand = EbbHand(self._machine, self._link, self._session)
        self._motion, self._origin_is_set = profile, origin_is_set
        self._hold_motors, self._low_level = hold_motors, low_level

    # ------------------------------------------------------------- what it is doing
    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing now."""
        return self._session.status

    @property
    def reason(self) -> str:
        """Why it is paused, in alarm or offline; '' when there is nothing to say."""
        return self._session.reason

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._hand.record.progress

    @property
    def firmware(self) -> str:
        """The version of the board's firmware, as '3.0.3'; '0.0.0' before it was connected."""
        return '.'.join(map(str, self._machine.client.version))

    @property
    def knows_place(self) -> bool:
        """Whether the board has kept, since it was switched on, where the page's origin is."""
        return self._machine.knows_place

    # ------------------------------------------------------------- commands
    def connect(self) -> None:
        """Find the board, lift the pen; afterwards it is IDLE, or in ALARM when it lost its place meanwhile.

        A board that was switched on since anybody last used it takes the pen to be above the page's origin.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; PLOTTER_ALARM, the board does not do as it is told.
        """
        if self._session.status != PlotterStatus.OFFLINE:
            return
        had_place, lost = self._machine.knows_place, ''
        try:
            self._machine.connect(low_level=self._low_level)
            if self._origin_is_set:
                self._machine.start_here()
                self._origin_is_set = False  # it was
            elif not self._machine.knows_place:
                if had_place:
                    lost = self._machine.client.talk.restarted().message
                else:
                    self._machine.start_here(assumed=True)
        except SketchRobotError:
            self._link.close()
            raise
        self._hand.record.pen_down = False
        self._session.set_status(PlotterStatus.ALARM if lost else PlotterStatus.IDLE, lost)

    def home(self) -> None:
        """Lift the pen and go to the page's origin; a machine that lost its place takes the pen to be there.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM), self._ending():
            self._hand.begin(self._motion or self._hand.profile, EbbRecord(self._machine))
            if not self._machine.knows_place:
                self._machine.raise_pen()
                self._machine.start_here()
                return
            self._machine.keep_between(HOME_MM)
            self._machine.assumes_place = False
            try:
                self._hand.park()
            except Stopped:
                _log.info('homing was stopped')

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        self._set_up(self._hand.drop if down else self._hand.lift)

    def set_origin(self) -> None:
        """Say that the pen stands above the page's lower left corner; ends an alarm.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM), self._ending():
            self._machine.raise_pen()
            self._hand.record.pen_down = False
            self._machine.start_here()

    def jog(self, x_mm: float, y_mm: float) -> None:
        """Move the lifted pen by so much, wherever that leads: for setting the machine up.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        to_mm = self._machine.end_mm[0] + x_mm, self._machine.end_mm[1] + y_mm

        def go() -> None:
            self._hand.lift()
            self._hand.travel(to_mm)

        self._set_up(go, to_mm)

    def move_pen(self, percent: float) -> None:
        """Move the pen to a height of the servo's range, for setting the machine up.

        Raises:
            SketchRobotError: BAD_GOAL, it is no height; PLOTTER_OFFLINE, PLOTTER_ALARM; BUSY, the machine is moving.
        """
        if not 0.0 <= percent <= 100.0:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a pen height of {percent:g} % is not possible; take 0 to 100')
        self._set_up(lambda: self._hand.move_pen(percent))

    def _set_up(self, action: Callable[[], None], to_mm: tuple[float, float] = (0.0, 0.0)) -> None:
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE), self._ending():
            self._hand.begin(self._motion or self._hand.profile, EbbRecord(self._machine))
            self._machine.keep_between(to_mm)
            try:
                self._hand.persist(action)
            except Stopped:
                _log.info('moving the pen was stopped')

    def draw(
        self,
        plan: DrawingPlan,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        journal: Journal | None = None,
    ) -> Outcome:
        """Draw the whole plan, or what its journal has left of it; then lift the pen and go home; see `Plotter.draw`.

        An error of `on_progress` ends the drawing with the pen up where it is, and is raised.

        Raises:
            SketchRobotError: OFF_PAGE, NOTHING_TO_DRAW, PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY: before anything moves;
                PLOTTER_ALARM and PLOTTER_OFFLINE: also in the middle, with the pen up as far as it can be reached.
        """
        check_plan(plan)
        with self._session.moving(PlotterStatus.DRAWING, PlotterStatus.IDLE), self._ending():
            machine = self._machine
            machine.check_power()
            if journal is not None and journal.is_resumed and machine.assumes_place:
                raise machine.client.talk.restarted()
            rest = begin_record(plan, journal, machine)
            record = EbbRecord(machine, rest, journal, on_progress)
            self._hand.begin(plan.profile, record)
            machine.keep_between(HOME_MM, (plan.page.width_mm, plan.page.height_mm))
            machine.say_drawing(True)
            begun_s = self._link.now_s()
            finished = draw_and_park(rest, self._hand, self._session)
            machine.say_drawing(False)
            if finished and journal is not None:
                journal.finish()
            machine_s = self._link.now_s() - begun_s - self._hand.paused_s
            return Outcome(finished, record.proven.strokes, record.ink_mm, record.travel_mm, record.lifts, machine_s)

    def pause(self) -> None:
        """Come to rest on the line, lift the pen and stand still until `resume`. Without a drawing it does nothing."""
        self._session.want_pause()

    def resume(self) -> None:
        """Go on drawing where `pause` stopped."""
        self._session.want_resume()

    def stop(self) -> None:
        """End the drawing: lift the pen at once and park. Without a movement, or while parking, it does nothing."""
        self._session.want_stop()

    def close(self) -> None:
        """Lift the pen and be OFFLINE. A drawing ends first, without parking; from its own `on_progress`, right after.

        Closing twice is harmless.
        """
        if self._session.want_close() and self._session.status != PlotterStatus.OFFLINE:
            self._machine.leave(hold_motors=self._hold_motors)
            self._session.set_status(PlotterStatus.OFFLINE)

    # ------------------------------------------------------------- ends
    @contextmanager
    def _ending(self) -> Iterator[None]:
        """However it ends: with the pen up as far as the machine can be reached, and what is drawn recorded."""
        try:
            yield
        except SketchRobotError as error:
            if error.code == ErrorCode.PLOTTER_OFFLINE:
                self._be_lost()
            else:
                self._give_up()
            raise
        except BaseException:
            self._give_up()
            raise
        finally:
            if self._session.close_wanted:
                self._machine.leave(hold_motors=self._hold_motors)

    def _give_up(self) -> None:
        """Stop where the pen is and lift it, whatever else is wrong."""
        machine, record = self._machine, self._hand.record
        try:
            if drawn := machine.abort(self._hand.profile.lifting_s):
                record.drawn(*drawn)
            record.flush()
            machine.say_drawing(False)
        except SketchRobotError as error:
            _log.warning('the EBB is left as it is: %s', error.message)
            machine.raise_pen()
        record.pen_down = False

    def _be_lost(self) -> None:
        """The machine cannot be reached; record what it is known to have drawn."""
        record = self._hand.record
        record.pen_down = False  # as far as anybody knows
        try:
            record.flush()
        except SketchRobotError as error:
            _log.warning('%s', error.message)
        self._link.close()
