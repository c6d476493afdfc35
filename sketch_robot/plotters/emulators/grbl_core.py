"""The heart of GRBL 1.1h's program: bytes, waiting, real-time commands, holds, alarms and reports.

The program of the real controller is one thread that waits at certain places (for room in the planner, for the end of
motion, for time) and looks at real-time commands there and only there. Here it is a generator that yields at the same
places, so that what blocks what is the same: a line is answered when it is parsed and planned, a full planner holds
back the next line, a feed hold stops parsing too, a dwell and a change of spindle wait for all motion. Time is the
controller's clock; nothing here knows of threads or of wall-clock time. Reference: grbl/protocol.c, serial.c and
report.c of GRBL 1.1h.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping

import numpy as np

from sketch_robot.plotters.emulators import grbl_gcode as gcode
from sketch_robot.plotters.emulators import grbl_report as report
from sketch_robot.plotters.emulators.grbl_gcode import ParserState
from sketch_robot.plotters.emulators.grbl_machine import GrblMachine
from sketch_robot.plotters.emulators.grbl_pens import NEVER
from sketch_robot.plotters.emulators.grbl_planner import (
    blocks_free,
    blocks_waiting,
    override,
    renew_profile,
    replan_from_rest,
    reset_planner,
)
from sketch_robot.plotters.emulators.grbl_serial import LineReader, Receiver
from sketch_robot.plotters.emulators.grbl_settings import AXES
from sketch_robot.plotters.emulators.grbl_simulation import HELD
from sketch_robot.plotters.emulators.grbl_state import BLOCK_BEGUN, CLOCK_HZ, STOPPED, make_motion
from sketch_robot.plotters.emulators.grbl_stepper import advance, kill, start

OK = 0
IDLE, RUN, HOLD, JOG, HOME, ALARM, CHECK, SLEEP = 'Idle', 'Run', 'Hold', 'Jog', 'Home', 'Alarm', 'Check', 'Sleep'
HARD_LIMIT, SOFT_LIMIT, ABORTED, PROBE_MISSED, HOMING_RESET, HOMING_STUCK, HOMING_LOST = 1, 2, 3, 5, 6, 8, 9
_MOVING = frozenset({RUN, HOLD, JOG, HOME})
_ALARM_S = 0.5  # pause after the message, `report_alarm_message`
_FEED_STEPS = {0x91: 10, 0x92: -10, 0x93: 1, 0x94: -1}
_RAPID_PERCENT = {0x95: 100, 0x96: 50, 0x97: 25}
_SPINDLE_STEPS = {0x9A: 10, 0x9B: -10, 0x9C: 1, 0x9D: -1}
_COAST_FACTOR = 10.0  # a stop without ramp brakes so much harder than the axes' setting

Waiting = Generator[None, None, None]


class Abort(Exception):  # noqa: N818  not an error: the reset takes the program back to its start
    """`sys.abort`: leave whatever is being done and start anew."""


class GrblCore(ABC):
    """A controller with power on, without a port.

    Bytes go in by `receive` and come out in `sent`; `run` lets time pass.

    Args:
        machine: what it drives.
        settings: its EEPROM's, by number.
        baud: of the serial line; 0: bytes need no time.
        line_s: time to take in one line; an AVR needs about 1 ms.
        seed: of what a sudden stop loses.

    Attributes:
        sent: bytes for the client; whoever takes them deletes them.
        state: as in status reports.
        settings: by number.
        serial: the receiving side.
        lines: lines read; `errors`: lines answered with an error.
        starved: motions that began from rest although the program asked for no stop: the planner ran dry.
        resets: starts of the program but the first.
        alarms: codes of the alarms so far.
    """

    def __init__(
        self,
        machine: GrblMachine,
        settings: Mapping[int, float],
        *,
        baud: int = 115200,
        line_s: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.machine = machine
        self.settings = dict(settings)
        self.serial = Receiver(baud)
        self.sent = bytearray()
        self.stored = [np.zeros(AXES, np.float32) for _ in range(gcode.COORDINATE_SYSTEMS + 2)]
        self.startup_lines = ['', '']
        self.build_info = ''
        self.lines = self.errors = self.starved = 0
        self.resets = -1
        self.alarms: list[int] = []
        self.motion = make_motion(self.settings)
        self._clock = 0
        self._line_cycles = round(line_s * CLOCK_HZ)
        self._rng = np.random.default_rng(seed)
        self.switches_work = True
        self.power_on()

    def power_on(self, boot: int = 0) -> None:
        """Begin as after power-on: nothing but EEPROM is remembered, and the position counts from 0.

        Args:
            boot: clock cycles until the program runs.
        """
        run = self.motion.executor[0]
        for axis in range(AXES):
            self.machine.recount(axis, int(run['position'][axis]), 0)
        run['position'] = 0
        self.state = ALARM if self.settings[22] else IDLE
        self._wake = self._clock + boot
        self._block_rapid = False
        self._soft_limit = False
        self._flags: set[str] = set()
        self._alarm = 0
        self._spindle_is_off = True
        self._program = self._power()

    # ------------------------------------------------------------- from outside
    @property
    def clock(self) -> int:
        """Clock cycles since power-on."""
        return self._clock

    @property
    def position_steps(self) -> tuple[int, int, int]:
        """Where the controller believes the machine to be."""
        x, y, z = self.motion.executor[0]['position']
        return int(x), int(y), int(z)

    @property
    def busy(self) -> bool:
        """Whether anything will still happen by itself."""
        return (
            bool(self.motion.executor[0]['running'])
            or self._wake > self._clock
            or self.serial.on_the_wire > 0
            or self.machine.next_event(self._clock) < NEVER
        )

    def receive(self, data: bytes) -> None:
        """The client writes, now."""
        self.serial.send(self._clock, data)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.run_until(self._clock + round(seconds * CLOCK_HZ))

    def run_until(self, clock: int, *, until_sent: bool = False) -> None:
        """Let time pass up to a moment of the clock, or at most until something is sent."""
        while True:
            self._listen()
            if self._clock >= self._wake:
                next(self._program)
            if until_sent and self.sent:
                return
            moment = min(clock, self.serial.next_notable(), self.machine.next_event(self._clock))
            if self._wake > self._clock:
                moment = min(moment, self._wake)
            moment = max(moment, self._clock)
            stood = self._clock
            reached = advance(self.motion, moment, True)
            self._clock = int(self.motion.executor[0]['clock'])
            self._read_marks()
            if self.machine.next_event(stood) <= self._clock:
                self._follow_here()
                self.machine.settle(self._clock)
            if reached and self._clock >= clock and stood == self._clock and self.serial.next_notable() > self._clock:
                return

    def brown_out(self, boot: int = 0) -> None:
        """Power fails for a moment: motors stop where they are, and the program begins anew after so many cycles."""
        self._stop_dead()
        self._switch_outputs_off()
        self.sent.clear()
        self.power_on(boot)

    def raise_alarm(self, code: int) -> None:
        """Let an alarm happen as if a switch had caused it: everything stops dead.

        The soft limit's, 2, comes with the next motion that is planned, after a stop with ramp as GRBL makes it.
        """
        if self.state == ALARM or self._alarm:
            return
        if code == SOFT_LIMIT:
            self._limit_wanted = True
            return
        self._reset()
        self._alarm = code

    # ------------------------------------------------------------- interrupts
    def _listen(self) -> None:
        """The serial interrupt."""
        while self.serial.next_notable() <= self._clock:
            for command in self.serial.arrive(self._clock):
                self._command(command)
            if len(self.serial.buffer) > 0 and self._clock >= self._wake:
                next(self._program)

    def _command(self, byte: int) -> None:
        """A real-time command."""
        if byte == 0x18:
            self._reset()
        elif byte == ord('?'):
            self._flags.add('status')
        elif byte == ord('~'):
            self._flags.add('start')
        elif byte == ord('!'):
            self._flags.add('hold')
        elif byte == 0x85:
            if self.state == JOG:
                self._flags.add('cancel')
        elif byte == 0x90:
            self._overrides.append(('feed', 0))
        elif byte in _FEED_STEPS:
            self._overrides.append(('feed', _FEED_STEPS[byte]))
        elif byte in _RAPID_PERCENT:
            self._overrides.append(('rapid', _RAPID_PERCENT[byte]))
        elif byte == 0x99:
            self._overrides.append(('spindle', 0))
        elif byte in _SPINDLE_STEPS:
            self._overrides.append(('spindle', _SPINDLE_STEPS[byte]))
        elif byte == 0x9E:
            self._overrides.append(('spindle stop', 0))

    def _reset(self) -> None:
        """`mc_reset`: outputs off at once; in motion the motors too, and the position is lost."""
        if 'reset' in self._flags:
            return
        self._flags.add('reset')
        self._switch_outputs_off()
        prep = self.motion.prep[0]
        if self.state in (RUN, HOME, JOG) or prep['hold'] or prep['system']:
            if self.state == HOME:
                self._alarm = self._alarm or HOMING_RESET
            else:
                self._alarm = ABORTED
            self._stop_dead()
            self.serial.deafen(self._clock, self._clock + self._idle_cycles(alarm=True))

    def _stop_dead(self) -> None:
        """No more steps; the pen coasts on, and the steps it misses are lost."""
        self._follow_here()
        run, prep = self.motion.executor[0], self.motion.prep[0]
        if run['running']:
            slot = self.motion.slots[self.motion.segments[run['tail']]['slot']]
            speed = float(prep['speed']) / 60.0
            way = slot['delta'][:2] / self.motion.kinematics['steps_per_mm'][0, :2]
            length = float(np.hypot(*way))
            if length > 0.0 and speed > 0.0:
                accel = float(self.motion.kinematics['accel'][0, :2].min()) / 3600.0
                coast = self._rng.uniform(0.5, 1.0) * speed * speed / (2.0 * _COAST_FACTOR * accel)
                self.machine.slip(coast * way / length)
        kill(self.motion)

    def _switch_outputs_off(self) -> None:
        self._spindle_is_off = True
        self.machine.spindle(self._clock, None)
        self.machine.flood(self._clock, False)

    def _read_marks(self) -> None:
        """What the stepper has done since."""
        count = int(self.motion.executor['marks'][0])
        if not count:
            return
        for clock, kind, position, _, rapid in self.motion.marks[:count].tolist():
            if kind == BLOCK_BEGUN:
                self._block_rapid = rapid
            elif kind == STOPPED:
                self._flags.add('stop')
                self._sleep(self._idle_cycles())
            self.machine.follow(clock, position.tolist(), rapid)
        self.motion.executor['marks'] = 0

    def _follow_here(self) -> None:
        self.machine.follow(self._clock, self.motion.executor[0]['position'].tolist(), self._block_rapid)

    def _idle_cycles(self, *, alarm: bool = False) -> int:
        """How long `st_go_idle` waits before it switches the motors off; 255 ms of $1 mean never to."""
        if self.state == HOME or (self.settings[1] == HELD and not alarm):
            return 0
        return round(self.settings[1] / 1000.0 * CLOCK_HZ)

    def _sleep(self, cycles: int) -> None:
        """The program stands still; interrupts go on."""
        self._wake = max(self._wake, self._clock + cycles)

    # ------------------------------------------------------------- the program
    def _power(self) -> Waiting:
        while True:
            self._initialise()
            yield from self._pause(self._idle_cycles())
            self._say(report.BANNER)
            try:
                yield from self._main_loop()
            except Abort:
                continue

    def _initialise(self) -> None:
        self.resets += 1
        self._flags.clear()
        self._alarm = 0
        self._soft_limit = self._limit_wanted = False
        self._suspended = False
        self._hold_complete = self._jog_cancel = self._motion_cancel = self._asleep = False
        self._feed_percent = self._rapid_percent = self._spindle_percent = 100
        self._overrides: list[tuple[str, int]] = []
        self._spindle_stopped = ''
        self._spindle_now = 0.0
        self._wco_in = self._ovr_in = 0
        self._probed = False
        self._probe_steps = np.zeros(AXES, np.int32)
        self._rest_is_wanted = True
        self.machine.homing = False
        self.serial.clear()
        self._reader = LineReader()
        self.parser = ParserState()
        self.parser.coordinate_system = self.stored[0].copy()
        self._switch_outputs_off()
        kill(self.motion)
        reset_planner(self.motion)
        self.motion.planner['feed_percent'] = self.motion.planner['rapid_percent'] = 100
        self._sync_parser()

    def _main_loop(self) -> Waiting:
        if self.settings[21] and any(self._switches()):
            self.state = ALARM
            self._message('Check Limits')
        if self.state in (ALARM, SLEEP):
            self._message(report.LOCKED)
            self.state = ALARM
        else:
            self.state = IDLE
            yield from self._startup()
        while True:
            while self.serial.buffer:
                taken = self._reader.take(self.serial.buffer)
                if taken is None:
                    break
                yield from self._checkpoint()
                if self._line_cycles:
                    yield from self._pause(self._line_cycles)
                self.lines += 1
                yield from self._line(*taken)
            self._auto_start()
            yield from self._checkpoint()
            yield

    def _line(self, line: str, too_long: bool) -> Waiting:
        try:
            if too_long:
                code = 11
            elif not line:
                code = OK
            elif line[0] == '$':
                code = yield from self._system_line(line)
            elif self.state in (ALARM, JOG):
                code = 9
            else:
                code = yield from self._gcode_line(line)
        except Abort:
            self._say('ok\r\n')  # the real program goes on to answer before it starts anew
            raise
        self._answer(code)

    def _answer(self, code: int) -> None:
        if code:
            self.errors += 1
        self._say(f'error:{code}\r\n' if code else 'ok\r\n')

    def _startup(self) -> Waiting:
        for line in self.startup_lines:
            if line:
                code = yield from self._gcode_line(line)
                self._say(f'>{line}:')
                self._answer(code)

    @abstractmethod
    def _system_line(self, line: str) -> Generator[None, None, int]:
        """Carry out a line that begins with `$`; returns GRBL's status code."""

    @abstractmethod
    def _gcode_line(self, line: str) -> Generator[None, None, int]:
        """Carry out a line of G-code; returns GRBL's status code."""

    @abstractmethod
    def _set_spindle(self, state: int, speed: float) -> None:
        """Set the spindle's output now."""

    @abstractmethod
    def _sync_parser(self) -> None:
        """Let the parser begin at the stepper's position."""

    # ------------------------------------------------------------- waiting
    def _checkpoint(self) -> Waiting:
        """`protocol_execute_realtime`: carry out what interrupts have flagged; wait while held."""
        if self._flags or self._alarm or self._overrides or self._suspended:
            yield from self._real_time()
            while self._suspended:
                self._tend_hold()
                yield
                yield from self._real_time()

    def _pause(self, cycles: int) -> Waiting:
        """Stand still so long, looking at nothing."""
        self._sleep(cycles)
        while self._clock < self._wake:
            yield

    def _synchronise(self) -> Waiting:
        """`protocol_buffer_synchronize`: until all motion is done."""
        self._rest_is_wanted = True
        self._auto_start()
        yield from self._checkpoint()
        while blocks_waiting(self.motion) or self.state == RUN:
            yield
            yield from self._checkpoint()

    def _auto_start(self) -> None:
        if self.state != RUN and blocks_waiting(self.motion):
            self._flags.add('start')

    def _real_time(self) -> Waiting:
        """`protocol_exec_rt_system`."""
        if self._alarm:
            code = self._alarm
            self.state = ALARM
            self.alarms.append(code)
            self._say(f'ALARM:{code}\r\n')
            yield from self._pause(round(_ALARM_S * CLOCK_HZ))
            if code in (HARD_LIMIT, SOFT_LIMIT):
                self._message('Reset to continue')
                self._flags.discard('reset')
                while 'reset' not in self._flags:
                    yield
            self._alarm = 0
        flags = self._flags
        if flags:
            if 'reset' in flags:
                raise Abort
            if 'status' in flags:
                flags.discard('status')
                self._report()
            if flags & {'hold', 'cancel', 'sleep'}:
                self._begin_hold()
            if 'start' in flags:
                flags.discard('start')
                self._cycle_start()
            if 'stop' in flags:
                flags.discard('stop')
                self._cycle_stop()
        if self._overrides:
            self._override()

    def _begin_hold(self) -> None:
        flags = self._flags
        if self.state not in (ALARM, CHECK):
            if self.state in (RUN, JOG) and not (self._motion_cancel or self._jog_cancel):
                renew_profile(self.motion)
                self.motion.prep['hold'] = True
                self.motion.prep['ended'] = False
                if self.state == JOG and 'sleep' not in flags:
                    self._jog_cancel = True
                self._suspended = True
            if self.state == IDLE:
                self._suspended = self._hold_complete = True
            if 'cancel' in flags and self.state != JOG:
                self._motion_cancel = True
            if 'hold' in flags and self.state not in (JOG, SLEEP):
                self._suspended = True
                self.state = HOLD
        if 'sleep' in flags:
            self._suspended = self._hold_complete = True
            self.state = SLEEP
        flags -= {'hold', 'cancel', 'sleep'}

    def _cycle_start(self) -> None:
        if self.state == IDLE or (self.state == HOLD and self._hold_complete):
            if self.state == HOLD and self._spindle_stopped:
                self._restore_spindle()
            self.motion.prep['hold'] = self.motion.prep['ended'] = False
            self._resume_from_suspend()
            if blocks_waiting(self.motion) and not self._motion_cancel:
                self.state = RUN
                self._start_steps()
            else:
                self.state = IDLE

    def _cycle_stop(self) -> None:
        if self.state in (HOLD, SLEEP) and not self._soft_limit and not self._jog_cancel:
            replan_from_rest(self.motion)
            if self.motion.prep['hold'][0]:
                self._hold_complete = True
            self.motion.prep['hold'] = self.motion.prep['system'] = False
            return
        if self._jog_cancel:
            kill(self.motion)
            reset_planner(self.motion)
            self._sync_parser()
        self._resume_from_suspend()
        self.state = IDLE

    def _resume_from_suspend(self) -> None:
        self._suspended = self._hold_complete = self._jog_cancel = self._motion_cancel = False

    def _tend_hold(self) -> None:
        """What is done again and again while suspended."""
        if self.state == SLEEP and self._hold_complete and not self._asleep:
            self._asleep = True
            self._switch_outputs_off()
            self._message('Sleeping')
        if self._spindle_stopped == 'wanted' and self._hold_complete:
            on = self.parser.modes.spindle != gcode.SPINDLE_OFF
            if on:
                self._set_spindle(gcode.SPINDLE_OFF, 0.0)
            self._spindle_stopped = 'stopped' if on else ''

    def _toggle_spindle(self) -> None:
        """While held, the spindle may be stopped, which lifts a pen on a servo, and turned on again."""
        if self.state != HOLD:
            return
        if not self._spindle_stopped:
            self._spindle_stopped = 'wanted'
            self._tend_hold()
        elif self._spindle_stopped == 'stopped':
            self._restore_spindle()

    def _restore_spindle(self) -> None:
        if self._spindle_stopped == 'stopped':
            self._message('Restoring spindle')
            self._set_spindle(self.parser.modes.spindle, float(self.parser.spindle_speed))
        self._spindle_stopped = ''

    def _override(self) -> None:
        feed, rapid, spindle = self._feed_percent, self._rapid_percent, self._spindle_percent
        for kind, value in self._overrides:
            if kind == 'feed':
                feed = 100 if value == 0 else min(200, max(10, feed + value))
            elif kind == 'rapid':
                rapid = value
            elif kind == 'spindle stop':
                self._toggle_spindle()
            else:
                spindle = 100 if value == 0 else min(200, max(10, spindle + value))
        self._overrides.clear()
        if (feed, rapid) != (self._feed_percent, self._rapid_percent):
            self._feed_percent, self._rapid_percent = feed, rapid
            self._ovr_in = 0
            override(self.motion, feed, rapid)
        if spindle != self._spindle_percent:
            self._spindle_percent = spindle
            self._ovr_in = 0
            if self.parser.modes.spindle != gcode.SPINDLE_OFF:
                self._set_spindle(self.parser.modes.spindle, float(self.parser.spindle_speed))

    def _start_steps(self) -> None:
        self._rest_is_wanted = False
        start(self.motion)

    # ------------------------------------------------------------- reports
    def _say(self, text: str) -> None:
        self.sent += text.encode('ascii', 'replace')

    def _message(self, text: str) -> None:
        self._say(f'[MSG:{text}]\r\n')

    @property
    def _inches(self) -> bool:
        return bool(self.settings[13])

    def _position_mm(self) -> np.ndarray:
        steps = self.motion.executor[0]['position'].astype(np.float32)
        return steps / self.motion.kinematics['steps_per_mm'][0]

    def _switches(self) -> list[bool]:
        if self.machine.hardware.switch_mm is None:
            return [False] * AXES
        self._follow_here()
        pressed = self.machine.switches(int(self.settings[23]))
        return pressed if self.switches_work else [False] * AXES

    def _report(self) -> None:
        """The real-time status report."""
        state = self.state
        if state == HOLD:
            state = f'Hold:{0 if self._hold_complete else 1}'
        machine = bool(int(self.settings[10]) & 1)
        offset = self.parser.work_offset
        place = self._position_mm() if machine else self._position_mm() - offset
        parts = [state, f'{"M" if machine else "W"}Pos:{report.position(place, self._inches)}']
        if int(self.settings[10]) & 2:
            parts.append(f'Bf:{blocks_free(self.motion)},{self.serial.free}')
        speed = float(self.motion.prep['speed'][0]) if self.state in _MOVING else 0.0
        parts.append(f'FS:{report.rate(speed, self._inches)},{report.number(self._spindle_now, 0)}')
        pressed = self._switches()
        if any(pressed):
            parts.append('Pn:' + ''.join(name for name, on in zip('XYZ', pressed, strict=True) if on))
        moving = self.state in _MOVING
        if self._wco_in > 0:
            self._wco_in -= 1
        else:
            self._wco_in = 29 if moving else 9
            self._ovr_in = max(self._ovr_in, 1)
            parts.append(f'WCO:{report.position(offset, self._inches)}')
        if self._ovr_in > 0:
            self._ovr_in -= 1
        else:
            self._ovr_in = 19 if moving else 9
            parts.append(f'Ov:{self._feed_percent},{self._rapid_percent},{self._spindle_percent}')
            accessory = '' if self._spindle_is_off else 'S' if self.parser.modes.spindle == gcode.SPINDLE_CW else 'C'
            accessory += 'F' if self.parser.modes.flood else ''
            if accessory:
                parts.append(f'A:{accessory}')
        self._say(f'<{"|".join(parts)}>\r\n')
