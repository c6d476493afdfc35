"""What the drivers that send a drawing ahead, HP-GL's and Marlin's, are tried with beside an emulated machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, Page
from sketch_robot.plotters import PlotterStatus
from sketch_robot.plotters.paper import coverage
from sketch_robot.polyline import nearest_on
from sketch_robot_emulators import VirtualLink
from sketch_robot_emulators.cable import Cable

CARD = Page(80.0, 60.0, 2.0, 'card')
OVERLAP_MM = 0.45  # that may be drawn twice where a stroke is gone on with


def wave(y: float, points: int = 60) -> np.ndarray:
    """A line across the card, (points, 2) mm."""
    x = np.linspace(6.0, 74.0, points)
    return np.stack([x, y + 3.0 * np.sin(0.3 * x)], axis=1)


def link_to(unit: Cable) -> VirtualLink[Any]:
    """A port in the machine's time, with the errors of a real one."""
    return VirtualLink(unit, offline=lambda text: SketchRobotError(ErrorCode.PLOTTER_OFFLINE, text))


def check_drawn(plan: DrawingPlan, unit: Cable, *, grid_mm: float, twice_mm: float = 0.0) -> None:
    """The ink is the plan's: nothing missing, nothing beside it, no more than so much of it twice."""
    trace = unit.trace
    for line in trace.paper.polylines:
        assert min(max(nearest_on(s.xy, p)[1] for p in line) for s in plan.strokes) < 2 * grid_mm
    size = round(plan.page.height_mm * 20), round(plan.page.width_mm * 20)
    wanted = coverage([stroke.xy for stroke in plan.strokes], 20.0, 0.1, *size) > 0.5
    there = coverage(list(trace.paper.polylines), 20.0, 0.3, *size) > 0.5
    assert not (wanted & ~there).any()
    assert 0.998 * plan.ink_mm < trace.ink_mm < 1.002 * plan.ink_mm + twice_mm
    assert trace.outside_mm == 0.0
    assert not trace.down


def check_paused(plan: DrawingPlan, bench: Any, after_s: float, *, within_s: float) -> None:
    """A pause raises the pen within a time, and the drawing goes on afterwards."""
    paused: list[tuple[bool, PlotterStatus]] = []
    bench.link.after(after_s, bench.plotter.pause)
    bench.link.after(after_s + within_s, lambda: paused.append((bench.unit.trace.down, bench.plotter.status)))
    bench.link.after(after_s + within_s + 1.0, bench.plotter.resume)
    assert bench.plotter.draw(plan).finished
    assert paused == [(False, PlotterStatus.PAUSED)]
