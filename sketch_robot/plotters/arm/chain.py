"""A serial arm: the joints between its base and its tool, and what each may do.

Units are those of URDF: metres, radians, seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import POSITIVE, fits, is_number

ROTARY, SLIDING = 'revolute', 'prismatic'
WOUND = 2.0 * math.pi  # a joint without ends keeps within a turn of zero either way: its cables have ends


@dataclass(frozen=True, eq=False)
class Joint:
    """One moving joint.

    Attributes:
        name: as its controller calls it.
        kind: `ROTARY` or `SLIDING`.
        origin: (4, 4) float64; the joint's frame in the frame of the joint before it (the first: in the base).
        axis: (3,) float64, of length 1; what it turns about or slides along, in its own frame.
        lower, upper: its ends, rad or m.
        speed, accel: its limits, rad/s and rad/s^2 or m/s and m/s^2.
    """

    name: str
    kind: str
    origin: np.ndarray
    axis: np.ndarray
    lower: float
    upper: float
    speed: float
    accel: float


@dataclass(frozen=True, eq=False)
class Chain:
    """A base, joints, and a tool.

    Attributes:
        name: of the arm.
        base, tool: names of the frames at its two ends.
        joints: from the base to the tool, at least one.
        tip: (4, 4) float64; the tool's frame in the last joint's. The pen's tip is its origin, and its z axis points
            along the pen towards the paper.
    """

    name: str
    base: str
    tool: str
    joints: tuple[Joint, ...]
    tip: np.ndarray

    def __post_init__(self) -> None:
        if not self.joints:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'the arm {self.name!r} has no moving joint between {self.base} and {self.tool}'
            )
        for joint in self.joints:
            _check(joint)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the joints."""
        return tuple(joint.name for joint in self.joints)

    @property
    def lower(self) -> np.ndarray:
        """(n,) float64."""
        return np.array([joint.lower for joint in self.joints])

    @property
    def upper(self) -> np.ndarray:
        """(n,) float64."""
        return np.array([joint.upper for joint in self.joints])

    @property
    def speed(self) -> np.ndarray:
        """(n,) float64."""
        return np.array([joint.speed for joint in self.joints])

    @property
    def accel(self) -> np.ndarray:
        """(n,) float64."""
        return np.array([joint.accel for joint in self.joints])

    @property
    def sliding(self) -> np.ndarray:
        """(n,) bool."""
        return np.array([joint.kind == SLIDING for joint in self.joints])

    def limited(self, limits: Mapping[str, Mapping[str, float]]) -> Chain:
        """The chain with other limits, as MoveIt's joint_limits.yaml gives them.

        Args:
            limits: by joint: any of lower, upper, velocity, acceleration; never wider than what the arm's file says.

        Raises:
            SketchRobotError: BAD_GOAL, there is no such joint or limit, or it is not a number.
        """
        unknown = sorted(set(limits) - set(self.names))
        if unknown:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'the arm has no joint {unknown[0]!r} to limit; it has: {", ".join(self.names)}'
            )
        return replace(self, joints=tuple(_limited(joint, limits.get(joint.name, {})) for joint in self.joints))


def _limited(joint: Joint, limits: Any) -> Joint:
    if not isinstance(limits, Mapping):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the limits of joint {joint.name!r} are no mapping: {limits!r}')
    known = {'lower': 'lower', 'upper': 'upper', 'velocity': 'speed', 'acceleration': 'accel'}
    changes: dict[str, Any] = {}
    for name, value in limits.items():
        if name not in known:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'joint {joint.name!r} has no limit {name!r}; those are: {", ".join(known)}'
            )
        if not is_number(value):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the limit {name} of joint {joint.name!r} is {value!r}')
        old = getattr(joint, known[name])
        tighter = max if name == 'lower' else min
        changes[known[name]] = float(value) if math.isnan(old) else tighter(old, float(value))
    return replace(joint, **changes)


def _check(joint: Joint) -> None:
    """NaN is allowed for limits that are not known yet; see `require_limits`."""
    if joint.kind not in (ROTARY, SLIDING):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'joint {joint.name!r} is of kind {joint.kind!r}; an arm has none')
    if joint.lower >= joint.upper:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'joint {joint.name!r} has no room between its ends {joint.lower:g} and {joint.upper:g}'
        )
    for limit, value in (('velocity', joint.speed), ('acceleration', joint.accel)):
        if not (math.isnan(value) or fits(value, POSITIVE)):
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'joint {joint.name!r} has the {limit} limit {value:g}; it must be positive'
            )


def require_limits(chain: Chain) -> Chain:
    """The chain, if every limit of it is known.

    Raises:
        SketchRobotError: BAD_GOAL, one is missing; the message says of which joint and where to write it.
    """
    for joint in chain.joints:
        for name, value in (
            ('lower', joint.lower),
            ('upper', joint.upper),
            ('velocity', joint.speed),
            ('acceleration', joint.accel),
        ):
            if math.isnan(value):
                raise SketchRobotError(
                    ErrorCode.BAD_GOAL,
                    f"joint {joint.name!r} has no {name} limit; write it in the arm's file, or in the machine profile "
                    f'as joint_limits: {{{joint.name}: {{{name}: ...}}}}',
                )
    return chain
