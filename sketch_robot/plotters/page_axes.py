"""Where a page lies on a machine with two axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

IDENTITY = ((1.0, 0.0), (0.0, 1.0))
_DIRECTIONS = {'x': (1.0, 0.0), '-x': (-1.0, 0.0), 'y': (0.0, 1.0), '-y': (0.0, -1.0)}
_LEAST_AREA, _MOST_AREA = 0.25, 4.0  # of a square mm of the page on the machine; beyond, a correction is a slip


@dataclass(frozen=True, eq=False)
class PageAxes:
    """Page millimetres to machine millimetres: machine = origin + matrix @ page.

    Attributes:
        matrix: (2, 2) float64; directions of the axes, scale and squareness.
        origin_mm: (2,) float64; machine coordinates of the page's lower left corner.

    Raises:
        SketchRobotError: BAD_GOAL, the matrix is far from a rotation or reflection, or a value is not finite.
    """

    matrix: np.ndarray
    origin_mm: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def __post_init__(self) -> None:
        matrix, origin = np.array(self.matrix, dtype=np.float64), np.array(self.origin_mm, dtype=np.float64)
        usable = matrix.shape == (2, 2) and origin.shape == (2,) and np.isfinite(origin).all()
        if not (usable and _LEAST_AREA < abs(float(np.linalg.det(matrix))) < _MOST_AREA):
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                'the correction from page to machine is not usable: it takes an origin of two numbers and a 2 x 2 '
                'matrix close to a rotation or reflection',
            )
        object.__setattr__(self, 'matrix', matrix)
        object.__setattr__(self, 'origin_mm', origin)

    @classmethod
    def of(
        cls,
        axes: Sequence[str] = ('x', 'y'),
        correction: Sequence[Sequence[float]] = IDENTITY,
        origin_mm: Sequence[float] | np.ndarray = (0.0, 0.0),
    ) -> PageAxes:
        """Make them of directions of the machine.

        Args:
            axes: directions of the page's x and y on the machine, as ('x', 'y') or ('-y', 'x').
            correction: 2 x 2 matrix along those directions; measured scale and squareness.
            origin_mm: machine coordinates of the page's lower left corner.

        Raises:
            SketchRobotError: BAD_GOAL, the axes are not one of x and one of y, or the correction is far from a
                rotation.
        """
        directions = np.array([_DIRECTIONS.get(axis.lower(), (0.0, 0.0)) for axis in axes]).T
        if directions.shape != (2, 2) or abs(np.linalg.det(directions)) != 1.0:
            raise SketchRobotError(ErrorCode.BAD_GOAL, "axes are two of 'x', '-x', 'y', '-y', one of each")
        return cls(directions @ np.array(correction, dtype=np.float64), np.array(origin_mm))

    def at(self, origin_mm: Sequence[float] | np.ndarray) -> PageAxes:
        """The same axes from another corner."""
        return PageAxes(self.matrix, np.array(origin_mm))

    def to_machine(self, page_mm: np.ndarray) -> np.ndarray:
        """(..., 2) of the page to (..., 2) of the machine."""
        return self.origin_mm + np.asarray(page_mm) @ self.matrix.T

    def to_page(self, machine_mm: np.ndarray) -> np.ndarray:
        """(..., 2) of the machine to (..., 2) of the page."""
        return (np.asarray(machine_mm) - self.origin_mm) @ self._inverse.T

    @cached_property
    def _inverse(self) -> np.ndarray:
        return np.linalg.inv(self.matrix)

    def turned(self, way_mm: Sequence[float]) -> np.ndarray:
        """A way along the page's axes, (2,), as one of the machine."""
        turned: np.ndarray = self.matrix @ np.array(way_mm, dtype=np.float64)
        return turned
