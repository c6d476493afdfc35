"""GRBL 1.1h's G-code words: a line to its words, sorted into modal groups, or the error that GRBL answers.

The checks come in GRBL's order, so that a line with several faults is answered with the same number. Values are kept in
single precision. Reference: grbl/gcode.c, steps 1 and 2 of `gc_execute_line`, and the wiki's "Error Codes".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

RAPID, LINEAR, ARC_CW, ARC_CCW, NO_MOTION = 0, 1, 2, 3, 80
PROBES = (140, 141, 142, 143)  # G38.2 to G38.5
DWELL, SET_COORDINATES, GO_HOME_0, GO_HOME_1 = 4, 10, 28, 30
SET_HOME_0, SET_HOME_1, ABSOLUTE, SET_OFFSET, RESET_OFFSET = 38, 40, 53, 92, 102
PAUSE, END_M2, END_M30 = 3, 2, 30  # program flow
SPINDLE_OFF, SPINDLE_CW, SPINDLE_CCW = 5, 3, 4
MAX_TOOL = 255
_DIGITS = 8  # that a number may have; more are dropped
_NON_NEGATIVE = frozenset('FNPTS')
_VALUES = frozenset('FIJKLNPRSTXYZ')
_GROUP_OF_G = {
    **dict.fromkeys((4, 10, 28, 30, 53, 92), 'G0'),
    **dict.fromkeys((0, 1, 2, 3, 38, 80), 'G1'),
    **dict.fromkeys((17, 18, 19), 'G2'),
    **dict.fromkeys((93, 94), 'G5'),
    **dict.fromkeys((20, 21), 'G6'),
    40: 'G7',
    **dict.fromkeys((43, 49), 'G8'),
    **dict.fromkeys((54, 55, 56, 57, 58, 59), 'G12'),
    61: 'G13',
}


class GcodeError(Exception):
    """GRBL's answer `error:code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f'error:{code}')
        self.code = code


@dataclass(frozen=True)
class Modes:
    """What stays in force from line to line."""

    motion: int = RAPID
    coordinates: int = 0  # 0: G54
    plane: int = 0  # 0: G17
    inches: bool = False
    incremental: bool = False
    inverse_time: bool = False
    spindle: int = SPINDLE_OFF
    flood: bool = False
    tool_length: bool = False


def read_number(text: str, at: int) -> tuple[np.float32, int] | None:
    """A number in GRBL's sense, and where it ends: sign, digits, at most one point, no exponent. None: no digit.

    Reference: grbl/nuts_bolts.c, `read_float`: eight digits, scaled by multiplications in single precision.
    """
    negative = text[at : at + 1] == '-'
    if text[at : at + 1] in ('-', '+'):
        at += 1
    digits, seen, exponent, point = 0, 0, 0, False
    while at < len(text):
        letter = text[at]
        if '0' <= letter <= '9':
            seen += 1
            if seen <= _DIGITS:
                digits = 10 * digits + ord(letter) - 48
                exponent -= point
            else:
                exponent += not point
        elif letter == '.' and not point:
            point = True
        else:
            break
        at += 1
    if not seen:
        return None
    value = np.float32(digits)
    if digits:
        while exponent <= -2:
            value *= np.float32(0.01)
            exponent += 2
        if exponent < 0:
            value *= np.float32(0.1)
        if exponent > 0:
            with np.errstate(over='ignore'):
                value *= np.float32(10.0) ** exponent
    return (-value if negative else value), at


@dataclass
class Words:
    """A line's words, sorted."""

    modes: Modes
    action: int = 0
    axis_command: str = ''  # 'motion', 'other', 'tool' or none
    groups: set[str] = field(default_factory=set)
    values: dict[str, np.float32] = field(default_factory=dict)
    flow: int = 0

    def claim_axes(self, kind: str) -> None:
        if self.axis_command:
            raise GcodeError(24)
        self.axis_command = kind

    def claim_group(self, group: str) -> None:
        if group in self.groups:
            raise GcodeError(21)
        self.groups.add(group)


def sort_words(line: str, words: Words) -> Words:
    """Take in all words of a line, which has no spaces, comments or small letters.

    Raises:
        GcodeError: a word is none, is unknown, or does not go with another one.
    """
    at = 0
    while at < len(line):
        letter = line[at]
        if not 'A' <= letter <= 'Z':
            raise GcodeError(1)
        number = read_number(line, at + 1)
        if number is None:
            raise GcodeError(2)
        value, at = number
        if letter not in 'GM':
            _take_value(words, letter, value)
            continue
        whole = int(value) & 0xFF if np.isfinite(value) else 0
        hundredths = round(100.0 * (float(value) - whole)) & 0xFFFF if np.isfinite(value) else 0
        if letter == 'G':
            _take_g(words, whole, hundredths)
        else:
            _take_m(words, whole, hundredths)
    return words


def _take_g(words: Words, whole: int, hundredths: int) -> None:
    modes = words.modes
    if whole in (90, 91):
        group = 'G3' if hundredths == 0 else 'G4'
        if group == 'G4' and (hundredths != 10 or whole == 90):
            raise GcodeError(20)
        if group == 'G3':
            words.modes = replace(modes, incremental=whole == 91)
        words.claim_group(group)
        return
    if whole not in _GROUP_OF_G:
        raise GcodeError(20)
    group = _GROUP_OF_G[whole]
    if group == 'G0':
        if whole in (10, 28, 30, 92) and hundredths == 0:
            words.claim_axes('other')
        words.action = whole
        if whole in (28, 30, 92):
            if hundredths not in (0, 10):
                raise GcodeError(20)
            words.action += hundredths
            hundredths = 0
    elif group == 'G1':
        if whole != NO_MOTION:
            words.claim_axes('motion')
        motion = whole
        if whole == 38:
            if hundredths not in (20, 30, 40, 50):
                raise GcodeError(20)
            motion = PROBES[hundredths // 10 - 2]
            hundredths = 0
        if motion != modes.motion:
            words.modes = replace(modes, motion=motion)
    elif group == 'G2':
        words.modes = replace(modes, plane=whole - 17)
    elif group == 'G5':
        words.modes = replace(modes, inverse_time=whole == 93)
    elif group == 'G6':
        words.modes = replace(modes, inches=whole == 20)
    elif group == 'G8':
        words.claim_axes('tool')
        if whole == 43 and hundredths != 10:
            raise GcodeError(20)
        words.modes = replace(modes, tool_length=whole == 43)
        hundredths = 0
    elif group == 'G12':
        words.modes = replace(modes, coordinates=whole - 54)
    elif group == 'G13' and hundredths:
        raise GcodeError(20)
    if hundredths:
        raise GcodeError(23)
    words.claim_group(group)


def _take_m(words: Words, whole: int, hundredths: int) -> None:
    if hundredths:
        raise GcodeError(23)
    if whole in (0, 1, 2, 30):
        words.flow = {0: PAUSE, 1: words.flow, 2: END_M2, 30: END_M30}[whole]
        words.claim_group('M4')
    elif whole in (3, 4, 5):
        words.modes = replace(words.modes, spindle=whole)
        words.claim_group('M7')
    elif whole in (8, 9):
        words.modes = replace(words.modes, flood=whole == 8)
        words.claim_group('M8')
    else:
        raise GcodeError(20)


def _take_value(words: Words, letter: str, value: np.float32) -> None:
    if letter not in _VALUES:
        raise GcodeError(20)
    if letter == 'T' and value > MAX_TOOL:
        raise GcodeError(38)
    if letter in words.values:
        raise GcodeError(25)
    if letter in _NON_NEGATIVE and value < 0.0:
        raise GcodeError(4)
    words.values[letter] = value
