"""Where the page lies before the arm: a plane in the robot's base frame.

The page's frame has its origin at the lower left corner, x right, y up along the sheet, z out of the paper towards the
pen. The page is in millimetres, the robot in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.frames import inverse, transform

MM = 1e-3
MOST_TURN = 2.0 * np.pi + 1e-3
LEAST_SPAN_M = 0.02  # taught points closer than this make a plane of their own errors
LEAST_ANGLE = 0.17  # rad, 10 degrees; a flatter triangle of taught points says little of the plane


@dataclass(frozen=True, eq=False)
class PageFrame:
    """The page in the robot's base frame.

    Attributes:
        base_from_page: (4, 4) float64, metres.
    """

    base_from_page: np.ndarray

    @property
    def normal(self) -> np.ndarray:
        """(3,) float64; out of the paper, in the base frame."""
        return self.base_from_page[:3, 2]

    def to_base(self, xyz_mm: np.ndarray) -> np.ndarray:
        """(..., 3) mm of the page -> (..., 3) m of the base."""
        return np.asarray(xyz_mm) * MM @ self.base_from_page[:3, :3].T + self.base_from_page[:3, 3]

    def to_page(self, xyz_m: np.ndarray) -> np.ndarray:
        """(..., 3) m of the base -> (..., 3) mm of the page."""
        back = inverse(self.base_from_page)
        return (np.asarray(xyz_m) @ back[:3, :3].T + back[:3, 3]) / MM


def page_at(xyz_m: Sequence[float], rpy: Sequence[float] = (0.0, 0.0, 0.0)) -> PageFrame:
    """The page by its lower left corner and how it is turned about the base's x, y, z axes (rad, as in URDF).

    Raises:
        SketchRobotError: BAD_GOAL, those are not two times three finite numbers, or no angles in radians.
    """
    turn = _three(rpy, 'the turn of the page')
    if np.abs(turn).max() > MOST_TURN:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'the turn of the page is {rpy!r}; are those degrees? it is told in radians, from -2 pi to 2 pi',
        )
    return PageFrame(transform(_three(xyz_m, 'the place of the page'), turn))


def page_through(points_m: Sequence[Sequence[float]]) -> PageFrame:
    """The page by three points that the pen's tip was put on.

    Args:
        points_m: in the base frame, metres: the lower left corner; a point on the lower edge, right of it; a point on
            the sheet above that edge, best the upper left corner.

    Raises:
        SketchRobotError: BAD_GOAL, those are not three finite points, or they lie too close together or on a line.
    """
    if len(points_m) != 3:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'a page needs three taught points, not {len(points_m)}')
    corner, right, above = (_three(point, f'taught point {k + 1}') for k, point in enumerate(points_m))
    along, up = right - corner, above - corner
    spans = np.linalg.norm(along), np.linalg.norm(up)
    if min(spans) < LEAST_SPAN_M:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'two taught points are {min(spans) / MM:.1f} mm apart; take points at least {LEAST_SPAN_M / MM:.0f} mm '
            'apart, best the corners of the sheet',
        )
    normal = np.cross(along, up)
    if np.linalg.norm(normal) < np.sin(LEAST_ANGLE) * spans[0] * spans[1]:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            'the three taught points lie (nearly) on a line; take the third one well above the lower edge',
        )
    frame = np.eye(4)
    frame[:3, 0] = along / spans[0]
    frame[:3, 2] = normal / np.linalg.norm(normal)
    frame[:3, 1] = np.cross(frame[:3, 2], frame[:3, 0])
    frame[:3, 3] = corner
    return PageFrame(frame)


def _three(values: Sequence[float], what: str) -> np.ndarray:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.shape != (3,) or not np.isfinite(array).all():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{what} is {values!r}; it must be three finite numbers')
    return array
