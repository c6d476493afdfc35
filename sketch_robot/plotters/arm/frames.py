"""Rigid transforms as (4, 4) float64 matrices, metres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation


def transform(xyz: Sequence[float] | np.ndarray, rpy: Sequence[float] | np.ndarray = (0.0, 0.0, 0.0)) -> np.ndarray:
    """A frame at `xyz`, turned by roll, pitch, yaw about the fixed x, y, z axes as in URDF."""
    frame = np.eye(4)
    frame[:3, :3] = Rotation.from_euler('xyz', np.asarray(rpy, dtype=np.float64)).as_matrix()
    frame[:3, 3] = xyz
    return frame


def inverse(frame: np.ndarray) -> np.ndarray:
    """Of a rigid transform."""
    out = np.eye(4)
    out[:3, :3] = frame[:3, :3].T
    out[:3, 3] = -frame[:3, :3].T @ frame[:3, 3]
    return out


def from_quaternion(xyz: np.ndarray, wxyz: np.ndarray) -> np.ndarray:
    """A frame at `xyz`, turned by a quaternion w, x, y, z."""
    frame = np.eye(4)
    frame[:3, :3] = Rotation.from_quat(np.asarray(wxyz)[[1, 2, 3, 0]]).as_matrix()
    frame[:3, 3] = xyz
    return frame


def quaternion(frame: np.ndarray) -> np.ndarray:
    """(4,) w, x, y, z of a frame's rotation."""
    return Rotation.from_matrix(frame[:3, :3]).as_quat()[[3, 0, 1, 2]]
