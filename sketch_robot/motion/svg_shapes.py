"""The shapes of SVG as curves in user units."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sketch_robot.motion.svg_path import Curve, arc_to, numbers, parse_path, polyline
from sketch_robot.motion.svg_units import length_px

SHAPES = ('path', 'polyline', 'polygon', 'line', 'rect', 'circle', 'ellipse')


def shape_curves(tag: str, attributes: Mapping[str, str], view_px: tuple[float, float]) -> list[Curve]:
    """The outline of a shape.

    Args:
        tag: one of `SHAPES`.
        view_px: width and height of what percentages refer to.

    Returns:
        curves; none when there is nothing to see.

    Raises:
        ValueError: an attribute is malformed; the message says which way.
    """
    width, height = view_px
    diagonal = math.hypot(width, height) / math.sqrt(2.0)

    def length(name: str, whole: float) -> float:
        return length_px(attributes.get(name, '0'), whole)

    if tag == 'path':
        return parse_path(attributes.get('d', ''))
    if tag in ('polyline', 'polygon'):
        values = numbers(attributes.get('points', ''))
        points = values[: len(values) // 2 * 2].reshape(-1, 2)
        if tag == 'polygon' and len(points):
            points = np.vstack((points, points[0]))
        return [polyline(points)] if len(points) > 1 else []
    if tag == 'line':
        ends = [[length(f'x{k}', width), length(f'y{k}', height)] for k in (1, 2)]
        return [polyline(np.array(ends))]
    if tag == 'circle':
        radius = length('r', diagonal)
        return _ellipse(length('cx', width), length('cy', height), radius, radius)
    if tag == 'ellipse':
        return _ellipse(length('cx', width), length('cy', height), *_radii(attributes, view_px))
    return _rectangle(
        np.array([length('x', width), length('y', height)]),
        np.array([length('width', width), length('height', height)]),
        np.array(_radii(attributes, view_px)),
    )


def _radii(attributes: Mapping[str, str], view_px: tuple[float, float]) -> tuple[float, float]:
    """rx and ry, one taken for the other when it is missing."""
    given = [attributes.get(name, 'auto') for name in ('rx', 'ry')]
    values = [None if text == 'auto' else length_px(text, whole) for text, whole in zip(given, view_px, strict=True)]
    rx, ry = (values[0] if values[0] is not None else values[1]), (values[1] if values[1] is not None else values[0])
    return rx or 0.0, ry or 0.0


def _ellipse(cx: float, cy: float, rx: float, ry: float) -> list[Curve]:
    if not (rx > 0.0 and ry > 0.0):
        return []
    around = np.array([[cx + rx, cy], [cx, cy + ry], [cx - rx, cy], [cx, cy - ry], [cx + rx, cy]])
    return [_rounded(around, np.array([rx, ry]), [True] * 4)]


def _rectangle(corner: np.ndarray, size: np.ndarray, radii: np.ndarray) -> list[Curve]:
    if not (size > 0.0).all():
        return []
    rx, ry = np.clip(radii, 0.0, size / 2.0)
    (x0, y0), (x1, y1) = corner, corner + size
    if rx == 0.0 or ry == 0.0:
        return [polyline(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]))]
    around = [[x0 + rx, y0], [x1 - rx, y0], [x1, y0 + ry], [x1, y1 - ry]]
    around += [[x1 - rx, y1], [x0 + rx, y1], [x0, y1 - ry], [x0, y0 + ry], [x0 + rx, y0]]
    return [_rounded(np.array(around), np.array([rx, ry]), [False, True] * 4)]


def _rounded(points: np.ndarray, radii: np.ndarray, round_: list[bool]) -> Curve:
    """Through points, each next one reached in a line or in a clockwise arc (y down)."""
    control, straight = [], []
    for start, end, arc in zip(points[:-1], points[1:], round_, strict=True):
        part = arc_to(start, end, radii, 0.0, False, True) if arc else polyline(np.array([start, end])).control
        control.append(part)
        straight += [not arc] * len(part)
    return Curve(np.concatenate(control), np.array(straight))
