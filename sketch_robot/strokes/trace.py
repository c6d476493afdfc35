"""Trace ink into centre lines."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.morphology import skeletonize

from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import traced_importance
from sketch_robot.strokes.skeleton import skeleton_graph

ENLARGE = 2
INK = 0.5


def trace_ink(ink: np.ndarray) -> tuple[Stroke, ...]:
    """Find the centre lines of ink.

    Args:
        ink: (H, W) float32 in [0, 1], 1 = ink.

    Returns:
        strokes in pixels of `ink`, pixel centres at +0.5, label 'other'.
    """
    big = cv2.resize(ink, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC)
    graph = skeleton_graph(skeletonize(big > INK))
    lines = [edge / ENLARGE for edge in graph.edges]
    return tuple(
        Stroke(xy, importance=traced_importance(float(np.hypot(*np.diff(xy, axis=0).T).sum()), 1.0)) for xy in lines
    )
