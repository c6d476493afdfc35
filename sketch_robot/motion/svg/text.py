"""Where the letters of an SVG text stand, and their lines (SVG 1.1, chapter 10; without text along a path)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from sketch_robot.motion.svg.document import SvgDocument, tag_of
from sketch_robot.motion.svg.style import Style
from sketch_robot.motion.svg.units import length_px
from sketch_robot.motion.text import Glyph, TextMode, Typeface, outline_glyphs, single_line_glyph

CAPITAL = 0.72  # height of a capital, as a share of the font's size: Arial's and DejaVu's
_BASELINES = {  # how far below the given place the baseline is, as a share of the font's size
    'middle': 0.26, 'central': 0.36, 'hanging': 0.72, 'text-before-edge': 0.9, 'text-top': 0.9,
    'text-after-edge': -0.2, 'text-bottom': -0.2, 'ideographic': -0.2,
}  # fmt: skip
_PARTS = ('tspan', 'a')
_SPACE = '{http://www.w3.org/XML/1998/namespace}space'


@dataclass(frozen=True, eq=False)
class Letter:
    """A letter where it is drawn.

    Attributes:
        lines: (N, 2) float64 each, user units, y down.
        style: of it.
    """

    lines: tuple[np.ndarray, ...]
    style: Style


@dataclass
class _Character:
    """A character as the file has it; places are None where they follow from the one before."""

    text: str
    style: Style
    x: float | None = None
    y: float | None = None
    dx: float | None = None
    dy: float | None = None
    rotate: float | None = None


def letters_of(
    element: Element, document: SvgDocument, style: Style, view_px: tuple[float, float], mode: TextMode
) -> tuple[list[Letter], Counter[str]]:
    """Lay out a text element.

    Args:
        element: the text.
        document: that it is in.
        style: of the element.
        view_px: what percentages refer to.
        mode: how to draw it.

    Returns:
        letters: in the order of reading.
        problems: what is drawn otherwise or not at all, and how often.
    """
    layout = _Layout(document, view_px)
    layout.take(element, style, preserve=False)
    characters = layout.characters
    while characters and layout.last_is_space and characters[-1].text == ' ':
        characters.pop()
    glyphs, problems = _glyphs(characters, mode)
    problems.update(layout.problems)
    return _placed(characters, glyphs, CAPITAL if mode == 'single-line' else 1.0, view_px), problems


class _Layout:
    """Gathers the characters of a text and what is said of their places."""

    def __init__(self, document: SvgDocument, view_px: tuple[float, float]) -> None:
        self._document, self._view = document, view_px
        self.characters: list[_Character] = []
        self.last_is_space = True
        self.problems: Counter[str] = Counter()

    def take(self, element: Element, style: Style, *, preserve: bool) -> None:
        """Take the characters of an element and of those within it."""
        preserve = element.attrib.get(_SPACE, 'preserve' if preserve else 'default') == 'preserve'
        first = len(self.characters)
        self._add(element.text, style, preserve=preserve)
        for child in element:
            tag = tag_of(child)
            if tag in _PARTS:
                inner = style.within(self._document.given(child))
                if inner.shown:
                    self.take(child, inner, preserve=preserve)
            elif tag not in ('', 'title', 'desc', 'animate', 'set'):
                self.problems[f'{tag} in a text is not drawn'] += 1
            self._add(child.tail, style, preserve=preserve)
        self._place(element, style, first)

    def _add(self, text: str | None, style: Style, *, preserve: bool) -> None:
        for character in text or '':
            space = character in ' \t\n\r'
            if not (space and self.last_is_space and not preserve):
                self.characters.append(_Character(' ' if space else character, style))
            self.last_is_space = space and not preserve

    def _place(self, element: Element, style: Style, first: int) -> None:
        """Note what an element says of places, where those within it say nothing."""
        for name in ('x', 'y', 'dx', 'dy', 'rotate'):
            words = element.attrib.get(name, '').replace(',', ' ').split()
            whole = self._view[0 if name in ('x', 'dx') else 1]
            try:
                values = [length_px(word, whole, style.font_px) for word in words]
            except ValueError:
                continue
            if name == 'rotate' and values:  # the last one holds for all that follow
                values += values[-1:] * (len(self.characters) - first - len(values))
            for character, value in zip(self.characters[first:], values, strict=False):
                if getattr(character, name) is None:
                    setattr(character, name, value)


def _glyphs(characters: Iterable[_Character], mode: TextMode) -> tuple[list[Glyph], Counter[str]]:
    problems: Counter[str] = Counter()
    if mode == 'single-line':
        found = [single_line_glyph(character.text) for character in characters]
        missing = [character.text for character, glyph in zip(characters, found, strict=True) if glyph is None]
        for letter, count in Counter(missing).items():
            problems[f'no single-line font has the letter {letter!r}'] += count
        return [glyph or Glyph((), 0.6) for glyph in found], problems
    glyphs: list[Glyph] = []
    for character in characters:
        style = character.style
        (glyph,), problem = outline_glyphs(
            character.text, Typeface(style.font_family, style.font_weight, style.font_style)
        )
        glyphs.append(glyph)
        if problem:
            problems[problem] += 1
    return glyphs, problems


def _placed(
    characters: list[_Character], glyphs: list[Glyph], scale: float, view_px: tuple[float, float]
) -> list[Letter]:
    """Put glyphs in their places, one chunk after the other: each begins where x or y is said."""
    if not characters:
        return []
    starts = [k for k, each in enumerate(characters) if k == 0 or each.x is not None or each.y is not None]
    letters = []
    x = y = 0.0
    for start, end in zip(starts, [*starts[1:], len(characters)], strict=True):
        places = []
        for character, glyph in zip(characters[start:end], glyphs[start:end], strict=True):
            x = character.x if character.x is not None else x
            y = character.y if character.y is not None else y
            x, y = x + (character.dx or 0.0), y + (character.dy or 0.0)
            places.append((x, y))
            x += glyph.advance * scale * character.style.font_px + _spacing(character.style, view_px)
        begin = characters[start].x if characters[start].x is not None else places[0][0]
        share = {'middle': 0.5, 'end': 1.0}.get(characters[start].style.text_anchor, 0.0)
        shift = share * (x - (begin or 0.0))
        x -= shift
        for character, glyph, place in zip(characters[start:end], glyphs[start:end], places, strict=True):
            letters.append(_letter(character, glyph, (place[0] - shift, place[1]), scale))
    return letters


def _letter(character: _Character, glyph: Glyph, place: tuple[float, float], scale: float) -> Letter:
    style = character.style
    size = scale * style.font_px
    below = _BASELINES.get(style.dominant_baseline, 0.0) * style.font_px
    turn = math.radians(character.rotate or 0.0)
    cos, sin = math.cos(turn), math.sin(turn)
    turned = np.array([[cos, sin], [-sin, cos]])
    lines = (line * (size, -size) + (0.0, below) for line in glyph.lines)
    return Letter(tuple(line @ turned + np.array(place) for line in lines), style)


def _spacing(style: Style, view_px: tuple[float, float]) -> float:
    try:
        return length_px(style.letter_spacing, view_px[0], style.font_px)
    except ValueError:
        return 0.0
