"""Drivers by name, and the plotter of a machine.

A driver is a class that `register_plotter` decorates. Those of this package are found by their place: the folder
`plotters/NAME` with a module `driver`. Any other comes as a Python package that names its module as an entry point::

    [project.entry-points."sketch_robot.plotters"]
    quill = "quill_plotter.driver"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeVar

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine import Machine, load_machine, machine_names
from sketch_robot.plotters.options import DriverOptions
from sketch_robot.plotters.plotter import Capability, Plotter

ENTRY_POINTS = 'sketch_robot.plotters'
NOWHERE = '-'  # a port for a plotter that is never connected, as to write down its program
_FOLDERS = {'simulation': 'simulated'}  # drivers that are not called as their folder
AnyPlotter = TypeVar('AnyPlotter', bound=type[Plotter])


@dataclass(frozen=True)
class Driver:
    """A kind of machine.

    Attributes:
        name: as in machines' files.
        plotter: makes one, from options and from how fast the machine moves.
        options: what a machine's file may say to it.
        capabilities: of its machines.
        pen_height_keys: what its option `pen` calls the heights of the raised and of the lowered pen.
    """

    name: str
    plotter: Callable[..., Plotter]
    options: type[DriverOptions]
    capabilities: Capability
    pen_height_keys: tuple[str, str]


_registered: dict[str, Driver] = {}


def register_plotter(name: str, options: type[DriverOptions]) -> Callable[[AnyPlotter], AnyPlotter]:
    """Make a class known as a driver, by a name; it is made as `Driver(options, limits)`."""

    def register(plotter: AnyPlotter) -> AnyPlotter:
        _registered[name] = Driver(name, plotter, options, plotter.CAPABILITIES, plotter.PEN_HEIGHT_KEYS)
        return plotter

    return register


def driver_names() -> tuple[str, ...]:
    """The names of all drivers, sorted; none of them is loaded for that."""
    return tuple(sorted({*_registered, *_modules()}))


def find_driver(name: str) -> Driver:
    """A driver by name, loaded when it is asked for first.

    Raises:
        SketchRobotError: BAD_GOAL, there is none, or it cannot be loaded.
    """
    if name not in _registered and name in _modules():
        module = _modules()[name]
        try:
            import_module(module)
        except ImportError as error:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'the driver {name!r} cannot be loaded: {error}; install what it needs'
            ) from error
    if name not in _registered:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'there is no driver {name!r}; choose one of: {", ".join(driver_names())}'
        )
    return _registered[name]


def find_machine(machine: Machine | str) -> Machine:
    """A machine by name, by its file's path, or the plain one of a driver.

    Raises:
        SketchRobotError: BAD_GOAL, there is none; the message lists those that exist.
    """
    if isinstance(machine, Machine):
        return machine
    if machine.isidentifier() and machine not in machine_names():
        if machine in driver_names():
            return Machine(machine, driver=machine)
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'there is no plotter {machine!r}; choose one of: {", ".join(machine_names())}, or of the drivers: '
            f'{", ".join(driver_names())}',
        )
    return load_machine(machine)


def read_options(machine: Machine, port: str | None = None, **options: Any) -> DriverOptions:
    """What a machine's file says to its driver, checked.

    Args:
        port: instead of the one in the file.
        options: by name, instead of those in the file.

    Raises:
        SketchRobotError: BAD_GOAL, the driver takes no such option or value; nobody knows where the machine is plugged
            in.
    """
    driver = find_driver(machine.driver)
    given = {**machine.options, **options, **({'port': port} if port else {})}
    read = driver.options.read(given, of=f'the plotter {driver.name!r}')
    if read.needs_port:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'where the machine {machine.name!r} is plugged in is not known; name its port (`sketch-robot machine '
            'list` shows ports), or save it with `sketch-robot machine calibrate`',
        )
    return read


def make_plotter(machine: Machine | str, port: str | None = None, **options: Any) -> Plotter:
    """Make the plotter of a machine, not yet connected.

    Args:
        machine: it, its name or its file's path; or the name of a driver that no machine has.
        port: instead of the one in the machine's file; `NOWHERE`: it will not be connected.
        options: what its driver takes, instead of those in the machine's file.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such machine or driver, see `read_options`.
    """
    machine = find_machine(machine)
    return find_driver(machine.driver).plotter(read_options(machine, port, **options), machine.motion)


@cache
def _modules() -> dict[str, str]:
    """Where each driver is: those of other packages first, so that none of them takes the place of one of ours."""
    found = {point.name: point.module for point in entry_points(group=ENTRY_POINTS)}
    found.update({_FOLDERS.get(folder, folder): module for folder, module in folders_with('driver').items()})
    return found


def folders_with(module: str) -> dict[str, str]:
    """The folders beside this file that have a module of a name, and what it is imported as."""
    here = Path(__file__).parent
    folders = [each.name for each in iter_modules([str(here)]) if each.ispkg]
    return {
        folder: f'{__package__}.{folder}.{module}'
        for folder in folders
        if any(each.name == module for each in iter_modules([str(here / folder)]))
    }
