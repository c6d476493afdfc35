"""What an emulated EBB's step interrupt does: two accumulators, a queue of moves, and the counters of steps made."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numba
import numpy as np

TICKS_PER_MS = 25
STEP = 2**31


@dataclass
class Job:
    """One entry of the queue.

    Attributes:
        ticks: how long it lasts; 0: until its steps are made.
        steps: to make, by axis; below zero: backwards.
        rate, accel: what the accumulators take; below zero they count down, and the motor turns the other way.
        clear: which accumulators start from nothing; bit 0 motor 1, bit 1 motor 2.
        servo: (pulse, rate) to set when it begins; None: leave the servo alone.
        pen_up: what the pen is taken for from then on, as QP tells; None: as before.
        enable: motor modes to set when it begins, as EM has them; None: leave them alone.
    """

    ticks: int = 0
    steps: tuple[int, int] = (0, 0)
    rate: tuple[int, int] = (0, 0)
    accel: tuple[int, int] = (0, 0)
    clear: int = 0
    servo: tuple[int, int] | None = None
    pen_up: bool | None = None
    enable: tuple[int, int | None] | None = None

    @property
    def moves(self) -> bool:
        """Whether it turns a motor."""
        return self.steps != (0, 0)


@dataclass
class Stepper:
    """The queue and what runs. One thread at a time.

    Attributes:
        depth: entries that may wait besides the one that runs.
        counters: steps made since they were cleared, as QS tells.
        made: sixteenths of full steps made since the beginning, whatever was cleared: where the motors truly are.
        powered: whether the motors follow; else steps are counted, and nothing turns.
        coarseness: sixteenths of a full step that one step makes: 1, 2, 4, 8 or 16.
    """

    depth: int = 1
    waiting: deque[Job] = field(default_factory=deque)
    running: Job | None = None
    counters: np.ndarray = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    made: np.ndarray = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    powered: bool = True
    coarseness: int = 1
    _held: np.ndarray = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    _rate: np.ndarray = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    _left: np.ndarray = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    _ticks_left: int = 0

    @property
    def full(self) -> bool:
        """Whether the next entry has to wait to be taken."""
        return len(self.waiting) >= self.depth

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return self.running is None and not self.waiting

    def turning(self, axis: int) -> bool:
        """Whether a motor is at work."""
        return self.running is not None and self._left[axis] > 0

    def left(self) -> tuple[int, int]:
        """Steps that the running move has yet to make, by axis."""
        return int(self._left[0]), int(self._left[1])

    def flush(self) -> bool:
        """Stop at once and forget what waits; whether there was anything."""
        had = not self.idle
        self.running = None
        self.waiting.clear()
        self._left[:] = 0
        return had

    def clear(self) -> None:
        """Count from here, with empty accumulators."""
        self.counters[:] = 0
        self._held[:] = 0

    def begin_next(self) -> Job | None:
        """Take the next entry if none runs; it, or None when nothing has begun."""
        if self.running is not None or not self.waiting:
            return None
        job = self.running = self.waiting.popleft()
        for axis in (0, 1):
            if job.clear & (1 << axis):
                # counting down from full is as far from a step as counting up from nothing
                self._held[axis] = STEP - 1 if job.rate[axis] + job.accel[axis] < 0 else 0
        self._rate[:], self._left[:], self._ticks_left = job.rate, np.abs(job.steps), job.ticks
        return job

    def run(self, ticks: int) -> tuple[int, bool]:
        """Run what runs for some ticks; how many it used, and whether it is done."""
        job = self.running
        if job is None:
            return ticks, False
        if not job.moves:
            used = min(ticks, self._ticks_left)
            self._ticks_left -= used
            done = self._ticks_left == 0
        else:
            before = self.counters.copy()
            accel, way = np.array(job.accel, dtype=np.int64), np.where(np.array(job.steps) < 0, -1, 1)
            used, done = _run(self._held, self._rate, accel, self._left, way, self.counters, ticks)
            if self.powered:
                self.made += self.coarseness * (self.counters - before)
        if done:
            self.running = None
        return int(used), bool(done)


@numba.njit(cache=True)
def _run(held, rate, accel, left, way, at, ticks):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Run one move for at most so many ticks, in place; the ticks used, and whether all steps are made."""
    full = 2147483648
    for tick in range(1, ticks + 1):
        for axis in range(2):
            if left[axis] > 0:
                rate[axis] += accel[axis]
                held[axis] += rate[axis]
                if held[axis] >= full or held[axis] < 0:
                    held[axis] += -full if held[axis] >= full else full
                    at[axis] += way[axis] if rate[axis] >= 0 else -way[axis]
                    left[axis] -= 1
        if left[0] <= 0 and left[1] <= 0:
            return tick, True
    return ticks, False
