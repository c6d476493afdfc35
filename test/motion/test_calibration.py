"""A machine's stops, learnt from recorded runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, Page, load_limits, time_plan
from sketch_robot.motion.calibration import calibrate_stop_s, calibrate_stops, stops_of
from sketch_robot.stroke import Stroke

PROFILE = replace(load_limits('grbl_plotter'), stop_s=0.0)
A5 = Page(148.0, 210.0, 10.0, 'A5')


def plan_of(*strokes: object) -> DrawingPlan:
    made = tuple(Stroke(np.array(xy, dtype=float)) for xy in strokes)
    return DrawingPlan(made, A5, PROFILE, *time_plan(made, PROFILE))


LINES = plan_of(*([[20.0, 20.0 + k], [120.0, 20.0 + k]] for k in range(30)))


def test_stops_are_counted_where_something_moves() -> None:
    dot_where_the_line_ends = plan_of([[20.0, 20.0], [50.0, 20.0]], [[50.0, 20.0]])
    assert stops_of(dot_where_the_line_ends) == 3  # there, the line, and home
    assert stops_of(LINES) == 61
    assert stops_of(DrawingPlan((), A5)) == 0


@given(st.floats(1e-6, 0.4))
@settings(max_examples=30, deadline=None)
def test_a_run_predicted_with_some_stop_gives_that_stop(stop_s: float) -> None:
    stroke_s, return_s = time_plan(LINES.strokes, replace(PROFILE, stop_s=stop_s))
    found = calibrate_stop_s(LINES, stroke_s.sum() + return_s, PROFILE)
    assert found.stop_s == pytest.approx(stop_s, abs=1e-6)
    assert replace(found, stop_s=0.0) == PROFILE


def test_the_stop_of_the_profile_itself_does_not_matter() -> None:
    measured_s = LINES.predicted_s + 61 * 0.01
    assert calibrate_stop_s(LINES, measured_s, replace(PROFILE, stop_s=0.2)).stop_s == pytest.approx(0.01)


def test_several_runs_count_by_their_stops() -> None:
    short = plan_of([[20.0, 20.0], [50.0, 20.0]])
    runs = [(LINES, LINES.predicted_s + 61 * 0.01), (short, short.predicted_s + 3 * 0.05)]
    expected = (61 * 61 * 0.01 + 3 * 3 * 0.05) / (61 * 61 + 3 * 3)
    assert calibrate_stops(runs, PROFILE).stop_s == pytest.approx(expected, abs=1e-6)


def test_a_run_a_little_shorter_than_predicted_costs_no_stop() -> None:
    assert calibrate_stop_s(LINES, 0.99 * LINES.predicted_s, PROFILE).stop_s == 0.0


@pytest.mark.parametrize(
    ('plan', 'measured_s', 'message'),
    [
        (LINES, 0.5 * LINES.predicted_s, "the machine is faster than the profile 'grbl_plotter'; mend its speeds"),
        (LINES, LINES.predicted_s + 60.0, 's for each stop is too much'),
        (LINES, float('nan'), 'a measured time must be a positive number of seconds'),
        (LINES, -1.0, 'a measured time must be a positive number of seconds'),
        (DrawingPlan((), A5), 3.0, 'by a drawing with at least one movement'),
        (plan_of([[0.0, 0.0]]), 3.0, 'by a drawing with at least one movement'),
    ],
)
def test_runs_that_teach_nothing_are_refused(plan: DrawingPlan, measured_s: float, message: str) -> None:
    with pytest.raises(SketchRobotError, match=message) as caught:
        calibrate_stop_s(plan, measured_s, PROFILE)
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_no_runs_teach_nothing() -> None:
    with pytest.raises(SketchRobotError, match='at least one movement'):
        calibrate_stops([], PROFILE)
