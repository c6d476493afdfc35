"""What a pen writes beside a drawing: captions, signatures and logos as lines in millimetres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan_file import read_whole
from sketch_robot.motion.text import text_strokes
from sketch_robot.polyline import stacked

LEAST_TEXT_MM = 1.8  # capitals of 1.8 mm are 7 point type, the least that a 0.5 mm pen writes legibly
LINE_STEP = 1.7  # baselines, in heights of capitals
MOST_MARK_STROKES = 2000  # of a signature or a logo
MOST_MARK_BYTES = 1_000_000


@dataclass(frozen=True, eq=False)
class Mark:
    """Lines that lie together.

    Attributes:
        lines: (N, 2) float64 mm each, in the order of writing.
        width, height: of their box, whose lower left corner is at (0, 0) unless they were moved.
    """

    lines: tuple[np.ndarray, ...]
    width: float
    height: float

    def at(self, x: float, y: float) -> Mark:
        """The same, moved."""
        return Mark(tuple(line + np.array((x, y)) for line in self.lines), self.width, self.height)


def is_svg(text: str) -> bool:
    """Whether a text is the content of an SVG file rather than something to be written."""
    return text.lstrip('\ufeff \t\r\n').startswith('<')


def read_mark(text: str) -> str:
    """A signature or a logo that a person named: the content of an SVG file, or the text itself.

    Args:
        text: the path of an SVG file, ending in .svg, or anything else.

    Raises:
        SketchRobotError: BAD_PLAN, the file cannot be read, or is larger than 1 MB.
    """
    if not text.lower().endswith('.svg') or is_svg(text):
        return text
    data = read_whole(Path(text).expanduser())
    if len(data) > MOST_MARK_BYTES:
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'{text} is larger than {MOST_MARK_BYTES} bytes; simplify it')
    content = data.decode('utf-8', errors='replace')
    if not is_svg(content):
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'{text} is no SVG')
    return content


def caption_mark(text: str, height: float, room: float, slot: str, *, shrink: bool) -> Mark:
    """A caption.

    Args:
        text: of one line or more.
        height: of its capitals, mm.
        room: how long its lines may be, mm.
        slot: 'start' and 'end' put short lines to that side of the longest one, all else into its middle.
        shrink: whether it may be written smaller to fit.

    Raises:
        SketchRobotError: BAD_GOAL, it does not fit, or a letter has no single-line form.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    mark = _text_mark(lines, height, slot)
    if mark.width > room:
        smaller = height * room / mark.width
        if not shrink or smaller < LEAST_TEXT_MM:
            most = int(len(max(lines, key=len)) * smaller / (height if not shrink else LEAST_TEXT_MM))
            raise _refused(f'the caption is too long; a line of about {most} letters fits at its place')
        mark = _text_mark(lines, smaller * 0.999, slot)
    return mark


def _text_mark(lines: Sequence[str], height: float, slot: str) -> Mark:
    rows = [text_strokes(line, height) for line in lines]
    widths = [stacked(row)[0][:, 0].max(initial=0.0) if row else 0.0 for row in rows]
    widest = max(widths)
    share = {'start': 0.0, 'end': 1.0}.get(slot, 0.5)
    found = []
    for number, (row, width) in enumerate(zip(rows, widths, strict=True)):
        offset = (share * (widest - width), -number * LINE_STEP * height)
        found += [line + np.array(offset) for line in row]
    if not found:
        raise _refused('the caption has nothing that could be written')
    return _at_origin(found)


def signature_mark(signature: str, height: float, room: float) -> Mark:
    """A signature, a text or an SVG, as high as `height` or as long as `room`, whichever is smaller; mm.

    Raises:
        SketchRobotError: BAD_GOAL, it would be illegible, or a letter has no single-line form; BAD_PLAN, see
            `svg_mark`.
    """
    if is_svg(signature):
        return svg_mark(signature, height, room, 'signature')
    mark = _at_origin(text_strokes(signature.strip(), height, font='script'))
    scale = min(height / mark.height if mark.height else 1.0, room / mark.width if mark.width else 1.0)
    if scale * height < LEAST_TEXT_MM:
        raise _refused('the signature is too long for its place')
    return _scaled(mark, scale)


def svg_mark(svg: str, height: float, room: float, what: str) -> Mark:
    """The lines of an SVG, likewise.

    Raises:
        SketchRobotError: BAD_PLAN, it cannot be read, has too many lines, or no size.
    """
    mark = _read_lines(svg, what)
    longest = max(mark.width, mark.height)
    if longest == 0.0:
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'the {what} has no size')
    scale = min(height / mark.height if mark.height else math.inf, room / mark.width if mark.width else math.inf)
    return _scaled(mark, scale)


@lru_cache(maxsize=8)
def _read_lines(svg: str, what: str) -> Mark:
    from sketch_robot.motion.svg.reader import read_svg  # brings regions and loops along, of which most marks need none

    try:
        strokes = read_svg(svg).strokes
    except SketchRobotError as error:
        raise SketchRobotError(error.code, f'the {what}: {error.message}') from error
    if len(strokes) > MOST_MARK_STROKES:
        raise SketchRobotError(
            ErrorCode.BAD_PLAN, f'the {what} has {len(strokes)} lines, more than {MOST_MARK_STROKES}; simplify it'
        )
    return _at_origin([stroke.xy for stroke in strokes])


def _at_origin(lines: Sequence[np.ndarray]) -> Mark:
    if not lines:
        raise _refused('there is nothing that could be written')
    every = np.concatenate(lines)
    low, high = every.min(axis=0), every.max(axis=0)
    return Mark(tuple(line - low for line in lines), float(high[0] - low[0]), float(high[1] - low[1]))


def _scaled(mark: Mark, scale: float) -> Mark:
    return Mark(tuple(line * scale for line in mark.lines), mark.width * scale, mark.height * scale)


def _refused(text: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, text)
