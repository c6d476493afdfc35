"""A pen that exists in memory: where it is, whether it is down, and what it has left on paper."""

from __future__ import annotations

import numpy as np

from sketch_robot.motion.cut import lengths_along
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
        self._along_mm = 0.0
        self._widths: tuple[np.ndarray, np.ndarray] | None = None

    def take_paper(self, paper: Paper) -> None:
        """Leave the old paper, pen up, and count from zero on a new one."""
        self.lift()
        self.paper = paper
        self.ink_mm = self.travel_mm = 0.0
        self.lifts = 0

    def begin(self, pen: str, xy_mm: np.ndarray, width_mm: np.ndarray | None) -> None:
        """Take a pen for a line that is about to be drawn, in one go or in pieces.

        Args:
            pen: its name; one of the paper's.
            xy_mm: (N, 2), the line.
            width_mm: (N,) of the line at these points; None: as wide as its pen all along.
        """
        self._along_mm = 0.0
        self._widths = None if width_mm is None else (lengths_along(xy_mm), width_mm)
        if self.paper is not None:
            self.paper.take_pen(pen)

    def end(self) -> None:
        """The line is finished, or given up; whatever is drawn next is as wide as the pen."""
        self._widths = None

    def lower(self) -> None:
        """Touch the paper, which leaves a dot. Down already, it stays."""
        if self.down:
            return
        if self.paper is not None:
            self.paper.touch(self.xy_mm, None if self._widths is None else float(self._width_at(self._along_mm)))
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
        steps_mm = np.hypot(*np.diff(np.vstack([[self.xy_mm], points_mm]), axis=0).T)
        length_mm = float(steps_mm.sum())
        if self.down:
            self.ink_mm += length_mm
            if self.paper is not None:
                widths = None if self._widths is None else self._width_at(self._along_mm + np.cumsum(steps_mm))
                self.paper.ink(points_mm, widths)
            self._along_mm += length_mm
        else:
            self.travel_mm += length_mm
        self.xy_mm = float(points_mm[-1, 0]), float(points_mm[-1, 1])

    def _width_at(self, along_mm: np.ndarray | float) -> np.ndarray:
        assert self._widths is not None
        return np.interp(along_mm, *self._widths)
