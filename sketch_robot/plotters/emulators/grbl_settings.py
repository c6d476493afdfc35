"""The settings of a GRBL 1.1 controller: their numbers, kinds and factory values, and what motion needs of them.

Numbers, meanings and defaults are those of the GRBL 1.1 wiki ("Configuration") and of `grbl/settings.c`,
`grbl/defaults.h` (DEFAULTS_GENERIC).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing

AXES = 3
SECONDS_PER_MINUTE = 60.0
FACTORY: dict[int, float] = {
    0: 10,  # step pulse, us
    1: 25,  # step idle delay, ms; 255 holds the motors
    2: 0,  # step port invert, mask
    3: 0,  # direction port invert, mask
    4: 0,  # step enable invert
    5: 0,  # limit pins invert
    6: 0,  # probe pin invert
    10: 1,  # status report, mask
    11: 0.010,  # junction deviation, mm
    12: 0.002,  # arc tolerance, mm
    13: 0,  # report inches
    20: 0,  # soft limits
    21: 0,  # hard limits
    22: 0,  # homing cycle
    23: 0,  # homing direction invert, mask
    24: 25.0,  # homing feed, mm/min
    25: 500.0,  # homing seek, mm/min
    26: 250,  # homing debounce, ms
    27: 1.0,  # homing pull-off, mm
    30: 1000.0,  # maximum spindle speed, rpm
    31: 0.0,  # minimum spindle speed, rpm
    32: 0,  # laser mode
    100: 250.0,  # x, y, z steps per mm
    101: 250.0,
    102: 250.0,
    110: 500.0,  # x, y, z maximum rate, mm/min
    111: 500.0,
    112: 500.0,
    120: 10.0,  # x, y, z acceleration, mm/s^2
    121: 10.0,
    122: 10.0,
    130: 200.0,  # x, y, z maximum travel, mm
    131: 200.0,
    132: 200.0,
}
FLOATS = frozenset({11, 12, 24, 25, 27, 30, 31, *(n for n in FACTORY if n >= 100)})  # the others are bytes
WHOLE = frozenset({30, 31})  # floats that are printed without decimals
PLOTTER: dict[int, float] = {  # what differs from the factory on the pen plotter that the emulator stands for
    1: 255,
    10: 3,
    23: 3,
    24: 300.0,
    25: 3000.0,
    100: 80.0,
    101: 80.0,
    102: 400.0,
    110: 12000.0,
    111: 12000.0,
    112: 3000.0,
    120: 2000.0,
    121: 2000.0,
    122: 500.0,
    130: 400.0,
    131: 400.0,
    132: 40.0,
}

_LEAST = 1e-3  # of what must not be zero
_SETTING = re.compile(r'\$(\d{1,3})=(\d+\.?\d*|\.\d+)')

KINEMATICS = np.dtype(
    [
        ('steps_per_mm', 'f4', (AXES,)),
        ('max_rate', 'f4', (AXES,)),  # mm/min
        ('accel', 'f4', (AXES,)),  # mm/min^2
        ('junction_deviation', 'f4'),  # mm
    ],
    align=True,
)


def settings_with(changes: Mapping[int, float] | None = None) -> dict[int, float]:
    """The emulated plotter's settings by number, with changes.

    Raises:
        ValueError: no such setting, or a value that is negative or not finite.
    """
    settings = {**FACTORY, **PLOTTER}
    for number, value in (changes or {}).items():
        if number not in settings:
            raise ValueError(f'GRBL has no setting ${number}')
        if not (np.isfinite(value) and value >= 0.0):
            raise ValueError(f'${number}={value} is not possible; it must not be negative')
        settings[number] = float(value)
    return settings


def kinematics_of(settings: Mapping[int, float]) -> np.ndarray:
    """What planning takes of the settings: (1,) of KINEMATICS, in mm and minutes as GRBL reckons.

    GRBL divides by zeros that it is given; here they are very little.
    """
    kinematics = np.zeros(1, KINEMATICS)
    for axis in range(AXES):
        steps, rate, accel = (max(settings[first + axis], _LEAST) for first in (100, 110, 120))
        kinematics['steps_per_mm'][0, axis] = steps
        kinematics['max_rate'][0, axis] = rate
        kinematics['accel'][0, axis] = np.float32(accel) * np.float32(60.0) * np.float32(60.0)
    kinematics['junction_deviation'] = settings[11]
    return kinematics


def load_settings(path: str | Path) -> dict[int, float]:
    """Settings from a file as `$$` prints them, `$110=12000.000`; what follows a space is a comment.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be read or has a line that is no setting.
    """
    found: dict[int, float] = {}
    try:
        lines = Path(path).read_text('utf-8', errors='replace').splitlines()
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot read {path}: {error.strerror or error}') from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        match = _SETTING.fullmatch(words[0])
        if match is None or int(match[1]) not in FACTORY:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'{path}, line {number}: {line[:40]!r} is no GRBL setting, as $110=12000'
            )
        found[int(match[1])] = float(match[2])
    return found


def save_settings(path: str | Path, settings: Mapping[int, float]) -> None:
    """Write settings as `load_settings` reads them, whole or not at all.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written.
    """
    with replacing(path) as draft:
        draft.write_text(''.join(f'${number}={settings[number]:g}\n' for number in sorted(settings)))
