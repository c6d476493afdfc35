"""How a sitter is to stand: what is asked for, the same for commands, messages and programs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.poses.named import check_name
from sketch_robot.wishes import Wishes


@dataclass(frozen=True, eq=False)
class PoseWish:
    """How a sitter is to stand.

    Attributes:
        name: of a pose, 'as_they_stand', or '': a portrait of the head.
        image: (H, W, 3) uint8 RGB of somebody whose pose is taken, then `name` is ''; None: there is none.

    Raises:
        SketchRobotError: BAD_GOAL, there is no pose of that name, or both are given.
    """

    name: str = ''
    image: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.name and self.image is not None:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'a pose is named {self.name!r} and shown in a picture as well; give one of both'
            )

    def __bool__(self) -> bool:
        """Whether anything is wished."""
        return bool(self.name) or self.image is not None


PORTRAIT = PoseWish()


def check_wishes(pose: PoseWish, wishes: Wishes) -> None:
    """Refuse what does not go together.

    Raises:
        SketchRobotError: BAD_GOAL, light and shade are wished of a figure.
    """
    if pose and wishes.shading != 'none':
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'a figure is drawn in lines, not with the shading {wishes.shading!r}; choose one of both',
        )
