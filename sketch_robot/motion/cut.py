"""Strokes cut at a length along them; what belongs to a point is interpolated at the cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sketch_robot.stroke import Stroke


def lengths_along(xy: np.ndarray) -> np.ndarray:
    """Length from the start to each point of a polyline: (N, 2) -> (N,) float64."""
    return np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))


def stroke_from(stroke: Stroke, length_mm: float) -> Stroke:
    """The stroke without its first so many mm; its last point alone when it is no longer than that."""
    along = lengths_along(stroke.xy)
    last = int(np.searchsorted(along, length_mm, side='right')) - 1  # the last point at or before the cut
    if last >= len(along) - 1:
        return stroke.taking(slice(-1, None))
    share = (length_mm - along[last]) / (along[last + 1] - along[last])

    def cut(values: np.ndarray) -> np.ndarray:
        at_cut = values[last] + share * (values[last + 1] - values[last])
        return np.concatenate((at_cut[None], values[last + 1 :]))

    return replace(
        stroke,
        xy=cut(stroke.xy),
        half_widths=None if stroke.half_widths is None else cut(stroke.half_widths),
        pressure=None if stroke.pressure is None else cut(stroke.pressure),
    )


def stroke_until(stroke: Stroke, length_mm: float) -> Stroke:
    """The first so many mm of a stroke, all of it when it is no longer than that."""
    rest_mm = stroke.length - length_mm
    return stroke_from(stroke.reversed(), rest_mm).reversed() if rest_mm > 0.0 else stroke
