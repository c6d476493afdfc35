"""An EBB behind its USB cable, in its own time: what each of its commands does, and what goes wrong on the way to it.

See `syntax` for how commands are read and answered, `EbbCarriage` for what moves. A command that finds the queue full
blocks all after it until there is room. Time is the board's, in ticks of 40 us. A command is obeyed a millisecond after
it has arrived or after the one before it, as USB brings it, and 3 ms after a move, which the board needs to read it;
what it answers is there at once, unless the way is long or a fault holds it back.
"""

from __future__ import annotations

import math
import re
from collections import deque
from typing import ClassVar

import numpy as np

from sketch_robot_emulators.cable import Cable
from sketch_robot_emulators.ebb.carriage import SUPPLY, Axes, AxiDrawAxes, EbbCarriage, Servo
from sketch_robot_emulators.ebb.motion import STEP, TICKS_PER_MS, Job
from sketch_robot_emulators.ebb.syntax import (
    BAD_VALUE,
    COMMANDS,
    MISSING,
    NO_OK,
    NO_OK_EITHER,
    OK_BESIDE,
    Bad,
    Parameter,
    command,
    fields_of,
    optional,
    unknown,
    without_checksum,
)
from sketch_robot_emulators.faults import FaultSchedule
from sketch_robot_emulators.ink import Page, PlainPage

TICK_S = 40e-6
COMMAND_TICKS = TICKS_PER_MS  # a USB frame
MOVE_TICKS = 3 * TICKS_PER_MS  # to read a move (command reference, "Performance")
RESTART_S = 1.0  # until USB finds the board again
MOST_BYTES = 256  # of a command, with its end
KEPT_LINES = 20_000  # to look at
DEEPEST = 32  # entries of the longest queue that firmware 3 allows
THREE = (3, 0, 0)
WAITS_TO_ENABLE = (2, 8, 0)  # the firmware from which EM takes its turn in the queue
_SAID = 'said already'
_MOVES = ('SM', 'XM', 'LM')
_QUEUED = frozenset({b'SM', b'XM', b'LM', b'S2', b'TP', b'SP', b'EM', b'HM', b'CU'})
_MOST, _MOST_OF_2 = 2**31 - 1, 2**24 - 1
_MS, _STEPS, _WORD = Parameter(1, _MOST), Parameter(-_MOST, _MOST), Parameter(0, 65_535)
_ANY = Parameter(-(2**31), _MOST)
_CLEAR = optional(0, 3, since=THREE)


class EbbUnit(Cable):
    """An AxiDraw; one thread.

    Args:
        page: the sheet under the pen; None: A5.
        axes: how it lies on the machine; None: as an AxiDraw has it.
        firmware: the version it says it has; 2.x and 3.0 differ.
        servo: what lifts the pen.
        faults: what goes wrong when.

    Attributes:
        carriage: what it drives.
        stepper: what turns the motors.
        commands: the latest lines received, in order.
        future: whether answers have the future syntax.
        restarts: how often the board has lost its power.
    """

    name: ClassVar[str] = 'EBB'
    pieces: ClassVar = re.compile(rb'.+', re.DOTALL)

    def __init__(
        self,
        page: Page | None = None,
        axes: Axes | None = None,
        *,
        firmware: tuple[int, int, int] = (3, 0, 3),
        servo: Servo | None = None,
        faults: FaultSchedule | None = None,
    ) -> None:
        carriage = EbbCarriage(page or PlainPage(), axes or AxiDrawAxes(), firmware=firmware, servo=servo)
        effects = {
            'reset': (lambda _: self._brown_out(), None),
            'alarm': (lambda _: self._brown_out(), None),  # an EBB has no alarms of its own
            'stuck-pen': (lambda _: self._stick(True), lambda: self._stick(False)),
            'supply': (lambda _: self.give_supply(0), lambda: self.give_supply(SUPPLY)),
            'zero': (lambda _: carriage.stepper.clear(), None),
            'button': (lambda _: self.hold_button(held=True), lambda: self.hold_button(held=False)),
            'push': (lambda way: carriage.move_by_hand((carriage.xy_mm[0] + way, carriage.xy_mm[1] + way)), None),
            'newline': (lambda count: self.receive(b'\r' * int(count)), None),
        }
        super().__init__(carriage.trace, faults, effects=effects)
        self.carriage, self.stepper, self.firmware = carriage, carriage.stepper, firmware
        self.commands: deque[str] = deque(maxlen=KEPT_LINES)
        self.restarts = 0
        self._next_command = 0  # tick from which the board looks at the next command
        self.reset()

    def reset(self) -> None:
        """Start as after power came on: everything forgotten, the motors and the servo without power."""
        self.carriage.power_off()
        self._input, self.future, self._checked = b'', False, False
        self._button = self._button_held = False
        self._variables = [0] * 32
        self._pulse_up, self._pulse_down = 12000, 16000
        self._rate_up = self._rate_down = 0

    def press_button(self) -> None:
        """Press PRG shortly."""
        self._button = True

    def hold_button(self, *, held: bool) -> None:
        """Press PRG and keep it so, or let it go: while it is held, each question finds it pressed anew."""
        self._button = self._button or held
        self._button_held = held

    def give_supply(self, supply: int) -> None:
        """Let the motors have this supply from now on, as QC tells it."""
        self.carriage.supply = supply

    def _stick(self, stuck: bool) -> None:
        self.carriage.servo.stuck = stuck

    def _brown_out(self) -> None:
        """Lose power and get it back."""
        self.restarts += 1
        self.unplug()
        self.reset()
        self._after(RESTART_S, self.replug)

    # ------------------------------------------------------------- of the cable
    @property
    def seconds(self) -> float:
        """The board's time."""
        return self.carriage.ticks * TICK_S

    def client_opens(self) -> None:
        """An EBB goes on as before, whoever opens its port."""

    def unplug(self) -> None:
        """Pull the cable; the board goes on with what it has."""
        super().unplug()
        self._coming.clear()
        self._input = b''

    def _next_event_s(self) -> float:
        if self.stepper.idle and not self._has_input:
            return math.inf
        return (self.carriage.ticks + TICKS_PER_MS - self.carriage.ticks % TICKS_PER_MS) * TICK_S

    def _let_pass(self, until_s: float) -> None:
        seconds = until_s - self.seconds
        self.carriage.advance(max(1, round(seconds / TICK_S)) if seconds > 0.0 else 0)
        self._settle()

    def _take(self, data: bytes) -> None:
        if not self._has_input:
            self._next_command = max(self._next_command, self.carriage.ticks + COMMAND_TICKS)
        self.receive(data)
        self._settle()

    def _settle(self) -> None:
        """Obey what there was the time to read."""
        ticks = self.carriage.ticks
        while ticks >= self._next_command and self._has_input and self.handle_one():
            taken = MOVE_TICKS if self.commands and self.commands[-1][:2].upper() in _MOVES else COMMAND_TICKS
            self._next_command = max(self._next_command, ticks - COMMAND_TICKS) + taken

    def _yes(self) -> bytes:
        return b'LM\n' if self.future else b'OK\r\n'

    # ------------------------------------------------------------- commands
    @property
    def _has_input(self) -> bool:
        """Whether there is a whole command, or too much of one."""
        return b'\r' in self._input or len(self._input) >= MOST_BYTES

    @property
    def blocked(self) -> bool:
        """Whether a whole command waits for room in the queue."""
        line, end, _ = self._input.partition(b'\r')
        name = line[:2].upper()
        if not end or name not in _QUEUED:
            return False
        if name in (b'HM', b'CU'):
            return not self.stepper.idle and (name == b'HM' or line[2:5] == b',4,')
        at_once = line[3:4] in (b'2', b'3') if name == b'SP' else name == b'EM' and self.firmware < WAITS_TO_ENABLE
        return self.stepper.full and not at_once

    def receive(self, data: bytes) -> None:
        """Take bytes that have arrived."""
        self._input += data

    def handle_one(self) -> bool:
        """Obey the next whole command if there is room for it; whether there was one."""
        self._input = self._input.replace(b'\n', b'')
        first, end, rest = self._input.partition(b'\r')
        if len(first) >= MOST_BYTES:
            self._input = self._input[MOST_BYTES:]
            self._say('!3 Err: RX Buffer overrun')
            return True
        if not end or self.blocked:
            return False
        self._input, line = rest, first.decode('ascii', 'replace')
        self.commands.append(line)
        self.lines += 1
        name = line.split(',', 1)[0][:2].upper()
        try:
            line = without_checksum(line) if self._checked else line
            known = COMMANDS.get(name)
            if known is None or self.firmware < known.since:
                raise unknown(name)
            value = known.run(self, *known.values(fields_of(line[len(name) :]), self.firmware))
            if value != _SAID:
                self._say(name if value is None else f'{name},{value}', known.legacy(name, value))
            if name == 'QU' and self.future:
                self._say('')  # the board ends this answer twice
        except Bad as refusal:
            self._say(f'{name},{refusal}', f'{refusal}\r\n')
        return True

    def _say(self, text: str, legacy: str | None = None) -> None:
        """Say a line; `legacy`: what it is in the legacy syntax, with its end."""
        said = text + '\n' if self.future else legacy if legacy is not None else text + '\r\n'
        self._sent += said.encode('ascii', 'replace')

    # ------------------------------------------------------------- moves
    @command('SM', _MS, _STEPS, optional(-_MOST, _MOST), _CLEAR)
    def _move(self, ms: int, first: int, second: int, clear: int) -> None:
        self._check_move(ms, first, second)
        self._queue_steady(ms, (first, second), clear)

    @command('XM', _MS, _STEPS, _STEPS, _CLEAR)
    def _move_mixed(self, ms: int, first: int, second: int, clear: int) -> None:
        self._check_move(ms, first, second)
        self._queue_steady(ms, (first + second, first - second), clear)

    def _check_move(self, *values: int) -> None:
        if self.firmware < THREE and max(map(abs, values)) > _MOST_OF_2:
            raise Bad(BAD_VALUE)

    def _queue_steady(self, ms: int, steps: tuple[int, int], clear: int = 0) -> None:
        if steps == (0, 0):
            self.stepper.waiting.append(Job(ticks=TICKS_PER_MS * min(ms, 100_000)))
            return
        rates = []
        for axis, count in enumerate(steps, start=1):
            # single floats, as the board reckons
            rate = int(np.float32(abs(count)) * (np.float32(STEP / TICKS_PER_MS) / np.float32(ms)))
            if rate > STEP:
                raise Bad(f'!0 Err: <axis{axis}> step rate too high')
            slowest = 1 if self.firmware >= THREE else 112_000  # 1.31 steps/s
            if count != 0 and rate < slowest:
                raise Bad(f'!0 Err: <axis{axis}> step rate too slow')
            rates.append(rate)
        self._turn_motors(steps, (rates[0], rates[1]), (0, 0), clear)

    @command('LM', *[_ANY, Parameter(-(2**31), _MOST), _ANY] * 2, optional(0, 3), since=(2, 7, 0))
    def _move_low_level(self, *values: int) -> None:
        rates, steps, accels, clear = values[0:6:3], values[1:6:3], values[2:6:3], values[6]
        backwards = any(rate < 0 and count < 0 for rate, count in zip(rates, steps, strict=True))
        if backwards or (self.firmware < THREE and min(rates) < 0):
            raise Bad(BAD_VALUE)
        started = rates[0] - int(accels[0] / 2), rates[1] - int(accels[1] / 2)
        self._turn_motors((steps[0], steps[1]), started, (accels[0], accels[1]), clear)

    def _turn_motors(self, steps: tuple[int, int], rate: tuple[int, int], accel: tuple[int, int], clear: int) -> None:
        self.carriage.enabled = [True, True]
        if steps != (0, 0):
            self.stepper.waiting.append(Job(0, steps, rate, accel, clear))

    @command('HM', Parameter(2, 25_000), *[optional(-(2**31), _MOST, None)] * 2, since=(2, 6, 2))
    def _go_home(self, frequency: int, first: int | None, second: int | None) -> None:
        if first is not None and second is None:
            raise Bad(MISSING)
        way = np.array([first or 0, second or 0]) - self.stepper.counters
        if way.any():
            self.stepper.waiting.append(Job(ticks=5 * TICKS_PER_MS))
            ms = max(1, int(np.ceil(1000 * np.abs(way).max() / frequency)))
            self._queue_steady(ms, (int(way[0]), int(way[1])))

    @command('ES', optional(0, 1), end=OK_BESIDE)
    def _stop(self, disable: int) -> str:
        ahead = self.stepper.waiting[0].steps if self.stepper.waiting else (0, 0)
        told = [abs(ahead[0]), abs(ahead[1]), *self.stepper.left()] if self.firmware < THREE else []
        stopped = int(self.stepper.flush())
        if disable:
            self.carriage.enabled = [False, False]
        return ','.join(map(str, [stopped, *told]))

    # ------------------------------------------------------------- motors and counters
    @command('EM', Parameter(0, 5), optional(0, 5, None))
    def _set_modes(self, first: int, second: int | None) -> None:
        if self.firmware >= WAITS_TO_ENABLE:
            self.stepper.waiting.append(Job(enable=(first, second)))
        else:
            self.carriage.enable(first, second)

    @command('CS')
    def _clear_steps(self) -> None:
        self.stepper.clear()

    @command('QS', end=OK_BESIDE)
    def _tell_steps(self) -> str:
        return f'{self.stepper.counters[0]},{self.stepper.counters[1]}'

    @command('QE', since=(2, 8, 0))
    def _tell_modes(self) -> str:
        return ','.join(str(16 // self.stepper.coarseness if on else 0) for on in self.carriage.enabled)

    def _motors(self) -> tuple[int, int, int, int]:
        stepper = self.stepper
        return int(not stepper.idle), int(stepper.turning(0)), int(stepper.turning(1)), int(bool(stepper.waiting))

    @command('QM', end=NO_OK_EITHER, named=True)
    def _tell_motors(self) -> str:
        return ','.join(map(str, self._motors()))

    @command('QG', since=(2, 6, 2), end=NO_OK)
    def _tell_status(self) -> str:
        running, first, second, waiting = self._motors()
        carriage = self.carriage
        bits = (
            self.firmware >= THREE and carriage.power_lost,
            self._button,
            carriage.pen_up,
            running,
            first,
            second,
            waiting,
        )
        self._button, carriage.power_lost = self._button_held, carriage.supply < carriage.least_supply
        return f'{sum(bool(bit) << place for place, bit in enumerate(reversed(bits))):02X}'

    @command('QB')
    def _tell_button(self) -> str:
        pressed, self._button = int(self._button), self._button_held
        return str(pressed)

    # ------------------------------------------------------------- the pen
    @command('SP', Parameter(0, 3), optional(0, 65_535), optional(0, 7))
    def _set_pen(self, state: int, ms: int, _pin: int) -> None:
        if state >= 2 and self.firmware >= (3, 0, 1):
            if state == 3:
                self._pulse_down = self._pulse_up
            self.carriage.aim_servo(self._pulse_up, self._rate_up)
            self.carriage.pen_up = True
        else:
            self._queue_pen(up=state != 0, ms=ms)

    @command('TP', optional(0, 65_535))
    def _toggle_pen(self, ms: int) -> None:
        self._queue_pen(up=not self.carriage.pen_up, ms=ms)

    def _queue_pen(self, *, up: bool, ms: int) -> None:
        aim = (self._pulse_up, self._rate_up) if up else (self._pulse_down, self._rate_down)
        self.stepper.waiting.append(Job(ticks=TICKS_PER_MS * ms, servo=aim, pen_up=up))

    @command('S2', _WORD, Parameter(0, 24), optional(0, 65_535), optional(0, 65_535))
    def _set_servo(self, pulse: int, pin: int, rate: int, ms: int) -> None:
        if pulse and pin == 4:
            self.stepper.waiting.append(Job(ticks=TICKS_PER_MS * ms, servo=(pulse, rate)))

    @command('QP', end=OK_BESIDE)
    def _tell_pen(self) -> str:
        return str(int(self.carriage.pen_up))

    @command('SC', Parameter(0, 255), _WORD)
    def _configure_servo(self, which: int, value: int) -> None:
        if which == 4:
            self._pulse_up = value
        elif which == 5:
            self._pulse_down = value
        if which in (10, 11):
            self._rate_up = value
        if which in (10, 12):
            self._rate_down = value

    @command('SR', Parameter(0, 2**32 - 1), optional(0, 1, None), since=(2, 6, 0))
    def _time_out_servo(self, ms: int, state: int | None) -> None:
        self.carriage.servo_ticks = TICKS_PER_MS * ms
        if state == 0:
            self.carriage.let_servo_go()
            return
        if state == 1:
            self.carriage.servo.wake()
        self.carriage.time_servo(unless_off=state is None)

    # ------------------------------------------------------------- the board itself
    @command('V', end=NO_OK)
    def _tell_version(self) -> str:
        return f'EBBv13_and_above EB Firmware Version {".".join(map(str, self.firmware))}'

    @command('QC')
    def _tell_supply(self) -> str:
        return f'0394,{self.carriage.supply:04d}'

    @command('SL', Parameter(0, 255), optional(0, 31, since=THREE))
    def _keep(self, value: int, index: int) -> None:
        self._variables[index] = value

    @command('QL', optional(0, 31, since=THREE))
    def _tell_kept(self, index: int) -> str:
        return str(self._variables[index])

    @command('QU', Parameter(0, 255), since=THREE, named=True)
    def _tell_utility(self, what: int) -> str:
        known = {2: DEEPEST, 3: self.stepper.depth, 6: len(self.stepper.waiting), 60: self.carriage.least_supply}
        if what not in known:
            raise Bad(BAD_VALUE)
        return str(known[what])

    @command('CU', Parameter(0, 257), Parameter(-32_768, 32_767))
    def _configure(self, what: int, value: int) -> str | None:
        if self.firmware < THREE and what not in (1, 2, 3):
            raise Bad(BAD_VALUE)
        if what == 4:
            self.stepper.depth = min(DEEPEST, max(1, value))
        elif what == 60:
            self.carriage.least_supply = min(1023, max(0, value))
        elif what == 10:
            self.future = value == 1
            self._say('' if self.future else 'CUOK')  # half in the old syntax, half in the new
            return _SAID
        elif what == 54:
            self._checked = value == 1
        return None

    @command('R')
    def _restart(self) -> None:
        self.reset()
