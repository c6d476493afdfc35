"""Curves whose wobble makes tone: one spiral, and a scribble that looks for what is still too light.

A line that wobbles is longer, and covers more paper, than one that does not: how far it wobbles follows from the tone.
A scribble goes from where it is always to where most ink is still missing (as DrawingBotV3's sketch path finders).
"""

from __future__ import annotations

import cv2
import numba
import numpy as np

from sketch_robot.stroke import Stroke
from sketch_robot.strokes.shading.tone import WantedTone

PITCH_PENS = 5.0  # between a spiral's turns, widths of the pen
WAVE_PENS = 1.8  # length of a wobble
REACH = 0.8  # of the pitch, the farthest that it wobbles to either side
# What a wobbling line's length promises, of the paper, and what it covers: its bends lie over one another. Measured on
# simulated paper with the three above.
PROMISED = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)
COVERED = (0.2, 0.362, 0.51, 0.655, 0.784, 0.858, 0.905, 0.934)
SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)  # of a wobble that would leave the sitter
WHITE = 0.03  # lighter is left out

HOP_PENS = 4.0  # length of a scribble's steps
DIRECTIONS = 32
TURN = 2.2  # radians, the sharpest turn
STRAIGHT = 0.06  # what going straight on is worth, in tone
ENOUGH = 0.04  # of missing tone: less is left
LEAST_HOPS = 3
WIDE_PENS = 8.0  # side of the places over which tone is to be true at last
SPREAD_PENS = 1.2  # sigma over which ink counts as seen


def spiral(tone: WantedTone) -> list[Stroke]:
    """One spiral around the middle of what is dark, that lifts over white and outside the sitter."""
    pen = tone.pen_px
    pitch, wave = PITCH_PENS * pen, WAVE_PENS * pen
    row, column = np.nonzero(tone.inside)
    if len(row) == 0:
        return []
    middle = np.array([column.mean(), row.mean()]) + 0.5
    farthest = float(np.hypot(column - middle[0], row - middle[1]).max()) + pitch
    length = np.pi * farthest**2 / pitch
    along = np.arange(0.0, length, wave / 2.0)  # of an Archimedean spiral, whose radius grows with the root
    radius = np.sqrt(along * pitch / np.pi)
    turn = 2.0 * np.pi * radius / pitch
    out = np.column_stack([np.cos(turn), np.sin(turn)])
    line = middle + radius[:, None] * out
    dark, sitting = _at(tone.dark, line), tone.inside.astype(np.float32)
    longer = np.maximum(np.interp(dark, COVERED, PROMISED) * pitch / pen, 1.0)
    wobble = np.minimum(wave / 4.0 * np.sqrt(longer**2 - 1.0), REACH * pitch)
    wobble *= np.where(np.arange(len(along)) % 2 == 0, 1.0, -1.0)
    xy = line.copy()
    for share in SHARES[::-1]:
        further = line + share * wobble[:, None] * out
        stays = _at(sitting, further) > 0.99
        xy[stays] = further[stays]
    return _runs(xy, (_at(sitting, line) > 0.99) & (dark > WHITE), 4)


def scribble(tone: WantedTone) -> list[Stroke]:
    """A pen that wanders to where ink is missing, and lifts when there is none nearby."""
    pen = tone.pen_px
    reach = max(1, round(2.0 * SPREAD_PENS * pen))
    at = np.arange(-reach, reach + 1)
    bell = np.exp(-(at[:, None] ** 2 + at**2) / (2.0 * (SPREAD_PENS * pen) ** 2))
    points, ends = _wander(
        tone.dark.astype(np.float64), tone.inside, bell / bell.sum(), pen, HOP_PENS * pen, DIRECTIONS
    )
    return [Stroke(_rounded(xy)) for xy in np.split(points, ends[:-1]) if len(xy) > LEAST_HOPS]


def _rounded(xy: np.ndarray) -> np.ndarray:
    """A polyline with its corners cut off twice (Chaikin 1974), its ends kept."""
    for _ in range(2):
        near, far = 0.75 * xy[:-1] + 0.25 * xy[1:], 0.25 * xy[:-1] + 0.75 * xy[1:]
        xy = np.vstack([xy[:1], np.stack([near, far], axis=1).reshape(-1, 2), xy[-1:]])
    return xy


def _at(picture: np.ndarray, xy: np.ndarray) -> np.ndarray:
    x, y = (np.ascontiguousarray(xy[:, k : k + 1], np.float32) - np.float32(0.5) for k in (0, 1))
    return np.concatenate(
        [
            cv2.remap(picture, x[first : first + 30000], y[first : first + 30000], cv2.INTER_LINEAR)[:, 0]
            for first in range(0, len(xy), 30000)
        ]
    )


def _runs(xy: np.ndarray, on: np.ndarray, least: int) -> list[Stroke]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], on.view(np.int8), [0])))).reshape(-1, 2)
    return [Stroke(xy[start:stop]) for start, stop in edges.tolist() if stop - start >= least]


@numba.njit(cache=True)
def _wander(
    dark: np.ndarray, inside: np.ndarray, bell: np.ndarray, pen: float, hop: float, directions: int
) -> tuple[np.ndarray, np.ndarray]:
    height, width = dark.shape
    missing = dark.copy()
    covered = np.zeros((height, width))
    block = 8
    rows, columns = (height + block - 1) // block, (width + block - 1) // block
    most = 60000
    points = np.empty((most, 2))
    ends = np.empty(most, np.int64)
    count, lines = 0, 0
    steps = max(2, int(hop))
    reach = bell.shape[0] // 2
    tired = np.zeros((rows, columns), np.bool_)
    wide = max(block, int(WIDE_PENS * pen))  # light tones are true over wider places than a line's own
    around = np.zeros((height // wide + 1, width // wide + 1))
    for i in range(height):
        for j in range(width):
            around[i // wide, j // wide] += dark[i, j] / (wide * wide)
    while count < most - 2:
        best, row, column = ENOUGH, -1, -1
        for r in range(rows):
            for c in range(columns):
                if tired[r, c]:
                    continue
                total, inner = 0.0, 0
                for i in range(r * block, min((r + 1) * block, height)):
                    for j in range(c * block, min((c + 1) * block, width)):
                        if inside[i, j]:
                            total += missing[i, j]
                            inner += 1
                near = around[min(r * block, height - 1) // wide, min(c * block, width - 1) // wide]
                if inner > 0 and near > 0.0 and total / (block * block) > best:
                    best, row, column = total / (block * block), r, c
        if row < 0:
            break
        tired[row, column] = True
        x, y, most_missing = -1.0, -1.0, -9.0
        for i in range(row * block, min((row + 1) * block, height)):
            for j in range(column * block, min((column + 1) * block, width)):
                if inside[i, j] and missing[i, j] > most_missing:
                    most_missing, x, y = missing[i, j], j + 0.5, i + 0.5
        heading = -1.0
        points[count, 0], points[count, 1] = x, y
        count += 1
        while count < most - 1:
            chosen, chosen_value = -1.0, ENOUGH
            for d in range(directions):
                angle = 2.0 * np.pi * d / directions
                turn = 0.0
                if heading >= 0.0:
                    turn = abs((angle - heading + np.pi) % (2.0 * np.pi) - np.pi)
                    if turn > TURN:
                        continue
                value, stays = 0.0, True
                for k in range(1, steps + 1):
                    px, py = x + np.cos(angle) * hop * k / steps, y + np.sin(angle) * hop * k / steps
                    i, j = int(py), int(px)
                    if px < 0.0 or py < 0.0 or i >= height or j >= width or not inside[i, j]:
                        stays = False
                        break
                    if 2 * k > steps:  # nearer places have just been darkened
                        value += 0.5 * (missing[i, j] + around[i // wide, j // wide]) * (1.0 - covered[i, j])
                if not stays:
                    continue
                value = value / (steps - steps // 2) - STRAIGHT * turn / np.pi
                if value > chosen_value:
                    chosen, chosen_value = angle, value
            if chosen < 0.0:
                break
            heading = chosen
            for k in range(1, steps + 1):
                px, py = x + np.cos(heading) * hop * k / steps, y + np.sin(heading) * hop * k / steps
                fresh = 0.0
                half = pen / 2.0
                for i in range(max(0, int(py - half - 1)), min(height, int(py + half + 2))):
                    for j in range(max(0, int(px - half - 1)), min(width, int(px + half + 2))):
                        away = np.sqrt((i + 0.5 - py) ** 2 + (j + 0.5 - px) ** 2)
                        cover = min(max(half + 0.5 - away, 0.0), 1.0)
                        if cover > covered[i, j]:
                            fresh += cover - covered[i, j]
                            covered[i, j] = cover
                i0, j0 = int(py), int(px)
                for i in range(max(0, i0 - reach), min(height, i0 + reach + 1)):
                    for j in range(max(0, j0 - reach), min(width, j0 + reach + 1)):
                        ink = fresh * bell[i - i0 + reach, j - j0 + reach]
                        missing[i, j] -= ink
                        around[i // wide, j // wide] -= ink / (wide * wide)
            x, y = x + np.cos(heading) * hop, y + np.sin(heading) * hop
            points[count, 0], points[count, 1] = x, y
            count += 1
            tired[int(y) // block, int(x) // block] = False
        ends[lines] = count
        lines += 1
    return points[:count].copy(), ends[:lines].copy()
