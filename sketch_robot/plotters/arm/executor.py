"""Move an arm's pen along segments, paused and stopped on the way where that is wished, and know where it stands.

The way from wherever it stands to its posture over the page is checked to stay clear of the sheet and in the room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import combinations

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.plotters.arm.follower import POLL_S, Follower, Lift, Watch
from sketch_robot.plotters.arm.frames import MM
from sketch_robot.plotters.arm.kinematics import Arrays, follow, forward, frames_of
from sketch_robot.plotters.arm.path import JointPath
from sketch_robot.plotters.arm.postures import is_clear
from sketch_robot.plotters.arm.progress import ArmProgress
from sketch_robot.plotters.arm.retime import JointLimits, retime
from sketch_robot.plotters.arm.segments import Planner, Segment, Timeline
from sketch_robot.plotters.arm.setup import ArmSetup
from sketch_robot.plotters.arm.transport import ArmTransport, JointSample
from sketch_robot.plotters.plotter import PlotterStatus
from sketch_robot.plotters.session import Session

BRAKE_SHARE = 0.95  # of the limits, for coming to rest on request
REPOSITION_SHARE = 0.3  # of the limits, on the way to the page, where nobody has looked what stands around
NEAR = 0.02  # rad or m; joints this near to the posture for their place on the page are in it


class ArmExecutor:
    """Carries a plan out with an arm. One thread moves it.

    Args:
        setup, transport, session: which arm to move, over which connection, by whose wishes.
        watch: when to stop trusting it.
        tell: tells how the drawing stands; by force, or if that was not just done.

    Attributes:
        progress: what becomes of the drawing.
        seen: the joints as last seen; None before the first look.
    """

    def __init__(
        self, setup: ArmSetup, transport: ArmTransport, session: Session, watch: Watch, tell: Callable[[bool], None]
    ) -> None:
        self._setup, self._transport, self._session = setup, transport, session
        chain = setup.chain
        braking = JointLimits(chain.speed, chain.accel).scaled(BRAKE_SHARE)
        self._follower = Follower(transport, chain.names, braking, watch)
        self.progress = ArmProgress()
        self.seen: JointSample | None = None
        self._tell = tell
        self._told: np.ndarray | None = None  # joints at rest, as last commanded

    def begin(self, progress: ArmProgress) -> None:
        """Start something new, with the arm where it is."""
        self.progress = progress

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
        segments, over_page = self._way_home(planner)
        if segments or not over_page:
            self.follow(planner, segments, lift=over_page)

    def approach_s(self, planner: Planner) -> float:
        """How long `go_home` takes from where the arm stands, s."""
        return sum(segment.seconds for segment in self._way_home(planner)[0])

    def _way_home(self, planner: Planner) -> tuple[list[Segment], bool]:
        """The segments over the page's origin, and whether they start over the page, where the pen can be lifted."""
        at = self.place(planner)
        home = np.array([*HOME_MM, self._setup.touch.lift_mm])
        if at is None:
            return reposition(planner, self._joints(), home, planner.limits.scaled(REPOSITION_SHARE)), False
        return [planner.hop(at, home)] if np.abs(at - home).max() > 1e-3 else [], True

    def follow(self, planner: Planner, segments: Sequence[Segment], *, lift: bool = True) -> None:
        """Follow segments to their end, standing paused on the way where that is wished.

        Raises:
            Stopped: on request, the pen lifted.
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        pending = list(segments)
        while pending:
            self.progress.expect(pending)
            self._told = None
            halt = self._follower.follow(
                pending, halt_wanted=self._halt_wanted, on_tick=self._tick, lift=self.lift(planner) if lift else None
            )
            if halt is None:
                self._told = pending[-1].joints_at_end
                return
            segment = pending[halt.segment]
            self._told = segment.path.joints_at(halt.u) if not lift else planner.field.joints_at(halt.now_mm[None])[0]
            self._session.meet()
            self._session.stand_paused(self.stand)
            back = [] if halt.now_mm[2] <= halt.at_mm[2] else [planner.hop(halt.now_mm, halt.at_mm, straight=True)]
            pending = [*back, planner.rest(segment, halt.u), *pending[halt.segment + 1 :]]

    def lift(self, planner: Planner) -> Lift:
        """What lifts the pen straight up from a place on the page."""

        def lift(at_mm: np.ndarray) -> list[Segment]:
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
        self.progress.idle(self._transport.now_s())
        self._tell(False)
        self._transport.wait(POLL_S)
        self.progress.idle(self._transport.now_s())

    def _halt_wanted(self) -> bool:
        return self._session.pause_wanted or self._session.stop_wanted

    def _tick(self, line: Timeline, sample: JointSample) -> None:
        if line.segments[line.index(sample.t_s)].parks and self._session.status == PlotterStatus.DRAWING:
            self.park()
        self.seen = sample
        pen = self._pen(sample.positions)
        self._tell(self.progress.see(line, sample.t_s, pen))

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


RISE_MM = 40.0  # so high above the page the pen is taken before the joints turn
STEPS = 80
MOST_JOINTS = 7  # that are moved one before another: 126 ways
AROUND_MM = 60.0  # around the page, too, the pen stays above its plane
PEN_MM_S = 150.0
PEN_MM_S2 = 500.0


def reposition(planner: Planner, joints: np.ndarray, to_mm: np.ndarray, limits: JointLimits) -> list[Segment]:
    """Segments from joints (n,) to a place (3,) above the page: up along the normal where the pen is low, then turning
    all joints at once.

    Raises:
        SketchRobotError: BAD_GOAL, a link or the pen would pass through the page.
    """
    field = planner.field
    goal = field.joints_at(to_mm[None])[0]
    if np.abs(goal - joints).max() < 1e-9:
        return []
    segments = []
    tip = _tips(planner, joints[None])[0]
    if _over_page(planner, tip[None])[0] and tip[2] < RISE_MM:
        rise = _rise(planner, joints, RISE_MM - tip[2])
        segments.append(_leg(planner, rise, limits))
        joints = rise[-1]
    for through in _ways(joints, goal, _above(planner, to_mm)):
        lines = [np.concatenate([[a], _line(a, b)]) for a, b in zip([joints, *through], through, strict=False)]
        if _is_clear(planner, np.concatenate(lines)):
            return [*segments, *(_leg(planner, line, limits) for line in lines)]
    raise SketchRobotError(
        ErrorCode.BAD_GOAL,
        'from where the arm stands, its way to the page would lead through the sheet; move it by hand until it stands '
        'above the page with its pen up, then try again (a simulated one: set start)',
    )


def _ways(joints: np.ndarray, goal: np.ndarray, above: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Postures to go through, the last the goal: at once; from above; or some joints first, then the others, which
    turns no joint further than it has to."""
    yield [goal]
    yield [above, goal]
    moving = np.flatnonzero(np.abs(above - joints) > 1e-3)[:MOST_JOINTS]
    for count in range(1, len(moving)):
        for first in combinations(moving, count):
            between = joints.copy()
            between[list(first)] = above[list(first)]
            yield [between, above, goal]


def _above(planner: Planner, to_mm: np.ndarray) -> np.ndarray:
    """The posture well above a place, or as high as the arm reaches there."""
    for high in (RISE_MM, 0.5 * RISE_MM, 0.25 * RISE_MM):
        with suppress(SketchRobotError):
            return planner.field.joints_at(np.array([[to_mm[0], to_mm[1], max(to_mm[2], high)]]))[0]
    return planner.field.joints_at(to_mm[None])[0]


def _line(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Joints evenly from a (excluded) to b."""
    return a + (b - a) * np.linspace(0.0, 1.0, STEPS + 1)[1:, None]


def _rise(planner: Planner, joints: np.ndarray, by_mm: float) -> np.ndarray:
    """Joints (N, n) that take the tool straight up along the page's normal, as it is turned."""
    here = planner.field.situation
    arm = Arrays.of(here.chain)
    targets = np.repeat(forward(here.chain, joints)[None], STEPS, axis=0)
    targets[:, :3, 3] += np.linspace(0.0, by_mm * MM, STEPS)[:, None] * here.page.normal
    out = np.empty((STEPS, len(joints)))
    reached = np.empty(1, dtype=bool)
    at = joints
    for k in range(STEPS):
        follow(
            arm.origins, arm.axes, arm.sliding, arm.tip, targets[k : k + 1], at[None].copy(), not here.can_turn,
            here.angle, out[k : k + 1], reached,
        )  # fmt: skip
        at = out[k]
        if not reached[0] or (at < here.chain.lower).any() or (at > here.chain.upper).any():
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                'the arm cannot lift its pen straight off the page from where it stands; lift it by hand',
            )
    return out


def _tips(planner: Planner, joints: np.ndarray) -> np.ndarray:
    here = planner.field.situation
    return here.page.to_page(forward(here.chain, joints)[:, :3, 3])


def _over_page(planner: Planner, tips_mm: np.ndarray) -> np.ndarray:
    size = np.array(planner.field.situation.size_mm)
    return ((tips_mm[:, :2] > -AROUND_MM) & (tips_mm[:, :2] < size + AROUND_MM)).all(axis=1)


def _is_clear(planner: Planner, way: np.ndarray) -> bool:
    """Whether neither the pen nor a link comes to the sheet; the very start may be as low as it is."""
    here = planner.field.situation
    arm = Arrays.of(here.chain)
    tips = _tips(planner, way)
    least = min(float(tips[0, 2]), float(tips[-1, 2]), planner.touch.lift_mm) - 0.5
    if (_over_page(planner, tips) & (tips[:, 2] < least)).any():
        return False
    frames = np.empty((len(arm.axes) + 1, 4, 4))
    for q in way:
        frames_of(arm.origins, arm.axes, arm.sliding, arm.tip, q, frames)
        if not is_clear(frames, here.scene, *here.size_m):
            return False
    return True


def _leg(planner: Planner, joints: np.ndarray, limits: JointLimits) -> Segment:
    path = JointPath(_tips(planner, joints), joints, np.full(len(joints), PEN_MM_S), PEN_MM_S2, np.zeros(len(joints)))
    return Segment(path, retime(path, limits), limits=limits)
