"""What every drawing machine does. Drivers know millimetres and seconds, and nothing of ROS.

`Plotter` is all that nodes and commands ask of a machine: nobody looks at which driver it is. Most drivers derive from
`SessionPlotter`, which does what they have in common; `docs/add_a_machine.md` leads through writing one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, Flag, auto
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan

if TYPE_CHECKING:  # a journal tells what is left of a plan, and that is told by progress
    from sketch_robot.plotters.journal import Journal
    from sketch_robot.plotters.paper import Paper

OFF_PAGE_MM = 1e-6  # rounding is no excursion


class PlotterStatus(Enum):
    """What the machine is doing. The values are those of `sketch_robot_interfaces/msg/PlotterState`."""

    OFFLINE = 0
    IDLE = 1
    HOMING = 2
    DRAWING = 3
    PAUSED = 4
    ALARM = 5
    PARKING = 6
    RESUMING = 7


class OriginUnknownError(SketchRobotError):
    """The machine has lost where the page is, and cannot find it by itself: a person has to set the origin.

    Args:
        why: how it came about, without the advice, which is the same for all.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            ErrorCode.PLOTTER_ALARM,
            f"{why}: put the pen, raised, over the page's lower left corner and set the origin there, then resume",
        )


class Capability(Flag):
    """What a driver can do beyond drawing, and which options all drivers that can have in common."""

    NONE = 0
    ORIGIN = auto()  # `set_origin`; its options have `origin_is_set`: the pen stands there when it is connected
    JOG = auto()  # `jog`
    PEN_HEIGHTS = auto()  # `move_pen`; its options have `pen`, and that the two heights `Plotter.PEN_HEIGHT_KEYS`
    CORRECTION = auto()  # its options have `correction`, a 2 x 2 matrix from page mm to machine mm
    PROGRAM = auto()  # `program`: what it sends can be written down beforehand
    PAPER = auto()  # `paper`: knows what is on paper, as simulations do
    SIMULATION = auto()  # exists in time only, unless told otherwise: its options have `speedup`


@dataclass(frozen=True)
class Progress:
    """Where a drawing stands.

    Attributes:
        strokes_done, strokes_total: whole strokes on paper, and in the plan.
        fraction: of the predicted time, in [0, 1].
        remaining_s: predicted machine seconds left.
        pen_mm: x, y of the pen in the page's frame.
        pen_down: whether the pen touches the paper.
    """

    strokes_done: int
    strokes_total: int
    fraction: float
    remaining_s: float
    pen_mm: tuple[float, float]
    pen_down: bool


@dataclass(frozen=True)
class Outcome:
    """What a call of `draw` put on paper.

    Attributes:
        finished: False when `stop` ended it early.
        strokes_drawn: whole strokes on paper.
        ink_mm, travel_mm: lengths moved with the pen down and up, the way home included.
        lifts: how often the pen was raised.
        machine_s: seconds that the machine took (in the simulation: simulated seconds).
    """

    finished: bool
    strokes_drawn: int
    ink_mm: float
    travel_mm: float
    lifts: int
    machine_s: float


class Plotter(ABC):
    """One machine. `draw` blocks; `stop`, `pause`, `resume`, `close` and all properties may be used by other threads.

    Every method raises SketchRobotError: PLOTTER_OFFLINE when the machine does not answer, PLOTTER_ALARM when it
    stopped itself, BUSY when it moves already, BAD_GOAL when this machine cannot do it.

    A driver's class is made as `Driver(options, limits)`: the options that it was registered with, and how fast the
    machine moves.
    """

    CAPABILITIES: ClassVar[Capability] = Capability.NONE
    PEN_HEIGHT_KEYS: ClassVar[tuple[str, str]] = ('up', 'down')  # of the option `pen`

    # ------------------------------------------------------------- what it is
    @property
    def capabilities(self) -> Capability:
        """What it can do beyond drawing."""
        return self.CAPABILITIES

    def describe(self) -> dict[str, Any]:
        """What a connected machine says of itself, for people: texts, numbers and booleans by name.

        Always `status` and `reason`; `firmware`, `position_known` and `settings` (values by name) where it has them.
        """
        return {'status': self.status.name.lower(), 'reason': self.reason}

    @property
    @abstractmethod
    def status(self) -> PlotterStatus:
        """What the machine is doing now."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """Why it is PAUSED, in ALARM or OFFLINE, for a person; '' when there is nothing to say."""

    @property
    @abstractmethod
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""

    @property
    def knows_place(self) -> bool:
        """Whether `home` leads to the page's origin; False: a person has to put the pen there and `set_origin`.

        It is False after an OriginUnknownError, until the origin is set.
        """
        return True

    @property
    def paper(self) -> Paper | None:
        """The sheet of the current or last drawing, of a machine that knows what is on it; else None."""
        return None

    # ------------------------------------------------------------- drawing
    @abstractmethod
    def connect(self) -> None:
        """Open the machine; afterwards it is IDLE. Connecting twice is harmless."""

    @abstractmethod
    def home(self) -> None:
        """Lift the pen and go to the page's origin. May be called when IDLE or in ALARM."""

    @abstractmethod
    def draw(
        self,
        plan: DrawingPlan,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        journal: Journal | None = None,
    ) -> Outcome:
        """Draw the whole plan, then lift the pen and go home. May be called when IDLE.

        Args:
            plan: checked before the first move: every point inside the page.
            on_progress: called at every stroke's end and at least five times a wall-clock second, in this thread.
            journal: is told what is proven to be on paper; what it knows to be there already is not drawn again.

        Raises:
            SketchRobotError: OFF_PAGE, before anything moves; BUSY, a drawing is running; of the journal, see
                `Journal.begin`: the pen is up then.
        """

    @abstractmethod
    def pause(self) -> None:
        """Lift the pen and stand still until `resume`. Without a drawing it does nothing."""

    @abstractmethod
    def resume(self) -> None:
        """Go on drawing where `pause` stopped."""

    @abstractmethod
    def stop(self) -> None:
        """End the drawing: lift the pen at once and park. `draw` then returns with `finished` False."""

    @abstractmethod
    def set_pen(self, down: bool) -> None:
        """Lower or raise the pen where it is. May be called when IDLE."""

    def program(self, plan: DrawingPlan) -> Iterator[bytes]:  # noqa: ARG002  drivers use it
        """What the machine would be sent for a plan, without what is asked in between; it need not be connected.

        Raises:
            SketchRobotError: NOTHING_TO_DRAW, OFF_PAGE, as `draw`.
        """
        raise self.cannot('send a program that could be written down')

    # ------------------------------------------------------------- setting it up, when IDLE
    def set_origin(self) -> None:
        """Say that the pen stands above the page's lower left corner; also ends an alarm."""
        raise self.cannot('be told where the page is, it knows by itself')

    def jog(self, x_mm: float, y_mm: float) -> None:
        """Move the lifted pen by so much along the page's axes, wherever that leads."""
        raise self.cannot(f'be jogged by ({x_mm:g}, {y_mm:g}) mm')

    def move_pen(self, height: float) -> None:
        """Move the pen to a height, in the unit of the option `pen`."""
        raise self.cannot(f'move its pen to the height {height:g}')

    def origin_found_by_homing(self) -> tuple[float, float] | None:
        """Machine coordinates of the page's corner, for the option `origin_mm` of a machine that finds them again by
        homing; else None."""
        return None

    def cannot(self, what: str) -> SketchRobotError:
        """The error of a machine that lacks a capability."""
        return SketchRobotError(ErrorCode.BAD_GOAL, f'this machine cannot {what}')

    @abstractmethod
    def close(self) -> None:
        """Lift the pen, release the machine; afterwards it is OFFLINE. Closing twice is harmless."""

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_plan(plan: DrawingPlan) -> None:
    """Refuse a plan that cannot be drawn.

    Raises:
        SketchRobotError: NOTHING_TO_DRAW, it has no strokes; OFF_PAGE, a point lies outside the page; the message says
            which stroke and where.
    """
    if not plan.strokes:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'the plan has no strokes')
    high = np.array([plan.page.width_mm, plan.page.height_mm]) + OFF_PAGE_MM
    for number, stroke in enumerate(plan.strokes):
        outside = ((stroke.xy < -OFF_PAGE_MM) | (stroke.xy > high)).any(axis=1)
        if outside.any():
            x, y = stroke.xy[int(np.argmax(outside))]
            raise SketchRobotError(
                ErrorCode.OFF_PAGE,
                f'stroke {number} leaves the page {plan.page.width_mm:g} x {plan.page.height_mm:g} mm '
                f'at ({x:.1f}, {y:.1f}) mm; nothing was drawn',
            )
