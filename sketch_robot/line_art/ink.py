"""Ink: strokes rendered, specks wiped."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from sketch_robot.stroke import Stroke
from sketch_robot.validation import POSITIVE, fits

DEFAULT_HALF_WIDTH = 1.0
FAINT = 0.2  # ink above this belongs to a mark
OVERSAMPLING = 4  # OpenCV's own anti-aliased lines are almost twice as wide as asked
_SOFT = 1.6  # by which OpenCV's smooth lines are wider than asked, finer pixels
_SHIFT = 4  # OpenCV takes coordinates in 1/16 px
_FAR_PX = 2**24 // (OVERSAMPLING << _SHIFT)  # ends farther out overflow OpenCV's fixed point


def render_ink(strokes: Iterable[Stroke], size_px: tuple[int, int], width_px: float | None = None) -> np.ndarray:
    """Draw strokes anti-aliased with a round pen.

    Args:
        strokes: in pixels of the result, see `Stroke.xy`; what lies outside is not seen.
        size_px: width and height of the result.
        width_px: of all lines; None: each as wide as it says (2 px when it does not).

    Returns:
        (H, W) float32 in [0, 1], 1 = ink.

    Raises:
        ValueError: the picture or the pen has no size.
    """
    width, height = size_px
    if width < 1 or height < 1 or not (width_px is None or fits(width_px, POSITIVE)):
        raise ValueError(f'cannot draw on {width} x {height} pixels with a pen of {width_px} pixels')
    ink = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    for stroke in strokes:
        line_px = width_px or 2.0 * (stroke.half_width or DEFAULT_HALF_WIDTH)
        thickness = max(1, round(OVERSAMPLING * line_px - _SOFT))
        near = np.clip(stroke.xy, -_FAR_PX, _FAR_PX) * (OVERSAMPLING << _SHIFT)
        points = np.rint(near - (1 << (_SHIFT - 1))).astype(np.int32)  # OpenCV counts from pixel centres
        if len(points) == 1:
            points = np.repeat(points, 2, axis=0)
        cv2.polylines(ink, [points], False, (255,), thickness, cv2.LINE_AA, _SHIFT)
    return cv2.resize(ink, size_px, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def wipe_specks(ink: np.ndarray, where: np.ndarray, shorter_px: float) -> np.ndarray:
    """Ink without the short marks that lie wholly in an area.

    Args:
        ink: (H, W) float32.
        where: (H, W) bool.
        shorter_px: marks whose bounding box has a shorter diagonal go.

    Returns:
        (H, W) float32.
    """
    count, index, stats = _marks(ink)
    short = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) < shorter_px
    reaches_out = np.zeros(count, bool)
    reaches_out[index[~where]] = True
    return _without(ink, index, short & ~reaches_out)


def _marks(ink: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """How many connected marks (with the paper as the first), the mark at each pixel, OpenCV's statistics of each."""
    count, index, stats, _ = cv2.connectedComponentsWithStats((ink > FAINT).astype(np.uint8), connectivity=8)
    return count, index, stats


def _without(ink: np.ndarray, index: np.ndarray, wiped: np.ndarray) -> np.ndarray:
    wiped[0] = False
    gone = wiped[index]
    soft = cv2.dilate(gone.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # with its faint border
    return np.where(soft & ((index == 0) | gone), np.float32(0), ink)
