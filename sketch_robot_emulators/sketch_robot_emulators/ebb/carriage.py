"""What an emulated EBB moves: motors that count their steps, a servo, a pen on paper, in time that is handed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sketch_robot_emulators.ebb.motion import TICKS_PER_MS, Job, Stepper
from sketch_robot_emulators.ink import Page, PenTrace

STEPS_PER_MM = 80.0  # along an AxiDraw's own axes
FRAME_MS = 24  # how often the board pulses the servo, and moves its aim by one rate
SUPPLY = 300  # of 1023, as QC tells of 9 V
LEAST_SUPPLY = 200  # with which the motors turn
SERVO_S = 60.0  # without a command, until the servo is let go
SERVO_TIMES_OUT = (2, 6, 0)  # the firmware from which it is
COUNTS_FROM_EM = (2, 6, 2)  # the firmware from which EM sets the counters to zero


class Axes(Protocol):
    """How a page lies on the machine."""

    def mm(self, steps: np.ndarray) -> np.ndarray:
        """Where the pen is in the page's frame: (2,) steps of both motors -> (2,) mm."""


class AxiDrawAxes:
    """A page in portrait at an AxiDraw's home corner: its x along the machine's y, its y along the machine's x."""

    def mm(self, steps: np.ndarray) -> np.ndarray:
        """As of `Axes`; the motors turn by the sum and the difference of both axes."""
        first, second = np.asarray(steps, dtype=np.float64)
        along, across = 0.5 * (first + second) / STEPS_PER_MM, 0.5 * (first - second) / STEPS_PER_MM
        return np.array([across, along])


@dataclass
class Servo:
    """It follows the width of pulses, in 1/12 us, as fast as it can; the more, the higher the pen.

    Attributes:
        pulse: where it is.
        contact: where the pen touches the paper, going down.
        speed: how far it turns in a millisecond, in pulse width; an AxiDraw's servo crosses its range in 0.2 s.
        stuck: it does not move, whatever it is told.
    """

    pulse: float = 18_000.0
    contact: float = 17_000.0
    speed: float = 90.0
    stuck: bool = False
    _aim: float | None = None
    _target: int = 0
    _rate: int = 0
    _ms: int = 0

    @property
    def touching(self) -> bool:
        """Whether the pen is on the paper."""
        return self.pulse <= self.contact

    def release(self) -> None:
        """Lose power: it stays where it is."""
        self._aim = None

    def sink(self) -> None:
        """Lose power under the weight of the pen, which comes down."""
        self._aim = None
        self.pulse = min(self.pulse, self.contact)

    def wake(self) -> None:
        """Have power again: go back to where it was sent."""
        if self._aim is None and self._target:
            self.aim(self._target, 0)

    def aim(self, pulse: int, rate: int) -> None:
        """Go to a width, by so much every frame; 0: at once."""
        if self._aim is None:
            self._aim = self.pulse
        self._target, self._rate = pulse, rate
        if rate == 0:
            self._aim = float(pulse)

    def run_until(self, ms: int) -> None:
        """Let time pass, to a millisecond of the board's clock."""
        while self._ms < ms and self._aim is not None and not self._aim == self._target == self.pulse:
            self._ms += 1
            if self._ms % FRAME_MS == 0:
                self._aim = _towards(self._aim, self._target, self._rate)
            if not self.stuck:
                self.pulse = _towards(self.pulse, self._aim, self.speed)
        self._ms = ms


class EbbCarriage:
    """What an EBB drives: motors, a servo with its pen, and their power; one thread.

    Args:
        page: the sheet under the pen.
        axes: how it lies on the machine.
        firmware: the board's version.
        servo: what lifts the pen.

    Attributes:
        ticks: of 40 us, since power came on first.
        trace: its pen on the paper.
        enabled: whether each motor has its current.
        pen_up: as the board believes.
        supply: of the motors, as QC tells; 300 is 9 V.
        least_supply: below which it counts as lost; power_lost: whether it was, since this was cleared.
        servo_ticks: how long the servo has power after the last word to it; 0: always.
    """

    def __init__(self, page: Page, axes: Axes, *, firmware: tuple[int, int, int], servo: Servo | None) -> None:
        self.axes, self._firmware = axes, firmware
        self.trace = PenTrace(page)
        self.servo, self.stepper = servo or Servo(), Stepper()
        self.ticks, self.supply = 0, SUPPLY
        self.pen_up, self._made = True, b''
        self._origin = np.zeros(2)  # page coordinates that step 0 stands for, mm
        self.power_off()

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Where the pen truly is."""
        x, y = self._origin + self.axes.mm(self.stepper.made)
        return float(x), float(y)

    @property
    def pen_down(self) -> bool:
        """Whether the pen touches the paper."""
        return self.servo.touching

    def move_by_hand(self, xy_mm: tuple[float, float]) -> None:
        """Push the carriage somewhere, which the board does not notice."""
        self._follow()
        self._origin = np.array(xy_mm) - self.axes.mm(self.stepper.made)
        self.trace.carry(self.xy_mm)

    def power_off(self) -> None:
        """Forget all that was queued; motors and servo stay where they are, without power."""
        self._follow()
        self.pen_up = True
        self.stepper.flush()
        self.stepper.clear()
        self.stepper.depth = self.stepper.coarseness = 1
        self.enabled = [False, False]
        self.least_supply, self.power_lost = 0, False
        self.servo.release()
        self.servo_ticks = round(SERVO_S * 1000 * TICKS_PER_MS) if self._firmware >= SERVO_TIMES_OUT else 0
        self._servo_off_tick: int | None = None

    def advance(self, ticks: int) -> None:
        """Let time pass."""
        self.stepper.powered = self.supply >= LEAST_SUPPLY
        self.power_lost = self.power_lost or self.supply < self.least_supply
        while ticks > 0:
            if (job := self.stepper.begin_next()) is not None:
                self._begin(job)
            slot, done = self.stepper.run(min(ticks, TICKS_PER_MS - self.ticks % TICKS_PER_MS))
            self.ticks += slot
            ticks -= slot
            if done or self.ticks % TICKS_PER_MS == 0:
                self._follow()
        if self._servo_off_tick is not None and self.ticks >= self._servo_off_tick:
            self.let_servo_go()

    def aim_servo(self, pulse: int, rate: int) -> None:
        """Send the servo somewhere, with power from now on."""
        self.servo.aim(pulse, rate)
        self.time_servo()

    def time_servo(self, *, unless_off: bool = False) -> None:
        """Let the servo have power from now on, for as long as `servo_ticks` says."""
        if not (unless_off and self._servo_off_tick is None):
            self._servo_off_tick = self.ticks + self.servo_ticks if self.servo_ticks else None

    def let_servo_go(self) -> None:
        """Take its power: the pen comes down by its weight."""
        self._servo_off_tick = None
        self.servo.sink()
        self._follow()

    def enable(self, first: int, second: int | None) -> None:
        """Give motors their current, in steps of a fineness, as EM has it."""
        self.enabled = [first > 0, self.enabled[1] if second is None else second > 0]
        if first > 0:
            self.stepper.coarseness = 2 ** (first - 1)
        if self._firmware >= COUNTS_FROM_EM:
            self.stepper.clear()

    def _begin(self, job: Job) -> None:
        if job.servo is not None:
            self.aim_servo(*job.servo)
        if job.pen_up is not None:
            self.pen_up = job.pen_up
        if job.enable is not None:
            self.enable(*job.enable)

    def _follow(self) -> None:
        """Move the pen over the paper to where the motors are now."""
        self.servo.run_until(self.ticks // TICKS_PER_MS)
        down, made = self.servo.touching, self.stepper.made.tobytes()
        if made != self._made or down != self.trace.down:
            self._made = made
            self.trace.move(self.xy_mm, should_be_up=self.pen_up)
            self.trace.set_down(down)


def _towards(value: float, target: float, most: float) -> float:
    return min(value + most, target) if target > value else max(value - most, target)
