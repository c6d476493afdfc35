"""Plan motion through a queue of straight blocks, and tell at any time where the machine is.

Every block is passed with a trapezoid of speed. Corners are taken at the speed of their junction deviation,
v^2 = a d s / (1 - s) with s = sin(theta / 2), theta the angle between the blocks and a the acceleration that the axes
have in the direction in which the corner pushes; a pass from the end and a pass from the start then make each corner
reachable, v^2 <= v_neighbour^2 + 2 a L, and the queue always ends at rest. Rates and accelerations are limited axis by
axis. All is in closed form: nothing is stepped, and time may be asked for in any pieces.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

BLOCKS = 15  # that wait or run, as a report's `Bf` tells of an idle controller
LEAST_FEED = 1.0  # mm/min
_TINY_S, _NEAR_MM = 1e-9, 1e-7


@dataclass(eq=False)
class Block:
    """One straight motion.

    Attributes:
        start, steps: where it begins, and how far it goes, in steps of each axis.
        unit: its direction, in mm.
        length_mm: how long it is.
        feed: programmed, mm/s; 0: a rapid.
        most: speed that the axes allow along it, mm/s.
        accel: mm/s^2 along it.
        corner: square of the speed at which its beginning may be passed.
        entry: square of the speed planned there.
    """

    start: tuple[int, ...]
    steps: tuple[int, ...]
    unit: tuple[float, ...]
    length_mm: float
    feed: float
    most: float
    accel: float
    corner: float = 0.0
    entry: float = 0.0


@dataclass(frozen=True)
class Ramp:
    """Motion at one acceleration, from a place along a block.

    Attributes:
        seconds: how long.
        from_mm, speed: along the block when it begins.
        accel: mm/s^2.
    """

    seconds: float
    from_mm: float
    speed: float
    accel: float

    def at(self, seconds: float) -> tuple[float, float]:
        """(mm along the block, mm/s) so long after its beginning."""
        return (
            self.from_mm + seconds * (self.speed + 0.5 * self.accel * seconds),
            max(0.0, self.speed + self.accel * seconds),
        )


def ramps_between(place: float, end: float, v0: float, v1: float, most: float, accel: float) -> list[Ramp]:
    """Go from one place of a block to another as fast as it may: (place, v0) to (end, v1), no faster than `most`.

    What cannot be braked to v1 on the way ends faster.
    """
    ramps: list[Ramp] = []
    length = end - place
    if v0 > most:  # an override has slowed it
        way = min(length, (v0 * v0 - most * most) / (2.0 * accel))
        slow = math.sqrt(max(0.0, v0 * v0 - 2.0 * accel * way))
        ramps.append(Ramp((v0 - slow) / accel, place, v0, -accel))
        place, v0, length = place + way, slow, length - way
    peak = min(most, math.sqrt(max(0.0, 0.5 * (v0 * v0 + v1 * v1) + accel * length)))
    if v0 * v0 > v1 * v1 + 2.0 * accel * length or peak < v0:  # braking all the way
        slow = math.sqrt(max(0.0, v0 * v0 - 2.0 * accel * length))
        return [*ramps, Ramp((v0 - slow) / accel, place, v0, -accel)]
    faster = (peak * peak - v0 * v0) / (2.0 * accel)
    slower = max(0.0, (peak * peak - v1 * v1) / (2.0 * accel))
    cruise = max(0.0, length - faster - slower)
    ramps.append(Ramp((peak - v0) / accel, place, v0, accel))
    if cruise > 0.0 and peak > 0.0:
        ramps.append(Ramp(cruise / peak, place + faster, peak, 0.0))
    ramps.append(Ramp(max(0.0, peak - v1) / accel, place + length - slower, peak, -accel))
    return [ramp for ramp in ramps if ramp.seconds > 0.0]


class Planner:
    """The queue of blocks, and the motion through it; one thread, and time only goes forward.

    Args:
        steps_per_mm, rates, accels: of each axis; mm/s and mm/s^2.
        deviation_mm: of junctions.

    Attributes:
        position: steps of each axis at the end of all blocks.
        speed_mm_s: how fast it is now.
        holding: whether it brakes to rest wherever it is, or rests there.
        feed_percent, rapid_percent: overrides; call `plan` after a change.
    """

    def __init__(
        self,
        steps_per_mm: Sequence[float],
        rates: Sequence[float],
        accels: Sequence[float],
        deviation_mm: float,
    ) -> None:
        self.limit(steps_per_mm, rates, accels, deviation_mm)
        self.position = tuple(0 for _ in steps_per_mm)
        self.holding = False
        self.feed_percent = self.rapid_percent = 100
        self._blocks: deque[Block] = deque()
        self._last_unit: tuple[float, ...] | None = None
        self._last_speed = math.inf
        self._ramps: list[Ramp] = []
        self._since_s = self._now_s = 0.0  # when the first ramp began; what has been passed
        self._place, self.speed_mm_s = 0.0, 0.0  # along the first block

    def limit(
        self, steps_per_mm: Sequence[float], rates: Sequence[float], accels: Sequence[float], deviation_mm: float
    ) -> None:
        """Set the machine's limits for the blocks that are added from now on."""
        self.steps_per_mm = tuple(steps_per_mm)
        self._rates, self._accels, self._deviation_mm = tuple(rates), tuple(accels), deviation_mm

    # ------------------------------------------------------------- what is there
    @property
    def waiting(self) -> int:
        """How many blocks are not done."""
        return len(self._blocks)

    @property
    def moving(self) -> bool:
        """Whether there is motion now."""
        return bool(self._ramps)

    @property
    def current(self) -> Block | None:
        """The block under way."""
        return self._blocks[0] if self._blocks else None

    def place_steps(self) -> tuple[float, ...]:
        """Where it is now, in fractions of steps."""
        if not self._blocks:
            return tuple(float(each) for each in self.position)
        block = self._blocks[0]
        share = min(1.0, self._place / block.length_mm)
        return tuple(begin + share * way for begin, way in zip(block.start, block.steps, strict=True))

    # ------------------------------------------------------------- blocks
    def add(self, target: tuple[int, ...], feed: float) -> bool:
        """Add a motion to a target in steps, at a feed in mm/s (0: rapid); False: it is no step away."""
        steps = tuple(there - here for there, here in zip(target, self.position, strict=True))
        if not any(steps):
            return False
        ways = [count / per_mm for count, per_mm in zip(steps, self.steps_per_mm, strict=True)]
        length = math.sqrt(sum(way * way for way in ways))
        unit = tuple(way / length for way in ways)
        most, accel = _along(unit, self._rates), _along(unit, self._accels)
        block = Block(self.position, steps, unit, length, feed, most, accel)
        speed = self._fast(block)
        if self._blocks:
            slower = min(speed, self._last_speed)
            block.corner = min(slower * slower, self._corner(self._last_unit, unit))
        self._last_unit, self._last_speed = unit, speed
        self._blocks.append(block)
        self.position = target
        self.plan()
        return True

    def plan(self) -> None:
        """Plan anew from the motion of now, as after an override."""
        if not self._blocks:
            return
        blocks = self._blocks
        blocks[0].entry = self.speed_mm_s * self.speed_mm_s
        after = 0.0
        for index in range(len(blocks) - 1, 0, -1):
            block = blocks[index]
            most = min(block.corner, self._fast(block) ** 2, self._fast(blocks[index - 1]) ** 2)
            block.entry = after = min(most, after + 2.0 * block.accel * block.length_mm)
        left = blocks[0].length_mm - self._place
        for index in range(len(blocks) - 1):
            gained = 2.0 * blocks[index].accel * left
            blocks[index + 1].entry = min(blocks[index + 1].entry, blocks[index].entry + gained)
            left = blocks[index + 1].length_mm
        self._go_on()

    def hold(self) -> None:
        """Brake to rest."""
        self.holding = True
        self._go_on()

    def release(self) -> None:
        """Go on after a hold."""
        self.holding = False
        self.plan()

    def flush(self) -> tuple[int, ...]:
        """Forget all motion; the position is now where it is, in whole steps."""
        self.position = tuple(round(each) for each in self.place_steps())
        self._blocks.clear()
        self._ramps = []
        self._place = self.speed_mm_s = 0.0
        self._last_unit = None
        self.holding = False
        return self.position

    # ------------------------------------------------------------- time
    @property
    def _ends_s(self) -> float:
        """When the block under way ends, or rest is reached in a hold; inf: nothing moves."""
        return self._since_s + sum(ramp.seconds for ramp in self._ramps) if self._ramps else math.inf

    def seconds_to_event(self) -> float:
        """Until `advance` has to be called again; inf: nothing moves."""
        return max(0.0, self._ends_s - self._now_s)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self._now_s + seconds
        while (ends_s := self._ends_s) <= end_s + _TINY_S:
            self._now_s = max(self._now_s, ends_s)
            self._end_ramps()
        self._now_s, into = end_s, end_s - self._since_s
        for ramp in self._ramps:
            self._place, self.speed_mm_s = ramp.at(max(0.0, min(into, ramp.seconds)))
            if into <= ramp.seconds:
                break
            into -= ramp.seconds

    def _end_ramps(self) -> None:
        """The block under way has ended, or it rests in a hold."""
        last = self._ramps[-1]
        self._place, self.speed_mm_s = last.at(last.seconds)
        if self._place >= self._blocks[0].length_mm - _NEAR_MM:
            self._blocks.popleft()
            self._place = 0.0
            if not self._blocks:
                self.speed_mm_s, self._last_unit = 0.0, None
        elif self.holding:
            self.speed_mm_s = 0.0
        self._go_on()

    def _go_on(self) -> None:
        """Take up the block under way from where it is."""
        self._since_s = self._now_s
        self._ramps = []
        if not self._blocks:
            return
        block = self._blocks[0]
        if self.holding:
            if self.speed_mm_s > 1e-6:
                stop = self.speed_mm_s * self.speed_mm_s / (2.0 * block.accel)
                end = min(block.length_mm, self._place + stop)
                self._ramps = ramps_between(self._place, end, self.speed_mm_s, 0.0, self.speed_mm_s, block.accel)
            return
        leaves = math.sqrt(self._blocks[1].entry) if len(self._blocks) > 1 else 0.0
        ramps = ramps_between(self._place, block.length_mm, self.speed_mm_s, leaves, self._fast(block), block.accel)
        self._ramps = ramps or [Ramp(_TINY_S, block.length_mm, leaves, 0.0)]

    def _fast(self, block: Block) -> float:
        """How fast a block may be passed under the overrides, mm/s."""
        if block.feed == 0.0:
            return block.most * self.rapid_percent / 100.0
        return min(block.most, max(LEAST_FEED / 60.0, block.feed * self.feed_percent / 100.0))

    def _corner(self, before: tuple[float, ...] | None, after: tuple[float, ...]) -> float:
        if before is None:
            return 0.0
        push = [b - a for a, b in zip(before, after, strict=True)]
        length = math.hypot(*push)
        if length == 0.0:  # straight on
            return math.inf
        accel = _along(tuple(each / length for each in push), self._accels)
        s = 0.5 * math.hypot(*(a + b for a, b in zip(before, after, strict=True)))
        return accel * self._deviation_mm * s * (1.0 + s) / (0.25 * length * length)  # 1 - s^2 = (length / 2)^2


def _along(unit: tuple[float, ...], limits: Sequence[float]) -> float:
    """A limit of each axis, as the least along a direction."""
    return min(limit / abs(part) for part, limit in zip(unit, limits, strict=True) if abs(part) > 1e-12)
