"""An emulated EBB in its own time, plans that keep it busy, and what the paper says afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, time_plan
from sketch_robot.plotters.ebb import EbbOptions, EbbPlotter
from sketch_robot.plotters.ebb.moves import Axes
from sketch_robot.plotters.paper import coverage, paper_of
from sketch_robot.stroke import Stroke
from sketch_robot_emulators import EbbUnit, FaultSchedule, VirtualLink

AXIDRAW = MachineLimits('axidraw', 50.0, 200.0, 200.0, 400.0, 0.12, 0.12, 0.127)
QUICK = MachineLimits('quick', 100.0, 1000.0, 200.0, 2000.0, 0.1, 0.1, 0.01)
FIRMWARES = ((2, 5, 3), (2, 8, 1), (3, 0, 3))  # SM and QM; LM and QG; checksums and a longer queue
PX_PER_MM = 10.0
HALF_STEP_MM = 0.007  # one motor of the two is always first


CARD = Page(60.0, 40.0, 2.0, 'card')


def plan_with(profile: MachineLimits, *strokes: object, page: Page = CARD) -> DrawingPlan:
    """A plan of strokes in mm."""
    made = tuple(Stroke(np.array(xy, dtype=float)) for xy in strokes)
    stroke_s, return_s = time_plan(made, profile)
    return DrawingPlan(made, page, profile, stroke_s, return_s)


def waves(seed: int, *, profile: MachineLimits = QUICK) -> DrawingPlan:
    """Two wavy lines near the origin, there and back, and a dot between: much ink and little travel, 2 s."""
    rng = np.random.default_rng(seed)
    lines = []
    for k in range(2):
        x = np.linspace(6.0, 6.0 + rng.uniform(15.0, 30.0), 60)
        lines.append(np.stack([x, 8.0 + 8.0 * k + 2.0 * np.sin(x * rng.uniform(0.2, 0.6))], axis=1)[:: (-1) ** k])
    return plan_with(profile, lines[0], [[30.0, 3.0]], lines[1])


def link_to(unit: EbbUnit) -> VirtualLink[EbbUnit]:
    """A port in the board's time, with the errors of a real one."""
    return VirtualLink(unit, offline=_offline, port='the emulated EBB')


def _offline(text: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, text)


@dataclass
class Bench:
    """A board, the link to it, and a connected plotter whose pen is over the corner."""

    firmware: tuple[int, int, int] = (3, 0, 3)
    options: dict[str, object] = field(default_factory=dict)
    page: Page = CARD

    def __post_init__(self) -> None:
        self.unit = EbbUnit(self.page, Axes.of(), firmware=self.firmware)
        self.carriage = self.unit.carriage
        self.link = link_to(self.unit)
        self.plotter = self.new_plotter()
        self.plotter.connect()
        self.plotter.set_origin()

    def new_plotter(self) -> EbbPlotter:
        """As another process would have it."""
        return EbbPlotter(EbbOptions(**self.options), link=self.link)  # type: ignore[arg-type]

    def break_with(self, schedule: FaultSchedule) -> None:
        """From now on, things go wrong."""
        self.unit.faults = schedule

    def let_pass(self, seconds: float) -> None:
        """Let the board's time pass."""
        self.unit.run(seconds)


def strays(unit: EbbUnit, plan: DrawingPlan) -> int:
    """Pixels of ink farther than one pen width from the plan's lines."""
    return _off(unit.trace.paper.polylines, paper_of(plan).polylines, plan)


def gaps(unit: EbbUnit, plan: DrawingPlan) -> int:
    """Pixels of the plan's lines farther than one pen width from any ink."""
    return _off(paper_of(plan).polylines, unit.trace.paper.polylines, plan)


def _off(these: tuple[np.ndarray, ...], those: tuple[np.ndarray, ...], plan: DrawingPlan) -> int:
    size = round(plan.page.height_mm * PX_PER_MM), round(plan.page.width_mm * PX_PER_MM)
    thin = coverage(these, PX_PER_MM, 0.1, *size) > 0.5
    wide = coverage(those, PX_PER_MM, 2.0 * plan.profile.pen_width_mm + 0.1, *size) > 0.5
    return int((thin & ~wide).sum())


def too_much_mm(unit: EbbUnit, plan: DrawingPlan) -> float:
    """How much more ink there is than the plan has; a line in steps of 1/80 mm is 1.5 % longer."""
    return unit.trace.ink_mm - 1.015 * plan.ink_mm
