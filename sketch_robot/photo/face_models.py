"""Find faces, their mesh, and the person: MediaPipe's bundled models, or a cascade where there are none.

Detection runs on the whole photo with MediaPipe's full-range and short-range networks (BlazeFace, Bazarevsky et al.
2019) and, for faces that are small in a large photo, on overlapping tiles. Without MediaPipe the frontal-face cascade
of local binary patterns that scikit-image ships (Liao et al. 2007) gives boxes only.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import cv2
import numpy as np

from sketch_robot.photo.framing import shrink

DETECT_PX = 1280  # longer side for detection; the networks see 192 px, or tiles of it
TILED_OVER_PX = 640  # photos larger than this are also searched in tiles
MESH_PX = 512  # the mesh network sees 192 px of the face
CASCADE_PX, CASCADE_MIN_PX = 480, 40  # the cascade's time grows with the number of windows
SURE = 0.5  # score of a detection in the whole photo
SURE_IN_TILE = 0.65  # tiles show more things that are no face
OVERLAP = 0.3  # intersection over the smaller box above which two boxes are one face
MESH_POINTS = 478  # 468 of the mesh, 10 of the irises

Box = tuple[float, float, float, float, float]  # x, y, width, height, score

_log = logging.getLogger(__name__)


class FaceModels(Protocol):
    """What finds a sitter. Not to be shared between threads."""

    def boxes(self, rgb: np.ndarray) -> np.ndarray:
        """Faces in a photo (H, W, 3) uint8: (N, 4) float64 x, y, width, height in its pixels, the largest first."""

    def mesh(self, rgb: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """Mesh of the face in the box: (478, 3) float64, photo pixels, or None."""

    def person(self, rgb: np.ndarray) -> np.ndarray | None:
        """Probability that a pixel shows the person in front: (H, W) float32, or None."""

    def close(self) -> None:
        """Free the models."""


def make_face_models() -> FaceModels:
    """The best models this machine has."""
    try:
        return MediaPipeModels()
    except ImportError as error:
        _log.warning('MediaPipe is not installed (%s): faces are found by the cascade, without mesh and matte', error)
        return CascadeModels()


class MediaPipeModels:
    """MediaPipe's face detection, face mesh with irises, and selfie segmentation."""

    def __init__(self) -> None:
        self._has_spoken = False  # the mesh graph warns once, at its first face
        with _without_native_log():
            import mediapipe as mp  # heavy (1 s), and absent on some processors

            solutions = mp.solutions
            self._near: Any = solutions.face_detection.FaceDetection(SURE, model_selection=0)
            self._far: Any = solutions.face_detection.FaceDetection(SURE, model_selection=1)
            self._mesh: Any = solutions.face_mesh.FaceMesh(
                static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.3
            )
            self._matte: Any = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
            blank = np.zeros((64, 64, 3), np.uint8)
            for graph in (self._near, self._far, self._mesh, self._matte):  # each logs at its first picture
                graph.process(blank)

    def boxes(self, rgb: np.ndarray) -> np.ndarray:
        small = shrink(rgb, DETECT_PX)
        found = self._detect(self._far, small, 0, 0) + self._detect(self._near, small, 0, 0)
        if max(small.shape[:2]) > TILED_OVER_PX:
            found += self._detect_in_tiles(small, 2)
            if not found:  # finer tiles take long, and show things that look like faces: the mesh must agree
                fine = self._detect_in_tiles(small, 4)
                found += [box for box in fine if self.mesh(small, np.array(box[:4])) is not None]
        return _distinct(found) * (max(rgb.shape[:2]) / max(small.shape[:2]))

    def mesh(self, rgb: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        centre, size = box[:2] + box[2:] * (0.5, 0.4), box[2:].max()
        for reach in (1.0, 1.5):
            x0, y0 = np.maximum(0, centre - reach * size).astype(int)
            x1, y1 = np.maximum(0, centre + reach * size).astype(int)
            part = shrink(rgb[y0:y1, x0:x1], MESH_PX)
            if part.size == 0:
                continue
            zoom = (min(y1, rgb.shape[0]) - y0) / part.shape[0]
            side = max(part.shape[:2])  # the iris model is exact on squares only
            square = np.zeros((side, side, 3), np.uint8)
            square[: part.shape[0], : part.shape[1]] = part
            with nullcontext() if self._has_spoken else _without_native_log():
                found = self._mesh.process(square).multi_face_landmarks
            if found:
                self._has_spoken = True
                points = np.array([(p.x, p.y, p.z) for p in found[0].landmark])
                return points * (side * zoom) + (x0, y0, 0.0)
        return None

    def person(self, rgb: np.ndarray) -> np.ndarray | None:
        return self._matte.process(np.ascontiguousarray(rgb)).segmentation_mask

    def close(self) -> None:
        for graph in (self._near, self._far, self._mesh, self._matte):
            graph.close()

    def _detect_in_tiles(self, rgb: np.ndarray, across: int) -> list[Box]:
        found = []
        for x, y, width, height in _tiles(rgb.shape[1], rgb.shape[0], across):
            tile = np.ascontiguousarray(rgb[y : y + height, x : x + width])
            found += [box for box in self._detect(self._far, tile, x, y) if box[4] >= SURE_IN_TILE]
        return found

    @staticmethod
    def _detect(graph: Any, rgb: np.ndarray, left: int, top: int) -> list[Box]:
        height, width = rgb.shape[:2]
        found: list[Box] = []
        for detection in graph.process(rgb).detections or ():
            box = detection.location_data.relative_bounding_box
            found.append(
                (
                    box.xmin * width + left,
                    box.ymin * height + top,
                    box.width * width,
                    box.height * height,
                    detection.score[0],
                )
            )
        return found


class CascadeModels:
    """scikit-image's cascade classifier with its frontal-face model; boxes only."""

    def __init__(self) -> None:
        from skimage.data import lbp_frontal_face_cascade_filename  # heavy, and where MediaPipe is nobody needs it
        from skimage.feature import Cascade

        self._cascade: Any = Cascade(lbp_frontal_face_cascade_filename())

    def boxes(self, rgb: np.ndarray) -> np.ndarray:
        small = shrink(rgb, CASCADE_PX)
        found = self._cascade.detect_multi_scale(
            cv2.cvtColor(small, cv2.COLOR_RGB2GRAY),
            scale_factor=1.2,
            step_ratio=1.5,  # with 1.0 it found as many faces and more that were none, in three times the time
            min_size=(CASCADE_MIN_PX, CASCADE_MIN_PX),
            max_size=(min(small.shape[:2]), min(small.shape[:2])),
        )
        boxes = [(float(f['c']), float(f['r']), float(f['width']), float(f['height']), 1.0) for f in found]
        return _distinct(boxes) * (max(rgb.shape[:2]) / max(small.shape[:2]))

    def mesh(self, rgb: np.ndarray, box: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None

    def person(self, rgb: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None

    def close(self) -> None:
        pass


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


@contextmanager
def _without_native_log() -> Iterator[None]:
    """Keep MediaPipe's start-up chatter off stderr: it writes to the descriptor, past Python. Other lines pass on."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            chatter = re.compile(rb'^([WI]\d{4} |WARNING: All log messages before absl|INFO: Created TensorFlow Lite)')
            rest = b''.join(line for line in held if not chatter.match(line))
            if rest:
                os.write(2, rest)
