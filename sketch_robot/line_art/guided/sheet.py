"""The crop as the artist looks at it, lightness at several degrees of simplification; and the sheet being drawn on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from sketch_robot.line_art.filters import wide_blur
from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.curve import at, filled, to_pixels
from sketch_robot.line_art.geometry.face import Face
from sketch_robot.line_art.guided.snap import local_spread
from sketch_robot.stroke import Stroke

HALF_WIDTH_PX = 1.0  # the pen's line in the crop


@dataclass(eq=False)
class StrokeSheet:
    """A drawing in the making.

    Attributes:
        shape: (H, W).
        strokes: in the order they were drawn.
        taken: (H, W) bool, the area of features that are complete: no free line goes there.
        near_ink: (H, W) uint8, 1 near strokes: outlines and free lines keep their distance.
    """

    shape: tuple[int, ...]
    strokes: list[Stroke] = field(default_factory=list)
    taken: np.ndarray = field(init=False)
    near_ink: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.taken = np.zeros(self.shape, bool)
        self.near_ink = np.zeros(self.shape, np.uint8)

    def draw(self, xy: np.ndarray, label: str, importance: float) -> None:
        """Add a stroke; fewer than two points are no line and are left out."""
        if len(xy) > 1:
            self.strokes.append(Stroke(xy, HALF_WIDTH_PX, label, float(np.clip(importance, 0.0, 1.0))))

    def take(self, xy: np.ndarray, grow_px: float = 0) -> None:
        """Close the inside of a polygon, grown by so many pixels, to free lines."""
        self.taken |= filled(xy, self.shape, max(0, int(grow_px)))

    def keep_off(self, xy: np.ndarray, width_px: int) -> None:
        """Keep outlines and free lines away from a polyline."""
        cv2.polylines(self.near_ink, [to_pixels(xy)], False, (1,), width_px)

    def is_free(self, xy: np.ndarray) -> np.ndarray:
        """(N,) bool, whether points are away from other lines."""
        return at(self.near_ink, xy) == 0


@dataclass(frozen=True, eq=False)
class Tone:
    """Pictures (H, W) float32 of the crop.

    Attributes:
        lab: (H, W, 3) uint8, the crop in CIE Lab.
        matte: 1 = the person.
        raw: CIE lightness in [0, 1].
        light: the same without noise, for snapping fine features.
        spread: local standard deviation of `light`.
        skin: probability of the face's skin colour; zeros without a face.
    """

    lab: np.ndarray
    matte: np.ndarray
    raw: np.ndarray
    light: np.ndarray
    spread: np.ndarray
    skin: np.ndarray

    @cached_property
    def flat(self) -> np.ndarray:
        """Simplified: equalised, three bilateral passes (Winnemoeller, Olsen & Gooch 2006), background blurred."""
        simple = cv2.createCLAHE(1.5, (4, 4)).apply(np.ascontiguousarray(self.lab[..., 0]))
        for _ in range(3):
            simple = cv2.bilateralFilter(simple, 7, 22, 5)
        flat = _unit(simple)
        near = cv2.GaussianBlur(cv2.dilate(self.matte, np.ones((5, 5), np.uint8)), (0, 0), 2)
        return flat * near + (1 - near) * wide_blur(flat, 12)

    @cached_property
    def colour(self) -> np.ndarray:
        """The Lab channel of most contrast, for outlines against the background."""
        channel = int(np.argmax([self.lab[..., i].std() for i in range(3)]))
        return _unit(self.lab[..., channel])


def look_at(crop: np.ndarray, matte: np.ndarray, face: Face | None) -> Tone:
    """Prepare a crop (H, W, 3) uint8 RGB with its matte (H, W) float32 for drawing."""
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)
    lightness = np.ascontiguousarray(lab[..., 0])
    light = _unit(cv2.bilateralFilter(lightness, 5, 18, 3))
    skin = np.zeros(lightness.shape, np.float32) if face is None else _skin(lab, face)
    return Tone(lab, matte, _unit(lightness), light, local_spread(light), skin)


def _unit(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / np.float32(255)


def _skin(lab: np.ndarray, face: Face) -> np.ndarray:
    """How much a pixel's colour is that of cheeks, forehead and nose: a robust Gaussian, lightness weighing half."""
    soft = cv2.GaussianBlur(lab, (0, 0), 1.5).astype(np.float32)
    height, width = soft.shape[:2]
    spots = np.clip(to_pixels(face.points[mesh.SKIN]), 0, (width - 1, height - 1))
    colours = soft[spots[:, 1], spots[:, 0]]
    centre = np.median(colours, axis=0)
    spread = np.maximum(1.5 * np.median(np.abs(colours - centre), axis=0), np.array([16, 4, 5], np.float32))
    distance = (((soft - centre) / spread) ** 2) @ np.array([0.5, 1, 1], np.float32)
    return np.exp(-np.maximum(distance - 2, 0) / 6).astype(np.float32)
