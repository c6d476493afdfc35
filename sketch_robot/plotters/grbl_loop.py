"""One drawing on a GRBL machine: stroke after stroke, halted and taken up again whatever comes between."""

from __future__ import annotations

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.grbl_check import does_without_arcs
from sketch_robot.plotters.grbl_client import GrblClient
from sketch_robot.plotters.grbl_drawing import GrblDrawing
from sketch_robot.plotters.grbl_events import AlarmError, Damaged, Held, Refused, RestartError, too_noisy
from sketch_robot.plotters.grbl_failures import Failures
from sketch_robot.plotters.grbl_hand import GrblHand, PauseWanted
from sketch_robot.plotters.session import Stopped, pen_changes, pen_request


def draw_all(drawing: GrblDrawing, client: GrblClient, hand: GrblHand, *, recoveries: int) -> bool:
    """Draw all strokes, however often that is interrupted; the pen is up then.

    Args:
        recoveries: how often a stroke goes on by itself after something was lost on the line.

    Returns:
        Whether all of it was drawn; else that was stopped.

    Raises:
        SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; of the journal, it cannot be written.
    """
    plan = drawing.remainder.plan
    changes = pen_changes(plan, drawing.remainder.first)
    asked, failures = -1, Failures(client.stream, recoveries)
    while not drawing.finished:
        try:
            number = drawing.number
            if changes[number] and asked != number:
                asked = number
                hand.stand_paused(pen_request(plan, changes[number]))
            end = next((later for later in range(number + 1, len(changes)) if changes[later]), len(changes))
            hand.run(drawing.steps(end), drawing)
        except (PauseWanted, Held) as wish:
            try:
                if not hand.halt(drawing):
                    hand.stand_paused('' if isinstance(wish, PauseWanted) else str(wish))
            except Stopped:
                return False
        except Stopped:
            hand.halt(drawing)
            return False
        except Damaged as damage:
            hopeless = failures.note(damage, number)
            try:
                hand.halt(drawing)
            except Stopped:
                return False
            if hopeless and isinstance(damage, Refused):
                if does_without_arcs(damage, drawing, client):
                    failures.forget()
                    continue
                raise SketchRobotError(
                    ErrorCode.PLOTTER_ALARM,
                    f'{damage}, and so the others that were tried; the drawing was halted with the pen up',
                ) from damage
            if hopeless:
                raise too_noisy(client.link.port) from damage
        except (AlarmError, RestartError) as stop:
            hand.note_place(drawing, stop)
            raise
        except BaseException as error:  # of the journal or of `on_progress`: the pen must not stay down
            if not (isinstance(error, SketchRobotError) and error.code == ErrorCode.PLOTTER_OFFLINE):
                hand.halt(drawing, quietly=True)
            raise
    return True
