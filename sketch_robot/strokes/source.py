"""The strokes of a line art, whoever draws it."""

from __future__ import annotations

from sketch_robot.line_art.art import LineArt
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.clean import drop_specks
from sketch_robot.strokes.importance import placed_importance
from sketch_robot.strokes.trace import trace_ink


def strokes_from(art: LineArt) -> tuple[Stroke, ...]:
    """The artist's own strokes when it has any, cleaned, with their labels and importance; else traced from the ink,
    with importance by length, darkness and place.

    Returns:
        strokes in pixels of the line art. None when there is nothing on it.
    """
    if art.strokes is not None:
        return drop_specks(art.strokes)
    return placed_importance(drop_specks(trace_ink(art.ink)), art.size_px)
