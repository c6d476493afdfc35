"""The EBB's moves: exact in steps, true in time, within what the motors can do."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from drawings import farthest_from
from ebb_bench import AXIDRAW, QUICK
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import SketchRobotError
from sketch_robot.motion.timing import draw_motion, travel_motion
from sketch_robot.plotters.ebb.moves import STEP, TICKS_PER_MS, Axes, Move, brake, cut, sample_path
from sketch_robot.plotters.ebb.options import EbbOptions

coordinates = st.tuples(st.floats(0.0, 148.0), st.floats(0.0, 210.0))
lines = st.lists(coordinates, min_size=1, max_size=12).map(np.array)
profiles = st.sampled_from([AXIDRAW, QUICK])
AXES = Axes.of()


def moves_of(motion, start, carry_s=0.0):
    course, carry_s = sample_path(motion, carry_s, AXES)
    return cut(course, AXES, start), carry_s


def pair(steps):
    return int(steps[0]), int(steps[1])


# ------------------------------------------------------------------ how the page lies on the machine
def test_the_page_s_y_runs_along_the_machine_s_x_and_both_motors_turn_as_one_then():
    assert pair(AXES.steps(np.array([0.0, 10.0]))) == (800, 800)
    assert pair(AXES.steps(np.array([10.0, 0.0]))) == (800, -800)


@pytest.mark.parametrize(
    ('axes', 'motors'),
    [(('x', '-y'), (800 - 160, 800 + 160)), (('-x', 'y'), (-800 + 160, -800 - 160)), (('-y', '-x'), (-960, 640))],
)
def test_a_page_may_lie_any_way_round(axes, motors):
    assert pair(Axes.of(axes).steps(np.array([10.0, 2.0]))) == motors


def test_measured_scale_and_squareness_are_made_good():
    # 1 % too short along x, and y leans by 2 mm in 100
    axes = Axes.of(('x', '-y'), ((1.01, 0.02), (0.0, 1.0)))
    np.testing.assert_allclose(axes.steps(np.array([0.0, 50.0])), [80 - 4000, 80 + 4000])
    np.testing.assert_allclose(axes.mm(axes.steps(np.array([30.0, 40.0]))), [30.0, 40.0], atol=0.02)


@given(point=coordinates)
def test_steps_and_millimetres_convert_back_and_forth(point):
    steps = AXES.steps(np.array(point))
    np.testing.assert_array_equal(AXES.steps(AXES.mm(steps)), steps)
    assert np.abs(AXES.mm(steps) - point).max() <= 0.5 / 80.0 + 1e-9


@pytest.mark.parametrize('axes', [('x', '-x'), ('x', 'up'), ('y',), 'y'])
def test_page_axes_that_are_none_are_refused(axes):
    with pytest.raises(SketchRobotError, match='one of each'):
        Axes.of(axes)


def test_a_correction_that_leads_nowhere_is_refused():
    with pytest.raises(SketchRobotError, match='close to a rotation'):
        Axes.of(correction=((1.0, 1.0), (1.0, 1.0)))


@pytest.mark.parametrize('steps', [0.0, float('nan'), -80.0])
def test_a_machine_without_steps_is_refused(steps):
    with pytest.raises(SketchRobotError, match='steps_per_mm must be'):
        EbbOptions(steps_per_mm=steps)


# ------------------------------------------------------------------ steps and time
@settings(deadline=None, max_examples=60)
@given(xy=lines, profile=profiles)
def test_moves_lead_step_by_step_to_the_line_s_end_in_the_model_s_time(xy, profile):
    start = pair(AXES.steps(xy[0]))
    moves, carry_s = moves_of(motion := draw_motion(xy, profile), start)
    at = np.array(start)
    for move in moves:
        at = at + move.steps
        assert pair(at) == move.target
    assert pair(at) == pair(AXES.steps(xy[-1]))
    slowed_s = 0.001 * sum(move.ms for move in moves) - motion.seconds
    assert slowed_s + carry_s == pytest.approx(0.0, abs=1e-9) or slowed_s > 0.0  # too fast for the motors
    assert abs(carry_s) <= 0.001


@numba.njit(cache=True)
def ticks_of(rate, accel, steps, most):
    """Ticks until the last step of an `LM` from a cleared accumulator, as the command reference has it."""
    rate, held, made = rate - accel // 2, 0, 0
    if steps == 0:
        return 0
    for tick in range(1, most + 1):
        rate += accel
        held += rate
        if held >= 2147483648:
            held -= 2147483648
            made += 1
            if made == abs(steps):
                return tick
    return most + 1


@settings(deadline=None, max_examples=60)
@given(xy=lines, profile=profiles)
def test_the_board_s_arithmetic_makes_all_steps_by_the_last_tick_and_never_more_than_one_a_tick(xy, profile):
    moves, _ = moves_of(draw_motion(xy, profile), pair(AXES.steps(xy[0])))
    for move in moves:
        ticks = move.ms * TICKS_PER_MS
        for rate, accel, steps in zip(move.rate, move.accel, move.steps, strict=True):
            assert accel % 2 == 0
            assert 0 <= rate <= STEP
            assert 0 <= rate + accel * ticks <= STEP
            assert ticks_of(rate, accel, steps, 2 * ticks) <= ticks
        if move.steps != (0, 0):
            last = max(ticks_of(r, a, s, ticks) for r, a, s in zip(move.rate, move.accel, move.steps, strict=True))
            assert last >= ticks - 1 or 25.0 * max(map(abs, move.steps)) < ticks  # a slow axis may step early


def test_ten_thousand_moves_end_on_the_exact_step_and_home_is_zero():
    rng = np.random.default_rng(5)
    at, carry_s, planned_s, count, ms = np.zeros(2, dtype=int), 0.0, 0.0, 0, 0
    while count < 10_000:
        xy = np.clip(np.cumsum(rng.normal(0.0, 2.0, (40, 2)), axis=0) + rng.uniform(20.0, 120.0, 2), 0.0, 148.0)
        for motion in (travel_motion(AXES.mm(at), xy[0], QUICK), draw_motion(xy, QUICK)):
            moves, carry_s = moves_of(motion, pair(at), carry_s)
            at = at + np.sum([move.steps for move in moves], axis=0)
            planned_s += motion.seconds
            count, ms = count + len(moves), ms + sum(move.ms for move in moves)
        assert pair(at) == pair(AXES.steps(xy[-1]))
    moves, carry_s = moves_of(travel_motion(AXES.mm(at), (0.0, 0.0), QUICK), pair(at), carry_s)
    at = at + np.sum([move.steps for move in moves], axis=0)
    assert pair(at) == (0, 0)
    assert 0.001 * ms == pytest.approx(planned_s, rel=1e-4)


def test_what_a_movement_leaves_of_a_millisecond_goes_to_the_next():
    motion = travel_motion((0.0, 0.0), (0.01, 0.0), QUICK)  # 4.47 ms
    carry_s, ms = 0.0, 0
    for _ in range(100):
        course, carry_s = sample_path(motion, carry_s, AXES)
        ms += len(course.length_mm) - 1
    assert 0.001 * ms == pytest.approx(100 * motion.seconds, abs=0.001)


def test_a_dot_needs_no_move():
    assert moves_of(draw_motion(np.array([[5.0, 5.0]]), QUICK), (0, 0)) == ([], 0.0)


def test_a_way_too_fast_for_the_motors_is_slowed_down_as_a_whole():
    fast, fine = travel_motion((0.0, 0.0), (100.0, 100.0), QUICK), Axes.of(steps_per_mm=160.0)
    course, carry_s = sample_path(fast, 0.0, fine)
    assert 0.001 * (len(course.length_mm) - 1) > 1.2 * fast.seconds
    assert carry_s == 0.0
    assert np.abs(np.diff(course.xy_mm @ fine.steps_from_mm.T, axis=0)).max() <= 24.0 + 1e-6


@settings(deadline=None, max_examples=40)
@given(radius=st.floats(1.0, 40.0))
def test_slices_run_beside_a_curve_by_no_more_than_a_hair(radius):
    angle = np.linspace(0.0, 6.0, 400)
    circle = np.stack([70.0 + radius * np.cos(angle), 70.0 + radius * np.sin(angle)], axis=1)
    moves, _ = moves_of(draw_motion(circle, QUICK), pair(AXES.steps(circle[0])))
    ends = AXES.mm(np.array([AXES.steps(circle[0]), *(move.target for move in moves)]))
    middles = 0.5 * (ends[1:] + ends[:-1])
    away = np.hypot(*(middles - 70.0).T) - radius
    assert np.abs(away).max() < 0.05


# ------------------------------------------------------------------ braking
@settings(deadline=None, max_examples=60)
@given(xy=lines, share=st.floats(0.0, 1.0), profile=profiles)
def test_braking_ends_at_rest_on_the_line_as_soon_as_the_acceleration_allows(xy, share, profile):
    motion = draw_motion(xy, profile)
    course, _ = sample_path(motion)
    at_ms = round(share * (len(course.length_mm) - 1))
    slow = brake(motion, course, at_ms)
    np.testing.assert_allclose(slow.xy_mm[0], course.xy_mm[at_ms], atol=1e-6)
    assert slow.length_mm[0] == course.length_mm[at_ms]
    assert (np.diff(slow.length_mm) >= 0.0).all()
    assert farthest_from(slow.xy_mm, motion.xy_mm) < 1e-6
    assert len(slow.length_mm) - 1 <= 1000.0 * profile.draw_speed_mm_s / profile.draw_accel_mm_s2 + 1.0
    assert (
        slow.length_mm[-1] - slow.length_mm[0] <= profile.draw_speed_mm_s**2 / (2.0 * profile.draw_accel_mm_s2) + 1e-6
    )


def test_braking_on_a_straight_line_takes_v_squared_over_2_a():
    motion = draw_motion(np.array([[0.0, 0.0], [100.0, 0.0]]), QUICK)  # 100 mm/s, 1000 mm/s^2
    course, _ = sample_path(motion)
    slow = brake(motion, course, 500)
    assert slow.length_mm[-1] - slow.length_mm[0] == pytest.approx(5.0, abs=0.01)
    assert len(slow.length_mm) - 1 == 100
    assert np.diff(slow.length_mm)[-1] < 0.002


@pytest.mark.parametrize('at_ms', [-1, 10_000])
def test_braking_elsewhere_is_refused(at_ms):
    motion = draw_motion(np.array([[0.0, 0.0], [10.0, 0.0]]), QUICK)
    with pytest.raises(ValueError, match='cannot brake'):
        brake(motion, sample_path(motion)[0], at_ms)


# ------------------------------------------------------------------ commands
def test_a_move_is_written_as_the_firmware_reads_it():
    move = Move(20, (40, -3), (171798692, 12884902), (-2000, 0), (40, -3), 0.5)
    assert move.command(low_level=False) == 'SM,20,40,-3'
    assert move.command(low_level=True) == 'LM,171798692,40,-2000,12884902,-3,0,3'


def test_standing_still_is_a_delay():
    assert Move(20, (0, 0), (0, 0), (0, 0), (7, 7), 0.0).command(low_level=True) == 'SM,20,0,0'
