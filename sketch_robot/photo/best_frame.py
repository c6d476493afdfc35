"""Choose the moment: whether somebody stays before the camera, and which of the last frames shows them best.

A frame is worth what its face is: detail (the share of the picture's contrast that is in its finest structure, which a
blur by motion or focus takes away first), light (neither clipped nor dark, alike on both sides) and open eyes (the
height of the lids' opening over its width, Soukupova and Cech 2016).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np

FACE_PX = 160  # width at which faces are compared: larger ones are not called sharper for their size
DARK, BRIGHT = 20, 245  # of 8 bits: beyond, nothing is left to draw
GOOD_GREY = (80.0, 190.0)  # mean grey of a face that is well lit, of any skin
EYES = (  # mesh points of each eye: outer and inner corner, then pairs of upper and lower lid
    ((33, 133), ((160, 144), (159, 145), (158, 153))),
    ((263, 362), ((387, 373), (386, 374), (385, 380))),
)
SHUT, OPEN = 0.10, 0.22  # opening over width of an eye that is shut, and of one that is plainly open
GONE_S = 0.6  # a face that is missed for less was only not found
MOVED = 0.6  # of its width; a face that is so far from where it was is somebody else's, or is passing by

Frame = TypeVar('Frame')


@dataclass(frozen=True)
class FaceQuality:
    """What a frame's face is worth, for comparing frames of one face.

    Attributes:
        detail: above 0; about 0.1 for a face out of focus, 0.5 for a sharp one.
        light: in [0, 1], 1 = well lit.
        eyes: in [0, 1], 1 = both open; 1 where there is no mesh to tell.
    """

    detail: float
    light: float
    eyes: float

    @property
    def score(self) -> float:
        """All in one; shut eyes cost most."""
        return self.detail * self.light * (0.1 + 0.9 * self.eyes)


def judge_face(rgb: np.ndarray, box: np.ndarray, mesh: np.ndarray | None = None) -> FaceQuality:
    """Judge the face in a frame.

    Args:
        rgb: (H, W, 3) uint8.
        box: (4,) x, y, width, height of the face in the frame's pixels; what is outside the frame does not count.
        mesh: (478, 2) or (478, 3) its face mesh in the frame's pixels, or None.

    Raises:
        ValueError: no pixel of the box is in the frame.
    """
    height, width = rgb.shape[:2]
    left, top = (max(0, round(float(value))) for value in box[:2])
    right, bottom = min(width, round(float(box[0] + box[2]))), min(height, round(float(box[1] + box[3])))
    if right <= left or bottom <= top:
        raise ValueError(f'the face {np.round(box, 1).tolist()} lies outside the frame of {width} x {height} pixels')
    face = cv2.cvtColor(np.ascontiguousarray(rgb[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    size = (FACE_PX, max(8, round(FACE_PX * face.shape[0] / face.shape[1])))
    grey = cv2.resize(face, size, interpolation=cv2.INTER_AREA if face.shape[1] > FACE_PX else cv2.INTER_LINEAR)
    return FaceQuality(_detail(grey), _light(grey), 1.0 if mesh is None else eyes_open(mesh))


def eyes_open(mesh: np.ndarray) -> float:
    """How far the eye that is less open is open, in [0, 1]; `mesh` as of `judge_face`."""
    ratios = []
    for (outer, inner), lids in EYES:
        across = float(np.hypot(*(mesh[outer, :2] - mesh[inner, :2])))
        opening = np.mean([np.hypot(*(mesh[upper, :2] - mesh[lower, :2])) for upper, lower in lids])
        ratios.append(float(opening) / max(across, 1e-6))
    return float(np.clip((min(ratios) - SHUT) / (OPEN - SHUT), 0.0, 1.0))


def _detail(grey: np.ndarray) -> float:
    return float(cv2.Laplacian(grey, cv2.CV_32F).std()) / (float(grey.std()) + 1.0)


def _light(grey: np.ndarray) -> float:
    mean, (low, high) = float(grey.mean()), GOOD_GREY
    exposed = min(1.0, mean / low, max(0.0, (255.0 - mean) / (255.0 - high)))
    clipped = float(((grey < DARK) | (grey > BRIGHT)).mean())
    half = grey.shape[1] // 2
    left, right = float(grey[:, :half].mean()), float(grey[:, -half:].mean())
    one_sided = abs(left - right) / max(left + right, 1.0)
    return exposed * (1.0 - clipped) * (1.0 - one_sided)


class BestFrame(Generic[Frame]):
    """The frames of the last moment, of which the best is wanted.

    Args:
        window_s: how long the moment is, seconds.
    """

    def __init__(self, window_s: float = 1.0) -> None:
        self.window_s = window_s
        self._frames: deque[tuple[float, FaceQuality, Frame]] = deque()

    def add(self, at_s: float, quality: FaceQuality, frame: Frame) -> None:
        """Take up a frame and forget those that are older than the window."""
        self._frames.append((at_s, quality, frame))
        while self._frames[0][0] < at_s - self.window_s:
            self._frames.popleft()

    def best(self, now_s: float) -> tuple[FaceQuality, Frame] | None:
        """The best frame of the window that ends now; None: there is none."""
        recent = [entry for entry in self._frames if entry[0] >= now_s - self.window_s]
        if not recent:
            return None
        _, quality, frame = max(recent, key=lambda entry: entry[1].score)
        return quality, frame

    def clear(self) -> None:
        """Forget all."""
        self._frames.clear()


class Presence:
    """How long one face has stayed.

    Args:
        smallest: share of the frame's width that a face must have; smaller ones are passers-by.
    """

    def __init__(self, smallest: float = 0.08) -> None:
        self.smallest = smallest
        self._since_s: float | None = None
        self._seen_s = 0.0
        self._box: np.ndarray | None = None

    def saw(self, at_s: float, box: np.ndarray | None, frame_width_px: int) -> bool:
        """Take note of the largest face of a frame, (4,) x, y, width, height, or of none; whether it counts."""
        counts = box is not None and box[2] >= self.smallest * frame_width_px
        if box is None or not counts:
            if self._since_s is not None and at_s - self._seen_s > GONE_S:
                self._since_s = self._box = None
            return False
        if self._since_s is None or at_s - self._seen_s > GONE_S or self._is_elsewhere(box):
            self._since_s = at_s
        self._seen_s, self._box = at_s, box
        return True

    def stayed_s(self, now_s: float) -> float:
        """For how long it has been there; 0.0: nobody is."""
        if self._since_s is None or now_s - self._seen_s > GONE_S:
            return 0.0
        return max(0.0, now_s - self._since_s)

    def _is_elsewhere(self, box: np.ndarray) -> bool:
        assert self._box is not None  # a face was seen
        step = np.hypot(*((box[:2] + box[2:] / 2) - (self._box[:2] + self._box[2:] / 2)))
        return bool(step > MOVED * max(box[2], self._box[2]))
