"""The tone that a shading is to have: how much of the paper ink should cover, place by place.

Seen from afar, paper on which ink covers a share c is as grey as c times the ink and the rest white. So a photo's grey
asks for a share of ink, whatever the manner of drawing; what lines have drawn already is taken off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from sketch_robot.line_art.ink import render_ink
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke

INK_GREY = 24  # of a fine liner, 0 ... 255
CALM_PENS = 0.5  # sigma of the blur over the photo's grain, widths of the pen
LOCAL_PENS = 4.0  # sigma over which tone is seen, widths of the pen: two millimetres of a pen of half a one
LEAST_PERSON = 0.02  # of the picture; a smaller matte is none
ROUND = 0.22  # how far a body comes forward, of its width


@dataclass(frozen=True, eq=False)
class WantedTone:
    """What is to be shaded. Pictures are (H, W), in the line art's pixels.

    Attributes:
        dark: float32 in [0, 1], the share of the paper that ink is to cover; 0 outside.
        inside: bool, where the middle of a line may be: half a pen inside the sitter.
        depth: float32, px towards the viewer: how the sitter's surface rises.
        pen_px: width of the pen's line.
    """

    dark: np.ndarray
    inside: np.ndarray
    depth: np.ndarray
    pen_px: float

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.dark.shape[1], self.dark.shape[0]


def tone_of(sitter: Sitter, pen_px: float, drawn: Iterable[Stroke] = ()) -> WantedTone:
    """The tone of a sitter's photo.

    Args:
        sitter: the matte says where the sitter is; without one it is the whole picture.
        pen_px: width of the pen's line, px of the crop.
        drawn: strokes, in the same pixels, whose ink is there already.
    """
    grey = cv2.cvtColor(sitter.crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    dark = np.clip((255.0 - cv2.GaussianBlur(grey, (0, 0), CALM_PENS * pen_px)) / (255.0 - INK_GREY), 0, 1)
    sitting = sitter.valid.copy()
    if sitter.matte is not None and (sitter.matte > 0.5).mean() > LEAST_PERSON:
        sitting &= sitter.matte > 0.5
    lines = tuple(drawn)
    if lines:
        ink = render_ink(lines, (grey.shape[1], grey.shape[0]), pen_px)
        spread = cv2.GaussianBlur(ink, (0, 0), pen_px)
        dark = np.clip(dark - spread, 0, 1)
    framed = np.pad(sitting.astype(np.uint8), 1)
    border_px: np.ndarray = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    inside = border_px > pen_px / 2.0 + 0.5
    return WantedTone(np.where(sitting, dark, np.float32(0)), inside, _depth(sitter, border_px), pen_px)


def missing_tone(ink: np.ndarray, tone: WantedTone) -> np.ndarray:
    """What the local tone of some ink lacks, (H, W) float32 in shares of the paper; negative where it is too dark."""
    lacks = np.where(tone.inside, tone.dark - ink, np.float32(0))
    return np.asarray(cv2.GaussianBlur(lacks, (0, 0), LOCAL_PENS * tone.pen_px), np.float32)


def local_error(ink: np.ndarray, wanted: np.ndarray, where: np.ndarray, pen_px: float) -> float:
    """Mean error of the local tone, in shares of the paper.

    Args:
        ink: (H, W) float32, the share that ink covers.
        wanted: (H, W) float32, the share that it should.
        where: (H, W) bool, where that counts.
        pen_px: width of the pen's line.
    """
    off = cv2.GaussianBlur((ink - wanted) * where, (0, 0), LOCAL_PENS * pen_px)
    return float(np.abs(off[where]).mean()) if where.any() else 0.0


def _depth(sitter: Sitter, border_px: np.ndarray) -> np.ndarray:
    """A balloon over the matte, and the mesh's own depth on the face."""
    width = max(float(border_px.max()), 1.0)
    balloon = 2.0 * ROUND * np.sqrt(np.clip(border_px * (2.0 * width - border_px), 0, None))
    depth = cv2.GaussianBlur(balloon.astype(np.float32), (0, 0), 0.12 * width + 1.0)
    if sitter.landmarks is None or not np.isfinite(sitter.landmarks).all():
        return depth
    marks = sitter.landmarks.astype(np.float64)
    step = 4
    rows, columns = (np.arange(step / 2, side, step) for side in border_px.shape)
    face = LinearNDInterpolator(marks[:, :2], -marks[:, 2])(*np.meshgrid(columns, rows))
    known = np.isfinite(face).astype(np.float32)
    relief = np.where(known > 0, face, 0.0).astype(np.float32)
    wide = 0.1 * float(np.ptp(marks[:, 1])) / step
    flat = cv2.GaussianBlur(relief, (0, 0), wide) / (cv2.GaussianBlur(known, (0, 0), wide) + 1e-3)
    fade = cv2.GaussianBlur(cv2.erode(known, np.ones((5, 5), np.uint8)), (0, 0), 3.0)
    detail = cv2.GaussianBlur((relief - flat) * fade, (0, 0), 1.5)
    return depth + cv2.resize(detail, border_px.shape[::-1], interpolation=cv2.INTER_CUBIC)
