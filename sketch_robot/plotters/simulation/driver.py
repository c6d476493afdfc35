"""A plotter that exists in time only: it moves as the time model says and keeps what would be on paper.

The pen follows each movement's `TimedPath`, the same that predicts the plan's seconds, so that machine seconds are
the predicted ones. A pause brakes along the line as hard as the machine may, lifts the pen, and afterwards starts again
from rest; what that takes is added. Wall-clock seconds are machine seconds divided by `speedup`. Standing still, paused
or for a change of the pen, takes no machine seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.pressure import line_width_mm
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.options import DriverOptions, option
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.plotter import Capability, Outcome, PlotterStatus, Progress
from sketch_robot.plotters.progress import ProgressCounter, Remainder
from sketch_robot.plotters.registry import register_plotter
from sketch_robot.plotters.session_plotter import SessionPlotter
from sketch_robot.plotters.simulation.mover import Pace, SimulatedMover, SimulatedPen


@dataclass(frozen=True)
class SimulationOptions(DriverOptions):
    """What a machine's file says of a simulation.

    Attributes:
        speedup: how many times faster than real it draws; infinite: as fast as this computer can.
        pens_at_hand: whether pens change by themselves; else it asks for each by a pause.
        alarm_after_strokes: raise an alarm once so many strokes of a drawing are on paper, as a machine that hits its
            limits; None: never. For tests of what happens then, as is the next.
        offline_after_strokes: go OFFLINE in the middle of the stroke after so many, as a machine whose cable is pulled
            (its servo lifts the pen); None: never.
    """

    speedup: float = option(1.0, above=0.0, endless=True)
    pens_at_hand: bool = False
    alarm_after_strokes: int | None = option(None, low=0)
    offline_after_strokes: int | None = option(None, low=0)


@register_plotter('simulated', SimulationOptions)
class SimulatedPlotter(SessionPlotter):
    """Draws on simulated paper, in real time or faster.

    Args:
        options: see there.
        limits: how fast it moves without a drawing; None: as a light GRBL plotter.
        clock: wall-clock seconds, for tests.
        wait: waits for an event at most so many wall-clock seconds, for tests.
    """

    CAPABILITIES: ClassVar[Capability] = Capability.PAPER | Capability.SIMULATION

    def __init__(
        self,
        options: SimulationOptions | None = None,
        limits: MachineLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        poke = threading.Event()
        super().__init__('simulated plotter', poke.set, clock=clock)
        self._options = options or SimulationOptions()
        self._limits = limits or MachineLimits()
        self._pace = Pace(self._options.speedup, clock=clock, wait=wait)
        self._pen = SimulatedPen()
        self._mover = SimulatedMover(self._pen, self._pace, self._session, poke, self._tell)
        self._shown = ProgressCounter()
        self._rest: Remainder | None = None
        self._journal: Journal | None = None

    # ------------------------------------------------------------- what it is doing
    @property
    def paper(self) -> Paper | None:
        """The sheet of the current or last drawing; None before the first."""
        return self._pen.paper

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._shown.progress(self._pen.xy_mm, self._pen.down)

    # ------------------------------------------------------------- of the driver
    def _connect(self) -> str:
        return ''

    def _release(self) -> None:
        self._pen.lift()

    def _home(self) -> None:
        self._mover.begin(self._limits, ProgressCounter())
        self._pen.lift()
        self._mover.travel_to(HOME_MM)

    def _move_pen_to(self, *, down: bool) -> None:
        if down:
            self._pen.lower()
        else:
            self._pen.lift()

    def _begin(self, plan: DrawingPlan, journal: Journal | None) -> Remainder:
        rest = super()._begin(plan, journal)
        self._rest, self._journal = rest, journal
        self._pen.take_paper(Paper(plan.page, plan.profile.pen_width_mm, plan.pens))
        self._shown = ProgressCounter.of(rest.plan, self._pen.xy_mm)
        self._mover.begin(plan.profile, self._shown)
        return rest

    def _draw_strokes(self, start: int, end: int) -> None:
        for number in range(start, end):
            self._alarm_if_due()
            self._draw_stroke(number)
        self._alarm_if_due()

    def _draw_stroke(self, number: int) -> None:
        rest = self._rest
        assert rest is not None
        stroke = rest.plan.strokes[number]
        self._mover.travel_to(stroke.xy[0])
        self._mover.spend(self._mover.profile.dropping_s)
        self._pen.begin(stroke.pen, stroke.xy, line_width_mm(stroke, rest.plan.profile))
        self._pen.lower()
        before_mm = self._pen.ink_mm
        lost = self._shown.done == self._options.offline_after_strokes
        try:
            self._mover.draw(stroke.xy, share=0.5 if lost else 1.0)
        finally:
            self._pen.end()
            if self._journal is not None:
                self._journal.proven(*rest.in_whole(number, self._pen.ink_mm - before_mm))
        if lost:
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE,
                f'the simulated plotter was lost within a stroke after {self._shown.done} strokes; connect it again',
            )
        self._pen.lift()
        self._shown.done += 1
        self._mover.spend(self._mover.profile.lifting_s)
        self._tell(always=True)

    def _await_pen(self, request: str) -> None:
        self._mover.travel_to(HOME_MM)
        if not self._options.pens_at_hand:
            self._mover.stand_paused(request)

    def _look(self) -> None:
        self._mover.look()

    def _halt(self) -> None:
        self._pen.lift()
        self._pace.restart()

    def _park(self) -> None:
        self._pen.lift()
        self._mover.travel_to(HOME_MM)

    def _outcome(self, finished: bool) -> Outcome:
        if finished:
            self._shown.finish()
        pen, tally = self._pen, self._shown
        return Outcome(finished, tally.done, pen.ink_mm, pen.travel_mm, pen.lifts, tally.machine_s)

    def _abort(self, _error: BaseException) -> None:
        self._pen.lift()

    def _leave(self, _status: PlotterStatus) -> None:
        self._pen.lift()

    def _alarm_if_due(self) -> None:
        after = self._options.alarm_after_strokes
        if after is not None and self._shown.done >= after:
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM, f'simulated alarm after {self._shown.done} strokes; home the machine to go on'
            )
