"""Exceptions to named failures, in one place."""

from __future__ import annotations

import logging

from sketch_robot.errors import ErrorCode, SketchRobotError

_log = logging.getLogger(__name__)


def failure_of(error: BaseException) -> SketchRobotError:
    """The failure to report: its own if it has a name, else INTERNAL, with the traceback in the log."""
    if isinstance(error, SketchRobotError):
        return error
    _log.error('a defect', exc_info=error)
    return SketchRobotError(ErrorCode.INTERNAL, f'{type(error).__name__}: {error}; the log has the traceback')
