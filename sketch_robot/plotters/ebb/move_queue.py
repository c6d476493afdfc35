"""What an EBB was told to do and has yet to do, how far that puts the drawing, and when to tell it more.

The board tells how many commands it holds, and where its motors are. They are done in order, so all but the last so
many are done; and the motors must be on the way of one of those. If they are not, the board does something else than it
was told.

It is told enough in advance to draw on while words are on their way, and never more: a pause brakes after what has been
told, so that must not take longer than a pause may wait. What it has yet to do is known from what it was told, and by
the clock: each command takes its time. A look at the board tells what is left at some moment between the question and
its answer, which puts the reckoning right; in between it is taken that the way there and the way back take the same
time. So the board is kept as far ahead however long its answers take.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

from sketch_robot.plotters.ebb.moves import MIN_SLICE_MS, SLICE_MS

AHEAD_MS = 50  # all that is told and not done: a pause waits so long before it brakes
REACT_MS = 7  # of it, for the program to hear of the pause, and for whole milliseconds
LATE_MS = 12.0  # a computer is often so late; what the board has for certain must last longer
SILENT_S = 0.015  # without an answer, longer than one took lately: then nothing more is told
DEEPEST = 30  # commands in the queue where its length can be chosen; firmware 3.0 has 32
AWAY_STEPS = 2  # a slice's two motors need not keep step with each other; a line's width is some 40
_LOOKS = 12  # of which the quickest and the slowest tell how long answers take
_LONGEST_MS = {True: 60, False: 40}  # of a slice by LM, and by SM, which keeps its speed all the while
Steps = tuple[int, int]


@dataclass(frozen=True)
class QueuedCommand:
    """Something the board was told to do.

    Attributes:
        ms: how long it takes.
        start, target: absolute steps of both motors before and after.
        stroke: number of the stroke that it draws a piece of, or lifts the pen after; -1: it puts nothing on paper.
        from_mm, to_mm: that piece, along the stroke.
        lift: whether it raises the pen.
        told_s: when it was told.
    """

    ms: int
    start: Steps
    target: Steps
    stroke: int = -1
    from_mm: float = 0.0
    to_mm: float = 0.0
    lift: bool = False
    told_s: float = 0.0

    def share_done(self, steps: Steps) -> float:
        """How much of it is done when the motors are there, in [0, 1]."""
        way = [last - first for first, last in zip(self.start, self.target, strict=True)]
        longer = 0 if abs(way[0]) >= abs(way[1]) else 1
        if way[longer] == 0:
            return 0.0
        return min(1.0, max(0.0, (steps[longer] - self.start[longer]) / way[longer]))

    def passes(self, steps: Steps) -> bool:
        """Whether the motors may be there in its course."""
        return all(
            min(first, last) - AWAY_STEPS <= at <= max(first, last) + AWAY_STEPS
            for at, first, last in zip(steps, self.start, self.target, strict=True)
        )


class MoveQueue:
    """The commands that may not be done yet, in order; the last of them may not be answered yet. One thread.

    Attributes:
        at: absolute steps of the motors at the last look.
        end: where they will be once all is done that the board was told.
    """

    def __init__(self) -> None:
        self.at: Steps = (0, 0)
        self.end: Steps = (0, 0)
        self._commands: deque[QueuedCommand] = deque()
        self._unanswered: deque[str] = deque()  # the last of the commands, as they were told

    def __len__(self) -> int:
        return len(self._commands)

    @property
    def ms(self) -> int:
        """How long all of it takes at most."""
        return sum(command.ms for command in self._commands)

    @property
    def unanswered(self) -> int:
        """How many are not answered yet."""
        return len(self._unanswered)

    def since(self, first: int) -> list[QueuedCommand]:
        """The commands from some number on."""
        return list(islice(self._commands, first, None))

    def add(self, command: QueuedCommand, text: str = '') -> None:
        """The board was told something more; with a text, it will be answered."""
        self._commands.append(command)
        self.end = command.target
        if text:
            self._unanswered.append(text)

    def answered(self) -> None:
        """The first command that was not answered is obeyed, or waits in the board."""
        self._unanswered.popleft()

    def taken(self, count: int) -> list[QueuedCommand]:
        """The first so many, as far as the board is known to have taken them."""
        return self.since(0)[: min(count, len(self._commands) - len(self._unanswered))]

    def stand(self, steps: Steps) -> None:
        """The board holds nothing any more, and its motors stand there."""
        self.clear()
        self.at = self.end = steps

    def clear(self) -> None:
        """The board holds nothing any more, and no answer is awaited."""
        self._commands.clear()
        self._unanswered.clear()

    def done(self, held: int, steps: Steps, end: Steps, told: int | None = None) -> list[QueuedCommand] | None:
        """The board holds at most so many commands, and its motors are there: what is done, for the first time.

        Args:
            held: the one that runs, and those that wait.
            steps: where the motors are.
            end: where they will be once all is done.
            told: how many commands the board had been told when it was asked; None: all.

        Returns:
            None: the motors are not on the way of a command that the board may hold, nor at the end of all; nothing is
            certain then, and no command is taken for done.
        """
        told = len(self._commands) if told is None else told
        count = told - held
        if held == 0:
            if steps != end:
                return None
        elif not any(command.passes(steps) for command in islice(self._commands, max(0, count), told)):
            return None
        return [self._commands.popleft() for _ in range(count)]

    def left_ms(self, steps: Steps, told: int) -> tuple[float, float]:
        """How long the first so many commands will take yet when the motors are there: at least, and at most."""
        if told == 0:
            return 0.0, 0.0
        first, rest_ms = self._commands[0], sum(command.ms for command in islice(self._commands, 1, told))
        if first.start == first.target:  # how much of a pause is over does not show
            return rest_ms, rest_ms + first.ms
        left_ms = rest_ms + first.ms * (1.0 - first.share_done(steps))
        return left_ms, left_ms

    def find(self, steps: Steps) -> tuple[int, QueuedCommand] | None:
        """The command in whose course the motors may be, with its number.

        The earliest, so that no more is taken for done than is. None: the motors are nowhere they should be.
        """
        return next(((k, command) for k, command in enumerate(self._commands) if command.passes(steps)), None)

    def drawn(self, steps: Steps) -> tuple[int, float] | None:
        """How far a stroke is drawn when the motors are there: (stroke, mm); None: no stroke is being drawn there."""
        found = self.find(steps)
        if found is None or found[1].stroke < 0:
            return None
        command = found[1]
        return command.stroke, command.from_mm + command.share_done(steps) * (command.to_mm - command.from_mm)


class LookAhead:
    """Reckons what the board has yet to do, and whether to tell it more.

    Args:
        ahead_ms: the most that is told in advance.
    """

    def __init__(self, ahead_ms: int = AHEAD_MS) -> None:
        self._ms = ahead_ms - REACT_MS
        self._end_s = 0.0  # when all that was told will be done
        self._trips_s: deque[float] = deque(maxlen=_LOOKS)

    @property
    def depth(self) -> int:
        """Commands that the board's queue should hold for the most of it."""
        return min(DEEPEST, self._ms // MIN_SLICE_MS + 2)

    def slice_limits(self, depth: int, *, low_level: bool) -> dict[str, int]:
        """How long moves may be, for `cut`: short where many can wait."""
        slice_ms = max(SLICE_MS // 2, self._ms // 5)
        if depth == 1:
            room_ms = self._ms - 1000.0 * self._way_s - LATE_MS  # for the next to be on its way in time
            slice_ms = min(self._ms // 2, max(SLICE_MS // 2, int(room_ms)), _LONGEST_MS[low_level])
        return {'slice_ms': slice_ms, 'min_ms': MIN_SLICE_MS}

    # ------------------------------------------------------------- reckoning
    def told(self, command: QueuedCommand) -> None:
        """The board was told something more."""
        self._end_s = max(self._end_s, command.told_s + self._way_s) + 0.001 * command.ms

    def seen(self, left_ms: tuple[float, float], later: list[QueuedCommand], asked_s: float, heard_s: float) -> None:
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
            end_s = self._end_s - 0.001 * sum(command.ms for command in later)
            self._end_s = min(max(end_s, asked_s + 0.001 * least_ms), heard_s + 0.001 * most_ms)
        for command in later:
            self.told(command)

    def left_ms(self, now_s: float) -> float:
        """What the board has yet to do, and what is on its way to it."""
        return max(0.0, 1000.0 * (self._end_s - now_s))

    @property
    def _way_s(self) -> float:
        return 0.5 * min(self._trips_s, default=0.0)

    # ------------------------------------------------------------- room
    def has_room(
        self, queue: MoveQueue, command_ms: int, *, seen: bool, silent_s: float, depth: int, now_s: float
    ) -> bool:
        """Whether to tell one more command now.

        Args:
            queue: what was told and is not done yet.
            command_ms: how long it moves; 0: it does not.
            seen: whether the board was looked at since it was told the last one.
            silent_s: for how long it has not answered.
            depth: how many can wait in the board besides the one that runs.
            now_s: the time.
        """
        left_ms = self.left_ms(now_s)
        if not queue:
            return True
        if left_ms + command_ms > self._ms and left_ms > 0.0:
            return False
        if left_ms <= 0.0:  # it should be idle by now; is it?
            return queue.unanswered == 0
        need_ms = 2000.0 * self._way_s + LATE_MS
        commands = queue.since(0)
        certain_ms = left_ms - sum(command.ms for command in islice(reversed(commands), queue.unanswered))
        if queue.unanswered and certain_ms >= need_ms:  # what follows one that is not obeyed would be drawn elsewhere
            return False
        if not seen and left_ms >= need_ms:
            return False
        if silent_s > max(self._trips_s, default=0.0) + SILENT_S:
            return False
        held, end_ms = 0, left_ms - 1000.0 * self._way_s
        for command in reversed(commands):
            held += end_ms > 0.0
            end_ms -= command.ms
        return held <= depth or left_ms < need_ms  # one that waits for room lets all questions wait, too
