"""Spectacles: two rims, a bridge and arms, when the picture shows them; dark lenses hide the eyes.

A frame is rigid and symmetric, so both rims are fitted at once with few parameters; noise, eye bags and brows rarely
line up with both. They are equal superellipses (Lame 1818), which span round to rectangular frames by their power,
placed where the picture shows lines along them. The border of a dark lens, which is a step and no line, is the cheapest
closed path in polar coordinates round the eye, by dynamic programming over two turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.curve import filled, resample, sample, smooth, smooth_closed, through
from sketch_robot.line_art.geometry.face import Face
from sketch_robot.line_art.guided.sheet import StrokeSheet, Tone
from sketch_robot.line_art.guided.snap import cheapest_path, snap

SMALLEST_EYE_PX = 20.0  # rims round smaller eyes cannot be told from bags and brows
DIRECTIONS = 64
CONVINCING = 0.5  # evidence of the rims and 0.3 of the bridge's: wrinkles and eye bags reached 0.49
BRIDGE_WEIGHT = 0.3
LOWER = 0.2  # evidence below the eyes; brows and hat brims have none there
DARK_LENS = 0.55  # lightness over that of the skin under the rim
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
class Lens:
    """The border of a dark lens.

    Attributes:
        xy: (DIRECTIONS, 2) float64, closed.
        found: fraction of the lower half with evidence.
        strength: mean evidence of the lower half.
    """

    xy: np.ndarray
    found: float
    strength: float


def draw_glasses(sheet: StrokeSheet, tone: Tone, face: Face) -> str | None:
    """Draw spectacles when there are any; 'clear', 'dark' (which hide eyes and brows) or None."""
    if face.in_profile or min(face.eye_width(side) for side in mesh.SIDES) < SMALLEST_EYE_PX:
        return None
    rims = fit_rims(tone, face)
    clear = rims.score + BRIDGE_WEIGHT * rims.bridge > CONVINCING and rims.lower > LOWER
    pair = {'right': rims.right, 'left': rims.left}
    dark = False
    if max(_shade(tone, face, side, pair[side]) for side in mesh.SIDES) < DARK_LENS:
        lenses = {side: _lens(tone, face, side) for side in mesh.SIDES}
        dark = min(lens.found for lens in lenses.values()) > 0.7
        dark = dark and sum(lens.strength for lens in lenses.values()) > 1.2
        if dark and not clear:
            pair = {side: lenses[side].xy for side in mesh.SIDES}
    if not clear and not dark:
        return None
    if dark:
        sheet.strokes[:] = [stroke for stroke in sheet.strokes if stroke.label not in ('eye', 'brow')]
    right, left = (smooth_closed(pair[side], 1.0) for side in mesh.SIDES)
    lines = [(np.vstack([xy, xy[:1]]), 0.93) for xy in (right, left)]
    lines.append((_bridge(right, left, face), 0.9))
    for side, xy, other in zip(mesh.SIDES, (right, left), (left, right), strict=True):
        arm = _arm(tone, face, mesh.EYES[side].temple, xy, other)
        if arm is not None:
            lines.append((arm, 0.7))
    for xy, importance in lines:
        sheet.draw(xy, 'glasses', importance)
        band = np.zeros(sheet.shape, np.uint8)
        cv2.polylines(band, [np.rint(xy - 0.5).astype(np.int32)], False, (1,), 13)
        sheet.taken |= band > 0
    sheet.take(right)
    sheet.take(left)
    return 'dark' if dark else 'clear'


def _lens(tone: Tone, face: Face, side: mesh.Side) -> Lens:
    table, width = mesh.EYES[side], face.eye_width(side)
    centre = face.points[table.upper + table.lower].mean(axis=0) + 0.12 * width * face.down
    turn = np.linspace(0, 4 * np.pi, 2 * DIRECTIONS, endpoint=False)
    ray = np.stack([1.12 * np.cos(turn), 0.95 * np.sin(turn)], axis=1) @ np.stack([face.right, face.down])
    radius = np.arange(0.55 * width, 1.45 * width, 1.0)
    profile = sample(tone.light, centre + ray[:, None] * radius[None, :, None])
    profile = np.asarray(cv2.GaussianBlur(profile, (0, 0), 0.8), np.float64)
    gain = profile[:, 6:] - profile[:, :-6]  # brighter outside
    gain = np.clip(gain / (float(sample(tone.spread, centre[None])[0]) + 0.03), -0.3, 1.5)
    path = cheapest_path(-gain, 100.0 / width**2)
    middle = slice(DIRECTIONS // 2, DIRECTIONS // 2 + DIRECTIONS)
    evidence = gain[np.arange(len(path)), path][middle]
    radii = smooth_closed(radius[3:-3][path[middle]][:, None], 1.5)
    lower = np.sin(turn[middle]) > 0.25
    xy = centre + ray[middle] * radii
    return Lens(xy, float((evidence[lower] > 0.25).mean()), float(evidence[lower].mean()))


def _shade(tone: Tone, face: Face, side: mesh.Side, rim: np.ndarray) -> float:
    """Lightness of the lens below the eye over that of the skin under the rim."""
    table, shape = mesh.EYES[side], tone.light.shape
    eye = face.points[table.upper + table.lower]
    centre, middle = rim.mean(axis=0), eye.mean(axis=0)
    rows, columns = np.indices(shape)
    height = columns * face.down[0] + rows * face.down[1]
    lens = filled(centre + 0.82 * (rim - centre), shape) & ~filled(middle + (eye - middle) * (1.15, 1.5), shape)
    lens &= height > face.height(middle)
    skin = filled(centre + 1.45 * (rim - centre), shape) & ~filled(centre + 1.15 * (rim - centre), shape)
    skin &= height > face.height(centre) + 0.5 * (face.height(rim).max() - face.height(centre))
    if not lens.any() or not skin.any():
        return 1.0
    return float((np.median(tone.light[lens]) + 0.016) / (np.median(tone.light[skin]) + 0.016))


def _bridge(right: np.ndarray, left: np.ndarray, face: Face) -> np.ndarray:
    a = right[np.argmin(np.hypot(*(right - left.mean(axis=0)).T))]
    b = left[np.argmin(np.hypot(*(left - right.mean(axis=0)).T))]
    top = (a + b) / 2 - 0.08 * face.eye_width('right') * face.down
    return smooth(resample(np.vstack([a, top, b])), 2.0)


def _arm(tone: Tone, face: Face, temple: int, rim: np.ndarray, other: np.ndarray) -> np.ndarray | None:
    away = rim - other.mean(axis=0)
    start = rim[np.argmax(np.hypot(*away.T))]
    line = resample(np.vstack([start, face.points[temple]]))
    if len(line) <= 8 or float((face.points[temple] - start) @ (start - other.mean(axis=0))) <= 0:
        return None
    arm = snap(tone.light, tone.spread, line, 6, pin_ends=True)
    return arm.xy if arm.evidence.mean() > 0.2 else None


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
