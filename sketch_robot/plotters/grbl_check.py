"""Checks a drawing's program before anything moves: the controller parses all lines without moving (`$C`)."""

from __future__ import annotations

import logging
from dataclasses import replace

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.grbl_client import GrblClient
from sketch_robot.plotters.grbl_drawing import GrblDrawing
from sketch_robot.plotters.grbl_events import AlarmError, CommandError, Damaged, Refused, too_noisy
from sketch_robot.plotters.grbl_port import UNKNOWN_COMMAND
from sketch_robot.plotters.grbl_step import Kind
from sketch_robot.plotters.session import Session

CHECKS = 3
NOT_SUPPORTED = 20  # the error of a word that a controller does not know
_log = logging.getLogger(__name__)


def check_program(drawing: GrblDrawing, client: GrblClient, session: Session) -> None:
    """Let the controller parse all lines without moving.

    Raises:
        SketchRobotError: PLOTTER_ALARM, it refuses one; OFF_PAGE, one leads out of the machine.
        Stopped: on request.
    """
    refused = b''
    for _ in range(CHECKS):
        try:
            client.stream.command('$C')
            client.stream.check(drawing.steps(len(drawing.strokes)), session.meet)
            client.recover()
        except Refused as refusal:
            client.recover()
            if refusal.step.data == refused and not does_without_arcs(refusal, drawing, client):
                raise SketchRobotError(
                    ErrorCode.PLOTTER_ALARM,
                    f'the controller refuses the line {refused.decode().strip()!r} of this drawing: '
                    f'{refusal.error.text}; nothing was drawn',
                ) from refusal
            refused = refusal.step.data
        except CommandError as error:
            if error.number not in UNKNOWN_COMMAND:
                raise
            _log.warning('%s; the program is not checked before it is drawn', error.message)
            return
        except Damaged as damage:
            _log.info('checking the program again: %s', damage)
            client.recover()
        except AlarmError as alarm:
            if alarm.loses_position:
                raise
            client.make_safe(keep_position=True)
            client.set_up()
            raise SketchRobotError(
                ErrorCode.OFF_PAGE,
                'part of the page is outside the machine; set the origin, or take a smaller page',
            ) from alarm
        else:
            return
    raise too_noisy(client.link.port)


def does_without_arcs(refusal: Refused, drawing: GrblDrawing, client: GrblClient) -> bool:
    """Whether a controller was found to know no arcs just now; the drawing then goes without."""
    if not (drawing.program.has_arcs and refusal.step.kind == Kind.PROBE and refusal.error.code == NOT_SUPPORTED):
        return False
    _log.warning('this controller knows no arcs: what is lost or changed on the line may not be noticed')
    client.has_arcs = False
    drawing.program = replace(drawing.program, has_arcs=False)
    return True
