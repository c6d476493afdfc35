"""The painted face: always the same, moving, and a face to those who look for one."""

from __future__ import annotations

import numpy as np
import pytest

from sketch_robot.photo import Photo, SitterFinder
from sketch_robot.testing.camera import frames_of
from sketch_robot.testing.faces import moving_face, synthetic_face


@pytest.mark.parametrize('t_s', [0.0, 2.5, 5.0])
def test_a_face_is_found_where_it_is(t_s: float) -> None:
    with SitterFinder() as finder:
        sitter = finder.find(Photo(moving_face(t_s)))
    assert sitter.faces == 1
    assert sitter.landmarks is not None


def test_it_is_the_same_each_time_and_moves() -> None:
    assert np.array_equal(synthetic_face(), synthetic_face())
    assert synthetic_face(320, 200).shape == (200, 320, 3)
    assert np.array_equal(moving_face(1.0), moving_face(9.0))
    assert not np.array_equal(moving_face(1.0), moving_face(1.5))


def test_eyes_shut_and_a_smile_change_the_picture() -> None:
    face = synthetic_face()
    assert not np.array_equal(face, synthetic_face(eyes_open=0.0))
    assert not np.array_equal(face, synthetic_face(smile=1.0))


def test_frames_come_without_end_from_whatever_is_given() -> None:
    one, two = np.zeros((8, 8, 3), np.uint8), np.ones((8, 8, 3), np.uint8)
    assert [frame.max() for frame, _ in zip(frames_of([one, two]), range(5), strict=False)] == [0, 1, 0, 1, 0]
    assert next(frames_of(one)) is one
    assert next(frames_of(Photo(two))) is two
    assert next(frames_of(lambda t_s: one + int(t_s >= 0.0))).max() == 1
