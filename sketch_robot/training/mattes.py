"""Mattes of the training crops: where the sitter is, so that backgrounds can be exchanged and stray ink measured."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.sitter import CROP_PX
from sketch_robot.training.drawings import MATTES_FILE, LabelledDrawing, load_crop

STORED_PX = 256  # mattes are smooth; a quarter of the room

_log = logging.getLogger(__name__)


def make_mattes(folder: Path, drawings: list[LabelledDrawing], out: Path) -> int:
    """Separate every crop's sitter and store the mattes as PNGs in one npz.

    Returns:
        How many crops have a matte.

    Raises:
        SketchRobotError: BAD_GOAL, no segmentation network on this machine.
    """
    from sketch_robot.photo.face_models import make_face_models  # MediaPipe; training itself does without
    from sketch_robot.photo.matte import refine_matte

    models = make_face_models()
    encoded: dict[str, np.ndarray] = {}
    for drawing in drawings:
        crop = load_crop(folder, drawing.name)
        person = models.person(crop)
        if person is None:
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'no network here separates people from backgrounds')
        encoded[drawing.name] = encode_matte(refine_matte(crop, person))
        if len(encoded) % 200 == 0:
            _log.info('%d of %d mattes', len(encoded), len(drawings))
    models.close()
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open('wb') as file:
        np.savez(file, **encoded)
    return len(encoded)


def encode_matte(matte: np.ndarray) -> np.ndarray:
    """(512, 512) float32 in [0, 1] to the bytes of a small PNG, (B,) uint8."""
    small = cv2.resize(np.rint(matte * 255).astype(np.uint8), (STORED_PX, STORED_PX), interpolation=cv2.INTER_AREA)
    return cv2.imencode('.png', small)[1].ravel()


def decode_matte(png: np.ndarray) -> np.ndarray:
    """The bytes of a stored matte to (512, 512) uint8, 255 = the sitter."""
    small = cv2.imdecode(png, cv2.IMREAD_GRAYSCALE)
    return cv2.resize(small, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)


def load_mattes(path: Path) -> dict[str, np.ndarray]:
    """Stored mattes by crop name, still encoded; empty when the file is missing."""
    if not path.is_file():
        _log.warning('%s is missing: backgrounds are not exchanged', path)
        return {}
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def default_path(folder: Path) -> Path:
    """Where a folder's mattes lie."""
    return folder / MATTES_FILE
