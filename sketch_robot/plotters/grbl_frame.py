"""Where a page lies on a GRBL machine, and numbers on the grid that is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page

GRID_MM = 0.001  # coordinates are rounded to this
GRID = 1000  # steps of the grid in a mm


@dataclass(frozen=True, eq=False)
class Frame:
    """Where the page lies in the machine's coordinates: machine = origin + matrix @ page.

    Attributes:
        origin_mm: (2,) float64; the page's lower left corner.
        matrix: (2, 2) float64; directions of the axes, scale and squareness.
        page: the sheet; no point is ever outside it.

    Raises:
        SketchRobotError: BAD_GOAL, the matrix is singular or not near a rotation, or a value is not finite.
    """

    origin_mm: np.ndarray
    matrix: np.ndarray
    page: Page
    _inverse: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        matrix, origin = np.array(self.matrix, dtype=np.float64), np.array(self.origin_mm, dtype=np.float64)
        usable = matrix.shape == (2, 2) and origin.shape == (2,) and np.isfinite(matrix).all()
        determinant = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]) if usable else 0.0
        if not (usable and np.isfinite(origin).all() and 0.25 < abs(determinant) < 4.0):
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                'the correction from page to machine is not usable: it takes an origin of two numbers and a 2 x 2 '
                'matrix close to a rotation or reflection',
            )
        object.__setattr__(self, 'matrix', matrix)
        object.__setattr__(self, 'origin_mm', origin)
        turned = np.array([[matrix[1, 1], -matrix[0, 1]], [-matrix[1, 0], matrix[0, 0]]])
        object.__setattr__(self, '_inverse', turned / determinant)

    def to_machine(self, page_mm: np.ndarray) -> np.ndarray:
        """(N, 2) of the page, held on it, to (N, 2) of the machine, not rounded."""
        size = np.array([self.page.width_mm, self.page.height_mm])
        return self.origin_mm + np.clip(page_mm, 0.0, size) @ self.matrix.T

    def to_page(self, machine_mm: np.ndarray) -> np.ndarray:
        """(..., 2) of the machine to (..., 2) of the page."""
        return (np.asarray(machine_mm) - self.origin_mm) @ self._inverse.T

    def to_grid(self, page_mm: np.ndarray, zero_mm: np.ndarray) -> np.ndarray:
        """(N, 2) of the page to (N, 2) int64 steps of the grid, counted from `zero_mm`; never off the page.

        Args:
            page_mm: points of the page.
            zero_mm: (2,) where the program's coordinates are 0.
        """
        exact = (self.to_machine(page_mm) - zero_mm) * GRID
        grid = np.rint(exact).astype(np.int64)
        for shifts in ((0, 0), (1, 0), (0, 1), (1, 1)):  # else round the other way, along one axis or both
            outside = self.is_off_page(grid / GRID + zero_mm)
            if not outside.any():
                break
            other = np.where(
                exact[outside] > np.rint(exact[outside]), np.ceil(exact[outside]), np.floor(exact[outside])
            )
            near = np.rint(exact[outside])
            grid[outside] = np.where(np.array(shifts, dtype=bool), other, near).astype(np.int64)
        return grid

    def is_off_page(self, machine_mm: np.ndarray) -> np.ndarray:
        """Which of (N, 2) machine coordinates are not on the page."""
        page_mm = self.to_page(machine_mm)
        size = np.array([self.page.width_mm, self.page.height_mm])
        return ((page_mm < -1e-9) | (page_mm > size + 1e-9)).any(axis=1)


def grid_text(steps: int) -> str:
    """Steps of the grid in mm, as short as can be: 12300 -> '12.3', -500 -> '-.5'."""
    whole, part = divmod(abs(steps), GRID)
    text = f'{whole or ""}.{part:03d}'.rstrip('0').rstrip('.') if part else str(whole)
    return f'-{text}' if steps < 0 else text


def plain(value: float) -> str:
    """A number to a thousandth, as short as can be."""
    return grid_text(round(value * GRID))
