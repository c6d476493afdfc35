"""A generator too small to be good."""

from __future__ import annotations

from sketch_robot.poses.shape import PoseShape

TINY = PoseShape(widths=(4, 6, 8, 8), channels=4)
