"""The EBB driver against all that can go wrong: afterwards the paper has the plan, the whole plan, and once."""

from __future__ import annotations

import numpy as np
import pytest
from ebb_bench import HALF_STEP_MM, Bench, gaps, strays, too_much_mm, waves

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters import PlotterStatus
from sketch_robot.plotters.journal import Journal
from sketch_robot_emulators import Fault, FaultSchedule

PLANS = [waves(seed) for seed in range(5)]
LINE_FAULTS = ('lose-in', 'double-in', 'garble-in', 'garbage-in', 'lose-out', 'double-out', 'garble-out', 'garbage-out')


def schedule(kind, seed, bench, plan, *, count=1, value=None):
    """A fault of a kind at random moments of a drawing."""
    rng = np.random.default_rng([seed, *kind.encode()])
    if kind in LINE_FAULTS or kind == 'drop-ok':
        most = 2500.0 if kind.endswith('-in') else 5000.0
        faults = [Fault(kind, 'bytes', float(at), value) for at in rng.uniform(300.0, most * plan.predicted_s, count)]
    else:
        ats = bench.unit.seconds + rng.uniform(0.05, 0.8 * plan.predicted_s, count)
        faults = [Fault(kind, 'seconds', float(at), value) for at in ats]
    return FaultSchedule(faults, seed=seed)


def draw_to_the_end(bench, plan, path):
    """Draw a plan as a patient person would: connect again, put the pen to the origin when asked, and resume."""
    errors = []
    with Journal(path) as journal:
        for _ in range(6):
            try:
                assert bench.plotter.draw(plan, journal=journal).finished
            except SketchRobotError as error:
                errors.append(error)
                bench.let_pass(3.0)
                if bench.plotter.status == PlotterStatus.OFFLINE:
                    bench.plotter.connect()
                if bench.plotter.status == PlotterStatus.ALARM:
                    bench.carriage.move_by_hand((0.0, 0.0))
                    bench.plotter.set_origin()
            else:
                break
    return errors


def assert_drawn_once(bench, plan, *, twice_mm):
    assert strays(bench.unit, plan) == 0
    assert gaps(bench.unit, plan) == 0
    assert too_much_mm(bench.unit, plan) <= twice_mm
    assert bench.unit.trace.pen_down_travel_mm == 0.0
    assert bench.unit.trace.outside_mm < HALF_STEP_MM
    assert not bench.carriage.pen_down
    assert bench.plotter.status == PlotterStatus.IDLE


@pytest.mark.parametrize('seed', range(2))
@pytest.mark.parametrize('kind', [*LINE_FAULTS, 'drop-ok'])
def test_nothing_shows_of_what_goes_wrong_on_the_line(kind, seed, tmp_path):
    bench, plan = Bench(), PLANS[seed]
    bench.break_with(schedule(kind, seed, bench, plan, count=3))
    assert draw_to_the_end(bench, plan, tmp_path / 'journal') == []
    assert len(bench.unit.faults.happened) >= 1
    assert_drawn_once(bench, plan, twice_mm=0.5 * 3)


@pytest.mark.parametrize('seed', range(2))
@pytest.mark.parametrize('kind', [kind for kind in LINE_FAULTS if kind.endswith('-out')])
@pytest.mark.parametrize('firmware', [(2, 5, 3), (2, 8, 1)], ids=str)
def test_answers_that_go_wrong_do_not_show_without_checksums_either(firmware, kind, seed, tmp_path):
    bench, plan = Bench(firmware), PLANS[seed]
    bench.break_with(schedule(kind, seed, bench, plan, count=3))
    assert draw_to_the_end(bench, plan, tmp_path / 'journal') == []
    assert_drawn_once(bench, plan, twice_mm=0.5 * 3)


@pytest.mark.parametrize(
    ('kind', 'value'), [('stall', 0.3), ('stall', 0.9), ('stall', 2.2), ('slow', 0.02), ('slow', 0.2)]
)
@pytest.mark.parametrize('firmware', [(2, 8, 1), (3, 0, 3)], ids=str)
def test_an_answer_that_is_late_stops_the_pen_and_nothing_is_missing(firmware, kind, value, tmp_path):
    bench, plan = Bench(firmware), PLANS[2]
    bench.break_with(schedule(kind, 4, bench, plan, value=value))
    assert draw_to_the_end(bench, plan, tmp_path / 'journal') == []
    assert len(bench.unit.faults.happened) == 1
    assert_drawn_once(bench, plan, twice_mm=0.5)


@pytest.mark.parametrize('firmware', [(2, 8, 1), (3, 0, 3)], ids=str)
def test_a_board_that_falls_silent_is_not_told_on_and_on_however_long_its_answers_take(firmware, tmp_path):
    bench, plan = Bench(firmware), PLANS[0]
    bench.unit.way_s = (0.01, 0.01)
    bench.break_with(FaultSchedule([Fault('stall', 'seconds', 0.943, 2.2)]))
    lines, drawn = [], []
    bench.link.after(0.943 - bench.unit.seconds + 0.3, lambda: lines.append(bench.unit.lines))
    bench.link.after(
        0.943 - bench.unit.seconds + 0.9, lambda: drawn.append((bench.unit.lines, bench.unit.stepper.idle))
    )
    assert draw_to_the_end(bench, plan, tmp_path / 'journal') == []
    assert drawn == [(lines[0], True)]
    assert_drawn_once(bench, plan, twice_mm=0.5)


def test_a_board_that_never_answers_again_is_told_to_be_offline(tmp_path):
    bench, plan = Bench(), PLANS[2]
    bench.break_with(FaultSchedule([Fault('stall', 'seconds', 1.0, 1e6)]))
    with pytest.raises(SketchRobotError, match='does not answer any more; check its cable') as caught:
        bench.plotter.draw(plan)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    assert bench.plotter.status == PlotterStatus.OFFLINE


@pytest.mark.parametrize('seed', range(10))
def test_after_the_cable_was_pulled_exactly_the_rest_is_drawn(seed, tmp_path):
    bench, plan = Bench([(2, 5, 3), (2, 8, 1), (3, 0, 3)][seed % 3]), PLANS[seed % 5]
    bench.break_with(schedule('unplug', seed, bench, plan, value=0.5))
    errors = draw_to_the_end(bench, plan, tmp_path / 'journal')
    assert [error.code for error in errors] == [ErrorCode.PLOTTER_OFFLINE]
    assert_drawn_once(bench, plan, twice_mm=0.5)


@pytest.mark.parametrize('seed', range(10))
def test_after_a_restart_the_pen_is_put_to_the_origin_and_the_rest_is_drawn(seed, tmp_path):
    bench, plan = Bench([(2, 5, 3), (2, 8, 1), (3, 0, 3)][seed % 3]), PLANS[seed % 5]
    bench.break_with(schedule('reset', seed, bench, plan))
    errors = draw_to_the_end(bench, plan, tmp_path / 'journal')
    assert [error.code for error in errors] == [ErrorCode.PLOTTER_OFFLINE]
    # from the last proven point, half a millimetre of overlap, and what was drawn after the last look at the board
    assert_drawn_once(bench, plan, twice_mm=0.5 + 0.5)


@pytest.mark.parametrize('share', [0.925, 0.93, 0.935, 0.94])
def test_a_last_stroke_that_the_board_has_finished_by_itself_leaves_nothing_but_the_way_home(share, tmp_path):
    bench, plan = Bench((2, 8, 1)), PLANS[2]
    drawn_s = bench.unit.seconds + share * (plan.predicted_s - plan.return_s)
    bench.break_with(FaultSchedule([Fault('unplug', 'seconds', drawn_s, 0.5)]))
    errors = draw_to_the_end(bench, plan, tmp_path / 'journal')
    assert [error.code for error in errors] == [ErrorCode.PLOTTER_OFFLINE]
    assert_drawn_once(bench, plan, twice_mm=0.5)
    assert bench.carriage.xy_mm == pytest.approx((0.0, 0.0))


def test_a_restarted_board_is_not_taken_for_one_that_knows_its_place():
    bench = Bench()
    bench.break_with(FaultSchedule([Fault('reset', 'seconds', 1.3)]))
    with pytest.raises(SketchRobotError):
        bench.plotter.draw(PLANS[0])
    bench.let_pass(2.0)
    bench.plotter.connect()
    assert bench.plotter.status == PlotterStatus.ALARM
    assert "put the pen, raised, over the page's lower left corner and set the origin there" in bench.plotter.reason
    with pytest.raises(SketchRobotError, match=r'is in alarm: .* set the origin there') as caught:
        bench.plotter.draw(PLANS[0])
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert not bench.carriage.pen_down


def test_a_board_that_restarts_without_leaving_the_port_is_noticed_and_its_pen_lifted():
    bench = Bench()
    bench.link.after(1.0, bench.unit.reset)
    with pytest.raises(SketchRobotError, match='has restarted') as caught:
        bench.plotter.draw(PLANS[0])
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert bench.plotter.status == PlotterStatus.ALARM
    bench.let_pass(1.0)
    assert not bench.carriage.pen_down
    assert strays(bench.unit, PLANS[0]) == 0


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('kind', [kind for kind in LINE_FAULTS if kind.endswith('-in')])
def test_without_checksums_a_move_that_became_another_is_stopped_and_made_good(kind, seed, tmp_path):
    """Older firmware obeys what it hears: a stray line is possible then, but short, and nothing is missing."""
    bench, plan = Bench((2, 8, 1)), PLANS[seed]
    bench.break_with(schedule(kind, seed, bench, plan, count=2))
    errors = draw_to_the_end(bench, plan, tmp_path / 'journal')
    assert {error.code for error in errors} <= {ErrorCode.PLOTTER_ALARM}
    assert gaps(bench.unit, plan) == 0
    assert too_much_mm(bench.unit, plan) <= 12.0
    assert not bench.carriage.pen_down


@pytest.mark.parametrize('seed', range(3))
def test_a_servo_that_jams_leads_to_no_wrong_move(seed, tmp_path):
    """No EBB can tell that its pen did not move; but where it moves does not depend on it."""
    bench, plan = Bench(), PLANS[seed]
    bench.break_with(schedule('stuck-pen', seed, bench, plan, value=0.3))
    assert draw_to_the_end(bench, plan, tmp_path / 'journal') == []
    assert bench.unit.trace.outside_mm < HALF_STEP_MM
    assert bench.unit.stepper.counters.tolist() == [0, 0]
    assert not bench.carriage.pen_down
