"""Machines that put a plan on paper."""

from sketch_robot.plotters.paper import Paper, paper_of
from sketch_robot.plotters.plotter import Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.registry import PLOTTERS, make_plotter
from sketch_robot.plotters.simulated import SimulatedPlotter

__all__ = [
    'PLOTTERS',
    'Outcome',
    'Paper',
    'Plotter',
    'PlotterStatus',
    'Progress',
    'SimulatedPlotter',
    'make_plotter',
    'paper_of',
]
