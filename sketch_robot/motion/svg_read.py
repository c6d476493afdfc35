"""Read SVG drawings of other programs: what a pen can draw of them, in millimetres.

Paths, basic shapes, groups, nested transforms, units, viewBoxes, `use` of what is in the file; the outline of what is
only filled, unless in white. Clip paths, viewports and the sheet cut lines; dashes are drawn as such. Text, images,
patterns and effects are not drawn. Layers, or else colours, become pens.
Nothing outside the file is ever opened, and a hostile file costs no more than a large one.
"""

from __future__ import annotations

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
from sketch_robot.motion.safe_xml import parse_xml
from sketch_robot.motion.svg_clip import FLATTEN_MM, Clips, NotFollowedError, corners_of
from sketch_robot.motion.svg_dashes import dash_line
from sketch_robot.motion.svg_own import own_stroke, own_widths_mm, planned_for
from sketch_robot.motion.svg_pens import SvgLine, with_pens
from sketch_robot.motion.svg_region import Clip, clip_lines, clip_outlines
from sketch_robot.motion.svg_shapes import SHAPES, shape_curves
from sketch_robot.motion.svg_sheet import Kin, Sheet
from sketch_robot.motion.svg_style import Style
from sketch_robot.motion.svg_units import MM_PER_PX, length_px, parse_transform, translation, view_matrix
from sketch_robot.motion.svg_view import crop_lines, sheet_size_px, view_box, viewport_clip
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import traced_importance

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
    """Where an element stands: matrix to mm, what percentages refer to, its style, its layer, what cuts it, and the
    elements that it is in."""

    matrix: np.ndarray
    view_px: tuple[float, float]
    style: Style
    layer: str = ''
    clips: tuple[Clip, ...] = ()
    above: tuple[Kin, ...] = ()
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
        outer = Style().within('svg', root.attrib, self._sheet)
        self._clips = Clips(self._by_id, self._sheet, _tag, (outer.clip_rule, outer.fill_rule))
        self._measuring = False  # whether only the places of lines are asked for, not what cuts them
        self._visits = self._points = 0
        self._left_out: Counter[str] = Counter()
        self._whole: Counter[str] = Counter()

    def drawing(self) -> SvgDrawing:
        size = sheet_size_px(self._root.attrib)
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
        for why, count in self._whole.items():
            _log.warning('%d %s of the SVG drawn whole: %s', count, 'element' if count == 1 else 'elements', why)
        if not self._lines:
            raise ValueError('it holds nothing that a pen could draw; text must be converted to paths')
        width_mm, height_mm = view[0] * MM_PER_PX, view[1] * MM_PER_PX
        if size is not None and not Style().within('svg', self._root.attrib, self._sheet).overflow:
            self._lines = crop_lines(self._lines, width_mm, height_mm)
        strokes, pens = with_pens(self._lines, own_widths_mm(self._root.attrib))
        if size is None:  # as large as what is on it
            every = np.concatenate([stroke.xy for stroke in strokes])
            low = every.min(axis=0)
            width_mm, height_mm = (float(side) for side in np.maximum(every.max(axis=0) - low, 1e-3))
            strokes = tuple(replace(stroke, xy=stroke.xy - low) for stroke in strokes)
        per_px = USUAL_PX / min(width_mm, height_mm)
        ranked = tuple(_ranked(stroke, per_px) for stroke in strokes)
        return SvgDrawing(ranked, width_mm, height_mm, pens, *planned_for(self._root.attrib))

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
            style = place.style.within(tag, element.attrib, self._sheet, place.above)
            if not style.shown:
                return
            matrix = place.matrix @ self._transform(element) if 'transform' in element.attrib else place.matrix
            above = (*place.above, (tag, element.attrib))
            inner = replace(place, matrix=matrix, style=style, above=above, depth=place.depth + 1)
            if (style.clip_path or style.mask) and not self._measuring:
                inner = self._clipped(tag, element, inner)
            self._visit_content(tag, element, inner)
        except _NotDrawnError as problem:
            self._left_out[str(problem)] += 1

    def _visit_content(self, tag: str, element: Element, inner: _Place) -> None:
        """Of an element whose own transform, style and clips are in its place already."""
        if tag in SHAPES:
            if inner.style.visible or self._measuring:
                self._draw(tag, element, inner)
            return
        if tag == 'use':
            self._use(element, inner)
            return
        if tag == 'svg':
            inner = self._within_view(element.attrib, inner, nested=element is not self._root)
        if not inner.layer and element.attrib.get(_MODE) == 'layer':
            inner = replace(inner, layer=element.attrib.get(_LABEL) or element.attrib.get('id') or 'layer')
        for child in element:
            self._visit(child, inner)

    def _clipped(self, tag: str, element: Element, place: _Place) -> _Place:
        """With its own clip path and mask."""

        def bounds() -> tuple[np.ndarray, np.ndarray] | None:
            lines = self._measured(tag, element, replace(place, clips=()))
            with np.errstate(all='ignore'):
                try:
                    back = np.linalg.inv(place.matrix)
                except np.linalg.LinAlgError:
                    return None
            return corners_of([xy @ back[:2, :2].T + back[:2, 2] for xy in lines])

        try:
            return replace(
                place, clips=place.clips + self._clips.find(place.style, place.matrix, place.view_px, bounds)
            )
        except NotFollowedError as problem:
            self._whole[str(problem)] += 1
            return place
        except ValueError as error:
            raise _NotDrawnError(str(error)) from error

    def _measured(self, tag: str, element: Element, place: _Place) -> list[np.ndarray]:
        """All lines of an element, painted or not, as they are before they are clipped."""
        found: list[SvgLine] = []
        kept = self._lines, self._unpainted, self._left_out, self._measuring, self._points
        self._lines = self._unpainted = found
        self._left_out, self._measuring = Counter(), True
        try:
            self._visit_content(tag, element, place)
        finally:
            self._lines, self._unpainted, self._left_out, self._measuring, self._points = kept
        return [line.stroke.xy for line in found]

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
        data = element.attrib if len(lines) == 1 else {}
        for xy in self._seen([xy for xy in lines if len(xy)], place, scale):
            self._points += len(xy)
            if self._points > MOST_POINTS:
                raise ValueError(f'it takes more than {MOST_POINTS} points to draw')
            stroke = own_stroke(xy, width_mm, data, scale)
            line = SvgLine(stroke, data.get('data-pen', ''), place.layer, place.style.ink, width_mm)
            (self._lines if place.style.painted else self._unpainted).append(line)

    def _seen(self, lines: list[np.ndarray], place: _Place, scale: float) -> list[np.ndarray]:
        """What dashes and clips leave of the lines of a shape."""
        if self._measuring:
            return lines
        if place.style.painted and not place.style.lined:
            return clip_outlines(lines, place.style.fill_rule == 'evenodd', place.clips) if place.clips else lines
        if place.style.dashes_px:
            pattern_mm = [length * scale for length in place.style.dashes_px]
            offset_mm = place.style.dash_offset_px * scale
            lines = [dash for xy in lines for dash in dash_line(xy, pattern_mm, offset_mm)]
        return clip_lines(lines, place.clips) if place.clips else lines

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
        style = place.style.within('symbol', target.attrib, self._sheet, place.above)
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
            if not place.style.overflow and not self._measuring:
                place = replace(place, clips=(*place.clips, viewport_clip(matrix, size)))
        box = view_box(attributes)
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


def _ranked(stroke: Stroke, px_per_mm: float) -> Stroke:
    """With an importance by its length, when it came without."""
    if stroke.importance > 0.0 or stroke.label != 'other':
        return stroke
    return replace(stroke, importance=traced_importance(stroke.length * px_per_mm, 1.0))
