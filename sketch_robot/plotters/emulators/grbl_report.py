"""What GRBL 1.1h prints: numbers, settings, parser state and the real-time report.

Reference: grbl/report.c, grbl/print.c and the wiki's "Grbl v1.1 Interface".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sketch_robot.plotters.emulators.grbl_gcode import ParserState
from sketch_robot.plotters.emulators.grbl_settings import FLOATS, WHOLE
from sketch_robot.plotters.emulators.grbl_words import NO_MOTION, PROBES

BANNER = "\r\nGrbl 1.1h ['$' for help]\r\n"
HELP = '[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]\r\n'
BUILD = '[VER:1.1h.20190830:{info}]\r\n[OPT:V,15,128]\r\n'
LOCKED, UNLOCKED = "'$H'|'$X' to unlock", 'Caution: Unlocked'
_INCH_PER_MM = np.float32(0.0393701)


def number(value: float | np.floating, decimals: int) -> str:
    """A float as GRBL prints it: single precision, halves away from zero, a minus also before zero."""
    single = np.float32(value)
    scaled = int(abs(single) * np.float32(10**decimals) + np.float32(0.5)) & 0xFFFFFFFF
    digits = str(scaled).rjust(decimals + 1, '0')
    text = f'{digits[:-decimals]}.{digits[-decimals:]}' if decimals else digits
    return f'-{text}' if single < 0.0 else text


def position(values: Sequence[float] | np.ndarray, inches: bool) -> str:
    """x, y, z in mm to a thousandth, or in inches."""
    if inches:
        return ','.join(number(np.float32(value) * _INCH_PER_MM, 4) for value in values)
    return ','.join(number(value, 3) for value in values)


def rate(value: float, inches: bool) -> str:
    """A speed in mm/min, or in inches/min."""
    return number(np.float32(value) * _INCH_PER_MM, 1) if inches else number(value, 0)


def setting_line(which: int, value: float) -> str:
    """`$110=12000.000`."""
    decimals = 0 if which in WHOLE else 3
    return f'${which}={number(value, decimals) if which in FLOATS else int(value)}\r\n'


def parser_line(state: ParserState, inches: bool) -> str:
    """The answer to `$G`."""
    modes = state.modes
    motion = str(modes.motion)
    if modes.motion in PROBES:
        motion = f'38.{PROBES.index(modes.motion) + 2}'
    elif modes.motion == NO_MOTION:
        motion = '80'
    words = (
        f'G{motion} G{54 + modes.coordinates} G{17 + modes.plane} G{20 if modes.inches else 21} '
        f'G{91 if modes.incremental else 90} G{93 if modes.inverse_time else 94} '
        f'M{modes.spindle} M{8 if modes.flood else 9} T{state.tool} '
        f'F{rate(float(state.feed), inches)} S{number(float(state.spindle_speed), 0)}'
    )
    return f'[GC:{words}]\r\n'


def parameter_lines(state: ParserState, stored: Sequence[np.ndarray], probed: str, inches: bool) -> str:
    """The answer to `$#`."""
    names = [*(f'G{54 + index}' for index in range(6)), 'G28', 'G30']
    lines = [f'[{name}:{position(values, inches)}]\r\n' for name, values in zip(names, stored, strict=True)]
    lines.append(f'[G92:{position(state.offset, inches)}]\r\n')
    tool = position([float(state.tool_offset)], inches)
    return ''.join([*lines, f'[TLO:{tool}]\r\n', probed])


def settings_lines(settings: Mapping[int, float]) -> str:
    """The answer to `$$`."""
    return ''.join(setting_line(which, settings[which]) for which in sorted(settings))
