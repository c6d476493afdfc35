"""All nodes together as processes: a portrait on paper, a node killed in the middle, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw

from sketch_robot.errors import ErrorCode
from sketch_robot.graph import portrait_graph
from sketch_robot.motion import load_plan
from sketch_robot.nodes import qos
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.messages import duration_from_ros
from sketch_robot.testing import World, fresh_domain

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


@pytest.fixture(scope='module')
def graph(shared_world: World) -> World:
    shared_world.start_graph(photo='astronaut', speedup='30')
    return shared_world


def test_the_camera_s_photo_is_drawn_on_paper(graph: World) -> None:
    call = graph.draw(page='A6', time_budget=Duration(sec=40))
    result = call.result(90.0)
    assert (result.error_code, result.error_msg) == (ErrorCode.OK, '')
    assert call.status == GoalStatus.STATUS_SUCCEEDED
    assert (result.faces, result.artist, result.plan.page) == (1, 'student', 'A6')
    assert result.strokes_drawn == len(result.plan.strokes) > 10
    assert 0.0 < duration_from_ros(result.predicted) <= 40.0
    assert duration_from_ros(result.taken) == pytest.approx(duration_from_ros(result.predicted), rel=1e-3)
    assert result.ink == pytest.approx(result.plan.ink, rel=1e-6)
    assert (result.line_art.width, result.line_art.height) == (512, 512)


def test_the_line_artist_has_drawn_without_what_tracing_needs(graph: World) -> None:
    held = {}
    for running in graph.running:
        maps = Path(f'/proc/{running.process.pid}/maps').read_text()
        held[running.log.stem.partition('_')[2]] = {name for name in ('llvmlite', 'scipy', 'ft2font') if name in maps}
    assert held['line_artist'] == set()
    assert {'llvmlite', 'scipy'} <= held['planner']


def test_every_node_says_when_it_is_ready(graph: World) -> None:
    for running in graph.running:
        name = running.log.stem.partition('_')[2]
        graph.probe.until(lambda r=running, n=name: f'[{n}]: ready: ' in r.output, 60.0, f'{name} is ready')


def test_a_goal_s_own_picture_is_drawn_instead_of_the_camera_s(graph: World, astronaut: np.ndarray) -> None:
    twins = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    result = graph.draw(image=image_to_ros(np.ascontiguousarray(twins), 'rgb8'), dry_run=True).result()
    assert (result.error_code, result.faces) == (ErrorCode.OK, 2)


@pytest.mark.parametrize(
    ('fields', 'code', 'words'),
    [
        ({'page': 'A99'}, ErrorCode.BAD_GOAL, "there is no page 'A99'"),
        ({'page': '15x15'}, ErrorCode.BAD_GOAL, 'leaves nothing inside 10 mm margins'),
        ({'page': 'nanx100'}, ErrorCode.BAD_GOAL, 'not a positive length'),
        ({'time_budget': Duration(sec=-1)}, ErrorCode.BAD_GOAL, 'negative'),
        ({'time_budget': Duration(nanosec=1000)}, ErrorCode.NOTHING_TO_DRAW, 's'),
        ({'artist': 'rembrandt'}, ErrorCode.BAD_GOAL, "there is no artist 'rembrandt'"),
        ({'styles': ['cubism']}, ErrorCode.BAD_GOAL, "there is no style 'cubism'"),
        ({'styles': ['woodcut'], 'style_weights': [1.0, 2.0]}, ErrorCode.BAD_GOAL, '1 styles but 2 style weights'),
        ({'styles': ['default'], 'style_weights': [float('nan')]}, ErrorCode.BAD_GOAL, 'style weights must be finite'),
        ({'detail': 'most'}, ErrorCode.BAD_GOAL, "detail must be one of 'few', 'normal', 'many', not 'most'"),
        ({'age_lines': 1.5}, ErrorCode.BAD_GOAL, 'age_lines must lie between 0 and 1, not 1.5'),
        ({'caricature': 0.75}, ErrorCode.BAD_GOAL, 'caricature must lie between 0 and 0.5, not 0.75'),
        ({'image': Image(width=4, height=4, encoding='rgb8', step=12)}, ErrorCode.BAD_IMAGE, 'the image is empty'),
        (
            {'image': Image(width=20000, height=20000, encoding='mono8', step=20000, data=b'1')},
            ErrorCode.BAD_IMAGE,
            '20000 x 20000 pixels',
        ),
        ({'image': image_to_ros(np.full((600, 600, 3), 90, np.uint8), 'rgb8')}, ErrorCode.NO_FACE, 'no face was found'),
    ],
)
def test_a_bad_goal_ends_with_its_code_and_message(graph: World, fields: dict, code: ErrorCode, words: str) -> None:
    call = graph.draw(**fields)
    result = call.result()
    assert (result.error_code, call.status) == (code, GoalStatus.STATUS_ABORTED)
    assert words in result.error_msg
    assert result.strokes_drawn == 0


def test_a_cancel_in_mid_drawing_leaves_the_graph_ready_for_the_next(graph: World) -> None:
    states = graph.states()
    call = graph.draw()
    call.until_drawing(2)
    call.cancel()
    result = call.result()
    assert (result.error_code, call.status) == (ErrorCode.CANCELLED, GoalStatus.STATUS_CANCELED)
    assert 2 <= result.strokes_drawn < len(result.plan.strokes)
    graph.probe.until(lambda: states and not states[-1][1].pen_down, what='pen up')
    assert graph.draw().result(90.0).error_code == ErrorCode.OK


@pytest.mark.parametrize(
    ('victim', 'code', 'words'),
    [
        ('plotter', ErrorCode.PLOTTER_OFFLINE, 'the node plotter went away in the middle of the drawing'),
        ('portrait', None, ''),
    ],
)
def test_a_node_killed_in_mid_drawing_ends_it_with_the_pen_up(
    world: World, astronaut_image: Image, victim: str, code: ErrorCode | None, words: str
) -> None:
    nodes = world.start_graph(camera='none', speedup='1')
    states = world.states()
    call = world.draw(image=astronaut_image)
    call.until_drawing(1, 60.0)
    nodes[victim].signal(signal.SIGKILL)
    if code is not None:
        result = call.result(30.0)
        assert (result.error_code, result.error_msg) == (code, words)
        assert call.status == GoalStatus.STATUS_ABORTED
        return
    world.probe.until(lambda: 'CLIENT_LOST' in nodes['plotter'].output, 30.0, 'the plotter notices')
    world.probe.until(lambda: not states[-1][1].pen_down and states[-1][1].status == 1, 30.0, 'pen up and parked')


@pytest.mark.parametrize('victim', ['line_artist', 'planner'])
def test_a_node_killed_before_its_turn_is_named(world: World, astronaut_image: Image, victim: str) -> None:
    nodes = world.start_graph(camera='none')
    assert world.draw(image=astronaut_image, dry_run=True).result(60.0).error_code == ErrorCode.OK
    nodes[victim].signal(signal.SIGSTOP)  # as good as dead: it answers nothing
    call = world.draw(image=astronaut_image, dry_run=True)
    call.until_phase(Draw.Feedback.CAPTURE)
    nodes[victim].signal(signal.SIGKILL)
    result = call.result(30.0)
    assert (result.error_code, result.error_msg) == (
        ErrorCode.NODE_LOST,
        f'the node {victim} went away in the middle of the drawing',
    )


def test_a_camera_that_vanishes_ends_the_next_goal_with_no_frame(world: World) -> None:
    nodes = {spec.name: spec for spec in portrait_graph({'photo': 'astronaut'})}
    camera = world.start_node('camera', **nodes['camera'].parameters)
    world.start_node('portrait', frame_timeout=2.0, server_timeout=8.0)
    frames = world.probe.collect(Image, 'image_raw', qos.IMAGE)
    world.probe.until(lambda: frames, what='frames')
    camera.signal(signal.SIGKILL)
    camera.wait()
    result = world.draw().result()
    assert result.error_code == ErrorCode.NO_FRAME
    assert result.error_msg == 'no node offers /image_raw; is the node camera running?'


def test_ctrl_c_on_the_one_process_system_leaves_no_process_and_the_pen_up(
    world: World, astronaut_image: Image
) -> None:
    system = world.start('system', 'camera:=none', 'speedup:=1', 'log_level:=warn')
    states = world.states()
    call = world.draw(image=astronaut_image)
    call.until_drawing(1, 60.0)
    system.signal(signal.SIGINT)
    world.probe.until(lambda: system.process.poll() is not None, 15.0, 'the system ends')
    assert system.process.returncode == 0, system.output
    world.probe.until(lambda: not states[-1][1].pen_down, what='the last word is that the pen is up')
    assert subprocess.run(['pgrep', '-P', str(system.process.pid)], capture_output=True, check=False).stdout == b''


def test_the_one_process_system_works_in_a_namespace(world: World, astronaut_image: Image) -> None:
    world.start('system', 'camera:=none', 'speedup:=100', 'namespace:=robo', 'page:=A6')
    from rclpy.action import ActionClient

    client = ActionClient(world.probe, Draw, '/robo/draw')
    world.probe.until(client.server_is_ready, 60.0, 'the action /robo/draw')
    handle = world.probe.result(client.send_goal_async(Draw.Goal(image=astronaut_image)))
    result = world.probe.result(handle.get_result_async(), 60.0).result
    assert (result.error_code, result.plan.page) == (ErrorCode.OK, 'A6')


def test_the_one_process_system_draws_while_simulated_time_stands_still(world: World, astronaut_image: Image) -> None:
    world.start('system', 'camera:=none', 'speedup:=100', 'use_sim_time:=true')
    call = world.draw(image=astronaut_image)
    assert call.result(60.0).error_code == ErrorCode.OK
    assert {f.phase for _, f in call.feedback} >= {Draw.Feedback.LINE_ART, Draw.Feedback.DRAW}


@pytest.mark.parametrize('words', [['page:=A5', 'pgae:=A4'], ['page=A4'], ['time_budget:=-3'], ['log_level:=loud']])
def test_the_one_process_system_refuses_what_it_does_not_know(world: World, words: list[str]) -> None:
    system = world.start('system', *words)
    assert system.wait(30.0) == 2
    assert system.output.startswith('portrait_system: BAD_GOAL: ')
    assert len(system.output.splitlines()) == 1


@pytest.fixture
def draw_portrait(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """The client as `make portrait` runs it, on a domain that no other test has."""
    with fresh_domain() as domain:

        def start(*words: str, out: Path = tmp_path) -> subprocess.Popen:
            command = [sys.executable, '-m', 'sketch_robot.nodes.draw_portrait', '--out', str(out), *words]
            environment = {**os.environ, 'ROS_DOMAIN_ID': str(domain)}
            return subprocess.Popen(
                command, cwd=Path(__file__).parents[2], env=environment, stderr=subprocess.PIPE, text=True
            )

        yield start


def test_draw_portrait_writes_every_result(tmp_path: Path, draw_portrait: Callable[..., subprocess.Popen]) -> None:
    out = tmp_path / 'new' / 'folder'
    process = draw_portrait('--speedup', '200', '--page', 'A6', out=out)
    errors = process.communicate(timeout=170)[1]
    assert process.returncode == 0, errors
    report = json.loads((out / 'report.json').read_text())
    assert (report['error_code'], report['faces'], report['artist'], report['page']) == (0, 1, 'student', 'A6')
    assert set(report['stage_s']) == {'capture', 'line_art', 'plan', 'draw'}
    assert min(report['stage_s'].values()) > 0.0
    plan = load_plan(out / 'plan.json')
    assert (len(plan.strokes), plan.lifts) == (report['strokes'], report['lifts'])
    assert report['ink_mm'] == pytest.approx(plan.ink_mm, abs=0.01)
    assert report['travel_mm'] == pytest.approx(plan.travel_mm, abs=0.01)
    assert report['predicted_s'] == pytest.approx(plan.predicted_s, abs=0.01)
    assert report['simulated_s'] == pytest.approx(plan.predicted_s, rel=1e-3)
    assert len(load_plan(out / 'plan.svg').strokes) == len(plan.strokes)
    assert cv2.imread(str(out / 'line_art.png'), cv2.IMREAD_GRAYSCALE).shape == (512, 512)
    assert cv2.imread(str(out / 'drawing.png'), cv2.IMREAD_GRAYSCALE).min() < 64


@pytest.mark.parametrize(
    ('words', 'name', 'code'),
    [
        (['--photo', 'missing.jpg'], 'BAD_IMAGE', ErrorCode.BAD_IMAGE),
        (['--time-budget', 'nan'], 'BAD_GOAL', ErrorCode.BAD_GOAL),
        (['--time-budget', '-1'], 'BAD_GOAL', ErrorCode.BAD_GOAL),
        (['--page', 'A0815'], 'BAD_GOAL', ErrorCode.BAD_GOAL),
        (['--params-file', 'missing.yaml'], 'BAD_GOAL', ErrorCode.BAD_GOAL),
        (['--speedup', '-1'], 'BAD_GOAL', ErrorCode.BAD_GOAL),
    ],
)
def test_draw_portrait_reports_a_failure_in_the_file_too(
    tmp_path: Path, draw_portrait: Callable[..., subprocess.Popen], words: list[str], name: str, code: ErrorCode
) -> None:
    process = draw_portrait(*words)
    errors = process.communicate(timeout=170)[1]
    assert process.returncode == 1
    assert f'draw_portrait: {name}: ' in errors
    report = json.loads((tmp_path / 'report.json').read_text())
    assert (report['error_code'], report['error']) == (int(code), name)
    assert not (tmp_path / 'plan.svg').exists()


@pytest.mark.parametrize('inside', ['', 'of'])
def test_draw_portrait_says_in_one_line_that_it_cannot_write_its_results(
    tmp_path: Path, draw_portrait: Callable[..., subprocess.Popen], inside: str
) -> None:
    taken = tmp_path / 'a file'
    taken.touch()
    process = draw_portrait(out=taken / inside)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert errors.startswith(f'draw_portrait: BAD_GOAL: cannot write into the folder {taken}')
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_on_draw_portrait_cancels_and_ends_the_graph(
    tmp_path: Path, draw_portrait: Callable[..., subprocess.Popen], number: signal.Signals
) -> None:
    process = draw_portrait('--speedup', '1')
    deadline_s = time.monotonic() + 60.0
    log = tmp_path / 'graph.log'
    while not (log.exists() and 'drawing' in log.read_text()):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    children = subprocess.run(
        ['pgrep', '-P', str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads((tmp_path / 'report.json').read_text())['error'] == 'CANCELLED'
    assert not any(Path(f'/proc/{child}').exists() for child in children)
