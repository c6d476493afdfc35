"""Forward and inverse kinematics of a serial arm.

Forward: product of transforms, geometric Jacobian (Siciliano et al., Robotics: Modelling, Planning and Control, 2009,
2.8 and 3.1). Inverse: joints that put the pen's tip on a point, its axis along a direction, by damped least squares
from a start nearby: Levenberg-Marquardt on position and orientation (Sugihara 2011, "Solvability-Unconcerned Inverse
Kinematics by the Levenberg-Marquardt Method"). The rotation about the pen is either asked for as well or left free, and
then no row of the task speaks of it. Steps are the shortest that reduce the error, so that an arm with joints to spare
stays near its start.

What a pen needs is its tip in its place; its direction may be off by some angle, since published arms have rounded
angles, and those of five axes cannot hold a pen upright everywhere. Then the tip counts for far more than the
direction, so that the least error is one of the direction.
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


METRE = 3.0  # rad of error that a metre counts as; arms that draw have a reach of about a third of it
TIP_METRE = 300.0  # ... where the direction may be off: 5 degrees move the tip by 3 micrometres then
TOLERANCE = 1e-8  # of the weighed error, below which there is nothing to gain: 3 nm, 1e-8 rad
TIP_M = 1e-5  # how far the tip may be from its place: a fiftieth of a line's width
UPRIGHT_RAD = 2e-3  # how far the pen may be from its direction at least: 0.1 degrees
STALLED = 1e-4  # share by which a step must reduce the error to be worth another one
STEPS = 40
NEAR_STEPS = 8


@numba.njit(cache=True)
def metre_of(angle):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Rad of error that a metre counts as, where the pen's direction may be off by an angle."""
    return TIP_METRE if angle > UPRIGHT_RAD else METRE


@numba.njit(cache=True)
def error_into(tool, target, free, metre, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill (6,): metres times `metre`, then radians, from the tool to the target frame, in the base."""
    for i in range(3):
        out[i] = metre * (target[i, 3] - tool[i, 3])
    if free:  # only the z axes must agree
        ax, ay, az = tool[0, 2], tool[1, 2], tool[2, 2]
        bx, by, bz = target[0, 2], target[1, 2], target[2, 2]
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        cosine = ax * bx + ay * by + az * bz
    else:
        x = y = z = 0.0
        cosine = -1.0
        for k in range(3):
            ax, ay, az = tool[0, k], tool[1, k], tool[2, k]
            bx, by, bz = target[0, k], target[1, k], target[2, k]
            x += 0.5 * (ay * bz - az * by)
            y += 0.5 * (az * bx - ax * bz)
            z += 0.5 * (ax * by - ay * bx)
            cosine += ax * bx + ay * by + az * bz
        cosine *= 0.5
    sine = np.sqrt(x * x + y * y + z * z)
    angle = np.arctan2(sine, cosine)
    scale = angle / sine if sine > 1e-9 else 1.0
    out[3], out[4], out[5] = scale * x, scale * y, scale * z


@numba.njit(cache=True)
def task_jacobian(jac, tool, free, metre):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Weigh the rows of a Jacobian (6, n) as `error_into` does its error, in place."""
    for j in range(jac.shape[1]):
        for i in range(3):
            jac[i, j] *= metre
        if free:
            dx, dy, dz = tool[0, 2], tool[1, 2], tool[2, 2]  # turning about the pen does not turn the pen
            along = dx * jac[3, j] + dy * jac[4, j] + dz * jac[5, j]
            jac[3, j] -= along * dx
            jac[4, j] -= along * dy
            jac[5, j] -= along * dz


@numba.njit(cache=True)
def solve_normal(jac, error, damping, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill (n,) with the x that minimises `|J x - e|^2 + d |x|^2`, by Cholesky."""
    n = jac.shape[1]
    a = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for k in range(6):
                total += jac[k, i] * jac[k, j]
            a[i, j] = total
        a[i, i] += damping
        total = 0.0
        for k in range(6):
            total += jac[k, i] * error[k]
        out[i] = total
    for i in range(n):
        for j in range(i + 1):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            a[i, j] = np.sqrt(max(total, 1e-300)) if i == j else total / a[j, j]
    for i in range(n):
        for k in range(i):
            out[i] -= a[i, k] * out[k]
        out[i] /= a[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            out[i] -= a[k, i] * out[k]
        out[i] /= a[i, i]


@numba.njit(cache=True)
def reach_for(  # type: ignore[no-untyped-def]  # pragma: no cover
    origins, axes, sliding, tip, lower, upper, target, free, angle, steps, clamp, q, frames
):
    """Move q (n,) in place until the tool has reached the target frame; whether it has. `frames` end up those of q.

    Its direction, and its turn where that is not `free`, may be off by an angle, rad.
    """
    n = len(axes)
    metre = metre_of(angle)
    jac, error, step, trial = np.empty((6, n)), np.empty(6), np.empty(n), np.empty(n)
    frames_of(origins, axes, sliding, tip, q, frames)
    error_into(frames[n], target, free, metre, error)
    size = np.sqrt((error * error).sum())
    damping = 1e-3 * size
    for _ in range(steps):
        if size < TOLERANCE:
            return True
        jacobian_into(axes, sliding, frames, jac)
        task_jacobian(jac, frames[n], free, metre)
        solve_normal(jac, error, damping * size + 1e-12, step)
        longest = np.abs(step).max()
        for j in range(n):
            trial[j] = q[j] + step[j] * min(1.0, 0.7 / max(longest, 1e-300))
            if clamp:
                trial[j] = min(upper[j], max(lower[j], trial[j]))
        frames_of(origins, axes, sliding, tip, trial, frames)
        error_into(frames[n], target, free, metre, error)
        new_size = np.sqrt((error * error).sum())
        if new_size < size:
            stalled = new_size > (1.0 - STALLED) * size and is_near(error, metre, angle)
            q[:] = trial
            size = new_size
            damping *= 0.3
            if stalled:
                return True
        else:
            damping = max(10.0 * damping, 1e-6)
            frames_of(origins, axes, sliding, tip, q, frames)
            error_into(frames[n], target, free, metre, error)
    return is_near(error, metre, angle)


@numba.njit(cache=True)
def is_near(error, metre, angle):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Whether an error (6,) is none that a pen minds."""
    away = np.sqrt(error[0] ** 2 + error[1] ** 2 + error[2] ** 2) / metre
    return away < TIP_M and np.sqrt(error[3] ** 2 + error[4] ** 2 + error[5] ** 2) <= angle


@numba.njit(cache=True)
def follow(  # type: ignore[no-untyped-def]  # pragma: no cover
    origins, axes, sliding, tip, targets, starts, free, angle, q, reached
):
    """Fill joints (N, n) for target frames (N, 4, 4), each from its own start (N, n), and whether they are (N,)."""
    n = len(axes)
    frames = np.empty((n + 1, 4, 4))
    nothing, steps = np.empty(0), NEAR_STEPS if angle <= UPRIGHT_RAD else STEPS
    for k in range(len(targets)):
        q[k] = starts[k]
        reached[k] = reach_for(
            origins, axes, sliding, tip, nothing, nothing, targets[k], free, angle, steps, False, q[k], frames
        )
