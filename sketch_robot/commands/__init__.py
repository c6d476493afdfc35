"""The commands of `sketch-robot`: one module each, whose `add_commands` adds it to the command line.

A command imports the rooms that it needs when it runs, so that `--help` and errors come at once.
"""

from __future__ import annotations

from sketch_robot.errors import SketchRobotError

# in the order in which `--help` lists them
MODULES = ('draw', 'plan', 'trace', 'order', 'time', 'plot', 'machine', 'emulate')


class UsageError(SketchRobotError):
    """An argument with a value that cannot be used; the exit status is 2."""
