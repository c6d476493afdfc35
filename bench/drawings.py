"""Random line drawings whose strokes are known, to try tracing with.

Each is a grid of cells, each cell one motif that tracers find hard: crossings, forks, touching lines, loops, close
parallels, tapers, dots, corners, faint lines. Widths, sizes, tilt, darkness, blur and noise vary with the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numba
import numpy as np

CELL_PX = 104
SIZES_PX = (256, 384, 512, 640, 768, 1024)
MARGIN_PX = 14.0  # between a motif and the edge of its cell


@dataclass(frozen=True, eq=False)
class TrueStroke:
    """A stroke as it was meant.

    Attributes:
        xy: (N, 2) float64, N >= 2, pixels, pixel centres at +0.5; sampled densely; a dot is a tiny circle.
        half_width: (N,) float64 pixels.
        darkness: of its ink, in (0, 1].
        motif: what it belongs to.
    """

    xy: np.ndarray
    half_width: np.ndarray
    darkness: float = 1.0
    motif: str = ''


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture and what is on it.

    Attributes:
        ink: (H, W) float32 in [0, 1], 1 = ink.
        strokes: what was drawn.
        noise: standard deviation of the noise in `ink`.
    """

    ink: np.ndarray
    strokes: tuple[TrueStroke, ...]
    noise: float


Pen = tuple[float, float]  # half widths at a stroke's start and end, pixels
Motif = Callable[[np.random.Generator], list[tuple[np.ndarray, Pen]]]


def _curve(*points: tuple[float, float]) -> np.ndarray:
    """A Bezier curve."""
    control = np.array(points, dtype=float)
    t = np.linspace(0.0, 1.0, 120)[:, None]
    n = len(control) - 1
    return sum(math.comb(n, k) * t**k * (1 - t) ** (n - k) * control[k] for k in range(n + 1))


def _polyline(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, dtype=float)


def _ellipse(a: float, b: float, middle: tuple[float, float] = (0.0, 0.0), start: float = 0.0) -> np.ndarray:
    angle = start + np.linspace(0.0, 2.0 * np.pi, 160)
    return np.array(middle) + np.column_stack((a * np.cos(angle), b * np.sin(angle)))


def _turned(xy: np.ndarray, angle: float) -> np.ndarray:
    return xy @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def _width(rng: np.random.Generator, low: float = 1.0, high: float = 3.5) -> Pen:
    half = rng.uniform(low, high) / 2
    return half, half


# A motif draws within the unit square [-1, 1]; widths are in pixels. One unit is about 38 pixels.


def _crossing(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    between = rng.uniform(0.45, np.pi / 2)
    return [
        (_turned(_curve((-1, rng.uniform(-0.3, 0.3)), (0, 0), (1, rng.uniform(-0.3, 0.3))), turn), _width(rng))
        for turn in (0.0, between)
    ]


def _tee(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    bend, lean = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)
    bar = _curve((-1, -0.5), (0, -0.5 + bend), (1, -0.5))
    return [(bar, _width(rng)), (_curve(tuple(bar[60]), (lean / 2, 0.3), (lean, 0.9)), _width(rng))]


def _fork(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    through = _curve((-0.8, -0.9), (-0.1, 0.0), (0.0, 0.9))
    at = rng.integers(50, 90)
    return [(through, _width(rng, 1.2, 3)), (_curve((0.9, -0.8), (0.3, -0.2), tuple(through[at])), _width(rng, 1.2, 3))]


def _loop(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    outer = _ellipse(rng.uniform(0.5, 1.0), rng.uniform(0.5, 1.0), start=rng.uniform(0, 6))
    return [(outer, _width(rng)), (_ellipse(rng.uniform(0.15, 0.3), rng.uniform(0.15, 0.3)), _width(rng, 1, 2))]


def _eye(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    high = rng.uniform(0.6, 1.1)
    upper, lower = _curve((-1, 0), (0, -high), (1, 0)), _curve((1, 0), (0, high), (-1, 0))
    return [(np.vstack((upper, lower[1:])), _width(rng, 1, 2.5)), (_ellipse(0.2, 0.2), _width(rng, 1, 2))]


def _parallels(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    count, apart, bend = int(rng.integers(2, 7)), rng.uniform(3.0, 5.0) / 38.0, rng.uniform(-0.6, 0.6)
    half = min(1.3, 0.4 * apart * 38.0) / 2
    lines = [_curve((x, -0.9), (x + bend, 0), (x, 0.9)) for x in apart * (np.arange(count) - count / 2)]
    return [(line, (half, half)) for line in lines]


def _taper(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    return [
        (_curve((-1, -0.6), (0, -1), (0, 0.2), (1, -0.3)), (0.5, rng.uniform(2.0, 3.5))),
        (_polyline((-0.9, 0.5), (0.9, 0.8)), (rng.uniform(1.5, 3.0), 0.5)),
    ]


def _dots(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    half = rng.uniform(0.8, 1.6)
    columns = [(_ellipse(0.004, 0.004, (x, -0.6)), (half, half)) for x in np.linspace(-0.9, 0.9, 5)]
    dashes = [(_polyline((x, 0.2), (x + 0.22, 0.35)), _width(rng, 1.2, 2.2)) for x in np.linspace(-0.9, 0.7, 5)]
    return columns + dashes


def _zigzag(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    high = rng.uniform(0.4, 0.9)
    corners = [(x, high * (-1) ** k) for k, x in enumerate(np.linspace(-1, 1, int(rng.integers(3, 6))))]
    return [(_polyline(*corners), _width(rng, 1, 2.5))]


def _box(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    a, b = rng.uniform(0.4, 0.9, 2)
    return [(_polyline((-a, -b), (a, -b), (a, b), (-a, b), (-a, -b)), _width(rng, 1, 3))]


def _wave(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    x = np.linspace(-1.1, 1.1, 300)
    return [
        (np.column_stack((x, y + 0.25 * np.sin(rng.uniform(3, 7) * x + rng.uniform(0, 6)))), _width(rng, 1.2, 6))
        for y in (-0.6, 0.4)
    ]


def _spiral(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    t = np.linspace(0.5, rng.uniform(10, 16), 400)
    return [(np.column_stack((t * np.cos(t), t * np.sin(t))) / t[-1], _width(rng, 1, 2))]


def _star(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    first = rng.uniform(0, 1)
    return [(_turned(_polyline((-1, 0), (1, 0)), first + k * np.pi / 3), _width(rng, 1.2, 2.5)) for k in range(3)]


def _tangent(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    radius, half = rng.uniform(0.4, 0.7), rng.uniform(0.6, 1.2)
    return [
        (_ellipse(radius, radius, start=0.7), (half, half)),
        (_polyline((-1.1, radius), (1.1, radius)), (half, half)),
    ]


def _net(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    half, at = _width(rng, 1.2, 2), np.array([-0.55, 0.0, 0.55])
    return [(_polyline((-1, y), (1, y)), half) for y in at] + [(_polyline((x, -1), (x, 1)), half) for x in at]


def _hair(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    """A contour with short strokes that end on it, and one that goes past."""
    contour = _curve((-1, 0.4), (0, -0.6), (1, 0.4))
    half = rng.uniform(0.5, 0.9)
    roots = contour[np.linspace(15, 105, 4).astype(int)]
    return [(contour, _width(rng, 1.2, 2.5))] + [
        (_curve((x, y), (x + 0.1, y - 0.2), (x + 0.25, y - 0.45)), (half, half)) for x, y in roots
    ]


def _faint(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    return [(_curve((-1, y), (0, y + rng.uniform(-0.5, 0.5)), (1, y)), _width(rng, 1.5, 3)) for y in (-0.5, 0.5)]


MOTIFS: dict[str, Motif] = {
    'crossing': _crossing,
    'tee': _tee,
    'fork': _fork,
    'loop': _loop,
    'eye': _eye,
    'parallels': _parallels,
    'taper': _taper,
    'dots': _dots,
    'zigzag': _zigzag,
    'box': _box,
    'wave': _wave,
    'spiral': _spiral,
    'star': _star,
    'tangent': _tangent,
    'net': _net,
    'hair': _hair,
    'faint': _faint,
}


def random_drawing(seed: int, *, noisy: bool = False, size_px: int | None = None) -> Drawing:
    """A drawing; always the same for the same arguments.

    Args:
        seed: which one.
        noisy: whether to blur it, to make all of it fainter and to add noise, as a scan has.
        size_px: width and height; None: one of `SIZES_PX`.
    """
    rng = np.random.default_rng(seed)
    size = int(rng.choice(SIZES_PX)) if size_px is None else size_px
    count = max(size // CELL_PX, 1)
    cell = size / count
    names = list(MOTIFS)
    kinds = [names[k % len(names)] for k in rng.permutation(max(count * count, len(names)))[: count * count]]
    strokes = []
    for place, kind in enumerate(kinds):
        middle = cell * (np.array([place % count, place // count]) + 0.5) + rng.uniform(-2, 2, 2)
        reach = (cell / 2 - MARGIN_PX) * (1.0 if kind in ('net', 'parallels', 'dots') else rng.uniform(0.8, 1.0))
        turn = rng.uniform(0, 2 * np.pi)
        darkness = rng.uniform(0.35, 0.5) if kind == 'faint' else rng.uniform(0.75, 1.0)
        for xy, pen in MOTIFS[kind](rng):
            dense = _dense(middle + 0.87 * reach * _turned(xy, turn))
            along = np.linspace(0.0, 1.0, len(dense))
            strokes.append(TrueStroke(dense, pen[0] + along * (pen[1] - pen[0]), float(darkness), kind))
    ink = paint(strokes, (size, size))
    noise = 0.0
    if noisy:
        noise = rng.uniform(0.02, 0.06)
        ink = cv2.GaussianBlur(rng.uniform(0.75, 0.95) * ink, (0, 0), rng.uniform(0.4, 0.8))
        ink = np.clip(0.03 + ink + rng.normal(0.0, noise, ink.shape), 0.0, 1.0).astype(np.float32)
    return Drawing(np.rint(255.0 * ink).astype(np.float32) / 255, tuple(strokes), float(noise))


def _dense(xy: np.ndarray, step_px: float = 0.25) -> np.ndarray:
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
    at = np.union1d(np.linspace(0.0, arc[-1], max(2, math.ceil(arc[-1] / step_px) + 1)), arc)
    return np.column_stack([np.interp(at, arc, column) for column in xy.T])


@numba.njit(cache=True)
def _paint(ink: np.ndarray, xy: np.ndarray, half_width: np.ndarray, darkness: float) -> None:
    height, width = ink.shape
    for i in range(max(len(xy) - 1, 1)):
        j = min(i + 1, len(xy) - 1)
        dx, dy = xy[j, 0] - xy[i, 0], xy[j, 1] - xy[i, 1]
        squared = dx * dx + dy * dy
        reach = max(half_width[i], half_width[j]) + 1.0
        x0, x1 = min(xy[i, 0], xy[j, 0]) - reach, max(xy[i, 0], xy[j, 0]) + reach
        y0, y1 = min(xy[i, 1], xy[j, 1]) - reach, max(xy[i, 1], xy[j, 1]) + reach
        for row in range(max(int(y0), 0), min(int(y1) + 1, height)):
            for column in range(max(int(x0), 0), min(int(x1) + 1, width)):
                x, y = column + 0.5 - xy[i, 0], row + 0.5 - xy[i, 1]
                t = min(max((x * dx + y * dy) / squared, 0.0), 1.0) if squared > 0.0 else 0.0
                away = math.hypot(x - t * dx, y - t * dy)
                half = half_width[i] + t * (half_width[j] - half_width[i])
                cover = darkness * min(max(half + 0.5 - away, 0.0), 1.0)
                ink[row, column] = max(ink[row, column], cover)


def paint(strokes: list[TrueStroke], size_px: tuple[int, int]) -> np.ndarray:
    """Ink by the distance of each pixel's centre to the nearest line: (H, W) float32 in [0, 1]."""
    ink = np.zeros(size_px[::-1], np.float32)
    for stroke in strokes:
        _paint(ink, stroke.xy, stroke.half_width, stroke.darkness)
    return ink
