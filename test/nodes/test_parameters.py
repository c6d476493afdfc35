"""Parameters: described, checked, and never silently ignored; in tables, in real nodes, and in the parameter file."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rclpy
import yaml
from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.parameter import Parameter as RosParameter

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import share_folder
from sketch_robot.graph import NodeSpec, portrait_graph
from sketch_robot.nodes.node import SketchNode
from sketch_robot.nodes.parameters import FOLDERS, Parameter, Parameters, problem_with_file
from sketch_robot.nodes.system import node_maker, said_to_all

if TYPE_CHECKING:
    from sketch_robot.testing import World

NODES = [spec.name for spec in portrait_graph({'studio': 'true', 'attract': 'true'})] + ['dispatcher']
TABLE = (
    Parameter('speed', 0.1, 'Metres a second.', low=0.0, high=2.0),
    Parameter('count', 3, 'How many.', low=1, high=9),
    Parameter('level', 5, 'At least two.', low=2),
    Parameter('page', 'A5', 'The sheet.', choices=('A4', 'A5')),
    Parameter('live', True, 'Whether.'),
    Parameter('source', '0', 'What.', read_only=True),
)


def table_of(node: str) -> dict[str, Parameter]:
    return {row.name: row for row in importlib.import_module(f'sketch_robot.nodes.{node}').PARAMETERS}


def file_values(node: str) -> dict[str, Any]:
    given = yaml.safe_load((share_folder() / 'config' / 'portrait.yaml').read_text())
    return given[f'/**/{node}']['ros__parameters']


# ------------------------------------------------------------------------------------------------------ the table


@pytest.fixture(scope='module')
def context() -> Iterator[rclpy.Context]:
    made = rclpy.Context()
    rclpy.init(args=[], context=made)
    yield made
    rclpy.try_shutdown(context=made)


@pytest.fixture
def make(context: rclpy.Context) -> Iterator[Any]:
    """Make a node with overrides and declare a table on it."""
    nodes: list[SketchNode] = []

    def made(overrides: dict[str, Any], **options: Any) -> tuple[SketchNode, Parameters]:
        given = [RosParameter(name, value=value) for name, value in overrides.items()]
        others = options.pop('of_others', ())
        nodes.append(SketchNode('tabled', of_others=others, context=context, parameter_overrides=given))
        return nodes[-1], Parameters(nodes[-1], TABLE, **options)

    yield made
    for node in nodes:
        node.destroy_node()


def test_defaults_and_overrides_have_the_type_of_the_table(make: Any) -> None:
    _, values = make({'speed': 1, 'page': 'A4', 'live': False})
    assert (values['speed'], type(values['speed'])) == (1.0, float)
    assert (values['count'], values['page'], values['live'], values['source']) == (3, 'A4', False, '0')


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('speed', 'fast', "speed is a number, not 'fast'"),
        ('speed', True, 'speed is a number, not True'),
        ('speed', 2.5, 'speed must lie between 0 and 2, not 2.5'),
        ('speed', 3, 'speed must lie between 0 and 2, not 3'),
        ('speed', math.nan, 'speed must be finite, not nan'),
        ('speed', math.inf, 'speed must be finite, not inf'),
        ('count', 2.5, 'count is a whole number, not 2.5'),
        ('count', 10, 'count must lie between 1 and 9, not 10'),
        ('level', 1, 'level must be at least 2, not 1'),
        ('page', 'A9', "page must be one of 'A4', 'A5', not 'A9'"),
        ('page', 5, 'page is a text, not 5'),
        ('live', 1, 'live is true or false, not 1'),
        ('source', 0, 'source is a text, not 0'),
    ],
)
def test_an_unusable_override_is_refused_with_its_node_and_reason(make: Any, name: str, value: Any, words: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        make({name: value})
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert caught.value.message == f'parameter of node tabled: {words}'


def test_values_that_do_not_fit_together_are_refused(make: Any) -> None:
    def check(values: dict[str, Any]) -> str:
        return 'A4 is too large for so many' if values['page'] == 'A4' and values['count'] > 5 else ''

    with pytest.raises(SketchRobotError, match='A4 is too large for so many'):
        make({'page': 'A4', 'count': 6}, check=check)
    node, values = make({'page': 'A4'}, check=check)
    answer = node.set_parameters([RosParameter('count', value=6)])[0]
    assert (answer.successful, answer.reason) == (False, 'A4 is too large for so many')
    both = [RosParameter('count', value=6), RosParameter('page', value='A5')]
    assert node.set_parameters_atomically(both).successful
    assert (values['count'], values['page']) == (6, 'A5')


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('speed', 2.5, ''),
        ('speed', 7, 'speed must lie between 0 and 2, not 7'),
        ('speed', 'fast', "speed is a number, not 'fast'"),
        ('speed', math.nan, ''),
        ('page', 'A9', "page must be one of 'A4', 'A5', not 'A9'"),
        ('source', '1', ''),
    ],
)
def test_a_bad_value_at_run_time_is_refused_and_changes_nothing(make: Any, name: str, value: Any, reason: str) -> None:
    node, values = make({})
    before = {row.name: values[row.name] for row in TABLE}
    answer = node.set_parameters([RosParameter(name, value=value)])[0]
    assert not answer.successful
    assert reason in answer.reason
    assert answer.reason
    assert {row.name: values[row.name] for row in TABLE} == before


def test_a_whole_number_may_be_set_where_a_fraction_is_expected(make: Any) -> None:
    node, values = make({})
    assert node.set_parameters([RosParameter('speed', value=1)])[0].successful
    assert (values['speed'], type(values['speed'])) == (1.0, float)


def test_descriptors_say_what_the_table_says(make: Any) -> None:
    node, _ = make({})
    speed, count, page, source = (node.describe_parameter(n) for n in ('speed', 'count', 'page', 'source'))
    assert (speed.floating_point_range[0].from_value, speed.floating_point_range[0].to_value) == (0.0, 2.0)
    assert (count.integer_range[0].from_value, count.integer_range[0].to_value) == (1, 9)
    assert page.description == 'The sheet. One of: A4, A5.'
    assert source.read_only
    assert not speed.read_only


def test_at_run_time_a_file_is_named_only_below_the_folders_that_were_set_at_the_start(
    context: rclpy.Context, tmp_path: Path
) -> None:
    table = (Parameter('profile', 'default', 'How fast.', names_file=True), FOLDERS)
    allowed = tmp_path / 'machines'
    given = [RosParameter('file_folders', value=f'/nowhere:{allowed}'), RosParameter('profile', value='/etc/mine.yaml')]
    node = SketchNode('guarded', context=context, parameter_overrides=given)
    values = Parameters(node, table)
    assert values['profile'] == '/etc/mine.yaml'  # whoever starts the node may

    def taken(value: str) -> bool:
        (result,) = node.set_parameters([RosParameter('profile', value=value)])
        assert result.successful or 'lies in none of the folders' in result.reason
        return result.successful

    assert taken('axidraw')
    assert taken(f'{allowed}/fast.yaml')
    for path in ('/etc/passwd', 'passwd.yaml', f'{allowed}/../secret.yaml', f'{allowed}x/fast.yaml'):
        assert not taken(path)
    node.destroy_node()


def test_without_folders_no_file_is_named_at_run_time() -> None:
    assert problem_with_file('grbl_plotter', '') == ''
    assert 'lies in none of the folders' in problem_with_file('/tmp/net.onnx', '')


# --------------------------------------------------------------------------------------------- the parameter file


@pytest.mark.parametrize('node', NODES)
def test_every_value_of_the_parameter_file_is_declared_and_valid(node: str) -> None:
    table = table_of(node)
    for name, value in file_values(node).items():
        assert name in table, f'config/portrait.yaml: {node} has no parameter {name}'
        assert table[name].problem_with(value) == ''
        assert type(value) is type(table[name].default)
    assert file_values(node).keys() == table.keys()


@pytest.mark.parametrize('node', NODES)
def test_every_parameter_is_described_and_its_default_is_valid(node: str) -> None:
    for row in table_of(node).values():
        assert len(row.description) > 10, row.name
        assert row.description[0].isupper(), row.name
        assert row.problem_with(row.default) == ''


def test_the_parameter_file_speaks_of_every_node_and_comments_every_value() -> None:
    text = (share_folder() / 'config' / 'portrait.yaml').read_text()
    assert yaml.safe_load(text).keys() == {f'/**/{node}' for node in NODES}
    explained = False
    for line in text.splitlines():
        if line.startswith('    #'):
            explained = True
        elif line.startswith('    '):
            assert explained, line  # one comment may speak for a group
        else:
            explained = False


# ------------------------------------------------------------------------------------------------- the real nodes


def value_of(world: World, node: str, name: str) -> ParameterValue:
    request = GetParameters.Request(names=[name])
    return world.probe.call(GetParameters, f'{node}/get_parameters', request).values[0]


def set_value(world: World, node: str, **values: ParameterValue) -> Any:
    wanted = [ParameterMsg(name=name, value=value) for name, value in values.items()]
    answers = world.probe.call(SetParameters, f'{node}/set_parameters', SetParameters.Request(parameters=wanted))
    return answers.results


@pytest.mark.system
@pytest.mark.parametrize(
    ('node', 'words', 'reason'),
    [
        ('camera', ['-p', 'rate_hz:=quick'], "parameter of node camera: rate_hz is a number, not 'quick'"),
        (
            'line_artist',
            ['-p', 'artist:=rembrandt'],
            "there is no artist 'rembrandt'; choose one of: drawing, guided, student",
        ),
        ('planner', ['-p', 'page:=A6', '-p', 'margin:=0.06'], 'leaves nothing inside 60 mm margins'),
        ('planner', ['-p', 'time_budget:=.nan'], 'time_budget must be finite, not nan'),
    ],
)
def test_an_unusable_parameter_ends_the_node_with_one_clear_line(
    world: World, node: str, words: list[str], reason: str
) -> None:
    running = world.start(node, '--ros-args', *words)
    assert running.wait(30.0) == 1
    lines = [line for line in running.output.splitlines() if line.strip()]
    assert len(lines) == 1
    assert '[FATAL]' in lines[0]
    assert reason in lines[0]


@pytest.mark.system
def test_a_misspelled_parameter_is_warned_about_with_a_hint(world: World) -> None:
    running = world.start_node('planner', time_bugdet=60.0, marginn=0.02, colour='red')
    world.probe.until(lambda: 'ready:' in running.output, 90.0, 'the planner')
    warnings = [line for line in running.output.splitlines() if '[WARN]' in line]
    assert len(warnings) == 3
    assert "'colour' is not one of this node and is ignored; known: " in warnings[0]
    assert "'marginn' is not one of this node and is ignored; did you mean 'margin'?" in warnings[1]
    assert "'time_bugdet' is not one of this node and is ignored; did you mean 'time_budget'?" in warnings[2]


def test_what_is_meant_for_another_node_of_the_process_is_no_misspelling(
    make: Any, capfd: pytest.CaptureFixture
) -> None:
    make({'frame_timeout': 2.0, 'marginn': 0.1}, of_others={'frame_timeout'})
    told = capfd.readouterr().err
    assert 'frame_timeout' not in told
    assert "'marginn' is not one of this node" in told


def test_a_parameter_said_to_no_node_in_particular_is_meant_for_those_that_have_it() -> None:
    words = ['--ros-args', '-p', 'page:=A4', '--param', 'planner:margin:=0.0', '-r', 'draw:=paint', '-p', 'live:=false']
    assert said_to_all(words) == {'page', 'live'}
    maker: Any = node_maker(NodeSpec('portrait'), ros_words=[*words, '-p', 'marginn:=1'])
    assert maker.keywords['of_others'] == {'page', 'live'}


@pytest.mark.system
def test_a_running_node_describes_and_guards_its_parameters(world: World) -> None:
    world.start_node('planner', draw_speed=1)  # YAML's whole number for a fraction
    world.start_node('camera', source='/nowhere')
    assert value_of(world, 'planner', 'draw_speed').integer_value == 1
    for node in ('planner', 'camera'):
        names = world.probe.call(ListParameters, f'{node}/list_parameters', ListParameters.Request()).result.names
        assert set(table_of(node)) <= set(names)
        request = DescribeParameters.Request(names=list(table_of(node)))
        told = world.probe.call(DescribeParameters, f'{node}/describe_parameters', request).descriptors
        assert [d.name for d in told if not d.description] == []
    too_wide = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=0.08)
    refused = set_value(world, 'planner', margin=too_wide)[0]
    assert not refused.successful
    assert 'the page 148 x 210 mm leaves nothing inside 80 mm margins' in refused.reason
    beyond = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=-1.0)
    assert not set_value(world, 'planner', time_budget=beyond)[0].successful
    assert value_of(world, 'planner', 'margin').double_value == 0.01
    other = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value='1')
    fixed = set_value(world, 'camera', source=other)[0]
    assert not fixed.successful
    assert 'read-only' in fixed.reason
    assert value_of(world, 'camera', 'source').string_value == '/nowhere'


@pytest.mark.system
def test_the_parameter_file_applies_with_and_without_a_namespace(world: World, tmp_path: Path) -> None:
    text = (share_folder() / 'config' / 'portrait.yaml').read_text()
    mine = tmp_path / 'mine.yaml'
    mine.write_text(text.replace('page: A5', 'page: A3').replace('source: "0"', 'source: "/nowhere"'))
    for node in ('planner', 'camera'):
        world.start(node, '--ros-args', '--params-file', str(mine))
        world.start(node, '--ros-args', '--params-file', str(mine), '-r', '__ns:=/studio/left')
    for namespace in ('', 'studio/left/'):
        assert value_of(world, f'{namespace}planner', 'page').string_value == 'A3'
        assert value_of(world, f'{namespace}camera', 'source').string_value == '/nowhere'
    assert [running.log.name for running in world.running if '[WARN]' in running.output] == []
