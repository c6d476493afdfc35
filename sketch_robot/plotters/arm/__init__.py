"""Serial arms that hold a pen."""

from sketch_robot.plotters.arm.driver import ArmPlotter
from sketch_robot.plotters.arm.trajectory import JointSample, JointTrajectory
from sketch_robot.plotters.arm.transport import ArmTransport

__all__ = ['ArmPlotter', 'ArmTransport', 'JointSample', 'JointTrajectory']
