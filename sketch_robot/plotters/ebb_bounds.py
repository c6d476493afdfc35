"""The box that no move of a pen may leave."""

from __future__ import annotations

import numpy as np

OFF_PAGE_MM = 0.1  # rounding to steps is no excursion


class Bounds:
    """See the module; at first a point, (0, 0)."""

    def __init__(self) -> None:
        self._low, self._high = np.zeros(2), np.zeros(2)

    def span(self, *points_mm: tuple[float, float]) -> None:
        """From now on it is the box around these points."""
        points = np.array(points_mm)
        self._low, self._high = points.min(axis=0) - OFF_PAGE_MM, points.max(axis=0) + OFF_PAGE_MM

    def holds(self, xy_mm: np.ndarray) -> bool:
        """Whether a point is in it."""
        return bool((xy_mm >= self._low).all() and (xy_mm <= self._high).all())
