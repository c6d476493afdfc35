"""Find a person's body: where its joints are, and which pixels show it.

Google's networks (MediaPipe's BlazePose, Bazarevsky et al. 2020, see `nets/MODEL_CARD.md`): one finds bodies in the
whole photo, the other looks at a square around each, turned so that the body stands, and tells 33 points and a mask.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.photo.detection import anchors
from sketch_robot.photo.networks import Network, sample

DETECTION_ANCHORS = ((8, 2), (16, 2), (32, 6))  # stride and count of each layer
SURE_OF_BODY = 0.5  # of a detection
SAME_BODY = 0.3  # intersection over union of two boxes above which they are one body
SQUARE_OVER_BODY = 1.25  # side of the square around a body, as it was trained
POINTS, VALUES = 39, 5  # of the second network: x, y, z, visibility, presence of each
BODY_POINTS, CENTRE, RIM = 33, 33, 34  # the last two frame the body anew
ROUNDS = 2  # of framing

# MediaPipe's points in the order of OpenPose's COCO model, the neck between the shoulders
NOSE, SHOULDERS = 0, (12, 11)
COCO_POINTS = (0, -1, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7)


@dataclass(frozen=True, eq=False)
class Body:
    """A body in a photo, in its pixels.

    Attributes:
        points: (33, 2) float64, MediaPipe's.
        visibility: (33,) float64 in [0, 1]; how surely a point is in the picture and not hidden.
        score: how surely it is a body, in [0, 1].
        mask: (H, W) float32 in [0, 1], 1 = the body, as large as the photo.
    """

    points: np.ndarray
    visibility: np.ndarray
    score: float
    mask: np.ndarray

    @property
    def height_px(self) -> float:
        """From its highest point to its lowest."""
        return float(np.ptp(self.points[:, 1]))

    def joints(self, least_visibility: float = 0.0) -> np.ndarray:
        """Its 18 joints (18, 3) float32: x, y and 1, or -1, -1 and 0 for those that are less visible."""
        found = np.empty((len(COCO_POINTS), 3), np.float32)
        for joint, point in enumerate(COCO_POINTS):
            at = [point] if point >= 0 else list(SHOULDERS)
            seen = self.visibility[at].min() >= least_visibility
            found[joint] = (*self.points[at].mean(axis=0), 1.0) if seen else (-1.0, -1.0, 0.0)
        return found


class BodyFinder:
    """Finds bodies; for one thread at a time.

    Raises:
        SketchRobotError: INTERNAL, OpenVINO is not installed.
    """

    def __init__(self) -> None:
        self._detector, self._body = Network('bodies'), Network('body')
        self._anchors = anchors(self._detector.side_px, DETECTION_ANCHORS)

    def find(self, rgb: np.ndarray, *, most: int = 2) -> list[Body]:
        """The bodies of a photo (H, W, 3) uint8, the tallest first; no more than `most`."""
        squares = self._detect(rgb)[: 2 * most]
        found = [body for body in (self._look(rgb, *square) for square in squares) if body is not None]
        distinct: list[Body] = []
        for body in sorted(found, key=lambda each: -each.height_px):
            if all(_apart(body, other) for other in distinct):
                distinct.append(body)
        return distinct[:most]

    def sureness(self, rgb: np.ndarray) -> float:
        """How surely a picture shows a body, in [0, 1]: the detector's best score."""
        return float(self._scores(rgb)[1].max())

    def _scores(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
        height, width = rgb.shape[:2]
        side = self._detector.side_px
        step = max(height, width) / side
        corner = np.array([(width - max(height, width)) / 2, (height - max(height, width)) / 2])
        boxes, logits = self._detector.answer(sample(rgb, np.array([[step, 0, corner[0]], [0, step, corner[1]]]), side))
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -100, 100)))
        return boxes[0].astype(np.float64), scores, step, corner

    def _detect(self, rgb: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each body its middle and a point on the circle around it, above the head, the surest first."""
        boxes, scores, step, corner = self._scores(rgb)
        sure = np.flatnonzero(scores >= SURE_OF_BODY)
        pairs = boxes[sure].reshape(-1, 6, 2)
        pairs[:, [0, 2, 3, 4, 5]] += self._anchors[sure, None]
        order = np.argsort(-scores[sure], kind='stable')
        found: list[np.ndarray] = []
        for pair in pairs[order]:
            if all(_box_overlap(pair, other) < SAME_BODY for other in found):
                found.append(pair)
        return [(pair[2] * step + corner, pair[3] * step + corner) for pair in found]

    def _look(self, rgb: np.ndarray, centre: np.ndarray, rim: np.ndarray) -> Body | None:
        """Points of the body in the circle; None when there is none."""
        side = self._body.side_px
        for _ in range(ROUNDS):
            up = rim - centre
            reach = float(np.hypot(*up))
            if not np.isfinite(reach) or reach < 1.0:
                return None
            step = 2 * SQUARE_OVER_BODY * reach / side
            down = -up / reach
            turn = np.array([[down[1], down[0]], [-down[0], down[1]]]) * step  # of the square's axes in the photo
            to_photo = np.column_stack([turn, centre - turn @ (side / 2, side / 2)])
            values, score, mask = (each[0].copy() for each in self._body.answer(sample(rgb, to_photo, side)))
            if score[0] < SURE_OF_BODY:
                return None
            table = values.reshape(POINTS, VALUES).astype(np.float64)
            points = table[:, :2] @ to_photo[:, :2].T + to_photo[:, 2]
            centre, rim = points[CENTRE], points[RIM]
        seen = (1 / (1 + np.exp(-np.clip(table[:BODY_POINTS, 3:5], -50, 50)))).min(axis=1)
        size = rgb.shape[1], rgb.shape[0]
        person = 1 / (1 + np.exp(-np.clip(mask[..., 0], -50, 50)))
        where = cv2.warpAffine(person.astype(np.float32), to_photo, size, flags=cv2.INTER_LINEAR)
        return Body(points[:BODY_POINTS], seen, float(score[0]), where)


def _box_overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two detections (6, 2), which begin with centre and size."""
    low = np.maximum(a[0] - a[1] / 2, b[0] - b[1] / 2)
    high = np.minimum(a[0] + a[1] / 2, b[0] + b[1] / 2)
    both = float(np.maximum(high - low, 0).prod())
    return both / max(float(a[1].prod() + b[1].prod()) - both, 1e-9)


def _apart(a: Body, b: Body) -> bool:
    """Whether two are not the same body found twice."""
    distance = float(np.hypot(*(a.points[:25] - b.points[:25]).mean(axis=0)))
    return distance > 0.1 * max(a.height_px, b.height_px)
