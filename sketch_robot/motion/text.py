"""Text as lines for a pen: letters of single lines, or the outlines of an installed font.

The single-line letters are A. V. Hershey's (1967), by the package Hershey-Fonts: Latin, Greek and Cyrillic (the last
with stems of two lines). They have no accents and few signs; what can be composed of a letter and a mark is composed
here, as Unicode takes it apart. What no font has is named to whoever asks, never left out without a word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from HersheyFonts import HersheyFonts

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import POSITIVE, fits

TextMode = Literal['single-line', 'outlines', 'none']
TEXT_MODES: tuple[TextMode, ...] = get_args(TextMode)
FONTS = {'plain': 'futural', 'script': 'scripts'}  # what people call them: Hershey's names
LINE_SPACING = 1.9  # baselines, in heights of capitals
_CAP = 21.0  # height of Hershey's capitals, in units
_FLATTEN = 200.0  # matplotlib flattens curves to about 1/20 of a unit
_GREEK = dict(zip('ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ', 'ABCDEFGHIJKLMNOPQRSTUVWX', strict=True))
_GREEK |= dict(zip('αβγδεζηθικλμνξοπρστυφχψως', 'abcdefghijklmnopqrstuvwxr', strict=True))
_CYRILLIC = dict(zip('АБЭДЙФГЖИЧКЛМНОПШРСТЮВЩХУЗЕЪЯЬЦЫ', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`$', strict=True))
_CYRILLIC |= dict(zip('абэдйфгжичклмнопшрстювщхузеъяьцы', 'abcdefghijklmnopqrstuvwxyz{|}~%&', strict=True))
_PLAIN = {  # signs that look like others
    '\u00a0': ' ', '\u2009': ' ', '\u202f': ' ', '‐': '-', '‑': '-', '−': '-', '“': '"', '”': '"', '„': '"', '«': '<<',
    '»': '>>', '‹': '<', '›': '>', '‘': "'", '’': "'", '‚': ',', '´': "'", '…': '...', '⁄': '/', '∼': '~', 'ı': 'ı',
    'œ': 'oe', 'Œ': 'OE', 'æ': 'ae', 'Æ': 'AE', 'ﬁ': 'fi', 'ﬂ': 'fl', '×': 'x', '·': '.', '•': '.', '№': 'No',
}  # fmt: skip
_SLASHED = {  # a letter, and a line across it: ends in units, x as a share of its width
    'ø': ('o', (0.1, -2.0, 0.9, 16.0)), 'Ø': ('O', (0.1, -2.0, 0.9, 23.0)), 'ł': ('l', (0.1, 8.0, 0.9, 14.0)),
    'Ł': ('L', (0.0, 8.0, 0.5, 14.0)), 'đ': ('d', (0.45, 17.0, 1.0, 17.0)), 'Đ': ('D', (0.0, 11.0, 0.5, 11.0)),
    'Ð': ('D', (0.0, 11.0, 0.5, 11.0)),
    'ð': ('d', (0.4, 16.0, 0.9, 19.0)), 'ħ': ('h', (0.0, 17.0, 0.55, 17.0)), 'Ħ': ('H', (0.0, 16.0, 1.0, 16.0)),
    '€': ('C', (0.0, 12.5, 0.6, 12.5)),
    '£': ('L', (0.0, 11.0, 0.6, 11.0)), '¢': ('c', (0.4, -3.0, 0.7, 17.0)), '¥': ('Y', (0.2, 7.0, 0.8, 7.0)),
}  # fmt: skip
_OWN: dict[str, tuple[float, list[list[tuple[float, float]]]]] = {  # width, and lines from the baseline up
    'ß': (17.0, [[(2, 0), (2, 17), (4, 20), (7, 21), (10, 20), (12, 17), (11, 14), (8, 12), (11, 11), (14, 8), (14, 4),
                  (12, 1), (8, 0), (6, 1)]]),
    'þ': (19.0, [[(3, 21), (3, -7)], [(3, 11), (6, 14), (10, 14), (13, 12), (15, 8), (15, 5), (13, 1), (10, -1),
                  (6, -1), (3, 2)]]),
    'Þ': (19.0, [[(3, 21), (3, 0)], [(3, 17), (11, 17), (15, 15), (15, 8), (11, 6), (3, 6)]]),
    '–': (18.0, [[(1, 9), (17, 9)]]), '—': (30.0, [[(1, 9), (29, 9)]]),
    '°': (10.0, [[(5, 21), (2, 19), (2, 17), (5, 15), (8, 17), (8, 19), (5, 21)]]),
    '±': (22.0, [[(11, 18), (11, 4)], [(4, 11), (18, 11)], [(4, 1), (18, 1)]]),
    '§': (15.0, [[(11, 18), (8, 21), (5, 20), (4, 17), (6, 15), (10, 12), (12, 9), (10, 6), (7, 5)],
                 [(8, 15), (5, 13), (3, 10), (5, 8), (9, 5), (11, 2), (10, -1), (7, -3), (4, -1)]]),
}  # fmt: skip
_ABOVE: dict[str, list[list[tuple[float, float]]]] = {  # combining marks, around 0 and up from 0
    '\u0300': [[(-4, 5), (2, 0)]], '\u0301': [[(4, 5), (-2, 0)]], '\u0302': [[(-4, 0), (0, 4), (4, 0)]],
    '\u0303': [[(-5, 0), (-4, 2), (-2, 3), (2, 1), (4, 2), (5, 4)]], '\u0304': [[(-4, 2), (4, 2)]],
    '\u0306': [[(-4, 4), (-2, 1), (2, 1), (4, 4)]], '\u0307': [[(0, 1), (0, 2)]],
    '\u0308': [[(-3, 1), (-3, 2)], [(3, 1), (3, 2)]], '\u030a': [[(0, 0), (-2, 2), (0, 4), (2, 2), (0, 0)]],
    '\u030b': [[(-1, 5), (-4, 0)], [(4, 5), (1, 0)]], '\u030c': [[(-4, 4), (0, 0), (4, 4)]],
    '\u0309': [[(-2, 4), (1, 5), (2, 3), (0, 2), (0, 0)]], '\u031b': [[(6, -2), (8, 0), (7, 3)]],
    '\u0313': [[(0, 3), (1, 1), (-1, -1)]], '\u0342': [[(-4, 0), (-2, 3), (2, 3), (4, 0)]],
}  # fmt: skip
_BELOW: dict[str, list[list[tuple[float, float]]]] = {  # around 0 and down from 0
    '\u0327': [[(0, 0), (2, -3), (0, -5), (-2, -5)]], '\u0328': [[(1, 0), (-1, -3), (1, -5), (3, -4)]],
    '\u0323': [[(0, -3), (0, -4)]], '\u0326': [[(1, -2), (0, -6)]], '\u0331': [[(-4, -3), (4, -3)]],
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Glyph:
    """A letter.

    Attributes:
        lines: (N, 2) float64 each, y up; the baseline begins at (0, 0) and a capital is 1 high.
        advance: from where it begins to where the next one does.
    """

    lines: tuple[np.ndarray, ...]
    advance: float


def text_strokes(text: str, height_mm: float, *, font: str = 'plain') -> list[np.ndarray]:
    """Write text in single lines.

    Args:
        text: one line or several.
        height_mm: of a capital.
        font: one of `FONTS`.

    Returns:
        polylines, (N, 2) float64 mm, y up, in the order of writing; the first baseline begins at (0, 0).

    Raises:
        SketchRobotError: BAD_GOAL, the height is none, there is no such font, or no font has some of the letters; the
            message names them.
    """
    if not fits(height_mm, POSITIVE):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'text of a height of {height_mm} mm cannot be written')
    missing = missing_letters(text, font=font)
    if missing:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'there are no single-line letters for {missing[:20]!r}; Latin, Greek and Cyrillic ones can be written',
        )
    found = []
    for number, line in enumerate(text.splitlines()):
        x, y = 0.0, -number * LINE_SPACING * height_mm
        for character in line:
            glyph = single_line_glyph(character, font)
            if glyph is not None:
                found += [points * height_mm + (x, y) for points in glyph.lines]
                x += glyph.advance * height_mm
    return found


def text_width_mm(text: str, height_mm: float, *, font: str = 'plain') -> float:
    """Measure the longest line of a text; letters that no font has count nothing."""
    glyphs = ([single_line_glyph(character, font) for character in line] for line in text.splitlines())
    widths = [sum(glyph.advance for glyph in line if glyph is not None) for line in glyphs]
    return max(widths, default=0.0) * height_mm


def missing_letters(text: str, *, font: str = 'plain') -> str:
    """Name the letters of a text that no single-line font has, each once."""
    letters = dict.fromkeys(character for line in text.splitlines() for character in line)
    return ''.join(character for character in letters if single_line_glyph(character, font) is None)


# ----------------------------------------------------------------- single lines
@lru_cache(maxsize=4096)
def single_line_glyph(character: str, font: str = 'plain') -> Glyph | None:
    """Make one letter, composed if need be; None when no font has it.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such font.
    """
    if font not in FONTS:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no font {font!r}; choose one of: {", ".join(FONTS)}')
    if unicodedata.category(character) in ('Cc', 'Cf', 'Mn'):
        return Glyph((), 0.0) if character != '\t' else single_line_glyph(' ', font)
    return _simple(character, font) or _composed(character, font)


def _simple(character: str, font: str) -> Glyph | None:
    """A letter as a font has it, or one of ours."""
    if character in _OWN:
        width, lines = _OWN[character]
        return Glyph(tuple(np.array(line, np.float64) / _CAP for line in lines), width / _CAP)
    for letters, name in ((_GREEK, 'greeks'), (_CYRILLIC, 'cyrillic')):
        if character in letters:
            return _hershey(name)[letters[character]]
    return _hershey(FONTS[font]).get(character) if ' ' <= character <= '~' else None


def _composed(character: str, font: str) -> Glyph | None:
    """A letter put together from others and marks."""
    if character in 'ıȷ':
        dotted = _simple({'ı': 'i', 'ȷ': 'j'}[character], font)
        return None if dotted is None else _dotless(dotted)
    if character in _PLAIN:
        return _row([single_line_glyph(part, font) for part in _PLAIN[character]])
    if character in _SLASHED:
        letter, (x0, y0, x1, y1) = _SLASHED[character]
        base = _simple(letter, font)
        if base is None:
            return None
        ends = np.array([[x0 * base.advance, y0 / _CAP], [x1 * base.advance, y1 / _CAP]])
        return Glyph((*base.lines, ends), base.advance)
    if character in '¿¡':
        base = _simple({'¿': '?', '¡': '!'}[character], font)
        middle = (0.5, 14.0 / _CAP / 2.0)
        return None if base is None else _turned(base, (middle[0] * base.advance, middle[1]))
    parts = unicodedata.normalize('NFD', character)
    if len(parts) == 1:
        parts = unicodedata.normalize('NFKD', character)
        if parts == character:
            return None
        return _row([single_line_glyph(part, font) for part in parts])
    base, marks = single_line_glyph(parts[0], font), parts[1:]
    if base is None or not all(mark in _ABOVE or mark in _BELOW for mark in marks):
        return None
    return _marked(_dotless(base) if parts[0] in 'ij' and marks[0] in _ABOVE else base, marks)


def _marked(base: Glyph, marks: Iterable[str]) -> Glyph:
    ink = np.concatenate(base.lines)
    middle, top, bottom = (ink[:, 0].min() + ink[:, 0].max()) / 2.0, ink[:, 1].max(), ink[:, 1].min()
    lines = list(base.lines)
    for mark in marks:
        above = mark in _ABOVE
        at = np.array([middle, top + 3.0 / _CAP if above else bottom])
        placed = [np.array(line, np.float64) / _CAP + at for line in (_ABOVE if above else _BELOW)[mark]]
        lines += placed
        if above:
            top = max(float(line[:, 1].max()) for line in placed)
    return Glyph(tuple(lines), base.advance)


def _dotless(glyph: Glyph) -> Glyph:
    """Without the lines that are wholly above small letters."""
    stem = [line for line in glyph.lines if line[:, 1].min() < 15.0 / _CAP]
    return Glyph(tuple(stem) or glyph.lines, glyph.advance)


def _turned(glyph: Glyph, middle: tuple[float, float]) -> Glyph:
    return Glyph(tuple(2.0 * np.array(middle) - line for line in glyph.lines), glyph.advance)


def _row(glyphs: Sequence[Glyph | None]) -> Glyph | None:
    lines: list[np.ndarray] = []
    x = 0.0
    for glyph in glyphs:
        if glyph is None:
            return None
        lines += [line + np.array([x, 0.0]) for line in glyph.lines]
        x += glyph.advance
    return Glyph(tuple(lines), x)


@lru_cache(maxsize=8)
def _hershey(name: str) -> dict[str, Glyph]:
    """A whole font of Hershey's."""
    fonts = HersheyFonts()
    fonts.load_default_font(name)
    found = {}
    for character, glyph in fonts.all_glyphs.items():
        lines = [np.array(line, np.float64) for line in glyph.strokes if len(line)]
        placed = [(line * (1.0, -1.0) + (-glyph.left_offset, glyph.base_line)) / _CAP for line in lines]
        found[character] = Glyph(tuple(placed), glyph.char_width / _CAP)
    return found


# ----------------------------------------------------------------- outlines
@dataclass(frozen=True)
class Typeface:
    """An installed font.

    Attributes:
        family: as CSS names several, the best first: 'Noto Sans, sans-serif'.
        weight, style: as CSS names them: 'bold', '300', 'italic'.
    """

    family: str = 'sans-serif'
    weight: str = 'normal'
    style: str = 'normal'


@lru_cache(maxsize=4096)
def outline_glyphs(text: str, face: Typeface) -> tuple[tuple[Glyph, ...], str]:
    """Make the letters of a text as outlines of an installed font, or of DejaVu Sans when none of the family is.

    Returns:
        glyphs: one a letter, closed lines; 1 is the font's size here, not the height of a capital.
        problem: what is not as asked for; '' when all is.
    """
    from matplotlib import font_manager
    from matplotlib.textpath import text_to_path

    families = [name.strip().strip('"\'') for name in face.family.split(',') if name.strip()] or ['sans-serif']
    style: Literal['normal', 'italic'] = 'normal' if face.style == 'normal' else 'italic'
    problem = ''
    try:
        asked = font_manager.FontProperties(family=families, weight=_weight(face.weight), style=style)
        path = font_manager.findfont(asked, fallback_to_default=False)
    except ValueError:
        problem = f'the font {families[0]!r} is not installed; DejaVu Sans is drawn instead'
        path = font_manager.findfont('DejaVu Sans')
    properties = font_manager.FontProperties(fname=path)
    known = font_manager.get_font(path).get_charmap()
    glyphs = []
    for character in text:
        if ord(character) not in known and not character.isspace():
            problem = problem or f'the font {families[0]!r} has no {character!r}'
            glyphs.append(Glyph((), 0.0))
            continue
        width, _, _ = text_to_path.get_text_width_height_descent(character, properties, ismath=False)
        size = text_to_path.FONT_SCALE
        vertices, codes = text_to_path.get_text_path(properties, character)
        lines = _flattened(np.asarray(vertices) / size, np.asarray(codes)) if len(vertices) else []
        glyphs.append(Glyph(tuple(lines), width / properties.get_size_in_points()))
    return tuple(glyphs), problem


def _flattened(vertices: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    """Closed (N, 2) outlines of a path with curves."""
    from matplotlib.path import Path

    path = Path(vertices * _FLATTEN, codes)
    polygons = [np.asarray(line, np.float64) / _FLATTEN for line in path.to_polygons(closed_only=True)]
    return [line for line in polygons if len(line) > 3]


def _weight(text: str) -> int | str:
    names = {'normal': 400, 'bold': 700, 'bolder': 700, 'lighter': 300}
    return names.get(text, int(text) if text.isdigit() else 400)
