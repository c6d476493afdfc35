"""What an emulated EBB moves: motors that count their steps, a servo, a pen on paper, in time that is handed out."""

from __future__ import annotations

import numpy as np

from sketch_robot.motion.page import Page
from sketch_robot.plotters.ebb_moves import Axes
from sketch_robot.plotters.emulators.ebb_motion import TICKS_PER_MS, Stepper
from sketch_robot.plotters.emulators.ebb_servo import Servo
from sketch_robot.plotters.paper import Paper

COUNTS_FROM_EM = (2, 6, 2)  # the firmware from which EM sets the counters to zero


class EbbCarriage:
    """See the module. One thread at a time.

    Args:
        page: the sheet under the pen.
        axes: how it lies on the machine.
        firmware: the board's version.
        pen_width_mm: of the line.
        servo: what lifts the pen.

    Attributes:
        ticks: of 40 us, since power came on first.
        lifts: how often the pen has left the paper.
        ink_mm: how far it has drawn.
        travel_down_mm: how far the pen was dragged over the paper while it was told to be up.
        outside_mm: the farthest that the pen has been off the page.
        enabled: whether each motor has its current.
    """

    def __init__(
        self, page: Page, axes: Axes, *, firmware: tuple[int, int, int], pen_width_mm: float, servo: Servo | None
    ) -> None:
        self.page, self.axes, self.firmware = page, axes, firmware
        self.paper = Paper(page, pen_width_mm)
        self.servo = servo or Servo()
        self.stepper = Stepper()
        self.ticks = 0
        self.lifts = 0
        self.ink_mm = self.travel_down_mm = self.outside_mm = 0.0
        self.enabled = [False, False]
        self._pen_up = True  # as the board believes
        self._seen, self._made = (0.0, 0.0), b''
        self._origin = np.zeros(2)  # page coordinates that step 0 stands for, mm

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
        self.paper.lift()
        self._origin = np.array(xy_mm) - self.axes.mm(self.stepper.made)
        if self.servo.touching:
            self.paper.touch(self.xy_mm)

    def power_off(self) -> None:
        """Forget all that was queued; motors and servo stay where they are, without power."""
        self.stepper.flush()
        self.stepper.clear()
        self.stepper.depth = 1
        self.stepper.coarseness = 1
        self.enabled = [False, False]
        self._pen_up = True
        self.servo.release()

    def advance(self, ticks: int) -> None:
        """Let time pass."""
        while ticks > 0:
            self.stepper.begin_next()
            self._begin_jobs()
            slot = min(ticks, TICKS_PER_MS - self.ticks % TICKS_PER_MS)
            slot, done = self.stepper.run(slot)
            self.ticks += slot
            ticks -= slot
            if done or self.ticks % TICKS_PER_MS == 0:
                self._follow()

    def _begin_jobs(self) -> None:
        for job in self.stepper.started:
            if job.servo is not None:
                self.servo.aim(*job.servo)
            if job.pen_up is not None:
                self._pen_up = job.pen_up
            if job.enable is not None:
                self._enable(*job.enable)
        self.stepper.started.clear()

    def _follow(self) -> None:
        """Move the pen over the paper to where the motors are now."""
        was_down = self.servo.touching
        self.servo.run_until(self.ticks // TICKS_PER_MS)
        down = self.servo.touching
        made = self.stepper.made.tobytes()
        if made == self._made and down == was_down:
            return
        was, now = self._seen, self.xy_mm
        self._seen, self._made = now, made
        if was_down and now != was:
            self.paper.ink(np.array([now]))
            length_mm = float(np.hypot(now[0] - was[0], now[1] - was[1]))
            self.ink_mm += length_mm
            self.travel_down_mm += length_mm if self._pen_up else 0.0
        if now != was:
            over = max(-now[0], -now[1], now[0] - self.page.width_mm, now[1] - self.page.height_mm)
            self.outside_mm = max(self.outside_mm, over)
        if down and not was_down:
            self.paper.touch(now)
        elif was_down and not down:
            self.lifts += 1
            self.paper.lift()

    def _enable(self, first: int, second: int | None) -> None:
        self.enabled[0] = first > 0
        if second is not None:
            self.enabled[1] = second > 0
        if first > 0:
            self.stepper.coarseness = 2 ** (first - 1)
        if self.firmware >= COUNTS_FROM_EM:
            self.stepper.clear()
