"""GRBL's planner and stepper against closed forms, and against what GRBL's own compiled code takes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.plotters.emulators.grbl_planner import add_block, blocks_free, blocks_waiting, override, renew_profile
from sketch_robot.plotters.emulators.grbl_settings import settings_with
from sketch_robot.plotters.emulators.grbl_simulation import Move, dwell_steps, simulate_program
from sketch_robot.plotters.emulators.grbl_state import BLOCK_DONE, CLOCK_HZ, Motion, make_motion
from sketch_robot.plotters.emulators.grbl_stepper import advance, kill, prepare, start

ACCEL = 2000.0  # mm/s^2 of the emulated plotter's x and y
FAR = 2**60


def plan(motion: Motion, *points: tuple[float, float], feed: float = 6000.0, rapid: bool = False) -> None:
    for number, (x, y) in enumerate(points):
        assert add_block(motion, np.array([x, y, 0.0], np.float32), feed, rapid, False, False, False, number)


def entry_speeds(motion: Motion) -> np.ndarray:
    """Of the waiting blocks, mm/s."""
    planner = motion.planner[0]
    count = blocks_waiting(motion)
    index = (planner['tail'] + np.arange(count)) % len(motion.blocks)
    return np.sqrt(motion.blocks['entry_sqr'][index]) / 60.0


def seconds(*moves: Move, **changes: float) -> float:
    return simulate_program(moves, {int(name[1:]): value for name, value in changes.items()}).seconds


def trapezoid_s(length: float, speed: float, accel: float) -> float:
    if length < speed * speed / accel:
        return 2.0 * math.sqrt(length / accel)
    return length / speed + speed / accel


# ------------------------------------------------------------- closed forms
@pytest.mark.parametrize('length', [0.1, 1.0, 4.9, 5.0, 20.0, 100.0])
@pytest.mark.parametrize('speed', [10.0, 50.0, 100.0])
def test_a_line_takes_the_time_of_its_trapezoid(length: float, speed: float) -> None:
    wanted = trapezoid_s(length, speed, ACCEL)
    # the timer counts a cycle more than asked for, and the last step of a stop comes late by less than 4 ms
    assert wanted * 0.9999 <= seconds(Move((length,), speed * 60.0)) <= wanted * 1.003 + 0.004


def test_a_diagonal_rapid_goes_as_fast_as_both_axes_together() -> None:
    took = seconds(Move((100.0, 100.0)))
    assert took == pytest.approx(
        trapezoid_s(math.hypot(100, 100), 200.0 * math.sqrt(2), ACCEL * math.sqrt(2)), rel=2e-3
    )


def test_the_slower_axis_limits_a_rapid() -> None:
    took = seconds(Move((100.0, 100.0)), _111=3000.0, _121=500.0)
    assert took == pytest.approx(trapezoid_s(math.hypot(100, 100), 50.0 * math.sqrt(2), 500 * math.sqrt(2)), rel=2e-3)


def test_a_feed_faster_than_the_axis_is_cut_to_it() -> None:
    assert seconds(Move((100.0,), 60000.0)) == seconds(Move((100.0,)))


@pytest.mark.parametrize('degrees', [5.0, 30.0, 60.0, 90.0, 120.0, 150.0, 175.0])
def test_a_corner_is_passed_at_the_speed_of_its_junction_deviation(degrees: float) -> None:
    motion = make_motion(settings_with({100: 2000.0, 101: 2000.0, 11: 0.05}))
    turn = math.radians(degrees)
    plan(motion, (50.0, 0.0), (50.0 + 50.0 * math.cos(turn), 50.0 * math.sin(turn)), feed=12000.0)
    sine = math.sqrt(0.5 * (1.0 + math.cos(turn)))
    across = np.array([math.cos(turn) - 1.0, math.sin(turn)])
    accel = ACCEL / np.abs(across / np.linalg.norm(across)).max()
    wanted = min(200.0, math.sqrt(accel * 0.05 * sine / (1.0 - sine)))
    assert entry_speeds(motion)[1] == pytest.approx(wanted, rel=1e-3)


def test_a_line_that_goes_straight_on_is_not_slowed() -> None:
    assert entry_speeds(_planned((50.0, 0.0), (100.0, 0.0)))[1] == pytest.approx(100.0)


def test_a_full_turn_back_is_a_stop() -> None:
    assert entry_speeds(_planned((50.0, 0.0), (0.0, 0.0)))[1] == 0.0


def test_without_junction_deviation_every_corner_is_a_stop() -> None:
    motion = make_motion(settings_with({11: 0.0}))
    plan(motion, (50.0, 0.0), (100.0, 10.0))
    assert entry_speeds(motion)[1] == 0.0


def _planned(*points: tuple[float, float]) -> Motion:
    motion = make_motion(settings_with())
    plan(motion, *points)
    return motion


def test_the_ring_holds_fifteen_blocks() -> None:
    motion = make_motion(settings_with())
    plan(motion, *((float(number), 0.0) for number in range(1, 16)))
    assert blocks_free(motion) == 0


def test_speed_is_limited_by_being_able_to_stop_within_fifteen_blocks() -> None:
    motion = make_motion(settings_with())
    plan(motion, *((0.2 * number, 0.0) for number in range(1, 16)), feed=12000.0)
    speeds = entry_speeds(motion)
    ahead = 0.2 * np.arange(15, 0, -1)
    behind = 0.2 * np.arange(0, 15)
    assert speeds == pytest.approx(np.sqrt(2.0 * ACCEL * np.minimum(ahead, behind)), rel=1e-5)
    # and so a long row of short pieces never reaches its feed of 200 mm/s
    fast = seconds(Move((30.0,), 12000.0))
    assert seconds(*(Move((0.2 * number,), 12000.0) for number in range(1, 151))) > 1.3 * fast


def test_a_motion_shorter_than_a_step_is_not_planned() -> None:
    motion = make_motion(settings_with())
    assert not add_block(motion, np.array([0.004, 0.0, 0.0], np.float32), 100.0, False, False, False, False, 0)
    assert blocks_waiting(motion) == 0


def test_targets_are_rounded_to_steps_and_parts_of_steps_do_not_add_up() -> None:
    moves = [Move((0.004 * number, 0.0), 600.0) for number in range(1, 1001)]
    assert simulate_program(moves).steps.tolist() == [320, 0, 0]  # 4.000 mm at 80 steps/mm


@given(
    st.lists(
        st.tuples(st.floats(-150.0, 150.0), st.floats(-150.0, 150.0), st.sampled_from([0.0, 120.0, 3000.0, 12000.0])),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_every_program_ends_on_the_step_of_its_last_target(points: list[tuple[float, float, float]]) -> None:
    result = simulate_program([Move((x, y), feed) for x, y, feed in points])
    assert np.abs(result.steps[:2] - np.array(points[-1][:2]) * 80.0).max() <= 0.5 + 1e-3
    way = np.array([[0.0, 0.0], *((x, y) for x, y, _ in points)])
    fastest = np.hypot(*np.diff(way, axis=0).T).sum() / (200.0 * math.sqrt(2.0))
    assert result.seconds >= 0.99 * fastest - 0.01
    assert (np.diff(result.done_s) >= 0.0).all()


@pytest.mark.parametrize(
    ('moves', 'cycles'),
    [
        ([Move((10.0,), 6000.0), Move((10.0, 10.0), 6000.0), Move((0.0, 10.0), 6000.0)], 6951606),
        ([Move((0.5 * k, 3.0 * (k % 2)), 12000.0) for k in range(1, 41)], 48394226),
        ([Move((20 + 8 * np.cos(a), 20 + 8 * np.sin(a)), 3000.0) for a in np.linspace(0, 2 * np.pi, 121)], 27680052),
        ([Move((0.3 * k, 0.0), 12000.0) for k in range(1, 201)], 8395088),
        (
            [
                Move((30.0, 7.0)),
                Move((30.0, 7.0, -3.0), 600.0),
                Move((33.0, 50.0, -2.0), 9000.0),
                Move((0.0, 0.0, 0.0)),
            ],
            20224297,
        ),
    ],
    ids=['corners', 'zigzag', 'circle', 'short pieces', 'three axes'],
)
def test_programs_take_the_very_clock_cycles_that_grbl_takes(moves: list[Move], cycles: int) -> None:
    """The numbers come from planner.c and stepper.c of GRBL 1.1h, compiled with 32-bit floats and run tick by tick."""
    assert round(simulate_program(moves).seconds * CLOCK_HZ) == cycles


def test_factory_settings_take_the_very_clock_cycles_that_grbl_takes() -> None:
    slow = {100: 250.0, 101: 250.0, 110: 500.0, 111: 500.0, 120: 10.0, 121: 10.0}
    moves = [Move((10.0,), 6000.0), Move((10.0, 10.0), 6000.0), Move((0.0, 10.0), 6000.0)]
    assert round(simulate_program(moves, slow).seconds * CLOCK_HZ) == 94025080


# ------------------------------------------------------------- dwells, stops, lines
@pytest.mark.parametrize(
    ('asked', 'waited'), [(0.0, 0.0), (0.01, 0.05), (0.05, 0.05), (0.06, 0.1), (0.1, 0.1), (0.12, 0.15), (1.0, 1.0)]
)
def test_dwells_are_rounded_up_to_steps_of_50_ms(asked: float, waited: float) -> None:
    assert dwell_steps(asked) * 0.05 == pytest.approx(waited)
    assert simulate_program([Move(dwell_s=asked)]).seconds == pytest.approx(waited)


@pytest.mark.parametrize('asked', [-0.1, math.nan, math.inf])
def test_a_dwell_that_is_no_time_is_refused(asked: float) -> None:
    with pytest.raises(ValueError, match='dwell'):
        dwell_steps(asked)


def test_a_dwell_waits_for_the_motion_before_it() -> None:
    done = simulate_program([Move((10.0,), 6000.0), Move(dwell_s=0.1), Move((20.0,), 6000.0)]).done_s
    assert done[1] - done[0] == pytest.approx(0.1)
    assert done[2] - done[1] == pytest.approx(done[0])


def test_motors_that_are_switched_off_cost_their_delay_at_every_stop() -> None:
    moves = [Move((10.0,), 6000.0), Move(dwell_s=0.0), Move((20.0,), 6000.0)]
    assert seconds(*moves, _1=25) - seconds(*moves, _1=255) == pytest.approx(0.05)


def test_a_controller_that_takes_time_for_each_line_begins_later() -> None:
    moves = [Move((0.3 * number,), 3000.0) for number in range(1, 16)]
    late = simulate_program(moves, line_s=0.001).seconds - simulate_program(moves).seconds
    assert late == pytest.approx(0.015, abs=1e-6)


@pytest.mark.parametrize('bad', [Move((math.nan,), 100.0), Move((1.0,), -1.0), Move((1.0,), math.inf)])
def test_programs_that_are_no_numbers_are_refused(bad: Move) -> None:
    with pytest.raises(ValueError, match='finite'):
        simulate_program([bad])


@pytest.mark.parametrize(('number', 'value'), [(99, 1.0), (110, -1.0), (11, math.nan)])
def test_settings_that_are_impossible_are_refused(number: int, value: float) -> None:
    with pytest.raises(ValueError, match=f'\\${number}'):
        settings_with({number: value})


# ------------------------------------------------------------- holds and overrides
def _hold(motion: Motion) -> None:
    renew_profile(motion)
    motion.prep['hold'] = True


@pytest.mark.parametrize('when_s', [0.02, 0.1, 0.2, 0.31])
def test_a_feed_hold_stops_within_its_braking_way_and_50_ms(when_s: float) -> None:
    motion = make_motion(settings_with())
    plan(motion, (40.0, 0.0))
    start(motion)
    assert advance(motion, round(when_s * CLOCK_HZ), False)
    before = motion.executor['position'][0, 0] / 80.0
    _hold(motion)
    assert not advance(motion, FAR, False)  # it stops
    stopped_s = motion.executor['clock'][0] / CLOCK_HZ
    way = motion.executor['position'][0, 0] / 80.0 - before
    fastest = min(100.0, ACCEL * (when_s + 0.05))  # what was prepared is still made
    assert stopped_s - when_s <= fastest / ACCEL + 0.055
    assert way <= fastest * 0.055 + fastest**2 / (2 * ACCEL)
    assert motion.executor['position'][0, 0] < 3200


def test_a_hold_before_the_first_step_is_a_stop() -> None:
    motion = make_motion(settings_with())
    plan(motion, (40.0, 0.0))
    _hold(motion)
    start(motion)
    assert not advance(motion, FAR, False)
    assert motion.executor['position'][0].tolist() == [0, 0, 0]
    assert motion.prep['ended'][0]


def test_after_a_hold_the_rest_of_the_block_is_made_to_the_step() -> None:
    motion = make_motion(settings_with())
    plan(motion, (40.0, 13.0), (0.0, 0.0))
    start(motion)
    advance(motion, CLOCK_HZ // 5, False)
    _hold(motion)
    while motion.executor['running'][0]:
        advance(motion, FAR, False)
    assert 0 < motion.executor['position'][0, 0] < 3200
    renew_profile(motion)
    motion.prep['hold'] = motion.prep['ended'] = False
    start(motion)
    motion.executor['marks'] = 0
    while motion.executor['running'][0]:
        advance(motion, FAR, False)
    done = [
        mark['position'].tolist() for mark in motion.marks[: motion.executor['marks'][0]] if mark['kind'] == BLOCK_DONE
    ]
    assert done == [[3200, 1040, 0], [0, 0, 0]]


def test_a_feed_override_slows_what_is_on_its_way() -> None:
    def run(percent: int) -> float:
        motion = make_motion(settings_with())
        plan(motion, (100.0, 0.0))
        start(motion)
        advance(motion, CLOCK_HZ // 5, False)
        override(motion, percent, 100)
        while motion.executor['running'][0]:
            advance(motion, FAR, False)
        assert motion.executor['position'][0].tolist() == [8000, 0, 0]
        return float(motion.executor['clock'][0]) / CLOCK_HZ

    assert run(100) == pytest.approx(trapezoid_s(100.0, 100.0, ACCEL), rel=5e-3)
    assert run(50) == pytest.approx(0.25 + (100.0 - 22.0) / 50.0, rel=0.02)
    assert run(200) == pytest.approx(0.25 + (100.0 - 22.0) / 200.0 + 0.06, rel=0.1)


def test_a_kill_leaves_the_steps_made_so_far() -> None:
    motion = make_motion(settings_with())
    plan(motion, (40.0, 0.0))
    start(motion)
    advance(motion, CLOCK_HZ // 5, False)
    made = int(motion.executor['position'][0, 0])
    assert 1300 < made < 1500  # 0.05 s to 100 mm/s, then 0.15 s of it: 17.5 mm
    kill(motion)
    prepare(motion)
    assert not motion.executor['running'][0]
    advance(motion, CLOCK_HZ, False)
    assert motion.executor['position'][0, 0] == made
