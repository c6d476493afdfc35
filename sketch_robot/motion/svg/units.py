"""Lengths, transforms and viewports of SVG, in user units (CSS pixels, 96 to the inch)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from sketch_robot.motion.svg.shapes import NUMBER, numbers

MM_PER_PX = 25.4 / 96.0
DEFAULT_FONT_PX = 16.0
_PX_PER = {
    '': 1.0, 'px': 1.0, 'pt': 96.0 / 72.0, 'pc': 16.0, 'in': 96.0, 'cm': 96.0 / 2.54, 'mm': 96.0 / 25.4,
    'q': 96.0 / 101.6, 'rem': DEFAULT_FONT_PX,
}  # fmt: skip
_EM_PER = {'em': 1.0, 'ex': 0.5, 'ch': 0.5}
_RADIANS_PER = {'': math.pi / 180.0, 'deg': math.pi / 180.0, 'grad': math.pi / 200.0, 'rad': 1.0, 'turn': 2.0 * math.pi}
_LENGTH = re.compile(rf'({NUMBER})\s*+([a-zA-Z]*|%)')
_FUNCTION = re.compile(r'\s*+,?\s*+([a-zA-Z]++)\s*+\(([^()]*+)\)')
_WORD = re.compile(rf'({NUMBER})([a-zA-Z%]*+)')
_PLACES = {'left': 0.0, 'top': 0.0, 'center': 0.5, 'right': 1.0, 'bottom': 1.0}


def length_px(text: str, whole_px: float, font_px: float = DEFAULT_FONT_PX) -> float:
    """Read a length, in user units.

    Args:
        text: a number with a unit or none, or a percentage of `whole_px`.
        whole_px: what percentages refer to.
        font_px: the size of the font, for em, ex and ch.

    Raises:
        ValueError: it is no length, or not finite.
    """
    try:
        value = float(text)
    except ValueError:
        match = _LENGTH.fullmatch(text.strip())
        unit = match[2].lower() if match else None
        if match is None or unit is None or (unit != '%' and unit not in _PX_PER and unit not in _EM_PER):
            raise ValueError(f'{text[:24]!r} is no length') from None
        factor = whole_px / 100.0 if unit == '%' else _EM_PER[unit] * font_px if unit in _EM_PER else _PX_PER[unit]
        value = float(match[1]) * factor
    if not math.isfinite(value):
        raise ValueError(f'the length {text[:24]!r} is not finite')
    return value


# ----------------------------------------------------------------- transforms
def parse_transform(
    text: str, box_px: tuple[float, float] = (0.0, 0.0), font_px: float = DEFAULT_FONT_PX
) -> np.ndarray:
    """Read a list of transforms, of an attribute or of CSS, as a (3, 3) matrix; the first is applied last.

    Args:
        text: such as 'translate(3 4) rotate(45)'; 'none' and '' leave all as it is.
        box_px: width and height of what percentages refer to.
        font_px: the size of the font.

    Raises:
        ValueError: it is no such list; the message says where.
    """
    matrix, at, text = np.eye(3), 0, text.strip()
    if text == 'none':
        return matrix
    while at < len(text):
        match = _FUNCTION.match(text, at)
        if match is None:
            raise ValueError(f'{text[at : at + 24]!r} is no transform')
        matrix = matrix @ _single(match[1], match[2], box_px, font_px)
        at = match.end()
    return matrix


def _single(name: str, text: str, box_px: tuple[float, float], font_px: float) -> np.ndarray:
    words = _WORD.findall(text)
    if _WORD.sub(' ', text).replace(',', ' ').strip():
        raise ValueError(f'{text[:24]!r} has what is no number')

    def lengths(*wholes: float) -> list[float]:
        pairs = zip(words, wholes, strict=False)
        return [length_px(number + unit, whole, font_px) for (number, unit), whole in pairs]

    def angle(number: str, unit: str) -> float:
        if unit not in _RADIANS_PER:
            raise ValueError(f'{number + unit!r} is no angle')
        return float(number) * _RADIANS_PER[unit]

    kind, axis = (name[:-1], name[-1]) if name[-1] in 'XY' else (name, '')
    if kind == 'matrix' and len(words) == 6 and not axis:
        a, b, c, d, e, f = (float(number) for number, _ in words)
        return np.array([[a, c, e], [b, d, f], [0.0, 0.0, 1.0]])
    if kind == 'translate' and len(words) in ((1,) if axis else (1, 2)):
        if axis == 'Y':
            return translation(0.0, lengths(box_px[1])[0])
        x, y = (*lengths(*box_px), 0.0)[:2]
        return translation(x, y)
    if kind == 'scale' and len(words) in ((1,) if axis else (1, 2)):
        factors = [float(number) / (100.0 if unit == '%' else 1.0) for number, unit in words]
        return np.diag([1.0 if axis == 'Y' else factors[0], 1.0 if axis == 'X' else factors[-1], 1.0])
    if kind == 'rotate' and len(words) in (1, 3) and not axis:
        turn = _rotation(angle(*words[0]))
        if len(words) == 1:
            return turn
        x, y = (float(number) for number, _ in words[1:])
        return translation(x, y) @ turn @ translation(-x, -y)
    if kind == 'skew' and len(words) in ((1,) if axis else (1, 2)):
        skew = np.eye(3)
        skew[(1, 0) if axis == 'Y' else (0, 1)] = math.tan(angle(*words[0]))
        if len(words) == 2:
            skew[1, 0] = math.tan(angle(*words[1]))
        return skew
    raise ValueError(f'{name!r} with {len(words)} numbers is no transform')


def _rotation(radians: float) -> np.ndarray:
    cos, sin = math.cos(radians), math.sin(radians)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def translation(x: float, y: float) -> np.ndarray:
    """Make the (3, 3) matrix of a move."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def parse_origin(text: str, box_px: tuple[float, float], font_px: float = DEFAULT_FONT_PX) -> tuple[float, float]:
    """Read a `transform-origin`: x and y from the corner of a box of that size.

    Raises:
        ValueError: it is no place.
    """
    words = text.lower().split()
    if not 1 <= len(words) <= 3:
        raise ValueError(f'{text[:24]!r} is no transform-origin')
    if len(words) == 1:
        words = ['center', words[0]] if words[0] in ('top', 'bottom') else [words[0], 'center']
    if words[0] in ('top', 'bottom') or words[1] in ('left', 'right'):
        words[:2] = words[1::-1]
    wrong = (('top', 'bottom'), ('left', 'right'))
    if any(word in names for word, names in zip(words, wrong, strict=False)):
        raise ValueError(f'{text[:24]!r} is no transform-origin')
    x, y = (
        _PLACES[word] * whole if word in _PLACES else length_px(word, whole, font_px)
        for word, whole in zip(words, box_px, strict=False)
    )
    return x, y


def transform_of(
    text: str,
    origin: str,
    box_px: tuple[float, float],
    font_px: float = DEFAULT_FONT_PX,
    corner_px: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Make the (3, 3) matrix of a list of transforms about its `transform-origin`.

    Args:
        text, origin: as they are written; '' for none.
        box_px, corner_px: the size and the corner of the box that they refer to.
        font_px: the size of the font.

    Raises:
        ValueError: they are malformed; the message says where.
    """
    matrix = parse_transform(text, box_px, font_px)
    if not origin:
        return matrix
    x, y = np.add(corner_px, parse_origin(origin, box_px, font_px))
    return translation(x, y) @ matrix @ translation(-x, -y)


# ----------------------------------------------------------------- viewports
def view_box(attributes: Mapping[str, str]) -> list[float] | None:
    """Read a viewBox: x, y, width, height; None when there is no usable one."""
    values, problem = numbers(attributes.get('viewBox', ''))
    box = values.tolist()
    return box if not problem and len(box) == 4 and np.isfinite(box).all() and box[2] > 0.0 and box[3] > 0.0 else None


def sheet_size_px(attributes: Mapping[str, str]) -> tuple[float, float] | None:
    """Read the size of the sheet from a root element; None when it does not say.

    A side that is missing follows from the other by the viewBox, as wherever SVG is shown.

    Raises:
        ValueError: it is malformed, or not positive.
    """
    box = view_box(attributes)
    sides: list[float | None] = []
    for name in ('width', 'height'):
        text = attributes.get(name, '').strip()
        said = bool(text) and not text.endswith('%') and text != 'auto'
        sides.append(length_px(text, 0.0) if said else None)
    width, height = sides
    if box is not None:
        if width is None:
            width = box[2] if height is None else height * box[2] / box[3]
        if height is None:
            height = width * box[3] / box[2]
    if width is None or height is None:
        return None
    if not (width > 0.0 and height > 0.0 and math.isfinite(width) and math.isfinite(height)):
        raise ValueError(f'its sheet has the size {width:g} x {height:g} px')
    return width, height


def view_matrix(box: list[float], size_px: tuple[float, float], aspect: str) -> np.ndarray:
    """Make the (3, 3) matrix from a viewBox to a viewport of that size at the origin (SVG 1.1, 7.7 and 7.8).

    Args:
        box: x, y, width and height, the last two positive.
        size_px: of the viewport.
        aspect: preserveAspectRatio; '' is xMidYMid meet.
    """
    x, y, width, height = box
    scale = np.array([size_px[0] / width, size_px[1] / height])
    words = [word for word in aspect.split() if word != 'defer'] or ['xMidYMid']
    if words[0] != 'none':
        scale[:] = scale.max() if 'slice' in words else scale.min()
    spare = np.array(size_px) - scale * (width, height)
    shares = {'min': 0.0, 'mid': 0.5, 'max': 1.0}
    place = [shares.get(words[0][k : k + 3].lower(), 0.5) for k in (1, 5)] if words[0] != 'none' else [0.0, 0.0]
    move = spare * place - scale * (x, y)
    return np.array([[scale[0], 0.0, move[0]], [0.0, scale[1], move[1]], [0.0, 0.0, 1.0]])
