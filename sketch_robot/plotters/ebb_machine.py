"""An EBB as a machine that moves a pen: its motors, its servo, whether it knows its place, and stopping at once."""

from __future__ import annotations

import logging

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ebb_bounds import Bounds
from sketch_robot.plotters.ebb_client import WITH_LM, EbbClient
from sketch_robot.plotters.ebb_feed import POLL_S, EbbFeed
from sketch_robot.plotters.ebb_memory import EbbMemory, Memory
from sketch_robot.plotters.ebb_moves import Axes, Move
from sketch_robot.plotters.ebb_pace import EbbPace
from sketch_robot.plotters.ebb_pen import PenLift
from sketch_robot.plotters.serial_link import Link

POWER = 250  # of 1023: least voltage of the motors' supply, as AxiDraw's own software has it
LIFT_MS = 300  # to raise a pen that may be anywhere
REST_S = 5.0  # how much longer than expected it may take until nothing moves
_SERVO_PIN = 4  # RP4, which the board calls B1
_log = logging.getLogger(__name__)


class EbbMachine(EbbFeed):
    """See the module. One thread at a time.

    Args:
        link: to the board.
        axes: how the page lies.
        pen: how the servo lifts it.
        answer_s: how long an answer may take.
        pace: how much to tell in advance.

    Attributes:
        left_alone: the board had been left in the middle of a drawing when it was found, and still knows its place.
        found_down: whether its pen was down then.
        knows_place: whether its steps count from the page's origin.
        assumes_place: it was just switched on, and nobody has said that the pen was above the origin then.
    """

    def __init__(self, link: Link, axes: Axes, pen: PenLift, *, answer_s: float, pace: EbbPace) -> None:
        super().__init__(link, EbbClient(link, answer_s=answer_s), pace)
        self.axes, self._pen = axes, pen
        self.left_alone = self.found_down = self.knows_place = self.assumes_place = False
        self._memory, self._bounds = EbbMemory(self.client), Bounds()

    # ------------------------------------------------------------- coming and going
    def connect(self, *, low_level: bool) -> None:
        """Find the board, lift the pen, and find out whether it knows where that is.

        Args:
            low_level: move by `LM` where the firmware has it.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        client = self.client
        client.open(self._pace.depth)
        self._low_level = low_level and client.version >= WITH_LM
        self._forget()
        state = self._memory.read()
        known = state != Memory.NOTHING and self._memory.motors_held()
        self.rest()  # a queue that was left alone runs out
        self.left_alone = known and state == Memory.DRAWING
        self.found_down = self.left_alone and not client.pen_is_up()
        self._lift_now()
        self.knows_place = known
        self.assumes_place = False
        if known:
            self._memory.write(Memory.KNOWN)
            self.at = self.end = client.steps_for_certain()
            _log.info('%s: the pen is at (%.2f, %.2f) mm', self._link.port, *self.xy_mm)

    def say_drawing(self, drawing: bool) -> None:
        """Let the board know whether a drawing is under way, should it be left alone."""
        self._memory.write(Memory.DRAWING if drawing else Memory.KNOWN)
        self.left_alone = self.found_down = self.assumes_place = False

    def _lift_now(self) -> None:
        pen = self._pen
        for what, value in (
            (4, pen.pulse(pen.up_percent)),
            (5, pen.pulse(pen.down_percent)),
            (11, pen.rate(pen.raise_percent_s)),
            (12, pen.rate(pen.lower_percent_s)),
        ):
            self.client.settle(f'SC,{what},{value}')
        self.client.settle(f'SP,1,{LIFT_MS}')
        self.rest()

    def start_here(self, *, assumed: bool = False) -> None:
        """Switch the motors on and count from here: the pen is above the page's origin, or assumed to be."""
        self._forget()  # of what was there before, nothing can be proven any more
        for text in ('EM,1,1', 'CS'):
            self.client.settle(text)
        self._memory.write(Memory.KNOWN)
        self.rest()
        self.at = self.end = self.client.steps_for_certain()
        if self.at != (0, 0):
            raise self.client.talk.alarm('does not count its steps from zero')
        self.knows_place, self.assumes_place = True, assumed
        self.left_alone = self.found_down = False

    def leave(self, *, hold_motors: bool) -> None:
        """Lift the pen and give the port back; motors that are let go no longer know where they are."""
        try:
            self.client.settle(f'SP,1,{LIFT_MS}')
            if not hold_motors:
                self._memory.write(Memory.NOTHING)
                self.client.settle('EM,0,0')
        except SketchRobotError as error:
            _log.warning('%s: left as it is: %s', self._link.port, error.message)
        self.client.close()

    def check_power(self) -> None:
        """Refuse to go on while the motors' supply is not plugged in.

        Raises:
            SketchRobotError: PLOTTER_ALARM.
        """
        if self.client.supply() < POWER:
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM,
                f'the motors of the EBB at {self._link.port} have no power; plug in its supply, put the pen above the '
                "page's origin, and home it",
            )

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Where the pen was at the last look."""
        x, y = self.axes.mm(np.array(self.at))
        return float(x), float(y)

    @property
    def end_mm(self) -> tuple[float, float]:
        """Where the pen will be once all is done."""
        x, y = self.axes.mm(np.array(self.end))
        return float(x), float(y)

    # ------------------------------------------------------------- telling
    def keep_between(self, *corners_mm: tuple[float, float]) -> None:
        """From now on refuse moves that leave the box around these points and where the pen is now."""
        self._bounds.span(self.xy_mm, *corners_mm)

    def check_inside(self) -> None:
        """Refuse to go on from where no move should have led.

        Raises:
            SketchRobotError: PLOTTER_ALARM.
        """
        at = np.array(self.xy_mm)
        if not self._bounds.holds(at):
            raise self.client.talk.alarm(f'has its pen at ({at[0]:.1f}, {at[1]:.1f}) mm, where it was not sent')

    def slice_limits(self) -> dict[str, int]:
        """How long moves may be, for `cut`: short where many can wait."""
        return self._pace.slice_limits(self.client.depth, low_level=self._low_level)

    def move(self, move: Move, *, stroke: int = -1, from_mm: float = 0.0, to_mm: float = 0.0) -> None:
        """Queue a move; with a stroke, it draws so much of it. There must be room.

        Raises:
            Doubt: whether the board took it is unknown.
            SketchRobotError: INTERNAL, it would lead where `keep_between` forbids; PLOTTER_ALARM, the board refuses it.
        """
        xy = self.axes.mm(np.array(move.target))
        if not self._bounds.holds(xy):
            raise SketchRobotError(
                ErrorCode.INTERNAL, f'a move would leave the page for ({xy[0]:.2f}, {xy[1]:.2f}) mm; it was not made'
            )
        if (move.target[0] - self.end[0], move.target[1] - self.end[1]) != move.steps:
            raise SketchRobotError(ErrorCode.INTERNAL, f'a move of {move.steps} steps does not lead to {move.target}')
        self._tell(move.command(self._low_level), move.ms, move.target, stroke, from_mm, to_mm)

    def lift(self, seconds: float, *, stroke: int = -1) -> None:
        """Queue raising the pen; with a stroke, that one is all drawn then. As `move`."""
        ms = round(1000.0 * max(seconds, self._pen.least_s(self._pen.raise_percent_s)))
        self._tell(f'SP,1,{ms}', ms, self.end, stroke, lift=True)

    def drop(self, seconds: float) -> None:
        """Queue lowering the pen. As `move`."""
        ms = round(1000.0 * max(seconds, self._pen.least_s(self._pen.lower_percent_s)))
        self._tell(f'SP,0,{ms}', ms, self.end)

    @property
    def presses(self) -> bool:
        """Whether it draws lines of different widths."""
        return self._pen.presses

    def heights(self, pressure: np.ndarray) -> np.ndarray:
        """See `PenLift.pressed`."""
        return self._pen.pressed(pressure)

    def move_pen(self, percent: float, seconds: float = 0.0) -> None:
        """Queue moving the pen to a height, with some time to get there. As `move`."""
        ms = round(1000.0 * seconds)
        rate = self._pen.rate(self._pen.lower_percent_s)
        self._tell(f'S2,{self._pen.pulse(percent)},{_SERVO_PIN},{rate},{ms}', ms, self.end)

    # ------------------------------------------------------------- coming to rest
    def rest(self) -> None:
        """Wait until nothing moves any more, as after a stop.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it goes on and on.
        """
        deadline_s = self._link.now_s() + 0.001 * self._queue.ms + REST_S
        while self.client.status().running:
            if self._link.now_s() > deadline_s:
                raise self.client.talk.alarm('does not stop moving')
            self._link.read_line(POLL_S)

    # ------------------------------------------------------------- stopping
    def abort(self, lift_s: float) -> tuple[int, float] | None:
        """Stop where the pen is, at once, and lift it.

        Returns:
            How far which stroke is drawn: (stroke, mm); None: none was being drawn, or it is not certain how far.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; PLOTTER_ALARM, the board has restarted, or is not to be understood.
        """
        client = self.client
        ms = round(1000.0 * max(lift_s, self._pen.least_s(self._pen.raise_percent_s)))
        client.talk.blurt('ES', f'SP,1,{ms}')  # at once; the rest makes certain of it
        client.talk.sync()
        if self._memory.works and self._memory.read() == Memory.NOTHING:
            self.knows_place = False
            raise client.talk.restarted()
        client.ask('ES', 1, 5)  # firmware 2 tells also what it left undone
        client.settle(f'SP,1,{ms}')
        self.rest()
        self.at = client.steps_for_certain()
        drawn, where = self._queue.drawn(self.at), self._queue.where(self.at)
        lost = bool(self._queue) and where is None
        if lost and self.at == (0, 0) and not self._memory.works:
            self.knows_place = False
            raise client.talk.restarted()
        if lost:
            _log.warning('%s: the pen is at (%.2f, %.2f) mm, where it was not sent', self._link.port, *self.xy_mm)
        self._conclude(0 if where is None else where[0])
        self._forget()
        self.end = self.at
        return drawn

    def raise_pen(self) -> None:
        """Lift the pen as soon as the board can, whatever else there is; if it cannot be reached, say so in the log."""
        self._forget()
        try:
            self.client.open(self._pace.depth)
            self._lift_now()
            if self._memory.works and self._memory.read() == Memory.NOTHING:  # it has restarted
                self.knows_place = False
        except SketchRobotError as error:
            _log.warning('%s: the pen may be down: %s', self._link.port, error.message)
