"""Test with the robot, without camera, plotter or screen.

A `World` is a ROS domain of a test's own: it starts the whole graph or single nodes as processes, plays the camera,
collects what is published, lets things go wrong, and hands back the paper as a picture. The fixtures `world` and
`shared_world` make one; a project's conftest.py gets them with

    pytest_plugins = ['sketch_robot.testing.fixtures']

docs/testing.md shows how.
"""

from sketch_robot.testing.camera import SimulatedCamera
from sketch_robot.testing.faces import moving_face, synthetic_face
from sketch_robot.testing.world import DrawCall, Probe, Running, World, fresh_domain, fresh_world

__all__ = [
    'DrawCall',
    'Probe',
    'Running',
    'SimulatedCamera',
    'World',
    'fresh_domain',
    'fresh_world',
    'moving_face',
    'synthetic_face',
]
