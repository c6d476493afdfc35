"""Beards and moustaches: a light, even hatch where the skin round the mouth is darker and rougher than the cheeks."""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.curve import filled, sample
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.sheet import Sheet
from sketch_robot.line_art.guided.tone import Tone

_CHEEKS = [50, 280, 205, 425, 101, 330, 9, 151, 5, 195]
_UPPER = {'right': [165, 167, 92, 164, 186], 'left': [391, 393, 322, 164, 410]}  # above the mouth
_CHIN = [199, 175, 200, 208, 428]
_FULL_ZONE = [98, 2, 327, 426, 436, 432, 364, 379, 400, 152, 176, 150, 135, 212, 216, 206]
_MOUSTACHE_ZONE = [98, 2, 327, 426, 410, 270, 0, 40, 186, 206]
SPACING = 17.0  # units between hairs
HAIR = 6.0  # units, half a hair's length


def draw_beard(sheet: Sheet, tone: Tone, face: Face) -> bool:
    """Hatch a beard or moustache when there is one; whether there is."""
    if face.in_profile:
        return False
    soft = cv2.GaussianBlur(tone.raw, (0, 0), 4)
    fine = cv2.GaussianBlur(tone.raw, (0, 0), 0.8) - cv2.GaussianBlur(tone.raw, (0, 0), 2.2)
    rough = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 4)) / (soft + 0.08)

    def typical(image: np.ndarray, spots: list[int]) -> float:
        return float(np.median(sample(image, face.points[spots])))

    cheek_rough, cheek_light = typical(rough, _CHEEKS), typical(tone.raw, _CHEEKS)
    if cheek_rough <= 0 or cheek_light <= 0:
        return False
    dark = [typical(tone.raw, spots) / cheek_light for spots in _UPPER.values()]
    texture = [typical(rough, spots) for spots in _UPPER.values()]
    if max(dark) > 0.84 or min(dark) > 0.7 or min(texture) < max(1.9 * cheek_rough, 0.032):
        return False
    chin_rough, chin_dark = typical(rough, _CHIN), typical(tone.raw, _CHIN) / cheek_light
    ratio = chin_rough / cheek_rough
    full = chin_rough > 0.028 and ((chin_dark < 0.72 and ratio > 1.65) or (chin_dark < 0.82 and ratio > 2.5))
    unit, points, shape = face.unit, face.points, tone.raw.shape
    zone = filled(points[_FULL_ZONE if full else _MOUSTACHE_ZONE], shape)
    zone &= ~filled(points[mesh.NOSE_BASE], shape, int(4 * unit) + 1)
    zone &= ~filled(np.vstack([points[mesh.UPPER_LIP], points[mesh.LOWER_LIP][::-1]]), shape, int(7 * unit))
    zone &= (cv2.GaussianBlur(tone.raw, (0, 0), 3) < 0.8 * cheek_light) & (rough > 1.4 * cheek_rough)
    hairs = [_hair(face, spot) for spot in _spread_out(zone, SPACING * unit)]
    if len(hairs) <= 5:
        return False
    for hair in hairs:
        sheet.draw(hair, 'other', 0.4)
    return True


def _spread_out(zone: np.ndarray, distance: float) -> np.ndarray:
    """(N, 2) points of a zone on a staggered grid of that distance."""
    rows, columns = np.nonzero(zone)
    if len(rows) == 0:
        return np.zeros((0, 2))
    kept: list[np.ndarray] = []
    for spot in np.stack([columns, rows], axis=1) + 0.5:
        if not kept or np.hypot(*((spot - np.array(kept)) * (1.0, 0.7)).T).min() >= distance:
            kept.append(spot)
    return np.array(kept)


def _hair(face: Face, spot: np.ndarray) -> np.ndarray:
    """A short curved stroke that falls away from the middle of the face."""
    mouth, philtrum = face.points[14], face.points[164]
    rise = float(np.clip(face.height(mouth - spot) / (25 * face.unit), 0, 1))
    sideways = float(np.clip(face.across(spot - philtrum) / (30 * face.unit), -1, 1))
    along = np.array([sideways * (0.35 + 0.6 * rise), 1 - 0.4 * rise])
    along /= np.hypot(*along)
    t = np.linspace(-1, 1, 6)[:, None]
    bow = np.array([along[1], -along[0]]) * (1 - t * t) * 1.2 * np.sign(sideways + 1e-6)
    return spot + face.unit * (along * t * HAIR + bow) @ np.stack([face.right, face.down])
