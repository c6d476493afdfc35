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


def _touching(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    """Two or three circles or ellipses in a row, whose ink touches from outside or overlaps by a line's width."""
    half = _width(rng)
    between = rng.uniform(0.0, 2.0) * half[0] / 38.0
    rounds, x = [], -0.95
    for share in rng.dirichlet(np.full(int(rng.integers(2, 4)), 12.0)):
        a, b = 0.95 * share, 0.95 * share * rng.uniform(0.8, 1.2)
        rounds.append((_ellipse(a, b, (x + a, 0.0), start=rng.uniform(0, 6)), half))
        x += 2.0 * a + between
    return rounds


def _tip(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    """An acute corner of 10 to 25 degrees."""
    half, sides = np.radians(rng.uniform(10.0, 25.0)) / 2.0, rng.uniform(1.2, 1.9, 2)
    tip = np.array([-0.9, 0.0])
    one, other = (
        tip + side * np.array([math.cos(turn), math.sin(turn)]) for side, turn in zip(sides, (-half, half), strict=True)
    )
    return [(_polyline(tuple(one), tuple(tip), tuple(other)), _width(rng, 1.0, 3.0))]


def _border(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    """Hatch lines, two of which end at each of some points of a border: on one side of it, or one on either side."""
    bend, half, both_sides = rng.uniform(-0.25, 0.25), rng.uniform(0.5, 1.1), rng.random() < 0.4
    border = _curve((-1.1, 0.0), (0.0, bend), (1.1, 0.0))
    lines = [(border, _width(rng, 1.2, 2.8))]
    for at in (28, 92):
        between, leaning = np.radians(rng.uniform(25.0, 110.0)), np.radians(rng.uniform(-50.0, 50.0))
        turns = leaning + between * np.array([-0.5, 0.5]) * (1.0 - abs(leaning) / 2.0)
        if both_sides:
            turns = np.array([leaning, np.pi + leaning - math.copysign(np.radians(rng.uniform(60.0, 100.0)), leaning)])
        for turn in turns:
            far = border[at] + rng.uniform(0.4, 0.55) * np.array([math.sin(turn), math.cos(turn)])
            lines.append((_polyline(tuple(border[at]), tuple(far)), (half, half)))
    return lines


def _cross_hatching(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    """Straight lines in two directions across a rectangle or a disc whose edge is not drawn: at nearly all points where
    a line ends, one of the other direction ends as well."""
    half, radius = rng.uniform(0.5, 1.0), 0.95
    if rng.random() < 0.5:
        across, down = (int(steps) for steps in rng.integers(3, 6, 2))
        lines = []
        for k in np.arange(1.5 - down, across - 1):  # y = x - k, in steps, and the same in a mirror
            x = np.array([max(k, 0.0), min(down + k, across)])
            lines += [np.column_stack((x, x - k)), np.column_stack((across - x, x - k))]
        middle, scale = np.array([across, down]) / 2.0, 2.0 * radius / max(across, down)
        return [(scale * (line - middle), (half, half)) for line in lines]
    count = 2 * int(rng.integers(6, 9))
    angle = rng.uniform(0, 6) + 2.0 * np.pi * np.arange(count) / count
    at = radius * np.column_stack((np.cos(angle), np.sin(angle)))
    lines = []
    for total in (1, 1 + 2 * int(rng.integers(count // 6, count // 4 + 1))):  # chords of one sum are parallel
        ends = {(min(k, (total - k) % count), max(k, (total - k) % count)) for k in range(count)}
        lines += [at[[one, other]] for one, other in sorted(ends) if 1 < other - one < count - 1]
    return [(line, (half, half)) for line in lines]


def _letter(rng: np.random.Generator) -> list[tuple[np.ndarray, Pen]]:
    """A capital letter, a small one or a figure, upright strokes one unit high.

    What ends in a corner goes on around it; what ends at a line that goes on ends there.
    """
    strokes = list(_LETTERS.values())[int(rng.integers(len(_LETTERS)))]
    half, size = _width(rng, 1.2, 3.5), rng.uniform(1.2, 1.8)
    slant = np.array([[rng.uniform(0.7, 1.1), 0.0], [rng.uniform(-0.2, 0.2), 1.0]])
    return [(size * (np.asarray(xy, dtype=float) - 0.5) @ slant, half) for xy in strokes]


def _arc(x: float, y: float, a: float, b: float, start: float, stop: float) -> list[tuple[float, float]]:
    """Of an ellipse, between two angles in degrees from the x axis towards y, which points down."""
    turn = np.radians(np.linspace(start, stop, 60))
    return [(x + a * math.cos(t), y + b * math.sin(t)) for t in turn.tolist()]


_BOWL = [(0.15, 0.0), (0.45, 0.0), *_arc(0.45, 0.25, 0.3, 0.25, -90, 90), (0.15, 0.5)]
_LETTERS: dict[str, list[list[tuple[float, float]]]] = {
    'A': [[(0.05, 1.0), (0.5, 0.0), (0.95, 1.0)], [(0.23, 0.6), (0.77, 0.6)]],
    'B': [[*_BOWL[::-1], (0.15, 1.0), (0.45, 1.0), *_arc(0.45, 0.75, 0.35, 0.25, 90, -90), (0.15, 0.5)]],
    'D': [[(0.1, 0.0), (0.4, 0.0), *_arc(0.4, 0.5, 0.5, 0.5, -90, 90), (0.1, 1.0), (0.1, 0.0)]],
    'E': [[(0.9, 0.0), (0.15, 0.0), (0.15, 1.0), (0.9, 1.0)], [(0.15, 0.5), (0.7, 0.5)]],
    'F': [[(0.9, 0.0), (0.15, 0.0), (0.15, 1.0)], [(0.15, 0.5), (0.7, 0.5)]],
    'H': [[(0.1, 0.0), (0.1, 1.0)], [(0.9, 0.0), (0.9, 1.0)], [(0.1, 0.5), (0.9, 0.5)]],
    'K': [[(0.15, 0.0), (0.15, 1.0)], [(0.85, 0.0), (0.15, 0.6)], [(0.4, 0.386), (0.9, 1.0)]],
    'M': [[(0.05, 1.0), (0.1, 0.0), (0.5, 0.8), (0.9, 0.0), (0.95, 1.0)]],
    'N': [[(0.1, 1.0), (0.1, 0.0), (0.9, 1.0), (0.9, 0.0)]],
    'P': [[(0.15, 1.0), *_BOWL]],
    'Q': [_arc(0.5, 0.5, 0.48, 0.5, 0, 360), [(0.6, 0.65), (0.98, 1.03)]],
    'R': [[(0.15, 1.0), *_BOWL], [(0.4, 0.5), (0.9, 1.0)]],
    'S': [[*_arc(0.5, 0.25, 0.35, 0.25, -20, -270), *_arc(0.5, 0.75, 0.38, 0.25, -90, 160)]],
    'T': [[(0.05, 0.0), (0.95, 0.0)], [(0.5, 0.0), (0.5, 1.0)]],
    'X': [[(0.1, 0.0), (0.9, 1.0)], [(0.9, 0.0), (0.1, 1.0)]],
    'Y': [[(0.9, 0.0), (0.3, 1.0)], [(0.1, 0.0), (0.54, 0.6)]],
    'Z': [[(0.1, 0.0), (0.9, 0.0), (0.1, 1.0), (0.9, 1.0)]],
    'd': [[(0.8, 0.0), (0.8, 1.0)], _arc(0.5, 0.7, 0.3, 0.3, 0, 360)],
    'e': [[(0.15, 0.5), (0.85, 0.5), *_arc(0.5, 0.5, 0.35, 0.4, 0, -310)]],
    'h': [[(0.2, 0.0), (0.2, 1.0)], [(0.2, 0.65), *_arc(0.5, 0.65, 0.3, 0.25, 180, 360), (0.8, 1.0)]],
    'p': [[(0.2, 0.2), (0.2, 1.2)], _arc(0.5, 0.5, 0.3, 0.3, 180, 540)],
    'y': [[(0.85, 0.2), (0.25, 1.2)], [(0.15, 0.2), (0.52, 0.75)]],
    '4': [[(0.9, 0.7), (0.05, 0.7), (0.7, 0.0), (0.7, 1.0)]],
    '5': [[(0.8, 0.0), (0.25, 0.0), (0.2, 0.45), *_arc(0.45, 0.68, 0.37, 0.32, -130, 140)]],
    '8': [
        [(0.5 + 0.33 * math.sin(2 * t), 0.5 - 0.5 * math.cos(t)) for t in np.linspace(0.0, 2.0 * np.pi, 160).tolist()]
    ],
}

MEETINGS: dict[str, Motif] = {
    'touching': _touching,
    'tip': _tip,
    'border': _border,
    'cross-hatching': _cross_hatching,
    'letter': _letter,
}


def meetings(seed: int, kind: str, *, blurred: bool = False, size_px: int = 640) -> Drawing:
    """A drawing of one kind of `MEETINGS` alone; always the same for the same arguments.

    Args:
        seed: which one.
        blurred: by a standard deviation of 0.5 to 1 px, as a picture from the web is.
    """
    rng = np.random.default_rng([seed, *kind.encode()])
    count = max(size_px // CELL_PX, 1)
    strokes = []
    for place in range(count * count):
        middle = size_px / count * (np.array([place % count, place // count]) + 0.5) + rng.uniform(-2, 2, 2)
        reach = (size_px / count / 2 - MARGIN_PX) * rng.uniform(0.8, 1.0)
        turn = rng.uniform(-0.3, 0.3) if kind == 'letter' else rng.uniform(0, 2 * np.pi)
        darkness = float(rng.uniform(0.75, 1.0))
        for xy, pen in MEETINGS[kind](rng):
            dense = _dense(middle + 0.87 * reach * _turned(xy, turn))
            along = np.linspace(0.0, 1.0, len(dense))
            strokes.append(TrueStroke(dense, pen[0] + along * (pen[1] - pen[0]), darkness, kind))
    ink = paint(strokes, (size_px, size_px))
    if blurred:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.5, 1.0))
    return Drawing(np.rint(255.0 * ink).astype(np.float32) / 255, tuple(strokes), 0.0)


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
