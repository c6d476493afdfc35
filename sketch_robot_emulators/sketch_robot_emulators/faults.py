"""Faults on demand: what goes wrong between a program and a machine, at a chosen moment, the same for the same seed.

FaultSchedule([Fault('unplug', 'strokes', 3, value=2.0), parse_fault('lose-out@bytes=500')], seed=7)
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

KINDS: dict[str, float] = {  # and the value that each has when none is given
    'lose-in': 1.0,  # so many bytes to the controller are lost
    'double-in': 1.0,  # ... come twice
    'garble-in': 1.0,  # ... come as others
    'garbage-in': 8.0,  # so many bytes that nobody sent come in between
    'lose-out': 1.0,  # the same towards the client
    'double-out': 1.0,
    'garble-out': 1.0,
    'garbage-out': 8.0,
    'stall': 1.0,  # nothing is answered for so many seconds, then all that was held back
    'drop-ok': 1.0,  # so many answers `ok` never come
    'slow': 0.05,  # from now on every answer takes so many seconds
    'unplug': 1.0,  # the port vanishes for so many seconds; inf: for good
    'reset': 0.0,  # brown-out: the controller starts anew and has forgotten where it is
    'alarm': 1.0,  # of this code
    'stuck-pen': math.inf,  # the pen's lift does not move for so many seconds
    'supply': math.inf,  # the motors have no power for so many seconds, while the controller runs on
    'zero': 0.0,  # another program sets the controller's counters of steps to zero
    'button': 0.1,  # the machine's own button is held for so many seconds; a GRBL's is its feed hold
    'push': 5.0,  # the carriage is pushed so many mm along both axes, which the controller does not notice
    'newline': 1.0,  # another program sends so many empty lines to the port
    'forge-ok': 1.0,  # another `ok` than the controller's reaches the client
    'suspend': 2.0,  # the program is not run for so many seconds; see `VirtualLink`
}
MOMENTS = ('bytes', 'lines', 'strokes', 'ink', 'seconds')
_OK = re.compile(rb'ok\r\n', re.IGNORECASE)
_BYTE_FAULTS = ('lose', 'double', 'garble', 'garbage')


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: of `KINDS`.
        moment: what counts: 'bytes' that came from the client (of an `-out` fault: went to it), 'lines' that the
            controller has read, 'strokes' that were lifted off the paper, 'ink' in mm, or machine 'seconds', all since
            the start.
        at: when that many are reached, the fault happens.
        value: how many bytes, for how many machine seconds, or which alarm, as the kind says; None: as `KINDS` says.

    Raises:
        ValueError: no such kind or moment, or a negative number.
    """

    kind: str
    moment: str
    at: float
    value: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'there is no fault {self.kind!r}; choose one of: {", ".join(KINDS)}')
        if self.moment not in MOMENTS:
            raise ValueError(f'there is no moment {self.moment!r}; choose one of: {", ".join(MOMENTS)}')
        if not self.at >= 0.0 or not self.amount >= 0.0:
            raise ValueError(f'the fault {self.kind} has a negative number')

    @property
    def amount(self) -> float:
        """The value, or its default."""
        return KINDS[self.kind] if self.value is None else self.value

    @property
    def of_bytes(self) -> bool:
        """Whether it happens to what is on the line, and to no machine."""
        return self.kind == 'drop-ok' or self.kind.partition('-')[0] in _BYTE_FAULTS

    @property
    def way(self) -> str:
        """Of one of bytes: 'in' to the controller, or 'out' to the client."""
        return 'in' if self.kind.endswith('-in') else 'out'


@dataclass(frozen=True)
class Counts:
    """How far things have come, for faults to happen by."""

    bytes_in: int = 0
    bytes_out: int = 0
    lines: int = 0
    strokes: int = 0
    ink_mm: float = 0.0
    seconds: float = 0.0

    def of(self, fault: Fault) -> float:
        """What a fault goes by."""
        if fault.moment == 'bytes':
            return self.bytes_out if fault.of_bytes and fault.way == 'out' else self.bytes_in
        return {'lines': self.lines, 'strokes': self.strokes, 'ink': self.ink_mm, 'seconds': self.seconds}[fault.moment]


def parse_fault(text: str) -> Fault:
    """The fault that a person named.

    Args:
        text: KIND@MOMENT=NUMBER, with :VALUE behind it where one is wanted, as in `unplug@strokes=3:2.5`.

    Raises:
        ValueError: no such fault; the message is for a person.
    """
    kind, _, when = text.partition('@')
    moment, _, numbers = when.partition('=')
    at, _, value = numbers.partition(':')
    try:
        return Fault(kind, moment, float(at), float(value) if value else None)
    except ValueError as error:
        raise ValueError(
            f'the fault {text!r} is not KIND@MOMENT=NUMBER[:VALUE], as in unplug@strokes=3:2.5 ({error})'
        ) from error


class FaultSchedule:
    """Faults that wait for their moment. One thread uses it.

    Args:
        faults: in any order.
        seed: of garbage and of what bytes turn into.
    """

    def __init__(self, faults: Sequence[Fault] = (), *, seed: int = 0) -> None:
        self._waiting = list(faults)
        self._rng = np.random.default_rng(seed)
        self._ways = {'in': _Way(self._rng), 'out': _Way(self._rng)}
        self.happened: list[Fault] = []

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """Those that have not happened."""
        return tuple(self._waiting)

    def add(self, fault: Fault) -> None:
        """Let one more wait."""
        self._waiting.append(fault)

    def due(self, counts: Counts) -> list[Fault]:
        """Faults whose moment has come, of the machine and the port; those of bytes happen by themselves."""
        due = self._begin(fault for fault in self._waiting if counts.of(fault) >= fault.at)
        return [fault for fault in due if not fault.of_bytes]

    def seconds_to_next(self, counts: Counts) -> float:
        """Machine seconds to the next fault that goes by time; inf: there is none."""
        ahead = [fault.at - counts.seconds for fault in self._waiting if fault.moment == 'seconds']
        return max(0.0, min(ahead, default=math.inf))

    def pass_bytes(self, data: bytes, way: str, counts: Counts) -> bytes:
        """What becomes of bytes on their way 'in' to the controller or 'out' to the client."""
        if not self._waiting and self._ways[way].idle:
            return data
        passed, start = b'', counts.bytes_in if way == 'in' else counts.bytes_out
        own = [fault for fault in self._waiting if fault.of_bytes and fault.way == way and fault.moment == 'bytes']
        while ats := [fault.at for fault in own if fault in self._waiting and start < fault.at < start + len(data)]:
            before = math.ceil(min(ats)) - start
            passed += self._ways[way].take(data[:before])
            data, start = data[before:], start + before
            self._begin(fault for fault in own if fault in self._waiting and fault.at <= start)
        return passed + self._ways[way].take(data)

    def _begin(self, faults: Iterable[Fault]) -> list[Fault]:
        begun = list(faults)
        for fault in begun:
            self._waiting.remove(fault)
            self.happened.append(fault)
            if fault.of_bytes:
                self._ways[fault.way].begin(fault)
        return begun


class _Way:
    """One direction of the line, with the byte faults that are in force on it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._left: Counter[str] = Counter()  # bytes, or answers, that are yet to be hit
        self._garbage = b''

    @property
    def idle(self) -> bool:
        return not (self._garbage or self._left.total())

    def begin(self, fault: Fault) -> None:
        count, kind = int(min(fault.amount, 1e9)), fault.kind.partition('-')[0]
        if kind == 'garbage':
            self._garbage += self._rng.integers(0, 256, count, dtype=np.uint8).tobytes()
        else:
            self._left[kind] += count

    def take(self, data: bytes) -> bytes:
        while self._left['drop'] and (found := _OK.search(data)):
            data = data[: found.start()] + data[found.end() :]
            self._left['drop'] -= 1
        if not data:
            return data
        before, self._garbage = self._garbage, b''
        data = data[self._hit('lose', data) :]
        if garbled := self._hit('garble', data):
            changes = self._rng.integers(1, 256, garbled, dtype=np.uint8)
            data = bytes(byte ^ int(change) for byte, change in zip(data, changes, strict=False)) + data[garbled:]
        doubled = self._hit('double', data)
        return before + bytes(byte for byte in data[:doubled] for _ in '12') + data[doubled:]

    def _hit(self, kind: str, data: bytes) -> int:
        """How many of the first bytes a fault hits."""
        count = min(self._left[kind], len(data))
        self._left[kind] -= count
        return count
