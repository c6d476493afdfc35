"""Pen profiles: values that no machine has, and what follows from those that it has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import PenProfile


@pytest.mark.parametrize('value', [0.0, -1.0, float('nan'), float('inf')])
@pytest.mark.parametrize('field', ['draw_speed_mm_s', 'draw_accel_mm_s2', 'travel_speed_mm_s', 'pen_width_mm'])
def test_speeds_accelerations_and_widths_are_positive(field: str, value: float) -> None:
    with pytest.raises(SketchRobotError) as caught:
        replace(PenProfile(), **{field: value})
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == (f"the pen profile 'default' has {field} {value}; it must be positive and finite")


@pytest.mark.parametrize('field', ['lift_s', 'drop_s', 'junction_deviation_mm', 'dwell_step_s', 'stop_s'])
def test_times_and_the_junction_deviation_may_be_zero_but_not_negative(field: str) -> None:
    assert getattr(replace(PenProfile(), **{field: 0.0}), field) == 0.0
    with pytest.raises(SketchRobotError, match=f'{field} -0.1; it must be zero or more and finite'):
        replace(PenProfile(), **{field: -0.1})
