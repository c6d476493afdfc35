"""A face's ink from a close-up: lines along the flow, graded by their strength, and dark shapes in their true width."""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.art import FaceArt
from sketch_robot.line_art.face_lines.look import Look, disc, look_at_face, shape_areas
from sketch_robot.line_art.filters import along_flow, edge_tangent_flow, line_response
from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.curve import filled
from sketch_robot.photo.sitter import CloseUp

FLOW_PX = 3.0  # of the structure tensor
LINE_PX = 2.0  # of the inner Gaussian: a pen of 0.5 mm on A5
REACH_PX = 5.5  # along a line
SHARE, SURE = 0.11, 0.3  # of the face that may be line; of that, what is as strong as can be
FLAT_SURE = 0.008  # a response that is noise in any face
FAINT = 0.15  # of a strong line: less is none
INSIDE = 8.0  # units inside the face's outline, where lines are measured
ZONE_SURE = 0.06  # of the nose's and the mouth's surroundings are strong lines

LEAST_EYE = 0.3  # darkness that an eye has in a photo that shows it
MOST_TURN_DEGREES = 45.0
LEAST_INK, MOST_INK = 0.015, 0.11  # of the face's area
UNSEEN_EYE = 0.12  # darkness of eyes that a photo does not show
HAT = 34.0  # units: what is darker than its surroundings within that is a shape, not shade
HAT_FLOOR = 0.03
SHAPE = {  # share of the zone's darkest (97 %), and least: what is a shape, how dark
    'brow': (0.54, 0.13),
    'eye': (0.58, 0.3),
    'nose': (0.66, 0.48),
    'mouth': (0.66, 0.55),
}
IRIS, PUPIL = 0.95, 0.48  # of the iris' radius
BLACK_IRIS = 0.5  # mean ink of both, above which they are drawn black
RIM = 0.8  # of the ink that is seen around a pupil
LEAST_IRIS_PX = 5.0  # a smaller one is left as it is seen
HIGHLIGHT, LIT = 0.28, 0.08  # of the radius; of the range from black to white above the iris
FULL_BROW = 0.34  # darkness of a brow that is black on paper; fairer ones are as much fairer


def draw_face(close_up: CloseUp | None) -> FaceArt | None:
    """Draw the face that a close-up shows; None when it shows too little: no mesh, blur, a head turned away."""
    look = None if close_up is None else look_at_face(close_up)
    if close_up is None or look is None:
        return None
    flow = edge_tangent_flow(cv2.GaussianBlur(look.norm, (0, 0), 1.0), FLOW_PX)
    hat = darkness(look, flow)
    if max(_eye_darkness(hat, look)) < UNSEEN_EYE:
        return None
    ink = np.maximum(line_ink(look, flow), shape_ink(look, hat))
    return FaceArt(ink, look.where, close_up.to_crop, shape_areas(look.face))


def face_ink(close_up: CloseUp) -> np.ndarray:
    """Draw a face as it is seen.

    Returns:
        (512, 512) float32 in [0, 1], 1 = ink, in the close-up's pixels; nothing beyond the face's border.
    """
    face = draw_face(close_up)
    return np.zeros(close_up.rgb.shape[:2], np.float32) if face is None else face.ink


def line_ink(look: Look, flow: np.ndarray) -> np.ndarray:
    """Lines along the flow, (512, 512) float32: 1 where they are strong for this face, or for its part."""
    line = line_response(look.norm, flow, LINE_PX, REACH_PX, look.where)
    np.maximum(line, 0, out=line)
    line[look.teeth] = 0
    inner = cv2.erode(look.face.mask.astype(np.uint8), disc(2 * INSIDE * look.face.unit)) > 0
    dark = np.zeros(line.shape, bool)
    for name, zone in look.zones.items():
        if not name.startswith('nose'):
            dark |= zone
    skin = line[inner & ~dark]  # brows and rims say nothing of how strong a cheek's lines are
    inside = line[inner]
    sure = max(
        0.5 * float(np.quantile(inside, 1 - SURE * SHARE)) + 0.5 * float(np.quantile(skin, 1 - SURE * SHARE)), FLAT_SURE
    )
    strong = np.full(line.shape, sure, np.float32)
    for name in ('nose', 'mouth'):
        zone = look.zones[name]
        strong[zone] = np.clip(float(np.quantile(line[zone], 1 - ZONE_SURE)), FLAT_SURE, sure)
    strong = np.asarray(cv2.GaussianBlur(strong, (0, 0), 5 * look.face.unit), np.float32)
    return np.clip((line / strong - FAINT) / (1 - FAINT), 0, 1).astype(np.float32)


def shape_ink(look: Look, hat: np.ndarray) -> np.ndarray:
    """Dark shapes, brows, lashes with iris, nostrils and the gap of the lips: (512, 512) float32."""
    ink = np.zeros(hat.shape, np.float32)
    eyes = look.zones['eye right'] | look.zones['eye left']
    brows = look.zones['brow right'] | look.zones['brow left']
    for name, zone in look.zones.items():
        part = name.split()[0]
        both = eyes if part == 'eye' else brows if part == 'brow' else zone
        darkest = float(np.quantile(hat[both], 0.97))
        share, least = SHAPE[part]
        level = max(share * darkest, least)
        dark = np.clip((hat - 0.75 * level) / (0.5 * level), 0, 1)
        if part == 'brow':
            dark = dark * min(1.0, darkest / FULL_BROW)
        ink[zone] = np.maximum(ink, dark)[zone]
    return _with_irises(ink, look)


def _with_irises(ink: np.ndarray, look: Look) -> np.ndarray:
    """Both irises alike: black with a light when they are dark, else a pupil. Between the lids alone."""
    discs = []
    for side in look.face.sides:
        table = mesh.EYES[side]
        centre, rim = look.face.points[table.iris], look.face.points[table.iris + 1 : table.iris + 5]
        radius = float(np.hypot(*(rim - centre).T).mean())
        opening = filled(np.vstack([look.face.points[table.upper], look.face.points[table.lower][::-1]]), ink.shape)
        rows, columns = np.indices(ink.shape, np.float32)
        far = np.hypot(columns + 0.5 - centre[0], rows + 0.5 - centre[1]) / max(radius, 1.0)
        discs.append((np.where(opening, far, np.float32(9)), radius))
    seen = [ink[far < IRIS].mean() for far, radius in discs if radius > LEAST_IRIS_PX and (far < IRIS).any()]
    if not seen:
        return ink
    black = float(np.mean(seen)) > BLACK_IRIS
    for far, radius in discs:
        if radius <= LEAST_IRIS_PX:
            continue
        size = IRIS if black else PUPIL
        disc_ink = np.clip((size - far) * radius + 0.5, 0, 1)
        ink = np.where(far < IRIS + 0.1, np.maximum(disc_ink, 0 if black else RIM * ink), ink)
        light = _highlight(look.light, far < 0.7 * IRIS)
        if light is not None:
            rows, columns = np.indices(ink.shape, np.float32)
            away = np.hypot(columns + 0.5 - light[0], rows + 0.5 - light[1])
            ink = np.minimum(ink, np.clip(away - HIGHLIGHT * radius, 0, 1))
    return ink.astype(np.float32)


def _highlight(light: np.ndarray, inside: np.ndarray) -> tuple[float, float] | None:
    """Where a lamp shines in an iris, px; None where none does."""
    if not inside.any():
        return None
    soft = np.where(inside, cv2.GaussianBlur(light, (0, 0), 1.0), -1)
    row, column = np.unravel_index(int(soft.argmax()), soft.shape)
    lit = float(soft[row, column] - np.median(light[inside])) > LIT
    return (float(column) + 0.5, float(row) + 0.5) if lit else None


def darkness(look: Look, flow: np.ndarray) -> np.ndarray:
    """How much darker a place is than what is around it, in [0, 1], smoothed along the flow."""
    unit = look.face.unit
    soft = cv2.GaussianBlur(look.light, (0, 0), 0.8)
    small = cv2.resize(soft, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    closed = cv2.resize(cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc(HAT / 4 * unit)), soft.shape[::-1])
    closed = cv2.GaussianBlur(closed, (0, 0), 8 * unit)
    hat = np.clip(1 - soft / (closed + HAT_FLOOR), 0, 1).astype(np.float32)
    return along_flow(hat, flow, 3.5, np.any(list(look.zones.values()), axis=0))


def _eye_darkness(hat: np.ndarray, look: Look) -> list[float]:
    return [float(np.quantile(hat[look.zones[f'eye {side}']], 0.97)) for side in look.face.sides]


def ink_quality(close_up: CloseUp, ink: np.ndarray) -> float:
    """How far ink can be trusted as a label, in [0, 1]: eyes seen, the head not turned away, some ink."""
    look = look_at_face(close_up)
    if look is None or abs(look.face.turn_degrees) > MOST_TURN_DEGREES:
        return 0.0
    flow = edge_tangent_flow(cv2.GaussianBlur(look.norm, (0, 0), 1.0), FLOW_PX)
    hat = darkness(look, flow)
    eyes = np.clip((min(_eye_darkness(hat, look)) - 0.5 * LEAST_EYE) / (0.5 * LEAST_EYE), 0, 1)
    share = float(ink[look.face.mask].mean())
    full = np.clip(share / LEAST_INK, 0, 1) * np.clip(2 - share / MOST_INK, 0, 1)
    sharp = np.clip(1.6 / max(float(np.hypot(*np.linalg.inv(close_up.to_photo[:, :2])[:, 0])), 0.5), 0, 1) ** 0.5
    return float(eyes * full * sharp)
