"""Line weight: how firmly a pen has to press for the line to be as wide as it was drawn.

A brush pen or a soft pencil draws a wider line the firmer it is pressed. The machine's profile says how wide the lines
of the lightest and of the firmest touch are; between them pressure is proportional to width. Widths are averaged over
a short way before, since a pen's height follows no faster, and tracing measures them with some noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.stroke import Stroke

SMOOTH_MM = 1.0  # of the line, before and after each point


def press_strokes(strokes: Iterable[Stroke], profile: MachineLimits) -> tuple[Stroke, ...]:
    """Give strokes the pressure at each point that makes their widths.

    Args:
        strokes: mm. Those without a width press as they did before.

    Returns:
        the strokes, their widths untouched; without pressure where the machine cannot press.
    """
    return tuple(_pressed(stroke, profile) for stroke in strokes)


def line_width_mm(stroke: Stroke, profile: MachineLimits) -> np.ndarray | None:
    """How wide a pressed line is on paper at each of its points: (N,) float64; None: as wide as its pen all along."""
    if stroke.pressure is None or not profile.presses:
        return None
    return profile.lightest_mm + stroke.pressure * (profile.firmest_mm - profile.lightest_mm)


def _pressed(stroke: Stroke, profile: MachineLimits) -> Stroke:
    span_mm = profile.firmest_mm - profile.lightest_mm
    if span_mm <= 0.0:
        return stroke if stroke.pressure is None else replace(stroke, pressure=None)
    if stroke.half_widths is not None:
        width_mm = 2.0 * smoothed(stroke.xy, stroke.half_widths, SMOOTH_MM)
    elif stroke.half_width > 0.0:
        width_mm = np.full(len(stroke.xy), 2.0 * stroke.half_width)
    else:
        return stroke
    return replace(stroke, pressure=np.clip((width_mm - profile.lightest_mm) / span_mm, 0.0, 1.0))


def smoothed(xy: np.ndarray, values: np.ndarray, reach: float) -> np.ndarray:
    """The mean along a polyline of a quantity known at its points, linear between them.

    Args:
        xy: (N, 2).
        values: (N,).
        reach: how far the mean looks to either side, less at the ends, so that these are as near to it as they were.

    Returns:
        (N,), between the least and the largest value.
    """
    steps = np.hypot(*np.diff(xy, axis=0).T)
    along = np.concatenate(([0.0], np.cumsum(steps)))
    sums = np.concatenate(([0.0], np.cumsum(0.5 * (values[1:] + values[:-1]) * steps)))  # integral up to each point
    near = np.minimum(np.minimum(along, along[-1] - along), reach)
    spread = near > 1e-9
    mean = values.astype(np.float64)
    ahead, behind = along[spread] + near[spread], along[spread] - near[spread]
    mean[spread] = (_integral(along, values, sums, ahead) - _integral(along, values, sums, behind)) / (ahead - behind)
    return np.clip(mean, values.min(), values.max())


def _integral(along: np.ndarray, values: np.ndarray, sums: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Of the piecewise linear quantity from the line's start up to some places."""
    k = np.clip(np.searchsorted(along, at, side='right') - 1, 0, len(along) - 2)
    return sums[k] + 0.5 * (values[k] + np.interp(at, along, values)) * (at - along[k])
