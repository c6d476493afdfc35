"""Where the tool is for given joints, and how it moves with them: product of transforms, geometric Jacobian.

Siciliano et al., Robotics: Modelling, Planning and Control (2009), 2.8 and 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from sketch_robot.plotters.arm.chain import Chain


@dataclass(frozen=True, eq=False)
class Arrays:
    """A chain as plain arrays, for compiled kernels.

    Attributes:
        origins: (n, 4, 4) float64; each joint's frame in that before it, m.
        axes: (n, 3) float64.
        sliding: (n,) bool.
        tip: (4, 4) float64; the tool in the last joint's frame, m.
    """

    origins: np.ndarray
    axes: np.ndarray
    sliding: np.ndarray
    tip: np.ndarray

    @classmethod
    def of(cls, chain: Chain) -> Arrays:
        """Of a chain."""
        return cls(
            np.ascontiguousarray([joint.origin for joint in chain.joints], dtype=np.float64),
            np.ascontiguousarray([joint.axis for joint in chain.joints], dtype=np.float64),
            chain.sliding,
            np.ascontiguousarray(chain.tip, dtype=np.float64),
        )


def forward(chain: Chain, q: np.ndarray) -> np.ndarray:
    """The tool's frame in the base: (..., n) rad or m -> (..., 4, 4), m."""
    arm = Arrays.of(chain)
    joints = np.ascontiguousarray(np.reshape(q, (-1, len(arm.axes))), dtype=np.float64)
    return forward_all(arm.origins, arm.axes, arm.sliding, arm.tip, joints).reshape(*np.shape(q)[:-1], 4, 4)


@numba.njit(cache=True)
def _product(a, b, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill `out` with the rigid transform a b; `out` is neither of them."""
    for i in range(3):
        for j in range(4):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]
        out[i, 3] += a[i, 3]
    out[3, 0] = out[3, 1] = out[3, 2] = 0.0
    out[3, 3] = 1.0


@numba.njit(cache=True)
def frames_of(origins, axes, sliding, tip, q, frames):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill (n + 1, 4, 4): each joint's frame in the base, its own movement included, and the tool's."""
    n = len(axes)
    move, placed = np.eye(4), np.eye(4)
    for j in range(n):
        x, y, z = axes[j, 0], axes[j, 1], axes[j, 2]
        c, s = (1.0, 0.0) if sliding[j] else (np.cos(q[j]), np.sin(q[j]))
        v = 1.0 - c  # Rodrigues
        move[0, 0], move[0, 1], move[0, 2] = c + x * x * v, x * y * v - z * s, x * z * v + y * s
        move[1, 0], move[1, 1], move[1, 2] = y * x * v + z * s, c + y * y * v, y * z * v - x * s
        move[2, 0], move[2, 1], move[2, 2] = z * x * v - y * s, z * y * v + x * s, c + z * z * v
        along = q[j] if sliding[j] else 0.0
        move[0, 3], move[1, 3], move[2, 3] = x * along, y * along, z * along
        if j == 0:
            _product(origins[0], move, frames[0])
        else:
            _product(frames[j - 1], origins[j], placed)
            _product(placed, move, frames[j])
    _product(frames[n - 1], tip, frames[n])


@numba.njit(cache=True)
def forward_all(origins, axes, sliding, tip, q):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Tool frames (N, 4, 4) of N joint vectors (N, n)."""
    n = len(axes)
    out = np.empty((len(q), 4, 4))
    frames = np.empty((n + 1, 4, 4))
    for k in range(len(q)):
        frames_of(origins, axes, sliding, tip, q[k], frames)
        out[k] = frames[n]
    return out


@numba.njit(cache=True)
def jacobian_into(axes, sliding, frames, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill (6, n): velocity of the tool's origin (m/s), then its angular velocity (rad/s), in the base, by joint.

    `frames` are those of `frames_of` for the same joints.
    """
    n = len(axes)
    tool = frames[n]
    for j in range(n):
        frame = frames[j]
        x = frame[0, 0] * axes[j, 0] + frame[0, 1] * axes[j, 1] + frame[0, 2] * axes[j, 2]
        y = frame[1, 0] * axes[j, 0] + frame[1, 1] * axes[j, 1] + frame[1, 2] * axes[j, 2]
        z = frame[2, 0] * axes[j, 0] + frame[2, 1] * axes[j, 1] + frame[2, 2] * axes[j, 2]
        if sliding[j]:
            out[0, j], out[1, j], out[2, j] = x, y, z
            out[3, j] = out[4, j] = out[5, j] = 0.0
        else:
            dx, dy, dz = tool[0, 3] - frame[0, 3], tool[1, 3] - frame[1, 3], tool[2, 3] - frame[2, 3]
            out[0, j], out[1, j], out[2, j] = y * dz - z * dy, z * dx - x * dz, x * dy - y * dx
            out[3, j], out[4, j], out[5, j] = x, y, z


def jacobian(chain: Chain, q: np.ndarray) -> np.ndarray:
    """(n,) -> (6, n): linear, then angular velocity of the tool in the base, by joint speed."""
    arm = Arrays.of(chain)
    frames, out = np.empty((len(arm.axes) + 1, 4, 4)), np.empty((6, len(arm.axes)))
    frames_of(arm.origins, arm.axes, arm.sliding, arm.tip, np.asarray(q, dtype=np.float64), frames)
    jacobian_into(arm.axes, arm.sliding, frames, out)
    return out
