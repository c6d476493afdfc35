"""The face to draw: its mesh, axes, pose and outline in the crop."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.curve import smooth_closed, to_pixels

UNIT_FACE_PX = 300.0  # a face this tall has unit 1; distances in the artist's code are tuned for it
PROFILE_DEGREES = 45.0  # turned further, only one half of the face shows
OUTLINE_RADIUS = 26.0  # units; of the alpha shape, above the mesh's spacing and below an eye socket's depth


@dataclass(frozen=True, eq=False)
class Face:
    """A face's geometry in crop pixels.

    Attributes:
        points: (478, 2) float64, the mesh.
        right, down: (2,) unit vectors along the line through the eyes and across it: the head's own axes.
        unit: face height / 300 px.
        yaw: in [-1, 1], 0 frontal, positive when the nose points to the left of the picture.
        turn_degrees: how far the head is turned, from the mesh's depth; positive when the sitter's left cheek (at the
            right of the picture) is the farther.
        mask: (H, W) bool, inside the face's visible outline.
        outline: (N, 2) float64, that outline, closed, in pixel steps.
    """

    points: np.ndarray
    right: np.ndarray
    down: np.ndarray
    unit: float
    yaw: float
    turn_degrees: float
    mask: np.ndarray
    outline: np.ndarray

    def height(self, xy: np.ndarray) -> np.ndarray:
        """How far down the head's axis points (..., 2) lie: (...)."""
        return xy @ self.down

    def across(self, xy: np.ndarray) -> np.ndarray:
        """How far to the right of the picture, along the head's axis, points (..., 2) lie: (...)."""
        return xy @ self.right

    @property
    def sides(self) -> tuple[mesh.Side, ...]:
        """The halves of the face that show."""
        if abs(self.turn_degrees) < PROFILE_DEGREES:
            return mesh.SIDES
        return ('right',) if self.turn_degrees > 0 else ('left',)

    @property
    def in_profile(self) -> bool:
        """Whether only one half of the face shows."""
        return len(self.sides) == 1

    def eye_width(self, side: mesh.Side) -> float:
        """Distance between the corners of an eye, px."""
        table = mesh.EYES[side]
        return float(np.hypot(*(self.points[table.upper[0]] - self.points[table.upper[-1]])))


def face_of(landmarks: np.ndarray, shape: tuple[int, ...]) -> Face | None:
    """The face of a mesh, or None when the mesh is degenerate or out of the picture.

    Args:
        landmarks: (478, 3), see `Sitter.landmarks`.
        shape: (H, W) of the picture.
    """
    if landmarks.shape != (478, 3) or not np.isfinite(landmarks).all():
        return None
    points, depth = landmarks[:, :2].astype(np.float64), landmarks[:, 2].astype(np.float64)
    ear_to_ear = points[mesh.CHEEK_EDGE['left']] - points[mesh.CHEEK_EDGE['right']]
    down = points[mesh.CHIN] - points[mesh.FOREHEAD]
    tall = float(np.hypot(*down))
    if tall < 40 or tall > 3 * max(shape):
        return None
    down = down / tall
    right = np.array([down[1], -down[0]])
    oval = points[mesh.OVAL]
    unit = float(np.ptp(oval @ down)) / UNIT_FACE_PX
    nose_right = float((points[mesh.NOSE_TIP] - points[mesh.CHEEK_EDGE['right']]) @ right)
    nose_left = float((points[mesh.CHEEK_EDGE['left']] - points[mesh.NOSE_TIP]) @ right)
    yaw = (nose_left - nose_right) / (abs(nose_right) + abs(nose_left) + 1e-6)
    deeper = depth[mesh.CHEEK_EDGE['left']] - depth[mesh.CHEEK_EDGE['right']]
    turn = float(np.degrees(np.arctan2(deeper, np.hypot(*ear_to_ear))))
    found = _outline(points[: mesh.FACE_POINTS], OUTLINE_RADIUS * unit, shape)
    if found is None:
        return None
    return Face(points, right, down, unit, yaw, turn, *found)


def _outline(points: np.ndarray, radius: float, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray] | None:
    """Mask and contour of the mesh's alpha shape (Edelsbrunner, Kirkpatrick & Seidel 1983)."""
    corners = _triangles(points)
    a, b, c = (np.hypot(*(corners[:, i] - corners[:, j]).T) for i, j in ((0, 1), (1, 2), (2, 0)))
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    kept = corners[a * b * c < 4 * radius * np.maximum(area, 1e-9)]
    mask = np.zeros(shape, np.uint8)
    for triangle in to_pixels(kept):
        cv2.fillConvexPoly(mask, triangle, (1,))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    largest = max(contours, key=cv2.contourArea)
    if cv2.contourArea(largest) < 400:
        return None
    whole = np.zeros(shape, np.uint8)
    cv2.fillPoly(whole, [largest], (1,))
    return whole > 0, smooth_closed(largest[:, 0].astype(np.float64) + 0.5, 2.0)


def _triangles(points: np.ndarray) -> np.ndarray:
    """Delaunay's triangles (M, 3, 2) float64 of points (N, 2)."""
    low, high = np.floor(points.min(axis=0)) - 1, np.ceil(points.max(axis=0)) + 2
    division = cv2.Subdiv2D((0, 0, *(high - low).astype(int).tolist()))
    division.insert((points - low).astype(np.float32))
    corners = np.asarray(division.getTriangleList()).reshape(-1, 3, 2)
    inside = ((corners >= 0) & (corners <= (high - low))).all(axis=(1, 2))  # others hang on corners far outside
    return corners[inside].astype(np.float64) + low
