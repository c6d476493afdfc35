"""AxiDraws and other machines with an EBB (EiBotBoard): the protocol of its public command reference, 2.x and 3.0."""

from sketch_robot.plotters.ebb.driver import EbbPlotter
from sketch_robot.plotters.ebb.options import EbbOptions

__all__ = ['EbbOptions', 'EbbPlotter']
