"""Learn from recorded runs what a machine's stops cost.

The time model knows ramps, speeds, dwells and lifts. What remains of a real run is a few milliseconds at the end of
each movement: the controller empties its queue, the servo answers, the next line arrives. One constant per stop is
fitted by least squares; what lifts and drops take cannot be told from it, since each stroke has as many of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import DrawingPlan, hops
from sketch_robot.motion.timing import time_plan
from sketch_robot.validation import POSITIVE, all_fit

LONGEST_STOP_S = 0.5  # stops cost 6 to 12 ms on GRBL; more than this is no stop, but a wrong profile or a pause
NOISE = 0.02  # of the predicted time: a run may be shorter than predicted by so much


def stops_of(plan: DrawingPlan) -> int:
    """How many movements a drawing has, each of which ends in a stop: hops, lines, and the way home."""
    if not plan.strokes:
        return 0
    moved = np.hypot(*hops(plan.strokes).T) > 0.0
    return int(moved.sum()) + sum(stroke.length > 0.0 for stroke in plan.strokes)


def calibrate_stops(runs: Sequence[tuple[DrawingPlan, float]], profile: MachineLimits) -> MachineLimits:
    """The profile with the cost of a stop that fits recorded runs best.

    Args:
        runs: plans as they were drawn, from home and back home without a pause, and the seconds that each took.
        profile: of the machine that drew them; its `stop_s` is replaced.

    Raises:
        SketchRobotError: BAD_GOAL, there is no run with a movement, a measured time is none, or the fit is no stop:
            runs were shorter than predicted without any, or so long that something else must have taken the time.
    """
    bare = replace(profile, stop_s=0.0)
    stops = np.array([stops_of(plan) for plan, _ in runs], dtype=np.float64)
    if not stops.any():
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'a machine is calibrated by a drawing with at least one movement')
    measured = np.array([seconds for _, seconds in runs], dtype=np.float64)
    if not all_fit(measured, POSITIVE):
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'a measured time must be a positive number of seconds')
    predicted = np.array([_seconds(plan, bare) for plan, _ in runs])
    stop_s = float(stops @ (measured - predicted) / (stops @ stops))
    said = f'measured {measured.sum():.2f} s beside {predicted.sum():.2f} s predicted without stops'
    if measured.sum() < (1.0 - NOISE) * predicted.sum():
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'{said}: the machine is faster than the profile {profile.name!r}; mend its speeds or lifts first',
        )
    if stop_s > LONGEST_STOP_S:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'{said}: {stop_s:.2f} s for each stop is too much; the profile {profile.name!r} is of another machine, or '
            'the run was paused',
        )
    return replace(profile, stop_s=max(0.0, round(stop_s, 6)))


def calibrate_stop_s(plan: DrawingPlan, measured_s: float, profile: MachineLimits) -> MachineLimits:
    """The same from one run."""
    return calibrate_stops([(plan, measured_s)], profile)


def _seconds(plan: DrawingPlan, profile: MachineLimits) -> float:
    stroke_s, return_s = time_plan(plan.strokes, profile)
    return float(stroke_s.sum()) + return_s
