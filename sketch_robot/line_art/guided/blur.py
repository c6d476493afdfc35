"""A Gaussian blur whose time does not grow with its width."""

from __future__ import annotations

import cv2
import numpy as np


def wide_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of a float32 picture (H, W), worked on at a size at which sigma is 3 to 6 px."""
    factor = 1
    while sigma / factor > 6 and min(image.shape) >= 4 * factor:
        factor *= 2
    if factor == 1:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))
    size = (image.shape[1] // factor, image.shape[0] // factor)
    small = cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / factor)
    return np.asarray(cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR))
