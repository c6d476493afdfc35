"""The machine behind a GRBL controller: its carriage, its switches, what lifts its pen, and the paper under it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from sketch_robot_emulators.ink import Page, PenTrace, PlainPage

NEVER = math.inf


@dataclass(frozen=True)
class ServoPen:
    """A servo that follows S of M3.

    Attributes:
        up_value, down_value: S at which the pen is at its top and at its bottom.
        rest: where it goes without pulses (M5), 0 up to 1 down; None: it stays where it is.
        travel_s: from top to bottom.
        touch: how far down it touches the paper.
    """

    up_value: float = 75.0
    down_value: float = 110.0
    rest: float | None = 0.0
    travel_s: float = 0.1
    touch: float = 0.5


@dataclass(frozen=True)
class RelayPen:
    """A magnet: M8 lowers, M9 raises. Attributes as of `ServoPen`."""

    travel_s: float = 0.05
    touch: float = 0.5


@dataclass(frozen=True)
class ZPen:
    """A pen on the Z axis, so high over the paper at the start; it touches at height 0."""

    start_mm: float = 3.0


Pen = ServoPen | RelayPen | ZPen


@dataclass(frozen=True)
class Hardware:
    """What a GRBL controller drives.

    Attributes:
        page: the sheet under the pen.
        pen: what lifts it.
        switch_mm: page coordinates of the limit switches of x and y, and the height of that of z; None: there are none.
        start_mm: where the pen stands when power comes on, in the page's frame.
        steps_per_mm: of the machine's true axes; None: as the controller believes.
        skew: mm of x in a mm of y.
        switch_side: for each axis, whether its switch is at its low end (-1) or at its high end (1).
    """

    page: Page = field(default_factory=PlainPage)
    pen: Pen = field(default_factory=ServoPen)
    switch_mm: tuple[float, float, float] | None = None
    start_mm: tuple[float, float] = (0.0, 0.0)
    steps_per_mm: tuple[float, float, float] | None = None
    skew: float = 0.0
    switch_side: tuple[int, int, int] = (-1, -1, 1)


class Lifter:
    """What turns a servo's or a magnet's aim into a pen that is up or down, in time."""

    def __init__(self, pen: ServoPen | RelayPen) -> None:
        self._pen = pen
        self._at_s, self._place, self._aim = 0.0, 0.0, 0.0
        self._jammed = False

    def place(self, seconds: float) -> float:
        """How far down it is at a time, 0 up to 1."""
        if self._jammed:
            return self._place
        most = max(0.0, seconds - self._at_s) / self._pen.travel_s
        return self._place + max(-most, min(most, self._aim - self._place))

    @property
    def lowers(self) -> bool:
        """Whether it was told to touch."""
        return self._aim >= self._pen.touch - 1e-9

    def touches(self, seconds: float) -> bool:
        """Whether the pen is on the paper at a time."""
        return bool(self.place(seconds) >= self._pen.touch + (-1e-9 if self.lowers else 1e-6))

    def turn(self, seconds: float, aim: float) -> None:
        """Go somewhere from now on."""
        self._place, self._at_s, self._aim = self.place(seconds), seconds, aim

    def next_change(self, seconds: float) -> float:
        """When it will touch, or leave the paper; NEVER: it will not."""
        if self._jammed or self.touches(seconds) == self.lowers:
            return NEVER
        return seconds + abs(self._pen.touch - self.place(seconds)) * self._pen.travel_s

    def jam(self, seconds: float) -> None:
        """Stick where it is."""
        self._place, self._at_s, self._jammed = self.place(seconds), seconds, True

    def free(self, seconds: float) -> None:
        """Move again, to where it was told last."""
        self._at_s, self._jammed = seconds, False


class PlotterMachine(PenTrace):
    """The carriage, the pen and the paper of a GRBL plotter; the controller tells it of every straight way.

    Args:
        hardware: what it is made of.
        steps_per_mm: as the controller believes; the machine's own, unless the hardware says otherwise.
        seed: of how far it coasts when its motors are stopped suddenly.

    Attributes:
        steps_per_mm: (3,) of the true axes.
        lifter: of a pen on a servo or a magnet; with one on the Z axis it does nothing.
        lost_mm: (2,) how far x and y have slipped against the steps they were told, since the last homing.
        should_be_up: whether the pen was told to be up.
    """

    def __init__(self, hardware: Hardware, steps_per_mm: tuple[float, float, float], *, seed: int = 0) -> None:
        super().__init__(hardware.page, hardware.start_mm)
        self.hardware = hardware
        self.steps_per_mm = np.array(hardware.steps_per_mm or steps_per_mm)
        self._on_z = isinstance(hardware.pen, ZPen)
        self.lifter = Lifter(ServoPen() if isinstance(hardware.pen, ZPen) else hardware.pen)
        self.lost_mm = np.zeros(2)
        self.should_be_up = True
        self._rng = np.random.default_rng(seed)
        self._steps = np.zeros(3)  # made since power came on first
        self._pushed = np.zeros(2)  # mm, by hands and by coasting
        self._told = np.zeros(3)  # where the controller believes it is

    @property
    def height_mm(self) -> float:
        """Of a pen on the Z axis, over the paper."""
        pen = self.hardware.pen
        return (pen.start_mm if isinstance(pen, ZPen) else 0.0) + float(self._steps[2] / self.steps_per_mm[2])

    # ------------------------------------------------------------- motion
    def follow(self, steps: tuple[float, ...], *, homing: bool = False) -> None:
        """Go straight to where the controller is now, in its steps; `homing`: to the switches, perhaps off the page."""
        if not (ways := steps - self._told).any():
            return
        before, start = self.height_mm, self._steps
        self._told, self._steps = np.array(steps, dtype=np.float64), start + ways
        if self._on_z:  # the pen may meet or leave the paper on the way
            after = self.height_mm
            if (before <= 0.0) != (after <= 0.0):
                self._go(start + ways * (before / (before - after)))
                self.set_down(after <= 0.0)
            self.should_be_up, homing = after > 0.0, False
        self._go(self._steps, counts=not homing)

    def _go(self, steps: np.ndarray, *, counts: bool = True) -> None:
        self.move(self._place_of(steps), should_be_up=self.should_be_up, counts=counts)

    def _place_of(self, steps: np.ndarray) -> tuple[float, float]:
        (x, y, _), start = steps / self.steps_per_mm, self.hardware.start_mm
        return start[0] + x + self.hardware.skew * y + self._pushed[0], start[1] + y + self._pushed[1]

    def believe(self, steps: tuple[int, ...]) -> None:
        """The controller calls the present place something else, without a motion."""
        self._told = np.array(steps, dtype=np.float64)

    def coast(self, unit: tuple[float, ...], speed_mm_s: float, accel_mm_s2: float) -> None:
        """Run on after the motors were stopped suddenly: up to v^2 / 20 a, which the controller does not know."""
        way = float(self._rng.uniform(0.5, 1.0)) * speed_mm_s**2 / (20.0 * accel_mm_s2)
        self.slip(np.array(unit[:2]) * way, dragged=False)

    def slip(self, way_mm: np.ndarray, *, dragged: bool = True) -> None:
        """Be pushed somewhere else, which the controller does not notice.

        Args:
            way_mm: (2,) how far.
            dragged: by hand, with the pen lifted; else it draws on.
        """
        self._pushed = self._pushed + way_mm
        self.lost_mm = self.lost_mm + way_mm
        (self.carry if dragged else self.move)(self._place_of(self._steps))

    # ------------------------------------------------------------- switches
    def to_switch_mm(self, axis: int) -> float:
        """How far an axis has to go to its switch, signed; inf: there is none."""
        if self.hardware.switch_mm is None:
            return math.inf
        here = self.height_mm if axis == 2 else self._place_of(self._steps)[axis]
        return float(self.hardware.switch_mm[axis] - here)

    def pressed(self, axis: int) -> bool:
        """Whether the carriage stands on a switch."""
        there = self.to_switch_mm(axis)
        return math.isfinite(there) and there * self.hardware.switch_side[axis] <= 1e-6

    # ------------------------------------------------------------- the pen
    def drive_pen(self, seconds: float, *, spindle_on: bool, value: float, flood: bool) -> None:
        """Tell the pen's lift what the controller puts out."""
        pen = self.hardware.pen
        if isinstance(pen, ZPen):
            return
        if isinstance(pen, RelayPen):
            aim: float | None = 1.0 if flood else 0.0
        elif spindle_on:
            aim = min(1.0, max(0.0, (value - pen.up_value) / (pen.down_value - pen.up_value)))
        else:
            aim = pen.rest
        if aim is not None:
            self.should_be_up = aim < pen.touch
            self.lifter.turn(seconds, aim)
            self.mind_pen(seconds)

    def mind_pen(self, seconds: float) -> None:
        """Let the pen be where it is at a time."""
        if not self._on_z:
            self.set_down(self.lifter.touches(seconds))
