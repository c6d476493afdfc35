"""Tell ink from paper.

Ink is what is darker than a level that rises with the ink around it: half a line's own darkness, so that faint lines
count and close neighbours stay apart. Only what is sure somewhere is kept (hysteresis, Canny 1986), and what is sure
depends on the picture's noise: on clean paper a faint line is a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np

ENLARGE = 2  # 3 is no more accurate on a drawing with known strokes, and takes twice the time
BAND_ROWS = 1536  # large pictures are worked on in bands of so many rows, to save memory
BEYOND_ROWS = 16  # that a band's blurs reach into its neighbours
BLUR_PX = 0.5  # against noise
AROUND_PX = 2.0
LEVEL, LEVEL_PER_INK_AROUND = 0.15, 0.5  # of 3 px apart, 1 px wide lines at 0.44 with 0.28 between them, both are seen
LEAST_LEVEL, MOST_LEVEL = 0.2, 0.5
OWN_PX, LEVEL_OF_OWN = (
    5,
    0.7,
)  # the level is never higher than that of the darkest around: a wide faint line has a middle
SURE_INK, SURE_OF_LONG_INK = 0.35, 0.24  # darkest place of what counts; of a part at least `LONG_PX` long
LONG_PX = 8.0
SURE_NOISES = 6.0  # a long part must be so much above paper, of the noise's standard deviation
LEAST_AREA_PX = 1.0
LEAST_HOLE_PX = 2.0  # smaller ones close under any pen
_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)  # Immerkaer 1996
_NOISE_GAIN = 6.0 * 0.6745  # of that kernel, and from a median to a standard deviation


@dataclass(frozen=True, eq=False)
class InkMask:
    """The ink of a picture, enlarged.

    Attributes:
        scale: k, by how much.
        mask: (k H, k W) bool, ink that counts.
        part: (k H, k W) int32, the number of each pixel's connected part, 0 the paper.
        area: (parts,) enlarged pixels of each part; 0 of those that do not count, and of paper.
        middle: (parts, 2) float64, column and row of each part's middle, enlarged pixels from their centres.
    """

    scale: int
    mask: np.ndarray
    part: np.ndarray
    area: np.ndarray
    middle: np.ndarray


def noise_of(ink: np.ndarray) -> float:
    """Standard deviation of the noise of a line drawing: that of what its neighbours do not tell, on most pixels."""
    if min(ink.shape) < 3:
        return 0.0
    rows = ink[: 1024 * max(1, ink.shape[0] // 1024)]
    unlike = cv2.filter2D(rows, cv2.CV_32F, _NOISE_KERNEL)[1:-1:2, 1:-1:2]
    return float(np.median(np.abs(unlike))) / _NOISE_GAIN


def ink_mask(ink: np.ndarray, sure: float = SURE_INK) -> InkMask:
    """Find the ink of a picture.

    Args:
        ink: (H, W) float32 in [0, 1].
        sure: how dark a short line or a dot must be somewhere to count; long lines count when fainter, as far as the
            picture's noise lets them.
    """
    scale = ENLARGE
    mask = np.empty((ink.shape[0] * scale, ink.shape[1] * scale), np.uint8)
    fine = np.empty_like(mask)
    for top in range(0, ink.shape[0], BAND_ROWS):
        stop = min(top + BAND_ROWS, ink.shape[0])
        first, last = max(top - BEYOND_ROWS, 0), min(stop + BEYOND_ROWS, ink.shape[0])
        inner = slice((top - first) * scale, (stop - first) * scale)
        over, enlarged = _over_level(ink[first:last], scale)
        mask[top * scale : stop * scale], fine[top * scale : stop * scale] = over[inner], enlarged[inner]
    _fill_holes(mask, int(np.ceil(LEAST_HOLE_PX * scale**2)))
    _, part, stats, middle = cv2.connectedComponentsWithStats(mask, connectivity=8)
    most = np.zeros(len(stats), np.uint8)
    _darkest(part, fine, most)
    darkest = most / 255.0
    longest = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    sure_of_long = min(max(SURE_OF_LONG_INK, SURE_NOISES * noise_of(ink)), sure)
    counts = np.where(longest >= LONG_PX * scale, darkest > sure_of_long, darkest > sure)
    counts &= stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA_PX * scale**2
    counts[0] = False
    _keep(mask, part, counts)
    return InkMask(scale, mask.view(bool), part, np.where(counts, stats[:, cv2.CC_STAT_AREA], 0), middle)


def _over_level(ink: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """(k H, k W) uint8: 255 where ink is above its level, and the enlarged ink from 0 to 255."""
    size = ink.shape[1] * scale, ink.shape[0] * scale
    fine = cv2.GaussianBlur(cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC), (0, 0), BLUR_PX * scale)
    around = cv2.GaussianBlur(ink, (0, 0), AROUND_PX)
    level = np.clip(LEVEL + LEVEL_PER_INK_AROUND * around, LEAST_LEVEL, MOST_LEVEL)
    own = cv2.dilate(cv2.GaussianBlur(ink, (0, 0), BLUR_PX), np.ones((OWN_PX, OWN_PX), np.uint8))
    level = np.minimum(level, np.maximum(LEVEL_OF_OWN * own, LEAST_LEVEL))
    over = cv2.compare(fine, cv2.resize(level, size, interpolation=cv2.INTER_LINEAR), cv2.CMP_GT)
    return over, cv2.convertScaleAbs(cv2.threshold(fine, 0.0, 0.0, cv2.THRESH_TOZERO)[1], alpha=255.0)


@numba.njit(cache=True)
def _fill_holes(mask: np.ndarray, below: int) -> None:
    """Fill what is not ink and 4-connected in fewer than `below` pixels, in place."""
    height, width = mask.shape
    hole = np.empty((below + 1, 2), np.int64)
    for y in range(height):
        for x in range(width):
            # Of each hole the first pixel in reading order has ink, or the edge, above and to the left.
            if mask[y, x] or (x > 0 and not mask[y, x - 1]) or (y > 0 and not mask[y - 1, x]):
                continue
            hole[0, 0], hole[0, 1] = y, x
            found, k = 1, 0
            while k < found and found < below:
                for side in range(4):
                    v = hole[k, 0] + (side == 0) - (side == 1)
                    u = hole[k, 1] + (side == 2) - (side == 3)
                    if v < 0 or u < 0 or v >= height or u >= width or mask[v, u]:
                        continue
                    known = False
                    for i in range(found):
                        if hole[i, 0] == v and hole[i, 1] == u:
                            known = True
                            break
                    if not known and found < below:
                        hole[found, 0], hole[found, 1] = v, u
                        found += 1
                k += 1
            if found < below:
                for i in range(found):
                    mask[hole[i, 0], hole[i, 1]] = 255


@numba.njit(cache=True)
def _darkest(part: np.ndarray, fine: np.ndarray, most: np.ndarray) -> None:
    for y in range(part.shape[0]):
        for x in range(part.shape[1]):
            k = part[y, x]
            if k > 0 and fine[y, x] > most[k]:
                most[k] = fine[y, x]


@numba.njit(cache=True)
def _keep(mask: np.ndarray, part: np.ndarray, counts: np.ndarray) -> None:
    for y in range(part.shape[0]):
        for x in range(part.shape[1]):
            mask[y, x] = 1 if counts[part[y, x]] else 0
