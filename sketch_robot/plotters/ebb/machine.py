"""An EBB as a machine that moves a pen: told one thing after the other, watched, stopped at once.

As long as it has enough to do, each thing is told when the one before is answered, so that nothing is drawn beside the
line when a command does not arrive; only when the board would stop before its answer can be there, more is on its way.
Answers come in order. Each look at the board tells what of all that is done, and that its motors are where they should
be.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ebb.answers import Answer, BoardStatus, UnclearAnswer
from sketch_robot.plotters.ebb.client import WITH_LM, EbbClient
from sketch_robot.plotters.ebb.exchange import TRIES, EbbExchange
from sketch_robot.plotters.ebb.move_queue import LookAhead, MoveQueue, QueuedCommand
from sketch_robot.plotters.ebb.moves import MotionBounds, Move
from sketch_robot.plotters.ebb.options import EbbOptions
from sketch_robot.plotters.ebb.place import EbbPlace
from sketch_robot.plotters.serial_link import Link

POLL_S = 0.002  # between two looks, whose answers take 2 to 3 ms: at 100 mm/s the pen draws 0.5 mm meanwhile
LISTEN_S = 0.1  # at a time
LIFT_S = 0.3  # to raise a pen that may be anywhere
KEEP_S = 20.0  # how often the minute after which the board lets its servo go is begun anew in a pause
SUNK_S = 45.0  # after which a servo that nobody spoke to may be about to lose its power
REST_S = 5.0  # how much longer than expected it may take until nothing moves
FASTEST = 25  # steps that a motor can make in a millisecond
_log = logging.getLogger(__name__)


@dataclass
class _Look:
    """A look at the board whose answers are on their way.

    Attributes:
        said_s: when it was asked.
        told: how many commands it had been told then.
        end: where its motors will be once these are done.
        answers: so far.
    """

    said_s: float
    told: int
    end: tuple[int, int]
    answers: dict[str, str] = field(default_factory=dict)


class EbbMachine:
    """Knows the settings of an EBB and of its pen. One thread at a time.

    Args:
        link: to the board.
        options: of the machine.

    Attributes:
        client: to talk with the board.
        place: whether it knows where its pen is.
        axes: how the page lies.
        pen: how the servo lifts the pen.
        on_done: told of each command that is done.
        on_drawn: told how far a stroke is drawn, at every look while it is being drawn: (stroke, mm).
    """

    def __init__(self, link: Link, options: EbbOptions) -> None:
        self._link, self._options = link, options
        self.exchange = EbbExchange(link, answer_s=options.answer_s)
        self.client = EbbClient(self.exchange)
        self.place = EbbPlace(self.client)
        self.axes, self.pen = options.page_axes, options.pen
        self.on_done: Callable[[QueuedCommand], None] = lambda _command: None
        self.on_drawn: Callable[[int, float], None] = lambda _stroke, _mm: None
        self._queue, self._ahead, self._bounds = MoveQueue(), LookAhead(options.ahead_ms), MotionBounds()
        self._look: _Look | None = None
        self._seen = False  # since the last command was told
        self._looked_s = 0.0  # when the motors were last seen to be where they should be
        self._pen_s = -math.inf  # when the pen was last told something
        self._resent = 0
        self._low_level = False

    @property
    def xy_mm(self) -> tuple[float, float]:
        """Where the pen was at the last look."""
        x, y = self.axes.mm(np.array(self._queue.at))
        return float(x), float(y)

    @property
    def end_mm(self) -> tuple[float, float]:
        """Where the pen will be once all is done."""
        x, y = self.axes.mm(np.array(self._queue.end))
        return float(x), float(y)

    @property
    def end(self) -> tuple[int, int]:
        """Absolute steps of the motors once all is done."""
        return self._queue.end

    # ------------------------------------------------------------- coming and going
    def connect(self) -> bool:
        """Find the board, lift the pen, and find out whether it knows where that is; True: it did, and has lost it.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        self.client.open(self._ahead.depth)
        self._low_level = self._options.low_level and self.exchange.version >= WITH_LM
        self._forget()
        self.rest()  # a queue that was left alone runs out
        self._queue.stand(self.client.steps_at_rest())
        lost = self.place.find(self._queue.at)
        self._set_up_pen()
        if self.place.known or lost:
            self.keep_place()
        if self.place.known:
            _log.info('%s: the pen is at (%.2f, %.2f) mm', self._link.port, *self.xy_mm)
        return lost

    def leave(self) -> None:
        """Lift the pen; motors that are let go no longer know where they are."""
        self._raise_pen()
        held = self._options.hold_motors
        self.keep_place(held=held)
        if not held:
            self.client.settle('EM,0,0')

    def start_here(self) -> None:
        """Count from here: the pen is above the page's origin."""
        self._forget()  # of what was there before, nothing can be proven any more
        for text in ('EM,1,1', 'CS'):
            self.client.settle(text)
        self.rest()
        self.client.reader.power_lost = False
        self._queue.stand(self.client.steps_at_rest())
        if self._queue.at != (0, 0):
            raise self.client.alarm('does not count its steps from zero')
        self.place.set()
        self.keep_place()

    def keep_place(self, *, drawing: bool = False, held: bool = True) -> None:
        """Let the board keep where it is, should it be left alone; see `EbbPlace.keep`."""
        self.place.keep(self._queue.at, drawing=drawing, held=held)

    def check_place(self) -> None:
        """Refuse to move from where the machine was not left; raise a pen that may have sunk.

        Raises:
            OriginUnknownError: as `EbbPlace.check`.
        """
        self.place.check(self._queue.at)
        if self._link.now_s() > self._pen_s + SUNK_S:
            self._raise_pen()

    def stand_anywhere(self) -> None:
        """Hold the motors where they are now, which is not known on the page.

        Raises:
            OriginUnknownError: they have no power.
        """
        self.client.reader.power_lost, self.place.watches_power = False, True
        self.client.status()  # what was pressed or noticed before
        self.client.reader.power_lost = False
        self.place.check_power()
        self.client.settle('EM,1,1')
        self.rest()
        self._queue.stand(self.client.steps_at_rest())

    def keep_between(self, *corners_mm: tuple[float, float]) -> None:
        """From now on refuse moves that leave the box around these points and where the pen is now."""
        self.place.left_alone = self.place.found_down = False
        self._bounds.span(self.xy_mm, *corners_mm)

    def check_inside(self) -> None:
        """Refuse to go on from where no move should have led.

        Raises:
            SketchRobotError: PLOTTER_ALARM.
        """
        at = np.array(self.xy_mm)
        if not self._bounds.holds(at):
            raise self.client.alarm(f'has its pen at ({at[0]:.1f}, {at[1]:.1f}) mm, where it was not sent')

    # ------------------------------------------------------------- telling
    def slice_limits(self) -> dict[str, int]:
        """How long moves may be, for `cut`: short where many can wait."""
        return self._ahead.slice_limits(self.client.reader.depth, low_level=self._low_level)

    def has_room(self, command_ms: int = 0) -> bool:
        """Whether the board should be told one more thing now, which moves for so long."""
        return self._ahead.has_room(
            self._queue,
            command_ms,
            seen=self._seen,
            silent_s=self.exchange.silent_s,
            depth=self.client.reader.depth,
            now_s=self._link.now_s(),
        )

    def move(self, move: Move, *, stroke: int = -1, from_mm: float = 0.0, to_mm: float = 0.0) -> None:
        """Queue a move; with a stroke, it draws so much of it. There must be room.

        Raises:
            UnclearAnswer: whether the board took it is unknown.
            SketchRobotError: INTERNAL, it would lead where `keep_between` forbids; PLOTTER_ALARM, the board refuses it.
        """
        xy = self.axes.mm(np.array(move.target))
        if not self._bounds.holds(xy):
            raise SketchRobotError(
                ErrorCode.INTERNAL, f'a move would leave the page for ({xy[0]:.2f}, {xy[1]:.2f}) mm; it was not made'
            )
        if (move.target[0] - self.end[0], move.target[1] - self.end[1]) != move.steps:
            raise SketchRobotError(ErrorCode.INTERNAL, f'a move of {move.steps} steps does not lead to {move.target}')
        command = QueuedCommand(move.ms, self.end, move.target, stroke, from_mm, to_mm, told_s=self._link.now_s())
        self._tell(move.command(self._low_level), command)

    def lift(self, seconds: float, *, stroke: int = -1) -> None:
        """Queue raising the pen; with a stroke, that one is all drawn then. As `move`."""
        text, ms = self.pen.raising(seconds)
        self._pen_s = self._link.now_s()
        self._tell(text, QueuedCommand(ms, self.end, self.end, stroke, lift=True, told_s=self._pen_s))

    def drop(self, seconds: float) -> None:
        """Queue lowering the pen. As `move`."""
        text, ms = self.pen.lowering(seconds)
        self._tell(text, QueuedCommand(ms, self.end, self.end, told_s=self._link.now_s()))

    def move_pen(self, percent: float, seconds: float = 0.0) -> None:
        """Queue moving the pen to a height, with some time to get there. As `move`."""
        text, ms = self.pen.moving_to(percent, seconds)
        self._tell(text, QueuedCommand(ms, self.end, self.end, told_s=self._link.now_s()))

    def _tell(self, text: str, command: QueuedCommand) -> None:
        self._queue.add(command, text)  # before it is certain, as the board may do it
        self._seen = False
        self._ahead.told(command)
        self.exchange.say(text)

    def _forget(self) -> None:
        """Nothing is told, and nothing asked, that an answer could belong to."""
        self._queue.clear()
        self._look = None

    # ------------------------------------------------------------- watching
    def look(self) -> BoardStatus:
        """See what is done by now.

        Raises:
            UnclearAnswer: the motors are not where they should be, or the board was not understood.
            OriginUnknownError: the motors have no power.
        """
        while not self.exchange.is_answered:  # the look of before knows of less
            self.wait(LISTEN_S)
        for _ in range(TRIES):
            self.ask()
            while not self.exchange.is_answered:
                if (status := self.wait(LISTEN_S)) is not None:
                    return status
        raise UnclearAnswer('no look at the board gave a clear answer')

    def ask(self) -> None:
        """Ask how the board stands, if that is not asked already; `wait` has the answer."""
        if self._look is None:
            self._look = _Look(self._link.now_s(), len(self._queue), self.end)
            self.exchange.say(*self.client.reader.look)

    def wait(self, seconds: float = POLL_S) -> BoardStatus | None:
        """Let some time pass, until something is heard; what the board does, when an answer to `ask` is complete.

        Raises:
            UnclearAnswer: the motors are not where they should be, or something was not obeyed, or came unasked.
            OriginUnknownError: the motors have no power.
        """
        answer, asked = self.exchange.hear(seconds), self.client.reader.look
        if answer is None:
            return None
        if answer.text not in asked:
            self._note(answer)
        elif self._look is not None and not answer.refusal:
            self._look.answers[answer.text] = answer.value
        if answer.text == asked[-1] and self._look is not None:
            look, self._look = self._look, None
            return self._saw(look)
        return None

    def _note(self, answer: Answer) -> None:
        """The board has obeyed something, or not."""
        text, refusal = answer.text, answer.refusal
        if not refusal and answer.value == '':
            self._queue.answered()
            self._resent = 0
            return
        if self.exchange.checked and refusal[:3] in ('!9 ', '!10') and self._queue.unanswered == 1:
            self._resent += 1
            if self._resent < TRIES:
                _log.info('%s: %r did not arrive whole; sent again', self._link.port, text)
                self._look = None  # that took it for told
                self.exchange.say(text)
                return
        elif self._low_level and text.startswith('LM,') and refusal.startswith('!8 '):
            self._low_level = False  # `SM` does it nearly as well
        elif self.exchange.checked and refusal and refusal[:3] not in ('!9 ', '!10'):
            raise self.client.alarm(f'refused {text!r}: {refusal}')
        raise UnclearAnswer(f'{text!r}: {refusal or answer.value}')

    def _saw(self, look: _Look) -> BoardStatus | None:
        found = self.client.reader.read_look(look.answers, self._link.now_s())
        self.place.check_look()
        if found is None:
            return None
        status, at = found
        held = status.waiting + 1 if status.running else 0
        done = self._queue.done(held, at, look.end, look.told)
        if done is None:
            raise UnclearAnswer(f'the motors are at {at}, which is not on their way to {look.end}')
        told = look.told - len(done)
        self._seen = told == len(self._queue)
        self._ahead.seen(self._queue.left_ms(at, told), self._queue.since(told), look.said_s, self._link.now_s())
        for command in done:
            self.on_done(command)
        self._queue.at, self._looked_s = at, look.said_s
        if drawn := self._queue.drawn(at):
            self.on_drawn(*drawn)
        return status

    def rest(self) -> None:
        """Wait until nothing moves any more, as after a stop.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it goes on and on.
        """
        deadline_s = self._link.now_s() + 0.001 * self._queue.ms + REST_S
        while self.client.status().running:
            if self._link.now_s() > deadline_s:
                raise self.client.alarm('does not stop moving')
            self._link.read_line(POLL_S)

    # ------------------------------------------------------------- the pen, and stopping
    def keep_pen_up(self) -> None:
        """Keep the servo from losing its power while the machine stands still with the pen up."""
        if self._link.now_s() > self._pen_s + KEEP_S:
            self.client.keep_servo()
            self._pen_s = self._link.now_s()

    def _set_up_pen(self) -> None:
        for text in self.pen.settings:
            self.client.settle(text)
        self._raise_pen()

    def _raise_pen(self) -> None:
        self.client.settle(self.pen.raising(LIFT_S)[0])
        self._pen_s = self._link.now_s()
        self.rest()

    def raise_pen(self) -> None:
        """Lift the pen, whatever the board was told before.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        self._forget()
        self.client.open(self._ahead.depth)
        self._set_up_pen()

    def abort(self, lift_s: float) -> tuple[int, float] | None:
        """Stop where the pen is, at once, and lift it.

        Returns:
            How far which stroke is drawn: (stroke, mm); None: none was being drawn, or it is not certain how far, as
            when the motors have lost their place meanwhile; `place.check_kept` is next.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; PLOTTER_ALARM, the board is not to be understood.
            OriginUnknownError: it has restarted.
        """
        client, queue = self.client, self._queue
        text, _ = self.pen.raising(lift_s)
        self.exchange.blurt('ES', text)  # at once; the rest makes certain of it
        self.exchange.sync()
        self.place.check_restart()
        client.ask('ES', 1, 5)  # firmware 2 tells also what it left undone
        client.settle(text)
        self._pen_s = self._link.now_s()
        self.rest()
        before, at = queue.at, client.steps_at_rest()
        found, drawn = queue.find(at), queue.drawn(at)
        if not self.place.has_power():
            self.place.lose()
        elif found is None and at != queue.end:
            _log.warning('%s: the motors are at %s, where they were not sent', self._link.port, at)
            if self._is_counted_anew(before, at):
                self.place.lose()
        if self.place.known and found is not None:
            for command in queue.taken(found[0]):
                self.on_done(command)
        self._forget()
        queue.stand(at)
        return drawn if self.place.known else None

    def _is_counted_anew(self, before: tuple[int, int], at: tuple[int, int]) -> bool:
        """Whether motors that were found where they were not sent can't be there: their counters were set to zero."""
        reach = FASTEST * 1000.0 * (self._link.now_s() - self._looked_s) if self._queue else 0.0
        gone = max(abs(at[0] - before[0]), abs(at[1] - before[1]))
        return gone > reach or max(abs(at[0]), abs(at[1])) <= reach
