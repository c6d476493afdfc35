"""Eighteen joints of a person, and the ten body parts between them.

A pose is an array (18, 3) float32: x, y and whether the joint is given (1) or not (0), in pixels of a picture, the
centre of pixel (column, row) at (column + 0.5, row + 0.5). Left and right are the person's own. The order is that of
OpenPose's COCO model (Cao et al. 2017), which Siarohin et al. (2018) use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

JOINTS = (
    'nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist', 'left_shoulder', 'left_elbow', 'left_wrist',
    'right_hip', 'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle',
    'right_eye', 'left_eye', 'right_ear', 'left_ear',
)  # fmt: skip
NOSE, NECK = 0, 1
RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST, LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST = range(2, 8)
RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE = range(8, 14)
FACE = (0, 14, 15, 16, 17)
TORSO = (RIGHT_SHOULDER, LEFT_SHOULDER, RIGHT_HIP, LEFT_HIP)
LIMBS = (  # upper and lower arms and legs, each beside its mirror image
    (RIGHT_SHOULDER, RIGHT_ELBOW), (RIGHT_ELBOW, RIGHT_WRIST), (LEFT_SHOULDER, LEFT_ELBOW), (LEFT_ELBOW, LEFT_WRIST),
    (RIGHT_HIP, RIGHT_KNEE), (RIGHT_KNEE, RIGHT_ANKLE), (LEFT_HIP, LEFT_KNEE), (LEFT_KNEE, LEFT_ANKLE),
)  # fmt: skip
MIRROR = (2, 3, 0, 1, 6, 7, 4, 5)  # of each limb
PARTS = 2 + len(LIMBS)  # head, torso, limbs
MIRRORED_JOINTS = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16)
LIMB_WIDTH = (
    0.34  # of an upper arm or leg, half of it to each side, in torso lengths; hands and feet lie beyond the end
)
LOWER_WIDTH = 0.30
OVER_END = 0.45  # how far a lower limb goes on beyond wrist or ankle, in its own lengths
HEAD_WIDTH, HEAD_HEIGHT = 0.62, 0.78  # of the head's square, in torso lengths
LEAST_TORSO = 1e-3  # of whatever unit: shoulders and hips on one spot
LEAST_AREA = 0.2  # of a torso's sides as they are seen, in torso lengths: from the side shoulders lie behind each other


@dataclass(frozen=True, eq=False)
class PartWarp:
    """Where ten body parts lie in a target, and where each comes from.

    Attributes:
        corners: (10, 4, 2) float32, the parts in the target, px.
        to_source: (10, 2, 3) float32; take a point of the target to the source, px.
        there: (10,) bool; False for a part that one of the two lacks, its mirror image, too.
    """

    corners: np.ndarray
    to_source: np.ndarray
    there: np.ndarray


def check_pose(pose: np.ndarray) -> np.ndarray:
    """A pose as float32.

    Raises:
        SketchRobotError: BAD_GOAL, it is no (18, 3) array of numbers, or it has no shoulder or no hip.
    """
    found = np.asarray(pose, np.float32)
    if found.shape != (len(JOINTS), 3) or not np.isfinite(found).all():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'a pose is 18 joints of x, y and 0 or 1, not {found.shape}')
    if torso_length(found) is None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'the pose has no shoulders or no hips; give both')
    return found


def read_pose(text: str) -> np.ndarray:
    """A pose from JSON: a list of 18 times [x, y, 0 or 1].

    Raises:
        SketchRobotError: BAD_GOAL, it is none.
    """
    try:
        return check_pose(np.array(json.loads(text), np.float32))
    except (ValueError, TypeError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'this is no pose: {str(error)[:100]}') from error


def torso_length(pose: np.ndarray) -> float | None:
    """From the middle of the given shoulders to that of the given hips, px; None without either."""
    top, bottom = _middle(pose, TORSO[:2]), _middle(pose, TORSO[2:])
    if top is None or bottom is None:
        return None
    return max(float(np.hypot(*(top - bottom))), LEAST_TORSO)


def moved(pose: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A pose through an affine map (2, 3)."""
    found = pose.astype(np.float32).copy()
    found[:, :2] = pose[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    found[pose[:, 2] == 0, :2] = -1.0
    return found


def part_warp(source: np.ndarray, target: np.ndarray) -> PartWarp:
    """The ten parts of a target pose, each with the affine map that brings it from a source (Siarohin et al. 2018).

    Heads and limbs are turned and scaled, torsos get the affine map of least squares between their four corners; a
    limb that the source lacks is taken from its mirror image, what neither has is left out.
    """
    corners = np.zeros((PARTS, 4, 2), np.float32)
    to_source = np.tile(np.array([[1, 0, 0], [0, 1, 0]], np.float32), (PARTS, 1, 1))
    there = np.zeros(PARTS, bool)
    for part in range(PARTS):
        goal = _part(target, part)
        start = _part(source, part)
        if start is None and part >= 2:
            start = _part(source, 2 + MIRROR[part - 2])
        if goal is None or start is None:
            continue
        matrix = _affine(goal, start)
        if matrix is None:
            continue
        corners[part], to_source[part], there[part] = goal, matrix, True
    return PartWarp(corners, to_source, there)


def _part(pose: np.ndarray, part: int) -> np.ndarray | None:
    """Corners of a part: (4, 2) float32, in the same order for every pose; None where joints are missing."""
    torso = torso_length(pose)
    if torso is None:
        return None
    if part == 0:
        return _head(pose, torso)
    if part == 1:
        return _torso(pose, torso)
    first, last = LIMBS[part - 2]
    if pose[first, 2] == 0 or pose[last, 2] == 0:
        return None
    a, b = pose[first, :2], pose[last, :2]
    lower = (part - 2) % 2 == 1
    width = (LOWER_WIDTH if lower else LIMB_WIDTH) * torso
    along = b - a
    length = float(np.hypot(*along))
    if length < 1e-3:
        return None
    end = b + along * (OVER_END if lower else 0.0)
    across = np.array([-along[1], along[0]]) / length * width / 2
    return np.array([a - across, a + across, end + across, end - across], np.float32)


def _head(pose: np.ndarray, torso: float) -> np.ndarray | None:
    """A square about the head that turns with it, from the neck up."""
    face = _middle(pose, FACE)
    if face is None or pose[NECK, 2] == 0:
        return None
    up = face - pose[NECK, :2]
    length = float(np.hypot(*up))
    up = up / length if length > 1e-3 else np.array([0.0, -1.0])
    across = np.array([-up[1], up[0]]) * HEAD_WIDTH / 2 * torso
    low = pose[NECK, :2] + 0.05 * torso * up
    high = low + HEAD_HEIGHT * torso * up
    return np.array([low - across, low + across, high + across, high - across], np.float32)


def _torso(pose: np.ndarray, torso: float) -> np.ndarray | None:
    """Shoulders and hips, a little wider than these."""
    if (pose[list(TORSO), 2] == 0).any():
        return None
    right, left, right_hip, left_hip = (pose[joint, :2].copy() for joint in TORSO)
    for low, high in ((right, left), (right_hip, left_hip)):
        across = high - low
        width = float(np.hypot(*across))
        if width < LEAST_AREA * torso:  # seen from the side
            across = np.array([1.0, 0.0]) * np.sign(across[0] or 1.0)
            middle = (low + high) / 2
            half = LEAST_AREA * torso / 2
            low[:], high[:] = middle - across * half, middle + across * half
            width = 2 * half
        grown = 0.12 * torso * (high - low) / width
        low[:], high[:] = low - grown, high + grown
    return np.array([right, left, left_hip, right_hip], np.float32)


def _affine(goal: np.ndarray, start: np.ndarray) -> np.ndarray | None:
    """The affine map of least squares from four points to four others, (2, 3) float32."""
    ones = np.hstack([goal.astype(np.float64), np.ones((4, 1))])
    solution, _, rank, _ = np.linalg.lstsq(ones, start.astype(np.float64), rcond=None)
    return solution.T.astype(np.float32) if rank == 3 else None


def _middle(pose: np.ndarray, joints: tuple[int, ...]) -> np.ndarray | None:
    given = pose[list(joints)]
    given = given[given[:, 2] > 0]
    return given[:, :2].mean(axis=0) if len(given) else None
