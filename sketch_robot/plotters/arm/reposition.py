"""The way from wherever an arm stands to its posture over the page, checked to stay clear of the sheet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.inverse import TOLERANCE, follow
from sketch_robot.plotters.arm.kinematics import Arrays, forward, frames_of
from sketch_robot.plotters.arm.legs import Leg, Planner
from sketch_robot.plotters.arm.page_frame import MM
from sketch_robot.plotters.arm.path import JointPath
from sketch_robot.plotters.arm.quality import is_clear
from sketch_robot.plotters.arm.retime import JointLimits, retime

RISE_MM = 40.0  # so high above the page the pen is taken before the joints turn
STEPS = 80
MOST_JOINTS = 7  # that are moved one before another: 126 ways
AROUND_MM = 60.0  # around the page, too, the pen stays above its plane
PEN_MM_S = 150.0
PEN_MM_S2 = 500.0


def reposition(planner: Planner, joints: np.ndarray, to_mm: np.ndarray, limits: JointLimits) -> list[Leg]:
    """Legs from joints (n,) to a place (3,) above the page: up along the normal where the pen is low, then turning all
    joints at once.

    Raises:
        SketchRobotError: BAD_GOAL, a link or the pen would pass through the page.
    """
    field = planner.field
    goal = field.joints_at(to_mm[None])[0]
    if np.abs(goal - joints).max() < 1e-9:
        return []
    legs = []
    tip = _tips(planner, joints[None])[0]
    if _over_page(planner, tip[None])[0] and tip[2] < RISE_MM:
        rise = _rise(planner, joints, RISE_MM - tip[2])
        legs.append(_leg(planner, rise, limits))
        joints = rise[-1]
    for through in _ways(joints, goal, field.joints_at(_above(to_mm)[None])[0]):
        lines = [np.concatenate([[a], _line(a, b)]) for a, b in zip([joints, *through], through, strict=False)]
        if _is_clear(planner, np.concatenate(lines)):
            return [*legs, *(_leg(planner, line, limits) for line in lines)]
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


def _above(to_mm: np.ndarray) -> np.ndarray:
    return np.array([to_mm[0], to_mm[1], max(to_mm[2], RISE_MM)])


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
    errors = np.empty(1)
    at = joints
    for k in range(STEPS):
        follow(
            arm.origins, arm.axes, arm.sliding, arm.tip, targets[k : k + 1], at[None].copy(), not here.can_turn,
            out[k : k + 1], errors,
        )  # fmt: skip
        at = out[k]
        if errors[0] > 100.0 * TOLERANCE or (at < here.chain.lower).any() or (at > here.chain.upper).any():
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
        if not is_clear(frames, here.page.base_from_page, *here.size_m):
            return False
    return True


def _leg(planner: Planner, joints: np.ndarray, limits: JointLimits) -> Leg:
    path = JointPath(_tips(planner, joints), joints, np.full(len(joints), PEN_MM_S), PEN_MM_S2, np.zeros(len(joints)))
    return Leg(path, retime(path, limits), limits=limits)
