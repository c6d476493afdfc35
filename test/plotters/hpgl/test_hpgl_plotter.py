"""The HP-GL driver against an emulated 7475A: what it draws, and what of it is there after whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import plan_of
from streamed_bench import CARD, OVERLAP_MM, check_drawn, check_paused, link_to, wave

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, Pen, load_machine, time_plan
from sketch_robot.plotters import PlotterStatus, make_plotter
from sketch_robot.plotters.hpgl import HpglOptions, HpglPlotter
from sketch_robot.plotters.hpgl.identify import identify
from sketch_robot.plotters.journal import Journal, read_journal
from sketch_robot_emulators import EmulatedHpgl, Fault, FaultSchedule, HpglUnit, VirtualLink

LIMITS = MachineLimits('hp', 60.0, 20000.0, 60.0, 20000.0, 0.1, 0.1, 0.01)
GRID_MM = 0.025


PLAN = plan_of(wave(10.0), wave(20.0)[::-1], [[30.0, 27.0]], wave(34.0), wave(44.0), page=CARD, profile=LIMITS)


class Bench:
    """An emulated plotter, and drivers one after another on its port."""

    def __init__(self, *faults: Fault, page: Page = CARD, limits: MachineLimits = LIMITS, **options: Any) -> None:
        placing = options.pop('placing', None)
        self.unit = HpglUnit(page, placing=placing, faults=FaultSchedule(list(faults), seed=3))
        self.link = link_to(self.unit)
        self.options, self.limits = HpglOptions('emulated', **options), limits
        self.plotter = self.driver()

    def driver(self) -> HpglPlotter:
        """A new program's driver, connected."""
        plotter = HpglPlotter(self.options, self.limits, link=self.link)
        plotter.connect()
        return plotter

    @property
    def ink(self) -> tuple[np.ndarray, ...]:
        return self.unit.trace.paper.polylines


def drawn(plan: DrawingPlan, bench: Bench, *, twice_mm: float = 0.0) -> None:
    """The ink is the plan's, and no byte found the buffer full."""
    check_drawn(plan, bench.unit, grid_mm=GRID_MM, twice_mm=twice_mm)
    assert bench.unit.overflows == 0


def test_a_plotter_tells_what_it_is_and_what_it_reaches() -> None:
    told = Bench().plotter.describe()
    assert (told['firmware'], told['reach'], told['status']) == ('HP-GL 7475A', '276 x 193 mm', 'idle')


def test_a_plotter_is_found_by_its_model() -> None:
    bench = Bench()
    assert identify(bench.link) == 'HP-GL 7475A'
    bench.unit.send = lambda _data: None  # type: ignore[method-assign]
    assert identify(bench.link) == ''


@pytest.mark.parametrize('handshake', ['buffer', 'enq', 'xon', 'none'])
def test_a_plan_is_drawn_by_any_handshake_and_no_byte_finds_the_buffer_full(handshake: str) -> None:
    bench = Bench(handshake=handshake)
    seen = []
    outcome = bench.plotter.draw(PLAN, seen.append)
    drawn(PLAN, bench)
    assert (outcome.finished, outcome.strokes_drawn, outcome.lifts) == (True, 5, 5)
    assert outcome.ink_mm == pytest.approx(PLAN.ink_mm)
    assert (seen[-1].strokes_done, seen[-1].fraction, seen[-1].pen_mm) == (5, 1.0, (0.0, 0.0))
    assert [p.fraction for p in seen] == sorted(p.fraction for p in seen)
    assert any(p.pen_down for p in seen)
    assert bench.unit.trace.xy_mm == (0.0, 0.0)
    bench.plotter.close()
    assert bench.unit.pen == 0
    assert bench.plotter.status == PlotterStatus.OFFLINE


def test_the_plotters_buffer_never_runs_dry_within_a_stroke() -> None:
    slow = replace(LIMITS, draw_speed_mm_s=20.0)
    bench = Bench(limits=slow)
    down_s = []
    bench.unit.trace.set_down = noting(bench.unit.trace.set_down, lambda: down_s.append(bench.link.now_s()))
    plan = plan_of(wave(10.0, 200), page=CARD, profile=slow)
    bench.plotter.draw(plan)
    assert down_s[1] - down_s[0] == pytest.approx(plan.ink_mm / 20.0, abs=0.15)


def noting(act: Callable[[bool], None], note: Callable[[], None]) -> Callable[[bool], None]:
    def noted(down: bool) -> None:
        note()
        act(down)

    return noted


@pytest.mark.parametrize('after_s', [1.0, 2.2, 4.0, 5.5, 9.0])
def test_a_pause_raises_the_pen_and_the_rest_is_drawn_afterwards(after_s: float) -> None:
    bench = Bench()
    check_paused(PLAN, bench, after_s, within_s=5.0)
    drawn(PLAN, bench, twice_mm=OVERLAP_MM)


@pytest.mark.parametrize('after_s', [0.1, 1.0, 2.7, 4.3, 6.1])
def test_a_stop_leaves_the_pen_up_at_home_and_the_rest_can_be_drawn(tmp_path: Path, after_s: float) -> None:
    bench = Bench()
    bench.link.after(after_s, bench.plotter.stop)
    with Journal(tmp_path / 'a.journal') as journal:
        assert not bench.plotter.draw(PLAN, journal=journal).finished
    assert not bench.unit.trace.down
    assert bench.unit.trace.xy_mm == (0.0, 0.0)
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert bench.plotter.draw(PLAN, journal=journal).finished
    drawn(PLAN, bench, twice_mm=OVERLAP_MM)


@pytest.mark.parametrize('after_s', [0.3, 1.7, 3.1, 4.4, 5.2, 6.6])
def test_a_killed_programs_drawing_is_gone_on_with_where_the_plotters_buffer_ended(
    tmp_path: Path, after_s: float
) -> None:
    bench = Bench()
    bench.link.after(after_s, bench.link.kill)
    with Journal(tmp_path / 'a.journal') as journal, pytest.raises(SketchRobotError):
        bench.plotter.draw(PLAN, journal=journal)
    bench.unit.run(30.0)  # what it has in its buffer it draws
    bench.link.revive()
    plotter = bench.driver()
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert plotter.draw(PLAN, journal=journal).finished
    assert read_journal(tmp_path / 'a.journal').finished
    drawn(PLAN, bench, twice_mm=OVERLAP_MM)


def test_a_drawing_that_the_plotter_has_ended_by_itself_is_ended_at_home(tmp_path: Path) -> None:
    bench = Bench()
    bench.link.after(8.0, bench.link.kill)
    with Journal(tmp_path / 'a.journal') as journal, pytest.raises(SketchRobotError):
        bench.plotter.draw(PLAN, journal=journal)
    bench.unit.run(30.0)
    bench.link.revive()
    plotter = bench.driver()
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        outcome = plotter.draw(PLAN, journal=journal)
    assert (outcome.finished, outcome.strokes_drawn, outcome.ink_mm) == (True, 5, 0.0)
    assert bench.unit.trace.xy_mm == (0.0, 0.0)
    drawn(PLAN, bench)


@pytest.mark.parametrize('kind', ['lose-out', 'garble-out', 'double-out', 'garbage-out'])
@pytest.mark.parametrize('at', [60, 100, 151])
def test_a_damaged_answer_costs_an_overlap_and_nothing_else(kind: str, at: int) -> None:
    bench = Bench(Fault(kind, 'bytes', at))
    assert bench.plotter.draw(PLAN).finished
    drawn(PLAN, bench, twice_mm=2 * OVERLAP_MM)


@pytest.mark.parametrize('ink_mm', [5.0, 90.0, 200.0])
def test_an_unplugged_plotter_is_offline_and_its_drawing_is_gone_on_with(tmp_path: Path, ink_mm: float) -> None:
    bench = Bench(Fault('unplug', 'ink', ink_mm, value=40.0))
    with Journal(tmp_path / 'a.journal') as journal, pytest.raises(SketchRobotError) as caught:
        bench.plotter.draw(PLAN, journal=journal)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    assert bench.plotter.status == PlotterStatus.OFFLINE
    bench.unit.run(60.0)
    bench.plotter.connect()
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert bench.plotter.draw(PLAN, journal=journal).finished
    drawn(PLAN, bench, twice_mm=OVERLAP_MM)


def test_a_plotter_that_was_switched_off_is_in_alarm_until_it_is_homed(tmp_path: Path) -> None:
    bench = Bench(Fault('reset', 'ink', 100.0))
    with Journal(tmp_path / 'a.journal') as journal, pytest.raises(SketchRobotError, match='switched off in the'):
        bench.plotter.draw(PLAN, journal=journal)
    assert bench.plotter.status == PlotterStatus.ALARM
    bench.plotter.home()
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert bench.plotter.draw(PLAN, journal=journal).finished
    drawn(PLAN, bench, twice_mm=12.0)  # a piece may have been drawn whose answer never came


def test_nobody_at_the_port_is_told_with_what_to_look_at() -> None:
    unit = HpglUnit(CARD)
    unit.send = lambda _data: None  # type: ignore[method-assign]
    link = VirtualLink(unit, offline=lambda text: SketchRobotError(ErrorCode.PLOTTER_OFFLINE, text))
    plotter = HpglPlotter(HpglOptions('emulated'), link=link)
    with pytest.raises(SketchRobotError, match=r'does not answer .* baud rate') as caught:
        plotter.connect()
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


# ------------------------------------------------------------------ pens, pages, setting up
def of_pens(count: int) -> DrawingPlan:
    names = [f'pen {k}' for k in range(count)]
    strokes = tuple(replace(s, pen=names[min(k, count - 1)]) for k, s in enumerate(PLAN.strokes))
    pens = tuple(Pen(name) for name in names)
    return DrawingPlan(strokes, CARD, LIMITS, *time_plan(strokes, LIMITS), pens=pens)


def test_pens_of_the_carousel_change_by_themselves() -> None:
    bench = Bench()
    assert bench.plotter.draw(of_pens(3)).finished
    assert bench.unit.pens == [1, 2, 3]
    drawn(PLAN, bench)


def test_a_pen_that_has_no_stall_is_asked_for() -> None:
    bench = Bench(carousel=1)
    asked = []

    def look(_progress: object) -> None:
        if bench.plotter.status == PlotterStatus.PAUSED:
            asked.append(bench.plotter.reason)
            bench.plotter.resume()

    assert bench.plotter.draw(of_pens(2), look).finished
    assert len(asked) == 1
    assert "put in the pen 'pen 1'" in asked[0]


def test_a_page_that_is_turned_lies_upright_on_a_bed_that_is_not() -> None:
    a5 = Page(148.0, 210.0, 10.0, 'A5')
    plan = plan_of([[10.0, 10.0], [138.0, 200.0]], page=a5, profile=LIMITS)
    with pytest.raises(SketchRobotError, match='lies outside the 276 x 193 mm') as caught:
        Bench(page=a5).plotter.draw(plan)
    assert caught.value.code == ErrorCode.OFF_PAGE
    bench = Bench(page=a5, axes=('y', '-x'), placing=lambda x, y: (y, 276.0 - x))
    assert bench.plotter.draw(plan).finished
    drawn(plan, bench)


def test_jogs_and_pens_are_tried_where_the_pen_is() -> None:
    bench = Bench()
    bench.plotter.jog(12.5, 7.0)
    assert bench.unit.trace.xy_mm == (12.5, 7.0)
    bench.plotter.set_pen(True)
    assert bench.unit.trace.down
    bench.plotter.set_pen(False)
    assert not bench.unit.trace.down


def test_a_program_is_what_a_plotter_draws_the_plan_by(tmp_path: Path) -> None:
    unit = HpglUnit(CARD)
    program = b''.join(make_plotter('hp7475a', '/dev/nowhere').program(PLAN))
    assert program.startswith(b'IN;PU;PA;IW0,0,3200,2400;VS6;SP1;')
    for start in range(0, len(program), 100):
        unit.send(program[start : start + 100])
        unit.run(3.0)
    assert unit.trace.ink_mm == pytest.approx(PLAN.ink_mm, rel=2e-3)


def test_over_a_real_port_a_plan_is_drawn_with_the_systems_flow_control() -> None:
    machine = load_machine('hp7475a')
    with EmulatedHpgl(CARD, speedup=30.0, buffer_bytes=400) as emulated:
        options = {**machine.options, 'handshake': 'xon'}
        with make_plotter(replace(machine, options=options), emulated.port) as plotter:
            assert plotter.draw(PLAN).finished
        assert emulated.unit.overflows == 0
        assert emulated.unit.trace.ink_mm == pytest.approx(PLAN.ink_mm, rel=2e-3)
