"""The sitter: the person to draw, cropped and framed like a portrait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CROP_PX = 512  # side of the crop; the artists' networks are trained at this size
CLOSE_UP_PX = 512  # side of the close-up; the same


@dataclass(frozen=True, eq=False)
class CloseUp:
    """The sitter's face alone, see `close_up`.

    Attributes:
        rgb: (512, 512, 3) uint8, sampled from the photo itself.
        landmarks: (478, 3) float32, the sitter's, in pixels of the close-up.
        to_crop, to_photo: (2, 3) float64; similarities that take a point of the close-up to the crop and to the photo.
    """

    rgb: np.ndarray
    landmarks: np.ndarray
    to_crop: np.ndarray
    to_photo: np.ndarray

    @property
    def scale(self) -> float:
        """Crop pixels for one pixel of the close-up, about 0.6."""
        return float(np.hypot(*self.to_crop[:, 0]))


@dataclass(frozen=True, eq=False)
class Sitter:
    """A head crop with what was found in it. All coordinates in crop pixels (see `Stroke.xy` for the frame).

    Attributes:
        crop: (512, 512, 3) uint8 RGB.
        to_photo: (2, 3) float64; `to_photo @ [x, y, 1]` takes a point of the crop to the photo (a similarity).
        valid: (512, 512) bool; False where the crop reaches beyond the photo and was filled.
        faces: how many faces the photo shows; the largest is the sitter; 0 when the whole picture is drawn.
        face_box: (4,) float64 x, y, width, height, or None without a face.
        landmarks: (478, 3) float32, the face mesh with irises (z in crop pixels too, nearer is smaller), or
            None when no mesh was found.
        close_up: the face alone, or None without a mesh.
        matte: (512, 512) float32 in [0, 1], 1 = the person, or None when nobody was separated from the background.
    """

    crop: np.ndarray
    to_photo: np.ndarray
    valid: np.ndarray
    faces: int
    face_box: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    matte: np.ndarray | None = None
    close_up: CloseUp | None = None
