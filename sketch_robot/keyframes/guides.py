"""Guides: coloured dots that follow the motion of a video, for a network to tell apart what looks alike.

A wall or a shirt of one colour tells no patch from the next, and a hand that treats them differently flickers. So a
mixture of Gaussians, each of a random colour, is laid over the key frame, its middles move with the picture, and the
network sees it beside the picture (Texler et al. 2020). Such a hand is for the video that it was trained on.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.keyframes.frames import Frames
from sketch_robot.keyframes.motion import flow_between, moved

DOTS = 60  # over a whole frame
SPREAD = 0.7  # sigma, of the mean distance between dots
LOOSE = 0.35  # how much a dot moves with its neighbours instead of by itself: flow is wrong at edges
GREY = 128.0  # where no dot is near


def scatter_dots(where: np.ndarray, *, count: int = DOTS, seed: int = 0) -> np.ndarray:
    """Dots of random colours over a mask, evenly spread.

    Args:
        where: (H, W) bool, not empty.

    Returns:
        (N, 6) float32: x, y and sigma in px, red, green and blue in [0, 1].
    """
    rng = np.random.default_rng(seed)
    inside = np.argwhere(where)[:, ::-1] + 0.5
    count = int(np.clip(round(count * where.mean()), 4, count))
    apart = float(np.sqrt(len(inside) / count))
    chosen = [inside[rng.integers(len(inside))]]
    for _ in range(count - 1):  # each the farthest of a few from those before (Mitchell 1991)
        tried = inside[rng.integers(len(inside), size=12)]
        away = np.linalg.norm(tried[:, None] - np.array(chosen), axis=2).min(axis=1)
        chosen.append(tried[away.argmax()])
    colours = rng.uniform(0.0, 1.0, (count, 3))
    return np.column_stack([np.array(chosen), np.full(count, SPREAD * apart), colours]).astype(np.float32)


def follow_dots(frames: Frames, dots: np.ndarray, start: int) -> np.ndarray:
    """Where dots are in every frame.

    Args:
        frames: of a video.
        dots: (N, 6), as they are in the frame `start`.

    Returns:
        (F, N, 2) float32 px. The same for the same video, whichever frame is wanted of it.
    """
    track = np.empty((len(frames), len(dots), 2), np.float32)
    track[start] = dots[:, :2]
    backwards = _flows_back(frames, start)
    for ahead in (range(start, len(frames) - 1), range(start, 0, -1)):
        step = 1 if ahead.step > 0 else -1
        for number in ahead:
            flow = flow_between(frames.frame(number), frames.frame(number + 1)) if step > 0 else backwards[number]
            track[number + step] = _together(track[number], moved(track[number], flow), float(dots[0, 2]))
    return track


def _flows_back(frames: Frames, start: int) -> dict[int, np.ndarray]:
    """Flows from each frame to the one before it, up to `start`; read forwards, as videos want it."""
    found = {}
    before = frames.frame(0)
    for number in range(1, start + 1):
        frame = frames.frame(number)
        found[number] = flow_between(frame, before)
        before = frame
    return found


def _together(before: np.ndarray, after: np.ndarray, sigma_px: float) -> np.ndarray:
    """Moves smoothed over neighbouring dots."""
    away = np.linalg.norm(before[:, None] - before[None], axis=2)
    near = np.exp(-0.5 * (away / (2.0 * sigma_px)) ** 2)
    shift = after - before
    mean = near @ shift / near.sum(axis=1, keepdims=True)
    return np.asarray(before + (1.0 - LOOSE) * shift + LOOSE * mean, np.float32)


def paint_dots(dots: np.ndarray, xy: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """The mixture as a picture.

    Args:
        dots: (N, 6), for sigmas and colours.
        xy: (N, 2), where they are now, px.
        size_px: width and height.

    Returns:
        (H, W, 3) uint8; each pixel the mean of the dots' colours, weighed by how near they are; grey far from all.
    """
    width, height = size_px
    step = 2  # dots are wide: half of the side will do
    columns, rows = np.arange(step / 2, width, step), np.arange(step / 2, height, step)
    sigma = dots[:, 2]
    across = np.exp(-0.5 * ((columns - xy[:, :1]) / sigma[:, None]) ** 2)  # (N, W'): Gaussians are products
    down = np.exp(-0.5 * ((rows - xy[:, 1:]) / sigma[:, None]) ** 2)
    total = np.einsum('nh,nw->hw', down, across)
    floor = 1e-3
    mixed = np.einsum('nh,nw,nc->hwc', down, across, dots[:, 3:] * 255.0, optimize=True)
    picture = (mixed + floor * GREY) / (total + floor)[..., None]
    small = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return cv2.resize(small, size_px, interpolation=cv2.INTER_LINEAR)
