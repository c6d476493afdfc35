"""How near a drawing is to another: SSIM, PSNR, FSIM, GMSD, on ink in [0, 1].

SSIM: Wang et al. 2004 (Gaussian window). FSIM: Zhang, Zhang, Mou & Zhang 2011, with Kovesi's phase congruency.
GMSD: Xue, Zhang, Mou & Bovik 2014. The grey values these papers speak of are 255 times ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from skimage.metrics import structural_similarity

FSIM_T1, FSIM_T2 = 0.85, 160.0  # of phase congruency and of gradient magnitude
GMSD_T = 170.0
FSIM_SIDE = 256  # pictures are averaged down to about this side first
SCALES, ORIENTATIONS = 4, 4
MIN_WAVELENGTH, WAVELENGTH_FACTOR, SIGMA_ON_F, ANGLE_FACTOR = 6.0, 2.0, 0.55, 1.2
NOISE_FACTOR = 2.0
EPSILON = 1e-4


@dataclass(frozen=True)
class Likeness:
    """One drawing against another.

    Attributes:
        ssim, fsim: 1 when the same.
        psnr: decibels; infinite when the same.
        gmsd: 0 when the same.
    """

    ssim: float
    psnr: float
    fsim: float
    gmsd: float


def compare_ink(ink: np.ndarray, target: np.ndarray) -> Likeness:
    """All four metrics of two (H, W) arrays in [0, 1].

    Raises:
        ValueError: shapes differ.
    """
    if ink.shape != target.shape or ink.ndim != 2:
        raise ValueError(f'cannot compare drawings of shapes {ink.shape} and {target.shape}')
    ink, target = ink.astype(np.float64), target.astype(np.float64)
    return Likeness(ssim(ink, target), psnr(ink, target), fsim(ink, target), gmsd(ink, target))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity with the 11 x 11 Gaussian window (sigma 1.5) of the paper."""
    return float(
        structural_similarity(a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    )


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal to noise ratio, dB."""
    error = float(np.mean((a - b) ** 2))
    return float('inf') if error == 0 else -10 * float(np.log10(error))


def gmsd(a: np.ndarray, b: np.ndarray) -> float:
    """Gradient magnitude similarity deviation: Prewitt gradients of pictures halved by averaging."""
    first, second = (_prewitt(_average_down(255 * x, 2)) for x in (a, b))
    similarity = (2 * first * second + GMSD_T) / (first**2 + second**2 + GMSD_T)
    return float(similarity.std())


def fsim(a: np.ndarray, b: np.ndarray) -> float:
    """Feature similarity: phase congruency and Scharr gradients, weighted by phase congruency."""
    factor = max(1, round(min(a.shape) / FSIM_SIDE))
    first, second = _average_down(255 * a, factor), _average_down(255 * b, factor)
    congruency = phase_congruency(first), phase_congruency(second)
    slopes = _scharr(first), _scharr(second)
    likeness = _similarity(*congruency, FSIM_T1) * _similarity(*slopes, FSIM_T2)
    weight = np.maximum(*congruency)
    total = float(weight.sum())
    return 1.0 if total == 0 else float((likeness * weight).sum() / total)


def phase_congruency(grey: np.ndarray) -> np.ndarray:
    """Kovesi's phase congruency with the constants of the FSIM paper: (H, W) to (H, W) in [0, 1]."""
    spectrum = np.fft.fft2(grey)
    energy_all, amplitude_all = np.zeros(grey.shape), np.zeros(grey.shape)
    radial, angular = _log_gabor(grey.shape)
    for spread in angular:
        filters = radial * spread
        responses = np.fft.ifft2(spectrum * filters)
        amplitudes = np.abs(responses)
        total = responses.sum(0)
        norm = np.abs(total) + EPSILON
        even, odd = total.real / norm, total.imag / norm
        energy = (
            responses.real * even + responses.imag * odd - np.abs(responses.real * odd - responses.imag * even)
        ).sum(0)
        energy_all += np.maximum(energy - _noise_threshold(amplitudes[0], filters), 0)
        amplitude_all += amplitudes.sum(0)
    return energy_all / (amplitude_all + EPSILON)


def _noise_threshold(finest: np.ndarray, filters: np.ndarray) -> float:
    """Energy that noise alone would give, from the finest scale's median response."""
    kernels = np.fft.ifft2(filters).real * np.sqrt(filters[0].size)
    em_n = float((filters[0] ** 2).sum())
    mean_square = float(np.median(finest**2)) / np.log(2)
    power = mean_square / em_n
    own = float((kernels**2).sum())
    cross = float(sum((kernels[i] * kernels[j]).sum() for i in range(SCALES) for j in range(i + 1, SCALES)))
    tau = np.sqrt((2 * power * own + 4 * power * cross) / 2)
    return float(tau * np.sqrt(np.pi / 2) + NOISE_FACTOR * np.sqrt((2 - np.pi / 2) * tau**2)) / 1.7


@lru_cache(maxsize=4)
def _log_gabor(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Radial filters (SCALES, H, W) and angular ones (ORIENTATIONS, H, W), zero frequency first."""
    y, x = np.meshgrid(*(_frequencies(side) for side in shape), indexing='ij')
    radius, angle = np.hypot(x, y), np.arctan2(-y, x)
    radius[0, 0] = 1
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    low_pass[0, 0] = 1
    centres = 1 / (MIN_WAVELENGTH * WAVELENGTH_FACTOR ** np.arange(SCALES))
    radial = np.exp(-(np.log(radius / centres[:, None, None]) ** 2) / (2 * np.log(SIGMA_ON_F) ** 2)) * low_pass
    radial[:, 0, 0] = 0
    sigma = np.pi / ORIENTATIONS / ANGLE_FACTOR
    directions = np.arange(ORIENTATIONS)[:, None, None] * np.pi / ORIENTATIONS
    away = np.abs(np.arctan2(np.sin(angle - directions), np.cos(angle - directions)))
    return radial, np.exp(-(away**2) / (2 * sigma**2))


def _frequencies(side: int) -> np.ndarray:
    if side % 2:
        return np.fft.ifftshift(np.arange(-(side - 1) // 2, (side - 1) // 2 + 1) / (side - 1))
    return np.fft.ifftshift(np.arange(-side // 2, side // 2) / side)


def _similarity(a: np.ndarray, b: np.ndarray, constant: float) -> np.ndarray:
    return (2 * a * b + constant) / (a**2 + b**2 + constant)


def _average_down(x: np.ndarray, factor: int) -> np.ndarray:
    """Average over squares of `factor` pixels, every `factor`-th kept; rows and columns left over are dropped."""
    if factor == 1:
        return x
    height, width = (side // factor for side in x.shape)
    return x[: height * factor, : width * factor].reshape(height, factor, width, factor).mean((1, 3))


def _prewitt(x: np.ndarray) -> np.ndarray:
    kernel = np.array([[1, 0, -1]] * 3) / 3
    return _magnitude(x, kernel)


def _scharr(x: np.ndarray) -> np.ndarray:
    kernel = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16
    return _magnitude(x, kernel)


def _magnitude(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    across = cv2.filter2D(x, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT)
    down = cv2.filter2D(x, cv2.CV_64F, np.ascontiguousarray(kernel.T), borderType=cv2.BORDER_CONSTANT)
    return np.hypot(across, down)
