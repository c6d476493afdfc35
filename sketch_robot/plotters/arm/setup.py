"""What the options of a machine profile say about an arm."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.chain import Chain, require_limits
from sketch_robot.plotters.arm.legs import Touch
from sketch_robot.plotters.arm.page_frame import PageFrame, page_at, page_through
from sketch_robot.plotters.arm.pen_pose import PenPose
from sketch_robot.plotters.arm.urdf import load_urdf, read_text
from sketch_robot.share import share_folder


@dataclass(frozen=True, eq=False)
class ArmSetup:
    """One arm before one page.

    Attributes:
        chain: the arm, all limits known.
        model: its file.
        page: where the sheet lies.
        pose, touch: how the pen stands on it and meets it.
        limit_share: of the joints' speed and acceleration that movements use.
        margin: share of each joint's range that stays unused at both ends.
        start: (n,) float64; where a simulated arm is at first.
    """

    chain: Chain
    model: Path
    page: PageFrame
    pose: PenPose
    touch: Touch
    limit_share: float
    margin: float
    start: np.ndarray


def find_file(name: str) -> Path:
    """An arm's file: as it is named from here, or among the package's configuration.

    Raises:
        SketchRobotError: BAD_GOAL, there is none.
    """
    here = Path(name).expanduser()
    for path in (here, share_folder() / 'config' / name):
        if path.is_file():
            return path
    raise SketchRobotError(
        ErrorCode.BAD_GOAL, f'there is no arm {name!r}, neither from here nor in {share_folder() / "config"}'
    )


def is_mjcf(path: Path) -> bool:
    """Whether an arm's file is MJCF, by its first element: URDF is called .xml by some, too.

    Raises:
        SketchRobotError: BAD_GOAL, it cannot be read.
    """
    first = re.search(r'<([A-Za-z_][\w.:-]*)', re.sub(r'<!--.*?-->', '', read_text(path), flags=re.DOTALL))
    return first is not None and first[1] == 'mujoco'


def load_chain(path: Path, *, tool: str, base: str = '') -> Chain:
    """Read an arm from URDF or MJCF, whichever it is.

    Raises:
        SketchRobotError: BAD_GOAL, see the readers.
    """
    if is_mjcf(path):
        from sketch_robot.plotters.arm.mjcf import load_mjcf

        return load_mjcf(path, tool=tool, base=base)
    return load_urdf(path, tool=tool, base=base)


def place_page(page: Any) -> PageFrame:
    """The page's place: {'xyz': [...], 'rpy': [...]} or {'points': [[...], [...], [...]]}, metres and radians.

    Raises:
        SketchRobotError: BAD_GOAL, it is neither, or no plane.
    """
    if isinstance(page, Mapping) and set(page) == {'points'} and isinstance(page['points'], Sequence):
        return page_through(page['points'])
    if isinstance(page, Mapping) and 'xyz' in page and set(page) <= {'xyz', 'rpy'}:
        return page_at(page['xyz'], page.get('rpy', (0.0, 0.0, 0.0)))
    raise SketchRobotError(
        ErrorCode.BAD_GOAL,
        'the page lies nowhere: give page: {xyz: [x, y, z], rpy: [r, p, y]}, or page: {points: [[...], [...], [...]]}',
    )


def make_setup(
    *,
    model: str,
    tool: str,
    base: str,
    page: Any,
    joint_limits: Any,
    velocity: float,
    acceleration: float,
    tilt_deg: float,
    tilt_towards_deg: float,
    touch: Mapping[str, float],
    limit_share: float,
    margin: float,
    start: Any,
) -> ArmSetup:
    """Check an arm's options and read its file; see `ArmPlotter` for what they are.

    Raises:
        SketchRobotError: BAD_GOAL, one is unusable.
    """
    for name, value, least, most in (
        ('velocity', velocity, 0.0, 100.0),
        ('acceleration', acceleration, 0.0, 1000.0),
        ('tilt_deg', tilt_deg, 0.0, 60.0),
        ('tilt_towards_deg', tilt_towards_deg, -360.0, 360.0),
        ('limit_share', limit_share, 0.01, 1.0),
        ('limit_margin', margin, 0.0, 0.4),
        ('lift_mm', touch['lift_mm'], 0.5, 200.0),
        ('approach_mm_s', touch['approach_mm_s'], 0.1, 10000.0),
        ('contact_mm', touch['offset_mm'], 0.0, 50.0),
        ('lightest_press_mm', touch['lightest_mm'], 0.0, 50.0),
        ('firmest_press_mm', touch['firmest_mm'], touch['lightest_mm'], 50.0),
    ):
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'the arm has {name} {value!r}; it must be from {least:g} to {most:g}'
            )
    path = find_file(model)
    chain = load_chain(path, tool=tool, base=base)
    if joint_limits and not isinstance(joint_limits, Mapping):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'joint_limits is no mapping by joint: {joint_limits!r}')
    for limit, value in (('velocity', velocity), ('acceleration', acceleration)):
        if value > 0.0:
            chain = chain.limited({name: {limit: value} for name in _without(chain, limit, joint_limits or {})})
    chain = require_limits(chain.limited(joint_limits or {}))
    return ArmSetup(
        chain, path, place_page(page), PenPose(math.radians(tilt_deg), math.radians(tilt_towards_deg)), Touch(**touch),
        limit_share, margin, _start(start, chain),
    )  # fmt: skip


def _without(chain: Chain, limit: str, given: Mapping[str, Any]) -> list[str]:
    """The joints that have no such limit, neither in their file nor among those given."""
    known = chain.speed if limit == 'velocity' else chain.accel
    return [
        name
        for name, value in zip(chain.names, known, strict=True)
        if math.isnan(value) and not (isinstance(given.get(name), Mapping) and limit in given[name])
    ]


def _start(start: Any, chain: Chain) -> np.ndarray:
    if start is None:
        return np.clip(np.zeros(len(chain.joints)), chain.lower, chain.upper)
    try:
        values = np.array(start, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.shape != (len(chain.joints),) or not np.isfinite(values).all():
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'start is {start!r}; it must be {len(chain.joints)} joint positions, rad or m'
        )
    beyond = (values < chain.lower) | (values > chain.upper)
    if beyond.any():
        joint = chain.joints[int(np.argmax(beyond))]
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'start puts joint {joint.name!r} at {values[np.argmax(beyond)]:g}, beyond its ends {joint.lower:.3f} and '
            f'{joint.upper:.3f} (rad or m)',
        )
    return values
