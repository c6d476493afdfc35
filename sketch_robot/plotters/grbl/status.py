"""What a GRBL 1.1 controller says, line by line. Whatever is not exactly so is `Unknown`.

Reference: the pages "Interface", "Commands" and "Configuration" of GRBL's wiki (doc/markdown in its repository).
Descendants as grblHAL and FluidNC add fields, settings and another welcome, which are taken and not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_NUMBER = r'-?\d{1,7}(?:\.\d{1,4})?'
_STATES = 'Idle|Run|Hold|Jog|Alarm|Door|Check|Home|Sleep|Tool'
_OTHERS = r'Pn|A|WCS|Sc|MPG|H|D|T|TLR|SD|FW|In|THC'  # fields that are not used; the last ones are not of GRBL
_FIELD = rf'\|(?:(?:[MW]Pos|WCO|Bf|Ln|FS?|Ov):[0-9.,-]{{1,48}}|(?:{_OTHERS}):[^|<>]{{0,48}})'
_REPORT = re.compile(rf'<({_STATES})(?::(\d{{1,3}}))?((?:{_FIELD})*)>')
_PLACE = re.compile(  # three decimals, or four in inches, and all alike: none was lost or doubled
    '|'.join(rf'-?\d{{1,5}}\.\d{{{digits}}}(?:,-?\d{{1,5}}\.\d{{{digits}}}){{2,5}}' for digits in (3, 4))
)
_PAIR = re.compile(rf'{_NUMBER}(?:,{_NUMBER}){{0,5}}')
_BANNER = re.compile(  # its end or its beginning is enough: a start that is not noticed would cost the place
    r"(?:.*\bgrbl(?:HAL)? (\d+\.\d+[a-z]?)\b)?.*' for help\]|grbl(?:HAL)? (\d+\.\d+[a-z]?) \[.*", re.IGNORECASE
)
_CODE = re.compile(r'(error|ALARM):(\d{1,3})')
_SETTING = re.compile(rf'\$(\d{{1,4}})=({_NUMBER})(?: *\([ -~]*\))?')
_OTHER_SETTING = re.compile(r'\$[\w/]+=[ -~]*')
_NOTE = re.compile(r'\[[ -~]*\]')
_PIECE = re.compile(r'ok|error:\d{1,3}|<[^<>]*>|\[[^\[\]]*\]')
_STARTUP = re.compile(r'>[ -~]*:(?:ok|error:\d+)')

_OF_NUMBERS = frozenset({'MPos', 'WPos', 'WCO', 'Bf', 'Ln', 'F', 'FS', 'Ov'})

ALARMS = {
    1: 'a limit switch was hit; the position is lost',
    2: 'a target lies outside the machine (soft limit)',
    3: 'it was reset in motion; the position is lost',
    4: 'the probe was not in its first state',
    5: 'the probe touched nothing',
    6: 'homing was reset',
    7: 'the safety door was opened while homing',
    8: 'homing did not free a limit switch: raise the pull-off $27, or check the wiring',
    9: 'homing found no limit switch: raise the travel $130 to $132, or check the wiring',
    10: 'homing did not find the second switch of an axis with two motors',
}
DOOR_BRAKES = 2  # detail of Door; below, the machine stands: 0 the door is closed again, 1 it is open
POSITION_LOST = frozenset({1, 3, 6, 7, 8, 9, 10})  # alarms after which only homing, or a person, tells where it is
ERRORS = {
    1: 'a word does not begin with a letter',
    2: 'a number is missing or malformed',
    3: 'this $ command is not known',
    4: 'a value must not be negative',
    5: 'homing is not enabled; set $22=1 where there are limit switches',
    6: 'step pulses must last 3 us at least',
    7: 'its EEPROM could not be read and was set to defaults',
    8: 'it must be idle for this',
    9: 'it is locked after an alarm; home it',
    10: 'soft limits need homing',
    11: 'the line is too long',
    12: 'steps would come faster than it can make them',
    13: 'the safety door is open',
    14: 'the line is too long to be stored',
    15: 'the way leads out of the machine',
    16: 'the jog command is malformed',
    17: 'laser mode needs PWM',
    20: 'this G-code is not supported',
    21: 'two commands of one group in a line',
    22: 'no feed rate was given',
    23: 'a whole number is needed',
    24: 'two commands use the axes in one line',
    25: 'a word is repeated in a line',
    26: 'no axis is named',
    27: 'the line number is not valid',
    28: 'a value is missing',
    29: 'this coordinate system is not supported',
    30: 'G53 goes with G0 and G1 only',
    31: 'an axis is named that nothing uses',
    32: 'an arc names no axis of its plane',
    33: 'the target is not valid',
    34: 'the radius is not valid',
    35: 'an arc has no offset in its plane',
    36: 'a word is not used',
    37: 'the tool length is for another axis',
    38: 'the tool number is too large',
}


@dataclass(frozen=True)
class Ok:
    """A line was taken: parsed, and planned or carried out."""


@dataclass(frozen=True)
class Error:
    """A line was refused and has no effect."""

    code: int

    @property
    def text(self) -> str:
        """For people."""
        return f'error:{self.code}, {ERRORS.get(self.code, "unknown to this program")}'


@dataclass(frozen=True)
class Alarm:
    """The controller stopped itself."""

    code: int

    @property
    def loses_position(self) -> bool:
        """Whether it has to be homed; of alarms that are not known, it is assumed."""
        return self.code in POSITION_LOST or self.code not in ALARMS

    @property
    def text(self) -> str:
        """For people."""
        return f'ALARM:{self.code}, {ALARMS.get(self.code, "unknown to this program")}'


@dataclass(frozen=True)
class Banner:
    """The controller has started, after power-on or a reset; `version`: '' when that was not readable."""

    version: str


@dataclass(frozen=True)
class Setting:
    """One line of `$$`."""

    number: int
    value: float


@dataclass(frozen=True)
class Note:
    """A line in brackets, as [MSG:...] or [GC:...], the echo of a startup line, or a setting that is no number."""

    text: str

    def values(self, name: str) -> str | None:
        """What follows the name and colon; None: it is another note."""
        head = f'[{name}:'
        return self.text[len(head) : -1] if self.text.startswith(head) else None


@dataclass(frozen=True)
class StatusReport:
    """A status report.

    Attributes:
        state: 'Idle', 'Run', 'Hold' ...; `detail`: what follows its colon (Hold: 0 stands, 1 brakes), else -1.
        position_mm: x, y, z; of the machine, or of the work when `of_work`.
        blocks_free, bytes_free: room in the planner and the receive buffer; -1: not told.
        spindle: S as programmed; None: not told.
        offset_mm: WCO, work coordinates' zero in those of the machine; None: not told this time.
        overrides: of feed, rapid and spindle in percent; None: not told this time.
        pins: letters of switches that are pressed.
    """

    state: str
    detail: int
    position_mm: tuple[float, float, float]
    of_work: bool = False
    blocks_free: int = -1
    bytes_free: int = -1
    spindle: float | None = None
    offset_mm: tuple[float, float, float] | None = None
    overrides: tuple[int, int, int] | None = None
    pins: str = ''

    @property
    def is_still(self) -> bool:
        """Whether nothing moves and nothing will by itself; a hold without detail does not tell, and may."""
        return (
            self.state in ('Idle', 'Alarm', 'Check', 'Sleep')
            or (self.state == 'Hold' and self.detail != 1)
            or (self.state == 'Door' and self.detail < DOOR_BRAKES)
        )

    @property
    def xy_mm(self) -> np.ndarray:
        """(2,) of the position."""
        return np.array(self.position_mm[:2])


@dataclass(frozen=True)
class Unknown:
    """Something that GRBL does not say: bytes were lost, doubled or changed on the way, or this is another machine."""

    text: str


Answer = Ok | Error | Alarm | Banner | Setting | Note | StatusReport | Unknown


def pieces_of(line: str) -> list[str]:
    """The answers of a line whose end was lost, where that is certain; else the line itself."""
    pieces = _PIECE.findall(line)
    return pieces if len(pieces) > 1 and ''.join(pieces) == line else [line]


def parse_answer(line: str) -> Answer:
    """What a line says; never raises."""
    if line == 'ok':
        return Ok()
    if line.startswith('<'):
        return _report(line) or Unknown(line)
    if code := _CODE.fullmatch(line):
        return Error(int(code[2])) if code[1] == 'error' else Alarm(int(code[2]))
    if banner := _BANNER.fullmatch(line):
        return Banner(banner[1] or banner[2] or '')
    if setting := _SETTING.fullmatch(line):
        return Setting(int(setting[1]), float(setting[2]))
    if _NOTE.fullmatch(line) or _STARTUP.fullmatch(line) or _OTHER_SETTING.fullmatch(line):
        return Note(line)
    return Unknown(line)


def _report(line: str) -> StatusReport | None:
    found = _REPORT.fullmatch(line)
    if found is None:
        return None
    fields = dict(field.split(':', 1) for field in found[3].split('|')[1:])
    numbers = {name: _numbers(text) for name, text in fields.items() if name in _OF_NUMBERS}
    if any(values is None for values in numbers.values()) or found[3].count('|') != len(fields):
        return None
    position = numbers.get('MPos') or numbers.get('WPos')
    places = [text for name, text in fields.items() if name in ('MPos', 'WPos', 'WCO')]
    if position is None or not all(map(_PLACE.fullmatch, places)):
        return None
    buffer, speeds = numbers.get('Bf') or (-1.0, -1.0), numbers.get('FS')
    offset, overrides = numbers.get('WCO'), numbers.get('Ov')
    sizes = ((buffer, 2), (speeds, 2), (overrides, 3))  # F is not used; Smoothieboards tell overrides in it
    if any(values is not None and len(values) != size for values, size in sizes):
        return None
    return StatusReport(
        found[1],
        int(found[2]) if found[2] else -1,
        (position[0], position[1], position[2]),
        'MPos' not in numbers,
        int(buffer[0]),
        int(buffer[1]),
        speeds[1] if speeds else None,
        (offset[0], offset[1], offset[2]) if offset else None,
        (int(overrides[0]), int(overrides[1]), int(overrides[2])) if overrides else None,
        fields.get('Pn', ''),
    )


def _numbers(text: str) -> tuple[float, ...] | None:
    return tuple(float(part) for part in text.split(',')) if _PAIR.fullmatch(text) else None
