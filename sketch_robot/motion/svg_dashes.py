"""Dashed lines as the pen draws them: each dash a line of its own (SVG 1.1, 11.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_GAP_MM = 0.2  # narrower ones fill with ink
MOST_DASHES = 10_000  # of one line; more are drawn without a gap


def dash_line(xy: np.ndarray, pattern_mm: Sequence[float], offset_mm: float) -> list[np.ndarray]:
    """The dashes of a polyline, from its beginning to its end.

    Args:
        xy: (N, 2) float64, mm.
        pattern_mm: dash, gap, dash, gap ...; taken twice when odd.
        offset_mm: where in the pattern the line begins.
    """
    pattern = np.array([*pattern_mm] * (1 + len(pattern_mm) % 2))
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
    if len(pattern) == 0 or not np.isfinite([*pattern, offset_mm]).all() or (pattern < 0.0).any():
        return [xy]
    period = float(pattern.sum())
    if pattern[1::2].max() < LEAST_GAP_MM or along[-1] == 0.0 or along[-1] / period * len(pattern) > 2 * MOST_DASHES:
        return [xy]
    begin = offset_mm % period
    bounds = np.concatenate(([0.0], np.cumsum(pattern)))
    rounds = np.arange(int(np.ceil((begin + along[-1]) / period)))[:, None] * period - begin
    starts, ends = (rounds + bounds[:-1:2]).ravel(), (rounds + bounds[1::2]).ravel()
    seen = (ends >= 0.0) & (starts < along[-1])
    dashes = []
    for start, end in zip(np.maximum(starts[seen], 0.0), np.minimum(ends[seen], along[-1]), strict=True):
        between = (along > start) & (along < end)
        at = np.concatenate(([start], along[between], [end])) if end > start else np.array([start])
        dashes.append(np.column_stack([np.interp(at, along, column) for column in xy.T]))
    return dashes
