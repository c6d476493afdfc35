"""Braking in the middle of a movement: along its way, as hard as allowed, to rest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion import MachineLimits, TimedPath, draw_motion, load_limits

coordinate = st.floats(-100.0, 100.0).map(lambda value: round(value, 3))
polylines = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=25).map(np.array)
FAST = MachineLimits(draw_speed_mm_s=100.0, draw_accel_mm_s2=1000.0)


def length(xy: np.ndarray) -> float:
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())


def test_speed_follows_the_trapezoid() -> None:
    motion = draw_motion(np.array([[0.0, 0.0], [50.0, 0.0]]), FAST)
    t = np.array([-1.0, 0.0, 0.02, 0.1, 0.3, 0.58, 0.6, 9.0])
    assert motion.speeds(t).tolist() == pytest.approx([0.0, 0.0, 20.0, 100.0, 100.0, 20.0, 0.0, 0.0])
    assert draw_motion(np.array([[1.0, 1.0]]), FAST).speeds(t).tolist() == [0.0] * 8


def test_from_full_speed_it_takes_the_square_of_it_over_twice_the_acceleration() -> None:
    motion = draw_motion(np.array([[0.0, 0.0], [50.0, 0.0]]), FAST)
    brake, rest = motion.braked(0.3)  # 25 mm along
    assert brake.xy_mm.tolist() == [[pytest.approx(25.0), 0.0], [pytest.approx(30.0), 0.0]]
    assert brake.seconds == pytest.approx(0.1)
    assert brake.position(0.05) == pytest.approx((25.0 + 3.75, 0.0))
    assert rest.tolist() == [[pytest.approx(30.0), 0.0], [50.0, 0.0]]


def test_it_stays_on_the_line_around_corners() -> None:
    corner = np.array([[0.0, 0.0], [20.0, 0.0], [20.0, 20.0]])
    motion = draw_motion(corner, FAST)
    at_s = float(motion.times_s[1]) - 0.0005  # at the corner's own speed, just before it
    brake, rest = motion.braked(at_s)
    assert brake.xy_mm[1].tolist() == [20.0, 0.0]
    assert brake.xy_mm[-1, 0] == 20.0
    speed = float(motion.speeds(np.array([at_s]))[0])
    assert length(brake.xy_mm) == pytest.approx(speed**2 / 2000.0)
    assert rest[-1].tolist() == [20.0, 20.0]


@pytest.mark.parametrize('at_s', [0.0, -3.0])
def test_at_rest_there_is_nothing_to_brake(at_s: float) -> None:
    xy = np.array([[0.0, 0.0], [50.0, 0.0], [50.0, 9.0]])
    brake, rest = draw_motion(xy, FAST).braked(at_s)
    assert (brake.seconds, brake.xy_mm.tolist()) == (0.0, [[0.0, 0.0]])
    assert np.array_equal(rest, xy)


def test_after_the_end_nothing_is_left() -> None:
    motion = draw_motion(np.array([[0.0, 0.0], [50.0, 0.0]]), load_limits('grbl_plotter'))
    for at_s in (motion.seconds, motion.seconds + 1.0):
        brake, rest = motion.braked(at_s)
        assert (brake.seconds, brake.xy_mm.tolist(), rest.tolist()) == (0.0, [[50.0, 0.0]], [[50.0, 0.0]])


@given(polylines, st.floats(0.0, 1.0), st.sampled_from(['default', 'grbl_plotter', 'axidraw', 'slow_cnc']))
@settings(max_examples=100, deadline=None)
def test_braking_and_what_is_left_are_the_line_that_was_left(xy: np.ndarray, share: float, name: str) -> None:
    motion: TimedPath = draw_motion(xy, load_limits(name))
    at_s = share * motion.seconds
    gone = motion.position(at_s)
    brake, rest = motion.braked(at_s)
    assert brake.xy_mm[0].tolist() == pytest.approx(gone, abs=1e-9)
    assert np.array_equal(brake.xy_mm[-1], rest[0])
    assert np.array_equal(rest[-1], motion.xy_mm[-1])
    assert (np.hypot(*np.diff(rest, axis=0).T) > 0.0).all()
    before = np.searchsorted(motion.times_s, at_s, side='right')
    left = length(np.vstack(([gone], motion.xy_mm[before:])))
    assert length(brake.xy_mm) + length(rest) == pytest.approx(left, abs=1e-6)
    speed = float(motion.speeds(np.array([at_s]))[0])
    assert brake.corner_speeds_mm_s[0] == pytest.approx(speed, rel=1e-6, abs=1e-6)
    assert brake.corner_speeds_mm_s[-1] == 0.0
    weakest = float(motion.segment_accels_mm_s2.min()) if len(motion.segment_accels_mm_s2) else 1.0
    assert length(brake.xy_mm) <= speed**2 / (2.0 * weakest) * (1 + 1e-6) + 1e-9
    t = np.linspace(0.0, brake.seconds, 200)
    assert (np.diff(brake.speeds(t)) <= 1e-6 * (1.0 + speed)).all()
    assert math.isfinite(brake.seconds)
