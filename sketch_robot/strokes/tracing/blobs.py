"""Small filled shapes, such as pupils: drawn as a spiral, because a centre line would leave them empty."""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numba
import numpy as np

from sketch_robot.stroke import Stroke

# In drawings of faces, crossings of many lines are up to 2.6 times as wide as they are, pupils 2.8 to 3.9 times.
LEAST_WIDTHS = 2.7
CORE_WIDTHS = 1.8  # what belongs to a wide place
MOST_ELONGATION = 2.2  # longer ones are thick lines
MOST_RADIUS_PX = 14.0  # of what is filled; larger is a dark area, not a blob
TURN_WIDTHS = 0.8  # between turns, of the line's width: they overlap
ANGLES = 48
RING_WIDTHS = 1.5  # of a blob's radius, how far around it lines that run into it are counted
CROSSING_ARMS, CROSSING_WIDTHS = 3, 2.5  # so many lines meet where ink is up to that times as wide as they are
MANY_ARMS = 5  # a pupil under a lid and above another is touched by four lines at most


def fill_blobs(
    mask: np.ndarray, half_width: np.ndarray, line_half_width: float, scale: int
) -> tuple[list[Stroke], np.ndarray]:
    """Find small round shapes and fill each with one stroke.

    Args:
        mask: (k H, k W) bool ink.
        half_width: (k H, k W) float32, distance to the paper, pixels of the (H, W) picture.
        line_half_width: of the drawing's usual line, pixels, positive.
        scale: k, by how much the ink is enlarged.

    Returns:
        spirals in pixels of the picture, from the middle outwards, and the ink they fill, (k H, k W) bool.
    """
    filled = np.zeros(mask.shape, dtype=bool)
    core_px = CORE_WIDTHS * line_half_width
    strokes = []
    for part, (left, top, width, height) in _cores(half_width, core_px, LEAST_WIDTHS * line_half_width):
        reach = math.ceil(core_px * scale) + 1
        rows = slice(max(top - reach, 0), min(top + height + reach, mask.shape[0]))
        columns = slice(max(left - reach, 0), min(left + width + reach, mask.shape[1]))
        inside = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
        inside[part[:, 0] - rows.start, part[:, 1] - columns.start] = True
        depth = np.where(inside, half_width[rows, columns], 0.0)
        radius = float(depth.max())
        if radius > MOST_RADIUS_PX:
            continue
        if max(width, height) / scale + 2.0 * core_px > 2.0 * MOST_ELONGATION * radius:
            continue
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach - 1, 2 * reach - 1))
        blob = cv2.dilate(inside.astype(np.uint8), disc).astype(bool) & mask[rows, columns]
        row, column = (np.average(at, weights=depth[inside]) + 0.5 for at in np.nonzero(inside))
        if _is_crossing(mask, columns.start + column, rows.start + row, radius * scale):
            continue
        xy = _spiral(blob, column, row, line_half_width * scale)
        strokes.append(Stroke((xy + np.array([columns.start, rows.start])) / scale, line_half_width))
        filled[rows, columns] |= blob
    return strokes, filled


def _cores(
    half_width: np.ndarray, core_px: float, least_px: float
) -> Iterator[tuple[np.ndarray, tuple[int, int, int, int]]]:
    """Connected places wider than `core_px`, of those that are at least `least_px` wide somewhere, in reading order.

    Yields:
        (N, 2) rows and columns, and left, top, width, height.
    """
    if float(half_width.max(initial=0.0)) < least_px:
        return
    seen = np.zeros(half_width.shape, dtype=bool)
    for row, column in np.argwhere(half_width >= least_px).tolist():
        if not seen[row, column]:
            part = _flood(half_width, core_px, row, column, seen)
            top, left = part.min(axis=0).tolist()
            bottom, right = part.max(axis=0).tolist()
            yield part, (left, top, right - left + 1, bottom - top + 1)


@numba.njit(cache=True)
def _flood(values: np.ndarray, above: float, row: int, column: int, seen: np.ndarray) -> np.ndarray:
    """(N, 2) the 8-connected pixels with more than `above` around one that has; marks them as seen."""
    found = [(row, column)]
    seen[row, column] = True
    k = 0
    while k < len(found):
        y, x = found[k]
        for v in range(max(y - 1, 0), min(y + 2, values.shape[0])):
            for u in range(max(x - 1, 0), min(x + 2, values.shape[1])):
                if not seen[v, u] and values[v, u] > above:
                    seen[v, u] = True
                    found.append((v, u))
        k += 1
    part = np.empty((len(found), 2), np.int64)
    for k in range(len(found)):
        part[k, 0], part[k, 1] = found[k]
    return part


def _is_crossing(mask: np.ndarray, x: float, y: float, radius: float) -> bool:
    """Whether ink is wide at a place only because lines meet there; all in the mask's pixels."""
    ring = RING_WIDTHS * radius + 1.0
    count = max(16, math.ceil(4.0 * math.pi * ring))
    angle = np.arange(count) * (2.0 * math.pi / count)
    column = np.floor(x + ring * np.cos(angle)).astype(np.int64)
    row = np.floor(y + ring * np.sin(angle)).astype(np.int64)
    seen = (column >= 0) & (row >= 0) & (column < mask.shape[1]) & (row < mask.shape[0])
    inked = np.zeros(count, dtype=bool)
    inked[seen] = mask[row[seen], column[seen]]
    begins = np.flatnonzero(inked & ~np.roll(inked, 1))
    if len(begins) < CROSSING_ARMS:
        return False
    if len(begins) >= MANY_ARMS:
        return True
    ends = np.flatnonzero(~inked & np.roll(inked, 1))
    widths = (np.sort(ends)[None] - begins[:, None]) % count
    arm = float(np.median(widths.min(axis=1))) * 2.0 * math.pi * ring / count / 2.0
    return radius < CROSSING_WIDTHS * arm


def _spiral(blob: np.ndarray, x: float, y: float, pen: float) -> np.ndarray:
    """(N, 2) points of a spiral from (x, y) to just inside the edge of a blob, and once along it; all in its pixels.

    `pen` is half the width of the pen.
    """
    blob, x, y = np.pad(blob, 1), x + 1.0, y + 1.0  # every ray ends at paper
    angle = np.arange(ANGLES) * (2.0 * math.pi / ANGLES)
    far = np.arange(0.0, max(blob.shape) + 1.0, 0.5)
    column = np.clip((x + far * np.cos(angle)[:, None]).astype(np.int64), 0, blob.shape[1] - 1)
    row = np.clip((y + far * np.sin(angle)[:, None]).astype(np.int64), 0, blob.shape[0] - 1)
    edge = far[np.argmin(np.pad(blob[row, column], ((0, 0), (0, 1))), axis=1).clip(max=len(far) - 1)]
    edge = (np.roll(edge, 1) + 2.0 * edge + np.roll(edge, -1)) / 4.0
    inner = np.maximum(edge - pen, 0.0)
    turns = max(1, math.ceil(float(inner.max()) / (2.0 * pen * TURN_WIDTHS)))
    step = np.arange((turns + 1) * ANGLES + 1)
    radius = np.minimum(step / (turns * ANGLES), 1.0) * inner[step % ANGLES]
    around = angle[step % ANGLES]
    return np.column_stack((x - 1.0 + radius * np.cos(around), y - 1.0 + radius * np.sin(around)))
