"""Lengths and transforms of SVG, in user units (CSS pixels, 96 to the inch)."""

from __future__ import annotations

import math
import re

import numpy as np

from sketch_robot.motion.svg_path import NUMBER, numbers

MM_PER_PX = 25.4 / 96.0
_PX_PER = {
    '': 1.0, 'px': 1.0, 'pt': 96.0 / 72.0, 'pc': 16.0, 'in': 96.0, 'cm': 96.0 / 2.54, 'mm': 96.0 / 25.4,
    'q': 96.0 / 101.6, 'em': 16.0, 'rem': 16.0, 'ex': 8.0,
}  # fmt: skip
_LENGTH = re.compile(rf'({NUMBER})\s*+([a-zA-Z]*|%)')
_FUNCTION = re.compile(r'\s*+,?\s*+([a-zA-Z]++)\s*+\(([^()]*+)\)')


def length_px(text: str, whole_px: float) -> float:
    """A length in user units.

    Args:
        text: a number with a unit or none, or a percentage of `whole_px`.

    Raises:
        ValueError: it is no length.
    """
    match = _LENGTH.fullmatch(text.strip())
    unit = match[2].lower() if match else None
    if match is None or (unit != '%' and unit not in _PX_PER):
        raise ValueError(f'{text[:24]!r} is no length')
    value = float(match[1]) * (whole_px / 100.0 if unit == '%' else _PX_PER[unit or ''])
    if not math.isfinite(value):
        raise ValueError(f'the length {text[:24]!r} is not finite')
    return value


def parse_transform(text: str) -> np.ndarray:
    """The (3, 3) matrix of a list of transforms, the first applied last.

    Raises:
        ValueError: it is no such list.
    """
    matrix, at = np.eye(3), 0
    while at < len(text.rstrip()):
        match = _FUNCTION.match(text, at)
        if match is None:
            raise ValueError(f'{text[at : at + 24]!r} is no transform')
        matrix = matrix @ _single(match[1], numbers(match[2].replace('deg', '').replace('px', '')).tolist())
        at = match.end()
    return matrix


def _single(name: str, values: list[float]) -> np.ndarray:
    if name == 'matrix' and len(values) == 6:
        a, b, c, d, e, f = values
        return np.array([[a, c, e], [b, d, f], [0.0, 0.0, 1.0]])
    if name == 'translate' and len(values) in (1, 2):
        return translation(values[0], values[1] if len(values) == 2 else 0.0)
    if name == 'scale' and len(values) in (1, 2):
        return np.diag([values[0], values[-1], 1.0])
    if name == 'rotate' and len(values) in (1, 3):
        cos, sin = math.cos(math.radians(values[0])), math.sin(math.radians(values[0]))
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        if len(values) == 1:
            return turn
        return translation(values[1], values[2]) @ turn @ translation(-values[1], -values[2])
    if name in ('skewX', 'skewY') and len(values) == 1:
        skew = np.eye(3)
        skew[(0, 1) if name == 'skewX' else (1, 0)] = math.tan(math.radians(values[0]))
        return skew
    raise ValueError(f'{name!r} with {len(values)} numbers is no transform')


def translation(x: float, y: float) -> np.ndarray:
    """The (3, 3) matrix of a move."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def view_matrix(view_box: list[float], size_px: tuple[float, float], aspect: str) -> np.ndarray:
    """The (3, 3) matrix from a viewBox to a viewport of that size at the origin (SVG 1.1, 7.7 and 7.8).

    Args:
        view_box: x, y, width and height, the last two positive.
        aspect: preserveAspectRatio; '' is xMidYMid meet.
    """
    x, y, width, height = view_box
    scale = np.array([size_px[0] / width, size_px[1] / height])
    words = [word for word in aspect.split() if word != 'defer'] or ['xMidYMid']
    if words[0] != 'none':
        scale[:] = scale.max() if 'slice' in words else scale.min()
    spare = np.array(size_px) - scale * (width, height)
    shares = {'min': 0.0, 'mid': 0.5, 'max': 1.0}
    place = [shares.get(words[0][k : k + 3].lower(), 0.5) for k in (1, 5)] if words[0] != 'none' else [0.0, 0.0]
    move = spare * place - scale * (x, y)
    return np.array([[scale[0], 0.0, move[0]], [0.0, scale[1], move[1]], [0.0, 0.0, 1.0]])
