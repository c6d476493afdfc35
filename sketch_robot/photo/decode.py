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

from sketch_robot.photo.picture import MAX_PIXELS, MIN_SIDE_PX, Photo, bad_image, check_size, photo_from_array

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
        raise bad_image(f'{file} is a folder, not a picture; name one picture file') from error
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or str(error)
        raise bad_image(f'cannot read the picture {file}: {reason}') from error


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
        raise bad_image(f'{name} is empty (0 bytes)')
    is_heif = data[4:8] == b'ftyp'
    try:
        with Image.open(io.BytesIO(data), formats=HEIF if is_heif and _reads_heif() else FORMATS) as image:
            check_size(image.width, image.height, name, least_side_px, most_pixels)
            image.load()
            return _pixels(_upright(image, name))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise bad_image(f'{name} is too large: {error}; scale it down to at most {most_pixels // 10**6} Mpx') from error
    except UnidentifiedImageError as error:
        kind = ' (it is HEIC or AVIF, as some phones save)' if is_heif else ''
        raise bad_image(f'{name} is no picture that can be read{kind}; use JPEG or PNG') from error
    except _DAMAGE as error:
        raise bad_image(f'{name} is damaged or truncated: {error}') from error


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
