"""Curves are drawn no faster than their curvature allows, however they are cut into segments."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion import MachineLimits, TimedPath, draw_motion, load_limits, plan_motion
from sketch_robot.motion.corner_speeds import WINDOW_MM, curvatures

FAST = MachineLimits(draw_speed_mm_s=200.0, draw_accel_mm_s2=1000.0)


def arc(radius: float, spacing: float, turn: float = 2 * math.pi) -> np.ndarray:
    angle = np.linspace(0.0, turn, max(3, math.ceil(turn * radius / spacing)) + 1)
    return radius * np.column_stack((np.cos(angle), np.sin(angle)))


def uncapped(xy: np.ndarray, profile: MachineLimits) -> TimedPath:
    return plan_motion(
        xy,
        speed_mm_s=profile.draw_speed_mm_s,
        accel_mm_s2=profile.draw_accel_mm_s2,
        junction_deviation_mm=profile.junction_deviation_mm,
    )


@pytest.mark.parametrize('radius', [0.5, 1.0, 2.0, 5.0, 20.0])
@pytest.mark.parametrize('spacing', [0.02, 0.05, 0.1, 0.2])
def test_a_circle_is_drawn_with_the_acceleration_that_was_set(radius: float, spacing: float) -> None:
    motion = draw_motion(arc(radius, spacing), FAST)
    allowed = math.sqrt(FAST.draw_accel_mm_s2 * radius)
    assert motion.corner_speeds_mm_s.max() <= 1.005 * allowed
    inner = motion.segment_speeds_mm_s[len(motion.xy_mm) // 3 : -len(motion.xy_mm) // 3]
    assert inner == pytest.approx(np.full(len(inner), min(allowed, 200.0)), rel=0.02)


def test_without_the_cap_a_finely_cut_circle_would_be_drawn_several_times_too_fast() -> None:
    circle = np.tile(arc(2.0, 0.2)[:-1], (5, 1))  # five turns, to come up to speed
    loose = uncapped(circle, FAST).corner_speeds_mm_s.max() ** 2 / 2.0
    capped = draw_motion(circle, FAST).corner_speeds_mm_s.max() ** 2 / 2.0
    assert loose > 3.5 * FAST.draw_accel_mm_s2
    assert capped <= 1.01 * FAST.draw_accel_mm_s2


def test_the_weakest_axis_counts_in_a_curve() -> None:
    motion = draw_motion(arc(2.0, 0.1), replace(FAST, axis_accel_mm_s2=(900.0, 300.0)))
    assert motion.corner_speeds_mm_s.max() <= 1.005 * math.sqrt(300.0 * 2.0)


@pytest.mark.parametrize('spacing', [0.3, 0.7, 1.3, 3.0])
def test_curvature_does_not_depend_on_how_a_circle_is_cut(spacing: float) -> None:
    found = curvatures(arc(4.0, spacing), WINDOW_MM)[2:-2]
    assert found == pytest.approx(np.full(len(found), 0.25), rel=0.09)


def test_jitter_of_single_points_hardly_slows_a_line() -> None:
    generator = np.random.default_rng(3)
    line = np.column_stack((np.arange(0.0, 60.0, 0.2), generator.normal(0.0, 0.003, 300)))
    assert draw_motion(line, FAST).seconds <= 1.02 * uncapped(line, FAST).seconds


def test_a_straight_line_is_not_slowed() -> None:
    line = np.column_stack((np.linspace(0, 80, 200), np.linspace(5, 25, 200)))
    assert draw_motion(line, FAST).seconds == pytest.approx(uncapped(line, FAST).seconds)


def test_a_long_line_into_a_curve_is_slowed_at_its_end_only() -> None:
    bow = arc(2.0, 0.2, math.pi)  # begins at (2, 0) upwards
    path = np.vstack(([[2.0, -60.0]], bow))
    motion = draw_motion(path, FAST)
    assert motion.segment_speeds_mm_s[0] == 200.0
    assert motion.segment_speeds_mm_s[2] == pytest.approx(math.sqrt(1000.0 * 2.0), rel=0.05)
    assert motion.corner_speeds_mm_s[1] <= 1.5 * math.sqrt(1000.0 * 2.0)


@pytest.mark.parametrize('side', [5.0, 20.0])
def test_corners_of_a_polygon_stay_with_junction_deviation(side: float) -> None:
    square = side * np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], dtype=float)
    assert draw_motion(square, FAST).seconds == pytest.approx(uncapped(square, FAST).seconds, rel=1e-3)


def test_a_corner_between_fine_segments_stays_with_junction_deviation() -> None:
    leg = np.arange(0.0, 20.0, 0.2)
    path = np.vstack((np.column_stack((leg, 0 * leg)), np.column_stack((np.full(100, 20.0), leg))))
    capped, loose = draw_motion(path, FAST), uncapped(path, FAST)
    assert capped.corner_speeds_mm_s[100] == pytest.approx(loose.corner_speeds_mm_s[100])
    assert capped.seconds <= 1.03 * loose.seconds


coordinate = st.floats(-20.0, 20.0).map(lambda value: round(value, 4))
polylines = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=25).map(np.array)


@given(polylines, st.sampled_from(['default', 'axidraw']))
@settings(max_examples=60, deadline=None)
def test_no_vertex_is_passed_faster_than_its_curvature_allows(xy: np.ndarray, name: str) -> None:
    profile = load_limits(name)
    motion = draw_motion(xy, profile)
    curved = curvatures(motion.xy_mm, WINDOW_MM)
    assert (motion.corner_speeds_mm_s**2 * curved <= profile.draw_accel_mm_s2 * (1 + 1e-9)).all()
    assert motion.seconds >= uncapped(xy, profile).seconds * (1 - 1e-9)


@given(polylines, st.floats(0.0, 2 * math.pi), st.floats(0.2, 5.0))
@settings(max_examples=60, deadline=None)
def test_curvature_turns_and_scales_with_the_line(xy: np.ndarray, angle: float, scale: float) -> None:
    xy = xy[np.concatenate(([True], np.hypot(*np.diff(xy, axis=0).T) > 1e-3))]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    here, there = curvatures(xy, 0.5), curvatures(scale * xy @ turn.T, 0.5 * scale)
    assert there * scale == pytest.approx(here, rel=1e-3, abs=1e-4)
