"""The mean face: that of the mesh over many people, against which a caricature measures what is a person's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.geometry import mesh
from sketch_robot.photo.decode import load_photo
from sketch_robot.photo.finder import SitterFinder
from sketch_robot.photo.sources import PICTURE_SUFFIXES
from sketch_robot.strokes.caricature import aligned

LEAST_FACES = 20
ROUNDS = 8  # of aligning all to their mean; it moves by less than 1e-5 in the last


def make_mean_face(photos: Path, out: Path) -> int:
    """Write the mean face of a folder's photos as .npy; how many faces it is of.

    Raises:
        SketchRobotError: BAD_IMAGE, too few faces; BAD_GOAL, the folder cannot be read, or the file not be written.
    """
    try:
        meshes = meshes_in(photos)
        np.save(out, mean_of(meshes).astype(np.float32), allow_pickle=False)
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{error.filename or out}: {error.strerror or error}') from error
    return len(meshes)


def meshes_in(photos: Path) -> list[np.ndarray]:
    """The meshes, (478, 3) float64 each, of the largest faces in a folder's photos; those without one are left out."""
    meshes = []
    with SitterFinder() as finder:
        for path in sorted(photos.iterdir()):
            if path.suffix.lower() not in PICTURE_SUFFIXES:
                continue
            found = finder.find(load_photo(path), require_face=False).landmarks
            if found is not None and np.isfinite(found).all():
                meshes.append(found.astype(np.float64))
    return meshes


def mean_of(meshes: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of meshes after generalised Procrustes alignment (Gower 1975), made symmetrical.

    Args:
        meshes: (478, 3) float64 each, px, x right, y down.

    Returns:
        (478, 3) float64: about its own middle, root mean square distance 1, its right and left half mirror images in x.

    Raises:
        SketchRobotError: BAD_IMAGE, too few faces.
    """
    if len(meshes) < LEAST_FACES:
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE, f'{len(meshes)} faces are too few for a mean; it takes {LEAST_FACES} and more'
        )
    mean = _normal(meshes[0])
    for _ in range(ROUNDS):
        mean = _normal(np.mean([aligned(each, mean) for each in meshes], axis=0))
        mean = _normal((mean + _mirrored(mean)) / 2.0)
    return _upright(mean)


def _normal(mesh: np.ndarray) -> np.ndarray:
    centred = mesh - mesh.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=1).mean()))


def _upright(mean: np.ndarray) -> np.ndarray:
    """A symmetrical mesh turned so that it is symmetrical in x, by the smallest turn."""
    across = mean[mesh.CHEEK_EDGE['left']] - mean[mesh.CHEEK_EDGE['right']]
    turn, _ = Rotation.align_vectors([[1.0, 0.0, 0.0]], [across])
    return np.asarray(turn.apply(mean))


def _mirrored(mean: np.ndarray) -> np.ndarray:
    """The mirror image of a mesh, laid on it, its points in the order of those that they lie on: (478, 3)."""
    image = mean * (-1.0, 1.0, 1.0)
    right, left = (
        [*table.upper, *table.lower, *table.crease, *table.brow_top, *table.brow_bottom, *mesh.NOSE_WING[side]]
        for side, table in mesh.EYES.items()
    )
    image = aligned(image[right + left], mean[left + right], image)
    _, partner = linear_sum_assignment(cdist(mean, image))
    return np.asarray(image[partner])
