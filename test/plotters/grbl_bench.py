"""A GRBL plotter on a bench: the driver and an emulated machine in one thread, by the machine's clock."""

from __future__ import annotations

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.emulators.grbl_unit import GrblUnit
from sketch_robot.plotters.serial_link import SerialLink

LATENCY_S = 0.002  # of a USB port, each way together


class BenchLink:
    """A port whose time is the machine's: waiting lets the machine run.

    Args:
        unit: the machine.
        latency_s: machine seconds that every exchange takes beside what the line needs.
        actions: what to do at which machine second, as (seconds, function) pairs; each once.
    """

    def __init__(self, unit: GrblUnit, *, latency_s: float = LATENCY_S, actions=()) -> None:
        self.unit = unit
        self.port = 'bench'
        self.latency_s = latency_s
        self.actions = sorted(actions, key=lambda action: action[0])
        self._lines = SerialLink('bench')  # cuts bytes into lines as the real one does
        self._open = self._woken = False

    def now_s(self) -> float:
        return self.unit.seconds

    def open(self) -> None:
        if not self.unit.plugged:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'there is no machine at bench')
        if not self._open:
            self.unit.heard()
            self._lines._forget()
            self.unit.client_opens()
        self._open = True

    def close(self) -> None:
        self._open = False

    def wake(self) -> None:
        self._woken = True

    def write(self, data: bytes) -> None:
        self._check()
        self.unit.send(data)

    def read_line(self, timeout_s: float) -> str | None:
        self._check()
        end = self.now_s() + timeout_s
        while not self._lines._lines:
            self._lines._take(self.unit.heard())
            if self._lines._lines or self._woken or self.now_s() >= end or not self.unit.plugged:
                break
            self._run(max(1e-6, end - self.now_s()), until_heard=True)
            self._run(self.latency_s)
        self._woken = False
        self._check()
        return self._lines._lines.popleft() if self._lines._lines else None

    def _run(self, seconds: float, *, until_heard: bool = False) -> None:
        if self.actions:
            seconds = min(seconds, max(1e-6, self.actions[0][0] - self.now_s()))
        self.unit.run(seconds, until_heard=until_heard)
        while self.actions and self.actions[0][0] <= self.now_s():
            self.actions.pop(0)[1]()

    def _check(self) -> None:
        if not (self._open and self.unit.plugged):
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the machine at bench was lost')


def image_difference_mm(unit: GrblUnit, wanted, px_per_mm: float = 10.0) -> tuple[float, float]:
    """How far ink lies from where it should, and what should be inked from ink, at most, in mm."""
    import cv2

    drawn = unit.plotter.paper.image(px_per_mm) < 128
    should = wanted.image(px_per_mm) < 128
    away = [
        cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 5)[mine].max(initial=0.0) / px_per_mm
        for mine, other in ((drawn, should), (should, drawn))
    ]
    return float(away[0]), float(away[1])
