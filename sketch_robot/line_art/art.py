"""Line art: a picture in ink, and the strokes it was drawn with when the artist knows them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.stroke import Stroke


@dataclass(frozen=True, eq=False)
class ShapeArea:
    """A part of a picture in which wide dark ink is a shape rather than lines, such as a brow.

    Attributes:
        where: (H, W) bool.
        least_ink: ink above this is dark; more where too much of the part would be.
    """

    where: np.ndarray
    least_ink: float


@dataclass(frozen=True, eq=False)
class FaceArt:
    """The face of a line art, drawn larger than the rest.

    Attributes:
        ink: (H, W) float32 in [0, 1], 1 = ink, 0 = paper, in the close-up's pixels.
        area: (H, W) bool, where it stands for the line art's own ink.
        to_art: (2, 3) float64, a similarity that takes its points to the line art.
        shapes: the parts that may be shapes, those on top last.
    """

    ink: np.ndarray
    area: np.ndarray
    to_art: np.ndarray
    shapes: tuple[ShapeArea, ...] = ()

    @property
    def scale(self) -> float:
        """Pixels of the line art for one of the face's."""
        return float(np.hypot(*self.to_art[:, 0]))

    def on(self, size_px: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Its ink and its area in the pixels of a line art of that width and height: (H, W) float32 and bool."""
        matrix = self.to_art.copy()
        matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV's pixel centres lie at whole numbers
        soft = cv2.GaussianBlur(self.ink, (0, 0), 0.35 / self.scale)
        ink = cv2.warpAffine(soft, matrix, size_px, flags=cv2.INTER_LINEAR)
        area = cv2.warpAffine(self.area.astype(np.uint8), matrix, size_px, flags=cv2.INTER_NEAREST)
        return np.clip(ink, 0, 1).astype(np.float32), area > 0


@dataclass(frozen=True, eq=False)
class LineArt:
    """What an artist drew.

    Attributes:
        ink: (H, W) float32 in [0, 1], 1 = ink, 0 = paper.
        artist: the name of the artist.
        strokes: in pixels of `ink`, in the artist's order, when the artist thinks in strokes; None when they are to be
            traced from the ink.
        face: the face from a close-up, which `ink` and `strokes` show as well or leave out; None when they are all.
        picture: (H, W, 3) uint8 RGB, of any size, what to show on a screen: of artists that paint, whose ink is what a
            pen can draw of it. None: nothing but the ink.
    """

    ink: np.ndarray
    artist: str
    strokes: tuple[Stroke, ...] | None = None
    face: FaceArt | None = None
    picture: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.ink.ndim != 2 or self.ink.dtype != np.float32:
            raise ValueError(f'ink is (H, W) float32, not {self.ink.shape} {self.ink.dtype}')

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.ink.shape[1], self.ink.shape[0]
