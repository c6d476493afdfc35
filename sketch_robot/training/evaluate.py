"""Evaluate a line artist on held-out drawings: likeness to the labels, and what a plotter makes of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.training.drawings import LabelledDrawing, load_crop, render_drawing
from sketch_robot.training.mattes import decode_matte
from sketch_robot.training.metrics import compare_ink
from sketch_robot.training.robot_measures import ink_outside, measure_drawing

LINE_PX = 2.5  # at 512 px
THINNEST_PX = 2.0  # thinner lines are learned badly

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """Means over the drawings (medians where named).

    Attributes:
        drawings: how many.
        ssim, psnr, fsim, gmsd: likeness to the labels.
        strokes, ink_mm, axidraw_s, fast_s: see `RobotMeasures`; 0 when not measured.
        ink_outside: share of ink outside the sitter; nan without mattes.
        milliseconds: median time of a drawing here.
    """

    drawings: int
    ssim: float
    psnr: float
    fsim: float
    gmsd: float
    strokes: float
    ink_mm: float
    axidraw_s: float
    fast_s: float
    ink_outside: float
    milliseconds: float


def line_width_px(size_px: int) -> float:
    """The width of lines in pictures of that side."""
    return max(THINNEST_PX, LINE_PX * size_px / 512)


def evaluate_artist(
    draw: Callable[[np.ndarray], np.ndarray],
    folder: Path,
    drawings: list[LabelledDrawing],
    mattes: dict[str, np.ndarray],
    *,
    size_px: int = 512,
    robot: bool = True,
) -> Scores:
    """Draw every crop and compare.

    Args:
        draw: (size_px, size_px, 3) uint8 RGB to (size_px, size_px) float32 ink.
        folder, drawings, mattes: as for training.
        size_px: at which to draw and compare.
        robot: trace and plan as well (0.1 s to 1 s a drawing).

    Raises:
        ValueError: no drawings.
    """
    if not drawings:
        raise ValueError('nothing to evaluate on')
    rows: list[dict[str, float]] = []
    for drawing in drawings:
        crop = load_crop(folder, drawing.name)
        if crop.shape[0] != size_px:
            crop = cv2.resize(crop, (size_px, size_px), interpolation=cv2.INTER_AREA)
        start = time.perf_counter()
        ink = draw(crop)
        milliseconds = 1000 * (time.perf_counter() - start)
        target = render_drawing(drawing.strokes, size_px, width_px=line_width_px(size_px)) / 255
        row = {**asdict(compare_ink(ink, target)), 'milliseconds': milliseconds, 'ink_outside': np.nan}
        if drawing.name in mattes:
            matte = cv2.resize(decode_matte(mattes[drawing.name]), (size_px, size_px)).astype(np.float32) / 255
            row['ink_outside'] = ink_outside(ink, matte)
        if robot:
            row |= {k: float(v) for k, v in asdict(measure_drawing(ink)).items()}
        rows.append(row)
        if len(rows) % 25 == 0:
            _log.info('%d of %d evaluated', len(rows), len(drawings))
    return _summarise(rows)


def _summarise(rows: list[dict[str, float]]) -> Scores:
    def mean(name: str) -> float:
        values = np.array([row.get(name, 0.0) for row in rows])
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else float('nan')

    names = ('ssim', 'psnr', 'fsim', 'gmsd', 'strokes', 'ink_mm', 'axidraw_s', 'fast_s', 'ink_outside')
    milliseconds = float(np.median([row['milliseconds'] for row in rows]))
    return Scores(drawings=len(rows), milliseconds=milliseconds, **{name: mean(name) for name in names})
