"""A GRBL plotter on a bench: the driver and an emulated machine in one thread, by the machine's clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from drawings import plan_of

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, Page
from sketch_robot.motion.machine import make_profile
from sketch_robot.plotters import PlotterStatus, paper_of
from sketch_robot.plotters.emulators.faults import Fault, FaultSchedule
from sketch_robot.plotters.emulators.grbl_machine import Hardware
from sketch_robot.plotters.emulators.grbl_unit import GrblUnit
from sketch_robot.plotters.grbl import GrblPlotter
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.paper import coverage
from sketch_robot.plotters.serial_link import SerialLink

LATENCY_S = 0.002  # of a USB port
CARD = Page(60.0, 60.0, 5.0, '60x60')
PROFILE = make_profile('grbl_plotter')
STEP_MM = 0.0125
# Switches near the page's corner: the pen is on the page when it has homed, and a step of error does not matter.
SWITCHES_MM = (-0.9, -0.9, 10.0)
HOMING = {22: 1, 20: 1, 23: 3, 27: 1.0, 24: 600, 25: 6000, 26: 25, 130: 80, 131: 80}
CORNER_MM = (-79.1, -79.1)  # machine coordinates of the page's corner: 0.1 mm from where homing ends


class BenchLink:
    """A port whose time is the machine's: waiting lets the machine run.

    Args:
        unit: the machine.
        latency_s: machine seconds that an answer needs beside those of the line.
    """

    def __init__(self, unit: GrblUnit, *, latency_s: float = LATENCY_S) -> None:
        self.unit = unit
        self.port = 'bench'
        self.latency_s = latency_s
        self.actions: list[tuple[float, Callable[[], object]]] = []
        self._lines = SerialLink('bench')  # cuts bytes into lines as the real one does
        self._open = self._woken = False

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something when so many machine seconds have passed since power-on."""
        self.actions = sorted([*self.actions, (seconds, action)], key=lambda timed: timed[0])

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
            self.wait(max(1e-6, end - self.now_s()), until_heard=True)
            self.wait(self.latency_s)
        self._woken = False
        self._check()
        return self._lines._lines.popleft() if self._lines._lines else None

    def wait(self, seconds: float, *, until_heard: bool = False) -> None:
        """Let the machine run."""
        end = self.now_s() + seconds
        while True:
            until = min([end, *(moment for moment, _ in self.actions[:1])])
            self.unit.run(max(0.0, until - self.now_s()), until_heard=until_heard)
            due = [action for moment, action in self.actions if moment <= self.now_s() + 1e-7]
            self.actions = [timed for timed in self.actions if timed[0] > self.now_s() + 1e-7]
            for action in due:
                action()
            if until_heard or self.now_s() >= end - 1e-7:  # a cycle of its clock
                return

    def _check(self) -> None:
        if not (self._open and self.unit.plugged):
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the machine at bench was lost')


class World:
    """A plotter with limit switches, its driver, and a journal.

    Args:
        folder: for the journal; None: there is none.
        faults: what goes wrong.
        homes: whether it has switches.
        settings: of the controller, beside those that homing needs.
        unit: further options of the emulated machine; `driver`: of the driver.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        faults: FaultSchedule | None = None,
        homes: bool = True,
        settings: dict[int, float] | None = None,
        hardware: Hardware | None = None,
        driver: dict[str, object] | None = None,
        **unit: object,
    ) -> None:
        switches = SWITCHES_MM if homes else None
        self.unit = GrblUnit(
            hardware or Hardware(CARD, switch_mm=switches),
            settings={**(HOMING if homes else {}), **(settings or {})},
            faults=faults,
            **unit,
        )
        self.link = BenchLink(self.unit)
        options = {'check': False, 'profile': PROFILE, **({'origin_mm': CORNER_MM} if homes else {}), **(driver or {})}
        self.options = options
        self.plotter = GrblPlotter(link=self.link, **options)
        self.journal = None if folder is None else Journal(folder / 'drawing.journal')
        self.errors: list[SketchRobotError] = []

    @property
    def machine(self):
        """What is behind the controller, and knows what is true."""
        return self.unit.plotter

    def draw(self, plan: DrawingPlan, attempts: int = 8) -> bool:
        """Draw, home or connect again as a person would, and resume; whether all was drawn."""
        for _ in range(attempts):
            try:
                if self.plotter.status == PlotterStatus.OFFLINE:
                    self.plotter.connect()
                if self.plotter.status == PlotterStatus.ALARM:
                    self.plotter.home()
                if self.plotter.draw(plan, self._resume_if_paused, journal=self.journal).finished:
                    break
            except SketchRobotError as error:
                self.errors.append(error)
                if error.code == ErrorCode.NOTHING_TO_DRAW:
                    break
                if error.code == ErrorCode.PLOTTER_OFFLINE:
                    self.link.wait(1.5)
        else:
            return False
        self.link.wait(0.5)
        if self.journal is not None:
            self.journal.close()
        return True

    def _resume_if_paused(self, _progress: object) -> None:
        if self.plotter.status == PlotterStatus.PAUSED:
            self.plotter.resume()


def small_plan(seed: int) -> DrawingPlan:
    """A few curves, a polyline and a dot on a card, some 4 s of drawing."""
    rng = np.random.default_rng(seed)
    strokes = []
    for _ in range(2):
        t = np.linspace(0.0, rng.uniform(2.0, 5.0), rng.integers(12, 40))
        centre, radius = rng.uniform(18.0, 42.0, 2), rng.uniform(4.0, 10.0)
        strokes.append(centre + radius * np.column_stack([np.cos(t) * (1.0 + 0.05 * t), np.sin(t)]))
    strokes.append(rng.uniform(6.0, 54.0, (1, 2)))
    strokes.append(rng.uniform(8.0, 52.0, (3, 2)))
    rng.shuffle(strokes)
    return plan_of(*strokes, page=CARD, profile=PROFILE)


def off_by_mm(world: World, plan: DrawingPlan, px_per_mm: float = 10.0) -> float:
    """How far ink lies from where it should, or what should be inked from ink, at most."""
    size = round(plan.page.height_mm * px_per_mm), round(plan.page.width_mm * px_per_mm)
    drawn, should = (
        coverage(paper.polylines, px_per_mm, plan.profile.pen_width_mm, *size) > 0.5
        for paper in (world.machine.paper, paper_of(plan))
    )
    away = [
        cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 5)[mine].max(initial=0.0) / px_per_mm
        for mine, other in ((drawn, should), (should, drawn))
    ]
    return float(max(away))


def twice_mm(world: World, plan: DrawingPlan) -> float:
    """How much more ink there is than the plan has."""
    return world.machine.ink_mm - plan.ink_mm


def fault_at_random(kind: str, seed: int, plan: DrawingPlan, value: float | None = None) -> FaultSchedule:
    """One fault of a kind in the middle of a drawing."""
    rng = np.random.default_rng([seed, *kind.encode()])
    name = kind.partition('-')[0]
    if name in ('lose', 'double', 'garble', 'garbage') and kind.endswith('-in'):
        total = sum(map(len, GrblPlotter('-', profile=PROFILE).program_of(plan)))
        return FaultSchedule([Fault(kind, 'bytes', float(rng.integers(150, total + 150)), value)], seed=seed)
    begun_s = 2.2  # when drawing begins: booted and homed
    return FaultSchedule(
        [Fault(kind, 'seconds', begun_s + float(rng.uniform(0.0, plan.predicted_s)), value)], seed=seed
    )
