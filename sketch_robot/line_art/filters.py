"""Filters of pictures: the direction of lines, the lines along it, and a wide blur.

The tangent of the smoothed structure tensor (Foerstner & Guelch 1987; Brox, Weickert et al. 2006) points along edges.
A difference of Gaussians across that flow, averaged along it, answers to coherent dark lines and not to noise: the
flow-based DoG of Kang, Lee & Chui, Coherent line drawing, 2007.
"""

from __future__ import annotations

import cv2
import numpy as np

SURROUND = 1.6  # ratio of the two Gaussians; 1.6 approximates the Laplacian (Marr & Hildreth 1980)
RHO = 0.99  # weight of the surround; below 1, flat areas stay silent (Kang et al., section 3)
_ROW = 1024  # points go to OpenCV as a picture of such rows, which may have no more than 2^15 columns


def edge_tangent_flow(image: np.ndarray, sigma: float) -> np.ndarray:
    """Unit tangents of edges: (H, W, 2) float32 (x, y) for a float32 picture (H, W); their sign is arbitrary.

    Args:
        sigma: integration scale of the structure tensor, px.
    """
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3)
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), sigma) for product in (dx * dx, dy * dy, dx * dy))
    # half the angle of (xx - yy, 2 xy), and a quarter turn, by roots in the place of its sine and cosine
    ahead, aside = xx - yy, 2 * xy
    far = np.sqrt(ahead * ahead + aside * aside)
    cosine = np.divide(ahead, far, out=np.ones_like(ahead), where=far > 0)
    x = -np.copysign(np.sqrt(np.maximum(0, (1 - cosine) / 2)), aside)
    y = np.sqrt(np.maximum(0, (1 + cosine) / 2))
    return np.moveaxis(np.stack([x, y]), 0, -1)  # each of the two in one piece of memory


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
    size = 2 * len(_half_gaussian(reach_px)) + 1
    near = np.asarray(cv2.dilate(where.astype(np.uint8), np.ones((size, size), np.uint8)))
    if flat is not None:
        near[flat] = 0
    return along_flow(_across(image, tangent, near > 0, kernel), tangent, reach_px, where)


def along_flow(image: np.ndarray, tangent: np.ndarray, reach_px: float, where: np.ndarray) -> np.ndarray:
    """Average a picture (H, W) float32 along the flow by a Gaussian of `reach_px`; 0 outside `where` (H, W) bool."""
    if not where.any():
        return np.zeros(where.shape, np.float32)
    x, y, vx, vy = _points(tangent, where)
    flow_x, flow_y = (np.ascontiguousarray(tangent[..., k]) for k in (0, 1))
    kernel = _half_gaussian(reach_px)
    total = kernel[0] * _sampled(image, x, y)
    at_x, at_y, to_x, to_y, tx, ty, turn, value = (np.empty_like(x) for _ in range(8))  # worked on in place
    for side in (np.float32(1), np.float32(-1)):
        at_x[:], at_y[:] = x, y
        np.multiply(side, vx, out=to_x)
        np.multiply(side, vy, out=to_y)
        for weight in kernel[1:]:
            at_x += to_x
            at_y += to_y
            total += np.multiply(weight, _sampled(image, at_x, at_y, value), out=value)
            # the flow is smooth: its nearest value does
            cv2.remap(flow_x, at_x, at_y, cv2.INTER_NEAREST, tx, cv2.BORDER_REPLICATE)
            cv2.remap(flow_y, at_x, at_y, cv2.INTER_NEAREST, ty, cv2.BORDER_REPLICATE)
            np.multiply(to_x, tx, out=turn)
            turn += np.multiply(to_y, ty, out=value)
            np.copysign(np.float32(1), turn, out=turn)
            np.multiply(turn, tx, out=to_x)
            np.multiply(turn, ty, out=to_y)
    return _on_picture(total / (2 * kernel.sum() - kernel[0]), where)


def _half_gaussian(sigma: float) -> np.ndarray:
    return np.exp(-0.5 * (np.arange(int(2 * sigma) + 1) / sigma) ** 2).astype(np.float32)


def wide_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of a float32 picture (H, W), worked on at a size at which sigma is 3 to 6 px."""
    factor = 1
    while sigma / factor > 6 and min(image.shape) >= 4 * factor:
        factor *= 2
    if factor == 1:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))
    size = (image.shape[1] // factor, image.shape[0] // factor)
    small = cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / factor)
    return np.asarray(cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _across(image: np.ndarray, tangent: np.ndarray, where: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter each pixel of `where` with `kernel` (2 T + 1,) along its normal: (H, W) float32, 0 elsewhere."""
    if not where.any():
        return np.zeros(where.shape, np.float32)
    x, y, tx, ty = _points(tangent, where)
    half = len(kernel) // 2
    total = np.zeros_like(x)
    for k, weight in zip(range(-half, half + 1), kernel, strict=True):
        total += weight * _sampled(image, x + np.float32(k) * ty, y - np.float32(k) * tx)
    return _on_picture(total, where)


def _points(tangent: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The pixels of `where` and their tangents, x, y, x, y: (M, `_ROW`) float32 each, zeros after the last."""
    at = np.flatnonzero(where)
    points = np.zeros((4, -(-len(at) // _ROW) * _ROW), np.float32)
    points[1, : len(at)], points[0, : len(at)] = np.divmod(at, where.shape[1])
    for k in (0, 1):
        points[2 + k, : len(at)] = tangent[..., k].ravel()[at]
    x, y, tx, ty = points.reshape(4, -1, _ROW)
    return x, y, tx, ty


def _sampled(image: np.ndarray, x: np.ndarray, y: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Bilinear values of a picture at points, its border continued."""
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, out, cv2.BORDER_REPLICATE)


def _on_picture(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(where)
    out = np.zeros(where.shape, np.float32)
    out.ravel()[at] = values.ravel()[: len(at)]
    return out
