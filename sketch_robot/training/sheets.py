"""Contact sheets: photos and drawings side by side, for looking at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.stroke import Stroke

GAP_PX = 4
CAPTION_PX = 18  # height of a line of text
ASIDE_PX = 64  # width of the text beside a row


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


def captioned(picture: np.ndarray, text: str, *, below: bool = False) -> np.ndarray:
    """A picture with a line of text to its left or below: (H, W, 3) uint8 RGB, larger by the text's strip."""
    height, width = picture.shape[:2]
    strip = np.full((CAPTION_PX, width, 3) if below else (height, ASIDE_PX, 3), 255, np.uint8)
    plain = text.encode('ascii', 'replace').decode()  # OpenCV's letters
    (length, _), _ = cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    at = (max(0, (width - length) // 2), 12) if below else (4, height // 2)
    cv2.putText(strip, plain, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    return np.vstack([picture, strip]) if below else np.hstack([strip, picture])


def save_picture(picture: np.ndarray, path: Path) -> None:
    """Write RGB as PNG or JPEG; without colours as grey, a third of the bytes.

    Raises:
        SketchRobotError: INTERNAL, it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_grey = bool((picture == picture[..., :1]).all())
    pixels = picture[..., 0] if is_grey else picture[..., ::-1]
    if not cv2.imwrite(str(path), np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise SketchRobotError(ErrorCode.INTERNAL, f'{path} cannot be written')


def _tile(picture: np.ndarray, side: int) -> np.ndarray:
    if picture.ndim == 2:
        picture = np.repeat(np.rint(255 * (1 - np.clip(picture, 0, 1))).astype(np.uint8)[..., None], 3, axis=2)
    inner = side - GAP_PX
    small = cv2.resize(picture, (inner, inner), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, GAP_PX, 0, GAP_PX, cv2.BORDER_CONSTANT, value=(255, 255, 255))
