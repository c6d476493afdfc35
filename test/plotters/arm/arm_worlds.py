"""Arms, pages and plans to test with."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from sketch_robot.files import share_folder
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, time_plan
from sketch_robot.plotters.arm import ArmOptions, ArmPlotter, JointSample, JointTrajectory
from sketch_robot.plotters.arm.chain import Chain
from sketch_robot.plotters.arm.field import PostureField, Workcell
from sketch_robot.plotters.arm.frames import PageFrame, PenPose, page_at
from sketch_robot.plotters.arm.model_file import load_urdf, read_urdf
from sketch_robot.plotters.arm.postures import find_postures
from sketch_robot.plotters.arm.simulation import SimulatedArm
from sketch_robot.stroke import Stroke

SAMPLE = share_folder() / 'config' / 'arm' / 'sample_arm.urdf'
CARD = Page(60.0, 80.0, 5.0, 'card')
A5 = Page(148.0, 210.0, 10.0, 'A5')
PROFILE = MachineLimits('arm', 80.0, 600.0, 200.0, 1500.0)
FLAT = {'xyz': [0.30, 0.03, 0.0], 'rpy': [0.0, 0.0, -math.pi / 2]}
PAGES = {  # where the card lies before the sample arm
    'flat': FLAT,
    'turned': {'xyz': [0.30, -0.03, 0.02], 'rpy': [0.0, 0.0, 0.4]},
    'tilted': {'xyz': [0.30, 0.03, 0.05], 'rpy': [0.5, 0.0, -math.pi / 2]},
    'wall': {'xyz': [0.50, 0.03, 0.25], 'rpy': [math.pi / 2, 0.0, -math.pi / 2]},
}


def joint(name: str, parent: str, child: str, xyz: str, axis: str, *, kind: str = 'revolute', limit: str = '') -> str:
    """One joint of a URDF; links are made by `robot`."""
    ends = limit or '<limit lower="-2.9" upper="2.9" effort="10" velocity="3"/>'
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}"/><axis xyz="{axis}"/>{"" if kind == "fixed" else ends}</joint>'
    )


def robot(*joints: str, links: str = 'abcdefghij') -> str:
    """A URDF with links named by single letters."""
    made = ''.join(f'<link name="{link}"/>' for link in links)
    return f'<robot name="toy">{made}{"".join(joints)}</robot>'


def fixed(name: str, parent: str, child: str, xyz: str, rpy: str = '0 0 0') -> str:
    """A fixed joint of a URDF."""
    return (
        f'<joint name="{name}" type="fixed"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}" rpy="{rpy}"/></joint>'
    )


SLIDE = '<limit lower="-0.4" upper="0.4" effort="10" velocity="0.5"/>'
TOYS = {  # pen straight down over a table
    'scara': robot(
        joint('q1', 'a', 'b', '0 0 0.2', '0 0 1'), joint('q2', 'b', 'c', '0.25 0 0', '0 0 1'),
        joint('q3', 'c', 'd', '0.2 0 0', '0 0 1', kind='prismatic', limit=SLIDE),
        joint('q4', 'd', 'e', '0 0 0', '0 0 1', limit='<limit lower="-6" upper="6" effort="1" velocity="6"/>'),
        fixed('pen', 'e', 'f', '0 0 -0.15', '3.141592653589793 0 0'),
    ),
    'gantry': robot(
        joint('x', 'a', 'b', '0.35 0 0.3', '1 0 0', kind='prismatic', limit=SLIDE),
        joint('y', 'b', 'c', '0 0 0', '0 1 0', kind='prismatic', limit=SLIDE),
        joint('z', 'c', 'd', '0 0 0', '0 0 1', kind='prismatic', limit=SLIDE),
        fixed('pen', 'd', 'f', '0 0 -0.3', '3.141592653589793 0 0'),
    ),
    'five axes': robot(
        joint('q1', 'a', 'b', '0 0 0.1', '0 0 1'), joint('q2', 'b', 'c', '0 0 0.15', '0 1 0'),
        joint('q3', 'c', 'd', '0 0 0.25', '0 1 0'), joint('q4', 'd', 'e', '0.25 0 0', '0 1 0'),
        joint('q5', 'e', 'g', '0.06 0 0', '1 0 0'), fixed('pen', 'g', 'f', '0.08 0 0', '0 1.5707963267948966 0'),
    ),
    'seven axes': robot(
        joint('q1', 'a', 'b', '0 0 0.2', '0 0 1'), joint('q2', 'b', 'c', '0 0 0.1', '0 1 0'),
        joint('q3', 'c', 'd', '0 0 0.2', '0 0 1'), joint('q4', 'd', 'e', '0 0 0.1', '0 1 0'),
        joint('q5', 'e', 'g', '0 0 0.2', '0 0 1'), joint('q6', 'g', 'h', '0 0 0.1', '0 1 0'),
        joint('q7', 'h', 'i', '0 0 0.05', '0 0 1'), fixed('pen', 'i', 'f', '0.03 0 0.08', '0 0.4 0'),
    ),
}  # fmt: skip


@cache
def sample_chain() -> Chain:
    """The sample arm with an acceleration limit of 15 rad/s^2."""
    chain = load_urdf(SAMPLE, tool='pen_tip')
    return chain.limited({name: {'acceleration': 15.0} for name in chain.names})


@cache
def toy(name: str) -> Chain:
    """One of `TOYS`."""
    chain = read_urdf(TOYS[name], tool='f')
    return chain.limited(
        {joint.name: {'acceleration': 15.0 if joint.kind == 'revolute' else 5.0} for joint in chain.joints}
    )


@cache
def field_of(arm: str = 'sample', place: str = 'flat', tilt_deg: float = 0.0, towards_deg: float = 0.0) -> PostureField:
    """The field of an arm over the card; it must have one."""
    chain = sample_chain() if arm == 'sample' else toy(arm)
    pose = PenPose(math.radians(tilt_deg), math.radians(towards_deg))
    found = find_postures(Workcell(chain, frame(place), (CARD.width_mm, CARD.height_mm), pose))
    assert found is not None
    return found


def frame(place: str = 'flat') -> PageFrame:
    """Where the card lies."""
    return page_at(PAGES[place]['xyz'], PAGES[place]['rpy'])


def plan_of(*strokes: Any, page: Page = CARD, profile: MachineLimits = PROFILE) -> DrawingPlan:
    """A plan of strokes in mm."""
    made = tuple(Stroke(np.array(xy, dtype=float)) for xy in strokes)
    stroke_s, return_s = time_plan(made, profile)
    return DrawingPlan(made, page, profile, stroke_s, return_s)


def arm_plotter(**options: Any) -> ArmPlotter:
    """The sample arm before a card, as fast as this computer can, not yet connected."""
    start = [0.0, -0.5, 0.0, 0.0, 0.5, 0.0]
    made = {'page': FLAT, 'acceleration': 15.0, 'speedup': math.inf, 'start': start, 'sheet': '60x80', **options}
    transport = made.pop('transport', None)
    plotter = ArmPlotter(ArmOptions(**made), transport=transport)
    if not set(options) - {'transport', 'start', 'speedup'}:
        plotter._sheets.fields[CARD.width_mm, CARD.height_mm] = field_of()  # found once for all tests
    return plotter


def circle(x: float, y: float, radius: float, points: int = 40) -> np.ndarray:
    """A closed circle."""
    angle = np.linspace(0.0, 2.0 * np.pi, points + 1)
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])


def dense(xy: np.ndarray, step_mm: float = 0.02) -> np.ndarray:
    """A polyline sampled closely."""
    if len(xy) < 2:
        return xy
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.union1d(np.arange(0.0, along[-1], step_mm), along)
    return np.column_stack([np.interp(at, along, xy[:, k]) for k in (0, 1)])


class Recorder(SimulatedArm):
    """A simulated arm that keeps what it was told at every millisecond, and can be made to fail.

    Attributes:
        times_s, positions, velocities, accelerations: rows by millisecond, as lists until `rows` is called.
        sent: trajectories.
        fault: changes a sample before it is handed out, or raises.
        on_wait: called before each wait.
    """

    def __init__(self, chain: Chain, start: np.ndarray) -> None:
        super().__init__(chain, start, speedup=math.inf)
        self.told: list[np.ndarray] = []
        self.sent: list[JointTrajectory] = []
        self.holds = 0
        self.fault: Callable[[JointSample], JointSample] | None = None
        self.on_wait: Callable[[], object] | None = None

    def send(self, trajectory: JointTrajectory) -> None:
        self.sent.append(trajectory)
        super().send(trajectory)

    def hold(self) -> None:
        self.holds += 1
        super().hold()

    def sample(self) -> JointSample:
        sample = super().sample()
        return sample if self.fault is None else self.fault(sample)

    def wait(self, seconds: float) -> None:
        if self.on_wait is not None:
            self.on_wait()
        super().wait(seconds)

    def advance(self, seconds: float) -> None:
        if self._trajectory is not None:
            ticks = np.arange(math.ceil(self._now_s * 1000), math.floor((self._now_s + seconds) * 1000) + 1) / 1000
            ticks = ticks[ticks >= self._trajectory.times_s[0]]
            rows = [ticks[:, None], *(self._trajectory.at(ticks, order=order) for order in range(3))]
            self.told.append(np.hstack(rows))
        super().advance(seconds)

    def rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Times (N,), positions, velocities, accelerations (N, n)."""
        told = np.concatenate(self.told)
        n = (told.shape[1] - 1) // 3
        return told[:, 0], told[:, 1 : n + 1], told[:, n + 1 : 2 * n + 1], told[:, 2 * n + 1 :]


def recorded(**options: Any) -> tuple[ArmPlotter, Recorder]:
    """The sample arm before a card, connected, with a recorder for its transport."""
    setup = arm_plotter(**options).setup
    transport = Recorder(setup.chain, setup.start)
    plotter = arm_plotter(transport=transport, **options)
    plotter.connect()
    return plotter, transport
