"""Hair on the face and round it: the hairline, where bare skin ends above the brows; beards and moustaches.

Seen from between the eyes the hairline is one distance for each direction, so it is the cheapest path in polar
coordinates, found by dynamic programming. Evidence is a step from the face's skin colour to another, helped by a step
in lightness.

Beards are a light, even hatch where the skin round the mouth is rougher than the cheeks. Roughness is the local energy
of fine detail over lightness. Hair on the upper lip and on the chin was at least 2.4 times as rough as the same face's
cheeks in the faces it was tuned on, shadows and smiles rarely more than twice.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.curve import at, filled, runs, sample, smooth, to_pixels
from sketch_robot.line_art.geometry.face import Face
from sketch_robot.line_art.guided.sheet import StrokeSheet, Tone
from sketch_robot.line_art.guided.snap import cheapest_path

REACH_DEGREES = 95.0  # to either side of straight up
DIRECTIONS = 96
NEAREST, FARTHEST = 0.2, 0.62  # in face heights from between the eyes
STEP_PX = 6  # skin within so many pixels is compared with what lies as far beyond
SURE = 0.3  # mean of the two steps' evidence
BARE_BEYOND = 0.7  # probability of skin beyond the line from which there is no hair
INSIDE_PX = 8  # closer to the outline, the outline is drawn instead
_CHEEKS = [50, 280, 205, 425, 101, 330, 9, 151, 5, 195]
_ABOVE_MOUTH = {'right': [165, 167, 92, 164, 186], 'left': [391, 393, 322, 164, 410]}
_CHIN = [199, 175, 200, 208, 428]
_FULL_ZONE = [98, 2, 327, 426, 436, 432, 364, 379, 400, 152, 176, 150, 135, 212, 216, 206]
_MOUSTACHE_ZONE = [98, 2, 327, 426, 410, 270, 0, 40, 186, 206]
_MIDDLE = [2, 164, 0, 17, 200, 152]  # the line of symmetry, from the nose to the chin

ROUGH_LIP, ROUGH_CHIN = 2.8, 2.4  # times the cheeks'
ROUGH_AT_LEAST = 0.021  # below this the picture shows no hairs, whatever the cheeks
SHADOW, PALE = 0.4, 0.8  # lightness over the cheeks': a lone moustache lies between
BARE_LIP = (
    0.85  # likeness to the cheeks' colour above which both sides of the upper lip are skin, however rough: no hair
)
BLACK = 0.55  # lightness over the cheeks' at which a beard in shade shows no hairs
ROW, COLUMN = 15.5, 18.0  # units between hairs
HAIR = 6.5  # units, half a hair's length


def draw_hairline(sheet: StrokeSheet, tone: Tone, face: Face, matte: np.ndarray) -> None:
    """Draw the parts of the hairline that show."""
    if face.in_profile:
        return
    tall = 300 * face.unit
    centre = face.points[[mesh.EYES[side].upper[-1] for side in mesh.SIDES]].mean(axis=0)
    angle = np.radians(np.linspace(-REACH_DEGREES, REACH_DEGREES, DIRECTIONS))
    ray = np.sin(angle)[:, None] * face.right - np.cos(angle)[:, None] * face.down
    radius = np.arange(NEAREST * tall, FARTHEST * tall)
    place = centre + ray[:, None] * radius[None, :, None]
    skin = np.asarray(cv2.blur(sample(tone.skin, place), (STEP_PX, 3)), np.float64)
    light = np.asarray(cv2.blur(sample(tone.light, place), (STEP_PX, 3)), np.float64)
    edge = np.zeros_like(skin)
    half = STEP_PX // 2
    inner, outer = np.s_[:, : -2 * half], np.s_[:, 2 * half :]
    contrast = np.abs(light[inner] - light[outer]) / (sample(tone.spread, place)[:, half:-half] + 0.03)
    edge[:, half:-half] = 0.6 * np.clip(skin[inner] - skin[outer], 0, 1) + 0.4 * np.clip(contrast, 0, 1)
    size = 2 * INSIDE_PX + 1
    person = cv2.erode((matte > 0.5).astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    allowed = person & ~sheet.taken
    flat = place.reshape(-1, 2)
    edge *= at(allowed, flat).reshape(edge.shape)
    path = cheapest_path(-edge, 0.02)
    evidence = smooth(edge[np.arange(DIRECTIONS), path], 1.5)
    xy = smooth(centre + ray * smooth(radius[path], 1.5)[:, None], 1.0)
    beyond = smooth(sample(tone.skin, xy + STEP_PX * ray), 1.5)
    for run in runs((evidence > SURE) & ~_on(sheet, 'jaw', xy), gap=4, shortest=9):
        if beyond[run].mean() < BARE_BEYOND:  # a furrow has skin on both sides
            sheet.draw(xy[run], 'hair', 0.78)


def _on(sheet: StrokeSheet, label: str, xy: np.ndarray) -> np.ndarray:
    """(N,) bool, whether points lie on strokes of a label."""
    taken = np.zeros(sheet.shape, np.uint8)
    for stroke in sheet.strokes:
        if stroke.label == label:
            cv2.polylines(taken, [to_pixels(stroke.xy)], False, (1,), 15)
    return at(taken, xy) > 0


def draw_beard(sheet: StrokeSheet, tone: Tone, face: Face) -> bool:
    """Hatch a beard or moustache when there is one; whether there is."""
    if face.in_profile:
        return False
    rough = _roughness(tone.raw)
    cheeks = _typical(rough, face, _CHEEKS) + 1e-6
    lip = min(_typical(rough, face, spots) for spots in _ABOVE_MOUTH.values())
    chin = _typical(rough, face, _CHIN)
    light = _typical(tone.raw, face, _CHEEKS) + 1e-6
    dark = [_typical(tone.raw, face, spots) / light for spots in _ABOVE_MOUTH.values()]
    black = max(*dark, _typical(tone.raw, face, _CHIN) / light) < BLACK and _typical(tone.skin, face, _CHIN) < 0.3
    bare = min(_typical(tone.skin, face, spots) for spots in _ABOVE_MOUTH.values()) > BARE_LIP
    rough_lip = not bare and lip > max(ROUGH_LIP * cheeks, ROUGH_AT_LEAST)
    full = black or (rough_lip and chin > max(ROUGH_CHIN * cheeks, ROUGH_AT_LEAST))
    if not full and not (rough_lip and min(dark) > SHADOW and max(dark) < PALE):
        return False
    zone = _zone(face, full, tone.raw.shape)
    hairy = np.maximum(rough / (1.6 * cheeks), (1 - cv2.GaussianBlur(tone.skin, (0, 0), 4)) / 0.6)
    hairs = [_hair(face, spot) for pair in _pairs(face) for spot in _grown(pair, hairy, zone)]
    for hair in hairs:
        sheet.draw(hair, 'other', 0.4)
    sheet.taken |= zone
    return len(hairs) > 0


def _roughness(raw: np.ndarray) -> np.ndarray:
    fine = cv2.GaussianBlur(raw, (0, 0), 0.8) - cv2.GaussianBlur(raw, (0, 0), 2.2)
    return np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 4)) / (cv2.GaussianBlur(raw, (0, 0), 4) + np.float32(0.08))


def _typical(image: np.ndarray, face: Face, spots: list[int]) -> float:
    return float(np.median(sample(image, face.points[spots])))


def _zone(face: Face, full: bool, shape: tuple[int, ...]) -> np.ndarray:
    points, unit = face.points, face.unit
    lips = np.vstack([points[mesh.UPPER_LIP], points[mesh.LOWER_LIP][::-1]])
    zone = filled(points[_FULL_ZONE if full else _MOUSTACHE_ZONE], shape)
    return zone & ~filled(points[mesh.NOSE_BASE], shape, int(5 * unit) + 1) & ~filled(lips, shape, int(8 * unit))


def _pairs(face: Face) -> list[np.ndarray]:
    """Spots of hairs on a staggered grid, (2, 2) mirrored to the two sides of the face, row by row."""
    middle = face.points[_MIDDLE]
    height = face.height(middle)
    step = COLUMN * face.unit
    pairs = []
    for row, level in enumerate(np.arange(height[0], height[-1], ROW * face.unit)):
        x, y = (np.interp(level, height, middle[:, i]) for i in (0, 1))
        for sideways in (np.arange(6) + (0.25 if row % 2 else 0.75)) * step:
            out = (
                np.array([0.7 * face.yaw - 1, 0.7 * face.yaw + 1])[:, None] * sideways
            )  # a turned face is narrower beyond
            pairs.append(np.array([x, y]) + out * face.right)
    return pairs


def _grown(pair: np.ndarray, hairy: np.ndarray, zone: np.ndarray) -> np.ndarray:
    """The spots of a pair in the zone when hair grows there: both or none, for one side may lie in the light."""
    inside = at(zone, pair)
    if not inside.any() or float(at(hairy, pair)[inside].mean()) < 1.0:
        return pair[:0]
    return pair[inside]


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
