"""Any serial arm as a plotter: strokes become joint trajectories, planned and checked whole before the first move."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page, parse_page
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.motion.profile import PenProfile
from sketch_robot.plotters.arm.drawing import draw_and_park
from sketch_robot.plotters.arm.follower import Watch
from sketch_robot.plotters.arm.hand import ArmHand
from sketch_robot.plotters.arm.legs import Planner
from sketch_robot.plotters.arm.resume import what_is_left
from sketch_robot.plotters.arm.retime import JointLimits
from sketch_robot.plotters.arm.setup import ArmSetup, is_mjcf, make_setup
from sketch_robot.plotters.arm.sheets import Sheets
from sketch_robot.plotters.arm.simulation import SimulatedArm
from sketch_robot.plotters.arm.trajectory import JointSample
from sketch_robot.plotters.arm.transport import ArmTransport
from sketch_robot.plotters.arm.urdf import read_text
from sketch_robot.plotters.arm.witness import Witness
from sketch_robot.plotters.checks import check_plan
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.remainder import Remainder
from sketch_robot.plotters.session import Session, Stopped

_log = logging.getLogger(__name__)


class ArmPlotter(Plotter):
    """See the module.

    Args:
        model: the arm's URDF or MJCF (.xml): a path, or a file among the package's configuration.
        tool: its frame at the pen's tip, z along the pen towards the paper.
        base: its frame that the page is placed in; '': the root.
        page: where the sheet lies, in the base frame, metres: {xyz, rpy} of its lower left corner, or three taught
            {points}: the lower left corner, one on the lower edge right of it, one above that edge.
        sheet: its size, until a plan says which; see `parse_page`.
        joint_limits: by joint, any of lower, upper, velocity, acceleration: tighter than, or missing in, the model.
        velocity, acceleration: limits of every joint that has no other, rad/s and rad/s^2 or m/s and m/s^2; 0: none.
        limit_share: share of the joints' speed and acceleration limits that movements use.
        limit_margin: share of each joint's range that stays unused at both ends.
        tilt_deg, tilt_towards_deg: the pen's angle to the normal, and where it leans, from the page's x axis.
        lift_mm: how high the pen hops.
        approach_mm_s: how fast it comes down on the paper.
        contact_mm: how far its holder goes below the paper, for its spring to press.
        lightest_press_mm, firmest_press_mm: ... where a plan says how firmly.
        astray: how far a joint may be from where it should be before the arm is stopped, rad or m.
        simulation: 'exact', or 'physics' (needs MuJoCo); how the arm is simulated when there is no transport.
        start: where a simulated arm is at first: its joints.
        speedup: machine seconds in a wall-clock second, of a simulated arm; infinite: as fast as this computer can.
        reach_picture: where to write the picture of the reachable area when the page lies out of reach; '': the
            folder for temporary files.
        transport: to a real arm.

    Raises:
        SketchRobotError: BAD_GOAL, an option or the model is unusable.
    """

    def __init__(
        self,
        *,
        model: str = 'arm/sample_arm.urdf',
        tool: str = 'pen_tip',
        base: str = '',
        page: Any = None,
        sheet: str = 'A5',
        joint_limits: Any = None,
        velocity: float = 0.0,
        acceleration: float = 0.0,
        limit_share: float = 0.8,
        limit_margin: float = 0.02,
        tilt_deg: float = 0.0,
        tilt_towards_deg: float = 0.0,
        lift_mm: float = 4.0,
        approach_mm_s: float = 40.0,
        contact_mm: float = 0.6,
        lightest_press_mm: float = 0.3,
        firmest_press_mm: float = 1.2,
        astray: float = 0.05,
        simulation: str = 'exact',
        start: Any = None,
        speedup: float = 1.0,
        reach_picture: str = '',
        transport: ArmTransport | None = None,
    ) -> None:
        touch = {
            'lift_mm': lift_mm, 'approach_mm_s': approach_mm_s, 'offset_mm': contact_mm,
            'lightest_mm': lightest_press_mm, 'firmest_mm': firmest_press_mm,
        }  # fmt: skip
        self._setup = make_setup(
            model=model, tool=tool, base=base, page=page, joint_limits=joint_limits, velocity=velocity,
            acceleration=acceleration,
            tilt_deg=tilt_deg, tilt_towards_deg=tilt_towards_deg, touch=touch, limit_share=limit_share,
            margin=limit_margin, start=start,
        )  # fmt: skip
        self._sheet = parse_page(sheet)
        self._transport = transport or _simulated(simulation, self._setup, speedup)
        chain = self._setup.chain
        self._limits = JointLimits(chain.speed, chain.accel).scaled(limit_share)
        self._session = Session('arm', lambda: None)
        self._hand = ArmHand(self._setup, self._transport, self._session, Watch(astray=astray))
        self._sheets = Sheets(self._setup, reach_picture)
        self._profile = PenProfile()

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
        return self._hand.seen

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
    def status(self) -> PlotterStatus:
        """What the arm is doing now."""
        return self._session.status

    @property
    def reason(self) -> str:
        """Why it is PAUSED, in ALARM or OFFLINE, for a person."""
        return self._session.reason

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._hand.witness.progress()

    # ------------------------------------------------------------- commands
    def connect(self) -> None:
        """Open the arm; afterwards it is IDLE. Connecting twice is harmless.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it does not answer.
        """
        if self._session.status != PlotterStatus.OFFLINE:
            return
        self._transport.connect()
        self._hand.get_to_know()
        self._session.set_status(PlotterStatus.IDLE)

    def home(self) -> None:
        """Lift the pen and hold it over the page's origin; clears an alarm.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; BUSY; BAD_GOAL, there is no safe way there; PLOTTER_ALARM.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE, PlotterStatus.ALARM):
            planner = self._planner(self._sheet)
            self._hand.begin(Witness())
            try:
                self._hand.go_home(planner)
            except Stopped:
                _log.info('homing was stopped')

    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY; BAD_GOAL, it is not over the page.
        """
        with self._session.moving(PlotterStatus.HOMING, PlotterStatus.IDLE):
            planner = self._planner(self._sheet)
            at = self._hand.place(planner)
            if at is None:
                raise SketchRobotError(ErrorCode.BAD_GOAL, 'the pen is not over the page; home the arm first')
            depth = -self._setup.touch.offset_mm if down else self._setup.touch.lift_mm
            if (at[2] <= 0.0) != down:
                self._hand.follow(planner, [planner.hop(at, np.array([at[0], at[1], depth]), straight=True)])

    def draw(
        self,
        plan: DrawingPlan,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        journal: Journal | None = None,
    ) -> Outcome:
        """Draw the whole plan, then lift the pen and go home; see `Plotter.draw`.

        The arm's reach over the whole page and every movement are checked before the first one.

        Raises:
            SketchRobotError: OFF_PAGE, NOTHING_TO_DRAW; BAD_GOAL, the page lies out of reach (the message says where a
                picture of the reachable area is) or the arm stands where there is no safe way to it; PLOTTER_OFFLINE,
                PLOTTER_ALARM, BUSY.
        """
        check_plan(plan)
        with self._session.moving(PlotterStatus.DRAWING, PlotterStatus.IDLE):
            self._sheet, self._profile = plan.page, plan.profile
            planner = self._planner(plan.page)
            planned = planner.drawing(plan, (*HOME_MM, self._setup.touch.lift_mm))
            rest = Remainder(plan)
            if journal is not None:
                rest = what_is_left(plan, planner, journal, self._hand.place(planner))
            if rest.plan is not plan:
                planned = planner.drawing(rest.plan, (*HOME_MM, self._setup.touch.lift_mm))
            self._hand.begin(Witness(rest, planned, journal, self._transport.now_s()), on_progress)
            paper = Paper(plan.page, plan.profile.pen_width_mm, plan.pens)
            paper.take_pen(rest.plan.strokes[0].pen)
            width_mm = self._setup.touch.width_mm(plan.profile) if plan.profile.presses else None
            self._transport.take_sheet(paper, self._setup.page, self._setup.pose, width_mm)
            finished = draw_and_park(planner, rest, planned, self._hand, self._session)
            if finished and journal is not None:
                journal.finish()
            return self._hand.witness.outcome(finished)

    def pause(self) -> None:
        """Brake on the path, lift the pen and stand still until `resume`. Without a drawing it does nothing."""
        self._session.want_pause()

    def resume(self) -> None:
        """Put the pen down where it was lifted and go on."""
        self._session.want_resume()

    def stop(self) -> None:
        """End the drawing: brake on the path, lift the pen and go home."""
        self._session.want_stop()

    def close(self) -> None:
        """Lift the pen, let the arm go; afterwards it is OFFLINE. A drawing ends first, without parking."""
        if not self._session.want_close() or self._session.status == PlotterStatus.OFFLINE:
            return
        try:
            if self._session.status == PlotterStatus.IDLE and self._sheets.fields:
                self._raise_if_down()
        except SketchRobotError as error:
            _log.warning('the pen could not be lifted: %s', error.message)
        finally:
            self._session.set_status(PlotterStatus.OFFLINE)
            self._transport.close()

    def _raise_if_down(self) -> None:
        planner = self._planner(self._sheet)
        at = self._hand.place(planner)
        if at is not None and at[2] <= 0.0:
            with self._session.moving(PlotterStatus.PARKING, PlotterStatus.IDLE):
                self._hand.follow(planner, self._hand.lift(planner)(at))

    # ------------------------------------------------------------- reach
    def check_reach(self, page: Page) -> None:
        """Find a posture for every point of a page, once.

        Raises:
            SketchRobotError: BAD_GOAL, the arm does not reach all of it; the message says where the picture is.
        """
        self._sheets.field(page)

    def _planner(self, page: Page) -> Planner:
        return Planner(self._sheets.field(page), self._limits, self._profile, self._setup.touch)


def _simulated(simulation: str, setup: ArmSetup, speedup: float) -> ArmTransport:
    if isinstance(speedup, bool) or not isinstance(speedup, int | float) or not speedup > 0.0:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'a speed-up of {speedup!r} is not possible; it must be positive')
    if simulation == 'exact':
        return SimulatedArm(setup.chain, setup.start, speedup=speedup)
    if simulation == 'physics':
        from sketch_robot.plotters.arm.physics import PhysicsArm

        return PhysicsArm(setup, speedup=speedup)
    raise SketchRobotError(ErrorCode.BAD_GOAL, f"there is no simulation {simulation!r}; choose 'exact' or 'physics'")
