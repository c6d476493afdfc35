"""Frame a head like a portrait, and its face alone: square crops and the way back to the photo.

Coordinates are continuous, the centre of pixel (column, row) at (column + 0.5, row + 0.5), in photo and crop alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.photo.mesh import MESH_FACE
from sketch_robot.photo.sitter import CLOSE_UP_PX, CROP_PX, CloseUp, Sitter

HEAD_ROOM = 2.0  # side of the crop in face heights: room for hair, neck and the shoulders' beginning
BOX_TO_FACE = 1.25  # a detector's box ends at the brows; the mesh's face is that much taller
MARGIN = 0.1  # around the mesh, of its longer side
LEAST_FACE_PX = 40.0  # in the crop; a smaller mesh is no face


@dataclass(frozen=True, eq=False)
class Frame:
    """A square of a picture: of the photo for a crop, of a crop for a close-up.

    Attributes:
        left, top: its upper left corner in the picture, px; may lie outside.
        side: its side, px.
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


def cut(rgb: np.ndarray, frame: Frame, *, quick: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Cut a frame out of a photo, without aliasing when it shrinks.

    Args:
        rgb: (H, W, 3) uint8, the photo.
        frame: what of it.
        quick: enlarge linearly and not by cubics, in a fifth of the time.

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
    flags = cv2.INTER_CUBIC if frame.scale > 1.0 and not quick else cv2.INTER_LINEAR
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


# ------------------------------------------------------------- the face alone
def close_up(rgb: np.ndarray, sitter: Sitter, *, quick: bool = False) -> CloseUp | None:
    """Sample a sitter's face, its mesh and a margin around it, from the photo that the sitter was found in.

    In the head crop an eye is twenty pixels wide, too few to draw it by. The close-up shows the face as large as an
    artist's network sees anything; a photo with more pixels than the crop gives it more detail.

    Args:
        rgb: (H, W, 3) uint8, the photo.
        sitter: with `to_photo` for that photo.
        quick: enlarge linearly and not by cubics, in a fifth of the time.

    Returns:
        the close-up, filled beyond the photo with its border; None without a usable face mesh.
    """
    square = _around_the_mesh(sitter.landmarks)
    if square is None or sitter.landmarks is None:
        return None
    step = square.side / CLOSE_UP_PX
    to_crop = np.array([[step, 0.0, square.left], [0.0, step, square.top]])
    to_photo = sitter.to_photo @ np.vstack([to_crop, (0.0, 0.0, 1.0)])
    landmarks = ((sitter.landmarks - (square.left, square.top, 0.0)) / step).astype(np.float32)
    return CloseUp(_sampled(rgb, to_photo, quick), landmarks, to_crop, to_photo)


def _around_the_mesh(landmarks: np.ndarray | None) -> Frame | None:
    """The square of the crop that a close-up shows."""
    if landmarks is None or not np.isfinite(landmarks).all():
        return None
    low, high = landmarks[:MESH_FACE, :2].min(axis=0), landmarks[:MESH_FACE, :2].max(axis=0)
    longer = float((high - low).max())
    if longer < LEAST_FACE_PX:
        return None
    side = longer * (1.0 + 2.0 * MARGIN)
    left, top = (low + high - side) / 2.0
    return Frame(float(left), float(top), side)


def _sampled(rgb: np.ndarray, to_photo: np.ndarray, quick: bool) -> np.ndarray:
    """The photo seen through a similarity from the close-up: (512, 512, 3) uint8, without aliasing when it shrinks."""
    corners = np.array([[0, 0, 1], [CLOSE_UP_PX, 0, 1], [0, CLOSE_UP_PX, 1], [CLOSE_UP_PX, CLOSE_UP_PX, 1]]).T
    xy = to_photo @ corners
    size = np.array(rgb.shape[1::-1])
    low = np.clip(np.floor(xy.min(axis=1)) - 3, 0, size - 2).astype(int)
    high = np.clip(np.ceil(xy.max(axis=1)) + 3, low + 2, size).astype(int)
    part = rgb[low[1] : high[1], low[0] : high[0]]
    step = float(np.hypot(*to_photo[:, 0]))  # photo pixels for one of the close-up
    scale = np.ones(2)
    if step > 1.0:  # warpAffine alone would skip pixels
        smaller = np.maximum(1, np.rint(np.array(part.shape[1::-1]) / step)).astype(int)
        scale = smaller / np.array(part.shape[1::-1])
        part = cv2.resize(part, (int(smaller[0]), int(smaller[1])), interpolation=cv2.INTER_AREA)
    matrix = scale[:, None] * to_photo
    matrix[:, 2] -= scale * low
    matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV's pixel centres lie at whole numbers, ours at 0.5
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_CUBIC if step < 1.0 and not quick else cv2.INTER_LINEAR)
    return cv2.warpAffine(part, matrix, (CLOSE_UP_PX, CLOSE_UP_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
