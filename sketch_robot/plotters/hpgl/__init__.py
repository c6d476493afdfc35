"""Plotters that speak HP-GL over a serial line: the HP 7475A and its kin."""

from sketch_robot.plotters.hpgl.driver import HpglOptions, HpglPlotter

__all__ = ['HpglOptions', 'HpglPlotter']
