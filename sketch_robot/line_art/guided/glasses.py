"""Spectacles: two rims, a bridge and arms, when the picture shows them; dark lenses hide the eyes.

Rims are found by `rims.fit_rims`. The border of a dark lens, which is a step and no line, is the cheapest closed path
in polar coordinates round the eye, by dynamic programming over two turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.curve import filled, resample, sample, smooth, smooth_closed
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.rims import fit_rims
from sketch_robot.line_art.guided.sheet import Sheet
from sketch_robot.line_art.guided.snap import cheapest_path, snap
from sketch_robot.line_art.guided.tone import Tone

SMALLEST_EYE_PX = 20.0  # rims round smaller eyes cannot be told from bags and brows
DIRECTIONS = 64
CONVINCING = 0.5  # evidence of the rims and 0.3 of the bridge's: wrinkles and eye bags reached 0.49
BRIDGE_WEIGHT = 0.3
LOWER = 0.2  # evidence below the eyes; brows and hat brims have none there
DARK_LENS = 0.55  # lightness over that of the skin under the rim


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


def draw_glasses(sheet: Sheet, tone: Tone, face: Face) -> str | None:
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
