"""Frames by number: of a video, of a folder of pictures, or one photo.

Videos are read in order and begun anew to go back: asking a codec to jump gives a neighbouring frame in many of them,
and a key frame must be exactly the one that was drawn over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.decode import load_photo
from sketch_robot.photo.sources import PICTURE_SUFFIXES, VIDEO_SUFFIXES

KEPT_FRAMES = 32  # decoded frames that are kept: a temporal filter's and a few more


class Frames(ABC):
    """Frames by number, from 0. One thread at a time; make one for each.

    Attributes:
        name: for people.
        moving: whether neighbours in number are neighbours in time, as in a video.
    """

    name: str
    moving: bool

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def _read(self, number: int) -> np.ndarray:
        """Decode a frame."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()

    def frame(self, number: int) -> np.ndarray:
        """A frame, (H, W, 3) uint8 RGB; not to be written to.

        Raises:
            SketchRobotError: NO_FRAME, there is none of that number; BAD_IMAGE, a picture cannot be read.
        """
        if not 0 <= number < len(self):
            last = f'the last is {len(self) - 1}' if len(self) else 'it holds none'
            raise SketchRobotError(ErrorCode.NO_FRAME, f'{self.name} has no frame {number}; {last}')
        if number not in self._kept:
            self._kept[number] = self._read(number)
            while len(self._kept) > KEPT_FRAMES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def close(self) -> None:  # noqa: B027  pictures have nothing to release
        """Release the file."""


class PictureFrames(Frames):
    """A photo, or the pictures of a folder by name."""

    def __init__(self, paths: list[Path], name: str, *, moving: bool) -> None:
        super().__init__()
        self.paths, self.name, self.moving = paths, name, moving

    def __len__(self) -> int:
        return len(self.paths)

    def _read(self, number: int) -> np.ndarray:
        return load_photo(self.paths[number]).rgb


class VideoFrames(Frames):
    """A video file.

    Its header may promise more frames than it holds: it is counted by its frames, as fast as they can be skipped.
    """

    moving = True

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.name = path, f'the video {path.name}'
        self._capture = self._open()
        self.rate_hz = float(self._capture.get(cv2.CAP_PROP_FPS)) or 25.0
        self._count = 0
        while self._capture.grab():
            self._count += 1
        self._next = self._count
        if self._count == 0:
            raise SketchRobotError(ErrorCode.NO_FRAME, f'{self.name} holds no frame that can be decoded')

    def __len__(self) -> int:
        return self._count

    def _read(self, number: int) -> np.ndarray:
        if number < self._next:
            self._capture.release()
            self._capture, self._next = self._open(), 0
        while self._next < number and self._capture.grab():
            self._next += 1
        good, bgr = self._capture.read()
        if not good:
            raise SketchRobotError(
                ErrorCode.NO_FRAME, f'{self.name} ends early: frame {self._next} of {self._count} cannot be decoded'
            )
        self._next += 1
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise SketchRobotError(ErrorCode.NO_FRAME, f'{self.name} cannot be opened; it is damaged or no video')
        return capture

    def close(self) -> None:
        """Release the file."""
        self._capture.release()


def open_frames(path: Path, *, moving: bool | None = None) -> Frames:
    """Open a video, a folder of pictures, or a photo.

    Args:
        path: of it.
        moving: whether a folder's pictures follow one another in time; None: when all are of one size.

    Raises:
        SketchRobotError: NO_FRAME, a video that cannot be opened; BAD_IMAGE, no such file, no picture, or a folder
            without any.
    """
    if path.is_dir():
        paths = sorted(each for each in path.iterdir() if each.suffix.lower() in PICTURE_SUFFIXES)
        if not paths:
            raise SketchRobotError(ErrorCode.BAD_IMAGE, f'the folder {path} holds no pictures')
        found = PictureFrames(paths, f'the folder {path.name}', moving=bool(moving))
        if moving is None and len(paths) > 1:
            found.moving = len({found.frame(number).shape for number in range(min(len(paths), KEPT_FRAMES))}) == 1
        return found
    if path.suffix.lower() in VIDEO_SUFFIXES:
        if not path.is_file():
            raise SketchRobotError(ErrorCode.BAD_IMAGE, f'there is no video {path}')
        return VideoFrames(path)
    load_photo(path)  # says what is wrong with it
    return PictureFrames([path], f'the photo {path.name}', moving=False)
