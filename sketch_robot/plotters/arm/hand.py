"""Move an arm's pen along legs, paused and stopped on the way where that is wished, and know where it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.plotters.arm.follower import POLL_S, Follower, Lift, Watch
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.plotters.arm.legs import Leg, Planner
from sketch_robot.plotters.arm.reposition import reposition
from sketch_robot.plotters.arm.retime import JointLimits
from sketch_robot.plotters.arm.setup import ArmSetup
from sketch_robot.plotters.arm.timeline import Timeline
from sketch_robot.plotters.arm.trajectory import JointSample
from sketch_robot.plotters.arm.transport import ArmTransport
from sketch_robot.plotters.arm.witness import Witness
from sketch_robot.plotters.plotter import PlotterStatus, Progress
from sketch_robot.plotters.session import Session

BRAKE_SHARE = 0.95  # of the limits, for coming to rest on request
PROGRESS_S = 0.05  # machine seconds; how often progress is reported
REPOSITION_SHARE = 0.3  # of the limits, on the way to the page, where nobody has looked what stands around
NEAR = 0.02  # rad or m; joints this near to the posture for their place on the page are in it


class ArmHand:
    """See the module. One thread moves it.

    Args:
        setup, transport, session: which arm to move, over which connection, by whose wishes.
        watch: when to stop trusting it.

    Attributes:
        witness: what becomes of the drawing.
        seen: the joints as last seen; None before the first look.
    """

    def __init__(self, setup: ArmSetup, transport: ArmTransport, session: Session, watch: Watch) -> None:
        self._setup, self._transport, self._session = setup, transport, session
        chain = setup.chain
        braking = JointLimits(chain.speed, chain.accel).scaled(BRAKE_SHARE)
        self._follower = Follower(transport, chain.names, braking, watch)
        self.witness = Witness()
        self.seen: JointSample | None = None
        self._on_progress: Callable[[Progress], None] | None = None
        self._reported_s = 0.0
        self._told: np.ndarray | None = None  # joints at rest, as last commanded

    def begin(self, witness: Witness, on_progress: Callable[[Progress], None] | None = None) -> None:
        """Start something new, with the arm where it is."""
        self.witness, self._on_progress = witness, on_progress

    def take_pen(self, name: str) -> None:
        """Tell a simulation which pen a person has put in."""
        paper = self._transport.paper
        if paper is not None:
            paper.take_pen(name)

    def get_to_know(self) -> None:
        """Look at an arm that was just connected; wherever it was told to be before no longer counts.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        self.look()
        self._told = None

    # ------------------------------------------------------------- movements
    def go_home(self, planner: Planner) -> None:
        """Bring the lifted pen over the page's origin, from wherever the arm stands.

        Raises:
            Stopped: on request.
            SketchRobotError: BAD_GOAL, there is no safe way there; PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        at = self.place(planner)
        home = np.array([*HOME_MM, self._setup.touch.lift_mm])
        if at is None:
            legs = reposition(planner, self._joints(), home, planner.limits.scaled(REPOSITION_SHARE))
            self.follow(planner, legs, lift=False)
        elif np.abs(at - home).max() > 1e-3:
            self.follow(planner, [planner.hop(at, home)])

    def follow(self, planner: Planner, legs: Sequence[Leg], *, lift: bool = True) -> None:
        """Follow legs to their end, standing paused on the way where that is wished.

        Raises:
            Stopped: on request, the pen lifted.
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        pending = list(legs)
        while pending:
            self.witness.expect(pending)
            self._told = None
            halt = self._follower.follow(
                pending, halt_wanted=self._halt_wanted, on_tick=self._tick, lift=self.lift(planner) if lift else None
            )
            if halt is None:
                self._told = pending[-1].joints_at_end
                return
            leg = pending[halt.leg]
            self._told = leg.path.joints_at(halt.u) if not lift else planner.field.joints_at(halt.now_mm[None])[0]
            self._session.meet()
            self._session.stand_paused(self.stand)
            back = [] if halt.now_mm[2] <= halt.at_mm[2] else [planner.hop(halt.now_mm, halt.at_mm, straight=True)]
            pending = [*back, planner.rest(leg, halt.u), *pending[halt.leg + 1 :]]

    def lift(self, planner: Planner) -> Lift:
        """What lifts the pen straight up from a place on the page."""

        def lift(at_mm: np.ndarray) -> list[Leg]:
            high = self._setup.touch.lift_mm
            if at_mm[2] >= high - 1e-6:
                return []
            return [planner.hop(at_mm, np.array([at_mm[0], at_mm[1], high]), straight=True)]

        return lift

    def park(self) -> None:
        """From here on there is nothing left to stop or pause."""
        self._session.set_status(PlotterStatus.PARKING)
        self._session.forget_wishes()

    def stand(self) -> None:
        """One look around while standing paused."""
        self.look()
        self.witness.idle(self._transport.now_s())
        self.report()
        self._transport.wait(POLL_S)
        self.witness.idle(self._transport.now_s())

    def _halt_wanted(self) -> bool:
        return self._session.pause_wanted or self._session.stop_wanted

    def _tick(self, line: Timeline, sample: JointSample) -> None:
        if line.legs[line.index(sample.t_s)].parks and self._session.status == PlotterStatus.DRAWING:
            self.park()
        self.seen = sample
        pen = self._pen(sample.positions)
        if self.witness.see(line, sample.t_s, pen) or self._transport.now_s() - self._reported_s >= PROGRESS_S:
            self.report()

    # ------------------------------------------------------------- where it stands
    def place(self, planner: Planner) -> np.ndarray | None:
        """The pen's place over the page, (3,) mm, when the joints are in the field's posture for it; else None.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        joints = self._joints()
        at = planner.field.place_of(joints)
        size = planner.field.situation.size_mm
        if (at[:2] < -0.01).any() or (at[:2] > np.array(size) + 0.01).any() or not -5.0 < at[2] < 100.0:
            return None
        at[:2] = np.clip(at[:2], 0.0, size)
        try:
            off = np.abs(planner.field.joints_at(at[None])[0] - joints).max()
        except SketchRobotError:  # over the page, but not in a posture that it is drawn in
            return None
        return at if off < NEAR else None

    def here(self, planner: Planner) -> np.ndarray:
        """The pen's place, of an arm that this drawing has moved.

        Raises:
            SketchRobotError: PLOTTER_ALARM, something else has moved it; PLOTTER_OFFLINE.
        """
        at = self.place(planner)
        if at is None:
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM, 'the arm is not where it was told to be; look what moved it, then home it'
            )
        return at

    def look(self) -> JointSample:
        """The joints' latest word, which can be used.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        self.seen = self._transport.sample()
        self._follower.check_word(self.seen)
        return self.seen

    def report(self) -> None:
        """Tell whoever wanted to know where the drawing stands."""
        self._reported_s = self._transport.now_s()
        if self._on_progress is not None:
            self._on_progress(self.witness.progress())

    def _joints(self) -> np.ndarray:
        """Where the joints were told to be, as far as they are there: a movement starts where the last one ended."""
        sample = self.look()
        if self._told is not None and np.abs(sample.positions - self._told).max() <= NEAR:
            return self._told
        return sample.positions

    def _pen(self, joints: np.ndarray) -> np.ndarray:
        """Where on the page the pen is, (3,) mm, and how high or how deep pressed."""
        setup = self._setup
        return setup.pose.untip(setup.page.to_page(forward(setup.chain, joints)[:3, 3]))
