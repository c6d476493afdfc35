"""What every drawing machine does. Drivers know millimetres and seconds, and nothing of ROS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Self

from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.journal import Journal


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
    """One machine. `draw` blocks; `stop`, `pause`, `resume`, `status` and `progress` may be called from other threads.

    Every method raises SketchRobotError: PLOTTER_OFFLINE when the machine does not answer, PLOTTER_ALARM when it
    stopped itself.
    """

    @property
    @abstractmethod
    def status(self) -> PlotterStatus:
        """What the machine is doing now."""

    @property
    @abstractmethod
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""

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
