"""A plotter that exists in time only."""

from sketch_robot.plotters.simulation.driver import SimulatedPlotter, SimulationOptions

__all__ = ['SimulatedPlotter', 'SimulationOptions']
