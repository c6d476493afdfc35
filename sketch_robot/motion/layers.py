"""Drawings of several pens: one layer each, and a person changes the pen between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import Pen
from sketch_robot.stroke import Stroke


def name_pens(
    strokes: Sequence[Stroke], pens: Sequence[Pen], *, width_mm: float
) -> tuple[tuple[Stroke, ...], tuple[Pen, ...]]:
    """Settle who draws what.

    Args:
        strokes: those that name no pen are drawn by the first.
        pens: in the order of their use. Empty: those that the strokes name, in the order in which they do, black.
        width_mm: of the lines of pens that only strokes name.

    Returns:
        strokes: each with a pen, unless there is only one without a name.
        pens: those that are used.

    Raises:
        SketchRobotError: BAD_GOAL, a stroke names a pen that is not among them, or two pens have one name.
    """
    named = tuple(dict.fromkeys(stroke.pen for stroke in strokes if stroke.pen))
    known = tuple(pens) or tuple(Pen(name, width_mm=width_mm) for name in named)
    names = [pen.name for pen in known]
    if len(set(names)) < len(names):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'two pens have one name: {", ".join(names)}')
    strange = [name for name in named if name not in names]
    if strange:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'a stroke wants the pen {strange[0]!r}, and there are only: {", ".join(names)}'
        )
    if not known:
        return tuple(strokes), ()
    drawn = tuple(stroke if stroke.pen else replace(stroke, pen=names[0]) for stroke in strokes)
    return drawn, used_pens(drawn, known)


def used_pens(strokes: Sequence[Stroke], pens: Sequence[Pen]) -> tuple[Pen, ...]:
    """Those of the pens that strokes name, in their order."""
    used = {stroke.pen for stroke in strokes}
    return tuple(pen for pen in pens if pen.name in used)
