"""The silhouette: the person's outline against the background."""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.guided.curve import at, resample, runs, smooth
from sketch_robot.line_art.guided.snap import local_spread, snap

SHORTEST_PX = 120  # of a contour; smaller ones are holes and specks of the matte
EDGE_PX = 4  # an outline stops this far from the picture's border


def silhouettes(
    colour: np.ndarray, matte: np.ndarray, valid: np.ndarray, *, least_evidence: float | None = None
) -> list[np.ndarray]:
    """Outlines of a matte, snapped to colour edges, cut at the border of the photo.

    Args:
        colour: (H, W) float32, a channel in which the person stands out.
        matte: (H, W) float32 in [0, 1].
        valid: (H, W) bool, inside the photo.
        least_evidence: keep only parts with such an edge, see `Snapped.evidence`; None: trust the matte.
    """
    inner = cv2.erode(valid.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=(0,)) > 0
    inner[:EDGE_PX] = inner[-EDGE_PX:] = inner[:, :EDGE_PX] = inner[:, -EDGE_PX:] = False
    spread = local_spread(colour)
    contours, _ = cv2.findContours((matte > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    lines = []
    for contour in contours:
        xy = contour[:, 0].astype(np.float64) + 0.5
        if len(xy) < SHORTEST_PX:
            continue
        xy = np.roll(xy, -int(np.argmin(at(inner, xy))), axis=0)  # start at the border where there is one
        for run in runs(at(inner, xy), gap=1, shortest=30):
            line = resample(smooth(xy[run], 5.0))
            edge = snap(colour, spread, line, 5, 'edge', stiffness=1.5, reach_px=3)
            sure = edge.evidence > least_evidence if least_evidence is not None else np.ones(len(line), bool)
            lines += [smooth(edge.xy[part], 2.0) for part in runs(sure, gap=8, shortest=15)]
    return lines
