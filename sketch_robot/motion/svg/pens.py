"""From the lines of an SVG drawing to strokes with pens: as our own files say, else by layer, else by colour."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sketch_robot.motion.plan import Pen
from sketch_robot.motion.plan_file import HEAD, PER_POINT, stroke_from_data
from sketch_robot.motion.svg.style import colour_name, darkness
from sketch_robot.polyline import lengths_of
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import traced_importance

USUAL_WIDTH_MM = 0.5
LEAST_SHEET_MM = 1e-6
USUAL_PX = 512.0  # of the pictures that importance was made for
_NUMBERED = re.compile(r'\d+\s*[-_:.]?\s*(\S.*)')
_DAMAGED = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
_OWN_WIDTH, _OWN_PEN = 'data-half-width', 'data-pen'


@dataclass(frozen=True, eq=False)
class SvgLine:
    """One line as found.

    Attributes:
        xy: (N, 2) float64, mm.
        width_mm: as it is written.
        colour: of its ink, '#rrggbb'.
        layer: the label of its layer; '' none.
        data: the attributes of the only element that it is; of our own files they say more.
        scale: how many times as large it is as it was written.
    """

    xy: np.ndarray
    width_mm: float
    colour: str
    layer: str
    data: Mapping[str, str]
    scale: float

    @property
    def own_pen(self) -> str:
        """The pen that our own files name; '' none."""
        return self.data.get(_OWN_PEN, '')


def strokes_of(
    lines: Sequence[SvgLine], attributes: Mapping[str, str], sheet_mm: tuple[float, float]
) -> tuple[tuple[Stroke, ...], tuple[Pen, ...]]:
    """Make strokes with named pens: as our own files do, else by layer when several have lines, else by colour.

    A pen is as wide as most of its lines, unless they are pressed. Lines all black, or grey, need no named pen.

    Args:
        lines: at least one.
        attributes: of the root element.
        sheet_mm: width and height of what importance is weighed by.
    """
    by_layer = len({line.layer for line in lines}) > 1
    names = [line.own_pen or (_layer_name(line.layer) if by_layer else colour_name(line.colour)) for line in lines]
    by_name: dict[str, list[SvgLine]] = {}
    for line, name in zip(lines, names, strict=True):
        by_name.setdefault(name, []).append(line)
    own_mm = _own_widths_mm(attributes)
    pens = []
    for name, of_it in by_name.items():
        colour = Counter(line.colour for line in of_it).most_common(1)[0][0]
        pens.append(Pen(name, colour, _width_mm(of_it, own_mm.get(name, 0.0))))
    if len(pens) == 1 and pens[0].is_grey and not lines[0].own_pen:
        pens, names = [], [''] * len(lines)
    elif not (by_layer or lines[0].own_pen):
        pens.sort(key=lambda pen: -darkness(pen.colour))
    per_px = USUAL_PX / max(min(sheet_mm), LEAST_SHEET_MM)
    strokes = (
        _stroke(line, name, length * per_px)
        for line, name, length in zip(lines, names, lengths_of([line.xy for line in lines]).tolist(), strict=True)
    )
    return tuple(strokes), tuple(pens)


def planned_for(attributes: Mapping[str, str]) -> tuple[float | None, str]:
    """Read what our own files say of their page and maker: margin in mm and artist."""
    try:
        head = json.loads(attributes.get(HEAD, '{}'))
        return float(head['page']['margin_mm']), str(head['artist'])
    except _DAMAGED:
        return None, ''


def _own_widths_mm(attributes: Mapping[str, str]) -> dict[str, float]:
    """Of the pens that our own files name."""
    try:
        return {str(pen['name']): float(pen['width_mm']) for pen in json.loads(attributes.get(HEAD, '{}'))['pens']}
    except _DAMAGED:
        return {}


def _stroke(line: SvgLine, pen: str, length_px: float) -> Stroke:
    """With what our own files say besides, as far as other programs have left it fitting; else ranked by length."""
    if _OWN_WIDTH in line.data:
        plain = {name: value for name, value in line.data.items() if name not in PER_POINT}
        for known in (line.data, plain):
            try:
                stroke = stroke_from_data(line.xy, known)
            except (KeyError, ValueError):
                continue
            half_widths = None if stroke.half_widths is None else stroke.half_widths * line.scale
            importance = stroke.importance
            if importance == 0.0 and stroke.label == 'other':
                importance = traced_importance(length_px, 1.0)
            half_width = stroke.half_width * line.scale
            return replace(stroke, half_width=half_width, half_widths=half_widths, pen=pen, importance=importance)
    return Stroke(line.xy, line.width_mm / 2.0, importance=traced_importance(length_px, 1.0), pen=pen)


def _width_mm(lines: Sequence[SvgLine], own_mm: float) -> float:
    """Of the pen that draws them."""
    plain = [round(line.width_mm, 3) for line in lines if 'data-pressure' not in line.data or own_mm == 0.0]
    width_mm = Counter(plain).most_common(1)[0][0] if plain else own_mm
    return width_mm if 0.0 < width_mm < math.inf else USUAL_WIDTH_MM


def _layer_name(label: str) -> str:
    """Without the number that tells plotters the order; lines outside of all layers have a name as well."""
    match = _NUMBERED.fullmatch(label.strip())
    return match[1] if match else label.strip() or 'no layer'
