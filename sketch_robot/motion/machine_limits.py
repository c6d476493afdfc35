"""How fast a machine moves its pen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import NOT_NEGATIVE, POSITIVE, fits


@dataclass(frozen=True)
class MachineLimits:
    """What a time model needs to know of a machine. The defaults are a light GRBL plotter with a servo pen.

    Attributes:
        name: for people and files.
        draw_speed_mm_s, draw_accel_mm_s2: pen down.
        travel_speed_mm_s, travel_accel_mm_s2: pen up.
        lift_s, drop_s: raising and lowering the pen, standing still; `lifting_s` and `dropping_s` are what they take.
        junction_deviation_mm: cornering tolerance of the planner (GRBL $11).
        pen_width_mm: width of the line on paper.
        axis_speed_mm_s, axis_accel_mm_s2: limits of the x and of the y axis, up and down; 0: none of its own.
        lookahead_blocks: how many segments the planner holds, the one being drawn included (GRBL: 15); 0: the whole
            movement.
        dwell_step_s: lifts and drops are rounded up to multiples of this (GRBL's G4: 0.05); 0: they are not.
        stop_s: what each movement's end costs beyond the model, calibrated from recorded runs.
        lightest_mm, firmest_mm: width of the line at pressure 0 and 1; both 0: the machine cannot press.

    Raises:
        SketchRobotError: BAD_GOAL, a value is not finite or absurdly large or small, a speed, acceleration or width is
            not positive, a time, limit or the junction deviation is negative, or the firmest line is thinner than the
            lightest.
    """

    name: str = 'default'
    draw_speed_mm_s: float = 100.0
    draw_accel_mm_s2: float = 1000.0
    travel_speed_mm_s: float = 200.0
    travel_accel_mm_s2: float = 2000.0
    lift_s: float = 0.1
    drop_s: float = 0.1
    junction_deviation_mm: float = 0.01
    pen_width_mm: float = 0.5
    axis_speed_mm_s: tuple[float, float] = (0.0, 0.0)
    axis_accel_mm_s2: tuple[float, float] = (0.0, 0.0)
    lookahead_blocks: int = 0
    dwell_step_s: float = 0.0
    stop_s: float = 0.0
    lightest_mm: float = 0.0
    firmest_mm: float = 0.0

    @property
    def lifting_s(self) -> float:
        """Seconds that raising the pen takes, whole steps of the machine's clock."""
        return self._in_steps(self.lift_s)

    @property
    def dropping_s(self) -> float:
        """Seconds that lowering the pen takes, whole steps of the machine's clock."""
        return self._in_steps(self.drop_s)

    def _in_steps(self, seconds: float) -> float:
        if self.dwell_step_s == 0.0:
            return seconds
        return math.ceil(seconds / self.dwell_step_s - 1e-6) * self.dwell_step_s  # 0.15 is three times 0.05

    @property
    def presses(self) -> bool:
        """Whether the machine can draw lines of different widths with one pen."""
        return self.firmest_mm > 0.0

    def __post_init__(self) -> None:
        for field, may_be_zero in _LIMITS.items():
            value = getattr(self, field)
            if isinstance(value, Sequence):
                value = tuple(float(axis) for axis in value) if len(value) == 2 else (math.nan, math.nan)
                object.__setattr__(self, field, value)
            for number in value if isinstance(value, tuple) else (value,):
                self._check(field, number, may_be_zero)
        if self.firmest_mm < self.lightest_mm or (self.firmest_mm > 0.0 and self.lightest_mm == 0.0):
            raise self._unusable(
                f'has a firmest line of {self.firmest_mm:g} mm and a lightest one of {self.lightest_mm:g} mm; give '
                'both, the firmest not the thinner, or 0 for both'
            )

    def _check(self, field: str, value: float, may_be_zero: bool) -> None:
        if not fits(value, NOT_NEGATIVE if may_be_zero else POSITIVE):
            wanted = 'must be zero or more' if may_be_zero else 'must be positive'
            raise self._unusable(f'has {field} {value}; it {wanted} and finite')
        if value != 0.0 and not _LEAST <= value <= _MOST:
            raise self._unusable(f'has {field} {value:g}, which no machine has')

    def _unusable(self, why: str) -> SketchRobotError:
        return SketchRobotError(ErrorCode.BAD_GOAL, f'the machine {self.name!r} {why}')


_LEAST, _MOST = 1e-9, 1e9  # far beyond any machine, and far from where arithmetic ends
_LIMITS = {  # field: may be zero
    'draw_speed_mm_s': False,
    'draw_accel_mm_s2': False,
    'travel_speed_mm_s': False,
    'travel_accel_mm_s2': False,
    'lift_s': True,
    'drop_s': True,
    'junction_deviation_mm': True,
    'pen_width_mm': False,
    'axis_speed_mm_s': True,
    'axis_accel_mm_s2': True,
    'lookahead_blocks': True,
    'dwell_step_s': True,
    'stop_s': True,
    'lightest_mm': True,
    'firmest_mm': True,
}
