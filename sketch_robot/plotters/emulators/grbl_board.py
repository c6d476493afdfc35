"""What goes on in a GRBL controller beside its program: time, the serial line, the step timer, resets and alarms.

Time is the controller's clock; nothing here knows of threads or of wall-clock time. Between two moments the stepper
makes its steps, bytes arrive one after the other, the pen's servo turns, and the program, a generator, is resumed
whenever something it may wait for has happened. Reference: grbl/serial.c, stepper.c, motion_control.c (`mc_reset`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping

import numpy as np

from sketch_robot.plotters.emulators import grbl_gcode as gcode
from sketch_robot.plotters.emulators.grbl_gcode import ParserState
from sketch_robot.plotters.emulators.grbl_machine import GrblMachine
from sketch_robot.plotters.emulators.grbl_overrides import override_of
from sketch_robot.plotters.emulators.grbl_pens import NEVER
from sketch_robot.plotters.emulators.grbl_planner import reset_planner
from sketch_robot.plotters.emulators.grbl_serial import LineReader, Receiver
from sketch_robot.plotters.emulators.grbl_settings import AXES
from sketch_robot.plotters.emulators.grbl_simulation import HELD
from sketch_robot.plotters.emulators.grbl_state import BLOCK_BEGUN, CLOCK_HZ, STOPPED, make_motion
from sketch_robot.plotters.emulators.grbl_stepper import advance, kill

IDLE, RUN, HOLD, JOG, HOME, ALARM, CHECK, SLEEP = 'Idle', 'Run', 'Hold', 'Jog', 'Home', 'Alarm', 'Check', 'Sleep'
HARD_LIMIT, SOFT_LIMIT, ABORTED, PROBE_MISSED, HOMING_RESET, HOMING_STUCK, HOMING_LOST = 1, 2, 3, 5, 6, 8, 9
_COAST_FACTOR = 10.0  # a stop without ramp brakes so much harder than the axes' setting

Waiting = Generator[None, None, None]


class GrblBoard(ABC):
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
        elif (override := override_of(byte)) is not None:
            self._overrides.append(override)

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

    def _sync_parser(self) -> None:
        """Let the parser begin at the stepper's position."""
        self.parser.position = self._position_mm()

    def _position_mm(self) -> np.ndarray:
        steps = self.motion.executor[0]['position'].astype(np.float32)
        return steps / self.motion.kinematics['steps_per_mm'][0]

    @abstractmethod
    def _power(self) -> Waiting:
        """The program, from its start on; it never ends."""
