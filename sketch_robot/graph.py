"""The ROS graph, described once: nodes, parameters, remappings.

The launch file (one process a node), `portrait_system` (all in one process) and the test fixtures all start what is
described here. Nothing here needs ROS.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.share import PACKAGE, share_folder

DEMO_PHOTO = 'astronaut'  # comes with scikit-image
SIMULATED = 'simulated'  # the driver that needs no machine
LOG_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
Value = bool | int | float | str


@dataclass(frozen=True)
class Argument:
    """A launch argument: what a user may say when starting the graph."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class NodeSpec:
    """One node of the graph.

    Attributes:
        name: the node's name, and the name of its executable.
        parameters: what the launch arguments set, over the parameter file's values.
        remappings: (from, to) names.
        respawns: whether it is started again when it was killed: a machine finishes what it was sent and then stands
            with its pen on the paper, until a node connects and lifts it.
    """

    name: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    respawns: bool = False

    @property
    def module(self) -> str:
        """The module whose `main` runs it."""
        return f'{PACKAGE}.nodes.{self.name}'


ARGUMENTS = (
    Argument('namespace', '', 'Namespace of all nodes, for several robots on one network.'),
    Argument('params_file', '', "YAML file with the nodes' parameters; empty: the package's config/portrait.yaml."),
    Argument('photo', '', "A picture or folder to look at; 'astronaut': a demo photo; empty: the camera."),
    Argument('camera', '', "The camera: '0', '/dev/video0', or a video; empty: as in params_file; 'none': no camera "
             'node, pictures come from elsewhere on image_raw.'),
    Argument('plotter', '', "The machine: its name, as 'grbl_plotter', or its YAML file; 'simulated': none is needed; "
             'empty: as in params_file.'),
    Argument('port', '', "Where it is plugged in: a device or a device id; empty: as the machine's file says."),
    Argument('page', '', "The sheet: 'A5', '148x210' (mm) ...; empty: as in params_file."),
    Argument('time_budget', '', 'Predicted drawing time to keep to, seconds; empty: as in params_file.'),
    Argument('speedup', '', 'How many times faster than real the simulated machine is; empty: as in params_file.'),
    Argument('use_sim_time', 'false', 'Whether the nodes take the time from /clock.', ('true', 'false')),
    Argument('rviz', 'false', 'Whether to show everything in RViz.', ('true', 'false')),
    Argument('log_level', 'info', 'How much the nodes log.', LOG_LEVELS),
)  # fmt: skip


def params_file(options: Mapping[str, str]) -> Path:
    """The parameter file that the options name.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such file.
    """
    named = options.get('params_file', '')
    path = Path(named).expanduser() if named else share_folder() / 'config' / 'portrait.yaml'
    if not path.is_file():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no parameter file {path}')
    return path


def middleware_environment() -> dict[str, str]:
    """Environment variables for the nodes' processes: the Fast DDS profile, unless the user has one."""
    if 'FASTRTPS_DEFAULT_PROFILES_FILE' in os.environ:
        return {}
    return {'FASTRTPS_DEFAULT_PROFILES_FILE': str(share_folder() / 'config' / 'fastdds.xml')}


def complete(options: Mapping[str, str]) -> dict[str, str]:
    """The options with defaults for all that are missing.

    Raises:
        SketchRobotError: BAD_GOAL, an unknown argument, or a value that it does not take.
    """
    known = {argument.name: argument for argument in ARGUMENTS}
    for name, value in options.items():
        if name not in known:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no argument {name!r}; known: {", ".join(known)}')
        choices = known[name].choices
        if choices and value.lower() not in choices:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{name} is one of {", ".join(choices)}, not {value!r}')
    return {argument.name: options.get(argument.name, argument.default) for argument in ARGUMENTS}


def portrait_graph(options: Mapping[str, str]) -> tuple[NodeSpec, ...]:
    """The nodes that draw portraits.

    Args:
        options: values of `ARGUMENTS` by name; missing ones have their defaults.

    Raises:
        SketchRobotError: BAD_GOAL, see `complete`; or a number is none.
    """
    said = complete(options)
    common: dict[str, Value] = {'use_sim_time': True} if said['use_sim_time'].lower() == 'true' else {}

    def spec(name: str, **parameters: Value) -> NodeSpec:
        return NodeSpec(name, {**common, **{key: value for key, value in parameters.items() if value != ''}})

    photo = said['photo']
    source = str(Path(photo).expanduser().resolve()) if photo not in ('', DEMO_PHOTO) else photo or said['camera']
    named = said['plotter']
    machine = str(Path(named).expanduser().resolve()) if named.endswith(('.yaml', '.yml')) else named
    profile = '' if machine == SIMULATED else machine  # a plan's times are those of the machine that draws it
    camera = () if said['camera'] == 'none' and not said['photo'] else (spec('camera', source=source),)
    return (
        *camera,
        spec('line_artist'),
        spec('planner', page=said['page'], time_budget=_number('time_budget', said['time_budget']), profile=profile),
        replace(
            spec('plotter', machine=machine, port=said['port'], speedup=_number('speedup', said['speedup'])),
            respawns=True,
        ),
        spec('portrait'),
    )


def arm_model(options: Mapping[str, str]) -> Path | None:
    """The URDF of the arm that the options name as plotter; None: it is no arm, or described otherwise.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such machine, or no such file.
    """
    named = options.get('plotter', '')
    if named in ('', SIMULATED):
        return None
    from sketch_robot.motion.machine import load_machine  # takes a moment to import

    machine = load_machine(named)
    if machine.driver != 'arm':
        return None
    from sketch_robot.plotters.arm.setup import find_file

    model = find_file(str(machine.options.get('model', '')))
    return model if model.suffix.lower() == '.urdf' else None


def is_installed(package: str) -> bool:
    """Whether a ROS package is there, by the ament index."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    index = Path('share', 'ament_index', 'resource_index', 'packages', package)
    return any((Path(prefix) / index).exists() for prefix in prefixes if prefix)


def _number(name: str, text: str) -> float | str:
    if not text:
        return ''
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0.0:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{name} is a number of at least 0, not {text!r}')
    return value
