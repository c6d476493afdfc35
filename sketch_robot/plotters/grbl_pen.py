"""Pens on GRBL machines: on a servo, on the Z axis, or moved by commands of the user's own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.grbl_frame import plain


@dataclass(frozen=True)
class PenLift:
    """How the pen is lowered and raised.

    Attributes:
        kind: 'servo' (S of the spindle), 'z' (height of the Z axis in mm) or 'commands' (lines of the user's own).
        up, down: S or Z of the pen up and down.
        light, firm: S or Z at pressure 0 and 1; both None: the pen does not press.
        feed_mm_min: of Z.
        up_command, down_command: of kind 'commands'.

    Raises:
        SketchRobotError: BAD_GOAL, a value is missing or unusable.
    """

    kind: str = 'servo'
    up: float = 0.0
    down: float = 1000.0
    light: float | None = None
    firm: float | None = None
    feed_mm_min: float = 600.0
    up_command: str = ''
    down_command: str = ''

    def __post_init__(self) -> None:
        numbers = [
            value for value in (self.up, self.down, self.light, self.firm, self.feed_mm_min) if value is not None
        ]
        problem = ''
        if self.kind not in ('servo', 'z', 'commands'):
            problem = f'its type is {self.kind!r}; choose servo, z or commands'
        elif not all(isinstance(value, int | float) and math.isfinite(value) for value in numbers):
            problem = 'a value is not a number'
        elif self.kind == 'commands' and not all(map(_is_gcode, (self.up_command, self.down_command))):
            problem = 'up_command and down_command must each be a line of G-code of at most 60 characters'
        elif self.kind != 'commands' and self.up == self.down:
            problem = f'up and down are both {self.up:g}'
        elif self.kind == 'servo' and min(numbers) < 0.0:
            problem = 'S must not be negative'
        elif self.kind == 'z' and self.up < self.down:
            problem = f'up, {self.up:g} mm, is below down, {self.down:g} mm'
        elif self.feed_mm_min <= 0.0:
            problem = 'the feed of Z must be positive'
        elif (self.light is None) != (self.firm is None):
            problem = 'light and firm go together'
        if problem:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the pen of this GRBL machine cannot be used: {problem}')

    @property
    def waits_for_motion(self) -> bool:
        """Whether the commands themselves wait for all motion before them; Z is part of motion."""
        return self.kind != 'z'

    def value_at(self, pressure: float | None) -> float:
        """S or Z for a pressure in [0, 1]; None: as usual."""
        if pressure is None or self.light is None or self.firm is None:
            return self.down
        return self.light + pressure * (self.firm - self.light)

    def raise_line(self) -> str:
        """Raises it."""
        if self.kind == 'commands':
            return self.up_command
        return f'M3S{plain(self.up)}' if self.kind == 'servo' else f'G0Z{plain(self.up)}'

    def lower_line(self, pressure: float | None = None) -> str:
        """Lowers it."""
        if self.kind == 'commands':
            return self.down_command
        value = plain(self.value_at(pressure))
        return f'M3S{value}' if self.kind == 'servo' else f'G1Z{value}F{plain(self.feed_mm_min)}'


def _is_gcode(line: str) -> bool:
    return 0 < len(line) <= 60 and line.isascii() and line.isprintable() and line[0] not in '$?!~;('
