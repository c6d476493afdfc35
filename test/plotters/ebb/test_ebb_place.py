"""What takes an EBB's place or pen from it without a word: each is noticed, and nothing is drawn beside the plan."""

from __future__ import annotations

import numpy as np
import pytest
from ebb_bench import FIRMWARES, Bench, gaps, plan_with, strays, too_much_mm, waves

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters import PlotterStatus
from sketch_robot.plotters.ebb import EbbOptions, EbbPlotter
from sketch_robot.plotters.journal import Journal
from sketch_robot_emulators.faults import Fault, FaultSchedule

WAVES = waves(3)


def draw(bench, journal, plotter=None):
    """Draw the waves; the code and the message of the error that ends it, or nothing."""
    try:
        assert (plotter or bench.plotter).draw(WAVES, journal=journal).finished
    except SketchRobotError as error:
        return error.code, error.message
    return None


def put_to_origin(bench):
    """As a person does: plug the supply in, put the pen over the page's corner, say so."""
    bench.carriage.supply = 300
    bench.carriage.move_by_hand((0.0, 0.0))
    bench.plotter.set_origin()


def is_drawn_once(bench, twice_mm=0.5):
    return (
        strays(bench.unit, WAVES) == gaps(bench.unit, WAVES) == 0
        and too_much_mm(bench.unit, WAVES) <= twice_mm
        and bench.unit.trace.pen_down_travel_mm == 0.0
        and not bench.carriage.pen_down
    )


# ------------------------------------------------------------------ the motors' supply
@pytest.mark.parametrize('share', [0.15, 0.35, 0.5, 0.75])
@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
def test_a_supply_pulled_in_mid_drawing_stops_it_and_the_rest_is_drawn_from_the_origin(tmp_path, firmware, share):
    bench = Bench(firmware)
    at_s = bench.unit.seconds + share * WAVES.predicted_s
    bench.break_with(FaultSchedule([Fault('supply', 'seconds', at_s)]))
    with Journal(tmp_path / 'journal') as journal:
        code, message = draw(bench, journal)
        assert code == ErrorCode.PLOTTER_ALARM
        assert 'lost their power' in message
        assert bench.unit.seconds < at_s + 1.5
        bench.let_pass(0.5)
        assert not bench.carriage.pen_down
        assert (bench.plotter.status, bench.plotter.knows_place) == (PlotterStatus.ALARM, False)
        put_to_origin(bench)
        assert draw(bench, journal) is None
    assert is_drawn_once(bench, 1.0)


def test_a_supply_that_is_gone_for_some_milliseconds_is_noticed_where_the_board_watches_it(tmp_path):
    bench = Bench()
    bench.break_with(FaultSchedule([Fault('supply', 'seconds', 1.3, 0.004)]))
    with Journal(tmp_path / 'journal') as journal:
        assert 'lost their power' in draw(bench, journal)[1]
        put_to_origin(bench)
        assert draw(bench, journal) is None
    assert is_drawn_once(bench, 1.0)


@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
def test_a_supply_pulled_in_a_pause_is_noticed_and_said(tmp_path, firmware):
    bench = Bench(firmware)
    end_s = bench.unit.seconds + 2.9
    bench.link.after(1.0, bench.plotter.pause)
    bench.link.after(2.0, lambda: bench.unit.give_supply(0))
    bench.link.after(3.0, bench.plotter.resume)
    with Journal(tmp_path / 'journal') as journal:
        assert 'lost their power' in draw(bench, journal)[1]
        assert bench.unit.seconds < end_s
        put_to_origin(bench)
        assert draw(bench, journal) is None
    assert is_drawn_once(bench)


def test_a_new_program_is_told_that_the_place_was_lost_and_draws_nothing_from_there():
    bench = Bench()
    bench.break_with(FaultSchedule([Fault('supply', 'seconds', 1.3, 0.5)]))
    with pytest.raises(SketchRobotError, match='lost their power'):
        bench.plotter.draw(WAVES)
    bench.plotter.close()
    again = bench.new_plotter()
    again.connect()
    assert again.status == PlotterStatus.ALARM
    assert 'does not know where its pen is' in again.reason
    ink_mm = bench.unit.trace.ink_mm
    with pytest.raises(SketchRobotError, match=r'is in alarm: .* set the origin there'):
        again.draw(WAVES)
    assert bench.unit.trace.ink_mm == ink_mm
    again.close()
    bench.carriage.move_by_hand((0.0, 0.0))
    last = EbbPlotter(EbbOptions(origin_is_set=True), link=bench.link)
    last.connect()
    assert last.status == PlotterStatus.IDLE
    assert last.draw(WAVES).finished


@pytest.mark.parametrize('firmware', [(2, 8, 1), (3, 0, 3)], ids=str)
@pytest.mark.parametrize('connected', [True, False])
def test_a_supply_that_is_out_between_two_drawings_is_noticed_before_the_next(firmware, connected):
    bench = Bench(firmware)
    assert bench.plotter.draw(WAVES).finished
    if not connected:
        bench.plotter.close()
    bench.carriage.supply = 0
    bench.let_pass(0.1)
    if connected:
        with pytest.raises(SketchRobotError, match=r'have no power|lost their power'):
            bench.plotter.draw(WAVES)
    else:
        bench.plotter.connect()
    assert bench.plotter.status == PlotterStatus.ALARM
    bench.carriage.supply = 300
    with pytest.raises(SketchRobotError, match=r'is in alarm: .* set the origin there'):
        bench.plotter.draw(WAVES)


def test_a_supply_that_was_out_and_is_back_at_rest_is_noticed_where_the_board_watches_it():
    bench = Bench()
    for when in ('connected', 'closed'):
        assert bench.plotter.draw(plan_with(WAVES.profile, [[5.0, 30.0], [40.0, 35.0]])).finished
        if when == 'closed':
            bench.plotter.close()
        bench.carriage.supply = 0
        bench.let_pass(0.1)
        bench.carriage.supply = 300
        bench.plotter.connect()
        if when == 'connected':
            with pytest.raises(SketchRobotError, match='lost their power'):
                bench.plotter.draw(WAVES)
        assert bench.plotter.status == PlotterStatus.ALARM
        put_to_origin(bench)


def test_the_pen_can_be_tried_without_a_supply_but_nothing_moves():
    bench = Bench()
    bench.carriage.supply = 0
    bench.let_pass(0.1)
    bench.plotter.set_pen(True)
    assert bench.carriage.pen_down
    bench.plotter.set_pen(False)
    assert not bench.carriage.pen_down
    with pytest.raises(SketchRobotError, match='no power'):
        bench.plotter.jog(5.0, 0.0)
    for action in (bench.plotter.home, bench.plotter.set_origin):
        with pytest.raises(SketchRobotError, match=r'no power|does not know where its pen is'):
            action()


# ------------------------------------------------------------------ a board that was switched on
@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
def test_a_board_that_was_switched_on_draws_nothing_until_somebody_says_where_its_pen_is(firmware):
    bench = Bench(firmware)
    bench.plotter.close()
    bench.unit.reset()  # in mid-drawing, or since yesterday: nobody can tell
    bench.carriage.move_by_hand((20.0, 10.0))
    again = bench.new_plotter()
    again.connect()
    assert (again.status, again.knows_place) == (PlotterStatus.IDLE, False)
    for action in (lambda: again.draw(WAVES), again.home):
        with pytest.raises(
            SketchRobotError, match=r'as it was switched on since it was last used: put the pen'
        ) as error:
            action()
        assert error.value.code == ErrorCode.PLOTTER_ALARM
    assert bench.carriage.xy_mm == (20.0, 10.0)
    again.jog(-20.0, -10.0)
    again.set_origin()
    assert again.draw(WAVES).finished
    assert is_drawn_once(bench)


# ------------------------------------------------------------------ counters that another program has set to zero
@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
@pytest.mark.parametrize('connected', [True, False])
def test_counters_that_another_program_zeroed_at_rest_are_noticed_before_anything_moves(firmware, connected):
    bench = Bench(firmware)
    bench.plotter.jog(5.0, 3.0)
    if not connected:
        bench.plotter.close()
    bench.unit.stepper.clear()  # as EM does
    if connected:
        with pytest.raises(SketchRobotError, match='does not know where its pen is') as caught:
            bench.plotter.draw(WAVES)
        assert caught.value.code == ErrorCode.PLOTTER_ALARM
    else:
        bench.plotter.connect()
    assert bench.plotter.status == PlotterStatus.ALARM
    assert bench.unit.trace.ink_mm == 0.0
    bench.carriage.move_by_hand((0.0, 0.0))
    bench.plotter.set_origin()
    assert bench.plotter.draw(WAVES).finished
    assert is_drawn_once(bench)


@pytest.mark.parametrize('seed', range(6))
def test_counters_zeroed_in_mid_drawing_put_no_line_elsewhere(tmp_path, seed):
    bench = Bench(FIRMWARES[seed % 3])
    at_s = bench.unit.seconds + np.random.default_rng(seed).uniform(0.2, 0.8) * WAVES.predicted_s
    bench.break_with(FaultSchedule([Fault('zero', 'seconds', at_s)]))
    with Journal(tmp_path / 'journal') as journal:
        code, message = draw(bench, journal)
        assert code == ErrorCode.PLOTTER_ALARM
        assert 'does not know where its pen is' in message
        put_to_origin(bench)
        assert draw(bench, journal) is None
    assert is_drawn_once(bench, 1.0)


def test_a_drawing_left_by_a_kill_whose_counters_were_zeroed_is_not_gone_on_with(tmp_path):
    class Killed(BaseException):
        pass

    def kill():
        bench.link.kill()
        raise Killed

    bench, path = Bench(), tmp_path / 'journal'
    bench.link.after(1.3, kill)
    with Journal(path) as journal, pytest.raises(Killed):
        bench.plotter.draw(WAVES, journal=journal)
    bench.let_pass(2.0)
    bench.unit.stepper.clear()
    bench.link.revive()
    again = bench.new_plotter()
    again.connect()
    assert again.status == PlotterStatus.ALARM
    assert not bench.carriage.pen_down


def test_motors_that_another_program_let_go_have_lost_their_place():
    bench = Bench()
    bench.plotter.draw(WAVES)
    bench.plotter.close()
    bench.carriage.enabled = [False, False]
    bench.plotter.connect()
    assert bench.plotter.status == PlotterStatus.ALARM
    with pytest.raises(SketchRobotError, match='does not know where its pen is'):
        bench.plotter.home()
    bench.plotter.set_origin()
    assert bench.carriage.enabled == [True, True]


def test_a_board_that_lost_its_place_is_known_to_have_by_the_next_program_too():
    bench = Bench()
    bench.plotter.jog(5.0, 3.0)
    bench.unit.stepper.clear()
    with pytest.raises(SketchRobotError):
        bench.plotter.draw(WAVES)
    bench.plotter.close()
    again = bench.new_plotter()
    again.connect()
    assert again.status == PlotterStatus.ALARM


def test_a_pen_whose_place_is_lost_can_be_jogged_to_the_corner_and_set_there():
    bench = Bench()
    bench.plotter.jog(5.0, 3.0)
    bench.unit.stepper.clear()
    with pytest.raises(SketchRobotError, match='does not know where its pen is'):
        bench.plotter.draw(WAVES)
    bench.plotter.jog(-2.0, -3.0)
    bench.plotter.jog(-3.0, 0.0)
    assert bench.plotter.status == PlotterStatus.ALARM
    assert bench.carriage.xy_mm == pytest.approx((0.0, 0.0), abs=0.02)
    bench.plotter.set_origin()
    assert bench.plotter.draw(WAVES).finished
    assert is_drawn_once(bench)


# ------------------------------------------------------------------ another program on the line
@pytest.mark.parametrize('foreign', [b'\r', b'QS\r', b'SM,20,5,0\r'], ids=['newline', 'question', 'move'])
@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
def test_what_another_program_says_on_the_line_costs_no_ink(tmp_path, firmware, foreign):
    bench = Bench(firmware)
    for share in (0.3, 0.6, 0.8):
        bench.link.after(share * WAVES.predicted_s, lambda: bench.unit.send(foreign))
    with Journal(tmp_path / 'journal') as journal:
        for _ in range(3):
            if draw(bench, journal) is None:
                break
            put_to_origin(bench)
    assert is_drawn_once(bench)


@pytest.mark.parametrize('forged', [b'OK\r\n', b'LM\n', b'SP\n'], ids=['OK', 'LM', 'SP'])
@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
def test_a_forged_answer_is_no_proof_of_a_stroke(tmp_path, firmware, forged):
    bench, take, held = Bench(firmware), None, []
    take = bench.unit.heard
    bench.unit.heard = lambda: (held.pop() if held else b'') + take()
    for share in (0.3, 0.6, 0.8):
        bench.link.after(share * WAVES.predicted_s, lambda: held.append(forged))
    with Journal(tmp_path / 'journal') as journal:
        assert draw(bench, journal) is None
    assert is_drawn_once(bench)


# ------------------------------------------------------------------ the button
@pytest.mark.parametrize('held_s', [0.02, 0.3, 2.0])
@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
def test_the_button_pauses_and_resumes_however_long_it_is_held(firmware, held_s):
    bench, seen = Bench(firmware), []

    def look():
        seen.append(bench.plotter.status)

    for begin_s in (0.8, 4.0):
        bench.link.after(begin_s, lambda: bench.unit.hold_button(held=True))
        bench.link.after(begin_s + held_s, lambda: bench.unit.hold_button(held=False))
    for at_s in (1.3, 2.9, 3.9):
        bench.link.after(at_s, look)
    bench.link.after(4.1, look)
    assert bench.plotter.draw(WAVES).finished
    assert seen == [PlotterStatus.PAUSED] * 3 + [PlotterStatus.DRAWING]
    assert is_drawn_once(bench)


def test_a_press_from_before_the_drawing_does_not_pause_it():
    bench, statuses = Bench(), set()
    bench.unit.press_button()
    bench.let_pass(60.0)
    assert bench.plotter.draw(WAVES, lambda _: statuses.add(bench.plotter.status)).finished
    assert PlotterStatus.PAUSED not in statuses


# ------------------------------------------------------------------ a pen that nobody minds
@pytest.mark.parametrize('firmware', [(2, 8, 1), (3, 0, 3)], ids=str)
def test_the_pen_stays_up_in_a_pause_of_minutes(firmware):
    bench, downs = Bench(firmware), []
    bench.link.after(1.0, bench.plotter.pause)
    for at_s in range(2, 140, 5):
        bench.link.after(float(at_s), lambda: downs.append(bench.carriage.pen_down))
    bench.link.after(140.0, bench.plotter.resume)
    assert bench.plotter.draw(WAVES).finished
    assert not any(downs)
    assert is_drawn_once(bench)


def test_a_pen_that_sank_while_nothing_was_drawn_is_lifted_before_it_moves():
    bench = Bench()
    bench.let_pass(90.0)
    assert bench.carriage.pen_down
    bench.plotter.jog(5.0, 3.0)
    bench.let_pass(90.0)
    assert bench.plotter.draw(WAVES).finished
    bench.let_pass(90.0)
    bench.plotter.home()
    assert bench.unit.trace.pen_down_travel_mm == 0.0


@pytest.mark.parametrize('share', [0.15, 0.5, 0.75])
@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
def test_a_program_that_was_suspended_goes_on_and_leaves_no_trace(firmware, share):
    bench = Bench(firmware)
    bench.link.after(share * WAVES.predicted_s, lambda: bench.let_pass(2.0))
    assert bench.plotter.draw(WAVES).finished
    assert is_drawn_once(bench)


@pytest.mark.parametrize('share', [0.15, 0.5, 0.75])
@pytest.mark.parametrize('firmware', FIRMWARES, ids=str)
def test_the_pen_is_up_after_a_line_that_failed_once(monkeypatch, tmp_path, firmware, share):
    bench, write, failed = Bench(firmware), None, []
    write = bench.link.write
    from_s = bench.unit.seconds + share * WAVES.predicted_s

    def fail_once(data):
        if bench.unit.seconds >= from_s and not failed:
            failed.append(data)
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the EBB takes no data any more')
        write(data)

    monkeypatch.setattr(bench.link, 'write', fail_once)
    with Journal(tmp_path / 'journal') as journal:
        assert draw(bench, journal)[0] == ErrorCode.PLOTTER_OFFLINE
        bench.let_pass(1.0)
        assert not bench.carriage.pen_down
        assert bench.unit.stepper.idle
        assert bench.plotter.status == PlotterStatus.OFFLINE
        bench.plotter.connect()
        assert draw(bench, journal) is None
    assert is_drawn_once(bench)
