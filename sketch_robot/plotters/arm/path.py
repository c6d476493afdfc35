"""From lines on the page to a smooth path of the joints.

A line is resampled, finely where it bends; its points become the control points of a uniform cubic B-spline, which has
a continuous tangent and curvature and cuts a corner that turns by 90 degrees by a quarter of their distance. The joints
for the spline's knots are joined by a cubic spline again, so that speed and acceleration limits have something to hold
on to at every corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from sketch_robot.plotters.arm.field import PostureField

DRAW_MM = 0.2, 2.0  # between control points of a stroke; a corner of 90 degrees is cut by 0.05 mm, a turn back by 0.07
HOP_MM = 1.0, 1.0  # ... of a hop between strokes, where corners need not be sharp
SAGITTA_MM = 0.12  # of a stroke over two intervals; see `resample`
SPACINGS = 7  # tried between the least and the greatest
GROWTH = 0.4  # change of the spacing along the line
BEND = 0.25  # change of tangent over an interval, of the longest tangent
BEND_PARTS = 4
SHARP = np.radians(30.0)  # corners that turn more keep a control point of their own


@dataclass(frozen=True, eq=False)
class JointPath:
    """A path of the joints over u = 0 .. N - 1.

    Attributes:
        xyz_mm: (N, 3) float64; the pen on the page at whole u.
        joints: (N, n) float64; there.
        speed_mm_s: (N,) float64; the fastest that the pen may go there.
        accel_mm_s2: its greatest acceleration along each of the page's axes.
        along_mm: (N,) float64; the way over the page up to there, along the line that the path follows.
    """

    xyz_mm: np.ndarray
    joints: np.ndarray
    speed_mm_s: np.ndarray
    accel_mm_s2: float
    along_mm: np.ndarray

    @property
    def end(self) -> float:
        """The last u."""
        return float(len(self.joints) - 1)

    @cached_property
    def spline(self) -> CubicSpline:
        """u -> joints and then the pen's place, (n + 3,)."""
        return CubicSpline(np.arange(len(self.joints)), np.hstack([self.joints, self.xyz_mm]), bc_type='natural')

    @cached_property
    def grid(self) -> np.ndarray:
        """(M,) float64; u from 0 to the end where speeds are to be found: finer in bends, where more than the ends of
        an interval counts."""
        whole = np.arange(len(self.joints), dtype=np.float64)
        if len(whole) < 2:
            return whole
        first, second = self.spline(whole, 1), self.spline(whole, 2)
        pace = np.abs(first).max(axis=0) * BEND  # by joint, and by direction of the pen
        bends = (np.abs(second) > np.maximum(pace, 1e-9)).any(axis=1)
        fine = whole[:-1][bends[1:] | bends[:-1]]
        parts = np.arange(1, BEND_PARTS) / BEND_PARTS
        return np.sort(np.concatenate([whole, (fine[:, None] + parts).ravel()]))

    def place(self, u: float) -> np.ndarray:
        """(3,) mm; the pen at u."""
        return self.places(np.array([u]))[0]

    def places(self, u: np.ndarray) -> np.ndarray:
        """The pen at many u: (M,) -> (M, 3) mm."""
        return self.spline(u)[:, self.joints.shape[1] :] if self.end > 0.0 else np.repeat(self.xyz_mm, len(u), axis=0)

    def joints_at(self, u: float) -> np.ndarray:
        """(n,) at u."""
        return self.spline(u)[: self.joints.shape[1]] if self.end > 0.0 else self.joints[0]

    def length_to(self, u: float) -> float:
        """The way over the page up to u, mm."""
        return float(np.interp(u, np.arange(len(self.joints)), self.along_mm))


def resample(points: np.ndarray, finest: float, coarsest: float) -> tuple[np.ndarray, np.ndarray]:
    """Points along a polyline (N, 3), sharp corners and both ends kept, as far apart as the line's bends allow.

    A uniform cubic B-spline of such points leaves the line by about a third of the line's sagitta over two intervals,
    and the chord between two points by a quarter of it: the sagitta is kept below `SAGITTA_MM` where `finest` allows.

    Args:
        points: mm.
        finest, coarsest: least and greatest distance, mm; all is even when they are equal.

    Returns:
        the points (M, 3), and the length of the polyline's x and y up to each (M,).
    """
    moved = np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-9
    points = points[np.concatenate([[True], moved])]
    if len(points) < 2:
        return points, np.zeros(1)
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    tangents = steps / lengths[:, None]
    cosine = (tangents[1:] * tangents[:-1]).sum(axis=1)
    corners = np.concatenate([[0], np.flatnonzero(cosine < np.cos(SHARP)) + 1, [len(points) - 1]])
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    fine = np.linspace(0.0, along[-1], max(2, int(np.ceil(along[-1] / (0.5 * finest))) + 1))
    line = np.stack([np.interp(fine, along, points[:, k]) for k in range(3)], axis=1)
    spacing = _spacing(line, fine[1], finest, coarsest)
    count = np.concatenate([[0.0], np.cumsum(0.5 * (1.0 / spacing[1:] + 1.0 / spacing[:-1]) * fine[1])])
    at = [np.zeros(1)]
    for first, last in zip(along[corners[:-1]], along[corners[1:]], strict=True):
        begin, end = np.interp([first, last], fine, count)
        parts = max(1, int(np.ceil(end - begin - 1e-6)))
        inner = np.interp(np.linspace(begin, end, parts + 1)[1:-1], count, fine)
        at.append(np.append(inner, last))
    where = np.concatenate(at)
    over_page = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
    resampled = np.stack([np.interp(where, along, points[:, k]) for k in range(3)], axis=1)
    return resampled, np.interp(where, along, over_page)


def _spacing(line: np.ndarray, step: float, finest: float, coarsest: float) -> np.ndarray:
    """How far apart control points may be at each point of a line (N, 3) sampled every `step`: (N,) mm."""
    n = len(line)
    index, out = np.arange(n), np.full(n, finest)
    allowed = np.ones(n, dtype=bool)
    for spacing in np.geomspace(finest, coarsest, SPACINGS)[1:] if coarsest > finest else ():
        reach = max(1, round(spacing / step))
        start, end = line[np.maximum(index - reach, 0)], line[np.minimum(index + reach, n - 1)]
        chord = (end - start) / np.maximum(np.linalg.norm(end - start, axis=1), 1e-9)[:, None]
        for share in (-0.5, 0.0, 0.5):
            away = line[np.clip(index + round(share * reach), 0, n - 1)] - start
            away -= (away * chord).sum(axis=1)[:, None] * chord
            allowed &= np.linalg.norm(away, axis=1) <= SAGITTA_MM
        out[allowed] = spacing
    slope = GROWTH * step  # finer well before a bend, not at it
    ahead = np.minimum.accumulate(out - slope * index) + slope * index
    return np.minimum(ahead, np.minimum.accumulate((out + slope * index)[::-1])[::-1] - slope * index)


def smooth(controls: np.ndarray) -> np.ndarray:
    """The uniform cubic B-spline of control points (N, 3) at its knots, through both ends: (N, 3)."""
    if len(controls) < 3:
        return controls
    out = controls.copy()
    out[1:-1] = (controls[:-2] + 4.0 * controls[1:-1] + controls[2:]) / 6.0
    return out


def joint_path(
    field: PostureField,
    points_mm: np.ndarray,
    *,
    spacing_mm: tuple[float, float],
    speed_mm_s: float,
    accel_mm_s2: float,
) -> JointPath:
    """The path along a polyline over the page.

    Args:
        points_mm: (N, 3), N >= 1; z above the paper, negative pressed into it.
        spacing_mm: least and greatest distance of the control points.
        speed_mm_s, accel_mm_s2: limits of the pen.

    Raises:
        SketchRobotError: BAD_GOAL, a point is out of reach.
    """
    controls, along_mm = resample(np.asarray(points_mm, dtype=np.float64), *spacing_mm)
    xyz = smooth(controls)
    return JointPath(xyz, field.joints_at(xyz), np.full(len(xyz), speed_mm_s), accel_mm_s2, along_mm)
