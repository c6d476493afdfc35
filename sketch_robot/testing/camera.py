"""A simulated camera: pictures, videos or painted frames on `image_raw`."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from sketch_robot.nodes import qos
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.photo import Photo
from sketch_robot.photo.sources import open_source

Frames = str | Path | Photo | np.ndarray | Sequence[np.ndarray] | Callable[[float], np.ndarray]
_log = logging.getLogger(__name__)


def frames_of(frames: Frames) -> Iterator[np.ndarray]:
    """The frames of a source, (H, W, 3) uint8 RGB each, without end.

    Args:
        frames: the path of a picture, a folder of pictures or a video; a picture; several, which come in turn; or a
            function of the seconds since the first frame, as `moving_face`.
    """
    if callable(frames):
        begun_s = time.monotonic()
        while True:
            yield frames(time.monotonic() - begun_s)
    if isinstance(frames, str | Path):
        with_source = open_source(str(frames), width_px=0, height_px=0, rate_hz=30.0)
        try:
            while True:
                yield with_source.next().rgb
        finally:
            with_source.close()
    if isinstance(frames, Photo):
        yield from itertools.repeat(frames.rgb)
    elif isinstance(frames, np.ndarray) and frames.ndim == 3:
        yield from itertools.repeat(frames)
    else:
        yield from itertools.cycle(frames)


class SimulatedCamera:
    """Publishes frames from a thread until it is stopped; a context manager.

    Args:
        node: on whose behalf.
        frames: as of `frames_of`.
        rate_hz: frames a second; 0: none but those that `publish` sends.
        topic: of the pictures; `camera_info` is sent beside it.

    Attributes:
        sent: how many frames were sent.
    """

    def __init__(self, node: Node, frames: Frames, rate_hz: float = 10.0, topic: str = 'image_raw') -> None:
        self._node = node
        endless = frames_of(frames)
        self._frames = itertools.chain([next(endless)], endless)  # a source that cannot be read is told at once
        self._rate_hz = rate_hz
        self._images = node.create_publisher(Image, topic, qos.IMAGE)
        self._infos = node.create_publisher(CameraInfo, 'camera_info', qos.IMAGE)
        self._ended, self._going = threading.Event(), threading.Event()
        self._going.set()
        self.sent = 0
        self._thread = threading.Thread(target=self._run, name='simulated camera', daemon=True)
        self._thread.start()

    def publish(self, frame: np.ndarray | Image) -> None:
        """Send one frame now, (H, W, 3) uint8 RGB; or a message as it is, also a broken one."""
        if isinstance(frame, Image):
            self._images.publish(frame)
        else:
            header = Header(frame_id='camera_optical_frame', stamp=self._node.get_clock().now().to_msg())
            self._images.publish(image_to_ros(np.ascontiguousarray(frame), 'rgb8', header))
            self._infos.publish(CameraInfo(header=header, width=frame.shape[1], height=frame.shape[0]))
        self.sent += 1

    def freeze(self) -> None:
        """Send nothing, as a camera that hangs: it is still there."""
        self._going.clear()

    def thaw(self) -> None:
        """Send again."""
        self._going.set()

    def stop(self) -> None:
        """Be there no longer, as a camera that was unplugged."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._going.set()
        self._thread.join(timeout=5.0)
        self._node.destroy_publisher(self._images)
        self._node.destroy_publisher(self._infos)

    def __enter__(self) -> SimulatedCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        due_s = time.monotonic()
        while self._rate_hz > 0.0 and not self._ended.is_set():
            self._going.wait()
            try:
                frame = next(self._frames)
            except Exception:  # noqa: BLE001  of a user's function; the log says which
                _log.exception('the simulated camera has no more frames')
                return
            if self._ended.is_set():
                return
            self.publish(frame)
            due_s = max(due_s + 1.0 / self._rate_hz, time.monotonic() - 1.0 / self._rate_hz)
            self._ended.wait(max(0.0, due_s - time.monotonic()))
