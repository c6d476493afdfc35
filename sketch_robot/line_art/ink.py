"""Render strokes as ink."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from sketch_robot.stroke import Stroke

DEFAULT_HALF_WIDTH = 1.0
OVERSAMPLING = 4  # OpenCV's own anti-aliased lines are almost twice as wide as asked
_SHIFT = 4  # OpenCV takes coordinates in 1/16 px


def render_ink(strokes: Iterable[Stroke], size_px: tuple[int, int]) -> np.ndarray:
    """Draw strokes anti-aliased, each as wide as it says (2 px when it doesn't).

    Args:
        strokes: in pixels of the result, see `Stroke.xy`.
        size_px: width and height of the result.

    Returns:
        (H, W) float32 in [0, 1], 1 = ink.
    """
    width, height = size_px
    ink = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    for stroke in strokes:
        thickness = max(1, round(2 * OVERSAMPLING * (stroke.half_width or DEFAULT_HALF_WIDTH)) - 1)
        points = np.rint((stroke.xy * OVERSAMPLING - 0.5) * (1 << _SHIFT)).astype(np.int32)
        if len(points) == 1:
            points = np.repeat(points, 2, axis=0)
        cv2.polylines(ink, [points], False, (255,), thickness, cv2.LINE_8, _SHIFT)
    return cv2.resize(ink, size_px, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
