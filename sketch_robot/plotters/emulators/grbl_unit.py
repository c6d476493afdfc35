"""A GRBL plotter on a bench: controller, machine and faults in machine time, without a port and without threads."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Mapping

from sketch_robot.plotters.emulators.faults import Counts, Fault, FaultSchedule
from sketch_robot.plotters.emulators.grbl_firmware import GrblFirmware
from sketch_robot.plotters.emulators.grbl_machine import GrblMachine, Hardware
from sketch_robot.plotters.emulators.grbl_settings import settings_with
from sketch_robot.plotters.emulators.grbl_state import CLOCK_HZ

BOOT_S = 0.5  # of the boot loader, which swallows what comes meanwhile
_SLICE_S = 0.02  # how finely faults see what has happened
_log = logging.getLogger(__name__)


class GrblUnit:
    """What a USB cable leads to. One thread at a time.

    Args:
        hardware: page, pen, switches; None: A5, a servo (S0 up, S1000 down), no switches.
        settings: what differs from the emulated plotter's settings, by number, as in {110: 6000}.
        faults: what goes wrong when.
        baud: speed of the serial line; 0: bytes need no time.
        line_s: the controller's time to take in a line; an AVR needs about 1 ms.
        reset_on_open: whether a client that opens the port resets the controller, as DTR does on Arduino boards.
        boot_s: seconds from then to the banner, in which nothing is heard.
        seed: of what sudden stops lose.

    Attributes:
        firmware: the controller.
        plotter: the machine behind it.
        faults: those that have happened, and that wait.
        plugged: whether the cable is in.
    """

    def __init__(
        self,
        hardware: Hardware | None = None,
        *,
        settings: Mapping[int, float] | None = None,
        faults: FaultSchedule | None = None,
        baud: int = 115200,
        line_s: float = 0.0,
        reset_on_open: bool = True,
        boot_s: float = BOOT_S,
        seed: int = 0,
    ) -> None:
        known = settings_with(settings)
        self.plotter = GrblMachine(hardware or Hardware(), (known[100], known[101], known[102]))
        self.firmware = GrblFirmware(self.plotter, known, baud=baud, line_s=line_s, seed=seed)
        self.faults = faults or FaultSchedule()
        self.plugged = True
        self._reset_on_open, self._boot = reset_on_open, round(boot_s * CLOCK_HZ)
        self._answers: deque[tuple[int, bytes]] = deque()  # and when they may go
        self._later: list[tuple[int, Fault]] = []  # what ends when
        self._bytes_in = self._bytes_out = 0
        self._silent_until = self._boot_until = self._delay = 0

    @property
    def seconds(self) -> float:
        """Since power-on."""
        return self.firmware.clock / CLOCK_HZ

    @property
    def busy(self) -> bool:
        """Whether anything will still happen by itself."""
        return self.firmware.busy or bool(self._answers) or bool(self._later)

    @property
    def settled(self) -> bool:
        """Whether nothing moves and nothing is on its way; a fault may still have to end."""
        return not self.firmware.busy and not self._answers

    def client_opens(self) -> None:
        """A client has opened the port."""
        self._answers.clear()
        if self._reset_on_open:
            self.firmware.brown_out(self._boot)
            self._boot_until = self.firmware.clock + self._boot

    def send(self, data: bytes) -> None:
        """A client has written."""
        heard = self.faults.pass_bytes(data, 'in', self._counts())
        self._bytes_in += len(data)
        if self.plugged and self.firmware.clock >= self._boot_until:
            self.firmware.receive(heard)

    def heard(self) -> bytes:
        """What has come out by now, and was not taken before; lost while the cable is out."""
        clock = self.firmware.clock
        out = bytearray()
        while self._answers and self._answers[0][0] <= clock and self._silent_until <= clock:
            out += self._answers.popleft()[1]
        return bytes(out) if self.plugged else b''

    def run(self, seconds: float, *, until_heard: bool = False) -> None:
        """Let time pass, at most until something comes out.

        Args:
            seconds: of machine time.
            until_heard: return as soon as `heard` has something to say, or the cable was pulled.
        """
        end = self.firmware.clock + round(seconds * CLOCK_HZ)
        while True:
            self.firmware.run_until(self._next_stop(end), until_sent=until_heard)
            self._collect()
            if self.faults.waiting:
                for fault in self.faults.due(self._counts()):
                    self._happen(fault)
            for item in [item for item in self._later if item[0] <= self.firmware.clock]:
                self._later.remove(item)
                self._end(item[1])
            if self.firmware.clock >= end or (until_heard and (self._audible() or not self.plugged)):
                return

    def _audible(self) -> bool:
        clock = self.firmware.clock
        return bool(self._answers) and self._answers[0][0] <= clock and self._silent_until <= clock

    def _next_stop(self, end: int) -> int:
        clock = self.firmware.clock
        if self.faults.waiting:
            ahead = min(_SLICE_S, self.faults.seconds_to_next(self._counts()))
            end = min(end, clock + max(1, math.ceil(ahead * CLOCK_HZ)))
        stops = [moment for moment, _ in self._later]
        if self._answers:
            stops.append(max(self._answers[0][0], self._silent_until))
        return min([end, *(moment for moment in stops if moment > clock)])

    def _counts(self) -> Counts:
        plotter = self.plotter
        return Counts(
            self._bytes_in, self._bytes_out, self.firmware.lines, plotter.lifts, plotter.ink_mm, self.seconds
        )  # fmt: skip

    def _happen(self, fault: Fault) -> None:
        _log.info('fault %s after %.3f s', fault.kind, self.seconds)
        firmware = self.firmware
        until = firmware.clock + round(min(fault.amount, 1e9) * CLOCK_HZ)
        if fault.kind == 'stall':
            self._silent_until = max(self._silent_until, until)
        elif fault.kind == 'slow':
            self._delay = until - firmware.clock
        elif fault.kind == 'reset':
            firmware.brown_out()
        elif fault.kind == 'alarm':
            firmware.raise_alarm(int(fault.amount))
        elif fault.kind == 'unplug':
            self.plugged = False
        elif fault.kind == 'stuck-pen':
            self.plotter.jam_pen(firmware.clock, True)
        if fault.kind in ('unplug', 'stuck-pen') and math.isfinite(fault.amount):
            self._later.append((until, fault))

    def _end(self, fault: Fault) -> None:
        if fault.kind == 'unplug':
            self.plugged = True
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
