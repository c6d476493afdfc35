"""The emulated EBB: the protocol as its command reference has it, the step interrupt's arithmetic, pen and paper."""

from __future__ import annotations

import time

import numpy as np
import pytest
import serial
from ebb_bench import CARD, QUICK, gaps, link_to, plan_with, strays, too_much_mm, waves

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.timing import draw_motion
from sketch_robot.plotters import PlotterStatus
from sketch_robot.plotters.ebb import EbbOptions, EbbPlotter
from sketch_robot.plotters.ebb.moves import Axes, cut, sample_path
from sketch_robot.plotters.journal import Journal
from sketch_robot_emulators import EbbUnit, EmulatedEbb, Emulator
from sketch_robot_emulators.ebb.carriage import Servo
from sketch_robot_emulators.faults import Fault, FaultSchedule

MS = 25  # ticks


def board_of(firmware=(3, 0, 3), faults=None):
    return EbbUnit(CARD, Axes.of(), firmware=firmware, faults=faults)


def say(board, *lines):
    """What a board answers to lines, obeyed as soon as there is room."""
    for line in lines:
        board.receive(line.encode() + b'\r')
        while board.blocked:
            board.carriage.advance(MS)
        assert board.handle_one()
    return board.drop_answers()


def run_out(board):
    """Ticks until the board is idle."""
    start = board.carriage.ticks
    while not board.stepper.idle:
        board.carriage.advance(1)
    return board.carriage.ticks - start


# ------------------------------------------------------------------ answers, byte by byte
@pytest.mark.parametrize(
    ('firmware', 'line', 'answer'),
    [
        ((2, 8, 1), 'V', b'EBBv13_and_above EB Firmware Version 2.8.1\r\n'),
        ((2, 8, 1), 'v', b'EBBv13_and_above EB Firmware Version 2.8.1\r\n'),
        ((2, 8, 1), 'QS', b'0,0\n\rOK\r\n'),
        ((2, 8, 1), 'QM', b'QM,0,0,0,0\n\r'),
        ((2, 8, 1), 'QB', b'0\r\nOK\r\n'),
        ((2, 8, 1), 'QG', b'10\r\n'),
        ((2, 8, 1), 'QP', b'1\n\rOK\r\n'),
        ((2, 8, 1), 'QE', b'0,0\r\nOK\r\n'),
        ((2, 8, 1), 'QC', b'0394,0300\r\nOK\r\n'),
        ((2, 8, 1), 'ES', b'0,0,0,0,0\n\rOK\r\n'),
        ((3, 0, 3), 'ES', b'0\n\rOK\r\n'),
        ((3, 0, 3), 'QU,2', b'QU,32\r\nOK\r\n'),
        ((3, 0, 3), 'SM,100,10,-10', b'OK\r\n'),
        ((3, 0, 3), 'XM,100,10,-10', b'OK\r\n'),
        ((3, 0, 3), 'HM,1000', b'OK\r\n'),
        ((3, 0, 3), 'CU,10,1', b'\n'),
        ((2, 8, 1), 'CU,10,1', b'!6 Err: Invalid parameter value\r\n'),
        ((2, 8, 1), 'XX', b"!8 Err: Unknown command 'XX:5858'\r\n"),
        ((2, 8, 1), 'SM,1', b'!4 Err: Missing parameter(s)\r\n'),
        ((2, 8, 1), 'SM,1,a', b'!6 Err: Invalid parameter value\r\n'),
        ((2, 8, 1), 'SMA', b"!5 Err: Need comma next, found: 'A'\r\n"),
        ((2, 8, 1), 'SM,1,1,1,0', b'!7 Err: Extra parameter\r\n'),
        ((2, 8, 1), 'SM,0,1,1', b'!6 Err: Invalid parameter value\r\n'),
        ((2, 8, 1), 'SM,1000,1,0', b'!0 Err: <axis1> step rate too slow\r\n'),
        ((2, 8, 1), 'SM,10,0,251', b'!0 Err: <axis2> step rate too high\r\n'),
        ((2, 5, 3), 'QG', b"!8 Err: Unknown command 'QG:5147'\r\n"),
        ((2, 5, 3), 'LM,1,1,1,1,1,1', b"!8 Err: Unknown command 'LM:4C4D'\r\n"),
        ((2, 8, 1), 'SP,9', b'!6 Err: Invalid parameter value\r\n'),
        ((2, 8, 1), 'x' * 300, b'!3 Err: RX Buffer overrun\r\n'),
    ],
)
def test_answers_are_those_of_the_command_reference(firmware, line, answer):
    board = board_of(firmware)
    assert say(board, line)[: len(answer)] == answer


def test_future_syntax_puts_the_command_before_each_answer():
    board = board_of()
    say(board, 'CU,10,1')
    assert say(board, 'SM,20,5,5') == b'SM\n'
    assert say(board, 'QS') == b'QS,0,0\n'
    assert say(board, 'SM,1') == b'SM,!4 Err: Missing parameter(s)\n'
    assert say(board, 'V') == b'V,EBBv13_and_above EB Firmware Version 3.0.3\n'


def test_with_checksums_only_what_arrived_whole_is_obeyed():
    board = board_of()
    say(board, 'CU,54,1')
    assert say(board, 'V,100') == b'!9 Err: Checksum incorrect, expected 170\r\n'
    assert say(board, 'V') == b'!10 Err: No checksum found but required\r\n'
    assert board.stepper.idle
    assert say(board, 'SM,1000,1000,1000,153') == b'OK\r\n'
    assert not board.stepper.idle


# ------------------------------------------------------------------ moves
def test_sm_makes_its_steps_in_its_milliseconds():
    board = board_of()
    say(board, 'SM,100,400,-30')
    assert run_out(board) == pytest.approx(100 * MS, abs=2)
    assert board.stepper.counters.tolist() == [400, -30]


def test_xm_mixes_the_axes():
    board = board_of()
    say(board, 'XM,100,50,20')
    run_out(board)
    assert board.stepper.counters.tolist() == [70, 30]


@pytest.mark.parametrize('firmware', [(2, 8, 1), (3, 0, 3)])
def test_lm_accelerates_as_the_command_reference_s_example_has_it(firmware):
    # example 6: from 500 to 800 steps/s over 50 steps, 77 ms
    board = board_of(firmware)
    say(board, 'LM,42950000,50,13400,0,0,0,3')
    assert run_out(board) == pytest.approx(77.0 * MS, rel=0.005)
    assert board.stepper.counters.tolist() == [50, 0]


def test_lm_turns_backwards_by_the_sign_of_its_steps():
    board = board_of()
    say(board, 'LM,85899346,-10,0,17180814,2,0,3')  # example 3, one axis backwards: 10 ms
    assert run_out(board) == pytest.approx(10 * MS, abs=1)
    assert board.stepper.counters.tolist() == [-10, 2]


def test_hm_goes_home():
    board = board_of()
    say(board, 'SM,100,300,-200')
    say(board, 'HM,2000')
    run_out(board)
    assert board.stepper.counters.tolist() == [0, 0]


def test_microsteps_and_em_set_the_counters_to_zero():
    board = board_of()
    say(board, 'SM,100,160,0')
    run_out(board)
    say(board, 'EM,3,3')  # quarter steps
    run_out(board)
    assert board.stepper.counters.tolist() == [0, 0]
    say(board, 'SM,100,-40,0')
    run_out(board)
    assert board.carriage.xy_mm == pytest.approx((0.0, 0.0))
    assert say(board, 'QE') == b'4,4\r\nOK\r\n'


def test_a_full_queue_holds_up_all_that_comes_after_it():
    board = board_of((2, 8, 1))
    say(board, 'SM,100,10,10')
    board.carriage.advance(1)
    say(board, 'SM,100,10,10')
    board.receive(b'SM,100,10,10\rQS\r')
    assert not board.handle_one()
    board.carriage.advance(99 * MS)
    assert not board.handle_one()
    board.carriage.advance(2 * MS)
    assert board.handle_one()
    assert board.handle_one()


def test_cu_4_makes_the_queue_longer():
    board = board_of()
    say(board, 'CU,4,5', 'SM,100,1,1')
    board.carriage.advance(1)
    for _ in range(5):
        board.receive(b'SM,100,1,1\r')
        assert board.handle_one()
    assert b'QU,5' in say(board, 'QU,6')
    board.receive(b'SM,100,1,1\r')
    assert not board.handle_one()


def test_es_stops_at_once_and_the_counters_stay_true():
    board = board_of((2, 8, 1))
    say(board, 'SM,100,1000,500')
    board.carriage.advance(50 * MS)
    say(board, 'SM,100,7,8')
    answer = say(board, 'ES').split()[0].split(b',')
    assert [int(field) for field in answer[:3]] == [1, 7, 8]
    assert int(answer[3]) == pytest.approx(500, abs=2)
    first = board.stepper.counters[0]
    board.carriage.advance(1000 * MS)
    assert board.stepper.counters[0] == first == pytest.approx(500, abs=2)


@pytest.mark.parametrize(('firmware', 'low_level'), [((2, 5, 3), False), ((3, 0, 3), True)])
def test_ten_thousand_moves_end_on_the_step_and_in_the_model_s_time(firmware, low_level):
    board, rng = board_of(firmware), np.random.default_rng(8)
    at, carry_s, planned_s, count = (0, 0), 0.0, 0.0, 0
    while count < 10_000:
        xy = np.vstack([board.carriage.axes.mm(np.array(at)), rng.uniform([2.0, 2.0], [58.0, 38.0], (30, 2))])
        motion = draw_motion(xy if count < 9_900 else np.vstack([xy, [0.0, 0.0]]), QUICK)
        course, carry_s = sample_path(motion, carry_s, board.carriage.axes)
        for move in cut(course, board.carriage.axes, at, slice_ms=6):
            assert say(board, move.command(low_level)) == b'OK\r\n'
            at, count = move.target, count + 1
        planned_s += motion.seconds
    run_out(board)
    assert tuple(board.stepper.counters) == at
    assert board.carriage.ticks * 40e-6 == pytest.approx(planned_s, rel=0.01)


# ------------------------------------------------------------------ pen and paper
def test_the_pen_draws_while_it_is_down_and_only_then():
    board = board_of()
    say(
        board,
        'SC,4,20641',
        'SC,5,15248',
        'SM,100,800,800',
        'SP,0,200',
        'SM,200,800,-800',
        'SP,1,200',
        'SM,100,-800,-800',
    )
    run_out(board)
    (line,) = board.trace.paper.polylines
    np.testing.assert_allclose(line[0], (0.0, 10.0), atol=0.02)
    np.testing.assert_allclose(line[-1], (10.0, 10.0), atol=0.02)
    assert board.trace.ink_mm == pytest.approx(10.0, rel=0.01)
    assert board.trace.pen_down_travel_mm == 0.0
    assert board.trace.lifts == 1


def test_moving_before_the_pen_is_up_is_seen():
    board = board_of()
    say(board, 'SC,4,20641', 'SC,5,15248', 'SC,11,100', 'SP,0,200', 'SP,1,0', 'SM,100,800,800')
    run_out(board)
    assert board.trace.pen_down_travel_mm > 5.0


def test_going_off_the_page_is_seen():
    board = board_of()
    say(board, 'SM,200,-800,-800')
    run_out(board)
    assert board.trace.outside_mm == pytest.approx(10.0, abs=0.02)


def test_a_reset_forgets_all_but_where_the_pen_is():
    board = board_of()
    say(board, 'SL,7', 'SM,100,800,0')
    run_out(board)
    at = board.carriage.xy_mm
    board.reset()
    assert board.carriage.xy_mm == at
    assert say(board, 'QS') == b'0,0\n\rOK\r\n'
    assert say(board, 'QL') == b'0\r\nOK\r\n'


def test_a_servo_s_rate_is_kept():
    servo = Servo(pulse=20_000.0)
    servo.aim(14_000, 250)  # 24 frames of 24 ms
    servo.run_until(570)
    assert servo.pulse > 14_000
    servo.run_until(590)
    assert servo.pulse == 14_000
    assert servo.touching


def test_a_jammed_servo_stays():
    servo = Servo(pulse=20_000.0, stuck=True)
    servo.aim(14_000, 0)
    servo.run_until(1000)
    assert servo.pulse == 20_000.0


# ------------------------------------------------------------------ the cable
def test_a_supply_that_was_gone_for_a_moment_is_told_once_by_qg_and_the_motors_did_not_follow():
    board = board_of()
    assert say(board, 'CU,60,250', 'QG', 'QU,60') == b'OK\r\n10\r\nQU,250\r\nOK\r\n'
    say(board, 'SM,100,400,0')
    board.carriage.advance(20 * MS)
    board.carriage.supply = 0
    board.carriage.advance(30 * MS)
    board.carriage.supply = 300
    run_out(board)
    assert say(board, 'QG', 'QG', 'QS') == b'50\r\n10\r\n400,0\n\rOK\r\n'
    assert board.stepper.made.tolist() == [pytest.approx(280, abs=5), 0]


def test_a_button_that_is_held_is_found_pressed_again_by_each_question():
    board = board_of()
    board.hold_button(held=True)
    assert say(board, 'QG', 'QB', 'QG') == b'30\r\n1\r\nOK\r\n30\r\n'
    board.hold_button(held=False)
    assert say(board, 'QG', 'QG') == b'30\r\n10\r\n'


@pytest.mark.parametrize(
    ('renewals', 'sunk'), [(('',), True), (('SR,60000,1',), False), (('SR,5000,1', 'SR,0,1'), False)]
)
def test_the_servo_is_let_go_after_a_minute_without_a_word_to_it(renewals, sunk):
    board = board_of()
    say(board, 'SC,4,20000', 'SP,1,100')
    for line in (*renewals, ''):
        board.carriage.advance(35_000 * MS)
        if line:
            say(board, line)
    assert board.carriage.pen_down == sunk
    say(board, 'SP,1,100')
    board.carriage.advance(500 * MS)
    assert not board.carriage.pen_down


def test_faults_of_supply_counters_and_button_come_and_go():
    board = board_of(faults=FaultSchedule([Fault(kind, 'seconds', 0.1, 0.2) for kind in ('supply', 'button')]))
    say(board, 'SM,10,20,20')
    board.run(0.15)
    assert (board.carriage.supply, say(board, 'QB', 'QB')) == (0, b'1\r\nOK\r\n' * 2)
    board.inject(Fault('zero', 'seconds', 0.2))
    board.run(0.25)
    say(board, 'QB')
    assert (board.carriage.supply, say(board, 'QB', 'QS')) == (300, b'0\r\nOK\r\n0,0\n\rOK\r\n')


def test_a_link_in_its_own_time_tells_when_it_is_not_there():
    link = link_to(board_of())
    with pytest.raises(SketchRobotError, match='not connected') as caught:
        link.write(b'V\r')
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    link.open()
    link.unit.unplug()
    with pytest.raises(SketchRobotError, match='was lost; plug it in'):
        link.read_line(1.0)


def test_waking_a_link_ends_its_wait():
    link = link_to(board_of())
    link.open()
    link.wake()
    before = link.now_s()
    assert link.read_line(5.0) is None
    assert link.now_s() - before < 0.1


# ------------------------------------------------------------------ on a real pseudo-terminal
@pytest.fixture
def machine(tmp_path):
    with EmulatedEbb(CARD, speedup=6.0, link=tmp_path / 'ebb') as emulated:
        yield emulated


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'it does not come to pass'
        time.sleep(0.01)


def test_it_is_an_emulator_and_answers_on_its_port(machine):
    assert isinstance(machine, Emulator)
    with serial.Serial(machine.port, timeout=5.0) as port:
        port.write(b'V\r')
        assert port.readline() == b'EBBv13_and_above EB Firmware Version 3.0.3\r\n'


def test_a_speed_up_that_is_none_is_refused():
    with pytest.raises(ValueError, match='speed-up'):
        EmulatedEbb(CARD, speedup=0.0)


def test_a_plan_is_drawn_over_a_real_port(machine):
    plan = waves(2)
    with EbbPlotter(EbbOptions(port=machine.port, origin_is_set=True)) as plotter:
        outcome = plotter.draw(plan)
    assert outcome.finished
    assert strays(machine.unit, plan) == 0
    assert gaps(machine.unit, plan) == 0
    assert machine.unit.trace.pen_down_travel_mm == 0.0
    assert machine.xy_mm == pytest.approx((0.0, 0.0))
    assert not machine.pen_down


def test_a_pulled_cable_is_noticed_and_the_rest_drawn_when_it_is_back(machine, tmp_path):
    plan = plan_with(QUICK, [[5.0, 5.0], [55.0, 5.0]], [[55.0, 10.0], [5.0, 10.0]], [[5.0, 15.0], [55.0, 15.0]])
    journal = Journal(tmp_path / 'journal')
    plotter = EbbPlotter(EbbOptions(port=machine.port, origin_is_set=True))
    plotter.connect()
    machine.inject(Fault('unplug', 'ink', 70.0))
    with pytest.raises(SketchRobotError, match='was lost; check its cable') as caught:
        plotter.draw(plan, journal=journal)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    assert plotter.status == PlotterStatus.OFFLINE
    wait_until(lambda: machine.unit.stepper.idle)
    machine.replug()
    wait_until(lambda: (tmp_path / 'ebb').exists())
    plotter.connect()
    assert plotter.draw(plan, journal=journal).finished
    plotter.close()
    assert strays(machine.unit, plan) == 0
    assert gaps(machine.unit, plan) == 0
    assert too_much_mm(machine.unit, plan) <= 0.5
    assert machine.unit.trace.pen_down_travel_mm == 0.0


def test_a_cable_that_is_pulled_at_rest_is_noticed_and_the_place_is_kept(machine, tmp_path):
    plotter = EbbPlotter(EbbOptions(port=machine.port, origin_is_set=True))
    plotter.connect()
    assert plotter.status == PlotterStatus.IDLE
    machine.unplug()
    wait_until(lambda: plotter.status == PlotterStatus.OFFLINE)
    assert 'was lost; check its cable' in plotter.reason
    machine.replug()
    wait_until(lambda: (tmp_path / 'ebb').exists())
    plotter.connect()
    assert (plotter.status, plotter.knows_place) == (PlotterStatus.IDLE, True)
    plotter.close()


def test_faults_may_be_given_beforehand(tmp_path):
    schedule = FaultSchedule([Fault('unplug', 'lines', 3, float('inf'))])
    with EmulatedEbb(CARD, link=tmp_path / 'ebb', faults=schedule) as emulated:
        with pytest.raises(SketchRobotError) as caught:
            EbbPlotter(EbbOptions(port=emulated.port)).connect()
        assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
        wait_until(lambda: not (tmp_path / 'ebb').exists())
