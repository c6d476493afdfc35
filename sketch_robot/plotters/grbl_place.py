"""How much of a stroke is on paper, from where the machine says it stands."""

from __future__ import annotations

import numpy as np

from sketch_robot.plotters.grbl_program import Path

NEAR_MM = 0.05  # of the path; a machine is off it by a step, and reports to 0.001 mm
_AS_NEAR_MM = 0.02  # distances that differ by less do not tell which of two places it is


def length_at(path: Path, place_mm: np.ndarray, from_mm: float = 0.0, near_mm: float = NEAR_MM) -> float | None:
    """How far along its path a machine has come.

    Where a path crosses itself, the first passage counts, so that the answer is never too long.

    Args:
        path: of the stroke that it draws.
        place_mm: (2,) where it stands, in its own coordinates.
        from_mm: how far it was known to be, as this function tells it.
        near_mm: how far from the path it may be.

    Returns:
        mm along the path, at least `from_mm`; None: it is not on what is left of the path.
    """
    points, along = path.machine_mm, path.along_mm
    first = max(0, int(np.searchsorted(along, from_mm, side='right')) - 1)
    if len(points) == 1:
        return 0.0 if np.hypot(*(place_mm - points[0])) <= near_mm else None
    first = min(first, len(points) - 2)
    starts, steps = points[first:-1], np.diff(points[first:], axis=0)
    squared = np.maximum((steps**2).sum(axis=1), 1e-12)
    share = np.clip(((place_mm - starts) * steps).sum(axis=1) / squared, 0.0, 1.0)
    away = np.hypot(*(place_mm - (starts + share[:, None] * steps)).T)
    lengths = along[first:-1] + share * np.diff(along[first:])
    found = np.flatnonzero((away <= near_mm) & (lengths >= from_mm - near_mm))
    if len(found) == 0:
        return None
    # Neighbours of the first segment within reach may be nearer, as short segments of a curve are.
    run = found[: int(np.argmax(np.diff(found, append=found[-1] + 2) > 1)) + 1]
    best = run[int(np.argmax(away[run] <= away[run].min() + _AS_NEAR_MM))]
    return float(max(from_mm, lengths[best]))
