"""From a line response to polylines: hysteresis, thinning, tracing, linking.

Thresholding with hysteresis is Canny's (1986), thinning Zhang & Suen's (1984). Tracing goes straight on at junctions
and stops at sharp turns; then ends that face each other are linked, the nearest first.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from skimage.filters import apply_hysteresis_threshold
from skimage.morphology import skeletonize

LOOK_BACK = 6  # points that tell a line's direction
SHORTEST = 7  # points; shorter chains are specks
_COS_TURN = 0.15  # a step that turns more (about 81 degrees) ends a line


def trace_lines(response: np.ndarray, low: float, high: float) -> list[np.ndarray]:
    """Centre lines of what exceeds `low` and is connected to what exceeds `high`: (N, 2) float64 polylines."""
    skeleton = skeletonize(apply_hysteresis_threshold(response, low, high))
    return [chain for chain in trace_skeleton(skeleton) if len(chain) >= SHORTEST]


def trace_skeleton(skeleton: np.ndarray) -> list[np.ndarray]:
    """Chains of pixel centres (N, 2) float64 that cover a skeleton (H, W) bool, each pixel once."""
    padded = np.pad(np.asarray(skeleton, bool), 1)
    rows, columns = np.nonzero(padded)
    neighbours = sum(padded[rows + i, columns + j].astype(int) for i in (-1, 0, 1) for j in (-1, 0, 1))
    order = np.argsort(neighbours, kind='stable')  # line ends first
    points, ends = _trace(padded.copy(), rows[order], columns[order])
    chains = np.split(points[:, ::-1] - 0.5, ends[:-1]) if len(ends) else []
    return [chain for chain in chains if len(chain) > 1]


def link_lines(lines: list[np.ndarray], gap_px: float, cos_bend: float) -> list[np.ndarray]:
    """Join lines whose ends lie within `gap_px` and face each other within the angle of that cosine."""
    n = len(lines)
    if n < 2:
        return list(lines)
    tip = np.array([line[0] for line in lines] + [line[-1] for line in lines])
    back = [line[min(LOOK_BACK, len(line) - 1)] for line in lines]
    back += [line[-1 - min(LOOK_BACK, len(line) - 1)] for line in lines]
    heading = tip - np.array(back)
    heading /= np.hypot(*heading.T)[:, None] + 1e-9
    apart = tip[None] - tip[:, None]
    distance = np.hypot(apart[..., 0], apart[..., 1])
    towards = apart / (distance[..., None] + 1e-9)
    ahead = np.einsum('ijk,ik->ij', towards, heading) > cos_bend
    fits = ahead & ahead.T & (distance < gap_px)
    first, second = np.nonzero(np.triu(fits, 1))
    order = np.argsort(distance[first, second], kind='stable')
    partner = np.full(2 * n, -1)
    group = np.arange(n)
    for a, b in zip(first[order], second[order], strict=True):
        if partner[a] >= 0 or partner[b] >= 0 or group[a % n] == group[b % n]:
            continue  # a line closes on itself only as one chain
        partner[a], partner[b] = b, a
        group[group == group[b % n]] = group[a % n]
    return _assemble(lines, partner)


def _assemble(lines: list[np.ndarray], partner: np.ndarray) -> list[np.ndarray]:
    """Concatenate lines from free end to free end; end k of n lines is line k % n, its head when k < n."""
    n = len(lines)
    joined, seen = [], np.zeros(n, bool)
    for end in np.flatnonzero(partner < 0):
        if seen[end % n]:
            continue
        pieces, entry = [], int(end)
        while True:
            line = entry % n
            seen[line] = True
            pieces.append(lines[line] if entry < n else lines[line][::-1])
            onward = int(partner[(entry + n) % (2 * n)])
            if onward < 0:
                break
            entry = onward
        joined.append(np.vstack(pieces))
    return joined


@njit(cache=True)
def _trace(left: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walk the skeleton `left` (padded by one, consumed) from each start; points (P, 2) row, column and chain ends."""
    total = len(rows)
    points = np.empty((total, 2), np.float64)
    ends = np.empty(total, np.int64)
    path = np.empty((total + 1, 2), np.int64)
    filled, chains = 0, 0
    for k in range(total):
        if not left[rows[k], columns[k]]:
            continue
        left[rows[k], columns[k]] = False
        path[0, 0], path[0, 1] = rows[k], columns[k]
        size = 1
        for side in range(2):
            if side == 1:
                if size == 1:
                    break
                path[:size] = path[:size][::-1].copy()
            while True:
                row, column = path[size - 1, 0], path[size - 1, 1]
                tail = max(0, size - LOOK_BACK)
                dy, dx = row - path[tail, 0], column - path[tail, 1]
                speed = np.sqrt(float(dx * dx + dy * dy))
                best, at_row, at_column = -np.inf, -1, -1
                for i in range(-1, 2):
                    for j in range(-1, 2):
                        if left[row + i, column + j]:
                            forward = (dy * i + dx * j) / np.sqrt(float(i * i + j * j))
                            if forward > best:
                                best, at_row, at_column = forward, row + i, column + j
                if at_row < 0 or (size > 1 and best < _COS_TURN * speed):
                    break
                left[at_row, at_column] = False
                path[size, 0], path[size, 1] = at_row, at_column
                size += 1
        for i in range(size):
            points[filled, 0], points[filled, 1] = path[i, 0], path[i, 1]
            filled += 1
        ends[chains] = filled
        chains += 1
    return points[:filled], ends[:chains]
