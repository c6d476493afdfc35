"""Manners by rule: what they do with tone and lines."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sketch_robot.training.styles.pens import FOR_SCREENS, PEN_MANNERS, darkness


def shaded_ball() -> np.ndarray:
    """A lit ball before a light wall, (128, 128, 3) uint8."""
    rows, columns = np.mgrid[:128, :128]
    ball = np.hypot(rows - 64, columns - 64) < 44
    light = np.where(ball, 60 + 1.3 * columns, 225)
    return np.repeat(cv2.GaussianBlur(light.astype(np.float32), (0, 0), 1)[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize('name', PEN_MANNERS)
def test_every_manner_has_its_ink_where_it_is_dark_or_along_edges(name: str):
    drawn = PEN_MANNERS[name].draw(shaded_ball(), np.random.default_rng(0))
    assert (drawn.picture.shape, drawn.picture.dtype) == ((128, 128), np.float32)
    assert 0.0 <= drawn.picture.min() <= drawn.picture.max() <= 1.0
    ink = 1 - drawn.picture
    assert ink[10:118, 20:60].mean() > ink[:, :12].mean()  # the ball's dark side against the wall
    if name not in FOR_SCREENS:
        assert ((ink < 0.25) | (ink > 0.75)).mean() > 0.75  # a pen has no greys


def test_the_same_generator_draws_the_same():
    one, other = (PEN_MANNERS['stipple'].draw(shaded_ball(), np.random.default_rng(4)).picture for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(('name', 'degrees'), [('hatch_h', 0), ('hatch_v', 90), ('hatch_45', -45), ('hatch_135', 45)])
def test_hatching_lies_at_its_angle(name: str, degrees: float):
    flat = np.full((96, 96, 3), 60, np.uint8)
    flat[:, ::2] += 30
    picture = PEN_MANNERS[name].draw(flat, np.random.default_rng(0)).picture[16:-16, 16:-16]
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(picture - picture.mean())))
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    across = np.degrees(np.arctan2(row - 32, column - 32))
    assert abs((across - degrees) % 180 - 90) < 8


def test_a_photo_of_one_grey_is_not_stretched():
    assert darkness(np.full((64, 64, 3), 128, np.uint8)) == pytest.approx(0.5, abs=0.01)
