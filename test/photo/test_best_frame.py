"""The moment to draw: who stays before the camera, and which frame shows them best."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from sketch_robot.photo.best_frame import EYES, BestFrame, FaceQuality, Presence, eyes_open, judge_face

BOX = np.array([175.0, 75.0, 100.0, 120.0])  # the astronaut's face
WIDTH = 640


@pytest.fixture(scope='module')
def rgb() -> np.ndarray:
    """(512, 512, 3) uint8: scikit-image's astronaut."""
    return data.astronaut()


def moved(rgb: np.ndarray, pixels: int) -> np.ndarray:
    """Blurred by a movement of so many pixels sideways."""
    return cv2.filter2D(rgb, -1, np.full((1, pixels), 1.0 / pixels))


def mesh_with_openings(right: float, left: float) -> np.ndarray:
    """A mesh whose eyes are 40 px wide and open by a share of that."""
    mesh = np.zeros((478, 3))
    for ((outer, inner), lids), opening in zip(EYES, (right, left), strict=True):
        mesh[inner, 0] = mesh[outer, 0] + 40.0
        for upper, lower in lids:
            mesh[lower, 1] = mesh[upper, 1] + 40.0 * opening
    return mesh


def test_a_sharp_face_is_worth_more_than_one_that_moves_or_is_out_of_focus(rgb: np.ndarray) -> None:
    sharp = judge_face(rgb, BOX)
    moving, soft = judge_face(moved(rgb, 9), BOX), judge_face(cv2.GaussianBlur(rgb, (0, 0), 3.0), BOX)
    assert sharp.detail > 1.5 * moving.detail > 0.0
    assert sharp.detail > 2.0 * soft.detail
    assert sharp.score > max(moving.score, soft.score)


def test_of_ever_longer_movements_the_shortest_is_worth_most(rgb: np.ndarray) -> None:
    details = [judge_face(moved(rgb, pixels), BOX).detail for pixels in (1, 3, 7, 15, 31)]
    assert details == sorted(details, reverse=True)


def test_a_dark_a_blown_out_and_a_half_lit_face_are_worth_less(rgb: np.ndarray) -> None:
    lit = judge_face(rgb, BOX)
    side = rgb.astype(float) * np.where(np.arange(512) < 225, 1.0, 0.25)[None, :, None]
    for worse in (rgb * 0.2, np.minimum(255, rgb * 2.5), side):
        assert judge_face(worse.astype(np.uint8), BOX).light < 0.8 * lit.light


def test_the_eye_that_is_less_open_counts() -> None:
    assert eyes_open(mesh_with_openings(0.3, 0.3)) == 1.0
    assert eyes_open(mesh_with_openings(0.3, 0.05)) == 0.0
    assert 0.0 < eyes_open(mesh_with_openings(0.16, 0.3)) < 1.0


def test_a_sharper_frame_with_shut_eyes_loses() -> None:
    assert FaceQuality(0.5, 1.0, 0.0).score < FaceQuality(0.3, 0.8, 1.0).score


def test_a_face_without_a_mesh_is_taken_to_look_and_one_outside_the_frame_is_a_defect(rgb: np.ndarray) -> None:
    assert judge_face(rgb, BOX).eyes == 1.0
    assert judge_face(rgb, np.array([450.0, 450.0, 200.0, 200.0])).detail > 0.0
    with pytest.raises(ValueError, match='outside the frame of 512 x 512'):
        judge_face(rgb, np.array([600.0, 10.0, 50.0, 50.0]))


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.01, 1.0)), min_size=1, max_size=30))
def test_the_best_frame_is_the_best_of_the_last_second(seen: list[tuple[float, float]]) -> None:
    frames: BestFrame[float] = BestFrame(1.0)
    seen = sorted(seen)
    for at_s, detail in seen:
        frames.add(at_s, FaceQuality(detail, 1.0, 1.0), detail)
    now_s = seen[-1][0]
    found = frames.best(now_s)
    assert found is not None
    assert found[1] == max(detail for at_s, detail in seen if at_s >= now_s - 1.0)
    assert frames.best(now_s + 1.1) is None


def at(x: float, width: float = 120.0) -> np.ndarray:
    return np.array([x, 100.0, width, 1.2 * width])


def test_a_face_stays_through_frames_in_which_it_was_not_found() -> None:
    presence = Presence()
    for k in range(20):
        presence.saw(0.2 * k, None if k % 3 == 2 else at(200.0 + k), WIDTH)
    assert presence.stayed_s(3.8) == pytest.approx(3.8)
    for k in range(20, 25):
        presence.saw(0.2 * k, None, WIDTH)
    assert presence.stayed_s(4.8) == 0.0
    presence.saw(5.0, at(200.0), WIDTH)
    assert presence.stayed_s(5.5) == pytest.approx(0.5)


def test_somebody_who_walks_past_or_stands_far_off_does_not_stay() -> None:
    presence = Presence(smallest=0.1)
    for k in range(10):
        assert presence.saw(0.2 * k, at(100.0 * k), WIDTH)
    assert presence.stayed_s(1.8) == 0.0
    assert not presence.saw(2.0, at(300.0, 50.0), WIDTH)
