"""The test card: what a machine draws to be measured with a ruler, and what makes it draw true then.

A large rectangle, whose sides and diagonals tell scale and squareness; within it a circle, which shows backlash where
it is not closed or not round; a hatch, which shows whether lines lie evenly; nested squares for sharp corners; and a
row of dashes, which smear where lifts are too short.

Up to a rotation, which does not matter on paper, the machine maps the card's plane by a linear T. Its columns are known
from the rectangle: their lengths are the measured sides over the nominal ones, and the angle between the sides follows
from the two diagonals, `|u + v|^2 - |u - v|^2 = 4 u.v`. What is sent is then to go through T^-1 first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.motion.timing import time_plan
from sketch_robot.stroke import Stroke
from sketch_robot.validation import NOT_NEGATIVE, fits

LEAST_MM = 40.0  # a shorter side cannot be measured to a hundredth with a ruler
ROUND_TO_MM = 10.0
CIRCLE_MM = 0.5  # segments of its polygon
HATCH_MM = 1.0  # between its lines
DASHES = 12
MISFIT = 0.01  # by how much measured diagonals may break the parallelogram law; 0.3 mm in 60 are less
LARGEST_SCALE = 1.5  # more is a wrong setting rather than a tolerance
LARGEST_SKEW_DEG = 10.0


@dataclass(frozen=True, eq=False)
class Card:
    """A test card.

    Attributes:
        plan: to be drawn.
        width_mm, height_mm: of the large rectangle, between the middles of its lines.
    """

    plan: DrawingPlan
    width_mm: float
    height_mm: float

    @property
    def diagonal_mm(self) -> float:
        """Of the large rectangle."""
        return math.hypot(self.width_mm, self.height_mm)


def make_card(page: Page, profile: MachineLimits) -> Card:
    """The test card for a page: its rectangle has sides of whole centimetres, as long as fit between the margins.

    Raises:
        SketchRobotError: BAD_GOAL, less than 40 mm fit.
    """
    sides = [
        math.floor((size - 2.0 * page.margin_mm) / ROUND_TO_MM + 1e-9) * ROUND_TO_MM
        for size in (page.width_mm, page.height_mm)
    ]
    if min(sides) < LEAST_MM:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'the page {page.width_mm:g} x {page.height_mm:g} mm with margins of {page.margin_mm:g} mm is too small '
            f'for a test card; {LEAST_MM:g} mm have to fit',
        )
    size = np.array(sides)
    corner = (np.array([page.width_mm, page.height_mm]) - size) / 2.0
    unit = size.min() / 10.0
    middle = corner + size / 2.0
    aside = np.array([2.2 * unit, 0.0])
    below = np.array([middle[0], corner[1] + 0.8 * unit])
    squares = [(share * unit, below + np.array([-share, 1.2 - share]) * unit / 2.0) for share in (1.2, 0.8, 0.4)]
    lines = [
        _rectangle(corner, size),
        _circle(middle - aside, 1.8 * unit),
        *_hatch(middle + aside - 1.6 * unit, 3.2 * unit),
        *(_rectangle(place, np.full(2, side_mm)) for side_mm, place in squares),
        *_dashes(np.array([middle[0] - 3.0 * unit, corner[1] + size[1] - unit]), 6.0 * unit),
    ]
    strokes = tuple(Stroke(line) for line in lines)
    stroke_s, return_s = time_plan(strokes, profile)
    return Card(DrawingPlan(strokes, page, profile, stroke_s, return_s), float(size[0]), float(size[1]))


def _rectangle(corner: np.ndarray, size: np.ndarray) -> np.ndarray:
    return corner + np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]) * size


def _circle(centre: np.ndarray, radius_mm: float) -> np.ndarray:
    angle = np.linspace(0.0, 2.0 * np.pi, max(24, round(2.0 * np.pi * radius_mm / CIRCLE_MM)) + 1)
    return centre + radius_mm * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _hatch(corner: np.ndarray, side_mm: float) -> list[np.ndarray]:
    """Lines there and back, upright in the lower half and level in the upper one, evenly spaced."""
    half = side_mm / 2.0
    steps = np.arange(0.0, half + 1e-9, HATCH_MM)
    level = [corner + np.array([[0.0, half + y], [side_mm, half + y]]) for y in steps[1:]]
    upright = [corner + np.array([[x, 0.0], [x, half - HATCH_MM]]) for x in np.arange(0.0, side_mm + 1e-9, HATCH_MM)]
    return [line[::-1] if number % 2 else line for number, line in enumerate([*upright, *level])]


def _dashes(start: np.ndarray, length_mm: float) -> list[np.ndarray]:
    pitch = length_mm / DASHES
    return [start + np.array([[k * pitch, 0.0], [(k + 0.5) * pitch, 0.0]]) for k in range(DASHES)]


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
    if not all(fits(value, NOT_NEGATIVE) for value in values) or min(sides) == 0.0:
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
