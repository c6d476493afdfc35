"""How GRBL 1.1h moves: lines and arcs into the planner, soft limits, jogs, probes and homing.

Reference: grbl/motion_control.c, limits.c and jog.c of GRBL 1.1h.
"""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np

from sketch_robot.plotters.emulators import grbl_gcode as gcode
from sketch_robot.plotters.emulators import grbl_report as report
from sketch_robot.plotters.emulators import grbl_words as words
from sketch_robot.plotters.emulators.grbl_board import (
    CHECK,
    HOME,
    HOMING_LOST,
    HOMING_RESET,
    HOMING_STUCK,
    IDLE,
    JOG,
    PROBE_MISSED,
    RUN,
    SOFT_LIMIT,
    Waiting,
)
from sketch_robot.plotters.emulators.grbl_core import OK, GrblCore
from sketch_robot.plotters.emulators.grbl_gcode import Command
from sketch_robot.plotters.emulators.grbl_planner import add_block, blocks_free, blocks_waiting, reset_planner
from sketch_robot.plotters.emulators.grbl_settings import AXES
from sketch_robot.plotters.emulators.grbl_state import CLOCK_HZ
from sketch_robot.plotters.emulators.grbl_stepper import kill, start
from sketch_robot.plotters.emulators.grbl_words import GcodeError

Status = Generator[None, None, int]
_POLL = CLOCK_HZ // 1000  # how often homing looks at the switches
_SEARCH, _LOCATE = 1.5, 5.0  # homing goes so many times the travel, and the pull-off, before it gives up
_ARC_EPSILON = 5e-7  # rad
_FARTHEST_MM = 1e6


class GrblMotion(GrblCore):
    """What lines of G-code and `$H`, `$J=` ask of the axes."""

    def _move(self, command: Command) -> Waiting:
        motion = command.modes.motion
        if motion in (words.ARC_CW, words.ARC_CCW):
            yield from self._arc(command)
        elif motion in words.PROBES:
            yield from self._probe(command)
            return
        else:
            yield from self._line_to(
                command.target,
                float(command.feed),
                rapid=motion == words.RAPID,
                inverse_time=command.modes.inverse_time,
            )
        self.parser.position = command.target.copy()

    def _line_to(
        self,
        target: np.ndarray,
        feed: float,
        *,
        rapid: bool = False,
        inverse_time: bool = False,
        fixed_feed: bool = False,
    ) -> Waiting:
        """`mc_line`: check the soft limits, wait for room, plan."""
        if self.state != JOG and (self._limit_wanted or (self.settings[20] and self._beyond_travel(target))):
            yield from self._stop_at_soft_limit()
        if self.state == CHECK:
            return
        yield from self._checkpoint()
        while blocks_free(self.motion) == 0:
            self._auto_start()
            yield from self._checkpoint()
            if blocks_free(self.motion) == 0:
                yield
        if not all(-_FARTHEST_MM < value < _FARTHEST_MM for value in target.tolist()):
            return  # beyond the controller's integers of steps; what it would do is undefined
        starved = blocks_waiting(self.motion) == 0 and not self._rest_is_wanted
        if add_block(self.motion, target, np.float32(feed), rapid, inverse_time, fixed_feed, False, self.lines):
            self.starved += starved

    def _beyond_travel(self, target: np.ndarray) -> bool:
        return any(target[axis] > 0.0 or target[axis] < -self.settings[130 + axis] for axis in range(AXES))

    def _stop_at_soft_limit(self) -> Waiting:
        self._soft_limit = True
        if self.state == RUN:
            self._flags.add('hold')
            while self.state != IDLE:
                yield from self._real_time()
                if self.state != IDLE:
                    yield
        self._reset()
        self._alarm = SOFT_LIMIT
        yield from self._checkpoint()

    def _arc(self, command: Command) -> Waiting:
        """`mc_arc`: chords that stay within the arc tolerance ($12)."""
        first, second, third = command.plane
        place = self.parser.position.copy()
        centre = place[[first, second]] + command.values[[first, second]]
        begin, end = -command.values[[first, second]], command.target[[first, second]] - centre
        turn = math.atan2(float(begin[0] * end[1] - begin[1] * end[0]), float(begin[0] * end[0] + begin[1] * end[1]))
        if command.modes.motion == words.ARC_CW:
            turn -= 2.0 * math.pi if turn >= -_ARC_EPSILON else 0.0
        else:
            turn += 2.0 * math.pi if turn <= _ARC_EPSILON else 0.0
        radius, tolerance = float(command.radius), self.settings[12]
        chord = tolerance * (2.0 * radius - tolerance)
        count = int(abs(0.5 * turn * radius) / math.sqrt(chord)) & 0xFFFF if chord > 0.0 else 0
        feed = float(command.feed) * (count if command.modes.inverse_time and count else 1)
        inverse_time = command.modes.inverse_time and not count
        rise = (command.target[third] - place[third]) / max(count, 1)
        for index in range(1, count):
            angle = turn * index / count
            cosine, sine = math.cos(angle), math.sin(angle)
            place[first] = centre[0] + begin[0] * cosine - begin[1] * sine
            place[second] = centre[1] + begin[0] * sine + begin[1] * cosine
            place[third] += rise
            yield from self._line_to(place, feed, inverse_time=inverse_time)
        yield from self._line_to(command.target, feed, inverse_time=inverse_time)

    def _probe(self, command: Command) -> Waiting:
        """A probe that never touches: the plotter has none."""
        if self.state == CHECK:
            return
        yield from self._synchronise()
        yield from self._line_to(command.target, float(command.feed), fixed_feed=True)
        yield from self._synchronise()
        self._probed = False
        if command.modes.motion in (words.PROBES[1], words.PROBES[3]):
            self._probe_steps = self.motion.executor[0]['position'].copy()
        else:
            self._alarm = PROBE_MISSED
        yield from self._checkpoint()
        kill(self.motion)
        reset_planner(self.motion)
        self._say(self._probe_line())
        self.parser.position = command.target.copy()

    def _probe_line(self) -> str:
        place = self._probe_steps.astype(np.float32) / self.motion.kinematics['steps_per_mm'][0]
        return f'[PRB:{report.position(place, self._inches)}:{int(self._probed)}]\r\n'

    def _jog(self, rest: str) -> Status:
        if self.state not in (IDLE, JOG):
            return 8
        if not rest.startswith('='):
            return 3
        try:
            command = gcode.parse_line(rest[1:], self.parser, self.stored, jog=True)
        except GcodeError as error:
            return error.code
        if self.settings[20] and self._beyond_travel(command.target):
            return 15
        if not command.moves:
            command.target = np.zeros(AXES, np.float32)  # GRBL goes to machine zero; its own slip
        was_idle = self.state == IDLE
        if was_idle:
            yield from self._checkpoint()
        yield from self._line_to(command.target, float(command.feed), fixed_feed=True)
        if self.state == IDLE and blocks_waiting(self.motion):
            self.state = JOG
            self._start_steps()
        self.parser.position = command.target.copy()
        return OK

    # ------------------------------------------------------------- homing
    def _home(self, rest: str) -> Status:
        if not self.settings[22]:
            return 5
        if rest:
            return 3
        self.state = HOME
        self.machine.homing = True
        for axes in ((2,), (0, 1)):  # the pen first
            yield from self._home_axes(axes)
        yield from self._checkpoint()
        self.machine.homing = False
        self._sync_parser()
        reset_planner(self.motion)
        self.state = IDLE
        yield from self._startup()
        return OK

    def _home_axes(self, axes: tuple[int, ...]) -> Waiting:
        """Find the switches fast, leave them, find them slowly, leave them; then they say where the machine is."""
        pull_off = self.settings[27]
        travel = max(_SEARCH * self.settings[130 + axis] for axis in axes)
        rate = self.settings[25]
        approach = True
        for _ in range(4):
            yield from self._home_phase(axes, travel, rate, approach)
            kill(self.motion)
            yield from self._pause(round(self.settings[26] / 1000.0 * CLOCK_HZ))
            approach = not approach
            travel, rate = (pull_off * _LOCATE, self.settings[24]) if approach else (pull_off, self.settings[25])
        for axis in axes:
            low = int(self.settings[23]) >> axis & 1
            at_mm = pull_off - self.settings[130 + axis] if low else -pull_off
            self._recount(axis, round(at_mm * float(self.motion.kinematics['steps_per_mm'][0, axis])))

    def _home_phase(self, axes: tuple[int, ...], travel: float, rate: float, approach: bool) -> Waiting:
        target = self._position_mm()
        for axis in axes:
            self._recount(axis, 0)
            low = bool(int(self.settings[23]) >> axis & 1)
            target[axis] = travel if approach != low else -travel
        feed = np.float32(rate * math.sqrt(len(axes)))
        if not add_block(self.motion, target, feed, False, False, True, True, self.lines):  # no travel, no pull-off
            self._fail_homing(HOMING_LOST if approach else HOMING_STUCK)
            yield from self._real_time()
        prep, run = self.motion.prep[0], self.motion.executor[0]
        prep['system'], prep['hold'], prep['ended'] = True, False, False
        locked = [axis not in axes for axis in range(AXES)]
        start(self.motion)
        run['locked'] = locked
        while not all(locked):
            yield from self._pause(_POLL)
            pressed = self._switches()
            if approach:
                locked = [lock or press for lock, press in zip(locked, pressed, strict=True)]
                run['locked'] = locked
            if 'reset' in self._flags:
                self._fail_homing(HOMING_RESET)
            elif 'stop' in self._flags:
                if not approach and any(pressed[axis] for axis in axes):
                    self._fail_homing(HOMING_STUCK)
                elif approach and not all(locked):
                    self._fail_homing(HOMING_LOST)
                self._flags.discard('stop')
            if self._alarm:
                yield from self._real_time()
            if not run['running']:
                return

    def _fail_homing(self, code: int) -> None:
        self._alarm = code
        self._reset()
        self._alarm = code

    def _recount(self, axis: int, steps: int) -> None:
        """Let the position of an axis be called something else."""
        self._follow_here()
        run = self.motion.executor[0]
        self.machine.recount(axis, int(run['position'][axis]), steps)
        run['position'][axis] = steps
