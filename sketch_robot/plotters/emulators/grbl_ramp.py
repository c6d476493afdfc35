"""The speed within one block as GRBL 1.1h's stepper has it: accelerate, cruise, brake, or slow down for an override.

Everything counts in mm from the block's end, mm/min and minutes. Reference: grbl/stepper.c, `st_prep_buffer`.
"""

from __future__ import annotations

import numpy as np

from sketch_robot.plotters.emulators.grbl_state import compiled

_F = np.float32
_ZERO, _HALF, _TWO = _F(0.0), _F(0.5), _F(2.0)
_SEGMENT_MIN = _F(1.0 / (100.0 * 60.0))  # ACCELERATION_TICKS_PER_SECOND
_ACCELERATE, _CRUISE, _BRAKE, _SLOW_DOWN = 0, 1, 2, 3  # ramps; the last: an override lowered the speed


@compiled
def hold_profile(prep, block) -> None:  # type: ignore[no-untyped-def]
    """Brake as hard as allowed, within this block or through it."""
    prep.ramp = _BRAKE
    prep.mm_complete = _ZERO
    left = block.mm - (_HALF / block.accel) * block.entry_sqr
    if left < _ZERO:
        prep.exit_speed = np.sqrt(block.entry_sqr - _TWO * block.accel * block.mm)
    else:
        prep.mm_complete = left
        prep.exit_speed = _ZERO


@compiled
def trapezoid(prep, block, leaving, nominal) -> None:  # type: ignore[no-untyped-def]
    """The trapezoid over what is left of a block, from its entry speed to `leaving` (squared); in mm from its end."""
    prep.mm_complete = _ZERO
    prep.ramp = _ACCELERATE
    prep.accelerate_until = block.mm
    prep.exit_speed = np.sqrt(leaving)
    half_per_accel = _HALF / block.accel
    nominal_sqr = nominal * nominal
    meeting = _HALF * (block.mm + half_per_accel * (block.entry_sqr - leaving))  # accelerating meets braking
    if block.entry_sqr > nominal_sqr:  # an override lowered the speed
        prep.accelerate_until = block.mm - half_per_accel * (block.entry_sqr - nominal_sqr)
        if prep.accelerate_until <= _ZERO:
            prep.ramp = _BRAKE
            prep.exit_speed = np.sqrt(block.entry_sqr - _TWO * block.accel * block.mm)
            prep.slowing_into = True
        else:
            prep.decelerate_after = half_per_accel * (nominal_sqr - leaving)
            prep.top_speed = nominal
            prep.ramp = _SLOW_DOWN
    elif meeting <= _ZERO:
        prep.accelerate_until = _ZERO
        prep.top_speed = prep.exit_speed
    elif meeting >= block.mm:
        prep.ramp = _BRAKE
    else:
        prep.decelerate_after = half_per_accel * (nominal_sqr - leaving)
        if prep.decelerate_after < meeting:
            prep.top_speed = nominal
            if block.entry_sqr == nominal_sqr:
                prep.ramp = _CRUISE
            else:
                prep.accelerate_until -= half_per_accel * (nominal_sqr - block.entry_sqr)
        else:
            prep.accelerate_until = prep.decelerate_after = meeting
            prep.top_speed = np.sqrt(_TWO * block.accel * meeting + leaving)


@compiled
def follow_ramp(prep, block):  # type: ignore[no-untyped-def]
    """Follow the profile for a segment's time, or to its end.

    Returns:
        minutes taken, and mm left of the block.
    """
    most = _SEGMENT_MIN
    dt = _ZERO
    left = most
    mm = block.mm
    goal = max(mm - prep.least_mm, _ZERO)  # at least a step must come of it
    while True:
        left, mm = _ramp_on(prep, block, left, mm)
        dt += left
        if dt < most:
            left = most - dt
        elif mm > goal:
            most += _SEGMENT_MIN
            left = most - dt
        else:
            break
        if mm <= prep.mm_complete:
            break
    return dt, mm


@compiled
def _ramp_on(prep, block, minutes, mm):  # type: ignore[no-untyped-def]
    """Follow one ramp for at most some minutes; returns those taken and mm left. May go over to the next ramp."""
    change = block.accel * minutes
    if prep.ramp == _SLOW_DOWN:
        if prep.speed - prep.top_speed <= change:
            mm = prep.accelerate_until
            minutes = _TWO * (block.mm - mm) / (prep.speed + prep.top_speed)
            prep.ramp = _CRUISE
            prep.speed = prep.top_speed
        else:
            mm -= minutes * (prep.speed - _HALF * change)
            prep.speed -= change
        return minutes, mm
    if prep.ramp == _ACCELERATE:
        mm -= minutes * (prep.speed + _HALF * change)
        if mm < prep.accelerate_until:
            mm = prep.accelerate_until
            minutes = _TWO * (block.mm - mm) / (prep.speed + prep.top_speed)
            prep.ramp = _BRAKE if mm == prep.decelerate_after else _CRUISE
            prep.speed = prep.top_speed
        else:
            prep.speed += change
        return minutes, mm
    if prep.ramp == _CRUISE:
        further = mm - prep.top_speed * minutes
        if further < prep.decelerate_after:
            minutes = (mm - prep.decelerate_after) / prep.top_speed
            mm = prep.decelerate_after
            prep.ramp = _BRAKE
        else:
            mm = further
        return minutes, mm
    if prep.speed > change:
        further = mm - minutes * (prep.speed - _HALF * change)
        if further > prep.mm_complete:
            prep.speed -= change
            return minutes, further
    minutes = _TWO * (mm - prep.mm_complete) / (prep.speed + prep.exit_speed)
    prep.speed = prep.exit_speed
    return minutes, prep.mm_complete
