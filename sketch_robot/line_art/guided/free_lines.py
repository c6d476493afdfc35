"""Lines that no landmark announces: hair, ears, clothes, folds of the face; anything in pictures without a face.

Flow-guided line responses at a fine scale in the face and a coarse one elsewhere, each normalised by its local energy
(without which noses and mouths vanish beside dark hair), thinned, traced and linked.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.blur import wide_blur
from sketch_robot.line_art.guided.chains import link_lines, trace_lines
from sketch_robot.line_art.guided.curve import length, normals, resample, sample, smooth
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.flow import edge_tangent_flow, line_response
from sketch_robot.line_art.guided.tone import Tone

ENERGY_PX = 22.0  # neighbourhood of the local contrast normalisation
FLOOR = 0.006  # response of a line too faint to see
LOW, HIGH = 0.25, 0.6  # hysteresis on the normalised response
LINK_PX, LINK_COS = 11.0, 0.72
SPACING_PX = 1.5
STRAIGHT = ([90.0, 200.0], [0.65, 0.3])  # chord over length, by length; what curls more is shine and noise
BARE_SKIN = 0.6  # mean probability of skin from which a line outside the mesh is judged like one in the face


@dataclass(frozen=True)
class Scale:
    """At which size lines are sought; sigmas in px of the crop.

    Attributes:
        blur: of the picture beforehand.
        flow: of the structure tensor.
        line: of the inner Gaussian across a line.
        reach: of the average along it.
        shrink: the picture is worked on at 1 / shrink of its size; thick lines lose nothing by it.
    """

    blur: float
    flow: float
    line: float
    reach: float
    shrink: int


IN_FACE = Scale(1.0, 2.5, 1.4, 4.0, 1)
OUTSIDE = Scale(1.2, 6.0, 2.5, 11.0, 2)
OF_SKIN = Scale(1.5, 3.0, 2.5, 7.0, 2)
ANYWHERE = Scale(0.8, 3.5, 1.8, 8.0, 1)
SHORTEST_ANYWHERE_PX = 20.0


@dataclass(frozen=True, eq=False)
class FreeLine:
    """A candidate for the drawing.

    Attributes:
        xy: (N, 2) float64.
        label: see `Stroke.label`.
        score: how much it adds to the drawing; comparable within one picture.
    """

    xy: np.ndarray
    label: str
    score: float


def find_free_lines(tone: Tone, matte: np.ndarray, taken: np.ndarray, face: Face | None, chin: float) -> list[FreeLine]:
    """All candidates outside what is taken.

    Args:
        tone: the crop.
        matte: (H, W) float32; lines are sought where it exceeds 0.6.
        taken: (H, W) bool, where no line is wanted.
        face: its geometry, or None.
        chin: row (or height along the face's axis) below which lines are clothes, px.
    """
    where = (matte >= 0.6) & ~taken
    if not where.any():
        return []
    inside = _face_area(tone, face)
    outside = where & (inside < 1)
    response = (1 - inside) * _response(tone.flat, OUTSIDE, outside)
    if face is not None:
        response += inside * _response(tone.raw, IN_FACE, where & (inside > 0))
        response = np.maximum(response, 0.9 * (1 - inside) * _response(tone.skin, OF_SKIN, outside))
    response[~where] = 0
    lines = link_lines(trace_lines(response, LOW, HIGH), LINK_PX, LINK_COS)
    found = []
    for line in lines:
        candidate = _judge(line, response, inside, tone, face, chin)
        if candidate is not None:
            found.append(candidate)
    return found


def find_lines_anywhere(tone: Tone, taken: np.ndarray, subject: np.ndarray | None) -> list[FreeLine]:
    """All candidates in a picture without a mesh; those of the subject (its matte, or None) count most."""
    response = _response(tone.flat, ANYWHERE, ~taken)
    response[taken] = 0
    found = []
    for line in link_lines(trace_lines(response, LOW, HIGH), LINK_PX, LINK_COS):
        xy = smooth(resample(line, SPACING_PX), 3.0)
        long = length(xy)
        if len(xy) < 8 or long < SHORTEST_ANYWHERE_PX:
            continue
        weight = 1.0 if subject is None else 0.25 + 0.75 * float(sample(subject, xy).mean())
        found.append(FreeLine(xy, 'other', weight * float(sample(response, xy).mean()) * long**0.8))
    return found


def _response(image: np.ndarray, scale: Scale, where: np.ndarray) -> np.ndarray:
    """Line response in units of its own local energy."""
    if not where.any():
        return np.zeros(image.shape, np.float32)
    soft = cv2.GaussianBlur(image, (0, 0), scale.blur)
    k = scale.shrink
    if k > 1:
        size = (image.shape[1] // k, image.shape[0] // k)
        soft = cv2.resize(soft, size, interpolation=cv2.INTER_AREA)
        where = cv2.resize(where.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    raw = line_response(soft, edge_tangent_flow(soft, scale.flow / k), scale.line / k, scale.reach / k, where)
    energy = np.sqrt(wide_blur(raw * raw, ENERGY_PX / k))
    normal = np.maximum(raw / (energy + FLOOR), 0)
    return normal if k == 1 else cv2.resize(normal, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _face_area(tone: Tone, face: Face | None) -> np.ndarray:
    """(H, W) float32, 1 in the face, 0 elsewhere; hair over the forehead is not face."""
    if face is None:
        return np.zeros(tone.raw.shape, np.float32)
    rows, columns = np.indices(tone.raw.shape, np.float32)
    eyes = face.height(face.points[[33, 263]]).mean()
    low = columns * np.float32(face.down[0]) + rows * np.float32(face.down[1]) > eyes
    bare = cv2.GaussianBlur(tone.skin, (0, 0), 4) > 0.25
    return np.minimum(cv2.GaussianBlur((face.mask & (bare | low)).astype(np.float32), (0, 0), 4), 1)


def _judge(
    line: np.ndarray, response: np.ndarray, inside: np.ndarray, tone: Tone, face: Face | None, chin: float
) -> FreeLine | None:
    xy = resample(line, SPACING_PX)
    in_face = float(sample(inside, xy).mean()) > 0.5
    bare = in_face or float(sample(tone.skin, xy).mean()) > BARE_SKIN
    xy = smooth(xy, 2.5 if in_face else 5.0)
    if len(xy) < 8:
        return None
    strength, long = float(sample(response, xy).mean()), length(xy)
    if float(np.hypot(*(xy[-1] - xy[0]))) < np.interp(long, *STRAIGHT) * long:
        return None
    if bare:  # only true dark lines, no shading
        side = 4 * normals(xy)
        left, middle, right = (sample(tone.light, xy + k * side) for k in (-1, 0, 1))
        ridge = float((np.minimum(left, right) - middle).mean())
        if long < 26 or ridge < 0.012:
            return None
        return FreeLine(xy, 'other', strength * np.sqrt(long) * (0.55 + 6 * ridge))
    label = _label(xy.mean(axis=0), face, chin)
    if long < (18 if label == 'ear' else 46):
        return None
    weight = {'ear': 1.5, 'hair': 1.0, 'clothes': 0.6, 'other': 1.0}[label]
    return FreeLine(xy, label, strength * long**0.8 * weight)


def _label(centre: np.ndarray, face: Face | None, chin: float) -> str:
    if face is None:
        return 'other'
    height = float(face.height(centre))
    if height > chin + 12:
        return 'clothes'
    edges = face.points[list(mesh.CHEEK_EDGE.values())]
    level = float(face.height(edges).mean())
    sideways = float(np.abs(face.across(edges) - face.across(centre)).min())
    if abs(height - level) < 90 * face.unit and sideways < 45 * face.unit:
        return 'ear'
    return 'hair'
