"""The strokes of a line art, whoever draws it."""

from __future__ import annotations

import numpy as np

from sketch_robot.line_art.art import LineArt
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.clean import drop_specks
from sketch_robot.strokes.importance import placed_importance
from sketch_robot.strokes.trace import trace_ink


def strokes_from(art: LineArt) -> tuple[Stroke, ...]:
    """The artist's own strokes when it has any, cleaned, with their labels and importance; else traced from the ink,
    with importance by length, darkness and place, beside those of the parts that it drew as strokes.

    Returns:
        strokes in pixels of the line art. None when there is nothing on it.
    """
    if art.strokes is not None:
        return drop_specks(art.strokes)
    ink = art.ink if art.parts_area is None else np.where(art.parts_area, np.float32(0), art.ink)
    return drop_specks(art.parts) + placed_importance(drop_specks(trace_ink(ink)), art.size_px)
