"""Light for what lies in the shade."""

from __future__ import annotations

import numpy as np

from sketch_robot.line_art.student.light import MOST, lift_shadows

SIDE = 256
ALL = np.ones((SIDE, SIDE), np.float32)
FACE = np.stack(np.meshgrid(np.arange(64, 192, 8), np.arange(64, 192, 8)), axis=-1).reshape(-1, 2).astype(np.float64)


def photo(left: int, right: int) -> np.ndarray:
    crop = np.full((SIDE, SIDE, 3), left, np.uint8)
    crop[:, SIDE // 2 :] = right
    return crop


def test_an_evenly_lit_face_is_left_alone() -> None:
    np.testing.assert_allclose(lift_shadows(photo(120, 120), ALL, FACE), photo(120, 120), atol=1)


def test_the_dark_half_of_a_face_is_lifted_and_the_light_one_stays() -> None:
    lifted = lift_shadows(photo(40, 160), ALL, FACE)
    assert lifted[128, 10].min() > 1.9 * 40
    np.testing.assert_allclose(lifted[128, 240], 160, atol=2)


def test_a_face_in_a_dark_room_is_lifted_as_a_whole() -> None:
    assert lift_shadows(photo(30, 30), ALL, FACE)[128, 128].min() >= 59


def test_shadows_are_lifted_by_no_more_than_noise_allows() -> None:
    crop = photo(3, 200)
    assert (lift_shadows(crop, ALL, FACE) <= MOST * crop.astype(float)).all()


def test_the_light_of_the_background_does_not_count() -> None:
    matte = ALL.copy()
    matte[:, SIDE // 2 :] = 0
    left = FACE / [2, 1]  # the face is on the left, before a bright wall
    np.testing.assert_allclose(lift_shadows(photo(120, 250), matte, left)[:, :64], 120, atol=3)


def test_a_face_out_of_the_picture_changes_nothing() -> None:
    np.testing.assert_array_equal(lift_shadows(photo(40, 160), ALL, FACE + 1000), photo(40, 160))
