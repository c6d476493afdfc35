"""The shapes of SVG as curves, curves as points, and dashes of lines.

Every segment of path data becomes a cubic Bezier curve, which any affine transform maps by its four points alone, so
that a line can be flattened where its tolerance is known: on paper. Grammar and arc equations: SVG 1.1, chapters 8 and
9 and appendix F.6; dashes: 11.4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sketch_robot.polyline import lengths_along, points_at, without_repeats

NUMBER = r'[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?'
SHAPES = ('path', 'polyline', 'polygon', 'line', 'rect', 'circle', 'ellipse')
MOST_POINTS = 1_000_000  # of one curve on paper; a drawing has a hundredth of it
LEAST_GAP_MM = 0.2  # narrower gaps between dashes fill with ink
MOST_DASHES = 10_000  # of one line; more are drawn without a gap
_COMMAND = re.compile(r'([A-DF-Za-df-z])')  # e and E belong to numbers
_NUMBER = re.compile(NUMBER)
_GAP = r'\s*+,?\s*+'  # without backtracking, which a hostile file could make last for ever
_FLAG = '[01]'  # needs no gap after it
_ARC = re.compile(_GAP + _GAP.join(f'((?>{part}))' for part in [NUMBER] * 3 + [_FLAG] * 2 + [NUMBER] * 2))
_ARGUMENTS = {'M': 2, 'L': 2, 'H': 1, 'V': 1, 'C': 6, 'S': 4, 'Q': 4, 'T': 2, 'A': 7, 'Z': 0}
_ARC_PIECE = math.pi / 6.0  # a cubic curve is off by 4e-7 of the radius over so much of a circle
_FLAT_ARC = 1e7  # an arc whose radius is so many times its chord is a line


@dataclass(frozen=True, eq=False)
class Curve:
    """A row of Bezier curves, each beginning where the last one ended.

    Attributes:
        ends: (N + 1, 2) float64; where each begins and the last one ends. N = 0 is a move that draws nothing.
        handles: (N, 2, 2) float64, the inner control points of each; None: all are lines.
        straight: (N,) bool, those that are lines; None when `handles` is.
        vertex: (N + 1,) bool, the ends that the file names, rather than pieces of an arc; None: all.
    """

    ends: np.ndarray
    handles: np.ndarray | None = None
    straight: np.ndarray | None = None
    vertex: np.ndarray | None = None

    def points(self, tolerance: float, matrix: np.ndarray | None = None) -> np.ndarray:
        """Flatten it: (M, 2) float64 points whose chords stay within `tolerance`; one that never moves is one point.

        A chord over 1/n of a curve is off by at most `|B''| / 8 n^2`, and `|B''|` is at most 6 times the larger second
        difference of the control points.

        Args:
            tolerance: in the units after the transform.
            matrix: (3, 3) affine transform; None: none.

        Raises:
            ValueError: a value is not finite, or there would be more than `MOST_POINTS`.
        """
        ends = self.ends if matrix is None else self.ends @ matrix[:2, :2].T + matrix[:2, 2]
        if not np.isfinite(ends).all():
            raise ValueError('it has a coordinate that is not finite')
        if len(ends) < 2:
            return np.zeros((0, 2))
        if self.handles is None or self.straight is None:
            return without_repeats(ends)
        handles = self.handles if matrix is None else self.handles @ matrix[:2, :2].T + matrix[:2, 2]
        p0, p1, p2, p3 = ends[:-1], handles[:, 0], handles[:, 1], ends[1:]
        bends = np.maximum(np.hypot(*(p0 - 2.0 * p1 + p2).T), np.hypot(*(p1 - 2.0 * p2 + p3).T))
        pieces = np.where(self.straight, 1.0, np.maximum(np.ceil(np.sqrt(0.75 * bends / tolerance)), 1.0))
        if not pieces.sum() <= MOST_POINTS:  # nor not a number
            raise ValueError(f'it is so large that it takes more than {MOST_POINTS} points')
        count = pieces.astype(np.int64)
        which = np.repeat(np.arange(len(count)), count)
        step = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + 1
        t = (step / count[which])[:, None]
        s = 1.0 - t
        found = s**3 * p0[which] + 3 * t * s**2 * p1[which] + 3 * t**2 * s * p2[which] + t**3 * p3[which]
        last = step == count[which]
        found[last] = p3[which[last]]  # to the last bit
        return without_repeats(np.vstack((p0[:1], found)))

    def control(self) -> np.ndarray:
        """Give the (N, 4, 2) control points."""
        handles = np.stack((self.ends[:-1], self.ends[1:]), axis=1) if self.handles is None else self.handles
        return np.concatenate((self.ends[:-1, None], handles, self.ends[1:, None]), axis=1)


# ----------------------------------------------------------------- path data
def parse_path(data: str) -> tuple[list[Curve], str]:
    """Read path data, as far as they keep to the grammar.

    Returns:
        curves: the subpaths in user units; a closed one ends where it began.
        problem: what is wrong where they end early; '' when all is right.
    """
    words = _COMMAND.split(data)
    if words[0].strip():
        return [], f'its path data begin with {words[0].strip()[:12]!r}'
    path = _Path()
    problem = ''
    for command, text in zip(words[1::2], words[2::2], strict=True):
        wanted = _ARGUMENTS.get(command.upper())
        if wanted is None:
            problem = f'{command!r} is no path command'
        elif command not in 'Mm' and words[1] not in 'Mm':
            problem = f'its path data begin with {command!r} instead of a move'
        if wanted is None or problem:
            break
        values, problem = _arcs(text) if command in 'Aa' else numbers(text)
        whole = len(values) - len(values) % max(1, wanted)
        if not problem and (whole < len(values) or (whole == 0) != (wanted == 0)):
            problem = f'its path data end early, after {command!r} {text.strip()[-24:]!r}'
        rows = values[:whole].reshape(-1, wanted) if wanted else np.zeros((1, 0))
        if command in 'Mm' and len(rows):
            path.add(command, rows[0])
            command, rows = {'M': 'L', 'm': 'l'}[command], rows[1:]  # what follows it without a command are lines
        if command in 'Ll':
            path.lines(rows, relative=command == 'l')
        elif command in 'Cc':
            path.cubics(rows.reshape(-1, 3, 2), relative=command == 'c')
        else:
            for row in rows:
                path.add(command, row)
        if problem:
            break
    return path.finish(), problem


def numbers(text: str) -> tuple[np.ndarray, str]:
    """Read a list of numbers: (N,) float64, as far as there is nothing else in it, and what is wrong with it or ''."""
    rest = _NUMBER.sub(' ', text).replace(',', ' ').split()
    if not rest:
        return np.fromiter(map(float, _NUMBER.findall(text)), np.float64), ''
    good = text[: text.find(rest[0])]
    return np.fromiter(map(float, _NUMBER.findall(good)), np.float64), f'{rest[0][:24]!r} is no number'


def _arcs(text: str) -> tuple[np.ndarray, str]:
    rows: list[float] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _ARC.match(text, at)
        if match is None:
            return np.array(rows), f'{text[at : at + 24].strip()!r} is no elliptical arc'
        rows += map(float, match.groups())
        at = match.end()
    return np.array(rows), ''


class _Path:
    """Follows path data: where the pen is, and what it has drawn."""

    def __init__(self) -> None:
        self._at = np.zeros(2)
        self._begun = np.zeros(2)
        self._handle: tuple[str, np.ndarray] = ('', np.zeros(2))  # of the last curve: its kind, and its last handle
        self._done: list[Curve] = []
        self._begin()

    def _begin(self) -> None:
        self._ends: list[np.ndarray] = []
        self._handles: list[np.ndarray | None] = []  # None for lines
        self._vertex: list[np.ndarray] = []

    def lines(self, points: np.ndarray, *, relative: bool) -> None:
        """Take (N, 2) ends of lines, N >= 0."""
        if len(points) == 0:
            return
        ends = np.cumsum(np.vstack((self._at, points)), axis=0)[1:] if relative else points
        self._take(ends, None, np.ones(len(ends), bool))
        self._handle = ('', ends[-1])

    def cubics(self, points: np.ndarray, *, relative: bool) -> None:
        """Take (N, 3, 2) handles and ends of cubic curves, N >= 0."""
        if len(points) == 0:
            return
        if relative:
            points = points + np.cumsum(np.vstack((self._at, points[:-1, 2])), axis=0)[:, None]
        self._take(points[:, 2], points[:, :2], np.ones(len(points), bool))
        self._handle = ('C', points[-1, 1])

    def add(self, command: str, row: np.ndarray) -> None:
        """Take one set of arguments of a command other than a line's or a cubic curve's."""
        at = self._at
        kind = command.upper()
        origin = at if command.islower() else np.zeros(2)
        handle = ('', at)
        if kind == 'M':
            self._end()
            self._begun = self._at = row + origin
        elif kind == 'Z':
            self._take(self._begun[None], None, np.ones(1, bool))
            self._end()
        elif kind in 'HV':
            axis = 'HV'.index(kind)
            end = at.copy()
            end[axis] = row[0] + origin[axis]
            self._take(end[None], None, np.ones(1, bool))
        elif kind == 'A':
            ends, handles = arc_to(at, row[5:] + origin, row[:2], math.radians(row[2]), bool(row[3]), bool(row[4]))
            self._take(ends, handles, np.arange(len(ends)) == len(ends) - 1)
        else:
            points = row.reshape(-1, 2) + origin
            if kind in 'ST':
                mirrored = 2.0 * at - self._handle[1] if self._handle[0] == {'S': 'C', 'T': 'Q'}[kind] else at
                points = np.vstack((mirrored, points))
            handle = ('C' if kind in 'CS' else 'Q', points[-2])
            if len(points) == 2:  # quadratic
                inner = np.stack((at + 2.0 / 3.0 * (points[0] - at), points[1] + 2.0 / 3.0 * (points[0] - points[1])))
            else:
                inner = points[:2]
            self._take(points[-1:], inner[None], np.ones(1, bool))
        self._handle = handle

    def finish(self) -> list[Curve]:
        """Give all subpaths."""
        self._end()
        return self._done

    def _take(self, ends: np.ndarray, handles: np.ndarray | None, vertex: np.ndarray) -> None:
        if not self._ends:
            self._ends, self._vertex = [self._at[None]], [np.ones(1, bool)]
        self._ends.append(ends)
        self._handles.append(handles)
        self._vertex.append(vertex)
        self._at = ends[-1]

    def _end(self) -> None:
        if self._ends:
            ends = np.concatenate(self._ends)
            if all(handles is None for handles in self._handles):
                self._done.append(Curve(ends))
            else:
                self._done.append(self._curved(ends))
        self._begin()

    def _curved(self, ends: np.ndarray) -> Curve:
        handles = np.stack((ends[:-1], ends[1:]), axis=1)
        straight = np.ones(len(handles), bool)
        at = 0
        for part, own in zip(self._ends[1:], self._handles, strict=True):
            if own is not None:
                handles[at : at + len(part)], straight[at : at + len(part)] = own, False
            at += len(part)
        return Curve(ends, handles, straight, np.concatenate(self._vertex))


def arc_to(
    start: np.ndarray, end: np.ndarray, radii: np.ndarray, turn: float, large: bool, sweep: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Make an elliptical arc of cubic curves (SVG 1.1, F.6.5 and F.6.6).

    Args:
        start, end: (2,) where it begins and ends.
        radii: (2,) of the ellipse, enlarged when too small to reach.
        turn: of the ellipse's x axis, radians.
        large, sweep: which of the four possible arcs.

    Returns:
        ends: (N, 2) where each curve ends.
        handles: (N, 2, 2) the inner control points of each; None for a line.
    """
    rx, ry = np.abs(radii)
    chord = float(np.hypot(*(end - start)))
    flat = not large and min(rx, ry) > _FLAT_ARC * chord
    if rx == 0.0 or ry == 0.0 or chord == 0.0 or flat or not np.isfinite([rx, ry, turn]).all():
        return end[None], None
    cos, sin = math.cos(turn), math.sin(turn)
    turned = np.array([[cos, -sin], [sin, cos]])
    half = turned.T @ (start - end) / 2.0 / (rx, ry)  # on the unit circle
    squared = float(half @ half)
    if squared > 1.0:
        rx, ry, half, squared = rx * math.sqrt(squared), ry * math.sqrt(squared), half / math.sqrt(squared), 1.0
    if squared < 1e-300:  # a whole ellipse of absurd size
        return end[None], None
    away = math.sqrt(max(0.0, 1.0 / squared - 1.0)) * (-1.0 if large == sweep else 1.0)
    centre = away * np.array([half[1], -half[0]])
    first, last = half - centre, -half - centre
    begin = math.atan2(first[1], first[0])
    span = (math.atan2(last[1], last[0]) - begin) % (2.0 * math.pi)
    if not sweep:
        span -= 2.0 * math.pi
    middle = turned @ (centre * (rx, ry)) + (start + end) / 2.0
    count = max(1, math.ceil(abs(span) / _ARC_PIECE))
    reach = 4.0 / 3.0 * math.tan(span / count / 4.0)
    # So few numbers are quicker without arrays.
    control: list[tuple[float, float]] = []
    x, y = math.cos(begin), math.sin(begin)
    for k in range(1, count + 1):
        to_x, to_y = math.cos(begin + span * k / count), math.sin(begin + span * k / count)
        control += [(x - reach * y, y + reach * x), (to_x + reach * to_y, to_y - reach * to_x), (to_x, to_y)]
        x, y = to_x, to_y
    points = ((np.array(control) * (rx, ry)) @ turned.T + middle).reshape(-1, 3, 2)
    ends = points[:, 2]
    ends[-1] = end
    return ends, points[:, :2]


# ----------------------------------------------------------------- basic shapes
def shape_curves(
    tag: str, attributes: Mapping[str, str], view_px: tuple[float, float], length: Callable[[str, float], float]
) -> tuple[list[Curve], str]:
    """Make the outline of a shape.

    Args:
        tag: one of `SHAPES`.
        attributes: of the element.
        view_px: width and height of what percentages refer to.
        length: reads a length, given what a percentage refers to.

    Returns:
        curves: none when there is nothing to see.
        problem: what is wrong where the outline ends early; '' when all is right.

    Raises:
        ValueError: an attribute is malformed; the message says which way.
    """
    width, height = view_px

    def side(name: str, whole: float) -> float:
        text = attributes.get(name)
        return 0.0 if text is None else length(text, whole)

    if tag == 'line':
        ends = [[side('x1', width), side('y1', height)], [side('x2', width), side('y2', height)]]
        return [Curve(np.array(ends))], ''
    if tag == 'path':
        return parse_path(attributes.get('d', ''))
    if tag in ('polyline', 'polygon'):
        values, problem = numbers(attributes.get('points', ''))
        points = values[: len(values) // 2 * 2].reshape(-1, 2)
        if tag == 'polygon' and len(points):
            points = np.vstack((points, points[:1]))
        return ([Curve(points)] if len(points) > 1 else []), problem
    if tag == 'circle':
        radius = side('r', math.hypot(width, height) / math.sqrt(2.0))
        return _ellipse(side('cx', width), side('cy', height), radius, radius), ''
    radii = _radii(attributes, view_px, length)
    if tag == 'ellipse':
        return _ellipse(side('cx', width), side('cy', height), *radii), ''
    corner = np.array([side('x', width), side('y', height)])
    size = np.array([side('width', width), side('height', height)])
    return _rectangle(corner, size, np.array(radii)), ''


def _radii(
    attributes: Mapping[str, str], view_px: tuple[float, float], length: Callable[[str, float], float]
) -> list[float]:
    """Read rx and ry, each as the other when it is not said, or negative."""
    given = [attributes.get(name, 'auto').strip() for name in ('rx', 'ry')]
    values = [None if text == 'auto' else length(text, whole) for text, whole in zip(given, view_px, strict=True)]
    values = [None if value is not None and value < 0.0 else value for value in values]
    rx, ry = (values[0] if values[0] is not None else values[1]), (values[1] if values[1] is not None else values[0])
    return [rx or 0.0, ry or 0.0]


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
        return [Curve(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]))]
    around = [[x0 + rx, y0], [x1 - rx, y0], [x1, y0 + ry], [x1, y1 - ry]]
    around += [[x1 - rx, y1], [x0 + rx, y1], [x0, y1 - ry], [x0, y0 + ry], [x0 + rx, y0]]
    return [_rounded(np.array(around), np.array([rx, ry]), [False, True] * 4)]


def _rounded(points: np.ndarray, radii: np.ndarray, round_: list[bool]) -> Curve:
    """Go through points, each next one reached in a line or in a clockwise arc (y down)."""
    path = _Path()
    path.add('M', points[0])
    for end, arc in zip(points[1:], round_, strict=True):
        path.add('A' if arc else 'L', np.array([*radii, 0.0, 0.0, 1.0, *end])) if arc else path.lines(
            end[None], relative=False
        )
    return path.finish()[0]


# ----------------------------------------------------------------- vertices and dashes
def vertices_of(curve: Curve) -> list[tuple[np.ndarray, float]]:
    """Give the vertices of a subpath, and the direction in which it passes each, radians."""
    control = curve.control()
    leaving, arriving = (
        [next((step / np.hypot(*step) for step in steps if step.any()), None) for steps in of_segment]
        for of_segment in (
            control[:, 1:] - control[:, :1],
            control[:, 3:] - control[:, 2::-1],
        )
    )
    count = len(control)
    closed = count > 1 and np.array_equal(curve.ends[0], curve.ends[-1])
    found = []
    for k in np.flatnonzero(np.ones(count + 1, bool) if curve.vertex is None else curve.vertex).tolist():
        before = arriving[k - 1] if k > 0 or closed else None
        after = leaving[k % count] if k < count or closed else None
        known = [way for way in (before, after) if way is not None]
        way = np.sum(known, axis=0) if known else np.array([1.0, 0.0])
        found.append((curve.ends[k], math.atan2(way[1], way[0])))
    return found


def dash_line(xy: np.ndarray, pattern_mm: Sequence[float], offset_mm: float, *, dots: bool = True) -> list[np.ndarray]:
    """Cut a polyline into its dashes, from its beginning to its end.

    Args:
        xy: (N, 2) float64, mm.
        pattern_mm: dash, gap, dash, gap ...; taken twice when odd.
        offset_mm: where in the pattern the line begins.
        dots: whether a dash of no length is seen, since its ends are round or square.
    """
    pattern = np.array([*pattern_mm] * (1 + len(pattern_mm) % 2))
    along = lengths_along(xy)
    if len(pattern) == 0 or not np.isfinite([*pattern, offset_mm]).all() or (pattern < 0.0).any():
        return [xy]
    period = float(pattern.sum())
    if pattern[1::2].max() < LEAST_GAP_MM or along[-1] == 0.0 or along[-1] / period * len(pattern) > 2 * MOST_DASHES:
        return [xy]
    begin = offset_mm % period
    bounds = np.concatenate(([0.0], np.cumsum(pattern)))
    rounds = np.arange(int(np.ceil((begin + along[-1]) / period)))[:, None] * period - begin
    starts, ends = (rounds + bounds[:-1:2]).ravel(), (rounds + bounds[1::2]).ravel()
    seen = (ends >= 0.0) & (starts < along[-1]) & ((ends > starts) | dots)
    dashes = []
    for start, end in zip(np.maximum(starts[seen], 0.0), np.minimum(ends[seen], along[-1]), strict=True):
        between = (along > start) & (along < end)
        at = np.concatenate(([start], along[between], [end])) if end > start else np.array([start])
        dashes.append(points_at(xy, at, along))
    return dashes
