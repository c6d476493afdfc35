"""Machine seconds out of wall-clock seconds, for a machine that exists in time only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

STEP_S = 0.004  # wall-clock; how often the pen moves on


class Pace:
    """Hands out machine seconds as they pass. Time that passes between two calls is kept for the later one.

    Args:
        speedup: machine seconds in a wall-clock second; infinite: no waiting at all.
        clock: wall-clock seconds.
        wait: waits for an event, at most so many wall-clock seconds.

    Raises:
        ValueError: the speed-up is not positive.
    """

    def __init__(
        self,
        speedup: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        if not speedup > 0.0:
            raise ValueError(f'a speed-up of {speedup} is not possible; it must be positive')
        self._speedup = float(speedup)
        self._clock, self._wait = clock, wait
        self._credit_s = 0.0
        self._last_s = clock()

    def now_s(self) -> float:
        """Wall-clock seconds."""
        return self._clock()

    def restart(self) -> None:
        """Forget the time that has passed, as after standing still."""
        self._credit_s, self._last_s = 0.0, self._clock()

    def take(self, wanted_s: float) -> float:
        """Machine seconds that have passed, at most as many as are wanted; the rest is kept.

        None, 0, until they are worth a step or all that is wanted, so that who takes and waits by turns does not spin.
        """
        if np.isinf(self._speedup):
            return wanted_s
        now_s = self._clock()
        self._credit_s += (now_s - self._last_s) * self._speedup
        self._last_s = now_s
        if self._credit_s < min(wanted_s, 0.99 * STEP_S * self._speedup):
            return 0.0
        taken_s = min(wanted_s, self._credit_s)
        self._credit_s -= taken_s
        return taken_s

    def wait(self, event: threading.Event, seconds: float = STEP_S) -> None:
        """Wait for an event, at most so many wall-clock seconds."""
        self._wait(event, seconds)
