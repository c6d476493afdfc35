"""Key frames: a frame, how the artist redrew it, and where that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.keyframes.frames import Frames
from sketch_robot.photo.decode import load_photo

MOST_KEYS = 5
LEAST_AREA_PX = 36 * 36  # of a mask: a patch
LARGEST_KEY_PX = 4_000_000  # a frame of more is scaled down by its owner, who chooses how fine the hand's lines are
BLANK = 2.0  # standard deviation, grey values, below which nothing is drawn


@dataclass(frozen=True, eq=False)
class KeyFrame:
    """One frame twice: as it is, and as the artist drew it.

    Attributes:
        number: of the frame.
        frame, drawn: (H, W, 3) uint8 RGB.
        where: (H, W) bool, where what the artist drew counts.
    """

    number: int
    frame: np.ndarray
    drawn: np.ndarray
    where: np.ndarray


def read_keys(frames: Frames, keys: Sequence[tuple[int, Path]], masks: Sequence[Path] = ()) -> list[KeyFrame]:
    """Read what an artist drew over frames.

    Args:
        frames: of the video.
        keys: numbers of frames, and the pictures that were drawn over them.
        masks: of each, or one for all, white where it counts; none: everywhere.

    Raises:
        SketchRobotError: BAD_GOAL, none or too many, one twice, masks that do not fit; BAD_IMAGE, a picture that cannot
            be read or has another size than its frame, an empty mask, or nothing drawn in it; NO_FRAME, a number beyond
            the end.
    """
    if not 1 <= len(keys) <= MOST_KEYS:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'give 1 to {MOST_KEYS} key frames, not {len(keys)}')
    if len({number for number, _ in keys}) < len(keys):
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'a frame can be a key frame only once')
    if len(masks) not in (0, 1, len(keys)):
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'there are {len(keys)} key frames and {len(masks)} masks; give one for each, or for all',
        )
    found = []
    for k, (number, path) in enumerate(keys):
        mask = None if not masks else masks[k % len(masks)]
        found.append(_key(frames, number, path, mask))
    return found


def _key(frames: Frames, number: int, path: Path, mask: Path | None) -> KeyFrame:
    frame = frames.frame(number)
    height, width = frame.shape[:2]
    if width * height > LARGEST_KEY_PX:
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE,
            f'frame {number} has {width} x {height} pixels; scale the frames to at most {LARGEST_KEY_PX // 10**6} Mpx',
        )
    drawn = load_photo(path).rgb
    _check_size(drawn, frame, f'{path} is', number)
    where = np.ones((height, width), bool)
    if mask is not None:
        grey = load_photo(mask).rgb
        _check_size(grey, frame, f'the mask {mask} is', number)
        where = grey.mean(axis=2) > 127
        if where.sum() < LEAST_AREA_PX:
            raise SketchRobotError(
                ErrorCode.BAD_IMAGE, f'the mask {mask} is empty, or nearly so; make white what the artist drew'
            )
    if float(cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY)[where].std()) < BLANK:
        what = f'{path}' if mask is None else f'what the mask {mask} leaves of {path}'
        raise SketchRobotError(ErrorCode.BAD_IMAGE, f'nothing is drawn in {what}; there is nothing to learn from')
    return KeyFrame(number, frame, drawn, where)


def _check_size(picture: np.ndarray, frame: np.ndarray, what: str, number: int) -> None:
    if picture.shape != frame.shape:
        sizes = [f'{each.shape[1]} x {each.shape[0]}' for each in (picture, frame)]
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE, f'{what} {sizes[0]} px, but frame {number} {sizes[1]}; draw over the frame itself'
        )


def paper_of(keys: Sequence[KeyFrame]) -> tuple[float, float]:
    """Grey of the artist's paper and of the darkest marks, 0 ... 255: what is lighter or darker is rare."""
    grey = np.concatenate([cv2.cvtColor(key.drawn, cv2.COLOR_RGB2GRAY)[key.where] for key in keys])
    darkest, paper = np.percentile(grey, (1, 90))
    return float(paper), float(darkest)


def digest_of_keys(keys: Sequence[KeyFrame]) -> str:
    """The same for the same key frames, and another for others."""
    found = hashlib.sha256()
    for key in keys:
        for array in (key.frame, key.drawn, key.where):
            found.update(np.ascontiguousarray(array).tobytes())
            found.update(str(array.shape).encode())
    return found.hexdigest()[:16]
