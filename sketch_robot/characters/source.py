"""Characters as photos: what looks like a camera's picture to the rest of the robot."""

from __future__ import annotations

import time

import cv2
import numpy as np

from sketch_robot.characters.latents import any_seed, seed_of
from sketch_robot.characters.runtime import Character, CharacterMaker, shipped_maker
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.picture import Photo
from sketch_robot.photo.sitter import CROP_PX
from sketch_robot.photo.sources import PhotoSource

CHARACTER = 'character'
ARTIST = 'drawing'  # who draws line art as it is
PALE, DARK = (
    0.2,
    0.42,
)  # ink of line art that is paper, and that is all ink: faint mouths are lines, traces of others none


def names_character(text: str) -> bool:
    """Whether a photo source's name means characters: 'character', or 'character:SEED'."""
    return text.partition(':')[0] == CHARACTER


def named_seed(text: str) -> int | None:
    """The seed of 'character:SEED'; None: 'character' alone, which is another one each time.

    Raises:
        SketchRobotError: BAD_GOAL, it is no seed.
    """
    name, colon, seed = text.partition(':')
    if name != CHARACTER:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{text!r} names no character')
    return seed_of(seed) if colon else None


def enlarged(rgb: np.ndarray, side_px: int = CROP_PX) -> np.ndarray:
    """A character's picture as large as the line artists see: (side, side, 3) uint8, its edges smooth.

    Line art, which is grey, becomes black and white but at its edges.
    """
    large = np.asarray(cv2.resize(rgb, (side_px, side_px), interpolation=cv2.INTER_CUBIC))
    if not np.array_equal(rgb[..., 0], rgb[..., 1]) or not np.array_equal(rgb[..., 0], rgb[..., 2]):
        return large
    ink = np.clip((1.0 - large / 255.0 - PALE) / (DARK - PALE), 0.0, 1.0)
    return np.asarray(np.rint(255.0 * (1.0 - ink)), np.uint8)


def photo_of(character: Character, seed: int) -> Photo:
    """The photo of a character: 512 x 512, more than five times as large as it was made."""
    return Photo(enlarged(character.rgb), f'{CHARACTER}:{seed}', time.time())


class CharacterSource(PhotoSource):
    """One character again and again, or another one each time.

    Args:
        text: 'character:SEED', or 'character'.
        maker: who makes them; None: the package's line art.

    Raises:
        SketchRobotError: BAD_GOAL, it is no seed, or OpenVINO is not installed; INTERNAL, the package is damaged.
    """

    live = False

    def __init__(self, text: str, maker: CharacterMaker | None = None) -> None:
        self.name = text
        self._seed = named_seed(text)
        self._maker = shipped_maker() if maker is None else maker
        self._photo: Photo | None = None

    def next(self) -> Photo:
        """The next character."""
        if self._photo is None or self._seed is None:
            seed = any_seed() if self._seed is None else self._seed
            self._photo = photo_of(self._maker.make(seed), seed)
        return self._photo
