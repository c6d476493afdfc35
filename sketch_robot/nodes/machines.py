"""The machine of the node `plotter`, made from its parameters."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sketch_robot.motion.machine import Machine
from sketch_robot.nodes.node import SketchNode
from sketch_robot.plotters import Capability, Plotter, find_driver, find_machine, make_plotter

if TYPE_CHECKING:
    from sketch_robot.nodes.arm import ArmTopics

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MadeMachine:
    """A machine, where it is plugged in, and what publishes of it besides what all have.

    `port` is '' for a machine that is plugged in nowhere; `base_from_paper`, (4, 4) metres, is where the paper lies in
    the machine's base, for arms, whose files say so.
    """

    machine: Machine
    plotter: Plotter
    port: str = ''
    arm: ArmTopics | None = None
    base_from_paper: np.ndarray | None = None


def make_machine(node: SketchNode, values: Mapping[str, Any]) -> MadeMachine:
    """Make the machine of a node, not yet connected.

    Args:
        node: that has it.
        values: `machine`, `port`, `speedup`, `alarm_after_strokes`, `offline_after_strokes`, `arm_controller`.

    Raises:
        SketchRobotError: BAD_GOAL, the parameters do not fit the machine.
    """
    machine = find_machine(values['machine'])
    options: dict[str, Any] = {}
    for option in ('alarm_after_strokes', 'offline_after_strokes'):
        if values[option] >= 0:
            options[option] = values[option]
    if values['speedup'] != 1.0:
        if Capability.SIMULATION in find_driver(machine.driver).capabilities:
            options['speedup'] = values['speedup']
        else:
            _log.warning('the machine %r is no simulation: speedup %g is ignored', machine.name, values['speedup'])
    if machine.driver == 'arm':
        return _arm(node, machine, values['arm_controller'], options)
    port = values['port'] or str(machine.options.get('port', ''))
    return MadeMachine(machine, make_plotter(machine, values['port'] or None, **options), port)


def record_name(node: SketchNode, made: MadeMachine) -> str:
    """What the record of a node's drawings is called: by its graph, its name and its machine, of which each has one.

    Two graphs of one user, in two namespaces or two ROS domains, have nothing in common, though they have one home.
    """
    name = node.get_fully_qualified_name().strip('/').replace('/', '.')  # no name of ROS has a dot
    device = re.sub('[^A-Za-z0-9]+', '-', made.port).strip('-')
    return '-'.join(filter(None, (f'domain{node.context.get_domain_id()}', name, made.machine.name, device)))


def _arm(node: SketchNode, machine: Machine, topic: str, options: dict[str, Any]) -> MadeMachine:
    from sketch_robot.nodes.arm import ArmTopics, ControlledArm, WatchedArm  # heavy, and most have no arm
    from sketch_robot.plotters.arm import ArmOptions, ArmPlotter
    from sketch_robot.plotters.arm.driver import simulated_arm
    from sketch_robot.plotters.arm.setup import make_setup

    read = ArmOptions.read({**machine.options, **options}, of=f'the machine {machine.name!r}')
    setup = make_setup(read)
    if topic:
        controlled = ControlledArm(node, topic).of(setup.chain.names)
        plotter = ArmPlotter(read, machine.motion, transport=controlled)
        return MadeMachine(machine, plotter, topic, ArmTopics(node, plotter, None), setup.page.base_from_page)
    watched = WatchedArm(simulated_arm(setup, read))
    plotter = ArmPlotter(read, machine.motion, transport=watched)
    return MadeMachine(machine, plotter, '', ArmTopics(node, plotter, watched), setup.page.base_from_page)
