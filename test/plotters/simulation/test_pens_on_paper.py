"""Several pens, and pens that press, on the simulated machine: whose line is where, and how wide it is."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from drawings import Hand

from sketch_robot.motion import DrawingPlan, MachineLimits, Page, Pen, time_plan
from sketch_robot.plotters import PlotterStatus, SimulatedPlotter, SimulationOptions, paper_of
from sketch_robot.polyline import lengths_along
from sketch_robot.stroke import Stroke

BLACK, RED = Pen('black', '#000000', 0.5), Pen('red', '#c81e28', 2.0)
BRUSH = MachineLimits(lightest_mm=0.4, firmest_mm=2.4)
WAVE = np.column_stack([np.linspace(15.0, 125.0, 40), 100.0 + 20.0 * np.sin(np.linspace(0.0, 9.0, 40))])


@pytest.fixture
def plan() -> DrawingPlan:
    """Two waves and a dot that are pressed, and a line that is not."""
    strokes = (
        Stroke(WAVE, pressure=np.linspace(0.0, 1.0, 40), pen='black'),
        Stroke(WAVE[::-1] - [0.0, 50.0], pressure=0.5 + 0.5 * np.cos(np.arange(40.0)), pen='red'),
        Stroke(np.array([[20.0, 20.0]]), pressure=np.array([0.3]), pen='red'),
        Stroke(np.array([[30.0, 20.0], [60.0, 20.0]]), pen='red'),
    )
    return DrawingPlan(strokes, Page(148.0, 210.0), BRUSH, *time_plan(strokes, BRUSH), pens=(BLACK, RED))


def test_the_machine_leaves_each_pen_s_lines_as_the_plan_has_them(plan: DrawingPlan) -> None:
    with SimulatedPlotter(SimulationOptions(speedup=float('inf'), pens_at_hand=True)) as plotter:
        plotter.draw(plan)
        sheet = plotter.paper
    assert sheet is not None
    assert [line.colour for line in sheet.lines] == ['#000000', '#c81e28', '#c81e28', '#c81e28']
    assert sheet.lines[2].width_mm == pytest.approx([1.0])
    assert sheet.lines[3].width_mm == 2.0
    planned = paper_of(plan).image(4.0)
    assert planned.shape == (840, 592, 3)
    assert np.abs(sheet.image(4.0).astype(int) - planned).max() <= 1


def test_a_line_in_pieces_is_as_wide_as_in_one(plan: DrawingPlan) -> None:
    hand = Hand(0.03)
    asked: list[str] = []

    def act(event: threading.Event, seconds: float) -> bool:
        if plotter.status == PlotterStatus.PAUSED:
            asked.append(plotter.reason)
            plotter.resume()
        elif hand.waits % 40 == 25:
            plotter.pause()
        return hand.wait(event, seconds)

    plotter = SimulatedPlotter(clock=hand.clock, wait=act)
    plotter.connect()
    assert plotter.draw(plan).finished
    assert plotter.paper is not None
    assert "put in the pen 'red' (#c81e28, 2 mm), then resume" in asked
    lines = plotter.paper.lines
    assert sum(line.colour == BLACK.colour for line in lines) > 1
    along_mm = 0.0
    for line in lines:
        if line.colour == BLACK.colour:
            at_mm = along_mm + lengths_along(line.xy)
            wanted_mm = np.interp(at_mm, lengths_along(WAVE), np.linspace(0.4, 2.4, 40))
            np.testing.assert_allclose(line.width_mm, wanted_mm, atol=1e-9)
            along_mm = float(at_mm[-1])
    assert along_mm == pytest.approx(plan.strokes[0].length)


def test_a_machine_that_cannot_press_draws_with_its_pens(plan: DrawingPlan) -> None:
    stiff = MachineLimits()
    other = DrawingPlan(plan.strokes, plan.page, stiff, *time_plan(plan.strokes, stiff), pens=plan.pens)
    assert [line.width_mm for line in paper_of(other).lines] == [0.5, 2.0, 2.0, 2.0]


def test_a_pen_that_is_moved_by_hand_after_a_pressed_line_is_as_wide_as_ever(plan: DrawingPlan) -> None:
    with SimulatedPlotter(SimulationOptions(speedup=float('inf'), pens_at_hand=True)) as plotter:
        plotter.draw(plan)
        plotter.set_pen(True)
        plotter.set_pen(False)
        assert plotter.paper is not None
        assert plotter.paper.lines[-1].width_mm == 2.0
