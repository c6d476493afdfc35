"""Clip paths of SVG as regions of the paper (SVG 1.1, 14.3; masks of solid shapes: 14.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from xml.etree.ElementTree import Element

import numpy as np

from sketch_robot.motion.svg_region import Area, Clip
from sketch_robot.motion.svg_shapes import SHAPES, shape_curves
from sketch_robot.motion.svg_sheet import Kin, Sheet
from sketch_robot.motion.svg_style import Style
from sketch_robot.motion.svg_units import length_px, parse_transform, translation

FLATTEN_MM = 0.01
DEEPEST = 10  # clips that are clipped
MOST_EDGES = 500_000  # of all clips
_REFERENCE = re.compile(r'url\(\s*+["\']?#([^"\')]*+)["\']?\s*+\)')
_HREF = ('href', '{http://www.w3.org/1999/xlink}href')
Bounds = Callable[[], tuple[np.ndarray, np.ndarray] | None]


class NotFollowedError(Exception):
    """A clip cannot be followed; the message says why."""


class Clips:
    """Those of a file.

    Args:
        by_id: its elements.
        sheet: its style sheet.
        tag_of: an element's tag without the namespace.
        rules: of the root element, 'nonzero' or 'evenodd' for clip paths and for what is filled.
    """

    def __init__(
        self,
        by_id: Mapping[str, Element],
        sheet: Sheet,
        tag_of: Callable[[Element], str],
        rules: tuple[str, str] = ('nonzero', 'nonzero'),
    ) -> None:
        self._outer = Style(clip_rule=rules[0], fill_rule=rules[1])
        self._by_id, self._sheet, self._tag = by_id, sheet, tag_of
        self._known: dict[tuple, tuple[Clip, ...]] = {}
        self._edges = 0

    def find(self, style: Style, matrix: np.ndarray, view_px: tuple[float, float], bounds: Bounds) -> tuple[Clip, ...]:
        """What clips an element, mm; of several, what is inside all of them.

        Args:
            style: the element's.
            matrix: its user space to mm, (3, 3).
            view_px: what percentages refer to.
            bounds: gives the corners of what the element draws, in its user space; None when that is nothing.

        Raises:
            NotFollowedError: it is not in the file, or of a kind that is not known.
            ValueError: it is broken, or within itself.
        """
        return self._found(style, matrix, view_px, bounds, 0)

    def _found(
        self, style: Style, matrix: np.ndarray, view_px: tuple[float, float], bounds: Bounds, depth: int
    ) -> tuple[Clip, ...]:
        clips: tuple[Clip, ...] = ()
        for kind, text in (('clipPath', style.clip_path), ('mask', style.mask)):
            if not text:
                continue
            match = _REFERENCE.fullmatch(text)
            element = self._by_id.get(match[1]) if match else None
            if match is None or element is None or self._tag(element) != kind:
                raise NotFollowedError(
                    f'{"clip path" if kind == "clipPath" else kind} {text[:40]!r} is not in the file'
                )
            units = element.attrib.get(f'{kind}{"Units" if kind == "clipPath" else "ContentUnits"}', 'userSpaceOnUse')
            space = matrix
            if units == 'objectBoundingBox':
                corners = bounds()
                if corners is None:
                    return (Clip(()),)
                low, high = corners
                space = matrix @ translation(*low) @ np.diag([*(high - low), 1.0])
                view_px = (1.0, 1.0)
            key = match[1], space.tobytes(), view_px
            if key not in self._known:
                self._known[key] = self._resolved(element, space, view_px, bounds, depth)
            clips += self._known[key]
        return clips

    def _resolved(
        self, element: Element, matrix: np.ndarray, view_px: tuple[float, float], bounds: Bounds, depth: int
    ) -> tuple[Clip, ...]:
        if depth > DEEPEST:
            raise ValueError('its clip paths are within themselves')
        tag = self._tag(element)
        style = self._outer.within(tag, element.attrib, self._sheet)
        clips = self._found(style, matrix, view_px, bounds, depth + 1)
        if 'transform' in element.attrib and tag == 'clipPath':
            matrix = matrix @ parse_transform(element.attrib['transform'])
        areas, above = [], [(tag, element.attrib)]
        for child in element:
            part = self._area(child, matrix, view_px, style, above, depth, mask=tag == 'mask')
            if part is not None:
                areas.append(part)
        return (*clips, Clip(tuple(areas)))

    def _area(
        self,
        element: Element,
        matrix: np.ndarray,
        view_px: tuple[float, float],
        style: Style,
        above: Sequence[Kin],
        depth: int,
        *,
        mask: bool,
        used: bool = False,
    ) -> Area | None:
        """What one child of a clip path lets be seen."""
        tag = self._tag(element)
        if tag in ('', 'title', 'desc', 'metadata', 'style', 'defs'):
            return None
        if tag not in SHAPES and (tag != 'use' or used):
            raise NotFollowedError(f'a {"mask" if mask else "clip path"} holds {tag}, which is no shape')
        style = style.within(tag, element.attrib, self._sheet, above)
        if not style.shown or not style.visible:
            return None
        if 'transform' in element.attrib:
            matrix = matrix @ parse_transform(element.attrib['transform'])
        if tag == 'use':
            target = self._by_id.get(next((element.attrib[name] for name in _HREF if name in element.attrib), '#')[1:])
            if target is None:
                return None
            x, y = (length_px(element.attrib.get(name, '0'), view_px[k]) for k, name in enumerate('xy'))
            inner = self._area(
                target, matrix @ translation(x, y), view_px, style, above, depth, mask=mask, used=True
            )  # fmt: skip
            own = self._found(style, matrix, view_px, lambda: None, depth + 1)
            return inner if inner is None or not own else Area(inner.outlines, inner.even_odd, (*inner.within, *own))
        if mask and not style.lets_through:
            raise NotFollowedError('a mask is more than shapes in plain white')
        curves = shape_curves(tag, element.attrib, view_px)
        outlines = tuple(curve.transformed(matrix).points(FLATTEN_MM) for curve in curves)
        self._edges += sum(len(xy) for xy in outlines)
        if self._edges > MOST_EDGES:
            raise ValueError(f'its clip paths have more than {MOST_EDGES} edges')

        def bounds() -> tuple[np.ndarray, np.ndarray] | None:
            every = [curve.points(FLATTEN_MM) for curve in curves]
            return corners_of(every)

        within = self._found(style, matrix, view_px, bounds, depth + 1)
        return Area(outlines, (style.fill_rule if mask else style.clip_rule) == 'evenodd', within)


def corners_of(lines: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
    """The lowest and the highest x and y of (N, 2) points; None when there are none."""
    points = np.concatenate([np.zeros((0, 2)), *lines])
    return (points.min(axis=0), points.max(axis=0)) if len(points) else None
