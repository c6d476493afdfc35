"""Any serial arm as a plotter: strokes become joint trajectories, planned and checked whole before the first move."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page, parse_page
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.arm.executor import ArmExecutor
from sketch_robot.plotters.arm.follower import Watch
from sketch_robot.plotters.arm.model_file import read_text
from sketch_robot.plotters.arm.progress import ArmProgress, what_is_left
from sketch_robot.plotters.arm.reach import ReachableSheets
from sketch_robot.plotters.arm.retime import JointLimits
from sketch_robot.plotters.arm.segments import Planner, Segment
from sketch_robot.plotters.arm.setup import ArmOptions, ArmSetup, is_mjcf, make_setup
from sketch_robot.plotters.arm.simulation import PhysicsArm, SimulatedArm
from sketch_robot.plotters.arm.transport import ArmTransport, JointSample
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.plotter import Capability, Outcome, PlotterStatus, Progress
from sketch_robot.plotters.progress import Remainder
from sketch_robot.plotters.registry import register_plotter
from sketch_robot.plotters.session_plotter import SessionPlotter

HOME_NEAR_MM = 1e-3


@register_plotter('arm', ArmOptions)
class ArmPlotter(SessionPlotter):
    """Draws with a serial arm. The arm's reach over the whole page and every movement are checked before the first one.

    Args:
        options: see there.
        limits: how fast the pen goes until a plan says it; None: as a light plotter.
        transport: to a real arm; None: a simulated one.

    Raises:
        SketchRobotError: BAD_GOAL, an option or the model is unusable.
    """

    CAPABILITIES: ClassVar[Capability] = Capability.PAPER | Capability.SIMULATION

    def __init__(
        self,
        options: ArmOptions | None = None,
        limits: MachineLimits | None = None,
        *,
        transport: ArmTransport | None = None,
    ) -> None:
        options = options or ArmOptions()
        self._setup = make_setup(options)
        self._transport = transport or simulated_arm(self._setup, options)
        super().__init__('arm', lambda: None, clock=self._transport.now_s)
        self._sheet, self._profile = parse_page(options.sheet), limits or MachineLimits()
        chain = self._setup.chain
        self._limits = JointLimits(chain.speed, chain.accel).scaled(options.limit_share)
        self._executor = ArmExecutor(
            self._setup,
            self._transport,
            self._session,
            Watch(astray=options.astray),
            lambda always: self._tell(always=always),
        )
        self._sheets = ReachableSheets(self._setup, options.reach_picture)
        self._planner: Planner | None = None
        self._rest: Remainder | None = None
        self._planned: list[Segment] = []
        self._is_lost = False

    # ------------------------------------------------------------- what it is doing
    @property
    def setup(self) -> ArmSetup:
        """The arm and its page."""
        return self._setup

    @property
    def transport(self) -> ArmTransport:
        """To the arm; only the driver uses it while it moves."""
        return self._transport

    @property
    def joints(self) -> JointSample | None:
        """The joints as last seen; None before it was connected. May be asked from any thread."""
        return self._executor.seen

    @property
    def robot_description(self) -> str:
        """The arm as URDF, as robot_state_publisher and RViz take it; '' when it was given as MJCF."""
        model = self._setup.model
        return '' if is_mjcf(model) else read_text(model)

    @property
    def paper(self) -> Paper | None:
        """The sheet of the current or last drawing, where that is known: in a simulation."""
        return self._transport.paper

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._executor.progress.progress()

    # ------------------------------------------------------------- of the driver
    def _connect(self) -> str:
        self._is_lost = False
        self._transport.connect()
        self._executor.get_to_know()
        return ''

    def _release(self) -> None:
        if not self._is_lost:  # one that is lost lifts its pen by itself, if it is not told anything else
            self._transport.close()

    def _abort(self, error: BaseException) -> None:
        """The follower has braked on the path and lifted the pen, or told the arm to hold."""
        self._is_lost = isinstance(error, SketchRobotError) and error.code == ErrorCode.PLOTTER_OFFLINE

    def _home(self) -> None:
        planner = self._planner_of(self._sheet)
        self._executor.begin(ArmProgress())
        self._executor.go_home(planner)

    def _move_pen_to(self, *, down: bool) -> None:
        planner = self._planner_of(self._sheet)
        at = self._executor.place(planner)
        if at is None:
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'the pen is not over the page; home the arm first')
        depth = -self._setup.touch.offset_mm if down else self._setup.touch.lift_mm
        if (at[2] <= 0.0) != down:
            self._executor.follow(planner, [planner.hop(at, np.array([at[0], at[1], depth]), straight=True)])

    def _begin(self, plan: DrawingPlan, journal: Journal | None) -> Remainder:
        self._sheet, self._profile = plan.page, plan.profile
        planner = self._planner_of(plan.page)
        planned = planner.drawing(plan, (*HOME_MM, self._setup.touch.lift_mm))
        rest = Remainder(plan)
        if journal is not None:
            rest = what_is_left(plan, planner, journal, self._executor.place(planner))
        if rest.plan is not plan:
            planned = planner.drawing(rest.plan, (*HOME_MM, self._setup.touch.lift_mm))
        self._planner, self._rest, self._planned = planner, rest, list(planned)
        approach_s = self._executor.approach_s(planner)
        self._executor.begin(ArmProgress(rest, planned, journal, self._transport.now_s(), approach_s=approach_s))
        paper = Paper(plan.page, plan.profile.pen_width_mm, plan.pens)
        width_mm = self._setup.touch.width_mm(plan.profile) if plan.profile.presses else None
        self._transport.take_sheet(paper, self._setup.page, self._setup.pose, width_mm)
        return rest

    def _draw_strokes(self, start: int, end: int) -> None:
        """Draw strokes and go home in one movement: their segments are a hop and a stroke each."""
        planner, executor, rest = self._planner, self._executor, self._rest
        assert planner is not None
        assert rest is not None
        executor.go_home(planner)
        executor.take_pen(rest.plan.strokes[start].pen)
        segments = self._planned[2 * start : 2 * end]
        if start > 0:
            segments[0] = planner.hop(executor.here(planner), segments[0].end_mm)
        last = end == len(rest.plan.strokes)
        home = self._planned[-1] if last else planner.home(self._planned[2 * end].start_mm)
        executor.follow(planner, [*segments, home])

    def _await_pen(self, request: str) -> None:
        assert self._planner is not None
        self._executor.go_home(self._planner)
        self._stand_paused(request)

    def _look(self) -> None:
        self._executor.stand()

    def _halt(self) -> None:
        """The executor has lifted the pen when it came to rest."""

    def _park(self) -> None:
        planner = self._planner
        assert planner is not None
        at = self._executor.here(planner)
        if np.abs(at - np.array([*HOME_MM, self._setup.touch.lift_mm])).max() > HOME_NEAR_MM:
            self._executor.follow(planner, [planner.home(at)])

    def _outcome(self, finished: bool) -> Outcome:
        self._executor.progress.end(finished)
        return self._executor.progress.outcome(finished)

    def _leave(self, status: PlotterStatus) -> None:
        if status != PlotterStatus.IDLE or not self._sheets.fields:
            return
        planner = self._planner_of(self._sheet)
        at = self._executor.place(planner)
        if at is not None and at[2] <= 0.0:
            self._executor.follow(planner, self._executor.lift(planner)(at))

    # ------------------------------------------------------------- reach
    def check_reach(self, page: Page) -> None:
        """Find a posture for every point of a page, once.

        Raises:
            SketchRobotError: BAD_GOAL, the arm does not reach all of it; the message says where the picture is.
        """
        self._sheets.field(page)

    def _planner_of(self, page: Page) -> Planner:
        return Planner(self._sheets.field(page), self._limits, self._profile, self._setup.touch)


def simulated_arm(setup: ArmSetup, options: ArmOptions) -> ArmTransport:
    """An arm that exists in memory, as the options want it simulated."""
    if options.simulation == 'exact':
        return SimulatedArm(setup.chain, setup.start, speedup=options.speedup)

    return PhysicsArm(setup, speedup=options.speedup)
