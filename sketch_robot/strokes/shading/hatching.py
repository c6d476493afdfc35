"""Hatching: lines side by side, as many of them as the tone asks for.

All lines of a family lie about a pen's width apart, so that all together they are black. Each has a level, and is
drawn where the tone is darker than that. Levels follow van der Corput's sequence (1935): however many lines are drawn,
they lie evenly. Lines are straight, or follow the form as an engraver's: where planes cut the sitter's surface. Where
they come closer, fewer are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.stroke import Stroke
from sketch_robot.strokes.shading.tone import WantedTone

ANGLES = (-45.0, 45.0, 0.0, 90.0)  # degrees; of the first family, of the one that crosses it ...
LAYER = 0.45  # share of the paper that one family covers before the next crosses it
CONTOUR_ANGLE = -20.0
BEND = 1.1  # how strongly planes lean, that cut the form
SLOPES = (-0.55, 1.5)  # least and most that lines move together or apart, of their distance
CLOSER = 0.75  # of a pen's width, between lines that follow a form
CAP_PENS = 0.39  # widths of the pen by which a round end covers more than its line
SHORTEST_PENS, GAP_PENS = 1.6, 1.2  # shorter lines are left out, shorter gaps closed


@dataclass(frozen=True, eq=False)
class Family:
    """Lines side by side, sampled one by one.

    Attributes:
        xy: (K, U, 2) float64 px.
        apart: (K, U) float64, to their neighbours, px.
        level: (K,) in [0, 1).
    """

    xy: np.ndarray
    apart: np.ndarray
    level: np.ndarray


def hatch(tone: WantedTone) -> list[Stroke]:
    """Straight lines in one direction."""
    return _drawn(_family(tone, ANGLES[0]), tone, tone.dark)


def cross_hatch(tone: WantedTone) -> list[Stroke]:
    """Straight lines, crossed by others where it is darker, in up to four directions."""
    strokes: list[Stroke] = []
    left = tone.dark
    for k, angle in enumerate(ANGLES):
        last = k == len(ANGLES) - 1
        layer = left if last else np.minimum(left, np.float32(LAYER))
        strokes += _drawn(_family(tone, angle), tone, layer)
        left = np.clip((left - layer) / np.maximum(1 - layer, 1e-3), 0, 1)
    return strokes


def contour_hatch(tone: WantedTone) -> list[Stroke]:
    """Lines that follow the sitter's form."""
    return _drawn(_family(tone, CONTOUR_ANGLE, bend=BEND), tone, tone.dark)


def _family(tone: WantedTone, degrees: float, *, bend: float = 0.0) -> Family:
    """Lines over the whole picture, turned by so many degrees; with `bend` they follow its depth."""
    width, height = tone.size_px
    side = int(np.ceil(np.hypot(width, height))) + 4
    angle = np.radians(degrees)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    origin = np.array([width, height]) / 2.0 - (along + across) * side / 2.0
    u, v = np.arange(0.0, side), np.arange(0.0, side)
    spacing = tone.pen_px * (CLOSER if bend else 1.0)
    count = int(side / spacing)
    if bend:
        turned = np.column_stack([along, across, origin]).astype(np.float64)  # of (u, v) to the picture
        depth = cv2.warpAffine(
            tone.depth, turned, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        slope = np.clip(bend * np.gradient(depth, axis=0), *SLOPES)
        phase = np.cumsum(1.0 + slope, axis=0)
        phase -= phase[side // 2] - side / 2.0
        wanted = (np.arange(count) + 0.5) * spacing
        place = np.column_stack([np.interp(wanted, phase[:, column], v) for column in range(side)])
        lean = np.gradient(place, axis=1)
        apart = np.gradient(place, axis=0) / np.hypot(1.0, lean)
    else:
        place = np.repeat(((np.arange(count) + 0.5) * spacing)[:, None], side, axis=1)
        apart = np.full(place.shape, spacing)
    xy = origin + u[None, :, None] * along + place[..., None] * across
    return Family(xy, apart, _levels(count))


def _levels(count: int) -> np.ndarray:
    """Van der Corput's sequence in base 2: the bits of the counting numbers, reversed: (count,) in [0, 1)."""
    number, level, bit = np.arange(count), np.zeros(count), 0.5
    while bit > 1e-4:
        level += bit * (number & 1)
        number, bit = number >> 1, bit / 2.0
    return level


def _drawn(family: Family, tone: WantedTone, dark: np.ndarray) -> list[Stroke]:
    """The parts of lines that are drawn."""
    x, y = (family.xy[..., k].astype(np.float32) - np.float32(0.5) for k in (0, 1))
    wanted = cv2.remap(dark, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    inside = cv2.remap(tone.inside.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
    share = wanted * family.apart / tone.pen_px
    on = inside & (share > family.level[:, None] + 1e-6)
    gap, shortest = (round(pens * tone.pen_px) for pens in (GAP_PENS, SHORTEST_PENS))
    strokes = []
    cap = CAP_PENS * tone.pen_px
    for k in range(len(on)):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], on[k].view(np.int8), [0])))).reshape(-1, 2)
        for start, stop in _closed(edges, gap, inside[k]):
            if stop - start < shortest + 2:
                continue
            strokes.append(_trimmed(family.xy[k, start:stop], cap))
    return strokes


def _closed(edges: np.ndarray, gap: int, inside: np.ndarray) -> list[list[int]]:
    """Runs with the short gaps between them closed, where these are inside."""
    runs: list[list[int]] = []
    for start, stop in edges.tolist():
        if runs and start - runs[-1][1] <= gap and inside[runs[-1][1] : start].all():
            runs[-1][1] = stop
        else:
            runs.append([start, stop])
    return runs


def _trimmed(xy: np.ndarray, by_px: float) -> Stroke:
    """A line through points a pixel apart, shorter at both ends; of a straight one only the ends."""
    first, last = xy[0], xy[-1]
    chord = last - first
    length = float(np.hypot(*chord))
    cut = min(by_px, 0.4 * length)
    off = np.abs((xy - first) @ np.array([-chord[1], chord[0]])) / max(length, 1e-9)
    if off.max() < 0.02:
        return Stroke(np.array([first + chord * cut / length, last - chord * cut / length]))
    skip = max(1, round(cut))
    return Stroke(xy[skip:-skip] if len(xy) > 2 * skip + 2 else xy)
