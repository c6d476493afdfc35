"""Predicted seconds beside an emulated controller's planner, fed with what the driver sends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bench.drawings import random_drawing
from bench.grbl_time import controller_seconds
from bench.registry import Figure, bench, median_s, photos
from sketch_robot.motion import DrawingPlan, MachineLimits, load_limits, parse_page, time_plan
from sketch_robot.motion.calibration import calibrate_stops
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.pipeline import Pipeline
from sketch_robot.stroke import Stroke

PORTRAITS, CALIBRATED_BY = 5, 2
STEPS_PER_MM = {'grbl_plotter': 80.0, 'grbl_fast': 100.0, 'grbl_factory': 250.0}  # the machines compared
AVR_LINE_S = 0.001  # what an ATmega328P takes to read and plan a line
_PAGE = parse_page('A5')


@bench('time', "predicted seconds beside our own emulated controller's planner")
def predicted_time(quick: bool) -> Iterator[Figure]:
    drawings = list(_drawings(3 if quick else PORTRAITS))
    for name, steps_per_mm in STEPS_PER_MM.items():
        limits = replace(load_limits(name), stop_s=0.0)  # that is for lines, which are compared below
        plans = [plan_drawing(strokes, size_px, _PAGE, limits) for strokes, size_px in drawings]
        simulated = [controller_seconds(plan, steps_per_mm) for plan in plans]
        errors = np.array([plan.predicted_s / each - 1.0 for plan, each in zip(plans, simulated, strict=True)])
        worst = float(np.abs(errors).max())
        said = ', '.join(f'{each:.1f} s {100 * error:+.2f} %' for each, error in zip(simulated, errors, strict=True))
        yield Figure(
            f'{name}: predicted beside emulated, worst of {len(plans)}', worst, 'of it', at_most=0.01, note=said
        )
        slow = [controller_seconds(plan, steps_per_mm, line_s=AVR_LINE_S) for plan in plans]
        runs = list(zip(plans, slow, strict=True))
        mended = calibrate_stops(runs[:CALIBRATED_BY], plans[0].profile)
        errors = np.array([_seconds(plan, mended) / each - 1.0 for plan, each in runs[CALIBRATED_BY:]])
        yield Figure(
            f'{name}: with 1 ms for each line, stops calibrated by {CALIBRATED_BY} others, worst of {len(errors)}',
            float(np.abs(errors).max()), 'of it', at_most=0.01, note=f'{1e3 * mended.stop_s:.1f} ms a stop',
        )  # fmt: skip
    yield Figure('time a plan', median_s(lambda: time_plan(plans[0].strokes, plans[0].profile), 11), 's', at_most=0.005)


def _drawings(count: int) -> Iterator[tuple[list[Stroke], tuple[int, int]]]:
    """Strokes in pixels: of photos, then of random drawings."""
    taken = photos()[:count]
    with Pipeline() as pipeline:
        for photo in taken:
            result = pipeline.draw(photo, page=_PAGE)
            yield list(result.strokes), result.art.size_px
    for seed in range(count - len(taken)):
        drawing = random_drawing(seed, size_px=512)
        yield [Stroke(stroke.xy) for stroke in drawing.strokes], (512, 512)


def _seconds(plan: DrawingPlan, profile: MachineLimits) -> float:
    stroke_s, return_s = time_plan(plan.strokes, profile)
    return float(stroke_s.sum()) + return_s
