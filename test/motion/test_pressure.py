"""Line weight: wide lines are pressed firmly, thin ones lightly, and machines that cannot press lose nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion import MachineLimits, Page
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.motion.pressure import press_strokes, smoothed
from sketch_robot.stroke import Stroke

BRUSH = MachineLimits('brush', lightest_mm=0.4, firmest_mm=1.4)
LINE = np.column_stack((np.arange(11) * 3.0, np.full(11, 50.0)))
half_widths = st.lists(st.floats(0.0, 2.0), min_size=2, max_size=12).map(np.array)


def pressure_of(stroke: Stroke, profile: MachineLimits = BRUSH) -> np.ndarray:
    (pressed,) = press_strokes([stroke], profile)
    assert pressed.pressure is not None
    return pressed.pressure


@pytest.mark.parametrize(('width_mm', 'pressure'), [(0.1, 0.0), (0.4, 0.0), (0.9, 0.5), (1.4, 1.0), (3.0, 1.0)])
def test_pressure_is_proportional_to_width_between_lightest_and_firmest(width_mm: float, pressure: float) -> None:
    assert pressure_of(Stroke(LINE, half_width=width_mm / 2)) == pytest.approx(np.full(11, pressure))
    assert pressure_of(Stroke(LINE, half_widths=np.full(11, width_mm / 2))) == pytest.approx(np.full(11, pressure))


def test_the_width_at_each_point_counts_more_than_that_of_the_stroke() -> None:
    taper = np.linspace(0.2, 0.7, 11)
    found = pressure_of(Stroke(LINE, half_width=0.2, half_widths=taper))
    assert found == pytest.approx(np.linspace(0.0, 1.0, 11))  # the mean of a straight taper is itself


def test_a_jump_of_the_width_is_spread_over_two_millimetres() -> None:
    xy = np.column_stack((np.arange(81) * 0.25, np.zeros(81)))
    step = np.where(xy[:, 0] < 10.0, 0.2, 0.7)
    found = pressure_of(Stroke(xy, half_widths=step))
    assert found[xy[:, 0] <= 8.7].max() < 1e-12
    assert found[xy[:, 0] >= 11.0].min() > 1.0 - 1e-12
    assert np.diff(found).max() < 0.13  # a quarter of a millimetre out of two
    assert found[40] == pytest.approx(0.5, abs=0.07)


def test_noise_of_the_width_is_averaged_away() -> None:
    xy = np.column_stack((np.arange(400) * 0.1, np.zeros(400)))
    noisy = 0.45 + 0.1 * np.random.default_rng(0).standard_normal(400)
    assert pressure_of(Stroke(xy, half_widths=noisy))[20:-20].std() < 0.06  # 0.2 mm of width, which was 0.2 of pressure


@given(half_widths)
@settings(max_examples=80, deadline=None)
def test_the_mean_stays_within_its_values_and_keeps_the_ends(values: np.ndarray) -> None:
    xy = np.column_stack((np.cumsum(values), np.zeros(len(values))))  # some points coincide
    found = smoothed(xy, values, 1.0)
    assert (found >= values.min()).all()
    assert (found <= values.max()).all()
    assert found[[0, -1]].tolist() == values[[0, -1]].tolist()


@given(half_widths, half_widths)
@settings(max_examples=80, deadline=None)
def test_a_line_nowhere_thinner_is_nowhere_pressed_less(one: np.ndarray, other: np.ndarray) -> None:
    count = min(len(one), len(other))
    thin, wide = np.minimum(one[:count], other[:count]), np.maximum(one[:count], other[:count])
    xy = LINE[:1] + np.column_stack((np.arange(count) * 0.7, np.zeros(count)))
    lighter, firmer = (pressure_of(Stroke(xy, half_widths=values)) for values in (thin, wide))
    assert (lighter <= firmer + 1e-9).all()


def test_the_same_line_from_its_other_end_is_pressed_the_same() -> None:
    stroke = Stroke(LINE, half_widths=np.abs(np.sin(np.arange(11.0))))
    assert pressure_of(stroke.reversed()) == pytest.approx(pressure_of(stroke)[::-1])


def test_a_dot_has_the_pressure_of_its_width() -> None:
    assert pressure_of(Stroke(LINE[:1], half_widths=np.array([0.45]))).tolist() == [pytest.approx(0.5)]


def test_a_line_of_unknown_width_presses_as_it_did() -> None:
    assert press_strokes([Stroke(LINE)], BRUSH)[0].pressure is None
    before = np.linspace(0.0, 1.0, 11)
    assert pressure_of(Stroke(LINE, pressure=before)).tolist() == before.tolist()


def test_a_machine_that_cannot_press_loses_the_pressure_but_no_width() -> None:
    widths = np.linspace(0.2, 0.7, 11)
    for profile in (MachineLimits(), MachineLimits(lightest_mm=0.5, firmest_mm=0.5)):
        (plain,) = press_strokes([Stroke(LINE, 0.3, half_widths=widths, pressure=np.full(11, 0.4))], profile)
        assert plain.pressure is None
        assert plain.half_width == 0.3
        assert plain.half_widths is not None
        assert plain.half_widths.tolist() == widths.tolist()


def test_a_plan_for_a_machine_that_presses_says_how_firmly() -> None:
    xy = np.array([[100.0, 100.0], [200.0, 100.0], [400.0, 100.0]])
    stroke = Stroke(xy, half_widths=np.array([0.8, 1.8, 2.8]))
    plan = plan_drawing([stroke], (512, 512), Page(148, 148), BRUSH)
    found = plan.strokes[0].pressure
    assert found is not None
    assert sorted([found[0], found[-1]]) == pytest.approx([0.0, 1.0], abs=0.01)
    unpressed = plan_drawing([stroke], (512, 512), Page(148, 148), MachineLimits())
    assert unpressed.strokes[0].pressure is None
    assert unpressed.strokes[0].half_widths is not None
