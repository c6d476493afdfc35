"""An emulated EBB without a port: bytes in, bytes out, and a pen on paper, in time that whoever holds it hands out.

It speaks as the command reference has it (EBB command set 2.x and 3.0), in legacy and in future syntax, with checksums
where they are switched on. A command that finds the queue full blocks all after it until there is room.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from sketch_robot.motion.page import Page
from sketch_robot.plotters.ebb_moves import Axes
from sketch_robot.plotters.emulators.ebb_motion import STEP, TICKS_PER_MS, Job, Stepper
from sketch_robot.plotters.emulators.ebb_servo import Servo
from sketch_robot.plotters.paper import Paper

MOST_BYTES = 256  # of a command, with its end
KEPT_LINES = 20_000  # to look at
DEEPEST = 32  # entries of the longest queue that firmware 3 allows
WAITS_TO_ENABLE = (2, 8, 0)  # the firmware from which EM takes its turn in the queue


class _Bad(Exception):  # noqa: N818  what the board answers, not an error of ours
    """A command that the board refuses."""


class EbbBoard:
    """See the module. One thread at a time.

    Args:
        page: the sheet under the pen.
        axes: how it lies on the machine.
        firmware: the version it says it has.
        pen_width_mm: of the line.
        servo: what lifts the pen.

    Attributes:
        ticks: of 40 us, since power came on first.
        lifts: how often the pen has left the paper.
        ink_mm: how far it has drawn.
        travel_down_mm: how far the pen was dragged over the paper while it was told to be up.
        outside_mm: the farthest that the pen has been off the page.
        enabled: whether each motor has its current.
        supply: of the motors, as QC tells; 300 is 9 V.
        commands: the latest lines received, in order.
        lines: how many there were.
    """

    def __init__(
        self,
        page: Page,
        axes: Axes,
        *,
        firmware: tuple[int, int, int] = (3, 0, 3),
        pen_width_mm: float = 0.5,
        servo: Servo | None = None,
    ) -> None:
        self.page, self.axes, self.firmware = page, axes, firmware
        self.paper = Paper(page, pen_width_mm)
        self.servo = servo or Servo()
        self.stepper = Stepper()
        self.ticks = 0
        self.supply = 300
        self.lifts = 0
        self.ink_mm = self.travel_down_mm = self.outside_mm = 0.0
        self.commands: deque[str] = deque(maxlen=KEPT_LINES)
        self.lines = 0
        self._seen, self._made = (0.0, 0.0), b''
        self._origin = np.zeros(2)  # page coordinates that step 0 stands for, mm
        self._variables = [0] * 32
        self._input = b''
        self._output = b''
        self.reset()

    # ------------------------------------------------------------- what can be seen of it
    @property
    def xy_mm(self) -> tuple[float, float]:
        """Where the pen truly is."""
        x, y = self._origin + self.axes.mm(self.stepper.made)
        return float(x), float(y)

    @property
    def pen_down(self) -> bool:
        """Whether the pen touches the paper."""
        return self.servo.touching

    @property
    def has_input(self) -> bool:
        """Whether there is a whole command that it has not obeyed."""
        return b'\r' in self._input or len(self._input) >= MOST_BYTES

    def forget_input(self) -> None:
        """Drop what was said half, or not yet obeyed, as when the cable is pulled."""
        self._input = b''

    @property
    def blocked(self) -> bool:
        """Whether a whole command waits for room in the queue."""
        return b'\r' in self._input and self._must_wait(self._input.split(b'\r', 1)[0])

    # ------------------------------------------------------------- what people do to it
    def press_button(self) -> None:
        """Press PRG."""
        self._button = True

    def move_by_hand(self, xy_mm: tuple[float, float]) -> None:
        """Push the carriage somewhere, which the board does not notice."""
        self.paper.lift()
        self._origin = np.array(xy_mm) - self.axes.mm(self.stepper.made)
        if self.servo.touching:
            self.paper.touch(self.xy_mm)

    def reset(self) -> None:
        """Start as after power came on: everything forgotten, the motors and the servo without power."""
        self.stepper.flush()
        self.stepper.clear()
        self.stepper.depth = 1
        self.stepper.coarseness = 1
        self._future = self._checked = self._button = False
        self._variables = [0] * 32
        self.enabled = [False, False]
        self._pen_up, self._pulse_up, self._pulse_down = True, 12000, 16000
        self._rate_up = self._rate_down = 0
        self._input = b''
        self.servo.release()

    # ------------------------------------------------------------- time
    def advance(self, ticks: int) -> None:
        """Let time pass."""
        while ticks > 0:
            self.stepper.begin_next()
            self._begin_jobs()
            slot = min(ticks, TICKS_PER_MS - self.ticks % TICKS_PER_MS)
            slot, done = self.stepper.run(slot)
            self.ticks += slot
            ticks -= slot
            if done or self.ticks % TICKS_PER_MS == 0:
                self._follow()

    def advance_until_free(self, most_ticks: int) -> None:
        """Let time pass until a waiting command has room, but not for longer than this."""
        while self.blocked and most_ticks > 0:
            self.advance(min(most_ticks, TICKS_PER_MS))
            most_ticks -= TICKS_PER_MS

    def _begin_jobs(self) -> None:
        for job in self.stepper.started:
            if job.servo is not None:
                self.servo.aim(*job.servo)
            if job.pen_up is not None:
                self._pen_up = job.pen_up
            if job.enable is not None:
                self._enable(*job.enable)
        self.stepper.started.clear()

    def _follow(self) -> None:
        """Move the pen over the paper to where the motors are now."""
        was_down = self.servo.touching
        self.servo.run_until(self.ticks // TICKS_PER_MS)
        down = self.servo.touching
        made = self.stepper.made.tobytes()
        if made == self._made and down == was_down:
            return
        was, now = self._seen, self.xy_mm
        self._seen, self._made = now, made
        if was_down and now != was:
            self.paper.ink(np.array([now]))
            length_mm = float(np.hypot(now[0] - was[0], now[1] - was[1]))
            self.ink_mm += length_mm
            self.travel_down_mm += length_mm if self._pen_up else 0.0
        if now != was:
            over = max(-now[0], -now[1], now[0] - self.page.width_mm, now[1] - self.page.height_mm)
            self.outside_mm = max(self.outside_mm, over)
        if down and not was_down:
            self.paper.touch(now)
        elif was_down and not down:
            self.lifts += 1
            self.paper.lift()

    # ------------------------------------------------------------- lines
    def receive(self, data: bytes) -> None:
        """Take bytes from the cable."""
        self._input += data

    def handle_one(self) -> bool:
        """Obey the next whole command if there is room for it; whether there was one."""
        self._input = self._input.replace(b'\n', b'')
        if len(self._input.split(b'\r', 1)[0]) >= MOST_BYTES:
            self._input = self._input[MOST_BYTES:]
            self._say('!3 Err: RX Buffer overrun')
            return True
        if b'\r' not in self._input or self.blocked:
            return False
        line, self._input = self._input.split(b'\r', 1)
        self._obey(line.decode('ascii', 'replace'))
        return True

    def take_output(self) -> bytes:
        """The bytes to put on the cable."""
        data, self._output = self._output, b''
        return data

    def _must_wait(self, line: bytes) -> bool:
        name = line[:2].upper()
        if name in (b'HM', b'CU'):
            return not self.stepper.idle and (name == b'HM' or line[2:5] == b',4,')
        queued = (b'SM', b'XM', b'LM', b'S2', b'TP') + ((b'EM',) if self.firmware >= WAITS_TO_ENABLE else ())
        immediate_pen = name == b'SP' and line[3:4] in (b'2', b'3')
        return (name in queued or (name == b'SP' and not immediate_pen)) and self.stepper.full

    def _obey(self, line: str) -> None:
        self.commands.append(line)
        self.lines += 1
        name = line.split(',', 1)[0][:2].upper()
        try:
            if self._checked:
                line = self._without_checksum(line)
            handler = getattr(self, f'_do_{name.lower()}', None) if name.isascii() and name.isalnum() else None
            body = line[len(name) :]
            if handler is None:
                raise _Bad(f"!8 Err: Unknown command '{name}:{''.join(f'{ord(c) % 256:02X}' for c in name)}'")
            if body and not body.startswith(','):
                raise _Bad(f"!5 Err: Need comma next, found: '{body[0]}'")
            handler(body[1:].split(',') if body else [])
        except _Bad as refusal:
            self._say(f'{name},{refusal}' if self._future else str(refusal))

    def _without_checksum(self, line: str) -> str:
        body, comma, said = line.rpartition(',')
        if not comma or len(said) > 4:
            raise _Bad('!10 Err: No checksum found but required')
        wanted = -sum(ord(c) for c in body) % 256
        if not (said.isascii() and said.isdigit() and int(said) == wanted):
            raise _Bad(f'!9 Err: Checksum incorrect, expected {wanted}')
        return body

    def _say(self, text: str, legacy_end: str = '\r\n') -> None:
        self._output += (text + ('\n' if self._future else legacy_end)).encode('ascii', 'replace')

    def _answer(
        self, name: str, value: str | None = None, *, legacy_end: str = '\r\nOK\r\n', named: bool = False
    ) -> None:
        """Answer a command that was obeyed; with a value to tell, or with OK alone."""
        if self._future:
            self._say(name if value is None else f'{name},{value}')
        elif value is None:
            self._say('OK')
        else:
            self._say(f'{name},{value}' if named else value, legacy_end)

    def _number(self, given: list[str], index: int, low: int, high: int, default: int | None = None) -> int:
        if index >= len(given):
            if default is None:
                raise _Bad('!4 Err: Missing parameter(s)')
            return default
        text = given[index]
        digits = text[1:] if text.startswith('-') else text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and low <= int(text) <= high):
            raise _Bad('!6 Err: Invalid parameter value')
        return int(text)

    def _no_more(self, given: list[str], count: int) -> None:
        if len(given) > count:
            raise _Bad('!7 Err: Extra parameter')

    # ------------------------------------------------------------- moves
    def _do_sm(self, given: list[str]) -> None:
        self._simple_move('SM', given, mixed=False)

    def _do_xm(self, given: list[str]) -> None:
        self._simple_move('XM', given, mixed=True)

    def _simple_move(self, name: str, given: list[str], *, mixed: bool) -> None:
        most = 2**31 - 1 if self.firmware >= (3, 0, 0) else 2**24 - 1
        ms = self._number(given, 0, 1, most)
        first = self._number(given, 1, -most, most)
        second = self._number(given, 2, -most, most, default=None if mixed else 0)
        clear = self._number(given, 3, 0, 3, default=0) if self.firmware >= (3, 0, 0) else 0
        self._no_more(given, 4 if self.firmware >= (3, 0, 0) else 3)
        steps = (first + second, first - second) if mixed else (first, second)
        self._queue_steady(ms, steps, clear)
        self._answer(name)

    def _queue_steady(self, ms: int, steps: tuple[int, int], clear: int = 0) -> None:
        if steps == (0, 0):
            self.stepper.waiting.append(Job(ticks=TICKS_PER_MS * min(ms, 100_000)))
            return
        rates = []
        for axis, count in enumerate(steps, start=1):
            # single floats, as the board reckons
            rate = int(np.float32(abs(count)) * (np.float32(STEP / TICKS_PER_MS) / np.float32(ms)))
            if rate > STEP:
                raise _Bad(f'!0 Err: <axis{axis}> step rate too high')
            slowest = 1 if self.firmware >= (3, 0, 0) else 112_000  # 1.31 steps/s
            if count != 0 and rate < slowest:
                raise _Bad(f'!0 Err: <axis{axis}> step rate too slow')
            rates.append(rate)
        self._turn(Job(0, _magnitudes(steps), (rates[0], rates[1]), (0, 0), _ways(steps), clear))

    def _do_lm(self, given: list[str]) -> None:
        if self.firmware < (2, 7, 0):
            raise _Bad("!8 Err: Unknown command 'LM:4C4D'")
        most = 2**31 - 1
        lowest = -(2**31) if self.firmware >= (3, 0, 0) else 0
        values = [self._number(given, k, lowest if k % 3 == 0 else -(2**31), most) for k in range(6)]
        clear = self._number(given, 6, 0, 3, default=0)
        self._no_more(given, 7)
        rates, steps, accels = values[0::3], values[1::3], values[2::3]
        if any(rate < 0 and count < 0 for rate, count in zip(rates, steps, strict=True)):
            raise _Bad('!6 Err: Invalid parameter value')
        started = [rate - int(accel / 2) for rate, accel in zip(rates, accels, strict=True)]
        pair = (steps[0], steps[1])
        self._turn(Job(0, _magnitudes(pair), (started[0], started[1]), (accels[0], accels[1]), _ways(pair), clear))
        self._answer('LM')

    def _turn(self, job: Job) -> None:
        self.enabled = [True, True]
        if job.moves:
            self.stepper.waiting.append(job)

    def _do_hm(self, given: list[str]) -> None:
        if self.firmware < (2, 6, 2):
            raise _Bad("!8 Err: Unknown command 'HM:484D'")
        frequency = self._number(given, 0, 2, 25_000)
        target = np.zeros(2, dtype=np.int64)
        if len(given) > 1:
            target[:] = [self._number(given, k, -(2**31), 2**31 - 1) for k in (1, 2)]
        self._no_more(given, 3)
        way = target - self.stepper.counters
        if way.any():
            self.stepper.waiting.append(Job(ticks=5 * TICKS_PER_MS))
            ms = max(1, int(np.ceil(1000 * np.abs(way).max() / frequency)))
            self._queue_steady(ms, (int(way[0]), int(way[1])))
        self._answer('HM')

    def _do_es(self, given: list[str]) -> None:
        disable = self._number(given, 0, 0, 1, default=0)
        self._no_more(given, 1)
        ahead = self.stepper.waiting[0].steps if self.stepper.waiting else (0, 0)
        left = self.stepper.left()
        stopped = int(self.stepper.flush())
        if disable:
            self.enabled = [False, False]
        older = f',{ahead[0]},{ahead[1]},{left[0]},{left[1]}'
        self._answer('ES', str(stopped) + (older if self.firmware < (3, 0, 0) else ''), legacy_end='\n\rOK\r\n')

    # ------------------------------------------------------------- motors and counters
    def _do_em(self, given: list[str]) -> None:
        first = self._number(given, 0, 0, 5)
        second = self._number(given, 1, 0, 5, default=-1)
        self._no_more(given, 2)
        modes = (first, None if second < 0 else second)
        if self.firmware >= WAITS_TO_ENABLE:
            self.stepper.waiting.append(Job(enable=modes))
        else:
            self._enable(*modes)
        self._answer('EM')

    def _enable(self, first: int, second: int | None) -> None:
        self.enabled[0] = first > 0
        if second is not None:
            self.enabled[1] = second > 0
        if first > 0:
            self.stepper.coarseness = 2 ** (first - 1)
        if self.firmware >= (2, 6, 2):
            self.stepper.clear()

    def _do_cs(self, given: list[str]) -> None:
        self._no_more(given, 0)
        self.stepper.clear()
        self._answer('CS')

    def _do_qs(self, given: list[str]) -> None:
        self._no_more(given, 0)
        self._answer('QS', f'{self.stepper.counters[0]},{self.stepper.counters[1]}', legacy_end='\n\rOK\r\n')

    def _do_qe(self, given: list[str]) -> None:
        if self.firmware < (2, 8, 0):
            raise _Bad("!8 Err: Unknown command 'QE:5145'")
        self._no_more(given, 0)
        fineness = 16 // self.stepper.coarseness
        self._answer('QE', ','.join(str(fineness if on else 0) for on in self.enabled))

    def _motors(self) -> tuple[int, int, int, int]:
        stepper = self.stepper
        return int(not stepper.idle), int(stepper.turning(0)), int(stepper.turning(1)), int(bool(stepper.waiting))

    def _do_qm(self, given: list[str]) -> None:
        self._no_more(given, 0)
        self._answer('QM', ','.join(map(str, self._motors())), legacy_end='\n\r', named=True)

    def _do_qg(self, given: list[str]) -> None:
        if self.firmware < (2, 6, 2):
            raise _Bad("!8 Err: Unknown command 'QG:5147'")
        self._no_more(given, 0)
        running, first, second, waiting = self._motors()
        byte = 32 * self._button + 16 * self._pen_up + 8 * running + 4 * first + 2 * second + waiting
        self._button = False
        self._answer('QG', f'{byte:02X}', legacy_end='\r\n')

    def _do_qb(self, given: list[str]) -> None:
        self._no_more(given, 0)
        pressed, self._button = int(self._button), False
        self._answer('QB', str(pressed))

    # ------------------------------------------------------------- the pen
    def _do_sp(self, given: list[str]) -> None:
        state = self._number(given, 0, 0, 3)
        ms = self._number(given, 1, 0, 65_535, default=0)
        self._number(given, 2, 0, 7, default=1)
        self._no_more(given, 3)
        if state >= 2 and self.firmware >= (3, 0, 1):
            if state == 3:
                self._pulse_down = self._pulse_up
            self.servo.aim(self._pulse_up, self._rate_up)
            self._pen_up = True
        else:
            self._queue_pen(up=state != 0, ms=ms)
        self._answer('SP')

    def _do_tp(self, given: list[str]) -> None:
        ms = self._number(given, 0, 0, 65_535, default=0)
        self._no_more(given, 1)
        self._queue_pen(up=not self._pen_up, ms=ms)
        self._answer('TP')

    def _queue_pen(self, *, up: bool, ms: int) -> None:
        aim = (self._pulse_up, self._rate_up) if up else (self._pulse_down, self._rate_down)
        self.stepper.waiting.append(Job(ticks=TICKS_PER_MS * ms, servo=aim, pen_up=up))

    def _do_s2(self, given: list[str]) -> None:
        pulse = self._number(given, 0, 0, 65_535)
        pin = self._number(given, 1, 0, 24)
        rate = self._number(given, 2, 0, 65_535, default=0)
        ms = self._number(given, 3, 0, 65_535, default=0)
        self._no_more(given, 4)
        if pulse and pin == 4:
            self.stepper.waiting.append(Job(ticks=TICKS_PER_MS * ms, servo=(pulse, rate)))
        self._answer('S2')

    def _do_qp(self, given: list[str]) -> None:
        self._no_more(given, 0)
        self._answer('QP', str(int(self._pen_up)), legacy_end='\n\rOK\r\n')

    def _do_sc(self, given: list[str]) -> None:
        which = self._number(given, 0, 0, 255)
        value = self._number(given, 1, 0, 65_535)
        self._no_more(given, 2)
        if which == 4:
            self._pulse_up = value
        elif which == 5:
            self._pulse_down = value
        if which in (10, 11):
            self._rate_up = value
        if which in (10, 12):
            self._rate_down = value
        self._answer('SC')

    def _do_sr(self, given: list[str]) -> None:
        self._number(given, 0, 0, 2**32 - 1)
        self._number(given, 1, 0, 1, default=1)
        self._no_more(given, 2)
        self._answer('SR')

    # ------------------------------------------------------------- the board itself
    def _do_v(self, given: list[str]) -> None:
        self._no_more(given, 0)
        text = f'EBBv13_and_above EB Firmware Version {".".join(map(str, self.firmware))}'
        self._answer('V', text, legacy_end='\r\n')

    def _do_qc(self, given: list[str]) -> None:
        self._no_more(given, 0)
        self._answer('QC', f'0394,{self.supply:04d}')

    def _do_sl(self, given: list[str]) -> None:
        value = self._number(given, 0, 0, 255)
        index = self._number(given, 1, 0, 31, default=0)
        self._no_more(given, 2 if self.firmware >= (3, 0, 0) else 1)
        self._variables[index] = value
        self._answer('SL')

    def _do_ql(self, given: list[str]) -> None:
        index = self._number(given, 0, 0, 31, default=0)
        self._no_more(given, 1 if self.firmware >= (3, 0, 0) else 0)
        self._answer('QL', str(self._variables[index]))

    def _do_qu(self, given: list[str]) -> None:
        if self.firmware < (3, 0, 0):
            raise _Bad("!8 Err: Unknown command 'QU:5155'")
        what = self._number(given, 0, 0, 255)
        self._no_more(given, 1)
        known = {2: DEEPEST, 3: self.stepper.depth, 6: len(self.stepper.waiting)}
        if what not in known:
            raise _Bad('!6 Err: Invalid parameter value')
        self._answer('QU', str(known[what]), named=True)
        if self._future:
            self._say('')  # the board ends this answer twice

    def _do_cu(self, given: list[str]) -> None:
        what = self._number(given, 0, 0, 257)
        value = self._number(given, 1, -32_768, 32_767)
        self._no_more(given, 2)
        newer = self.firmware >= (3, 0, 0)
        if not newer and what not in (1, 2, 3):
            raise _Bad('!6 Err: Invalid parameter value')
        if what == 4:
            self.stepper.depth = min(DEEPEST, max(1, value))
        elif what == 10:
            self._future = value == 1
            self._say('' if self._future else 'CUOK')  # half in the old syntax, half in the new
            return
        elif what == 54:
            self._checked = value == 1
        self._answer('CU')

    def _do_r(self, given: list[str]) -> None:
        self._no_more(given, 0)
        self.reset()
        self._answer('R')


def _magnitudes(steps: tuple[int, int]) -> tuple[int, int]:
    return abs(steps[0]), abs(steps[1])


def _ways(steps: tuple[int, int]) -> tuple[int, int]:
    return (-1 if steps[0] < 0 else 1), (-1 if steps[1] < 0 else 1)
