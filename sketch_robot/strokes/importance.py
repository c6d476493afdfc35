"""Which strokes matter most: what they depict, and where they are.

Traced lines have no names, and what a person looks at first must be drawn first and kept longest: eyes and mouth before
hair, hair before clothes. What a traced stroke depicts is told by its place: on a face mesh, in a face box, or around
the picture's middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush

import cv2
import numpy as np

from sketch_robot.line_art.geometry import mesh
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import LABELS, Stroke

BANDS = (  # what makes a person comes before what surrounds them; within a band the importance decides
    ('eye', 'brow', 'nose', 'mouth', 'jaw', 'glasses'),
    ('hair', 'ear'),
    ('clothes', 'other', 'shading'),
)

BAND = {label: band for band, labels in enumerate(BANDS) for label in labels}
assert set(BAND) == set(LABELS)

LONG_PX = 30.0  # a traced line of this length has 63 % of what length can give
MIDDLE_SHARE = 0.2  # standard deviation of the weight of the middle, of the picture's shorter side: eyes to mouth
LEAST_PLACE = 0.25  # weight of what is far from the middle

MAJORITY = 0.5  # of a stroke's points decides
# How far beyond the mesh points of a part its lines may lie, of the face's height (forehead to chin).
BEYOND = {'mouth': 0.05, 'nose': 0.03, 'eye': 0.05, 'brow': 0.05, 'jaw': 0.045}
HAIR_REACH = 0.9  # from the face's middle, of its height: hair, above the chin
WEIGHTS = {'eye': 1.0, 'mouth': 1.0, 'nose': 0.9, 'brow': 0.9, 'jaw': 0.65, 'hair': 0.6, 'clothes': 0.35, 'other': 0.25}
# What a stroke brings a drawing nearer to its ink is worth, for whoever is to know the sitter: chosen on 30 people.
GAIN_WEIGHTS = {
    'eye': 1.0, 'brow': 1.0, 'nose': 2.5, 'mouth': 1.0, 'glasses': 1.0, 'jaw': 0.3,
    'hair': 0.15, 'ear': 0.15, 'clothes': 0.05, 'other': 0.05,
}  # fmt: skip
FAR, AFAR_PX = 2, 1  # pixels of the ink for one of the picture from afar; its blur
USUAL_PEN_PX = 2.0  # a pen of 0.5 mm on A5
LIFT_PX = 100.0  # of a way take about as long as a lift, a hop and a start
# Without a mesh: parts of a face box, of its width and height from its upper left corner.
BOX_PARTS = {
    'eye': (0.10, 0.28, 0.90, 0.52),
    'nose': (0.32, 0.45, 0.68, 0.70),
    'mouth': (0.25, 0.68, 0.75, 0.90),
    'jaw': (-0.05, 0.05, 1.05, 1.08),
}


def rank_strokes(strokes: Sequence[Stroke]) -> np.ndarray:
    """Strokes by what is kept longest: (N,) int64, the most important first.

    The label decides before the importance: the face, then hair and ears, then clothes and the rest. Equals keep their
    order, so that the same strokes always give the same ranking.
    """
    bands = np.array([BAND[stroke.label] for stroke in strokes], dtype=np.int64)
    importance = np.array([stroke.importance for stroke in strokes], dtype=np.float64)
    return np.lexsort((np.arange(len(strokes)), -importance, bands))


def gained_importance(strokes: Sequence[Stroke], ink: np.ndarray) -> tuple[Stroke, ...]:
    """Weigh strokes by how much nearer to its ink each brings a drawing, seen from afar, for the time that it takes.

    One after another, always the stroke that then gains the most: the decrease of the squared difference between the
    ink and what the pen has drawn, both blurred, weighed by what it depicts, for each pixel of its way and of the
    lift. So the first few strokes are the darkest of eyes, brows, nose and mouth, and what only doubles another comes
    late.

    Args:
        strokes: in pixels of the ink, with labels.
        ink: (H, W) float32 in [0, 1].

    Returns:
        the strokes, whose importance falls evenly from 1 in that order.
    """
    missing = _from_afar(ink)
    size_px = missing.shape[1], missing.shape[0]
    marks = [_mark(stroke, size_px) for stroke in strokes]
    cost_px = [LIFT_PX + _way_px(stroke) for stroke in strokes]

    def gain(k: int) -> float:
        rows, columns, mark = marks[k]
        near = missing[rows, columns]
        return GAIN_WEIGHTS[strokes[k].label] * float((mark * (2.0 * near - mark)).sum()) / cost_px[k]

    waiting = [(-gain(k), k) for k in range(len(strokes))]
    heapify(waiting)
    ranked = list(strokes)
    rank = 0
    while waiting:
        _, k = heappop(waiting)
        now = -gain(k)
        if waiting and now > waiting[0][0]:  # what was drawn since has taken some of it
            heappush(waiting, (now, k))
            continue
        rows, columns, mark = marks[k]
        missing[rows, columns] -= mark
        ranked[k] = replace(strokes[k], importance=1.0 - rank / len(strokes))
        rank += 1
    return tuple(ranked)


def _way_px(stroke: Stroke) -> float:
    """How far a usual pen goes for a stroke, a shape filled."""
    return float(cv2.contourArea(stroke.xy.astype(np.float32))) / USUAL_PEN_PX if stroke.filled else stroke.length


def _mark(stroke: Stroke, size_px: tuple[int, int]) -> tuple[slice, slice, np.ndarray]:
    """What a usual pen's stroke looks like from afar: its rows and columns in the small picture, and the ink there."""
    xy = stroke.xy / FAR
    reach = 3 * AFAR_PX + 2
    low = np.clip(np.floor(xy.min(axis=0)).astype(int) - reach, 0, np.array(size_px) - 1)
    high = np.clip(np.ceil(xy.max(axis=0)).astype(int) + reach, low + 1, size_px)
    width, height = (high - low).tolist()
    ink = np.zeros((height, width), np.uint8)
    points = np.rint((xy - low) * 16 - 8).astype(np.int32)
    if stroke.filled:
        cv2.fillPoly(ink, [points], (255,), cv2.LINE_AA, 4)
    cv2.polylines(ink, [points], False, (255,), 1, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(ink.astype(np.float32) / 255, (0, 0), AFAR_PX)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])), soft


def _from_afar(ink: np.ndarray) -> np.ndarray:
    """Ink in a picture smaller by `FAR`, without what cannot be told apart there."""
    size = max(1, ink.shape[1] // FAR), max(1, ink.shape[0] // FAR)
    return np.asarray(cv2.GaussianBlur(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), (0, 0), AFAR_PX))


def traced_importance(length_px: float, contrast: float) -> float:
    """Importance in [0, 1] of a line that was only seen, not named: long and dark counts.

    Args:
        length_px: length of the line.
        contrast: mean ink along it, in [0, 1].
    """
    by_length = 1.0 - np.exp(-length_px / LONG_PX)
    return float(np.clip(contrast * (0.2 + 0.8 * by_length), 0.0, 1.0))


def placed_importance(strokes: Iterable[Stroke], size_px: tuple[int, int]) -> tuple[Stroke, ...]:
    """Weigh the importance of strokes by where they are: a head crop has eyes and mouth around its middle.

    Args:
        strokes: in pixels.
        size_px: width and height of the picture.
    """
    middle = np.array(size_px) / 2.0
    spread = MIDDLE_SHARE * min(size_px)
    placed = []
    for stroke in strokes:
        squared = ((stroke.xy - middle) ** 2).sum(axis=1) / (2.0 * spread**2)
        weight = LEAST_PLACE + (1.0 - LEAST_PLACE) * float(np.exp(-squared).mean())
        placed.append(replace(stroke, importance=stroke.importance * weight))
    return tuple(placed)


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
