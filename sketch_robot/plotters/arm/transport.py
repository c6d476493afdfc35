"""How trajectories reach an arm, and what comes back: the part that differs between a simulation and a robot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from sketch_robot.plotters.arm.page_frame import PageFrame
from sketch_robot.plotters.arm.pen_pose import PenPose
from sketch_robot.plotters.arm.trajectory import JointSample, JointTrajectory
from sketch_robot.plotters.paper import Paper

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
