"""Eyes, brows and beards drawn from landmarks, for artists that think in ink.

An eye is twenty pixels wide in the crop: a small network gives a grey patch for what a person looks at first, and a
shade for a beard. Where there is a face mesh, these are drawn from it as the guided artist draws them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.guided.beard import draw_beard
from sketch_robot.line_art.guided.eyes import draw_brows, draw_eye
from sketch_robot.line_art.guided.face import face_of
from sketch_robot.line_art.guided.glasses import draw_glasses
from sketch_robot.line_art.guided.sheet import Sheet
from sketch_robot.line_art.guided.tone import look_at
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke

BORDER = 7.0  # px at a face of unit 1, around eyes and brows, where a network's ink belongs to them
EYE_LABELS = ('eye', 'brow')


@dataclass(frozen=True, eq=False)
class MeshParts:
    """Parts of a face as strokes.

    Attributes:
        strokes: in crop pixels.
        area: (H, W) bool, where they replace other ink.
    """

    strokes: tuple[Stroke, ...]
    area: np.ndarray


def draw_mesh_parts(sitter: Sitter) -> MeshParts | None:
    """Draw a sitter's eyes and brows, and a beard when there is one.

    Returns:
        the parts, without eyes and brows where dark lenses hide them; None without a face mesh, or when none is left.
    """
    shape = sitter.crop.shape[:2]
    face = None if sitter.landmarks is None else face_of(sitter.landmarks, shape)
    if face is None:
        return None
    tone = look_at(sitter.crop, np.ones(shape, np.float32) if sitter.matte is None else sitter.matte, face)
    eyes, beard = Sheet(shape), Sheet(shape)
    for side in face.sides:
        draw_eye(eyes, tone, face, side)
    draw_brows(eyes, tone, face)
    area = eyes.taken.astype(np.uint8)
    draw_glasses(eyes, tone, face)
    seen = [stroke for stroke in eyes.strokes if stroke.label in EYE_LABELS]
    draw_beard(beard, tone, face)
    strokes = (*seen, *beard.strokes)
    if not strokes:
        return None
    side_px = 2 * round(BORDER * face.unit) + 1
    border = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side_px, side_px))
    near_eyes = cv2.dilate(area, border) > 0 if seen else np.zeros(shape, bool)
    return MeshParts(strokes, near_eyes | (beard.taken if beard.strokes else False))
