"""The test card: what a machine draws to be measured with a ruler.

A large rectangle, whose sides and diagonals tell scale and squareness; within it a circle, which shows backlash where
it is not closed or not round; a hatch, which shows whether lines lie evenly; nested squares for sharp corners; and a
row of dashes, which smear where lifts are too short.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import time_plan
from sketch_robot.stroke import Stroke

LEAST_MM = 40.0  # a shorter side cannot be measured to a hundredth with a ruler
ROUND_TO_MM = 10.0
CIRCLE_MM = 0.5  # segments of its polygon
HATCH_MM = 1.0  # between its lines
DASHES = 12


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


def make_card(page: Page, profile: PenProfile) -> Card:
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
