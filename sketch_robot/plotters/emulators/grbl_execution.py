"""What GRBL 1.1h does with a line of G-code: moves, dwells, spindle, offsets and what of these is stored.

Reference: grbl/gcode.c, step 4 of `gc_execute_line`, and spindle_control.c.
"""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np

from sketch_robot.plotters.emulators import grbl_gcode as gcode
from sketch_robot.plotters.emulators import grbl_words as words
from sketch_robot.plotters.emulators.grbl_board import CHECK, Waiting
from sketch_robot.plotters.emulators.grbl_core import OK
from sketch_robot.plotters.emulators.grbl_gcode import Command
from sketch_robot.plotters.emulators.grbl_motion import GrblMotion, Status
from sketch_robot.plotters.emulators.grbl_settings import AXES
from sketch_robot.plotters.emulators.grbl_simulation import DWELL_STEP_S, dwell_steps
from sketch_robot.plotters.emulators.grbl_state import CLOCK_HZ
from sketch_robot.plotters.emulators.grbl_words import GcodeError, Modes

_EEPROM_BYTE_S = 0.0034  # to erase and write one (ATmega328P); the interrupts are off meanwhile


class GrblExecution(GrblMotion):
    """The controller as far as G-code goes; see `GrblBoard`."""

    def _gcode_line(self, line: str) -> Status:
        try:
            command = gcode.parse_line(line, self.parser, self.stored)
        except GcodeError as error:
            return error.code
        parser = self.parser
        old = parser.modes
        parser.feed = command.feed
        if parser.spindle_speed != command.spindle_speed:
            if old.spindle != words.SPINDLE_OFF:
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
        if command.action == words.DWELL:
            yield from self._dwell(command.dwell_s)
        if command.changes_tool_length:
            yield from self._change_tool_length(command)
        if old.coordinates != command.modes.coordinates:
            parser.coordinate_system = self.stored[command.modes.coordinates].copy()
            parser.modes = replace(parser.modes, coordinates=command.modes.coordinates)
            yield from self._offsets_changed()
        yield from self._act(command)
        parser.modes = command.modes
        if command.moves and command.action not in (words.GO_HOME_0, words.GO_HOME_1):
            yield from self._move(command)
        if command.flow:
            yield from self._end_or_pause(command.flow)
        return OK

    def _act(self, command: Command) -> Waiting:
        parser, action = self.parser, command.action
        if action == words.SET_COORDINATES:
            yield from self._store_coordinates(command.coordinates, command.values)
            if parser.modes.coordinates == command.coordinates:
                parser.coordinate_system = command.values.copy()
                yield from self._offsets_changed()
        elif action in (words.GO_HOME_0, words.GO_HOME_1):
            if command.moves:
                yield from self._line_to(command.target, 0.0, rapid=True)
            yield from self._line_to(command.values, 0.0, rapid=True)
            parser.position = command.values.copy()
        elif action in (words.SET_HOME_0, words.SET_HOME_1):
            index = gcode.COORDINATE_SYSTEMS + (action == words.SET_HOME_1)
            yield from self._store_coordinates(index, parser.position)
        elif action == words.SET_OFFSET:
            parser.offset = command.target.copy()
            yield from self._offsets_changed()
        elif action == words.RESET_OFFSET:
            parser.offset = np.zeros(AXES, np.float32)
            yield from self._offsets_changed()

    def _store_coordinates(self, index: int, values: np.ndarray) -> Waiting:
        yield from self._synchronise()
        changed = sum(changed_bytes(a, b) for a, b in zip(self.stored[index], values, strict=True))
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
        if state == words.SPINDLE_OFF or speed == 0.0:
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
        if flow == words.PAUSE:
            if self.state != CHECK:
                self._flags.add('hold')
                yield from self._checkpoint()
            return
        parser = self.parser
        parser.modes = Modes(motion=words.LINEAR, inches=parser.modes.inches, tool_length=parser.modes.tool_length)
        self._feed_percent = self._rapid_percent = self._spindle_percent = 100
        self.motion.planner['feed_percent'] = self.motion.planner['rapid_percent'] = 100
        if self.state != CHECK:
            parser.coordinate_system = self.stored[0].copy()
            yield from self._offsets_changed()
            self._set_spindle(words.SPINDLE_OFF, 0.0)
            self.machine.flood(self._clock, False)
        self._message('Pgm End')

    def _write_eeprom(self, count: int) -> Waiting:
        """The interrupts are off while bytes are written, and the program stands still."""
        cycles = round(count * _EEPROM_BYTE_S * CLOCK_HZ)
        self.serial.deafen(self._clock, self._clock + cycles)
        yield from self._pause(cycles)


def changed_bytes(old: float, new: float) -> int:
    """How many bytes of EEPROM a new float takes, its checksum included."""
    before, after = struct.pack('<f', np.float32(old)), struct.pack('<f', np.float32(new))
    changed = sum(a != b for a, b in zip(before, after, strict=True))
    return changed + bool(changed)
