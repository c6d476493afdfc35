"""Live pictures: JPEGs, each made once for all who look, and the best of a burst."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.studio.robot import LivePicture, Robot

LONGEST_PX = 640
QUALITY = 80
EVERY_S = 0.05
BURST_S, BURST = 1.2, 8
WAIT_S = 6.0
BOUNDARY = 'frame'
MOST_VIEWERS = 12


class LivePictures:
    """Live pictures of a robot, for as many viewers as there are; the robot only works for them while there are any."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        self._viewers = 0
        self._made: dict[str, tuple[int, bytes]] = {}
        self._lock = threading.Lock()

    async def stream(self, which: str) -> AsyncIterator[bytes]:
        """Parts of a multipart/x-mixed-replace answer, each a JPEG; `which`: 'photo' or 'lines'."""
        source: Callable[[], LivePicture | None] = self._robot.frame if which == 'photo' else self._robot.line_art
        last = -1
        self._watch(1)
        try:
            while True:
                frame = source()
                if frame is not None and frame.number != last:
                    last = frame.number
                    jpeg = await asyncio.to_thread(self._jpeg, which, frame)
                    head = f'--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n'
                    yield head.encode() + jpeg + b'\r\n'
                await asyncio.sleep(EVERY_S)
        finally:
            self._watch(-1)

    @property
    def is_full(self) -> bool:
        """Whether as many look as may."""
        return self._viewers >= MOST_VIEWERS

    def burst(self) -> np.ndarray:
        """Take pictures for a moment, and give the best one, (H, W, 3) uint8 RGB. Blocks.

        Where faces are looked at, it is the one with open eyes in good light; else the sharpest that is well lit.

        Raises:
            SketchRobotError: NO_FRAME, the camera gives none.
        """
        self._watch(1)
        try:
            best = self._robot.best_frame()
            if best is not None:
                return best
            frames: dict[int, np.ndarray] = {}
            begin_s = time.monotonic()
            while len(frames) < BURST and time.monotonic() - begin_s < (BURST_S if frames else WAIT_S):
                frame = self._robot.frame()
                if frame is not None and frame.number not in frames:
                    begin_s = begin_s if frames else time.monotonic()
                    frames[frame.number] = frame.picture
                time.sleep(0.02)
        finally:
            self._watch(-1)
        if not frames:
            raise SketchRobotError(ErrorCode.NO_FRAME, 'the camera gives no picture; upload one instead')
        return max(frames.values(), key=picture_quality)

    def _watch(self, more: int) -> None:
        with self._lock:
            self._viewers += more
            self._robot.watch(self._viewers > 0)

    def _jpeg(self, which: str, frame: LivePicture) -> bytes:
        with self._lock:
            made = self._made.get(which)
            if made is not None and made[0] == frame.number:
                return made[1]
            picture = frame.picture
            scale = LONGEST_PX / max(picture.shape[:2])
            if scale < 1.0:
                picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            if picture.ndim == 3:
                picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
            jpeg = bytes(cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
            self._made[which] = frame.number, jpeg
            return jpeg


def picture_quality(rgb: np.ndarray) -> float:
    """How good a picture is for a portrait, to be compared within a burst: sharp, neither dark nor burnt out."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    scale = 320.0 / max(grey.shape)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1.0 else grey
    height, width = grey.shape
    middle = grey[height // 5 : height - height // 5, width // 4 : width - width // 4]
    sharp = float(cv2.Laplacian(middle, cv2.CV_64F).var())
    clipped = float(((small < 8) | (small > 247)).mean())
    return sharp * (1.0 - min(clipped, 0.9))
