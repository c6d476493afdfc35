"""Read SVG drawings of other programs: what a pen can draw of them, in millimetres.

Paths, basic shapes, text, groups, transforms, units, viewBoxes, `use` and markers; the outline of what is only filled,
unless in white. Clip paths, viewports and the sheet cut lines; dashes are drawn as such. Images, patterns and effects
are not drawn. Layers, or else colours, become pens. Nothing outside the file is ever opened, and a hostile file costs
no more than a large one: how much it would be is counted before anything is drawn.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.fit import FARTHEST, MOST_STROKES, WORTH_SAYING_MM, clip_strokes
from sketch_robot.motion.plan import Pen
from sketch_robot.motion.safe_xml import parse_xml
from sketch_robot.motion.svg.document import (
    CONTAINERS,
    DEEPEST,
    DRAWN,
    MOST_VISITS,
    SILENT,
    SvgDocument,
    meant_for_us,
    tag_of,
)
from sketch_robot.motion.svg.pens import USUAL_WIDTH_MM, SvgLine, planned_for, strokes_of
from sketch_robot.motion.svg.place import NotDrawnError, Place
from sketch_robot.motion.svg.regions import (
    FLATTEN_MM,
    NEAR_MM,
    Clips,
    NotFollowedError,
    clip_lines,
    clip_outlines,
    corners_of,
)
from sketch_robot.motion.svg.shapes import SHAPES, Curve, shape_curves, vertices_of
from sketch_robot.motion.svg.style import PAPER, Properties, Style
from sketch_robot.motion.svg.text import letters_of
from sketch_robot.motion.svg.units import (
    MM_PER_PX,
    length_px,
    sheet_size_px,
    transform_of,
    translation,
)
from sketch_robot.motion.text import TextMode
from sketch_robot.polyline import lengths_of, without_repeats
from sketch_robot.stroke import Stroke

MOST_POINTS = 1_500_000
MEASURED_VISITS = 8  # what one counts for that only asks how large an element is
MOST_MARKED = 5_000  # elements of markers, counted at each vertex
_MARKED = ('path', 'polyline', 'polygon', 'line')
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


def read_svg(data: str | bytes, *, text: TextMode = 'single-line') -> SvgDrawing:
    """Read a drawing.

    Elements that cannot be drawn are left out with a warning. Curves are flattened to 0.01 mm on the SVG's own sheet.

    Args:
        data: the file.
        text: how to draw text: in letters of single lines, as outlines of its font, or not at all.

    Raises:
        SketchRobotError: BAD_PLAN, it is no SVG, is refused (too deep, too large), or holds nothing that a pen could
            draw; the message says why.
    """
    try:
        with np.errstate(all='ignore'):  # what overflows is found not to be finite
            return _Reader(parse_xml(data), text).drawing()
    except ValueError as error:
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'the SVG cannot be read: {error}') from error


class _Reader:
    """Goes through a document and notes its lines."""

    def __init__(self, root: Element, text: TextMode) -> None:
        self._document, self._text = SvgDocument(root), text
        self._clips = Clips(self._document)
        self._lines: list[SvgLine] = []
        self._unpainted: list[SvgLine] = []  # what nobody sees; drawn when there is nothing else
        self._measuring = False  # whether only the places of lines are asked for, not what cuts them
        self._visits = self._points = self._marked = 0
        self._left_out: Counter[str] = Counter()
        self._otherwise: Counter[str] = Counter()  # drawn, but not as the file says

    def drawing(self) -> SvgDrawing:
        given = self._document.given(self._document.root)
        size = sheet_size_px(given)
        view = size or (100.0, 100.0)
        to_mm = np.diag([MM_PER_PX, -MM_PER_PX, 1.0])
        to_mm[1, 2] = view[1] * MM_PER_PX
        self._visit(self._document.root, Place(to_mm, view, Style()))
        if not self._lines:
            self._lines = self._unpainted
        elif self._unpainted:
            self._left_out['without a colour, or in that of the paper'] += len(self._unpainted)
        self._say()
        if not self._lines:
            raise ValueError('it holds nothing that a pen could draw')
        if size is None:  # as large as what is on it
            every = np.concatenate([line.xy for line in self._lines])
            low = every.min(axis=0)
            width_mm, height_mm = (float(side) for side in np.maximum(every.max(axis=0) - low, 1e-3))
            self._lines = [replace(line, xy=line.xy - low) for line in self._lines]
        else:
            width_mm, height_mm = view[0] * MM_PER_PX, view[1] * MM_PER_PX
        strokes, pens = strokes_of(self._lines, given, (width_mm, height_mm))
        if size is not None and self._document.style_of(self._document.root).overflow not in ('visible', 'auto'):
            strokes, pens = self._on_sheet(strokes, pens, width_mm, height_mm)
        return SvgDrawing(strokes, width_mm, height_mm, pens, *planned_for(given))

    def _say(self) -> None:
        for why, count in self._document.sheets.passed_over.items():
            _log.warning('the style sheets of the SVG have %s, which is not followed (%d times)', why, count)
        for why, count in self._left_out.items():
            _log.warning('%d %s of the SVG not drawn: %s', count, 'element' if count == 1 else 'elements', why)
        for why, count in self._otherwise.items():
            _log.warning('%d %s of the SVG drawn %s', count, 'element' if count == 1 else 'elements', why)

    @staticmethod
    def _on_sheet(
        strokes: tuple[Stroke, ...], pens: tuple[Pen, ...], width_mm: float, height_mm: float
    ) -> tuple[tuple[Stroke, ...], tuple[Pen, ...]]:
        seen = clip_strokes(strokes, (-NEAR_MM, -NEAR_MM, width_mm + NEAR_MM, height_mm + NEAR_MM))
        if not seen:
            raise ValueError(f'all its lines lie outside of its sheet of {width_mm:.0f} x {height_mm:.0f} mm')
        before, after = (float(lengths_of([stroke.xy for stroke in some]).sum()) for some in (strokes, seen))
        if before - after > WORTH_SAYING_MM:
            _log.warning('%.0f mm of lines lie outside of the sheet of the SVG and are not drawn', before - after)
        names = {stroke.pen for stroke in seen}
        return tuple(seen), tuple(pen for pen in pens if pen.name in names)

    # ------------------------------------------------------------- elements
    def _visit(self, element: Element, place: Place) -> None:
        self._visits += MEASURED_VISITS if self._measuring else 1
        self._marked += place.marker
        if self._marked > MOST_MARKED:
            raise ValueError(_too_marked())
        if place.depth > DEEPEST or self._visits > MOST_VISITS:
            raise ValueError('its elements, or uses of elements, are within one another too deep or too often')
        tag = tag_of(element)
        if tag in SILENT or not (tag in CONTAINERS or tag in SHAPES or tag in ('use', 'text')):
            if tag and tag not in SILENT:
                self._left_out[f'{tag} is no line'] += 1
            return
        if not meant_for_us(element.attrib):
            return
        given = self._document.given(element)
        style = place.style.within(given)
        if not style.shown:
            return
        try:
            if style is place.style:
                inner = place
            else:
                inner = replace(place, style=style.resolved(self._document.servers))
                if style.transform not in ('', 'none'):
                    inner = replace(inner, matrix=self._transformed(tag, element, given, inner))
                if (style.clip_path or style.mask) and not self._measuring:
                    inner = self._clipped(tag, element, given, inner)
            self._visit_content(tag, element, given, inner)
        except NotDrawnError as problem:
            self._left_out[str(problem)] += 1

    def _visit_content(self, tag: str, element: Element, given: Properties, place: Place) -> None:
        """Of an element whose own transform, style and clips are in its place already."""
        if tag in SHAPES:
            if place.style.visible or self._measuring:
                self._draw(tag, given, place)
            return
        if tag == 'use':
            self._use(element, given, place)
            return
        if tag == 'text':
            self._write(element, place)
            return
        inner = replace(place, depth=place.depth + 1)
        if tag == 'svg':
            inner = inner.in_view(given, nested=element is not self._document.root, cut=not self._measuring)
        if not inner.layer and element.attrib.get(_MODE) == 'layer':
            inner = replace(inner, layer=element.attrib.get(_LABEL) or element.attrib.get('id') or 'layer')
        inner = replace(inner, style=inner.style.passed_down)
        for child in element:
            if tag != 'switch':
                self._visit(child, inner)
            elif tag_of(child) in DRAWN and meant_for_us(child.attrib):
                self._visit(child, inner)
                return

    def _transformed(self, tag: str, element: Element, given: Properties, place: Place) -> np.ndarray:
        """Its matrix to mm with its own transform."""
        style = place.style
        corner, size = (0.0, 0.0), place.view_px
        if style.transform_origin and style.transform_box not in ('', 'view-box'):
            found = self._bounds(tag, element, given, place)
            if found is not None:
                corner, size = (found[0][0], found[0][1]), (found[1][0] - found[0][0], found[1][1] - found[0][1])
        try:
            own = transform_of(style.transform, style.transform_origin, size, style.font_px, corner)
        except ValueError as error:
            self._otherwise[f'without its transform: {error}'] += 1
            return place.matrix
        return place.matrix @ own

    def _clipped(self, tag: str, element: Element, given: Properties, place: Place) -> Place:
        """With its own clip path and mask."""
        try:
            return place.within(
                self._clips.find(
                    place.style, place.matrix, place.view_px, lambda: self._bounds(tag, element, given, place)
                )
            )
        except NotFollowedError as problem:
            self._otherwise[f'whole: {problem}'] += 1
            return place
        except ValueError as error:
            raise NotDrawnError(str(error)) from error

    def _bounds(
        self, tag: str, element: Element, given: Properties, place: Place
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """The corners of all that an element draws, painted or not and not clipped, in its user units."""
        found: list[SvgLine] = []
        kept = self._lines, self._unpainted, self._left_out, self._otherwise, self._measuring, self._points
        self._lines = self._unpainted = found
        self._left_out, self._otherwise, self._measuring = Counter(), Counter(), True
        try:
            self._visit_content(tag, element, given, replace(place, clip=None, matrix=np.eye(3)))
        finally:
            self._lines, self._unpainted, self._left_out, self._otherwise, self._measuring, self._points = kept
        return corners_of([line.xy for line in found])

    def _use(self, element: Element, given: Properties, place: Place) -> None:
        target = self._document.referred(element)
        if target is None:
            raise NotDrawnError('it uses what is not in the file')
        if target in place.used or self._document.holds(target, element):
            raise NotDrawnError('it uses itself')
        x, y = (place.length(given, name, place.view_px[k]) for k, name in enumerate('xy'))
        context = (place.style.inside_colour or 'none', place.style.line_colour or 'none')
        inner = replace(
            place,
            matrix=place.matrix @ translation(x, y),
            used=(*place.used, target),
            depth=place.depth + 1,
            style=replace(place.style, context=context),
        )
        tag = tag_of(target)
        if tag not in ('symbol', 'svg'):
            self._visit(target, inner)
            return
        own = self._document.given(target)
        style = inner.style.within(own)
        if not style.shown or not meant_for_us(target.attrib):
            return
        inner = replace(inner, style=style)
        sizes = {name: given[name] for name in ('width', 'height') if name in given}
        view = {**own, **sizes} if tag == 'svg' else {**own, 'x': '0', 'y': '0', **sizes}
        inner = inner.in_view(view, nested=True, cut=not self._measuring)
        for child in target:
            self._visit(child, inner)

    # ------------------------------------------------------------- lines
    def _draw(self, tag: str, given: Properties, place: Place) -> None:
        style = place.style

        def length(text: str, whole: float) -> float:
            return length_px(text, whole, style.font_px)

        try:
            curves, problem = shape_curves(tag, given, place.view_px, length)
            lines = [curve.points(FLATTEN_MM, place.matrix) for curve in curves]
        except ValueError as error:
            raise NotDrawnError(str(error)) from error
        if problem:
            self._otherwise[f'only up to an error: {problem}'] += 1
        scale = place.scale
        width_px = place.line_width_px
        if not math.isfinite(width_px * scale):
            raise NotDrawnError('its line has a width that is not finite')
        lines = [xy for xy in lines if len(xy)]
        if not all(np.abs(xy).max() <= FARTHEST for xy in lines):
            raise NotDrawnError(f'it has a coordinate that is not finite, or beyond {FARTHEST:.0e} mm')
        lined = style.line_colour != '' and width_px > 0.0
        data = given if len(lines) == 1 else {}
        if self._measuring:
            self._take(lines, place, width_px * scale, style.ink, data, self._lines)
            return
        painted = lined or style.outlined or (style.inside_colour not in ('', PAPER) and style.line_colour != '')
        if not painted:
            self._take(lines, place, width_px * scale, style.ink, data, self._unpainted)
            return
        try:
            if lined:
                lines = place.dashed(lines)
                lines = clip_lines(lines, place.clip) if place.clip is not None else lines
                colour = style.line_colour
            else:
                colour = style.inside_colour
                lines = [_closed(xy) for xy in lines]
                if place.clip is not None:
                    lines = clip_outlines(lines, place.clip, even_odd=style.fill_rule == 'evenodd')
        except ValueError as error:
            raise NotDrawnError(str(error)) from error
        self._take(lines, place, width_px * scale, colour, data, self._lines)
        if tag in _MARKED and not place.marker and (style.marker_start, style.marker_mid, style.marker_end) != _NONE:
            self._mark(curves, place)

    def _write(self, element: Element, place: Place) -> None:
        """Draw a text."""
        if self._text == 'none':
            raise NotDrawnError('text is not wanted')
        letters, problems = letters_of(element, self._document, place.style, place.view_px, self._text)
        for why, count in problems.items():
            self._otherwise[f'without some of its text, or otherwise: {why}'] += count
        outlines = self._text == 'outlines'
        width_mm = place.line_width_px * place.scale if outlines else USUAL_WIDTH_MM
        for letter in letters:
            colour = letter.style.inside_colour or letter.style.line_colour
            lines = [without_repeats(xy @ place.matrix[:2, :2].T + place.matrix[:2, 2]) for xy in letter.lines]
            if not all(np.abs(xy).max() <= FARTHEST for xy in lines):
                raise NotDrawnError(f'it has a coordinate that is not finite, or beyond {FARTHEST:.0e} mm')
            if not letter.style.visible and not self._measuring:
                continue
            if place.clip is not None and not self._measuring:
                clip = place.clip
                lines = clip_outlines(lines, clip, even_odd=False) if outlines else clip_lines(lines, clip)
            painted = self._measuring or colour not in ('', PAPER)
            self._take(lines, place, width_mm, colour or '#000000', {}, self._lines if painted else self._unpainted)

    def _take(
        self,
        lines: Sequence[np.ndarray],
        place: Place,
        width_mm: float,
        colour: str,
        data: Mapping[str, str],
        among: list[SvgLine],
    ) -> None:
        for xy in lines:
            self._points += len(xy)
            if self._points > MOST_POINTS:
                raise ValueError(f'it takes more than {MOST_POINTS} points to draw')
            if len(among) >= MOST_STROKES:
                raise ValueError(f'it has more than {MOST_STROKES} lines; draw it in parts')
            among.append(SvgLine(xy, width_mm, colour, place.layer, data, place.scale))

    # ------------------------------------------------------------- markers
    def _mark(self, curves: Sequence[Curve], place: Place) -> None:
        """Draw the markers at the vertices of a shape (SVG 1.1, 11.6)."""
        count = sum(len(curve.ends) if curve.vertex is None else int(curve.vertex.sum()) for curve in curves)
        middle = self._document.named(place.style.marker_mid, 'marker')
        if middle is not None and self._marked + (count - 2) * (sum(1 for _ in middle.iter()) - 1) > MOST_MARKED:
            raise ValueError(_too_marked())  # before any of them is drawn
        spots = [spot for curve in curves for spot in vertices_of(curve)]
        for number, (at, radians) in enumerate(spots):
            style = place.style
            last = number == len(spots) - 1
            names = [style.marker_start] if number == 0 else []
            names += [style.marker_end] if last else []
            names += [style.marker_mid] if number > 0 and not last else []
            for name in names:
                marker = self._document.named(name, 'marker')
                if marker is None:
                    continue
                given, style = self._document.given(marker), self._document.style_of(marker)
                inner = place.at_vertex(given, style, at, radians, first=number == 0)
                if inner is not None:
                    for child in marker:
                        self._visit(child, inner)


_NONE = ('none', 'none', 'none')


def _too_marked() -> str:
    return f'it has more than {MOST_MARKED} lines at the vertices of others; draw it without markers'


def _closed(xy: np.ndarray) -> np.ndarray:
    """The outline of what is filled inside of a line."""
    return xy if len(xy) < 3 or np.array_equal(xy[0], xy[-1]) else np.vstack((xy, xy[:1]))
