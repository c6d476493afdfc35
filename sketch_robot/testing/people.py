"""People who are painted, from head to feet and in any pose, so that tests need no person.

The head is `synthetic_face`; bodies are rounded limbs with soft shading, which body detectors find.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.poses.joints import (
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
)
from sketch_robot.testing.faces import SKIN, synthetic_face

Colour = tuple[int, int, int]
TROUSERS, SHOES = (60, 66, 88), (40, 34, 30)
GROUND = (214, 216, 210)
TORSO_HALF, ARM, LEG = 0.30, 0.105, 0.14  # half widths, in torso lengths
FACE_HEIGHT = 0.62  # of the head from chin to hairline
STANDING = np.array(
    [
        [0.0, -0.44, 1], [0.0, 0.0, 1], [-0.36, 0.02, 1], [-0.46, 0.52, 1], [-0.5, 0.98, 1],
        [0.36, 0.02, 1], [0.46, 0.52, 1], [0.5, 0.98, 1], [-0.2, 1.0, 1], [-0.23, 1.85, 1], [-0.24, 2.7, 1],
        [0.2, 1.0, 1], [0.23, 1.85, 1], [0.24, 2.7, 1], [-0.07, -0.5, 1], [0.07, -0.5, 1], [-0.16, -0.46, 1],
        [0.16, -0.46, 1],
    ],
    np.float32,
)  # fmt: skip


def synthetic_person(
    height: int = 960,
    width: int = 640,
    *,
    pose: np.ndarray = STANDING,
    shirt: Colour = (52, 84, 128),
    trousers: Colour = TROUSERS,
    at: float = 0.5,
    size: float = 0.8,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paint somebody at full length.

    Args:
        height, width: of the picture, px.
        pose: (18, 3) in torso lengths, the neck at the origin; joints that are not given have no limb.
        shirt, trousers: RGB.
        at: where the body's middle is across, as a part of the width.
        size: of a standing body from crown to sole, as a part of the height.

    Returns:
        the picture (H, W, 3) uint8 RGB, its matte (H, W) float32, and the joints (18, 3) float32 in pixels.
    """
    torso = size * height / 3.9
    joints = pose.astype(np.float32).copy()
    joints[:, :2] = pose[:, :2] * torso + (at * width, height / 2 - 0.95 * torso)
    picture = np.full((height, width, 3), GROUND, np.float32)
    matte = np.zeros((height, width), np.float32)

    def limb(a: int, b: int, half: float, colour: Colour, beyond: float = 0.0) -> None:
        if joints[a, 2] and joints[b, 2]:
            end = joints[b, :2] + beyond * (joints[b, :2] - joints[a, :2])
            _capsule(picture, matte, joints[a, :2], end, half * torso, colour)

    for hip, knee, ankle in ((RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE), (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE)):
        limb(hip, knee, LEG, trousers)
        limb(knee, ankle, 0.8 * LEG, trousers)
        if joints[ankle, 2]:
            toe = joints[ankle, :2] + (0.08 * torso * (-1 if hip == RIGHT_HIP else 1), 0.08 * torso)
            _capsule(picture, matte, joints[ankle, :2] + (0, 0.04 * torso), toe, 0.1 * torso, SHOES)
    _torso(picture, matte, joints, torso, shirt)
    _capsule(picture, matte, joints[NECK, :2] - (0, 0.25 * torso), joints[NECK, :2], 0.12 * torso, SKIN)
    for shoulder, elbow, wrist in (
        (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST), (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST),
    ):  # fmt: skip
        limb(shoulder, elbow, ARM, shirt)
        limb(elbow, wrist, 0.7 * ARM, SKIN, beyond=0.35)
    _head(picture, matte, joints[NECK, :2], torso)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), matte, joints


def _capsule(picture: np.ndarray, matte: np.ndarray, a: np.ndarray, b: np.ndarray, half: float, colour: Colour) -> None:
    """A rounded limb, darker towards its right rim."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32) + 0.5
    along = b - a
    share = ((columns - a[0]) * along[0] + (rows - a[1]) * along[1]) / max(float(along @ along), 1e-6)
    share = np.clip(share, 0, 1)
    dx, dy = columns - a[0] - share * along[0], rows - a[1] - share * along[1]
    alpha = np.clip(half - np.hypot(dx, dy) + 0.5, 0, 1)
    _mix(picture, matte, alpha, dx / half, colour)


def _torso(picture: np.ndarray, matte: np.ndarray, joints: np.ndarray, torso: float, colour: Colour) -> None:
    corners = joints[[RIGHT_SHOULDER, LEFT_SHOULDER, LEFT_HIP, RIGHT_HIP], :2]
    mask = np.zeros(matte.shape, np.uint8)
    cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), [255])
    width = 2 * int(0.1 * torso) + 1
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    alpha = cv2.GaussianBlur(grown.astype(np.float32) / 255, (0, 0), 1.0)
    across = (np.arange(matte.shape[1]) + 0.5 - corners[:, 0].mean()) / (TORSO_HALF * torso)
    _mix(picture, matte, alpha, np.broadcast_to(across, matte.shape), colour)


def _mix(picture: np.ndarray, matte: np.ndarray, alpha: np.ndarray, across: np.ndarray, colour: Colour) -> None:
    light = 1.0 - 0.3 * np.clip(0.6 * across + 0.4 * across**2, 0, 1)
    picture[:] = picture * (1 - alpha[..., None]) + alpha[..., None] * np.array(colour, np.float32) * light[..., None]
    np.maximum(matte, alpha, out=matte)


def _head(picture: np.ndarray, matte: np.ndarray, neck: np.ndarray, torso: float) -> None:
    """Set a painted head onto the neck."""
    face_px = FACE_HEIGHT * torso
    side = round(face_px / 0.5)
    painted = synthetic_face(side, side, size=0.5).astype(np.float32)
    rows, columns = np.mgrid[:side, :side] + 0.5
    x, y = (columns - side / 2) / face_px, (rows - side / 2) / face_px
    alpha = np.clip((1 - (x / 0.48) ** 2 - ((y + 0.06) / 0.62) ** 2) * 12, 0, 1).astype(np.float32)
    top, left = round(float(neck[1]) - 0.46 * torso - side / 2), round(float(neck[0]) - side / 2)
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(picture.shape[0], top + side), min(picture.shape[1], left + side)
    if y1 <= y0 or x1 <= x0:
        return
    part = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
    area = picture[y0:y1, x0:x1]
    area[:] = area * (1 - part[..., None]) + painted[y0 - top : y1 - top, x0 - left : x1 - left] * part[..., None]
    np.maximum(matte[y0:y1, x0:x1], part, out=matte[y0:y1, x0:x1])
