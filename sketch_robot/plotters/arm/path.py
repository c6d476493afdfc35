"""From lines on the page to a smooth path of the joints.

A line is resampled evenly; its points become the control points of a uniform cubic B-spline, which has a continuous
tangent and curvature and cuts a corner that turns by 90 degrees by less than a quarter of their distance. The joints
for the spline's knots are joined by a cubic spline again, so that speed and acceleration limits have something to hold
on to at every corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from sketch_robot.plotters.arm.field import Field

DRAW_MM = 0.2  # control points of a stroke; a corner of 90 degrees is cut by 0.05 mm, a turn back by 0.07 mm
HOP_MM = 1.0  # ... of a hop between strokes, where corners need not be sharp
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
        return self.spline(u)[self.joints.shape[1] :] if self.end > 0.0 else self.xyz_mm[0]

    def joints_at(self, u: float) -> np.ndarray:
        """(n,) at u."""
        return self.spline(u)[: self.joints.shape[1]] if self.end > 0.0 else self.joints[0]

    def length_to(self, u: float) -> float:
        """The way over the page up to u, mm."""
        return float(np.interp(u, np.arange(len(self.joints)), self.along_mm))


def resample(points: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Points every `spacing` (or somewhat less) along a polyline (N, 3), sharp corners and both ends kept.

    Returns:
        the points (M, 3), and the length of the polyline's x and y up to each (M,).
    """
    steps = np.diff(points, axis=0)
    moved = np.linalg.norm(steps, axis=1) > 1e-9
    points = points[np.concatenate([[True], moved])]
    if len(points) < 2:
        return points, np.zeros(1)
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    tangents = steps / lengths[:, None]
    cosine = (tangents[1:] * tangents[:-1]).sum(axis=1)
    corners = np.concatenate([[0], np.flatnonzero(cosine < np.cos(SHARP)) + 1, [len(points) - 1]])
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    at = [np.zeros(1)]
    for first, last in zip(along[corners[:-1]], along[corners[1:]], strict=True):
        count = max(1, int(np.ceil((last - first) / spacing - 1e-9)))
        at.append(np.linspace(first, last, count + 1)[1:])
    where = np.concatenate(at)
    over_page = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
    resampled = np.stack([np.interp(where, along, points[:, k]) for k in range(3)], axis=1)
    return resampled, np.interp(where, along, over_page)


def smooth(controls: np.ndarray) -> np.ndarray:
    """The uniform cubic B-spline of control points (N, 3) at its knots, through both ends: (N, 3)."""
    if len(controls) < 3:
        return controls
    out = controls.copy()
    out[1:-1] = (controls[:-2] + 4.0 * controls[1:-1] + controls[2:]) / 6.0
    return out


def joint_path(
    field: Field, points_mm: np.ndarray, *, spacing_mm: float, speed_mm_s: float, accel_mm_s2: float
) -> JointPath:
    """The path along a polyline over the page.

    Args:
        points_mm: (N, 3), N >= 1; z above the paper, negative pressed into it.
        spacing_mm: of the control points.
        speed_mm_s, accel_mm_s2: limits of the pen.

    Raises:
        SketchRobotError: BAD_GOAL, a point is out of reach.
    """
    controls, along_mm = resample(np.asarray(points_mm, dtype=np.float64), spacing_mm)
    xyz = smooth(controls)
    return JointPath(xyz, field.joints_at(xyz), np.full(len(xyz), speed_mm_s), accel_mm_s2, along_mm)
