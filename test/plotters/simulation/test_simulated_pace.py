"""Machine seconds out of wall-clock seconds."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.plotters.simulation.mover import STEP_S, Pace


class Clock:
    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


@settings(deadline=None)
@given(
    speedup=st.sampled_from([0.5, 1.0, 30.0]),
    gaps_s=st.lists(st.floats(0.0, 0.02), min_size=1, max_size=60),
    wanted_s=st.floats(0.02, 10.0),
)
def test_no_machine_time_is_lost_or_made(speedup: float, gaps_s: list[float], wanted_s: float) -> None:
    clock = Clock()
    pace = Pace(speedup, clock=clock)
    taken_s = 0.0
    for gap_s in gaps_s:
        clock.now_s += gap_s
        taken_s += pace.take(wanted_s)
    passed_s = (clock.now_s - 50.0) * speedup
    assert taken_s <= passed_s + 1e-6
    clock.now_s += STEP_S
    while (more_s := pace.take(wanted_s)) > 0.0:
        taken_s += more_s
    left_s = passed_s + STEP_S * speedup - taken_s
    assert -1e-6 <= left_s <= STEP_S * speedup + 1e-6


def test_a_moment_too_short_for_a_step_gives_nothing_but_is_kept() -> None:
    clock = Clock()
    pace = Pace(10.0, clock=clock)
    clock.now_s += 0.4 * STEP_S
    assert pace.take(1.0) == 0.0
    clock.now_s += 0.7 * STEP_S
    assert pace.take(1.0) == pytest.approx(11.0 * STEP_S)


def test_what_is_wanted_may_be_less_than_a_step() -> None:
    clock = Clock()
    pace = Pace(1.0, clock=clock)
    clock.now_s += 0.5 * STEP_S
    assert pace.take(0.25 * STEP_S) == pytest.approx(0.25 * STEP_S)
    assert pace.take(0.25 * STEP_S) == pytest.approx(0.25 * STEP_S)
    assert pace.take(0.25 * STEP_S) == 0.0


def test_time_spent_standing_is_forgotten() -> None:
    clock = Clock()
    pace = Pace(1.0, clock=clock)
    clock.now_s += 100.0
    pace.restart()
    assert pace.take(1.0) == 0.0


def test_an_infinite_speedup_never_waits() -> None:
    assert Pace(float('inf')).take(3600.0) == 3600.0


def test_taking_and_waiting_by_turns_takes_few_turns() -> None:
    clock = Clock()

    def wait(_event: threading.Event, seconds: float) -> None:
        clock.now_s += seconds

    pace, event = Pace(1.0, clock=clock, wait=wait), threading.Event()
    turns, left_s = 0, 1.0
    while left_s > 0.0:
        clock.now_s += 2e-6  # the loop itself takes time
        taken_s = pace.take(left_s)
        left_s -= taken_s
        if taken_s == 0.0:
            pace.wait(event)
        turns += 1
    assert turns <= 2.1 / STEP_S


@pytest.mark.parametrize('speedup', [0.0, -1.0, float('nan')])
def test_a_speedup_that_is_none_is_refused(speedup: float) -> None:
    with pytest.raises(ValueError, match='must be positive'):
        Pace(speedup)
