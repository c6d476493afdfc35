"""SSIM, PSNR, FSIM and GMSD against independent implementations.

The values of FSIM and GMSD were computed with piq 0.8.0 (its fsim with chromatic=False, its gmsd) on the same arrays.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio

from sketch_robot.training.metrics import compare_ink, fsim, gmsd, phase_congruency, psnr, ssim


def _lines() -> tuple[np.ndarray, np.ndarray]:
    a, b = np.zeros((192, 192), np.uint8), np.zeros((192, 192), np.uint8)
    cv2.ellipse(a, (96, 100), (60, 80), 0, 0, 360, 255, 3, cv2.LINE_AA)
    cv2.line(a, (70, 130), (120, 134), 255, 3, cv2.LINE_AA)
    cv2.ellipse(b, (98, 100), (60, 78), 3, 0, 360, 230, 3, cv2.LINE_AA)
    cv2.line(b, (70, 128), (118, 134), 200, 4, cv2.LINE_AA)
    return cv2.GaussianBlur(a, (0, 0), 0.7) / 255, cv2.GaussianBlur(b, (0, 0), 1.2) / 255


def _noise() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((160, 160)), rng.random((160, 160))


def _large() -> tuple[np.ndarray, np.ndarray]:
    a, b = _lines()
    return np.clip(cv2.resize(a, (512, 512)), 0, 1), np.clip(cv2.resize(b, (512, 512)), 0, 1)


@pytest.mark.parametrize(
    ('pair', 'expected'),
    [(_lines, 0.785498), (_large, 0.849967), (_noise, 0.776245)],
    ids=['lines', 'large lines', 'noise'],
)
def test_fsim_agrees_with_piq(pair, expected):
    assert fsim(*pair()) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ('pair', 'expected'),
    [(_lines, 0.21949264533), (_large, 0.22294652458), (_noise, 0.20449898205)],
    ids=['lines', 'large lines', 'noise'],
)
def test_gmsd_agrees_with_piq(pair, expected):
    assert gmsd(*pair()) == pytest.approx(expected, abs=1e-9)


def test_ssim_agrees_with_its_formula_under_a_gaussian_window():
    a, b = _lines()

    def blur(x: np.ndarray) -> np.ndarray:
        return gaussian_filter(x, 1.5, truncate=3.5)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b, cov = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    local = (2 * mean_a * mean_b + c1) * (2 * cov + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    assert ssim(a, b) == pytest.approx(local[5:-5, 5:-5].mean(), abs=1e-9)


def test_psnr_agrees_with_scikit_image():
    a, b = _lines()
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1.0), abs=1e-9)


def test_a_drawing_is_perfectly_like_itself():
    a, _ = _lines()
    same = compare_ink(a, a)
    assert (same.ssim, same.fsim, same.gmsd) == pytest.approx((1.0, 1.0, 0.0), abs=1e-9)
    assert same.psnr == float('inf')


def test_two_blank_sheets_are_alike_for_every_metric():
    blank = np.zeros((64, 64))
    same = compare_ink(blank, blank)
    assert (same.ssim, same.fsim, same.gmsd) == pytest.approx((1.0, 1.0, 0.0))


@pytest.mark.parametrize('side', [64, 65, 100])
def test_phase_congruency_lies_between_0_and_1_for_even_and_odd_sides(side):
    grey = 255 * np.random.default_rng(side).random((side, side + 3))
    congruency = phase_congruency(grey)
    assert congruency.shape == grey.shape
    assert 0 <= congruency.min() <= congruency.max() <= 1


def test_moving_a_line_away_lowers_every_similarity():
    def line(column: int) -> np.ndarray:
        ink = np.zeros((128, 128))
        ink[20:108, column : column + 3] = 1
        return ink

    near, far = compare_ink(line(61), line(60)), compare_ink(line(90), line(60))
    assert near.ssim > far.ssim
    assert near.psnr > far.psnr
    assert near.fsim > far.fsim
    assert near.gmsd < far.gmsd


@pytest.mark.parametrize('shape', [(64, 65), (64, 64, 1)])
def test_drawings_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match='cannot compare drawings of shapes'):
        compare_ink(np.zeros(shape), np.zeros((64, 64)))
