"""Light for what lies in the shade: half a face, a black head of hair.

A network draws little where a photo is dark. The light that falls on a person changes slowly over the picture, so the
mean luminance around each place stands for it (Land & McCann, Lightness and Retinex theory, 1971).
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.filters import wide_blur
from sketch_robot.line_art.geometry.curve import at

REACH_PX = 40.0  # sigma of what is around
WELL_LIT = 75  # percentile of the face's places: the light that all others get
BRIGHT = 0.1  # luminance that a face gets in any case: skin in a dark room has 0.02, dark skin in daylight 0.12
MOST = 2.0  # by which pixel values are multiplied: more brings out noise
DARKEST = 1e-3  # luminance


def lift_shadows(crop: np.ndarray, matte: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The crop with its shaded parts as light as the better lit part of the face, a dark photo's all; others stay.

    Args:
        crop: (H, W, 3) uint8 RGB.
        matte: (H, W) float32, 1 = the person; the background's light does not count.
        landmarks: (N, 2 or 3), points of the face, px.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    luminance = grey * grey  # near enough to linear light
    around = wide_blur(luminance * matte, REACH_PX) / (wide_blur(matte, REACH_PX) + DARKEST)
    height, width = matte.shape
    inside = ((landmarks[:, :2] >= 0) & (landmarks[:, :2] < (width, height))).all(axis=1)
    if not inside.any():
        return crop
    goal = max(float(np.percentile(at(around, landmarks[inside, :2]), WELL_LIT)), BRIGHT)
    gain = np.clip(np.sqrt(goal / np.maximum(around, DARKEST)), 1, MOST).astype(np.float32)
    return np.asarray(cv2.multiply(crop, cv2.merge([gain] * 3), dtype=cv2.CV_8U))
