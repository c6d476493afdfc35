"""A bilateral filter over time: a video without the grain that makes every drawing of it flicker.

Each frame is averaged with its neighbours in time, brought to it along the optical flow; what differs in colour counts
little, so that motion leaves no ghosts (Bennett & McMillan 2005; used so by Texler et al. 2020).
"""

from __future__ import annotations

import numpy as np

from sketch_robot.keyframes.frames import Frames
from sketch_robot.keyframes.motion import flow_between, pulled

AROUND = 2  # frames before and after
COLOUR = 12.0  # sigma of differences, grey values
TIME = 1.5  # sigma, frames


def calm_frame(frames: Frames, number: int) -> np.ndarray:
    """A frame without the grain of the video; others than videos' stay as they are.

    Returns:
        (H, W, 3) uint8, the same whichever frames were asked for before.
    """
    frame = frames.frame(number)
    if not frames.moving:
        return frame
    own = frame.astype(np.float32)
    total, weights = own.copy(), np.ones((*frame.shape[:2], 1), np.float32)
    for other in range(max(0, number - AROUND), min(len(frames), number + AROUND + 1)):
        if other == number:
            continue
        near = frames.frame(other)
        brought = pulled(near, flow_between(frame, near)).astype(np.float32)
        apart = np.square(brought - own).sum(axis=2, keepdims=True)
        weight = np.exp(-apart / (2.0 * COLOUR**2) - (other - number) ** 2 / (2.0 * TIME**2))
        total += weight * brought
        weights += weight
    return np.asarray(np.clip(np.rint(total / weights), 0, 255), np.uint8)
