"""How fast a path of the joints may be followed: time-optimal under speed and acceleration limits.

Along u the joints move by q' and q''; with z = (du/dt)^2 and w = d2u/dt2 speed and acceleration limits are linear in
(w, z). A pass from the end finds the greatest z at each grid point from which the rest can be followed, a pass from
the start then takes the greatest acceleration that stays below it (Pham & Pham 2018, "A New Approach to Time-Optimal
Path Parameterization Based on Reachability Analysis"; both ends of each interval are constrained, as its "interpolation
scheme"). Braking on the path is the same forward pass with the least w.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from sketch_robot.plotters.arm.path import JointPath

LEAST_U = 1e-4  # what is left of a path is no more worth a movement, 0.2 micrometres
LEAST_GRID = 9  # points; from rest to rest there must be some between
PEN_BRAKES = 2.0  # times its usual acceleration; what counts then are the limits of the joints
_HALVINGS = 40


@dataclass(frozen=True)
class JointLimits:
    """What a movement may use.

    Attributes:
        speed, accel: (n,) float64, rad/s and rad/s^2 or m/s and m/s^2.
    """

    speed: np.ndarray
    accel: np.ndarray

    def scaled(self, share: float) -> JointLimits:
        """A share of them."""
        return JointLimits(share * self.speed, share * self.accel)


@dataclass(frozen=True, eq=False)
class Timing:
    """u over time, from `u[0]` to `u[-1]`.

    Attributes:
        u: (N,) float64, increasing; N >= 1.
        z: (N,) float64; (du/dt)^2 there; between, d2u/dt2 is constant.
        t_s: (N,) float64; when it is there; the first is 0.
    """

    u: np.ndarray
    z: np.ndarray
    t_s: np.ndarray

    @property
    def seconds(self) -> float:
        """Of all of it."""
        return float(self.t_s[-1])

    def at(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u and du/dt at times (M,); at rest at its ends outside of them."""
        t = np.clip(t_s, 0.0, self.seconds)
        if len(self.u) == 1:
            return np.full(len(t), self.u[0]), np.zeros(len(t))
        k = np.clip(np.searchsorted(self.t_s, t, side='right') - 1, 0, len(self.u) - 2)
        since, speed = t - self.t_s[k], np.sqrt(self.z[k])
        pull = (self.z[k + 1] - self.z[k]) / (2.0 * (self.u[k + 1] - self.u[k]))
        u = self.u[k] + speed * since + 0.5 * pull * since**2
        inside = (t_s >= 0.0) & (t_s <= self.seconds)
        return np.clip(u, self.u[k], self.u[k + 1]), np.where(inside, np.maximum(speed + pull * since, 0.0), 0.0)


STILL = Timing(np.zeros(1), np.zeros(1), np.zeros(1))


def retime(path: JointPath, limits: JointLimits, *, start_u: float = 0.0) -> Timing:
    """Follow a path from rest at `start_u` to rest at its end, as fast as the limits allow."""
    if path.end - start_u < LEAST_U:
        return Timing(np.array([path.end]), np.zeros(1), np.zeros(1))
    u, first, second, cap, accel = _rows(path, limits, start_u)
    z = _fastest(np.diff(u), first, second, cap, accel)
    return Timing(u, z, _clock(u, z))


def brake(path: JointPath, limits: JointLimits, *, start_u: float, speed: float) -> Timing:
    """Come to rest on a path as soon as the limits allow, from `start_u` at du/dt = `speed`."""
    if speed < 1e-9 or path.end - start_u < LEAST_U:
        return Timing(np.array([start_u]), np.zeros(1), np.zeros(1))
    u, first, second, _cap, accel = _rows(path, limits, start_u)
    accel[limits.accel.size :] *= PEN_BRAKES
    z, stop_u = _slowest(np.diff(u), first, second, accel, speed * speed, u)
    u = np.append(u[: len(z) - 1], stop_u)
    return Timing(u, z, _clock(u, z))


def _rows(
    path: JointPath, limits: JointLimits, start_u: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The grid from `start_u` on; first and second derivatives (N, n + 3); caps of z; acceleration limits (n + 3,)."""
    u = path.grid
    if start_u > 0.0:
        rest = u[u > start_u + 1e-6]
        u = np.concatenate([[start_u], rest if len(rest) else u[-1:]])
    while len(u) < LEAST_GRID:
        u = np.sort(np.concatenate([u, 0.5 * (u[1:] + u[:-1])]))
    first, second = path.spline(u, 1), path.spline(u, 2)
    n = path.joints.shape[1]
    pace = np.linalg.norm(first[:, n:], axis=1)
    speed = np.interp(u, np.arange(len(path.joints)), path.speed_mm_s)
    with np.errstate(divide='ignore'):
        cap = np.minimum((limits.speed / np.abs(first[:, :n])).min(axis=1), speed / pace)
    cap = np.minimum(cap, 1e6)
    accel = np.concatenate([limits.accel, np.full(3, path.accel_mm_s2)])
    return u, np.ascontiguousarray(first), np.ascontiguousarray(second), cap**2, accel


def _clock(u: np.ndarray, z: np.ndarray) -> np.ndarray:
    speed = np.sqrt(z)
    return np.concatenate([[0.0], np.cumsum(2.0 * np.diff(u) / (speed[1:] + speed[:-1]))])


@numba.njit(cache=True)
def _span(du, first, second, next_first, next_second, accel, z, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The least and greatest w over an interval entered at z and left at most at `most`; empty: least > greatest."""
    low, high = -z / (2.0 * du), (most - z) / (2.0 * du)
    for j in range(len(accel)):
        for side in range(2):
            a = first[j] if side == 0 else next_first[j] + 2.0 * du * next_second[j]
            b = (second[j] if side == 0 else next_second[j]) * z
            if abs(a) < 1e-12:
                if abs(b) > accel[j]:
                    return 1.0, -1.0
                continue
            one, other = (-accel[j] - b) / a, (accel[j] - b) / a
            low, high = max(low, min(one, other)), min(high, max(one, other))
    return low, high


@numba.njit(cache=True)
def _fastest(du, first, second, cap, accel):  # type: ignore[no-untyped-def]  # pragma: no cover
    n = len(cap)
    most = np.zeros(n)
    for i in range(n - 2, -1, -1):
        good, bad = 0.0, cap[i]
        low, high = _span(du[i], first[i], second[i], first[i + 1], second[i + 1], accel, bad, most[i + 1])
        if low <= high:
            most[i] = bad
            continue
        for _ in range(_HALVINGS):
            z = 0.5 * (good + bad)
            low, high = _span(du[i], first[i], second[i], first[i + 1], second[i + 1], accel, z, most[i + 1])
            if low <= high:
                good = z
            else:
                bad = z
        most[i] = good
    z = np.zeros(n)
    for i in range(n - 1):
        low, high = _span(du[i], first[i], second[i], first[i + 1], second[i + 1], accel, z[i], most[i + 1])
        z[i + 1] = min(most[i + 1], max(0.0, z[i] + 2.0 * du[i] * max(low, high)))
    return z


@numba.njit(cache=True)
def _slowest(du, first, second, accel, start, u):  # type: ignore[no-untyped-def]  # pragma: no cover
    """z at each grid point until rest, and the u of rest; the last interval is cut where z vanishes."""
    z = np.zeros(len(u))
    z[0] = start
    for i in range(len(du)):
        low, gentle = -1e18, 1e18
        for j in range(len(accel)):  # should rest come within the interval: there nothing is left of the bend
            pull, bend = first[i, j], second[i, j] * z[i]
            if abs(pull) > 1e-12:
                low = max(low, min((-accel[j] - bend) / pull, (accel[j] - bend) / pull))
            gentle = min(gentle, accel[j] / max(abs(pull), abs(first[i + 1, j]), 1e-12))
        low = max(low, -gentle)
        if z[i] + 2.0 * du[i] * low > 0.0:
            low, high = _span(du[i], first[i], second[i], first[i + 1], second[i + 1], accel, z[i], 1e18)
            if low > high:
                low = 1.0
        if low >= 0.0:  # a bend taken at the limits leaves nothing to brake with; but rest comes first
            low = -0.3 * gentle
        after = z[i] + 2.0 * du[i] * low
        if after <= 1e-9 * start:
            return z[: i + 2].copy(), u[i] + min(du[i], -z[i] / (2.0 * low))
        z[i + 1] = after
    z[len(du)] = 0.0
    return z, u[len(du)]
