"""How well traced strokes match the strokes that were drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

NEAR_PX = 2.0
STEP_PX = 0.25
COVERED = 0.9


@dataclass(frozen=True)
class StrokeScore:
    """What a comparison found.

    Attributes:
        strokes, true_strokes: how many were traced (dots without length not counted), and drawn.
        strict: traced strokes that pair one to one with a true stroke, each covering at least 90 % of the other.
        mean_px, p95_px: distance of traced lines to the truth, of what lies within 2 px.
        missed_px: true length without a traced line within 2 px.
        spurious_px: traced length without a true line within 2 px.
        true_px: length of all true strokes.
        unmatched: which true strokes have no strict partner.
    """

    strokes: int
    true_strokes: int
    strict: int
    mean_px: float
    p95_px: float
    missed_px: float
    spurious_px: float
    true_px: float
    unmatched: tuple[int, ...] = ()


def score_strokes(traced: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> StrokeScore:
    """Compare traced strokes with true ones, both (N, 2) pixels."""
    true = [_sampled(xy) for xy in truth]
    lines = [line for line in map(_sampled, traced) if line[1] > 0.0]
    true_points = np.vstack([points for points, _ in true])
    true_px = sum(length for _, length in true)
    every = tuple(range(len(true)))
    if not lines:
        return StrokeScore(0, len(true), 0, math.nan, math.nan, true_px, 0.0, true_px, every)
    points = np.vstack([xy for xy, _ in lines])
    weight = np.concatenate([np.full(len(xy), length / len(xy)) for xy, length in lines])
    owner = np.repeat(np.arange(len(lines)), [len(xy) for xy, _ in lines])
    off, _ = cKDTree(true_points).query(points)
    hit = off <= NEAR_PX
    missed, _ = cKDTree(points).query(true_points)
    true_weight = np.concatenate([np.full(len(xy), length / len(xy)) for xy, length in true])

    covered = np.zeros((len(lines), len(true)))
    for k, (xy, _) in enumerate(true):
        near = cKDTree(xy).query(points, distance_upper_bound=NEAR_PX)[0] <= NEAR_PX
        covered[:, k] = np.bincount(owner, near) / np.bincount(owner)
    free, strict = set(every), 0
    for line, (xy, _) in enumerate(lines):
        best = int(np.argmax(covered[line]))
        back = cKDTree(xy).query(true[best][0])[0] <= NEAR_PX
        if covered[line, best] >= COVERED and best in free and back.mean() >= COVERED:
            free.discard(best)
            strict += 1
    return StrokeScore(
        strokes=len(lines),
        true_strokes=len(true),
        strict=strict,
        mean_px=float(np.average(off[hit], weights=weight[hit])) if hit.any() else math.nan,
        p95_px=float(np.percentile(off[hit], 95)) if hit.any() else math.nan,
        missed_px=float(true_weight[missed > NEAR_PX].sum()),
        spurious_px=float(weight[~hit].sum()),
        true_px=float(true_px),
        unmatched=tuple(sorted(free)),
    )


def _sampled(xy: np.ndarray) -> tuple[np.ndarray, float]:
    xy = np.asarray(xy, dtype=float)
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T)))) if len(xy) > 1 else np.zeros(1)
    if arc[-1] == 0.0:
        return xy[:1], 0.0
    at = np.linspace(0.0, arc[-1], max(2, math.ceil(arc[-1] / STEP_PX) + 1))
    return np.column_stack([np.interp(at, arc, column) for column in xy.T]), float(arc[-1])
