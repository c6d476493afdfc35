"""The ROS graph, described once: nodes, parameters, remappings.

The launch file (one process a node), `portrait_system` (all in one process) and the test fixtures all start what is
described here. Nothing here needs ROS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sketch_robot.errors import ErrorCode, SketchRobotError, printable
from sketch_robot.files import PACKAGE, share_folder, state_folder
from sketch_robot.poses.named import AS_THEY_STAND
from sketch_robot.poses.named import NAMES as POSE_NAMES
from sketch_robot.validation import NOT_NEGATIVE, Rule, require
from sketch_robot.wishes import DETAILS, RULES, SHADINGS

DEMO_PHOTO = 'astronaut'  # comes with scikit-image
CHARACTER, DRAWING = 'character', 'drawing'  # a face that nobody has, and the artist for what is a drawing already
DEMO_SESSION = 'demo'  # a painted face before the camera
SIMULATED = 'simulated'  # the driver that needs no machine
NODES = ('camera', 'line_artist', 'planner', 'plotter', 'portrait', 'attract', 'dispatcher')
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
        namespace: below the graph's; '' for most.
    """

    name: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    namespace: str = ''

    def enclave(self, namespace: str) -> str:
        """The path of the node's SROS 2 enclave in a graph of a namespace."""
        return '/'.join(['', *filter(None, (*namespace.split('/'), self.namespace, self.name))])

    @property
    def module(self) -> str:
        """The module whose `main` runs it."""
        return f'{PACKAGE}.nodes.{self.name}'


@dataclass(frozen=True)
class Interfaces:
    """What a node says to others and hears of them, by the names that it uses itself; `~/` is the node's own name.

    Attributes:
        publishes, subscribes: topics.
        serves, calls: services.
        acts, asks: actions that it executes, and that it sends goals of.
        managed: whether a lifecycle manager can decide on its life.
    """

    publishes: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    managed: bool = False


_PICTURES = ('image_raw', 'image_raw/compressed')
INTERFACES = {  # besides what every node has: parameters, /rosout, /parameter_events, /diagnostics, /clock
    'camera': Interfaces(publishes=('image_raw', 'camera_info'), serves=('~/capture',), managed=True),
    'line_artist': Interfaces(
        publishes=('line_art', 'styled_image'),
        subscribes=_PICTURES,
        serves=('render_line_art',),
        calls=('trace_line_art',),
        managed=True,
    ),
    'planner': Interfaces(
        publishes=('strokes', 'path', 'live_strokes', 'live_path'),
        subscribes=('line_art',),
        serves=('plan_drawing', 'trace_line_art'),
    ),
    'plotter': Interfaces(
        publishes=('plotter_state', 'pen_pose', 'paper', '/tf_static', 'joint_states', 'robot_description'),
        subscribes=('execute_plan_keepalive', 'joint_states'),
        serves=('~/home', '~/set_origin', '~/stop', '~/pause', '~/resume', '~/pen'),
        acts=('execute_plan',),
        managed=True,
    ),
    'portrait': Interfaces(
        subscribes=(*_PICTURES, 'draw_keepalive'),
        calls=('render_line_art', 'plan_drawing'),
        acts=('draw',),
        asks=('execute_plan',),
    ),
    'attract': Interfaces(subscribes=(*_PICTURES, 'plotter_state'), serves=('~/trigger',), asks=('draw',)),
    'dispatcher': Interfaces(subscribes=('draw_keepalive',), acts=('draw',)),  # and NAME/plotter_state, NAME/draw
    'recorder': Interfaces(
        subscribes=('image_raw', 'camera_info', 'strokes', 'path', 'paper', 'plotter_state', 'pen_pose')
    ),
    'replayer': Interfaces(publishes=('image_raw', 'camera_info')),
    'studio': Interfaces(
        publishes=('draw_keepalive', 'execute_plan_keepalive'),
        subscribes=('image_raw', 'line_art', 'plotter_state', 'pen_pose'),
        calls=(
            'render_line_art',
            'plan_drawing',
            'plotter/home',
            'plotter/stop',
            'plotter/pause',
            'plotter/resume',
            'plotter/pen',
            'plotter/set_origin',
            'attract/trigger',
            'attract/set_parameters',
        ),
        acts=('~/sit',),
        asks=('draw', 'execute_plan'),
    ),
}

ARGUMENTS = (
    Argument('namespace', '', 'Namespace of all nodes, for several robots on one network.'),
    Argument('params_file', '', "YAML file with the nodes' parameters; empty: the package's config/portrait.yaml."),
    Argument('photo', '', "A picture or folder to look at; 'astronaut': a demo photo; 'character': faces that nobody "
             "has, 'character:42': that of seed 42; empty: the camera."),
    Argument('camera', '', "The camera: '0', '/dev/video0', or a video; empty: as in params_file; 'none': no camera "
             'node, pictures come from elsewhere on image_raw.'),
    Argument('replay', '', "A recorded session (MCAP) whose pictures are played in the camera's place; 'demo': the one "
             'that comes along; empty: none.'),
    Argument('record', '', 'An MCAP file to record into what is seen and drawn; empty: nothing is recorded.'),
    Argument('image', '', "The topic of the camera's pictures; empty: image_raw. When it is named, and neither photo "
             'nor camera is, others send the pictures: no camera node.'),
    Argument('image_transport', '', "How pictures come: 'raw', or 'compressed' (JPEG, on the topic with /compressed "
             'behind it); empty: as in params_file.', ('', 'raw', 'compressed')),
    Argument('plotter', '', "The machine: its name, as 'grbl_plotter', or its YAML file; 'simulated': none is needed; "
             'empty: as in params_file.'),
    Argument('plotters', '', "Several machines behind one draw: 'left=axidraw,right=mine.yaml', each in a namespace of "
             'its name, with one camera and one line artist for all; instead of plotter and port.'),
    Argument('port', '', "Where it is plugged in: a device or a device id; empty: as the machine's file says."),
    Argument('page', '', "The sheet: 'A5', '148x210' (mm) ...; empty: as in params_file."),
    Argument('time_budget', '', 'Predicted drawing time to keep to, seconds; empty: as in params_file.'),
    Argument('detail', '', "How many lines: 'few', 'normal' or 'many'; empty: as in params_file.",
             ('', *DETAILS)),
    Argument('age_lines', '', 'How many folds and wrinkles, 0 ... 1; empty: as in params_file.'),
    Argument('caricature', '', "How much larger the sitter's own is drawn, 0 ... 0.5; empty: as in params_file."),
    Argument('shading', '', 'How light and shade are drawn; empty: as in params_file.', ('', *SHADINGS)),
    Argument('pose', '', 'How sitters stand, at full length; empty: as in params_file.',
             ('', AS_THEY_STAND, *POSE_NAMES)),
    Argument('styles', '', "The style, as 'woodcut' or 'woodcut=0.7,hatch_45=0.3'; empty: as in params_file."),
    Argument('speedup', '', 'How many times faster than real the simulated machine is; empty: as in params_file.'),
    Argument('studio', 'false', 'Whether to serve the pages for visitors and the operator.', ('true', 'false')),
    Argument('studio_address', '', "Where they are served: '0.0.0.0' for phones, too; empty: as in params_file."),
    Argument('attract', 'false', 'Whether somebody who stays before the camera is drawn without being asked; with '
             'studio:=true: whether faces are looked at for its pictures, and to begin.',
             ('true', 'false')),
    Argument('character_after', '', 'With attract:=true and no studio: a character is drawn when nobody has been seen '
             'for so many seconds; empty: as in params_file (0: never).'),
    Argument('use_sim_time', 'false', 'Whether the nodes take the time from /clock.', ('true', 'false')),
    Argument('rviz', 'false', 'Whether to show everything in RViz.', ('true', 'false')),
    Argument('enclaves', 'false', 'Whether each node has an SROS 2 enclave of its own, for the permissions that '
             '`sketch-robot policy` writes.', ('true', 'false')),
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
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'{name} is one of {", ".join(filter(None, choices))}, not {value!r}'
            )
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

    top = '/'.join(['', *filter(None, said['namespace'].split('/')), ''])
    topic = said['image'] or 'image_raw'
    looked_at = (('image_raw', topic),) if said['image'] else ()

    def spec(
        name: str, remappings: tuple[tuple[str, str], ...] = (), namespace: str = '', **parameters: Value
    ) -> NodeSpec:
        given = {key: value for key, value in parameters.items() if value != ''}
        return NodeSpec(name, {**common, **given}, remappings, namespace)

    def drawing_nodes(named: str, namespace: str, looked_at: tuple[tuple[str, str], ...]) -> tuple[NodeSpec, ...]:
        """Planner, plotter and portrait of one machine."""
        machine = str(Path(named).expanduser().resolve()) if named.endswith(('.yaml', '.yml')) else named
        profile = '' if machine == SIMULATED else machine  # a plan's times are those of the machine that draws it
        page, budget = said['page'], _number('time_budget', said['time_budget'])
        speedup = _number('speedup', said['speedup'])
        places = (('/tf_static', 'tf_static'),) if top != '/' or namespace else ()  # each robot's frames are its own
        return (
            spec('planner', (), namespace, page=page, time_budget=budget, profile=profile),
            spec('plotter', places, namespace, machine=machine, port=said['port'], page=page, speedup=speedup),
            spec('portrait', looked_at, namespace, image_transport=transport),
        )

    photo, transport = said['photo'], said['image_transport']
    made_up = _is_character(photo)
    is_path = photo not in ('', DEMO_PHOTO) and not made_up
    source = _source(Path(photo).expanduser().resolve()) if is_path else photo or said['camera']
    if photo and said['replay']:
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'photo and replay are two pictures at once; name one of them')
    elsewhere = said['camera'] == 'none' or (said['image'] and not said['camera'])
    seen: tuple[NodeSpec, ...] = () if elsewhere and not photo else (spec('camera', looked_at, source=source),)
    if said['replay']:
        seen = (spec('replayer', looked_at, file=_absolute(said['replay'], but=DEMO_SESSION)),)
    kept = (spec('recorder', looked_at, file=_absolute(said['record'])),) if said['record'] else ()
    served = said['studio'].lower() == 'true'
    # Beside a studio, who stays is taken to its page, and looked for when that wants it.
    attracted = spec(
        'attract',
        looked_at,
        image_transport=transport,
        action='studio/sit' if served else '',
        enabled=False if served else '',
        cool_down=5.0 if served else '',
        while_drawing=True if served else '',
        character_after=0.0 if served else _number('character_after', said['character_after']),
    )
    visitors = (attracted,) if said['attract'].lower() == 'true' else ()
    machines = _machines(said['plotters'])
    if machines and (said['plotter'] or said['port']):
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'plotters names the machines; leave plotter and port out')
    shared = (
        ('image_raw', topic if topic.startswith('/') else top + topic),
        ('render_line_art', f'{top}render_line_art'),
    )
    first = next(iter(machines), '')
    traced = (('trace_line_art', f'{top}{first}/trace_line_art'),) if first else ()  # by the first one's planner
    drawing = [node for name, machine in machines.items() for node in drawing_nodes(machine, name, shared)]
    return (
        *seen,
        spec(
            'line_artist',
            (*looked_at, *traced),
            image_transport=transport,
            file_folders=str(state_folder() / 'hands') if served else '',  # of what the studio teaches
            detail=said['detail'],
            shading=said['shading'],
            pose=said['pose'],
            styles=said['styles'],
            artist=DRAWING if made_up else '',
            age_lines=_number('age_lines', said['age_lines'], RULES['age_lines']),
            caricature=_number('caricature', said['caricature'], RULES['caricature']),
        ),
        *(drawing or drawing_nodes(said['plotter'], '', looked_at)),
        *((spec('dispatcher', robots=','.join(machines)),) if machines else ()),
        *kept,
        *((spec('studio', looked_at, address=said['studio_address']),) if served else ()),
        *visitors,
    )


def _is_character(photo: str) -> bool:
    """Whether a photo's name means a character.

    Raises:
        SketchRobotError: BAD_GOAL, its seed is none.
    """
    if photo.partition(':')[0] != CHARACTER:
        return False
    from sketch_robot.characters.source import named_seed

    named_seed(photo)
    return True


def _machines(text: str) -> dict[str, str]:
    """The machines of `plotters`, by name.

    Raises:
        SketchRobotError: BAD_GOAL, it is not of the form NAME=MACHINE,NAME=MACHINE.
    """
    found: dict[str, str] = {}
    for word in filter(None, (part.strip() for part in text.split(','))):
        name, sign, machine = (part.strip() for part in word.partition('='))
        if not sign or not machine or not re.fullmatch('[A-Za-z][A-Za-z0-9_]*', name) or name in found:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f"plotters is like 'left=axidraw,right=mine.yaml', each name once and of letters, digits and _, "
                f'not {text!r}',
            )
        found[name] = machine
    return found


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


def _absolute(path: str, *, but: str = '') -> str:
    return path if path == but else str(Path(path).expanduser().resolve())


def _source(path: Path) -> str:
    """A path as a parameter, which must be UTF-8: else its URI."""
    text = str(path)
    return text if printable(text) == text else path.as_uri()


def _number(name: str, text: str, rule: Rule = NOT_NEGATIVE) -> float | str:
    if not text:
        return ''
    try:
        value: float | str = float(text)
    except ValueError:
        value = text
    require(name, value, rule)
    return value
