"""The machine of the node `plotter`, made from its parameters."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine import Machine, load_machine, machine_names
from sketch_robot.nodes.runner import SketchNode
from sketch_robot.plotters import PLOTTERS, Plotter, make_plotter

if TYPE_CHECKING:
    from sketch_robot.nodes.arm import ArmTopics

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MadeMachine:
    """A machine, and what publishes of it besides what all have."""

    machine: Machine
    plotter: Plotter
    arm: ArmTopics | None = None


def machine_of(name: str) -> Machine:
    """A machine by name, by its file's path, or the plain one of a driver.

    Raises:
        SketchRobotError: BAD_GOAL, there is none; the message lists those that exist.
    """
    if name in PLOTTERS and name not in machine_names():
        return Machine(name, driver=name)
    return load_machine(name)


def make_machine(node: SketchNode, values: Mapping[str, Any]) -> MadeMachine:
    """Make the machine of a node, not yet connected.

    Args:
        node: that has it.
        values: `machine`, `port`, `speedup`, `alarm_after_strokes`, `offline_after_strokes`, `arm_controller`.

    Raises:
        SketchRobotError: BAD_GOAL, the parameters do not fit the machine.
    """
    machine = machine_of(values['machine'])
    driver = PLOTTERS.get(machine.driver)
    takes = inspect.signature(driver).parameters if driver is not None else {}
    options: dict[str, Any] = {}
    for option in ('alarm_after_strokes', 'offline_after_strokes'):
        if values[option] >= 0:
            options[option] = values[option]
    if 'speedup' in takes:
        options['speedup'] = values['speedup'] if values['speedup'] != 1.0 else machine.options.get('speedup', 1.0)
    elif values['speedup'] != 1.0:
        _log.warning('the machine %r is no simulation: speedup %g is ignored', machine.name, values['speedup'])
    port = values['port'] or None
    if machine.driver == 'arm':
        return _arm(node, machine, values['arm_controller'], options)
    if 'port' in takes and not port and not machine.options.get('port') and not takes['port'].default:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'where the machine {machine.name!r} is plugged in is not known; set the parameter port (`sketch-robot '
            'machine list` shows ports), or save it with `sketch-robot machine calibrate`',
        )
    return MadeMachine(machine, make_plotter(machine, port, **options))


def _arm(node: SketchNode, machine: Machine, topic: str, options: dict[str, Any]) -> MadeMachine:
    from sketch_robot.nodes.arm import ArmTopics, ControlledArm, WatchedArm  # heavy, and most have no arm
    from sketch_robot.plotters.arm import ArmPlotter

    if topic:
        controller = ControlledArm(node, topic)
        plotter = make_plotter(machine, transport=controller, **options)
        assert isinstance(plotter, ArmPlotter)
        controller.of(plotter.setup.chain.names)
        return MadeMachine(machine, plotter, ArmTopics(node, plotter, None))
    simulated = make_plotter(machine, **options)
    assert isinstance(simulated, ArmPlotter)
    watched = WatchedArm(simulated.transport)
    plotter = make_plotter(machine, transport=watched, **options)
    assert isinstance(plotter, ArmPlotter)
    return MadeMachine(machine, plotter, ArmTopics(node, plotter, watched))
