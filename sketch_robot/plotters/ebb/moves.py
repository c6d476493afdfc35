"""Turn movements into the EBB's own moves: short slices of whole milliseconds and whole steps.

The board makes steps in an interrupt at 25 kHz: every 40 us it adds each axis' rate to an accumulator, and a step is
due whenever 2^31 is full. `LM` also adds an acceleration to the rate each time, after half of it was taken off at the
start, so that T ticks add up to `T rate + T^2 accel / 2` (EBB command reference, "LM"). `SM` moves at a constant rate
in whole milliseconds.

A movement is sampled once a millisecond and cut into slices that are straight within a tolerance. Each slice ends on
the step nearest to where the model has the pen then, counted from the origin and not from the slice before, so that
rounding never adds up; and the fraction of a millisecond that a movement leaves over is handed to the next one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from sketch_robot.motion.timing import TimedPath
from sketch_robot.plotters.page_axes import IDENTITY, PageAxes

TICKS_PER_MS = 25  # the step interrupt, 25 kHz
STEP = 2**31  # what an accumulator holds until a step is due
STEPS_PER_MM = 80.0  # AxiDraw: 2032 steps an inch along its own axes at 1/16 step
MAX_STEPS_PER_MS = 24.0  # of 25 that the interrupt can make
SLICE_MS = 20  # the longest slice; what is queued is lost time when the drawing is paused
MIN_SLICE_MS = 5  # the board takes 3 to 4 ms to read a move (command reference, "Performance")
OFF_PAGE_MM = 0.1  # rounding to steps is no excursion
CHORD_MM = 0.02  # how far a slice may cut a curve; a fifth of the finest pen


@dataclass(frozen=True, eq=False)
class Axes:
    """How the page lies on the machine. Motor 1 turns with x + y of the machine, motor 2 with x - y.

    Attributes:
        steps_from_mm: (2, 2) float64; motor steps for a millimetre of the page's x and y.
    """

    steps_from_mm: np.ndarray

    @classmethod
    def of(
        cls,
        axes: Sequence[str] = ('y', 'x'),
        correction: Sequence[Sequence[float]] = IDENTITY,
        steps_per_mm: float = STEPS_PER_MM,
    ) -> Axes:
        """Of a page whose x and y run along the machine's 'x', '-x', 'y' or '-y'.

        An AxiDraw's x runs to the right and its y towards whoever stands before it, from its home corner at the back
        left. As given, the page's lower left corner lies there and an A4 page in portrait fits.

        Args:
            axes: the directions of the page's x and y.
            correction: (2, 2); from page mm to machine mm along those directions: measured scale and squareness.
            steps_per_mm: of the machine's own axes.

        Raises:
            SketchRobotError: BAD_GOAL, a direction is unknown, both are along one axis, or the correction is none.
        """
        return cls(np.array([[1.0, 1.0], [1.0, -1.0]]) @ PageAxes.of(axes, correction).matrix * steps_per_mm)

    def steps(self, xy_mm: np.ndarray) -> np.ndarray:
        """The nearest whole steps: (..., 2) mm -> (..., 2) int64."""
        return np.rint(np.asarray(xy_mm, dtype=np.float64) @ self.steps_from_mm.T).astype(np.int64)

    def mm(self, steps: np.ndarray) -> np.ndarray:
        """Where the pen is: (..., 2) steps -> (..., 2) float64 mm."""
        return np.asarray(steps, dtype=np.float64) @ self._mm_from_steps.T

    @cached_property
    def _mm_from_steps(self) -> np.ndarray:
        return np.linalg.inv(self.steps_from_mm)


@dataclass(frozen=True, eq=False)
class SampledPath:
    """Where a movement is at each millisecond.

    Attributes:
        xy_mm: (M + 1, 2) float64; the first is where it starts.
        length_mm: (M + 1,) float64; how far along its polyline that is.
    """

    xy_mm: np.ndarray
    length_mm: np.ndarray


@dataclass(frozen=True)
class Move:
    """One command that moves, or waits.

    Attributes:
        ms: how long it takes.
        steps: of motor 1 and 2, signed.
        rate, accel: of motor 1 and 2, what the accumulators take; without sign, as the steps have it.
        target: absolute steps of both motors once it is done.
        length_mm: how far along its movement's polyline that is.
    """

    ms: int
    steps: tuple[int, int]
    rate: tuple[int, int]
    accel: tuple[int, int]
    target: tuple[int, int]
    length_mm: float

    def command(self, low_level: bool) -> str:
        """As the board reads it: `LM` if it knows that, else `SM`, which is also how it waits."""
        if not low_level or self.steps == (0, 0):
            return f'SM,{self.ms},{self.steps[0]},{self.steps[1]}'
        (rate_1, rate_2), (accel_1, accel_2) = self.rate, self.accel
        return f'LM,{rate_1},{self.steps[0]},{accel_1},{rate_2},{self.steps[1]},{accel_2},3'


class MotionBounds:
    """The box that no move of the pen may leave; at first a point, (0, 0)."""

    def __init__(self) -> None:
        self._low, self._high = np.zeros(2), np.zeros(2)

    def span(self, *points_mm: tuple[float, float]) -> None:
        """From now on it is the box around these points."""
        points = np.array(points_mm)
        self._low, self._high = points.min(axis=0) - OFF_PAGE_MM, points.max(axis=0) + OFF_PAGE_MM

    def holds(self, xy_mm: np.ndarray) -> bool:
        """Whether a point is in it."""
        return bool((xy_mm >= self._low).all() and (xy_mm <= self._high).all())


def sample_path(motion: TimedPath, carry_s: float = 0.0, axes: Axes | None = None) -> tuple[SampledPath, float]:
    """Sample a movement once a millisecond.

    Args:
        motion: from rest to rest.
        carry_s: time that earlier movements left over.
        axes: given, a movement that is too fast for the motors is slowed down as a whole.

    Returns:
        The course, whose last sample is the movement's end; and the time left over now.
    """
    moving_s = float(motion.times_s[-1])  # what a stop costs, the machine takes by itself
    wanted_s = moving_s + carry_s
    if moving_s == 0.0:
        return SampledPath(motion.xy_mm[:1], np.zeros(1)), wanted_s
    ms = max(1, round(1000.0 * wanted_s))
    if axes is not None:
        fastest = np.abs(np.diff(_sampled(motion, ms).xy_mm @ axes.steps_from_mm.T, axis=0)).max()
        if fastest > MAX_STEPS_PER_MS:
            ms = math.ceil(ms * fastest / MAX_STEPS_PER_MS)
            return _sampled(motion, ms), 0.0
    return _sampled(motion, ms), wanted_s - 0.001 * ms


def brake(motion: TimedPath, course: SampledPath, at_ms: int) -> SampledPath:
    """Come to rest on the movement's line as soon as it may, from some millisecond of its course.

    Raises:
        ValueError: the millisecond is outside the course.
    """
    last = len(course.length_mm) - 1
    if not 0 <= at_ms <= last:
        raise ValueError(f'cannot brake at {at_ms} of {last} ms')
    slow, _ = motion.braked(at_ms / max(1, last) * float(motion.times_s[-1]))
    braking, _ = sample_path(slow)
    return SampledPath(braking.xy_mm, course.length_mm[at_ms] + braking.length_mm)


def cut(
    course: SampledPath,
    axes: Axes,
    start: tuple[int, int],
    *,
    slice_ms: int = SLICE_MS,
    min_ms: int = MIN_SLICE_MS,
    chord_mm: float = CHORD_MM,
) -> list[Move]:
    """Cut a course into moves.

    Args:
        course: at least one sample.
        start: absolute steps of both motors where it begins, which is within a step of its first sample.
        slice_ms, min_ms: longest move, and the shortest that a curve may ask for.
        chord_mm: how far a move may run beside the curve.
    """
    if len(course.length_mm) < 2:
        return []
    ends = _ends(course.xy_mm, float(chord_mm), int(min_ms), int(slice_ms))
    targets = axes.steps(course.xy_mm[ends])
    targets[0] = start
    steps = np.diff(targets, axis=0)
    ms = np.diff(ends)
    fine = course.xy_mm @ axes.steps_from_mm.T
    start_speed = fine[ends[:-1] + 1] - fine[ends[:-1]]
    end_speed = fine[ends[1:]] - fine[ends[1:] - 1]
    rate, accel = _rates(steps, ms, start_speed, end_speed)
    return [
        Move(int(ms[k]), _pair(steps[k]), _pair(rate[k]), _pair(accel[k]), _pair(targets[k + 1]), float(length))
        for k, length in enumerate(course.length_mm[ends[1:]])
    ]


def _sampled(motion: TimedPath, ms: int) -> SampledPath:
    t_s = np.linspace(0.0, motion.times_s[-1], ms + 1)
    xy = motion.positions(t_s)
    xy[-1] = motion.xy_mm[-1]
    before = np.clip(np.searchsorted(motion.times_s, t_s, side='right') - 1, 0, len(motion.xy_mm) - 2)
    gone = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(motion.xy_mm, axis=0).T))))
    length = gone[before] + np.hypot(*(xy - motion.xy_mm[before]).T)
    return SampledPath(xy, np.maximum.accumulate(length))


def _pair(values: np.ndarray) -> tuple[int, int]:
    return int(values[0]), int(values[1])


def _rates(
    steps: np.ndarray, ms: np.ndarray, start_speed: np.ndarray, end_speed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rates and accelerations that make all steps within exactly the ticks of each move: (N, 2) int64 both.

    The speed changes over a move as the model has it, as long as the axis keeps its direction.
    """
    count = np.abs(steps)
    ticks = (ms * TICKS_PER_MS)[:, None]
    sign = np.sign(steps)
    per_tick = STEP / TICKS_PER_MS
    first, last = sign * start_speed * per_tick, sign * end_speed * per_tick
    mean = count * (STEP / ticks)
    steady = (count == 0) | (first < 0.0) | (last < 0.0)
    most = 1.9 * np.minimum(mean, STEP - mean) / ticks  # neither end turns back, nor is faster than a step a tick
    accel = np.where(steady, 0.0, np.clip((last - first) / ticks, -most, most))
    accel = 2 * (accel / 2.0).astype(np.int64)  # even: the board takes half of it off, in whole numbers
    due = count * STEP - accel // 2 * ticks**2
    return np.where(count == 0, 0, -(-due // ticks)), accel


@numba.njit(cache=True)
def _ends(xy: np.ndarray, tolerance: float, shortest: int, longest: int) -> np.ndarray:
    """Where to cut samples so that each piece is straight: (K + 1,) int64, the first 0, the last len(xy) - 1."""
    ends = [0]
    last = len(xy) - 1
    while ends[-1] < last:
        i = ends[-1]
        end = min(last, i + shortest)
        for j in range(end + 1, min(last, i + longest) + 1):
            dx, dy = xy[j, 0] - xy[i, 0], xy[j, 1] - xy[i, 1]
            chord = math.hypot(dx, dy)
            straight = True
            for k in range(i + 1, j):
                px, py = xy[k, 0] - xy[i, 0], xy[k, 1] - xy[i, 1]
                along = (px * dx + py * dy) / chord if chord > 0.0 else 0.0
                aside = abs(px * dy - py * dx) / chord if chord > 0.0 else math.hypot(px, py)
                if aside > tolerance or along < -tolerance or along > chord + tolerance:
                    straight = False
                    break
            if not straight:
                break
            end = j
        ends.append(end)
    return np.array(ends)
