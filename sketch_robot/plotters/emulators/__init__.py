"""Emulated controllers on pseudo-terminals, with a pen and paper behind them, for tests and for users without hardware.

Every emulated machine is an `Emulator`: open its `port` as if a real one were plugged in, and look at its `paper`.

    with EmulatedGrbl(Hardware(Page(148.0, 210.0)), speedup=20.0) as machine:
        serial.Serial(machine.port, 115200) ...
        machine.inject(Fault('unplug', 'strokes', 3, value=2.0))
        machine.paper.save_png('drawn.png')
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from sketch_robot.plotters.emulators.faults import Fault
from sketch_robot.plotters.paper import Paper


@runtime_checkable
class Emulator(Protocol):
    """A controller that speaks a real one's protocol on a pseudo-terminal, with a machine that draws behind it.

    It runs on threads of its own between `start` and `close`; the attributes may be read from any thread at any time.

    Attributes:
        port: path of the serial port to open: the stable link if one was asked for, else the pseudo-terminal itself.
        paper: what the pen has left, in the page's frame (mm, origin at the lower left corner).
        xy_mm: where the pen truly is, in the page's frame, whatever the controller believes.
        pen_down: whether it touches the paper.
        machine_s: machine seconds since the start.
    """

    @property
    def port(self) -> str: ...
    @property
    def paper(self) -> Paper: ...
    @property
    def xy_mm(self) -> tuple[float, float]: ...
    @property
    def pen_down(self) -> bool: ...
    @property
    def machine_s(self) -> float: ...

    def start(self) -> None:
        """Plug in: open the port and power the controller on. Starting twice is harmless."""

    def close(self) -> None:
        """Power off and remove the port; no thread and no file stays. Closing twice is harmless."""

    def unplug(self) -> None:
        """Pull the USB cable: the client sees its port vanish. Power stays on, as with a supply of its own."""

    def replug(self) -> None:
        """Put the cable back: a new device under the same link."""

    def inject(self, fault: Fault) -> None:
        """Let something go wrong when its moment comes; one that has passed is now."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
