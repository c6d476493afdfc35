"""The emulated controller's motion against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot_emulators.grbl.planner import BLOCKS, Planner
from sketch_robot_emulators.grbl.settings import settings_with

ACCEL = 2000.0  # mm/s^2 of both axes
STEPS = 80.0  # per mm


def planner(*, deviation: float = 0.01, rates: tuple = (200.0, 200.0, 100.0), accels: tuple = (ACCEL, ACCEL, 500.0)):
    return Planner([STEPS] * 3, rates, accels, deviation)


def plan(machine: Planner, *points: tuple[float, ...], feed: float = 100.0) -> None:
    for point in points:
        x, y, *z = point
        assert machine.add((round(x * STEPS), round(y * STEPS), round((z[0] if z else 0.0) * STEPS)), feed)


def run_out(machine: Planner) -> float:
    """Seconds until it rests."""
    seconds = 0.0
    while machine.moving:
        seconds += machine.seconds_to_event()
        machine.advance(machine.seconds_to_event())
    return seconds


def entries(machine: Planner) -> np.ndarray:
    """Speeds at the beginnings of the waiting blocks, mm/s."""
    return np.sqrt([block.entry for block in machine._blocks])


def trapezoid_s(length: float, speed: float, accel: float) -> float:
    if length < speed * speed / accel:
        return 2.0 * math.sqrt(length / accel)
    return length / speed + speed / accel


@pytest.mark.parametrize('length', [0.1, 1.0, 4.9, 5.0, 20.0, 100.0])
@pytest.mark.parametrize('speed', [10.0, 50.0, 100.0])
def test_a_line_takes_the_time_of_its_trapezoid(length: float, speed: float) -> None:
    machine = planner()
    plan(machine, (length, 0.0), feed=speed)
    assert run_out(machine) == pytest.approx(trapezoid_s(length, speed, ACCEL), rel=1e-6)
    assert machine.place_steps()[0] == round(length * STEPS)


def test_a_diagonal_rapid_goes_as_fast_as_both_axes_together() -> None:
    machine = planner()
    plan(machine, (100.0, 100.0), feed=0.0)
    wanted = trapezoid_s(math.hypot(100, 100), 200.0 * math.sqrt(2), ACCEL * math.sqrt(2))
    assert run_out(machine) == pytest.approx(wanted)


def test_the_slower_axis_limits_a_rapid() -> None:
    machine = planner(rates=(200.0, 50.0, 1.0), accels=(ACCEL, 500.0, 1.0))
    plan(machine, (100.0, 100.0), feed=0.0)
    wanted = trapezoid_s(math.hypot(100, 100), 50.0 * math.sqrt(2), 500 * math.sqrt(2))
    assert run_out(machine) == pytest.approx(wanted)


@pytest.mark.parametrize('degrees', [5.0, 30.0, 60.0, 90.0, 120.0, 150.0, 175.0])
def test_a_corner_is_passed_at_the_speed_of_its_junction_deviation(degrees: float) -> None:
    machine, turn = planner(deviation=0.05), math.radians(degrees)
    plan(machine, (50.0, 0.0), (50.0 + 50.0 * math.cos(turn), 50.0 * math.sin(turn)), feed=200.0)
    sine = math.sqrt(0.5 * (1.0 + math.cos(turn)))
    across = np.array([math.cos(turn) - 1.0, math.sin(turn)])
    accel = ACCEL / np.abs(across / np.linalg.norm(across)).max()
    wanted = min(200.0, math.sqrt(accel * 0.05 * sine / (1.0 - sine)))
    assert entries(machine)[1] == pytest.approx(wanted, rel=5e-3)  # the corner lies on whole steps


@pytest.mark.parametrize(
    ('points', 'deviation', 'speed'),
    [
        (((50.0, 0.0), (100.0, 0.0)), 0.01, 100.0),  # straight on
        (((50.0, 0.0), (0.0, 0.0)), 0.01, 0.0),  # a full turn back
        (((50.0, 0.0), (100.0, 10.0)), 0.0, 0.0),  # no deviation allowed
    ],
)
def test_corners_at_the_ends_of_the_scale(points: tuple, deviation: float, speed: float) -> None:
    machine = planner(deviation=deviation)
    plan(machine, *points)
    assert entries(machine)[1] == pytest.approx(speed)


def test_speed_is_limited_by_being_able_to_stop_within_what_waits() -> None:
    machine = planner()
    plan(machine, *((0.2 * number, 0.0) for number in range(1, BLOCKS + 1)), feed=200.0)
    ahead, behind = 0.2 * np.arange(BLOCKS, 0, -1), 0.2 * np.arange(BLOCKS)
    assert entries(machine) == pytest.approx(np.sqrt(2.0 * ACCEL * np.minimum(ahead, behind)), rel=1e-6)


def test_a_motion_shorter_than_a_step_is_not_planned_and_parts_of_steps_do_not_add_up() -> None:
    machine = planner()
    assert not machine.add((0, 0, 0), 10.0)
    for number in range(1, 1001):
        machine.add((round(0.004 * number * STEPS), 0, 0), 10.0)
        run_out(machine)
    assert machine.place_steps()[0] == 320.0


@given(
    st.lists(
        st.tuples(st.floats(-150.0, 150.0), st.floats(-150.0, 150.0), st.sampled_from([0.0, 2.0, 50.0, 200.0])),
        min_size=1,
        max_size=BLOCKS,
    ),
    st.lists(st.floats(0.0, 3.0), max_size=4),
)
@settings(max_examples=60)
def test_every_queue_ends_at_rest_on_its_last_target_whatever_is_asked_in_between(
    points: list[tuple[float, float, float]], looks: list[float]
) -> None:
    machine = planner()
    for x, y, feed in points:
        machine.add((round(x * STEPS), round(y * STEPS), 0), feed)
    for seconds in looks:
        before, speed = machine.place_steps(), machine.speed_mm_s
        machine.advance(seconds)
        way = math.dist(before, machine.place_steps()) / STEPS
        assert way <= seconds * 200.0 * math.sqrt(2.0) + 1e-6
        assert abs(machine.speed_mm_s - speed) <= ACCEL * math.sqrt(2.0) * seconds + 300.0 * (seconds > 0.1)
    run_out(machine)
    assert machine.place_steps() == (round(points[-1][0] * STEPS), round(points[-1][1] * STEPS), 0)
    assert machine.speed_mm_s == 0.0


@pytest.mark.parametrize('when_s', [0.0, 0.02, 0.1, 0.2, 0.31])
def test_a_hold_stops_within_its_braking_way_and_the_rest_is_made_to_the_step(when_s: float) -> None:
    machine = planner()
    plan(machine, (40.0, 13.0), (0.0, 0.0))
    machine.advance(when_s)
    assert machine.current is not None
    before, speed, accel = machine.place_steps(), machine.speed_mm_s, machine.current.accel
    machine.hold()
    assert run_out(machine) == pytest.approx(speed / accel, abs=1e-6)
    way = math.dist(before, machine.place_steps()) / STEPS
    assert way == pytest.approx(speed * speed / (2.0 * accel), abs=1e-6)
    machine.release()
    run_out(machine)
    assert machine.place_steps() == (0.0, 0.0, 0.0)


def test_a_hold_goes_on_braking_through_short_blocks() -> None:
    machine = planner()
    plan(machine, *((0.2 * number, 0.0) for number in range(1, BLOCKS + 1)), feed=200.0)
    machine.advance(0.03)
    before, speed = machine.place_steps()[0], machine.speed_mm_s
    machine.hold()
    run_out(machine)
    assert (machine.place_steps()[0] - before) / STEPS == pytest.approx(speed * speed / (2.0 * ACCEL), rel=1e-3)


def test_a_feed_override_slows_what_is_on_its_way() -> None:
    def seconds(percent: int) -> float:
        machine = planner()
        plan(machine, (100.0, 0.0))
        machine.advance(0.2)
        machine.feed_percent = percent
        machine.plan()
        return 0.2 + run_out(machine)

    assert seconds(100) == pytest.approx(trapezoid_s(100.0, 100.0, ACCEL))
    assert seconds(50) == pytest.approx(0.225 + (100.0 - 17.5 - 1.875) / 50.0 + 0.0125, rel=1e-3)
    assert seconds(200) < seconds(100)


def test_a_flush_leaves_the_steps_made_so_far() -> None:
    machine = planner()
    plan(machine, (40.0, 0.0))
    machine.advance(0.2)
    assert machine.flush() == (1400, 0, 0)  # 0.05 s to 100 mm/s, then 0.15 s of it: 17.5 mm
    machine.advance(1.0)
    assert machine.place_steps() == (1400.0, 0.0, 0.0)


@pytest.mark.parametrize(('number', 'value'), [(99, 1.0), (110, -1.0), (11, math.nan)])
def test_settings_that_are_impossible_are_refused(number: int, value: float) -> None:
    with pytest.raises(ValueError, match=f'\\${number}'):
        settings_with({number: value})
