"""How much an EBB is told in advance: what the computer may be late, and what a pause has to wait."""

from __future__ import annotations

import logging

from sketch_robot.plotters.ebb_moves import MIN_SLICE_MS, SLICE_MS
from sketch_robot.plotters.ebb_queue import EbbQueue

AHEAD_MS = 50  # at first, besides what runs: a pause waits so long before it brakes
MOST_AHEAD_MS = 120  # once the computer has been late: then a pause is up to 0.1 s slower
DEEPEST = 30  # entries of the queue where it can be chosen; firmware 3.0 has 32
_MORE_MS = 20  # each time it was late
_LONGEST_MS = {True: 60, False: 40}  # of a slice by LM, and by SM, which keeps its speed all the while
_log = logging.getLogger(__name__)


class EbbAhead:
    """See the module.

    Args:
        ahead_ms: how much to queue besides what runs, as long as that is enough.
    """

    def __init__(self, ahead_ms: int = AHEAD_MS) -> None:
        self._ms = ahead_ms
        self._most_ms = max(ahead_ms, MOST_AHEAD_MS)

    @property
    def depth(self) -> int:
        """Entries that the board's queue should hold for the most of it."""
        return min(DEEPEST, self._most_ms // (SLICE_MS // 2) + 1)

    def slice_limits(self, depth: int, *, low_level: bool) -> dict[str, int]:
        """How long moves may be, for `cut`: short where many can wait."""
        slice_ms = max(SLICE_MS // 2, self._ms // 5)
        if depth == 1:
            slice_ms = min(self._ms // 2, _LONGEST_MS[low_level])
        return {'slice_ms': slice_ms, 'min_ms': MIN_SLICE_MS}

    def has_room(self, queue: EbbQueue, depth: int) -> bool:
        """Whether a board with so deep a queue would take one more entry at once, and should have it."""
        return len(queue) <= depth and queue.waiting_ms < self._ms

    def be_late(self) -> None:
        """From now on queue more: nothing was left in the middle of a line."""
        if self._ms < self._most_ms:
            self._ms = min(self._most_ms, self._ms + _MORE_MS)
            _log.info('the EBB was told too late; from now on %d ms ahead', self._ms)
