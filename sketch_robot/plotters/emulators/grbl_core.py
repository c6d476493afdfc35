"""The heart of GRBL 1.1h's program: reading lines, waiting, holds, resumes and overrides.

The program of the real controller is one thread that waits at certain places (for room in the planner, for the end of
motion, for time) and looks at real-time commands there and only there. Here it is a generator that yields at the same
places, so that what blocks what is the same: a line is answered when it is parsed and planned, a full planner holds
back the next line, a feed hold stops parsing too, a dwell and a change of spindle wait for all motion. Reference:
grbl/protocol.c of GRBL 1.1h.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator

from sketch_robot.plotters.emulators import grbl_report as report
from sketch_robot.plotters.emulators import grbl_words as words
from sketch_robot.plotters.emulators.grbl_board import (
    ALARM,
    CHECK,
    HARD_LIMIT,
    HOLD,
    IDLE,
    JOG,
    RUN,
    SLEEP,
    SOFT_LIMIT,
    Waiting,
)
from sketch_robot.plotters.emulators.grbl_planner import (
    blocks_waiting,
    override,
    renew_profile,
    replan_from_rest,
    reset_planner,
)
from sketch_robot.plotters.emulators.grbl_state import CLOCK_HZ
from sketch_robot.plotters.emulators.grbl_stepper import kill, start
from sketch_robot.plotters.emulators.grbl_voice import GrblVoice

OK = 0
_ALARM_S = 0.5  # pause after the message, `report_alarm_message`


class Abort(Exception):  # noqa: N818  not an error: the reset takes the program back to its start
    """`sys.abort`: leave whatever is being done and start anew."""


class GrblCore(GrblVoice):
    """The program's frame: what it does with lines and real-time commands whatever they say; see `GrblBoard`."""

    def _power(self) -> Waiting:
        while True:
            self._initialise()
            yield from self._pause(self._idle_cycles())
            self._say(report.BANNER)
            try:
                yield from self._main_loop()
            except Abort:
                continue

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
            on = self.parser.modes.spindle != words.SPINDLE_OFF
            if on:
                self._set_spindle(words.SPINDLE_OFF, 0.0)
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
            if self.parser.modes.spindle != words.SPINDLE_OFF:
                self._set_spindle(self.parser.modes.spindle, float(self.parser.spindle_speed))

    def _start_steps(self) -> None:
        self._rest_is_wanted = False
        start(self.motion)
