"""How a video moves: the optical flow between its frames, and pictures and points taken along.

Dense inverse search (Kroeger et al. 2016), as OpenCV has it, on grey frames.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np


def flow_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where each pixel of a frame goes in another.

    Args:
        first, second: (H, W, 3) uint8 RGB.

    Returns:
        (H, W, 2) float32, px: what is at (x, y) in the first is at (x, y) + flow in the second.
    """
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(search.calc(grey[0], grey[1], None), np.float32)


def pulled(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """A later picture seen from an earlier frame: its value where each pixel of that frame went.

    Args:
        picture: (H, W) or (H, W, C).
        flow: (H, W, 2) float32, from the earlier frame to the picture's.
    """
    rows, columns = np.indices(flow.shape[:2], np.float32)
    return cv2.remap(
        picture, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def moved(points: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Points taken along by a flow: (N, 2) px, x and y, to the same."""
    x, y = (points[:, k].astype(np.float32)[:, None] for k in (0, 1))
    shift = cv2.remap(flow, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
    return points + shift
