"""Where photos come from: a camera, a video, a picture, a folder of pictures."""

from __future__ import annotations

import logging
import os
import re
import time
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError, printable
from sketch_robot.photo.decode import load_photo
from sketch_robot.photo.picture import Photo

PICTURE_SUFFIXES = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'})
VIDEO_SUFFIXES = frozenset({'.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.gif'})
_DEVICE = re.compile(r'(?:/dev/video)?(\d+)')
_log = logging.getLogger(__name__)


class PhotoSource(ABC):
    """Gives one photo after another.

    Attributes:
        name: for people.
        live: whether time goes on in it by itself, so that a photo not taken is gone (a camera, a video).
    """

    name: str
    live: bool

    @abstractmethod
    def next(self) -> Photo:
        """The next photo.

        Raises:
            SketchRobotError: NO_FRAME, the source gives none (any more); BAD_IMAGE, a file is no picture.
        """

    def skip(self) -> None:  # noqa: B027  files wait
        """Let a photo pass that nobody wants, as cheaply as can be, where time goes on by itself; raises as `next`."""

    def close(self) -> None:  # noqa: B027  files have nothing to release
        """Release the source. Closing twice is harmless."""


class PictureSource(PhotoSource):
    """One picture, again and again; read once."""

    live = False

    def __init__(self, path: Path) -> None:
        self.name = printable(path.name)
        self._photo = load_photo(path)

    def next(self) -> Photo:
        """The picture."""
        return self._photo


class FolderSource(PhotoSource):
    """The pictures of a folder by name, from the start again after the last; unreadable ones are left out."""

    live = False

    def __init__(self, folder: Path) -> None:
        self.name = printable(f'{folder.name}/')
        self._paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
        if not self._paths:
            raise SketchRobotError(ErrorCode.BAD_IMAGE, f'the folder {folder} holds no pictures')
        self._index = 0

    def next(self) -> Photo:
        """The next readable picture."""
        for _ in self._paths:
            path = self._paths[self._index]
            self._index = (self._index + 1) % len(self._paths)
            try:
                return load_photo(path)
            except SketchRobotError as error:
                _log.warning('left out: %s', error.message)
        raise SketchRobotError(ErrorCode.BAD_IMAGE, f'no picture of the folder {self.name} can be read')


class _CaptureSource(PhotoSource):
    """What OpenCV captures."""

    live = True

    def __init__(self, name: str, capture: cv2.VideoCapture, why_not: str) -> None:
        self.name = name
        self._capture = capture
        if not capture.isOpened():
            raise SketchRobotError(ErrorCode.NO_FRAME, f'{name} cannot be opened; {why_not}')

    def skip(self) -> None:
        """Take a frame without decoding it."""
        if not self._capture.grab():
            self.next()  # begins again, or says why there is none

    def _read(self) -> np.ndarray | None:
        good, bgr = self._capture.read()
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB) if good else None

    def close(self) -> None:
        """Release the device or file."""
        self._capture.release()


class CameraSource(_CaptureSource):
    """A V4L2 camera; each photo is the newest."""

    def __init__(self, number: int, *, width_px: int = 0, height_px: int = 0, rate_hz: float = 0.0) -> None:
        name = f'camera /dev/video{number}'
        if not Path(f'/dev/video{number}').exists():
            raise SketchRobotError(ErrorCode.NO_FRAME, f'{name} does not exist; plug one in or choose another source')
        super().__init__(name, cv2.VideoCapture(number, cv2.CAP_V4L2), 'is it used by another program?')
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        for prop, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, width_px),
            (cv2.CAP_PROP_FRAME_HEIGHT, height_px),
            (cv2.CAP_PROP_FPS, rate_hz),
        ):
            if value > 0:
                self._capture.set(prop, value)

    def next(self) -> Photo:
        """Wait for the next frame."""
        rgb = self._read()
        if rgb is None:
            raise SketchRobotError(ErrorCode.NO_FRAME, f'{self.name} gives no more frames; was it unplugged?')
        return Photo(rgb, self.name, time.time())


class VideoSource(_CaptureSource):
    """A video file, from the start again after its end."""

    def __init__(self, path: Path) -> None:
        super().__init__(printable(f'video {path.name}'), cv2.VideoCapture(str(path)), 'it is damaged or no video')

    @property
    def rate_hz(self) -> float:
        """Its own frame rate; 0.0 when it names none."""
        return float(self._capture.get(cv2.CAP_PROP_FPS))

    def next(self) -> Photo:
        """The next frame."""
        rgb = self._read()
        if rgb is None:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            rgb = self._read()
        if rgb is None:
            raise SketchRobotError(ErrorCode.NO_FRAME, f'{self.name} holds no frame that can be decoded')
        return Photo(rgb, self.name)


def path_of(text: str) -> Path:
    """The path that a text names, or the `file:` URI, which can name also what is no UTF-8."""
    if not text.startswith('file://'):
        return Path(text)
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(text).path)))


def open_source(text: str, *, width_px: int = 0, height_px: int = 0, rate_hz: float = 0.0) -> PhotoSource:
    """Open what a text names: '0' or '/dev/video0', a video, a picture, a folder, or the `file:` URI of one.

    Args:
        text: the name.
        width_px, height_px, rate_hz: what to ask a camera for; 0: its own choice.

    Raises:
        SketchRobotError: NO_FRAME, no such camera, or a video that cannot be opened; BAD_IMAGE, no such file, or not a
            picture.
    """
    device = _DEVICE.fullmatch(text.strip())
    if device:
        return CameraSource(int(device[1]), width_px=width_px, height_px=height_px, rate_hz=rate_hz)
    if not text.strip():
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE, 'no photo source is named; name a camera, a video, a picture or a folder'
        )
    try:
        path = path_of(text).expanduser()
        if path.is_dir():
            return FolderSource(path)
        if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
            return VideoSource(path)
    except (OSError, RuntimeError) as error:  # not permitted, too long a name, '~nobody'
        raise SketchRobotError(ErrorCode.BAD_IMAGE, f'cannot read the photo source {text}: {error}') from error
    return PictureSource(path)
