"""The close-up as the artist looks at it: evenly lit skin, and where the parts of the face are.

The mesh says where things are and what they are called; what they look like is seen in the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from sketch_robot.line_art.art import ShapeArea
from sketch_robot.line_art.filters import wide_blur
from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.face import Face, face_of
from sketch_robot.photo.sitter import CloseUp

AROUND_PX = 30.0  # sigma: the skin's own lightness near a place
BORDER = 9.0  # units beyond the mesh's outline: jaw and hairline are the face's
# Units around the mesh points of a part in which it is looked for.
EYE, BROW, BELOW_BROW, MOUTH, NOSE = 5.5, 5.0, 2.0, 6.0, 5.0
DARK, BLACK = 0.5, 0.62  # ink of a shape; a nose's shade is no nostril
LIP_RED = 1.2  # lightness that redness is worth
TEETH = 2.2  # units inside the lips' inner edges


@dataclass(frozen=True, eq=False)
class Look:
    """What is seen of a face. Pictures are (512, 512), in the close-up's pixels.

    Attributes:
        face: its geometry; `face.unit` is the close-up pixels of a unit.
        light: float32 lightness in [0, 1], without noise.
        norm: float32, the same over that of the skin around; lips are the darker the redder they are.
        where: bool, the face and its border.
    """

    face: Face
    light: np.ndarray
    norm: np.ndarray
    where: np.ndarray

    @cached_property
    def zones(self) -> dict[str, np.ndarray]:
        """Where each part is looked for, bool: 'eye right', 'brow right', ..., 'nose', 'mouth'."""
        points, unit, shape = self.face.points, self.face.unit, self.light.shape
        zones = {}
        for side in mesh.SIDES:
            table = mesh.EYES[side]
            zones[f'eye {side}'] = hull(points[table.upper + table.lower], EYE * unit, shape)
            lids = hull(points[table.upper + table.lower + table.crease], BELOW_BROW * unit, shape)
            zones[f'brow {side}'] = hull(points[table.brow_top + table.brow_bottom], BROW * unit, shape) & ~lids
        zones['mouth'] = hull(points[mesh.UPPER_LIP + mesh.LOWER_LIP], MOUTH * unit, shape)
        wings = mesh.NOSE_WING['right'] + mesh.NOSE_BASE + mesh.NOSE_WING['left']
        zones['nose'] = hull(points[wings], NOSE * unit, shape)
        return zones

    @cached_property
    def teeth(self) -> np.ndarray:
        """Bool, well inside the open lips."""
        points = np.vstack([self.face.points[mesh.UPPER_INSIDE], self.face.points[mesh.LOWER_INSIDE][::-1]])
        inside = np.zeros(self.light.shape, np.uint8)
        cv2.fillPoly(inside, [np.rint(points * 16 - 8).astype(np.int32)], (1,), shift=4)
        return cv2.erode(inside, disc(2 * TEETH * self.face.unit)) > 0


def look_at_face(close_up: CloseUp) -> Look | None:
    """Look at a close-up; None when its mesh is degenerate."""
    shape = close_up.rgb.shape[:2]
    face = face_of(close_up.landmarks, shape)
    if face is None:
        return None
    lab = cv2.cvtColor(close_up.rgb, cv2.COLOR_RGB2LAB)
    lightness = lab[..., 0]
    for _ in range(2):
        lightness = cv2.bilateralFilter(lightness, 7, 18, 4)
    light = lightness.astype(np.float32) / 255
    skin = face.mask.astype(np.float32) + np.float32(1e-3)
    around = wide_blur(light * skin, AROUND_PX) / wide_blur(skin, AROUND_PX)
    norm = light / (around + np.float32(0.04)) - LIP_RED * _lip_redness(lab, face)
    return Look(face, light, norm.astype(np.float32), face_area(face))


def face_area(face: Face) -> np.ndarray:
    """Where the ink of a close-up counts: (H, W) bool, the face and its border."""
    return grown(face.mask.astype(np.uint8), BORDER * face.unit)


def shape_areas(face: Face) -> tuple[ShapeArea, ...]:
    """The parts of a face that may be dark shapes: nostrils, lips, brows and, on top, eyes."""
    points, shape = face.points, face.mask.shape
    nose = mesh.NOSE_WING['right'] + mesh.NOSE_BASE + mesh.NOSE_WING['left']
    parts = [(nose, NOSE, BLACK), (mesh.UPPER_LIP + mesh.LOWER_LIP, MOUTH, DARK)]
    parts += [(mesh.EYES[side].brow_top + mesh.EYES[side].brow_bottom, BROW, DARK) for side in face.sides]
    parts += [(mesh.EYES[side].upper + mesh.EYES[side].lower, EYE, DARK) for side in face.sides]
    return tuple(ShapeArea(hull(points[part], grow * face.unit, shape), ink) for part, grow, ink in parts)


def _lip_redness(lab: np.ndarray, face: Face) -> np.ndarray:
    """(H, W) float32, how much redder than the skin around the mouth a place in it is; 1 is pure red."""
    shape = lab.shape[:2]
    points = face.points[mesh.UPPER_LIP + mesh.LOWER_LIP]
    near, ring = hull(points, MOUTH * face.unit, shape), hull(points, 4 * MOUTH * face.unit, shape)
    red = cv2.GaussianBlur(lab[..., 1], (0, 0), 2.0).astype(np.float32) / 128
    skin = float(np.median(red[ring & ~near]))
    fade = cv2.GaussianBlur(near.astype(np.float32), (0, 0), 0.5 * MOUTH * face.unit)
    return np.maximum(red - skin, 0) * fade


def hull(points: np.ndarray, grow_px: float, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool, the convex hull of points, grown."""
    area = np.zeros(shape, np.uint8)
    around = cv2.convexHull(np.rint(points * 16 - 8).astype(np.int32))
    cv2.fillConvexPoly(area, around, (1,), shift=4)
    return grown(area, grow_px)


def grown(area: np.ndarray, by_px: float) -> np.ndarray:
    """(H, W) bool, what lies in an area (H, W) uint8 or near it; only what is around the area is looked at."""
    near = disc(2 * by_px)
    reach = near.shape[0] // 2
    x, y, width, height = cv2.boundingRect(area)
    part = slice(max(0, y - reach), y + height + reach), slice(max(0, x - reach), x + width + reach)
    out = np.zeros(area.shape, bool)
    out[part] = cv2.dilate(area[part], near) > 0
    return out


def disc(diameter_px: float) -> np.ndarray:
    """A structuring element, of an odd diameter near that."""
    size = max(1, round(diameter_px)) | 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
