"""What the studio asks of the robot; `nodes.studio` answers over ROS, and tests with a robot of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sketch_robot.motion.layout import SheetLayout
from sketch_robot.motion.plan import DrawingPlan


@dataclass(frozen=True)
class MachineState:
    """What the drawing machine is doing.

    Attributes:
        status: a name of `PlotterStatus` in small letters: 'idle', 'drawing', 'paused', 'alarm', 'offline' ...
        reason: why, and what to do, for the operator.
        machine: its name.
        pen_down: whether the pen is on the paper.
        pen_mm: where it is, in the page's frame.
        strokes_done, strokes_total, fraction, remaining_s: of the current or last drawing.
        unfinished: digest of the drawing that can be gone on with; '' for none.
    """

    status: str = 'offline'
    reason: str = ''
    machine: str = ''
    pen_down: bool = False
    pen_mm: tuple[float, float] = (0.0, 0.0)
    strokes_done: int = 0
    strokes_total: int = 0
    fraction: float = 0.0
    remaining_s: float = 0.0
    unfinished: str = ''


@dataclass(frozen=True, eq=False)
class LivePicture:
    """A picture and its number, which grows with every new one: (H, W, 3) RGB or (H, W) grey uint8."""

    picture: np.ndarray
    number: int


@dataclass(frozen=True, eq=False)
class Sketch:
    """The lines of a sitter, from which plans are made; the photo is not in it.

    Attributes:
        made: what the robot made of the photo, for the robot alone.
        faces: how many faces the photo showed.
    """

    made: object
    faces: int = 0


class Robot(Protocol):
    """What the studio asks; every method may be called from any thread, and those that take long block."""

    def state(self) -> MachineState:
        """What the machine is doing now."""

    def frame(self) -> LivePicture | None:
        """The newest picture of the camera; None: there is none, or nobody watched."""

    def line_art(self) -> LivePicture | None:
        """The newest live line art; None: likewise."""

    def watch(self, wanted: bool) -> None:
        """Whether anybody looks at the live pictures."""

    def best_frame(self) -> np.ndarray | None:
        """The frame of the last second whose face is best, (H, W, 3) uint8 RGB; None: nobody looks at faces."""

    def sketch(self, photo: np.ndarray, style: str = '', artist: str = '', pose: str = '') -> Sketch:
        """Turn a photo, (H, W, 3) uint8 RGB, into lines, in a style, by an artist, in a pose; '' as configured.

        Raises:
            SketchRobotError: NO_FACE, NO_BODY, BAD_IMAGE, NODE_LOST ...
        """

    def plan(self, sketch: Sketch, *, page: str, budget_s: float, layout: SheetLayout) -> DrawingPlan:
        """Plan the lines on a page; a budget of 0 is no limit.

        Raises:
            SketchRobotError: NOTHING_TO_DRAW, BAD_GOAL, NODE_LOST ...
        """

    def draw(self, plan: DrawingPlan, on_begin: Callable[[], None]) -> None:
        """Put a plan on paper, from its beginning, and return when it is finished.

        Args:
            plan: what to draw.
            on_begin: called when the machine has taken it.

        Raises:
            SketchRobotError: why it was not finished; the pen is up.
        """

    def artist(self) -> str:
        """Who draws when nobody is named: a name, or a file's path.

        Raises:
            SketchRobotError: NODE_LOST.
        """

    def use_artist(self, name: str) -> None:
        """Let another artist draw from now on.

        Raises:
            SketchRobotError: NODE_LOST; BAD_GOAL, there is none of that name, or its file may not be read.
        """

    def draw_rest(self) -> None:
        """Draw the rest of what the machine left unfinished, and return when it is finished; raises likewise."""

    def command(self, name: str) -> str:
        """One of `COMMANDS`; what the machine says to it.

        Raises:
            SketchRobotError: it could not.
        """


COMMANDS: Sequence[str] = ('pause', 'resume', 'stop', 'home', 'set_origin', 'pen_up', 'pen_down')
