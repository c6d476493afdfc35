"""Detecting faces: what the networks answer, decoded."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut, coffee

from sketch_robot.photo import detection
from sketch_robot.photo.detection import FaceDetector, anchors

EYES = np.array([[203.4, 101.1], [246.7, 103.4]])  # hers, in the photo, px


class Answering:
    """A network of 4 anchors with given answers."""

    def __init__(self, boxes: np.ndarray, scores: list[float]) -> None:
        logits = np.log(np.array(scores) / (1 - np.array(scores)))
        self.side_px, self.says = 8, [boxes[None].astype(np.float32), logits[None, :, None].astype(np.float32)]

    def answer(self, _picture: np.ndarray) -> list[np.ndarray]:
        return self.says


@pytest.fixture
def detect(monkeypatch: pytest.MonkeyPatch):
    """Detects in a picture of 16 x 16 px what a network answers for each anchor: centre, size, points; score."""
    monkeypatch.setattr(detection, 'ANCHORS', {'near': ((4, 1),)})

    def run(boxes: np.ndarray, scores: list[float]):
        monkeypatch.setattr(detection, 'Network', lambda _name: Answering(boxes, scores))
        return FaceDetector('near').detect(np.zeros((16, 16, 3), np.uint8), 0.5)

    return run


def test_anchors_lie_in_the_middle_of_their_cells_row_by_row() -> None:
    assert anchors(8, ((4, 1),)).tolist() == [[2, 2], [6, 2], [2, 6], [6, 6]]
    assert anchors(16, ((8, 2), (16, 1))).tolist() == [[4, 4]] * 2 + [[12, 4]] * 2 + [[4, 12]] * 2 + [[12, 12]] * 2 + [
        [8, 8]
    ]
    assert len(anchors(128, ((8, 2), (16, 6)))) == 896


def test_an_answer_counts_from_its_anchor_in_the_networks_pixels(detect) -> None:
    boxes = np.zeros((4, 16))
    boxes[1] = [1, 0, 2, 4, *[0, 1] * 6]
    (face,) = detect(boxes, [0.1, 0.9, 0.2, 0.3])
    assert face.box.tolist() == [12, 0, 4, 8]  # centre (7, 2), twice as large in the picture
    assert face.points.tolist() == [[12, 6]] * 6
    assert face.score == pytest.approx(0.9)


def test_answers_of_one_face_are_averaged_by_their_scores(detect) -> None:
    boxes = np.zeros((4, 16))
    boxes[0, :4], boxes[1, :4], boxes[3, :4] = (0, 0, 4, 4), (-3, 0, 4, 4), (0, 0, 2, 2)
    one, other = detect(boxes, [0.9, 0.6, 0.1, 0.7])
    assert one.box == pytest.approx([0.8, 0, 8, 8])
    assert (one.score, other.score) == pytest.approx((0.9, 0.7))
    assert other.box == pytest.approx([10, 10, 4, 4])


@pytest.mark.parametrize('reach', ['near', 'far'])
def test_her_face_is_found_with_her_eyes(reach: str) -> None:
    (face,) = FaceDetector(reach).detect(astronaut(), 0.5)
    assert face.score > 0.8
    assert face.points[:2] == pytest.approx(EYES, abs=8)
    assert (face.box[:2] < EYES.min(axis=0)).all()
    assert (face.box[:2] + face.box[2:] > EYES.max(axis=0)).all()


@pytest.mark.parametrize('reach', ['near', 'far'])
def test_a_cup_has_no_face(reach: str) -> None:
    assert FaceDetector(reach).detect(coffee(), 0.5) == []
