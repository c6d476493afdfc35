"""Points on polylines: lengths, places along and nearest, repeated points. Polylines are (N, 2) float64, N >= 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def length_of(xy: np.ndarray) -> float:
    """Measure a polyline."""
    if len(xy) == 2:
        (x0, y0), (x1, y1) = xy.tolist()
        return math.hypot(x1 - x0, y1 - y0)
    return float(np.hypot(*np.diff(xy, axis=0).T).sum()) if len(xy) > 1 else 0.0


def lengths_along(xy: np.ndarray) -> np.ndarray:
    """Measure from the start to each point of a polyline: (N,) float64."""
    return np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))


def points_at(xy: np.ndarray, at: np.ndarray, along: np.ndarray | None = None) -> np.ndarray:
    """Find the points at some lengths along a polyline: (M, 2) float64.

    Args:
        xy: the polyline.
        at: (M,) lengths from its start; those before it and beyond its end give its ends.
        along: `lengths_along(xy)`, when it is known.
    """
    along = lengths_along(xy) if along is None else along
    return np.column_stack([np.interp(at, along, column) for column in xy.T])


def feet_on(points: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the point nearest to a place on each line of a polyline; a single point is a line without length.

    Args:
        points: (N, K) float64, in the plane or in space.
        place: (K,).

    Returns:
        shares: (max(N - 1, 1),) how far along its line each is, in [0, 1].
        apart: (max(N - 1, 1),) how far from the place.
    """
    starts = points[:-1] if len(points) > 1 else points
    ways = np.diff(points, axis=0) if len(points) > 1 else np.zeros_like(points)
    squares = (ways**2).sum(axis=1)
    shares = np.clip(((place - starts) * ways).sum(axis=1) / np.where(squares > 0.0, squares, 1.0), 0.0, 1.0)
    return shares, np.sqrt(((starts + shares[:, None] * ways - place) ** 2).sum(axis=1))


def nearest_on(points: np.ndarray, place: np.ndarray) -> tuple[float, float]:
    """Find the point of a polyline nearest to a place; of several, the first.

    Args:
        points: (N, K) float64, in the plane or in space.
        place: (K,).

    Returns:
        the number of the point before it, with the share of the way to the next as its fraction; and its distance.
    """
    shares, apart = feet_on(points, place)
    k = int(np.argmin(apart))
    return k + float(shares[k]), float(apart[k])


def without_repeats(xy: np.ndarray) -> np.ndarray:
    """Leave out the points that equal the one before."""
    if len(xy) < 3:
        return xy if len(xy) < 2 or xy[0, 0] != xy[1, 0] or xy[0, 1] != xy[1, 1] else xy[:1]
    moved = (xy[1:] != xy[:-1]).any(axis=1)
    return xy if moved.all() else xy[np.concatenate(([True], moved))]


# ----------------------------------------------------------------- many at once
def stacked(polylines: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Put polylines one after the other: all their points, and where each begins, with the end of the last.

    Returns:
        xy: (M, 2) float64.
        offsets: (len(polylines) + 1,) int64.
    """
    offsets = np.concatenate(([0], np.cumsum([len(xy) for xy in polylines], dtype=np.int64)))
    return (np.concatenate(polylines) if len(polylines) else np.zeros((0, 2))), offsets


def lengths_of(polylines: Sequence[np.ndarray]) -> np.ndarray:
    """Measure many polylines: (len(polylines),) float64."""
    if len(polylines) == 0:
        return np.zeros(0)
    xy, offsets = stacked(polylines)
    steps = np.zeros(len(xy))
    steps[:-1] = np.hypot(*np.diff(xy, axis=0).T)
    steps[offsets[1:] - 1] = 0.0
    return np.add.reduceat(steps, offsets[:-1])


def stacked_without_repeats(polylines: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Put polylines one after the other, see `stacked`, without the points that equal the one before."""
    xy, offsets = stacked(polylines)
    kept = np.ones(len(xy), bool)
    kept[1:] = (xy[1:] != xy[:-1]).any(axis=1)
    kept[offsets[:-1]] = True
    return xy[kept], np.concatenate(([0], np.cumsum(kept)))[offsets]
