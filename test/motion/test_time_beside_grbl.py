"""Predicted seconds beside a simulation of GRBL 1.1h that makes every step, fed with what the driver sends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.grbl_time import gcode_of, grbl_seconds, moves_of
from sketch_robot.motion import DrawingPlan, Page, PenProfile, make_profile, time_plan
from sketch_robot.motion.calibration import calibrate_stop_s
from sketch_robot.plotters.emulators.grbl_simulation import Move
from sketch_robot.stroke import Stroke

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


def plan_of(lines: list[np.ndarray], profile: PenProfile) -> DrawingPlan:
    strokes = tuple(Stroke(xy) for xy in lines)
    return DrawingPlan(strokes, A5, profile, *time_plan(strokes, profile))


@pytest.mark.parametrize('seed', [1, 2])
@pytest.mark.parametrize(('name', 'steps_per_mm'), [('grbl_plotter', 80), ('grbl_fast', 100), ('grbl_factory', 250)])
def test_a_drawing_is_predicted_within_half_a_percent(name: str, steps_per_mm: float, seed: int) -> None:
    plan = plan_of(doodle(seed), make_profile(name))
    assert plan.predicted_s == pytest.approx(grbl_seconds(plan, steps_per_mm), rel=0.005)


@pytest.mark.parametrize(
    'forgotten',
    [{'axis_accel_mm_s2': (0.0, 0.0)}, {'lookahead_blocks': 0}, {'dwell_step_s': 0.0, 'lift_s': 0.12, 'drop_s': 0.12}],
)
def test_each_of_grbl_s_limits_counts(forgotten: dict) -> None:
    """A model without one of them misses a drawing of fine segments, with dwells between steps, by percents."""
    profile = replace(make_profile('grbl_fast'), lift_s=0.12, drop_s=0.12)
    t = np.linspace(0.0, 1.0, 400)
    lines = [np.column_stack((20.0 + 20.0 * t, 20.0 + row + 0.5 * np.sin(9.0 * t))) for row in range(10)]
    plan = plan_of(lines, profile)
    took_s = grbl_seconds(plan, 100.0)
    assert plan.predicted_s == pytest.approx(took_s, rel=0.01)
    stroke_s, return_s = time_plan(plan.strokes, replace(profile, **forgotten))
    assert abs(stroke_s.sum() + return_s - took_s) > 0.02 * took_s


def test_a_straight_line_takes_what_the_closed_form_says() -> None:
    plan = plan_of([np.array([[20.0, 20.0], [120.0, 20.0]])], make_profile('grbl_plotter'))
    draw_s, lifts_s = 100 / 100 + 100 / 2000, 0.3
    there_s = 2 * np.sqrt(20.0 / 2000)  # by both axes alike
    back_s = 120 / 200 + 200 / 2000  # as long as its longer axis needs
    assert plan.predicted_s == pytest.approx(there_s + lifts_s + draw_s + back_s)
    assert grbl_seconds(plan, 80.0) == pytest.approx(plan.predicted_s, rel=0.002)


def test_a_controller_s_own_time_is_learnt_from_one_run_and_foretells_the_next() -> None:
    profile = make_profile('grbl_plotter')
    first, second = (plan_of(doodle(seed), profile) for seed in (3, 4))
    took_s = [grbl_seconds(plan, 80.0, line_s=0.001) for plan in (first, second)]
    assert second.predicted_s < 0.99 * took_s[1]
    mended = calibrate_stop_s(first, took_s[0], profile)
    assert 0.003 < mended.stop_s < 0.02
    stroke_s, return_s = time_plan(second.strokes, mended)
    assert stroke_s.sum() + return_s == pytest.approx(took_s[1], rel=0.01)


def test_lines_of_a_drawing_are_read_as_they_are_meant() -> None:
    plan = plan_of([np.array([[20.0, 20.0], [20.5, 20.0], [20.5, 30.0]])], make_profile('grbl_plotter'))
    moves = list(moves_of(gcode_of(plan)))
    places = np.array([move.to_mm for move in moves if move.to_mm is not None])
    feeds = [move.feed_mm_min for move in moves if move.to_mm is not None]
    assert (feeds[0], feeds[-1], set(feeds[2:-1])) == (0.0, 0.0, {6000.0})  # the first probe makes no step
    assert places[[0, -1]].tolist() == [[20.0, 20.0], [0.0, 0.0]]
    drawn = places[:-1]
    on_lines = np.minimum(np.abs(drawn[:, 1] - 20.0), np.abs(drawn[:, 0] - 20.5))
    assert on_lines.max() < 0.002
    assert np.hypot(*np.diff(drawn, axis=0).T).sum() == pytest.approx(10.5, abs=0.02)
    assert np.abs(drawn - [20.5, 30.0]).max(axis=1).min() < 0.002
    assert [move.dwell_s for move in moves if move.to_mm is None] == [0.0, 0.15, 0.0, 0.15, 0.0]
    assert moves[0] == Move((20.0, 20.0))
