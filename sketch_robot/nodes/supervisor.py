"""Watches over one machine: connects it, draws with it, knows why it stands, and what it left unfinished.

A machine that is lost is tried again at once, then after half a second, and each time after twice as long; the port is
found by the machine's device id, whatever name it has come back under.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.task import Future

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan
from sketch_robot.nodes.node import SketchNode, Worker, failure_of
from sketch_robot.plotters import Capability, Outcome, Plotter, PlotterStatus, Progress
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.unfinished import BegunDrawing, Unfinished

_RESTING = (PlotterStatus.OFFLINE, PlotterStatus.IDLE, PlotterStatus.ALARM)
INACTIVE = 'the node plotter is inactive; activate it'
_log = logging.getLogger(__name__)


@dataclass
class BackOff:
    """When to try again: at once, then after `first_s`, and each time after twice as long, up to `longest_s`."""

    first_s: float = 0.5
    longest_s: float = 30.0
    failures: int = 0
    due_s: float = 0.0

    def failed(self, now_s: float) -> float:
        """Take note of a failure; returns how long to wait."""
        wait_s = min(self.longest_s, self.first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        self.due_s = now_s + wait_s
        return wait_s

    def succeeded(self) -> None:
        """Take note of a success: the next try is due at once."""
        self.failures, self.due_s = 0, 0.0


class Supervisor:
    """Keeps one machine connected, and remembers what it left unfinished; it is called in the executor's thread.

    Args:
        node: whose machine it is.
        name: of the machine.
        plotter: the machine.
        record: of its drawings.

    Attributes:
        drawn: whole strokes on paper of the last drawing, once it has ended.
        outcome: what the last drawing put on paper, also if it was stopped; None: a fault ended it, or there was none.
        drawing_id: of the present drawing; '' while there is none, and of a rest that is resumed.
        drawings: how many have ended.
        connections: how often the machine was connected.
        described: what the machine said of itself when it was connected, as texts, numbers and booleans by name.
    """

    def __init__(self, node: SketchNode, name: str, plotter: Plotter, record: BegunDrawing) -> None:
        self.name, self.plotter = name, plotter
        self._record = record
        self._thread = Worker(node)
        self._node = node
        self._back_off = BackOff()
        self._connecting = self._closing = self._was_there = False
        self._suspended = True
        self._claimed = self._drawing = self._resuming = False
        self._trouble = ''
        self._why_stopped: SketchRobotError | None = None
        self._unfinished: Unfinished | None = record.unfinished()
        self._ahead: Progress | None = None
        self.drawn = 0
        self.outcome: Outcome | None = None
        self.drawing_id = ''
        self.drawings = self.connections = 0
        self.described: dict[str, object] = {}
        self._ink_mm = 0.0
        self._plan: DrawingPlan | None = None

    # ------------------------------------------------------------- what it is doing
    @property
    def status(self) -> PlotterStatus:
        """What the machine is doing."""
        status = self.plotter.status
        return PlotterStatus.RESUMING if self._resuming and status == PlotterStatus.DRAWING else status

    @property
    def reason(self) -> str:
        """Why it stands, for a person; '' when there is nothing to say."""
        status = self.plotter.status
        told = self.plotter.reason
        if self._suspended and status == PlotterStatus.OFFLINE:
            return INACTIVE
        if status == PlotterStatus.OFFLINE:
            return self._trouble or told
        if status in (PlotterStatus.IDLE, PlotterStatus.ALARM) and not self._claimed:
            parts = [
                told or self._trouble,
                self._what_to_do(),
                f'{self._unfinished}; ~/resume draws the rest' if self._unfinished else '',
            ]
            return '; '.join(part for part in parts if part)
        return told

    @property
    def progress(self) -> Progress:
        """Where the drawing stands: also of one that the machine has not begun yet."""
        return self._ahead or self.plotter.progress

    @property
    def ink_mm(self) -> float:
        """Ink on paper since the node has started; of the present drawing as far as the plan's share tells."""
        plan = self._plan
        return self._ink_mm + (0.0 if plan is None else plan.ink_mm * float(self.progress.fraction))

    @property
    def reconnecting(self) -> bool:
        """Whether a machine that was there is looked for again, and not yet for long."""
        return self.plotter.status == PlotterStatus.OFFLINE and self._was_there and self._back_off.failures < 4

    @property
    def is_closing(self) -> bool:
        """Whether the node is shutting down."""
        return self._closing

    @property
    def is_free(self) -> bool:
        """Whether a drawing can begin: none is running or about to, and the node goes on."""
        return not self._claimed and not self._closing

    @property
    def is_drawing(self) -> bool:
        """Whether there is a drawing that can be stopped, paused and resumed."""
        return self._drawing

    @property
    def unfinished(self) -> Unfinished | None:
        """A drawing that can be gone on with."""
        return None if self._claimed else self._unfinished

    # ------------------------------------------------------------- drawing
    def claim(self, drawing_id: str = '') -> bool:
        """Reserve the machine for a drawing; False: it is taken."""
        if not self.is_free:
            return False
        self.drawing_id = drawing_id
        self._claimed, self._why_stopped, self.drawn, self.outcome = True, None, 0, None
        return True

    def release(self) -> None:
        """The drawing for which it was claimed has ended."""
        self._claimed = self._drawing = self._resuming = False
        self.drawing_id = ''
        self.drawings += 1
        self._unfinished = self._record.unfinished()

    def take(self) -> None:
        """The drawing for which it was claimed begins: from now on it can be stopped."""
        self._drawing = True

    def end(self, why: SketchRobotError) -> bool:
        """Stop the drawing, if there is one; the first reason counts. Whether there was one."""
        if self._drawing and self._why_stopped is None:
            self._why_stopped = why
            self.plotter.stop()
        return self._drawing

    async def draw(self, plan: DrawingPlan) -> Outcome:
        """Draw a new plan; the machine is claimed.

        Raises:
            SketchRobotError: why it was not finished; the pen is up.
        """
        return await self._run(plan, 0, lambda: self._record.begin(plan), lambda _progress: None)

    async def draw_rest(self, begun: Future) -> Outcome:
        """Draw what is left of the unfinished drawing; the machine is claimed.

        Args:
            begun: its result is set when the machine is at it.

        Raises:
            SketchRobotError: why it was not finished; NOTHING_TO_DRAW, there is none.
        """
        plan, journal = self._record.resume()
        self._resuming = True

        def look(_progress: Progress) -> None:
            if not begun.done():
                begun.set_result(None)
                if self._node.executor is not None:
                    self._node.executor.wake()

        left = self._unfinished
        return await self._run(plan, 0 if left is None else left.on_paper.strokes, lambda: journal, look)

    def pause(self) -> None:
        """Lift the pen and stand still."""
        self.plotter.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._resuming = self.plotter.status == PlotterStatus.PAUSED
        self.plotter.resume()

    async def _run(
        self, plan: DrawingPlan, done: int, opened: Callable[[], Journal], told: Callable[[Progress], None]
    ) -> Outcome:
        """In the machine's thread; a stop that came before the machine began is made good at its first report."""
        if self.plotter.status == PlotterStatus.OFFLINE:
            self.tick()
            await self._thread.run(lambda: None)  # a machine that is being connected is not offline
        self._check_online()
        pen_mm = self.plotter.progress.pen_mm
        self._ahead = Progress(done, len(plan.strokes), 0.0, plan.predicted_s, pen_mm, pen_down=False)

        def look(progress: Progress) -> None:
            self._ahead = None
            if self._why_stopped is not None:
                self.plotter.stop()
            if progress.pen_down:
                self._resuming = False
            told(progress)

        def work() -> Outcome:
            with opened() as journal:
                if journal.is_resumed:
                    self._end_alarm()
                return self.plotter.draw(plan, look, journal=journal)

        self._plan = plan
        try:
            outcome: Outcome = await self._thread.run(work)
            self.outcome = outcome
        except SketchRobotError as error:
            lasts = error.code in (ErrorCode.PLOTTER_ALARM, ErrorCode.PLOTTER_OFFLINE)
            self._trouble = error.message if lasts else ''
            if what_to_do := self._what_to_do():
                raise SketchRobotError(error.code, f'{error.message}; {what_to_do}') from error
            raise
        finally:
            told_mm, self._plan = self.ink_mm, None
            self._ink_mm = told_mm if self.outcome is None else self._ink_mm + self.outcome.ink_mm
            if self._ahead is None:
                self.drawn = self.plotter.progress.strokes_done
            self._ahead = None
        self._trouble = ''
        if not outcome.finished:
            raise self._why_stopped or SketchRobotError(ErrorCode.CANCELLED, 'the drawing was stopped; the pen is up')
        return outcome

    def _end_alarm(self) -> None:
        """Home a machine that is in alarm, unless it would take any place for home."""
        if self.plotter.status == PlotterStatus.ALARM and self.plotter.knows_place:
            self.plotter.home()

    def _what_to_do(self) -> str:
        """How to tell the machine where the page is, when it has to be told; '' when it knows."""
        if self.plotter.status != PlotterStatus.ALARM or self.plotter.knows_place:
            return ''
        return '~/set_origin sets it where the pen is' if Capability.ORIGIN in self.plotter.capabilities else ''

    def _check_online(self) -> None:
        if self.plotter.status == PlotterStatus.OFFLINE:
            why = INACTIVE if self._suspended else self._trouble or 'wait'
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'no machine is connected: {why}')

    # ------------------------------------------------------------- between drawings
    async def move(self, movement: Callable[[], None]) -> None:
        """Do something with the machine while it draws nothing.

        Raises:
            SketchRobotError: BUSY, a drawing is running; or what the machine says.
        """
        if self._claimed:
            raise SketchRobotError(ErrorCode.BUSY, 'a drawing is running; stop it first (~/stop)')
        self._claimed = True
        try:
            await self._thread.run(movement)
            self._trouble = ''
        finally:
            self._claimed = False

    # ------------------------------------------------------------- the connection
    def tick(self) -> None:
        """Connect the machine when it is offline and that is due."""
        if self._resuming and self.progress.pen_down:
            self._resuming = False
        offline = self.plotter.status == PlotterStatus.OFFLINE
        at_rest = self._connecting or self._closing or self._suspended
        if not offline or at_rest or time.monotonic() < self._back_off.due_s:
            return
        self._connecting = True
        self._thread.run(self._connect).add_done_callback(self._on_connected)

    def suspend(self) -> None:
        """End a drawing with the pen up, let the machine go and connect it no more, until `wake`; it does not wait."""
        self._suspended = True
        self.end(SketchRobotError(ErrorCode.CANCELLED, 'the plotter node was deactivated; the pen is up'))
        self._thread.run(self.plotter.close)

    def wake(self) -> None:
        """Connect the machine, and keep it connected."""
        self._suspended = False
        self._back_off.succeeded()

    def _connect(self) -> dict[str, object]:
        """In the machine's thread. Returns what the machine says of itself."""
        self.plotter.connect()
        told = self.plotter.describe()
        return {name: value for name, value in told.items() if name not in ('status', 'reason', 'settings')}

    def close(self, timeout_s: float) -> None:
        """End a drawing with the pen up and parked, within the time, and let the machine go; from any thread."""
        self._closing = True
        self.end(SketchRobotError(ErrorCode.CANCELLED, 'the plotter node is shutting down; the pen is up'))
        deadline_s = time.monotonic() + timeout_s
        while self._drawing and time.monotonic() < deadline_s:
            time.sleep(0.01)
        self.plotter.close()
        self._thread.close()
        self._record.let_go()

    def _on_connected(self, future: Future) -> None:
        self._connecting = False
        error = future.exception()
        if error is None:
            self._trouble, self._was_there = '', True
            self.described = future.result()
            self.connections += 1
            self._back_off.succeeded()
            _log.info('ready: the machine %r is connected', self.name)
            if self._unfinished is not None:
                _log.info('of an unfinished drawing %s; ~/resume draws the rest', self._unfinished)
            return
        trouble = failure_of(error).message
        wait_s = self._back_off.failed(time.monotonic())
        if trouble != self._trouble:
            _log.error('no machine: %s; trying again, next in %.1f s', trouble, wait_s)
        self._trouble = trouble
