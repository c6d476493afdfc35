"""Which strokes to keep when time is short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from sketch_robot.stroke import LABELS, Stroke

BANDS = (  # what makes a person comes before what surrounds them; within a band the importance decides
    ('eye', 'brow', 'nose', 'mouth', 'jaw', 'glasses'),
    ('hair', 'ear'),
    ('clothes', 'other'),
)
_BAND = {label: band for band, labels in enumerate(BANDS) for label in labels}
assert set(_BAND) == set(LABELS)

LONG_PX = 30.0  # a traced line of this length has 63 % of what length can give
MIDDLE_SHARE = 0.2  # standard deviation of the weight of the middle, of the picture's shorter side: eyes to mouth
LEAST_PLACE = 0.25  # weight of what is far from the middle


def rank_strokes(strokes: Sequence[Stroke]) -> np.ndarray:
    """Strokes by what is kept longest: (N,) int64, the most important first.

    The label decides before the importance: the face, then hair and ears, then clothes and the rest. Equals keep their
    order, so that the same strokes always give the same ranking.
    """
    bands = np.array([_BAND[stroke.label] for stroke in strokes], dtype=np.int64)
    importance = np.array([stroke.importance for stroke in strokes], dtype=np.float64)
    return np.lexsort((np.arange(len(strokes)), -importance, bands))


def traced_importance(length_px: float, contrast: float) -> float:
    """Importance in [0, 1] of a line that was only seen, not named: long and dark counts.

    Args:
        length_px: length of the line.
        contrast: mean ink along it, in [0, 1].
    """
    by_length = 1.0 - np.exp(-length_px / LONG_PX)
    return float(np.clip(contrast * (0.2 + 0.8 * by_length), 0.0, 1.0))


def placed_importance(strokes: Iterable[Stroke], size_px: tuple[int, int]) -> tuple[Stroke, ...]:
    """Weigh the importance of strokes by where they are: a head crop has eyes and mouth around its middle.

    Args:
        strokes: in pixels.
        size_px: width and height of the picture.
    """
    middle = np.array(size_px) / 2.0
    spread = MIDDLE_SHARE * min(size_px)
    placed = []
    for stroke in strokes:
        squared = ((stroke.xy - middle) ** 2).sum(axis=1) / (2.0 * spread**2)
        weight = LEAST_PLACE + (1.0 - LEAST_PLACE) * float(np.exp(-squared).mean())
        placed.append(replace(stroke, importance=stroke.importance * weight))
    return tuple(placed)
