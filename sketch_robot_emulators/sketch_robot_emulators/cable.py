"""The cable between a program and an emulated machine, with all that can go wrong on it; and the machine's time.

`Cable` is what every emulated machine is in its own time: bytes are sent and heard, time is handed out by `run`, and
faults happen at their moments. A subclass adds the controller.
"""

from __future__ import annotations

import logging
import math
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from typing import ClassVar

from sketch_robot_emulators.faults import Counts, Fault, FaultSchedule
from sketch_robot_emulators.ink import PenTrace

INK_TURN_S = 0.002  # how often a fault that goes by ink is looked for
Effect = tuple[Callable[[float], object], Callable[[], object] | None]
_log = logging.getLogger(__name__)


class Cable(ABC):
    """A machine at the end of a cable; one thread.

    Args:
        trace: its pen on the paper.
        faults: what goes wrong when.
        baud: speed of the line both ways, 10 bits a byte; 0: bytes need no time on it.
        effects: the faults that this machine can have beside those of the cable, by kind: what begins one, given the
            fault's value, and what ends it after so many seconds; None: nothing does.

    Attributes:
        lines: how many the controller has read.
        plugged: whether there is a port.
        suspended_until: until when the program is not run; see `VirtualLink`.
        way_s: seconds that bytes are on their way to the machine and back, as over Bluetooth or a network.
        bytes_in, bytes_out: sent by the client and to it, before faults.
    """

    name: ClassVar[str]  # of the kind of machine
    pieces: ClassVar[re.Pattern[bytes]] = re.compile(rb'.', re.DOTALL)  # of what is sent, each of which comes at once

    def __init__(
        self,
        trace: PenTrace,
        faults: FaultSchedule | None,
        *,
        baud: int = 0,
        effects: Mapping[str, Effect],
    ) -> None:
        self.trace, self.faults = trace, faults or FaultSchedule()
        self._effects: dict[str, Effect] = {
            'forge-ok': (lambda count: self._put(self._yes() * int(count)), None),
            'stall': (self._fall_silent, None),
            'slow': (self._delay, None),
            'unplug': (lambda _: self.unplug(), self.replug),
            'suspend': (self._suspend, None),
            **effects,
        }
        for fault in self.faults.waiting:
            self._check(fault)
        self.plugged = True
        self.lines = self.bytes_in = self.bytes_out = 0
        self.suspended_until, self.way_s = 0.0, (0.0, 0.0)
        self._byte_s = 10.0 / baud if baud else 0.0
        self._now = 0.0
        self._sent = bytearray()  # by the controller, since that was looked at last
        self._coming, self._answers = deque[tuple[float, bytes]](), deque[tuple[float, bytes]]()  # and when it is there
        self._in_free_s = self._out_free_s = self._silent_until = self._delay_s = 0.0
        self._later: list[tuple[float, Callable[[], object]]] = []

    # ------------------------------------------------------------- the machine
    @abstractmethod
    def client_opens(self) -> None:
        """A program opens the port."""

    @abstractmethod
    def _next_event_s(self) -> float:
        """When the controller does something by itself; inf: never."""

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """A piece has come: take it, and do what can be done now."""

    @abstractmethod
    def _settle(self) -> None:
        """Do all that is due by now."""

    def _let_pass(self, until_s: float) -> None:
        """Let the controller run, at most to its next event."""
        self._now = until_s
        self._settle()

    @property
    def seconds(self) -> float:
        """Machine seconds since power came on first."""
        return self._now

    def _yes(self) -> bytes:
        """An answer that says yes."""
        return b'ok\r\n'

    # ------------------------------------------------------------- the client
    def send(self, data: bytes) -> None:
        """Put bytes on the cable; without a port they are gone."""
        if not self.plugged:
            return
        passed = self.faults.pass_bytes(data, 'in', self._counts())
        self.bytes_in += len(data)
        self._deliver(passed)

    def _deliver(self, data: bytes) -> None:
        """Put bytes on the line to the controller."""
        for piece in self.pieces.findall(data):
            self._in_free_s = max(self._in_free_s, self.seconds) + len(piece) * self._byte_s
            self._coming.append((self._in_free_s + self.way_s[0], piece))

    def heard(self) -> bytes:
        """What has come from the controller by now."""
        data = b''
        while self._next_heard_s() <= self.seconds:
            data += self._answers.popleft()[1]
        return data if self.plugged else b''

    def unplug(self) -> None:
        """Pull the cable; the machine goes on with what it has."""
        self.plugged = False
        self.drop_answers()

    def replug(self) -> None:
        """Put the cable back."""
        self.plugged = True

    def drop_answers(self) -> bytes:
        """Forget what is on its way to the client; returns it."""
        data = b''.join(answer for _, answer in self._answers) + bytes(self._sent)
        self._answers.clear()
        self._sent.clear()
        return data

    # ------------------------------------------------------------- time
    @property
    def _idle(self) -> bool:
        """Whether the controller does nothing until somebody says something."""
        return not self._coming and self._next_event_s() == math.inf

    @property
    def quiet(self) -> bool:
        """Whether nothing happens until somebody says something."""
        return self._idle and not (self.faults.waiting or self._later or self._answers)

    @property
    def at_rest(self) -> bool:
        """Whether nothing moves and nothing is on its way."""
        return self._idle and not self._answers

    def seconds_to_event(self) -> float:
        """Until something happens by itself; inf: nothing will."""
        heard_s = self._next_heard_s()
        return min(self._next_s(), heard_s if heard_s > self.seconds else math.inf) - self.seconds

    def run(self, seconds: float, *, until_heard: bool = False) -> None:
        """Let time pass; with `until_heard` no longer than until there is something to hear."""
        end = self.seconds + float(seconds)
        self._turn()
        while True:
            heard_s = self._next_heard_s() if until_heard and self.plugged else math.inf
            if heard_s <= self.seconds:
                return
            self._let_pass(max(self.seconds, min(end, self._next_s(), heard_s)))
            while self._coming and self._coming[0][0] <= self.seconds:
                self._take(self._coming.popleft()[1])
            self._turn()
            if self.seconds >= end:
                return

    def _next_s(self) -> float:
        return min(self._next_event_s(), self._coming[0][0] if self._coming else math.inf, self._next_fault_s())

    def _next_heard_s(self) -> float:
        return max(self._answers[0][0], self._silent_until) if self._answers else math.inf

    def _turn(self) -> None:
        """Let faults happen, and put what the controller has said on the cable."""
        self._meet_faults()
        if self._sent:
            data = bytes(self._sent)
            self._sent.clear()
            if self.plugged:
                self._put(data)

    def _put(self, data: bytes) -> None:
        passed = self.faults.pass_bytes(data, 'out', self._counts())
        self.bytes_out += len(data)
        self._out_free_s = max(self._out_free_s, self.seconds) + len(passed) * self._byte_s
        if passed:
            self._answers.append((self._out_free_s + self._delay_s + self.way_s[1], passed))

    # ------------------------------------------------------------- faults
    def inject(self, fault: Fault) -> None:
        """Let something go wrong when its moment comes; one that has passed is now.

        Raises:
            ValueError: it cannot happen to this machine.
        """
        self._check(fault)
        self.faults.add(fault)

    def _check(self, fault: Fault) -> None:
        if not fault.of_bytes and fault.kind not in self._effects:
            raise ValueError(f'the fault {fault.kind} cannot happen to this machine')

    def _counts(self) -> Counts:
        return Counts(self.bytes_in, self.bytes_out, self.lines, self.trace.lifts, self.trace.ink_mm, self.seconds)

    def _next_fault_s(self) -> float:
        times = [self.seconds + self.faults.seconds_to_next(Counts(seconds=self.seconds))]
        times += [end for end, _ in self._later]
        if any(fault.moment == 'ink' for fault in self.faults.waiting) and not self._idle:
            times.append(self.seconds + INK_TURN_S)
        return min(times)

    def _meet_faults(self) -> None:
        for fault in self.faults.due(self._counts()) if self.faults.waiting else ():
            _log.info('fault %s after %.3f s', fault.kind, self.seconds)
            begin, end = self._effects[fault.kind]
            begin(fault.amount)
            if end is not None:
                self._after(fault.amount, end)
        for item in [item for item in self._later if item[0] <= self.seconds + 1e-9]:
            self._later.remove(item)
            item[1]()

    def _after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something so much later; inf: never."""
        if seconds < math.inf:
            self._later.append((self.seconds + seconds, action))

    def _fall_silent(self, seconds: float) -> None:
        self._silent_until = max(self._silent_until, self.seconds + min(seconds, 1e9))

    def _delay(self, seconds: float) -> None:
        self._delay_s = seconds

    def _suspend(self, seconds: float) -> None:
        self.suspended_until = self.seconds + seconds
