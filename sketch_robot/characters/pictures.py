"""Pictures of characters to learn from: a folder of single pictures, or of sheets that hold many of them.

A sheet is a picture whose sides are both whole multiples of 96 px and more than that: 32 x 32 faces, say.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.decode import load_photo
from sketch_robot.photo.sources import PICTURE_SUFFIXES

SIDE_PX = 96
FEWEST = 32  # pictures: two of them are held out
HELD_OUT_SHARE, MOST_HELD_OUT = 1 / 16, 512


@dataclass(frozen=True, eq=False)
class CharacterPictures:
    """What is learned from.

    Attributes:
        train: (N, C, 96, 96) uint8; C is 1 (grey) or 3 (RGB).
        held_out: (M, C, 96, 96) uint8, to compare with: every sixteenth, at most 512.
        digest: tells one set from another.
    """

    train: np.ndarray
    held_out: np.ndarray
    digest: str

    @property
    def channels(self) -> int:
        """1 or 3."""
        return int(self.train.shape[1])


def read_pictures(folder: Path, *, names: str = '*', colour: bool = False, most: int = 0) -> CharacterPictures:
    """Read a folder.

    Args:
        folder: of pictures or sheets; names are taken in their order.
        names: a pattern that the files' names match, as `lorelei_*`.
        colour: keep colours; else pictures become grey.
        most: how many to take, spread over all; 0: all of them.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such folder, or fewer than 32 pictures in it; BAD_IMAGE, a file is none.
    """
    if not folder.is_dir():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no folder {folder}')
    try:
        paths = sorted(path for path in folder.glob(names) if path.suffix.lower() in PICTURE_SUFFIXES)
    except (ValueError, NotImplementedError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{names!r} is no pattern of names: {error}') from error
    tiles = [_tiles(load_photo(path).rgb, colour) for path in paths]
    found = sum(len(each) for each in tiles)
    if found < FEWEST:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'{folder} holds {found} pictures named {names}, but at least {FEWEST} are needed: pictures of '
            f'characters, or sheets of them, {SIDE_PX} px each',
        )
    pictures = np.concatenate(tiles)
    if 0 < most < found:
        pictures = pictures[np.linspace(0, found - 1, max(most, FEWEST)).round().astype(int)]
    step = max(round(1 / HELD_OUT_SHARE), -(-len(pictures) // MOST_HELD_OUT))
    held_out = np.arange(len(pictures)) % step == step - 1
    digest = hashlib.sha256(pictures.tobytes()).hexdigest()[:16]
    return CharacterPictures(pictures[~held_out], pictures[held_out], digest)


def _tiles(rgb: np.ndarray, colour: bool) -> np.ndarray:
    """The pictures of a file: (N, C, 96, 96) uint8."""
    height, width = rgb.shape[:2]
    is_sheet = height % SIDE_PX == width % SIDE_PX == 0 and max(height, width) > SIDE_PX
    if not is_sheet:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = rgb[top : top + side, left : left + side]
        how = cv2.INTER_AREA if side > SIDE_PX else cv2.INTER_CUBIC
        rgb = np.asarray(cv2.resize(square, (SIDE_PX, SIDE_PX), interpolation=how))
    rows, columns = rgb.shape[0] // SIDE_PX, rgb.shape[1] // SIDE_PX
    pixels = rgb if colour else np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))[..., None]
    cut = pixels.reshape(rows, SIDE_PX, columns, SIDE_PX, -1).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(cut.reshape(rows * columns, -1, SIDE_PX, SIDE_PX))
