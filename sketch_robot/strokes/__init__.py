"""From line art to centre lines worth drawing."""

from sketch_robot.stroke import LABELS, Stroke

__all__ = ['LABELS', 'Stroke']
