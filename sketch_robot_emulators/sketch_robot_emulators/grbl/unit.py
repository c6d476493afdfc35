"""A GRBL 1.1 controller with a machine behind it, in its own time.

Written from the pages "Interface", "Commands", "Configuration" and "Jogging" of GRBL's wiki and its lists of error and
alarm codes. A line is answered when it has been read and planned; a line in hand is a generator that gives way while
it waits for room in the planner, for rest, or for time. What others of the family do otherwise is in a `Dialect`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from sketch_robot_emulators.cable import Cable
from sketch_robot_emulators.faults import FaultSchedule
from sketch_robot_emulators.grbl.gcode import Modes, Offsets
from sketch_robot_emulators.grbl.homing import HomingMotion
from sketch_robot_emulators.grbl.lines import LineTask, Waits, obey, run_startup
from sketch_robot_emulators.grbl.machine import Hardware, PlotterMachine
from sketch_robot_emulators.grbl.planner import Planner
from sketch_robot_emulators.grbl.reports import Reporter
from sketch_robot_emulators.grbl.settings import GRBL, Dialect, homing_enabled, settings_with

BOOT_S = 0.5  # from the port's opening to the welcome
HARD_LIMIT_S = 0.001  # how often the switches are looked at in motion
RESET, ASK, HOLD, RESUME, DOOR, JOG_CANCEL = 0x18, 0x3F, 0x21, 0x7E, 0x84, 0x85
REAL_TIME = frozenset({RESET, ASK, HOLD, RESUME, *range(0x80, 0x100)})
_OVERRIDES = {  # of which percentage, and by how much; 0: back to 100
    0x90: ('feed', 0), 0x91: ('feed', 10), 0x92: ('feed', -10), 0x93: ('feed', 1), 0x94: ('feed', -1),
    0x99: ('spindle', 0), 0x9A: ('spindle', 10), 0x9B: ('spindle', -10), 0x9C: ('spindle', 1), 0x9D: ('spindle', -1),
}  # fmt: skip
_RAPIDS = {0x95: 100, 0x96: 50, 0x97: 25}
STOP_SPINDLE, TOGGLE_FLOOD = 0x9E, 0xA0


class GrblUnit(Cable):
    """A plotter with a GRBL 1.1 controller; one thread.

    What the client sends comes in at the serial line's speed in machine time. A client that opens the port resets the
    controller, as DTR does on Arduino boards.

    Args:
        hardware: page, pen, switches; None: A5, a servo, no switches.
        settings: what differs from the emulated plotter's settings, by number, as in {110: 6000}; they outlast resets.
        faults: what goes wrong when.
        baud: speed of the serial line; 0: bytes need no time.
        line_s: the controller's time to take in a line; an AVR needs about 1 ms.
        reset_on_open: whether a client that opens the port resets the controller.
        boot_s: from then to the welcome, in which nothing is heard.
        seed: of what sudden stops lose.
        dialect: what kind of controller it is.

    Attributes:
        trace: the machine behind it.
        state: as in a report.
        position: (3,) machine mm where the line in hand begins.
        lines, errors: how many lines were read, and refused.
        resets: how often it has started anew.
        starved: how often the planner ran dry between two motions.
        lost: bytes that found no room, or came while the controller was deaf.
        alarms: their codes.
        switches_work: whether homing finds the switches.
    """

    name: ClassVar[str] = 'GRBL'
    pieces: ClassVar = re.compile(rb'[^\n\r\x18!?~\x80-\xff]*[\n\r\x18!?~\x80-\xff]|[^\n\r\x18!?~\x80-\xff]+')
    trace: PlotterMachine
    _task: LineTask | None
    _waits: Waits | None

    def __init__(
        self,
        hardware: Hardware | None = None,
        *,
        settings: Mapping[int, float] | None = None,
        faults: FaultSchedule | None = None,
        baud: int = 115200,
        line_s: float = 0.0,
        reset_on_open: bool = True,
        boot_s: float = BOOT_S,
        seed: int = 0,
        dialect: Dialect = GRBL,
    ) -> None:
        self.settings, self.dialect = settings_with(settings), dialect
        x, y, z = self.of_axes(100).tolist()
        effects = {
            'reset': (lambda _: self.brown_out(), None),
            'alarm': (lambda code: self.raise_alarm(int(code)), None),
            'stuck-pen': (lambda _: self.trace.lifter.jam(self._now), lambda: self.trace.lifter.free(self._now)),
            'push': (lambda way: self.trace.slip(np.array([way, way])), None),
            'button': (lambda _: self._deliver(b'!'), None),
            'newline': (lambda count: self._deliver(b'\n' * int(count)), None),
        }
        super().__init__(
            PlotterMachine(hardware or Hardware(), (x, y, z), seed=seed), faults, baud=baud, effects=effects
        )
        self.offsets, self.startup = Offsets(), ['', '']
        self.errors = self.resets = self.starved = self.lost = 0
        self.alarms: list[int] = []
        self.switches_work = True
        self.line_s, self._reset_on_open, self._boot_s = line_s, reset_on_open, boot_s
        self.deaf_until, self._boots_s = 0.0, math.inf
        self._buffer, self._line = bytearray(), bytearray()
        self._toggles_spindle = self.spindle_stopped = self._cancelling = self.soft_alarm_due = False
        self.planner, self.homing = Planner(*self.motion_limits()), HomingMotion()
        self.reporter = Reporter(self)
        self._power_on()
        if reset_on_open:
            self._boots_s = boot_s
        self._sent.clear()  # a board that no port resets has been on for long

    # ------------------------------------------------------------- what is there
    @property
    def position_steps(self) -> tuple[int, ...]:
        """Where it believes to be."""
        return tuple(round(each) for each in self.place())

    @property
    def spindle_value(self) -> float:
        """S as it is put out; 0: no pulses."""
        if self.spindle == 'M5' or self.spindle_stopped or self.speed <= 0.0:
            return 0.0
        value = self.speed * self.spindle_percent / 100.0
        return max(self.settings[31], min(self.settings[30], value))

    @property
    def free_bytes(self) -> int:
        """Room in the receive buffer."""
        return self.dialect.rx_bytes - len(self._buffer)

    def of_axes(self, first: int) -> np.ndarray:
        """(3,) what three settings say, from a number on."""
        return np.array([self.settings[first + axis] for axis in range(3)], dtype=np.float64)

    def place(self) -> tuple[float, ...]:
        """Where it is now, in steps."""
        if self.homing.moves:
            return self.homing.place(self.planner.position, self.seconds)
        return self.planner.place_steps()

    def stand_at(self, steps: tuple[int, ...]) -> None:
        """Call the present place something, at rest."""
        self.planner.position = steps
        self.trace.believe(steps)
        self.position = np.array(steps) / self.planner.steps_per_mm

    # ------------------------------------------------------------- time
    def client_opens(self) -> None:
        """A program opens the port."""
        if self._reset_on_open:
            self._kill()
            self._task = None
            self.drop_answers()
            self._coming.clear()
            self._boots_s = self.seconds + self._boot_s

    def _next_event_s(self) -> float:
        times = [self.trace.lifter.next_change(self._now), self._wakes_s, self._boots_s]
        if self.homing.moves:
            times.append(self.homing.end_s)
        elif self.planner.moving:
            times.append(self._now + self.planner.seconds_to_event())
            if self.settings[21]:
                times.append(self._now + HARD_LIMIT_S)
        return min(times)

    def _let_pass(self, until_s: float) -> None:
        passed_s, self._now = until_s - self._now, until_s
        self.planner.advance(passed_s)
        self.trace.follow(self.place(), homing=bool(self.homing.moves))
        self.trace.mind_pen(self._now)
        self._settle()

    def _take(self, data: bytes) -> None:
        """Take a piece into the buffer, and obey the real-time commands in it."""
        if self._boots_s < math.inf:
            return
        if self._now < self.deaf_until:
            self.lost += len(data)
            return
        self._buffer += bytes(byte for byte in data if byte not in REAL_TIME)
        self.lost += max(0, -self.free_bytes)
        del self._buffer[self.dialect.rx_bytes :]
        for byte in data:
            if byte in REAL_TIME:
                self._real_time(byte)
        self._settle()

    def _settle(self) -> None:
        if self._now >= self._boots_s:
            self._power_on()
        if self._boots_s < math.inf:
            return
        if self.settings[21] and self.planner.moving and any(self.trace.pressed(axis) for axis in range(3)):
            self.raise_alarm(1)
        self._end_motion()
        while self._work():
            self._end_motion()

    def _end_motion(self) -> None:
        """See whether motion has come to an end."""
        if self.planner.moving or self.homing.moves:
            return
        if self._toggles_spindle:
            self._toggles_spindle = False
            self._stop_spindle(not self.spindle_stopped)
        if self._cancelling:
            self._cancelling = False
            self._forget_motion()
            self.state = 'Idle'
        elif self.state in ('Run', 'Jog') and not self.planner.waiting:
            self.ran_dry = self.state == 'Run'
            self.state = 'Idle'
        elif self.soft_alarm_due and self.state == 'Hold':
            self.soft_alarm_due = False
            self._forget_motion()
            self.critical(2)

    def _work(self) -> bool:
        """Go on with the line in hand, or take the next one; whether anything was done."""
        if self._rests or self._now < self.deaf_until:
            return False
        if self._task is None:
            return self._next_line()
        waits = self._waits
        if waits is not None and not (self._now >= waits if isinstance(waits, float) else waits()):
            return False
        task = self._task
        waits = next(task, None)
        if self._task is task:  # else it has started the controller anew
            self._task, self._waits = (None if waits is None else task), waits
        return True

    def _next_line(self) -> bool:
        """Take characters out of the buffer, up to the end of a line; whether there were any."""
        if not self._buffer:
            return False
        end = re.search(rb'[\r\n]', self._buffer)
        self._line += self._buffer[: end.start() if end else None]
        del self._buffer[: end.end() if end else None]
        if end:
            line, self._line = self._line.decode('latin-1'), bytearray()
            self.lines += 1
            self._task, self._waits = obey(self, line), None
        return True

    @property
    def _rests(self) -> bool:
        """Whether no line is looked at."""
        return self.halted or self.state in ('Hold', 'Door', 'Sleep')

    @property
    def _wakes_s(self) -> float:
        """When it goes on by itself with the line in hand."""
        if self._now < self.deaf_until:
            return self.deaf_until
        if self._task is None or not isinstance(self._waits, float) or self._rests:
            return math.inf
        return max(self._waits, self._now)

    # ------------------------------------------------------------- starting
    def _power_on(self) -> None:
        """Start as after power came on: the place is forgotten, and a machine that homes is locked."""
        self._boots_s = math.inf
        self.planner.flush()
        self.stand_at((0, 0, 0))
        self.state = 'Alarm' if homing_enabled(self.settings) else 'Idle'
        self.start()

    def start(self) -> None:
        """Greet, with all modes as at the beginning."""
        self.resets += 1
        self._task = self._waits = None
        self._line.clear()
        self._buffer.clear()
        self.homing.moves = []
        self.halted = self.ran_dry = self._cancelling = self._toggles_spindle = False
        self.soft_alarm_due = self.soft_alarm_next = False
        self.modes = Modes()
        self.offsets.g92, self.offsets.tool = np.zeros(3), np.zeros(3)
        self.spindle, self.speed, self.flood = 'M5', 0.0, False
        self.spindle_percent, self.spindle_stopped = 100, False  # stopped by the override for a hold
        self.planner.feed_percent = self.planner.rapid_percent = 100
        self.reporter.forget()
        self.drive_pen()
        self.say('\r\n' + self.dialect.banner)
        if self.state == 'Alarm':
            self.say("[MSG:'$H'|'$X' to unlock]")
        elif any(self.startup):
            self._task = run_startup(self)

    def brown_out(self) -> None:
        """Lose power and get it back: in motion the carriage runs on, and nobody knows where it is."""
        self._kill()
        self._coming.clear()
        self._power_on()

    def _reset(self) -> None:
        """Obey ctrl-x."""
        if self.homing.moves:
            self._alarm(6)
        elif self.planner.moving and self.planner.speed_mm_s > 0.0:
            self._alarm(3)
        else:
            self.state = 'Alarm' if self.state in ('Sleep', 'Alarm') or self.halted else 'Idle'
        self._restart()

    def _restart(self) -> None:
        """Stop and start, with an answer to the line in hand."""
        self._kill()
        if self._task is not None:
            self.say('ok')
        self.start()

    def _kill(self) -> None:
        """Stop the motors at once; what they run on, nobody counts."""
        block, speed = self.planner.current, self.planner.speed_mm_s
        moving = self.planner.moving and speed > 0.0
        self._forget_motion()
        if moving and block is not None:
            self.trace.coast(block.unit, speed, block.accel)

    def _forget_motion(self) -> None:
        here = self.position_steps
        if not self.homing.moves:
            self.trace.follow(here)
            self.planner.flush()
        self.homing.moves = []
        self.stand_at(here)

    # ------------------------------------------------------------- alarms
    def raise_alarm(self, code: int) -> None:
        """Let the machine's sensors give an alarm; 2, a soft limit, comes with the next motion."""
        if code == 2:
            self.soft_alarm_next = True
        elif code == 1:
            self._kill()
            self.critical(1)
        else:
            self._alarm(code)
            self._restart()

    def _alarm(self, code: int) -> None:
        self.alarms.append(code)
        self.say(f'ALARM:{code}')
        self.state = 'Alarm'

    def critical(self, code: int) -> None:
        """Give an alarm after which nothing but a reset helps."""
        self._alarm(code)
        self.say('[MSG:Reset to continue]')
        self.halted = True
        self.switch_off()

    # ------------------------------------------------------------- real-time commands
    def _real_time(self, byte: int) -> None:
        if byte == RESET:
            self._reset()
        elif self.halted:
            return
        elif byte in (HOLD, JOG_CANCEL) and self.state == 'Jog':
            self._cancelling = True
            self.planner.hold()
        elif byte in _ACTIONS:
            _ACTIONS[byte](self)
        else:
            self._override(byte)

    def _hold(self) -> None:
        if self.state in ('Run', 'Idle'):
            self.state = 'Hold'
            self.planner.hold()

    def _open_door(self) -> None:
        if self.state in ('Run', 'Idle', 'Hold', 'Jog'):
            self.state = 'Door'
            self.planner.hold()
            self._stop_spindle(self.spindle != 'M5')

    def _resume(self) -> None:
        if self.state not in ('Hold', 'Door') or self.planner.moving or self.soft_alarm_due:
            return
        if self.spindle_stopped:
            self._stop_spindle(False)
        self.state = 'Run' if self.planner.waiting else 'Idle'
        self.planner.release()

    def _override(self, byte: int) -> None:
        planner = self.planner
        before = planner.feed_percent, planner.rapid_percent, self.spindle_percent
        what, step = _OVERRIDES.get(byte, ('', 0))
        if what == 'feed':
            planner.feed_percent = _stepped(planner.feed_percent, step)
        elif what == 'spindle':
            self.spindle_percent = _stepped(self.spindle_percent, step)
        elif byte in _RAPIDS:
            planner.rapid_percent = _RAPIDS[byte]
        elif byte == STOP_SPINDLE and self.state == 'Hold' and self.spindle != 'M5':
            self._toggles_spindle = not self._toggles_spindle
        elif byte == TOGGLE_FLOOD and self.state in ('Idle', 'Run', 'Hold'):
            self.flood = not self.flood
        self.drive_pen()
        if (planner.feed_percent, planner.rapid_percent, self.spindle_percent) != before:
            self.reporter.tell_overrides = True
            if not planner.holding:
                planner.plan()

    # ------------------------------------------------------------- what goes out
    def say(self, text: str, end: str = '\r\n') -> None:
        """Send to the client."""
        self._sent += (text + end).encode('latin-1', 'replace')

    def motion_limits(self) -> tuple[list[float], list[float], list[float], float]:
        """Steps for a mm, mm/s and mm/s^2 of each axis, and the junction deviation in mm."""
        per_mm, rates, accels = (np.maximum(1e-3, self.of_axes(first)) for first in (100, 110, 120))
        return per_mm.tolist(), (rates / 60.0).tolist(), accels.tolist(), self.settings[11]

    def drive_pen(self) -> None:
        """Put out what spindle and coolant are to do."""
        on = self.spindle != 'M5' and not self.spindle_stopped
        self.trace.drive_pen(self._now, spindle_on=on, value=self.spindle_value, flood=self.flood)

    def switch_off(self) -> None:
        """Stop spindle and coolant."""
        self.spindle, self.flood = 'M5', False
        self.drive_pen()

    def _stop_spindle(self, stopped: bool) -> None:
        """Stop it for a hold, or go on."""
        self.spindle_stopped = stopped
        if not stopped:
            self.say('[MSG:Restoring spindle]')
        self.drive_pen()


def _stepped(percent: int, step: int) -> int:
    return 100 if step == 0 else min(200, max(10, percent + step))


_ACTIONS: dict[int, Callable[[GrblUnit], None]] = {
    ASK: lambda grbl: grbl.say(grbl.reporter.report()),
    HOLD: GrblUnit._hold,
    RESUME: GrblUnit._resume,
    DOOR: GrblUnit._open_door,
    JOG_CANCEL: lambda _: None,
}
