"""A simulated machine that is lost in mid-stroke, and machines made with options that do not exist."""

from __future__ import annotations

import numpy as np
import pytest
from drawings import Hand, is_at_rest, ladder, length_of, plan_of

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters import PlotterStatus, SimulatedPlotter, SimulationOptions, make_plotter


@pytest.mark.parametrize('after', [0, 1, 2])
def test_a_machine_lost_in_mid_stroke_has_its_pen_up_and_half_the_stroke_on_paper(after: int) -> None:
    plotter = Hand(0.01).machine(offline_after_strokes=after)
    with pytest.raises(SketchRobotError, match=f'lost within a stroke after {after} strokes') as caught:
        plotter.draw(ladder(3))
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    assert plotter.status == PlotterStatus.OFFLINE
    assert is_at_rest(plotter)
    assert plotter.progress.strokes_done == after
    assert plotter.paper is not None
    lengths = [length_of(line) for line in plotter.paper.polylines]
    assert lengths == pytest.approx([100.0] * after + [50.0])


def test_a_lost_machine_refuses_all_until_it_is_connected_again() -> None:
    plotter = Hand(0.01).machine(offline_after_strokes=1)
    with pytest.raises(SketchRobotError):
        plotter.draw(ladder(3))
    for act in (lambda: plotter.draw(ladder(1)), plotter.home, lambda: plotter.set_pen(True)):
        with pytest.raises(SketchRobotError, match='connect it first') as caught:
            act()
        assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    plotter.connect()
    plotter.home()
    assert plotter.draw(ladder(1)).finished


def test_a_machine_lost_on_a_dot_leaves_the_dot_with_the_pen_up() -> None:
    plotter = Hand(0.01).machine(offline_after_strokes=0)
    with pytest.raises(SketchRobotError, match='lost within a stroke'):
        plotter.draw(plan_of([[30.0, 30.0]]))
    assert is_at_rest(plotter)
    assert plotter.paper is not None
    assert np.array_equal(plotter.paper.polylines, [[[30.0, 30.0]]])


def test_a_loss_beyond_the_last_stroke_never_comes() -> None:
    assert Hand(0.01).machine(offline_after_strokes=3).draw(ladder(3)).finished


def test_a_loss_after_less_than_no_strokes_is_refused() -> None:
    with pytest.raises(SketchRobotError, match='offline_after_strokes must be at least 0, not -1') as caught:
        SimulatedPlotter(SimulationOptions(offline_after_strokes=-1))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_an_option_that_a_driver_does_not_take_is_refused_with_those_that_it_takes() -> None:
    with pytest.raises(SketchRobotError, match=r"'simulated' takes no option 'port'; it takes: speedup, ") as caught:
        make_plotter('simulated', port='/dev/ttyUSB0', speedup=2.0)
    assert caught.value.code == ErrorCode.BAD_GOAL
