"""SVG path data to curves, and curves to points.

Every segment becomes a cubic Bezier curve, which any affine transform maps by its four points alone, so that a line can
be flattened where its tolerance is known: on paper. Grammar and arc equations: SVG 1.1, chapter 8 and appendix F.6.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

NUMBER = r'[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?'
MOST_POINTS = 2_000_000  # of one curve on paper; a drawing has a thousandth of it
_COMMAND = re.compile(r'([A-DF-Za-df-z])')  # e and E belong to numbers
_NUMBER = re.compile(NUMBER)
_GAP = r'\s*+,?\s*+'  # without backtracking, which a hostile file could make last for ever
_FLAG = '[01]'  # needs no gap after it
_ARC = re.compile(_GAP + _GAP.join(f'((?>{part}))' for part in [NUMBER] * 3 + [_FLAG] * 2 + [NUMBER] * 2))
_ARGUMENTS = {'M': 2, 'L': 2, 'H': 1, 'V': 1, 'C': 6, 'S': 4, 'Q': 4, 'T': 2, 'A': 7, 'Z': 0}
_ARC_PIECE = math.pi / 6.0  # a cubic curve is off by 4e-7 of the radius over so much of a circle


@dataclass(frozen=True, eq=False)
class Curve:
    """A row of Bezier curves, each beginning where the last one ended.

    Attributes:
        control: (N, 4, 2) float64 control points; N = 0 is a move that draws nothing.
        straight: (N,) bool; those that are lines.
    """

    control: np.ndarray
    straight: np.ndarray

    def transformed(self, matrix: np.ndarray) -> Curve:
        """Under an affine (3, 3) matrix."""
        return Curve(self.control @ matrix[:2, :2].T + matrix[:2, 2], self.straight)

    def points(self, tolerance: float) -> np.ndarray:
        """(M, 2) float64 points whose chords stay within `tolerance` of the curve; a curve that never moves is one.

        A chord over 1/n of a curve is off by at most |B''| / 8 n^2, and |B''| is at most 6 times the larger second
        difference of the control points.

        Raises:
            ValueError: a value is not finite, or there would be more than `MOST_POINTS`.
        """
        if not np.isfinite(self.control).all():
            raise ValueError('it has a coordinate that is not finite')
        if len(self.control) == 0:
            return np.zeros((0, 2))
        bends = np.hypot(*np.moveaxis(np.diff(self.control, n=2, axis=1), 2, 0)).max(axis=1)
        with np.errstate(over='ignore'):
            wanted = np.ceil(np.sqrt(0.75 * bends / tolerance))
        pieces = np.where(self.straight, 1.0, np.maximum(wanted, 1.0))
        if not pieces.sum() <= MOST_POINTS:
            raise ValueError(f'it is so large that it takes more than {MOST_POINTS} points')
        count = pieces.astype(np.int64)
        which = np.repeat(np.arange(len(count)), count)
        step = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + 1
        t = (step / count[which])[:, None]
        p0, p1, p2, p3 = np.moveaxis(self.control[which], 1, 0)
        found = (1 - t) ** 3 * p0 + 3 * t * (1 - t) ** 2 * p1 + 3 * t**2 * (1 - t) * p2 + t**3 * p3
        last = step == count[which]
        found[last] = p3[last]  # to the last bit
        xy = np.vstack((self.control[0, 0], found))
        moved = np.concatenate(([True], (np.diff(xy, axis=0) != 0.0).any(axis=1)))
        return xy[moved]


def polyline(points: np.ndarray) -> Curve:
    """Straight lines through (N, 2) points."""
    control = np.stack((points[:-1], points[:-1], points[1:], points[1:]), axis=1)
    return Curve(control, np.ones(len(control), bool))


def parse_path(data: str) -> list[Curve]:
    """The subpaths of path data, in user units; a closed one ends where it began.

    Raises:
        ValueError: the data break the grammar; the message says where.
    """
    words = _COMMAND.split(data)
    if words[0].strip():
        raise ValueError(f'its path data begin with {words[0].strip()[:12]!r}')
    path = _Path()
    for command, text in zip(words[1::2], words[2::2], strict=True):
        wanted = _ARGUMENTS.get(command.upper())
        if wanted is None:
            raise ValueError(f'{command!r} is no path command')
        if command not in 'Mm' and words[1] not in 'Mm':
            raise ValueError(f'its path data begin with {command!r} instead of a move')
        values = _arcs(text) if command in 'Aa' else numbers(text)
        if len(values) % max(1, wanted) or (len(values) == 0) != (wanted == 0):
            raise ValueError(f'its path data end early, after {command!r} {text.strip()[-24:]!r}')
        rows = values.reshape(-1, wanted) if wanted else values[None]
        if command in 'Mm':
            path.add(command, rows[0])
            command, rows = {'M': 'L', 'm': 'l'}[command], rows[1:]  # what follows it without a command are lines
        if command in 'Ll':
            path.lines(rows, relative=command == 'l')
        else:
            for row in rows:
                path.add(command, row)
    return path.finish()


def arc_to(start: np.ndarray, end: np.ndarray, radii: np.ndarray, turn: float, large: bool, sweep: bool) -> np.ndarray:
    """An elliptical arc as (N, 4, 2) cubic curves (SVG 1.1, F.6.5 and F.6.6).

    Args:
        start, end: (2,) where it begins and ends.
        radii: (2,) of the ellipse, enlarged when too small to reach.
        turn: of the ellipse's x axis, radians.
        large, sweep: which of the four possible arcs.
    """
    rx, ry = np.abs(radii)
    if rx == 0.0 or ry == 0.0 or np.array_equal(start, end):
        return polyline(np.array([start, end])).control
    cos, sin = math.cos(turn), math.sin(turn)
    turned = np.array([[cos, -sin], [sin, cos]])
    half = turned.T @ (start - end) / 2.0 / (rx, ry)  # on the unit circle
    squared = float(half @ half)
    if squared > 1.0:
        rx, ry, half, squared = rx * math.sqrt(squared), ry * math.sqrt(squared), half / math.sqrt(squared), 1.0
    away = math.sqrt(max(0.0, 1.0 / squared - 1.0)) * (-1.0 if large == sweep else 1.0)
    centre = away * np.array([half[1], -half[0]])
    first, last = half - centre, -half - centre
    begin = math.atan2(first[1], first[0])
    span = (math.atan2(last[1], last[0]) - begin) % (2.0 * math.pi)
    if not sweep:
        span -= 2.0 * math.pi
    middle = turned @ (centre * (rx, ry)) + (start + end) / 2.0
    count = max(1, math.ceil(abs(span) / _ARC_PIECE))
    angle = begin + span * np.linspace(0.0, 1.0, count + 1)
    on = np.column_stack((np.cos(angle), np.sin(angle)))
    along = np.column_stack((-on[:, 1], on[:, 0])) * (4.0 / 3.0 * math.tan(span / count / 4.0))
    control = np.stack((on[:-1], on[:-1] + along[:-1], on[1:] - along[1:], on[1:]), axis=1)
    control = (control * (rx, ry)) @ turned.T + middle
    control[0, 0], control[-1, 3] = start, end
    return control


def numbers(text: str) -> np.ndarray:
    """The numbers of a list: (N,) float64.

    Raises:
        ValueError: there is something else in it.
    """
    rest = _NUMBER.sub(' ', text).replace(',', ' ').split()
    if rest:
        raise ValueError(f'{rest[0][:24]!r} is no number')
    return np.fromiter(map(float, _NUMBER.findall(text)), np.float64)


def _arcs(text: str) -> np.ndarray:
    rows: list[float] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _ARC.match(text, at)
        if match is None:
            raise ValueError(f'{text[at : at + 24].strip()!r} is no elliptical arc')
        rows += map(float, match.groups())
        at = match.end()
    return np.array(rows)


class _Path:
    """Where the pen of path data is, and what it has drawn.

    Attributes:
        at: (2,) current point.
    """

    def __init__(self) -> None:
        self.at = np.zeros(2)
        self._begun = np.zeros(2)
        self._handle: tuple[str, np.ndarray] = ('', np.zeros(2))  # of the last curve: its kind, and its last handle
        self._done: list[Curve] = []
        self._control: list[np.ndarray] = []
        self._straight: list[bool] = []

    def lines(self, points: np.ndarray, *, relative: bool) -> None:
        """Take (N, 2) ends of lines, N >= 0."""
        if len(points) == 0:
            return
        ends = np.cumsum(np.vstack((self.at, points)), axis=0) if relative else np.vstack((self.at, points))
        curve = polyline(ends)
        self._control.append(curve.control)
        self._straight += curve.straight.tolist()
        self._handle = ('', ends[-1])
        self.at = ends[-1]

    def add(self, command: str, row: np.ndarray) -> None:
        """Take one set of arguments of a command other than a line's."""
        at = self.at
        kind = command.upper()
        origin = at if command.islower() else np.zeros(2)
        handle = ('', at)
        if kind == 'M':
            self._end()
            self._begun = self.at = row + origin
        elif kind == 'Z':
            self._line(self._begun)
            self._end()
        elif kind in 'HV':
            axis = 'HV'.index(kind)
            end = at.copy()
            end[axis] = row[0] + origin[axis]
            self._line(end)
        elif kind == 'A':
            curves = arc_to(at, row[5:] + origin, row[:2], math.radians(row[2]), bool(row[3]), bool(row[4]))
            self._curve(curves)
        else:
            points = row.reshape(-1, 2) + origin
            if kind in 'ST':
                mirrored = 2.0 * at - self._handle[1] if self._handle[0] == {'S': 'C', 'T': 'Q'}[kind] else at
                points = np.vstack((mirrored, points))
            handle = ('C' if kind in 'CS' else 'Q', points[-2])
            if len(points) == 2:  # quadratic
                points = np.vstack(
                    (at + 2.0 / 3.0 * (points[0] - at), points[1] + 2.0 / 3.0 * (points[0] - points[1]), points[1])
                )
            self._curve(np.vstack((at, points))[None])
        self._handle = handle

    def finish(self) -> list[Curve]:
        """All subpaths."""
        self._end()
        return self._done

    def _line(self, end: np.ndarray) -> None:
        self._control.append(polyline(np.array([self.at, end])).control)
        self._straight.append(True)
        self.at = end

    def _curve(self, control: np.ndarray) -> None:
        self._control.append(control)
        self._straight += [False] * len(control)
        self.at = control[-1, 3]

    def _end(self) -> None:
        if self._control:
            self._done.append(Curve(np.concatenate(self._control), np.array(self._straight)))
        self._control, self._straight = [], []
