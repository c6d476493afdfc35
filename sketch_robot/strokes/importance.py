"""Which strokes to keep when time is short."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sketch_robot.stroke import LABELS, Stroke

BANDS = (  # what makes a person comes before what surrounds them; within a band the importance decides
    ('eye', 'brow', 'nose', 'mouth', 'jaw', 'glasses'),
    ('hair', 'ear'),
    ('clothes', 'other'),
)
_BAND = {label: band for band, labels in enumerate(BANDS) for label in labels}
assert set(_BAND) == set(LABELS)

LONG_PX = 60.0  # a traced line of this length has 63 % of the importance that length can give


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
