"""How long a program takes on GRBL 1.1h, by running its planner and stepper step for step, faster than real time.

The host is ideal: a line is always waiting in the receive buffer, so that the ring of 15 blocks is refilled as soon as
one is used up. The first motion after a stop begins when the ring is full, or when the program waits for its end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sketch_robot.plotters.emulators.grbl_planner import add_block, blocks_free, blocks_waiting
from sketch_robot.plotters.emulators.grbl_settings import AXES, settings_with
from sketch_robot.plotters.emulators.grbl_state import BLOCK_DONE, CLOCK_HZ, Motion, compiled, make_motion
from sketch_robot.plotters.emulators.grbl_stepper import advance, start

DWELL_STEP_S = 0.05  # DWELL_TIME_STEP of grbl/config.h
HELD = 255  # of $1: motors are never switched off, and nothing is waited for at a stop
_FAR = 2**60


@dataclass(frozen=True)
class Move:
    """One line of a program.

    Attributes:
        to_mm: x, y or x, y, z in machine coordinates; what is left out stays. None: no motion.
        feed_mm_min: of `G1`; 0: as fast as the axes can, `G0`.
        dwell_s: None: none. Otherwise motion is waited for, then so long, rounded up as GRBL does (`G4`); 0 stands for
            commands that wait for motion only (`M3 S`, `M5`).
    """

    to_mm: tuple[float, ...] | None = None
    feed_mm_min: float = 0.0
    dwell_s: float | None = None


@dataclass(frozen=True)
class Simulation:
    """What came of it.

    Attributes:
        done_s: (N,) float64; when each line was done: a motion's last step was made, a dwell was over. A motion shorter
            than a step is done with the line before.
        seconds: when all was.
        steps: (3,) int32; where the machine stands.
    """

    done_s: np.ndarray
    seconds: float
    steps: np.ndarray


def simulate_program(
    moves: Sequence[Move], settings: Mapping[int, float] | None = None, *, line_s: float = 0.0
) -> Simulation:
    """Run a program from rest at (0, 0, 0).

    Args:
        moves: its lines.
        settings: by number, as in `$110=12000`; what is left out is as `grbl_settings.settings_with` says.
        line_s: the controller's time to take in a line, in which it takes in no other; an AVR needs about 1 ms.

    Raises:
        ValueError: a target, feed or dwell is not finite, or a setting is impossible.
    """
    targets = np.zeros((len(moves), AXES), np.float32)
    feeds = np.zeros(len(moves), np.float32)
    dwells = np.full(len(moves), -1, np.int64)
    at = [0.0] * AXES
    for number, move in enumerate(moves):
        if move.to_mm is not None:
            at[: len(move.to_mm)] = move.to_mm
        targets[number], feeds[number] = at, move.feed_mm_min
        if move.dwell_s is not None:
            dwells[number] = dwell_steps(move.dwell_s) * round(DWELL_STEP_S * CLOCK_HZ)
    if not (np.isfinite(targets).all() and np.isfinite(feeds).all() and (feeds >= 0.0).all()):
        raise ValueError('a program needs finite targets and feeds that are not negative')
    known = settings_with(settings)
    off_s = 0.0 if known[1] == HELD else known[1] / 1000.0
    motion = make_motion(known)
    done = _run(motion, targets, feeds, dwells, round(line_s * CLOCK_HZ), round(off_s * CLOCK_HZ))
    run = motion.executor[0]
    return Simulation(done / CLOCK_HZ, float(run['clock']) / CLOCK_HZ, run['position'].copy())


def dwell_steps(seconds: float) -> int:
    """How many steps of 50 ms `G4 P` waits (grbl/nuts_bolts.c, `delay_sec`: single precision, rounded up).

    Raises:
        ValueError: not a time.
    """
    if not (math.isfinite(seconds) and seconds >= 0.0):
        raise ValueError(f'a dwell of {seconds} s is not possible')
    return int(np.ceil(np.float32(1.0 / DWELL_STEP_S) * np.float32(seconds)))


@compiled
def _run(motion: Motion, targets, feeds, dwells, line, off):  # type: ignore[no-untyped-def]
    """When each line is done, in clock cycles: (N,) float64."""
    done = np.zeros(len(dwells))
    run = motion.executor[0]
    for i in range(len(dwells)):
        if line > 0:
            _wait_until(motion, done, run.clock + line)
        if dwells[i] >= 0:
            _wait_for_rest(motion, done, off)
            run.clock += dwells[i]
            done[i] = run.clock
            continue
        while blocks_free(motion) == 0:
            if not run.running:
                start(motion)
            elif not advance(motion, _FAR, True):
                _collect(motion, done)
        if not add_block(motion, targets[i], feeds[i], feeds[i] == 0.0, False, False, False, i):
            done[i] = -1.0
    _wait_for_rest(motion, done, off)
    for i in range(len(done)):
        if done[i] < 0.0:
            done[i] = done[i - 1] if i > 0 else 0.0
    return done


@compiled
def _wait_for_rest(motion: Motion, done, off) -> None:  # type: ignore[no-untyped-def]
    """Let all blocks be made, and the motors be switched off, where they are."""
    run = motion.executor[0]
    moved = run.running or blocks_waiting(motion) > 0
    while run.running or blocks_waiting(motion) > 0:
        if not run.running:
            start(motion)
        advance(motion, _FAR, False)
        _collect(motion, done)
    if moved:
        run.clock += off


@compiled
def _wait_until(motion: Motion, done, moment) -> None:  # type: ignore[no-untyped-def]
    while not advance(motion, moment, False):
        _collect(motion, done)


@compiled
def _collect(motion: Motion, done) -> None:  # type: ignore[no-untyped-def]
    run = motion.executor[0]
    for i in range(run.marks):
        if motion.marks[i].kind == BLOCK_DONE:
            done[motion.marks[i].ident] = motion.marks[i].clock
    run.marks = 0
