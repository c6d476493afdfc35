"""Contact sheets: photos and drawings side by side, for looking at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.stroke import Stroke

GAP_PX = 4


def contact_sheet(rows: Sequence[Sequence[np.ndarray]], *, tile_px: int = 192, groups: int = 1) -> np.ndarray:
    """Lay pictures out in a grid.

    Args:
        rows: each a sequence of pictures, (H, W, 3) uint8 RGB or (H, W) float ink in [0, 1] shown black on white; all
            rows equally long.
        tile_px: side of a tile.
        groups: how many rows stand side by side.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    strips = [np.hstack([_tile(picture, tile_px) for picture in row]) for row in rows]
    while len(strips) % groups:
        strips.append(np.full_like(strips[0], 255))
    return np.vstack([np.hstack(strips[first : first + groups]) for first in range(0, len(strips), groups)])


def strokes_picture(strokes: Sequence[Stroke], size_px: tuple[int, int]) -> np.ndarray:
    """Strokes in changing colours, so that breaks are seen: (H, W, 3) uint8 RGB."""
    picture = np.full((size_px[1], size_px[0], 3), 255, np.uint8)
    for number, stroke in enumerate(strokes):
        hue = np.array([[[(number * 67) % 180, 220, 170]]], np.uint8)
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
        points = np.rint((stroke.xy - 0.5) * 16).astype(np.int32)
        cv2.polylines(picture, [points], False, colour, 2, cv2.LINE_AA, 4)
    return picture


def save_picture(picture: np.ndarray, path: Path) -> None:
    """Write RGB as PNG or JPEG.

    Raises:
        SketchRobotError: INTERNAL, it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1])):
        raise SketchRobotError(ErrorCode.INTERNAL, f'{path} cannot be written')


def _tile(picture: np.ndarray, side: int) -> np.ndarray:
    if picture.ndim == 2:
        picture = np.repeat(np.rint(255 * (1 - np.clip(picture, 0, 1))).astype(np.uint8)[..., None], 3, axis=2)
    inner = side - GAP_PX
    small = cv2.resize(picture, (inner, inner), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, GAP_PX, 0, GAP_PX, cv2.BORDER_CONSTANT, value=(255, 255, 255))
