"""An emulated EBB without a port: bytes in, bytes out, and a pen on paper, in time that whoever holds it hands out.

Here is what each command does; see `EbbSyntax` for how it is read and answered, `EbbCarriage` for what moves.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from sketch_robot.motion.page import Page
from sketch_robot.plotters.ebb_moves import Axes
from sketch_robot.plotters.emulators.ebb_motion import STEP, TICKS_PER_MS, Job
from sketch_robot.plotters.emulators.ebb_servo import Servo
from sketch_robot.plotters.emulators.ebb_syntax import KEPT_LINES, WAITS_TO_ENABLE, Bad, EbbSyntax

DEEPEST = 32  # entries of the longest queue that firmware 3 allows


class EbbBoard(EbbSyntax):
    """See the module. One thread at a time.

    Args:
        page: the sheet under the pen.
        axes: how it lies on the machine.
        firmware: the version it says it has.
        pen_width_mm: of the line.
        servo: what lifts the pen.

    Attributes:
        supply: of the motors, as QC tells; 300 is 9 V.
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
        super().__init__(page, axes, firmware=firmware, pen_width_mm=pen_width_mm, servo=servo)
        self.commands = deque(maxlen=KEPT_LINES)
        self.supply = 300
        self.reset()

    def press_button(self) -> None:
        """Press PRG."""
        self._button = True

    def reset(self) -> None:
        """Start as after power came on: everything forgotten, the motors and the servo without power."""
        self.power_off()
        self._future = self._checked = self._button = False
        self._variables = [0] * 32
        self._pulse_up, self._pulse_down = 12000, 16000
        self._rate_up = self._rate_down = 0
        self._input = b''

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
                raise Bad(f'!0 Err: <axis{axis}> step rate too high')
            slowest = 1 if self.firmware >= (3, 0, 0) else 112_000  # 1.31 steps/s
            if count != 0 and rate < slowest:
                raise Bad(f'!0 Err: <axis{axis}> step rate too slow')
            rates.append(rate)
        self._turn(Job(0, _magnitudes(steps), (rates[0], rates[1]), (0, 0), _ways(steps), clear))

    def _do_lm(self, given: list[str]) -> None:
        if self.firmware < (2, 7, 0):
            raise Bad("!8 Err: Unknown command 'LM:4C4D'")
        most = 2**31 - 1
        lowest = -(2**31) if self.firmware >= (3, 0, 0) else 0
        values = [self._number(given, k, lowest if k % 3 == 0 else -(2**31), most) for k in range(6)]
        clear = self._number(given, 6, 0, 3, default=0)
        self._no_more(given, 7)
        rates, steps, accels = values[0::3], values[1::3], values[2::3]
        if any(rate < 0 and count < 0 for rate, count in zip(rates, steps, strict=True)):
            raise Bad('!6 Err: Invalid parameter value')
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
            raise Bad("!8 Err: Unknown command 'HM:484D'")
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

    def _do_cs(self, given: list[str]) -> None:
        self._no_more(given, 0)
        self.stepper.clear()
        self._answer('CS')

    def _do_qs(self, given: list[str]) -> None:
        self._no_more(given, 0)
        self._answer('QS', f'{self.stepper.counters[0]},{self.stepper.counters[1]}', legacy_end='\n\rOK\r\n')

    def _do_qe(self, given: list[str]) -> None:
        if self.firmware < (2, 8, 0):
            raise Bad("!8 Err: Unknown command 'QE:5145'")
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
            raise Bad("!8 Err: Unknown command 'QG:5147'")
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
            raise Bad("!8 Err: Unknown command 'QU:5155'")
        what = self._number(given, 0, 0, 255)
        self._no_more(given, 1)
        known = {2: DEEPEST, 3: self.stepper.depth, 6: len(self.stepper.waiting)}
        if what not in known:
            raise Bad('!6 Err: Invalid parameter value')
        self._answer('QU', str(known[what]), named=True)
        if self._future:
            self._say('')  # the board ends this answer twice

    def _do_cu(self, given: list[str]) -> None:
        what = self._number(given, 0, 0, 257)
        value = self._number(given, 1, -32_768, 32_767)
        self._no_more(given, 2)
        newer = self.firmware >= (3, 0, 0)
        if not newer and what not in (1, 2, 3):
            raise Bad('!6 Err: Invalid parameter value')
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
