"""Machines that put a plan on paper."""

from typing import TYPE_CHECKING

from sketch_robot.lazy import lazily

if TYPE_CHECKING:
    from sketch_robot.plotters.paper import Paper, paper_of
    from sketch_robot.plotters.plotter import Capability, Outcome, Plotter, PlotterStatus, Progress
    from sketch_robot.plotters.registry import driver_names, find_driver, find_machine, make_plotter, register_plotter
    from sketch_robot.plotters.simulation import SimulatedPlotter, SimulationOptions

__all__ = [
    'Capability',
    'Outcome',
    'Paper',
    'Plotter',
    'PlotterStatus',
    'Progress',
    'SimulatedPlotter',
    'SimulationOptions',
    'driver_names',
    'find_driver',
    'find_machine',
    'make_plotter',
    'paper_of',
    'register_plotter',
]

__getattr__ = lazily(
    __name__,
    paper='Paper paper_of',
    plotter='Capability Outcome Plotter PlotterStatus Progress',
    registry='driver_names find_driver find_machine make_plotter register_plotter',
    simulation='SimulatedPlotter SimulationOptions',
)
