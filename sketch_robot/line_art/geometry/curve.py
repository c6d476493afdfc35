"""Polylines: spacing, smoothing, normals, pieces, and pictures under them.

Points are (N, 2) float64 in crop pixels, the centre of pixel (column, row) at (column + 0.5, row + 0.5).
"""

from __future__ import annotations

import cv2
import numpy as np

SPACING_PX = 2.0  # of the points of a finished stroke


def length(xy: np.ndarray) -> float:
    """Length of a polyline, px."""
    return float(np.hypot(*np.diff(xy, axis=0).T).sum()) if len(xy) > 1 else 0.0


def resample(xy: np.ndarray, spacing_px: float = SPACING_PX) -> np.ndarray:
    """The polyline with evenly spaced points, its ends kept; one point when it has no length."""
    xy = np.asarray(xy, np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    if along[-1] < 1e-6:
        return xy[:1]
    return at_fraction(xy, np.linspace(0.0, 1.0, max(2, round(along[-1] / spacing_px) + 1)))


def at_fraction(xy: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Points at fractions `t` (M,) in [0, 1] of a polyline's length: (M, 2)."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    return np.stack([np.interp(t * along[-1], along, xy[:, i]) for i in (0, 1)], axis=1)


def smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing along axis 0 that keeps both ends (reflected through them). (N,) or (N, k)."""
    values = np.asarray(values, np.float64)
    reach = min(int(3 * sigma), len(values) - 1)
    if reach < 1:
        return values
    columns = values.reshape(len(values), -1)
    head, tail = 2 * columns[0] - columns[reach:0:-1], 2 * columns[-1] - columns[-2 : -reach - 2 : -1]
    padded = np.vstack([head, columns, tail])
    kernel = np.asarray(cv2.getGaussianKernel(2 * reach + 1, sigma)).ravel()
    out = np.stack([np.convolve(column, kernel, 'valid') for column in padded.T], axis=1)
    return out.reshape(values.shape)


def smooth_closed(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing along axis 0 of a closed sequence (N, k), its last not its first again."""
    n = len(values)
    return smooth(np.concatenate([values] * 3), sigma)[n : 2 * n]


def through(points: np.ndarray, spacing_px: float = SPACING_PX, sigma: float = 3.0) -> np.ndarray:
    """A smooth curve through a few points."""
    return resample(smooth(resample(points, 1.0), sigma), spacing_px)


def normals(xy: np.ndarray) -> np.ndarray:
    """(N, 2) unit normals of a polyline, a quarter turn clockwise on the screen from its direction."""
    tangent = np.gradient(smooth(xy, 2.0), axis=0)
    tangent /= np.hypot(*tangent.T)[:, None] + 1e-9
    return np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)


def runs(keep: np.ndarray, *, gap: int = 0, shortest: int = 1) -> list[slice]:
    """Where `keep` (N,) bool holds: slices of at least `shortest` points, holes of up to `gap` points closed."""
    flags = np.asarray(keep, bool).copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    for end, start in zip(edges[1:-1:2], edges[2::2], strict=True):
        if start - end <= gap:
            flags[end:start] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def sample(image: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Bilinear values of a float32 picture (H, W) at points (..., 2), its border continued: (...)."""
    shape = xy.shape[:-1]
    x, y = (np.float32(xy[..., i]).reshape(len(xy), -1) - np.float32(0.5) for i in (0, 1))
    values = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values).reshape(shape)


def at(image: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Values of the pixels of a picture (H, W) that hold the points (N, 2), its border continued: (N,)."""
    column = np.clip(xy[:, 0].astype(int), 0, image.shape[1] - 1)
    row = np.clip(xy[:, 1].astype(int), 0, image.shape[0] - 1)
    return image[row, column]


def to_pixels(xy: np.ndarray) -> np.ndarray:
    """(N, 2) int32, OpenCV's pixel coordinates of points."""
    return np.rint(np.asarray(xy) - 0.5).astype(np.int32)


def filled(xy: np.ndarray, shape: tuple[int, ...], grow_px: int = 0) -> np.ndarray:
    """(H, W) bool, inside a closed polygon, grown by so many pixels."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [to_pixels(xy)], (1,))
    if grow_px > 0:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow_px + 1, 2 * grow_px + 1))
        mask = np.asarray(cv2.dilate(mask, disc), np.uint8)
    return mask > 0
