"""Drivers by name, and the plotter of a machine."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine import Machine, load_machine, machine_names
from sketch_robot.plotters.plotter import Plotter

_DRIVERS = {  # name: module and class; imported when it is asked for
    'simulated': ('sketch_robot.plotters.simulated', 'SimulatedPlotter'),
    'grbl': ('sketch_robot.plotters.grbl', 'GrblPlotter'),
    'ebb': ('sketch_robot.plotters.ebb', 'EbbPlotter'),
    'arm': ('sketch_robot.plotters.arm', 'ArmPlotter'),
}


class _Drivers(Mapping[str, Callable[..., Plotter]]):
    """The drivers' classes by name."""

    def __getitem__(self, name: str) -> Callable[..., Plotter]:
        module, driver = _DRIVERS[name]
        made: Callable[..., Plotter] = getattr(import_module(module), driver)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(_DRIVERS)

    def __len__(self) -> int:
        return len(_DRIVERS)


PLOTTERS: Mapping[str, Callable[..., Plotter]] = _Drivers()


def make_plotter(machine: Machine | str, port: str | None = None, **options: Any) -> Plotter:
    """Make the plotter of a machine, not yet connected.

    Args:
        machine: it, its name or its file's path; or the name of a driver, one of `PLOTTERS`, that no machine has.
        port: instead of the one in the machine's file.
        options: what its driver takes, instead of those in the machine's file.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such machine, or its driver takes no such option; the message lists
            those that exist.
    """
    known: dict[str, Any] = {}
    if isinstance(machine, str) and machine in _DRIVERS and machine not in machine_names():
        driver = machine
    else:
        machine = _machine(machine)
        driver = machine.driver
        known = {'profile': machine.motion, **machine.options}
        if driver not in _DRIVERS:
            names = ', '.join(sorted(_DRIVERS))
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'the machine {machine.name!r} has an unknown driver {driver!r}; choose one of: {names}',
            )
    made = PLOTTERS[driver]
    taken = inspect.signature(made).parameters
    if 'profile' not in taken:
        known.pop('profile', None)
    if port:
        options['port'] = port
    known.update(options)
    unknown = sorted(set(known) - set(taken))
    if unknown:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'the plotter {driver!r} takes no option {unknown[0]!r}; it takes: {", ".join(taken)}'
        )
    return made(**known)


def _machine(machine: Machine | str) -> Machine:
    if isinstance(machine, Machine):
        return machine
    if machine.isidentifier() and machine not in machine_names():
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'there is no plotter {machine!r}; choose one of: {", ".join(machine_names())}, or of the drivers: '
            f'{", ".join(sorted(_DRIVERS))}',
        )
    return load_machine(machine)
