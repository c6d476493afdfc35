"""A close-up shows the face's mesh with a margin, and its transforms lead back to the crop and to the photo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.photo import Sitter
from sketch_robot.photo.framing import LEAST_FACE_PX, close_up


def _ramp(width: int, height: int) -> np.ndarray:
    """A photo whose red and green say where a pixel lies: 0 at its left and top edges, 255 at the others."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    return np.rint(255 * np.dstack([x, y, np.zeros_like(x)])).astype(np.uint8)


def _sitter(to_photo: np.ndarray, face_px: float = 256.0) -> Sitter:
    rng = np.random.default_rng(0)
    landmarks = rng.uniform(-0.5, 0.5, (478, 3)) * face_px + (256, 256, 0)
    landmarks[0, 1], landmarks[1, 1] = 256 - face_px / 2, 256 + face_px / 2
    whole = np.zeros((512, 512, 3), np.uint8), to_photo, np.ones((512, 512), bool)
    return Sitter(*whole, 1, landmarks=landmarks.astype(np.float32))


@given(step=st.floats(0.3, 4.0), quarters=st.integers(0, 3), left=st.floats(100.0, 200.0), top=st.floats(100.0, 200.0))
@settings(max_examples=20, deadline=None)
def test_a_close_up_pixel_shows_the_photo_where_its_transform_says(step, quarters, left, top):
    size = int(600 * step) + 400
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    linear = np.linalg.matrix_power(turn, quarters) * step
    middle = np.array([left + 256 * step, top + 256 * step])
    to_photo = np.column_stack([linear, middle - linear @ (256, 256)])
    close = close_up(_ramp(size, size), _sitter(to_photo))
    assert close is not None
    spots = np.array([(60, 80), (256, 256), (300, 410), (500, 30)])
    expected = (close.to_photo[:, :2] @ (spots + 0.5).T).T + close.to_photo[:, 2]
    seen = close.rgb[spots[:, 1], spots[:, 0], :2] / 255 * size
    inside = ((expected > 2) & (expected < size - 2)).all(axis=1)
    assert np.abs(seen - expected)[inside].max() < 0.01 * size
    through_crop = (to_photo[:, :2] @ (close.to_crop @ np.column_stack([spots + 0.5, np.ones(4)]).T)).T + to_photo[:, 2]
    np.testing.assert_allclose(through_crop, expected, atol=1e-6)


def test_the_mesh_fills_the_close_up_but_for_a_margin():
    close = close_up(_ramp(512, 512), _sitter(np.eye(2, 3), face_px=200.0))
    height = np.ptp(close.landmarks[:468, 1])
    assert height == pytest.approx(512 / 1.2, rel=0.01)


def test_a_face_too_small_to_be_one_has_no_close_up():
    assert close_up(_ramp(512, 512), _sitter(np.eye(2, 3), face_px=0.9 * LEAST_FACE_PX)) is None


def test_without_a_mesh_there_is_no_close_up():
    bare = Sitter(np.zeros((512, 512, 3), np.uint8), np.eye(2, 3), np.ones((512, 512), bool), 1)
    assert close_up(_ramp(512, 512), bare) is None
