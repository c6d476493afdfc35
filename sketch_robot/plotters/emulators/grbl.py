"""An emulated GRBL 1.1h plotter on a pseudo-terminal.

    with EmulatedGrbl(Hardware(page), speedup=20.0) as machine:
        port = serial.Serial(machine.port, 115200, timeout=1.0)

The firmware runs on the controller's clock, which follows the wall clock, so many times faster. What the client sends
comes in at the serial line's speed in machine time. A client that opens the port resets the controller, as DTR does on
Arduino boards.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from sketch_robot.plotters.emulators.faults import Counts, Fault, FaultSchedule
from sketch_robot.plotters.emulators.grbl_firmware import GrblFirmware
from sketch_robot.plotters.emulators.grbl_machine import GrblMachine, Hardware
from sketch_robot.plotters.emulators.grbl_settings import settings_with
from sketch_robot.plotters.emulators.grbl_state import CLOCK_HZ
from sketch_robot.plotters.emulators.pty import PseudoTerminal
from sketch_robot.plotters.paper import Paper

BOOT_S = 0.5  # of the boot loader, which swallows what comes meanwhile
_TURN_S = 0.002  # wall-clock; how often time passes while something moves
_QUIET_S = 0.05  # wall-clock; how often while nothing does
_LATEST_S = 0.02  # wall-clock; time that could not be kept up with is forgotten beyond this
_SLICE_S = 0.02  # machine time; how finely faults see what has happened
_FREE_RUN_S = 0.05  # machine time at once when there is no limit of speed
_log = logging.getLogger(__name__)


class EmulatedGrbl:
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
        known = settings_with(settings)
        self.plotter = GrblMachine(hardware or Hardware(), (known[100], known[101], known[102]))
        self.firmware = GrblFirmware(self.plotter, known, baud=baud, line_s=line_s, seed=seed)
        self.faults = faults or FaultSchedule()
        self._speedup = float(speedup)
        self._link = link
        self._reset_on_open, self._boot = reset_on_open, round(boot_s * CLOCK_HZ)
        self._terminal: PseudoTerminal | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._answers: deque[tuple[int, bytes]] = deque()  # and when they may go
        self._later: list[tuple[int, Fault]] = []  # what ends when
        self._bytes_in = self._bytes_out = 0
        self._silent_until = self._boot_until = 0
        self._delay = 0
        self._client = False
        self._wall = 0.0

    # ------------------------------------------------------------- life
    @property
    def port(self) -> str:
        """Path of the serial port. Without a link it changes when the port is plugged in again."""
        if self._terminal is None:
            raise RuntimeError('the emulator has not been started')
        return self._terminal.path

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
        return self.firmware.clock / CLOCK_HZ

    def start(self) -> None:
        """Plug in and power on.

        Raises:
            SketchRobotError: BAD_GOAL, the link cannot be made; PLOTTER_OFFLINE, no pseudo-terminal is left.
        """
        if self._thread is not None:
            return
        self._closing.clear()
        self._terminal = PseudoTerminal(self._link)
        self._wall = time.monotonic()
        self._thread = threading.Thread(target=self._work, args=(self._terminal,), name='emulated-grbl', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Power off; the port vanishes."""
        if self._thread is None or self._terminal is None:
            return
        self._closing.set()
        self._terminal.wake()
        self._thread.join()
        self._terminal.close()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------- what people do to it
    def unplug(self) -> None:
        """Pull the cable; the machine goes on with what it has."""
        with self._lock:
            if self._terminal is not None:
                self._terminal.unplug()

    def replug(self) -> None:
        """Put the cable back."""
        with self._lock:
            if self._terminal is not None:
                self._terminal.plug()

    def inject(self, fault: Fault) -> None:
        """Let something go wrong when its moment comes; one that has passed is now."""
        with self._lock:
            self.faults.add(fault)
            if self._terminal is not None:
                self._terminal.wake()

    def wait_until_idle(self, seconds: float = 10.0) -> bool:
        """Wait at most so many wall-clock seconds until nothing moves and nothing is on its way; whether it is so."""
        end = time.monotonic() + seconds
        while True:
            with self._lock:
                if not self.firmware.busy and not self._answers:
                    return True
            if time.monotonic() > end:
                return False
            time.sleep(_TURN_S)

    # ------------------------------------------------------------- its thread
    def _work(self, terminal: PseudoTerminal) -> None:
        try:
            while not self._closing.is_set():
                with self._lock:
                    self._turn(terminal)
                    busy = self.firmware.busy or self._answers or self._later
                terminal.wait(_TURN_S if busy else _QUIET_S)
        except Exception:  # a thread has nobody to tell but the log
            _log.exception('the emulated controller has a defect')
            terminal.unplug()
            raise

    def _turn(self, terminal: PseudoTerminal) -> None:
        """Let time pass, take what the client has sent, and answer."""
        self._pass_time(terminal)
        self._notice_client(terminal)
        data = terminal.read()
        if data:
            heard = self.faults.pass_bytes(data, 'in', self._counts())
            self._bytes_in += len(data)
            if self.firmware.clock >= self._boot_until:
                self.firmware.receive(heard)
            self._run_to(self.firmware.clock, terminal)
        self._answer(terminal)

    def _notice_client(self, terminal: PseudoTerminal) -> None:
        client = terminal.in_use()
        if client and not self._client:
            terminal.make_raw()
            if self._reset_on_open:
                self.firmware.brown_out(self._boot)
                self._boot_until = self.firmware.clock + self._boot
                self._answers.clear()
        self._client = client

    def _pass_time(self, terminal: PseudoTerminal) -> None:
        now = time.monotonic()
        passed, self._wall = min(now - self._wall, _LATEST_S), now
        if math.isinf(self._speedup):
            passed_s = _FREE_RUN_S if self.firmware.busy or self._later else passed
        else:
            passed_s = passed * self._speedup
        self._run_to(self.firmware.clock + round(passed_s * CLOCK_HZ), terminal)

    def _run_to(self, clock: int, terminal: PseudoTerminal) -> None:
        while True:
            moment = clock
            if self.faults.waiting:
                ahead = min(_SLICE_S, self.faults.seconds_to_next(self._counts()))
                moment = min(clock, self.firmware.clock + max(1, math.ceil(ahead * CLOCK_HZ)))
            if self._later:
                moment = max(self.firmware.clock, min(moment, min(end for end, _ in self._later)))
            self.firmware.run_until(moment)
            self._collect()
            for fault in self.faults.due(self._counts()):
                self._happen(fault, terminal)
            for end, fault in [item for item in self._later if item[0] <= self.firmware.clock]:
                self._later.remove((end, fault))
                self._end(fault, terminal)
            if moment >= clock:
                return

    def _counts(self) -> Counts:
        plotter, firmware = self.plotter, self.firmware
        return Counts(
            self._bytes_in, self._bytes_out, firmware.lines, plotter.lifts, plotter.ink_mm, firmware.clock / CLOCK_HZ
        )

    def _happen(self, fault: Fault, terminal: PseudoTerminal) -> None:
        _log.info('fault %s after %.3f s', fault.kind, self.machine_s)
        firmware = self.firmware
        until = firmware.clock + round(min(fault.amount, 1e9) * CLOCK_HZ)
        if fault.kind == 'stall':
            self._silent_until = max(self._silent_until, until)
        elif fault.kind == 'slow':
            self._delay = until - firmware.clock
        elif fault.kind == 'reset':
            firmware.brown_out(0)
        elif fault.kind == 'alarm':
            firmware.raise_alarm(int(fault.amount))
        elif fault.kind == 'unplug':
            terminal.unplug()
            self._client = False
        elif fault.kind == 'stuck-pen':
            self.plotter.jam_pen(firmware.clock, True)
        if fault.kind in ('unplug', 'stuck-pen') and math.isfinite(fault.amount):
            self._later.append((until, fault))

    def _end(self, fault: Fault, terminal: PseudoTerminal) -> None:
        if fault.kind == 'unplug':
            terminal.plug()
        else:
            self.plotter.jam_pen(self.firmware.clock, False)

    def _collect(self) -> None:
        """Take what the controller says, with the moment when it may be heard."""
        sent = self.firmware.sent
        if not sent:
            return
        data = self.faults.pass_bytes(bytes(sent), 'out', self._counts())
        self._bytes_out += len(sent)
        sent.clear()
        if data:
            self._answers.append((self.firmware.clock + self._delay, data))

    def _answer(self, terminal: PseudoTerminal) -> None:
        clock = self.firmware.clock
        while self._answers and self._answers[0][0] <= clock and self._silent_until <= clock:
            terminal.write(self._answers.popleft()[1])
