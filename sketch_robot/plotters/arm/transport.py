"""How trajectories reach an arm, and what comes back: the part that differs between a simulation and a robot.

A joint trajectory is places and speeds at moments, joined by cubic polynomials as ros2_control joins them:
joint_trajectory_controller interpolates points that have positions and velocities by cubic Hermite splines
(https://control.ros.org/jazzy/doc/ros2_controllers/joint_trajectory_controller/doc/trajectory.html).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sketch_robot.plotters.arm.frames import PageFrame, PenPose
from sketch_robot.plotters.paper import Paper


@dataclass(frozen=True, eq=False)
class JointTrajectory:
    """What a controller is told.

    Attributes:
        names: of the joints.
        times_s: (N,) float64, increasing, N >= 1; by the controller's clock.
        positions: (N, n) float64, rad or m.
        velocities: (N, n) float64, rad/s or m/s.
    """

    names: tuple[str, ...]
    times_s: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray

    def __post_init__(self) -> None:
        shape = (len(self.times_s), len(self.names))
        if self.positions.shape != shape or self.velocities.shape != shape or shape[0] < 1:
            raise ValueError(f'{shape[0]} times and {shape[1]} joints, but positions {self.positions.shape}')

    def at(self, t_s: np.ndarray, *, order: int = 0) -> np.ndarray:
        """Positions (0), velocities (1) or accelerations (2) at times (M,): (M, n); at rest at its ends outside."""
        t = np.asarray(t_s, dtype=np.float64)
        if len(self.times_s) == 1:
            return np.repeat(self.positions if order == 0 else np.zeros_like(self.positions), len(t), axis=0)
        k = np.clip(np.searchsorted(self.times_s, t, side='right') - 1, 0, len(self.times_s) - 2)
        step = (self.times_s[k + 1] - self.times_s[k])[:, None]
        s = np.clip((t - self.times_s[k])[:, None] / step, 0.0, 1.0)
        p0, p1 = self.positions[k], self.positions[k + 1]
        v0, v1 = self.velocities[k] * step, self.velocities[k + 1] * step
        c2, c3 = 3.0 * (p1 - p0) - 2.0 * v0 - v1, 2.0 * (p0 - p1) + v0 + v1
        if order == 0:
            return p0 + s * (v0 + s * (c2 + s * c3))
        outside = ((t < self.times_s[0]) | (t > self.times_s[-1]))[:, None]
        if order == 1:
            return np.where(outside, 0.0, (v0 + s * (2.0 * c2 + 3.0 * s * c3)) / step)
        return np.where(outside, 0.0, (2.0 * c2 + 6.0 * s * c3) / step**2)


@dataclass(frozen=True, eq=False)
class JointSample:
    """What an arm says of its joints.

    Attributes:
        t_s: when, by the controller's clock.
        positions, velocities: (n,) float64.
    """

    t_s: float
    positions: np.ndarray
    velocities: np.ndarray


LineWidth = Callable[[np.ndarray], np.ndarray]  # (N,) mm below the paper -> (N,) mm of the line


class ArmTransport(ABC):
    """A joint trajectory controller, as ros2_control's: it follows the last trajectory that it was sent, then holds.

    One thread uses it. Its times are its own clock's, seconds. Every method raises SketchRobotError PLOTTER_OFFLINE
    when the arm does not answer.

    Attributes:
        lead_s: how long after `send` a point may have to be followed for the arm to meet it smoothly.
    """

    lead_s: float = 0.05

    @abstractmethod
    def connect(self) -> None:
        """Open it; afterwards `sample` answers. Connecting twice is harmless."""

    @abstractmethod
    def close(self) -> None:
        """Let the arm go; it holds where it is. Closing twice is harmless."""

    @abstractmethod
    def now_s(self) -> float:
        """The time."""

    @abstractmethod
    def send(self, trajectory: JointTrajectory) -> None:
        """Follow this from now on in place of what was sent before. Points of the past are skipped."""

    @abstractmethod
    def sample(self) -> JointSample:
        """The latest word of the joints."""

    @abstractmethod
    def hold(self) -> None:
        """Stop where the arm is, as fast as its controller can."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Let time pass."""

    @property
    def paper(self) -> Paper | None:
        """What is on paper, where that is known, as in a simulation."""
        return None

    def take_sheet(self, paper: Paper, page: PageFrame, pose: PenPose, width_mm: LineWidth | None = None) -> None:  # noqa: B027
        """Be told which fresh sheet lies where; of use to a simulation only.

        Args:
            paper: for the ink.
            page: where it lies.
            pose: of the pen.
            width_mm: of the line by how far the pen's holder is below the paper, for pens that press.
        """


def interpolated(trajectory: JointTrajectory, t_s: float) -> np.ndarray:
    """Positions (n,) that a trajectory asks for at a time."""
    return trajectory.at(np.array([t_s]))[0]
