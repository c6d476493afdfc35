"""Predicted seconds beside an emulated controller's planner, fed with what the driver sends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.grbl_time import controller_seconds
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, load_limits, time_plan
from sketch_robot.motion.calibration import calibrate_stop_s
from sketch_robot.stroke import Stroke

PLOTTER = replace(load_limits('grbl_plotter'), stop_s=0.0)  # that is for lines, which cost nothing here
A5 = Page(148.0, 210.0, 10.0, 'A5')


def doodle(seed: int) -> list[np.ndarray]:
    """What portraits are made of: loops, waves, corners, straight lines, dots, cut into segments of many lengths."""
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(12):
        middle, size = random.uniform([40, 40], [108, 170]), random.uniform(2, 25)
        t = np.linspace(0.0, random.uniform(0.3, 1.0), random.integers(4, 120))
        loop = np.column_stack((np.cos(6.28 * t), random.uniform(0.3, 1) * np.sin(6.28 * t)))
        wave = np.column_stack((2 * t - 1, 0.2 * np.sin(random.uniform(5, 40) * t)))
        lines += [middle + size * loop, middle + size * wave]
        lines.append(middle + size * random.uniform(-1, 1, (random.integers(2, 7), 2)))
    return [*lines, np.array([[70.0, 90.0]])]


def plan_of(lines: list[np.ndarray], profile: MachineLimits) -> DrawingPlan:
    strokes = tuple(Stroke(xy) for xy in lines)
    return DrawingPlan(strokes, A5, profile, *time_plan(strokes, profile))


@pytest.mark.parametrize('seed', [1, 2])
@pytest.mark.parametrize(('name', 'steps_per_mm'), [('grbl_plotter', 80), ('grbl_fast', 100), ('grbl_factory', 250)])
def test_a_drawing_is_predicted_within_half_a_percent(name: str, steps_per_mm: float, seed: int) -> None:
    plan = plan_of(doodle(seed), replace(load_limits(name), stop_s=0.0))
    assert plan.predicted_s == pytest.approx(controller_seconds(plan, steps_per_mm), rel=0.005)


@pytest.mark.parametrize(
    'forgotten',
    [{'axis_accel_mm_s2': (0.0, 0.0)}, {'lookahead_blocks': 0}, {'dwell_step_s': 0.0, 'lift_s': 0.12, 'drop_s': 0.12}],
)
def test_each_of_a_controller_s_limits_counts(forgotten: dict) -> None:
    """A model without one of them misses a drawing of fine segments, with dwells between steps, by percents."""
    profile = replace(load_limits('grbl_fast'), lift_s=0.12, drop_s=0.12, stop_s=0.0)
    t = np.linspace(0.0, 1.0, 400)
    lines = [np.column_stack((20.0 + 20.0 * t, 20.0 + row + 0.5 * np.sin(9.0 * t))) for row in range(10)]
    plan = plan_of(lines, profile)
    took_s = controller_seconds(plan, 100.0)
    assert plan.predicted_s == pytest.approx(took_s, rel=0.01)
    stroke_s, return_s = time_plan(plan.strokes, replace(profile, **forgotten))
    assert abs(stroke_s.sum() + return_s - took_s) > 0.02 * took_s


def test_a_straight_line_takes_what_the_closed_form_says() -> None:
    plan = plan_of([np.array([[20.0, 20.0], [120.0, 20.0]])], PLOTTER)
    draw_s, lifts_s = 100 / 100 + 100 / 2000, 0.3
    there_s = 2 * np.sqrt(20.0 / 2000)  # by both axes alike
    back_s = 120 / 200 + 200 / 2000  # as long as its longer axis needs
    assert plan.predicted_s == pytest.approx(there_s + lifts_s + draw_s + back_s)
    assert controller_seconds(plan, 80.0) == pytest.approx(plan.predicted_s, rel=0.002)


def test_a_controller_s_own_time_is_learnt_from_one_run_and_foretells_the_next() -> None:
    profile = PLOTTER
    first, second = (plan_of(doodle(seed), profile) for seed in (3, 4))
    took_s = [controller_seconds(plan, 80.0, line_s=0.003) for plan in (first, second)]
    assert second.predicted_s < 0.99 * took_s[1]
    mended = calibrate_stop_s(first, took_s[0], profile)
    assert 0.003 < mended.stop_s < 0.02
    stroke_s, return_s = time_plan(second.strokes, mended)
    assert stroke_s.sum() + return_s == pytest.approx(took_s[1], rel=0.01)
