"""Poses by name, and how a sitter takes a pose: with the bones that are theirs, in the directions that are the pose's.

A pose is told by what each limb does; joints follow from a sitter's bones. Angles are degrees from hanging down towards
the outside, away from the body's middle, so that the same numbers mean the same on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.poses.joints import (
    FACE,
    JOINTS,
    LEFT_ANKLE,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    RIGHT_ANKLE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    torso_length,
)

AS_THEY_STAND = 'as_they_stand'
# Bones of a usual body facing the camera, in torso lengths: medians of 228 made-up people.
SHOULDER, HIP, UPPER_ARM, LOWER_ARM, UPPER_LEG, LOWER_LEG = 0.363, 0.222, 0.516, 0.472, 0.849, 0.869
USUAL_HEAD = ((-0.018, -0.437), (-0.076, -0.523), (0.054, -0.525), (-0.162, -0.472), (0.152, -0.472))  # as `FACE`
LEAST_BONE, MOST_BONE = 0.8, 1.25  # of the usual bone: one that looks shorter points at the camera
HAND, FOOT, CROWN = 0.3, 0.22, 0.32  # how far a body reaches beyond wrists, ankles and the face, in torso lengths
MARGIN = 0.03  # of the picture's height, around the figure

BONES = (  # from, to, and which usual length, from the neck outwards
    (NECK, RIGHT_SHOULDER, SHOULDER), (RIGHT_SHOULDER, RIGHT_ELBOW, UPPER_ARM), (RIGHT_ELBOW, RIGHT_WRIST, LOWER_ARM),
    (NECK, LEFT_SHOULDER, SHOULDER), (LEFT_SHOULDER, LEFT_ELBOW, UPPER_ARM), (LEFT_ELBOW, LEFT_WRIST, LOWER_ARM),
    (RIGHT_HIP, RIGHT_KNEE, UPPER_LEG), (RIGHT_KNEE, RIGHT_ANKLE, LOWER_LEG),
    (LEFT_HIP, LEFT_KNEE, UPPER_LEG), (LEFT_KNEE, LEFT_ANKLE, LOWER_LEG),
)  # fmt: skip


@dataclass(frozen=True)
class Limb:
    """An arm or a leg.

    Attributes:
        upper, lower: degrees from hanging down, outwards positive.
        upper_seen, lower_seen: how much of its length is seen; 1 lies in the picture's plane.
    """

    upper: float
    lower: float
    upper_seen: float = 1.0
    lower_seen: float = 1.0


@dataclass(frozen=True)
class NamedPose:
    """What a body does.

    Attributes:
        right_arm, left_arm, right_leg, left_leg: of the sitter.
        lean, head: degrees by which torso and head turn in the picture's plane, to the viewer's right.
    """

    right_arm: Limb
    left_arm: Limb
    right_leg: Limb
    left_leg: Limb
    lean: float = 0.0
    head: float = 0.0


HANGING, STANDING = Limb(12, 8), Limb(4, 2)
POSES: Mapping[str, NamedPose] = MappingProxyType(
    {
        'dancer': NamedPose(
            Limb(46, 76, 0.95, 0.7), Limb(162, 200), Limb(1, 0), Limb(28, 32, 1, 0.85), lean=-3, head=5
        ),
        'disco': NamedPose(Limb(36, -52, 1, 0.8), Limb(148, 146), Limb(10, 6), Limb(20, 14), lean=-5, head=8),
        'hero': NamedPose(Limb(42, -58, 1, 0.85), Limb(42, -58, 1, 0.85), Limb(16, 12), Limb(16, 12)),
        'cheering': NamedPose(Limb(150, 162), Limb(150, 162), Limb(12, 8), Limb(12, 8)),
        'waving': NamedPose(Limb(70, 160), HANGING, STANDING, Limb(8, 5), head=-5),
        'welcome': NamedPose(Limb(42, 66, 0.95, 0.75), Limb(42, 66, 0.95, 0.75), Limb(6, 4), Limb(6, 4)),
        'thinker': NamedPose(Limb(16, -150, 0.9, 0.8), Limb(18, -72, 0.95, 0.9), Limb(6, 4), Limb(6, 2), head=-6),
        'arms_crossed': NamedPose(Limb(18, -82, 0.9, 0.75), Limb(18, -76, 0.9, 0.8), Limb(8, 5), Limb(8, 5)),
        'walking': NamedPose(Limb(22, -14, 1, 0.9), Limb(24, 10), Limb(22, 14), Limb(16, 30), lean=2),
        'running': NamedPose(
            Limb(40, 140, 1, 0.9), Limb(36, -48, 1, 0.9), Limb(34, -16), Limb(12, 40, 1, 0.85), lean=-5
        ),
        'pointing': NamedPose(Limb(84, 92, 0.9, 0.8), Limb(36, -46, 1, 0.85), Limb(5, 3), Limb(10, 7), head=-6),
        'tree': NamedPose(Limb(160, 190), Limb(160, 190), Limb(1, 0), Limb(62, -62, 0.85, 0.8)),
    }
)
NAMES = tuple(POSES)


def check_name(name: str) -> str:
    """The name of a pose, or '' or 'as_they_stand'.

    Raises:
        SketchRobotError: BAD_GOAL, there is none of that name; the message lists them.
    """
    if name not in ('', AS_THEY_STAND, *POSES):
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'there is no pose {name!r}; choose one of: {", ".join((AS_THEY_STAND, *POSES))}'
        )
    return name


def usual_pose(name: str) -> np.ndarray:
    """A pose by name, of a usual body: (18, 3) float32 in torso lengths, the neck at the origin.

    Raises:
        SketchRobotError: BAD_GOAL, there is none of that name.
    """
    if name not in POSES:
        check_name(name or '?')
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{name!r} is the pose that the sitter has')
    pose = POSES[name]
    found = np.ones((len(JOINTS), 3), np.float32)
    turn = _turned(pose.lean)
    found[NECK, :2] = 0.0
    for shoulder, hip, side in ((RIGHT_SHOULDER, RIGHT_HIP, -1.0), (LEFT_SHOULDER, LEFT_HIP, 1.0)):
        found[shoulder, :2] = turn @ (side * SHOULDER, 0.02)
        found[hip, :2] = turn @ (side * HIP, 1.0)
    limbs = (
        (RIGHT_SHOULDER, pose.right_arm, -1.0, UPPER_ARM, LOWER_ARM),
        (LEFT_SHOULDER, pose.left_arm, 1.0, UPPER_ARM, LOWER_ARM),
        (RIGHT_HIP, pose.right_leg, -1.0, UPPER_LEG, LOWER_LEG),
        (LEFT_HIP, pose.left_leg, 1.0, UPPER_LEG, LOWER_LEG),
    )
    for root, limb, side, upper, lower in limbs:
        middle = found[root, :2] + _along(limb.upper, side) * upper * limb.upper_seen
        found[root + 1, :2] = middle
        found[root + 2, :2] = middle + _along(limb.lower, side) * lower * limb.lower_seen
    found[list(FACE), :2] = np.array(USUAL_HEAD) @ _turned(pose.lean + pose.head).T
    return found


def taken_by(sitter: np.ndarray, pose: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    """A pose as a sitter takes it: its directions, the sitter's bones, placed to fit a picture.

    Args:
        sitter: (18, 3) float32, the sitter's own joints, px of a picture of that size.
        pose: (18, 3) float32, anybody's, in any unit.
        height_px, width_px: of the picture.

    Returns:
        (18, 3) float32, px of the picture; no larger than the sitter is, smaller where the pose needs the room.

    Raises:
        SketchRobotError: BAD_GOAL, one of them has no shoulders or no hips.
    """
    own, theirs = torso_length(sitter), torso_length(pose)
    if own is None or theirs is None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'a pose needs shoulders and hips; choose a picture that shows both')
    scale = own / theirs
    found = np.zeros_like(pose)
    found[:, 2] = pose[:, 2]
    widths = _bone_ratios(sitter, own)
    for joint in (NECK, RIGHT_HIP, LEFT_HIP, *FACE):
        found[joint, :2] = (pose[joint, :2] - pose[NECK, :2]) * scale
    for begin, end, usual in BONES:
        if pose[begin, 2] == 0 or pose[end, 2] == 0:
            found[end, 2] = 0.0
            continue
        found[end, :2] = found[begin, :2] + (pose[end, :2] - pose[begin, :2]) * scale * widths[usual]
    given = found[:, 2] > 0
    reach = _reach(found, own)
    low, high = reach.min(axis=0), reach.max(axis=0)
    room = np.array([width_px, height_px]) - 2 * MARGIN * height_px
    shrink = min(1.0, float((room / np.maximum(high - low, 1e-6)).min()))
    middle = np.array([width_px, height_px]) / 2
    found[given, :2] = (found[given, :2] - (low + high) / 2) * shrink + middle
    found[~given, :2] = -1.0
    return found.astype(np.float32)


def _bone_ratios(sitter: np.ndarray, torso: float) -> dict[float, float]:
    """How long a sitter's bones are beside the usual ones; of both sides the longer, the other is foreshortened."""
    found: dict[float, float] = {}
    for begin, end, usual in BONES:
        if sitter[begin, 2] > 0 and sitter[end, 2] > 0:
            length = float(np.hypot(*(sitter[end, :2] - sitter[begin, :2]))) / torso / usual
            found[usual] = max(found.get(usual, LEAST_BONE), min(length, MOST_BONE))
    return {usual: found.get(usual, 1.0) for _, _, usual in BONES}


def _reach(pose: np.ndarray, torso: float) -> np.ndarray:
    """Points that a figure reaches to: (N, 2)."""
    points = [pose[pose[:, 2] > 0, :2]]
    for before, end, beyond in (
        (RIGHT_ELBOW, RIGHT_WRIST, HAND), (LEFT_ELBOW, LEFT_WRIST, HAND),
        (RIGHT_KNEE, RIGHT_ANKLE, FOOT), (LEFT_KNEE, LEFT_ANKLE, FOOT),
    ):  # fmt: skip
        if pose[before, 2] > 0 and pose[end, 2] > 0:
            along = pose[end, :2] - pose[before, :2]
            points.append((pose[end, :2] + along / max(float(np.hypot(*along)), 1e-6) * beyond * torso)[None])
    face = pose[list(FACE)]
    if (face[:, 2] > 0).any():
        centre = face[face[:, 2] > 0, :2].mean(axis=0)
        points.append(centre + np.array([[0.0, -CROWN], [-CROWN, 0.0], [CROWN, 0.0]]) * torso)
    return np.concatenate(points)


def _along(degrees: float, side: float) -> np.ndarray:
    """Unit vector of a limb that is turned outwards from hanging down."""
    angle = np.radians(degrees)
    return np.array([side * np.sin(angle), np.cos(angle)])


def _turned(degrees: float) -> np.ndarray:
    """A turn in the picture's plane, to the viewer's right at the top: (2, 2)."""
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
