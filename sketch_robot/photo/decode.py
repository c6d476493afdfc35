"""Decode and check pictures.

A picture is refused by the size in its header before a single pixel is decoded, so that a file made to exhaust
memory costs nothing. EXIF orientation is applied, transparency is laid on white paper, deeper pixels become 8 bits.
"""

from __future__ import annotations

import io
import logging
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.picture import Photo

MAX_PIXELS = 50_000_000  # 50 Mpx: above today's cameras' usual files, 150 MB once decoded
MIN_SIDE_PX = 32  # a face in fewer pixels has no features left to draw
Image.init()  # registers all formats; naming one that is not registered fails in Pillow
FORMATS = tuple(f for f in ('JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF', 'PPM', 'GIF') if f in Image.OPEN)

HEIF = ('HEIF',)  # HEIC and its like, as phones save them; where pi_heif is installed

_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)  # what Pillow raises on broken files
_log = logging.getLogger(__name__)


def load_photo(path: str | Path) -> Photo:
    """Read a picture file.

    Raises:
        SketchRobotError: BAD_IMAGE; the path cannot be read, or `decode_photo` refuses what is in it.
    """
    return decode_photo(read_picture(path), str(Path(path)))


def decode_photo(data: bytes, source: str = '') -> Photo:
    """Decode an encoded picture (one of `FORMATS` or `HEIF`), upright.

    Args:
        data: the file's bytes.
        source: where they came from, for messages and `Photo.source`.

    Raises:
        SketchRobotError: BAD_IMAGE; no data, no picture, truncated or damaged, more than `MAX_PIXELS`, or a side
            shorter than `MIN_SIDE_PX`.
    """
    array = decode_pixels(data, source or 'the picture', MIN_SIDE_PX)
    return photo_from_array(array, source)


def read_picture(path: str | Path) -> bytes:
    """Read the bytes of a picture file.

    Raises:
        SketchRobotError: BAD_IMAGE; the path cannot be read.
    """
    file = Path(path)
    try:
        return file.read_bytes()
    except IsADirectoryError as error:
        raise _bad(f'{file} is a folder, not a picture; name one picture file') from error
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or str(error)
        raise _bad(f'cannot read the picture {file}: {reason}') from error


def decode_pixels(data: bytes, name: str, least_side_px: int = 1, most_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode an encoded picture (one of `FORMATS` or `HEIF`), upright, as deep as it is.

    Args:
        data: the file's bytes.
        name: of the picture, for messages.
        least_side_px, most_pixels: what its size may be.

    Returns:
        (H, W) uint8, uint16 or float32; or (H, W, 3) RGB or (H, W, 4) RGBA uint8.

    Raises:
        SketchRobotError: BAD_IMAGE; no data, no picture, truncated or damaged, or of another size.
    """
    if not data:
        raise _bad(f'{name} is empty (0 bytes)')
    is_heif = data[4:8] == b'ftyp'
    try:
        with Image.open(io.BytesIO(data), formats=HEIF if is_heif and _reads_heif() else FORMATS) as image:
            _check_size(image.width, image.height, name, least_side_px, most_pixels)
            image.load()
            return _pixels(_upright(image, name))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bad(f'{name} is too large: {error}; scale it down to at most {most_pixels // 10**6} Mpx') from error
    except UnidentifiedImageError as error:
        kind = ' (it is HEIC or AVIF, as some phones save)' if is_heif else ''
        raise _bad(f'{name} is no picture that can be read{kind}; use JPEG or PNG') from error
    except _DAMAGE as error:
        raise _bad(f'{name} is damaged or truncated: {error}') from error


@cache
def _reads_heif() -> bool:
    """Whether HEIC can be read; its library is only loaded when a first one comes."""
    try:
        import pi_heif
    except ImportError as error:
        _log.info('HEIC cannot be read: %s', error)
        return False
    pi_heif.register_heif_opener(thumbnails=False)
    return True


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
        raise _bad(f'{name} has shape {array.shape}; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)')
    _check_size(array.shape[1], array.shape[0], name)
    pixels = _to_8_bits(array, name)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        pixels = _on_white(pixels)
    return Photo(rgb=np.ascontiguousarray(pixels), source=source, stamp_s=stamp_s)


def _bad(message: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_IMAGE, message)


def _check_size(
    width: int, height: int, name: str, least_side_px: int = MIN_SIDE_PX, most_pixels: int = MAX_PIXELS
) -> None:
    if width * height > most_pixels:
        raise _bad(
            f'{name} is too large: {width} x {height} is over {most_pixels // 10**6} Mpx; scale it down and try again'
        )
    if min(width, height) < least_side_px:
        raise _bad(f'{name} is too small: {width} x {height}; each side needs at least {least_side_px} pixels')


def _upright(image: Image.Image, name: str) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGE as error:  # a damaged EXIF block must not cost the picture
        _log.warning('%s: unreadable EXIF data, its orientation is ignored: %s', name, error)
        return image


def _pixels(image: Image.Image) -> np.ndarray:
    """(H, W) uint8 or uint16, (H, W, 3) or (H, W, 4) uint8."""
    if image.mode.startswith('I;16') or image.mode == 'I':  # 16-bit grey; 'I' holds it in 32 bits
        return np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
    if image.mode == 'F':
        return np.asarray(image)
    if image.mode == 'L':
        return np.asarray(image)
    transparent = image.mode in ('LA', 'PA', 'La', 'RGBa', 'RGBA') or 'transparency' in image.info
    return np.asarray(image.convert('RGBA' if transparent else 'RGB'))


def _to_8_bits(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype.kind == 'u' and array.dtype.itemsize == 2:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if array.dtype.kind != 'f':
        raise _bad(f'{name} has pixels of type {array.dtype}; give uint8, uint16, bool or float')
    if not np.isfinite(array).all():
        raise _bad(f'{name} has pixels that are NaN or infinite')
    low, high = float(array.min()), float(array.max())
    if low < 0.0 or high > 255.0:
        raise _bad(f'{name} has float pixels from {low:g} to {high:g}; give 0..1 or 0..255')
    return np.rint(array * (255.0 if high <= 1.0 else 1.0)).astype(np.uint8)


def _on_white(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
