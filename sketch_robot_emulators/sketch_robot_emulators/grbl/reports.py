"""What a GRBL controller tells of itself: status reports, settings, parameters, parser state and build."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from sketch_robot_emulators.grbl.gcode import MM_PER_INCH
from sketch_robot_emulators.grbl.planner import BLOCKS
from sketch_robot_emulators.grbl.settings import setting_line

if TYPE_CHECKING:
    from sketch_robot_emulators.grbl.unit import GrblUnit

HELP = '[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]'
OFFSETS_EVERY, OFFSETS_EVERY_BUSY = 10, 30  # reports until they tell the offset again
OVERRIDES_EVERY, OVERRIDES_EVERY_BUSY = 10, 20


class Reporter:
    """Words status reports; the offset comes first, then the overrides, each again after some reports, or at once when
    `tell_offsets` or `tell_overrides` was set since it has changed."""

    def __init__(self, grbl: GrblUnit) -> None:
        self._grbl = grbl
        self.forget()

    def forget(self) -> None:
        """Begin as after a reset."""
        self._offsets_in = self._overrides_in = 0
        self.tell_offsets = self.tell_overrides = True

    def report(self) -> str:
        """One status report, `<...>`, as the mask $10 and the unit $13 have it."""
        grbl, settings = self._grbl, self._grbl.settings
        mask, unit = int(settings[10]), _unit(grbl)[0]
        place, zero = np.array(grbl.position_steps) / grbl.planner.steps_per_mm, grbl.offsets.of(grbl.modes)
        detail = {'Hold': ':1', 'Door': ':2'}.get(grbl.state, '')
        fields = [grbl.state + (detail if grbl.planner.moving or not detail else ':0')]
        fields.append(f'MPos:{_mm(grbl, place)}' if mask & 1 else f'WPos:{_mm(grbl, place - zero)}')
        if mask & 2:
            fields.append(f'Bf:{BLOCKS - grbl.planner.waiting},{grbl.free_bytes}')
        fields.append(f'FS:{grbl.planner.speed_mm_s * 60.0 / unit:.0f},{grbl.spindle_value:.0f}')
        if settings[21] and (pressed := ''.join(name for k, name in enumerate('XYZ') if grbl.trace.pressed(k))):
            fields.append('Pn:' + pressed)
        return '<' + '|'.join([*fields, *self._now_and_then(f'WCO:{_mm(grbl, zero)}')]) + '>'

    def _now_and_then(self, offset: str) -> list[str]:
        grbl, planner = self._grbl, self._grbl.planner
        busy = grbl.state in ('Run', 'Hold', 'Jog', 'Home', 'Door')
        self._offsets_in -= 1
        self._overrides_in -= 1
        if self.tell_offsets or self._offsets_in < 0:
            self.tell_offsets, self._overrides_in = False, max(self._overrides_in, 0)
            self._offsets_in = (OFFSETS_EVERY_BUSY if busy else OFFSETS_EVERY) - 1
            return [offset]
        if self.tell_overrides or self._overrides_in < 0:
            self.tell_overrides = False
            self._overrides_in = (OVERRIDES_EVERY_BUSY if busy else OVERRIDES_EVERY) - 1
            on = {'M3': 'S', 'M4': 'C'}.get(grbl.spindle, '') if grbl.spindle_value else ''
            on += 'F' if grbl.flood else ''
            return [
                f'Ov:{planner.feed_percent},{planner.rapid_percent},{grbl.spindle_percent}',
                *([f'A:{on}'] if on else []),
            ]
        return []


def answer_of(grbl: GrblUnit, text: str) -> list[str] | None:
    """The answer to a question that begins with `$`, but for its `ok`; None: there is no such question."""
    settings, dialect, offsets = grbl.settings, grbl.dialect, grbl.offsets
    if text == '$$':
        return [setting_line(*each) for each in settings.items() if dialect.listed is None or each[0] in dialect.listed]
    if text[1:].isdigit():
        number = int(text[1:])
        return [setting_line(number, settings[number])] if dialect.answers_single and number in settings else None
    if text == '$#':
        named = [(f'G{54 + k}', values) for k, values in enumerate(offsets.systems)]
        named += [('G28', offsets.stored[0]), ('G30', offsets.stored[1]), ('G92', offsets.g92)]
        tool, nothing = _mm(grbl, [offsets.tool[2]]), _mm(grbl, [0.0] * 3)
        return [*(f'[{name}:{_mm(grbl, values)}]' for name, values in named), f'[TLO:{tool}]', f'[PRB:{nothing}:0]']
    return {
        '$': [HELP],
        '$G': [f'[GC:{grbl.modes.text()}]'],
        '$N': [f'$N{k}={line}' for k, line in enumerate(grbl.startup)],
        '$I': [f'[VER:{dialect.version}]', f'[OPT:{dialect.options},{BLOCKS},{dialect.rx_bytes}]'],
    }.get(text)


def _unit(grbl: GrblUnit) -> tuple[float, int]:
    """mm of the unit in which places are told, and how many decimals they have."""
    return (MM_PER_INCH, 4) if grbl.settings[13] else (1.0, 3)


def _mm(grbl: GrblUnit, values: Iterable[float]) -> str:
    """Values in mm, in the unit that is told."""
    unit, digits = _unit(grbl)
    return ','.join(f'{value / unit + 0.0:.{digits}f}' for value in values)
