"""Fair curves for a machine: no wobble that costs speed, true corners kept, vertices only where they are needed.

Between corners (`fair_corners`) a line is replaced by the one of least change in curvature that stays within a
tolerance of it (`fair_smoothing`), so that its curvature is continuous; then points are left out as far as the planner
loses no time by it (`fair_vertices`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sketch_robot.motion.fair_corners import corners
from sketch_robot.motion.fair_smoothing import smoothed
from sketch_robot.motion.fair_vertices import vertices
from sketch_robot.motion.profile import PenProfile
from sketch_robot.stroke import Stroke

TOLERANCE_MM = 0.05  # a tenth of the usual pen's width: nobody sees it
CUT_SHARE = 0.2  # of the tolerance, that samples may cut off a corner
MOST_SAMPLES = 1_000_000
CHORD_SHARE = 0.3  # of the tolerance, what chords may cut off; the rest is for moving the line
CORNER_DEGREES = 35.0
CORNER_REACH_MM = 0.1  # a turn within so much of the line, to each side, is a corner
STEP_MM = 0.12  # between samples
SMOOTH_MM = 1.5  # waves shorter than 2 pi times this are damped, as far as the tolerance lets them


def fair_strokes(
    strokes: Sequence[Stroke],
    profile: PenProfile,
    *,
    tolerance_mm: float = TOLERANCE_MM,
    box_mm: tuple[float, float, float, float] | None = None,
) -> tuple[Stroke, ...]:
    """Make strokes fair.

    Args:
        strokes: in mm.
        profile: the machine: its junction deviation, speed and acceleration say how far apart vertices may be.
        tolerance_mm: no point of a line moves by more than this, and none of the new line is farther from the old.
        box_mm: left, bottom, right, top that nothing may leave; None: no such limit.

    Returns:
        as many strokes, in their order, with the same ends; closed ones stay closed, but may begin elsewhere (at a
        corner). Dots are left as they are; values per point are interpolated along the line.

    Raises:
        ValueError: the tolerance is not positive.
    """
    if not (math.isfinite(tolerance_mm) and tolerance_mm > 0.0):
        raise ValueError(f'a tolerance of {tolerance_mm} mm is not a positive length')
    return tuple(_fair(stroke, profile, tolerance_mm, box_mm) for stroke in strokes)


def _fair(
    stroke: Stroke, profile: PenProfile, tolerance_mm: float, box_mm: tuple[float, float, float, float] | None
) -> Stroke:
    moved = np.concatenate(([True], (np.diff(stroke.xy, axis=0) != 0.0).any(axis=1)))
    stroke = stroke if moved.all() else stroke.taking(moved)
    if len(stroke.xy) < 3:
        return stroke
    closed = bool((stroke.xy[0] == stroke.xy[-1]).all()) and len(stroke.xy) > 3
    corner = corners(stroke.xy, closed, CORNER_REACH_MM, math.radians(CORNER_DEGREES))
    if closed and corner.any() and not corner[0]:  # begin at a corner, so that all between corners is open
        first = int(np.argmax(corner))
        stroke = stroke.taking(np.concatenate((np.arange(first, len(corner)), np.arange(1, first + 1))))
        corner = np.concatenate((corner[first:], corner[1 : first + 1]))
    chord_mm = CHORD_SHARE * tolerance_mm
    cuts = np.flatnonzero(corner | (np.arange(len(corner)) % (len(corner) - 1) == 0))
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(stroke.xy, axis=0).T))))
    pieces, places = [], []
    for a, b in pairwise(cuts):
        at, sampled, cut_mm = _sampled(stroke.xy[a : b + 1], arc[a : b + 1], CUT_SHARE * tolerance_mm)
        smooth = smoothed(sampled, closed and not corner.any(), tolerance_mm - chord_mm - cut_mm, SMOOTH_MM)
        if box_mm is not None:
            smooth = np.clip(smooth, box_mm[:2], box_mm[2:])
        kept = vertices(
            smooth, chord_mm, profile.junction_deviation_mm, profile.draw_accel_mm_s2 / profile.draw_speed_mm_s**2
        )
        last = len(kept) if b == cuts[-1] else len(kept) - 1
        pieces.append(smooth[kept[:last]])
        places.append(at[kept[:last]])
    xy, at = np.concatenate(pieces), np.concatenate(places)
    return Stroke(
        xy,
        stroke.half_width,
        stroke.label,
        stroke.importance,
        half_widths=None if stroke.half_widths is None else np.interp(at, arc, stroke.half_widths),
        pressure=None if stroke.pressure is None else np.interp(at, arc, stroke.pressure),
        pen=stroke.pen,
    )


def _sampled(xy: np.ndarray, arc: np.ndarray, most_cut_mm: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Even samples of a polyline: where along it, (N, 2) points, N >= 2, and by how much they cut its corners off."""
    count = max(2, math.ceil((arc[-1] - arc[0]) / STEP_MM) + 1)
    while True:
        at = np.linspace(arc[0], arc[-1], count)
        sampled = np.column_stack([np.interp(at, arc, column) for column in xy.T])
        before = np.clip(np.searchsorted(at, arc, side='right') - 1, 0, count - 2)
        chord, reach = sampled[before + 1] - sampled[before], xy - sampled[before]
        length = np.maximum(np.hypot(*chord.T), 1e-12)
        cut_mm = float((np.abs(chord[:, 0] * reach[:, 1] - chord[:, 1] * reach[:, 0]) / length).max())
        if cut_mm <= most_cut_mm or count > MOST_SAMPLES:
            return at, sampled, min(cut_mm, most_cut_mm)
        count = 2 * count - 1
