"""Plotters of machines, by name or file."""

import subprocess
import sys

import pytest
from drawings import ladder

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine import Machine, load_machine, save_machine
from sketch_robot.plotters import (
    Capability,
    PlotterStatus,
    SimulatedPlotter,
    driver_names,
    find_driver,
    find_machine,
    make_plotter,
    registry,
)
from sketch_robot.plotters.ebb import EbbPlotter
from sketch_robot.plotters.grbl.driver import GrblPlotter

LADDER = ladder(2)


def test_a_machines_driver_gets_its_options_profile_and_port(tmp_path):
    machine = Machine('mine', driver='grbl', options={'baud': 250000, 'pen': {'type': 'z', 'up': 5.0, 'down': 0.5}})
    save_machine(machine, tmp_path / 'mine.yaml')
    for named in (machine, str(tmp_path / 'mine.yaml')):
        plotter = make_plotter(named, '/dev/ttyUSB7')
        assert isinstance(plotter, GrblPlotter)
        assert plotter._link.port == '/dev/ttyUSB7'
        assert plotter._client._options.pen.up == 5.0
        assert plotter._limits == load_machine(tmp_path / 'mine.yaml').motion


def test_the_machines_that_come_with_it_can_be_made():
    assert isinstance(make_plotter('default'), SimulatedPlotter)
    assert isinstance(make_plotter('grbl_plotter', '/dev/ttyUSB0'), GrblPlotter)
    assert isinstance(make_plotter('axidraw', '/dev/ttyACM0'), EbbPlotter)


def test_options_of_the_call_go_before_those_of_the_file():
    machine = Machine('mine', driver='simulated', options={'speedup': 2.0})
    assert isinstance(make_plotter(machine, speedup=5.0), SimulatedPlotter)
    with pytest.raises(SketchRobotError, match="'simulated' takes no option 'colour'") as caught:
        make_plotter(Machine('mine', driver='simulated', options={'colour': 'red'}))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_an_unknown_driver_is_refused_with_those_that_exist():
    with pytest.raises(SketchRobotError, match=r"there is no driver 'quill'; choose one of: arm, ebb, grbl") as caught:
        make_plotter(Machine('mine', driver='quill'))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_a_machine_is_named_by_its_name_its_file_or_its_driver():
    assert find_machine('simulated').driver == 'simulated'
    assert find_machine('grbl_plotter').driver == 'grbl'
    assert find_machine('config/machines/axidraw.yaml').driver == 'ebb'


def test_drivers_are_listed_without_being_loaded():
    listing = (
        'import sys, sketch_robot.plotters as p; print(p.driver_names(), "sketch_robot.plotters.arm" in sys.modules)'
    )
    told = subprocess.run([sys.executable, '-c', listing], capture_output=True, text=True, check=True)
    assert {'arm', 'ebb', 'grbl', 'simulated'} <= set(driver_names())
    assert told.stdout.strip() == f'{driver_names()} False'


def test_a_machine_whose_port_nobody_knows_is_refused_before_it_is_connected():
    with pytest.raises(
        SketchRobotError, match=r"where the machine 'grbl_plotter' is plugged in is not known"
    ) as caught:
        make_plotter('grbl_plotter')
    assert caught.value.code == ErrorCode.BAD_GOAL


QUILL = """
from dataclasses import dataclass
from sketch_robot.plotters import SimulatedPlotter, register_plotter
from sketch_robot.plotters.options import DriverOptions
from sketch_robot.plotters.simulation import SimulationOptions

@dataclass(frozen=True)
class QuillOptions(SimulationOptions):
    feather: str = 'goose'

@register_plotter('quill', QuillOptions)
class QuillPlotter(SimulatedPlotter):
    def describe(self):
        return {**super().describe(), 'feather': self._options.feather}
"""


@pytest.fixture
def quill_package(tmp_path, monkeypatch):
    """A driver that comes as a Python package of its own."""
    (tmp_path / 'quill_plotter.py').write_text(QUILL)
    info = tmp_path / 'quill_plotter-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: quill_plotter\nVersion: 1.0\n')
    (info / 'entry_points.txt').write_text('[sketch_robot.plotters]\nquill = quill_plotter\nworn = no_such_module\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._modules.cache_clear()
    yield
    registry._registered.pop('quill', None)
    registry._modules.cache_clear()


def test_a_driver_can_come_as_a_package_with_an_entry_point(quill_package):
    assert 'quill' in driver_names()
    plotter = make_plotter(Machine('mine', driver='quill', options={'feather': 'swan', 'speedup': 2}))
    assert plotter.describe() == {'status': 'offline', 'reason': '', 'feather': 'swan'}


def test_a_driver_that_cannot_be_loaded_says_why(quill_package):
    with pytest.raises(SketchRobotError, match=r"'worn' cannot be loaded: No module named 'no_such_module'"):
        make_plotter(Machine('mine', driver='worn'))


@pytest.mark.parametrize('name', ['default', 'grbl_plotter', 'axidraw', 'arm'])
def test_what_a_machine_cannot_do_is_refused_and_what_it_says_it_can_is_there(name):
    plotter = make_plotter(name, None if name in ('default', 'arm') else '/dev/ttyUSB0')
    can = {
        Capability.ORIGIN: plotter.set_origin,
        Capability.JOG: lambda: plotter.jog(1.0, 1.0),
        Capability.PEN_HEIGHTS: lambda: plotter.move_pen(50.0),
        Capability.PROGRAM: lambda: list(plotter.program(LADDER)),
    }
    for capability, use in can.items():
        if capability in plotter.capabilities:
            continue
        with pytest.raises(SketchRobotError, match='this machine cannot') as caught:
            use()
        assert caught.value.code == ErrorCode.BAD_GOAL
    options = find_driver(load_machine(name).driver).options.keys()
    assert ('origin_is_set' in options) == (Capability.ORIGIN in plotter.capabilities)
    assert ('correction' in options) == (Capability.CORRECTION in plotter.capabilities)
    assert ('speedup' in options) == (Capability.SIMULATION in plotter.capabilities)
    assert plotter.describe().keys() >= {'status', 'reason'}
    assert plotter.status == PlotterStatus.OFFLINE
