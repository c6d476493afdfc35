"""Evaluate a line artist: likeness to held-out drawings, what a plotter makes of it, what its network costs."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import MachineLimits, load_limits, parse_page
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import drop_specks, trace_ink
from sketch_robot.strokes.weight import Weight
from sketch_robot.training.metrics import compare_ink
from sketch_robot.training.portraits import SCALES, Portrait, PortraitFolder, Scale

PAGE = 'A5'
FAST = MachineLimits(
    draw_speed_mm_s=200.0, draw_accel_mm_s2=2000.0, travel_speed_mm_s=200.0, travel_accel_mm_s2=2000.0,
    lift_s=0.1, drop_s=0.1,
)  # fmt: skip
MATTE_MARGIN_PX = 6  # outlines run on the matte's border
DRAWN = 0.5  # ink above this counts as drawn

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """Means over the portraits (medians where named).

    Attributes:
        portraits: how many.
        ssim, psnr, fsim, gmsd: likeness to the labels, over both scales.
        strokes, ink_mm, axidraw_s, fast_s: of the head, see `RobotMeasures`; 0 when not measured.
        ink_outside: share of the head's ink outside the sitter.
        milliseconds: median time of a drawing here.
    """

    portraits: int
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


def evaluate_artist(
    draw: Callable[[np.ndarray], np.ndarray],
    folder: PortraitFolder,
    portraits: Sequence[Portrait],
    *,
    size_px: int = 512,
    scales: Sequence[Scale] = SCALES,
    robot: bool = True,
) -> Scores:
    """Draw every portrait at every scale and compare.

    Args:
        draw: (size_px, size_px, 3) uint8 RGB to (size_px, size_px) float32 ink.
        folder, portraits: where and which.
        size_px: at which to draw and compare.
        robot: trace and plan the heads as well (0.1 s to 1 s a drawing).

    Raises:
        ValueError: no portraits.
    """
    if not portraits:
        raise ValueError('nothing to evaluate on')
    rows: list[dict[str, float]] = []
    for number, portrait in enumerate(portraits, start=1):
        for scale in scales:
            example = folder.example(portrait, scale)
            rgb, target, matte = (_sized(x, size_px) for x in (example.rgb, example.ink, example.matte))
            start = time.perf_counter()
            ink = draw(rgb)
            row = {'milliseconds': 1000 * (time.perf_counter() - start)}
            row |= asdict(compare_ink(ink, target.astype(np.float32) / 255))
            if scale == 'head':
                row['ink_outside'] = ink_outside(ink, matte.astype(np.float32) / 255)
                if robot:
                    row |= {k: float(v) for k, v in asdict(measure_drawing(ink)).items()}
            rows.append(row)
        if number % 25 == 0:
            _log.info('%d of %d evaluated', number, len(portraits))
    return _summarise(rows, len(portraits))


def _sized(picture: np.ndarray, size_px: int) -> np.ndarray:
    if picture.shape[0] == size_px:
        return picture
    return cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA)


def _summarise(rows: list[dict[str, float]], portraits: int) -> Scores:
    def mean(name: str) -> float:
        values = [row[name] for row in rows if name in row]
        return float(np.mean(values)) if values else 0.0

    names = ('ssim', 'psnr', 'fsim', 'gmsd', 'strokes', 'ink_mm', 'axidraw_s', 'fast_s', 'ink_outside')
    milliseconds = float(np.median([row['milliseconds'] for row in rows]))
    return Scores(portraits=portraits, milliseconds=milliseconds, **{name: mean(name) for name in names})


@dataclass(frozen=True)
class RobotMeasures:
    """A drawing as a plotter has it.

    Attributes:
        strokes: pen-down movements planned.
        ink_mm: length drawn on A5.
        axidraw_s: predicted seconds with saxi's default AxiDraw profile, travel and the way home included.
        fast_s: the same at 200 mm/s, 2000 mm/s^2 and 0.1 s lifts.
    """

    strokes: int
    ink_mm: float
    axidraw_s: float
    fast_s: float


def measure_drawing(ink: np.ndarray, strokes: Sequence[Stroke] | None = None) -> RobotMeasures:
    """Trace (unless strokes are given) and plan on A5; traced lines are drawn once, strokes as often as they ask for.

    Args:
        ink: (H, W) float32 in [0, 1].
        strokes: the artist's own, pixels of `ink`.
    """
    traced = tuple(strokes) if strokes is not None else drop_specks(trace_ink(ink))
    page, size_px = parse_page(PAGE), (ink.shape[1], ink.shape[0])
    weight: Weight = 'none' if strokes is None else 'passes'
    try:
        slow = plan_drawing(traced, size_px, page, load_limits('axidraw'), weight=weight)
        fast = plan_drawing(traced, size_px, page, FAST, weight=weight)
    except SketchRobotError as error:
        if error.code is not ErrorCode.NOTHING_TO_DRAW:
            raise
        return RobotMeasures(0, 0.0, 0.0, 0.0)  # an empty drawing costs nothing
    return RobotMeasures(len(slow.strokes), slow.ink_mm, slow.predicted_s, fast.predicted_s)


def ink_outside(ink: np.ndarray, matte: np.ndarray) -> float:
    """Share of the drawn pixels that lie outside the sitter, a margin of 6 px around the matte allowed.

    Args:
        ink, matte: (H, W), both in [0, 1].

    Returns:
        0 for an empty drawing.
    """
    side = 2 * MATTE_MARGIN_PX + 1
    sitter = cv2.dilate((matte > 0.5).astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    drawn = ink > DRAWN
    return float((drawn & ~sitter).sum() / max(1, drawn.sum()))


@dataclass(frozen=True)
class Complexity:
    """A network's cost for one picture.

    Attributes:
        parameters: learned numbers.
        multiply_adds: of its convolutions and linear layers (normalisation, activation, resizing left out, as usual).
    """

    parameters: int
    multiply_adds: int


def count_complexity(net: nn.Module, size_px: int = 512) -> Complexity:
    """Count on one (1, 3, size_px, size_px) picture, on the meta device: nothing is computed."""
    count = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal count
        if isinstance(module, nn.Conv2d):
            height, width = module.kernel_size
            count += output.numel() * height * width * module.in_channels // module.groups
        elif isinstance(module, nn.Linear):
            count += output.numel() * inputs[0].shape[-1]

    meta = copy.deepcopy(net).to('meta').eval()
    for module in meta.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(add)
    with torch.no_grad():
        meta(torch.zeros(1, 3, size_px, size_px, device='meta'))
    return Complexity(sum(p.numel() for p in net.parameters()), count)
