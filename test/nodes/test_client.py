"""The client library, against the node portrait among stand-ins: from a script, a callback and asyncio."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rclpy
from neighbours import PREDICTED_S, Neighbours
from rclpy.action import ActionServer, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from sketch_robot_interfaces.action import Draw
from std_srvs.srv import Trigger

from sketch_robot.client import DrawError, DrawPhase, DrawProgress, PortraitClient, make_goal
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import draw_calls
from sketch_robot.testing import World

pytestmark = pytest.mark.system
PHOTO = np.full((64, 48, 3), 128, np.uint8)


class Spinning:
    """The stand-ins at work in a thread, so that a test can wait for a drawing as a script does."""

    def __init__(self, world: World) -> None:
        self._executor, self._ended = world.probe.executor_, threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        while not self._ended.is_set():
            self._executor.spin_once(timeout_sec=0.05)

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.fixture(scope='module')
def portrait(shared_world: World) -> World:
    shared_world.start_node('portrait', server_timeout=2.0)
    return shared_world


@pytest.fixture
def around(portrait: World) -> Iterator[Neighbours]:
    node = portrait.node('neighbours')
    made = Neighbours(node)
    spinning = Spinning(portrait)
    yield made
    for stage in ('render', 'plan', 'execute'):
        made.open_gate(stage)
    spinning.end()
    for _ in range(20):
        portrait.probe.executor_.spin_once(timeout_sec=0.01)
    made.close()
    portrait.probe.executor_.remove_node(node)
    node.destroy_node()


@pytest.fixture
def robot(portrait: World, around: Neighbours) -> Iterator[PortraitClient]:
    with PortraitClient(context=portrait.context, server_timeout=20.0) as made:
        assert made.wait_until_ready(20.0)
        yield made


def until(condition: Any, timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_script_gets_a_typed_result(robot: PortraitClient, around: Neighbours) -> None:
    seen: list[DrawProgress] = []
    drawing = robot.draw(PHOTO, on_progress=seen.append, page='A6', time_budget=30.5, artist='guided')
    assert drawing.accepted(20.0)
    result = drawing.result(20.0)
    assert drawing.done
    assert (result.strokes_drawn, result.lifts, result.faces, result.artist) == (1, 1, 3, 'stand-in')
    assert (result.ink_mm, result.travel_mm) == (pytest.approx(14.0), pytest.approx(20.0))
    assert (result.predicted_s, result.taken_s, result.page) == (PREDICTED_S, 11.0, 'A6')
    assert set(result.stage_s) == {'capture', 'line_art', 'plan', 'draw'}
    assert result.line_art is not None
    assert result.line_art.shape == (8, 8)
    assert len(result.message.plan.strokes) == 1
    request = around.requests['render']
    assert (request.image.width, request.image.height, request.artist) == (48, 64, 'guided')
    budget = around.requests['plan'].time_budget
    assert (budget.sec, budget.nanosec) == (30, 500_000_000)
    phases = [progress.phase for progress in seen]
    assert phases == sorted(phases)
    assert phases[0] == DrawPhase.CAPTURE


def test_phases_have_the_numbers_of_the_action() -> None:
    assert {phase.name: getattr(Draw.Feedback, phase.name) for phase in DrawPhase} == {p.name: p for p in DrawPhase}


def test_a_failure_is_raised_with_its_code_and_what_there_is(robot: PortraitClient, around: Neighbours) -> None:
    around.failures['execute'] = (ErrorCode.PLOTTER_ALARM, 'told by the stand-in')
    with pytest.raises(DrawError, match='told by the stand-in') as caught:
        robot.draw(PHOTO).result(20.0)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert caught.value.result is not None
    assert caught.value.result.artist == 'stand-in'


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'pgae': 'A5'}, "draw has no 'pgae'; it has: "),
        ({'page': 5}, 'page is a string, not 5'),
        ({'time_budget': -1.0}, 'time_budget is a number of seconds from 0 on, not -1.0'),
        ({'time_budget': float('nan')}, 'not nan'),
        ({'page': {'a': 1}}, 'page is a string, not'),
        ({'layout': {'cuption_place': 'under'}}, "layout has no 'cuption_place'"),
        ({'styles': 'default'}, "styles is a sequence<string>, not 'default'"),
    ],
)
def test_a_field_that_cannot_be_used_is_refused_at_once(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        make_goal(**fields)
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert words in caught.value.message


@pytest.mark.parametrize('image', ['missing.jpg', np.zeros((2, 2, 3), np.uint8), np.zeros((64, 64, 7), np.uint8)])
def test_a_picture_that_cannot_be_used_is_refused_at_once(image: Any) -> None:
    with pytest.raises(SketchRobotError) as caught:
        make_goal(image)
    assert caught.value.code == ErrorCode.BAD_IMAGE


def test_a_second_drawing_is_told_that_the_robot_is_busy(robot: PortraitClient, around: Neighbours) -> None:
    around.close_gate('execute')
    first = robot.draw(PHOTO)
    assert first.accepted(20.0)
    second = robot.draw(PHOTO)
    assert not second.accepted(20.0)
    with pytest.raises(DrawError) as caught:
        second.result(20.0)
    assert caught.value.code == ErrorCode.BUSY
    around.open_gate('execute')
    assert first.result(20.0).strokes_drawn == 1


def test_a_cancel_is_acknowledged_and_ends_the_drawing(robot: PortraitClient, around: Neighbours) -> None:
    around.close_gate('execute')
    drawing = robot.draw(PHOTO)
    until(lambda: 'execute' in around.requests)
    assert drawing.cancel().result(20.0)
    with pytest.raises(DrawError) as caught:
        drawing.result(20.0)
    assert caught.value.code == ErrorCode.CANCELLED
    assert not drawing.cancel().result(20.0)  # it has ended


def test_a_cancel_right_after_asking_counts(robot: PortraitClient, around: Neighbours) -> None:
    around.close_gate('execute')
    drawing = robot.draw(PHOTO)
    assert drawing.cancel().result(20.0)
    with pytest.raises(DrawError) as caught:
        drawing.result(20.0)
    assert caught.value.code == ErrorCode.CANCELLED


def test_a_wait_that_is_too_short_leaves_the_drawing_alone(robot: PortraitClient, around: Neighbours) -> None:
    around.close_gate('execute')
    drawing = robot.draw(PHOTO)
    with pytest.raises(TimeoutError):
        drawing.result(0.05)
    until(lambda: 'execute' in around.requests)
    around.open_gate('execute')
    assert drawing.result(20.0).strokes_drawn == 1


def test_a_callback_that_fails_or_waits_for_the_result_hinders_nobody(
    robot: PortraitClient, around: Neighbours
) -> None:
    told: list[Any] = []

    def wait_in_here(_progress: DrawProgress) -> None:
        told.append(drawing.result(20.0).strokes_drawn)
        raise RuntimeError('a defect of the user')

    around.close_gate('execute')
    drawing = robot.draw(PHOTO, on_progress=wait_in_here)
    drawing.add_done_callback(lambda handle: told.append(handle))
    until(lambda: 'execute' in around.requests)
    around.open_gate('execute')
    until(lambda: drawing in told)
    assert told[0] == 1


def test_a_callback_of_another_node_may_wait_for_a_drawing(
    portrait: World, robot: PortraitClient, around: Neighbours
) -> None:
    """In a single-threaded executor, which a wait for an rclpy future would block for ever."""
    node = Node('visitor', context=portrait.context)
    executor = SingleThreadedExecutor(context=portrait.context)
    executor.add_node(node)

    def on_greet(_request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        with PortraitClient(node) as client:
            response.success = client.draw(PHOTO).result(20.0).strokes_drawn == 1
        return response

    node.create_service(Trigger, 'greet', on_greet)
    caller = portrait.probe.create_client(Trigger, 'greet')
    until(caller.service_is_ready)
    answer = caller.call_async(Trigger.Request())
    deadline_s = time.monotonic() + 30.0
    while not answer.done() and time.monotonic() < deadline_s:
        executor.spin_once(timeout_sec=0.05)
    assert answer.done()
    assert answer.result().success
    portrait.probe.destroy_client(caller)
    executor.shutdown()
    node.destroy_node()


def test_asyncio_awaits_drawings_and_a_cancelled_task_cancels_its_own(
    robot: PortraitClient, around: Neighbours
) -> None:
    async def draw_twice() -> int:
        drawn = (await robot.draw(PHOTO)).strokes_drawn
        around.close_gate('execute')
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(robot.draw(PHOTO), 1.0)
        return drawn

    assert asyncio.run(draw_twice()) == 1
    until(lambda: around.cancelled == 1)


def test_leaving_cancels_what_is_going_on(portrait: World, around: Neighbours) -> None:
    around.close_gate('execute')
    with PortraitClient(context=portrait.context) as robot:
        drawing = robot.draw(PHOTO)
        until(lambda: 'execute' in around.requests)
    until(lambda: around.cancelled == 1)
    with pytest.raises(DrawError) as caught:
        drawing.result(0.0)
    assert caught.value.code == ErrorCode.CANCELLED
    with pytest.raises(SketchRobotError, match='the client is closed'):
        robot.draw(PHOTO)


def test_without_a_robot_a_drawing_ends_with_a_name(world: World) -> None:
    with PortraitClient(context=world.context, namespace='nowhere', server_timeout=0.3) as robot:
        assert not robot.wait_until_ready(0.0)
        with pytest.raises(DrawError, match='no node offers the action /nowhere/draw') as caught:
            robot.draw(PHOTO).result(10.0)
        assert caught.value.code == ErrorCode.NODE_LOST
        waiting = robot.draw(PHOTO)
        waiting.cancel()
        with pytest.raises(DrawError, match='before the robot was there'):
            waiting.result(10.0)


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_a_robot_that_goes_away_in_the_middle_is_named(world: World, number: int) -> None:
    running = world.start_node('portrait')
    around = Neighbours(world.node('neighbours'))
    around.close_gate('execute')
    spinning = Spinning(world)
    with PortraitClient(context=world.context, server_timeout=20.0) as robot:
        drawing = robot.draw(PHOTO)
        until(lambda: 'execute' in around.requests)
        running.signal(number)
        with pytest.raises(DrawError) as caught:
            drawing.result(20.0)
    spinning.end()
    assert caught.value.code == (ErrorCode.NODE_LOST if number == signal.SIGKILL else ErrorCode.CANCELLED)


def test_a_robot_that_was_started_again_in_the_middle_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there all the time, and knows nothing of the drawing."""
    monkeypatch.setattr(draw_calls, 'ASK_S', 0.2)
    asked: list[bytes] = []

    async def execute(handle: Any) -> Draw.Result:
        asked.append(bytes(handle.goal_id.uuid))
        server._goal_handles.clear()
        server._result_futures.clear()
        await Future()  # for ever
        return Draw.Result()

    node = world.node('portrait')
    server = ActionServer(node, Draw, 'draw', execute)
    world.listen_for_keepalive(node)
    spinning = Spinning(world)
    with (
        PortraitClient(context=world.context, server_timeout=20.0) as robot,
        pytest.raises(DrawError, match='was started again') as caught,
    ):
        robot.draw(PHOTO).result(20.0)
    spinning.end()
    assert (caught.value.code, len(asked)) == (ErrorCode.NODE_LOST, 1)


SCRIPT = """
import sys, time, numpy as np
from sketch_robot.client import PortraitClient
robot = PortraitClient(server_timeout=60.0)
drawing = robot.draw(np.full((64, 48, 3), 128, np.uint8))
drawing.accepted()
print('accepted', flush=True)
time.sleep(600.0)
"""


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGSTOP])
def test_a_client_that_dies_or_hangs_is_noticed_though_others_listen(
    portrait: World, robot: PortraitClient, around: Neighbours, number: int
) -> None:
    """`robot` is a second, idle client, which hides the first from those who only look at listeners."""
    around.close_gate('execute')
    command = [sys.executable, '-c', textwrap.dedent(SCRIPT)]
    with subprocess.Popen(command, env=portrait.environment, stdout=subprocess.PIPE, text=True) as script:
        try:
            assert script.stdout is not None
            assert script.stdout.readline() == 'accepted\n'
            until(lambda: 'execute' in around.requests)
            script.send_signal(number)
            until(lambda: around.cancelled == 1, 10.0)
        finally:
            script.kill()
    assert robot.draw(PHOTO, dry_run=True).result(20.0).page == 'A5'


def test_a_client_that_need_not_live_may_leave(portrait: World, robot: PortraitClient, around: Neighbours) -> None:
    around.close_gate('execute')
    with PortraitClient(context=portrait.context, keepalive=0.0) as brief:
        assert brief.draw(PHOTO).accepted(20.0)
    until(lambda: 'execute' in around.requests)
    around.open_gate('execute')
    until(lambda: robot.draw(PHOTO, dry_run=True).accepted(20.0))
    assert around.cancelled == 0


def test_a_keepalive_that_is_too_short_is_refused(robot: PortraitClient) -> None:
    with pytest.raises(DrawError, match=r'0\.1 s is too short; at least 0\.5 s') as caught:
        robot.draw(PHOTO, keepalive=0.1).result(20.0)
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_a_goal_is_sent_again_that_is_not_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw_calls, 'ANSWER_TIMEOUT_S', 0.5)
    asked: list[Draw.Goal] = []
    executed: list[bytes] = []

    async def on_goal(goal: Draw.Goal) -> GoalResponse:
        asked.append(goal)
        if len(asked) == 1:
            await Future()  # for ever
        return GoalResponse.ACCEPT

    def execute(handle: Any) -> Draw.Result:
        executed.append(bytes(handle.goal_id.uuid))
        handle.succeed()
        return Draw.Result(strokes_drawn=len(executed))

    node = world.node('portrait')
    group = ReentrantCallbackGroup()
    ActionServer(node, Draw, 'draw', execute, goal_callback=on_goal, callback_group=group)
    world.listen_for_keepalive(node)
    spinning = Spinning(world)
    with PortraitClient(context=world.context, server_timeout=20.0) as robot:
        assert robot.draw(page='A6').result(20.0).strokes_drawn == 1
    spinning.end()
    assert [goal.page for goal in asked] == ['A6', 'A6']


def test_an_answer_that_is_only_late_counts_and_nothing_is_drawn_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw_calls, 'ANSWER_TIMEOUT_S', 0.2)
    answers = iter((GoalResponse.ACCEPT, *[GoalResponse.REJECT] * 50))
    executed: list[Any] = []

    def execute(handle: Any) -> Draw.Result:
        executed.append(handle)
        handle.succeed()
        return Draw.Result(strokes_drawn=1)

    node = world.node('portrait')
    ActionServer(node, Draw, 'draw', execute, goal_callback=lambda _: next(answers))
    world.listen_for_keepalive(node)
    with PortraitClient(context=world.context, server_timeout=20.0) as robot:
        world.probe.until(robot.is_ready)
        drawing = robot.draw()
        until(lambda: len(drawing._ids) > 1)
        world.probe.until(lambda: drawing.done)
        assert drawing.result().strokes_drawn == 1
    assert len(executed) == 1


def test_a_context_that_is_shut_down_ends_a_drawing(portrait: World, around: Neighbours) -> None:
    around.close_gate('execute')
    context = rclpy.Context()
    rclpy.init(args=[], context=context, domain_id=int(portrait.environment['ROS_DOMAIN_ID']))
    robot = PortraitClient(context=context, server_timeout=20.0)
    drawing = robot.draw(PHOTO)
    assert drawing.accepted(20.0)
    rclpy.shutdown(context=context)
    with pytest.raises(DrawError, match='ROS was shut down'):
        drawing.result(20.0)
    robot.close()
    until(lambda: around.cancelled == 1, 10.0)


def call(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'sketch_robot.cli', 'call', *words]
    return subprocess.run(command, env=world.environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_call_tells_in_ten_lines_what_came_of_it(
    portrait: World, around: Neighbours, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / 'photo.png'), PHOTO)
    around.close_gate('render')

    def draw_for_a_while() -> None:
        until(lambda: 'render' in around.requests, 60.0)
        time.sleep(0.5)  # feedback comes at 10 Hz
        around.open_gate('render')

    threading.Thread(target=draw_for_a_while).start()
    done = call(portrait, str(tmp_path / 'photo.png'), '--page', 'A6', '--set', 'time_budget=30', '--wait', '30')
    assert done.returncode == 0, done.stderr
    assert len((done.stdout + done.stderr).splitlines()) <= 10
    assert 'drawing lines' in done.stderr.splitlines()
    drawn, took, stages, who = done.stdout.splitlines()
    assert drawn == 'drawn: 1 strokes, 0.01 m of ink, 1 lifts'
    assert took == 'machine time: 11.0 s, 12.5 s predicted'
    assert stages.startswith('stages: capture ')
    assert who == 'page A6, 3 faces, artist stand-in'
    assert around.requests['plan'].time_budget.sec == 30


def test_the_command_call_says_in_one_line_what_went_wrong(portrait: World, around: Neighbours, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'photo.png'), PHOTO)
    around.failures['render'] = (ErrorCode.NO_FACE, 'no face was found')
    done = call(portrait, str(tmp_path / 'photo.png'), '--wait', '30')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == 'sketch-robot: NO_FACE: no face was found'
    nobody = call(portrait, '--namespace', 'nowhere', '--wait', '0.2')
    assert nobody.returncode == 1
    assert 'NODE_LOST: no node offers the action /nowhere/draw' in nobody.stderr
