"""Lay a mesh of 478 points on a face (Kartynnik et al. 2019; lips and eyes: Grishchenko et al. 2020).

The network sees the face level, in a square around it. The square comes from a detection or, from frame to frame of a
video, from the mesh before.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.photo.detection import DetectedFace
from sketch_robot.photo.networks import Network, sample

MESH_POINTS = 478
MESH_FACE = 468  # of these, those of the face itself; the irises follow
AROUND = 1.5  # the square's side in sides of the face's box
THERE = 0.5  # probability that the square shows a face at all
EYES_OUTSIDE = (33, 263)  # mesh points of the eyes' outer corners, the sitter's right and left


@dataclass(frozen=True)
class FaceSquare:
    """Where to look for a face: a square's centre and side in the picture, px, and its turn, radians clockwise."""

    x: float
    y: float
    side: float
    turn: float

    def to_picture(self, side_px: int) -> np.ndarray:
        """(2, 3) float64 from the square, of so many pixels, to the picture."""
        step = self.side / side_px
        along = step * np.array([np.cos(self.turn), np.sin(self.turn)])
        axes = np.array([[along[0], -along[1]], [along[1], along[0]]])
        return np.column_stack([axes, (self.x, self.y) - axes.sum(axis=1) * side_px / 2.0])


def square_of_face(face: DetectedFace) -> FaceSquare:
    """Around a detected face, level with its eyes."""
    middle = face.box[:2] + face.box[2:] / 2.0
    return FaceSquare(float(middle[0]), float(middle[1]), AROUND * float(face.box[2:].max()), _turn(*face.points[:2]))


def square_of_mesh(points: np.ndarray) -> FaceSquare:
    """Around the face that a mesh (478, 3) lies on, level with its eyes."""
    turn = _turn(*(points[corner, :2] for corner in EYES_OUTSIDE))
    along = np.array([np.cos(turn), np.sin(turn)])
    axes = np.stack([along, along[::-1] * (-1.0, 1.0)])
    level = points[:MESH_FACE, :2] @ axes.T
    low, high = level.min(axis=0), level.max(axis=0)
    middle = (low + high) / 2.0 @ axes
    return FaceSquare(float(middle[0]), float(middle[1]), AROUND * float((high - low).max()), turn)


class FaceMesh:
    """Lays the mesh; for one thread at a time."""

    def __init__(self) -> None:
        self._network = Network('mesh')

    def lay(self, rgb: np.ndarray, square: FaceSquare) -> np.ndarray | None:
        """The mesh of the face in a square of a picture.

        Args:
            rgb: (H, W, 3) uint8.
            square: beyond the picture its border goes on.

        Returns:
            (478, 3) float64 in pixels of the picture, the depth on the scale of the others, nearer is smaller; None
            when there is no face.
        """
        side_px = self._network.side_px
        to_picture = square.to_picture(side_px)
        points, there = self._network.answer(sample(rgb, to_picture, side_px, cv2.BORDER_REPLICATE))
        if not float(there[0]) > THERE:
            return None
        xy = points[:, :2].astype(np.float64) @ to_picture[:, :2].T + to_picture[:, 2]
        return np.column_stack([xy, points[:, 2].astype(np.float64) * (square.side / side_px)])


def _turn(right_eye: np.ndarray, left_eye: np.ndarray) -> float:
    return float(np.arctan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0]))
