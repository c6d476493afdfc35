"""Trace ink into centre lines.

Ink is told from paper (`ink_mask`), thinned, its skeleton put together to strokes (`junctions`), and each
fitted to its ink (`centre_line`). Small round shapes are filled (`blobs`); what thinning makes a point of, or nearly
so, is a dot.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import traced_importance
from sketch_robot.strokes.tracing.blobs import fill_blobs
from sketch_robot.strokes.tracing.centre_line import centre_lines
from sketch_robot.strokes.tracing.ink_mask import SURE_INK, InkMask, ink_mask
from sketch_robot.strokes.tracing.junctions import skeleton_paths
from sketch_robot.strokes.tracing.skeleton import Skeleton, skeleton_graph, thin

LEAST_HALF_WIDTH_PX = 0.5
MOST_PIXELS = 64_000_000
MOST_EDGES = 120_000  # of the skeleton; a drawing of 64 million pixels full of small lines has 60 000


def trace_ink(ink: np.ndarray, *, sure: float = SURE_INK) -> tuple[Stroke, ...]:
    """Find the centre lines of ink.

    Args:
        ink: (H, W) float32 in [0, 1], 1 = ink.
        sure: how dark a short line or dot must be somewhere to count, in (0, 1]; long lines count when fainter.

    Returns:
        strokes in pixels of `ink`, pixel centres at +0.5, label 'other', importance by length and darkness, half the
        line's width at each point and its median; a dot is one point. Closed lines have their first point again at
        their end. Always the same for the same ink.

    Raises:
        SketchRobotError: BAD_IMAGE, the ink is not of that shape, not finite, has over 64 million pixels, or is noise.
    """
    ink = _checked(ink)
    found = ink_mask(ink, sure)
    mask, scale = found.mask, found.scale
    framed = np.pad(mask.view(np.uint8), 1)  # beyond the picture is paper
    half_width: np.ndarray = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    half_width -= np.float32(0.5)
    np.maximum(half_width, 0.0, out=half_width)
    half_width /= np.float32(scale)
    lines, at = thin(mask)
    usual = LEAST_HALF_WIDTH_PX
    if len(at):
        usual = max(float(np.median(half_width[at[:, 0], at[:, 1]])), LEAST_HALF_WIDTH_PX)
    spirals, filled = fill_blobs(mask, half_width, usual, scale)
    dot = _dots(found, at)
    dot[found.part[filled]] = False
    lines = lines & ~filled
    lines[at[:, 0], at[:, 1]] &= ~dot[found.part[at[:, 0], at[:, 1]]]
    at = at[lines[at[:, 0], at[:, 1]]]
    graph = skeleton_graph(lines, at)
    if len(graph.nodes) > MOST_EDGES:
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE,
            f'the picture falls into {len(graph.nodes)} pieces of line; it is no line drawing, or full of noise: '
            'blur it or make it smaller',
        )
    column, row = np.clip(graph.node_xy.astype(np.int64), 0, np.array(mask.shape)[::-1] - 1).T
    scaled = Skeleton(graph.xy / scale, graph.offsets, graph.nodes, graph.node_xy / scale)

    strokes = []
    node_width = half_width[row, column].astype(np.float64)
    column, row = graph.xy.astype(np.int64).T
    edge_width = half_width[row, column].astype(np.float64)
    for line in centre_lines(skeleton_paths(scaled, node_width, edge_width), ink, half_width):
        if len(line.xy) < 2:
            continue
        importance = traced_importance(line.length, line.darkness)
        strokes.append(Stroke(line.xy, line.half_width, importance=importance, half_widths=line.half_widths))
    strokes += [replace(spiral, importance=traced_importance(spiral.length, 1.0)) for spiral in spirals]
    for k in np.flatnonzero(dot):
        radius = float(np.sqrt(found.area[k] / np.pi)) / scale
        x, y = (found.middle[k] + 0.5) / scale
        darkness = float(ink[min(int(y), ink.shape[0] - 1), min(int(x), ink.shape[1] - 1)])
        importance = traced_importance(2.0 * radius, darkness)
        strokes.append(Stroke(np.array([[x, y]]), radius, importance=importance, half_widths=np.array([radius])))
    return tuple(strokes)


def _dots(found: InkMask, at: np.ndarray) -> np.ndarray:
    """Which parts of the ink are dots, (parts,) bool: thinning leaves a line shorter than their radius.

    `at`: (N, 2) rows and columns of all that it leaves.
    """
    left = np.bincount(found.part[at[:, 0], at[:, 1]], minlength=len(found.area))
    return np.pi * np.maximum(left - 1, 0) ** 2 < found.area


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
