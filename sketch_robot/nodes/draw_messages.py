"""Goals, progress and results of the action `draw` as values of Python, from messages and to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes.images import array_from_ros, image_to_ros
from sketch_robot.nodes.messages import duration_from_ros, duration_to_ros
from sketch_robot.photo import Photo, load_photo, photo_from_array

if TYPE_CHECKING:
    from sketch_robot.motion import DrawingPlan


class DrawPhase(IntEnum):
    """What a drawing is at; the constants of the action's feedback."""

    CAPTURE = 0
    LINE_ART = 1
    PLAN = 2
    DRAW = 3
    PARK = 4


@dataclass(frozen=True)
class DrawProgress:
    """Where a drawing stands.

    Attributes:
        phase: what it is at.
        strokes_done, strokes_total: whole strokes on paper and in the plan; 0 of 0 while there is no plan.
        fraction: of the drawing, 0 ... 1.
        remaining_s: predicted machine seconds; 0.0 while there is no plan.
        waiting_for: the node that is not there yet, while the graph is starting; '' when all are.
    """

    phase: DrawPhase = DrawPhase.CAPTURE
    strokes_done: int = 0
    strokes_total: int = 0
    fraction: float = 0.0
    remaining_s: float = 0.0
    waiting_for: str = ''


@dataclass(frozen=True, eq=False)
class DrawResult:
    """What a drawing came to.

    Attributes:
        strokes_drawn: whole strokes on paper.
        ink_mm, travel_mm: with the pen down and up; 0.0 when a fault of the machine ended it.
        lifts: how often the pen was raised.
        predicted_s, taken_s: machine seconds of the plan, and on paper.
        faces: how many faces the photo shows; the largest was drawn.
        artist: who drew the lines.
        page: the sheet, '' when it failed before it was planned.
        stage_s: wall-clock seconds of 'capture', 'line_art', 'plan' and 'draw'; 0.0: not reached.
        message: all of it, as the robot sent it.
    """

    strokes_drawn: int
    ink_mm: float
    travel_mm: float
    lifts: int
    predicted_s: float
    taken_s: float
    faces: int
    artist: str
    page: str
    stage_s: dict[str, float]
    message: Draw.Result = field(repr=False)

    @cached_property
    def plan(self) -> DrawingPlan | None:
        """The pen's way in millimetres; None when it failed before it was planned."""
        from sketch_robot.nodes.conversions import plan_from_ros  # takes a second to import

        return plan_from_ros(self.message.plan) if self.message.plan.strokes else None

    @cached_property
    def line_art(self) -> np.ndarray | None:
        """(H, W) uint8, black lines on white; None when it failed before."""
        return array_from_ros(self.message.line_art) if len(self.message.line_art.data) else None


def result_from_ros(msg: Draw.Result) -> DrawResult:
    """A result from its message."""
    return DrawResult(
        strokes_drawn=msg.strokes_drawn,
        ink_mm=msg.ink * 1e3,
        travel_mm=msg.travel * 1e3,
        lifts=msg.lifts,
        predicted_s=duration_from_ros(msg.predicted),
        taken_s=duration_from_ros(msg.taken),
        faces=msg.faces,
        artist=msg.artist,
        page=msg.plan.page,
        stage_s={
            'capture': msg.capture_seconds,
            'line_art': msg.line_art_seconds,
            'plan': msg.plan_seconds,
            'draw': msg.draw_seconds,
        },
        message=msg,
    )


def progress_from_ros(msg: Draw.Feedback) -> DrawProgress:
    """A progress from its message."""
    return DrawProgress(
        DrawPhase(msg.phase),
        msg.strokes_done,
        msg.strokes_total,
        float(msg.fraction),
        duration_from_ros(msg.remaining),
        msg.waiting_for,
    )


class DrawError(SketchRobotError):
    """A drawing that did not come about, or not to its end.

    Args:
        code: why.
        message: what was wrong and what to do, in one line.
        result: what there is of it; None when the robot never said.
    """

    def __init__(self, code: ErrorCode, message: str, result: DrawResult | None = None) -> None:
        super().__init__(code, message)
        self.result = result


def make_goal(image: Any = None, **fields: Any) -> Draw.Goal:
    """A goal of the action `draw`.

    Args:
        image: as of `PortraitClient.draw`.
        fields: fields of the goal by name; durations are seconds, pictures as `image`, other messages within may be
            dicts of their fields.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such field, or the value does not fit; BAD_IMAGE.
    """
    goal = Draw.Goal(check_fields=True)
    _fill(goal, fields, 'draw')
    if image is not None:
        goal.image = image if isinstance(image, Image) else image_to_ros(_photo_of(image).rgb, 'rgb8')
    return goal


def _fill(msg: Any, fields: dict[str, Any], what: str) -> None:
    types = msg.get_fields_and_field_types()
    for name, value in fields.items():
        if name not in types:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{what} has no {name!r}; it has: {", ".join(types)}')
        if types[name] == 'builtin_interfaces/Duration':
            if not isinstance(value, int | float) or not 0.0 <= value < 2.0**31:
                raise SketchRobotError(ErrorCode.BAD_GOAL, f'{name} is a number of seconds from 0 on, not {value!r}')
            value = duration_to_ros(value)
        elif types[name] == 'sensor_msgs/Image' and not isinstance(value, Image):
            value = image_to_ros(_photo_of(value).rgb, 'rgb8')
        elif isinstance(value, dict) and '/' in types[name]:
            inner = type(getattr(msg, name))(check_fields=True)
            _fill(inner, value, name)
            value = inner
        try:
            setattr(msg, name, value)
        except (AssertionError, TypeError, ValueError, OverflowError) as error:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{name} is a {types[name]}, not {value!r}') from error


def _photo_of(image: Any) -> Photo:
    if isinstance(image, Photo):
        return image
    return load_photo(image) if isinstance(image, str | Path) else photo_from_array(np.asarray(image))
