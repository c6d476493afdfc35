"""Find faces, their mesh, and the person.

Detection runs on the whole photo with the full-range and the short-range network and, for faces that are small in a
large photo, on overlapping tiles.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from sketch_robot.photo.detection import FaceDetector
from sketch_robot.photo.framing import shrink
from sketch_robot.photo.mesh import FaceMesh, FaceSquare, square_of_face, square_of_mesh
from sketch_robot.photo.networks import Network, sample

DETECT_PX = 1280  # longer side for detection; the networks see 192 px, or tiles of it
TILED_OVER_PX = 640  # photos larger than this are also searched in tiles
MESH_PX = 512  # the mesh network sees 192 px of the face
SURE = 0.5  # score of a detection in the whole photo
SURE_IN_TILE = 0.65  # tiles show more things that are no face
SURE_OF_MESH = 0.3  # score of a face that the mesh is to judge
OVERLAP = 0.3  # intersection over the smaller box above which two boxes are one face

Box = tuple[float, float, float, float, float]  # x, y, width, height, score


class FaceModels:
    """The networks that find a sitter; for one thread at a time.

    Raises:
        SketchRobotError: INTERNAL, OpenVINO is not installed.
    """

    def __init__(self) -> None:
        self._near, self._far = FaceDetector('near'), FaceDetector('far')
        self._mesh, self._person = FaceMesh(), Network('person')

    def boxes(self, rgb: np.ndarray) -> np.ndarray:
        """Faces in a photo (H, W, 3) uint8: (N, 4) float64 x, y, width, height in its pixels, the largest first."""
        small = shrink(rgb, DETECT_PX)
        found = _detect(self._far, small, SURE) + _detect(self._near, small, SURE)
        if max(small.shape[:2]) > TILED_OVER_PX:
            found += self._detect_in_tiles(small, 2)
            if not found:  # finer tiles take long, and show things that look like faces: the mesh must agree
                fine = self._detect_in_tiles(small, 4)
                found += [box for box in fine if self.mesh(small, np.array(box[:4])) is not None]
        return _distinct(found) * (max(rgb.shape[:2]) / max(small.shape[:2]))

    def mesh(self, rgb: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """Mesh of the face in the box: (478, 3) float64, photo pixels, or None."""
        centre, size = box[:2] + box[2:] * (0.5, 0.4), float(box[2:].max())
        for reach in (1.0, 1.5):
            part, to_photo = _part(rgb, centre, reach * size)
            for face in self._near.detect(part, SURE_OF_MESH)[:1] if part.size else ():
                points = self._mesh.lay(part, square_of_face(face))
                if points is not None:
                    return to_photo(points)
        return None

    def mesh_again(self, rgb: np.ndarray, before: np.ndarray) -> np.ndarray | None:
        """As `mesh`, of the face whose mesh in the frame before is known: a few ms, but only where it still is."""
        square = square_of_mesh(before)
        part, to_photo = _part(rgb, np.array([square.x, square.y]), square.side)
        if part.size == 0:
            return None
        corner, zoom = to_photo(np.zeros((1, 3)))[0, :2], float(to_photo(np.ones((1, 3)))[0, 2])
        here = FaceSquare((square.x - corner[0]) / zoom, (square.y - corner[1]) / zoom, square.side / zoom, square.turn)
        points = self._mesh.lay(part, here)
        return None if points is None else to_photo(points)

    def person(self, rgb: np.ndarray) -> np.ndarray:
        """Probability that a pixel shows the person in front: (H, W) float32."""
        height, width = rgb.shape[:2]
        side = self._person.side_px
        picture = sample(rgb, np.array([[width / side, 0.0, 0.0], [0.0, height / side, 0.0]]), side)
        return cv2.resize(self._person.answer(picture)[0], (width, height), interpolation=cv2.INTER_LINEAR)

    def _detect_in_tiles(self, rgb: np.ndarray, across: int) -> list[Box]:
        found = []
        for x, y, width, height in _tiles(rgb.shape[1], rgb.shape[0], across):
            for box in _detect(self._far, rgb[y : y + height, x : x + width], SURE_IN_TILE):
                found.append((box[0] + x, box[1] + y, *box[2:]))
        return found


def _detect(detector: FaceDetector, rgb: np.ndarray, least_score: float) -> list[Box]:
    found = ((*face.box.tolist(), face.score) for face in detector.detect(rgb, least_score))
    return [(x, y, width, height, score) for x, y, width, height, score in found]


def _part(rgb: np.ndarray, centre: np.ndarray, reach: float) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """What of a photo lies within `reach` of a point, square, dark beyond the photo and of at most `MESH_PX`; and what
    takes its points (N, 3) to the photo."""
    x0, y0 = np.maximum(0, centre - reach).astype(int)
    x1, y1 = np.maximum(0, centre + reach).astype(int)
    part = rgb[y0:y1, x0:x1]
    if part.size == 0:
        return part, lambda points: points
    height = part.shape[0]
    part = shrink(part, MESH_PX)
    zoom = height / part.shape[0]
    side = max(part.shape[:2])
    part = cv2.copyMakeBorder(part, 0, side - part.shape[0], 0, side - part.shape[1], cv2.BORDER_CONSTANT)
    return part, lambda points: points * zoom + (x0, y0, 0.0)


def _tiles(width: int, height: int, across: int) -> list[tuple[int, int, int, int]]:
    """Across by across tiles, overlapping by a quarter or more: a face on a seam is whole in one of them."""
    w, h = (min(side, int(1.25 * side / across)) for side in (width, height))
    steps = np.linspace(0, 1, across)
    return [(int(u * (width - w)), int(v * (height - h)), w, h) for v in steps for u in steps]


def _distinct(found: list[Box]) -> np.ndarray:
    """(N, 4) boxes, one a face, the largest first: of boxes that overlap the surest stays."""
    kept: list[Box] = []
    for box in sorted(found, key=lambda b: -b[4]):
        if box[2] > 0 and box[3] > 0 and all(_shared(box, other) < OVERLAP for other in kept):
            kept.append(box)
    kept.sort(key=lambda b: -b[2] * b[3])
    return np.array([box[:4] for box in kept], np.float64).reshape(-1, 4)


def _shared(a: Box, b: Box) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height) / min(a[2] * a[3], b[2] * b[3])
