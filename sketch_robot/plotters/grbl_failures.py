"""What went wrong in a drawing on a GRBL machine, and whether it is worth while to go on."""

from __future__ import annotations

import logging

from sketch_robot.plotters.grbl_events import Damaged, Doubtful, Miscounted, PenUnlike, Refused
from sketch_robot.plotters.grbl_stream import GrblStream

DOUBTS = 4  # of one kind in a stroke, and nothing else: it is not the line that is at fault
REFUSALS = 5  # for one reason in a stroke, and nothing else
_log = logging.getLogger(__name__)


class Failures:
    """Those of one stroke; with each stroke that is on paper they are forgotten.

    Args:
        stream: is told what it shall not compare any more.
        most: of one stroke.
    """

    def __init__(self, stream: GrblStream, most: int) -> None:
        self._stream, self._most = stream, most
        self._stroke = -1
        self._kinds: list[object] = []

    def note(self, damage: Damaged, stroke: int) -> bool:
        """Take note of a failure in a stroke; returns whether there is no hope left."""
        if stroke != self._stroke:
            self._stroke, self._kinds = stroke, []
        self._kinds.append(_kind_of(damage))
        _log.warning('%s; drawing on from there (%d of %d)', damage, len(self._kinds), self._most)
        if self._is_alone(DOUBTS) and isinstance(damage, Doubtful):
            self._believe_no_more(damage)
        return len(self._kinds) > self._most or (isinstance(damage, Refused) and self._is_alone(REFUSALS))

    def forget(self) -> None:
        """What they came from was put right."""
        self._kinds = []

    def _is_alone(self, times: int) -> bool:
        return len(self._kinds) == times and len(set(self._kinds)) == 1

    def _believe_no_more(self, doubt: Doubtful) -> None:
        if isinstance(doubt, Miscounted):
            _log.warning('this controller counts waiting bytes in a way of its own; they are not compared')
            self._stream.audited = False
        else:
            _log.warning('this controller does not tell S as it was set; it is not compared')
            self._stream.tells_pen = False


def _kind_of(damage: Damaged) -> object:
    if isinstance(damage, Refused):
        return damage.error.code
    return damage.told if isinstance(damage, PenUnlike) else type(damage)
