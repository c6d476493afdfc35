"""Serial arms that hold a pen."""

from sketch_robot.plotters.arm.driver import ArmPlotter
from sketch_robot.plotters.arm.setup import ArmOptions
from sketch_robot.plotters.arm.transport import ArmTransport, JointSample, JointTrajectory

__all__ = ['ArmOptions', 'ArmPlotter', 'ArmTransport', 'JointSample', 'JointTrajectory']
