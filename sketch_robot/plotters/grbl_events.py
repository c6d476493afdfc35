"""What can come between a program and a GRBL controller."""

from __future__ import annotations

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.grbl_status import Alarm, Error
from sketch_robot.plotters.grbl_step import Step


class Damaged(Exception):  # noqa: N818  an event: the drawing halts and goes on
    """What was sent or answered has not arrived as it was."""


class Miscounted(Damaged):
    """Not as many bytes wait in the controller as should."""


class Refused(Damaged):
    """A line of a program was answered with an error."""

    def __init__(self, step: Step, error: Error) -> None:
        super().__init__(f'the controller refused the line {step.data!r}: {error.text}')
        self.step, self.error = step, error


class Held(Exception):  # noqa: N818  an event
    """Somebody else has stopped the machine, as with its own button."""


class RestartError(SketchRobotError):
    """The controller has started anew by itself, and does not know where it is."""


class AlarmError(SketchRobotError):
    """The controller has stopped itself."""

    def __init__(self, alarm: Alarm) -> None:
        what = f'raised {alarm.text}' if alarm.code else 'is locked after an alarm'
        super().__init__(ErrorCode.PLOTTER_ALARM, f'the GRBL controller {what}; home it, then resume')
        self.loses_position = alarm.loses_position


class CommandError(SketchRobotError):
    """A single line was answered with an error."""

    def __init__(self, line: str, error: Error) -> None:
        super().__init__(ErrorCode.PLOTTER_ALARM, f'the GRBL controller refused {line!r}: {error.text}')
        self.number = error.code


def silent(port: str) -> SketchRobotError:
    """The error of a controller that does not answer."""
    return SketchRobotError(
        ErrorCode.PLOTTER_OFFLINE,
        f'the GRBL controller at {port} does not answer; check its power, its cable and the baud rate',
    )
