"""The launch file: run against `launch` and `launch_ros` where they are installed, else against small stand-ins."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
import runpy
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from sketch_robot.graph import ARGUMENTS, portrait_graph

ROOT = Path(__file__).parents[1]
FILE = ROOT / 'launch' / 'portrait.launch.py'
NODES = ['camera', 'line_artist', 'planner', 'plotter', 'portrait']


class LaunchContextStandIn:
    def __init__(self) -> None:
        self.launch_configurations: dict[str, str] = {}


class LaunchDescriptionStandIn:
    def __init__(self, entities: list[Any]) -> None:
        self.entities = entities


class DeclareLaunchArgumentStandIn:
    def __init__(self, name: str, *, default_value: str, description: str, choices: list[str] | None = None) -> None:
        if choices is not None and default_value not in choices:
            raise ValueError('provided default value is not in provided choices')
        self.name, self.description, self.choices, self._default = name, description, choices, default_value

    def execute(self, context: LaunchContextStandIn) -> None:
        value = context.launch_configurations.setdefault(self.name, self._default)
        if self.choices is not None and value not in self.choices:
            raise RuntimeError(f'Argument "{self.name}" provided value "{value}" is not valid')


class OpaqueFunctionStandIn:
    def __init__(self, *, function: Callable[[LaunchContextStandIn], list[Any]]) -> None:
        self._function = function

    def execute(self, context: LaunchContextStandIn) -> list[Any]:
        return self._function(context)


class LaunchConfigurationStandIn:
    def __init__(self, name: str) -> None:
        self._name = name

    def perform(self, context: LaunchContextStandIn) -> str:
        return context.launch_configurations[self._name]


class NodeStandIn:
    def __init__(self, *, package: str, executable: str, **fields: Any) -> None:
        self.node_package, self.node_executable = package, executable
        self.fields = SimpleNamespace(**fields)


class IncludeStandIn:
    def __init__(self, source: str, launch_arguments: Iterable[tuple[str, LaunchConfigurationStandIn]]) -> None:
        self.source, self.arguments = source, dict(launch_arguments)


def stand_ins() -> dict[str, ModuleType]:
    def module(name: str, **names: Any) -> ModuleType:
        made = ModuleType(name)
        vars(made).update(names)
        return made

    actions = module(
        'launch.actions',
        IncludeLaunchDescription=IncludeStandIn,
        DeclareLaunchArgument=DeclareLaunchArgumentStandIn,
        OpaqueFunction=OpaqueFunctionStandIn,
    )
    sources = module('launch.launch_description_sources', PythonLaunchDescriptionSource=lambda path: path)
    substitutions = module('launch.substitutions', LaunchConfiguration=LaunchConfigurationStandIn)
    launch = module(
        'launch',
        LaunchContext=LaunchContextStandIn,
        LaunchDescription=LaunchDescriptionStandIn,
        actions=actions,
        substitutions=substitutions,
    )
    ros_actions = module('launch_ros.actions', Node=NodeStandIn)
    described = module('launch_ros.parameter_descriptions', ParameterValue=lambda value, value_type: value_type(value))
    ros = module('launch_ros', actions=ros_actions, parameter_descriptions=described)
    return {m.__name__: m for m in (launch, actions, sources, substitutions, ros, ros_actions, described)}


def launch_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ('launch', 'launch_ros'))


class Launched:
    """The launch file, run with arguments."""

    def __init__(self, **said: str) -> None:
        self.description = runpy.run_path(str(FILE))['generate_launch_description']()
        self.context = importlib.import_module('launch').LaunchContext()
        self.context.launch_configurations.update(said)
        self.nodes: list[Any] = []
        for entity in self.description.entities:
            self.nodes += entity.execute(self.context) or []

    @property
    def arguments(self) -> list[Any]:
        return self.description.entities[:-1]

    def node(self, name: str) -> Any:
        return next(node for node in self.nodes if node.node_executable == name)


@pytest.fixture
def with_stand_ins(monkeypatch: pytest.MonkeyPatch) -> type[Launched]:
    for name in [name for name in sys.modules if name.partition('.')[0] in ('launch', 'launch_ros')]:
        monkeypatch.delitem(sys.modules, name)
    for name, module in stand_ins().items():
        monkeypatch.setitem(sys.modules, name, module)
    return Launched


@pytest.fixture
def with_any_launch(request: pytest.FixtureRequest) -> type[Launched]:
    """The real launch where it is installed."""
    return Launched if launch_installed() else request.getfixturevalue('with_stand_ins')


def test_it_declares_every_argument_with_its_description_and_choices(with_any_launch: type[Launched]) -> None:
    declared = {argument.name: argument for argument in with_any_launch().arguments}
    assert list(declared) == [argument.name for argument in ARGUMENTS]
    for argument in ARGUMENTS:
        assert declared[argument.name].description.startswith(argument.description)  # launch adds the choices
        assert tuple(declared[argument.name].choices or ()) == argument.choices


def test_it_starts_every_node_of_the_graph_from_the_package(with_any_launch: type[Launched]) -> None:
    launched = with_any_launch(camera='0', time_budget='60', namespace='left')
    assert [node.node_executable for node in launched.nodes] == NODES
    assert {node.node_package for node in launched.nodes} == {'sketch_robot'}
    assert [n.node_executable for n in with_any_launch(camera='none').nodes] == NODES[1:]


def test_a_node_that_was_killed_is_started_again(with_stand_ins: type[Launched]) -> None:
    launched = with_stand_ins(camera='0')
    again = {node.node_executable: vars(node.fields).get('respawn', False) for node in launched.nodes}
    assert again == dict.fromkeys(NODES, True)
    assert launched.node('plotter').fields.respawn_delay <= 1.0  # it lifts the pen


@pytest.mark.parametrize('said', [{'use_sim_time': 'perhaps'}, {'rviz': 'yes'}, {'log_level': 'loud'}])
def test_a_value_outside_an_argument_s_choices_stops_it(with_any_launch: type[Launched], said: dict[str, str]) -> None:
    with pytest.raises(RuntimeError, match='is not valid'):
        with_any_launch(**said)


def test_rviz_comes_with_its_config_when_asked_for(with_any_launch: type[Launched]) -> None:
    launched = with_any_launch(rviz='true')
    assert [node.node_executable for node in launched.nodes] == [*NODES, 'rviz2']
    assert launched.nodes[-1].node_package == 'rviz2'


@pytest.mark.parametrize('there', [True, False])
def test_an_arm_s_frames_are_published_where_robot_state_publisher_is_installed(
    with_stand_ins: type[Launched], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: bool
) -> None:
    index = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    if there:
        (index / 'robot_state_publisher').touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    launched = with_stand_ins(plotter='arm')
    assert [node.node_executable for node in launched.nodes] == [*NODES, *['robot_state_publisher'] * there]
    if there:
        assert '<robot' in launched.nodes[-1].fields.parameters[0]['robot_description']
    assert launched.node('planner').fields.parameters[1] == {'profile': 'arm'}


def test_nodes_get_the_parameter_file_then_what_the_arguments_set(with_stand_ins: type[Launched]) -> None:
    said = {'page': 'A4', 'time_budget': '60', 'plotter': 'simulated', 'speedup': '5', 'photo': '/tmp/face.jpg'}
    launched = with_stand_ins(**said)
    for spec in portrait_graph(said):
        file, *changes = launched.node(spec.name).fields.parameters
        assert yaml.safe_load(Path(file).read_text()).keys() == {
            f'/**/{name}' for name in [*NODES, 'attract', 'dispatcher', 'studio']
        }
        assert changes == ([dict(spec.parameters)] if spec.parameters else [])
    assert launched.node('camera').fields.parameters[1] == {'source': '/tmp/face.jpg'}


def test_nodes_get_names_namespace_log_level_and_a_screen(with_stand_ins: type[Launched]) -> None:
    for node in with_stand_ins(namespace='left', log_level='debug').nodes:
        assert node.fields.name == node.node_executable
        assert node.fields.namespace == 'left'
        assert node.fields.arguments == ['--ros-args', '--log-level', 'debug']
        assert node.fields.output == 'screen'


def test_each_of_several_machines_has_its_nodes_in_its_namespace(with_stand_ins: type[Launched]) -> None:
    launched = with_stand_ins(namespace='fair', plotters='left=default,right=axidraw')
    places = [(node.node_executable, node.fields.namespace) for node in launched.nodes]
    machine = ['planner', 'plotter', 'portrait']
    assert places == [
        ('camera', 'fair'), ('line_artist', 'fair'),
        *[(name, 'fair/left') for name in machine], *[(name, 'fair/right') for name in machine],
        ('dispatcher', 'fair'),
    ]  # fmt: skip
    assert launched.node('portrait').fields.remappings == [
        ('image_raw', '/fair/image_raw'), ('render_line_art', '/fair/render_line_art')
    ]  # fmt: skip


def test_a_parameter_file_of_the_user_s_own_replaces_ours(with_stand_ins: type[Launched], tmp_path: Path) -> None:
    mine = tmp_path / 'mine.yaml'
    mine.write_text('{}')
    launched = with_stand_ins(params_file=str(mine))
    assert [node.fields.parameters[0] for node in launched.nodes] == [str(mine)] * 5


def test_everything_that_rviz_shows_is_published(with_stand_ins: type[Launched]) -> None:
    flag, config = with_stand_ins(rviz='true').node('rviz2').fields.arguments
    assert flag == '-d'
    shown = yaml.safe_load(Path(config).read_text())['Visualization Manager']
    assert shown['Global Options']['Fixed Frame'] == 'paper'
    topics = {display['Topic']['Value'] for display in shown['Displays']}
    assert topics == {'strokes', 'live_strokes', 'path', 'pen_pose', 'image_raw', 'line_art', 'paper'}
    sources = ''.join(path.read_text() for path in (ROOT / 'sketch_robot' / 'nodes').glob('*.py'))
    assert [topic for topic in topics if f"'{topic}'" not in sources] == []


def test_everything_that_foxglove_shows_is_there() -> None:
    layout = json.loads((ROOT / 'config' / 'portrait.foxglove.json').read_text())
    panels, text = layout['configById'], json.dumps(layout)
    assert {name for name in panels if f'"{name}"' in json.dumps(layout['layout'])} == set(panels)
    shown = set(re.findall(r'"/([a-z_/]+)', text))
    assert {'image_raw', 'line_art', 'strokes', 'paper', 'plotter_state', 'diagnostics'} <= shown
    sources = ''.join(path.read_text() for path in (ROOT / 'sketch_robot' / 'nodes').glob('*.py'))
    services = {'plotter/pause', 'plotter/resume'}
    assert [name for name in shown - services if f"{name}'" not in sources] == []
    assert [name for name in services if f"('{name.split('/')[1]}', self._on" not in sources] == []


def test_it_imports_nothing_but_launch_and_the_graph() -> None:
    tree = ast.parse(FILE.read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    of_launch = {'launch', 'launch.actions', 'launch.substitutions', 'launch_ros.actions'}
    assert imported == {*of_launch, 'launch_ros.parameter_descriptions', 'sketch_robot.graph', 'typing'}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


def test_the_replay_starts_the_graph_with_a_session_as_its_camera(with_stand_ins: type[Launched]) -> None:
    described = runpy.run_path(str(ROOT / 'launch' / 'replay.launch.py'))['generate_launch_description']()
    session, graph = described.entities
    context = LaunchContextStandIn()
    session.execute(context)
    assert Path(graph.source) == FILE
    assert graph.arguments['replay'].perform(context) == 'demo'
