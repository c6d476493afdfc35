"""Legs one after the other on a controller's clock, and the trajectory that they make."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sketch_robot.plotters.arm.legs import Leg
from sketch_robot.plotters.arm.retime import JointLimits, Timing, brake
from sketch_robot.plotters.arm.trajectory import JointTrajectory

LEAST_S = 1e-5  # between points of a trajectory; legs meet at one point, however their times are rounded


class Timeline:
    """Legs without a gap.

    Args:
        legs: each starting where the one before ends.
        start_s: when the first starts.
    """

    def __init__(self, legs: Sequence[Leg], start_s: float) -> None:
        self.legs = list(legs)
        times = start_s + np.concatenate([[0.0], np.cumsum([leg.seconds for leg in self.legs])])
        self.starts_s = times[:-1].tolist()
        self.end_s = float(times[-1])

    def index(self, t_s: float) -> int:
        """Which leg is followed at a time."""
        return max(0, bisect_right(self.starts_s, t_s) - 1)

    def place(self, t_s: float) -> tuple[int, float, float]:
        """Leg, its u and its du/dt at a time."""
        k = self.index(t_s)
        u, speed = self.legs[k].timing.at(np.array([t_s - self.starts_s[k]]))
        return k, float(u[0]), float(speed[0])

    def sample(self, names: tuple[str, ...], t_s: np.ndarray) -> JointTrajectory:
        """Joints at increasing times (M,)."""
        n = len(names)
        positions, velocities = np.empty((len(t_s), n)), np.zeros((len(t_s), n))
        which = np.maximum(0, np.searchsorted(self.starts_s, t_s, side='right') - 1)
        for k in np.unique(which):
            mine, leg = which == k, self.legs[k]
            u, speed = leg.timing.at(t_s[mine] - self.starts_s[k])
            if leg.path.end == 0.0:
                positions[mine] = leg.path.joints[0]
                continue
            positions[mine] = leg.path.spline(u)[:, :n]
            velocities[mine] = leg.path.spline(u, 1)[:, :n] * speed[:, None]
        return JointTrajectory(names, np.asarray(t_s, dtype=np.float64), positions, velocities)

    def trajectory(self, names: tuple[str, ...], from_s: float, to_s: float) -> JointTrajectory:
        """The legs' knots from the last at or before `from_s` to the first at or after `to_s`.

        Whichever part is asked for, its knots are the same, so that parts fit together.
        """
        first, last = self.index(from_s), self.index(min(to_s, self.end_s))
        times = np.unique(np.concatenate([self.starts_s[k] + self.legs[k].knots_s for k in range(first, last + 1)]))
        times = times[np.concatenate([np.diff(times) > LEAST_S, [True]])]
        start = max(0, int(np.searchsorted(times, from_s, side='right')) - 1)
        end = min(len(times), int(np.searchsorted(times, to_s)) + 1)
        return self.sample(names, times[start:end])

    def stopped(self, t_s: float, limits: JointLimits) -> Timeline:
        """The same up to a time, then braked to rest on the path.

        Its last leg is the one that was being followed; where it ends is `legs[-1].timing.u[-1]`.
        """
        k, u, speed = self.place(t_s)
        gone = t_s - self.starts_s[k]
        leg = self.legs[k]
        if gone >= leg.seconds or leg.path.end == 0.0:
            timing = leg.timing
        else:
            tail = brake(leg.path, limits, start_u=u, speed=speed)
            before = leg.timing.t_s < gone - 1e-9
            timing = Timing(
                np.concatenate([leg.timing.u[before], tail.u]),
                np.concatenate([leg.timing.z[before], tail.z]),
                np.concatenate([leg.timing.t_s[before], gone + tail.t_s]),
            )
        return Timeline([*self.legs[:k], _timed(leg, timing)], self.starts_s[0])


def _timed(leg: Leg, timing: Timing) -> Leg:
    return replace(leg, timing=timing)
