"""How much an EBB is told in advance, and when: enough to draw on while words are on their way, and never more.

A pause brakes after what has been told, so that must not take longer than a pause may wait. What the board has yet to
do is known from what it was told, and by the clock: each entry takes its time. A look at the board tells what is left
at some moment between the question and its answer, which puts the reckoning right; in between it is taken that the way
there and the way back take the same time. So the board is kept as far ahead however long its answers take.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

from sketch_robot.plotters.ebb_moves import MIN_SLICE_MS, SLICE_MS
from sketch_robot.plotters.ebb_queue import EbbQueue, Entry

AHEAD_MS = 50  # all that is told and not done: a pause waits so long before it brakes
REACT_MS = 7  # of it, for the program to hear of the pause, and for whole milliseconds
LATE_MS = 12.0  # a computer is often so late; what the board has for certain must last longer
SILENT_S = 0.015  # without an answer, longer than one took lately: then nothing more is told
DEEPEST = 30  # entries of the queue where it can be chosen; firmware 3.0 has 32
_LOOKS = 12  # of which the quickest and the slowest tell how long answers take
_LONGEST_MS = {True: 60, False: 40}  # of a slice by LM, and by SM, which keeps its speed all the while


class EbbPace:
    """See the module.

    Args:
        ahead_ms: the most that is told in advance.
    """

    def __init__(self, ahead_ms: int = AHEAD_MS) -> None:
        self._ms = ahead_ms - REACT_MS
        self._end_s = 0.0  # when all that was told will be done
        self._trips_s: deque[float] = deque(maxlen=_LOOKS)

    @property
    def depth(self) -> int:
        """Entries that the board's queue should hold for the most of it."""
        return min(DEEPEST, self._ms // MIN_SLICE_MS + 2)

    def slice_limits(self, depth: int, *, low_level: bool) -> dict[str, int]:
        """How long moves may be, for `cut`: short where many can wait."""
        slice_ms = max(SLICE_MS // 2, self._ms // 5)
        if depth == 1:
            room_ms = self._ms - 1000.0 * self._way_s - LATE_MS  # for the next to be on its way in time
            slice_ms = min(self._ms // 2, max(SLICE_MS // 2, int(room_ms)), _LONGEST_MS[low_level])
        return {'slice_ms': slice_ms, 'min_ms': MIN_SLICE_MS}

    # ------------------------------------------------------------- reckoning
    def told(self, entry: Entry) -> None:
        """The board was told something more."""
        self._end_s = max(self._end_s, entry.told_s + self._way_s) + 0.001 * entry.ms

    def seen(self, left_ms: tuple[float, float], later: list[Entry], asked_s: float, heard_s: float) -> None:
        """At some moment between two the board had so much left to do.

        Args:
            left_ms: of what it was told before it was asked: at least, and at most.
            later: what it was told since.
            asked_s, heard_s: the two moments.
        """
        self._trips_s.append(heard_s - asked_s)
        least_ms, most_ms = left_ms
        if most_ms <= 0.0:  # it may have been idle for long
            self._end_s = asked_s
        else:
            end_s = self._end_s - 0.001 * sum(entry.ms for entry in later)
            self._end_s = min(max(end_s, asked_s + 0.001 * least_ms), heard_s + 0.001 * most_ms)
        for entry in later:
            self.told(entry)

    def left_ms(self, now_s: float) -> float:
        """What the board has yet to do, and what is on its way to it."""
        return max(0.0, 1000.0 * (self._end_s - now_s))

    @property
    def _way_s(self) -> float:
        return 0.5 * min(self._trips_s, default=0.0)

    # ------------------------------------------------------------- room
    def has_room(
        self, entry_ms: int, queue: EbbQueue, unanswered: int, *, seen: bool, silent_s: float, depth: int, now_s: float
    ) -> bool:
        """Whether to tell one more entry now.

        Args:
            entry_ms: how long it moves; 0: it does not.
            queue: what was told and is not done yet.
            unanswered: how many of these have no answer yet.
            seen: whether the board was looked at since it was told the last of them.
            silent_s: for how long it has not answered.
            depth: how many can wait in the board besides the one that runs.
            now_s: the time.
        """
        left_ms = self.left_ms(now_s)
        if not queue:
            return True
        if left_ms + entry_ms > self._ms and left_ms > 0.0:
            return False
        if left_ms <= 0.0:  # it should be idle by now; is it?
            return unanswered == 0
        need_ms = 2000.0 * self._way_s + LATE_MS
        entries = queue.since(0)
        certain_ms = left_ms - sum(entry.ms for entry in islice(reversed(entries), unanswered))
        if unanswered and certain_ms >= need_ms:  # what comes after a move that is not obeyed would be drawn elsewhere
            return False
        if not seen and left_ms >= need_ms:
            return False
        if silent_s > max(self._trips_s, default=0.0) + SILENT_S:
            return False
        held, end_ms = 0, left_ms - 1000.0 * self._way_s
        for entry in reversed(entries):
            held += end_ms > 0.0
            end_ms -= entry.ms
        return held <= depth or left_ms < need_ms  # one that waits for room lets all questions wait, too
