"""Detect faces with BlazeFace (Bazarevsky et al. 2019): boxes and six key points each.

The network answers for a fixed grid of anchors, and of one face several answer. Those are averaged, weighted by their
scores, in the place of choosing one: it makes the box steadier from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sketch_robot.photo.networks import Network, sample

SAME_FACE = 0.3  # intersection over union above which two answers are one face
NET_OF_REACH = {'near': 'faces_near', 'far': 'faces_far'}  # up to 2 m from a phone's camera, and up to 5 m
ANCHORS = {'near': ((8, 2), (16, 6)), 'far': ((4, 1),)}  # px between them, and how many in one place


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """A detected face, in pixels of the picture.

    Attributes:
        box: (4,) float64 x, y, width, height; it reaches from the brows to the chin.
        points: (6, 2) float64, right eye, left eye, nose, mouth, and in front of the right and left ear.
        score: how surely it is a face, in [0, 1].
    """

    box: np.ndarray
    points: np.ndarray
    score: float


class FaceDetector:
    """Finds faces of at least a tenth of a picture's side.

    Args:
        reach: 'near' for faces that fill much of the picture, 'far' for small ones.
    """

    def __init__(self, reach: str) -> None:
        self._network = Network(NET_OF_REACH[reach])
        self._anchors = anchors(self._network.side_px, ANCHORS[reach])

    def detect(self, rgb: np.ndarray, least_score: float) -> list[DetectedFace]:
        """The faces of a picture (H, W, 3) uint8, the surest first."""
        height, width = rgb.shape[:2]
        step = max(height, width) / self._network.side_px
        corner = (width - max(height, width)) / 2.0, (height - max(height, width)) / 2.0
        to_picture = np.array([[step, 0.0, corner[0]], [0.0, step, corner[1]]])
        found, logits = self._network.answer(sample(rgb, to_picture, self._network.side_px))
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -100.0, 100.0)))
        sure = np.flatnonzero(scores >= least_score)
        # a centre, a size and six points, each from its anchor in pixels of the network's picture
        pairs = found[0, sure].astype(np.float64).reshape(-1, 8, 2)
        pairs[:, [0, 2, 3, 4, 5, 6, 7]] += self._anchors[sure, None]
        pairs[:, 0] -= pairs[:, 1] / 2.0
        pairs *= step
        pairs[:, [0, 2, 3, 4, 5, 6, 7]] += corner
        return [DetectedFace(mean[:2].ravel(), mean[2:], score) for mean, score in _averaged(pairs, scores[sure])]


def anchors(side_px: int, layers: tuple[tuple[int, int], ...]) -> np.ndarray:
    """(N, 2) float64, the anchors' centres in the network's picture, px: layer by layer, row by row."""
    centres = []
    for stride, count in layers:
        steps = (np.arange(side_px // stride) + 0.5) * stride
        centres.append(np.repeat(np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2), count, axis=0))
    return np.concatenate(centres)


def _averaged(pairs: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """One answer a face, with its highest score, the surest first; pairs (N, 8, 2) begin with corner and size."""
    order = np.argsort(-scores, kind='stable')
    pairs, scores = pairs[order], scores[order]
    faces = []
    while len(scores):
        same = _shared(pairs[0], pairs) > SAME_FACE
        same[0] = True
        faces.append((np.average(pairs[same], axis=0, weights=scores[same]), float(scores[0])))
        pairs, scores = pairs[~same], scores[~same]
    return faces


def _shared(one: np.ndarray, all_of_them: np.ndarray) -> np.ndarray:
    """Intersection over union (N,) of one box and others, each a corner and a size."""
    low = np.maximum(one[0], all_of_them[:, 0])
    high = np.minimum(one[0] + one[1], all_of_them[:, 0] + all_of_them[:, 1])
    both = np.maximum(high - low, 0.0).prod(axis=1)
    return both / np.maximum(one[1].prod() + all_of_them[:, 1].prod(axis=1) - both, 1e-9)
