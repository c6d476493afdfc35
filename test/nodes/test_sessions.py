"""Recorded sessions: what is written is read again, also by those who have no ROS, and played as a camera."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, Image
from sketch_robot_interfaces.msg import PlotterState

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes.images import array_from_ros, image_to_ros
from sketch_robot.nodes.messages import seconds_from_ros
from sketch_robot.nodes.sessions import SessionWriter, definition_of, read_session, session_path
from sketch_robot.testing import World, moving_face, synthetic_face

IMAGE = 'sensor_msgs/msg/Image'


def written(path: Path) -> Path:
    writer = SessionWriter(path)
    for k in range(3):
        image = image_to_ros(np.full((4, 6, 3), 10 * k, np.uint8), 'rgb8')
        writer.write('/robo/image_raw', IMAGE, serialize_message(image), 10**9 + k * 5 * 10**8)
    state = PlotterState(machine='simulated', strokes_done=7)
    writer.write('/robo/plotter_state', 'sketch_robot_interfaces/msg/PlotterState', serialize_message(state), 3 * 10**9)
    writer.close()
    return path


def test_a_session_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = list(read_session(written(tmp_path / 'new' / 'visit.mcap')))
    assert [(message.topic, message.seconds) for message in found] == [
        ('/robo/image_raw', 0.0),
        ('/robo/image_raw', 0.5),
        ('/robo/image_raw', 1.0),
        ('/robo/plotter_state', 2.0),
    ]
    assert array_from_ros(deserialize_message(found[2].data, Image)).max() == 20


def test_those_who_have_no_ros_can_read_it(tmp_path: Path) -> None:
    with written(tmp_path / 'visit.mcap').open('rb') as file:
        found = [msg for *_, msg in make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages()]
    assert (found[1].width, found[1].height, found[1].data[0]) == (6, 4, 10)
    assert (found[3].machine, found[3].strokes_done) == ('simulated', 7)


def test_a_definition_holds_those_within_once() -> None:
    text = definition_of('sensor_msgs/msg/CameraInfo')
    assert text.count('MSG: std_msgs/Header') == 1
    assert text.count('MSG: builtin_interfaces/Time') == 1
    assert 'MSG: sensor_msgs/RegionOfInterest' in text


def test_what_is_no_session_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SketchRobotError, match='there is no recorded session') as caught:
        session_path(str(tmp_path / 'nowhere.mcap'))
    assert caught.value.code == ErrorCode.BAD_GOAL
    (tmp_path / 'broken.mcap').write_bytes(written(tmp_path / 'whole.mcap').read_bytes()[:100])
    with pytest.raises(SketchRobotError, match='no whole MCAP file'):
        list(read_session(tmp_path / 'broken.mcap'))
    with pytest.raises(SketchRobotError, match='is not installed'):
        definition_of('no_such_msgs/msg/Thing')


def test_the_demo_session_is_the_painted_face_before_a_camera() -> None:
    found = list(read_session(session_path('demo')))
    images = [deserialize_message(message.data, Image) for message in found if message.topic == '/image_raw']
    assert len(images) == 8
    assert np.array_equal(array_from_ros(images[3]), moving_face(3.0, 480, 360))
    assert sum(message.topic == '/camera_info' for message in found) == 8


@pytest.mark.system
def test_what_the_recorder_keeps_the_replayer_plays(world: World, tmp_path: Path) -> None:
    path = tmp_path / 'visit.mcap'
    recorder = world.start_node('recorder', file=str(path), picture_rate_hz=100.0)
    with world.camera(synthetic_face(64, 48), rate_hz=20.0) as camera:
        world.until(lambda: path.exists() and camera.sent > 3, 30.0)
        heard = world.collect(Image, 'image_raw')
        listeners = world.probe.count_subscribers
        world.until(lambda: listeners('/image_raw') > 1, 20.0, 'the recorder listens')
        seen = len(heard)
        world.until(lambda: len(heard) > seen + 10, 20.0)
        recorder.signal(signal.SIGINT)
        assert recorder.wait() == 0, recorder.output
    kinds = {message.topic: message.kind for message in read_session(path)}
    assert kinds == {'/image_raw': IMAGE, '/camera_info': 'sensor_msgs/msg/CameraInfo'}
    frames, infos = world.collect(Image, 'image_raw'), world.collect(CameraInfo, 'camera_info')
    began_s = time.time()
    replayer = world.start_node('replayer', file=str(path), loop=True)
    count = sum(message.topic == '/image_raw' for message in read_session(path))
    world.until(lambda: len(frames) > count and infos, 30.0, 'the session, and its beginning again')
    replayer.end()
    assert np.array_equal(array_from_ros(frames[-1][1]), synthetic_face(64, 48))
    assert seconds_from_ros(frames[-1][1].header.stamp) > began_s  # of now, not of the recording


@pytest.mark.system
def test_a_graph_draws_from_the_demo_session(world: World) -> None:
    world.start_graph(replay='demo', speedup='200', only=['replayer', 'line_artist', 'planner', 'portrait'])
    assert world.client.draw(dry_run=True).result(120.0).faces == 1
