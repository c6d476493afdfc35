"""Faults on demand: what goes wrong between a program and a machine, at a chosen moment, the same for the same seed.

FaultSchedule([Fault('unplug', 'strokes', 3, value=2.0), parse_fault('lose-out@bytes=500')], seed=7)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

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
}
MOMENTS = ('bytes', 'lines', 'strokes', 'ink', 'seconds')
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
            return self.bytes_out if fault.kind.endswith('-out') or fault.kind == 'drop-ok' else self.bytes_in
        return {'lines': self.lines, 'strokes': self.strokes, 'ink': self.ink_mm, 'seconds': self.seconds}[fault.moment]


def parse_fault(text: str) -> Fault:
    """The fault that a person named.

    Args:
        text: KIND@MOMENT=NUMBER, with :VALUE behind it where one is wanted, as in `unplug@strokes=3:2.5`.

    Raises:
        SketchRobotError: BAD_GOAL, no such fault.
    """
    kind, _, when = text.partition('@')
    moment, _, numbers = when.partition('=')
    at, _, value = numbers.partition(':')
    try:
        return Fault(kind, moment, float(at), float(value) if value else None)
    except ValueError as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'the fault {text!r} is not KIND@MOMENT=NUMBER[:VALUE], as in unplug@strokes=3:2.5 ({error})',
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
        due = [fault for fault in self._waiting if counts.of(fault) >= fault.at]
        for fault in due:
            self._waiting.remove(fault)
            self._begin(fault)
        return [fault for fault in due if not _of_bytes(fault)]

    def seconds_to_next(self, counts: Counts) -> float:
        """Machine seconds to the next fault that goes by time; inf: there is none."""
        ahead = [fault.at - counts.seconds for fault in self._waiting if fault.moment == 'seconds']
        return max(0.0, min(ahead, default=math.inf))

    def pass_bytes(self, data: bytes, way: str, counts: Counts) -> bytes:
        """What becomes of bytes on their way 'in' to the controller or 'out' to the client."""
        if not self._waiting and self._ways[way].idle:
            return data
        passed = bytearray()
        start = counts.bytes_in if way == 'in' else counts.bytes_out
        for offset in self._cuts(way, start, len(data)):
            passed += self._ways[way].take(data[:offset])
            data = data[offset:]
            start += offset
            self._begin_bytes(way, start)
        return bytes(passed + self._ways[way].take(data))

    def _cuts(self, way: str, start: int, length: int) -> list[int]:
        """Where byte faults begin within the next bytes, each counted from the one before."""
        ats = sorted(
            {
                math.ceil(fault.at) - start
                for fault in self._waiting
                if _way_of(fault) == way and fault.moment == 'bytes' and start < fault.at < start + length
            }
        )
        return [at - before for before, at in zip([0, *ats], ats, strict=False)]

    def _begin_bytes(self, way: str, reached: int) -> None:
        for fault in [f for f in self._waiting if _way_of(f) == way and f.moment == 'bytes' and f.at <= reached]:
            self._waiting.remove(fault)
            self._begin(fault)

    def _begin(self, fault: Fault) -> None:
        self.happened.append(fault)
        if _of_bytes(fault):
            self._ways[_way_of(fault)].begin(fault)


def random_faults(
    seed: int, *, kinds: Sequence[str] = tuple(KINDS), count: int = 1, seconds: float = 0.0, strokes: int = 0
) -> FaultSchedule:
    """Faults of some kinds at random moments of a drawing that takes so many machine seconds, or strokes."""
    rng = np.random.default_rng(seed)
    faults = []
    for _ in range(count):
        fault = Fault(str(rng.choice(list(kinds))), 'seconds', float(rng.uniform(0.0, seconds)))
        if strokes:
            fault = replace(fault, moment='strokes', at=float(rng.integers(0, strokes)))
        faults.append(fault)
    return FaultSchedule(faults, seed=seed)


class _Way:
    """One direction of the line, with the byte faults that are in force on it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._lose = self._double = self._garble = self._oks = 0
        self._garbage = b''

    @property
    def idle(self) -> bool:
        return not (self._lose or self._double or self._garble or self._oks or self._garbage)

    def begin(self, fault: Fault) -> None:
        count = int(min(fault.amount, 1e9))
        kind = fault.kind.partition('-')[0]
        if kind == 'lose':
            self._lose += count
        elif kind == 'double':
            self._double += count
        elif kind == 'garble':
            self._garble += count
        elif kind == 'drop':
            self._oks += count
        else:
            self._garbage += self._rng.integers(0, 256, count, dtype=np.uint8).tobytes()

    def take(self, data: bytes) -> bytes:
        if self._oks:
            data = self._without_oks(data)
        if not data:
            return data
        before, self._garbage = self._garbage, b''
        lost = min(self._lose, len(data))
        self._lose -= lost
        data = data[lost:]
        garbled = min(self._garble, len(data))
        if garbled:
            self._garble -= garbled
            changes = self._rng.integers(1, 256, garbled, dtype=np.uint8)
            data = bytes(byte ^ int(change) for byte, change in zip(data, changes, strict=False)) + data[garbled:]
        doubled = min(self._double, len(data))
        self._double -= doubled
        twice = b''.join(data[index : index + 1] * 2 for index in range(doubled))
        return before + twice + data[doubled:]

    def _without_oks(self, data: bytes) -> bytes:
        while self._oks and b'ok\r\n' in data:
            data = data.replace(b'ok\r\n', b'', 1)
            self._oks -= 1
        return data


def _of_bytes(fault: Fault) -> bool:
    return fault.kind == 'drop-ok' or fault.kind.partition('-')[0] in _BYTE_FAULTS


def _way_of(fault: Fault) -> str:
    return 'in' if fault.kind.endswith('-in') else 'out'
