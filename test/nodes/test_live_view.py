"""The live view: the next frame's sitter is looked for while one is drawn, and no frame is taken before its time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import qos
from sketch_robot.nodes.image_input import RAW
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.live_view import Expected, LiveArt, LiveView
from sketch_robot.nodes.node import SketchNode, Worker

if TYPE_CHECKING:
    from sketch_robot.testing import World

pytestmark = pytest.mark.system


class Gallery(SketchNode):
    """A node with a view whose finding and drawing wait for a permit each; frames and sitters are their numbers."""

    def __init__(self, **options: Any) -> None:
        super().__init__('gallery', **options)
        self.may_find, self.may_draw = threading.Semaphore(0), threading.Semaphore(0)
        self.looked_at: list[int] = []
        self.drawing: list[int] = []
        self.shown: list[int] = []
        self.oldest_s = 0.0
        self.failing: set[int] = set()
        self.workers = Worker(self, 'finding'), Worker(self)
        self.view = LiveView(
            self,
            *self.workers,
            find=self._find,
            draw=self._draw,
            show=lambda live: self.shown.append(int(live.art.header.frame_id)),
            oldest_s=lambda: self.oldest_s,
        )
        self.view.watch(True, RAW)

    def _find(self, msg: Any) -> Any:
        self.looked_at.append(int(msg.header.frame_id))
        assert self.may_find.acquire(timeout=20.0)
        if self.looked_at[-1] in self.failing:
            raise SketchRobotError(ErrorCode.NO_FACE, 'nobody there')
        return self.looked_at[-1]

    def _draw(self, sitter: Any, header: Header) -> LiveArt:
        self.drawing.append(sitter)
        assert self.may_draw.acquire(timeout=20.0)
        assert int(header.frame_id) == sitter
        if -sitter in self.failing:
            raise SketchRobotError(ErrorCode.INTERNAL, 'the pencil broke')
        return LiveArt(Image(header=header), None)

    def close(self) -> None:
        self.may_find.release(1000)
        self.may_draw.release(1000)
        for worker in self.workers:
            worker.close()


@pytest.fixture
def gallery(world: World) -> Iterator[Gallery]:
    made = world.adopt(Gallery)
    yield made
    made.close()
    world.probe.executor_.remove_node(made)
    made.destroy_node()


@pytest.fixture
def send(world: World, gallery: Gallery) -> Callable[..., None]:
    """Send a frame of a number, and wait until it has come to whoever listens."""
    out = world.probe.create_publisher(Image, 'image_raw', qos.IMAGE)
    heard = world.probe.collect(Image, 'image_raw', qos.IMAGE)
    world.probe.until(lambda: out.get_subscription_count() == 2, what='both listeners')

    def sent(number: int, stamp_s: int = 0) -> None:
        frame = image_to_ros(np.zeros((48, 64, 3), np.uint8), 'rgb8')
        frame.header.frame_id, frame.header.stamp.sec = str(number), stamp_s
        out.publish(frame)
        world.probe.until(lambda: any(msg.header.frame_id == str(number) for _, msg in heard), what='the frame')

    return sent


def begun(world: World, gallery: Gallery, send: Callable[..., None]) -> None:
    """Frame 1 is being drawn."""
    send(1)
    world.until(lambda: gallery.looked_at == [1])
    gallery.may_find.release()
    world.until(lambda: gallery.drawing == [1])


def test_the_next_sitter_is_found_while_one_is_drawn_and_only_the_newest_frame_is_taken_then(
    world: World, gallery: Gallery, send: Callable[..., None]
) -> None:
    begun(world, gallery, send)
    send(2)
    world.until(lambda: gallery.looked_at == [1, 2])
    for number in (3, 4, 5):
        send(number)
    gallery.may_find.release()
    gallery.may_draw.release()
    world.until(lambda: gallery.drawing == [1, 2] and gallery.shown == [1])
    gallery.may_find.release()
    gallery.may_draw.release()
    world.until(lambda: gallery.drawing == [1, 2, 5] and gallery.shown == [1, 2])
    assert gallery.looked_at == [1, 2, 5]
    assert (gallery.view.count.drawn, gallery.view.rate.count) == (2, 2)


def test_a_frame_is_taken_when_its_sitter_is_found_just_in_time(
    world: World, gallery: Gallery, send: Callable[..., None]
) -> None:
    gallery.view._draw_s.learn(1000.0)  # a drawing that goes on for long yet
    begun(world, gallery, send)
    send(2)
    for _ in range(10):
        world.probe.executor_.spin_once(timeout_sec=0.01)
    assert gallery.looked_at == [1]
    gallery.may_draw.release()  # sooner than expected
    world.until(lambda: gallery.looked_at == [1, 2])


def test_what_is_urgent_lets_the_view_finish_what_it_draws_and_begin_nothing(
    world: World, gallery: Gallery, send: Callable[..., None]
) -> None:
    begun(world, gallery, send)
    send(2)
    world.until(lambda: gallery.looked_at == [1, 2])
    gallery.view.hold(True)
    send(3)
    gallery.may_find.release()
    world.until(lambda: not gallery.view._is_finding)
    gallery.may_draw.release(2)
    world.until(lambda: gallery.shown == [1])
    for _ in range(10):
        world.probe.executor_.spin_once(timeout_sec=0.01)
    assert (gallery.looked_at, gallery.drawing) == ([1, 2], [1])
    gallery.view.hold(False)
    gallery.may_find.release()
    world.until(lambda: gallery.shown == [1, 3])


def test_frames_that_fail_or_are_too_old_are_counted_and_the_next_is_drawn(
    world: World, gallery: Gallery, send: Callable[..., None]
) -> None:
    gallery.failing, gallery.oldest_s = {1, -2}, 30.0
    gallery.may_find.release(10)
    gallery.may_draw.release(10)
    count = gallery.view.count
    for number, stamp_s in ((1, 0), (2, 0), (3, 1), (4, 0)):
        send(number, stamp_s)
        world.until(lambda n=number: count.failed + count.drawn + count.too_old >= n)
    world.until(lambda: gallery.shown == [4])
    assert (count.failed, count.too_old, count.drawn) == (2, 1, 1)
    assert gallery.looked_at == [1, 2, 4]


def test_who_looks_away_is_not_drawn_for(world: World, gallery: Gallery, send: Callable[..., None]) -> None:
    assert gallery.view.watching
    gallery.view.watch(False, RAW)
    world.until(lambda: gallery.count_subscribers('image_raw') == 1, what='only the test listens')
    assert not gallery.view.watching


def test_what_is_expected_follows_the_last_times() -> None:
    expected = Expected()
    expected.learn(1.0)
    assert expected.seconds == 1.0
    expected.learn(2.0)
    assert expected.seconds == pytest.approx(1.2)
