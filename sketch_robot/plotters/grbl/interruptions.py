"""What can come between a program and a GRBL controller."""

from __future__ import annotations

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.grbl.program import Step
from sketch_robot.plotters.grbl.status import Alarm, Error
from sketch_robot.plotters.serial_link import Link
from sketch_robot.plotters.setup.find import ask_name


class Damaged(Exception):  # noqa: N818  an event: the drawing halts and goes on
    """What was sent or answered has not arrived as it was."""


class Doubtful(Damaged):
    """A report tells something that cannot be; if it goes on, this controller may tell it in a way of its own."""


class Miscounted(Doubtful):
    """Not as many bytes wait in the controller as should."""


class PenUnseen(Doubtful):
    """A stroke was answered, but no report has told that the pen was down for it."""


class PenUnlike(Doubtful):
    """S is not what was set."""

    def __init__(self, told: float, wanted: float) -> None:
        super().__init__(f'S is {told:g}, not {wanted:g}')
        self.told = told


class Refused(Damaged):
    """A line of a program was answered with an error."""

    def __init__(self, step: Step, error: Error) -> None:
        super().__init__(f'the controller refused the line {step.data!r}: {error.text}')
        self.step, self.error = step, error


class HoldRequested(Exception):  # noqa: N818  an event
    """Somebody else has stopped the machine, as with its own button; the text says how, for people."""


class DoorOpen(HoldRequested):
    """The safety door is open: until it is closed, the controller takes no lines."""

    def __init__(self) -> None:
        super().__init__('the safety door of the machine is open; close it')


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


def restarted() -> RestartError:
    """The error of a controller that has started anew by itself."""
    return RestartError(
        ErrorCode.PLOTTER_ALARM,
        'the GRBL controller started anew in the middle and lost its position; check its power and USB cable, '
        'home it, then resume',
    )


def held_up(held: HoldRequested) -> SketchRobotError:
    """The error of a machine that cannot go on before somebody has freed it."""
    return SketchRobotError(ErrorCode.PLOTTER_ALARM, f'{held}; home the machine, then resume')


def silent(port: str) -> SketchRobotError:
    """The error of a controller that does not answer."""
    return SketchRobotError(
        ErrorCode.PLOTTER_OFFLINE,
        f'the GRBL controller at {port} does not answer; check its power, its cable and the baud rate',
    )


def not_grbl(link: Link) -> SketchRobotError | None:
    """The error of another firmware, when it tells its name."""
    name = ask_name(link)
    if not name:
        return None
    return SketchRobotError(
        ErrorCode.PLOTTER_OFFLINE,
        f'at {link.port} answers {name}, not GRBL; name a machine with a driver for that, or another port: '
        '`sketch-robot machine list` tells who is where',
    )


def too_noisy(port: str) -> SketchRobotError:
    """The error of a line on which too much is lost."""
    return SketchRobotError(
        ErrorCode.PLOTTER_ALARM,
        f'too much is lost on the line to {port}; check the cable and what runs beside it, home the machine, then '
        'resume',
    )


def unlike_grbl(port: str, damage: Damaged) -> SketchRobotError:
    """The error of a controller whose answers make no sense while it is connected."""
    return SketchRobotError(
        ErrorCode.PLOTTER_OFFLINE,
        f'the GRBL controller at {port} does not answer as it should ({damage}); check the baud rate, its cable and '
        'what runs beside it',
    )
