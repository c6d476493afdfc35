"""What an emulated pen does to a sheet: the lines it leaves, how far it goes, and where it should not have been."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Protocol

import numpy as np

STRAIGHT_MM = 1e-9  # so near a way a point lies on it


class Page(Protocol):
    """A sheet; its lower left corner is the origin, mm."""

    @property
    def width_mm(self) -> float: ...
    @property
    def height_mm(self) -> float: ...


@dataclass(frozen=True)
class PlainPage:
    """A sheet of a size, A5 unless told otherwise."""

    width_mm: float = 148.0
    height_mm: float = 210.0


class Ink:
    """Lines on a sheet, without the points that lie on a straight way between others.

    Every method and attribute may be used from any thread, also while the pen is moving.

    Args:
        page: the sheet.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self._lock = threading.Lock()
        self._dry: list[np.ndarray] = []
        self._wet: list[tuple[float, float]] = []

    @property
    def polylines(self) -> tuple[np.ndarray, ...]:
        """Every line in the order drawn, the unfinished one too: (N, 2) float64 mm, N = 1 for a dot."""
        with self._lock:
            return (*self._dry, *([np.array(self._wet)] if self._wet else []))

    @property
    def ink_mm(self) -> float:
        """Length of all lines."""
        return float(sum(np.hypot(*np.diff(xy, axis=0).T).sum() for xy in self.polylines))

    def touch(self, xy_mm: tuple[float, float]) -> None:
        """Put the pen down, which leaves a dot."""
        self.lift()
        with self._lock:
            self._wet = [_pair(xy_mm)]

    def line_to(self, xy_mm: tuple[float, float]) -> None:
        """Move the pen that is down."""
        with self._lock:
            if len(self._wet) > 1 and _is_between(self._wet[-2], self._wet[-1], xy_mm):
                self._wet.pop()
            self._wet.append(_pair(xy_mm))

    def lift(self) -> None:
        """Take the pen off."""
        with self._lock:
            if self._wet:
                self._dry.append(np.array(self._wet))
            self._wet = []


class PenTrace:
    """A pen over a sheet: its ink, and how far it went.

    Args:
        page: the sheet.

    Attributes:
        paper: the lines.
        xy_mm: where the pen is, in the page's frame.
        down: whether it touches.
        lifts: how often it has left the paper.
        ink_mm, travel_mm: how far it went, down and up.
        pen_down_travel_mm: how far it went on the paper while it should have been up.
        outside_mm: the farthest that it was off the page.
        ink_outside_mm: the farthest that it drew off the page.
    """

    def __init__(self, page: Page, xy_mm: tuple[float, float] = (0.0, 0.0)) -> None:
        self.paper = Ink(page)
        self.xy_mm = _pair(xy_mm)
        self.down = False
        self.lifts = 0
        self.ink_mm = self.travel_mm = self.pen_down_travel_mm = self.outside_mm = self.ink_outside_mm = 0.0

    def move(self, xy_mm: tuple[float, float], *, should_be_up: bool = False, counts: bool = True) -> None:
        """Go straight to a place; `counts`: it is noticed if that is off the page."""
        x, y = _pair(xy_mm)
        way = math.hypot(x - self.xy_mm[0], y - self.xy_mm[1])
        if way == 0.0:
            return
        self.xy_mm = (x, y)
        page = self.paper.page
        off = max(-x, -y, x - page.width_mm, y - page.height_mm, 0.0) if counts else 0.0
        self.outside_mm = max(self.outside_mm, off)
        if not self.down:
            self.travel_mm += way
            return
        self.ink_mm += way
        self.ink_outside_mm = max(self.ink_outside_mm, off)
        self.pen_down_travel_mm += way if should_be_up else 0.0
        self.paper.line_to(self.xy_mm)

    def set_down(self, down: bool) -> None:
        """Touch the paper, or leave it."""
        if down == self.down:
            return
        self.down = down
        if down:
            self.paper.touch(self.xy_mm)
        else:
            self.lifts += 1
            self.paper.lift()

    def next_sheet(self) -> None:
        """Put in an empty sheet; what was counted stays."""
        self.paper = Ink(self.paper.page)
        if self.down:
            self.paper.touch(self.xy_mm)

    def carry(self, xy_mm: tuple[float, float]) -> None:
        """Be carried somewhere by a person, who lifts it."""
        self.paper.lift()
        self.xy_mm = _pair(xy_mm)
        if self.down:
            self.paper.touch(self.xy_mm)


def _pair(xy_mm: tuple[float, float]) -> tuple[float, float]:
    return float(xy_mm[0]), float(xy_mm[1])


def _is_between(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on the straight way from a to c, but for rounding."""
    abx, aby, bcx, bcy = b[0] - a[0], b[1] - a[1], c[0] - b[0], c[1] - b[1]
    off = abs(abx * bcy - aby * bcx)
    return abx * bcx + aby * bcy > 0.0 and off <= STRAIGHT_MM * math.hypot(abx + bcx, aby + bcy)
