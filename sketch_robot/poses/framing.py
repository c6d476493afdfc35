"""Frame a sitter at full length: a canvas for the drawing, their joints and matte on it, and a small picture for the
generator."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.body import Body, BodyFinder
from sketch_robot.poses.joints import (
    LEFT_ANKLE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    RIGHT_ANKLE,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    torso_length,
)

CANVAS_PX = 1024, 512  # height and width
GROUND = 128  # grey of what is around a person, as the generator was taught
FILLED = 0.80, 0.86  # of the canvas's height and width that a body takes at most
HEAD_OVER_NOSE, FOOT_UNDER_ANKLE = 0.115, 0.05  # of the height from nose to ankles
SEEN = 0.5  # visibility of a joint that is in the picture
ANOTHER = 0.6  # of the sitter's height: somebody as tall as that stands beside them
LEAST_THIGH = 0.45  # how far a knee of somebody who stands is below the hip, in torso lengths
GUIDED_PX, GUIDED_EPS = 8, 40.0
LEAST_BODY_PX = 120  # smaller bodies are too coarse to draw
LEGS = (RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE)
NEEDED = {
    'shoulders': (RIGHT_SHOULDER, LEFT_SHOULDER),
    'hips': (RIGHT_HIP, LEFT_HIP),
    'knees': (RIGHT_KNEE, LEFT_KNEE),
    'feet': (RIGHT_ANKLE, LEFT_ANKLE),
}


@dataclass(frozen=True, eq=False)
class FullLength:
    """A sitter at full length on the canvas.

    Attributes:
        rgba: (1024, 512, 4) uint8, the sitter over grey, and their matte.
        pose: (18, 3) float32, their joints, px of the canvas.
        to_photo: (2, 3) float64, takes a point of the canvas to the photo (a similarity without a turn).
    """

    rgba: np.ndarray
    pose: np.ndarray
    to_photo: np.ndarray

    @property
    def scale(self) -> float:
        """Photo pixels for one of the canvas."""
        return float(self.to_photo[0, 0])

    def to_canvas(self, xy: np.ndarray) -> np.ndarray:
        """Photo points (..., 2) on the canvas."""
        return (np.asarray(xy, np.float64) - self.to_photo[:, 2]) / self.scale


def find_sitter(rgb: np.ndarray, finder: BodyFinder) -> Body:
    """The one person of a photo, from head to feet.

    Raises:
        SketchRobotError: NO_BODY, nobody is seen, only a part of them, several people, or somebody too far away.
    """
    bodies = finder.find(rgb)
    if not bodies:
        raise SketchRobotError(
            ErrorCode.NO_BODY, 'nobody is seen at full length; step back until head and feet are in the picture'
        )
    body = bodies[0]
    if len(bodies) > 1 and bodies[1].height_px > ANOTHER * body.height_px:
        raise SketchRobotError(ErrorCode.NO_BODY, 'the picture shows two people; one alone can take a pose')
    missing = missing_parts(body, rgb.shape[1], rgb.shape[0])
    if missing:
        raise SketchRobotError(
            ErrorCode.NO_BODY,
            f'no {" and no ".join(missing)} are seen; step back until head and feet are in the picture',
        )
    if body.height_px < LEAST_BODY_PX:
        raise SketchRobotError(
            ErrorCode.NO_BODY,
            f'the sitter is only {body.height_px:.0f} pixels tall; come nearer or use a larger picture',
        )
    return body


def missing_parts(body: Body, width: int, height: int) -> list[str]:
    """What of a body is not in the picture, or hidden."""
    joints, found = body.joints(), []
    seen = body.joints(SEEN)[:, 2] > 0
    inside = ((joints[:, :2] >= 0) & (joints[:, :2] < (width, height))).all(axis=1)
    for name, both in NEEDED.items():
        if not (seen & inside)[list(both)].any() or not inside[list(both)].all():
            found.append(name)
    return found


def sits(pose: np.ndarray) -> bool:
    """Whether somebody sits or crouches: both knees are nearly as high as the hips."""
    torso = torso_length(pose) or 1.0
    thighs = [float(pose[knee, 1] - pose[hip, 1]) for hip, knee in ((RIGHT_HIP, RIGHT_KNEE), (LEFT_HIP, LEFT_KNEE))]
    return max(thighs) < LEAST_THIGH * torso


def frame_sitter(rgb: np.ndarray, body: Body) -> FullLength:
    """Put a sitter on the canvas, as the people that the generator learned from stand in their pictures."""
    pose = body.joints()
    low, high = pose[:, :2].min(axis=0).astype(np.float64), pose[:, :2].max(axis=0).astype(np.float64)
    tall = high[1] - low[1]
    low[1] -= HEAD_OVER_NOSE * tall
    high[1] += FOOT_UNDER_ANKLE * tall
    height, width = CANVAS_PX
    scale = float(max((high[1] - low[1]) / (FILLED[0] * height), (high[0] - low[0]) / (FILLED[1] * width)))
    corner = (low + high) / 2 - scale * np.array([width, height]) / 2
    to_photo = np.array([[scale, 0.0, corner[0]], [0.0, scale, corner[1]]])
    canvas, matte = _sampled(rgb, to_photo), _sampled(body.mask, to_photo, border=0)
    matte = _whole(np.clip(cv2.ximgproc.guidedFilter(canvas, matte, GUIDED_PX, GUIDED_EPS), 0, 1))
    frame = FullLength(np.empty(0), pose, to_photo)
    placed = pose.copy()
    placed[:, :2] = frame.to_canvas(pose[:, :2])
    return FullLength(over_grey(canvas, matte), placed, to_photo)


def over_grey(rgb: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A person (H, W, 3) uint8 with a matte (H, W) float32 over grey: (H, W, 4) uint8."""
    alpha = matte[..., None].astype(np.float32)
    person = rgb.astype(np.float32) * alpha + GROUND * (1 - alpha)
    return np.rint(np.concatenate([person, 255 * alpha], axis=2)).astype(np.uint8)


def shrunk(rgba: np.ndarray, height_px: int) -> np.ndarray:
    """A canvas at the size of the generator's pictures."""
    return cv2.resize(rgba, (height_px // 2, height_px), interpolation=cv2.INTER_AREA)


def scaled(pose: np.ndarray, factor: float) -> np.ndarray:
    """A pose in a picture so much larger."""
    found = pose.copy()
    found[:, :2] = np.where(pose[:, 2:] > 0, pose[:, :2] * factor, -1.0)
    return found


def _sampled(picture: np.ndarray, to_photo: np.ndarray, border: int | None = None) -> np.ndarray:
    """A picture seen through the canvas, without aliasing when it shrinks."""
    step = float(to_photo[0, 0])
    matrix = to_photo.copy()
    if step > 1.0:
        size = np.maximum(1, np.rint(np.array(picture.shape[1::-1]) / step)).astype(int)
        matrix = matrix * (size / np.array(picture.shape[1::-1]))[:, None]
        picture = cv2.resize(picture, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV's pixel centres lie at whole numbers
    mode = cv2.BORDER_REPLICATE if border is None else cv2.BORDER_CONSTANT
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_CUBIC if step < 1.0 and border is None else cv2.INTER_LINEAR)
    return cv2.warpAffine(picture, matrix, CANVAS_PX[::-1], flags=flags, borderMode=mode)


def _whole(matte: np.ndarray) -> np.ndarray:
    """The largest part of a matte."""
    count, index, stats, _ = cv2.connectedComponentsWithStats((matte > 0.5).astype(np.uint8))
    if count > 2:
        main = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        matte = np.where((index == 0) | (index == main), matte, 0)
    return matte.astype(np.float32)
