"""Strokes as a picture, for previews."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from sketch_robot.stroke import Stroke

_FINER = 4  # drawn that much larger and averaged, so that edges are smooth and any width is right
_SOFT = 1.6  # by which OpenCV's smooth lines are wider than asked, finer pixels
_SHIFT = 4  # fixed-point bits of OpenCV's line ends
_FAR_PX = 2**24 // (_FINER << _SHIFT)  # ends farther out overflow OpenCV's fixed point; nothing there is seen


def render_ink(strokes: Iterable[Stroke], size_px: tuple[int, int], width_px: float = 2.0) -> np.ndarray:
    """Draw strokes in black ink with a round pen.

    Args:
        strokes: in pixels; what lies outside the picture is not seen.
        size_px: width and height of the picture.
        width_px: of the line, all alike.

    Returns:
        (H, W) float32 in [0, 1], 1 = ink.

    Raises:
        ValueError: the picture or the pen has no size.
    """
    width, height = size_px
    if width < 1 or height < 1 or not (np.isfinite(width_px) and width_px > 0.0):
        raise ValueError(f'cannot draw on {width} x {height} pixels with a pen of {width_px} pixels')
    large = np.zeros((height * _FINER, width * _FINER), np.uint8)
    thickness = max(1, round(width_px * _FINER - _SOFT))
    scale = _FINER << _SHIFT
    for stroke in strokes:
        # OpenCV counts from pixel centres, strokes from pixel corners.
        at = np.clip(stroke.xy, -_FAR_PX, _FAR_PX) * scale - (1 << (_SHIFT - 1))
        points = np.round(at).astype(np.int32).reshape(-1, 1, 2)
        if len(points) == 1:
            points = np.concatenate((points, points))
        cv2.polylines(large, [points], False, (255,), thickness, cv2.LINE_AA, _SHIFT)
    return cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255.0)
