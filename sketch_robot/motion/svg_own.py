"""What our own SVG files say besides lines, read back as far as other programs have left it fitting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sketch_robot.motion.plan_svg import HEAD, PER_POINT, stroke_from_data
from sketch_robot.stroke import Stroke

_DAMAGED = (ValueError, KeyError, TypeError, OverflowError, RecursionError)


def planned_for(attributes: Mapping[str, str]) -> tuple[float | None, str]:
    """Margin in mm and artist."""
    try:
        head = json.loads(attributes.get(HEAD, '{}'))
        return float(head['page']['margin_mm']), str(head['artist'])
    except _DAMAGED:
        return None, ''


def own_widths_mm(attributes: Mapping[str, str]) -> dict[str, float]:
    """Of the pens."""
    try:
        return {str(pen['name']): float(pen['width_mm']) for pen in json.loads(attributes.get(HEAD, '{}'))['pens']}
    except _DAMAGED:
        return {}


def own_stroke(xy: np.ndarray, width_mm: float, data: Mapping[str, str], scale: float) -> Stroke:
    """A stroke through (N, 2) points in mm, `scale` times as large as when it was written; without its pen."""
    plain = {name: value for name, value in data.items() if name not in PER_POINT}
    for known in (data, plain):
        try:
            stroke = stroke_from_data(xy, known)
        except (KeyError, ValueError):
            continue
        half_widths = None if stroke.half_widths is None else stroke.half_widths * scale
        return replace(stroke, half_width=stroke.half_width * scale, half_widths=half_widths, pen='')
    return Stroke(xy, width_mm / 2.0, importance=0.0)
