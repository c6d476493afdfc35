"""The named failures of a drawing, the same in Python and over ROS.

The numbers are those of the constants in `sketch_robot_interfaces/action/Draw.action`; a test holds them together.
"""

from __future__ import annotations

from enum import IntEnum


class ErrorCode(IntEnum):
    """Why a drawing did not come about; 0 when it did."""

    OK = 0
    NO_FRAME = 1  # the camera gave no (new) picture in time
    NO_FACE = 2  # a face is required and none was found
    BAD_IMAGE = 3  # a picture cannot be read or decoded
    BAD_GOAL = 4  # page, budget, artist, style or option is unusable
    NOTHING_TO_DRAW = 5  # no stroke is left to draw
    PLOTTER_OFFLINE = 6  # no machine answers
    PLOTTER_ALARM = 7  # the machine stopped itself
    CANCELLED = 8  # a client asked to stop
    BUSY = 9  # another drawing is running
    INTERNAL = 10  # a defect of this program; the log has the traceback
    NODE_LOST = 11  # a node of the graph went away in the middle
    CLIENT_LOST = 12  # whoever asked for the drawing went away in the middle
    OFF_PAGE = 13  # a plan would move the pen outside the page
    BAD_PLAN = 14  # a plan or stroke file cannot be read
    NO_BODY = 15  # a pose needs one person from head to feet, and the photo shows something else


def printable(text: str) -> str:
    """A text that every log, message and terminal takes: what is no UTF-8, as in names of files, as `\\udcff`.

    Python keeps such a byte as a surrogate (PEP 383), which ROS refuses in messages and log lines.
    """
    return text.encode('utf-8', 'backslashreplace').decode()


class SketchRobotError(Exception):
    """A failure with a name and a message for a person.

    Args:
        code: which failure.
        message: what was wrong and what to do, in one line.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(printable(message))
        self.code = code
        self.message = printable(message)

    def __str__(self) -> str:
        return f'{self.code.name}: {self.message}'
