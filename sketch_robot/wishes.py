"""What sitters may wish of their drawing, the same for commands, messages and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import Rule, problem_with

Detail = Literal['few', 'normal', 'many']
DETAILS: tuple[Detail, ...] = get_args(Detail)
Shading = Literal['none', 'hatch', 'cross', 'contour', 'stipple', 'spiral', 'scribble', 'one_line']
SHADINGS: tuple[Shading, ...] = get_args(Shading)
MOST_CARICATURE = 0.5
RULES = {
    'detail': Rule(str, choices=DETAILS),
    'age_lines': Rule(float, 0.0, 1.0),
    'caricature': Rule(float, 0.0, MOST_CARICATURE),
    'shading': Rule(str, choices=SHADINGS),
}


@dataclass(frozen=True)
class Wishes:
    """How a sitter wants to be drawn; the defaults change nothing.

    Attributes:
        detail: few, normal or many lines.
        age_lines: how many folds and wrinkles, from 0 (none) to 1 (all that are seen).
        caricature: how much larger what is this person's own is drawn, from 0 (as it is) to 0.5 (twice as large).
        shading: how light and shade are drawn: not at all, beside the lines (hatch, cross, contour) or in their place
            (stipple, spiral, scribble, one_line).

    Raises:
        SketchRobotError: BAD_GOAL, a value is none of these; the message says what it may be.
    """

    detail: Detail = 'normal'
    age_lines: float = 1.0
    caricature: float = 0.0
    shading: Shading = 'none'

    def __post_init__(self) -> None:
        for name, rule in RULES.items():
            problem = problem_with(name, getattr(self, name), rule)
            if problem:
                raise SketchRobotError(ErrorCode.BAD_GOAL, problem)


AS_IT_IS = Wishes()
