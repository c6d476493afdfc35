"""Caricature: what is this person's own, drawn larger.

A caricature moves each point of a face away from where the mean face has it (Brennan, Caricature Generator, 1985). The
mean face is that of the mesh over many people, normalised by similarity (Procrustes) and made symmetrical, with its
depth, so that it can be turned as the sitter's head is: a turned head is no peculiarity. Strokes follow the mesh by
thin-plate splines, which fade to nothing at the border of the picture: hair and shoulders go along smoothly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from sketch_robot.stroke import Stroke

MEAN_FACE = 'mean_face.npy'  # made by `sketch-robot mean-face`
GAIN = 2.0  # at 0.5 what is own is drawn twice as large; half as much again is hardly seen
EVERY = 2  # of the mesh's points hold the spline: they lie closer together than what is to be seen of it
SMOOTHING = 1e-3  # of the spline, in mesh units
STEP_PX = 8  # of the grid on which the spline is evaluated
RIM = 24  # points on the picture's border that stay where they are
ENDS = (slice(1, None), slice(-1))  # of the sides of a cell of the grid
LEAST_STRETCH = 0.15  # of an area, to which it may shrink; a mesh that says more is wrong, and less is drawn


@cache
def mean_face() -> np.ndarray:
    """The mean of many faces' meshes, (478, 3) float64: about its own middle, root mean square distance 1."""
    with (files('sketch_robot.strokes') / MEAN_FACE).open('rb') as stream:
        return np.load(stream, allow_pickle=False).astype(np.float64)


def aligned(points: np.ndarray, to: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """Points moved, turned and scaled as near as possible to others (Umeyama 1991), without mirroring.

    Args:
        points, to: (N, D) float64, one for one.
        others: (M, D) float64, moved in the place of `points`; None: these themselves.

    Returns:
        (N, D) or (M, D) float64.
    """
    middle, goal = points.mean(axis=0), to.mean(axis=0)
    centred, wanted = points - middle, to - goal
    u, stretch, vt = np.linalg.svd(wanted.T @ centred)
    sign = np.ones(points.shape[1])
    sign[-1] = np.sign(np.linalg.det(u @ vt))
    scale = (stretch * sign).sum() / (centred**2).sum()
    moved = centred if others is None else others - middle
    return np.asarray(scale * moved @ (u * sign @ vt).T + goal)


@dataclass(frozen=True, eq=False)
class Warp:
    """How far points of a picture move.

    Attributes:
        shift: (H, W, 2) float32, px, on a grid of `STEP_PX` that begins at the upper left corner.
    """

    shift: np.ndarray

    def move(self, xy: np.ndarray) -> np.ndarray:
        """Move points (N, 2), px, where they lie in the picture; those beyond its border go with it."""
        at = (xy / STEP_PX).astype(np.float32)
        parts = [
            cv2.remap(np.ascontiguousarray(self.shift[..., k]), at[:, :1].copy(), at[:, 1:].copy(), cv2.INTER_CUBIC,
                      borderMode=cv2.BORDER_REPLICATE)[:, 0]
            for k in (0, 1)
        ]  # fmt: skip
        return xy + np.column_stack(parts)


def warp_of(landmarks: np.ndarray, size_px: tuple[int, int], caricature: float) -> Warp:
    """How a face's own is drawn larger.

    Args:
        landmarks: (478, 3), see `Sitter.landmarks`.
        size_px: width and height of the picture.
        caricature: see `Wishes`: what is own becomes `1 + GAIN * caricature` times as large; 0 moves nothing.
    """
    points = landmarks.astype(np.float64)
    own = (points - aligned(mean_face(), points))[:, :2]
    size = np.array(size_px, np.float64)
    share = np.linspace(0.0, 1.0, RIM // 4, endpoint=False)
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], np.float64)
    rim = np.vstack([a + share[:, None] * (b - a) for a, b in itertools.pairwise(corners)]) * size
    at = np.vstack([points[::EVERY, :2], rim])
    shift = np.vstack([own[::EVERY], np.zeros_like(rim)])
    spline = RBFInterpolator(at / size.max(), shift, smoothing=SMOOTHING)
    columns, rows = (np.arange(0, int(side) + STEP_PX, STEP_PX, dtype=np.float64) for side in size)
    x, y = np.meshgrid(columns, rows)
    field = spline(np.column_stack([x.ravel(), y.ravel()]) / size.max()).reshape(*x.shape, 2)
    field *= np.minimum(1.0, 4.0 * np.minimum.reduce([x, y, size[0] - x, size[1] - y]).clip(0) / size.max())[..., None]
    return Warp((_unfolded(GAIN * caricature, field) * field).astype(np.float32))


def _unfolded(share: float, field: np.ndarray) -> float:
    """The share, or as much less of it as keeps the picture from folding over itself."""
    by_x, by_y = np.diff(field, axis=1) / STEP_PX, np.diff(field, axis=0) / STEP_PX
    corners = [(by_x[rows], by_y[:, columns]) for rows in ENDS for columns in ENDS]
    while share > 1e-3:
        areas = [
            (1 + share * x[..., 0]) * (1 + share * y[..., 1]) - share**2 * x[..., 1] * y[..., 0] for x, y in corners
        ]
        if min(float(area.min()) for area in areas) >= LEAST_STRETCH:
            break
        share *= 0.9
    return share


def caricatured(strokes: Iterable[Stroke], warp: Warp) -> tuple[Stroke, ...]:
    """Strokes after a warp; lines keep their widths."""
    return tuple(replace(stroke, xy=warp.move(stroke.xy)) for stroke in strokes)
