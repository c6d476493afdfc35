"""Spectacles: found by the evidence of a rim round both eyes, drawn as two closed curves, a bridge and arms.

A rim is the cheapest closed path in polar coordinates round the eye, found by dynamic programming over two turns. The
coordinates are those of superellipses, so that rectangular frames cost no bending.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.curve import filled, resample, sample, smooth, smooth_closed
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.sheet import Sheet
from sketch_robot.line_art.guided.snap import cheapest_path, snap
from sketch_robot.line_art.guided.tone import Tone

SMALLEST_EYE_PX = 20.0  # rims round smaller eyes cannot be told from bags and brows
DIRECTIONS = 64
POWERS = (2.0, 3.5)  # of the superellipse: round, rectangular with soft corners


@dataclass(frozen=True, eq=False)
class Rim:
    """A rim round one eye.

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
    clear = [_rim(tone, face, side, dark=False) for side in mesh.SIDES]
    kind = 'clear' if _convincing(clear) else None
    rims = clear
    if max(_shade(tone, face, side, rim) for side, rim in zip(mesh.SIDES, clear, strict=True)) < 0.55:
        dark = [_rim(tone, face, side, dark=True) for side in mesh.SIDES]
        if min(rim.found for rim in dark) > 0.7 and sum(rim.strength for rim in dark) > 1.2:
            kind, rims = 'dark', dark
            sheet.strokes[:] = [stroke for stroke in sheet.strokes if stroke.label not in ('eye', 'brow')]
    if kind is None:
        return None
    right, left = (smooth_closed(rim.xy, 1.0) for rim in rims)
    lines = [(np.vstack([xy, xy[:1]]), 0.93) for xy in (right, left)]
    lines.append((_bridge(right, left, face), 0.9))
    for side, xy, other in (('right', right, left), ('left', left, right)):
        arm = _arm(tone, face, mesh.EYES[side].temple, xy, other)  # type: ignore[index]
        if arm is not None:
            lines.append((arm, 0.7))
    for xy, importance in lines:
        sheet.draw(xy, 'glasses', importance)
        band = np.zeros(sheet.shape, np.uint8)
        cv2.polylines(band, [np.rint(xy - 0.5).astype(np.int32)], False, (1,), 13)
        sheet.taken |= band > 0
    sheet.take(right)
    sheet.take(left)
    return kind


def _convincing(rims: list[Rim]) -> bool:
    found, strength = [rim.found for rim in rims], [rim.strength for rim in rims]
    return sum(strength) / 2 > 0.34 and min(found) > 0.3 and sum(found) / 2 > 0.55


def _rim(tone: Tone, face: Face, side: mesh.Side, *, dark: bool) -> Rim:
    """The best rim of any power; `dark` looks for the border of a dark lens instead of a line."""
    return max((_rim_of_power(tone, face, side, power, dark) for power in POWERS), key=lambda rim: rim.strength)


def _rim_of_power(tone: Tone, face: Face, side: mesh.Side, power: float, dark: bool) -> Rim:
    table, width = mesh.EYES[side], face.eye_width(side)
    centre = face.points[table.upper + table.lower].mean(axis=0) + 0.12 * width * face.down
    turn = np.linspace(0, 4 * np.pi, 2 * DIRECTIONS, endpoint=False)
    unit = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    unit /= (np.abs(unit) ** power).sum(axis=1, keepdims=True) ** (1 / power)
    ray = unit * (1.12, 0.95) @ np.stack([face.right, face.down])
    radius = np.arange(0.55 * width, 1.6 * width, 1.0)
    profile = sample(tone.light, centre + ray[:, None] * radius[None, :, None])
    profile = np.asarray(cv2.GaussianBlur(profile, (0, 0), 0.8), np.float64)
    margin = 7

    def shifted(by: int) -> np.ndarray:
        return profile[:, margin + by : profile.shape[1] - margin + by]

    if dark:
        gain = shifted(3) - shifted(-3)
    else:  # a line darker or brighter than both its sides, of one of several widths
        line = [(1, 7, 1.0), (1, 5, 1.0), (1, 4, 1.0), (-1, 4, 0.9), (1, 2, 0.8), (-1, 2, 0.7)]
        gain = np.max(
            [w * np.minimum(s * (shifted(d) - shifted(0)), s * (shifted(-d) - shifted(0))) for s, d, w in line], axis=0
        )
    gain = np.clip(gain / (float(sample(tone.spread, centre[None])[0]) + 0.03), -0.3, 1.5)
    path = cheapest_path(-gain, 45.0 / width**2)
    middle = slice(DIRECTIONS // 2, DIRECTIONS // 2 + DIRECTIONS)
    evidence = gain[np.arange(len(path)), path][middle]
    radii = smooth_closed(radius[margin:-margin][path[middle]][:, None], 1.5)
    lower = np.sin(turn[middle]) > 0.25
    xy = centre + ray[middle] * radii
    return Rim(xy, float((evidence[lower] > 0.25).mean()), float(evidence[lower].mean()))


def _shade(tone: Tone, face: Face, side: mesh.Side, rim: Rim) -> float:
    """Lightness of the lens below the eye over that of the skin under the rim."""
    table, shape = mesh.EYES[side], tone.light.shape
    eye = face.points[table.upper + table.lower]
    centre, middle = rim.xy.mean(axis=0), eye.mean(axis=0)
    rows, columns = np.indices(shape)
    height = columns * face.down[0] + rows * face.down[1]
    lens = filled(centre + 0.82 * (rim.xy - centre), shape) & ~filled(middle + (eye - middle) * (1.15, 1.5), shape)
    lens &= height > face.height(middle)
    skin = filled(centre + 1.45 * (rim.xy - centre), shape) & ~filled(centre + 1.15 * (rim.xy - centre), shape)
    skin &= height > face.height(centre) + 0.5 * (face.height(rim.xy).max() - face.height(centre))
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
