"""Read lines of G-code as the wiki of GRBL 1.1 lists them, with the error codes that it documents.

`read_line` only reads: it returns what a line asks for, with targets in mm of the machine, or raises the code of the
mistake; a line with a mistake changes nothing. The order of what a line does is that of RS274/NGC.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

MM_PER_INCH = 25.4
AXES = 'XYZ'
MOST_LINE = 10_000_000  # of N
_WORD = re.compile(r'([A-Z])([+-]?(?:\d+\.?\d*|\.\d+))?')
_PLANES = {'G17': (0, 1), 'G18': (2, 0), 'G19': (1, 2)}
_GROUPS: dict[str, tuple[str, ...]] = {
    'motion': ('G0', 'G1', 'G2', 'G3', 'G38.2', 'G38.3', 'G38.4', 'G38.5', 'G80'),
    'system': ('G54', 'G55', 'G56', 'G57', 'G58', 'G59'),
    'plane': tuple(_PLANES),
    'units': ('G21', 'G20'),
    'distance': ('G90', 'G91'),
    'feed': ('G94', 'G93'),
    'spindle': ('M5', 'M3', 'M4'),
    'coolant': ('M9', 'M8'),
    'nonmodal': ('G4', 'G10', 'G28', 'G28.1', 'G30', 'G30.1', 'G92', 'G92.1'),
    'machine': ('G53',),
    'length': ('G43.1', 'G49'),
    'flow': ('M0', 'M1', 'M2', 'M30'),
    'arc distance': ('G91.1',),
    'cutter': ('G40',),
    'control': ('G61',),
}
_MODAL = tuple(_GROUPS)[:8]  # what one line leaves for the next, in the order of `$G`
_GROUP_OF = {code: group for group, codes in _GROUPS.items() for code in codes}
_TAKES_AXES = frozenset({'G10', 'G28', 'G28.1', 'G30', 'G30.1', 'G92', 'G43.1'})


class GcodeError(Exception):
    """A line that cannot be taken; `code` as in the wiki's list of errors."""

    def __init__(self, code: int) -> None:
        super().__init__(f'error:{code}')
        self.code = code


@dataclass(frozen=True)
class Modes:
    """What one line leaves for the next, as `$G` tells.

    Attributes:
        codes: of each modal group; those at the beginning are the first of each.
        tool: of T.
        feed: mm/min; speed: of S.
    """

    codes: Mapping[str, str] = field(default_factory=lambda: {group: _GROUPS[group][0] for group in _MODAL})
    tool: int = 0
    feed: float = 0.0
    speed: float = 0.0

    def __getitem__(self, group: str) -> str:
        return self.codes[group]

    def text(self) -> str:
        """As in `[GC:...]`."""
        return ' '.join(self.codes[group] for group in _MODAL) + f' T{self.tool} F{self.feed:.0f} S{self.speed:.0f}'


@dataclass
class Offsets:
    """What turns a program's coordinates into the machine's, mm.

    Attributes:
        systems: (6, 3) of G54 to G59; kept over a reset.
        stored: (2, 3) of G28 and G30; kept over a reset.
        g92, tool: (3,) of G92 and of a tool's length; forgotten by a reset.
    """

    systems: np.ndarray = field(default_factory=lambda: np.zeros((6, 3)))
    stored: np.ndarray = field(default_factory=lambda: np.zeros((2, 3)))
    g92: np.ndarray = field(default_factory=lambda: np.zeros(3))
    tool: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def of(self, modes: Modes) -> np.ndarray:
        """(3,) machine coordinates of a program's zero."""
        return self.systems[index_of(modes)] + self.g92 + self.tool


def index_of(modes: Modes) -> int:
    """Which of the offsets of G54 to G59 counts."""
    return int(modes['system'][1:]) - 54


@dataclass(frozen=True)
class Order:
    """What a line asks for.

    Attributes:
        modes: those after it.
        action: of the codes that are not modal; 'probe'; '': none.
        points: (3,) machine mm each, to go to in straight ways; an arc is cut into chords.
        feed: on the last way, and all of an arc, mm/s; 0: a rapid.
        dwell_s: of G4.
        system: of G10; offset: (3,) what it or G92 or G43.1 sets, machine mm.
        flow: M0, M1, M2 or M30; '': none.
    """

    modes: Modes
    action: str = ''
    points: tuple[np.ndarray, ...] = ()
    feed: float = 0.0
    dwell_s: float = 0.0
    system: int = 0
    offset: np.ndarray | None = None
    flow: str = ''


def read_line(
    text: str, modes: Modes, offsets: Offsets, position: np.ndarray, *, tolerance_mm: float = 0.002, jog: bool = False
) -> Order:
    """What a line asks for, standing at a position in machine mm.

    Args:
        text: without spaces and comments, in capitals.
        tolerance_mm: how far an arc's chords may be off it.
        jog: it is one of `$J=`, where G0 and G1 mean nothing and F is needed.

    Raises:
        GcodeError: it has a mistake.
    """
    return _Reader(text, modes, offsets, position, tolerance_mm, jog).read()


def _words_of(text: str) -> tuple[dict[str, str], dict[str, float]]:
    """Codes by their group, and other words by their letter."""
    codes: dict[str, str] = {}
    words: dict[str, float] = {}
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise GcodeError(1)
        letter, number = match[1], match[2]
        if number is None:
            raise GcodeError(2)
        value, at = float(number), match.end()
        if letter in 'GM':
            _add_code(codes, letter, value)
            continue
        if letter not in 'FIJKLNPRSTXYZ':
            raise GcodeError(20)
        if letter in words:
            raise GcodeError(25)
        if letter in 'FNPST' and value < 0.0:
            raise GcodeError(4)
        words[letter] = value
    return codes, words


def _add_code(codes: dict[str, str], letter: str, value: float) -> None:
    code = f'{letter}{value:g}'
    group = _GROUP_OF.get(code)
    if group is None:
        raise GcodeError(23 if value != int(value) and f'{letter}{int(value)}' in _GROUP_OF else 20)
    if group in codes:
        raise GcodeError(24 if group == 'motion' else 21)
    codes[group] = code


class _Reader:
    """Reads one line."""

    def __init__(
        self, text: str, modes: Modes, offsets: Offsets, position: np.ndarray, tolerance_mm: float, jog: bool
    ) -> None:
        self._codes, self._words = _words_of(text)
        self._unused = set(self._words) - {'N'}
        self._named = np.array([axis in self._words for axis in AXES])
        self._before, self._offsets, self._position = modes, offsets, position
        self._tolerance_mm, self._jog = tolerance_mm, jog
        self._mm = MM_PER_INCH if self._codes.get('units', modes['units']) == 'G20' else 1.0

    def read(self) -> Order:
        codes = self._codes
        if self._jog and set(codes) - {'units', 'distance', 'machine'}:
            raise GcodeError(16)
        own, motion = [codes[group] for group in ('nonmodal', 'length') if group in codes], codes.get('motion', '')
        takers = [code for code in own if code in _TAKES_AXES]
        if len(takers) + (motion not in ('', 'G80')) > 1:
            raise GcodeError(24)
        if self._words.get('N', 0.0) > MOST_LINE:
            raise GcodeError(27)
        modes, action = self._new_modes(), own[0] if own else ''
        order = Order(modes, action, flow=codes.get('flow', ''))
        if action == 'G4':
            order = replace(order, dwell_s=self._take('P'))
        elif takers:
            order = replace(order, **self._setting(action, modes))
        if not takers and action != 'G92.1':
            order = self._move(order, motion)
        if self._unused:
            raise GcodeError(31 if self._unused & set(AXES) else 36)
        return order

    def _new_modes(self) -> Modes:
        before, words = self._before, self._words
        codes = {group: self._codes.get(group, before[group]) for group in _MODAL}
        feed = before.feed if codes['feed'] == before['feed'] != 'G93' else 0.0
        if 'F' in words:
            feed = self._take('F') * (self._mm if codes['feed'] == 'G94' else 1.0)
        tool = int(self._take('T', float(before.tool)))
        if tool > 255:
            raise GcodeError(38)
        return Modes(codes, tool, feed, before.speed if self._jog else self._take('S', before.speed))

    def _take(self, letter: str, otherwise: float | None = None) -> float:
        self._unused.discard(letter)
        value = self._words.get(letter, otherwise)
        if value is None:
            raise GcodeError(28)
        return value

    def _told(self) -> np.ndarray:
        """The values of X, Y and Z, in mm."""
        self._unused -= set(AXES)
        return self._mm * np.array([self._words.get(letter, 0.0) for letter in AXES])

    # ------------------------------------------------------------- what is not motion
    def _setting(self, action: str, modes: Modes) -> dict[str, Any]:
        """What an order says of a code that takes axes, or stores the place."""
        offsets, here = self._offsets, self._position
        if action in ('G28', 'G30'):
            goal = offsets.stored[int(action == 'G30')].copy()
            if not self._named.any():
                return {'points': (goal,)}
            return {'points': (self._target(modes), np.where(self._named, goal, here))}
        if action == 'G10':
            return self._system(modes)
        if action in ('G92', 'G43.1') and not self._named.any():
            raise GcodeError(26)
        if action == 'G43.1':
            if self._named.tolist() != [False, False, True]:
                raise GcodeError(37)
            return {'offset': self._told()}
        if action == 'G92':
            zero = offsets.systems[index_of(modes)] + offsets.tool
            return {'offset': np.where(self._named, here - zero - self._told(), offsets.g92)}
        return {}

    def _system(self, modes: Modes) -> dict[str, Any]:
        kind, number = self._take('L'), int(self._take('P'))
        if kind not in (2.0, 20.0):
            raise GcodeError(20)
        if not 0 <= number <= 6:
            raise GcodeError(29)
        if not self._named.any():
            raise GcodeError(26)
        index, offsets, told = number - 1 if number else index_of(modes), self._offsets, self._told()
        if kind == 20.0:
            told = self._position - offsets.g92 - offsets.tool - told
        return {'system': index, 'offset': np.where(self._named, told, offsets.systems[index])}

    # ------------------------------------------------------------- motion
    def _move(self, order: Order, motion: str) -> Order:
        modes, machine = order.modes, 'machine' in self._codes
        kind = 'G1' if self._jog else modes['motion']
        if machine and kind not in ('G0', 'G1'):
            raise GcodeError(30)
        if self._jog and 'F' not in self._words:
            raise GcodeError(22)
        if not self._named.any() and (self._jog or motion in ('', 'G0', 'G1', 'G80')):
            if self._jog:
                raise GcodeError(26)
            return order
        if kind == 'G80':
            raise GcodeError(31)
        if kind != 'G0' and modes.feed == 0.0:
            raise GcodeError(22)
        target, feed = self._target(modes, machine), 0.0 if kind == 'G0' else modes.feed / 60.0
        if modes['feed'] == 'G93' and not self._jog:
            feed *= math.dist(target, self._position)
        if kind in ('G2', 'G3'):
            return replace(order, points=self._arc(modes, target), feed=feed)
        if kind.startswith('G38'):
            if not self._named.any():
                raise GcodeError(26)
            if np.array_equal(target, self._position):
                raise GcodeError(33)
            order = replace(order, action='probe')
        return replace(order, points=(target,), feed=feed)

    def _target(self, modes: Modes, machine: bool = False) -> np.ndarray:
        if machine:
            zero: np.ndarray | float = 0.0
        else:
            zero = self._position if modes['distance'] == 'G91' else self._offsets.of(modes)
        return np.where(self._named, self._told() + zero, self._position)

    def _arc(self, modes: Modes, target: np.ndarray) -> tuple[np.ndarray, ...]:
        plane, clockwise = list(_PLANES[modes['plane']]), modes['motion'] == 'G2'
        if not self._named[plane].any():
            raise GcodeError(32 if self._named.any() else 26)
        start, end = self._position[plane], target[plane]
        letters = [('I', 'J', 'K')[axis] for axis in plane]
        if 'R' in self._words:
            centre = _centre_by_radius(start, end, self._take('R') * self._mm, clockwise)
        elif not set(letters) & set(self._words):
            raise GcodeError(35)
        else:
            centre = start + self._mm * np.array([self._take(letter, 0.0) for letter in letters])
            radius = math.dist(start, centre)
            if abs(radius - math.dist(end, centre)) > max(0.005, 0.001 * radius):
                raise GcodeError(33)
        return tuple(_chords(self._position, target, centre, clockwise, plane, self._tolerance_mm))


def _centre_by_radius(start: np.ndarray, end: np.ndarray, radius: float, clockwise: bool) -> np.ndarray:
    """(2,) centre of an arc by its radius; below zero: the long way round."""
    way = end - start
    chord = math.hypot(*way)
    if chord == 0.0:
        raise GcodeError(33)
    if chord > 2.0 * abs(radius):
        raise GcodeError(34)
    away = math.sqrt(max(0.0, radius * radius - 0.25 * chord * chord))
    to_the_right = np.array([way[1], -way[0]]) / chord
    return 0.5 * (start + end) + to_the_right * (away if clockwise != (radius < 0.0) else -away)


def _chords(
    start: np.ndarray, target: np.ndarray, centre: np.ndarray, clockwise: bool, plane: list[int], tolerance_mm: float
) -> np.ndarray:
    """(N, 3) points of an arc whose chords stay within a tolerance; the last one is the target."""
    from_centre, to_centre = start[plane] - centre, target[plane] - centre
    begin = math.atan2(from_centre[1], from_centre[0])
    turn = (math.atan2(to_centre[1], to_centre[0]) - begin) % (2.0 * math.pi)
    if clockwise:
        turn -= 2.0 * math.pi
        if turn > -1e-7 or turn <= -2.0 * math.pi:
            turn = -2.0 * math.pi
    elif turn < 1e-7:
        turn = 2.0 * math.pi
    radius = math.hypot(*from_centre)
    chord = 2.0 * math.sqrt(max(tolerance_mm * (2.0 * radius - tolerance_mm), 1e-12))
    count = max(1, int(abs(turn) * radius / chord))
    share = np.arange(1, count + 1) / count
    points = start + (target - start) * share[:, None]
    points[:, plane] = centre + radius * np.column_stack([np.cos(begin + turn * share), np.sin(begin + turn * share)])
    points[-1] = target
    return points


def without_comments(line: str) -> str:
    """A line in capitals, without spaces, comments in brackets or behind a semicolon, and block deletes."""
    line = re.sub(r'\([^)]*\)?|;.*', '', line, flags=re.DOTALL)
    return ''.join(character for character in line.upper() if character > ' ' and character != '/')
