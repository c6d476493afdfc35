"""The simulated plotter: what is on paper, and that the pen is up whenever a drawing ends."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from drawings import A5, Hand, farthest_from, is_at_rest, joined, ladder, length_of, plan_of, plans
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, Pen, load_limits, time_plan
from sketch_robot.plotters import Outcome, PlotterStatus, Progress, SimulatedPlotter, SimulationOptions, make_plotter
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.progress import OVERLAP_MM

FAST = math.inf
DEADLINE_S = 20.0


class Drawing:
    """A drawing in a thread of its own, by the wall clock."""

    def __init__(self, plotter: SimulatedPlotter, plan: DrawingPlan) -> None:
        self.plotter = plotter
        self.seen: list[Progress] = []
        self.outcome: Outcome | None = None
        self.error: Exception | None = None
        self._wanted = threading.Condition()
        self._thread = threading.Thread(target=self._run, args=(plan,), daemon=True)
        self._thread.start()

    def _run(self, plan: DrawingPlan) -> None:
        try:
            self.outcome = self.plotter.draw(plan, self._note)
        except SketchRobotError as error:
            self.error = error

    def _note(self, progress: Progress) -> None:
        with self._wanted:
            self.seen.append(progress)
            self._wanted.notify_all()

    def until(self, wish) -> None:
        with self._wanted:
            assert self._wanted.wait_for(lambda: any(wish(p) for p in self.seen), DEADLINE_S)

    def end(self) -> Outcome:
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), 'the drawing does not end'
        assert self.error is None, self.error
        assert self.outcome is not None
        return self.outcome


@pytest.fixture
def plotter():
    with SimulatedPlotter(SimulationOptions(speedup=FAST)) as machine:
        yield machine


# ------------------------------------------------------------------ a drawing from end to end
def test_a_plan_is_on_paper_point_by_point(plotter):
    plan = plan_of([[20.0, 20.0], [50.0, 70.0], [60.0, 20.0]], [[80.0, 80.0]], [[100.0, 30.0], [101.0, 31.0]])
    assert plotter.draw(plan).finished
    assert len(plotter.paper.polylines) == 3
    for line, stroke in zip(plotter.paper.polylines, plan.strokes, strict=True):
        np.testing.assert_array_equal(line, stroke.xy)


@settings(deadline=None, max_examples=50)
@given(
    plan=plans,
    profile=st.sampled_from(['default', 'grbl_fast', 'axidraw', 'grbl_factory', 'grbl_plotter', 'slow_cnc']),
    stop_s=st.sampled_from([0.0, 0.008]),
    lookahead=st.sampled_from([0, 2, 15]),
)
def test_lengths_lifts_and_machine_seconds_are_the_plans(plan, profile, stop_s, lookahead):
    profile = replace(load_limits(profile), stop_s=stop_s, lookahead_blocks=lookahead)
    plan = plan_of(*(stroke.xy for stroke in plan.strokes), profile=profile)
    with SimulatedPlotter(SimulationOptions(speedup=FAST)) as plotter:
        outcome = plotter.draw(plan)
    assert outcome.finished
    assert outcome.strokes_drawn == len(plan.strokes)
    assert outcome.lifts == plan.lifts
    assert outcome.ink_mm == pytest.approx(plan.ink_mm, rel=1e-9, abs=1e-9)
    assert outcome.travel_mm == pytest.approx(plan.travel_mm, rel=1e-9, abs=1e-9)
    assert outcome.machine_s == pytest.approx(plan.predicted_s, rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(plan=plans, steps=st.lists(st.floats(0.02, 2.0), min_size=1, max_size=50), speedup=st.sampled_from([1.0, 7.0]))
def test_uneven_time_steps_change_neither_paper_nor_figures(plan, steps, speedup):
    plotter = Hand(*steps).machine(speedup=speedup)
    outcome = plotter.draw(plan)
    assert outcome.machine_s == pytest.approx(plan.predicted_s, rel=1e-9)
    assert outcome.ink_mm == pytest.approx(plan.ink_mm, rel=1e-9, abs=1e-9)
    assert outcome.travel_mm == pytest.approx(plan.travel_mm, rel=1e-9, abs=1e-9)
    assert len(plotter.paper.polylines) == len(plan.strokes)
    for line, stroke in zip(plotter.paper.polylines, plan.strokes, strict=True):
        assert farthest_from(line, stroke.xy) < 1e-9
        assert farthest_from(stroke.xy, line) < 1e-9


@pytest.mark.parametrize('speedup', [1.0, 4.0])
def test_wall_clock_seconds_are_machine_seconds_over_the_speedup(speedup):
    hand = Hand(0.004)
    plan = ladder(2)
    hand.machine(speedup=speedup).draw(plan)
    assert hand.now_s - 1000.0 == pytest.approx(plan.predicted_s / speedup, abs=0.008)


def test_the_pen_goes_home_at_the_end(plotter):
    plotter.draw(ladder())
    assert plotter.progress.pen_mm == (0.0, 0.0)
    assert is_at_rest(plotter)
    assert plotter.status == PlotterStatus.IDLE


def test_two_drawings_are_on_a_sheet_each_and_count_from_zero(plotter):
    first = plotter.draw(ladder(2))
    sheet = plotter.paper
    second = plotter.draw(ladder(3))
    assert len(sheet.polylines) == 2
    assert len(plotter.paper.polylines) == 3
    assert (first.lifts, second.lifts) == (2, 3)
    assert second.machine_s == pytest.approx(ladder(3).predicted_s, rel=1e-9)


def test_the_paper_has_the_pages_size_and_the_pens_width(plotter):
    plotter.draw(plan_of([[1.0, 1.0], [5.0, 5.0]], page=Page(60.0, 40.0, 1.0), profile=MachineLimits(pen_width_mm=0.3)))
    assert plotter.paper.image(10.0).shape == (400, 600)
    assert plotter.paper.pen_width_mm == 0.3


# ------------------------------------------------------------------ progress
@settings(deadline=None, max_examples=20)
@given(plan=plans, steps=st.lists(st.floats(0.02, 0.3), min_size=1, max_size=20))
def test_progress_never_goes_back_and_ends_complete(plan, steps):
    seen: list[Progress] = []
    Hand(*steps).machine().draw(plan, seen.append)
    assert all(0.0 <= p.fraction <= 1.0 and p.remaining_s >= 0.0 for p in seen)
    for before, after in pairwise(seen):
        assert after.strokes_done >= before.strokes_done
        assert after.fraction >= before.fraction
    assert seen[0].strokes_done == 0
    assert (seen[-1].strokes_done, seen[-1].fraction, seen[-1].remaining_s) == (len(plan.strokes), 1.0, 0.0)
    assert {p.strokes_done for p in seen} == set(range(len(plan.strokes) + 1))
    assert {p.strokes_total for p in seen} == {len(plan.strokes)}


def test_progress_is_reported_five_times_a_second_within_a_stroke():
    hand = Hand(0.004)
    times: list[float] = []
    hand.machine().draw(ladder(1), lambda _p: times.append(hand.now_s))
    assert max(np.diff(times)) <= 0.2


def test_progress_does_not_believe_a_plan_without_times(plotter):
    plan = replace(ladder(), stroke_s=np.zeros(3), return_s=0.0)
    seen: list[Progress] = []
    plotter.draw(plan, seen.append)
    assert seen[0].remaining_s == pytest.approx(ladder().predicted_s)
    assert seen[-1].fraction == 1.0


def test_progress_before_the_first_drawing_is_nothing():
    assert SimulatedPlotter().progress == Progress(0, 0, 0.0, 0.0, (0.0, 0.0), False)


def test_homing_leaves_the_last_drawings_progress_alone(plotter):
    calls: list[Progress] = []
    plotter.draw(ladder(), calls.append)
    before, count = plotter.progress, len(calls)
    plotter.home()
    assert plotter.progress == before
    assert len(calls) == count


def test_a_drawing_of_dots_that_takes_no_time_is_complete():
    profile = MachineLimits(lift_s=0.0, drop_s=0.0)
    seen: list[Progress] = []
    with SimulatedPlotter() as plotter:
        assert plotter.draw(plan_of([[0.0, 0.0]], profile=profile), seen.append).machine_s == 0.0
        assert len(plotter.paper.polylines) == 1
    assert seen[-1].fraction == 1.0


# ------------------------------------------------------------------ stop
@settings(deadline=None, max_examples=50)
@given(plan=plans, when=st.integers(0, 200), step_s=st.sampled_from([0.03, 0.1, 0.5]))
def test_a_stop_at_any_moment_leaves_a_prefix_of_the_plan(plan, when, step_s):
    plotter = Hand(step_s, actions={when: SimulatedPlotter.stop}).machine()
    outcome = plotter.draw(plan)
    assert is_at_rest(plotter)
    lines = plotter.paper.polylines
    assert len(lines) <= len(plan.strokes)
    for number, (line, stroke) in enumerate(zip(lines, plan.strokes, strict=False)):
        assert farthest_from(line, stroke.xy) < 1e-9
        assert np.array_equal(line[0], stroke.xy[0])
        if number < len(lines) - 1:
            assert length_of(line) == pytest.approx(stroke.length, abs=1e-9)
        else:
            assert length_of(line) <= stroke.length + 1e-9
    assert outcome.strokes_drawn in (len(lines), len(lines) - 1)
    assert outcome.lifts == len(lines)
    assert outcome.ink_mm == pytest.approx(sum(length_of(line) for line in lines), abs=1e-9)
    assert plotter.progress.pen_mm == (0.0, 0.0)


def test_a_stop_within_a_stroke_counts_the_whole_strokes_only():
    hand = Hand(0.01)
    plotter = hand.machine()
    outcome = plotter.draw(ladder(3), lambda p: plotter.stop() if p.strokes_done == 1 and p.pen_down else None)
    assert not outcome.finished
    assert outcome.strokes_drawn == 1
    assert outcome.lifts == 2
    assert 100.0 < outcome.ink_mm < 200.0


def test_a_stop_before_the_first_step_draws_nothing():
    plotter = SimulatedPlotter(SimulationOptions(speedup=FAST))
    plotter.connect()
    outcome = plotter.draw(ladder(), lambda _p: plotter.stop())
    assert (outcome.finished, outcome.strokes_drawn, outcome.ink_mm, outcome.lifts) == (False, 0, 0.0, 0)
    assert outcome.travel_mm == 0.0
    assert plotter.paper.polylines == ()


def test_a_stop_without_a_drawing_does_not_stop_the_next_one(plotter):
    plotter.stop()
    assert plotter.draw(ladder()).finished
    plotter.stop()
    assert plotter.draw(ladder()).finished


def test_a_stop_while_parking_changes_nothing():
    hand = Hand(0.01)
    stops = 0

    def stop_while_parking(event, seconds):
        nonlocal stops
        if plotter.status == PlotterStatus.PARKING:
            plotter.stop()
            plotter.pause()
            stops += 1
        return hand.wait(event, seconds)

    plotter = SimulatedPlotter(clock=hand.clock, wait=stop_while_parking)
    plotter.connect()
    outcome = plotter.draw(ladder(1))
    assert stops > 3
    assert outcome.finished
    assert outcome.machine_s == pytest.approx(ladder(1).predicted_s, rel=1e-9)


def test_stops_again_and_again_end_one_drawing_only():
    stop = SimulatedPlotter.stop
    plotter = Hand(0.01, actions=dict.fromkeys(range(90, 110), stop)).machine()
    assert not plotter.draw(ladder()).finished
    assert is_at_rest(plotter)
    assert plotter.draw(ladder()).finished


def test_a_stop_lifts_the_pen_before_the_wait_is_over():
    plotter = SimulatedPlotter(SimulationOptions(speedup=0.01))  # a stroke takes minutes
    plotter.connect()
    plan = plan_of([[0.5, 0.0], [140.0, 0.0]], profile=MachineLimits(drop_s=0.0, travel_accel_mm_s2=1e6))
    drawing = Drawing(plotter, plan)
    drawing.until(lambda p: p.pen_down)
    plotter.stop()
    assert not drawing.end().finished
    assert is_at_rest(plotter)


# ------------------------------------------------------------------ pause and resume
@settings(deadline=None, max_examples=40)
@given(plan=plans, pauses=st.lists(st.integers(0, 150), min_size=1, max_size=4, unique=True), waits=st.integers(1, 5))
def test_pause_and_resume_draw_each_point_exactly_once(plan, pauses, waits):
    hand = Hand(0.03)
    times = 0

    def act(event, seconds):
        nonlocal times
        times += 1
        if plotter.status == PlotterStatus.PAUSED:
            assert not plotter.progress.pen_down
            if times % waits == 0:
                plotter.resume()
        elif hand.waits in pauses:
            plotter.pause()
        return hand.wait(event, seconds)

    plotter = SimulatedPlotter(clock=hand.clock, wait=act)
    plotter.connect()
    outcome = plotter.draw(plan)
    assert outcome.finished
    assert is_at_rest(plotter)
    lines = joined(plotter.paper.polylines, plan)
    assert len(lines) == len(plan.strokes)
    for line, stroke in zip(lines, plan.strokes, strict=True):
        assert farthest_from(line, stroke.xy) < 1e-9
        assert farthest_from(stroke.xy, line) < 1e-9
        assert length_of(line) == pytest.approx(stroke.length, abs=1e-9)
    assert outcome.machine_s >= plan.predicted_s * (1 - 1e-9)
    assert outcome.machine_s > plan.predicted_s or outcome.lifts == plan.lifts
    assert outcome.lifts == len(plotter.paper.polylines)
    assert outcome.ink_mm == pytest.approx(plan.ink_mm, rel=1e-9, abs=1e-9)
    assert outcome.travel_mm == pytest.approx(plan.travel_mm, rel=1e-9, abs=1e-9)


def test_a_pause_within_a_stroke_lifts_the_pen_and_moves_nothing_until_resumed():
    plotter = SimulatedPlotter(SimulationOptions(speedup=5.0))
    plotter.connect()
    drawing = Drawing(plotter, ladder())
    drawing.until(lambda p: p.pen_down)
    plotter.pause()
    drawing.until(lambda _p: plotter.status == PlotterStatus.PAUSED)
    stood, seen = plotter.progress, len(drawing.seen)
    drawing.until(lambda _p: len(drawing.seen) > seen + 3)  # still reported while paused
    assert not stood.pen_down
    assert plotter.progress.pen_mm == stood.pen_mm
    plotter.resume()
    outcome = drawing.end()
    assert outcome.finished
    assert outcome.ink_mm == pytest.approx(300.0)


def pause_at(plotter, x_mm: float, seen: list[Progress] | None = None):
    """A callback that pauses once, with the pen down and x beyond a place, and resumes."""
    asked = []

    def act(progress: Progress) -> None:
        if seen is not None:
            seen.append(progress)
        if not asked and progress.pen_down and progress.pen_mm[0] >= x_mm:
            asked.append(progress)
            plotter.pause()
        if plotter.status == PlotterStatus.PAUSED:
            asked.append(progress)
            plotter.resume()

    return act, asked


def test_a_pause_brakes_along_the_line_lifts_and_starts_again_from_rest():
    plotter = Hand(0.01).machine()
    act, asked = pause_at(plotter, 60.0)
    outcome = plotter.draw(ladder(1), act)
    began, stood = asked
    braking = 100.0**2 / (2 * 1000.0)  # mm, from 100 mm/s at 1000 mm/s^2
    assert stood.pen_mm[0] - began.pen_mm[0] == pytest.approx(braking)
    assert not stood.pen_down
    profile = MachineLimits()
    ramp_s = profile.draw_speed_mm_s / profile.draw_accel_mm_s2  # what stopping and starting again cost
    assert outcome.machine_s == pytest.approx(ladder(1).predicted_s + ramp_s + profile.lift_s + profile.drop_s)
    assert outcome.lifts == 2
    (first, second) = plotter.paper.polylines
    assert first[-1].tolist() == second[0].tolist() == [stood.pen_mm[0], 20.0]


def test_a_pause_on_the_way_costs_a_stop_only():
    plotter = Hand(0.01).machine()
    asked = []

    def act(progress: Progress) -> None:
        if not asked and progress.pen_mm[0] > 60.0:
            asked.append(progress)
            plotter.pause()
        elif plotter.status == PlotterStatus.PAUSED:
            plotter.resume()

    plan = plan_of([[120.0, 0.0]])
    outcome = plotter.draw(plan, act)
    assert not asked[0].pen_down
    profile = MachineLimits()
    ramp_s = profile.travel_speed_mm_s / profile.travel_accel_mm_s2
    assert outcome.machine_s == pytest.approx(plan.predicted_s + ramp_s)
    assert outcome.lifts == 1


def test_progress_never_goes_back_when_a_pause_makes_the_drawing_longer():
    plotter, seen = Hand(0.01).machine(), []
    plotter.draw(ladder(2), pause_at(plotter, 60.0, seen)[0])
    assert all(after.fraction >= before.fraction for before, after in pairwise(seen))
    assert seen[-1].fraction == 1.0


def test_a_pause_taken_back_while_braking_does_not_lift_the_pen():
    plotter = Hand(0.01).machine()
    asked = []

    def act(progress: Progress) -> None:
        if progress.pen_down and progress.pen_mm[0] > 60.0 and len(asked) < 2:
            (plotter.resume if asked else plotter.pause)()
            asked.append(progress)

    outcome = plotter.draw(ladder(1), act)
    assert outcome.lifts == 1
    assert outcome.machine_s == pytest.approx(ladder(1).predicted_s + 0.1)


def test_a_stop_while_paused_ends_the_drawing_with_the_pen_up():
    plotter = SimulatedPlotter(SimulationOptions(speedup=5.0))
    plotter.connect()
    drawing = Drawing(plotter, ladder())
    drawing.until(lambda p: p.pen_down)
    plotter.pause()
    drawing.until(lambda _p: plotter.status == PlotterStatus.PAUSED)
    plotter.stop()
    assert not drawing.end().finished
    assert is_at_rest(plotter)


def test_pause_and_resume_without_a_drawing_do_nothing(plotter):
    plotter.pause()
    assert plotter.status == PlotterStatus.IDLE
    plotter.resume()
    assert plotter.draw(ladder()).finished


# ------------------------------------------------------------------ errors, alarm, close
@pytest.mark.parametrize('when', ['at the start', 'pen down', 'at the end'])
def test_an_error_of_the_callback_is_raised_with_the_pen_up(when):
    plotter = Hand(0.01).machine()

    def fail(progress: Progress) -> None:
        due = {'at the start': progress.fraction == 0.0, 'pen down': progress.pen_down, 'at the end': progress.fraction}
        if due[when] is True or due[when] == 1.0:
            raise RuntimeError('no more')

    with pytest.raises(RuntimeError, match='no more'):
        plotter.draw(ladder(), fail)
    assert plotter.status == PlotterStatus.IDLE
    assert is_at_rest(plotter)
    assert plotter.draw(ladder()).finished


def test_an_interrupt_lifts_the_pen():
    def interrupt(plotter: SimulatedPlotter) -> None:
        assert plotter.progress.pen_down
        raise KeyboardInterrupt

    plotter = Hand(0.01, actions={60: interrupt}).machine()
    with pytest.raises(KeyboardInterrupt):
        plotter.draw(ladder())
    assert is_at_rest(plotter)


@pytest.mark.parametrize('after', [0, 1, 3])
def test_an_alarm_ends_a_drawing_with_the_pen_up_and_homing_clears_it(after):
    plotter = SimulatedPlotter(SimulationOptions(speedup=FAST, alarm_after_strokes=after))
    plotter.connect()
    with pytest.raises(SketchRobotError, match=f'alarm after {after} strokes') as caught:
        plotter.draw(ladder(3))
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert plotter.status == PlotterStatus.ALARM
    assert is_at_rest(plotter)
    assert plotter.progress.strokes_done == after == len(plotter.paper.polylines)
    for act in (lambda: plotter.draw(ladder()), lambda: plotter.set_pen(True)):
        with pytest.raises(SketchRobotError, match='home the machine to go on') as caught:
            act()
        assert caught.value.code == ErrorCode.PLOTTER_ALARM
    plotter.home()
    assert plotter.status == PlotterStatus.IDLE
    assert plotter.progress.pen_mm == (0.0, 0.0)


def test_an_alarm_beyond_the_last_stroke_never_comes():
    with SimulatedPlotter(SimulationOptions(speedup=FAST, alarm_after_strokes=4)) as plotter:
        assert plotter.draw(ladder(3)).finished


def test_a_callback_that_raises_an_alarm_is_no_alarm_of_the_machine(plotter):
    def fail(_progress: Progress) -> None:
        raise SketchRobotError(ErrorCode.PLOTTER_ALARM, 'of another machine')

    with pytest.raises(SketchRobotError, match='of another machine'):
        plotter.draw(ladder(), fail)
    assert plotter.status == PlotterStatus.IDLE


@pytest.mark.parametrize('phase', [PlotterStatus.DRAWING, PlotterStatus.PAUSED, PlotterStatus.PARKING])
def test_closing_in_the_middle_ends_the_drawing_with_the_pen_up(phase):
    plotter = SimulatedPlotter(SimulationOptions(speedup=2.0))
    plotter.connect()
    drawing = Drawing(plotter, ladder(1))
    drawing.until(lambda p: p.pen_down)
    if phase == PlotterStatus.PAUSED:
        plotter.pause()
    drawing.until(lambda _p: plotter.status == phase)
    plotter.close()
    assert plotter.status == PlotterStatus.OFFLINE
    assert is_at_rest(plotter)
    assert not drawing.end().finished


def test_closing_does_not_wait_for_a_slow_way_home():
    plotter = SimulatedPlotter(SimulationOptions(speedup=1.0))
    plotter.connect()
    slow = MachineLimits(travel_speed_mm_s=2.0, draw_speed_mm_s=2.0)
    drawing = Drawing(plotter, plan_of([[100.0, 100.0], [110.0, 100.0]], profile=slow))
    drawing.until(lambda p: math.hypot(*p.pen_mm) > 4.0)  # far enough from home for parking to be seen
    plotter.stop()
    drawing.until(lambda _p: plotter.status == PlotterStatus.PARKING)
    plotter.close()
    assert plotter.status == PlotterStatus.OFFLINE


def test_closing_from_the_callback_takes_effect_when_the_drawing_has_ended():
    plotter = SimulatedPlotter(SimulationOptions(speedup=FAST))
    plotter.connect()
    outcome = plotter.draw(ladder(), lambda p: plotter.close() if p.strokes_done == 1 else None)
    assert not outcome.finished
    assert outcome.strokes_drawn == 1
    assert plotter.status == PlotterStatus.OFFLINE


def test_the_context_connects_and_closes_and_both_may_be_repeated():
    plotter = SimulatedPlotter(SimulationOptions(speedup=FAST))
    assert plotter.status == PlotterStatus.OFFLINE
    with plotter as same:
        assert same is plotter
        plotter.connect()
        assert plotter.status == PlotterStatus.IDLE
    plotter.close()
    assert plotter.status == PlotterStatus.OFFLINE
    plotter.connect()
    assert plotter.draw(ladder()).finished


def test_an_error_within_the_context_closes_the_machine_with_the_pen_up():
    plotter = SimulatedPlotter(SimulationOptions(speedup=FAST))

    def fail() -> None:
        with plotter:
            plotter.set_pen(True)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert plotter.status == PlotterStatus.OFFLINE
    assert not plotter.progress.pen_down


@pytest.mark.parametrize('act', ['draw', 'home', 'set_pen'])
def test_an_unconnected_machine_is_offline(act):
    plotter = SimulatedPlotter()
    arguments = {'draw': (ladder(),), 'home': (), 'set_pen': (True,)}[act]
    with pytest.raises(SketchRobotError, match='not connected') as caught:
        getattr(plotter, act)(*arguments)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    assert not plotter.progress.pen_down


@pytest.mark.parametrize('act', ['draw', 'home', 'set_pen'])
def test_a_machine_that_draws_is_busy_for_others_and_goes_on(act):
    refused: list[SketchRobotError] = []
    plotter = SimulatedPlotter(SimulationOptions(speedup=20.0))
    plotter.connect()
    drawing = Drawing(plotter, ladder())
    drawing.until(lambda p: p.strokes_done == 0)
    arguments = {'draw': (ladder(1),), 'home': (), 'set_pen': (True,)}[act]
    try:
        getattr(plotter, act)(*arguments)
    except SketchRobotError as error:
        refused.append(error)
    outcome = drawing.end()
    assert [error.code for error in refused] == [ErrorCode.BUSY]
    assert outcome.ink_mm == pytest.approx(300.0)
    assert len(plotter.paper.polylines) == 3


def test_many_threads_that_pause_resume_and_stop_leave_the_pen_up():
    plotter = SimulatedPlotter(SimulationOptions(speedup=50.0))
    plotter.connect()
    drawing = Drawing(plotter, ladder(15))
    done = threading.Event()

    def fiddle(seed: int) -> None:
        random = np.random.default_rng(seed)
        while not done.wait(random.uniform(0.0, 0.004)):
            (plotter.pause if random.random() < 0.5 else plotter.resume)()

    fiddlers = [threading.Thread(target=fiddle, args=(seed,), daemon=True) for seed in range(3)]
    for thread in fiddlers:
        thread.start()
    drawing.until(lambda p: p.strokes_done >= 3)
    done.set()
    for thread in fiddlers:
        thread.join(DEADLINE_S)
    plotter.resume()
    outcome = drawing.end()
    assert outcome.finished
    assert outcome.machine_s >= ladder(15).predicted_s
    assert outcome.ink_mm == pytest.approx(1500.0)
    assert is_at_rest(plotter)


# ------------------------------------------------------------------ the pen by hand
def test_the_pen_goes_down_and_up_by_hand_and_a_drawing_starts_with_it_up(plotter):
    plotter.set_pen(True)
    plotter.set_pen(True)
    assert plotter.progress.pen_down
    outcome = plotter.draw(ladder(1))
    assert outcome.lifts == 1
    np.testing.assert_array_equal(plotter.paper.polylines[0], ladder(1).strokes[0].xy)
    plotter.set_pen(True)
    plotter.set_pen(False)
    plotter.set_pen(False)
    assert not plotter.progress.pen_down


def test_homing_and_closing_lift_a_pen_that_was_lowered_by_hand(plotter):
    plotter.set_pen(True)
    plotter.home()
    assert not plotter.progress.pen_down
    plotter.set_pen(True)
    plotter.close()
    assert not plotter.progress.pen_down


# ------------------------------------------------------------------ bad input
@pytest.mark.parametrize('point', [(-0.1, 50.0), (148.1, 50.0), (50.0, -0.1), (50.0, 210.1), (1e9, 1e9)])
def test_a_plan_that_leaves_the_page_is_refused_before_anything_moves(plotter, point):
    with pytest.raises(SketchRobotError, match=r'stroke 1 leaves the page 148 x 210 mm') as caught:
        plotter.draw(plan_of([[20.0, 20.0], [30.0, 30.0]], [[40.0, 40.0], point]))
    assert caught.value.code == ErrorCode.OFF_PAGE
    assert plotter.paper is None
    assert plotter.progress.pen_mm == (0.0, 0.0)
    assert plotter.status == PlotterStatus.IDLE


def test_the_pages_edge_may_be_drawn_on(plotter):
    edge = [[0.0, 0.0], [148.0, 0.0], [148.0, 210.0], [0.0, 210.0], [0.0, 0.0]]
    assert plotter.draw(plan_of(edge)).finished


def test_a_plan_without_strokes_is_nothing_to_draw(plotter):
    with pytest.raises(SketchRobotError, match='no strokes') as caught:
        plotter.draw(DrawingPlan((), A5))
    assert caught.value.code == ErrorCode.NOTHING_TO_DRAW


@pytest.mark.parametrize('speedup', [0.0, -1.0, math.nan, -math.inf])
def test_a_speedup_that_is_not_positive_is_refused(speedup):
    with pytest.raises(SketchRobotError, match=r'must be (positive|finite)') as caught:
        SimulatedPlotter(SimulationOptions(speedup=speedup))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_an_alarm_after_less_than_no_strokes_is_refused():
    with pytest.raises(SketchRobotError, match='alarm_after_strokes must be at least 0, not -1') as caught:
        SimulatedPlotter(SimulationOptions(alarm_after_strokes=-1))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_machines_are_made_by_name():
    plotter = make_plotter('simulated', speedup=3.0, alarm_after_strokes=2)
    assert isinstance(plotter, SimulatedPlotter)
    assert plotter.status == PlotterStatus.OFFLINE


def test_an_unknown_machine_is_refused_with_those_that_exist():
    with pytest.raises(SketchRobotError, match=r"no plotter 'quill'; choose one of: .*simulated") as caught:
        make_plotter('quill')
    assert caught.value.code == ErrorCode.BAD_GOAL


# ------------------------------------------------------------------ several pens, and what is left of a drawing
def two_pens() -> DrawingPlan:
    strokes = [
        replace(stroke, pen=pen) for stroke, pen in zip(ladder(3).strokes, ('black', 'black', 'red'), strict=True)
    ]
    stroke_s, return_s = time_plan(strokes, MachineLimits())
    return DrawingPlan(
        tuple(strokes), A5, MachineLimits(), stroke_s, return_s, pens=(Pen('black'), Pen('red', '#cc0000'))
    )


def test_between_two_pens_it_parks_and_asks_for_the_other():
    plotter = Hand(0.01).machine()
    asked = []

    def act(progress: Progress) -> None:
        if plotter.status == PlotterStatus.PAUSED:
            asked.append((progress.strokes_done, progress.pen_mm, progress.pen_down, plotter.reason))
            plotter.resume()

    outcome = plotter.draw(two_pens(), act)
    assert outcome.finished
    assert asked == [(2, (0.0, 0.0), False, "put in the pen 'red' (#cc0000, 0.5 mm), then resume")]
    assert outcome.machine_s == pytest.approx(two_pens().predicted_s, rel=1e-9)


def test_pens_at_hand_are_not_asked_for():
    with SimulatedPlotter(SimulationOptions(speedup=FAST, pens_at_hand=True)) as plotter:
        outcome = plotter.draw(two_pens())
    assert outcome.machine_s == pytest.approx(two_pens().predicted_s, rel=1e-9)
    assert outcome.travel_mm == pytest.approx(two_pens().travel_mm)


@pytest.mark.parametrize('x_mm', [30.0, 75.0])
def test_a_stopped_drawing_goes_on_by_its_journal(tmp_path, x_mm):
    plan, path = ladder(3), tmp_path / 'journal'
    plotter = Hand(0.01).machine()
    stop = lambda p: plotter.stop() if p.strokes_done == 1 and p.pen_down and p.pen_mm[0] > x_mm else None  # noqa: E731
    stopped = plotter.draw(plan, stop, journal=Journal(path))
    first = plotter.paper.polylines
    resumed = plotter.draw(plan, journal=Journal(path, resume=True))
    second = plotter.paper.polylines
    assert (stopped.strokes_drawn, resumed.strokes_drawn, resumed.finished) == (1, 2, True)
    assert [len(first), len(second)] == [2, 2]
    assert length_of(first[0]) == pytest.approx(100.0)
    assert second[0][0, 0] == pytest.approx(first[1][-1, 0] - OVERLAP_MM, abs=1e-5)
    assert second[0][-1].tolist() == plan.strokes[1].xy[-1].tolist()
    assert length_of(second[1]) == pytest.approx(100.0)
    with pytest.raises(SketchRobotError, match='nothing is left') as caught:
        plotter.draw(plan, journal=Journal(path, resume=True))
    assert caught.value.code == ErrorCode.NOTHING_TO_DRAW
    assert plotter.status == PlotterStatus.IDLE
