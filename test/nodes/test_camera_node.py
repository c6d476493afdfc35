"""The node `camera`: what every source sends, and how it fails and comes back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter as RosParameter
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.graph import portrait_graph
from sketch_robot.nodes import camera as module
from sketch_robot.nodes import qos
from sketch_robot.nodes.camera import CameraNode
from sketch_robot.nodes.images import array_from_ros
from sketch_robot.photo import Photo
from sketch_robot.photo.sources import PhotoSource

if TYPE_CHECKING:
    from sketch_robot.testing import World

pytestmark = pytest.mark.system


class Set:
    """A camera node in this process, and what it sends."""

    def __init__(self, world: World, parameters: dict[str, Any]) -> None:
        self.probe = world.probe
        given = [RosParameter(name, value=value) for name, value in parameters.items()]
        self.images = self.probe.collect(Image, 'image_raw', 20)  # qos.IMAGE would keep the last of several only
        self.infos = self.probe.collect(CameraInfo, 'camera_info', qos.IMAGE)
        self.node: CameraNode = world.adopt(lambda context: CameraNode(context=context, parameter_overrides=given))
        self.probe.until(lambda: self.node._image_out.get_subscription_count() > 0, what='the camera knows who listens')

    def until_images(self, count: int) -> list[Image]:
        self.probe.until(lambda: len(self.images) >= count, 20.0, f'{count} pictures')
        return [msg for _, msg in self.images]

    def capture(self) -> Trigger.Response:
        return self.probe.call(Trigger, 'camera/capture', Trigger.Request())

    def spin(self) -> None:
        for _ in range(20):
            self.probe.executor_.spin_once(timeout_sec=0.01)


@pytest.fixture
def look_at(shared_world: World) -> Iterator[Callable[..., Set]]:
    """Make a camera node that looks at a source."""
    made: list[Set] = []

    def look(source: object, **parameters: Any) -> Set:
        made.append(Set(shared_world, {'source': str(source), 'still_rate_hz': 50.0, **parameters}))
        return made[-1]

    yield look
    for camera in made:
        camera.node.park()
        shared_world.probe.executor_.remove_node(camera.node)
        camera.node.destroy_node()
        for subscription in list(shared_world.probe.subscriptions):
            if subscription.topic_name in ('/image_raw', '/camera_info'):
                shared_world.probe.destroy_subscription(subscription)


def save(path: Path, grey: int, size: tuple[int, int] = (64, 48)) -> Path:
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), grey, np.uint8))
    return path


def greys(images: list[Image]) -> list[int]:
    return [int(array_from_ros(msg).mean().round()) for msg in images]


def test_a_picture_is_sent_again_and_again_with_its_size(look_at: Callable[..., Set], tmp_path: Path) -> None:
    colours = np.zeros((48, 64, 3), np.uint8)
    colours[:, :32] = (10, 20, 200)  # OpenCV's order: blue, green, red
    cv2.imwrite(str(tmp_path / 'face.png'), colours)
    camera = look_at(tmp_path / 'face.png')
    images = camera.until_images(3)
    for msg in images[:3]:
        assert (msg.encoding, msg.width, msg.height) == ('rgb8', 64, 48)
        assert array_from_ros(msg)[5, [5, 60]].tolist() == [[200, 20, 10], [0, 0, 0]]
        assert msg.header.frame_id == 'camera_optical_frame'
    stamps = [msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9 for msg in images]
    now_s = camera.probe.get_clock().now().nanoseconds * 1e-9
    assert stamps == sorted(stamps)
    assert 0.0 <= now_s - stamps[-1] < 60.0
    camera.probe.until(lambda: camera.infos, 20.0, 'camera_info')
    info = camera.infos[0][1]
    assert (info.width, info.height) == (64, 48)
    assert info.header in [msg.header for msg in images]


def test_a_character_is_one_face_again_and_again(look_at: Callable[..., Set]) -> None:
    one = [array_from_ros(msg) for msg in look_at('character:42').until_images(2)]
    assert one[0].shape == (512, 512, 3)
    assert np.array_equal(one[0], one[1])


def test_the_frame_id_is_the_configured_one(look_at: Callable[..., Set], tmp_path: Path) -> None:
    camera = look_at(save(tmp_path / 'a.png', 50), frame_id='left_eye')
    assert camera.until_images(1)[0].header.frame_id == 'left_eye'


def test_large_pictures_are_shrunk_to_the_longest_side(look_at: Callable[..., Set], tmp_path: Path) -> None:
    camera = look_at(save(tmp_path / 'wide.png', 50, (400, 200)), longest_side=100)
    image = camera.until_images(1)[0]
    assert (image.width, image.height, greys([image])) == (100, 50, [50])
    camera.probe.until(lambda: camera.infos)
    assert (camera.infos[0][1].width, camera.infos[0][1].height) == (100, 50)


def test_a_very_long_picture_keeps_a_pixel_of_height(look_at: Callable[..., Set], tmp_path: Path) -> None:
    camera = look_at(save(tmp_path / 'strip.png', 50, (8000, 32)), longest_side=64)
    image = camera.until_images(1)[0]
    assert (image.width, image.height) == (64, 1)


def test_a_folder_is_shown_in_order_again_and_again_without_what_cannot_be_read(
    look_at: Callable[..., Set], tmp_path: Path
) -> None:
    for name, grey in (('a.png', 10), ('b.png', 60), ('d.png', 110)):
        save(tmp_path / name, grey)
    (tmp_path / 'c.jpg').write_bytes(b'broken')
    camera = look_at(tmp_path, still_rate_hz=0.0)
    for _ in range(5):
        assert camera.capture().success
    assert greys(camera.until_images(5)) == [10, 60, 110, 10, 60]


def test_a_video_is_played_and_starts_again(look_at: Callable[..., Set], tmp_path: Path) -> None:
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 25.0, (64, 48))
    for grey in (40, 120, 200):
        writer.write(np.full((48, 64, 3), grey, np.uint8))
    writer.release()
    camera = look_at(path, rate_hz=20.0)
    assert set(np.round(np.array(greys(camera.until_images(7))) / 40).astype(int)) == {1, 3, 5}


def test_the_demo_photo_needs_no_path(look_at: Callable[..., Set], astronaut: np.ndarray) -> None:
    assert np.array_equal(array_from_ros(look_at('astronaut').until_images(1)[0]), astronaut)


def test_without_a_rate_a_picture_is_sent_only_when_captured(look_at: Callable[..., Set], tmp_path: Path) -> None:
    camera = look_at(save(tmp_path / 'face.png', 80), still_rate_hz=0.0)
    camera.probe.until(lambda: camera.node.count_subscribers('image_raw') > 0)
    camera.spin()
    assert camera.images == []
    for count in (1, 2):
        answer = camera.capture()
        assert (answer.success, answer.message) == (True, f'{tmp_path}/face.png, 64 x 48 pixels')
        assert len(camera.until_images(count)) == count
    camera.spin()
    assert len(camera.images) == 2


def test_a_rate_can_be_given_while_it_runs(look_at: Callable[..., Set], tmp_path: Path) -> None:
    camera = look_at(save(tmp_path / 'face.png', 80), still_rate_hz=0.0)
    assert camera.node.set_parameters([RosParameter('still_rate_hz', value=40)])[0].successful
    camera.until_images(3)


def test_a_missing_picture_is_named_by_capture_and_sent_once_it_is_there(
    look_at: Callable[..., Set], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / 'later.png'
    camera = look_at(path)
    answer = camera.capture()
    assert not answer.success
    assert answer.message == f'BAD_IMAGE: cannot read the picture {path}: No such file or directory'
    save(path, 90)
    assert greys(camera.until_images(2)[:2]) == [90, 90]
    assert camera.capture().success
    assert f'cannot read the picture {path}: No such file or directory; trying again in 0.5 s' in capfd.readouterr().err


class Eye(PhotoSource):
    """A live source that gives frames, then fails as told."""

    name, live = 'eye', True

    def __init__(self, frames: int, failure: Exception) -> None:
        self._frames, self._failure = frames, failure
        self.closed = False

    def next(self) -> Photo:
        if self._frames == 0:
            raise self._failure
        self._frames -= 1
        return Photo(np.full((48, 64, 3), self._frames, np.uint8), 'eye')

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ('failure', 'words'),
    [
        (
            SketchRobotError(ErrorCode.NO_FRAME, 'the eye gives no more frames'),
            'NO_FRAME: the eye gives no more frames',
        ),
        (ZeroDivisionError('by zero'), 'INTERNAL: ZeroDivisionError: by zero; the log has the traceback'),
    ],
)
def test_a_source_that_fails_in_the_middle_is_closed_and_opened_again(
    look_at: Callable[..., Set], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    failure: Exception, words: str,
) -> None:  # fmt: skip
    eyes = [Eye(2, failure), Eye(0, failure), Eye(1000, failure)]
    opened: list[Eye] = []

    def open_next(*_: object, **__: object) -> Eye:
        opened.append(eyes[len(opened)])
        return opened[-1]

    monkeypatch.setattr(module, 'open_source', open_next)
    camera = look_at('eye', rate_hz=20.0)
    camera.probe.until(lambda: len(opened) == 3, 20.0, 'the third opening')
    camera.probe.until(lambda: any(grey > 100 for grey in greys([m for _, m in camera.images])), 20.0, 'new frames')
    assert (eyes[0].closed, eyes[1].closed, eyes[2].closed) == (True, True, False)
    log = capfd.readouterr().err
    assert f'{words}; trying again in 0.5 s' in log
    assert f'{words}; trying again in 1 s' in log


def test_a_camera_s_own_waiting_for_a_frame_is_part_of_its_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'time', SimpleNamespace(monotonic=lambda: 100.0))
    waited: list[float] = []
    clock = SimpleNamespace(wait=lambda seconds: waited.append(seconds) or True, clear=lambda: None)
    node: Any = SimpleNamespace(_wake=clock, _values={'rate_hz': 4.0, 'still_rate_hz': 0.0})
    source, closing = SimpleNamespace(live=True), threading.Event()
    assert CameraNode._wait_until_due(node, source, 99.75, closing)  # the frame took the whole quarter of a second
    assert waited == []
    assert CameraNode._wait_until_due(node, source, 99.875, closing)
    assert waited == [0.125]
    closing.set()
    assert not CameraNode._wait_until_due(node, source, 0.0, closing)


def test_a_camera_that_is_not_there_is_named_by_the_log_and_by_capture(world: World) -> None:
    running = world.start_node('camera', source='/dev/video99')
    answer = world.probe.call(Trigger, 'camera/capture', Trigger.Request())
    assert not answer.success
    assert answer.message == ('NO_FRAME: camera /dev/video99 does not exist; plug one in or choose another source')
    assert 'NO_FRAME: camera /dev/video99 does not exist' in running.output
    running.signal(2)
    assert running.wait() == 0
    assert 'Traceback' not in running.output


def test_a_photo_whose_name_is_no_utf_8_is_sent_and_named(look_at: Callable[..., Set], tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode('fäce-'.encode() + b'\xff.png')
    path.write_bytes(save(tmp_path / 'plain.png', 90).read_bytes())
    camera = look_at(portrait_graph({'photo': str(path)})[0].parameters['source'])
    camera.until_images(1)
    answer = camera.capture()
    assert answer.success
    assert answer.message.endswith('fäce-\\udcff.png, 64 x 48 pixels')


def test_frames_that_nobody_needs_are_neither_decoded_nor_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    skipped, taken = threading.Semaphore(0), threading.Event()

    class Film(PhotoSource):
        name, live = 'film', True

        def next(self) -> Photo:
            taken.set()
            return Photo(np.zeros((48, 64, 3), np.uint8), 'film')

        def skip(self) -> None:
            skipped.release()

    monkeypatch.setattr(module, 'open_source', lambda *_, **__: Film())
    node = world.adopt(CameraNode)
    for _ in range(3):
        assert skipped.acquire(timeout=10.0)
    assert not taken.is_set()
    assert world.probe.call(Trigger, 'camera/capture', Trigger.Request()).message == 'film, 64 x 48 pixels'
    taken.clear()
    images = world.probe.collect(Image, 'image_raw', qos.IMAGE)
    world.probe.until(lambda: images, what='a frame')
    node.park()
