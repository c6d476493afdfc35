"""A pen that exists in memory: where it is, whether it is down, and what it has left on paper."""

from __future__ import annotations

import numpy as np

from sketch_robot.motion.plan import HOME_MM
from sketch_robot.plotters.paper import Paper


class SimulatedPen:
    """One thread moves it; its attributes may be read from any.

    Attributes:
        paper: what it draws on; None: the bare table.
        xy_mm: where it is, in the page's frame.
        down: whether it touches the paper.
        ink_mm, travel_mm: how far it has moved down and up, on this paper.
        lifts: how often it was raised, on this paper.
    """

    def __init__(self) -> None:
        self.paper: Paper | None = None
        self.xy_mm = HOME_MM
        self.down = False
        self.ink_mm = self.travel_mm = 0.0
        self.lifts = 0

    def take_paper(self, paper: Paper) -> None:
        """Leave the old paper, pen up, and count from zero on a new one."""
        self.lift()
        self.paper = paper
        self.ink_mm = self.travel_mm = 0.0
        self.lifts = 0

    def lower(self) -> None:
        """Touch the paper, which leaves a dot. Down already, it stays."""
        if self.down:
            return
        if self.paper is not None:
            self.paper.touch(self.xy_mm)
        self.down = True

    def lift(self) -> None:
        """Leave the paper. Up already, it stays."""
        if not self.down:
            return
        self.down = False
        self.lifts += 1
        if self.paper is not None:
            self.paper.lift()

    def follow(self, points_mm: np.ndarray) -> None:
        """Move through (N, 2) points, N >= 1, from where it is."""
        length_mm = float(np.hypot(*np.diff(np.vstack([[self.xy_mm], points_mm]), axis=0).T).sum())
        if self.down:
            self.ink_mm += length_mm
            if self.paper is not None:
                self.paper.ink(points_mm)
        else:
            self.travel_mm += length_mm
        self.xy_mm = float(points_mm[-1, 0]), float(points_mm[-1, 1])
