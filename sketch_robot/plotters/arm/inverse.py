"""Joints that put the pen's tip on a point, its axis along a direction: damped least squares from a start nearby.

Levenberg-Marquardt on position and orientation (Sugihara 2011, "Solvability-Unconcerned Inverse Kinematics by the
Levenberg-Marquardt Method"). The rotation about the pen is either asked for as well or left free, and then no row of
the task speaks of it. Steps are the shortest that reduce the error, so that an arm with joints to spare stays near its
start.
"""

from __future__ import annotations

import numba
import numpy as np

from sketch_robot.plotters.arm.kinematics import frames_of, jacobian_into

METRE = 3.0  # rad of error that a metre counts as; arms that draw have a reach of about a third of it
TOLERANCE = 1e-8  # of the weighed error: 3 nm, 1e-8 rad
STEPS = 40
NEAR_STEPS = 8


@numba.njit(cache=True)
def error_into(tool, target, free, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill (6,): metres times `METRE`, then radians, from the tool to the target frame, in the base."""
    for i in range(3):
        out[i] = METRE * (target[i, 3] - tool[i, 3])
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
def task_jacobian(jac, target, free):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Weigh the rows of a Jacobian (6, n) as `error_into` does its error, in place."""
    for j in range(jac.shape[1]):
        for i in range(3):
            jac[i, j] *= METRE
        if free:
            dx, dy, dz = target[0, 2], target[1, 2], target[2, 2]
            along = dx * jac[3, j] + dy * jac[4, j] + dz * jac[5, j]
            jac[3, j] -= along * dx
            jac[4, j] -= along * dy
            jac[5, j] -= along * dz


@numba.njit(cache=True)
def solve_normal(jac, error, damping, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill (n,) with the x that minimises |J x - e|^2 + d |x|^2, by Cholesky."""
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
    origins, axes, sliding, tip, lower, upper, target, free, steps, clamp, q, frames
):
    """Move q (n,) in place until the tool has reached the target frame; whether it has. `frames` end up those of q."""
    n = len(axes)
    jac, error, step, trial = np.empty((6, n)), np.empty(6), np.empty(n), np.empty(n)
    frames_of(origins, axes, sliding, tip, q, frames)
    error_into(frames[n], target, free, error)
    size = np.sqrt((error * error).sum())
    damping = 1e-3 * size
    for _ in range(steps):
        if size < TOLERANCE:
            return True
        jacobian_into(axes, sliding, frames, jac)
        task_jacobian(jac, target, free)
        solve_normal(jac, error, damping * size + 1e-12, step)
        longest = np.abs(step).max()
        for j in range(n):
            trial[j] = q[j] + step[j] * min(1.0, 0.7 / max(longest, 1e-300))
            if clamp:
                trial[j] = min(upper[j], max(lower[j], trial[j]))
        frames_of(origins, axes, sliding, tip, trial, frames)
        error_into(frames[n], target, free, error)
        new_size = np.sqrt((error * error).sum())
        if new_size < size:
            q[:] = trial
            size = new_size
            damping *= 0.3
        else:
            damping = max(10.0 * damping, 1e-6)
            frames_of(origins, axes, sliding, tip, q, frames)
            error_into(frames[n], target, free, error)
    return size < TOLERANCE


@numba.njit(cache=True)
def follow(  # type: ignore[no-untyped-def]  # pragma: no cover
    origins, axes, sliding, tip, targets, starts, free, q, errors
):
    """Fill joints (N, n) for target frames (N, 4, 4), each from its own start (N, n), and the errors (N,) left."""
    n = len(axes)
    frames, error = np.empty((n + 1, 4, 4)), np.empty(6)
    nothing = np.empty(0)
    for k in range(len(targets)):
        q[k] = starts[k]
        reach_for(origins, axes, sliding, tip, nothing, nothing, targets[k], free, NEAR_STEPS, False, q[k], frames)
        error_into(frames[n], targets[k], free, error)
        errors[k] = np.sqrt((error * error).sum())
