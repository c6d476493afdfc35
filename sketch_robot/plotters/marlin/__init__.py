"""Plotters and printers that run Marlin, with a pen."""

from sketch_robot.plotters.marlin.driver import MarlinOptions, MarlinPlotter

__all__ = ['MarlinOptions', 'MarlinPlotter']
