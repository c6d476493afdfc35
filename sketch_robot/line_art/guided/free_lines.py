"""Lines that no landmark announces: hair, ears, clothes, folds of the face; anything in pictures without a face.

Flow-guided line responses at a fine scale in the face and a coarse one elsewhere, each normalised by its local energy
(without which noses and mouths vanish beside dark hair), then made into polylines: hysteresis is Canny's (1986),
thinning Zhang and Suen's (1984). Tracing goes straight on at junctions and stops at sharp turns; then ends that face
each other are linked, the nearest first.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from skimage.filters import apply_hysteresis_threshold
from skimage.morphology import skeletonize

from sketch_robot.line_art.filters import edge_tangent_flow, line_response, wide_blur
from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.curve import length, normals, resample, sample, smooth
from sketch_robot.line_art.geometry.face import Face
from sketch_robot.line_art.guided.sheet import Tone

ENERGY_PX = 22.0  # neighbourhood of the local contrast normalisation
FLOOR = 0.006  # response of a line too faint to see
LOW, HIGH = 0.25, 0.6  # hysteresis on the normalised response
LINK_PX, LINK_COS = 11.0, 0.72
SPACING_PX = 1.5
STRAIGHT = ([90.0, 200.0], [0.65, 0.3])  # chord over length, by length; what curls more is shine and noise
BARE_SKIN = 0.6  # mean probability of skin from which a line outside the mesh is judged like one in the face
LOOK_BACK = 6  # points that tell a line's direction
SHORTEST = 7  # points; shorter chains are specks
_COS_TURN = 0.15  # a step that turns more (about 81 degrees) ends a line


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


def trace_lines(response: np.ndarray, low: float, high: float) -> list[np.ndarray]:
    """Centre lines of what exceeds `low` and is connected to what exceeds `high`: (N, 2) float64 polylines."""
    skeleton = skeletonize(apply_hysteresis_threshold(response, low, high))
    return [chain for chain in trace_skeleton(skeleton) if len(chain) >= SHORTEST]


def trace_skeleton(skeleton: np.ndarray) -> list[np.ndarray]:
    """Chains of pixel centres (N, 2) float64 that cover a skeleton (H, W) bool, each pixel once."""
    padded = np.pad(np.asarray(skeleton, bool), 1)
    rows, columns = np.nonzero(padded)
    neighbours = sum(padded[rows + i, columns + j].astype(int) for i in (-1, 0, 1) for j in (-1, 0, 1))
    order = np.argsort(neighbours, kind='stable')  # line ends first
    points, ends = _trace(padded.copy(), rows[order], columns[order])
    chains = np.split(points[:, ::-1] - 0.5, ends[:-1]) if len(ends) else []
    return [chain for chain in chains if len(chain) > 1]


def link_lines(lines: list[np.ndarray], gap_px: float, cos_bend: float) -> list[np.ndarray]:
    """Join lines whose ends lie within `gap_px` and face each other within the angle of that cosine."""
    n = len(lines)
    if n < 2:
        return list(lines)
    tip = np.array([line[0] for line in lines] + [line[-1] for line in lines])
    back = [line[min(LOOK_BACK, len(line) - 1)] for line in lines]
    back += [line[-1 - min(LOOK_BACK, len(line) - 1)] for line in lines]
    heading = tip - np.array(back)
    heading /= np.hypot(*heading.T)[:, None] + 1e-9
    apart = tip[None] - tip[:, None]
    distance = np.hypot(apart[..., 0], apart[..., 1])
    towards = apart / (distance[..., None] + 1e-9)
    ahead = np.einsum('ijk,ik->ij', towards, heading) > cos_bend
    fits = ahead & ahead.T & (distance < gap_px)
    first, second = np.nonzero(np.triu(fits, 1))
    order = np.argsort(distance[first, second], kind='stable')
    partner = np.full(2 * n, -1)
    group = np.arange(n)
    for a, b in zip(first[order], second[order], strict=True):
        if partner[a] >= 0 or partner[b] >= 0 or group[a % n] == group[b % n]:
            continue  # a line closes on itself only as one chain
        partner[a], partner[b] = b, a
        group[group == group[b % n]] = group[a % n]
    return _assemble(lines, partner)


def _assemble(lines: list[np.ndarray], partner: np.ndarray) -> list[np.ndarray]:
    """Concatenate lines from free end to free end; end k of n lines is line k % n, its head when k < n."""
    n = len(lines)
    joined, seen = [], np.zeros(n, bool)
    for end in np.flatnonzero(partner < 0):
        if seen[end % n]:
            continue
        pieces, entry = [], int(end)
        while True:
            line = entry % n
            seen[line] = True
            pieces.append(lines[line] if entry < n else lines[line][::-1])
            onward = int(partner[(entry + n) % (2 * n)])
            if onward < 0:
                break
            entry = onward
        joined.append(np.vstack(pieces))
    return joined


@njit(cache=True)
def _trace(left: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walk the skeleton `left` (padded by one, consumed) from each start; points (P, 2) row, column and chain ends."""
    total = len(rows)
    points = np.empty((total, 2), np.float64)
    ends = np.empty(total, np.int64)
    path = np.empty((total + 1, 2), np.int64)
    filled, chains = 0, 0
    for k in range(total):
        if not left[rows[k], columns[k]]:
            continue
        left[rows[k], columns[k]] = False
        path[0, 0], path[0, 1] = rows[k], columns[k]
        size = 1
        for side in range(2):
            if side == 1:
                if size == 1:
                    break
                path[:size] = path[:size][::-1].copy()
            while True:
                row, column = path[size - 1, 0], path[size - 1, 1]
                tail = max(0, size - LOOK_BACK)
                dy, dx = row - path[tail, 0], column - path[tail, 1]
                speed = np.sqrt(float(dx * dx + dy * dy))
                best, at_row, at_column = -np.inf, -1, -1
                for i in range(-1, 2):
                    for j in range(-1, 2):
                        if left[row + i, column + j]:
                            forward = (dy * i + dx * j) / np.sqrt(float(i * i + j * j))
                            if forward > best:
                                best, at_row, at_column = forward, row + i, column + j
                if at_row < 0 or (size > 1 and best < _COS_TURN * speed):
                    break
                left[at_row, at_column] = False
                path[size, 0], path[size, 1] = at_row, at_column
                size += 1
        for i in range(size):
            points[filled, 0], points[filled, 1] = path[i, 0], path[i, 1]
            filled += 1
        ends[chains] = filled
        chains += 1
    return points[:filled], ends[:chains]
