"""An arm that exists in memory and follows every trajectory exactly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from sketch_robot.plotters.arm.chain import Chain
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.plotters.arm.page_frame import PageFrame
from sketch_robot.plotters.arm.pen_pose import PenPose
from sketch_robot.plotters.arm.trajectory import JointSample, JointTrajectory
from sketch_robot.plotters.arm.transport import ArmTransport, LineWidth
from sketch_robot.plotters.pacing import Pace
from sketch_robot.plotters.paper import Paper

STEP_S = 0.002  # machine seconds between two looks at the pen
GIVES_MM = 60.0  # a tip deeper than that has not come from above, and presses on nothing
UPRIGHT = 0.2  # cosine of the pen to the normal; one that lies flatter does not write


class Sheet:
    """A sheet of paper before an arm, and the ink that its pen leaves.

    Args:
        paper: for the ink.
        page: where it lies.
        width_mm: of the line by depth; None: the pen's.
    """

    def __init__(self, paper: Paper, page: PageFrame, width_mm: LineWidth | None = None) -> None:
        self.paper = paper
        self.page = page
        self._width_mm = width_mm
        self._down = False

    def mark(self, xy_mm: np.ndarray, touching: np.ndarray, depth_mm: np.ndarray) -> None:
        """Draw where a pen has been.

        Args:
            xy_mm: (N, 2).
            touching: (N,) bool; whether it touched the paper there.
            depth_mm: (N,); how far its holder was below the paper.
        """
        widths = None if self._width_mm is None else self._width_mm(depth_mm)
        edges = [0, *(np.flatnonzero(np.diff(touching.astype(np.int8))) + 1).tolist(), len(touching)]
        for first, last in pairwise(edges):
            if not touching[first]:
                if self._down:
                    self.paper.lift()
                self._down = False
                continue
            if not self._down:
                self.paper.touch(xy_mm[first], None if widths is None else float(widths[first]))
            part = slice(first if self._down else first + 1, last)
            self.paper.ink(xy_mm[part], None if widths is None else widths[part])
            self._down = True


class SimulatedArm(ArmTransport):
    """See the module.

    Args:
        chain: the arm.
        start: (n,) float64; where its joints are at first.
        speedup: machine seconds in a wall-clock second; infinite: as fast as this computer can.
    """

    lead_s = 0.02

    def __init__(self, chain: Chain, start: np.ndarray, *, speedup: float = 1.0) -> None:
        self._chain = chain
        self._pace = Pace(speedup)
        self._nothing = threading.Event()
        self._now_s = 0.0
        self._position = np.array(start, dtype=np.float64)
        self._trajectory: JointTrajectory | None = None
        self._sheet: Sheet | None = None
        self._pose = PenPose()
        self.on_step: Callable[[], None] | None = None

    @property
    def paper(self) -> Paper | None:
        """The sheet of the current or last drawing."""
        return None if self._sheet is None else self._sheet.paper

    def take_sheet(self, paper: Paper, page: PageFrame, pose: PenPose, width_mm: LineWidth | None = None) -> None:
        """Lay a fresh sheet."""
        self._sheet, self._pose = Sheet(paper, page, width_mm), pose

    def connect(self) -> None:
        """Nothing is to be done."""
        self._pace.restart()

    def close(self) -> None:
        """Hold."""
        self._trajectory = None

    def now_s(self) -> float:
        """Machine seconds that were waited for."""
        return self._now_s

    def send(self, trajectory: JointTrajectory) -> None:
        """Follow it from now on."""
        self._trajectory = trajectory

    def hold(self) -> None:
        """Stop dead."""
        self._trajectory = None

    def sample(self) -> JointSample:
        """The joints now."""
        if self._trajectory is None:
            return JointSample(self._now_s, self._position.copy(), np.zeros_like(self._position))
        return JointSample(self._now_s, self._position.copy(), self._trajectory.at(np.array([self._now_s]), order=1)[0])

    def wait(self, seconds: float) -> None:
        """Let machine time pass, the arm moving meanwhile."""
        left = seconds
        while left > 1e-12:
            taken = self._pace.take(left)
            if taken == 0.0:
                self._pace.wait(self._nothing)
                continue
            self.advance(taken)
            left -= taken

    def advance(self, seconds: float) -> None:
        """Move on by machine seconds at once."""
        times = self._now_s + np.linspace(0.0, seconds, max(1, int(np.ceil(seconds / STEP_S - 1e-9))) + 1)[1:]
        self._now_s += seconds
        if self._trajectory is not None and self._trajectory.times_s[0] <= times[-1]:
            self._position = self._trajectory.at(times[-1:])[0]
            moving = self._trajectory.at(times[times >= self._trajectory.times_s[0]])
        else:
            moving = self._position[None]
        if self._sheet is not None:
            tools = forward(self._chain, moving)
            tip, along = (
                self._sheet.page.to_page(tools[:, :3, 3]),
                tools[:, :3, 2] @ self._sheet.page.base_from_page[:3, :3],
            )
            at_paper = tip - (tip[:, 2:] / np.minimum(along[:, 2:], -UPRIGHT)) * along  # it gives way along the pen
            size = self._sheet.paper.page.width_mm, self._sheet.paper.page.height_mm
            over = ((at_paper[:, :2] >= 0.0) & (at_paper[:, :2] <= size)).all(axis=1)  # elsewhere it may be lower
            pressed = (tip[:, 2] <= 0.0) & (tip[:, 2] > -GIVES_MM) & (along[:, 2] < -UPRIGHT)
            self._sheet.mark(at_paper[:, :2], pressed & over, -tip[:, 2])
