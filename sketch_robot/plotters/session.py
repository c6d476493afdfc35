"""Who moves a machine, and what others wish of it meanwhile.

One thread moves: that of `draw` or `home`. The others only leave it a wish (pause, resume, stop, close), which it meets
between two steps; so nobody else ever touches the machine while it moves.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.plotter import PlotterStatus

_MOVING = (PlotterStatus.HOMING, PlotterStatus.DRAWING, PlotterStatus.PAUSED, PlotterStatus.PARKING)
_STOPPABLE = (PlotterStatus.DRAWING, PlotterStatus.PAUSED, PlotterStatus.HOMING)
_log = logging.getLogger(__name__)


class Stopped(Exception):  # noqa: N818  an event, not an error
    """`stop` or `close` was called."""


class PauseWanted(Exception):  # noqa: N818  an event
    """`pause` was called."""


class Session:
    """The state of a driver; any thread may look at it and leave wishes.

    Args:
        machine: what messages call it.
        wake: lets the thread that moves look at the wishes now rather than soon.
    """

    def __init__(self, machine: str, wake: Callable[[], None]) -> None:
        self._machine, self._wake = machine, wake
        self._changed = threading.Condition()
        self._status = PlotterStatus.OFFLINE
        self._reason = ''
        self._mover: int | None = None
        self._stop = self._pause = self._close = False
        self._pause_reason = ''

    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing."""
        return self._status

    @property
    def reason(self) -> str:
        """Why it is PAUSED, in ALARM or OFFLINE, for a person; '' when there is nothing to say."""
        return self._reason

    @property
    def pause_wanted(self) -> bool:
        """Whether the machine should stand still."""
        return self._pause

    @property
    def stop_wanted(self) -> bool:
        """Whether the movement should end."""
        return self._stop or self._close

    @property
    def close_wanted(self) -> bool:
        """Whether the machine is to be given back after the movement."""
        return self._close

    # ------------------------------------------------------------- wishes, from any thread
    def want_pause(self, reason: str = 'paused on request') -> None:
        """Stand still until `want_resume`. Without a drawing it does nothing."""
        with self._changed:
            if self._status == PlotterStatus.DRAWING and not self._pause:
                self._pause, self._pause_reason = True, reason
        self._wake()

    def want_resume(self) -> None:
        """Go on."""
        with self._changed:
            self._pause = False
            self._changed.notify_all()
        self._wake()

    def want_stop(self) -> None:
        """End the movement. Without one, or while parking, it does nothing."""
        with self._changed:
            if self._status in _STOPPABLE:
                self._stop = True
                self._changed.notify_all()
        self._wake()

    def want_close(self) -> bool:
        """End every movement and wait for that; False: asked by the thread that moves, which closes when it is done."""
        with self._changed:
            while self._status in _MOVING:
                self._close = True
                self._changed.notify_all()
                self._wake()
                if self._mover == threading.get_ident():
                    return False
                self._changed.wait(0.5)  # a wake can be too early to be noticed
        return True

    # ------------------------------------------------------------- for the thread that moves
    def set_status(self, status: PlotterStatus, reason: str = '') -> None:
        """Say what the machine is doing, and why."""
        with self._changed:
            self._status, self._reason = status, reason
            self._changed.notify_all()

    def check(self, *allowed: PlotterStatus) -> None:
        """Refuse what the machine's state does not allow.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY.
        """
        if self._status in allowed:
            return
        if self._status == PlotterStatus.OFFLINE:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'the {self._machine} is not connected; connect it first')
        if self._status == PlotterStatus.ALARM:
            why = f': {self._reason}' if self._reason else '; home it first'  # a reason says what to do
            raise SketchRobotError(ErrorCode.PLOTTER_ALARM, f'the {self._machine} is in alarm{why}')
        raise SketchRobotError(ErrorCode.BUSY, f'the {self._machine} is {self._status.name.lower()}')

    @contextmanager
    def moving(self, status: PlotterStatus, *allowed: PlotterStatus, keep_alarm: bool = False) -> Iterator[None]:
        """Be the thread that moves. Afterwards the machine is IDLE; OFFLINE or in ALARM if such an error ends it.

        Args:
            status: while it moves.
            allowed: what the machine must be doing before.
            keep_alarm: whether an alarm lasts: the movement does not end it.

        Raises:
            SketchRobotError: as `check`.
        """
        with self._changed:
            self.check(*allowed)
            keeps = keep_alarm and self._status == PlotterStatus.ALARM
            after, reason = (self._status, self._reason) if keeps else (PlotterStatus.IDLE, '')
            self._status, self._reason, self._mover = status, '', threading.get_ident()
            self._stop = self._pause = self._close = False
        try:
            yield
        except SketchRobotError as error:
            states = {ErrorCode.PLOTTER_OFFLINE: PlotterStatus.OFFLINE, ErrorCode.PLOTTER_ALARM: PlotterStatus.ALARM}
            after = states.get(error.code, after)
            reason = error.message if error.code in states else reason
            raise
        finally:
            with self._changed:
                self._status = PlotterStatus.OFFLINE if self._close else after
                self._reason, self._mover = reason, None
                self._changed.notify_all()

    def meet(self) -> None:
        """End here if that is wished.

        Raises:
            Stopped: it is.
        """
        if self._stop or self._close:
            raise Stopped

    def forget_wishes(self) -> None:
        """From here on there is nothing left to stop or pause, as when parking; a wish to close stays."""
        with self._changed:
            self._stop = self._pause = False

    def stand_paused(self, look: Callable[[], None], reason: str = '') -> None:
        """Stand still until somebody resumes.

        Args:
            look: called over and over; it waits a little, until woken, and may ask the machine how it is.
            reason: why; given, nobody needs to have asked for the pause.

        Raises:
            Stopped: on request.
        """
        with self._changed:
            self._pause = self._pause or bool(reason)
            self._status, self._reason = PlotterStatus.PAUSED, reason or self._pause_reason
        _log.info('%s: %s', self._machine, self._reason)
        while True:
            look()
            with self._changed:
                if self._stop or self._close:
                    raise Stopped
                if not self._pause:
                    self._status, self._reason = PlotterStatus.DRAWING, ''
                    return


def pen_changes(plan: DrawingPlan, first: int = 0) -> list[str]:
    """Which pen to ask for before each stroke: its name, or '' where the right one is in the machine.

    Args:
        plan: strokes of one pen are contiguous.
        first: the number that the plan's first stroke has in the whole drawing. The first pen of all is in the machine
            already; what is in it when a drawing is resumed, nobody knows.
    """
    changes = []
    held = plan.strokes[0].pen if plan.strokes and first == 0 else ''
    for stroke in plan.strokes:
        changes.append(stroke.pen if stroke.pen != held else '')
        held = stroke.pen
    return changes


def pen_request(plan: DrawingPlan, name: str) -> str:
    """How to ask a person for a pen."""
    pen = next((pen for pen in plan.pens if pen.name == name), None)
    look = f' ({pen.colour}, {pen.width_mm:g} mm)' if pen is not None else ''
    return f'put in the pen {name!r}{look}, then resume'
