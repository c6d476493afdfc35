"""Read a line drawing from a picture file: dark ink on light paper."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sketch_robot.errors import ErrorCode, SketchRobotError

MAX_PIXELS = 64_000_000
Image.init()  # registers all formats; naming one that is not registered fails in Pillow
FORMATS = tuple(f for f in ('JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF', 'PPM', 'GIF') if f in Image.OPEN)
ENOUGH_PIXELS = 64  # to tell the paper by
DARK_PAPER = 0.35  # brightness under which a picture is no ink on light paper
LEAST_CONTRAST = 0.06  # between paper and its darkest ink; less is an empty sheet with noise
# Light that falls unevenly: seen in so many cells a side, by so much of its brightest, and so near to most cells.
LIT_CELLS, LEAST_LIT = 16, 0.05
LIT_OFF, LIT_SHARE = 0.03, 0.6
LIT_ROUNDS = 12

_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)  # what Pillow raises on broken files
_log = logging.getLogger(__name__)


def load_line_picture(path: str | Path) -> np.ndarray:
    """Read a line drawing from a picture file, upright, transparency laid on white.

    Returns:
        (H, W) float32 ink in [0, 1], see `ink_of_picture`.

    Raises:
        SketchRobotError: BAD_IMAGE, the file cannot be read, is no picture, is damaged, or has more than 64 million
            pixels; what `ink_of_picture` raises.
    """
    file = Path(path)
    try:
        data = file.read_bytes()
    except IsADirectoryError as error:
        raise _bad(f'{file} is a folder, not a picture; name one picture file') from error
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or str(error)
        raise _bad(f'cannot read the picture {file}: {reason}') from error
    if not data:
        raise _bad(f'{file} is empty (0 bytes)')
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _bad(
                    f'{file} is too large: {image.width} x {image.height} is over {MAX_PIXELS // 10**6} Mpx; '
                    'scale it down and try again'
                )
            image.load()
            grey = _grey(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bad(f'{file} is too large: {error}; scale it down and try again') from error
    except UnidentifiedImageError as error:
        raise _bad(f'{file} is no picture that can be read; use PNG or JPEG') from error
    except _DAMAGE as error:
        raise _bad(f'{file} is damaged or truncated: {error}') from error
    return ink_of_picture(grey, str(file))


def ink_of_picture(grey: np.ndarray, source: str = 'the picture') -> np.ndarray:
    """How much ink there is on each pixel of a line drawing, whatever its paper's grey and however it is lit.

    Args:
        grey: (H, W) float32 in [0, 1], 1 = white.
        source: for messages.

    Returns:
        (H, W) float32 in [0, 1], 0 where it is as light as the paper.

    Raises:
        SketchRobotError: BAD_IMAGE, the picture is dark on the whole; NOTHING_TO_DRAW, there is no ink on it.
    """
    thinned = grey[:: max(1, grey.shape[0] // 1024), :: max(1, grey.shape[1] // 1024)]
    usual = float(np.median(thinned)) if grey.size >= ENOUGH_PIXELS else 1.0  # most of a line drawing is paper
    if usual < DARK_PAPER:
        raise _bad(f'{source} is dark on the whole; a line drawing is dark ink on light paper: invert it')
    uneven = _uneven_paper(thinned, grey.shape)
    paper = usual if uneven is None else uneven
    ink = np.clip((paper - grey) / paper, 0.0, 1.0).astype(np.float32)
    if float(ink.max()) < LEAST_CONTRAST:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, f'{source} has no ink on it; there is nothing to trace')
    return ink


def _uneven_paper(grey: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """The brightness of paper that is lit unevenly, as on photos: (H, W) float32; None when it is even, or not smooth.

    A quadratic surface through the medians of cells. Cells that are darker than it count little: there is ink.

    Args:
        grey: (h, w) some pixels of the picture.
        shape: H, W of all of it.
    """
    if min(grey.shape) < LIT_CELLS * 4:
        return None
    rows, columns = (np.array_split(np.arange(size), LIT_CELLS) for size in grey.shape)
    cells = np.array([[np.median(grey[row[0] : row[-1] + 1, column[0] : column[-1] + 1]) for column in columns]
                      for row in rows])  # fmt: skip
    at = (np.arange(LIT_CELLS) + 0.5) / LIT_CELLS
    x, y = (axis.ravel() for axis in np.meshgrid(at, at))
    terms, seen = _quadratic(x, y), cells.ravel()
    weight = np.ones(len(seen))
    for _ in range(LIT_ROUNDS):
        surface = np.linalg.lstsq(terms * weight[:, None], seen * weight, rcond=None)[0]
        off = seen - terms @ surface
        weight = 1.0 / (1.0 + (off / LIT_OFF) ** 2)
    lit = terms @ surface
    if np.ptp(lit) < LEAST_LIT * lit.max() or lit.min() < DARK_PAPER / 2 or np.mean(np.abs(off) < LIT_OFF) < LIT_SHARE:
        return None
    height, width = shape
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5)[:, None] / height
    a, b, c, d, e, f = surface.astype(np.float32)
    paper: np.ndarray = (a + b * x + d * x * x + (c + e * x) * y + f * y * y).astype(np.float32)
    return np.clip(paper, DARK_PAPER / 2, 1.0)


def _quadratic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.column_stack((np.ones_like(x), x, y, x * x, x * y, y * y))


def _grey(image: Image.Image) -> np.ndarray:
    """(H, W) float32 in [0, 1]."""
    if image.mode.startswith('I;16') or image.mode == 'I':  # 16-bit grey; 'I' holds it in 32 bits
        return np.clip(np.asarray(image), 0, 65535).astype(np.float32) / 65535
    if image.mode == 'F':
        values = np.asarray(image, dtype=np.float32)
        if not np.isfinite(values).all():
            raise _bad('the picture has pixels that are NaN or infinite')
        return np.clip(values / (255.0 if values.max() > 1.0 else 1.0), 0.0, 1.0)
    if image.mode == 'L':
        return np.asarray(image, dtype=np.float32) / 255
    if image.mode in ('LA', 'PA', 'La', 'RGBa', 'RGBA') or 'transparency' in image.info:
        rgba = np.asarray(image.convert('RGBA'))
        grey = cv2.cvtColor(rgba, cv2.COLOR_RGBA2GRAY).astype(np.float32) / 255
        cover = rgba[..., 3].astype(np.float32) / 255
        return 1.0 - cover * (1.0 - grey)
    return cv2.cvtColor(np.asarray(image.convert('RGB')), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255


def _bad(message: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_IMAGE, message)
