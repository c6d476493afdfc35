"""The servo that lifts an EBB's pen: heights and speeds as people set them, pulses and rates as the board has them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

PRESSURES = 16  # steps between the lightest and the firmest line; finer ones no servo makes


@dataclass(frozen=True)
class PenLift:
    """Where the servo has the pen up and down, and how fast it goes there.

    Attributes:
        up_percent, down_percent: of the servo's range, as AxiDraw's own software counts; the more the higher.
        raise_percent_s, lower_percent_s: how fast; 0: as fast as the servo can.
        light_percent, firm_percent: where it has the pen at pressure 0 and 1; both or none. Without, strokes are drawn
            with the pen down, whatever their pressure.

    Raises:
        SketchRobotError: BAD_GOAL, a height is outside 0 - 100 %, up and down are the same, or a speed is negative.
    """

    up_percent: float = 60.0
    down_percent: float = 30.0
    raise_percent_s: float = 400.0
    lower_percent_s: float = 400.0
    light_percent: float | None = None
    firm_percent: float | None = None

    def __post_init__(self) -> None:
        heights = (self.up_percent, self.down_percent)
        pressing = [height for height in (self.light_percent, self.firm_percent) if height is not None]
        if not all(0.0 <= height <= 100.0 for height in (*heights, *pressing)) or len(pressing) == 1:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, 'pen heights are from 0 to 100 %, and a light one needs a firm one'
            )
        if heights[0] == heights[1]:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'a pen that is at {heights[0]:g} % both up and down cannot draw; the heights must be different',
            )
        if not all(0.0 <= speed < math.inf for speed in (self.raise_percent_s, self.lower_percent_s)):
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'pen speeds of {self.raise_percent_s:g} and {self.lower_percent_s:g} %/s are not possible; 0 is as '
                'fast as can be',
            )

    def pulse(self, percent: float) -> int:
        """Of a height, the servo's pulse in 1/12 us: its range is from 0.82 to 2.32 ms."""
        return round(9855 + (27831 - 9855) * percent / 100.0)

    @property
    def presses(self) -> bool:
        """Whether it draws lines of different widths."""
        return self.light_percent is not None and self.firm_percent is not None

    def pressed(self, pressure: np.ndarray) -> np.ndarray:
        """Heights at pressures in [0, 1], in coarse steps: (N,) -> (N,) float64 %."""
        light, firm = self.light_percent, self.firm_percent
        if light is None or firm is None:
            return np.full(len(pressure), self.down_percent)
        return light + np.rint(np.clip(pressure, 0.0, 1.0) * PRESSURES) / PRESSURES * (firm - light)

    def rate(self, percent_s: float) -> int:
        """Of a speed, what the pulse changes every 24 ms."""
        return 0 if percent_s == 0.0 else max(1, round(0.024 * (27831 - 9855) * percent_s / 100.0))

    def least_s(self, percent_s: float) -> float:
        """How long a way between up and down takes at that speed, once the servo has its next pulse."""
        if percent_s == 0.0:
            return 0.0
        return abs(self.up_percent - self.down_percent) / percent_s + 0.024
