"""What a GRBL controller keeps until it restarts, so that a later run knows one again that was not restarted meanwhile.

That is a number, the token, left in the length of the tool, which shifts z alone, or in S where the pen is on the z
axis; and F of its parser, which tells which stroke was finished last; see `grbl_step`.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass

from sketch_robot.plotters.grbl_events import CommandError, Damaged
from sketch_robot.plotters.grbl_pen import PenLift
from sketch_robot.plotters.grbl_port import ASKINGS, COMMAND_S
from sketch_robot.plotters.grbl_status import Error, Note, Ok, Report
from sketch_robot.plotters.grbl_stream import GrblStream

MOVING = -1  # token of a controller that could not be asked
DRAIN_S = 0.1
TOKENS = 1000
NOT_A_LINE = b'#\n'  # refused whatever half a line it ends; one alone could be carried out
OFFSETS, PARSER = '$#', '$G'
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """How a controller was found that had not been restarted.

    Attributes:
        report: of its standstill.
        token: that an earlier run left; 0: none; MOVING: it could not be asked.
        feed: F of its parser; None: it could not be asked.
    """

    report: Report
    token: int
    feed: int | None = None


def find(stream: GrblStream, pen: PenLift, report: Report) -> Found | None:
    """How a controller stands that has not been restarted, and who was here before; None: it is locked, or asleep.

    Raises:
        SketchRobotError, AlarmError, RestartError: as `GrblPort.halt` and `GrblPort.look`.
    """
    if report.state in ('Run', 'Hold', 'Jog', 'Home', 'Door'):
        return Found(stream.halt(), MOVING)
    if report.state != 'Idle':
        return None
    _end_line(stream)
    token, words = 0, {}
    for _ in range(2 * ASKINGS):
        try:
            words = _parser_words(stream)
            token = words.get('S', 0) if pen.kind == 'z' else _read_token(stream)
            break
        except CommandError as error:
            _log.info('%s', error.message)
        except Damaged:
            stream.drain(DRAIN_S)  # or its rest would answer the next question
    return Found(stream.look(), token, words.get('F', 0))


def leave_token(stream: GrblStream, pen: PenLift, token: int) -> int:
    """Leave a token; 0: any.

    Returns:
        it; 0: this controller keeps none.

    Raises:
        as `GrblPort.command`, but for a refusal.
    """
    token = token or 1 + secrets.randbelow(TOKENS - 1)
    try:
        stream.command(f'S{token}' if pen.kind == 'z' else f'G43.1Z{token / TOKENS:.3f}')
    except CommandError as error:
        _log.info('%s; after connecting again it will not be known whether it was restarted', error.message)
        return 0
    return token


def _end_line(stream: GrblStream) -> None:
    """Have half a line refused that somebody else may have left."""
    stream.link.write(NOT_A_LINE)
    end_s = stream.link.now_s() + COMMAND_S
    while (left_s := end_s - stream.link.now_s()) > 0.0:
        with suppress(Damaged):
            if isinstance(stream.read(left_s), Ok | Error):
                break
    stream.drain(DRAIN_S)


def _parser_words(stream: GrblStream) -> dict[str, int]:
    """The words of `$G` that occur once, as F and S, by letter."""
    told = next((note.values('GC') or '' for note in _notes(stream, PARSER) if note.values('GC')), '')
    numbers = ((word[0], word[1:].split('.')[0]) for word in told.split())
    return {letter: int(number) for letter, number in numbers if number.isdigit()}


def _read_token(stream: GrblStream) -> int:
    """The number that `leave_token` left; 0: none."""
    told = next((note.values('TLO') or '' for note in _notes(stream, OFFSETS) if note.values('TLO')), '')
    try:
        return round(float(told.split(',')[0]) * TOKENS)
    except (ValueError, OverflowError) as error:
        raise Damaged(f'the controller told the tool length {told!r}') from error


def _notes(stream: GrblStream, line: str) -> list[Note]:
    return [note for note in stream.command(line) if isinstance(note, Note)]
