"""Drawings to learn from: a folder of head crops, and the strokes that an artist drew of each.

`strokes.jsonl` has one line a picture, `{"name", "mesh", "turn_degrees", "strokes"}`, each stroke
`[label, importance, [x0, y0, x1, y1, ...]]` in drawing order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.sitter import CROP_PX

STROKES_FILE, CROPS_FOLDER, MATTES_FILE = 'strokes.jsonl', 'crops', 'mattes.npz'
MOST_TURN_DEGREES = 45.0  # of the face from frontal; beyond, the labelling artist is unreliable
LEAST_INK_PX = 1500.0  # total length; a drawing with less missed most of the sitter
OVERSAMPLING = 4  # widths in half pixels
SOFT_EDGE = 1.7  # OpenCV's anti-aliased lines are so much wider than the even thickness asked for
_SHIFT = 4


@dataclass(frozen=True, eq=False)
class LabelledDrawing:
    """A drawing of one crop.

    Attributes:
        name: the crop's file name without its ending.
        mesh: whether a face mesh guided the artist.
        turn_degrees: how far the face is turned from frontal, signed.
        labels: what each stroke depicts.
        importance: (S,) float64 in [0, 1].
        strokes: S arrays (N, 2) float32, crop pixels, the centre of the first pixel at (0, 0) as OpenCV has it.
    """

    name: str
    mesh: bool
    turn_degrees: float
    labels: tuple[str, ...]
    importance: np.ndarray
    strokes: tuple[np.ndarray, ...]

    @property
    def length_px(self) -> float:
        """Length of all strokes."""
        return float(sum(np.hypot(*np.diff(s, axis=0).T).sum() for s in self.strokes))

    @property
    def is_usable(self) -> bool:
        """Whether the drawing is good enough to learn from: a mesh, a face towards us, and ink."""
        return self.mesh and abs(self.turn_degrees) < MOST_TURN_DEGREES and self.length_px >= LEAST_INK_PX


def load_drawings(folder: Path) -> list[LabelledDrawing]:
    """Read all drawings of a folder whose crops are there, in the file's order.

    Raises:
        SketchRobotError: BAD_GOAL, no stroke file or none of its crops; BAD_PLAN, a line cannot be read (it is named).
    """
    path = folder / STROKES_FILE
    if not path.is_file():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{folder} has no {STROKES_FILE}; label the folder first')
    drawings = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            drawings.append(_parse(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise SketchRobotError(ErrorCode.BAD_PLAN, f'{path}, line {number} is not a drawing: {error}') from error
    found = [d for d in drawings if crop_path(folder, d.name).is_file()]
    if not found:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{folder / CROPS_FOLDER} has none of the {len(drawings)} crops')
    return found


def crop_path(folder: Path, name: str) -> Path:
    """Where the crop of that name lies."""
    return folder / CROPS_FOLDER / f'{name}.jpg'


def load_crop(folder: Path, name: str) -> np.ndarray:
    """A crop, (512, 512, 3) uint8 RGB.

    Raises:
        SketchRobotError: BAD_IMAGE, it cannot be read or has another size.
    """
    path = crop_path(folder, name)
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise SketchRobotError(ErrorCode.BAD_IMAGE, f'{path} cannot be read as a picture')
    if bgr.shape[:2] != (CROP_PX, CROP_PX):
        raise SketchRobotError(ErrorCode.BAD_IMAGE, f'{path} is {bgr.shape[1]} x {bgr.shape[0]}, not a 512 x 512 crop')
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def render_drawing(
    strokes: tuple[np.ndarray, ...], size_px: int, *, width_px: float = 2.5, to_result: np.ndarray | None = None
) -> np.ndarray:
    """Draw strokes anti-aliased at any width, in steps of half a pixel.

    Args:
        strokes: (N, 2) arrays, crop pixels.
        size_px: side of the result.
        width_px: of the lines in the result.
        to_result: (2, 3) from crop pixels to the result's; None scales the whole crop to the result.

    Returns:
        (size_px, size_px) uint8, 255 = ink.
    """
    if to_result is None:
        scale = size_px / CROP_PX
        to_result = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5]])
    side = size_px * OVERSAMPLING
    linear, offset = to_result[:, :2] * OVERSAMPLING, to_result[:, 2] * OVERSAMPLING + (OVERSAMPLING - 1) / 2
    fixed = [np.rint((s @ linear.T + offset) * (1 << _SHIFT)).astype(np.int32) for s in strokes]
    thickness = max(2, 2 * round((width_px * OVERSAMPLING - SOFT_EDGE) / 2))
    canvas = np.zeros((side, side), np.uint8)
    cv2.polylines(canvas, fixed, False, (255,), thickness, cv2.LINE_AA, _SHIFT)
    return cv2.resize(canvas, (size_px, size_px), interpolation=cv2.INTER_AREA)


def _parse(record: dict) -> LabelledDrawing:
    strokes = tuple(np.asarray(xy, np.float32).reshape(-1, 2) for _, _, xy in record['strokes'])
    if not all(len(s) and np.isfinite(s).all() for s in strokes):
        raise ValueError('a stroke has no points or one that is not finite')
    return LabelledDrawing(
        name=str(record['name']),
        mesh=bool(record['mesh']),
        turn_degrees=float(record['turn_degrees'] or 0.0),
        labels=tuple(str(label) for label, _, _ in record['strokes']),
        importance=np.array([importance for _, importance, _ in record['strokes']], np.float64),
        strokes=strokes,
    )
