"""The direction of lines everywhere, and the lines along it.

The tangent of the smoothed structure tensor (Foerstner & Guelch 1987; Brox, Weickert et al. 2006) points along edges.
A difference of Gaussians across that flow, averaged along it, answers to coherent dark lines and not to noise: the
flow-based DoG of Kang, Lee & Chui, Coherent line drawing, 2007.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

SURROUND = 1.6  # ratio of the two Gaussians; 1.6 approximates the Laplacian (Marr & Hildreth 1980)
RHO = 0.99  # weight of the surround; below 1, flat areas stay silent (Kang et al., section 3)


def edge_tangent_flow(image: np.ndarray, sigma: float) -> np.ndarray:
    """Unit tangents of edges: (H, W, 2) float32 (x, y) for a float32 picture (H, W); their sign is arbitrary.

    Args:
        sigma: integration scale of the structure tensor, px.
    """
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3)
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), sigma) for product in (dx * dx, dy * dy, dx * dy))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    return np.dstack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def line_response(
    image: np.ndarray,
    tangent: np.ndarray,
    scale_px: float,
    reach_px: float,
    where: np.ndarray,
    *,
    flat: np.ndarray | None = None,
) -> np.ndarray:
    """Flow-based difference of Gaussians, positive on dark lines.

    Args:
        image: (H, W) float32.
        tangent: (H, W, 2) float32 unit tangents.
        scale_px: sigma of the inner Gaussian across the line.
        reach_px: sigma of the average along it.
        where: (H, W) bool; elsewhere the response is 0.
        flat: (H, W) bool, where nothing lies across the flow, which saves time; None: unknown.

    Returns:
        (H, W) float32.
    """
    steps = int(np.ceil(2.5 * SURROUND * scale_px))
    distance = np.arange(-steps, steps + 1)
    inner = np.exp(-0.5 * (distance / scale_px) ** 2)
    outer = np.exp(-0.5 * (distance / (SURROUND * scale_px)) ** 2)
    kernel = (RHO * outer / outer.sum() - inner / inner.sum()).astype(np.float32)
    along = np.exp(-0.5 * (np.arange(int(2 * reach_px) + 1) / reach_px) ** 2).astype(np.float32)
    size = 2 * len(along) + 1
    near = np.asarray(cv2.dilate(where.astype(np.uint8), np.ones((size, size), np.uint8)))
    if flat is not None:
        near[flat] = 0
    tx, ty = np.ascontiguousarray(tangent[..., 0]), np.ascontiguousarray(tangent[..., 1])
    across = _across(np.ascontiguousarray(image), tx, ty, near > 0, kernel)
    return _along(across, tx, ty, np.ascontiguousarray(where), along)


@njit(cache=True, inline='always')
def _bilinear(image: np.ndarray, x: np.float32, y: np.float32) -> np.float32:
    height, width = image.shape
    x = min(max(x, np.float32(0)), np.float32(width - 1))
    y = min(max(y, np.float32(0)), np.float32(height - 1))
    left, top = min(int(x), width - 2), min(int(y), height - 2)
    fx, fy = x - np.float32(left), y - np.float32(top)
    upper = image[top, left] + fx * (image[top, left + 1] - image[top, left])
    lower = image[top + 1, left] + fx * (image[top + 1, left + 1] - image[top + 1, left])
    return upper + fy * (lower - upper)


@njit(cache=True)
def _across(image: np.ndarray, tx: np.ndarray, ty: np.ndarray, where: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter each pixel with `kernel` (2 T + 1,) along its normal."""
    height, width = image.shape
    half = len(kernel) // 2
    out = np.zeros((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            if not where[row, column]:
                continue
            nx, ny = ty[row, column], -tx[row, column]
            total = np.float32(0)
            for k in range(-half, half + 1):
                d = np.float32(k)
                total += kernel[k + half] * _bilinear(image, column + d * nx, row + d * ny)
            out[row, column] = total
    return out


@njit(cache=True)
def _along(image: np.ndarray, tx: np.ndarray, ty: np.ndarray, where: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Average each pixel both ways along the flow with weights `kernel` (T + 1,), at distances 0..T."""
    height, width = image.shape
    weight = 2 * kernel.sum() - kernel[0]
    out = np.zeros((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            if not where[row, column]:
                continue
            total = kernel[0] * image[row, column]
            for side in range(2):
                sign = np.float32(1 - 2 * side)
                x, y = np.float32(column), np.float32(row)
                vx, vy = sign * tx[row, column], sign * ty[row, column]
                for k in range(1, len(kernel)):
                    x += vx
                    y += vy
                    total += kernel[k] * _bilinear(image, x, y)
                    # the flow is smooth: its nearest value does
                    i = min(max(int(y + np.float32(0.5)), 0), height - 1)
                    j = min(max(int(x + np.float32(0.5)), 0), width - 1)
                    turn = np.float32(-1.0) if vx * tx[i, j] + vy * ty[i, j] < 0 else np.float32(1.0)
                    vx, vy = turn * tx[i, j], turn * ty[i, j]
            out[row, column] = total / weight
    return out
