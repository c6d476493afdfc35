"""Fit spectacle rims: two equal superellipses round the eyes, placed where the picture shows lines along them.

A frame is rigid and symmetric, so both rims are fitted at once with few parameters; noise, eye bags and brows rarely
line up with both. Superellipses (Lame 1818) span round to rectangular frames by their power.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.curve import filled, sample, through
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.tone import Tone

POINTS = 48  # of a rim
ORIENTATIONS = 8  # of normals, over half a turn
POWERS = (2.0, 2.6, 4.0)
HALF_WIDTHS = np.linspace(0.85, 1.45, 7)  # in eye widths, like the following
HALF_HEIGHTS = np.linspace(0.52, 1.15, 8)
OUTWARD = (-0.05, 0.1, 0.25)  # of the rim's centre from the eye's, away from the nose
DOWNWARD = (-0.1, 0.05, 0.2, 0.35)
LINE_WIDTHS = ((2.0, 0.8), (4.0, 1.0), (6.0, 1.0))  # distance at which both sides are compared, px; weight
BRIGHT = 0.85  # weight of bright lines: metal and rimless edges
HIDDEN = 0.25  # weight of points on brows and lids, whose own lines deceive


@dataclass(frozen=True, eq=False)
class Rims:
    """The best pair of rims.

    Attributes:
        right, left: (POINTS, 2) float64, closed curves in crop pixels.
        score: mean evidence along both in local standard deviations, about 0 .. 1.
        lower: the same along their lower halves.
        bridge: evidence of a line across the nose that joins them.
    """

    right: np.ndarray
    left: np.ndarray
    score: float
    lower: float
    bridge: float


def fit_rims(tone: Tone, face: Face) -> Rims:
    """The rims that fit best, whether or not there are any; see `Rims.score`."""
    centres = {side: _eye_centre(face, side) for side in mesh.SIDES}
    widths = {side: face.eye_width(side) for side in mesh.SIDES}
    middle = (centres['right'] + centres['left']) / 2
    wide = float(np.mean(list(widths.values())))
    reach = np.abs(face.across(centres['left'] - centres['right'])) / 2 + 2.0 * wide
    window = _Window(tone, face, middle, int(reach), int(1.9 * wide))
    shapes, normals = _shapes()
    best: tuple[float, dict[mesh.Side, np.ndarray], float] = (-np.inf, {}, 0.0)
    for outward in OUTWARD:
        for downward in DOWNWARD:
            found = {}
            for side in mesh.SIDES:
                outer = -1 if side == 'right' else 1
                scale = np.array([widths[side] * outer, wide])
                local = (shapes + np.array([outward, downward])) * scale  # (S, P, 2) along the head's axes
                xy = centres[side] + local @ np.stack([face.right, face.down])
                found[side] = (xy, *window.evidence(local_normals=normals * (outer, 1), xy=xy))
            pair = np.stack([found[side][1] for side in mesh.SIDES])
            score = 0.5 * pair.mean(axis=0) + 0.5 * pair.min(axis=0)
            k = int(np.argmax(score))
            if score[k] > best[0]:
                lower = float(np.mean([found[side][2][k] for side in mesh.SIDES]))
                best = (float(score[k]), {side: found[side][0][k] for side in mesh.SIDES}, lower)
    right, left = best[1]['right'], best[1]['left']
    return Rims(right, left, best[0], best[2], window.bridge(right, left))


class _Window:
    """The part of the picture round the eyes: line evidence for each orientation of a curve's normal."""

    def __init__(self, tone: Tone, face: Face, middle: np.ndarray, reach: int, height: int) -> None:
        self._axes = np.stack([face.right, face.down])
        self._middle, self._reach, self._height = middle, reach, height
        x, y = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-height, height + 1))
        place = middle + np.stack([x, y], axis=-1) @ self._axes
        light = cv2.GaussianBlur(tone.light, (0, 0), 0.8)
        spread = float(sample(tone.spread, middle[None])[0]) + 0.05
        angle = np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS
        here = sample(light, place)
        maps = []
        for normal in np.stack([np.cos(angle), np.sin(angle)], axis=1) @ self._axes:
            gain = np.full(here.shape, -0.3, np.float32)
            for distance, weight in LINE_WIDTHS:
                a, b = sample(light, place + distance * normal), sample(light, place - distance * normal)
                dark, bright = np.minimum(a, b) - here, here - np.maximum(a, b)
                gain = np.maximum(gain, weight * np.maximum(dark, BRIGHT * bright) / spread)
            maps.append(np.clip(gain, -0.2, 1.0))
        # a rim may lie a pixel beside its template
        self._maps = np.stack([cv2.dilate(image, np.ones((3, 3), np.uint8)) for image in maps])
        hidden = np.zeros(tone.light.shape, bool)
        for side in mesh.SIDES:
            table = mesh.EYES[side]
            for ring in ((table.brow_top, table.brow_bottom), (table.crease, table.lower)):
                first, second = (through(face.points[part]) for part in ring)
                hidden |= filled(np.vstack([first, second[::-1]]), tone.light.shape, 3)
        self._weight = np.where(sample(hidden.astype(np.float32), place) > 0.5, HIDDEN, 1.0)

    def evidence(self, *, local_normals: np.ndarray, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean evidence along curves (S, P, 2) in the crop, and along their lower halves: (S,), (S,)."""
        local = (xy - self._middle) @ self._axes.T
        column = np.clip(np.rint(local[..., 0]).astype(int) + self._reach, 0, 2 * self._reach)
        row = np.clip(np.rint(local[..., 1]).astype(int) + self._height, 0, 2 * self._height)
        angle = np.arctan2(local_normals[..., 1], local_normals[..., 0])
        orientation = np.rint(angle / np.pi * ORIENTATIONS).astype(int) % ORIENTATIONS
        gain, weight = self._maps[orientation, row, column], self._weight[row, column]
        score = (gain * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 0.6 * POINTS)
        low = local_normals[..., 1] > 0.2
        lower = (gain * weight * low).sum(axis=1) / np.maximum((weight * low).sum(axis=1), 1.0)
        return score, lower

    def bridge(self, right: np.ndarray, left: np.ndarray) -> float:
        """Evidence of the best level line that joins two rims, between the brows and the eyes' lower lids."""
        a, b = ((xy - self._middle) @ self._axes.T for xy in (right, left))
        start, end = a[:, 0].max(), b[:, 0].min()
        if end - start < 4:
            return 0.0
        x = np.linspace(start, end, 12)[None, 1:-1]
        level = np.arange(min(a[:, 1].min(), b[:, 1].min()), max(a[:, 1].mean(), b[:, 1].mean()) + 1)
        arch = np.array([0.0, -0.08, -0.16])[:, None, None] * (end - start)
        y = level[None, :, None] + arch * np.sin(np.linspace(0, np.pi, 12))[None, None, 1:-1]
        row = np.clip(np.rint(y).astype(int) + self._height, 0, 2 * self._height)
        column = np.broadcast_to(np.clip(np.rint(x).astype(int) + self._reach, 0, 2 * self._reach), row.shape)
        return float(self._maps[ORIENTATIONS // 2][row, column].mean(axis=-1).max())


def _eye_centre(face: Face, side: mesh.Side) -> np.ndarray:
    table = mesh.EYES[side]
    return face.points[table.upper + table.lower].mean(axis=0)


def _shapes() -> tuple[np.ndarray, np.ndarray]:
    """All superellipses round the origin, in eye widths, x away from the nose: points and normals (S, POINTS, 2)."""
    turn = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    unit = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points, normals = [], []
    for power in POWERS:
        for half_width in HALF_WIDTHS:
            for half_height in HALF_HEIGHTS:
                axes = np.array([half_width, half_height])
                xy = axes * unit / (np.abs(unit) ** power).sum(axis=1, keepdims=True) ** (1 / power)
                normal = np.sign(xy) * np.abs(xy / axes) ** (power - 1) / axes
                points.append(xy)
                normals.append(normal / np.hypot(*normal.T)[:, None])
    return np.stack(points), np.stack(normals)
