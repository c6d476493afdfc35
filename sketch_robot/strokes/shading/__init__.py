"""Tone by pen: a sitter's light and shade as strokes, in seven manners.

Hatching, crossed hatching and lines along the form go beside the line art, and leave out what its lines have darkened
already; stipples, a spiral, a scribble and one line through everything take its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sketch_robot.line_art.ink import render_ink
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.shading.curves import scribble, spiral
from sketch_robot.strokes.shading.dots import one_line, stipple
from sketch_robot.strokes.shading.hatching import contour_hatch, cross_hatch, hatch
from sketch_robot.strokes.shading.tone import WantedTone, missing_tone, tone_of
from sketch_robot.wishes import Shading

MANNERS: dict[Shading, Callable[[WantedTone], list[Stroke]]] = {
    'hatch': hatch,
    'cross': cross_hatch,
    'contour': contour_hatch,
    'stipple': stipple,
    'spiral': spiral,
    'scribble': scribble,
    'one_line': one_line,
}
BESIDE_LINES = ('hatch', 'cross', 'contour')
LOOKS: dict[Shading, int] = {'contour': 2, 'scribble': 1}  # at what was drawn, and once more
MOST_MORE = 2.0  # times the tone that may be asked for, so that white stays white
MOST_ASKED = 1.5  # of the paper: lines of a manner that lie over one another leave some of it white
PEN_PX = (0.5, 8.0)  # finer pens are shaded as if they were wider, in seconds; broader ones as if they were finer
FROM_MIDDLE = 0.5  # what a stroke at the picture's border is worth, of one in its middle


def shaded(strokes: Sequence[Stroke], sitter: Sitter, manner: Shading, pen_px: float) -> tuple[Stroke, ...]:
    """A drawing with the tone of its sitter.

    Args:
        strokes: the line art, px of the crop.
        sitter: whose photo is shaded, inside the matte.
        manner: how; 'none' leaves the line art as it is.
        pen_px: width of the pen's line, px of the crop.

    Returns:
        the line art, where the manner goes beside it, and the shading's strokes: label 'shading', no width of their
        own, the more important the darker and the nearer to the middle they are; the same for the same input.
    """
    if manner == 'none':
        return tuple(strokes)
    lines = tuple(strokes) if manner in BESIDE_LINES else ()
    tone = tone_of(sitter, float(np.clip(pen_px, *PEN_PX)), lines)
    return (*lines, *_weighed(_true_to(tone, manner), tone))


def _true_to(tone: WantedTone, manner: Shading) -> list[Stroke]:
    """Strokes of a manner; one that covers less than it promises is asked for more where ink is missing."""
    strokes = MANNERS[manner](tone)
    asked = tone
    for _ in range(LOOKS.get(manner, 0)):
        missing = missing_tone(render_ink(strokes, tone.size_px, tone.pen_px), tone)
        asked = replace(asked, dark=np.clip(asked.dark + missing, 0, np.minimum(MOST_MORE * tone.dark, MOST_ASKED)))
        strokes = MANNERS[manner](asked)
    return strokes


def _weighed(strokes: list[Stroke], tone: WantedTone) -> list[Stroke]:
    """Named, and weighed by the tone in their middle and their place."""
    if not strokes:
        return []
    middle = np.array([stroke.xy[len(stroke.xy) // 2] for stroke in strokes])
    size = np.array(tone.size_px)
    column, row = np.clip(middle.astype(int), 0, size - 1).T
    away = np.hypot(*((middle - size / 2.0) / (size / 2.0)).T).clip(0.0, 1.0)
    worth = (0.3 + 0.7 * tone.dark[row, column]) * (1.0 - (1.0 - FROM_MIDDLE) * away)
    return [
        replace(stroke, label='shading', importance=float(value))
        for stroke, value in zip(strokes, worth.clip(0.0, 1.0), strict=True)
    ]
