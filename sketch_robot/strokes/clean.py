"""Take out what nobody meant to draw."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sketch_robot.stroke import Stroke

SPECK_PX = 2.0


def drop_specks(strokes: Iterable[Stroke], *, min_length_px: float = SPECK_PX) -> tuple[Stroke, ...]:
    """The strokes that are long enough to be lines, and the dots; points that repeat the one before are taken out.

    A stroke of one point is a dot that somebody meant, and stays; a line shorter than `min_length_px` is a speck.

    Args:
        strokes: in pixels.
        min_length_px: 0 keeps all.
    """
    kept = []
    for stroke in strokes:
        moved = np.concatenate(([True], (np.diff(stroke.xy, axis=0) != 0.0).any(axis=1)))
        clean = stroke if moved.all() else stroke.taking(moved)
        if len(clean.xy) == 1 or clean.length >= min_length_px:
            kept.append(clean)
    return tuple(kept)
