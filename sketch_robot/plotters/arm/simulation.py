"""Arms that exist in memory: one that follows every trajectory exactly, and one in MuJoCo.

The latter has masses, joint servos, and a pen on a spring. Each joint has a position servo with speed fed forward, as
controllers of industrial arms have, and the weight of the links is compensated. The pen slides in its holder against a
spring and rubs on the paper; what is on paper is where its tip touched it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.motion.safe_xml import parse_xml
from sketch_robot.plotters.arm.chain import Chain
from sketch_robot.plotters.arm.frames import MM, PageFrame, PenPose, quaternion
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.plotters.arm.model_file import import_mujoco, load_spec, read_text, weighed
from sketch_robot.plotters.arm.setup import ArmSetup, is_mjcf
from sketch_robot.plotters.arm.transport import ArmTransport, JointSample, JointTrajectory, LineWidth
from sketch_robot.plotters.paper import Paper
from sketch_robot.plotters.simulation.mover import Pace

STEP_S = 0.002  # machine seconds between two looks at the pen
GIVES_MM = 60.0  # a tip deeper than that has not come from above, and presses on nothing
UPRIGHT = 0.2  # cosine of the pen to the normal; one that lies flatter does not write
PHYSICS_STEP_S = 0.001
SERVO_HZ = 15.0  # natural frequency of each joint's servo; small industrial arms reach 10 to 20
DAMPING_RATIO = 1.0
ROTOR = 0.02  # kg m^2 or kg, seen at the joint: motors behind gears are not light
PEN_KG = 0.006
PEN_STROKE_M = 0.008  # how far the pen slides into its holder
SPRING_N_M = 150.0
PRELOAD_N = 0.15  # of a fine liner on paper: 0.15 N touching, 0.24 N pressed in by 0.6 mm
SPRING_DAMPING = 2.0  # N s/m
TIP_RADIUS_M = 0.25e-3
FRICTION = 0.25  # felt or steel on paper
PAPER_M = 0.001  # half thickness of the pad
WET_M = 0.03e-3  # ink bridges a gap as narrow as that
_PEN_BIT, _LINK = 1, 2  # who may touch whom
_PEN, _TIP, _PAPER = 'sketch_robot_pen', 'sketch_robot_tip', 'sketch_robot_paper'
mujoco = import_mujoco()


class SimulatedSheet:
    """A sheet of paper before an arm, and the ink that its pen leaves.

    Args:
        paper: for the ink.
        page: where it lies.
        width_mm: of the line by depth; None: the pen's.
    """

    def __init__(self, paper: Paper, page: PageFrame, width_mm: LineWidth | None = None) -> None:
        self.paper = paper
        self.page = page
        self._width_mm = width_mm
        self._down = False

    def mark(self, xy_mm: np.ndarray, touching: np.ndarray, depth_mm: np.ndarray) -> None:
        """Draw where a pen has been.

        Args:
            xy_mm: (N, 2).
            touching: (N,) bool; whether it touched the paper there.
            depth_mm: (N,); how far its holder was below the paper.
        """
        widths = None if self._width_mm is None else self._width_mm(depth_mm)
        edges = [0, *(np.flatnonzero(np.diff(touching.astype(np.int8))) + 1).tolist(), len(touching)]
        for first, last in pairwise(edges):
            if not touching[first]:
                if self._down:
                    self.paper.lift()
                self._down = False
                continue
            if not self._down:
                self.paper.touch(xy_mm[first], None if widths is None else float(widths[first]))
            part = slice(first if self._down else first + 1, last)
            self.paper.ink(xy_mm[part], None if widths is None else widths[part])
            self._down = True


class SimulatedArm(ArmTransport):
    """Simulates an arm that follows its trajectory exactly.

    Args:
        chain: the arm.
        start: (n,) float64; where its joints are at first.
        speedup: machine seconds in a wall-clock second; infinite: as fast as this computer can.
    """

    lead_s = 0.02

    def __init__(self, chain: Chain, start: np.ndarray, *, speedup: float = 1.0) -> None:
        self._chain = chain
        self._pace = Pace(speedup)
        self._nothing = threading.Event()
        self._now_s = 0.0
        self._position = np.array(start, dtype=np.float64)
        self._trajectory: JointTrajectory | None = None
        self._sheet: SimulatedSheet | None = None
        self._pose = PenPose()
        self.on_step: Callable[[], None] | None = None

    @property
    def paper(self) -> Paper | None:
        """The sheet of the current or last drawing."""
        return None if self._sheet is None else self._sheet.paper

    def take_sheet(self, paper: Paper, page: PageFrame, pose: PenPose, width_mm: LineWidth | None = None) -> None:
        """Lay a fresh sheet."""
        self._sheet, self._pose = SimulatedSheet(paper, page, width_mm), pose

    def connect(self) -> None:
        """Nothing is to be done."""
        self._pace.restart()

    def close(self) -> None:
        """Hold."""
        self._trajectory = None

    def now_s(self) -> float:
        """Machine seconds that were waited for."""
        return self._now_s

    def send(self, trajectory: JointTrajectory) -> None:
        """Follow it from now on."""
        self._trajectory = trajectory

    def hold(self) -> None:
        """Stop dead."""
        self._trajectory = None

    def sample(self) -> JointSample:
        """The joints now."""
        if self._trajectory is None:
            return JointSample(self._now_s, self._position.copy(), np.zeros_like(self._position))
        return JointSample(self._now_s, self._position.copy(), self._trajectory.at(np.array([self._now_s]), order=1)[0])

    def wait(self, seconds: float) -> None:
        """Let machine time pass, the arm moving meanwhile."""
        left = seconds
        while left > 1e-12:
            taken = self._pace.take(left)
            if taken == 0.0:
                self._pace.wait(self._nothing)
                continue
            self.advance(taken)
            left -= taken

    def advance(self, seconds: float) -> None:
        """Move on by machine seconds at once."""
        times = self._now_s + np.linspace(0.0, seconds, max(1, int(np.ceil(seconds / STEP_S - 1e-9))) + 1)[1:]
        self._now_s += seconds
        if self._trajectory is not None and self._trajectory.times_s[0] <= times[-1]:
            self._position = self._trajectory.at(times[-1:])[0]
            moving = self._trajectory.at(times[times >= self._trajectory.times_s[0]])
        else:
            moving = self._position[None]
        if self._sheet is not None:
            tools = forward(self._chain, moving)
            tip, along = (
                self._sheet.page.to_page(tools[:, :3, 3]),
                tools[:, :3, 2] @ self._sheet.page.base_from_page[:3, :3],
            )
            at_paper = tip - (tip[:, 2:] / np.minimum(along[:, 2:], -UPRIGHT)) * along  # it gives way along the pen
            size = self._sheet.paper.page.width_mm, self._sheet.paper.page.height_mm
            over = ((at_paper[:, :2] >= 0.0) & (at_paper[:, :2] <= size)).all(axis=1)  # elsewhere it may be lower
            pressed = (tip[:, 2] <= 0.0) & (tip[:, 2] > -GIVES_MM) & (along[:, 2] < -UPRIGHT)
            self._sheet.mark(at_paper[:, :2], pressed & over, -tip[:, 2])


class PhysicsArm(SimulatedArm):
    """Simulates an arm with its masses and motors. A `SimulatedArm` whose joints obey physics.

    Args:
        setup: the arm and its page.
        speedup: machine seconds in a wall-clock second.

    Raises:
        SketchRobotError: BAD_GOAL, MuJoCo cannot make a model of the arm.

    Attributes:
        bumps: how many looks, one in each `advance`, saw a link touch another one or the paper.
    """

    def __init__(self, setup: ArmSetup, *, speedup: float = 1.0) -> None:
        super().__init__(setup.chain, setup.start, speedup=speedup)
        self._setup = setup
        self.bumps = 0
        self._load(setup.page, Page(500.0, 500.0))

    def take_sheet(self, paper: Paper, page: PageFrame, pose: PenPose, width_mm: LineWidth | None = None) -> None:
        """Lay a fresh sheet."""
        super().take_sheet(paper, page, pose, width_mm)
        self._load(page, paper.page)

    def _load(self, page: PageFrame, sheet: Page) -> None:
        """Make the world with a sheet in it, the arm as it stands."""
        chain = self._chain
        try:
            model = _model(self._setup, page, sheet)
        except (ValueError, KeyError) as error:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'MuJoCo cannot make a model of the arm: {" ".join(str(error).split())[:300]}'
            ) from error
        data = mujoco.MjData(model)
        self._joints = np.array([model.joint(name).qposadr[0] for name in chain.names])
        self._speeds = np.array([model.joint(name).dofadr[0] for name in chain.names])
        data.qpos[self._joints] = self._position
        mujoco.mj_forward(model, data)
        _tune(model, data, self._speeds)
        self._model, self._data, self._look = model, data, mujoco.MjData(model)
        self._links = (model.geom_contype == _LINK) & (np.arange(model.ngeom) != model.geom(_PAPER).id)
        self._tip = model.geom(_TIP).id
        self._slide = int(model.joint(_PEN).qposadr[0])

    def sample(self) -> JointSample:
        """The joints now."""
        return JointSample(self._now_s, self._data.qpos[self._joints].copy(), self._data.qvel[self._speeds].copy())

    def hold(self) -> None:
        """Stay where the joints are told to be now."""
        if self._trajectory is not None:
            self._position = self._trajectory.at(np.array([self._now_s]))[0]
        self._trajectory = None

    def close(self) -> None:
        """Hold."""
        self.hold()

    def advance(self, seconds: float) -> None:
        """Move on by machine seconds at once, in steps of about `PHYSICS_STEP_S`."""
        count = max(1, round(seconds / PHYSICS_STEP_S))
        self._model.opt.timestep = seconds / count
        times = self._now_s + seconds / count * np.arange(1, count + 1)
        self._now_s += seconds
        n = len(self._joints)
        if self._trajectory is not None and self._trajectory.times_s[0] <= times[-1]:
            told, speed, accel = (self._trajectory.at(times, order=order) for order in range(3))
            self._position = told[-1]
        else:
            told, speed, accel = (
                np.repeat(self._position[None], count, axis=0),
                np.zeros((count, n)),
                np.zeros((count, n)),
            )
        controls = np.hstack([told, speed, accel])
        model, data = self._model, self._data
        xyz, touching, slid = np.zeros((count, 3)), np.zeros(count, dtype=bool), np.zeros(count)
        for k in range(count):
            data.ctrl[:] = controls[k]
            mujoco.mj_step(model, data)
            slid[k] = data.qpos[self._slide]
            for number in range(data.ncon):
                contact = data.contact[number]
                xyz[k], touching[k] = contact.pos, contact.dist <= WET_M
        if not np.isfinite(data.qpos).all():
            raise SketchRobotError(ErrorCode.PLOTTER_ALARM, 'the simulated arm has become unstable')
        self._look_for_bumps()
        if self._sheet is not None:
            self._sheet.mark(self._sheet.page.to_page(xyz)[:, :2], touching, slid / MM)

    def _look_for_bumps(self) -> None:
        """Links collide in a world of their own: theirs are the slow ones, and nothing should be felt of them."""
        model, look = self._model, self._look
        look.qpos[:] = self._data.qpos
        model.geom_conaffinity[self._links] = _LINK
        mujoco.mj_kinematics(model, look)
        mujoco.mj_collision(model, look)
        if look.ncon:
            pairs = look.contact.geom
            self.bumps += bool((pairs != self._tip).all(axis=1).any())
        model.geom_conaffinity[self._links] = 0


def _model(setup: ArmSetup, page: PageFrame, sheet: Page) -> Any:
    spec = _spec(setup)
    spec.compiler.fusestatic = False
    spec.option.timestep = PHYSICS_STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.gravity = [0.0, 0.0, -9.81]
    for body in spec.bodies:
        body.gravcomp = 1.0
    for geom in spec.geoms:
        geom.contype, geom.conaffinity = _LINK, 0
    for each in [*spec.actuators, *spec.equalities]:  # a finger that mimics a joint of the arm would pull at it
        spec.delete(each)
    _add_pen(spec.body(setup.chain.tool), setup.pen_frame)
    base = spec.body(setup.chain.base) if setup.chain.base != 'world' else spec.worldbody
    _add_paper(base, page, sheet)
    for gain in ('position', 'speed', 'acceleration'):
        for name in setup.chain.names:
            spec.joint(name).armature = ROTOR
            actuator = spec.add_actuator(name=f'{name} {gain}', target=name)
            actuator.trntype = mujoco.mjtTrn.mjTRN_JOINT
            actuator.gaintype, actuator.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
    return spec.compile()


def _spec(setup: ArmSetup) -> Any:
    if is_mjcf(setup.model):
        return load_spec(setup.model)
    robot = parse_xml(read_text(setup.model))
    for link in robot.findall('link'):  # meshes are for the eye; here cylinders and boxes do
        for part in [*link.findall('visual'), *link.findall('collision')]:
            if part.find('geometry/mesh') is not None:
                link.remove(part)
    return weighed(mujoco.MjSpec.from_string(ElementTree.tostring(robot, encoding='unicode')))


def _add_pen(tool: Any, tip: np.ndarray) -> None:
    pen = tool.add_body(name=_PEN, pos=tip[:3, 3], quat=quaternion(tip))
    pen.add_joint(
        name=_PEN, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0.0, 0.0, -1.0], range=[0.0, PEN_STROKE_M],
        limited=True, solref_limit=[0.002, 1.0], stiffness=SPRING_N_M, damping=SPRING_DAMPING,
        springref=-PRELOAD_N / SPRING_N_M,
    )  # fmt: skip
    pen.add_geom(
        name=_TIP, type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[TIP_RADIUS_M, 0.0, 0.0], pos=[0.0, 0.0, -TIP_RADIUS_M],
        mass=PEN_KG, contype=_PEN_BIT, conaffinity=0, friction=[FRICTION, 0.0, 0.0], solref=[0.004, 1.0], margin=0.0,
        gap=2.0 * WET_M,
    )  # fmt: skip


def _add_paper(base: Any, page: PageFrame, sheet: Page) -> None:
    half = np.array([sheet.width_mm, sheet.height_mm]) / 2.0
    centre = page.to_base(np.array([*half, 0.0])) - PAPER_M * page.normal
    base.add_geom(
        name=_PAPER, type=mujoco.mjtGeom.mjGEOM_BOX, size=[*(half * MM), PAPER_M], pos=centre,
        quat=quaternion(page.base_from_page), contype=_LINK, conaffinity=_PEN_BIT, friction=[FRICTION, 0.0, 0.0],
        solref=[0.004, 1.0], rgba=[1.0, 1.0, 1.0, 1.0],
    )  # fmt: skip


def _tune(model: Any, data: Any, dofs: np.ndarray) -> None:
    """Give each servo its natural frequency with the inertia that its joint has now."""
    inertia = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, inertia)
    n, omega = len(dofs), 2.0 * np.pi * SERVO_HZ
    for k, dof in enumerate(dofs):
        stiffness = inertia[dof, dof] * omega**2
        damping = 2.0 * DAMPING_RATIO * inertia[dof, dof] * omega
        model.actuator_gainprm[k, 0] = stiffness
        model.actuator_biasprm[k, :3] = 0.0, -stiffness, -damping
        model.actuator_gainprm[n + k, 0] = damping
        model.actuator_gainprm[2 * n + k, 0] = inertia[dof, dof]
        model.actuator_biasprm[n + k, :3] = model.actuator_biasprm[2 * n + k, :3] = 0.0
