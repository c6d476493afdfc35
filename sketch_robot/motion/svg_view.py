"""The sheet of an SVG file, and viewports within it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sketch_robot.motion.fit import WORTH_SAYING_MM, clip_strokes
from sketch_robot.motion.svg_path import numbers
from sketch_robot.motion.svg_pens import SvgLine
from sketch_robot.motion.svg_region import NEAR_MM, Area, Clip
from sketch_robot.motion.svg_units import length_px

_log = logging.getLogger(__name__)


def sheet_size_px(attributes: Mapping[str, str]) -> tuple[float, float] | None:
    """Of a root element; None when it does not say.

    Raises:
        ValueError: it is malformed, or not positive.
    """
    box = view_box(attributes)
    sides = []
    for k, name in enumerate(('width', 'height')):
        text = attributes.get(name, '').strip()
        if text and not text.endswith('%') and text != 'auto':
            sides.append(length_px(text, 0.0))
        elif box is not None:
            sides.append(box[2 + k])
        else:
            return None
    if not all(side > 0.0 for side in sides):
        raise ValueError(f'its sheet has the size {sides[0]:g} x {sides[1]:g} px')
    return sides[0], sides[1]


def view_box(attributes: Mapping[str, str]) -> list[float] | None:
    """x, y, width, height; None when there is no usable one."""
    try:
        box = numbers(attributes.get('viewBox', '')).tolist()
    except ValueError:
        return None
    return box if len(box) == 4 and np.isfinite(box).all() and box[2] > 0.0 and box[3] > 0.0 else None


def viewport_clip(matrix: np.ndarray, size_px: tuple[float, float]) -> Clip:
    """What is seen in a viewport of that size at the origin of a (3, 3) matrix to mm."""
    corners = np.array([[0.0, 0.0], [size_px[0], 0.0], size_px, [0.0, size_px[1]]])
    return Clip((Area((corners @ matrix[:2, :2].T + matrix[:2, 2],)),))


def crop_lines(lines: Sequence[SvgLine], width_mm: float, height_mm: float) -> list[SvgLine]:
    """The parts of lines on the sheet, which is all that viewers show.

    Raises:
        ValueError: there are none.
    """
    box = -NEAR_MM, -NEAR_MM, width_mm + NEAR_MM, height_mm + NEAR_MM
    found = [replace(line, stroke=part) for line in lines for part in clip_strokes([line.stroke], box)]
    if not found:
        raise ValueError(f'all its lines lie outside of its sheet of {width_mm:.0f} x {height_mm:.0f} mm')
    off_mm = sum(line.stroke.length for line in lines) - sum(line.stroke.length for line in found)
    if off_mm > WORTH_SAYING_MM:
        _log.warning('%.0f mm of lines lie outside of the sheet of the SVG and are not drawn', off_mm)
    return found
