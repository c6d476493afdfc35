"""Plotters of machines, by name or file."""

import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine import Machine, load_machine, save_machine
from sketch_robot.plotters import PLOTTERS, SimulatedPlotter, make_plotter
from sketch_robot.plotters.grbl import GrblPlotter


def test_a_machines_driver_gets_its_options_profile_and_port(tmp_path):
    machine = Machine('mine', driver='grbl', options={'baud': 250000, 'pen': {'type': 'z', 'up': 5.0, 'down': 0.5}})
    save_machine(machine, tmp_path / 'mine.yaml')
    for named in (machine, str(tmp_path / 'mine.yaml')):
        plotter = make_plotter(named, '/dev/ttyUSB7')
        assert isinstance(plotter, GrblPlotter)
        assert plotter.client.link.port == '/dev/ttyUSB7'
        assert plotter.client.options.pen.up == 5.0
        assert plotter.client.options.profile == load_machine(tmp_path / 'mine.yaml').motion


def test_the_machines_that_come_with_it_can_be_made():
    assert isinstance(make_plotter('default'), SimulatedPlotter)
    assert isinstance(make_plotter('grbl_plotter', '/dev/ttyUSB0'), GrblPlotter)
    assert isinstance(make_plotter('axidraw', '/dev/ttyACM0'), PLOTTERS['ebb'])


def test_options_of_the_call_go_before_those_of_the_file():
    machine = Machine('mine', driver='simulated', options={'speedup': 2.0})
    assert isinstance(make_plotter(machine, speedup=5.0), SimulatedPlotter)
    with pytest.raises(SketchRobotError, match="'simulated' takes no option 'colour'") as caught:
        make_plotter(Machine('mine', driver='simulated', options={'colour': 'red'}))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_an_unknown_driver_is_refused_with_those_that_exist():
    with pytest.raises(SketchRobotError, match=r"unknown driver 'quill'; choose one of: arm, ebb, grbl") as caught:
        make_plotter(Machine('mine', driver='quill'))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_drivers_are_listed_without_being_loaded():
    assert set(PLOTTERS) == {'simulated', 'grbl', 'ebb', 'arm'}
    assert len(PLOTTERS) == 4
    with pytest.raises(KeyError):
        PLOTTERS['quill']
