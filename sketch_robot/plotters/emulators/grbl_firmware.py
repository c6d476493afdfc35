"""What GRBL 1.1h does with a line: `$` commands, settings, G-code, dwells and spindle.

Reference: grbl/system.c, settings.c, gcode.c (step 4) and spindle_control.c of GRBL 1.1h.
"""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np

from sketch_robot.plotters.emulators import grbl_gcode as gcode
from sketch_robot.plotters.emulators import grbl_report as report
from sketch_robot.plotters.emulators.grbl_board import ALARM, CHECK, HOLD, IDLE, RUN, Waiting
from sketch_robot.plotters.emulators.grbl_core import OK
from sketch_robot.plotters.emulators.grbl_gcode import Command, GcodeError, Modes
from sketch_robot.plotters.emulators.grbl_motion import GrblMotion, Status
from sketch_robot.plotters.emulators.grbl_serial import LINE_BYTES
from sketch_robot.plotters.emulators.grbl_settings import AXES, FACTORY, FLOATS, kinematics_of
from sketch_robot.plotters.emulators.grbl_simulation import DWELL_STEP_S, dwell_steps
from sketch_robot.plotters.emulators.grbl_state import CLOCK_HZ

_EEPROM_BYTE_S = 0.0034  # to erase and write one (ATmega328P); the interrupts are off meanwhile
_FLAGS = frozenset({4, 5, 6, 13, 20, 21, 22, 32})  # settings that are on or off


class GrblFirmware(GrblMotion):
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
        number = gcode.read_number(rest, 0)
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
        number = gcode.read_number(text, 0)
        if number is None:
            return 2
        which, end = number
        if text[end : end + 1] != '=':
            return 3
        given = gcode.read_number(text, end + 1)
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
        yield from self._write_eeprom(_changed_bytes(old, value) if which in FLOATS else int(old != value) * 2)
        return OK

    def _use_settings(self) -> None:
        self.motion.kinematics[:] = kinematics_of(self.settings)

    def _write_eeprom(self, count: int) -> Waiting:
        """The interrupts are off while bytes are written, and the program stands still."""
        cycles = round(count * _EEPROM_BYTE_S * CLOCK_HZ)
        self.serial.deafen(self._clock, self._clock + cycles)
        yield from self._pause(cycles)

    # ------------------------------------------------------------- G-code
    def _gcode_line(self, line: str) -> Status:
        try:
            command = gcode.parse_line(line, self.parser, self.stored)
        except GcodeError as error:
            return error.code
        parser = self.parser
        old = parser.modes
        parser.feed = command.feed
        if parser.spindle_speed != command.spindle_speed:
            if old.spindle != gcode.SPINDLE_OFF:
                yield from self._sync_spindle(old.spindle, float(command.spindle_speed))
            parser.spindle_speed = command.spindle_speed
        parser.tool = command.tool
        if old.spindle != command.modes.spindle:
            yield from self._sync_spindle(command.modes.spindle, float(parser.spindle_speed))
        if old.flood != command.modes.flood:
            yield from self._sync_flood(command.modes.flood)
        if old != command.modes:
            parser.modes = replace(
                command.modes, motion=old.motion, coordinates=old.coordinates, tool_length=old.tool_length
            )
        if command.action == gcode.DWELL:
            yield from self._dwell(command.dwell_s)
        if command.changes_tool_length:
            yield from self._change_tool_length(command)
        if old.coordinates != command.modes.coordinates:
            parser.coordinate_system = self.stored[command.modes.coordinates].copy()
            parser.modes = replace(parser.modes, coordinates=command.modes.coordinates)
            yield from self._offsets_changed()
        yield from self._act(command)
        parser.modes = command.modes
        if command.moves and command.action not in (gcode.GO_HOME_0, gcode.GO_HOME_1):
            yield from self._move(command)
        if command.flow:
            yield from self._end_or_pause(command.flow)
        return OK

    def _act(self, command: Command) -> Waiting:
        parser, action = self.parser, command.action
        if action == gcode.SET_COORDINATES:
            yield from self._store_coordinates(command.coordinates, command.values)
            if parser.modes.coordinates == command.coordinates:
                parser.coordinate_system = command.values.copy()
                yield from self._offsets_changed()
        elif action in (gcode.GO_HOME_0, gcode.GO_HOME_1):
            if command.moves:
                yield from self._line_to(command.target, 0.0, rapid=True)
            yield from self._line_to(command.values, 0.0, rapid=True)
            parser.position = command.values.copy()
        elif action in (gcode.SET_HOME_0, gcode.SET_HOME_1):
            index = gcode.COORDINATE_SYSTEMS + (action == gcode.SET_HOME_1)
            yield from self._store_coordinates(index, parser.position)
        elif action == gcode.SET_OFFSET:
            parser.offset = command.target.copy()
            yield from self._offsets_changed()
        elif action == gcode.RESET_OFFSET:
            parser.offset = np.zeros(AXES, np.float32)
            yield from self._offsets_changed()

    def _store_coordinates(self, index: int, values: np.ndarray) -> Waiting:
        yield from self._synchronise()
        changed = sum(_changed_bytes(a, b) for a, b in zip(self.stored[index], values, strict=True))
        self.stored[index] = values.copy()
        yield from self._write_eeprom(changed)

    def _offsets_changed(self) -> Waiting:
        yield from self._synchronise()
        self._wco_in = 0

    def _change_tool_length(self, command: Command) -> Waiting:
        enabled = command.modes.tool_length
        self.parser.modes = replace(self.parser.modes, tool_length=enabled)
        length = command.target[2] if enabled else np.float32(0.0)
        if self.parser.tool_offset != length:
            self.parser.tool_offset = length
            yield from self._offsets_changed()

    def _dwell(self, seconds: np.float32) -> Waiting:
        if self.state == CHECK:
            return
        yield from self._synchronise()
        step = round(DWELL_STEP_S * CLOCK_HZ)
        for _ in range(dwell_steps(min(float(seconds), 3276.0)) & 0xFFFF):
            yield from self._checkpoint()
            yield from self._pause(step)

    def _sync_spindle(self, state: int, speed: float) -> Waiting:
        if self.state == CHECK:
            return
        yield from self._synchronise()
        self._set_spindle(state, speed)

    def _set_spindle(self, state: int, speed: float) -> None:
        self._ovr_in = 0
        low, high = self.settings[31], self.settings[30]
        speed *= 0.01 * self._spindle_percent
        if state == gcode.SPINDLE_OFF or speed == 0.0:
            self._spindle_is_off, self._spindle_now = True, 0.0
            self.machine.spindle(self._clock, None)
            return
        self._spindle_is_off = False
        self._spindle_now = high if low >= high else min(high, max(low, speed))
        self.machine.spindle(self._clock, self._spindle_now)

    def _sync_flood(self, on: bool) -> Waiting:
        if self.state == CHECK:
            return
        yield from self._synchronise()
        self._ovr_in = 0
        self.machine.flood(self._clock, on)

    def _end_or_pause(self, flow: int) -> Waiting:
        yield from self._synchronise()
        if flow == gcode.PAUSE:
            if self.state != CHECK:
                self._flags.add('hold')
                yield from self._checkpoint()
            return
        parser = self.parser
        parser.modes = Modes(motion=gcode.LINEAR, inches=parser.modes.inches, tool_length=parser.modes.tool_length)
        self._feed_percent = self._rapid_percent = self._spindle_percent = 100
        self.motion.planner['feed_percent'] = self.motion.planner['rapid_percent'] = 100
        if self.state != CHECK:
            parser.coordinate_system = self.stored[0].copy()
            yield from self._offsets_changed()
            self._set_spindle(gcode.SPINDLE_OFF, 0.0)
            self.machine.flood(self._clock, False)
        self._message('Pgm End')


def _changed_bytes(old: float, new: float) -> int:
    """How many bytes of EEPROM a new float takes, its checksum included."""
    before, after = struct.pack('<f', np.float32(old)), struct.pack('<f', np.float32(new))
    changed = sum(a != b for a, b in zip(before, after, strict=True))
    return changed + bool(changed)
