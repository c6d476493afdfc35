"""The one description of the graph: what a user may say, and which nodes with which parameters follow from it."""

from __future__ import annotations

import importlib
import runpy
from pathlib import Path
from typing import Any

import pytest
import setuptools

from sketch_robot import files
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import share_folder
from sketch_robot.graph import ARGUMENTS, complete, middleware_environment, params_file, portrait_graph

ROOT = Path(__file__).parents[1]
NODES = ['camera', 'line_artist', 'planner', 'plotter', 'portrait']


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What setup.py tells setuptools."""
    told: dict[str, Any] = {}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(setuptools, 'setup', lambda **fields: told.update(fields))
    runpy.run_path('setup.py')
    return told


def parameters_of(name: str, **options: str) -> dict[str, Any]:
    return dict(next(spec.parameters for spec in portrait_graph(options) if spec.name == name))


def test_nothing_said_means_all_nodes_as_the_parameter_file_says() -> None:
    specs = portrait_graph({})
    assert [spec.name for spec in specs] == NODES
    assert [dict(spec.parameters) for spec in specs] == [{}] * 5


def test_arguments_reach_the_nodes_that_they_concern() -> None:
    said = {'page': '148x210', 'time_budget': '90', 'plotter': 'simulated', 'speedup': '25', 'camera': '/dev/video2'}
    said |= {'detail': 'few', 'age_lines': '0', 'caricature': '0.25', 'shading': 'spiral', 'pose': 'dancer'}
    assert parameters_of('camera', **said) == {'source': '/dev/video2'}
    wished = {'detail': 'few', 'age_lines': 0.0, 'caricature': 0.25, 'shading': 'spiral', 'pose': 'dancer'}
    assert parameters_of('line_artist', **said) == wished
    assert parameters_of('planner', **said) == {'page': '148x210', 'time_budget': 90.0}
    assert parameters_of('plotter', **said) == {'machine': 'simulated', 'page': '148x210', 'speedup': 25.0}
    assert parameters_of('portrait', **said) == {}
    assert isinstance(parameters_of('planner', **said)['time_budget'], float)


def test_a_machine_s_name_reaches_its_planner_and_its_port_the_plotter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = {'plotter': 'grbl_plotter', 'port': 'usb-Arduino_7'}
    assert parameters_of('plotter', **said) == {'machine': 'grbl_plotter', 'port': 'usb-Arduino_7'}
    assert parameters_of('planner', **said) == {'profile': 'grbl_plotter'}
    monkeypatch.chdir(tmp_path)
    mine = str(tmp_path.resolve() / 'mine.yaml')
    assert parameters_of('plotter', plotter='mine.yaml') == {'machine': mine}
    assert parameters_of('planner', plotter='mine.yaml') == {'profile': mine}


def test_a_photo_replaces_the_camera_by_its_absolute_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', '/home/ada')
    assert parameters_of('camera', photo='face.jpg', camera='0') == {'source': str(tmp_path.resolve() / 'face.jpg')}
    assert parameters_of('camera', photo='~/face.jpg', camera='none') == {'source': '/home/ada/face.jpg'}


def test_the_studio_comes_when_it_is_asked_for() -> None:
    assert [spec.name for spec in portrait_graph({'studio': 'true'})] == [*NODES, 'studio']


def test_camera_none_leaves_the_camera_out() -> None:
    assert [spec.name for spec in portrait_graph({'camera': 'none'})] == NODES[1:]


def test_a_recording_takes_the_camera_s_place_and_another_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    specs = {spec.name: dict(spec.parameters) for spec in portrait_graph({'replay': 'demo', 'record': 'visit.mcap'})}
    assert list(specs) == ['replayer', *NODES[1:], 'recorder']
    assert specs['replayer'] == {'file': 'demo'}
    assert specs['recorder'] == {'file': str(tmp_path.resolve() / 'visit.mcap')}
    assert parameters_of('replayer', replay='old.mcap') == {'file': str(tmp_path.resolve() / 'old.mcap')}


def test_pictures_of_another_topic_take_the_place_of_the_camera_node() -> None:
    specs = portrait_graph({'image': '/front/image', 'image_transport': 'compressed'})
    assert [spec.name for spec in specs] == NODES[1:]
    looking = {spec.name: spec.parameters['image_transport'] for spec in specs if spec.remappings}
    assert looking == {'line_artist': 'compressed', 'portrait': 'compressed'}
    assert {spec.remappings for spec in specs if spec.remappings} == {(('image_raw', '/front/image'),)}


@pytest.mark.parametrize('said', [{'camera': '0'}, {'photo': '/tmp/face.jpg'}])
def test_a_camera_of_its_own_sends_its_pictures_there(said: dict[str, str]) -> None:
    camera = portrait_graph({'image': 'front/image', **said})[0]
    assert (camera.name, camera.remappings) == ('camera', (('image_raw', 'front/image'),))


@pytest.mark.parametrize('photo', ['character', 'character:42'])
def test_a_character_is_looked_at_and_drawn_as_it_is(photo: str) -> None:
    assert parameters_of('camera', photo=photo) == {'source': photo}
    assert parameters_of('line_artist', photo=photo) == {'artist': 'drawing'}
    with pytest.raises(SketchRobotError, match='no whole number'):
        portrait_graph({'photo': 'character:anna'})


def test_characters_are_drawn_when_nobody_comes_but_not_beside_a_studio() -> None:
    assert parameters_of('attract', attract='true', character_after='90') == {'character_after': 90.0}
    beside = parameters_of('attract', attract='true', character_after='90', studio='true')
    assert beside['character_after'] == 0.0


def test_a_photo_whose_name_is_no_utf_8_is_named_by_its_uri() -> None:
    assert parameters_of('camera', photo='/tmp/fäce.jpg') == {'source': '/tmp/fäce.jpg'}
    assert parameters_of('camera', photo='/tmp/f\udcff e.jpg') == {'source': 'file:///tmp/f%FF%20e.jpg'}


def test_several_machines_share_camera_and_line_artist_and_stand_behind_one_dispatcher() -> None:
    specs = portrait_graph({'plotters': 'left=axidraw, right=default', 'page': 'A4', 'image': 'front/image'})
    assert [(spec.name, spec.namespace) for spec in specs] == [
        ('line_artist', ''),
        *[(name, robot) for robot in ('left', 'right') for name in ('planner', 'plotter', 'portrait')],
        ('dispatcher', ''),
    ]
    assert specs[-1].parameters == {'robots': 'left,right'}
    left = {spec.name: spec for spec in specs if spec.namespace == 'left'}
    assert left['planner'].parameters == {'page': 'A4', 'profile': 'axidraw'}
    assert left['plotter'].parameters == {'machine': 'axidraw', 'page': 'A4'}
    assert left['plotter'].remappings == (('/tf_static', 'tf_static'),)
    shared = (('image_raw', '/front/image'), ('render_line_art', '/render_line_art'))
    assert left['portrait'].remappings == shared
    assert specs[0].remappings == (('image_raw', 'front/image'), ('trace_line_art', '/left/trace_line_art'))


@pytest.mark.parametrize('text', ['left', 'left=', '=axidraw', 'a b=axidraw', 'left=axidraw,left=default'])
def test_machines_without_a_name_of_their_own_are_refused(text: str) -> None:
    with pytest.raises(SketchRobotError, match=r'plotters is like .*, each name once'):
        portrait_graph({'plotters': text})


def test_one_machine_and_several_are_not_named_at_once() -> None:
    with pytest.raises(SketchRobotError, match='leave plotter and port out'):
        portrait_graph({'plotters': 'left=default', 'plotter': 'axidraw'})


def test_visitors_are_drawn_unasked_only_where_that_is_wanted() -> None:
    specs = portrait_graph({'attract': 'true', 'image': 'front/image', 'camera': '0'})
    assert [spec.name for spec in specs] == [*NODES, 'attract']
    assert specs[-1].remappings == (('image_raw', 'front/image'),)


def test_simulated_time_is_for_all_nodes() -> None:
    assert [spec.parameters['use_sim_time'] for spec in portrait_graph({'use_sim_time': 'True'})] == [True] * 5


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'pagee': 'A5'}, "there is no argument 'pagee'; known: namespace, params_file"),
        ({'use_sim_time': 'perhaps'}, "use_sim_time is one of true, false, not 'perhaps'"),
        ({'log_level': 'loud'}, "log_level is one of debug, info, warn, error, fatal, not 'loud'"),
        ({'time_budget': '-1'}, 'time_budget must be at least 0, not -1'),
        ({'time_budget': 'nan'}, 'time_budget must be finite, not nan'),
        ({'speedup': 'fast'}, "speedup is a number, not 'fast'"),
        ({'photo': 'a.png', 'replay': 'demo'}, 'photo and replay are two pictures at once'),
        ({'speedup': 'inf'}, 'speedup must be finite, not inf'),
        ({'detail': 'most'}, "detail is one of few, normal, many, not 'most'"),
        ({'age_lines': '2'}, 'age_lines must lie between 0 and 1, not 2'),
        ({'caricature': '0.6'}, 'caricature must lie between 0 and 0.5, not 0.6'),
    ],
)
def test_an_argument_that_cannot_be_is_refused_with_what_can(options: dict[str, str], words: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        portrait_graph(options)
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert words in caught.value.message


def test_every_argument_is_described_and_has_a_default_that_it_takes() -> None:
    assert len({argument.name for argument in ARGUMENTS}) == len(ARGUMENTS)
    required = {'namespace', 'params_file', 'photo', 'camera', 'plotter', 'page', 'time_budget', 'use_sim_time', 'rviz'}
    assert required | {'log_level'} <= {argument.name for argument in ARGUMENTS}
    assert [argument.name for argument in ARGUMENTS if len(argument.description) < 15] == []
    assert complete({}) == {argument.name: argument.default for argument in ARGUMENTS}


def test_every_node_is_a_module_with_a_main_and_takes_what_the_arguments_set() -> None:
    said = {'page': 'A4', 'time_budget': '60', 'plotter': 'simulated', 'speedup': '10', 'record': 'visit.mcap'}
    said |= {'attract': 'true', 'image_transport': 'raw'}
    several = {name: value for name, value in said.items() if name != 'plotter'} | {'plotters': 'left=axidraw'}
    graphs = ({**said, 'photo': 'face.jpg'}, {**said, 'replay': 'demo'}, several)
    for spec in (spec for options in graphs for spec in portrait_graph(options)):
        module = importlib.import_module(spec.module)
        assert callable(module.main)
        rows = {row.name: row for row in module.PARAMETERS}
        for name, value in spec.parameters.items():
            assert name in rows, f'{spec.name} has no parameter {name}'
            assert rows[name].problem_with(value) == ''


def test_every_executable_that_is_installed_is_a_function_and_every_node_has_one(set_up: dict[str, Any]) -> None:
    scripts = dict(line.split(' = ') for line in set_up['entry_points']['console_scripts'])
    assert {
        spec.name: f'{spec.module}:main' for spec in portrait_graph({'attract': 'true', 'plotters': 'a=default'})
    }.items() <= scripts.items()
    assert {'sketch-robot', 'portrait_system', 'draw_portrait'} <= scripts.keys()
    for target in scripts.values():
        module, _, function = target.partition(':')
        assert callable(getattr(importlib.import_module(module), function)), target


def test_launch_and_config_files_are_installed_where_ros_looks(set_up: dict[str, Any]) -> None:
    installed = {f'{folder}/{Path(file).name}' for folder, files in set_up['data_files'] for file in files}
    share = 'share/sketch_robot'
    assert {
        f'{share}/package.xml',
        f'{share}/launch/portrait.launch.py',
        f'{share}/launch/replay.launch.py',
        f'{share}/config/sessions/face.mcap',
        f'{share}/examples/greeter.py',
        f'{share}/config/portrait.yaml',
        f'{share}/config/portrait.rviz',
        f'{share}/config/fastdds.xml',
        'share/ament_index/resource_index/packages/sketch_robot',
    } <= installed
    assert all((ROOT / file).is_file() for _, files in set_up['data_files'] for file in files)


def test_the_built_package_holds_launch_config_and_executables() -> None:
    from ament_index_python.packages import get_package_prefix, get_package_share_directory

    share = Path(get_package_share_directory('sketch_robot'))
    for file in ('launch/portrait.launch.py', 'config/portrait.yaml', 'config/portrait.rviz', 'config/fastdds.xml'):
        assert (share / file).is_file(), f'{file} was not built; run make setup'
    programs = Path(get_package_prefix('sketch_robot')) / 'lib' / 'sketch_robot'
    assert {*NODES, 'portrait_system', 'draw_portrait'} <= {path.name for path in programs.iterdir()}


def test_the_parameter_file_is_the_package_s_own_unless_another_is_named(tmp_path: Path) -> None:
    assert params_file({}) == share_folder() / 'config' / 'portrait.yaml'
    mine = tmp_path / 'mine.yaml'
    mine.write_text('{}')
    assert params_file({'params_file': str(mine)}) == mine
    with pytest.raises(SketchRobotError, match=r'there is no parameter file .*nowhere.yaml') as caught:
        params_file({'params_file': str(tmp_path / 'nowhere.yaml')})
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_an_installed_package_finds_its_share_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ament_index_python.packages import get_package_share_directory

    elsewhere = tmp_path / 'site-packages' / 'sketch_robot' / 'files.py'
    monkeypatch.setattr(files, '__file__', str(elsewhere))
    assert share_folder() == Path(get_package_share_directory('sketch_robot'))
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    assert share_folder().parts[-2:] == ('share', 'sketch_robot')


def test_the_middleware_s_profile_is_ours_unless_the_user_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('FASTRTPS_DEFAULT_PROFILES_FILE', raising=False)
    ours = middleware_environment()
    assert ours.keys() == {'FASTRTPS_DEFAULT_PROFILES_FILE'}
    assert '<segment_size>16777216</segment_size>' in Path(ours['FASTRTPS_DEFAULT_PROFILES_FILE']).read_text()
    monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', '/my/profile.xml')
    assert middleware_environment() == {}
