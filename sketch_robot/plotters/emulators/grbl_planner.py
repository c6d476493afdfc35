"""GRBL 1.1h's planner, exactly: which speed each motion may begin with, given those that wait behind it.

Targets are rounded to steps; lengths, directions and the axes' limits follow from the steps. A corner's speed comes
from the junction deviation (v^2 = a d s / (1 - s), s = sin(theta / 2); Jeon 2011), where `a` is what the axes allow in
the direction of the change. Whenever a block arrives, a pass from the last block, which ends at rest, back to the first
that can still be improved makes all of them able to brake, and a pass forward makes them reachable. Reference:
grbl/planner.c, `plan_buffer_line` and `planner_recalculate`, with the constants of grbl/config.h. Speeds are mm/min.
"""

from __future__ import annotations

import numpy as np

from sketch_robot.plotters.emulators.grbl_state import AXES, RING, Motion, compiled

_F = np.float32
_ZERO, _HALF, _ONE, _TWO = _F(0.0), _F(0.5), _F(1.0), _F(2.0)
_PERCENT = _F(0.01)
_LARGE = _F(1.0e38)
_STRAIGHT = _F(0.999999)  # |cos theta| from which a corner counts as none, or as a full turn back
_SLOWEST = _F(1.0)  # MINIMUM_FEED_RATE, mm/min
_SLOWEST_JUNCTION_SQR = _F(0.0)  # MINIMUM_JUNCTION_SPEED is 0 mm/min


@compiled
def blocks_waiting(motion: Motion) -> int:
    """How many blocks the planner holds, the one being executed included."""
    planner = motion.planner[0]
    return (planner.head - planner.tail) % RING


@compiled
def blocks_free(motion: Motion) -> int:
    """How many more blocks it takes."""
    return RING - 1 - blocks_waiting(motion)


@compiled
def nominal_speed(motion: Motion, index: int) -> np.float32:
    """The speed that a block is to be driven with, overrides and the axes' limits considered."""
    planner, block = motion.planner[0], motion.blocks[index]
    speed = block.programmed_rate
    if block.rapid:
        speed = speed * (_PERCENT * _F(planner.rapid_percent))
    else:
        if not block.fixed_feed:
            speed = speed * (_PERCENT * _F(planner.feed_percent))
        speed = min(speed, block.rapid_rate)
    return max(speed, _SLOWEST)


@compiled
def exit_speed_sqr(motion: Motion) -> np.float32:
    """How fast the block being executed may end: the entry speed of the next one, 0 without."""
    planner = motion.planner[0]
    following = (planner.tail + 1) % RING
    if following == planner.head:
        return _ZERO
    return motion.blocks[following].entry_sqr


@compiled
def add_block(  # type: ignore[no-untyped-def]
    motion: Motion, target_mm, feed, rapid=False, inverse_time=False, fixed_feed=False, system=False, ident=0
) -> bool:
    """Plan a line to a target.

    Args:
        motion: with room in the ring (`blocks_free` is positive); a system block needs none.
        target_mm: (3,) float32, machine coordinates.
        feed: mm/min; without meaning for a rapid.
        rapid: as fast as the axes can.
        inverse_time: the feed is in motions a minute.
        fixed_feed: overrides do not concern it.
        system: a motion of homing; it starts and ends at rest and leaves the planner's state alone.
        ident: a number that its marks will bear.

    Returns:
        False when it is shorter than a step; nothing is planned then.
    """
    planner = motion.planner[0]
    block = motion.blocks[planner.head]
    limits = motion.kinematics[0]
    unit = np.zeros(AXES, np.float32)
    target = np.zeros(AXES, np.int32)
    block.events = 0
    for axis in range(AXES):
        target[axis] = _rounded(target_mm[axis] * limits.steps_per_mm[axis])
        start = motion.executor[0].position[axis] if system else planner.position[axis]
        block.delta[axis] = target[axis] - start
        block.events = max(block.events, abs(block.delta[axis]))
        unit[axis] = _F(block.delta[axis]) / limits.steps_per_mm[axis]
    if block.events == 0:
        return False
    block.mm = _normalize(unit)
    block.accel = _within_axes(limits.accel, unit)
    block.rapid_rate = _within_axes(limits.max_rate, unit)
    block.programmed_rate = _F(feed)
    if rapid:
        block.programmed_rate = block.rapid_rate
    elif inverse_time:
        block.programmed_rate *= block.mm
    block.rapid, block.fixed_feed, block.system, block.ident = rapid, fixed_feed, system, ident
    block.entry_sqr = _ZERO
    if system or planner.head == planner.tail:
        block.max_junction_sqr = _ZERO  # from rest
    else:
        block.max_junction_sqr = _junction_sqr(limits, planner.unit, unit)
    if system:
        return True
    speed = nominal_speed(motion, planner.head)
    _limit_entry(block, speed, planner.nominal)
    planner.nominal = speed
    for axis in range(AXES):
        planner.unit[axis] = unit[axis]
        planner.position[axis] = target[axis]
    planner.head = (planner.head + 1) % RING
    replan(motion)
    return True


@compiled
def replan(motion: Motion) -> None:
    """Set the entry speeds of all blocks that can still be improved."""
    planner = motion.planner[0]
    last = (planner.head - 1) % RING
    if last == planner.planned:
        return
    # Back from the last block, which ends at rest.
    block = motion.blocks[last]
    block.entry_sqr = min(block.max_entry_sqr, _TWO * block.accel * block.mm)
    index = (last - 1) % RING
    while index != planner.planned:
        after = block.entry_sqr
        block = motion.blocks[index]
        index = (index - 1) % RING
        if block.entry_sqr != block.max_entry_sqr:
            block.entry_sqr = min(block.max_entry_sqr, after + _TWO * block.accel * block.mm)
    if planner.planned == planner.tail:
        renew_profile(motion)  # the block on its way may end faster than it was cut for
    # And forward; an entry at its limit, or one that needs full acceleration, can no longer be improved.
    current = motion.blocks[planner.planned]
    index = (planner.planned + 1) % RING
    while index != planner.head:
        following = motion.blocks[index]
        if current.entry_sqr < following.entry_sqr:
            reachable = current.entry_sqr + _TWO * current.accel * current.mm
            if reachable < following.entry_sqr:
                following.entry_sqr = reachable
                planner.planned = index
        if following.entry_sqr == following.max_entry_sqr:
            planner.planned = index
        current = following
        index = (index + 1) % RING


@compiled
def renew_profile(motion: Motion) -> None:
    """Let the block that is being cut into segments be looked at again, from the speed reached so far."""
    planner, prep = motion.planner[0], motion.prep[0]
    if not prep.loaded:
        return
    prep.recalculate = True
    block = motion.blocks[planner.head if prep.system else planner.tail]
    block.entry_sqr = prep.speed * prep.speed
    prep.loaded = False


@compiled
def replan_from_rest(motion: Motion) -> None:
    """Plan all blocks anew, from what is left of the first; after a stop and after an override."""
    renew_profile(motion)
    motion.planner[0].planned = motion.planner[0].tail
    replan(motion)


@compiled
def override(motion: Motion, feed_percent: int, rapid_percent: int) -> None:
    """Change the overrides of all blocks that wait."""
    planner = motion.planner[0]
    planner.feed_percent, planner.rapid_percent = feed_percent, rapid_percent
    before = _LARGE
    index = planner.tail
    while index != planner.head:
        speed = nominal_speed(motion, index)
        _limit_entry(motion.blocks[index], speed, before)
        before = speed
        index = (index + 1) % RING
    planner.nominal = before
    replan_from_rest(motion)


@compiled
def discard_block(motion: Motion) -> None:
    """Forget the first block: all of it has been cut into segments."""
    planner = motion.planner[0]
    if planner.head == planner.tail:
        return
    if planner.planned == planner.tail:
        planner.planned = (planner.tail + 1) % RING
    planner.tail = (planner.tail + 1) % RING


@compiled
def reset_planner(motion: Motion) -> None:
    """Forget all blocks, and begin at the stepper's position."""
    planner = motion.planner[0]
    planner.head = planner.tail = planner.planned = 0
    planner.nominal = _ZERO
    for axis in range(AXES):
        planner.unit[axis] = _ZERO
        planner.position[axis] = motion.executor[0].position[axis]


@compiled
def _limit_entry(block, speed, before) -> None:  # type: ignore[no-untyped-def]
    """An entry is no faster than its corner, its block and the block before."""
    slower = min(speed, before)
    block.max_entry_sqr = min(slower * slower, block.max_junction_sqr)


@compiled
def _junction_sqr(limits, before, unit):  # type: ignore[no-untyped-def]
    cosine = _ZERO
    change = np.zeros(AXES, np.float32)
    for axis in range(AXES):
        cosine -= before[axis] * unit[axis]
        change[axis] = unit[axis] - before[axis]
    if cosine > _STRAIGHT:
        return _SLOWEST_JUNCTION_SQR
    if cosine < -_STRAIGHT:
        return _LARGE
    _normalize(change)
    accel = _within_axes(limits.accel, change)
    sine = np.sqrt(_HALF * (_ONE - cosine))
    return max(_SLOWEST_JUNCTION_SQR, (accel * limits.junction_deviation * sine) / (_ONE - sine))


@compiled
def _normalize(vector):  # type: ignore[no-untyped-def]
    """Make a vector's length 1; returns what it was."""
    square = _ZERO
    for axis in range(AXES):
        square += vector[axis] * vector[axis]
    length = np.sqrt(square)
    inverse = _ONE / length
    for axis in range(AXES):
        vector[axis] *= inverse
    return length


@compiled
def _within_axes(most, unit):  # type: ignore[no-untyped-def]
    """The most along a direction that keeps each axis within its own limit."""
    value = _LARGE
    for axis in range(AXES):
        if unit[axis] != _ZERO:
            value = min(value, abs(most[axis] / unit[axis]))
    return value


@compiled
def _rounded(value):  # type: ignore[no-untyped-def]
    """To the nearest whole number, halves away from zero, as `lround`."""
    wide = np.float64(value)
    return np.int64(np.floor(wide + 0.5)) if wide >= 0.0 else -np.int64(np.floor(0.5 - wide))
