"""The memory of GRBL's planner and stepper: ring buffers and registers, as arrays that compiled code works on.

Floats are 32 bits wide, as everything is on the controller's AVR, so that roundings are the same too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numba
import numpy as np

from sketch_robot.plotters.emulators.grbl_settings import AXES, kinematics_of

RING = 16  # BLOCK_BUFFER_SIZE of grbl/planner.h; one is always free, so 15 hold motion
SEGMENTS = 6  # SEGMENT_BUFFER_SIZE of grbl/stepper.h; one is always free
LOADED = SEGMENTS - 1  # blocks that segments may belong to
MARKS = 512  # events that the stepper notes before someone must read them
compiled = numba.njit(cache=True, error_model='numpy')  # a division by zero gives inf or nan, as on the AVR
CLOCK_HZ = 16_000_000  # F_CPU of the ATmega328P

BLOCK = np.dtype(
    [
        ('delta', 'i4', (AXES,)),  # steps with sign
        ('events', 'i4'),  # steps of the axis that makes most
        ('mm', 'f4'),  # left of the block
        ('accel', 'f4'),  # mm/min^2, as the axes allow in this direction
        ('entry_sqr', 'f4'),  # (mm/min)^2
        ('max_entry_sqr', 'f4'),
        ('max_junction_sqr', 'f4'),
        ('rapid_rate', 'f4'),  # mm/min
        ('programmed_rate', 'f4'),
        ('ident', 'i8'),  # whoever added it names it
        ('rapid', '?'),
        ('fixed_feed', '?'),  # feed overrides do not concern it
        ('system', '?'),  # homing: planned apart
    ],
    align=True,
)
PLANNER = np.dtype(
    [
        ('head', 'i4'),  # the next block goes here
        ('tail', 'i4'),  # the block being executed
        ('planned', 'i4'),  # nothing before this one can be improved
        ('position', 'i4', (AXES,)),  # steps, at the end of the last block
        ('unit', 'f4', (AXES,)),  # direction of the last block
        ('nominal', 'f4'),  # its speed, mm/min
        ('feed_percent', 'i4'),
        ('rapid_percent', 'i4'),
    ],
    align=True,
)
PREP = np.dtype(
    [
        ('loaded', '?'),  # a block is being cut into segments
        ('recalculate', '?'),  # its profile is out of date
        ('slowing_into', '?'),  # an override slowed the last block; the next begins at its exit speed
        ('hold', '?'),  # brake to a stop
        ('ended', '?'),  # the stop is prepared; no more segments
        ('system', '?'),  # the block at the head, of homing, is meant
        ('slot', 'i4'),  # of the loaded block
        ('ramp', 'i4'),
        ('steps_left', 'f4'),
        ('step_per_mm', 'f4'),
        ('least_mm', 'f4'),  # a segment goes at least so far
        ('dt_left', 'f4'),  # min; time of the part step that the last segment did not make
        ('mm_complete', 'f4'),  # where the profile ends, mm from the block's end
        ('speed', 'f4'),  # at the end of the last segment, mm/min
        ('top_speed', 'f4'),
        ('exit_speed', 'f4'),
        ('accelerate_until', 'f4'),  # mm from the block's end
        ('decelerate_after', 'f4'),
    ],
    align=True,
)
SEGMENT = np.dtype(
    [
        ('ticks', 'i8'),  # timer interrupts
        ('period', 'i8'),  # clock cycles of each
        ('eighths', 'i4'),  # of a step event in each: 8, less with step smoothing
        ('slot', 'i4'),
    ],
    align=True,
)
SLOT = np.dtype(
    [
        ('delta', 'i4', (AXES,)),
        ('start', 'i4', (AXES,)),  # steps, set when the block begins to move
        ('events', 'i4'),
        ('done', 'i8'),  # eighths of step events
        ('ident', 'i8'),
        ('rapid', '?'),
        ('begun', '?'),
    ],
    align=True,
)
EXECUTOR = np.dtype(
    [
        ('clock', 'i8'),  # cycles; the moment that `position` is of
        ('running', '?'),  # the step interrupt is on
        ('head', 'i4'),
        ('tail', 'i4'),
        ('tick', 'i8'),  # of the first segment
        ('tick_clock', 'i8'),  # when that tick began
        ('position', 'i4', (AXES,)),  # steps
        ('locked', 'u1', (AXES,)),  # homing found the switch; no more steps
        ('marks', 'i4'),  # filled
    ],
    align=True,
)
MARK = np.dtype(
    [
        ('clock', 'i8'),
        ('kind', 'i4'),
        ('position', 'i4', (AXES,)),
        ('ident', 'i8'),
        ('rapid', '?'),
    ],
    align=True,
)
BLOCK_BEGUN, BLOCK_DONE, STOPPED = 1, 2, 3  # kinds of marks


class Motion(NamedTuple):
    """All of it; each array is changed in place."""

    kinematics: np.ndarray
    blocks: np.ndarray
    planner: np.ndarray
    prep: np.ndarray
    segments: np.ndarray
    slots: np.ndarray
    executor: np.ndarray
    marks: np.ndarray


def make_motion(settings: Mapping[int, float]) -> Motion:
    """A controller's motion memory after power-on, at step (0, 0, 0)."""
    motion = Motion(
        kinematics_of(settings),
        np.zeros(RING, BLOCK),
        np.zeros(1, PLANNER),
        np.zeros(1, PREP),
        np.zeros(SEGMENTS, SEGMENT),
        np.zeros(LOADED, SLOT),
        np.zeros(1, EXECUTOR),
        np.zeros(MARKS, MARK),
    )
    motion.planner['feed_percent'] = motion.planner['rapid_percent'] = 100
    return motion
