"""Eyes, brows, mouths, beards and dark lenses drawn from landmarks, for artists that think in ink.

An eye is twenty pixels wide in the crop: a small network gives a grey patch for what a person looks at first, a tangle
for teeth and a shade for a beard. Where there is a face mesh, these are drawn from it as the guided artist draws them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.guided.beard import draw_beard
from sketch_robot.line_art.guided.curve import at, runs
from sketch_robot.line_art.guided.eyes import draw_brows, draw_eye
from sketch_robot.line_art.guided.face import Face, face_of
from sketch_robot.line_art.guided.features import draw_mouth
from sketch_robot.line_art.guided.glasses import draw_glasses
from sketch_robot.line_art.guided.sheet import Sheet
from sketch_robot.line_art.guided.tone import look_at
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke

BORDER = 7.0  # px at a face of unit 1, around eyes and brows, where a network's ink belongs to them
LIP_BORDER = 4.0  # the same around the mouth
LENS_SEEN = 0.5  # of a dark lens' lower half lies by the network's ink; of shadowed eye sockets a fifth did
NEAR_PX = 4  # from ink
DRAWN = 0.3  # ink above this counts


@dataclass(frozen=True, eq=False)
class MeshParts:
    """Parts of a face as strokes.

    Attributes:
        strokes: in crop pixels.
        area: (H, W) bool, where they replace other ink.
        face: whose.
    """

    strokes: tuple[Stroke, ...]
    area: np.ndarray
    face: Face


def draw_mesh_parts(sitter: Sitter, ink: np.ndarray) -> MeshParts | None:
    """Draw a sitter's eyes, brows and mouth, and a beard or dark lenses where there are any.

    Args:
        ink: (H, W) float32, what a network drew: dark lenses are believed where it has lines by their lower rims.

    Returns:
        the parts, inside the photo; lenses in the place of eyes and brows that they hide. None without a face mesh, or
        when none is left.
    """
    shape = sitter.crop.shape[:2]
    face = None if sitter.landmarks is None else face_of(sitter.landmarks, shape)
    if face is None:
        return None
    tone = look_at(sitter.crop, np.ones(shape, np.float32) if sitter.matte is None else sitter.matte, face)
    upper, lower, lenses = Sheet(shape), Sheet(shape), Sheet(shape)
    if draw_glasses(lenses, tone, face) == 'dark' and _is_seen(lenses.strokes[:2], ink, face):
        upper = lenses
        area = lenses.taken.copy()
    else:
        for side in face.sides:
            draw_eye(upper, tone, face, side)
        draw_brows(upper, tone, face)
        area = _grown(upper.taken, BORDER * face.unit)
    draw_mouth(lower, tone, face)
    area |= _grown(lower.taken, LIP_BORDER * face.unit)
    draw_beard(lower, tone, face)
    strokes = tuple(piece for stroke in (*upper.strokes, *lower.strokes) for piece in _inside(stroke, sitter.valid))
    if not strokes:
        return None
    return MeshParts(strokes, area | lower.taken, face)


def _grown(area: np.ndarray, by_px: float) -> np.ndarray:
    side_px = 2 * round(by_px) + 1
    border = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side_px, side_px))
    return np.asarray(cv2.dilate(area.astype(np.uint8), border) > 0)


def _is_seen(rims: list[Stroke], ink: np.ndarray, face: Face) -> bool:
    near = cv2.dilate((ink > DRAWN).astype(np.uint8), np.ones((2 * NEAR_PX + 1, 2 * NEAR_PX + 1), np.uint8)) > 0
    for rim in rims:
        height = face.height(rim.xy)
        if float(at(near, rim.xy[height > np.median(height)]).mean()) < LENS_SEEN:
            return False
    return True


def _inside(stroke: Stroke, valid: np.ndarray) -> list[Stroke]:
    """The parts of a stroke that lie in the photo: a mesh goes on beyond its edge."""
    if at(valid, stroke.xy).all():
        return [stroke]
    return [stroke.taking(np.arange(run.start, run.stop)) for run in runs(at(valid, stroke.xy), shortest=2)]
