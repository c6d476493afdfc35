"""A drawing that is sent ahead piece by piece: what was sent, what is proven to be on paper, where it goes on.

A driver cuts strokes into pieces, sends some of them ahead, and hears in order which are done. When the machine has to
be halted, where it stands tells how far the piece that it was at has come; the rest of the stroke goes on from there,
with a little overlap, so that no gap shows.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.options import PortOptions, option
from sketch_robot.plotters.page_axes import IDENTITY
from sketch_robot.plotters.plotter import Outcome, Progress
from sketch_robot.plotters.progress import OVERLAP_MM, ProgressCounter, Remainder, remaining
from sketch_robot.plotters.serial_link import Link, SerialLink
from sketch_robot.plotters.session import PauseWanted, Stopped
from sketch_robot.plotters.session_plotter import SessionPlotter
from sketch_robot.polyline import lengths_along, nearest_on
from sketch_robot.stroke import Stroke, stroke_from

LOOK_S = 0.05  # how often wishes are looked at
RECOVERIES = 10  # in a row, without anything drawn in between
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamOptions(PortOptions):
    """What a machine's file says of any plotter that is sent its drawing ahead.

    Attributes:
        baud: of the port.
        axes: directions of the page's x and y on the machine, as ['x', 'y'] or ['-y', 'x'].
        correction: 2 x 2 matrix from page mm to machine mm along those directions; measured scale and squareness.
        origin_mm: where the page's lower left corner is.
    """

    baud: int = option(115200, low=75)
    axes: tuple[str, str] = ('x', 'y')
    correction: tuple[tuple[float, float], tuple[float, float]] = IDENTITY
    origin_mm: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Piece:
    """What is sent, and answered, as one.

    Attributes:
        data: for the machine.
        xy_mm: (N, 2) the pen's way in the page's frame, from where the piece before ends.
        stroke: number of the stroke in what is left of the drawing; -1: a way with the pen up.
        to_mm: length along the stroke that is on paper after it.
        ends: whether the stroke is whole then, and the pen raised.
    """

    data: bytes
    xy_mm: np.ndarray
    stroke: int = -1
    to_mm: float = 0.0
    ends: bool = False

    @property
    def length_mm(self) -> float:
        """Of the pen's way."""
        return float(lengths_along(self.xy_mm)[-1])


class DamagedError(Exception):
    """What was sent or answered was lost or has not arrived as it was; the drawing halts and goes on."""


class StreamedDrawing:
    """Knows which pieces of a drawing were sent and which are on paper.

    One thread tells it what becomes of pieces; any may look at its progress.

    Args:
        plan: the whole drawing.
        rest: what is left of it.
        journal: begun; is told what is proven.
        pen_mm: where the pen is.
    """

    def __init__(
        self, plan: DrawingPlan, rest: Remainder, journal: Journal | None, pen_mm: tuple[float, float] = HOME_MM
    ) -> None:
        self.rest, self._journal = rest, journal
        self._tally = ProgressCounter.of(plan, pen_mm)
        self._stroke_s = plan.stroke_s
        self._sent: deque[Piece] = deque()
        self._number, self._length_mm = 0, 0.0  # of `rest`: whole strokes on paper, and so much of the next one
        self._pen_mm, self._down = pen_mm, False
        self._ink_mm = self._travel_mm = 0.0
        self._lifts = 0
        self._count()

    # ------------------------------------------------------------- what is left
    @property
    def proven(self) -> tuple[int, float]:
        """Whole strokes of the rest that are on paper, and how much of the next one, mm."""
        return self._number, self._length_mm

    @property
    def number(self) -> int:
        """Which stroke of the rest is to be sent next, or gone on with."""
        return self._number

    def stroke(self, number: int) -> tuple[Stroke, float]:
        """A stroke of the rest, as far as it is not on paper, and how much of it was left out at its beginning, mm."""
        whole = self.rest.plan.strokes[number]
        skipped_mm = max(0.0, self._length_mm - OVERLAP_MM) if number == self._number else 0.0
        return (stroke_from(whole, skipped_mm), skipped_mm) if skipped_mm > 0.0 else (whole, 0.0)

    # ------------------------------------------------------------- what becomes of it
    def sent(self, piece: Piece) -> None:
        """A piece is on its way."""
        self._sent.append(piece)
        self._down = self._down or (len(self._sent) == 1 and piece.stroke >= 0)

    def done(self) -> Piece:
        """The oldest piece that was sent is done.

        Raises:
            SketchRobotError: BAD_GOAL, the journal cannot be written.
        """
        piece = self._sent.popleft()
        self._go(piece.xy_mm, piece.length_mm, down=piece.stroke >= 0)
        self._down = self._sent[0].stroke >= 0 if self._sent else piece.stroke >= 0 and not piece.ends
        if piece.ends:
            self._lifts += 1
            self._prove(piece.stroke + 1, 0.0)
        elif piece.stroke >= 0:
            self._prove(piece.stroke, piece.to_mm)
        return piece

    def stands(self, place_mm: np.ndarray, near_mm: float) -> bool:
        """The machine was halted and has raised its pen here; whatever else was sent it has forgotten.

        The first piece that was sent and passes here is the one that it was at; all before that are done.

        Returns:
            whether there is one; without, nothing more is proven.

        Raises:
            SketchRobotError: BAD_GOAL, the journal cannot be written.
        """
        for count, piece in enumerate(self._sent):
            at, apart_mm = nearest_on(piece.xy_mm, place_mm)
            if apart_mm > near_mm:
                continue
            for _ in range(count):
                self.done()
            if piece.stroke >= 0:
                length_mm = float(np.interp(at, np.arange(len(piece.xy_mm)), lengths_along(piece.xy_mm)))
                self._ink_mm += length_mm
                self._prove(piece.stroke, piece.to_mm - piece.length_mm + length_mm)
            break
        found = len(self._sent) > 0 and apart_mm <= near_mm
        self.forget(place_mm)
        return found

    def forget(self, place_mm: np.ndarray | None = None) -> None:
        """What was sent and not done will never be; the pen is up, and is where it is known to be."""
        self._sent.clear()
        self._lifts += self._down
        self._down = False
        if place_mm is not None:
            self._pen_mm = float(place_mm[0]), float(place_mm[1])

    # ------------------------------------------------------------- how it stands
    @property
    def progress(self) -> Progress:
        """How the drawing stands."""
        return self._tally.progress(self._pen_mm, self._down)

    def parked(self) -> None:
        """The pen is at home."""
        self._travel_mm += float(np.hypot(*(np.array(HOME_MM) - self._pen_mm)))
        self._pen_mm = HOME_MM

    def outcome(self, finished: bool, machine_s: float) -> Outcome:
        """What has become of it."""
        if finished:
            self._tally.finish()
        done = self.rest.first + self._number
        return Outcome(finished, done, self._ink_mm, self._travel_mm, self._lifts, machine_s)

    def _prove(self, number: int, length_mm: float) -> None:
        if (number, length_mm) <= (self._number, self._length_mm):
            return
        if self._journal is not None and number > self._number:
            self._journal.proven(*self.rest.in_whole(number - 1, self.rest.plan.strokes[number - 1].length))
        if self._journal is not None and length_mm > 0.0:
            self._journal.proven(*self.rest.in_whole(number, length_mm))
        self._number, self._length_mm = number, length_mm
        self._count()

    def _count(self) -> None:
        done, length_mm = self.rest.in_whole(self._number, self._length_mm)
        self._tally.done = done
        self._tally.machine_s = float(self._stroke_s[:done].sum())
        if self._number < len(self.rest.plan.strokes):
            whole_mm = self.rest.plan.strokes[self._number].length + length_mm - self._length_mm
            self._tally.machine_s += float(self._stroke_s[done]) * min(1.0, length_mm / max(whole_mm, 1e-9))

    def _go(self, xy_mm: np.ndarray, length_mm: float, *, down: bool) -> None:
        self._ink_mm += length_mm if down else 0.0
        self._travel_mm += 0.0 if down else length_mm
        self._pen_mm = float(xy_mm[-1, 0]), float(xy_mm[-1, 1])


class StreamedPlotter(SessionPlotter):
    """A plotter on a serial port that is sent its drawing ahead and tells in order what is done.

    A driver says how pieces are sent and how the machine comes to rest; here is what goes on from there: a pause, a
    stop, what was damaged on the line, and what the machine drew by itself when the program before was lost.

    Args:
        machine: what messages call it.
        link: stands for the port, in tests; None: `options` say which.
        options: where the machine is.
        limits: of the machine.
        near_mm: by how much the pen may be off its way.
        xon_xoff: whether the system heeds XON and XOFF.
    """

    def __init__(
        self,
        machine: str,
        options: StreamOptions,
        limits: MachineLimits | None,
        link: Link | None,
        *,
        near_mm: float,
        xon_xoff: bool = False,
    ) -> None:
        port = SerialLink(options.port, options.baud, machine=machine, xon_xoff=xon_xoff)
        self._link: Link = port if link is None else link  # beside another link the port stays closed
        super().__init__(machine, self._link.wake, clock=self._link.now_s, port=port)
        self._limits = limits or MachineLimits()
        self._machine, self._near_mm = machine, near_mm
        self._found: np.ndarray | None = None  # (2,) where a machine that was left alone stood, in its coordinates
        self._drawing: StreamedDrawing | None = None
        self._began_s = 0.0

    # ------------------------------------------------------------- of the driver
    @abstractmethod
    def _place_page(self, plan: DrawingPlan) -> None:
        """Find out where the page of a plan is, and refuse what lies out of reach; nothing is drawn yet."""

    @abstractmethod
    def _stands_at(self) -> np.ndarray:
        """Ask the machine where it stands when all is done: (2,) in its coordinates."""

    @abstractmethod
    def _on_page(self, place: np.ndarray) -> np.ndarray:
        """(2,) of the machine's coordinates to (2,) mm of the page."""

    @abstractmethod
    def _ahead(self, drawing: StreamedDrawing, first_mm: tuple[float, float]) -> Iterator[Piece]:
        """As many pieces of a drawing, from a place on, as the machine may have held when it was left alone."""

    @abstractmethod
    def _start_program(self) -> None:
        """Send what comes before a drawing."""

    @abstractmethod
    def _stream_strokes(self, drawing: StreamedDrawing, start: int, end: int) -> None:
        """Send what is left of strokes [start, end), with `_piece_done` and `_meet`, until all of it is done.

        Raises:
            PauseWanted, Stopped: of `_meet`; nothing more is sent.
            DamagedError: what was sent was lost or changed.
        """

    @abstractmethod
    def _take_stock(self) -> None:
        """Halt at once, raise the pen, and tell the drawing where it stands."""

    def _come_to_rest(self) -> None:
        """Stand still with the pen up, as near to at once as the machine can, and tell the drawing."""
        self._take_stock()

    # ------------------------------------------------------------- what it is doing
    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        drawing = self._drawing
        return drawing.progress if drawing is not None else Progress(0, 0, 0.0, 0.0, HOME_MM, pen_down=False)

    def _release(self) -> None:
        self._link.close()

    def _look(self) -> None:
        self._tell()
        self._link.read_line(LOOK_S)

    # ------------------------------------------------------------- drawing
    def _begin(self, plan: DrawingPlan, journal: Journal | None) -> Remainder:
        resumed = journal is not None and journal.is_resumed
        self._place_page(plan)
        rest = super()._begin(plan, journal)
        if journal is not None and resumed and self._found is not None:
            rest = self._left_alone(plan, rest, journal, self._on_page(self._found))
        self._found = None
        x, y = self._on_page(self._stands_at()).tolist()
        self._drawing = StreamedDrawing(plan, rest, journal, (x, y))
        self._began_s = self._link.now_s()
        self._start_program()
        return rest

    def _left_alone(self, plan: DrawingPlan, rest: Remainder, journal: Journal, found_mm: np.ndarray) -> Remainder:
        """What is left, if the machine drew on by itself when the program before was lost."""
        if np.hypot(*found_mm) <= self._near_mm:  # it was parked
            return rest
        x, y = rest.plan.strokes[0].xy[0].tolist()
        drawing = StreamedDrawing(plan, rest, journal)
        for piece in self._ahead(drawing, (x, y)):
            drawing.sent(piece)
        if not drawing.stands(found_mm, self._near_mm) or drawing.proven == (0, 0.0):
            return rest
        return remaining(plan, journal.on_paper)

    def _draw_strokes(self, start: int, end: int) -> None:
        drawing = self._drawing
        assert drawing is not None
        failures, last = 0, drawing.proven
        while drawing.number < end:
            try:
                self._stream_strokes(drawing, start, end)
            except PauseWanted:
                self._come_to_rest()
                self._stand_paused()
            except Stopped:
                self._come_to_rest()
                raise
            except DamagedError as damage:
                failures = 0 if drawing.proven != last else failures + 1
                last = drawing.proven
                _log.warning('the %s at %s is halted: %s', self._machine, self._link.port, damage)
                self._take_stock()
                if failures >= RECOVERIES:
                    raise self._too_noisy(damage) from damage

    def _piece_done(self) -> None:
        """The oldest piece that was sent is on paper."""
        if self._drawing is not None:
            self._tell(always=self._drawing.done().ends)

    def _meet(self) -> None:
        self._session.meet()
        if self._session.pause_wanted:
            raise PauseWanted
        self._tell()

    def _halt(self) -> None:
        """Strokes that are stopped have come to rest with the pen up."""

    def _outcome(self, finished: bool) -> Outcome:
        assert self._drawing is not None
        return self._drawing.outcome(finished, self._link.now_s() - self._began_s)

    def _abort(self, error: BaseException) -> None:
        if isinstance(error, SketchRobotError) and error.code == ErrorCode.PLOTTER_OFFLINE:
            if self._drawing is not None:
                self._drawing.forget()
            return
        try:
            self._take_stock()
        except (SketchRobotError, DamagedError) as trouble:
            _log.warning('the %s at %s is left as it is: %s', self._machine, self._link.port, trouble)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DamagedError as damage:
            raise self._too_noisy(damage) from damage

    def _too_noisy(self, damage: DamagedError) -> SketchRobotError:
        return SketchRobotError(
            ErrorCode.PLOTTER_ALARM,
            f'too much is lost on the line to {self._link.port} ({damage}); check the cable, home the {self._machine}, '
            'then resume',
        )
