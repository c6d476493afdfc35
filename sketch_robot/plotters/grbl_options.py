"""What a machine's file says of a GRBL machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.profile import PenProfile
from sketch_robot.plotters.grbl_pen import PenLift

_AXES = {'x': (1.0, 0.0), '-x': (-1.0, 0.0), 'y': (0.0, 1.0), '-y': (0.0, -1.0)}


@dataclass(frozen=True)
class GrblOptions:
    """What a machine's file says of a GRBL machine; see `GrblPlotter`."""

    pen: PenLift = field(default_factory=PenLift)
    matrix: np.ndarray = field(default_factory=lambda: np.eye(2))
    origin_mm: np.ndarray | None = None
    profile: PenProfile = field(default_factory=PenProfile)
    configure: bool = True
    configure_motion: bool = False
    may_home: bool = True


def page_matrix(axes: Sequence[str], correction: Sequence[Sequence[float]]) -> np.ndarray:
    """(2, 2): page mm to machine mm, from the directions of the page's axes and a correction.

    Raises:
        SketchRobotError: BAD_GOAL, unusable.
    """
    try:
        directions = np.array([_AXES[str(axis).lower()] for axis in axes]).T
        matrix = directions @ np.array(correction, dtype=np.float64)
        if matrix.shape == (2, 2) and abs(np.linalg.det(directions)) == 1.0:
            return matrix
    except (KeyError, ValueError, TypeError):
        pass
    raise SketchRobotError(
        ErrorCode.BAD_GOAL,
        "axes are two of 'x', '-x', 'y', '-y', one of each, and a correction is a matrix of two rows of two numbers",
    )


def make_pen(options: Mapping[str, Any]) -> PenLift:
    """A pen from a machine's file.

    Raises:
        SketchRobotError: BAD_GOAL, unusable.
    """
    fields = dict(options)
    fields['kind'] = fields.pop('type', 'servo')
    known = PenLift.__dataclass_fields__
    unknown = sorted(set(fields) - set(known))
    if unknown:
        names = ', '.join('type' if name == 'kind' else name for name in known)
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'a GRBL pen has no {unknown[0]!r}; it has: {names}')
    if fields['kind'] == 'z' and 'up' not in fields:
        fields.setdefault('down', 0.0)
        fields['up'] = 3.0
    return PenLift(**fields)
