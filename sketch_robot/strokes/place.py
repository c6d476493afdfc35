"""Tell what traced strokes depict by where they are: on a face mesh, around a face box, or around the picture's middle.

Traced lines have no names, and what a person looks at first must be drawn first: eyes and mouth before hair, hair
before clothes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import placed_importance

MAJORITY = 0.5  # of a stroke's points decides
# How far beyond the mesh points of a part its lines may lie, of the face's height (forehead to chin).
BEYOND = {'mouth': 0.05, 'nose': 0.03, 'eye': 0.05, 'brow': 0.05, 'jaw': 0.045}
HAIR_REACH = 0.9  # from the face's middle, of its height: hair, above the chin
WEIGHTS = {'eye': 1.0, 'mouth': 1.0, 'nose': 0.9, 'brow': 0.9, 'jaw': 0.8, 'hair': 0.6, 'clothes': 0.35, 'other': 0.25}
# Without a mesh: parts of a face box, of its width and height from its upper left corner.
BOX_PARTS = {
    'eye': (0.10, 0.28, 0.90, 0.52),
    'nose': (0.32, 0.45, 0.68, 0.70),
    'mouth': (0.25, 0.68, 0.75, 0.90),
    'jaw': (-0.05, 0.05, 1.05, 1.08),
}


def place_strokes(
    strokes: Iterable[Stroke], size_px: tuple[int, int], sitter: Sitter | None = None
) -> tuple[Stroke, ...]:
    """Name traced strokes by their place, and weigh their importance by it.

    Args:
        strokes: in pixels of the picture; those with a name of their own keep it and their importance.
        size_px: width and height of the picture.
        sitter: in the same pixels, with landmarks or a face box; without either the middle of the picture counts.
    """
    areas = None if sitter is None else _areas(sitter, size_px)
    if areas is None:
        return placed_importance(strokes, size_px)
    return tuple(_named(stroke, areas) if stroke.label == 'other' else stroke for stroke in strokes)


def _named(stroke: Stroke, areas: dict[str, np.ndarray]) -> Stroke:
    shape = next(iter(areas.values())).shape
    column, row = np.clip(stroke.xy.astype(np.int64), 0, np.array(shape)[::-1] - 1).T
    label = next((name for name, area in areas.items() if area[row, column].mean() >= MAJORITY), 'other')
    return replace(stroke, label=label, importance=stroke.importance * WEIGHTS[label])


def _areas(sitter: Sitter, size_px: tuple[int, int]) -> dict[str, np.ndarray] | None:
    """Where each part lies, (H, W) bool, those that decide first first; None without a face."""
    shape = size_px[1], size_px[0]
    if sitter.landmarks is not None and np.isfinite(sitter.landmarks).all():
        points = sitter.landmarks[:, :2].astype(np.float64)
        height = float(np.hypot(*(points[mesh.CHIN] - points[mesh.FOREHEAD])))
        if height < 1.0:
            return None
        eyes = [mesh.EYES[side] for side in mesh.SIDES]
        parts = {
            'eye': [table.upper + table.lower for table in eyes],
            'brow': [table.brow_top + table.brow_bottom for table in eyes],
            'mouth': [mesh.UPPER_LIP + mesh.LOWER_LIP],
            'nose': [mesh.NOSE_WING['right'] + mesh.NOSE_BASE + mesh.NOSE_WING['left'] + [mesh.NOSE_TIP, 168]],
            'jaw': [mesh.OVAL],
        }
        areas = {
            name: _grown([points[part] for part in group], BEYOND[name] * height, shape)
            for name, group in parts.items()
        }
        middle, chin = points[mesh.OVAL].mean(axis=0), points[mesh.CHIN]
        down = (chin - points[mesh.FOREHEAD]) / height
    elif sitter.face_box is not None:
        x, y, width, height = (float(value) for value in sitter.face_box)
        if min(width, height) < 1.0:
            return None
        corners = {
            name: np.array([[x + width * u, y + height * v] for u in (a, c) for v in (b, d)])
            for name, (a, b, c, d) in BOX_PARTS.items()
        }
        areas = {name: _grown([part], 0.0, shape) for name, part in corners.items()}
        middle, chin, down = np.array([x + width / 2, y + height / 2]), np.array([x, y + height]), np.array([0.0, 1.0])
    else:
        return None
    column, row = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    below = column * down[0] + row * down[1] > float(chin @ down)
    near = np.hypot(column - middle[0], row - middle[1]) < HAIR_REACH * height
    person = np.ones(shape, bool) if sitter.matte is None else cv2.dilate(sitter.matte, np.ones((9, 9), np.uint8)) > 0.5
    person = person if person.shape == shape else np.ones(shape, bool)
    areas['hair'] = ~below & near & person
    areas['clothes'] = below & person
    return areas


def _grown(groups: list[np.ndarray], by_px: float, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool, the convex hulls of groups of points and what is near them."""
    area = np.zeros(shape, np.uint8)
    for points in groups:
        hull = cv2.convexHull(np.rint(points * 16 - 8).astype(np.int32))
        cv2.fillConvexPoly(area, hull, (1,), shift=4)
    side = 2 * round(by_px) + 1
    return cv2.dilate(area, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0
