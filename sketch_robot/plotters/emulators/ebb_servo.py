"""The servo that lifts an emulated EBB's pen."""

from __future__ import annotations

from dataclasses import dataclass

FRAME_MS = 24  # how often the board pulses the servo, and moves its aim by one rate


@dataclass
class Servo:
    """It follows the width of pulses, in 1/12 us, as fast as it can; the more, the higher the pen.

    Attributes:
        pulse: where it is.
        contact: where the pen touches the paper, going down.
        speed: how far it turns in a millisecond, in pulse width; an AxiDraw's servo crosses its range in 0.2 s.
        stuck: it does not move, whatever it is told.
    """

    pulse: float = 18_000.0
    contact: float = 17_000.0
    speed: float = 90.0
    stuck: bool = False
    _aim: float | None = None
    _target: int = 0
    _rate: int = 0
    _ms: int = 0

    @property
    def touching(self) -> bool:
        """Whether the pen is on the paper."""
        return self.pulse <= self.contact

    def release(self) -> None:
        """Lose power: it stays where it is."""
        self._aim = None

    def aim(self, pulse: int, rate: int) -> None:
        """Go to a width, by so much every frame; 0: at once."""
        if self._aim is None:
            self._aim = self.pulse
        self._target, self._rate = pulse, rate
        if rate == 0:
            self._aim = float(pulse)

    def run_until(self, ms: int) -> None:
        """Let time pass, to a millisecond of the board's clock."""
        while self._ms < ms:
            if self._aim is None or (self._aim == self._target and self.pulse == self._aim):
                self._ms = ms
                return
            self._ms += 1
            if self._ms % FRAME_MS == 0 and self._aim != self._target:
                self._aim = _towards(self._aim, self._target, self._rate)
            if not self.stuck:
                self.pulse = _towards(self.pulse, self._aim, self.speed)
            else:
                self._ms = ms
                return


def _towards(value: float, target: float, most: float) -> float:
    return min(value + most, target) if target > value else max(value - most, target)
