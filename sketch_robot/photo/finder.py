"""Find the sitter in a photo: the largest face, framed, with mesh and matte."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from types import TracebackType

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.face_models import TILED_OVER_PX, FaceModels
from sketch_robot.photo.framing import BOX_TO_FACE, Frame, close_up, cut, frame_face, frame_whole, shrink
from sketch_robot.photo.matte import refine_matte
from sketch_robot.photo.mesh import EYES_OUTSIDE, MESH_FACE
from sketch_robot.photo.picture import Photo
from sketch_robot.photo.sitter import CROP_PX, Sitter

WITH_HAIR_AND_NECK = 1.25  # a person in the crop covers at least so many times the face
LYING_DEGREES = 60.0  # a head tilted less is drawn as it is held
LOOK_ANEW = 15  # frames after which a live view looks for all faces again: a second and a half
WIDE_PX = 768  # the person is also segmented in a copy of the photo of this size, whose context the crop lacks

_log = logging.getLogger(__name__)
_of_thread = threading.local()
_NOTHING: tuple[np.ndarray, None] = np.empty((0, 4)), None


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the frame before showed: the photo's size, boxes, the first one's mesh; for how many frames they are old."""

    size_px: tuple[int, ...]
    boxes: np.ndarray
    mesh: np.ndarray
    times: int


class SitterFinder:
    """Finds sitters; holds the networks, which take a second to load and serve one thread at a time.

    Args:
        models: what finds faces; None: the shipped networks.

    Attributes:
        quick: for a live view, in a fraction of the time: the face of the frame before is looked for where it was, and
            all only now and then; small ones only where there is no large one, so that fewer may be counted; the
            matte does not follow the picture's edges, and small faces are enlarged linearly. May change between photos.
    """

    def __init__(self, models: FaceModels | None = None) -> None:
        self._models = models if models is not None else FaceModels()
        self.quick = False
        self._before: _Seen | None = None

    def find(self, photo: Photo, *, require_face: bool = True, upright: bool = False) -> Sitter:
        """Frame the largest face of a photo, upright: a photo that lies on its side is turned first.

        Args:
            photo: where its face lies decides how it is turned, by quarters.
            require_face: without a face, whether to fail or to frame the whole picture (faces 0, no matte).
            upright: the photo is known to be, and is not turned.

        Raises:
            SketchRobotError: NO_FACE, none was found and `require_face` is set.
        """
        boxes, mesh = self._seen_again(photo.rgb) if self.quick else _NOTHING
        if len(boxes) == 0 and self.quick:
            boxes = self._large_boxes(photo.rgb)
        if len(boxes) == 0:
            boxes = self._models.boxes(photo.rgb)
        if len(boxes) == 0:
            return self._whole(photo, require_face)
        if mesh is None:
            mesh = self._models.mesh(photo.rgb, boxes[0])
            if self.quick:
                self._before = None if mesh is None else _Seen(photo.size_px, boxes, mesh, 0)
        quarters = 0 if mesh is None or upright else _quarters(mesh)
        if quarters:
            turned = np.ascontiguousarray(np.rot90(photo.rgb, quarters))
            sitter = self.find(Photo(turned, photo.source), require_face=False, upright=True)
            if sitter.landmarks is not None and _quarters(sitter.landmarks) == 0:
                return _turned_back(sitter, photo.size_px, quarters)
        frame = _frame(boxes[0], mesh, photo.size_px)
        crop, valid = cut(photo.rgb, frame, quick=self.quick)
        landmarks = None
        if mesh is not None:
            landmarks = np.column_stack([frame.to_crop(mesh[:, :2]), mesh[:, 2] * frame.scale]).astype(np.float32)
        matte = self._matte(None if self.quick else photo.rgb, crop, frame, landmarks)
        box = np.concatenate([frame.to_crop(boxes[0][:2]), boxes[0][2:] * frame.scale])
        _log.debug(
            '%s: %d face(s), mesh %s', photo.source or 'photo', len(boxes), 'found' if mesh is not None else 'none'
        )
        sitter = Sitter(crop, frame.to_photo, valid, len(boxes), box, landmarks, matte)
        return replace(sitter, close_up=close_up(photo.rgb, sitter, quick=self.quick))

    def warm_up(self) -> None:
        """Run every model once."""
        blank = np.full((CROP_PX, CROP_PX, 3), 128, np.uint8)
        self._models.boxes(blank)
        self._models.mesh(blank, np.array([128.0, 128.0, 256.0, 256.0]))
        self._models.person(blank)

    def close(self) -> None:
        """Free what the networks work in; the finder is of no use afterwards."""
        del self._models

    def __enter__(self) -> SitterFinder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _whole(self, photo: Photo, require_face: bool) -> Sitter:
        if require_face:
            name = photo.source or 'the picture'
            raise SketchRobotError(
                ErrorCode.NO_FACE,
                f'no face was found in {name}; show a face larger and in better light, '
                'or allow pictures without one (require_face: false, or --whole-picture)',
            )
        return whole_picture(photo)

    def _seen_again(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Boxes and mesh of the face of the frame before, moved as it moved; none when it is time to look anew."""
        before = self._before
        if before is None or before.size_px != rgb.shape[1::-1] or before.times >= LOOK_ANEW:
            return _NOTHING
        mesh = self._models.mesh_again(rgb, before.mesh)
        if mesh is None:
            return _NOTHING
        (low, size), (low_then, size_then) = (
            (points.min(axis=0), float(np.ptp(points, axis=0).max()))
            for points in (mesh[:MESH_FACE, :2], before.mesh[:MESH_FACE, :2])
        )
        boxes = before.boxes.copy()
        boxes[0, :2] = low + (boxes[0, :2] - low_then) * (size / size_then)
        boxes[0, 2:] *= size / size_then
        self._before = _Seen(before.size_px, boxes, mesh, before.times + 1)
        return boxes, mesh

    def _large_boxes(self, rgb: np.ndarray) -> np.ndarray:
        small = shrink(rgb, TILED_OVER_PX)
        return self._models.boxes(small) * (max(rgb.shape[:2]) / max(small.shape[:2]))

    def _matte(
        self, rgb: np.ndarray | None, crop: np.ndarray, frame: Frame, landmarks: np.ndarray | None
    ) -> np.ndarray | None:
        """The matte, without the photo only as the network has it."""
        face = None if landmarks is None else _face_mask(landmarks)
        known = 0.02 * CROP_PX**2 if face is None else WITH_HAIR_AND_NECK * face.sum()
        person = self._models.person(crop)
        if rgb is None:
            return None if (person > 0.5).sum() < known else person
        mirrored = self._models.person(np.ascontiguousarray(crop[:, ::-1]))
        small = shrink(rgb, WIDE_PX)
        wide = self._models.person(small)
        matrix = frame.to_photo * (max(small.shape[:2]) / max(rgb.shape[:2]))
        matrix[:, 2] += 0.5 * matrix[[0, 1], [0, 1]] - 0.5
        wide = cv2.warpAffine(
            wide,
            matrix,
            (CROP_PX, CROP_PX),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        rough = (person + mirrored[:, ::-1] + wide) / np.float32(3)
        if (rough > 0.5).sum() < known:  # a drawing: the network knows photos of people
            return None
        return refine_matte(crop, rough, face)


def whole_picture(photo: Photo) -> Sitter:
    """All of a photo, in which nobody is looked for: faces 0, no matte."""
    frame = frame_whole(photo.size_px)
    crop, valid = cut(photo.rgb, frame)
    return Sitter(crop, frame.to_photo, valid, 0)


def find_sitter(photo: Photo, *, require_face: bool = True) -> Sitter:
    """`SitterFinder.find` with a finder that each thread makes once and keeps."""
    finder: SitterFinder | None = getattr(_of_thread, 'finder', None)
    if finder is None:
        finder = _of_thread.finder = SitterFinder()
    return finder.find(photo, require_face=require_face)


def _frame(box: np.ndarray, mesh: np.ndarray | None, size_px: tuple[int, int]) -> Frame:
    if mesh is None:
        return frame_face(box[:2] + box[2:] / 2, float(box[2:].max()) * BOX_TO_FACE, size_px)
    low, high = mesh[:MESH_FACE, :2].min(axis=0), mesh[:MESH_FACE, :2].max(axis=0)
    face_px = float(max((high[0] - low[0]) * 1.15, high[1] - low[1]))
    return frame_face((low + high) / 2 - (0.0, 0.04 * face_px), face_px, size_px)


def _quarters(mesh: np.ndarray) -> int:
    """Quarter turns to the left, as `np.rot90` counts, that bring a lying face upright; 0 when it is."""
    right, left = mesh[EYES_OUTSIDE[0], :2], mesh[EYES_OUTSIDE[1], :2]
    degrees = float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))
    return 0 if abs(degrees) < LYING_DEGREES else round(degrees / 90) % 4


def _turned_back(sitter: Sitter, size_px: tuple[int, int], quarters: int) -> Sitter:
    """A sitter found in a photo turned so many quarters left, as one of the photo itself, which has `size_px`."""
    width, height = size_px
    back = np.array(
        {
            1: [[0.0, -1.0, width], [1.0, 0.0, 0.0]],
            2: [[-1.0, 0.0, width], [0.0, -1.0, height]],
            3: [[0.0, 1.0, 0.0], [-1.0, 0.0, height]],
        }[quarters]
    )
    near = sitter.close_up
    if near is not None:
        near = replace(near, to_photo=back @ np.vstack([near.to_photo, (0.0, 0.0, 1.0)]))
    return replace(sitter, to_photo=back @ np.vstack([sitter.to_photo, (0.0, 0.0, 1.0)]), close_up=near)


def _face_mask(landmarks: np.ndarray) -> np.ndarray:
    """(512, 512) bool, inside the mesh's convex hull."""
    hull = np.asarray(cv2.convexHull(np.ascontiguousarray(landmarks[:MESH_FACE, :2])))
    mask = np.zeros((CROP_PX, CROP_PX), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(hull - 0.5).astype(np.int32), (1,))
    return mask > 0
