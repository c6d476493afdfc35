"""Read SVG drawings of other programs: what a pen can draw of them, in millimetres.

Paths, basic shapes, groups, nested transforms, units, viewBoxes, `use` of what is in the file; the outline of what is
only filled, unless in white. Text, images, patterns and effects are not drawn. Layers, or else colours, become pens.
Nothing outside the file is ever opened, and a hostile file costs no more than a large one.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.fit import FARTHEST
from sketch_robot.motion.plan import Pen
from sketch_robot.motion.plan_svg import HEAD, PER_POINT, stroke_from_data
from sketch_robot.motion.safe_xml import parse_xml
from sketch_robot.motion.svg_path import numbers
from sketch_robot.motion.svg_pens import SvgLine, with_pens
from sketch_robot.motion.svg_shapes import SHAPES, shape_curves
from sketch_robot.motion.svg_style import Sheet, Style
from sketch_robot.motion.svg_units import MM_PER_PX, length_px, parse_transform, translation, view_matrix
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import traced_importance

FLATTEN_MM = 0.01
DEEPEST = 200
MOST_VISITS = 500_000  # elements, those that `use` repeats counted each time
MOST_POINTS = 5_000_000
USUAL_PX = 512.0  # of the pictures that importance was made for
_CONTAINERS = ('svg', 'g', 'a', 'switch')
_SILENT = ('defs', 'style', 'metadata', 'title', 'desc', 'symbol', 'clipPath', 'mask', 'marker', 'pattern', 'filter')
_SVG = '{http://www.w3.org/2000/svg}'
_HREF = ('href', '{http://www.w3.org/1999/xlink}href')
_MODE, _LABEL = ('{http://www.inkscape.org/namespaces/inkscape}' + name for name in ('groupmode', 'label'))
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SvgDrawing:
    """What a pen can draw of an SVG file.

    Attributes:
        strokes: in mm, origin at the lower left corner of the SVG's sheet, y up; they may leave the sheet.
        width_mm, height_mm: of that sheet.
        pens: in the order of layers, or from dark to bright colours; those that strokes name. Empty: one pen.
        margin_mm: of the page that our own files were planned for; None: unknown.
        artist: who drew it, as our own files say.
    """

    strokes: tuple[Stroke, ...]
    width_mm: float
    height_mm: float
    pens: tuple[Pen, ...] = ()
    margin_mm: float | None = None
    artist: str = ''


def read_svg(data: str | bytes) -> SvgDrawing:
    """Read a drawing.

    Elements that cannot be drawn are left out with a warning. Curves are flattened to 0.01 mm on the SVG's own sheet.

    Raises:
        SketchRobotError: BAD_PLAN, it is no SVG, is refused (entities, too deep, too large), or holds nothing that a
            pen could draw; the message says why.
    """
    try:
        with np.errstate(all='ignore'):  # what overflows is found not to be finite
            return _Reader(parse_xml(data)).drawing()
    except ValueError as error:
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'the SVG cannot be read: {error}') from error


@dataclass(frozen=True, eq=False)
class _Place:
    """Where an element stands: matrix to mm, what percentages refer to, its style, its layer, and how deep it is."""

    matrix: np.ndarray
    view_px: tuple[float, float]
    style: Style
    layer: str = ''
    depth: int = 0


class _Reader:
    def __init__(self, root: Element) -> None:
        if root.tag not in (f'{_SVG}svg', 'svg'):
            raise ValueError(f'its root is {root.tag.rpartition("}")[2][:24]!r}, not an svg element')
        self._root = root
        self._sheet = Sheet()
        self._by_id: dict[str, Element] = {}
        for element in root.iter():
            if 'id' in element.attrib:
                self._by_id.setdefault(element.attrib['id'], element)
            if _tag(element) == 'style' and element.text:
                self._sheet.add(element.text)
        self._lines: list[SvgLine] = []
        self._unpainted: list[SvgLine] = []  # what nobody sees; drawn when there is nothing else
        self._clipped = 0
        self._visits = self._points = 0
        self._left_out: Counter[str] = Counter()

    def drawing(self) -> SvgDrawing:
        size = self._size_px()
        view = size or (100.0, 100.0)
        to_mm = np.diag([MM_PER_PX, -MM_PER_PX, 1.0])
        to_mm[1, 2] = view[1] * MM_PER_PX
        self._visit(self._root, _Place(to_mm, view, Style()))
        if not self._lines:
            self._lines = self._unpainted
        elif self._unpainted:
            self._left_out['without a colour, or in that of the paper'] += len(self._unpainted)
        for why, count in self._left_out.items():
            _log.warning('%d %s of the SVG not drawn: %s', count, 'element' if count == 1 else 'elements', why)
        if self._clipped:
            _log.warning('clip paths and masks of the SVG are not followed; lines drawn whole: %d', self._clipped)
        if not self._lines:
            raise ValueError('it holds nothing that a pen could draw; text must be converted to paths')
        strokes, pens = with_pens(self._lines, _own_widths_mm(self._root.attrib))
        width_mm, height_mm = view[0] * MM_PER_PX, view[1] * MM_PER_PX
        if size is None:  # as large as what is on it
            every = np.concatenate([stroke.xy for stroke in strokes])
            low = every.min(axis=0)
            width_mm, height_mm = (float(side) for side in np.maximum(every.max(axis=0) - low, 1e-3))
            strokes = tuple(replace(stroke, xy=stroke.xy - low) for stroke in strokes)
        per_px = USUAL_PX / min(width_mm, height_mm)
        ranked = tuple(_ranked(stroke, per_px) for stroke in strokes)
        return SvgDrawing(ranked, width_mm, height_mm, pens, *_planned_for(self._root.attrib))

    def _size_px(self) -> tuple[float, float] | None:
        """Of the sheet; None when the file does not say."""
        box = _view_box(self._root.attrib)
        sides = []
        for k, name in enumerate(('width', 'height')):
            text = self._root.attrib.get(name, '').strip()
            if text and not text.endswith('%') and text != 'auto':
                sides.append(length_px(text, 0.0))
            elif box is not None:
                sides.append(box[2 + k])
            else:
                return None
        if not all(side > 0.0 for side in sides):
            raise ValueError(f'its sheet has the size {sides[0]:g} x {sides[1]:g} px')
        return sides[0], sides[1]

    # ------------------------------------------------------------- elements
    def _visit(self, element: Element, place: _Place) -> None:
        self._visits += 1
        if place.depth > DEEPEST or self._visits > MOST_VISITS:
            raise ValueError('its elements, or uses of elements, are within one another too deep or too often')
        tag = _tag(element)
        if tag in _SILENT or not (tag in _CONTAINERS or tag in SHAPES or tag == 'use'):
            if tag not in _SILENT and element.tag.startswith(_SVG):
                self._left_out['text is drawn only as paths' if tag == 'text' else f'{tag} is no line'] += 1
            return
        try:
            style = place.style.within(tag, element.attrib, self._sheet)
            if not style.shown:
                return
            matrix = place.matrix @ self._transform(element) if 'transform' in element.attrib else place.matrix
            inner = replace(place, matrix=matrix, style=style, depth=place.depth + 1)
            if tag in SHAPES:
                if style.visible:
                    self._draw(tag, element, inner)
                return
            if tag == 'use':
                self._use(element, inner)
                return
            if tag == 'svg':
                inner = self._within_view(element.attrib, inner, nested=element is not self._root)
        except _NotDrawnError as problem:
            self._left_out[str(problem)] += 1
            return
        if not inner.layer and element.attrib.get(_MODE) == 'layer':
            inner = replace(inner, layer=element.attrib.get(_LABEL) or element.attrib.get('id') or 'layer')
        for child in element:
            self._visit(child, inner)

    def _draw(self, tag: str, element: Element, place: _Place) -> None:
        try:
            curves = shape_curves(tag, element.attrib, place.view_px)
            lines = [curve.transformed(place.matrix).points(FLATTEN_MM) for curve in curves]
        except ValueError as error:
            raise _NotDrawnError(str(error)) from error
        (a, b), (c, d) = place.matrix[:2, :2].tolist()
        scale = round(math.sqrt(abs(a * d - b * c)), 12)  # of our own files it is 1
        width_mm = place.style.width_px * scale
        if not math.isfinite(width_mm):
            raise _NotDrawnError('its line has a width that is not finite')
        if any(np.abs(xy).max(initial=0.0) > FARTHEST for xy in lines):
            raise _NotDrawnError(f'it has a coordinate beyond {FARTHEST:.0e} mm')
        for xy in lines:
            self._points += len(xy)
            if self._points > MOST_POINTS:
                raise ValueError(f'it takes more than {MOST_POINTS} points to draw')
            if len(xy):
                data = element.attrib if len(lines) == 1 else {}
                stroke = _stroke(xy, width_mm, data, scale)
                line = SvgLine(stroke, data.get('data-pen', ''), place.layer, place.style.ink, width_mm)
                (self._lines if place.style.painted else self._unpainted).append(line)
                self._clipped += place.style.clipped and place.style.painted

    def _use(self, element: Element, place: _Place) -> None:
        reference = next((element.attrib[name] for name in _HREF if name in element.attrib), '')
        target = self._by_id.get(reference[1:]) if reference.startswith('#') else None
        if target is None:
            raise _NotDrawnError('it uses what is not in the file')
        x, y = (self._length(element.attrib, name, place.view_px[k]) for k, name in enumerate('xy'))
        place = replace(place, matrix=place.matrix @ translation(x, y))
        if _tag(target) != 'symbol':
            self._visit(target, place)
            return
        style = place.style.within('symbol', target.attrib, self._sheet)
        if not style.shown:
            return
        view: dict[str, str] = dict(target.attrib) | {'x': '0', 'y': '0'}
        view |= {name: element.attrib[name] for name in ('width', 'height') if name in element.attrib}
        inner = self._within_view(view, replace(place, style=style), nested=True)
        for child in target:
            self._visit(child, inner)

    def _within_view(self, attributes: Mapping[str, str], place: _Place, *, nested: bool) -> _Place:
        """Inside an element with a viewport of its own."""
        size = place.view_px
        matrix = place.matrix
        if nested:
            x, y = (self._length(attributes, name, size[k]) for k, name in enumerate('xy'))
            width, height = (
                self._length(attributes, name, size[k], '100%') for k, name in enumerate(('width', 'height'))
            )
            size, matrix = (width, height), matrix @ translation(x, y)
        box = _view_box(attributes)
        if box is None:
            return replace(place, matrix=matrix, view_px=size)
        if not all(side > 0.0 for side in size):
            raise _NotDrawnError('its viewport has no size')
        matrix = matrix @ view_matrix(box, size, attributes.get('preserveAspectRatio', ''))
        return replace(place, matrix=matrix, view_px=(box[2], box[3]))

    @staticmethod
    def _transform(element: Element) -> np.ndarray:
        try:
            return parse_transform(element.attrib['transform'])
        except ValueError as error:
            raise _NotDrawnError(str(error)) from error

    @staticmethod
    def _length(attributes: Mapping[str, str], name: str, whole: float, default: str = '0') -> float:
        text = attributes.get(name, default)
        try:
            return length_px(default if text == 'auto' else text, whole)
        except ValueError as error:
            raise _NotDrawnError(str(error)) from error


class _NotDrawnError(Exception):
    """An element cannot be drawn; the others can."""


def _tag(element: Element) -> str:
    """Without the namespace; '' for other than SVG's."""
    return element.tag.removeprefix(_SVG) if not element.tag.startswith('{') or element.tag.startswith(_SVG) else ''


_DAMAGED = (ValueError, KeyError, TypeError, OverflowError, RecursionError)


def _planned_for(attributes: Mapping[str, str]) -> tuple[float | None, str]:
    """Margin and artist, when our own files say so."""
    try:
        head = json.loads(attributes.get(HEAD, '{}'))
        return float(head['page']['margin_mm']), str(head['artist'])
    except _DAMAGED:
        return None, ''


def _own_widths_mm(attributes: Mapping[str, str]) -> dict[str, float]:
    """Of the pens, when our own files say so."""
    try:
        return {str(pen['name']): float(pen['width_mm']) for pen in json.loads(attributes.get(HEAD, '{}'))['pens']}
    except _DAMAGED:
        return {}


def _view_box(attributes: Mapping[str, str]) -> list[float] | None:
    """x, y, width, height; None when there is no usable one."""
    try:
        box = numbers(attributes.get('viewBox', '')).tolist()
    except ValueError:
        return None
    return box if len(box) == 4 and np.isfinite(box).all() and box[2] > 0.0 and box[3] > 0.0 else None


def _stroke(xy: np.ndarray, width_mm: float, data: Mapping[str, str], scale: float) -> Stroke:
    """With what our own files say of it, as far as it still fits."""
    plain = {name: value for name, value in data.items() if name not in PER_POINT}
    for known in (data, plain):
        try:
            stroke = stroke_from_data(xy, known)
        except (KeyError, ValueError):
            continue
        half_widths = None if stroke.half_widths is None else stroke.half_widths * scale
        return replace(stroke, half_width=stroke.half_width * scale, half_widths=half_widths, pen='')
    return Stroke(xy, width_mm / 2.0, importance=0.0)


def _ranked(stroke: Stroke, px_per_mm: float) -> Stroke:
    """With an importance by its length, when it came without."""
    if stroke.importance > 0.0 or stroke.label != 'other':
        return stroke
    return replace(stroke, importance=traced_importance(stroke.length * px_per_mm, 1.0))
