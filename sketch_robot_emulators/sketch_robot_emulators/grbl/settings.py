"""What a GRBL controller keeps: its `$` settings, as the wiki's page "Configuration" lists them, and its kind.

`EMULATED` are those of the emulated plotter, `FACTORY` those that `$RST=$` restores.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EMULATED: dict[int, float] = {
    0: 10, 1: 255, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0,
    10: 3, 11: 0.01, 12: 0.002, 13: 0,
    20: 0, 21: 0, 22: 0, 23: 3, 24: 600, 25: 6000, 26: 25, 27: 1,
    30: 1000, 31: 0, 32: 0,
    100: 80, 101: 80, 102: 400, 110: 12000, 111: 12000, 112: 6000, 120: 2000, 121: 2000, 122: 500,
    130: 400, 131: 400, 132: 20,
}  # fmt: skip
FACTORY: dict[int, float] = {
    **EMULATED,
    1: 25, 10: 1, 23: 0, 24: 25, 25: 500, 26: 250,
    100: 250, 101: 250, 102: 250, 110: 500, 111: 500, 112: 500, 120: 10, 121: 10, 122: 10,
    130: 200, 131: 200, 132: 200,
}  # fmt: skip
_FRACTIONS = frozenset({11, 12, 24, 25, 27, *(number for number in EMULATED if number >= 100)})
_LINE = re.compile(r'\$(\d+)=(-?[0-9.]+)\s*(?:\(.*\))?')


@dataclass(frozen=True)
class Dialect:
    """How a controller of GRBL's family differs in what it says and keeps.

    Attributes:
        banner: its welcome.
        version, options: what it puts into `[VER:...]` and `[OPT:...]` before the numbers of its buffers.
        listed: settings that `$$` tells; None: all.
        answers_single: whether `$22` alone is answered.
        homes_to_zero: whether the place where homing ends is called 0, so that coordinates may be positive.
        rx_bytes: of the receive buffer.
        eeprom_s: deaf so long while it writes a setting, as an AVR is.
    """

    banner: str = "Grbl 1.1h ['$' for help]"
    version: str = '1.1h.20190830:'
    options: str = 'V'
    listed: frozenset[int] | None = None
    answers_single: bool = False
    homes_to_zero: bool = False
    rx_bytes: int = 128
    eeprom_s: float = 0.02


GRBL = Dialect()
GRBLHAL = Dialect("GrblHAL 1.1f ['$' or '$HELP' for help]", '1.1f.20240330:', answers_single=True, eeprom_s=0.0)
FLUIDNC = Dialect(
    "Grbl 3.7 [FluidNC v3.7.8 (wifi) '$' for help]", '3.7 FluidNC v3.7.8:', 'PHS', frozenset({10, 13}),
    answers_single=True, homes_to_zero=True, eeprom_s=0.0,
)  # fmt: skip


def settings_with(changes: Mapping[int, float] | None = None) -> dict[int, float]:
    """The emulated plotter's settings but for some.

    Raises:
        ValueError: there is no such setting, or its value is negative or not finite.
    """
    for number, value in (changes or {}).items():
        if number not in EMULATED:
            raise ValueError(f'GRBL has no setting ${number}')
        if not (math.isfinite(value) and value >= 0.0):
            raise ValueError(f'${number}={value} is not possible')
    return {**EMULATED, **{number: float(value) for number, value in (changes or {}).items()}}


def setting_line(number: int, value: float) -> str:
    """One line of `$$`: whole numbers without decimals, others with three."""
    return f'${number}={value:.3f}' if number in _FRACTIONS else f'${number}={value:.0f}'


def refusal(settings: Mapping[int, float], number: int, value: float) -> int:
    """The error code for setting a number to a value; 0: it can be set."""
    checks = {
        3: number not in settings,
        4: value < 0.0,
        6: number == 0 and value < 3.0,
        10: number == 20 and value != 0.0 and not homing_enabled(settings),
    }
    return next((code for code, wrong in checks.items() if wrong), 0)


def homing_enabled(settings: Mapping[int, float]) -> bool:
    """Whether `$H` homes: bit 0 of $22, which grblHAL uses as a mask."""
    return bool(int(settings[22]) & 1)


def load_settings(path: str | Path) -> dict[int, float]:
    """Settings from a file as `$$` prints them; empty lines are passed over.

    Raises:
        ValueError: a line is no setting; the message names it.
        OSError: the file cannot be read.
    """
    found = {}
    for number, line in enumerate(Path(path).read_text(encoding='utf-8').splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or int(match[1]) not in EMULATED:
            raise ValueError(f'{path}, line {number}: {line.strip()!r} is no GRBL setting')
        found[int(match[1])] = float(match[2])
    return found


def settings_text(settings: Mapping[int, float]) -> str:
    """Settings as `load_settings` reads them."""
    return ''.join(f'${number}={value:g}\n' for number, value in settings.items())
