"""The crop as the artist looks at it: lightness at several degrees of simplification."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.blur import wide_blur
from sketch_robot.line_art.guided.curve import to_pixels
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.snap import local_spread


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
