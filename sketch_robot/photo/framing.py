"""Frame a head like a portrait: a square crop and the way back to the photo.

Coordinates are continuous, the centre of pixel (column, row) at (column + 0.5, row + 0.5), in photo and crop alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.photo.sitter import CROP_PX

HEAD_ROOM = 2.0  # side of the crop in face heights: room for hair, neck and the shoulders' beginning
BOX_TO_FACE = 1.25  # a detector's box ends at the brows; the mesh's face is that much taller


@dataclass(frozen=True, eq=False)
class Frame:
    """A square of the photo.

    Attributes:
        left, top: its upper left corner in the photo, px; may lie outside.
        side: its side in the photo, px.
    """

    left: float
    top: float
    side: float

    @property
    def scale(self) -> float:
        """Crop pixels for one pixel of the photo."""
        return CROP_PX / self.side

    @property
    def to_photo(self) -> np.ndarray:
        """(2, 3) float64, from crop to photo coordinates."""
        step = 1.0 / self.scale
        return np.array([[step, 0.0, self.left], [0.0, step, self.top]])

    def to_crop(self, xy: np.ndarray) -> np.ndarray:
        """Photo points (..., 2) in crop coordinates."""
        return (np.asarray(xy, np.float64) - (self.left, self.top)) * self.scale


def frame_face(centre: np.ndarray, face_px: float, size_px: tuple[int, int]) -> Frame:
    """The frame of a face of that centre and height in a photo of `size_px` (width, height), kept inside if it fits."""
    side = min(HEAD_ROOM * face_px, float(max(size_px)))
    corner = [
        min(max(c - side / 2, min(0.0, n - side)), max(0.0, n - side)) for c, n in zip(centre, size_px, strict=True)
    ]
    return Frame(corner[0], corner[1], side)


def frame_whole(size_px: tuple[int, int]) -> Frame:
    """The frame of the whole photo, letterboxed."""
    side = float(max(size_px))
    return Frame((size_px[0] - side) / 2, (size_px[1] - side) / 2, side)


def cut(rgb: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Cut a frame out of a photo, without aliasing when it shrinks.

    Returns:
        The crop (512, 512, 3) uint8, filled beyond the photo with its border, and (512, 512) bool, True inside it.
    """
    height, width = rgb.shape[:2]
    x0, y0 = max(0, int(frame.left) - 2), max(0, int(frame.top) - 2)
    x1 = min(width, int(np.ceil(frame.left + frame.side)) + 2)
    y1 = min(height, int(np.ceil(frame.top + frame.side)) + 2)
    part = rgb[y0:y1, x0:x1]
    if frame.scale < 1.0:  # warpAffine alone would skip pixels
        size = max(1, round(part.shape[1] * frame.scale)), max(1, round(part.shape[0] * frame.scale))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    sx, sy = (x1 - x0) / part.shape[1] * frame.scale, (y1 - y0) / part.shape[0] * frame.scale
    tx, ty = (x0 - frame.left) * frame.scale, (y0 - frame.top) * frame.scale
    # the -0.5 and +0.5 take OpenCV's pixel coordinates, centres at whole numbers, to ours and back
    matrix = np.array([[sx, 0.0, tx + 0.5 * sx - 0.5], [0.0, sy, ty + 0.5 * sy - 0.5]])
    flags = cv2.INTER_CUBIC if frame.scale > 1.0 else cv2.INTER_LINEAR
    crop = cv2.warpAffine(part, matrix, (CROP_PX, CROP_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    centres = (np.arange(CROP_PX) + 0.5) / frame.scale
    inside_x = (centres + frame.left >= 0.0) & (centres + frame.left <= width)
    inside_y = (centres + frame.top >= 0.0) & (centres + frame.top <= height)
    return crop, inside_y[:, None] & inside_x[None]


def shrink(rgb: np.ndarray, longest_px: int) -> np.ndarray:
    """The photo with its longer side at most that long."""
    factor = longest_px / max(rgb.shape[:2])
    if factor >= 1.0:
        return np.ascontiguousarray(rgb)
    size = max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
