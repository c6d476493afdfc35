"""What a machine's file may say of a GRBL machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.options import DriverOptions, PortOptions, option
from sketch_robot.plotters.page_axes import IDENTITY, PageAxes

LONGEST_COMMAND = 60  # characters; GRBL takes lines of 79
_HEIGHTS = {'servo': (75.0, 110.0), 'z': (3.0, 0.0), 'commands': (0.0, 1.0)}  # up and down, when the file says nothing


@dataclass(frozen=True)
class GrblPen(DriverOptions):
    """How the pen is lowered and raised.

    Attributes:
        kind: 'servo' (S of the spindle), 'z' (height of the Z axis in mm) or 'commands' (lines of the user's own); the
            file calls it `type`.
        up_value, down_value: S or Z of the pen up and down, in the file `up` and `down`; None: as usual for its kind.
        light, firm: S or Z at pressure 0 and 1; both None: the pen does not press.
        feed_mm_min: of Z.
        up_command, down_command: of kind 'commands'.

    Raises:
        SketchRobotError: BAD_GOAL, a value is missing or unusable.
    """

    kind: Literal['servo', 'z', 'commands'] = option('servo', key='type')
    up_value: float | None = option(None, key='up')
    down_value: float | None = option(None, key='down')
    light: float | None = None
    firm: float | None = None
    feed_mm_min: float = option(600.0, above=0.0)
    up_command: str = ''
    down_command: str = ''

    def __post_init__(self) -> None:
        super().__post_init__()
        values = [value for value in (self.up, self.down, self.light, self.firm) if value is not None]
        problem = ''
        if self.kind == 'commands' and not all(map(_is_gcode, (self.up_command, self.down_command))):
            problem = (
                f'up_command and down_command must each be a line of G-code of at most {LONGEST_COMMAND} characters'
            )
        elif self.up == self.down:
            problem = f'up and down are both {self.up:g}'
        elif self.kind == 'servo' and min(values) < 0.0:
            problem = 'S must not be negative'
        elif self.kind == 'z' and self.up < self.down:
            problem = f'up, {self.up:g} mm, is below down, {self.down:g} mm'
        elif (self.light is None) != (self.firm is None):
            problem = 'light and firm go together'
        if problem:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the pen of this GRBL machine cannot be used: {problem}')

    @property
    def up(self) -> float:
        """S or Z of the raised pen."""
        return _HEIGHTS[self.kind][0] if self.up_value is None else self.up_value

    @property
    def down(self) -> float:
        """S or Z of the lowered pen."""
        return _HEIGHTS[self.kind][1] if self.down_value is None else self.down_value

    @property
    def waits_for_motion(self) -> bool:
        """Whether the commands themselves wait for all motion before them; Z is part of motion."""
        return self.kind != 'z'

    @property
    def servo_values(self) -> tuple[float, ...]:
        """All S that it sets; of another pen none."""
        values = (self.up, self.down, self.light, self.firm) if self.kind == 'servo' else ()
        return tuple(value for value in values if value is not None)

    def value_at(self, pressure: float | None) -> float:
        """S or Z for a pressure in [0, 1]; None: as usual."""
        if pressure is None or self.light is None or self.firm is None:
            return self.down
        return self.light + pressure * (self.firm - self.light)


@dataclass(frozen=True)
class GrblOptions(PortOptions):
    """What a machine's file says of a GRBL machine.

    Attributes:
        baud: of the port.
        pen: how it is lowered.
        origin_mm: machine coordinates of the page's lower left corner, of a machine that homes; None: the lower left
            corner of its range.
        axes: directions of the page's x and y on the machine, as ['x', 'y'] or ['-y', 'x'].
        correction: 2 x 2 matrix from page mm to machine mm along those directions; measured scale and squareness.
        check: let the controller check each program before anything moves (`$C`).
        configure: set reports, held motors, and mm in its EEPROM where they are otherwise.
        configure_motion: set its speeds and accelerations to those of the machine's limits as well.
        home: 'auto': home when it can and has to; 'never'.
        origin_is_set: the pen stands over the page's lower left corner when it is connected first.
        recoveries: how often a stroke goes on by itself after something was lost on the line.

    Raises:
        SketchRobotError: BAD_GOAL, a value is unusable.
    """

    baud: int = option(115200, low=1)
    pen: GrblPen = field(default_factory=GrblPen)
    origin_mm: tuple[float, float] | None = None
    axes: tuple[str, str] = ('x', 'y')
    correction: tuple[tuple[float, float], tuple[float, float]] = IDENTITY
    check: bool = True
    configure: bool = True
    configure_motion: bool = False
    home: Literal['auto', 'never'] = 'auto'
    origin_is_set: bool = False
    recoveries: int = option(10, low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.page_axes

    @property
    def page_axes(self) -> PageAxes:
        """How the page lies on the machine, from the machine's zero.

        Raises:
            SketchRobotError: BAD_GOAL, that cannot be.
        """
        return PageAxes.of(self.axes, self.correction)


def _is_gcode(line: str) -> bool:
    return 0 < len(line) <= LONGEST_COMMAND and line.isascii() and line.isprintable() and line[0] not in '$?!~;('
