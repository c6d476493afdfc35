"""The machine behind an emulated GRBL controller: where the pen truly is, and what it leaves."""

from __future__ import annotations

import numpy as np
import pytest
from grbl_unit_bench import Bench

from sketch_robot_emulators.grbl.machine import NEVER, Hardware, Lifter, RelayPen, ServoPen, ZPen
from sketch_robot_emulators.ink import PlainPage as Page

A5 = Page(148.0, 210.0)
MS = 0.001


def drawn(bench: Bench, program: str, seconds: float = 5.0) -> list[list[list[float]]]:
    said = bench.say(program, seconds)
    assert 'error' not in said
    assert 'ALARM' not in said
    return [np.round(line, 3).tolist() for line in bench.machine.paper.polylines]


def test_a_square_drawn_with_the_servo_is_on_paper() -> None:
    bench = Bench()
    lines = drawn(bench, 'G0X10Y10\nM3S1000\nG4P.1\nG1X30F6000\nY30\nX10\nY10\nM5\nG4P.1\nG0X0Y0\n')
    assert lines == [[[10, 10], [30, 10], [30, 30], [10, 30], [10, 10]]]
    machine = bench.machine
    assert (machine.lifts, machine.ink_mm) == (1, pytest.approx(80.0))
    assert machine.travel_mm == pytest.approx(2 * np.hypot(10, 10))
    assert (machine.pen_down_travel_mm, machine.outside_mm) == (0.0, 0.0)
    assert machine.xy_mm == (0.0, 0.0)


def test_the_relay_pen_is_moved_by_the_coolant() -> None:
    bench = Bench(Hardware(A5, RelayPen()))
    assert drawn(bench, 'G0X10\nM8\nG4P.1\nG1X30F6000\nM9\nG4P.1\nG0X0\n') == [[[10, 0], [30, 0]]]


def test_the_z_pen_draws_below_zero_and_only_there() -> None:
    bench = Bench(Hardware(A5, ZPen(start_mm=3.0)))
    lines = drawn(bench, 'G0X10\nG1Z-3.2F3000\nX30\nG1X40Z0\nG0X0\n')
    assert lines == [[[10, 0], [30.625, 0]]]  # a sixteenth of the slanted lift is still on paper
    assert bench.machine.height_mm == pytest.approx(3.0)
    assert not bench.machine.down


def test_a_lift_without_time_for_the_servo_smears() -> None:
    bench = Bench(Hardware(A5, ServoPen(travel_s=0.2)))
    drawn(bench, 'M3S1000\nG4P.2\nG1X20F6000\nM5\nG0X20Y50\n')
    assert bench.machine.pen_down_travel_mm == pytest.approx(10.0, abs=0.5)  # 0.1 s of 2000 mm/s^2
    patient = Bench(Hardware(A5, ServoPen(travel_s=0.2)))
    drawn(patient, 'M3S1000\nG4P.2\nG1X20F6000\nM5\nG4P.1\nG0X20Y50\n')
    assert patient.machine.pen_down_travel_mm == 0.0


def test_a_drop_without_time_for_the_servo_leaves_the_beginning_out() -> None:
    bench = Bench()
    lines = drawn(bench, 'M3S1000\nG1X20F6000\nM5\n')
    assert 2.0 < lines[0][0][0] < 3.0  # 50 ms of 2000 mm/s^2


@pytest.mark.parametrize(('value', 'down'), [(0, False), (49, False), (50, True), (70, True), (100, True)])
def test_the_servo_touches_from_half_way_down(value: int, down: bool) -> None:
    bench = Bench(Hardware(A5, ServoPen(up_value=20.0, down_value=80.0)))
    bench.say(f'M3 S{value}\n', 0.5)
    assert bench.machine.down == down


def test_a_servo_may_be_turned_the_other_way_round() -> None:
    bench = Bench(Hardware(A5, ServoPen(up_value=90.0, down_value=40.0, rest=None)))
    bench.say('M3 S40\n', 0.5)
    assert bench.machine.down
    bench.say('M5\n', 0.5)
    assert bench.machine.down  # without pulses it stays
    bench.say('M3 S90\n', 0.5)
    assert not bench.machine.down


def test_a_pen_that_is_put_down_leaves_a_dot() -> None:
    bench = Bench()
    assert drawn(bench, 'G0X5Y5\nM3S1000\nG4P.1\nM5\nG4P.1\n') == [[[5, 5]]]


def test_ink_and_travel_off_the_page_are_noticed() -> None:
    bench = Bench()
    drawn(bench, 'G0X-3\nM3S1000\nG4P.1\nG1Y-1F6000\nM5\n')
    assert bench.machine.outside_mm == pytest.approx(3.0)
    assert bench.machine.ink_outside_mm == pytest.approx(3.0)


def test_a_machine_of_another_scale_draws_in_it() -> None:
    bench = Bench(Hardware(A5, steps_per_mm=(100.0, 50.0, 400.0), skew=0.1))
    drawn(bench, 'G0X10Y10\n')
    assert bench.machine.xy_mm == pytest.approx((8.0 + 0.1 * 16.0, 16.0))


def test_a_reset_while_drawing_coasts_on_and_lifts_the_pen() -> None:
    bench = Bench()
    bench.say('M3S1000\nG4P.1\nG1X100F6000\n', 0.5)
    believed = bench.unit.position_steps[0] / 80.0
    bench.say('\x18', 1.0)
    lost = float(bench.machine.lost_mm[0])
    assert 0.1 <= lost <= 0.3  # up to v^2 / 20 a
    assert bench.machine.paper.polylines[0][-1, 0] == pytest.approx(believed + lost, abs=0.05)
    assert not bench.machine.down


def test_a_starved_planner_is_counted() -> None:
    bench = Bench(baud=0)
    bench.say('G1F6000\nX1\n', 0.1)
    assert bench.unit.starved == 0
    bench.say('X2\n', 0.1)
    assert bench.unit.starved == 1
    bench.say('G4P0\nX3\n', 0.1)
    assert bench.unit.starved == 1


# ------------------------------------------------------------- the lifter
def test_a_lifter_says_when_it_will_touch() -> None:
    lifter = Lifter(ServoPen(travel_s=0.1, touch=0.3))
    lifter.turn(0, 1.0)
    assert lifter.next_change(0) == pytest.approx(30 * MS, abs=1e-5)
    assert not lifter.touches(29 * MS)
    assert lifter.touches(31 * MS)
    assert lifter.next_change(31 * MS) == NEVER


def test_a_lifter_that_turns_back_on_its_way_never_touches() -> None:
    lifter = Lifter(ServoPen(travel_s=0.1, touch=0.5))
    lifter.turn(0, 1.0)
    lifter.turn(40 * MS, 0.0)
    assert lifter.next_change(40 * MS) == NEVER
    assert not lifter.touches(60 * MS)
    assert lifter.place(60 * MS) == pytest.approx(0.2)
    assert lifter.place(200 * MS) == 0.0


def test_a_stuck_lifter_stays_where_it_is() -> None:
    lifter = Lifter(ServoPen(travel_s=0.1))
    lifter.turn(0, 1.0)
    lifter.jam(80 * MS)
    lifter.turn(90 * MS, 0.0)
    assert lifter.place(500 * MS) == pytest.approx(0.8)
    assert lifter.touches(500 * MS)
    lifter.free(500 * MS)
    lifter.turn(600 * MS, 0.0)
    assert not lifter.touches(700 * MS)
