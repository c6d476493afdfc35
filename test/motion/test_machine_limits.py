"""Limits of machines: values that no machine has, and what follows from those that it has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import MachineLimits


@pytest.mark.parametrize('value', [0.0, -1.0, float('nan'), float('inf')])
@pytest.mark.parametrize('field', ['draw_speed_mm_s', 'draw_accel_mm_s2', 'travel_speed_mm_s', 'pen_width_mm'])
def test_speeds_accelerations_and_widths_are_positive(field: str, value: float) -> None:
    with pytest.raises(SketchRobotError) as caught:
        replace(MachineLimits(), **{field: value})
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == (f"the machine 'default' has {field} {value}; it must be positive and finite")


@pytest.mark.parametrize('field', ['lift_s', 'drop_s', 'junction_deviation_mm', 'dwell_step_s', 'stop_s'])
def test_times_and_the_junction_deviation_may_be_zero_but_not_negative(field: str) -> None:
    assert getattr(replace(MachineLimits(), **{field: 0.0}), field) == 0.0
    with pytest.raises(SketchRobotError, match=f'{field} -0.1; it must be zero or more and finite'):
        replace(MachineLimits(), **{field: -0.1})


@pytest.mark.parametrize('value', [1e-12, 1e12])
@pytest.mark.parametrize('field', ['draw_accel_mm_s2', 'dwell_step_s', 'lift_s', 'lookahead_blocks'])
def test_values_that_no_machine_has_are_refused(field: str, value: float) -> None:
    with pytest.raises(SketchRobotError) as caught:
        replace(MachineLimits(), **{field: value})
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == f"the machine 'default' has {field} {value:g}, which no machine has"


@pytest.mark.parametrize('axes', [(1.0,), (1.0, 2.0, 3.0), (1.0, -1.0), (-1.0, 1.0), (1.0, float('inf')), (1e12, 1.0)])
@pytest.mark.parametrize('field', ['axis_speed_mm_s', 'axis_accel_mm_s2'])
def test_both_axes_limits_are_checked(field: str, axes: tuple[float, ...]) -> None:
    with pytest.raises(SketchRobotError, match=f"the machine 'default' has {field} ") as caught:
        replace(MachineLimits(), **{field: axes})
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_axes_limits_may_be_given_as_a_list() -> None:
    assert replace(MachineLimits(), axis_speed_mm_s=[100, 80]).axis_speed_mm_s == (100.0, 80.0)


@pytest.mark.parametrize(('lightest', 'firmest'), [(0.5, 0.3), (0.0, 0.5), (0.2, 0.0)])
def test_the_widths_that_pressure_gives_go_together(lightest: float, firmest: float) -> None:
    with pytest.raises(SketchRobotError, match='give both, the firmest not the thinner, or 0 for both'):
        replace(MachineLimits(), lightest_mm=lightest, firmest_mm=firmest)
    assert not MachineLimits().presses
    assert replace(MachineLimits(), lightest_mm=0.2, firmest_mm=0.8).presses
