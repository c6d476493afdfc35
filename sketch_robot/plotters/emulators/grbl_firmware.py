"""What GRBL 1.1h does with a line that begins with `$`: settings, states and reports.

Reference: grbl/system.c and settings.c of GRBL 1.1h.
"""

from __future__ import annotations

import math

from sketch_robot.plotters.emulators import grbl_report as report
from sketch_robot.plotters.emulators.grbl_board import ALARM, CHECK, HOLD, IDLE, RUN
from sketch_robot.plotters.emulators.grbl_core import OK
from sketch_robot.plotters.emulators.grbl_execution import GrblExecution, changed_bytes
from sketch_robot.plotters.emulators.grbl_motion import Status
from sketch_robot.plotters.emulators.grbl_serial import LINE_BYTES
from sketch_robot.plotters.emulators.grbl_settings import FACTORY, FLOATS, kinematics_of
from sketch_robot.plotters.emulators.grbl_words import read_number

_FLAGS = frozenset({4, 5, 6, 13, 20, 21, 22, 32})  # settings that are on or off


class GrblFirmware(GrblExecution):
    """The whole controller; see `GrblBoard` for how it is fed."""

    # ------------------------------------------------------------- $ commands
    def _system_line(self, line: str) -> Status:
        kind, rest = line[1:2], line[2:]
        if kind == '':
            self._say(report.HELP)
            return OK
        if kind == 'J':
            return (yield from self._jog(rest))
        if kind in '$GCX':
            return self._plain_command(kind) if not rest else 3
        if self.state not in (IDLE, ALARM):
            return 8
        if kind == '#':
            if rest:
                return 3
            self._say(report.parameter_lines(self.parser, self.stored, self._probe_line(), self._inches))
        elif kind == 'H':
            return (yield from self._home(rest))
        elif kind == 'S':
            if rest != 'LP':
                return 3
            self._flags.add('sleep')
        elif kind == 'I':
            return (yield from self._build(rest))
        elif kind == 'R':
            return (yield from self._restore(rest))
        elif kind == 'N':
            return (yield from self._startup_line(rest))
        else:
            return (yield from self._store(line[1:]))
        return OK

    def _plain_command(self, kind: str) -> int:
        if kind == '$':
            if self.state in (RUN, HOLD):
                return 8
            self._say(report.settings_lines(self.settings))
        elif kind == 'G':
            self._say(report.parser_line(self.parser, self._inches))
        elif kind == 'X':
            if self.state == ALARM:
                self._message(report.UNLOCKED)
                self.state = IDLE
        elif self.state == CHECK:
            self._reset()
            self._message('Disabled')
        elif self.state != IDLE:
            return 8
        else:
            self.state = CHECK
            self._message('Enabled')
        return OK

    def _build(self, rest: str) -> Status:
        if not rest:
            self._say(report.BUILD.format(info=self.build_info))
            return OK
        if rest[0] != '=':
            return 3
        self.build_info = rest[1:]
        yield from self._write_eeprom(len(self.build_info) + 2)
        return OK

    def _restore(self, rest: str) -> Status:
        if len(rest) != 4 or not rest.startswith('ST=') or rest[3] not in '$#*':
            return 3
        if rest[3] in '$*':
            self.settings = dict(FACTORY)
            yield from self._write_eeprom(60)
        if rest[3] in '#*':
            for values in self.stored:
                values[:] = 0.0
            yield from self._write_eeprom(len(self.stored) * 13)
        if rest[3] == '*':
            self.startup_lines = ['', '']
            self.build_info = ''
            yield from self._write_eeprom(6)
        self._use_settings()
        self._message('Restoring defaults')
        self._reset()
        return OK

    def _startup_line(self, rest: str) -> Status:
        if not rest:
            for index, line in enumerate(self.startup_lines):
                self._say(f'$N{index}={line}\r\n')
            return OK
        if self.state != IDLE:
            return 8
        number = read_number(rest, 0)
        if number is None:
            return 2
        value, end = number
        if rest[end : end + 1] != '=':
            return 3
        line = rest[end + 1 :]
        code = yield from self._gcode_line(line)
        if code == OK:
            yield from self._synchronise()
            self.startup_lines[min(1, int(value))] = line
            yield from self._write_eeprom(LINE_BYTES + 1)
        return code

    def _store(self, text: str) -> Status:
        """`$x=value`."""
        number = read_number(text, 0)
        if number is None:
            return 2
        which, end = number
        if text[end : end + 1] != '=':
            return 3
        given = read_number(text, end + 1)
        if given is None:
            return 2
        value, end = given
        if end != len(text) or which > 255.0:
            return 3
        if value < 0.0:
            return 4
        return (yield from self._set(int(which), float(value)))

    def _set(self, which: int, value: float) -> Status:
        if which not in FACTORY:
            return 3
        if which not in FLOATS:
            value = float(int(value) & 0xFF) if math.isfinite(value) else 0.0
        if which in _FLAGS:
            value = float(value != 0.0)
        if which == 0 and value < 3.0:
            return 6
        if which == 20 and value and not self.settings[22]:
            return 10
        old = self.settings[which]
        self.settings[which] = value
        if which == 22 and not value:
            self.settings[20] = 0.0
        if which == 13:
            self._wco_in = 0
        self._use_settings()
        yield from self._write_eeprom(changed_bytes(old, value) if which in FLOATS else int(old != value) * 2)
        return OK

    def _use_settings(self) -> None:
        self.motion.kinematics[:] = kinematics_of(self.settings)
