"""The Marlin driver against an emulated controller: what it draws, and what is there after whatever goes wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import plan_of
from streamed_bench import CARD, OVERLAP_MM, check_drawn, check_paused, link_to, wave

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Pen, load_machine, time_plan
from sketch_robot.plotters import PlotterStatus, make_plotter
from sketch_robot.plotters.journal import Journal, read_journal
from sketch_robot.plotters.marlin import MarlinOptions, MarlinPlotter
from sketch_robot.plotters.marlin.stream import numbered
from sketch_robot_emulators import EmulatedMarlin, Fault, FaultSchedule, MarlinUnit

LIMITS = MachineLimits('marlin', 60.0, 1000.0, 120.0, 1000.0, 0.15, 0.15, 0.05)
GRID_MM = 0.01
AHEAD_MM = 34.0  # of ink that a planner full of moves may hold


PLAN = plan_of(wave(10.0), wave(20.0)[::-1], [[30.0, 27.0]], [[8.0, 33.0], [70.0, 33.0]], wave(44.0),
               page=CARD, profile=LIMITS)  # fmt: skip


class Bench:
    """An emulated machine, and drivers one after another on its port."""

    def __init__(self, *faults: Fault, unit: dict[str, Any] | None = None, **options: Any) -> None:
        self.unit = MarlinUnit(CARD, faults=FaultSchedule(list(faults), seed=3), **(unit or {}))
        self.link = link_to(self.unit)
        self.options = MarlinOptions('emulated', boot_s=2.0, **options)
        self.plotter = self.driver()

    def driver(self) -> MarlinPlotter:
        """A new program's driver, connected."""
        plotter = MarlinPlotter(self.options, LIMITS, link=self.link)
        plotter.connect()
        return plotter


def drawn(plan: DrawingPlan, bench: Bench, *, twice_mm: float = 0.0) -> None:
    """The ink is the plan's, and no byte found the buffer full."""
    check_drawn(plan, bench.unit, grid_mm=GRID_MM, twice_mm=twice_mm)
    assert bench.unit.overruns == 0


def test_lines_are_numbered_and_checked_as_marlin_says() -> None:
    assert numbered(3, 'T0') == b'N3 T0*57\n'  # the example of the RepRap G-code page


def test_a_machine_tells_what_it_is() -> None:
    told = Bench().plotter.describe()
    assert (told['firmware'], told['status'], told['position_known']) == ('Marlin 2.1.2', 'idle', False)


@pytest.mark.parametrize(('unit', 'options'), [
    ({}, {}),
    ({'servo': None}, {'pen': {'type': 'z', 'up': 3.0, 'down': 0.0}}),
    ({'reset_on_open': False}, {'homes': False, 'origin_is_set': True}),
    ({'has_extruder': False}, {}),
])  # fmt: skip
def test_a_plan_is_drawn_and_told_stroke_by_stroke(unit: dict[str, Any], options: dict[str, Any]) -> None:
    bench = Bench(unit=unit, **options)
    seen = []
    outcome = bench.plotter.draw(PLAN, seen.append)
    drawn(PLAN, bench)
    assert (outcome.finished, outcome.strokes_drawn, outcome.lifts) == (True, 5, 5)
    assert outcome.ink_mm == pytest.approx(PLAN.ink_mm, rel=1e-3)
    assert (seen[-1].strokes_done, seen[-1].fraction, seen[-1].pen_mm) == (5, 1.0, (0.0, 0.0))
    assert [p.fraction for p in seen] == sorted(p.fraction for p in seen)
    assert any(p.pen_down for p in seen)
    assert bench.unit.trace.xy_mm == pytest.approx((0.0, 0.0))
    assert bench.unit.resends == 0


@pytest.mark.parametrize('after_s', [2.5, 3.4, 4.6, 6.2, 8.0])
def test_a_pause_raises_the_pen_and_the_rest_is_drawn_afterwards(after_s: float) -> None:
    bench = Bench()
    check_paused(PLAN, bench, after_s, within_s=2.0)
    drawn(PLAN, bench, twice_mm=OVERLAP_MM)


@pytest.mark.parametrize('after_s', [0.5, 2.6, 4.4, 6.6])
def test_a_stop_raises_the_pen_within_a_second_and_the_rest_can_be_drawn(tmp_path: Path, after_s: float) -> None:
    bench = Bench()
    up: list[bool] = []
    bench.link.after(after_s, bench.plotter.stop)
    bench.link.after(after_s + 1.0, lambda: up.append(not bench.unit.trace.down))
    with Journal(tmp_path / 'a.journal') as journal:
        assert not bench.plotter.draw(PLAN, journal=journal).finished
    assert up in ([True], [])
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert bench.plotter.draw(PLAN, journal=journal).finished
    drawn(PLAN, bench, twice_mm=OVERLAP_MM)


@pytest.mark.parametrize('resets', [True, False])
@pytest.mark.parametrize('after_s', [2.3, 4.0, 5.7, 6.6, 7.4])
def test_a_killed_programs_drawing_is_gone_on_with(tmp_path: Path, after_s: float, resets: bool) -> None:
    bench = Bench(unit={'reset_on_open': resets})
    bench.link.after(after_s, bench.link.kill)
    with Journal(tmp_path / 'a.journal') as journal, pytest.raises(SketchRobotError):
        bench.plotter.draw(PLAN, journal=journal)
    bench.unit.run(20.0)
    bench.link.revive()
    plotter = bench.driver()
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert plotter.draw(PLAN, journal=journal).finished
    assert read_journal(tmp_path / 'a.journal').finished
    drawn(PLAN, bench, twice_mm=AHEAD_MM if resets else OVERLAP_MM)  # a board that resets forgets where it came to


@pytest.mark.parametrize('kind', ['lose-in', 'garble-in', 'double-in', 'garbage-in'])
@pytest.mark.parametrize('at', [700, 1603, 2300])
def test_a_damaged_line_is_sent_again_and_leaves_no_trace(kind: str, at: int) -> None:
    bench = Bench(Fault(kind, 'bytes', at))
    assert bench.plotter.draw(PLAN).finished
    drawn(PLAN, bench, twice_mm=OVERLAP_MM)


@pytest.mark.parametrize('kind', ['lose-out', 'garble-out', 'drop-ok', 'forge-ok'])
@pytest.mark.parametrize('at', [430, 481, 560])
def test_a_damaged_answer_costs_an_overlap_and_nothing_else(kind: str, at: int) -> None:
    bench = Bench(Fault(kind, 'bytes', at))
    assert bench.plotter.draw(PLAN).finished
    drawn(PLAN, bench, twice_mm=3 * OVERLAP_MM)


@pytest.mark.parametrize('ink_mm', [5.0, 90.0, 200.0])
def test_an_unplugged_machine_is_offline_and_its_drawing_is_gone_on_with(tmp_path: Path, ink_mm: float) -> None:
    bench = Bench(Fault('unplug', 'ink', ink_mm, value=10.0), unit={'reset_on_open': False})
    with Journal(tmp_path / 'a.journal') as journal, pytest.raises(SketchRobotError) as caught:
        bench.plotter.draw(PLAN, journal=journal)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    bench.unit.run(20.0)
    bench.plotter.connect()
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert bench.plotter.draw(PLAN, journal=journal).finished
    drawn(PLAN, bench, twice_mm=OVERLAP_MM)


@pytest.mark.parametrize('homes', [True, False])
def test_a_reset_in_the_middle_is_an_alarm_and_the_place_has_to_be_found_again(tmp_path: Path, homes: bool) -> None:
    bench = Bench(Fault('reset', 'ink', 100.0), homes=homes, origin_is_set=not homes)
    with (
        Journal(tmp_path / 'a.journal') as journal,
        pytest.raises(SketchRobotError, match='started anew in the middle'),
    ):
        bench.plotter.draw(PLAN, journal=journal)
    assert (bench.plotter.status, bench.plotter.knows_place) == (PlotterStatus.ALARM, homes)
    assert not bench.unit.trace.down
    if homes:
        bench.plotter.home()
    else:
        with pytest.raises(SketchRobotError, match='set the origin there'):
            bench.plotter.home()
        x, y = bench.unit.trace.xy_mm
        bench.plotter.jog(-x, -y)
        bench.plotter.set_origin()
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert bench.plotter.draw(PLAN, journal=journal).finished
    drawn(PLAN, bench, twice_mm=AHEAD_MM)


@pytest.mark.parametrize('resets', [True, False])
def test_a_machine_without_switches_asks_where_the_page_is_before_it_moves(tmp_path: Path, resets: bool) -> None:
    """As after it was switched on, or restarted in mid-drawing and a new one is begun: the pen may be anywhere."""
    bench = Bench(unit={'reset_on_open': resets}, homes=False)
    bench.unit.trace.xy_mm = np.array([31.0, 17.0])
    with Journal(tmp_path / 'a.journal') as journal:
        for _ in range(2):
            with pytest.raises(SketchRobotError, match='set the origin there') as caught:
                bench.plotter.draw(PLAN, journal=journal)
            assert caught.value.code == ErrorCode.PLOTTER_ALARM
        assert (bench.plotter.status, bench.plotter.knows_place) == (PlotterStatus.ALARM, False)
        assert bench.unit.trace.ink_mm == 0.0
        bench.plotter.jog(-31.0, -17.0)
        bench.plotter.set_origin()
        assert bench.plotter.draw(PLAN, journal=journal).finished
    assert bench.plotter.draw(PLAN).finished  # and from then on it knows


def test_a_controller_that_kills_itself_is_in_alarm() -> None:
    bench = Bench(Fault('alarm', 'ink', 100.0))
    with pytest.raises(SketchRobotError, match='has halted itself') as caught:
        bench.plotter.draw(PLAN)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM


def test_who_is_no_marlin_is_refused() -> None:
    bench = Bench()
    bench.plotter.close()
    bench.unit._execute = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(SketchRobotError, match='is no Marlin'):
        bench.plotter.connect()


# ------------------------------------------------------------------ pens, pages, setting up
def test_a_pen_is_asked_for_at_the_pages_corner() -> None:
    strokes = tuple(replace(s, pen='red' if k > 2 else 'black') for k, s in enumerate(PLAN.strokes))
    plan = DrawingPlan(strokes, CARD, LIMITS, *time_plan(strokes, LIMITS), pens=(Pen('black'), Pen('red', '#cc0000')))
    bench, asked = Bench(), []

    def look(_progress: object) -> None:
        if bench.plotter.status == PlotterStatus.PAUSED:
            asked.append((bench.plotter.reason, bench.unit.trace.xy_mm))
            bench.plotter.resume()

    assert bench.plotter.draw(plan, look).finished
    assert [place for _, place in asked] == [(0.0, 0.0)]
    assert "put in the pen 'red'" in asked[0][0]
    drawn(PLAN, bench)


def test_a_page_beyond_the_soft_endstops_is_refused_before_anything_moves() -> None:
    bench = Bench(unit={'size_mm': (60.0, 60.0)})
    with pytest.raises(SketchRobotError, match=r'stroke 0 leaves what the machine reaches, \(0, 0\) to \(60, 60\) mm'):
        bench.plotter.draw(PLAN)
    assert bench.unit.trace.ink_mm == 0.0


def test_an_origin_that_was_jogged_to_is_kept_for_after_homing() -> None:
    bench = Bench()
    bench.plotter.home()
    bench.plotter.jog(12.5, 7.0)
    bench.plotter.set_origin()
    assert bench.plotter.origin_found_by_homing() == (12.5, 7.0)
    bench.plotter.move_pen(30.0)
    assert bench.unit.trace.down
    bench.plotter.set_pen(False)
    assert not bench.unit.trace.down


def test_over_a_real_port_a_plan_is_drawn() -> None:
    machine = load_machine('marlin_plotter')
    with EmulatedMarlin(CARD, speedup=20.0) as emulated:
        with make_plotter(machine, emulated.port) as plotter:
            assert plotter.draw(PLAN).finished
        assert emulated.unit.trace.ink_mm == pytest.approx(PLAN.ink_mm, rel=2e-3)
