"""Which pens an SVG drawing needs: as our own files say, else one for each layer, else one for each colour."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sketch_robot.motion.plan import Pen
from sketch_robot.motion.svg_style import colour_name, darkness
from sketch_robot.stroke import Stroke

USUAL_WIDTH_MM = 0.5
_NUMBERED = re.compile(r'\d+\s*[-_:.]?\s*(\S.*)')


@dataclass(frozen=True, eq=False)
class SvgLine:
    """One line as found.

    Attributes:
        stroke: in mm, without a pen.
        own_pen: which our own files name; '' none.
        layer: the label of its layer; '' none.
        colour: of its ink, '#rrggbb'.
        width_mm: as it is written.
    """

    stroke: Stroke
    own_pen: str
    layer: str
    colour: str
    width_mm: float


def with_pens(
    lines: Sequence[SvgLine], own_widths_mm: Mapping[str, float] | None = None
) -> tuple[tuple[Stroke, ...], tuple[Pen, ...]]:
    """Name the pens: as our own files do, else by layer when several have lines, else by colour.

    A pen is as wide as most of its lines, unless they are pressed. Lines all black, or grey, need no named pen.

    Args:
        own_widths_mm: of the pens that our own files name.
    """
    by_layer = len({line.layer for line in lines}) > 1
    names = [line.own_pen or (_layer_name(line.layer) if by_layer else colour_name(line.colour)) for line in lines]
    by_name: dict[str, list[SvgLine]] = {}
    for line, name in zip(lines, names, strict=True):
        by_name.setdefault(name, []).append(line)
    pens = []
    for name, of_it in by_name.items():
        colour = Counter(line.colour for line in of_it).most_common(1)[0][0]
        pens.append(Pen(name, colour, _width_mm(of_it, (own_widths_mm or {}).get(name, 0.0))))
    if len(pens) == 1 and pens[0].is_grey and not lines[0].own_pen:
        return tuple(line.stroke for line in lines), ()
    if not (by_layer or lines[0].own_pen):
        pens.sort(key=lambda pen: -darkness(pen.colour))
    strokes = (replace(line.stroke, pen=name) for line, name in zip(lines, names, strict=True))
    return tuple(strokes), tuple(pens)


def _width_mm(lines: Sequence[SvgLine], own_mm: float) -> float:
    """Of the pen that draws them."""
    plain = [round(line.width_mm, 3) for line in lines if line.stroke.pressure is None or own_mm == 0.0]
    width_mm = Counter(plain).most_common(1)[0][0] if plain else own_mm
    return width_mm if 0.0 < width_mm < math.inf else USUAL_WIDTH_MM


def _layer_name(label: str) -> str:
    """Without the number that tells plotters the order; lines outside of all layers have a name as well."""
    match = _NUMBERED.fullmatch(label.strip())
    return match[1] if match else label.strip() or 'no layer'
