"""Pens behind an emulated controller: how its outputs, and time, bring the tip to the paper.

A servo turns at a constant rate; ink flows for as long as the tip is low enough. A lift that is given too little time
therefore smears, as on a real machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sketch_robot.plotters.emulators.grbl_state import CLOCK_HZ

NEVER = 2**62  # clock cycles


@dataclass(frozen=True)
class ServoPen:
    """A hobby servo on the spindle's PWM output: `M3 S` turns it, `M5` and a reset take its pulses away.

    Attributes:
        up_value, down_value: S at which it is fully up and fully down.
        travel_s: seconds of a turn from the one to the other.
        touch: the tip touches from this share of the way down.
        rest: where it goes without pulses, in [0, 1] of the way down; None: it stays.
    """

    up_value: float = 0.0
    down_value: float = 1000.0
    travel_s: float = 0.1
    touch: float = 0.5
    rest: float | None = 0.0


@dataclass(frozen=True)
class RelayPen:
    """A solenoid on the coolant output: `M8` lowers it, `M9` and a reset raise it; otherwise as `ServoPen`."""

    travel_s: float = 0.05
    touch: float = 0.5


@dataclass(frozen=True)
class ZPen:
    """A pen on the Z axis.

    Attributes:
        start_mm: height of the tip over the paper at power-on.
    """

    start_mm: float = 3.0


Pen = ServoPen | RelayPen | ZPen


class Lifter:
    """A tip that is turned down and up, in [0, 1] of the way down, at a constant rate.

    Args:
        pen: its kind.
    """

    def __init__(self, pen: ServoPen | RelayPen) -> None:
        self._touch = pen.touch
        self._rate = 1.0 / max(pen.travel_s * CLOCK_HZ, 1.0)  # of the way, in a clock cycle
        self._from, self._goal, self._since = 0.0, 0.0, 0
        self._change_at = NEVER
        self.stuck = False

    def turn(self, clock: int, goal: float) -> None:
        """Begin to move to a place; without effect while it is stuck."""
        if self.stuck:
            return
        self._from, self._goal, self._since = self.place(clock), min(1.0, max(0.0, goal)), clock
        crosses = (self._from >= self._touch) != (self._goal >= self._touch)
        self._change_at = clock + math.ceil(abs(self._touch - self._from) / self._rate) if crosses else NEVER

    def jam(self, clock: int) -> None:
        """Stick where it is."""
        self.turn(clock, self.place(clock))
        self.stuck = True

    def free(self) -> None:
        """Obey again, from the next command on."""
        self.stuck = False

    def place(self, clock: int) -> float:
        """Where it is."""
        way = self._goal - self._from
        gone = self._rate * (clock - self._since)
        return self._goal if gone >= abs(way) else self._from + (gone if way > 0.0 else -gone)

    def touches(self, clock: int) -> bool:
        """Whether it is low enough to write."""
        low = self._goal if clock >= self._change_at or self._change_at == NEVER else self._from
        return low >= self._touch

    def next_change(self, clock: int) -> int:
        """When it will begin or cease to touch, after `clock`; `NEVER`: not by itself."""
        return self._change_at if self._change_at > clock else NEVER
