"""A photo: what a camera or a file gave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

MAX_PIXELS = 50_000_000  # 50 Mpx: above today's cameras' usual files, 150 MB once decoded
MIN_SIDE_PX = 32  # a face in fewer pixels has no features left to draw


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture in memory.

    Attributes:
        rgb: (H, W, 3) uint8, red green blue, upright.
        source: where it came from, for people: a path, 'camera', a topic.
        stamp_s: when it was taken, seconds of the clock of its source; None when unknown.
    """

    rgb: np.ndarray
    source: str = ''
    stamp_s: float | None = None

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f'a photo is (H, W, 3) uint8, not {self.rgb.shape} {self.rgb.dtype}')

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]


def photo_from_array(array: np.ndarray, source: str = '', stamp_s: float | None = None) -> Photo:
    """Make a photo of an array, checking and converting it.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA, laid on white. uint8; bool (True is white); uint16,
            scaled from 0..65535; or float: 0..1 when no value exceeds 1, else 0..255. A uint8 RGB array is not copied.
        source: where it came from, for messages and `Photo.source`.
        stamp_s: when it was taken, seconds of its source's clock.

    Raises:
        SketchRobotError: BAD_IMAGE; another shape or type, a size out of limits, NaN, infinity, or floats beyond 255.
    """
    name = source or 'the picture'
    array = np.asarray(array)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise bad_image(f'{name} has shape {array.shape}; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)')
    check_size(array.shape[1], array.shape[0], name)
    pixels = _to_8_bits(array, name)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        pixels = _on_white(pixels)
    return Photo(rgb=np.ascontiguousarray(pixels), source=source, stamp_s=stamp_s)


def bad_image(message: str) -> SketchRobotError:
    """The error of a picture that cannot be drawn."""
    return SketchRobotError(ErrorCode.BAD_IMAGE, message)


def check_size(
    width: int, height: int, name: str, least_side_px: int = MIN_SIDE_PX, most_pixels: int = MAX_PIXELS
) -> None:
    """Refuse a picture of a size that nobody draws.

    Raises:
        SketchRobotError: BAD_IMAGE.
    """
    if width * height > most_pixels:
        raise bad_image(
            f'{name} is too large: {width} x {height} is over {most_pixels // 10**6} Mpx; scale it down and try again'
        )
    if min(width, height) < least_side_px:
        raise bad_image(f'{name} is too small: {width} x {height}; each side needs at least {least_side_px} pixels')


def _to_8_bits(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype.kind == 'u' and array.dtype.itemsize == 2:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if array.dtype.kind != 'f':
        raise bad_image(f'{name} has pixels of type {array.dtype}; give uint8, uint16, bool or float')
    if not np.isfinite(array).all():
        raise bad_image(f'{name} has pixels that are NaN or infinite')
    low, high = float(array.min()), float(array.max())
    if low < 0.0 or high > 255.0:
        raise bad_image(f'{name} has float pixels from {low:g} to {high:g}; give 0..1 or 0..255')
    return np.rint(array * (255.0 if high <= 1.0 else 1.0)).astype(np.uint8)


def _on_white(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
