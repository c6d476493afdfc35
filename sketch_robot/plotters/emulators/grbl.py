"""An emulated GRBL 1.1h plotter on a pseudo-terminal.

    with EmulatedGrbl(Hardware(page), speedup=20.0) as machine:
        port = serial.Serial(machine.port, 115200, timeout=1.0)

The firmware runs on the controller's clock, which follows the wall clock, so many times faster. What the client sends
comes in at the serial line's speed in machine time. A client that opens the port resets the controller, as DTR does on
Arduino boards.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path

from sketch_robot.plotters.emulators.faults import Fault, FaultSchedule
from sketch_robot.plotters.emulators.grbl_machine import Hardware
from sketch_robot.plotters.emulators.grbl_unit import BOOT_S, GrblUnit
from sketch_robot.plotters.emulators.port_thread import PortThread
from sketch_robot.plotters.emulators.pty import PseudoTerminal
from sketch_robot.plotters.paper import Paper

OPEN_S = 0.1  # wall-clock; a client that opens a port drops what it finds there, so nothing happens for so long
_TURN_S = 0.002
_QUIET_S = 0.02
_LATEST_S = 0.02
_FREE_RUN_S = 0.05  # machine time at once when there is no limit of speed


class EmulatedGrbl(PortThread):
    """A plotter with a GRBL 1.1h controller; satisfies `Emulator`.

    Args:
        hardware: page, pen, switches; None: A5, a servo (S0 up, S1000 down), no switches.
        settings: what differs from the emulated plotter's settings, by number, as in {110: 6000}.
        speedup: machine seconds in a wall-clock second; infinite: as fast as it can, without regard to the client.
        link: a path that always leads to the port.
        faults: what goes wrong when.
        baud: speed of the serial line in machine time; 0: bytes need no time.
        line_s: the controller's machine time to take in a line; an AVR needs about 1 ms.
        reset_on_open: whether a client that opens the port resets the controller.
        boot_s: machine seconds from then to the banner, in which nothing is heard.
        seed: of what sudden stops lose.

    Attributes:
        firmware: the controller; look at its `state`, `position_steps`, `lines`, `errors`, `starved`, `resets`,
            `alarms` and `settings`, but let this thread alone run it.
        plotter: the machine behind it, with `lifts`, `ink_mm`, `travel_mm`, `pen_down_travel_mm`, `outside_mm`,
            `ink_outside_mm` and `lost_mm`.
        faults: those that have happened, and that wait.
    """

    def __init__(
        self,
        hardware: Hardware | None = None,
        *,
        settings: Mapping[int, float] | None = None,
        speedup: float = 1.0,
        link: str | Path | None = None,
        faults: FaultSchedule | None = None,
        baud: int = 115200,
        line_s: float = 0.0,
        reset_on_open: bool = True,
        boot_s: float = BOOT_S,
        seed: int = 0,
    ) -> None:
        if not speedup > 0.0:
            raise ValueError(f'a speed-up of {speedup} is not possible; it must be positive')
        super().__init__('emulated GRBL', link, turn_s=_TURN_S, quiet_s=_QUIET_S, latest_s=_LATEST_S)
        self._unit = GrblUnit(
            hardware,
            settings=settings,
            faults=faults,
            baud=baud,
            line_s=line_s,
            reset_on_open=reset_on_open,
            boot_s=boot_s,
            seed=seed,
        )
        self.firmware, self.plotter, self.faults = self._unit.firmware, self._unit.plotter, self._unit.faults
        self._speedup = float(speedup)
        self._client = False

    @property
    def paper(self) -> Paper:
        """What has been drawn."""
        return self.plotter.paper

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Where the pen truly is, in the page's frame."""
        return self.plotter.xy_mm

    @property
    def pen_down(self) -> bool:
        """Whether it touches."""
        return self.plotter.down

    @property
    def machine_s(self) -> float:
        """Machine seconds since the start."""
        return self._unit.seconds

    @property
    def connected(self) -> bool:
        """Whether a client has the port open; one that goes and comes back at once may not be noticed."""
        return self._client

    def start(self) -> None:
        """Plug in and power on. Starting twice is harmless.

        Raises:
            SketchRobotError: BAD_GOAL, the link cannot be made; PLOTTER_OFFLINE, no pseudo-terminal is left.
        """
        if self._thread is None:
            self._client = False
        super().start()

    # ------------------------------------------------------------- what people do to it
    def unplug(self) -> None:
        """Pull the cable; the machine goes on with what it has."""
        with self.aside():
            self._unit.plugged = False

    def replug(self) -> None:
        """Put the cable back."""
        with self.aside():
            self._unit.plugged = True

    def inject(self, fault: Fault) -> None:
        """Let something go wrong when its moment comes; one that has passed is now."""
        with self.aside():
            self.faults.add(fault)

    def wait_until_idle(self, seconds: float = 10.0) -> bool:
        """Wait at most so many wall-clock seconds until nothing moves and nothing is on its way; whether it is so."""
        end = time.monotonic() + seconds
        while True:
            with self._lock:
                if self._unit.settled:
                    return True
            if time.monotonic() > end:
                return False
            time.sleep(_TURN_S)

    # ------------------------------------------------------------- its thread
    @property
    def _plugged(self) -> bool:
        return self._unit.plugged

    @property
    def _busy(self) -> bool:
        return self._unit.busy

    def _pass(self, seconds: float) -> None:
        if math.isinf(self._speedup):
            self._unit.run(_FREE_RUN_S if self._unit.busy else seconds)
        else:
            self._unit.run(seconds * self._speedup)

    def _take(self, data: bytes) -> None:
        self._unit.send(data)
        self._unit.run(0.0)

    def _answer(self) -> bytes:
        return self._unit.heard()

    def _mind_client(self, terminal: PseudoTerminal) -> None:
        stayed = not terminal.client_left()
        client = terminal.in_use()
        if client and not (self._client and stayed):
            terminal.make_raw()
            self._unit.client_opens()
            self._wall_s = time.monotonic() + OPEN_S
        self._client = client
