"""What all drivers have in common: a plotter by a session, to which a driver adds its own machine.

`Session` says who moves and what others wish; here is what follows from it for every machine: which states allow what,
pauses and pen changes, progress, parking, and that whatever ends a movement the pen is raised and the port given back.
"""

from __future__ import annotations

import logging
import math
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Capability, Outcome, Plotter, PlotterStatus, Progress, check_plan
from sketch_robot.plotters.progress import Remainder
from sketch_robot.plotters.serial_link import SerialLink
from sketch_robot.plotters.session import Session, Stopped, pen_changes, pen_request
from sketch_robot.validation import FINITE, fits

PROGRESS_S = 0.05  # how often progress is told at most, unless something was finished
LONGEST_JOG_MM = 1000.0
_RESTING = (PlotterStatus.IDLE, PlotterStatus.ALARM)
_log = logging.getLogger(__name__)


class OfCallerError(Exception):
    """Carries an error of `on_progress`, which is none of the machine, through the driver to where it is raised."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class SessionPlotter(Plotter):
    """A plotter by a session. A driver fills in the methods below `Of the driver`, all called by the thread that moves.

    They may raise Stopped where the session's `meet` does, and SketchRobotError: after PLOTTER_OFFLINE the machine is
    OFFLINE and released, after PLOTTER_ALARM in ALARM, after any other IDLE.

    Args:
        machine: what messages call it.
        wake: lets the thread that moves look at the wishes now rather than soon.
        clock: seconds, by which progress is told.
        port: asked at rest whether the machine is still plugged in; None: nobody can tell.
    """

    JOGS_IN_ALARM = False  # whether a machine in alarm can be jogged, as to bring the pen to the page's corner

    def __init__(
        self,
        machine: str,
        wake: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        port: SerialLink | None = None,
    ) -> None:
        self._session = Session(machine, wake)
        self._clock, self._port = clock, port
        self._on_progress: Callable[[Progress], None] | None = None
        self._told_s = -math.inf
        self._is_open = False

    # ------------------------------------------------------------- of the driver
    @abstractmethod
    def _connect(self) -> str:
        """Open the machine, with the pen up. Returns why it is in ALARM; '': it is IDLE. An error calls `_release`."""

    @abstractmethod
    def _release(self) -> None:
        """Give the port back, also of a machine that is lost. Called once after each `_connect`."""

    @abstractmethod
    def _home(self) -> None:
        """Lift the pen and go to the page's origin; a machine in alarm is free of it then."""

    @abstractmethod
    def _move_pen_to(self, *, down: bool) -> None:
        """Lower or raise the pen where it is, and wait until it is there."""

    def _set_origin(self) -> None:
        """Raise the pen and count from here as from the page's corner. Of those with `Capability.ORIGIN`."""
        raise NotImplementedError

    def _jog(self, x_mm: float, y_mm: float) -> None:
        """Raise the pen and move by so much along the page's axes. Of those with `Capability.JOG`."""
        raise NotImplementedError

    def _move_pen(self, height: float) -> None:
        """Move the pen to a height, which is finite. Of those with `Capability.PEN_HEIGHTS`."""
        raise NotImplementedError

    def _begin(self, plan: DrawingPlan, journal: Journal | None) -> Remainder:
        """Get ready to draw, before the first move, and tell what is left: a journal is begun here.

        A driver that finds its machine beyond what the journal knows tells it so first.
        """
        return Remainder(plan) if journal is None else journal.begin(plan)

    @abstractmethod
    def _draw_strokes(self, start: int, end: int) -> None:
        """Draw strokes [start, end) of what `_begin` has returned, all of one pen, and raise the pen.

        Returns when all of it is on paper and proven. A pause is a matter of the driver: where `pause_wanted` of the
        session says so it brakes, raises the pen and calls `_stand_paused`; then it goes on.
        """

    def _await_pen(self, request: str) -> None:
        """Let a person put in another pen: go home, and stand paused until they have."""
        self._park()
        self._stand_paused(request)

    @abstractmethod
    def _look(self) -> None:
        """Wait a little, until woken, while standing paused; the machine may be asked how it is."""

    @abstractmethod
    def _halt(self) -> None:
        """After a stop: raise the pen where it is, at once."""

    @abstractmethod
    def _park(self) -> None:
        """Go to the page's origin with the pen up, and wait until it is there."""

    @abstractmethod
    def _outcome(self, finished: bool) -> Outcome:
        """What has become of the drawing; `progress` then says so, too: all of it is done, or it stays where it is."""

    def _abort(self, error: BaseException) -> None:
        """Something ends a movement that is no stop: raise the pen, as far as the machine can be reached.

        Must not raise; what was drawn is told to the journal as far as it is proven.
        """

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what a driver raises among its own into errors for people, around every movement and after `_abort`."""
        yield

    def _leave(self, status: PlotterStatus) -> None:
        """Raise the pen before the port is given back; of a machine that is IDLE or in ALARM."""

    def _why_lost(self) -> str:
        """Whether a machine was unplugged, asked of the system only: why, for people; '': it is there."""
        return '' if self._port is None else self._port.why_lost()

    # ------------------------------------------------------------- what it is doing
    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing now; at rest too it is noticed when it was unplugged."""
        if self._session.status in _RESTING and (why := self._why_lost()):
            self._session.set_status(PlotterStatus.OFFLINE, why)
        return self._session.status

    @property
    def reason(self) -> str:
        """Why it is PAUSED, in ALARM or OFFLINE, for a person; '' when there is nothing to say."""
        return self._session.reason

    # ------------------------------------------------------------- commands
    def connect(self) -> None:
        """Open the machine; see `Plotter.connect`. One that has lost its place since is in ALARM afterwards."""
        if self.status != PlotterStatus.OFFLINE:
            return
        self._give_back()  # one that was lost at rest is open still
        self._is_open = True
        try:
            with self._translated():
                alarm = self._connect()
        except BaseException:
            self._give_back()
            raise
        self._session.set_status(PlotterStatus.ALARM if alarm else PlotterStatus.IDLE, alarm)

    def home(self) -> None:
        """Lift the pen and go to the page's origin; ends an alarm."""
        with self._errand(*_RESTING):
            self._home()

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is."""
        with self._errand(PlotterStatus.IDLE):
            self._move_pen_to(down=down)

    def set_origin(self) -> None:
        """Say that the pen stands above the page's lower left corner; ends an alarm."""
        if Capability.ORIGIN not in self.capabilities:
            return super().set_origin()
        with self._errand(*_RESTING):
            self._set_origin()
        return None

    def jog(self, x_mm: float, y_mm: float) -> None:
        """Move the lifted pen by so much along the page's axes, wherever that leads."""
        if Capability.JOG not in self.capabilities:
            return super().jog(x_mm, y_mm)
        if not max(abs(x_mm), abs(y_mm)) <= LONGEST_JOG_MM:  # nor a NaN
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'a jog by ({x_mm:g}, {y_mm:g}) mm is too far; {LONGEST_JOG_MM:g} at most'
            )
        allowed = _RESTING if self.JOGS_IN_ALARM else (PlotterStatus.IDLE,)
        with self._errand(*allowed, keep_alarm=True):
            self._jog(x_mm, y_mm)
        return None

    def move_pen(self, height: float) -> None:
        """Move the pen to a height, in the unit of the option `pen`."""
        if Capability.PEN_HEIGHTS not in self.capabilities:
            return super().move_pen(height)
        if not fits(height, FINITE):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a pen height of {height:g} is not possible')
        with self._errand(PlotterStatus.IDLE):
            self._move_pen(height)
        return None

    def pause(self) -> None:
        """Come to rest, lift the pen and stand still until `resume`. Without a drawing it does nothing."""
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
        if not self._session.want_close():
            return
        before = self.status
        if before in _RESTING:
            with self._session.moving(PlotterStatus.PARKING, *_RESTING):
                self._leave_quietly(before)
        self._give_back()
        if self._session.status != PlotterStatus.OFFLINE:
            self._session.set_status(PlotterStatus.OFFLINE)

    # ------------------------------------------------------------- drawing
    def draw(
        self,
        plan: DrawingPlan,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        journal: Journal | None = None,
    ) -> Outcome:
        """Draw the whole plan, or what its journal has left of it; then lift the pen and go home; see `Plotter.draw`.

        An error of `on_progress` ends the drawing with the pen up where it is, and is raised.
        """
        check_plan(plan)
        try:
            with self._moving(PlotterStatus.DRAWING, PlotterStatus.IDLE):
                self._on_progress, self._told_s = on_progress, -math.inf
                finished = self._draw_and_park(plan, journal)
                if finished and journal is not None:
                    journal.finish()
                outcome = self._outcome(finished)
                self._tell(always=True)
                return outcome
        except OfCallerError as carried:
            raise carried.error from None
        finally:
            self._on_progress = None

    def _draw_and_park(self, plan: DrawingPlan, journal: Journal | None) -> bool:
        """Draw what is left; whether all of it was drawn."""
        try:
            rest = self._begin(plan, journal)
        except Stopped:  # as while it homed before; nothing is drawn
            return False
        changes = pen_changes(rest.plan, rest.first)
        begins = [number for number, pen in enumerate(changes) if pen or number == 0]  # none, when nothing is left
        finished = True
        try:
            self._tell(always=True)
            for start, end in pairwise([*begins, len(changes)]):
                self._session.meet()
                if changes[start]:
                    self._await_pen(pen_request(rest.plan, changes[start]))
                self._draw_strokes(start, end)
        except Stopped:
            finished = False
            with suppress(Stopped):
                self._halt()
        if self._session.close_wanted:
            return False
        self._session.set_status(PlotterStatus.PARKING)  # from here on nobody can ask for a pause or a stop
        self._session.forget_wishes()
        try:
            self._park()
        except Stopped:  # closed
            return False
        return finished

    def _stand_paused(self, reason: str = '') -> None:
        """Stand still, with the pen up, until somebody resumes; with a reason, nobody needs to have asked for it.

        Raises:
            Stopped: on request.
        """
        self._session.stand_paused(self._look, reason)

    def _tell(self, *, always: bool = False) -> None:
        """Tell `on_progress` how the drawing stands, if that was not just done."""
        if self._on_progress is None or not (always or self._clock() - self._told_s >= PROGRESS_S):
            return
        self._told_s = self._clock()
        try:
            self._on_progress(self.progress)
        except Exception as error:
            raise OfCallerError(error) from error

    # ------------------------------------------------------------- ends
    @contextmanager
    def _moving(self, status: PlotterStatus, *allowed: PlotterStatus, keep_alarm: bool = False) -> Iterator[None]:
        """Be the thread that moves; however that ends, the pen is up, and what was closed meanwhile is given back."""
        with self._session.moving(status, *allowed, keep_alarm=keep_alarm):
            try:
                with self._translated():
                    yield
            except Stopped:
                raise
            except BaseException as error:
                self._abort(error)
                if isinstance(error, SketchRobotError) and error.code == ErrorCode.PLOTTER_OFFLINE:
                    self._give_back()
                raise
            finally:
                if self._session.close_wanted and self._is_open:
                    self._leave_quietly(PlotterStatus.IDLE)
                    self._give_back()

    @contextmanager
    def _errand(self, *allowed: PlotterStatus, keep_alarm: bool = False) -> Iterator[None]:
        """A movement that is no drawing; a stop ends it, and nothing is wrong then."""
        try:
            with self._moving(PlotterStatus.HOMING, *allowed, keep_alarm=keep_alarm):
                yield
        except Stopped:
            _log.info('a movement was stopped')

    def _give_back(self) -> None:
        if self._is_open:
            self._is_open = False
            self._release()

    def _leave_quietly(self, status: PlotterStatus) -> None:
        try:
            with self._translated():
                self._leave(status)
        except (SketchRobotError, Stopped) as error:
            _log.warning('the pen could not be raised: %s', error)
