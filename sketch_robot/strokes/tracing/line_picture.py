"""Read a line drawing from a picture file: dark ink on light paper."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.decode import decode_pixels, read_picture
from sketch_robot.strokes.tracing.ink_mask import noise_of
from sketch_robot.strokes.tracing.skeleton import skeleton_graph, thin

MAX_PIXELS = 64_000_000
ENOUGH_PIXELS = 64  # to tell the paper by
DARK_PAPER = 0.35  # brightness under which a picture is no ink on light paper
LEAST_CONTRAST = 0.03  # between paper and its darkest ink; less is an empty sheet
GRAIN_BLUR_PX = 0.7
INK_GRAINS, SURELY_INK = 8.0, 0.3  # ink is somewhere so often darker than paper deviates, or as dark
LINE_NOISES, LINE_GRAINS = 4.0, 9.0  # a line is all along so often darker than noise deviates, and than blurred paper
LEAST_LINE = 0.012
CORE, CORE_PX = 0.6, 11  # of the darkest near it, what is a line of its own
FAINT_INK, NEAR_PX, GAIN_STEP_PX = 0.5, 33, 4  # what the darkest line of a neighbourhood is raised to
# Lines broken by grain: paper deviates by so much; there are so many pieces of line, and so many times fewer averaged
# along lines, of which there is so much as before; or the pieces are short, their darkness deviating by that share.
GRAINY_PAPER, GRAINY_LEVEL, MOST_GRAINY = 0.002, 0.05, 4_000_000
GRAINY_LEVELS = 1.0, 1.7  # of what is fainter than the former pieces may still hang together
LEAST_PIECES, MOST_PIECES, FEWER_PIECES = 12, 20_000, 2.5
LEAST_LEFT, MOST_LONGER = 0.9, 1.2
LONGEST_PIECE_PX, UNLIKE_PIECES = 24, 0.12
# Over 10 px straight lines come in half as many pieces, but a third of a circle's ink is invented.
ALONG_PX, ACROSS_PX, DIRECTIONS = 6.0, 1.0, 16
# Light that falls unevenly: seen in so many cells a side, by so much of its brightest, and so near to most cells.
LIT_CELLS, LEAST_LIT = 16, 0.05
LIT_OFF, LIT_SHARE = 0.03, 0.6
LIT_ROUNDS = 12


def load_line_picture(path: str | Path) -> np.ndarray:
    """Read a line drawing from a picture file, upright, transparency laid on white.

    Returns:
        (H, W) float32 ink in [0, 1], see `ink_of_picture`.

    Raises:
        SketchRobotError: BAD_IMAGE, the file cannot be read, is no picture, is damaged, or has more than 64 million
            pixels; what `ink_of_picture` raises.
    """
    name = str(Path(path))
    pixels = decode_pixels(read_picture(path), name, most_pixels=MAX_PIXELS)
    return ink_of_picture(_grey(pixels), name)


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
    ink = ((paper - grey) / paper).astype(np.float32)
    blurred = cv2.GaussianBlur(ink, (0, 0), GRAIN_BLUR_PX)
    some = blurred[:: max(1, grey.shape[0] // 1024), :: max(1, grey.shape[1] // 1024)]
    noise, grain = noise_of(ink), 1.4826 * float(np.median(np.abs(some - np.median(some))))
    if float(ink.max()) < max(LEAST_CONTRAST, min(INK_GRAINS * max(noise, grain), SURELY_INK)):
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, f'{source} has no ink on it; there is nothing to trace')
    if (
        grain > GRAINY_PAPER
        and ink.size <= MOST_GRAINY
        and any(_is_broken_by_grain(blurred, (GRAINY_LEVEL + INK_GRAINS * grain) * times) for times in GRAINY_LEVELS)
    ):
        ink = _along_lines(ink)
        blurred = ink
    return np.clip(_strengthened(ink, blurred, max(LEAST_LINE, LINE_NOISES * noise, LINE_GRAINS * grain)), 0.0, 1.0)


def _strengthened(ink: np.ndarray, blurred: np.ndarray, least: float) -> np.ndarray:
    """Ink whose faint lines are as dark as others: raised to `FAINT_INK` where all lines around are fainter.

    Args:
        ink, blurred: (H, W) float32, as seen and without its finest noise.
        least: what is fainter is paper.
    """
    # What is as dark all along a short line: no specks.
    level, upright = np.zeros((5, 5), np.uint8), np.zeros((5, 5), np.uint8)
    level[2], upright[:, 2] = 1, 1
    lines = [cv2.erode(blurred, kernel) for kernel in (level, upright, np.eye(5, dtype=np.uint8))]
    lines.append(cv2.erode(blurred, np.fliplr(np.eye(5, dtype=np.uint8)).copy()))
    line = np.maximum.reduce(lines)
    line[line < CORE * cv2.dilate(blurred, np.ones((CORE_PX, CORE_PX), np.uint8))] = (
        0.0  # the soft edge of a darker one
    )
    around = np.ones((NEAR_PX, NEAR_PX), np.uint8)
    darkest, lightest = cv2.dilate(line, around), cv2.erode(blurred, around)
    darkest = (darkest - lightest)[::GAIN_STEP_PX, ::GAIN_STEP_PX]
    gain = np.where(darkest < least, 1.0, FAINT_INK / np.clip(darkest, least, FAINT_INK)).astype(np.float32)
    return ink * cv2.resize(gain, ink.shape[::-1], interpolation=cv2.INTER_NEAREST)


def _is_broken_by_grain(ink: np.ndarray, level: float) -> bool:
    """Whether lines are broken or frayed by paper's grain, as pencil on rough paper is; letters and dots are not.

    Averaged along lines there must be far fewer pieces of line. Unless the pieces are short and of any darkness, there
    must be as much line as before as well.

    Args:
        ink: (H, W) float32, without its finest noise.
        level: what is fainter is paper.
    """
    mask = (ink > level).astype(np.uint8)
    count, part, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if not 1 < count <= MOST_PIECES:
        return False
    joined = (_along_lines(ink) > level).astype(np.uint8)
    lines, fewer = (skeleton_graph(*thin(each.view(bool))) for each in (mask, joined))
    longer = len(fewer.xy) / max(len(lines.xy), 1)
    if len(lines.nodes) >= LEAST_PIECES and len(lines.nodes) >= FEWER_PIECES * len(fewer.nodes) and longer > LEAST_LEFT:
        if longer < MOST_LONGER:
            return True
        darkest = np.asarray(ndimage.maximum(ink, part, np.arange(1, count)))
        longest = np.maximum(stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT])
        unlike = float(darkest.std() / darkest.mean())
        return float(np.median(longest)) < LONGEST_PIECE_PX and unlike > UNLIKE_PIECES
    return False


def _along_lines(ink: np.ndarray) -> np.ndarray:
    """Ink averaged along lines: the most of what long narrow Gaussians see that are turned in all directions."""
    reach = math.ceil(2.5 * ALONG_PX)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    most: np.ndarray | None = None
    for turn in np.pi * np.arange(DIRECTIONS) / DIRECTIONS:
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        kernel = np.exp(-0.5 * (along / ALONG_PX) ** 2 - 0.5 * (across / ACROSS_PX) ** 2).astype(np.float32)
        seen = cv2.filter2D(ink, cv2.CV_32F, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
        most = seen if most is None else np.maximum(most, seen)
    assert most is not None
    return most


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


def _grey(pixels: np.ndarray) -> np.ndarray:
    """(H, W) float32 in [0, 1] of what `decode_pixels` gives, transparency laid on white."""
    if pixels.dtype.kind == 'f':
        if not np.isfinite(pixels).all():
            raise _bad('the picture has pixels that are NaN or infinite')
        return np.clip(pixels.astype(np.float32) / (255.0 if pixels.max() > 1.0 else 1.0), 0.0, 1.0)
    if pixels.ndim == 2:
        return pixels.astype(np.float32) / (65535 if pixels.dtype == np.uint16 else 255)
    if pixels.shape[2] == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    cover = pixels[..., 3].astype(np.float32) / 255
    return 1.0 - cover * (1.0 - cv2.cvtColor(pixels, cv2.COLOR_RGBA2GRAY).astype(np.float32) / 255)


def _bad(message: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_IMAGE, message)
