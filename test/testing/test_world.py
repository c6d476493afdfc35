"""The testing kit, used as its documentation says: a graph, a simulated camera, faults, the paper."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Bool

from sketch_robot.client import DrawError
from sketch_robot.errors import ErrorCode
from sketch_robot.nodes import qos
from sketch_robot.testing import World, moving_face, synthetic_face
from sketch_robot.testing.strange import strange_goal

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


@pytest.fixture(scope='module')
def robot(shared_world: World) -> World:
    shared_world.start_graph(speedup='200', page='A6', parameters={'portrait': {'frame_timeout': 3.0}})
    assert shared_world.client.draw(synthetic_face(), dry_run=True).result(150.0).faces == 1
    return shared_world


def test_a_moving_face_before_the_camera_is_drawn_on_paper(robot: World) -> None:
    with robot.camera(moving_face) as camera:
        result = robot.client.draw().result(150.0)
    assert result.faces == 1
    assert result.strokes_drawn > 5
    assert camera.sent > 0
    paper = robot.client.paper(result)
    assert paper is not None
    assert paper.shape[0] == pytest.approx(148 * 8, abs=2)
    assert paper.min() < 64
    assert 0.001 < np.mean(paper < 128) < 0.2


def test_topics_are_collected_while_the_test_does_something_else(robot: World) -> None:
    frames = robot.collect(Image, 'image_raw')
    infos = robot.collect(CameraInfo, 'camera_info')
    with robot.camera([synthetic_face(320, 240)], rate_hz=50.0):
        robot.client.draw(dry_run=True).result(60.0)
    assert len(frames) > 1
    assert (frames[0][1].width, infos[0][1].height) == (320, 240)


def test_a_camera_that_hangs_and_one_that_is_unplugged_are_named(robot: World) -> None:
    with robot.camera(synthetic_face()) as camera:
        camera.freeze()
        with pytest.raises(DrawError) as caught:
            robot.client.draw(dry_run=True).result(60.0)
        assert caught.value.code == ErrorCode.NO_FRAME
        camera.thaw()
        assert robot.client.draw(dry_run=True).result(60.0).faces == 1
    drawings = [robot.client.draw(dry_run=True)]

    def waits() -> bool:
        if drawings[-1].done:  # it began before the robot knew that the camera had gone
            drawings.append(robot.client.draw(dry_run=True))
        return drawings[-1].progress.waiting_for == 'camera'

    robot.until(waits, 30.0)
    drawing = drawings[-1]
    assert drawing.cancel().result(20.0)
    with pytest.raises(DrawError):
        drawing.result(20.0)


def test_a_broken_frame_is_an_error_with_a_name(robot: World) -> None:
    with robot.camera(synthetic_face(), rate_hz=0.0) as camera:
        drawing = robot.client.draw()
        broken = Image(width=64, height=64, encoding='rgb8', step=192, data=b'123')

        def sent_until_taken() -> bool:
            camera.publish(broken)
            return drawing.done

        robot.until(sent_until_taken, 30.0)
    with pytest.raises(DrawError) as caught:
        drawing.result()
    assert caught.value.code == ErrorCode.BAD_IMAGE


def test_a_node_that_was_killed_is_started_again(world: World) -> None:
    nodes = world.start_graph(only=['planner'])
    assert list(nodes) == ['planner']
    planner = nodes['planner']
    first = planner.process.pid
    planner.freeze()
    planner.thaw()
    planner.kill()
    planner.start_again()
    assert planner.process.pid != first
    assert planner.process.poll() is None


def test_a_machine_that_stops_itself_ends_the_drawing_with_its_name(world: World) -> None:
    world.start_graph(speedup='200', parameters={'plotter': {'alarm_after_strokes': 3}})
    with pytest.raises(DrawError) as caught:
        world.client.draw(synthetic_face()).result(150.0)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM


def test_every_strange_goal_is_a_drawing_or_an_error_with_a_name(robot: World) -> None:
    """A few of those that `python -m bench client_fuzz` sends by the thousand."""
    ends: Counter[ErrorCode] = Counter()
    told: list[str] = []
    with robot.camera(synthetic_face(160, 120), rate_hz=20.0):
        for seed in range(40):
            try:
                robot.client.draw_goal(strange_goal(random.Random(seed))).result(60.0)
                ends[ErrorCode.OK] += 1
            except DrawError as error:
                ends[error.code] += 1
                told.append(error.message)
    assert all(told)
    assert ends.keys() <= set(ErrorCode) - {ErrorCode.INTERNAL, ErrorCode.NODE_LOST, ErrorCode.CLIENT_LOST}
    assert len(ends) > 3
    assert all(node.process.poll() is None for node in robot.running)


def test_waiting_for_the_last_of_what_is_heard_waits_for_the_first(world: World) -> None:
    heard = world.probe.collect(Bool, 'said')
    out = world.node('speaker').create_publisher(Bool, 'said', qos.LATCHED)
    world.probe.create_timer(0.5, lambda: out.publish(Bool(data=True)))
    assert world.probe.until(lambda: heard[-1][1].data, what='a word')
    with pytest.raises(AssertionError, match=r'not within 0\.1 s: another'):
        world.probe.until(lambda: heard[10**6][1].data, 0.1, 'another')
