"""A GRBL plotter on a bench: the driver and an emulated machine in one thread, by the machine's clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from drawings import plan_of

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page
from sketch_robot.motion.machine import load_limits
from sketch_robot.plotters import PlotterStatus, paper_of
from sketch_robot.plotters.grbl.driver import GrblPlotter
from sketch_robot.plotters.grbl.options import GrblOptions
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.paper import coverage
from sketch_robot_emulators import Fault, FaultSchedule, GrblUnit, Hardware, VirtualLink

LATENCY_S = 0.002  # of a USB port
CARD = Page(60.0, 60.0, 5.0, '60x60')
PROFILE = load_limits('grbl_plotter')
STEP_MM = 0.0125
# Switches near the page's corner: the pen is on the page when it has homed, and a step of error does not matter.
SWITCHES_MM = (-0.9, -0.9, 10.0)
HOMING = {22: 1, 20: 1, 23: 3, 27: 1.0, 24: 600, 25: 6000, 26: 25, 130: 80, 131: 80}
CORNER_MM = (-79.1, -79.1)  # machine coordinates of the page's corner: 0.1 mm from where homing ends


class BenchLink(VirtualLink[GrblUnit]):
    """A port whose time is the machine's, with the errors of a real one."""

    def __init__(self, unit: GrblUnit) -> None:
        super().__init__(unit, latency_s=LATENCY_S, offline=_offline, port='bench')


def _offline(text: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, text)


def make_driver(
    link: BenchLink | None = None, limits: MachineLimits | None = PROFILE, **options: object
) -> GrblPlotter:
    """A driver as a machine's file makes it, on a bench."""
    return GrblPlotter(GrblOptions.read(options, of='the bench'), limits, link=link)


class World:
    """A plotter with limit switches, its driver, and a journal.

    Args:
        folder: for the journal; None: there is none.
        faults: what goes wrong.
        homes: whether it has switches; without, somebody says that the pen is over the corner when it is connected
            first.
        settings: of the controller, beside those that homing needs.
        unit: further options of the emulated machine; `driver`: of the driver, which moves by `limits`.
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
        limits: MachineLimits = PROFILE,
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
        place = {'origin_mm': CORNER_MM} if homes else {'origin_is_set': True}
        self.options = {'check': False, **place, **(driver or {})}
        self.plotter = make_driver(self.link, limits, **self.options)
        self.journal = None if folder is None else Journal(folder / 'drawing.journal')
        self.errors: list[SketchRobotError] = []

    @property
    def machine(self):
        """What is behind the controller, and knows what is true."""
        return self.unit.trace

    def draw(
        self, plan: DrawingPlan, attempts: int = 8, *, mend: Callable[[SketchRobotError], None] | None = None
    ) -> bool:
        """Draw, home or connect again as a person would, and resume; whether all was drawn.

        `mend`: what is done after an error; None: a machine that is offline is waited for.
        """
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
                if mend is not None:
                    mend(error)
                elif error.code == ErrorCode.PLOTTER_OFFLINE:
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
        float(cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 5)[mine].max(initial=0.0)) / px_per_mm
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
        total = sum(map(len, make_driver().program(plan)))
        return FaultSchedule([Fault(kind, 'bytes', float(rng.integers(150, total + 150)), value)], seed=seed)
    begun_s = 2.2  # when drawing begins: booted and homed
    return FaultSchedule(
        [Fault(kind, 'seconds', begun_s + float(rng.uniform(0.0, plan.predicted_s)), value)], seed=seed
    )
