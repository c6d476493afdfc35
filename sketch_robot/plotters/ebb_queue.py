"""What an EBB was told to do and has yet to do, and how far that puts the drawing.

The board tells how many entries it holds, and where its motors are. Entries are done in order, so all but the last so
many are done; and the motors must be on the way of one of those. If they are not, the board does something else than it
was told.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

AWAY_STEPS = 2  # a slice's two motors need not keep step with each other; a line's width is some 40


@dataclass(frozen=True)
class Entry:
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
    start: tuple[int, int]
    target: tuple[int, int]
    stroke: int = -1
    from_mm: float = 0.0
    to_mm: float = 0.0
    lift: bool = False
    told_s: float = 0.0

    @property
    def way(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """From where to where it turns the motors."""
        return self.start, self.target

    @property
    def moves(self) -> bool:
        """Whether it turns a motor."""
        return self.start != self.target


class EbbQueue:
    """The entries that may not be done yet, in order. One thread."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def ms(self) -> int:
        """How long all of it takes at most."""
        return sum(entry.ms for entry in self._entries)

    def since(self, first: int) -> list[Entry]:
        """The entries from some number on."""
        return list(islice(self._entries, first, None))

    def add(self, entry: Entry) -> None:
        """The board was told something more."""
        self._entries.append(entry)

    def done(
        self, held: int, steps: tuple[int, int], end: tuple[int, int], told: int | None = None
    ) -> list[Entry] | None:
        """The board holds at most so many entries, and its motors are there: what is done, for the first time.

        Args:
            held: the one that runs, and those that wait.
            steps: where the motors are.
            end: where they will be once all is done.
            told: how many entries the board had been told when it was asked; None: all.

        Returns:
            None: the motors are not on the way of an entry that the board may hold, nor at the end of all; nothing is
            certain then, and no entry is taken for done.
        """
        told = len(self._entries) if told is None else told
        count = told - held
        if held == 0:
            if steps != end:
                return None
        elif not any(
            _between(steps, entry.start, entry.target) for entry in islice(self._entries, max(0, count), told)
        ):
            return None
        return [self._entries.popleft() for _ in range(count)]

    def left_ms(self, steps: tuple[int, int], told: int) -> tuple[float, float]:
        """How long the first so many entries will take yet when the motors are there: at least, and at most."""
        if told == 0:
            return 0.0, 0.0
        first, rest_ms = self._entries[0], sum(entry.ms for entry in islice(self._entries, 1, told))
        if not first.moves:  # how much of a pause is over does not show
            return rest_ms, rest_ms + first.ms
        left_ms = rest_ms + first.ms * (1.0 - _share(steps, first.start, first.target))
        return left_ms, left_ms

    def clear(self) -> None:
        """The board holds nothing any more."""
        self._entries.clear()

    def where(self, steps: tuple[int, int]) -> tuple[int, float] | None:
        """The entry in whose course the motors may be and how much of it is done: (its number, share in [0, 1]).

        The earliest, so that no more is taken for done than is. None: the motors are nowhere they should be.
        """
        for number, entry in enumerate(self._entries):
            if _between(steps, entry.start, entry.target):
                return number, _share(steps, entry.start, entry.target)
        return None

    def drawn(self, steps: tuple[int, int]) -> tuple[int, float] | None:
        """How far a stroke is drawn when the motors are there: (stroke, mm); None: no stroke is being drawn there."""
        found = self.where(steps)
        if found is None or self._entries[found[0]].stroke < 0:
            return None
        entry = self._entries[found[0]]
        return entry.stroke, entry.from_mm + found[1] * (entry.to_mm - entry.from_mm)


def _between(steps: tuple[int, int], start: tuple[int, int], target: tuple[int, int]) -> bool:
    return all(
        min(first, last) - AWAY_STEPS <= at <= max(first, last) + AWAY_STEPS
        for at, first, last in zip(steps, start, target, strict=True)
    )


def _share(steps: tuple[int, int], start: tuple[int, int], target: tuple[int, int]) -> float:
    way = [last - first for first, last in zip(start, target, strict=True)]
    longer = 0 if abs(way[0]) >= abs(way[1]) else 1
    if way[longer] == 0:
        return 0.0
    return min(1.0, max(0.0, (steps[longer] - start[longer]) / way[longer]))
