"""What a node does before it says that it is ready."""

from __future__ import annotations

from sketch_robot.line_art.art import LineArt
from sketch_robot.nodes.images import blank_ink
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import strokes_from

SIDE_PX = 64


def trace_a_little() -> tuple[Stroke, ...]:
    """Trace two lines, so that compiled loops are loaded before the first request.

    On a machine's very first run they are compiled, which takes half a minute.

    Returns:
        the strokes, pixels of a picture of 64 x 64.
    """
    ink = blank_ink(SIDE_PX, SIDE_PX)
    ink[20:22, 10:50] = 1.0
    ink[40:42, 10:50] = 1.0
    return strokes_from(LineArt(ink, 'warm-up'))
