"""What a machine's file says of a machine with an EBB, and its pen lift: heights of people, pulses of the servo."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ebb.exchange import ANSWER_S
from sketch_robot.plotters.ebb.move_queue import AHEAD_MS
from sketch_robot.plotters.ebb.moves import STEPS_PER_MM, Axes
from sketch_robot.plotters.options import DriverOptions, PortOptions, option
from sketch_robot.plotters.page_axes import IDENTITY

DEVICE_ID = '04d8:fd92'  # of every EBB
PRESSURES = 16  # steps between the lightest and the firmest line; finer ones no servo makes
SERVO_MS = 24  # the board moves its servo so often
_LOWEST, _HIGHEST = 9855, 27831  # pulses of 1/12 us: the servo's range is from 0.82 to 2.32 ms


@dataclass(frozen=True)
class EbbPenLift(DriverOptions):
    """Where the servo has the pen up and down, and how fast it goes there.

    Attributes:
        up_percent, down_percent: of the servo's range, as AxiDraw's own software counts; the more the higher.
        raise_percent_s, lower_percent_s: how fast; 0: as fast as the servo can.
        light_percent, firm_percent: where it has the pen at pressure 0 and 1; both or none. Without, strokes are drawn
            with the pen down, whatever their pressure.
    """

    up_percent: float = option(60.0, low=0.0, high=100.0)
    down_percent: float = option(30.0, low=0.0, high=100.0)
    raise_percent_s: float = option(400.0, low=0.0)
    lower_percent_s: float = option(400.0, low=0.0)
    light_percent: float | None = option(None, low=0.0, high=100.0)
    firm_percent: float | None = option(None, low=0.0, high=100.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.light_percent is None) != (self.firm_percent is None):
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'light_percent needs firm_percent, and the other way round')
        if self.up_percent == self.down_percent:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'a pen that is at {self.up_percent:g} % both up and down cannot draw; the heights must be different',
            )

    def pulse(self, percent: float) -> int:
        """The servo's pulse, in 1/12 us, for a height."""
        return round(_LOWEST + (_HIGHEST - _LOWEST) * percent / 100.0)

    def rate(self, percent_s: float) -> int:
        """What the pulse changes every 24 ms, for a speed."""
        return 0 if percent_s == 0.0 else max(1, round(0.001 * SERVO_MS * (_HIGHEST - _LOWEST) * percent_s / 100.0))

    @property
    def settings(self) -> tuple[str, ...]:
        """The commands that tell the board of it."""
        return (
            f'SC,4,{self.pulse(self.up_percent)}',
            f'SC,5,{self.pulse(self.down_percent)}',
            f'SC,11,{self.rate(self.raise_percent_s)}',
            f'SC,12,{self.rate(self.lower_percent_s)}',
        )

    def raising(self, seconds: float) -> tuple[str, int]:
        """The command that raises the pen, in at least so many seconds, and the milliseconds that it takes."""
        ms = self._ms(seconds, self.raise_percent_s)
        return f'SP,1,{ms}', ms

    def lowering(self, seconds: float) -> tuple[str, int]:
        """The command that lowers the pen, in at least so many seconds, and the milliseconds that it takes."""
        ms = self._ms(seconds, self.lower_percent_s)
        return f'SP,0,{ms}', ms

    def moving_to(self, percent: float, seconds: float = 0.0) -> tuple[str, int]:
        """The command that moves the pen to a height, with some time to get there, and its milliseconds."""
        ms = round(1000.0 * seconds)
        return f'S2,{self.pulse(percent)},4,{self.rate(self.lower_percent_s)},{ms}', ms  # RP4, which the board calls B1

    def _ms(self, seconds: float, percent_s: float) -> int:
        way_s = 0.0 if percent_s == 0.0 else abs(self.up_percent - self.down_percent) / percent_s + 0.001 * SERVO_MS
        return round(1000.0 * max(seconds, way_s))

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


@dataclass(frozen=True)
class EbbOptions(PortOptions):
    """What a machine's file says of a machine with an EBB.

    Attributes:
        port: a device or a device id; see `ports.port_of`.
        axes: which way the page's x and y run on the machine, as ['y', 'x'] or ['x', '-y']; see `Axes.of`.
        correction: 2 x 2 matrix from page mm to machine mm along those directions; measured scale and squareness.
        steps_per_mm: of the machine's own axes, at 1/16 steps.
        pen: heights and speeds of the servo.
        hold_motors: whether they keep their current, and their place, when the machine is given back.
        low_level: move by `LM` where the firmware has it.
        ahead_ms: how much is told in advance: a pause waits so long before it brakes, and the pen stops when the
            computer is later than most of that.
        origin_is_set: the pen stands above the page's lower left corner when it is connected.
        answer_s: how long the board may take to answer.
    """

    port: str = DEVICE_ID
    axes: tuple[str, str] = ('y', 'x')
    correction: tuple[tuple[float, float], tuple[float, float]] = IDENTITY
    steps_per_mm: float = option(STEPS_PER_MM, above=0.0)
    pen: EbbPenLift = field(default_factory=EbbPenLift)
    hold_motors: bool = True
    low_level: bool = True
    ahead_ms: int = option(AHEAD_MS, low=20, high=250)
    origin_is_set: bool = False
    answer_s: float = option(ANSWER_S, low=0.01)

    @property
    def page_axes(self) -> Axes:
        """How the page lies on the machine.

        Raises:
            SketchRobotError: BAD_GOAL, that cannot be.
        """
        return Axes.of(self.axes, self.correction, self.steps_per_mm)

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.page_axes
