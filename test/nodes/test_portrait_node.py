"""The node `portrait` among stand-ins: every phase, every failure, every end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from diagnostic_msgs.msg import DiagnosticArray
from neighbours import PEN_WIDTH_PX, PREDICTED_S, Neighbours
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw

from sketch_robot.errors import ErrorCode
from sketch_robot.nodes import qos
from sketch_robot.nodes.commander import Commander
from sketch_robot.nodes.messages import duration_from_ros
from sketch_robot.testing import World

pytestmark = pytest.mark.system
F = Draw.Feedback
STAGES = {'render': F.LINE_ART, 'plan': F.PLAN, 'execute': F.DRAW}


@pytest.fixture(scope='module')
def portrait(shared_world: World) -> World:
    shared_world.start_node('portrait', frame_timeout=2.5, server_timeout=1.0, stage_timeout=4.0, client_timeout=1.0)
    return shared_world


@pytest.fixture
def around(portrait: World) -> Iterator[Neighbours]:
    node = portrait.node('neighbours')
    made = Neighbours(node)
    yield made
    for stage in STAGES:
        made.open_gate(stage)
    for _ in range(20):
        portrait.probe.executor_.spin_once(timeout_sec=0.01)
    made.close()
    portrait.probe.executor_.remove_node(node)
    node.destroy_node()


def test_a_goal_with_a_picture_runs_every_stage_and_reports_all(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    wished: dict[str, Any] = {'artist': 'guided', 'detail': 'many', 'age_lines': 0.25, 'caricature': 0.5}
    wished |= {'shading': 'spiral', 'pose': 'dancer'}
    call = portrait.draw(image=astronaut_image, page='A6', time_budget=Duration(sec=30), **wished)
    result = call.result()
    assert (result.error_code, result.error_msg) == (Draw.Goal.OK, '')
    assert call.status == GoalStatus.STATUS_SUCCEEDED
    assert (result.artist, result.faces, result.strokes_drawn, result.lifts) == ('stand-in', 3, 1, 1)
    assert (result.ink, result.travel) == (0.014, 0.02)
    assert duration_from_ros(result.predicted) == PREDICTED_S
    assert duration_from_ros(result.taken) == 11.0
    assert (result.line_art.width, result.line_art.encoding) == (8, 'mono8')
    assert result.plan.page == 'A6'
    assert {name: getattr(around.requests['render'], name) for name in wished} == wished
    assert around.requests['render'].pen_pixels == PEN_WIDTH_PX
    assert around.requests['render'].image.width == 512
    assert around.requests['plan'].time_budget.sec == 30
    assert [s.label for s in around.requests['plan'].strokes] == ['eye']
    assert min(result.line_art_seconds, result.plan_seconds, result.draw_seconds) > 0.0


def test_phases_come_in_order(portrait: World, around: Neighbours, astronaut_image: Image) -> None:
    call = portrait.draw(image=astronaut_image)
    call.result()
    call.until_phase(F.PARK)
    phases = [f.phase for _, f in call.feedback]
    assert sorted(set(phases)) == [F.CAPTURE, F.LINE_ART, F.PLAN, F.DRAW, F.PARK]
    assert phases == sorted(phases)


def test_a_dry_run_plans_and_moves_nothing(portrait: World, around: Neighbours, astronaut_image: Image) -> None:
    result = portrait.draw(image=astronaut_image, dry_run=True).result()
    assert result.error_code == ErrorCode.OK
    assert len(result.plan.strokes) == 1
    assert (result.strokes_drawn, result.draw_seconds) == (0, 0.0)
    assert 'execute' not in around.requests


def test_without_a_picture_the_next_camera_frame_is_taken(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    camera = portrait.probe.create_publisher(Image, 'image_raw', qos.IMAGE)
    astronaut_image.header.frame_id = 'before'
    camera.publish(astronaut_image)
    assert camera.get_subscription_count() == 0  # a frame that nobody needs costs nothing
    call = portrait.draw(dry_run=True)
    astronaut_image.header.frame_id = 'after'

    def sent_until_taken() -> bool:
        camera.publish(astronaut_image)
        return 'render' in around.requests

    portrait.probe.until(sent_until_taken, what='a frame is taken')
    result = call.result()
    assert result.error_code == ErrorCode.OK
    assert around.requests['render'].image.header.frame_id == 'after'
    assert result.line_art.header.frame_id == 'after'
    portrait.probe.destroy_publisher(camera)


def test_without_a_camera_the_goal_ends_with_no_frame(portrait: World, around: Neighbours) -> None:
    call = portrait.draw()
    result = call.result()
    assert result.error_code == ErrorCode.NO_FRAME
    assert result.error_msg == 'no node offers /image_raw; is the node camera running?'
    assert call.status == GoalStatus.STATUS_ABORTED


def test_a_camera_that_gives_no_picture_ends_the_goal_with_no_frame(portrait: World, around: Neighbours) -> None:
    camera = portrait.probe.create_publisher(Image, 'image_raw', qos.IMAGE)
    result = portrait.draw().result()
    portrait.probe.destroy_publisher(camera)
    assert result.error_code == ErrorCode.NO_FRAME
    assert 'no picture came on /image_raw within 2.5 s' in result.error_msg


def test_a_goal_waits_for_nodes_that_are_still_starting_and_says_for_which(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    around.vanish('plan')
    call = portrait.draw(image=astronaut_image, dry_run=True)
    portrait.probe.until(
        lambda: any(f.waiting_for == 'planner' for _, f in call.feedback), what='it says what it lacks'
    )
    around.offer('plan')
    assert call.result().error_code == ErrorCode.OK
    assert call.feedback[-1][1].waiting_for == ''


@pytest.mark.parametrize('stage', ['render', 'plan'])
def test_what_cannot_be_done_is_refused_before_anybody_sits_for_it(
    portrait: World, around: Neighbours, stage: str
) -> None:
    camera = portrait.probe.create_publisher(Image, 'image_raw', qos.IMAGE)
    around.refusals[stage] = (ErrorCode.BAD_GOAL, 'told by the stand-in')
    call = portrait.draw(page='B9', artist='nobody')
    result = call.result()
    portrait.probe.destroy_publisher(camera)
    assert (result.error_code, result.error_msg) == (ErrorCode.BAD_GOAL, 'told by the stand-in')
    assert around.requests == {}
    assert max(f.phase for _, f in call.feedback) == F.CAPTURE


@pytest.mark.parametrize(('stage', 'name'), [('plan', 'planner'), ('execute', 'plotter')])
def test_a_node_that_goes_away_before_its_turn_is_named_at_once(
    portrait: World, around: Neighbours, astronaut_image: Image, stage: str, name: str
) -> None:
    around.close_gate('render')
    call = portrait.draw(image=astronaut_image)
    portrait.probe.until(lambda: 'render' in around.requests, what='the lines are being drawn')
    around.vanish(stage)
    result = call.result()
    assert result.error_msg == f'the node {name} went away in the middle of the drawing'


def test_feedback_comes_at_5_hz_or_better_in_every_phase(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    for stage, phase in STAGES.items():
        around.close_gate(stage)
        call = portrait.draw(image=astronaut_image)
        call.until_phase(phase)
        seen = len(call.feedback)
        portrait.probe.until(lambda call=call, seen=seen: len(call.feedback) >= seen + 6, 5.0, 'six feedbacks')
        times = [t for t, _ in call.feedback[seen:]]
        gaps = sorted(b - a for a, b in zip(times, times[1:], strict=False))
        assert gaps[len(gaps) // 2] < 0.2
        around.open_gate(stage)
        assert call.result().error_code == ErrorCode.OK


@pytest.mark.parametrize('stage', ['render', 'plan', 'execute'])
@pytest.mark.parametrize('code', [ErrorCode.NO_FACE, ErrorCode.BAD_GOAL, ErrorCode.PLOTTER_ALARM])
def test_a_neighbours_error_ends_the_goal_with_its_code_and_message(
    portrait: World, around: Neighbours, astronaut_image: Image, stage: str, code: ErrorCode
) -> None:
    around.failures[stage] = (code, 'told by the stand-in')
    call = portrait.draw(image=astronaut_image)
    result = call.result()
    assert (result.error_code, result.error_msg) == (code, 'told by the stand-in')
    assert call.status == GoalStatus.STATUS_ABORTED


def test_a_second_goal_is_rejected_while_one_runs_and_taken_afterwards(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    around.close_gate('execute')
    first = portrait.draw(image=astronaut_image)
    first.until_phase(F.DRAW)
    assert not portrait.draw(image=astronaut_image).accepted
    around.open_gate('execute')
    assert first.result().error_code == ErrorCode.OK
    assert portrait.draw(image=astronaut_image).result().error_code == ErrorCode.OK


def test_a_plotter_that_draws_for_somebody_else_is_busy(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    around.reject_plans = True
    result = portrait.draw(image=astronaut_image).result()
    assert result.error_code == ErrorCode.BUSY
    assert 'drawing something else' in result.error_msg


def test_a_negative_budget_is_refused_before_anything_is_asked(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    result = portrait.draw(image=astronaut_image, time_budget=Duration(sec=-5)).result()
    assert result.error_code == ErrorCode.BAD_GOAL
    assert result.error_msg == 'the time budget -5 s is negative; 0 takes the configured one'
    assert around.requests == {}


@pytest.mark.parametrize('stage', ['render', 'plan', 'execute'])
def test_a_cancel_in_each_phase_ends_the_goal_as_cancelled(
    portrait: World, around: Neighbours, astronaut_image: Image, stage: str
) -> None:
    around.close_gate(stage)
    call = portrait.draw(image=astronaut_image)
    call.until_phase(STAGES[stage])
    portrait.probe.until(lambda: stage in around.requests, what='the stage has begun')
    call.cancel()
    result = call.result()
    assert (result.error_code, call.status) == (ErrorCode.CANCELLED, GoalStatus.STATUS_CANCELED)
    assert result.error_msg == 'the drawing was cancelled; the pen is up'
    assert around.cancelled == (1 if stage == 'execute' else 0)


def test_a_cancel_while_waiting_for_the_camera_ends_the_goal_as_cancelled(portrait: World, around: Neighbours) -> None:
    call = portrait.draw()
    call.until_phase(F.CAPTURE)
    call.cancel()
    assert call.result().error_code == ErrorCode.CANCELLED
    assert call.status == GoalStatus.STATUS_CANCELED


@pytest.mark.parametrize(
    ('stage', 'code', 'words'),
    [
        ('render', ErrorCode.NODE_LOST, 'no node offers render_line_art; is the node line_artist running?'),
        ('plan', ErrorCode.NODE_LOST, 'no node offers plan_drawing; is the node planner running?'),
        ('execute', ErrorCode.PLOTTER_OFFLINE, 'no node offers execute_plan; is the node plotter running?'),
    ],
)
def test_a_node_that_is_not_there_is_named(
    portrait: World, around: Neighbours, astronaut_image: Image, stage: str, code: ErrorCode, words: str
) -> None:
    around.vanish(stage)
    result = portrait.draw(image=astronaut_image).result()
    assert (result.error_code, result.error_msg) == (code, words)


@pytest.mark.parametrize(('stage', 'name'), [('render', 'line_artist'), ('plan', 'planner')])
def test_a_node_that_goes_away_in_the_middle_is_named(
    portrait: World, around: Neighbours, astronaut_image: Image, stage: str, name: str
) -> None:
    around.close_gate(stage)
    call = portrait.draw(image=astronaut_image)
    portrait.probe.until(lambda: stage in around.requests, what='the stage has begun')
    around.vanish(stage)
    result = call.result()
    assert (result.error_code, result.error_msg) == (
        ErrorCode.NODE_LOST,
        f'the node {name} went away in the middle of the drawing',
    )
    assert call.status == GoalStatus.STATUS_ABORTED


@pytest.mark.parametrize('before_it_answered', [False, True])
def test_a_plotter_that_was_started_again_in_the_middle_ends_the_drawing(
    portrait: World, around: Neighbours, astronaut_image: Image, before_it_answered: bool
) -> None:
    around.close_gate('execute')
    around.mute = before_it_answered
    call = portrait.draw(image=astronaut_image)
    portrait.probe.until(lambda: 'execute' in around.requests, what='the stage has begun')
    around.vanish('execute')
    around.offer('execute')
    result = call.result()
    assert (result.error_code, result.error_msg) == (
        ErrorCode.PLOTTER_OFFLINE,
        'the plotter node was started again in the middle of the drawing; its resume draws the rest',
    )


def test_a_line_artist_that_was_started_again_while_it_drew_ends_the_drawing(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    around.close_gate('render')
    call = portrait.draw(image=astronaut_image)
    portrait.probe.until(lambda: 'render' in around.requests, what='the lines are being drawn')
    around.vanish('render')
    around.offer('render')
    result = call.result()
    assert (result.error_code, result.error_msg) == (
        ErrorCode.NODE_LOST,
        'the node line_artist was started again in the middle of the drawing',
    )


def test_a_plotter_that_falls_silent_ends_the_drawing(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    around.close_gate('execute')
    around.silent = True
    result = portrait.draw(image=astronaut_image).result()
    assert (result.error_code, result.error_msg) == (
        ErrorCode.PLOTTER_OFFLINE,
        'the plotter node has been silent for 4 s',
    )


def test_a_node_that_never_answers_runs_into_the_deadline(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    around.close_gate('render')
    result = portrait.draw(image=astronaut_image).result()
    assert result.error_code == ErrorCode.NODE_LOST
    assert result.error_msg == 'the node line_artist did not answer in 4 s'


def test_a_client_that_dies_ends_the_drawing_and_diagnostics_say_so(
    portrait: World, around: Neighbours, astronaut_image: Image
) -> None:
    around.close_gate('execute')
    health = portrait.probe.collect(DiagnosticArray, '/diagnostics')
    portrait.draw(image=astronaut_image)
    portrait.probe.until(lambda: 'execute' in around.requests, what='the drawing has begun')
    portrait.hang_up()
    portrait.probe.until(lambda: around.cancelled == 1, 20.0, 'the plotter is told to stop')

    def said() -> list[str]:
        return [s.message for _, m in health for s in m.status if s.name == 'portrait: drawing']

    portrait.probe.until(lambda: any('CLIENT_LOST' in text for text in said()), 20.0, 'diagnostics say so')
    assert 'whoever asked for the drawing is gone' in next(text for text in said() if 'CLIENT_LOST' in text)


def test_ctrl_c_in_the_middle_ends_the_goal_in_order(world: World, astronaut_image: Image) -> None:
    running = world.start_node('portrait')
    around = Neighbours(world.node('neighbours'))
    around.close_gate('execute')
    call = world.draw(image=astronaut_image)
    world.probe.until(lambda: 'execute' in around.requests, what='the drawing has begun')
    running.signal(signal.SIGINT)
    world.probe.until(lambda: around.cancelled == 1, 10.0, 'the plotter is told to stop')
    deadline_s = time.monotonic() + 10.0
    while running.process.poll() is None and time.monotonic() < deadline_s:
        world.probe.executor_.spin_once(timeout_sec=0.01)
    assert running.process.returncode == 0, running.output
    assert 'the portrait node is shutting down' in running.output
    assert call.coming is not None


def test_a_client_of_whom_the_middleware_knows_no_name_yet_is_taken_for_one_that_can_send(portrait: World) -> None:
    """Between an endpoint and its node's name there is a moment, in which rcl refuses to say anything of the node."""
    commander = Commander(portrait.probe, 'draw')
    assert commander._can_send('_NODE_NAME_UNKNOWN_', '_NODE_NAMESPACE_UNKNOWN_')
