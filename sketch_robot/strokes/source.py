"""The strokes of a line art, whoever draws it."""

from __future__ import annotations

import numpy as np

from sketch_robot.line_art.art import LineArt
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.clean import drop_specks
from sketch_robot.strokes.merge import join_hatching, merge_strokes
from sketch_robot.strokes.place import place_strokes
from sketch_robot.strokes.trace import trace_ink


def strokes_from(art: LineArt, sitter: Sitter | None = None) -> tuple[Stroke, ...]:
    """The artist's own strokes when it has any, cleaned, with their labels and importance; else traced from the ink,
    named and weighed by place, beside the parts that it drew as strokes. Strokes that continue one another are merged,
    and close hatching is drawn back and forth.

    Args:
        art: what the artist drew.
        sitter: whom; its face says what traced strokes depict. None: unknown.

    Returns:
        strokes in pixels of the line art. None when there is nothing on it.
    """
    if art.strokes is not None:
        return join_hatching(merge_strokes(drop_specks(art.strokes)))
    ink = art.ink if art.parts_area is None else np.where(art.parts_area, np.float32(0), art.ink)
    merged = join_hatching(merge_strokes(drop_specks(art.parts) + drop_specks(trace_ink(ink))))
    return place_strokes(merged, art.size_px, sitter)
