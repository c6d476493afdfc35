"""The EBB driver: what is on paper, in which time, and that the pen is up whenever a drawing ends."""

from __future__ import annotations

import numpy as np
import pytest
from drawings import A5, plan_of
from ebb_bench import AXIDRAW, CARD, FIRMWARES, HALF_STEP_MM, QUICK, Bench, gaps, plan_with, strays, too_much_mm, waves

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan
from sketch_robot.motion.plan import Pen
from sketch_robot.plotters import PlotterStatus
from sketch_robot.plotters.ebb import EbbOptions, EbbPlotter
from sketch_robot.plotters.ebb.moves import Axes
from sketch_robot.plotters.journal import Journal, read_journal
from sketch_robot.stroke import Stroke
from sketch_robot_emulators import EbbUnit

WAVES = waves(3)


def moments(first, last, count):
    """Shares of a drawing's time, spread over the firmwares."""
    return [(share, FIRMWARES[k % 3]) for k, share in enumerate(np.linspace(first, last, count))]


def at_rest(bench):
    return not bench.carriage.pen_down and bench.unit.stepper.idle


def is_drawn(bench, plan):
    return strays(bench.unit, plan) == 0 and gaps(bench.unit, plan) == 0 and bench.unit.trace.pen_down_travel_mm == 0.0


# ------------------------------------------------------------------ a drawing from end to end
@pytest.mark.parametrize(
    ('firmware', 'profile'),
    [*((firmware, QUICK) for firmware in FIRMWARES), ((3, 0, 3), AXIDRAW)],
    ids=lambda value: getattr(value, 'name', str(value)),
)
def test_a_plan_is_on_paper_in_the_predicted_time_and_the_motors_are_back_at_zero(firmware, profile):
    bench, plan = Bench(firmware), waves(1, profile=profile)
    outcome = bench.plotter.draw(plan)
    assert outcome.finished
    assert outcome.strokes_drawn == outcome.lifts == len(plan.strokes)
    assert outcome.machine_s == pytest.approx(plan.predicted_s, rel=0.01)
    assert outcome.ink_mm == pytest.approx(plan.ink_mm, rel=0.01)
    assert outcome.travel_mm == pytest.approx(plan.travel_mm, rel=0.001)
    assert is_drawn(bench, plan)
    assert len(bench.unit.trace.paper.polylines) == len(plan.strokes)
    assert bench.unit.stepper.counters.tolist() == [0, 0]
    assert bench.unit.trace.outside_mm < HALF_STEP_MM
    assert bench.plotter.status == PlotterStatus.IDLE
    assert at_rest(bench)


def test_moves_by_sm_alone_are_as_exact():
    bench, plan = Bench(options={'low_level': False}), WAVES
    outcome = bench.plotter.draw(plan)
    assert outcome.machine_s == pytest.approx(plan.predicted_s, rel=0.01)
    assert not any(command.startswith('LM') for command in bench.unit.commands)
    assert is_drawn(bench, plan)


def test_the_queue_never_runs_dry_within_a_line():
    bench, plan = Bench(page=A5), plan_with(QUICK, [[5.0, 5.0], [140.0, 5.0]], page=A5)
    outcome = bench.plotter.draw(plan)
    # every gap between two moves would show as lost time: 1.4 s of drawing, 1 s of travel, 0.2 s of lifting
    assert outcome.machine_s - plan.predicted_s < 0.02


LONG = plan_with(AXIDRAW, *([[5.0, y], [100.0, y + 10.0], [140.0, y]] for y in (5.0, 30.0)), page=A5)
WAYS = {'usb': (0.0, 0.0), 'hub': (0.005, 0.005), 'late answers': (0.0, 0.02), 'bluetooth': (0.01, 0.01)}


@pytest.mark.parametrize('firmware', FIRMWARES)
@pytest.mark.parametrize('way', WAYS)
def test_however_long_its_answers_take_a_drawing_takes_the_predicted_time(firmware, way):
    bench = Bench(firmware, page=A5)
    bench.unit.way_s = WAYS[way]
    outcome = bench.plotter.draw(LONG)
    # a drawing waits three times for answers: when it begins, before it goes home, and there
    assert outcome.machine_s - LONG.predicted_s < 0.01 * LONG.predicted_s + 3.0 * sum(WAYS[way])
    assert is_drawn(bench, LONG)
    assert bench.unit.stepper.counters.tolist() == [0, 0]


def test_progress_goes_up_to_the_end_and_tells_the_pen():
    bench, seen = Bench(), []
    bench.plotter.draw(WAVES, seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert seen[-1].strokes_done == seen[-1].strokes_total == len(WAVES.strokes)
    assert {progress.pen_down for progress in seen} == {True, False}
    assert len(seen) > 5 * WAVES.predicted_s


def test_a_second_drawing_starts_where_the_first_ended():
    bench = Bench()
    bench.plotter.draw(WAVES)
    bench.plotter.draw(plan_with(QUICK, [[5.0, 30.0], [40.0, 35.0]]))
    assert bench.unit.stepper.counters.tolist() == [0, 0]
    assert len(bench.unit.trace.paper.polylines) == len(WAVES.strokes) + 1


# ------------------------------------------------------------------ refusals
def test_a_plan_off_the_page_moves_nothing():
    bench = Bench()
    told = len(bench.unit.commands)
    with pytest.raises(SketchRobotError, match='leaves the page') as caught:
        bench.plotter.draw(plan_of([[10.0, 10.0], [149.0, 10.0]]))
    assert caught.value.code == ErrorCode.OFF_PAGE
    assert len(bench.unit.commands) == told


def test_drawing_without_a_connection_is_refused():
    plotter = EbbPlotter(link=Bench().link)
    with pytest.raises(SketchRobotError, match='connect it first') as caught:
        plotter.draw(WAVES)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


def test_motors_without_power_are_noticed_before_anything_moves():
    bench = Bench()
    bench.carriage.supply = 30
    with pytest.raises(SketchRobotError, match='have no power; plug in its supply') as caught:
        bench.plotter.draw(WAVES)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert bench.unit.trace.ink_mm == 0.0


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'axes': ['x', 'x']}, 'one of each'),
        ({'steps_per_mm': 0.0}, 'steps_per_mm must be positive'),
        ({'ahead_ms': 5}, 'ahead_ms must lie between 20 and 250'),
        ({'pen': {'up_percent': 30.0, 'down_percent': 30.0}}, 'must be different'),
        ({'pen': {'up_percent': 130.0}}, 'up_percent must lie between 0 and 100'),
        ({'pen': {'light_percent': 35.0}}, 'light_percent needs firm_percent'),
        ({'pen': {'raise_percent_s': -1.0}}, 'raise_percent_s must be at least 0'),
        ({'pen': {'upp': 1.0}}, 'upp'),
    ],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(SketchRobotError, match=message) as caught:
        EbbOptions.read(options, of='the plotter')
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_a_second_drawing_at_the_same_time_is_refused():
    bench, errors = Bench(), []

    def draw_too(_progress):
        with pytest.raises(SketchRobotError, match='the EBB is') as caught:
            bench.plotter.draw(WAVES)
        errors.append(caught.value.code)

    bench.plotter.draw(plan_with(QUICK, [[5.0, 5.0], [10.0, 5.0]]), draw_too)
    assert set(errors) == {ErrorCode.BUSY}


# ------------------------------------------------------------------ pause, resume, stop, close
@pytest.mark.parametrize(('moment', 'firmware'), moments(0.05, 0.8, 8))
def test_a_pause_at_any_moment_lifts_the_pen_and_leaves_no_gap_and_no_ink_twice(firmware, moment):
    bench, plan, states = Bench(firmware), WAVES, []
    bench.link.after(moment * plan.predicted_s, bench.plotter.pause)
    bench.link.after(
        moment * plan.predicted_s + 1.0,
        lambda: (states.append((bench.plotter.status, at_rest(bench))), bench.plotter.resume()),
    )
    outcome = bench.plotter.draw(plan)
    assert outcome.finished
    assert states == [(PlotterStatus.PAUSED, True)]
    assert is_drawn(bench, plan)
    assert too_much_mm(bench.unit, plan) < 0.5
    assert bench.unit.stepper.counters.tolist() == [0, 0]


@pytest.mark.parametrize('firmware', FIRMWARES)
@pytest.mark.parametrize('way', WAYS)
def test_a_pause_stops_the_pen_within_its_own_deceleration_and_50_ms(firmware, way):
    bench, plan = Bench(firmware, page=A5), plan_with(QUICK, [[5.0, 5.0], [140.0, 5.0]], page=A5)
    bench.unit.way_s = WAYS[way]
    seen = []

    def note(label):
        seen.append((label, bench.unit.seconds, bench.unit.stepper.idle, bench.carriage.xy_mm[0]))

    bench.link.after(1.1, lambda: (note('pause'), bench.plotter.pause()))
    for ms in range(0, 300, 5):
        bench.link.after(1.1 + 0.001 * ms, lambda: note('look'))
    bench.link.after(1.8, bench.plotter.resume)
    bench.plotter.draw(plan)
    still = [after for (_, _, _, before), (_, after, _, x) in zip(seen, seen[1:], strict=False) if x == before]
    assert min(still) - seen[0][1] <= QUICK.draw_speed_mm_s / QUICK.draw_accel_mm_s2 + 0.05


@pytest.mark.parametrize('way', WAYS)
def test_a_pause_and_a_kill_while_words_are_on_their_way_leave_no_gap_and_no_ink_twice(tmp_path, way):
    class Killed(BaseException):
        pass

    def kill():
        bench.link.kill()
        raise Killed

    bench, path = Bench((2, 8, 1) if way == 'hub' else (3, 0, 3)), tmp_path / 'drawing.journal'
    bench.unit.way_s = WAYS[way]
    bench.link.after(0.5, bench.plotter.pause)
    bench.link.after(1.2, bench.plotter.resume)
    bench.link.after(2.0, kill)
    with Journal(path) as journal, pytest.raises(Killed):
        bench.plotter.draw(WAVES, journal=journal)
    bench.let_pass(2.0)
    bench.link.revive()
    again = bench.new_plotter()
    again.connect()
    assert again.draw(WAVES, journal=Journal(path, resume=True)).finished
    assert is_drawn(bench, WAVES)
    assert too_much_mm(bench.unit, WAVES) < 0.8


def test_a_pause_says_why_and_resumes_in_the_middle_of_a_travel_too():
    bench, plan = Bench(page=A5), plan_with(QUICK, [[100.0, 100.0], [120.0, 100.0]], page=A5)
    reasons = []
    bench.link.after(0.3, bench.plotter.pause)
    bench.link.after(1.0, lambda: (reasons.append(bench.plotter.reason), bench.plotter.resume()))
    assert bench.plotter.draw(plan).finished
    assert reasons == ['paused on request']
    assert is_drawn(bench, plan)


def test_the_button_pauses_and_pressed_again_goes_on():
    bench, plan, seen = Bench(), WAVES, []
    bench.link.after(1.0, bench.unit.press_button)
    bench.link.after(
        2.0, lambda: (seen.append((bench.plotter.status, bench.plotter.reason)), bench.unit.press_button())
    )
    assert bench.plotter.draw(plan).finished
    assert seen == [(PlotterStatus.PAUSED, 'the button on the machine was pressed')]
    assert is_drawn(bench, plan)


def test_standing_paused_takes_no_machine_time():
    bench = Bench()
    bench.link.after(1.0, bench.plotter.pause)
    bench.link.after(31.0, bench.plotter.resume)
    assert bench.plotter.draw(WAVES).machine_s < WAVES.predicted_s + 2.0


@pytest.mark.parametrize(('moment', 'firmware'), moments(0.05, 0.8, 8))
def test_a_stop_lifts_the_pen_within_200_ms_and_parks(firmware, moment):
    bench, plan, seen = Bench(firmware), WAVES, []
    asked_s = moment * plan.predicted_s
    bench.link.after(asked_s, bench.plotter.stop)
    bench.link.after(asked_s + 0.2, lambda: seen.append(bench.carriage.pen_down))
    outcome = bench.plotter.draw(plan)
    assert not outcome.finished
    assert seen == [False]
    assert strays(bench.unit, plan) == 0
    assert bench.unit.trace.pen_down_travel_mm == 0.0
    assert bench.unit.stepper.counters.tolist() == [0, 0]
    assert bench.plotter.status == PlotterStatus.IDLE


def test_a_stop_while_paused_parks():
    bench = Bench()
    bench.link.after(1.0, bench.plotter.pause)
    bench.link.after(2.0, bench.plotter.stop)
    assert not bench.plotter.draw(WAVES).finished
    assert bench.unit.stepper.counters.tolist() == [0, 0]


def test_closing_in_the_middle_lifts_the_pen_where_it_is():
    bench = Bench()
    outcome = bench.plotter.draw(WAVES, lambda progress: bench.plotter.close() if progress.strokes_done == 1 else None)
    assert not outcome.finished
    assert bench.plotter.status == PlotterStatus.OFFLINE
    bench.let_pass(1.0)
    assert at_rest(bench)
    assert strays(bench.unit, WAVES) == 0
    bench.plotter.close()


def test_an_error_of_the_one_who_is_told_of_progress_leaves_the_pen_up():
    bench = Bench()

    def fail(progress):
        if progress.pen_down:
            raise RuntimeError('no more')

    with pytest.raises(RuntimeError, match='no more'):
        bench.plotter.draw(WAVES, fail)
    bench.let_pass(0.5)
    assert at_rest(bench)
    assert bench.plotter.status == PlotterStatus.IDLE
    bench.plotter.draw(plan_with(QUICK, [[5.0, 30.0], [40.0, 35.0]]))
    assert bench.unit.stepper.counters.tolist() == [0, 0]


# ------------------------------------------------------------------ homing, the pen, coming and going
def test_home_lifts_the_pen_and_goes_to_the_origin():
    bench = Bench()
    bench.plotter.draw(WAVES, lambda progress: bench.plotter.close() if progress.strokes_done == 2 else None)
    bench.plotter.connect()
    assert bench.unit.stepper.counters.tolist() != [0, 0]
    bench.plotter.home()
    assert bench.carriage.xy_mm == (0.0, 0.0)
    assert bench.plotter.status == PlotterStatus.IDLE


def test_the_pen_goes_down_and_up_on_request():
    bench = Bench()
    bench.plotter.set_pen(True)
    assert bench.carriage.pen_down
    bench.plotter.set_pen(False)
    assert not bench.carriage.pen_down


def test_a_pen_that_was_left_down_is_lifted_before_a_drawing():
    bench = Bench()
    bench.plotter.set_pen(True)
    bench.plotter.draw(WAVES)
    assert is_drawn(bench, plan_with(QUICK, [[0.0, 0.0]], *(stroke.xy for stroke in WAVES.strokes)))


def test_setting_up_jogs_tries_heights_and_sets_the_origin():
    bench = Bench()
    assert bench.plotter.describe()['firmware'] == 'EBB 3.0.3'
    bench.plotter.jog(15.0, -5.0)  # also where no page is
    assert bench.carriage.xy_mm == pytest.approx((15.0, -5.0), abs=0.01)
    bench.plotter.move_pen(35.0)
    assert bench.carriage.pen_down
    bench.plotter.move_pen(55.0)
    assert not bench.carriage.pen_down
    bench.plotter.set_origin()
    assert bench.plotter.progress.pen_mm == (0.0, 0.0)
    bench.carriage.move_by_hand((0.0, 0.0))
    bench.plotter.draw(WAVES)
    assert is_drawn(bench, WAVES)


def test_a_height_that_is_none_is_refused():
    with pytest.raises(SketchRobotError, match='take 0 to 100') as caught:
        Bench().plotter.move_pen(101.0)
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_a_board_that_kept_its_place_is_found_there_by_the_next_program():
    bench = Bench()
    bench.plotter.draw(WAVES, lambda progress: bench.plotter.close() if progress.strokes_done == 2 else None)
    again = bench.new_plotter()
    again.connect()
    assert again.knows_place
    assert again.progress.pen_mm == pytest.approx(bench.carriage.xy_mm)
    assert again.draw(WAVES).finished
    assert bench.unit.stepper.counters.tolist() == [0, 0]


def test_motors_that_are_let_go_take_their_place_for_the_origin_next_time():
    bench = Bench(options={'hold_motors': False})
    bench.plotter.draw(WAVES)
    bench.plotter.close()
    bench.let_pass(0.5)
    assert bench.carriage.enabled == [False, False]
    again = bench.new_plotter()
    again.connect()
    assert again.progress.pen_mm == (0.0, 0.0)


def test_connecting_and_closing_twice_is_harmless():
    bench = Bench()
    bench.plotter.connect()
    assert bench.plotter.status == PlotterStatus.IDLE
    bench.plotter.close()
    bench.plotter.close()
    assert bench.plotter.status == PlotterStatus.OFFLINE


def test_the_servo_is_given_the_time_that_its_way_takes():
    bench = Bench(options={'pen': {'raise_percent_s': 60.0}})  # half a second for 30 %
    bench.plotter.draw(plan_with(QUICK, [[5.0, 5.0], [10.0, 5.0]]))
    assert 'SP,1,524,' in ' '.join(f'{command},' for command in bench.unit.commands)
    assert bench.unit.trace.pen_down_travel_mm == 0.0


def test_resuming_with_a_board_that_was_off_meanwhile_wants_the_origin_set(tmp_path):
    bench, path = Bench(), tmp_path / 'drawing.journal'
    bench.link.after(1.0, bench.plotter.stop)
    with Journal(path) as journal:
        bench.plotter.draw(WAVES, journal=journal)
    bench.plotter.close()
    bench.unit.reset()
    bench.carriage.move_by_hand((20.0, 20.0))
    again = bench.new_plotter()
    again.connect()
    with (
        Journal(path, resume=True) as journal,
        pytest.raises(SketchRobotError, match='set the origin there, then resume') as caught,
    ):
        again.draw(WAVES, journal=journal)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    again.close()
    bench.carriage.move_by_hand((0.0, 0.0))
    last = EbbPlotter(EbbOptions(origin_is_set=True), link=bench.link)
    last.connect()
    assert last.draw(WAVES, journal=Journal(path, resume=True)).finished
    assert is_drawn(bench, WAVES)


# ------------------------------------------------------------------ several pens
def test_between_two_pens_it_parks_and_asks_for_the_next():
    strokes = (
        Stroke(np.array([[10.0, 10.0], [20.0, 10.0]]), pen='black'),
        Stroke(np.array([[10.0, 20.0], [20.0, 20.0]]), pen='red'),
    )
    plain = plan_with(QUICK, *(stroke.xy for stroke in strokes))
    plan = DrawingPlan(
        strokes, plain.page, QUICK, plain.stroke_s, plain.return_s, pens=(Pen('black'), Pen('red', '#c02020', 0.3))
    )
    bench, asked = Bench(), []

    def look():
        asked.append(
            (bench.plotter.status, bench.plotter.reason, bench.carriage.xy_mm, len(bench.unit.trace.paper.polylines))
        )
        bench.plotter.resume()

    bench.link.after(plain.predicted_s + 1.0, look)
    assert bench.plotter.draw(plan).finished
    assert asked == [(PlotterStatus.PAUSED, "put in the pen 'red' (#c02020, 0.3 mm), then resume", (0.0, 0.0), 1)]
    assert is_drawn(bench, plan)


# ------------------------------------------------------------------ the program
@pytest.mark.parametrize('low_level', [True, False])
def test_its_program_alone_draws_the_plan_in_the_predicted_time(low_level):
    options = EbbOptions(low_level=low_level)
    unit = EbbUnit(CARD, Axes.of())
    unit.send(b''.join(EbbPlotter(options).program(WAVES)))
    begun_s = unit.seconds
    while not unit.quiet:
        unit.run(0.001)
        unit.heard()
    assert strays(unit, WAVES) == gaps(unit, WAVES) == 0
    assert unit.trace.pen_down_travel_mm == 0.0
    assert unit.stepper.counters.tolist() == [0, 0]
    assert unit.seconds - begun_s == pytest.approx(WAVES.predicted_s + 0.35, abs=0.1)  # raised first, and read


def test_a_program_off_the_page_is_refused():
    with pytest.raises(SketchRobotError, match='leaves the page'):
        EbbPlotter().program(plan_of([[10.0, 10.0], [149.0, 10.0]]))


# ------------------------------------------------------------------ pressure
def test_a_machine_that_can_press_lowers_the_pen_with_the_pressure():
    line = Stroke(np.array([[5.0, 5.0], [30.0, 5.0], [55.0, 5.0]]), pressure=np.array([0.0, 0.5, 1.0]))
    plain = plan_with(QUICK, line.xy)
    plan = DrawingPlan((line,), plain.page, QUICK, plain.stroke_s, plain.return_s)
    bench = Bench(options={'pen': {'light_percent': 38.0, 'firm_percent': 20.0}})
    outcome = bench.plotter.draw(plan)
    pulses = [int(command.split(',')[1]) for command in bench.unit.commands if command.startswith('S2,')]
    assert len(pulses) == 17  # 16 steps
    assert pulses == sorted(pulses, reverse=True)  # from light to firm
    assert 9855 + 17976 * 0.2 - 1 <= pulses[-1] < pulses[0] <= 9855 + 17976 * 0.38 + 1
    assert outcome.machine_s == pytest.approx(plan.predicted_s, rel=0.01)
    assert is_drawn(bench, plan)


def test_a_machine_that_cannot_press_draws_such_a_stroke_as_any_other():
    line = Stroke(np.array([[5.0, 5.0], [55.0, 5.0]]), pressure=np.array([0.0, 1.0]))
    plain, bench = plan_with(QUICK, line.xy), Bench()
    assert bench.plotter.draw(DrawingPlan((line,), plain.page, QUICK, plain.stroke_s, plain.return_s)).finished
    assert not any(command.startswith('S2') for command in bench.unit.commands)
    assert is_drawn(bench, plain)


# ------------------------------------------------------------------ the journal
def test_the_journal_tells_that_all_is_drawn(tmp_path):
    bench, path = Bench(), tmp_path / 'drawing.journal'
    bench.plotter.draw(WAVES, journal=Journal(path))
    assert read_journal(path).finished


@pytest.mark.parametrize(('moment', 'firmware'), moments(0.05, 0.8, 12))
def test_a_program_that_is_killed_anywhere_is_followed_by_one_that_draws_exactly_the_rest(tmp_path, firmware, moment):
    class Killed(BaseException):
        pass

    def kill():
        bench.link.kill()
        raise Killed

    bench, plan, path = Bench(firmware), WAVES, tmp_path / 'drawing.journal'
    bench.link.after(moment * plan.predicted_s, kill)
    with Journal(path) as journal, pytest.raises(Killed):
        bench.plotter.draw(plan, journal=journal)
    bench.let_pass(2.0)  # what was queued runs out, and the pen stays as it is
    bench.link.revive()
    again = bench.new_plotter()
    again.connect()
    assert again.draw(plan, journal=Journal(path, resume=True)).finished
    assert is_drawn(bench, plan)
    assert too_much_mm(bench.unit, plan) <= 0.5
    assert bench.unit.stepper.counters.tolist() == [0, 0]


def test_a_journal_that_cannot_be_written_stops_the_drawing_with_the_pen_up(tmp_path):
    class Full(Journal):
        def proven(self, *_record):
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'no room')

    bench = Bench()
    with Full(tmp_path / 'drawing.journal') as journal, pytest.raises(SketchRobotError, match='no room'):
        bench.plotter.draw(WAVES, journal=journal)
    bench.let_pass(0.5)
    assert at_rest(bench)


def test_a_page_that_lies_otherwise_is_drawn_the_same():
    bench = Bench(options={'axes': ['x', '-y']})
    bench.carriage.axes = Axes.of(['x', '-y'])
    bench.plotter.draw(WAVES)
    assert is_drawn(bench, WAVES)
    assert bench.unit.trace.outside_mm < HALF_STEP_MM
