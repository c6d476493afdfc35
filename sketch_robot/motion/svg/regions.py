"""Clip paths of SVG as regions of the paper, and what of lines and outlines is inside of them (SVG 1.1, 14.3 and 14.4).

Regions are shapely's. A line keeps its order and direction: only the segments that leave a region are cut. Half of the
ink that follows an edge is seen, and curves are followed no closer than `NEAR_MM`, so that what leaves a region by no
more counts as inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

import numpy as np
import shapely
from shapely import Geometry as Region

from sketch_robot.motion.svg.document import SvgDocument, tag_of
from sketch_robot.motion.svg.shapes import SHAPES, shape_curves
from sketch_robot.motion.svg.style import PAPER, Style
from sketch_robot.motion.svg.units import length_px, transform_of, translation
from sketch_robot.polyline import length_of, without_repeats

FLATTEN_MM = 0.01
NEAR_MM = 0.02  # two curves flattened to 0.01 mm each
_ALONG_MM = 10.0 * NEAR_MM
GRID_MM = 1e-6  # to which self-crossing outlines are rounded
DEEPEST = 10  # clips that are clipped
MOST_EDGES = 100_000  # of all clips
MOST_PAIRS = 2_000_000  # edges of an outline whose boxes overlap in one direction
MOST_TESTS = 200_000_000  # of a face against an edge
Bounds = Callable[[], tuple[np.ndarray, np.ndarray] | None]


class NotFollowedError(Exception):
    """A clip cannot be followed; the message says why."""


# ----------------------------------------------------------------- regions
def region_of(outlines: Sequence[np.ndarray], *, even_odd: bool) -> Region:
    """Make the region inside of closed lines.

    Args:
        outlines: (N, 2) float64 each, mm; open ones are closed by a straight line.
        even_odd: by which rule, else by that of the winding number (SVG 1.1, 11.3).

    Raises:
        ValueError: the outlines are too many, or too entangled.
    """
    rings = [xy if np.array_equal(xy[0], xy[-1]) else np.vstack((xy, xy[:1])) for xy in outlines if len(xy) > 2]
    rings = [ring for ring in rings if len(ring) > 3]
    if not rings:
        return shapely.Polygon()
    if len(rings) == 1:
        alone = shapely.Polygon(rings[0])
        if alone.is_valid:
            return alone
    edges = np.concatenate([np.hstack((ring[:-1], ring[1:])) for ring in rings])
    if len(edges) > MOST_EDGES or _overlaps(edges) > MOST_PAIRS:
        raise ValueError('its outline crosses itself too often')
    noded = shapely.union_all([shapely.LineString(ring) for ring in rings], grid_size=GRID_MM)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    if len(faces) * len(edges) > MOST_TESTS:
        raise ValueError('its outline crosses itself too often')
    turns = _windings(shapely.get_coordinates(shapely.point_on_surface(faces)), edges)
    return shapely.union_all(faces[turns % 2 != 0 if even_odd else turns != 0])


def _overlaps(edges: np.ndarray) -> int:
    """How many pairs of edges may cross, at most: those that overlap in x, or in y, whichever are fewer."""
    counts = []
    for axis in (0, 1):
        low, high = np.sort(edges[:, axis::2], axis=1).T
        begun = np.searchsorted(np.sort(low), high, side='right')
        ended = np.searchsorted(np.sort(high), low, side='left')
        counts.append(int((begun - ended).sum()))
    return min(counts)


def _windings(points: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The winding numbers of (N, 4) edges around (M, 2) points: (M,) int64."""
    found = np.zeros(len(points), np.int64)
    (ax, ay, bx, by), step = edges.T, max(1, 2_000_000 // len(edges))
    for first in range(0, len(points), step):
        x, y = points[first : first + step].T[:, :, None]
        side = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        up, down = (ay <= y) & (by > y) & (side > 0.0), (ay > y) & (by <= y) & (side < 0.0)
        found[first : first + step] = up.sum(axis=1) - down.sum(axis=1)
    return found


def box_region(matrix: np.ndarray, size_px: tuple[float, float]) -> Region:
    """Make the region of a viewport of that size at the origin of a (3, 3) matrix to mm."""
    corners = np.array([[0.0, 0.0], [size_px[0], 0.0], size_px, [0.0, size_px[1]]]) @ matrix[:2, :2].T + matrix[:2, 2]
    if not np.isfinite(corners).all():
        raise ValueError('its viewport is not finite')
    found = shapely.Polygon(corners)
    return found if found.is_valid else shapely.Polygon()


def clip_lines(lines: Sequence[np.ndarray], region: Region) -> list[np.ndarray]:
    """Keep the parts of polylines that are inside of a region.

    Args:
        lines: (N, 2) float64 each, N >= 1, mm.
    """
    if region.is_empty:
        return []
    grown = shapely.buffer(region, NEAR_MM, join_style='mitre')
    shapely.prepare(grown)
    shapely.prepare(region)
    found = []
    for xy in lines:
        if len(xy) == 1:
            found += [xy] if shapely.intersects_xy(grown, *xy[0]) else []
        elif shapely.covers(grown, shapely.LineString(xy)):
            found.append(xy)
        else:
            found += _cut(xy, region, grown)
    return found


def _cut(xy: np.ndarray, region: Region, grown: Region) -> list[np.ndarray]:
    """The parts of a polyline inside of a region, or along its edge, in their order and direction."""
    segments = shapely.linestrings(np.stack((xy[:-1], xy[1:]), axis=1))
    whole = shapely.covers(grown, segments)
    cut = np.flatnonzero(~whole & shapely.intersects(grown, segments))
    inside, near = shapely.intersection(segments[cut], region), shapely.intersection(segments[cut], grown)
    follows = shapely.length(near) - shapely.length(inside) > _ALONG_MM  # an edge, a little outside of it
    parts, of_part = shapely.get_parts(np.where(follows, near, inside), return_index=True)
    lines = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING
    ends = shapely.get_coordinates(parts[lines]).reshape(-1, 2, 2)
    number = np.concatenate((np.flatnonzero(whole), cut[of_part[lines]]))
    start, step = xy[number], xy[number + 1] - xy[number]
    length = np.maximum((step**2).sum(axis=1), 1e-300)
    along = np.zeros((len(number), 2))
    along[:, 1] = 1.0
    first = int(whole.sum())
    along[first:] = ((ends - start[first:, None]) * step[first:, None]).sum(axis=2) / length[first:, None]
    along = np.sort(np.clip(along, 0.0, 1.0), axis=1)
    order = np.lexsort((along[:, 0], number))
    number, along = number[order], along[order]
    pieces: list[list[np.ndarray]] = []
    reached = (-1, 0.0)
    for k, (t0, t1) in zip(number.tolist(), along.tolist(), strict=True):
        if (k, t0) != reached and not (reached == (k - 1, 1.0) and t0 == 0.0):
            pieces.append([_at(xy, k, t0)])
        pieces[-1].append(_at(xy, k, t1))
        reached = (k, t1)
    found = [without_repeats(np.array(piece)) for piece in pieces]
    closed = len(found) > 1 and np.array_equal(xy[0], xy[-1])
    if closed and number[0] == 0 and along[0, 0] == 0.0 and reached == (len(xy) - 2, 1.0):  # on through its beginning
        found = [np.vstack((found[-1], found[0][1:])), *found[1:-1]]
    return [piece for piece in found if length_of(piece) > NEAR_MM]


def _at(xy: np.ndarray, segment: int, along: float) -> np.ndarray:
    if along == 1.0:
        return xy[segment + 1]
    return xy[segment] + along * (xy[segment + 1] - xy[segment])


def clip_outlines(lines: Sequence[np.ndarray], region: Region, *, even_odd: bool) -> list[np.ndarray]:
    """Give the outline of what a region leaves of a filled shape.

    Args:
        lines: the shape's outlines, (N, 2) float64 each, mm.
        even_odd: by which rule it is filled.

    Raises:
        ValueError: the outlines are too many, or too entangled.
    """
    shape = region_of(lines, even_odd=even_odd)
    if shape.is_empty:  # lines without an inside
        return clip_lines(lines, region)
    if shapely.covers(shapely.buffer(region, NEAR_MM, join_style='mitre'), shape):
        return list(lines)
    seen = shapely.get_parts(shapely.intersection(shape, region, grid_size=GRID_MM))
    areas = seen[shapely.get_type_id(seen) == shapely.GeometryType.POLYGON]
    return [shapely.get_coordinates(ring) for ring in shapely.get_rings(areas[shapely.area(areas) > NEAR_MM**2])]


# ----------------------------------------------------------------- clip paths
class Clips:
    """The clip paths and masks of a file.

    Args:
        document: the file.
    """

    def __init__(self, document: SvgDocument) -> None:
        self._document = document
        self._known: dict[tuple, Region] = {}
        self._edges = 0

    def find(
        self, style: Style, matrix: np.ndarray, view_px: tuple[float, float], bounds: Bounds, depth: int = 0
    ) -> Region | None:
        """Make the region, mm, that an element's own clip path and mask let be seen; None: it has neither.

        Args:
            style: the element's.
            matrix: its user space to mm, (3, 3).
            view_px: what percentages refer to.
            bounds: gives the corners of what the element draws, in its user space; None when that is nothing.
            depth: how many clips it is itself in.

        Raises:
            NotFollowedError: it is not in the file, or of a kind that is not known.
            ValueError: it is broken, within itself, or too entangled.
        """
        found: Region | None = None
        for kind, text in (('clipPath', style.clip_path), ('mask', style.mask)):
            if text in ('', 'none'):
                continue
            element = self._document.named(text, kind)
            if element is None:
                what = 'clip path' if kind == 'clipPath' else kind
                raise NotFollowedError(f'{what} {text[:40]!r} is not in the file')
            region = self._region(element, kind, matrix, view_px, bounds, depth)
            found = region if found is None else shapely.intersection(found, region)
        return found

    def _region(
        self,
        element: Element,
        kind: str,
        matrix: np.ndarray,
        view_px: tuple[float, float],
        bounds: Bounds,
        depth: int,
    ) -> Region:
        if depth > DEEPEST:
            raise NotFollowedError('clip paths are within themselves')
        units = element.attrib.get(f'{kind}{"Units" if kind == "clipPath" else "ContentUnits"}', 'userSpaceOnUse')
        style = self._document.style_of(element)
        inner = matrix
        if kind == 'clipPath' and style.transform:
            inner = matrix @ transform_of(style.transform, style.transform_origin, view_px, style.font_px)
        if units == 'objectBoundingBox':
            corners = bounds()
            if corners is None:
                return shapely.Polygon()
            low, high = corners
            inner = inner @ translation(*low) @ np.diag([*(high - low), 1.0])
            view_px = (1.0, 1.0)
        key = element, inner.tobytes(), matrix.tobytes(), view_px
        if key not in self._known:
            mask = (style.mask_type or 'luminance') if kind == 'mask' else ''
            areas = [self._area(child, inner, view_px, style, depth, mask=mask) for child in element]
            seen = shapely.union_all([area for area in areas if area is not None])
            own = self.find(style, matrix, view_px, bounds, depth + 1)
            self._known[key] = seen if own is None else shapely.intersection(seen, own)
        return self._known[key]

    def _check_edges(self) -> None:
        """Refuse to go on with clips that are too many, or too large.

        Raises:
            ValueError: they are.
        """
        if self._edges > MOST_EDGES:
            raise ValueError(f'its clip paths have more than {MOST_EDGES} edges')

    def _area(
        self,
        element: Element,
        matrix: np.ndarray,
        view_px: tuple[float, float],
        style: Style,
        depth: int,
        *,
        mask: str,
        used: bool = False,
    ) -> Region | None:
        """What one child of a clip path, or of a mask of some type, lets be seen; None for what is no part of it."""
        tag = tag_of(element)
        if tag in ('', 'title', 'desc', 'metadata', 'style', 'defs', 'animate', 'set'):
            return None
        if tag not in SHAPES and (tag != 'use' or used):
            if mask or tag == 'text':
                raise NotFollowedError(f'a {"mask" if mask else "clip path"} holds {tag}, which is no shape')
            return None  # only shapes, and uses of shapes, clip
        given = self._document.given(element)
        style = style.within({name: text for name, text in given.items() if name not in ('opacity', 'mask')})
        if not style.shown or not (style.visible or tag == 'use'):
            return None
        if style.transform:
            matrix = matrix @ transform_of(style.transform, style.transform_origin, view_px, style.font_px)

        def length(text: str, whole: float) -> float:
            return length_px(text, whole, style.font_px)

        if tag == 'use':
            target = self._document.referred(element)
            if target is None:
                return None
            x, y = (length(element.attrib.get(name, '0'), view_px[k]) for k, name in enumerate('xy'))
            inside = self._area(target, matrix @ translation(x, y), view_px, style, depth, mask=mask, used=True)
            own = self.find(style, matrix, view_px, lambda: None, depth + 1)
            return inside if inside is None or own is None else shapely.intersection(inside, own)
        if mask and not _lets_through(style, mask):
            raise NotFollowedError('a mask is more than shapes in plain white')
        self._check_edges()
        curves, _ = shape_curves(tag, element.attrib, view_px, length)
        outlines = [curve.points(FLATTEN_MM, matrix) for curve in curves]
        self._edges += sum(len(xy) for xy in outlines)
        self._check_edges()
        inside = region_of(outlines, even_odd=(style.fill_rule if mask else style.clip_rule) == 'evenodd')
        own = self.find(
            style, matrix, view_px, lambda: corners_of([curve.points(FLATTEN_MM) for curve in curves]), depth + 1
        )
        return inside if own is None else shapely.intersection(inside, own)


def _lets_through(style: Style, mask: str) -> bool:
    """Whether a mask of some type shows all that lies under such a shape."""
    solid = style.inside_colour != '' and not style.line_colour
    return solid and (mask == 'alpha' or style.inside_colour == PAPER)


def corners_of(lines: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
    """Give the lowest and the highest x and y of (N, 2) points; None when there are none."""
    points = np.concatenate([np.zeros((0, 2)), *lines])
    return (points.min(axis=0), points.max(axis=0)) if len(points) else None
