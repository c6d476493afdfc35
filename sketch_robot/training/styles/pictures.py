"""What styles are learned from: a folder of style pictures, and photos packed into one file."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import write_whole
from sketch_robot.line_art.styles.style_file import check_name
from sketch_robot.photo import load_photo
from sketch_robot.photo.sources import PICTURE_SUFFIXES

PHOTO_PX = 384  # side of packed photos
PICTURE_PX = 256  # side of style pictures as they are looked at
LEAST_PX = 64
LEAST_PHOTOS = 2
GREY_SATURATION = 12.0  # mean of the largest channel minus the smallest, 0 to 255; less is black on white

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class StylePicture:
    """One picture to learn a manner from.

    Attributes:
        name: of the style, after the file.
        rgb: (PICTURE_PX, PICTURE_PX, 3) uint8.
        for_pen: whether it is mostly black and white, as a pen draws.
    """

    name: str
    rgb: np.ndarray
    for_pen: bool


def read_style_pictures(folder: Path) -> list[StylePicture]:
    """All pictures of a folder, sorted by name.

    Raises:
        SketchRobotError: BAD_GOAL, the folder is missing, holds no pictures, or two give the same name; BAD_IMAGE, one
            of them cannot be read or is too small.
    """
    found = [read_style_picture(path) for path in _pictures(folder, 'style pictures')]
    names = [each.name for each in found]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'two pictures in {folder} are called {double[0]}; rename one')
    return found


def read_style_picture(path: Path, name: str = '') -> StylePicture:
    """One picture; its style is called after the file, when it is given no name.

    Raises:
        SketchRobotError: BAD_IMAGE, it cannot be read or is too small; BAD_GOAL, the name cannot be one.
    """
    rgb = load_photo(path).rgb
    if min(rgb.shape[:2]) < LEAST_PX:
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE, f'{path} is {rgb.shape[1]} x {rgb.shape[0]} px; a style takes {LEAST_PX} and more'
        )
    square = centre_square(rgb, PICTURE_PX)
    plain = re.sub(r'[^a-z0-9]+', '_', path.stem.lower()).strip('_')
    return StylePicture(check_name(name or plain), square, looks_drawn(square))


def looks_drawn(rgb: np.ndarray) -> bool:
    """Whether a picture is grey and mostly near black or white."""
    spread = float((rgb.max(axis=2).astype(np.float32) - rgb.min(axis=2)).mean())
    grey = rgb.mean(axis=2)
    return spread < GREY_SATURATION and float(((grey < 64) | (grey > 192)).mean()) > 0.7


def centre_square(rgb: np.ndarray, side_px: int) -> np.ndarray:
    """The middle square of a picture, (side_px, side_px, 3) uint8."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = rgb[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > side_px else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(square, (side_px, side_px), interpolation=how))


def pack_photos(folder: Path, out: Path, *, most: int = 1200) -> np.ndarray:
    """Put the middle squares of a folder's photos into one file; photos that cannot be read are left out and named.

    Returns:
        (N, PHOTO_PX, PHOTO_PX, 3) uint8.

    Raises:
        SketchRobotError: BAD_GOAL, the folder has fewer than two photos, or the file cannot be written.
    """
    photos = []
    for path in _pictures(folder, 'photos')[:most]:
        try:
            photos.append(centre_square(load_photo(path).rgb, PHOTO_PX))
        except SketchRobotError as error:
            _log.warning('left out: %s', error.message)
    if len(photos) < LEAST_PHOTOS:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'{folder} has {len(photos)} photo that can be read; to learn styles takes {LEAST_PHOTOS} and more, '
            'better hundreds',
        )
    packed = np.stack(photos)
    write_whole(out, save({'photos': packed}))
    return packed


def read_packed(path: Path) -> np.ndarray:
    """What `pack_photos` wrote.

    Raises:
        SketchRobotError: BAD_GOAL, the file is something else.
    """
    try:
        photos = load_file(path)['photos']
    except (SafetensorError, OSError, KeyError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} holds no packed photos: {error}') from error
    if photos.dtype != np.uint8 or photos.ndim != 4 or photos.shape[1:] != (PHOTO_PX, PHOTO_PX, 3):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} holds no packed photos: {photos.dtype} {photos.shape}')
    return photos


def _pictures(folder: Path, what: str) -> list[Path]:
    if not folder.is_dir():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no folder {folder} of {what}')
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there are no {what} in {folder} ({", ".join(PICTURE_SUFFIXES)})')
    return found
