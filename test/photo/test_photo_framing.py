"""Cutting a square out of a photo and finding the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.photo.framing import Frame, cut, frame_face, frame_whole, shrink

coordinate = st.floats(-500, 2500)
size = st.tuples(st.integers(32, 3000), st.integers(32, 3000))


def smooth_photo(width: int, height: int) -> np.ndarray:
    """A photo whose red and green say where each pixel lies."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width * 250, (np.arange(height) + 0.5) / height * 250)
    return np.dstack([x, y, np.zeros_like(x)]).round().astype(np.uint8)


@given(left=coordinate, top=coordinate, side=st.floats(20, 4000), x=coordinate, y=coordinate)
def test_crop_coordinates_go_to_the_photo_and_back(left: float, top: float, side: float, x: float, y: float) -> None:
    frame = Frame(left, top, side)
    in_photo = frame.to_photo @ [x, y, 1.0]
    assert frame.to_crop(in_photo) == pytest.approx([x, y], abs=1e-6)


@given(size=size, x=coordinate, y=coordinate, face=st.floats(10, 2000))
def test_a_frame_stays_inside_the_photo_where_it_fits(size: tuple[int, int], x: float, y: float, face: float) -> None:
    frame = frame_face(np.array([x, y]), face, size)
    for start, length in zip((frame.left, frame.top), size, strict=True):
        if frame.side <= length:
            assert -1e-6 <= start <= length - frame.side + 1e-6
        else:  # larger than the photo: all of it shows
            assert start <= 1e-6
            assert start + frame.side >= length - 1e-6


def test_the_whole_photo_is_letterboxed_in_the_middle() -> None:
    frame = frame_whole((300, 100))
    assert (frame.left, frame.top, frame.side) == (0.0, -100.0, 300.0)


def test_a_frame_of_the_crops_own_size_copies_the_pixels() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (600, 700, 3), np.uint8)
    crop, valid = cut(photo, Frame(100.0, 50.0, 512.0))
    assert np.array_equal(crop, photo[50:562, 100:612])
    assert valid.all()


@pytest.mark.parametrize('side', [200.0, 512.0, 777.0, 1300.0])
def test_each_crop_pixel_shows_its_place_in_the_photo(side: float) -> None:
    photo = smooth_photo(1500, 1400)
    frame = Frame(55.3, 40.7, side)
    crop, _ = cut(photo, frame)
    columns, rows = np.meshgrid(np.arange(20, 500, 37) + 0.5, np.arange(20, 500, 41) + 0.5)
    at = np.einsum('ij,jkl->ikl', frame.to_photo, np.stack([columns, rows, np.ones_like(rows)]))
    shown = crop[rows.astype(int), columns.astype(int)].astype(float)
    assert np.abs(shown[..., 0] - at[0] / 1500 * 250).max() < 1.2
    assert np.abs(shown[..., 1] - at[1] / 1400 * 250).max() < 1.2
    # the error has no direction: half a pixel's shift would show in the mean
    tolerance = 0.25 * side / 512 * 250 / 1500 + 0.02
    assert abs((shown[..., 0] - at[0] / 1500 * 250).mean()) < max(0.06, tolerance)


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((2048, 2048, 3), np.uint8)
    stripes[:, ::2] = 255
    crop, _ = cut(stripes, Frame(0.0, 0.0, 2048.0))
    assert np.abs(crop[10:-10, 10:-10].astype(int) - 128).max() <= 1


def test_beyond_the_photo_the_crop_is_filled_and_marked() -> None:
    photo = np.full((100, 300, 3), 90, np.uint8)
    crop, valid = cut(photo, frame_whole((300, 100)))
    rows = np.flatnonzero(valid.any(axis=1))
    assert rows[0] == pytest.approx(512 / 3, abs=1)
    assert rows[-1] + 1 == pytest.approx(1024 / 3, abs=1)
    assert (crop == 90).all()


@pytest.mark.parametrize(
    ('shape', 'expected'), [((100, 50), (100, 50)), ((400, 1000), (40, 100)), ((999, 3), (100, 1))]
)
def test_a_photo_is_shrunk_to_its_longer_side(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shrink(np.zeros((*shape, 3), np.uint8), 100).shape[:2] == expected
