"""Asks a GRBL controller where it stands: its first report, and the zero of its programs."""

from __future__ import annotations

import numpy as np

from sketch_robot.plotters.grbl_events import AlarmError, Damaged, silent
from sketch_robot.plotters.grbl_memory import OFFSETS
from sketch_robot.plotters.grbl_status import Banner, Note, Report
from sketch_robot.plotters.grbl_stream import GrblStream
from sketch_robot.plotters.serial_link import Link

CONNECT_S = 8.0  # an Arduino's boot loader takes 2
ASK_AGAIN_S = 0.25
WCO_REPORTS = 40  # the offset is in one of so many reports


def first_report(stream: GrblStream, link: Link) -> tuple[Report, bool]:
    """Wait until it speaks; whether it has just started.

    Raises:
        SketchRobotError: PLOTTER_OFFLINE, nobody answers.
    """
    end_s, has_started = link.now_s() + CONNECT_S, False
    while link.now_s() < end_s:
        stream.ask()
        again_s = link.now_s() + ASK_AGAIN_S
        while (left_s := again_s - link.now_s()) > 0.0:
            try:
                answer = stream.read(left_s, may_start=True)
            except (Damaged, AlarmError):
                continue  # the end of what it said to whoever had the port before
            has_started = has_started or isinstance(answer, Banner)
            if isinstance(answer, Report):
                return answer, has_started
    raise silent(link.port)


def read_zero(stream: GrblStream) -> np.ndarray:
    """(2,) machine coordinates of the program's zero, G54.

    Raises:
        Damaged: the answer makes no sense.
    """
    notes = [note for note in stream.command_if_known(OFFSETS) if isinstance(note, Note)]
    if not notes:
        return _reported_zero(stream)
    told = next((note.values('G54') or '' for note in notes if note.values('G54')), '')
    try:
        x, y = told.split(',')[:2]
        return np.array([float(x), float(y)])
    except ValueError as error:
        raise Damaged(f'the controller told the offsets {told!r}') from error


def _reported_zero(stream: GrblStream) -> np.ndarray:
    """The same from reports, of a controller that does not know `$#`; 0: they do not tell either."""
    for _ in range(WCO_REPORTS):
        offset = stream.look().offset_mm
        if offset is not None:
            return np.array(offset[:2])
    return np.zeros(2)
