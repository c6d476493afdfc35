"""Machines by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.plotter import Plotter
from sketch_robot.plotters.simulated import SimulatedPlotter

PLOTTERS: dict[str, Callable[..., Plotter]] = {'simulated': SimulatedPlotter}


def make_plotter(name: str, **options: Any) -> Plotter:
    """Make the machine of that name, not yet connected.

    Args:
        name: one of `PLOTTERS`.
        options: what its driver takes.

    Raises:
        SketchRobotError: BAD_GOAL, no machine has that name; the message lists those that exist.
    """
    if name not in PLOTTERS:
        known = ', '.join(sorted(PLOTTERS))
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no plotter {name!r}; choose one of: {known}')
    return PLOTTERS[name](**options)
