"""Photos that may be kept: only where operator and sitter both said so, each with its drawing and never longer."""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

MOST_SIDE_PX = 2048  # so that those who are still choosing fill no memory
QUALITY = 90


def as_jpeg(photo: np.ndarray) -> bytes:
    """A photo, (H, W, 3) uint8 RGB, as it is kept: at most `MOST_SIDE_PX` wide and high, with nothing else in it."""
    scale = MOST_SIDE_PX / max(photo.shape[:2])
    if scale < 1.0:
        size = tuple(max(1, round(scale * side)) for side in photo.shape[1::-1])
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])


class PhotoFolder:
    """A folder that only this user reads; it is made with the first photo.

    Args:
        folder: where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, number: int, jpeg: bytes) -> None:
        """Keep the photo of a job; it is on disk when this returns.

        Raises:
            SketchRobotError: BAD_GOAL, it cannot be written; nothing of it is left.
        """
        path = self._path(number)
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.folder.chmod(0o700)
            path.unlink(missing_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, 'wb') as out:
                out.write(jpeg)
                out.flush()
                os.fsync(file)
        except OSError as error:
            if self.folder.is_dir():
                path.unlink(missing_ok=True)
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'the photo cannot be kept: {error.strerror}; order without it'
            ) from error

    def delete(self, number: int) -> None:
        """Overwrite and remove the photo of a job, if there is one.

        Raises:
            SketchRobotError: BAD_GOAL, it cannot be removed.
        """
        self._remove(self._path(number))

    def keep_only(self, numbers: Container[int]) -> None:
        """Delete the photos of all other jobs, as a power cut between a photo and its job may leave them."""
        for path in self.folder.glob('portrait-*.jpg'):
            number = path.stem.removeprefix('portrait-')
            if not (number.isdecimal() and int(number) in numbers):
                self._remove(path)

    def _path(self, number: int) -> Path:
        return self.folder / f'portrait-{number}.jpg'

    def _remove(self, path: Path) -> None:
        try:
            with path.open('r+b') as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'the photo {path.name} cannot be deleted: {error.strerror}'
            ) from error
