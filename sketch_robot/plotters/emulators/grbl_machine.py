"""The plotter that an emulated GRBL controller drives: axes, limit switches, pen and paper.

It knows where the pen truly is, whatever the controller believes: steps that a sudden stop loses, a scale that is not
the one set, axes that are not square.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sketch_robot.motion.page import Page
from sketch_robot.plotters.emulators.grbl_pens import NEVER, Lifter, Pen, RelayPen, ServoPen, ZPen
from sketch_robot.plotters.emulators.grbl_settings import AXES
from sketch_robot.plotters.paper import Paper

OFF_PAGE_MM = 0.01  # closer to the page's edge than a step counts as on it


@dataclass(frozen=True)
class Hardware:
    """How the plotter is built.

    Attributes:
        page: the sheet, whose lower left corner is the origin of true positions.
        pen: how the tip is lowered.
        pen_width_mm: width of its line.
        start_mm: where the pen is at power-on, from the page's corner.
        steps_per_mm: true ones of x, y, z; None: as the controller's settings say at power-on.
        skew: how far x goes along with y, mm per mm; axes that are not square.
        switch_mm: true positions of the limit switches of x, y, and the tip's height at that of z; those of an axis
            that homes towards negative ($23) lie low. None: there are no switches.
    """

    page: Page = field(default_factory=lambda: Page(148.0, 210.0))
    pen: Pen = field(default_factory=ServoPen)
    pen_width_mm: float = 0.5
    start_mm: tuple[float, float] = (0.0, 0.0)
    steps_per_mm: tuple[float, float, float] | None = None
    skew: float = 0.0
    switch_mm: tuple[float, float, float] | None = None


class GrblMachine:
    """The plotter, moved by the firmware in one thread; its attributes may be read from any.

    Args:
        hardware: how it is built.
        steps_per_mm: of the controller's settings.

    Attributes:
        paper: what has been drawn.
        down: whether the tip touches.
        lifts: how often it left the paper.
        ink_mm, travel_mm: ways with the tip down and up.
        pen_down_travel_mm: way of rapids (`G0`) with the tip down.
        outside_mm: how far the pen was off the page at most, homing left out; `ink_outside_mm`: while it touched.
        lost_mm: how far sudden stops have put the pen off what the controller counts, x and y.
    """

    def __init__(self, hardware: Hardware, steps_per_mm: tuple[float, float, float]) -> None:
        self.hardware = hardware
        self.paper = Paper(hardware.page, hardware.pen_width_mm)
        scale = hardware.steps_per_mm or steps_per_mm
        self._mm_per_step = [1.0 / steps for steps in scale]
        height = hardware.pen.start_mm if isinstance(hardware.pen, ZPen) else 0.0
        self._zero_mm = [*hardware.start_mm, height]  # true position of step 0
        self._at_mm = list(self._zero_mm)
        self._lifter = None if isinstance(hardware.pen, ZPen) else Lifter(hardware.pen)
        self.down = False
        self.lifts = 0
        self.ink_mm = self.travel_mm = self.pen_down_travel_mm = 0.0
        self.outside_mm = self.ink_outside_mm = 0.0
        self.lost_mm = np.zeros(2)
        self.homing = False
        self._touch_if(0)

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Where the pen truly is, in the page's frame, at the last event."""
        return self._flat(self._at_mm)

    @property
    def height_mm(self) -> float:
        """The tip's height over the paper; of a Z pen only."""
        return self._at_mm[2]

    # ------------------------------------------------------------- moved by the firmware
    def follow(self, clock: int, steps: Sequence[int], rapid: bool) -> None:
        """The axes have gone straight to a position, counted in the controller's steps."""
        at = [zero + step * scale for zero, step, scale in zip(self._zero_mm, steps, self._mm_per_step, strict=True)]
        if self._lifter is None and (at[2] <= 0.0) != self.down:
            drop = self._at_mm[2] - at[2]
            share = 0.0 if drop == 0.0 else min(1.0, max(0.0, self._at_mm[2] / drop))
            self._go([a + share * (b - a) for a, b in zip(self._at_mm, at, strict=True)], rapid)
            self._touch_if(clock, at[2] <= 0.0)
        self._go(at, rapid)

    def spindle(self, clock: int, value: float | None) -> None:
        """PWM of the spindle for a speed S; None: off."""
        pen = self.hardware.pen
        if self._lifter is None or not isinstance(pen, ServoPen):
            return
        if value is None:
            goal = self._lifter.place(clock) if pen.rest is None else pen.rest
        else:
            goal = (value - pen.up_value) / (pen.down_value - pen.up_value)
        self._lifter.turn(clock, goal)

    def flood(self, clock: int, on: bool) -> None:
        """The coolant's output."""
        if self._lifter is not None and isinstance(self.hardware.pen, RelayPen):
            self._lifter.turn(clock, 1.0 if on else 0.0)

    def next_event(self, clock: int) -> int:
        """When the tip will begin or cease to touch by itself."""
        return NEVER if self._lifter is None else self._lifter.next_change(clock)

    def settle(self, clock: int) -> None:
        """Let the tip touch or not, as it stands now; the axes have been followed to now."""
        if self._lifter is not None:
            self._touch_if(clock, self._lifter.touches(clock))

    def recount(self, axis: int, before: int, after: int) -> None:
        """The controller counts an axis' position anew; nothing moves."""
        self._zero_mm[axis] += (before - after) * self._mm_per_step[axis]

    def slip(self, vector_mm: np.ndarray) -> None:
        """The pen coasts on after a sudden stop, (2,) mm, and the controller does not know."""
        self.lost_mm = self.lost_mm + vector_mm
        for axis in range(2):
            self._zero_mm[axis] += float(vector_mm[axis])
        x, y, z = self._at_mm
        self._go([x + float(vector_mm[0]), y + float(vector_mm[1]), z], False)

    def switches(self, homing_down: int) -> list[bool]:
        """Which limit switches are pressed: x, y, z. `homing_down`: $23."""
        switch = self.hardware.switch_mm
        if switch is None:
            return [False] * AXES
        low = [bool(homing_down >> axis & 1) for axis in range(AXES)]
        at = self._at_mm
        return [at[axis] <= switch[axis] if low[axis] else at[axis] >= switch[axis] for axis in range(AXES)]

    def jam_pen(self, clock: int, jammed: bool) -> None:
        """Let the servo stick where it is, or move again."""
        if self._lifter is None:
            return
        if jammed:
            self._lifter.jam(clock)
        else:
            self._lifter.free()

    # ------------------------------------------------------------- the tip
    def _flat(self, at: list[float]) -> tuple[float, float]:
        return at[0] + self.hardware.skew * at[1], at[1]

    def _touch_if(self, clock: int, down: bool | None = None) -> None:
        if down is None:
            down = self._at_mm[2] <= 0.0 if self._lifter is None else self._lifter.touches(clock)
        if down == self.down:
            return
        self.down = down
        if down:
            self.paper.touch(self._flat(self._at_mm))
            self._watch_edges()
        else:
            self.paper.lift()
            self.lifts += 1

    def _go(self, at: list[float], rapid: bool) -> None:
        start, end = self._flat(self._at_mm), self._flat(at)
        self._at_mm = at
        length = math.dist(start, end)
        if length == 0.0:
            return
        if self.down:
            self.paper.ink(np.array(end))
            self.ink_mm += length
            self.pen_down_travel_mm += length if rapid else 0.0
        else:
            self.travel_mm += length
        self._watch_edges()

    def _watch_edges(self) -> None:
        if self.homing:
            return
        x, y = self._flat(self._at_mm)
        page = self.hardware.page
        outside = max(-x, -y, x - page.width_mm, y - page.height_mm)
        if outside > OFF_PAGE_MM:
            self.outside_mm = max(self.outside_mm, outside)
            if self.down:
                self.ink_outside_mm = max(self.ink_outside_mm, outside)
