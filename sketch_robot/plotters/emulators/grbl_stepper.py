"""GRBL 1.1h's stepper, exactly: planned blocks are cut into segments of 10 ms, and a timer makes their steps.

Each segment has one constant step rate, the average of what the trapezoid asks for in its time; up to five of them
(40 to 50 ms) are prepared ahead and can no longer be changed. The time of a part of a step that a segment does not make
is carried into the next. A feed hold brakes the block in preparation, and those behind it, to a stop. Steps of slow
segments are smoothed (AMASS), and the minor axes follow Bresenham's line; both only shift single steps by less than a
step's time, which is kept. Reference: grbl/stepper.c, `st_prep_buffer` and the TIMER1_COMPA interrupt; the timer counts
its compare value and zero (ATmega328P, CTC mode), so that a period is one cycle longer than asked for.
"""

from __future__ import annotations

import numpy as np

from sketch_robot.plotters.emulators.grbl_planner import discard_block, exit_speed_sqr, nominal_speed
from sketch_robot.plotters.emulators.grbl_ramp import follow_ramp, hold_profile, trapezoid
from sketch_robot.plotters.emulators.grbl_state import (
    AXES,
    BLOCK_BEGUN,
    BLOCK_DONE,
    LOADED,
    MARKS,
    SEGMENTS,
    STOPPED,
    Motion,
    compiled,
)

_F = np.float32
_ZERO = _F(0.0)
_LEAST_STEPS = _F(1.25)  # REQ_MM_INCREMENT_SCALAR
_CYCLES_PER_MIN = _F(16_000_000.0 * 60.0)
_SMOOTHED = (2000, 4000, 8000)  # cycles a step from which step smoothing halves them: F_CPU / 8, 4, 2 kHz
_SLOWEST_PERIOD = 0xFFFF  # of the 16-bit timer
_MARKS_KEPT = MARKS - 4


@compiled
def advance(motion: Motion, until: int, on_space: bool) -> bool:
    """Make steps until a moment.

    Args:
        motion: its marks are appended to: blocks begun and done, and stops.
        until: the moment, in clock cycles.
        on_space: return early when a planner block has been used up, with the clock at that moment.

    Returns:
        Whether the moment was reached; False: something happened before that the program must see (space in the
        planner, a stop, marks nearly full).
    """
    run = motion.executor[0]
    while True:
        if run.running:
            tail = motion.planner[0].tail
            prepare(motion)
            if on_space and tail != motion.planner[0].tail:
                return False
        if run.marks >= _MARKS_KEPT:
            return False
        if not run.running:
            run.clock = max(run.clock, until)
            return True
        if run.head == run.tail:
            run.running = False
            _note(motion, STOPPED, -1, False)
            return False
        segment = motion.segments[run.tail]
        slot = motion.slots[segment.slot]
        if not slot.begun:
            _begin(motion, slot)
        ticks = min(segment.ticks - run.tick, (until - run.tick_clock) // segment.period)
        if ticks > 0:
            run.tick += ticks
            run.tick_clock += ticks * segment.period
            slot.done += ticks * segment.eighths
            _place(motion, slot)
        if run.tick < segment.ticks:
            run.clock = until
            return True
        run.clock = run.tick_clock
        run.tick = 0
        run.tail = (run.tail + 1) % SEGMENTS
        if slot.done == 8 * slot.events:
            _note(motion, BLOCK_DONE, slot.ident, slot.rapid)


@compiled
def start(motion: Motion) -> None:
    """Let the step interrupt run, on what is planned."""
    run = motion.executor[0]
    prepare(motion)
    if not run.running:
        run.running = True
        run.tick_clock = run.clock
        run.tick = 0


@compiled
def kill(motion: Motion) -> None:
    """Stop at once and forget all segments, as a reset does. The steps made so far stay counted."""
    run, prep = motion.executor[0], motion.prep[0]
    run.running = False
    run.head = run.tail = 0
    run.tick = 0
    prep.loaded = prep.recalculate = prep.slowing_into = prep.hold = prep.ended = prep.system = False
    prep.speed = prep.exit_speed = prep.dt_left = prep.steps_left = _ZERO
    prep.slot = 0
    for axis in range(AXES):
        run.locked[axis] = 0


@compiled
def prepare(motion: Motion) -> None:
    """Fill the ring of segments as far as blocks and room allow."""
    run, prep, planner = motion.executor[0], motion.prep[0], motion.planner[0]
    while not prep.ended and (run.head + 1) % SEGMENTS != run.tail:
        if not prep.loaded and not _load(motion):
            return
        index = planner.head if prep.system else planner.tail
        block = motion.blocks[index]
        dt, mm = follow_ramp(prep, block)
        # Whole steps are made; the time of the rest goes to the next segment.
        steps = prep.step_per_mm * mm
        steps_left, steps_before = np.ceil(steps), np.ceil(prep.steps_left)
        count = np.int64(steps_before - steps_left)
        if count == 0 and prep.hold:
            prep.ended = True  # less than a step from standing still
            return
        minutes_per_step = (dt + prep.dt_left) / (steps_before - steps)
        cycles = np.int64(np.ceil(_CYCLES_PER_MIN * minutes_per_step))
        level = 0
        for boundary in _SMOOTHED:
            if cycles >= boundary:
                level += 1
        segment = motion.segments[run.head]
        segment.ticks = count << level
        segment.eighths = 8 >> level
        segment.period = min(cycles >> level, _SLOWEST_PERIOD) + 1  # type: ignore[operator]
        segment.slot = prep.slot
        run.head = (run.head + 1) % SEGMENTS
        block.mm = mm
        prep.steps_left = steps_left
        prep.dt_left = (steps_left - steps) * minutes_per_step
        if mm == prep.mm_complete:
            if mm > _ZERO:
                prep.ended = True  # a hold ends within the block
                return
            if prep.system:
                prep.ended = True
                return
            prep.loaded = False
            discard_block(motion)


@compiled
def _load(motion: Motion) -> bool:
    """Take up the first block, or its changed profile; False: there is none."""
    planner, prep = motion.planner[0], motion.prep[0]
    if not prep.system and planner.head == planner.tail:
        return False
    index = planner.head if prep.system else planner.tail
    block = motion.blocks[index]
    if prep.recalculate:
        prep.recalculate = prep.slowing_into = False
    else:
        prep.slot = (prep.slot + 1) % LOADED
        slot = motion.slots[prep.slot]
        for axis in range(AXES):
            slot.delta[axis] = block.delta[axis]
        slot.events, slot.ident, slot.rapid = block.events, block.ident, block.rapid
        slot.done, slot.begun = 0, False
        prep.steps_left = _F(block.events)
        prep.step_per_mm = prep.steps_left / block.mm
        prep.least_mm = _LEAST_STEPS / prep.step_per_mm
        prep.dt_left = _ZERO
        if prep.hold or prep.slowing_into:
            prep.speed = prep.exit_speed
            block.entry_sqr = prep.exit_speed * prep.exit_speed
            prep.slowing_into = False
        else:
            prep.speed = np.sqrt(block.entry_sqr)
    prep.loaded = True
    if prep.hold:
        hold_profile(prep, block)
    else:
        leaving = _ZERO if prep.system else exit_speed_sqr(motion)
        trapezoid(prep, block, leaving, nominal_speed(motion, index))
    return True


@compiled
def _begin(motion: Motion, slot) -> None:  # type: ignore[no-untyped-def]
    slot.begun = True
    for axis in range(AXES):
        slot.start[axis] = motion.executor[0].position[axis]
    _note(motion, BLOCK_BEGUN, slot.ident, slot.rapid)


@compiled
def _place(motion: Motion, slot) -> None:  # type: ignore[no-untyped-def]
    """Bresenham's line in closed form: s steps in E events; after k of them ceil(s k / E - 1/2) are made."""
    run = motion.executor[0]
    for axis in range(AXES):
        if run.locked[axis]:
            continue
        delta = np.int64(slot.delta[axis])
        twice = 2 * abs(delta) * slot.done - 8 * np.int64(slot.events)
        made = -((-twice) // (16 * np.int64(slot.events)))
        run.position[axis] = slot.start[axis] + (made if delta >= 0 else -made)


@compiled
def _note(motion: Motion, kind, ident, rapid) -> None:  # type: ignore[no-untyped-def]
    run = motion.executor[0]
    mark = motion.marks[run.marks]
    mark.clock, mark.kind, mark.ident, mark.rapid = run.clock, kind, ident, rapid
    for axis in range(AXES):
        mark.position[axis] = run.position[axis]
    run.marks += 1
