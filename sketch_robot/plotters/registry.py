"""Machines by name."""

from __future__ import annotations

import inspect
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
        SketchRobotError: BAD_GOAL, no machine has that name, or its driver takes no such option; the message lists
            those that exist.
    """
    if name not in PLOTTERS:
        known = ', '.join(sorted(PLOTTERS))
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no plotter {name!r}; choose one of: {known}')
    taken = inspect.signature(PLOTTERS[name]).parameters
    unknown = sorted(set(options) - set(taken))
    if unknown:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'the plotter {name!r} takes no option {unknown[0]!r}; it takes: {", ".join(taken)}'
        )
    return PLOTTERS[name](**options)
