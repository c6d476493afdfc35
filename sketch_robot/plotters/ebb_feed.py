"""Tell an EBB one thing after the other, and see what it has done: without waiting for each answer, and never trusting.

As long as it has enough to do, each thing is told when the one before is answered, so that nothing is drawn beside the
line when a command does not arrive; only when the board would stop before its answer can be there, more is on its way.
Answers come in order. Each look at the board tells what of all that is done, and that its motors are where they should
be.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sketch_robot.plotters.ebb_client import EbbClient, Status
from sketch_robot.plotters.ebb_lines import Doubt, Heard
from sketch_robot.plotters.ebb_pace import EbbPace
from sketch_robot.plotters.ebb_queue import EbbQueue, Entry
from sketch_robot.plotters.ebb_talk import TRIES
from sketch_robot.plotters.serial_link import Link

POLL_S = 0.002  # between two looks, whose answers take 2 to 3 ms: at 100 mm/s the pen draws 0.5 mm meanwhile
LISTEN_S = 0.1  # at a time
_log = logging.getLogger(__name__)


@dataclass
class _Look:
    """A look at the board whose answers are on their way.

    Attributes:
        said_s: when it was asked.
        told: how many entries it had been told then.
        end: where its motors will be once these are done.
        answers: so far.
    """

    said_s: float
    told: int
    end: tuple[int, int]
    answers: dict[str, str] = field(default_factory=dict)


class EbbFeed:
    """See the module. One thread at a time.

    Args:
        link: to the board.
        client: to talk with it.
        pace: how much to tell in advance.

    Attributes:
        client: as given.
        at: absolute steps of the motors at the last look.
        end: where they will be once all is done that the board was told.
        on_done: told of each entry that is done.
        on_drawn: told how far a stroke is drawn, at every look while it is being drawn: (stroke, mm).
    """

    def __init__(self, link: Link, client: EbbClient, pace: EbbPace) -> None:
        self._link, self.client, self._pace = link, client, pace
        self.at = self.end = (0, 0)
        self.on_done: Callable[[Entry], None] = lambda _entry: None
        self.on_drawn: Callable[[int, float], None] = lambda _stroke, _mm: None
        self._queue = EbbQueue()
        self._unanswered: deque[str] = deque()  # the last entries of the queue, as they were told
        self._look: _Look | None = None
        self._seen = False  # since the last entry was told
        self._resent = 0
        self._low_level = False

    # ------------------------------------------------------------- telling
    def _tell(
        self,
        text: str,
        ms: int,
        target: tuple[int, int],
        stroke: int = -1,
        from_mm: float = 0.0,
        to_mm: float = 0.0,
        *,
        lift: bool = False,
    ) -> None:
        entry = Entry(ms, self.end, target, stroke, from_mm, to_mm, lift, self._link.now_s())
        self._queue.add(entry)  # before it is certain, as the board may do it
        self._unanswered.append(text)
        self._seen = False
        self._pace.told(entry)
        self.end = target
        self.client.talk.say(text)

    def _conclude(self, count: int) -> None:
        """The first so many entries are done, as far as the board has taken them."""
        for entry in self._queue.since(0)[: min(count, len(self._queue) - len(self._unanswered))]:
            self.on_done(entry)

    def _forget(self) -> None:
        """Nothing is told, and nothing asked, that an answer could belong to."""
        self._queue.clear()
        self._unanswered.clear()
        self._look = None

    # ------------------------------------------------------------- watching
    def look(self) -> Status:
        """See what is done by now.

        Raises:
            Doubt: the motors are not where they should be, or the board was not understood.
        """
        while not self.client.talk.is_answered:  # the look of before knows of less
            self._listen(LISTEN_S)
        for _ in range(TRIES):
            self.ask()
            while not self.client.talk.is_answered:
                if (status := self._listen(LISTEN_S)) is not None:
                    return status
        raise Doubt('no look at the board gave a clear answer')

    def ask(self) -> None:
        """Ask how the board stands, if that is not asked already; `wait` has the answer."""
        if self._look is None:
            self._look = _Look(self._link.now_s(), len(self._queue), self.end)
            self.client.talk.say(*self.client.look)

    def has_room(self, entry_ms: int = 0) -> bool:
        """Whether the board should be told one more entry now, which moves for so long."""
        return self._pace.has_room(
            entry_ms,
            self._queue,
            len(self._unanswered),
            seen=self._seen,
            silent_s=self.client.talk.silent_s,
            depth=self.client.depth,
            now_s=self._link.now_s(),
        )

    def wait(self, seconds: float = POLL_S) -> Status | None:
        """Let some time pass, until something is heard; what the board does, when an answer to `ask` is complete.

        Raises:
            Doubt: the motors are not where they should be, or something was not obeyed, or came unasked.
        """
        return self._listen(seconds)

    def _listen(self, seconds: float) -> Status | None:
        heard = self.client.talk.hear(seconds)
        if heard is None:
            return None
        if heard.text not in self.client.look:
            self._note_answer(heard)
        elif self._look is not None and not heard.refusal:
            self._look.answers[heard.text] = heard.answer
        if heard.text == self.client.look[-1] and self._look is not None:
            look, self._look = self._look, None
            return self._saw(look)
        return None

    def _note_answer(self, heard: Heard) -> None:
        """The board has obeyed something, or not."""
        text, refusal = heard.text, heard.refusal
        if not refusal and heard.answer == '':
            self._unanswered.popleft()
            self._resent = 0
            return
        if self.client.checked and refusal[:3] in ('!9 ', '!10') and len(self._unanswered) == 1:
            self._resent += 1
            if self._resent < TRIES:
                _log.info('%s: %r did not arrive whole; sent again', self._link.port, text)
                self._look = None  # that took it for told
                self.client.talk.say(text)
                return
        elif self._low_level and text.startswith('LM,') and refusal.startswith('!8 '):
            self._low_level = False  # `SM` does it nearly as well
        elif self.client.checked and refusal and refusal[:3] not in ('!9 ', '!10'):
            raise self.client.talk.alarm(f'refused {text!r}: {refusal}')
        raise Doubt(f'{text!r}: {refusal or heard.answer}')

    def _saw(self, look: _Look) -> Status | None:
        seen = self.client.seen(look.answers)
        if seen is None:
            return None
        status, at = seen
        held = status.waiting + 1 if status.running else 0
        done = self._queue.done(held, at, look.end, look.told)
        if done is None:
            raise Doubt(f'the motors are at {at}, which is not on their way to {look.end}')
        told = look.told - len(done)
        self._seen = told == len(self._queue)
        self._pace.seen(self._queue.left_ms(at, told), self._queue.since(told), look.said_s, self._link.now_s())
        for entry in done:
            self.on_done(entry)
        self.at = at
        if drawn := self._queue.drawn(at):
            self.on_drawn(*drawn)
        return status
