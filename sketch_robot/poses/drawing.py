"""Draw a sitter at full length, as they stand or in another pose, with their own head.

The body is line art of the sitter's photo, or of what the generator drew of them in the pose; the head is what the line
artist drew of their portrait, set onto that body at its neck.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.ink import render_ink
from sketch_robot.photo.body import BodyFinder
from sketch_robot.photo.sitter import Sitter
from sketch_robot.poses.figure import figure_strokes, parts_of, sampled_where
from sketch_robot.poses.framing import CANVAS_PX, SEEN, FullLength, find_sitter, frame_sitter, scaled, shrunk, sits
from sketch_robot.poses.joints import FACE, LIMBS, NECK, part_warp, torso_length
from sketch_robot.poses.named import AS_THEY_STAND, taken_by, usual_pose
from sketch_robot.poses.runtime import PosePainter
from sketch_robot.poses.wish import PoseWish
from sketch_robot.stroke import Stroke

SURE_OF_FIGURE = 0.3  # a detector's score for a body; less is no figure
INSTEAD = f'choose {AS_THEY_STAND}, the plain drawing at full length'
PEN_PX = 2.6  # of the canvas: a pen of 0.5 mm on A5
CHIN, FOREHEAD = 152, 10  # points of the face mesh
COLLAR = 0.25  # how far down from the chin to the base of the neck the portrait goes; the rest is the body's
MOST_TURN_RAD = 0.45  # of a head
HEAD_REACH = 0.8  # from the face's middle, in torso lengths: there is no other head than the sitter's
ARMS = slice(2, 6)  # among the parts
SAME_HEAD = 0.7  # how far a face may be from where the body's joints say, in torso lengths
# Half widths of `LIMBS` that a figure has at least, in torso lengths.
LIMB_CORES = (0.07, 0.055, 0.07, 0.055, 0.1, 0.075, 0.1, 0.075)
ROUND_ARMS_PX = 13  # a hand before the head is drawn
AROUND_HEAD_PX = 7
SHORTEST_PX = 16.0


@dataclass(frozen=True, eq=False)
class Figure:
    """A body to set a head on.

    Attributes:
        rgba: (1024, 512, 4) uint8, what was drawn from.
        strokes: of the body, with the head that it came with, px of the canvas.
        pose: (18, 3) float32, its joints, px of the canvas.
        head_to_canvas: (2, 3) float64, takes a point of the photo's head to the canvas (a similarity).
    """

    rgba: np.ndarray
    strokes: tuple[Stroke, ...]
    pose: np.ndarray
    head_to_canvas: np.ndarray


class FigureArtist:
    """Draws bodies; keeps the networks that are slow to load. For one thread at a time."""

    def __init__(self) -> None:
        self._finder: BodyFinder | None = None
        self._painter: PosePainter | None = None

    def draw(self, rgb: np.ndarray, wish: PoseWish) -> Figure:
        """Draw the body of a photo's sitter.

        Args:
            rgb: (H, W, 3) uint8.
            wish: not the portrait.

        Raises:
            SketchRobotError: NO_BODY, the photo does not show one person from head to feet, or the pose does not come
                out (they sit, or no body is found in what was drawn); BAD_GOAL, the picture of a pose shows nobody's.
        """
        if self._finder is None:
            self._finder = BodyFinder()
        frame = frame_sitter(rgb, find_sitter(rgb, self._finder))
        if wish.name == AS_THEY_STAND:
            identity = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
            return _figure(figure_strokes(frame.rgba), frame.rgba, frame, frame.pose, identity)
        if sits(frame.pose):
            raise SketchRobotError(
                ErrorCode.NO_BODY,
                f'the sitter sits or crouches, and then no pose comes out well; stand up, or {INSTEAD}',
            )
        wanted = usual_pose(wish.name) if wish.image is None else self._pose_of(wish.image)
        height, width = CANVAS_PX
        target = taken_by(frame.pose, wanted, height, width)
        rgba = self.paint(frame, target)
        if self._finder.sureness(np.ascontiguousarray(rgba[..., :3])) < SURE_OF_FIGURE:
            raise SketchRobotError(ErrorCode.NO_BODY, f'the pose did not come out well; try another, or {INSTEAD}')
        return _figure(figure_strokes(rgba, coarse=True), rgba, frame, target, _head_move(frame.pose, target))

    def paint(self, frame: FullLength, target: np.ndarray) -> np.ndarray:
        """A sitter in another pose: (1024, 512, 4) uint8; the pose (18, 3) float32 in pixels of the canvas."""
        if self._painter is None:
            self._painter = PosePainter()
        painter = self._painter
        factor = painter.height_px / CANVAS_PX[0]
        drawn = painter.paint(shrunk(frame.rgba, painter.height_px), scaled(frame.pose, factor), scaled(target, factor))
        return bridged(cv2.resize(drawn, CANVAS_PX[::-1], interpolation=cv2.INTER_CUBIC), target)

    def _pose_of(self, rgb: np.ndarray) -> np.ndarray:
        if self._finder is None:
            self._finder = BodyFinder()
        bodies = self._finder.find(rgb, most=1)
        pose = bodies[0].joints(SEEN) if bodies else None
        if pose is None or torso_length(pose) is None:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                'the picture of the pose shows nobody whose shoulders and hips are seen; try another',
            )
        return pose


def bridged(rgba: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """A figure whose matte reaches along every limb of its pose: where a generator tears an arm, it is mended."""
    torso = torso_length(pose) or 1.0
    bones = np.zeros(rgba.shape[:2], np.uint8)
    for (first, last), half in zip(LIMBS, LIMB_CORES, strict=True):
        if pose[first, 2] and pose[last, 2]:
            a, b = (tuple(int(v) for v in np.rint(pose[joint, :2])) for joint in (first, last))
            cv2.line(bones, a, b, [255], max(3, round(2 * half * torso)), cv2.LINE_AA)
    torn = np.maximum(cv2.GaussianBlur(bones, (0, 0), 2.0), rgba[..., 3])
    missing = (torn > 127) & (rgba[..., 3] <= 127)
    if not missing.any():
        return rgba
    there = (rgba[..., 3] > 127).astype(np.float32)
    reach = 0.12 * torso
    weight = cv2.GaussianBlur(there, (0, 0), reach)[..., None]
    near = cv2.GaussianBlur(rgba[..., :3].astype(np.float32) * there[..., None], (0, 0), reach) / np.maximum(
        weight, 1e-4
    )
    found = rgba.copy()
    found[..., :3][missing] = np.clip(np.rint(near[missing]), 0, 255).astype(np.uint8)
    found[..., 3] = torn
    return found


def full_length_art(art: LineArt, head: Iterable[Stroke], sitter: Sitter, figure: Figure) -> LineArt:
    """The drawing of the whole sitter.

    Args:
        art: the portrait.
        head: its strokes, px of the portrait.
        sitter: of the portrait, from the same photo as the figure.
        figure: the body.

    Returns:
        line art of 512 x 1024 px with its strokes, the face's first.

    Raises:
        SketchRobotError: NO_FACE, the portrait is not of whoever stands there.
    """
    _check_same_person(sitter, figure)
    strokes = with_head(figure, tuple(head), sitter)
    ink = render_ink(strokes, CANVAS_PX[::-1], PEN_PX)
    return LineArt(ink=ink, artist=art.artist, strokes=strokes)


def _check_same_person(sitter: Sitter, figure: Figure) -> None:
    """Refuse a portrait whose face is not where the body's head is: somebody from behind, and a face on a poster."""
    if sitter.face_box is None:
        raise SketchRobotError(ErrorCode.NO_FACE, 'the sitter has no face that could be set onto a body')
    x, y, width, height = sitter.face_box
    centre = (x + width / 2, y + height / 2) if sitter.landmarks is None else sitter.landmarks[:, :2].mean(axis=0)
    to_canvas = _joined(figure.head_to_canvas, sitter.to_photo)
    found = to_canvas[:, :2] @ centre + to_canvas[:, 2]
    if np.hypot(*(found - _face_middle(figure.pose))) > SAME_HEAD * (torso_length(figure.pose) or 1.0):
        raise SketchRobotError(
            ErrorCode.NO_FACE,
            'the face that was found is not that of whoever stands there; let them look at the camera',
        )


def _face_middle(pose: np.ndarray) -> np.ndarray:
    face = pose[list(FACE)]
    given = face[face[:, 2] > 0, :2]
    return np.asarray(given.mean(axis=0) if len(given) else pose[NECK, :2])


def with_head(figure: Figure, head: Sequence[Stroke], sitter: Sitter) -> tuple[Stroke, ...]:
    """A body's strokes with the sitter's head in the place of the one it came with, px of the canvas."""
    to_canvas = _joined(figure.head_to_canvas, sitter.to_photo)
    scale = float(np.hypot(*to_canvas[:, 0]))
    collar, up = _collar(sitter, figure)
    kept = []
    for stroke in head:
        above = (stroke.xy - collar) @ up > 0
        for part in parts_of(stroke.xy, above, SHORTEST_PX / scale / 2):
            whole = len(part) == len(stroke.xy)
            if stroke.filled and not whole:
                continue
            kept.append(_placed(stroke, part, to_canvas, scale, whole))
    cleared = _cleared(figure, sitter, to_canvas, collar, up)
    body = []
    for stroke in figure.strokes:
        for part in parts_of(stroke.xy, ~sampled_where(cleared, stroke.xy), SHORTEST_PX):
            body.append(replace(stroke, xy=part, half_widths=None))
    return (*kept, *body)


def _placed(stroke: Stroke, xy: np.ndarray, to_canvas: np.ndarray, scale: float, whole: bool) -> Stroke:
    moved = xy @ to_canvas[:, :2].T + to_canvas[:, 2]
    widths = stroke.half_widths * scale if whole and stroke.half_widths is not None else None
    return replace(stroke, xy=moved, half_width=stroke.half_width * scale, half_widths=widths)


def _collar(sitter: Sitter, figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """A point of the portrait where its neck is cut, and the direction up from there."""
    neck = _inverse(_joined(figure.head_to_canvas, sitter.to_photo))
    base = neck[:, :2] @ figure.pose[NECK, :2] + neck[:, 2]
    if sitter.landmarks is not None:
        chin, forehead = (sitter.landmarks[point, :2].astype(np.float64) for point in (CHIN, FOREHEAD))
    else:
        assert sitter.face_box is not None  # as `_check_same_person` saw
        x, y, width, height = sitter.face_box
        chin, forehead = np.array([x + width / 2, y + height]), np.array([x + width / 2, y])
    up = (forehead - chin) / max(float(np.hypot(*(forehead - chin))), 1e-6)
    down = max(0.0, float((chin - base) @ up))
    return chin - up * COLLAR * down, up


def _cleared(figure: Figure, sitter: Sitter, to_canvas: np.ndarray, collar: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Where the body has no strokes: (1024, 512) bool, the sitter's head and the one that the body came with."""
    height, width = CANVAS_PX
    rows, columns = np.mgrid[: sitter.crop.shape[0], : sitter.crop.shape[1]] + 0.5
    above = (columns - collar[0]) * up[0] + (rows - collar[1]) * up[1] > 0
    matrix = to_canvas.copy()
    matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV's pixel centres lie at whole numbers
    matte = np.ones(above.shape, np.float32) if sitter.matte is None else sitter.matte
    head = cv2.warpAffine((above & (matte > 0.5)).astype(np.float32), matrix, (width, height))
    own = cv2.dilate((head > 0.5).astype(np.uint8), np.ones((AROUND_HEAD_PX, AROUND_HEAD_PX), np.uint8)) > 0
    torso = torso_length(figure.pose) or 1.0
    centre = _face_middle(figure.pose)
    y, x = np.mgrid[:height, :width] + 0.5
    point = to_canvas[:, :2] @ collar + to_canvas[:, 2]
    turned = to_canvas[:, :2] @ up
    higher = (x - point[0]) * turned[0] + (y - point[1]) * turned[1] > 0
    other = higher & (np.hypot(x - centre[0], y - centre[1]) < HEAD_REACH * torso)
    return own | (other & ~_arms(figure.pose))


def _arms(pose: np.ndarray) -> np.ndarray:
    """Where arms are: (1024, 512) bool."""
    height, width = CANVAS_PX
    where = np.zeros((height, width), np.uint8)
    warp = part_warp(pose, pose)
    for corners, there in zip(warp.corners[ARMS], warp.there[ARMS], strict=True):
        if there:
            cv2.fillConvexPoly(where, np.rint(corners).astype(np.int32), [1])
    return cv2.dilate(where, np.ones((ROUND_ARMS_PX, ROUND_ARMS_PX), np.uint8)) > 0


def _figure(strokes: list[Stroke], rgba: np.ndarray, frame: FullLength, pose: np.ndarray, move: np.ndarray) -> Figure:
    step = 1.0 / frame.scale
    to_canvas = np.array([[step, 0.0, -frame.to_photo[0, 2] * step], [0.0, step, -frame.to_photo[1, 2] * step]])
    return Figure(rgba, tuple(strokes), pose, _joined(move, to_canvas))


def _head_move(own: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity (2, 3) that takes the sitter's head on the canvas to the target's neck."""
    scale = (torso_length(target) or 1.0) / (torso_length(own) or 1.0)
    turn = float(np.clip(_nod(target) - _nod(own), -MOST_TURN_RAD, MOST_TURN_RAD))
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([linear, target[NECK, :2] - linear @ own[NECK, :2]])


def _nod(pose: np.ndarray) -> float:
    """How far a head leans to the viewer's right, radians, by its ears where both are given."""
    ears = pose[[16, 17]]
    face = ears if (ears[:, 2] > 0).all() else pose[list(FACE)]
    if not (face[:, 2] > 0).any() or pose[NECK, 2] == 0:
        return 0.0
    up = face[face[:, 2] > 0, :2].mean(axis=0) - pose[NECK, :2]
    return float(np.arctan2(up[0], -up[1]))


def _joined(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """One affine map (2, 3) after another."""
    return np.asarray(second[:, :2] @ np.column_stack([first[:, :2], first[:, 2]]) + [[0, 0, 1]] * second[:, 2:])


def _inverse(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.invertAffineTransform(matrix.astype(np.float64)))
