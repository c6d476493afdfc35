"""Folds and wrinkles among a face's strokes: which they are, and how many of them to draw.

A network that draws ink does not say what it depicts. The mesh does: folds lie in known regions of the skin (forehead,
between the brows, outside the eyes, under them, from the nose to the mouth's corners and down from there), and in each
they run one way. What lies there and runs so is a fold; a fringe, which hangs across the forehead's folds, is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sketch_robot.line_art.face_lines.look import hull
from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.face import Face
from sketch_robot.polyline import length_of
from sketch_robot.stroke import Stroke

LEAST_RUN_PX = 3.0  # of a stroke within a place; shorter ones only touch it
SOFTEST = 0.5  # share of their width to which folds fade before the last of them is left out
EYE, MOUTH, NOSE = 3.0, 3.0, 7.0  # units around what stays whole: eyes and brows, lips, wings of the nose


@dataclass(frozen=True)
class FoldRegion:
    """Where folds lie on a face.

    Attributes:
        around: mesh points, whose convex hull it is.
        along: two mesh points; folds run the way from the first to the second, or back,
        within: so many degrees.
    """

    around: tuple[int, ...]
    along: tuple[int, int]
    within: float = 50.0


REGIONS = (
    # The forehead, which hair crosses.
    FoldRegion((67, 109, 10, 338, 297, 103, 332, 105, 66, 107, 9, 336, 296, 334), (105, 334), 30.0),
    FoldRegion((107, 55, 193, 168, 417, 285, 336, 9), (9, 168)),  # between the brows
    FoldRegion((35, 124, 156, 143, 34, 111), (33, 34)),  # outside the eyes
    FoldRegion((265, 353, 383, 372, 264, 340), (263, 264)),
    FoldRegion((25, 110, 24, 23, 22, 26, 112, 111, 117, 118, 101, 100, 47, 128), (130, 243)),  # under the eyes
    FoldRegion((255, 339, 254, 253, 252, 256, 341, 340, 346, 347, 330, 329, 277, 357), (359, 463)),
    # From the nose to the mouth's corners.
    FoldRegion((129, 203, 206, 216, 57, 43, 212, 207, 205, 36, 142), (129, 212)),
    FoldRegion((358, 423, 426, 436, 287, 273, 432, 427, 425, 266, 371), (358, 432)),
    FoldRegion((43, 57, 212, 214, 135, 210, 211, 32, 106, 204), (1, 152)),  # down from there
    FoldRegion((273, 287, 432, 434, 364, 430, 431, 262, 335, 424), (1, 152)),
)


def with_fewer_folds(strokes: Sequence[Stroke], face: Face, age_lines: float) -> tuple[Stroke, ...]:
    """Leave out the weaker of a face's folds, and draw the others softer.

    Args:
        strokes: of a face, in the pixels of its mesh.
        face: its geometry.
        age_lines: which share of the folds stays, from 0 (none) to 1 (all: the strokes are returned as they are).

    Returns:
        the strokes without what of them is a fold, in their order, then the folds that stay, the strongest first.
    """
    if age_lines >= 1.0:
        return tuple(strokes)
    regions = _regions(face)
    smooth: list[Stroke] = []
    folds: list[Stroke] = []
    for stroke in strokes:
        is_fold = _is_fold(stroke, regions)
        if not is_fold.any():
            smooth.append(stroke)
            continue
        edges = np.flatnonzero(np.diff(is_fold.astype(np.int8))) + 1
        for piece in np.split(np.arange(len(stroke.xy)), edges):
            part = stroke.taking(slice(max(piece[0] - 1, 0), piece[-1] + 1))  # the cut itself belongs to both
            if is_fold[piece[0]]:
                folds.append(part)
            elif part.length >= LEAST_RUN_PX:
                smooth.append(_no_wider(part, stroke))
    strength = np.array([_strength(fold) for fold in folds])
    strongest = np.argsort(-strength, kind='stable')[: round(age_lines * len(folds))]
    softer = SOFTEST + (1.0 - SOFTEST) * age_lines
    return (*smooth, *(_softer(folds[k], softer) for k in strongest))


def _regions(face: Face) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Where folds lie, (H, W) bool, the unit vector along which they run, and the cosine of the angle within."""
    points, unit, shape = face.points, face.unit, face.mask.shape
    wings = mesh.NOSE_WING['right'] + mesh.NOSE_BASE + mesh.NOSE_WING['left']
    kept = [(mesh.UPPER_LIP + mesh.LOWER_LIP, MOUTH), (wings, NOSE)]
    for table in mesh.EYES.values():
        kept += [(table.upper + table.lower + table.crease, EYE), (table.brow_top + table.brow_bottom, EYE)]
    features = np.any([hull(points[part], border * unit, shape) for part, border in kept], axis=0)
    regions = []
    for region in REGIONS:
        along = points[region.along[1]] - points[region.along[0]]
        area = hull(points[list(region.around)], 0.0, shape) & ~features
        regions.append((area, along / np.hypot(*along), float(np.cos(np.radians(region.within)))))
    return regions


def _is_fold(stroke: Stroke, regions: list[tuple[np.ndarray, np.ndarray, float]]) -> np.ndarray:
    """Which points of a stroke lie on a fold: (N,) bool."""
    is_fold = np.zeros(len(stroke.xy), bool)
    if len(stroke.xy) < 2 or stroke.filled:
        return is_fold
    column, row = np.clip(stroke.xy.astype(np.int64), 0, np.array(regions[0][0].shape)[::-1] - 1).T
    for area, along, least in regions:
        inside = np.concatenate(([0], area[row, column].astype(np.int8), [0]))
        for start, stop in np.flatnonzero(np.diff(inside)).reshape(-1, 2).tolist():
            run = stroke.xy[start:stop]
            length = length_of(run)
            way = np.abs(np.diff(run, axis=0) @ along).sum()
            if length >= LEAST_RUN_PX and way >= least * length:
                is_fold[start:stop] = True
    return is_fold


def _strength(fold: Stroke) -> float:
    """About how much ink it has, px^2."""
    return fold.length * (fold.half_width if fold.half_widths is None else float(fold.half_widths.mean()))


def _no_wider(part: Stroke, whole: Stroke) -> Stroke:
    """What is left of a stroke, without the swelling where the fold began."""
    if part.half_widths is None or whole.half_widths is None:
        return part
    return replace(part, half_widths=np.minimum(part.half_widths, np.median(whole.half_widths)))


def _softer(fold: Stroke, share: float) -> Stroke:
    widths = None if fold.half_widths is None else share * fold.half_widths
    return replace(fold, half_width=share * fold.half_width, half_widths=widths, importance=share * fold.importance)
