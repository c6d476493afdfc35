"""From the measured sides of a test card to what makes the machine draw it true.

Up to a rotation, which does not matter on paper, the machine maps the card's plane by a linear T. Its columns are known
from the rectangle: their lengths are the measured sides over the nominal ones, and the angle between the sides follows
from the two diagonals, |u + v|^2 - |u - v|^2 = 4 u.v. What is sent is then to go through T^-1 first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

MISFIT = 0.01  # by how much measured diagonals may break the parallelogram law; 0.3 mm in 60 are less
LARGEST_SCALE = 1.5  # more is a wrong setting rather than a tolerance
LARGEST_SKEW_DEG = 10.0


@dataclass(frozen=True)
class Measured:
    """What a ruler says of a card's large rectangle, mm, from middle of line to middle of line.

    Attributes:
        width_mm, height_mm: of its lower and its left side.
        rising_mm: of the diagonal from its lower left corner; falling_mm: of that from its upper left corner. Both 0:
            not measured, its sides are taken to be square.
    """

    width_mm: float
    height_mm: float
    rising_mm: float = 0.0
    falling_mm: float = 0.0


def scale_and_skew(measured: Measured, width_mm: float, height_mm: float) -> tuple[float, float, float]:
    """What the machine makes of a card.

    Args:
        measured: sides and diagonals.
        width_mm, height_mm: as they should be.

    Returns:
        scales of x and y, and by how many radians the angle between the sides is less than a right one.

    Raises:
        SketchRobotError: BAD_GOAL, the measurements do not fit together, or are absurd.
    """
    values = (measured.width_mm, measured.height_mm, measured.rising_mm, measured.falling_mm)
    sides = measured.width_mm, measured.height_mm
    if not all(math.isfinite(value) and value >= 0.0 for value in values) or min(sides) == 0.0:
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'measured sides and diagonals must be positive numbers, in mm')
    scales = sides[0] / width_mm, sides[1] / height_mm
    for what, scale in zip(('width', 'height'), scales, strict=True):
        if not 1.0 / LARGEST_SCALE <= scale <= LARGEST_SCALE:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'the measured {what} is {scale:.2f} times what it should be; set the steps per mm of the machine '
                'first (GRBL: $100, $101), or measure again',
            )
    if measured.rising_mm == 0.0 and measured.falling_mm == 0.0:
        return scales[0], scales[1], 0.0
    squares = measured.rising_mm**2 + measured.falling_mm**2
    expected = 2.0 * (sides[0] ** 2 + sides[1] ** 2)
    if abs(squares / expected - 1.0) > 2.0 * MISFIT:
        off = math.sqrt(squares / 2.0) - math.sqrt(expected / 2.0)
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'the sides and diagonals do not fit together: the diagonals are {off:+.1f} mm off what the sides allow; '
            'measure again, from the middle of each line',
        )
    sine = (measured.rising_mm**2 - measured.falling_mm**2) / (4.0 * sides[0] * sides[1])
    skew = math.asin(max(-1.0, min(1.0, sine)))
    if abs(math.degrees(skew)) > LARGEST_SKEW_DEG:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'the sides are {math.degrees(skew):.1f} degrees from square; square the machine first'
        )
    return scales[0], scales[1], skew


def correction_from(
    measured: Measured,
    width_mm: float,
    height_mm: float,
    *,
    drawn_with: Sequence[Sequence[float]] | np.ndarray = ((1.0, 0.0), (0.0, 1.0)),
) -> np.ndarray:
    """The machine's next correction.

    Args:
        measured: sides and diagonals of a card.
        width_mm, height_mm: as they should be.
        drawn_with: (2, 2); the correction with which it was drawn.

    Returns:
        (2, 2) float64: page mm to machine mm.

    Raises:
        SketchRobotError: BAD_GOAL, see `scale_and_skew`.
    """
    x, y, skew = scale_and_skew(measured, width_mm, height_mm)
    made = np.array([[x, y * math.sin(skew)], [0.0, y * math.cos(skew)]])
    return np.array(drawn_with, dtype=np.float64) @ np.linalg.inv(made)
