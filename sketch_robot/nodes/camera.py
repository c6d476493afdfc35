"""The node `camera`: a V4L2 camera, a video, a picture or a folder as a ROS camera.

Publishes `image_raw` (rgb8), `camera_info` and `/diagnostics`; serves `~/capture` (Trigger), which takes and publishes
one picture now. A source that fails is opened again, ever more slowly; the log says why.
"""

from __future__ import annotations

import math
import threading
import time
from queue import Empty, SimpleQueue
from typing import Any

import cv2
import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from sketch_robot.characters.source import CharacterSource, names_character
from sketch_robot.errors import ErrorCode, SketchRobotError, printable
from sketch_robot.graph import DEMO_PHOTO
from sketch_robot.nodes import qos
from sketch_robot.nodes.diagnostics import ERROR, OK, WARN, Diagnostics, Health, Latency, Rate
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.managed import AUTOSTART, ManagedNode
from sketch_robot.nodes.node import failure_of, run_node
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.photo.picture import Photo
from sketch_robot.photo.sources import PhotoSource, open_source

RETRY_S, RETRY_LONGEST_S = 0.5, 5.0
RATE_CHECK_S = 0.5  # how soon a changed rate is noticed while waiting

PARAMETERS = (
    Parameter(
        'source',
        '0',
        "What to look at: a camera ('0' or '/dev/video0'), a video, a picture, or a folder of pictures; "
        "'astronaut' is the demo photo that comes with scikit-image, 'character' a new character each time, "
        "'character:42' the one of seed 42.",
        read_only=True,
    ),
    Parameter('rate_hz', 30.0, 'Frames a second of a camera or a video.', low=0.1, high=120.0),
    Parameter(
        'still_rate_hz', 2.0, 'How often a picture, or the next of a folder, is sent; 0: only on ~/capture.', 0.0, 120.0
    ),
    Parameter('width', 1280, 'Width to ask a camera for, pixels; 0: its own choice.', low=0, high=8192, read_only=True),
    Parameter(
        'height', 720, 'Height to ask a camera for, pixels; 0: its own choice.', low=0, high=8192, read_only=True
    ),
    Parameter(
        'longest_side', 1920, 'Larger pictures are shrunk to this before they are sent, pixels.', low=64, high=8192
    ),
    AUTOSTART,
    Parameter('frame_id', 'camera_optical_frame', 'The frame of the pictures (REP-105).'),
)


def demo_photo() -> str:
    """The path of scikit-image's astronaut."""
    from skimage import data

    return f'{data.data_dir}/astronaut.png'


class CameraNode(ManagedNode):
    """Publishes frames of a camera, a video, a picture or a folder."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('camera', **kwargs)
        self._values = Parameters(self, PARAMETERS)
        self._image_out = self.create_publisher(Image, 'image_raw', qos.IMAGE)
        self._info_out = self.create_publisher(CameraInfo, 'camera_info', qos.IMAGE)
        self.create_service(Trigger, '~/capture', self._on_capture, callback_group=ReentrantCallbackGroup())
        self._wanted: SimpleQueue[Future] = SimpleQueue()
        self._source_name = self._trouble = ''
        self._size_px = (0, 0)
        self._sent, self._passed, self._sending = Rate(), Rate(), Latency()
        self._health = Diagnostics(self, 'source', self._look_at_source)
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._eye: threading.Thread | None = None
        self.start(self._values['autostart'])

    def begin(self) -> None:
        """Look at the source."""
        self._closing = threading.Event()
        self._eye = threading.Thread(target=self._look, args=(self._closing,), name='camera source', daemon=True)
        self._eye.start()

    def rest(self) -> None:
        """Let go of the source."""
        self._closing.set()
        self._wake.set()
        if self._eye is not None:
            self._eye.join(timeout=2.0)
        self._source_name = self._trouble = ''
        self._answer(SketchRobotError(ErrorCode.NO_FRAME, 'the node camera is not active any more'))

    def park(self) -> None:
        """Let go of the source."""
        self.rest()

    async def _on_capture(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if not self.is_active:
            response.message = 'NO_FRAME: the node camera is not active; activate it'
            return response
        taken = Future(executor=self.executor)
        self._wanted.put(taken)
        self._wake.set()
        photo: Photo | SketchRobotError = await taken
        response.success = isinstance(photo, Photo)
        response.message = str(photo) if isinstance(photo, SketchRobotError) else _describe(photo)
        return response

    def _look(self, closing: threading.Event) -> None:
        """The source's thread: open, send, and open again after a failure, until `closing`."""
        self.speak_here()
        wait_s = RETRY_S
        while not closing.is_set():
            source = None
            try:
                source = self._open()
                self._source_name, self._trouble = source.name, ''
                self.get_logger().info(f'ready: looking at {source.name}')
                begun_s = -math.inf
                while self._wait_until_due(source, begun_s, closing):
                    begun_s = time.monotonic()
                    if self._is_wanted():
                        self._send_next(source)
                    else:
                        source.skip()
                        self._passed.tick()
                    wait_s = RETRY_S
            except Exception as error:  # noqa: BLE001  every failure is answered and tried again; defects are logged
                failure = failure_of(error)
                self._trouble = failure.message
                self.get_logger().error(f'{failure}; trying again in {wait_s:g} s')
                self._answer(failure)
                self._wake.wait(wait_s)
                self._wake.clear()
                wait_s = min(2 * wait_s, RETRY_LONGEST_S)
            finally:
                if source is not None:
                    source.close()

    def _open(self) -> PhotoSource:
        text = self._values['source']
        if names_character(text):
            return CharacterSource(text)
        return open_source(
            demo_photo() if text == DEMO_PHOTO else text,
            width_px=self._values['width'],
            height_px=self._values['height'],
            rate_hz=self._values['rate_hz'],
        )

    def _wait_until_due(self, source: PhotoSource, begun_s: float, closing: threading.Event) -> bool:
        """Wait until it is time for the next picture, or one is asked for; False when closing.

        Counted from when the last one was begun: a camera's own waiting for its frame is part of the period.
        """
        while not closing.is_set():
            rate_hz = self._values['rate_hz'] if source.live else self._values['still_rate_hz']
            left_s = begun_s + 1.0 / rate_hz - time.monotonic() if rate_hz > 0.0 else math.inf
            if left_s <= 0.0 or self._wake.wait(min(left_s, RATE_CHECK_S)):
                break
        self._wake.clear()
        return not closing.is_set()

    def _is_wanted(self) -> bool:
        """Whether anybody listens or has asked for a picture: decoding and sending frames costs the most here."""
        listeners = self._image_out.get_subscription_count() + self._info_out.get_subscription_count()
        return listeners > 0 or not self._wanted.empty()

    def _look_at_source(self) -> Health:
        """How the node is."""
        values = {
            'source': self._source_name,
            'sent_hz': self._sent.hz,
            'sent': self._sent.count,
            'unwanted_hz': self._passed.hz,
            'listeners': self._image_out.get_subscription_count(),
            'width_px': self._size_px[0],
            'height_px': self._size_px[1],
            **self._sending.values('sending'),
        }
        if not self.is_active:
            return Health(WARN, 'inactive', values)
        if self._trouble:
            return Health(ERROR, self._trouble, values)
        return Health(OK, 'looking', values) if self._source_name else Health(WARN, 'opening the source', values)

    def _send_next(self, source: PhotoSource) -> None:
        photo = source.next()
        begun_s = time.perf_counter()
        rgb = photo.rgb
        shrink = self._values['longest_side'] / max(rgb.shape[:2])
        if shrink < 1.0:
            width, height = (max(1, round(side * shrink)) for side in photo.size_px)
            rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        header = Header(frame_id=self._values['frame_id'], stamp=self.get_clock().now().to_msg())
        self._image_out.publish(image_to_ros(np.ascontiguousarray(rgb), 'rgb8', header))
        self._info_out.publish(CameraInfo(header=header, width=rgb.shape[1], height=rgb.shape[0]))
        self._size_px = rgb.shape[1], rgb.shape[0]
        self._sending.add(time.perf_counter() - begun_s)
        self._sent.tick()
        self._answer(photo)

    def _answer(self, outcome: Photo | SketchRobotError) -> None:
        while True:
            try:
                taken = self._wanted.get_nowait()
            except Empty:
                return
            taken.set_result(outcome)
            if self.executor is not None:
                self.executor.wake()


def _describe(photo: Photo) -> str:
    return f'{printable(photo.source) or "photo"}, {photo.size_px[0]} x {photo.size_px[1]} pixels'


def main() -> None:
    """Run the node."""
    run_node(CameraNode)


if __name__ == '__main__':
    main()
