"""Trace ink into centre lines.

Ink is what is darker than a level that rises with the ink around it: half a line's own darkness, so that faint lines
count and close neighbours stay apart; only what is sure somewhere is kept, so that noise does not (hysteresis, Canny
1986). It is thinned, its skeleton put together to strokes (`junctions`), and each fitted to its ink (`centre_line`).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.blobs import fill_blobs
from sketch_robot.strokes.centre_line import centre_line
from sketch_robot.strokes.importance import traced_importance
from sketch_robot.strokes.junctions import chains
from sketch_robot.strokes.skeleton import Skeleton, skeleton_graph
from sketch_robot.strokes.thinning import thin

SURE_INK = 0.35
ENLARGE = 2  # 3 is no more accurate on a drawing with known strokes, and takes twice the time
BLUR_PX = 0.5  # against noise
AROUND_PX = 2.0
LEVEL, LEVEL_PER_INK_AROUND = 0.15, 0.5  # of 3 px apart, 1 px wide lines at 0.44 with 0.28 between them, both are seen
LEAST_LEVEL, MOST_LEVEL = 0.2, 0.5
LEAST_AREA_PX = 1.0
LEAST_HOLE_PX = 2.0  # smaller ones close under any pen
LEAST_HALF_WIDTH_PX = 0.5
MOST_PIXELS = 16_000_000
ENLARGE_UP_TO_PIXELS = 4_000_000  # lines of larger pictures are wide enough as they are


def trace_ink(ink: np.ndarray, *, sure: float = SURE_INK) -> tuple[Stroke, ...]:
    """Find the centre lines of ink.

    Args:
        ink: (H, W) float32 in [0, 1], 1 = ink.
        sure: how dark a line or dot must be somewhere to count, in (0, 1].

    Returns:
        strokes in pixels of `ink`, pixel centres at +0.5, label 'other', importance by length and darkness, the line's
        median half width; a dot is one point. Closed lines have their first point again at their end. Always the same
        for the same ink.

    Raises:
        SketchRobotError: BAD_IMAGE, the ink is not of that shape, not finite, or larger than 16 million pixels.
    """
    ink = _checked(ink)
    scale = ENLARGE if ink.size <= ENLARGE_UP_TO_PIXELS else 1
    mask, part, stats, middle = _ink_mask(ink, scale, sure)
    framed = np.pad(mask.astype(np.uint8), 1)  # beyond the picture is paper
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    half_width = np.maximum(depth - np.float32(0.5), 0.0) / np.float32(scale)
    lines = thin(mask)
    usual = max(float(np.median(half_width[lines])), LEAST_HALF_WIDTH_PX) if lines.any() else LEAST_HALF_WIDTH_PX
    spirals, filled = fill_blobs(mask, half_width, usual, scale)
    graph = skeleton_graph(lines & ~filled)
    at = np.clip(graph.node_xy.astype(np.int64), 0, np.array(mask.shape)[::-1] - 1)
    scaled = Skeleton([edge / scale for edge in graph.edges], graph.nodes, graph.node_xy / scale)

    strokes = []
    drawn = np.zeros(len(stats), dtype=bool)
    drawn[part[filled]] = True
    drawn[0] = True  # the paper
    for chain in chains(scaled, half_width[at[:, 1], at[:, 0]].astype(np.float64), 1.0 / scale):
        xy = centre_line(chain, ink, half_width)
        if len(xy) < 2:
            continue
        column, row = (np.concatenate(chain.parts) * scale).astype(np.int64).T
        drawn[part[row, column]] = True
        darkness = float(ink[row // scale, column // scale].mean())
        length = float(np.hypot(*np.diff(xy, axis=0).T).sum())
        width = float(np.median(half_width[row, column]))
        strokes.append(Stroke(xy, width, importance=traced_importance(length, darkness)))
    strokes += [replace(spiral, importance=traced_importance(spiral.length, 1.0)) for spiral in spirals]
    for k in np.flatnonzero(~drawn & (stats[:, cv2.CC_STAT_AREA] > 0)):  # ink that thinning has made a point of: dots
        radius = float(np.sqrt(stats[k, cv2.CC_STAT_AREA] / np.pi)) / scale
        x, y = (middle[k] + 0.5) / scale
        darkness = float(ink[min(int(y), ink.shape[0] - 1), min(int(x), ink.shape[1] - 1)])
        strokes.append(Stroke(np.array([[x, y]]), radius, importance=traced_importance(2.0 * radius, darkness)))
    return tuple(strokes)


def _checked(ink: np.ndarray) -> np.ndarray:
    if ink.ndim != 2 or ink.size == 0 or not np.issubdtype(ink.dtype, np.floating):
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE, f'ink to trace is (H, W) of floating point in [0, 1], not {ink.shape} {ink.dtype}'
        )
    if ink.size > MOST_PIXELS:
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE,
            f'a picture of {ink.shape[1]} x {ink.shape[0]} pixels is too large to trace; make it smaller',
        )
    if not np.isfinite(ink).all():
        raise SketchRobotError(ErrorCode.BAD_IMAGE, 'the ink to trace has values that are not finite')
    return np.clip(np.ascontiguousarray(ink, dtype=np.float32), 0.0, 1.0)


def _ink_mask(ink: np.ndarray, scale: int, sure: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(k H, k W) bool ink that counts, the number of its connected part at each pixel, the parts' OpenCV statistics
    (area 0 for those that don't count), and their middles (column, row)."""
    size = ink.shape[1] * scale, ink.shape[0] * scale
    fine = cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(fine, (0, 0), BLUR_PX * scale)
    around = cv2.resize(cv2.GaussianBlur(ink, (0, 0), AROUND_PX), size, interpolation=cv2.INTER_LINEAR)
    level = np.clip(LEVEL + LEVEL_PER_INK_AROUND * around, LEAST_LEVEL, MOST_LEVEL)
    mask = fine > level
    _, hole, hole_stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    mask |= (hole_stats[:, cv2.CC_STAT_AREA] < LEAST_HOLE_PX * scale**2)[hole]
    _, part, stats, middle = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    counts = np.zeros(len(stats), dtype=bool)
    counts[part[fine > sure]] = True
    counts &= stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA_PX * scale**2
    counts[0] = False
    stats[~counts, cv2.CC_STAT_AREA] = 0
    return counts[part], part, stats, middle
