"""How a GRBL controller homes: Z first, then X and Y; to the switches at speed, back, again slowly, and off them."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sketch_robot_emulators.grbl.unit import GrblUnit

SEARCH_TRAVELS = 1.5  # of an axis' travel, until a switch is taken for missing


class HomingMotion:
    """Axes on their way, each by itself.

    Attributes:
        moves: (axis, way in steps, seconds) each; none: nothing moves.
        end_s: when the last one ends.
    """

    def __init__(self) -> None:
        self.moves: list[tuple[int, float, float]] = []
        self._since_s = self.end_s = 0.0

    def begin(self, moves: list[tuple[int, float, float]], now: float) -> None:
        """Set off."""
        self.moves, self._since_s = moves, now
        self.end_s = now + max((seconds for _, _, seconds in moves), default=0.0)

    def place(self, start: tuple[int, ...], now: float) -> tuple[float, ...]:
        """Where the axes are, in steps, having set off at `start`."""
        place = [float(each) for each in start]
        for axis, way, seconds in self.moves:
            place[axis] += way * (1.0 if seconds <= 0.0 else min(1.0, (now - self._since_s) / seconds))
        return tuple(place)


def home(grbl: GrblUnit, axes: tuple[int, ...]) -> Generator[float, None, bool]:
    """Home axes, together those that may move together; whether all were found."""
    grbl.state = 'Home'
    settings, low = grbl.settings, [int(grbl.settings[23]) >> axis & 1 for axis in range(3)]
    for group in ([2], [0, 1]):
        own = [axis for axis in group if axis in axes]
        seek = {axis: _search_mm(grbl, axis, -1 if low[axis] else 1) for axis in own}
        found = all(abs(seek[axis]) < SEARCH_TRAVELS * settings[130 + axis] for axis in own)
        yield from _move(grbl, seek, settings[25])
        if not found:
            grbl.raise_alarm(9)
            return False
        back = {axis: (settings[27] if low[axis] else -settings[27]) for axis in own}
        yield from _move(grbl, back, settings[25])
        if any(grbl.trace.pressed(axis) for axis in own):
            grbl.raise_alarm(8)
            return False
        yield from _move(grbl, {axis: -way for axis, way in back.items()}, settings[24])
        yield from _move(grbl, back, settings[24])
    position = list(grbl.planner.position)
    for axis in axes:
        home_mm = (settings[27] - settings[130 + axis]) if low[axis] else -settings[27]
        position[axis] = round((0.0 if grbl.dialect.homes_to_zero else home_mm) * settings[100 + axis])
    grbl.stand_at(tuple(position))
    grbl.trace.lost_mm = np.zeros(2)  # the switches have told
    grbl.state = 'Idle'
    return True


def _search_mm(grbl: GrblUnit, axis: int, way: int) -> float:
    """How far an axis goes until its switch closes, or no further; signed."""
    most, there = SEARCH_TRAVELS * grbl.settings[130 + axis], grbl.trace.to_switch_mm(axis)
    if not grbl.switches_work or not math.isfinite(there) or grbl.trace.hardware.switch_side[axis] != way:
        return way * most
    return way * min(most, max(0.0, there * way))


def _move(grbl: GrblUnit, ways_mm: Mapping[int, float], rate: float) -> Generator[float, None, None]:
    """Move each axis by itself, in mm of the machine, then let the switches settle."""
    speed = max(1.0, rate) / 60.0
    moves = []
    for axis, way in ways_mm.items():
        seconds = abs(way) / speed + (speed / grbl.settings[120 + axis] if way else 0.0)
        moves.append((axis, way * float(grbl.trace.steps_per_mm[axis]), seconds))
    grbl.homing.begin(moves, grbl.seconds)
    yield grbl.homing.end_s
    place = grbl.place()
    grbl.trace.follow(place, homing=True)
    grbl.homing.moves = []
    grbl.stand_at(tuple(round(each) for each in place))
    yield grbl.seconds + grbl.settings[26] / 1000.0
