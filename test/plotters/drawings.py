"""Plans to draw, and a machine whose time is in the hand of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from sketch_robot.motion import DrawingPlan, MachineLimits, Page, time_plan
from sketch_robot.plotters import PlotterStatus, SimulatedPlotter, SimulationOptions
from sketch_robot.stroke import Stroke

A5 = Page(148.0, 210.0, 10.0, 'A5')
PROFILE = MachineLimits()


def plan_of(*strokes: object, page: Page = A5, profile: MachineLimits = PROFILE) -> DrawingPlan:
    """A plan of strokes in mm."""
    made = tuple(Stroke(np.array(xy, dtype=float)) for xy in strokes)
    stroke_s, return_s = time_plan(made, profile)
    return DrawingPlan(made, page, profile, stroke_s, return_s)


def ladder(rungs: int = 3) -> DrawingPlan:
    """Horizontal lines of 100 mm, 10 mm apart; each takes 1.1 s to draw by the default profile."""
    return plan_of(*([[20.0, 20.0 + 10.0 * k], [120.0, 20.0 + 10.0 * k]] for k in range(rungs)))


coordinates = st.tuples(st.floats(0.0, 148.0), st.floats(0.0, 210.0))
plans = st.lists(st.lists(coordinates, min_size=1, max_size=6), min_size=1, max_size=5).map(lambda s: plan_of(*s))


class Hand:
    """A clock that goes on only when the machine waits, by the steps that the test gives, and acts between steps.

    Args:
        step_s: wall-clock seconds of each wait; the last one is repeated.
        actions: by the number of the wait: what to do then.
    """

    def __init__(self, *step_s: float, actions: dict[int, Callable[[SimulatedPlotter], object]] | None = None) -> None:
        self.now_s = 1000.0
        self.waits = 0
        self.plotter: SimulatedPlotter | None = None
        self._step_s = step_s or (0.01,)
        self._actions = actions or {}

    def clock(self) -> float:
        return self.now_s

    def wait(self, event: threading.Event, _seconds: float) -> bool:
        self.now_s += self._step_s[min(self.waits, len(self._step_s) - 1)]
        action = self._actions.get(self.waits)
        self.waits += 1
        assert self.waits < 20_000, 'the machine waits for ever'
        if action is not None and self.plotter is not None:
            action(self.plotter)
        return event.is_set()

    def machine(self, **options: object) -> SimulatedPlotter:
        """A connected plotter by this clock."""
        self.plotter = SimulatedPlotter(SimulationOptions(**options), clock=self.clock, wait=self.wait)
        self.plotter.connect()
        return self.plotter


def is_at_rest(plotter: SimulatedPlotter) -> bool:
    """Whether the pen is up and nothing moves."""
    resting = plotter.status in (PlotterStatus.IDLE, PlotterStatus.OFFLINE, PlotterStatus.ALARM)
    return resting and not plotter.progress.pen_down


def joined(polylines: tuple[np.ndarray, ...], plan: DrawingPlan) -> list[np.ndarray]:
    """Lines on paper with those pieces put together that a pause within a stroke has cut.

    A piece goes on with the last one when it begins where that ended and that was not yet the whole stroke.
    """
    lines: list[np.ndarray] = []
    for piece in polylines:
        last = lines[-1] if lines else None
        if last is not None and np.array_equal(last[-1], piece[0]):
            whole = plan.strokes[len(lines) - 1].length
            if np.hypot(*np.diff(last, axis=0).T).sum() < whole - 1e-9:
                lines[-1] = np.concatenate((last, piece[1:]))
                continue
        lines.append(piece)
    return lines


def farthest_from(points: np.ndarray, line: np.ndarray) -> float:
    """The greatest distance of (N, 2) points from a polyline (M, 2)."""
    start, step = line[:-1], np.diff(line, axis=0)
    if len(line) == 1:
        start, step = line, np.zeros((1, 2))
    squared = np.maximum((step**2).sum(axis=1), 1e-300)
    along = np.clip(((points[:, None] - start) * step).sum(axis=2) / squared, 0.0, 1.0)
    away = points[:, None] - (start + along[..., None] * step)
    return float(np.hypot(away[..., 0], away[..., 1]).min(axis=1).max())


def length_of(line: np.ndarray) -> float:
    """Length of a polyline."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())
