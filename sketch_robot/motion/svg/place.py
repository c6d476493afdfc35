"""Where an SVG element stands: its user units on paper, its viewport, its style, and what of it is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from xml.etree.ElementTree import Element

import numpy as np
import shapely

from sketch_robot.motion.svg.regions import Region, box_region
from sketch_robot.motion.svg.shapes import dash_line
from sketch_robot.motion.svg.style import Properties, Style
from sketch_robot.motion.svg.units import length_px, parse_transform, translation, view_box, view_matrix

_SEEN = ('visible', 'auto')  # values of overflow


class NotDrawnError(Exception):
    """An element cannot be drawn; the others can."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where an element stands.

    Attributes:
        matrix: (3, 3) from its user units to mm.
        view_px: what percentages refer to.
        style: of it.
        layer: the label of its layer; '' none.
        clip: the region, mm, outside of which it is not seen; None: all is.
        depth: how many elements it is in.
        used: the elements that are being used.
        marker: whether it is part of a marker.
    """

    matrix: np.ndarray
    view_px: tuple[float, float]
    style: Style
    layer: str = ''
    clip: Region | None = None
    depth: int = 0
    used: tuple[Element, ...] = ()
    marker: bool = False

    @cached_property
    def scale(self) -> float:
        """How many times as large as before lines are on average, mm for each user unit."""
        (a, b), (c, d) = self.matrix[:2, :2].tolist()
        return round(math.sqrt(abs(a * d - b * c)), 12)  # of our own files it is 1

    @cached_property
    def line_width_px(self) -> float:
        """How wide its line is, user units; 1 where that is malformed, 0 where it is negative."""
        try:
            return max(length_px(self.style.stroke_width, self._diagonal_px, self.style.font_px), 0.0)
        except ValueError:
            return 1.0

    @property
    def _diagonal_px(self) -> float:
        return math.hypot(*self.view_px) / math.sqrt(2.0)

    def length(self, given: Properties, name: str, whole_px: float, default: str = '0') -> float:
        """Read one length of what is said of an element, user units.

        Raises:
            NotDrawnError: it is none.
        """
        text = given.get(name, default)
        try:
            return length_px(default if text == 'auto' else text, whole_px, self.style.font_px)
        except ValueError as error:
            raise NotDrawnError(str(error)) from error

    def dashed(self, lines: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Cut (N, 2) lines, mm, into the dashes of its style."""
        style = self.style
        if style.stroke_dasharray == 'none':
            return list(lines)
        try:
            words = style.stroke_dasharray.replace(',', ' ').split()
            pattern = [length_px(word, self._diagonal_px, style.font_px) * self.scale for word in words]
            offset = length_px(style.stroke_dashoffset, self._diagonal_px, style.font_px) * self.scale
        except ValueError:
            return list(lines)
        dots = style.stroke_linecap != 'butt'
        return [dash for xy in lines for dash in dash_line(xy, pattern, offset, dots=dots)]

    # ------------------------------------------------------------- places within it
    def within(self, region: Region | None) -> Place:
        """The same place, seen only through a region."""
        if region is None:
            return self
        return replace(self, clip=region if self.clip is None else shapely.intersection(self.clip, region))

    def in_view(self, given: Properties, *, nested: bool, cut: bool) -> Place:
        """The place inside an element with a viewport of its own.

        Args:
            given: what is said of the element.
            nested: whether it is within another one, so that its own x, y and size hold.
            cut: whether what leaves the viewport is hidden, if its style says so.

        Raises:
            NotDrawnError: a length is malformed, or the viewport has no size.
        """
        size, place = self.view_px, self
        if nested:
            x, y = (self.length(given, name, size[k]) for k, name in enumerate('xy'))
            width, height = (self.length(given, name, size[k], '100%') for k, name in enumerate(('width', 'height')))
            size, place = (width, height), replace(self, matrix=self.matrix @ translation(x, y))
            if cut and self.style.overflow not in _SEEN:
                place = place._cut_by_box(size)
        box = view_box(given)
        if not all(side > 0.0 for side in size):
            raise NotDrawnError('its viewport has no size')
        if box is None:
            return replace(place, view_px=size)
        view = view_matrix(box, size, given.get('preserveAspectRatio', ''))
        return replace(place, matrix=place.matrix @ view, view_px=(box[2], box[3]))

    def at_vertex(
        self, given: Properties, style: Style, at: np.ndarray, radians: float, *, first: bool
    ) -> Place | None:
        """The place of a marker at a vertex of its line (SVG 1.1, 11.6); None for a marker without a size.

        Args:
            given, style: what is said of the marker, and its style where it stands in the file.
            at: (2,) the vertex, user units.
            radians: the direction of the line there.
            first: whether it is the line's first vertex.

        Raises:
            NotDrawnError: a length is malformed.
        """
        context = (self.style.inside_colour or 'none', self.style.line_colour or 'none')
        place = replace(self, style=replace(style, context=context), marker=True, depth=self.depth + 1)
        width, height = (place.length(given, name, 0.0, '3') for name in ('markerWidth', 'markerHeight'))
        if not (width > 0.0 and height > 0.0):
            return None
        orient = given.get('orient', '0').strip()
        if orient.startswith('auto'):
            turned = radians + math.pi if first and orient == 'auto-start-reverse' else radians
            orient = repr(math.degrees(turned))
        try:
            turn = parse_transform(f'rotate({orient})')
        except ValueError:
            turn = np.eye(3)
        scale = 1.0 if given.get('markerUnits') == 'userSpaceOnUse' else self.line_width_px
        box = view_box(given)
        view = np.eye(3) if box is None else view_matrix(box, (width, height), given.get('preserveAspectRatio', ''))
        corner = view @ [*(place.length(given, name, 0.0) for name in ('refX', 'refY')), 1.0]
        matrix = self.matrix @ translation(*at) @ turn @ np.diag([scale, scale, 1.0])
        place = replace(place, matrix=matrix @ translation(-corner[0], -corner[1]))
        if style.overflow not in _SEEN:
            place = place._cut_by_box((width, height))
        return replace(place, matrix=place.matrix @ view, view_px=(width, height) if box is None else (box[2], box[3]))

    def _cut_by_box(self, size_px: tuple[float, float]) -> Place:
        """The same place, seen only in a viewport of that size at its origin."""
        try:
            return self.within(box_region(self.matrix, size_px))
        except ValueError as error:
            raise NotDrawnError(str(error)) from error
