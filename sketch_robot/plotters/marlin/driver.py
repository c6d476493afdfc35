"""Draws with a controller that runs Marlin: a printer or a plotter with a pen.

Marlin has no feed hold: to pause and to stop, nothing more is sent, and what is in the planner, at most `ahead_s`, is
drawn; then the pen is raised. `M400` proves what is on paper; within a stroke, a move is drawn once more than the
planner holds have been taken after it. Whether the controller has been reset since, and with that lost its place, is
told by the position of the first extruder, which no pen uses: it is set to a number that only a reset takes away.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.marlin.program import GRID_MM, MarlinPen, MarlinProgram
from sketch_robot.plotters.marlin.stream import MarlinStream, NumberedLine, RestartedError
from sketch_robot.plotters.options import option
from sketch_robot.plotters.page_axes import PageAxes
from sketch_robot.plotters.plotter import Capability, OriginUnknownError, PlotterStatus, check_plan
from sketch_robot.plotters.progress import Remainder
from sketch_robot.plotters.registry import register_plotter
from sketch_robot.plotters.serial_link import Link
from sketch_robot.plotters.streaming import DamagedError, Piece, StreamedDrawing, StreamedPlotter, StreamOptions

TOKEN = 777.25  # of the extruder, mm; after a reset it is at 0
JOG_MM_S = 30.0
_POSITION = re.compile(r'X:(-?[\d.]+) Y:(-?[\d.]+)(?: Z:-?[\d.]+)?(?: E:(-?[\d.]+))?')
_REACH = re.compile(r'.*Min:\s*X(-?[\d.]+)\s*Y(-?[\d.]+).*Max:\s*X(-?[\d.]+)\s*Y(-?[\d.]+)')
_FIRMWARE = re.compile(r'FIRMWARE_NAME:(.*?)(?= [A-Z_]+:|$)')
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MarlinOptions(StreamOptions):
    """What a machine's file says of a machine with Marlin.

    Attributes:
        baud: of the port, as its configuration says: 115200 or 250000.
        axes, correction: see `StreamOptions`.
        origin_mm: machine coordinates of the page's lower left corner, of one that homes.
        pen: how the pen is moved; see `MarlinPen`.
        homes: whether it finds its place by `G28 X Y`.
        origin_is_set: the pen stands on the page's lower left corner when it is connected.
        planner_blocks: how many moves its planner holds, as its firmware was configured.
        ahead_s: how much movement it is told in advance: a pause comes so much later.
        boot_s: how long it may take to start after the port was opened, which resets most boards.
    """

    pen: MarlinPen = field(default_factory=MarlinPen)
    homes: bool = True
    origin_is_set: bool = False
    planner_blocks: int = option(16, low=4, high=1024)
    ahead_s: float = option(0.4, low=0.05, high=5.0)
    boot_s: float = option(5.0, low=0.0, high=60.0)


@register_plotter('marlin', MarlinOptions)
class MarlinPlotter(StreamedPlotter):
    """Draws on a machine that runs Marlin.

    Args:
        options: see there.
        limits: of the machine.
        link: stands for the port, in tests.
    """

    CAPABILITIES: ClassVar[Capability] = (
        Capability.ORIGIN | Capability.JOG | Capability.PEN_HEIGHTS | Capability.CORRECTION | Capability.PROGRAM
    )
    JOGS_IN_ALARM = True

    def __init__(
        self, options: MarlinOptions, limits: MachineLimits | None = None, *, link: Link | None = None
    ) -> None:
        super().__init__('Marlin plotter', options, limits, link, near_mm=2.0 * GRID_MM)
        self._options = options
        self._stream = MarlinStream(self._link, blocks=options.planner_blocks, ahead_s=options.ahead_s)
        self._axes = PageAxes.of(options.axes, options.correction, options.origin_mm if options.homes else (0.0, 0.0))
        self._program = MarlinProgram(Page(1.0, 1.0, 0.0), self._axes, options.pen, self._limits)
        self._firmware, self._is_placed = '', False
        self._origin_is_set = options.origin_is_set

    # ------------------------------------------------------------- what it is doing
    @property
    def knows_place(self) -> bool:
        """Whether `home` leads to the page's origin."""
        return self._options.homes or self._is_placed

    def describe(self) -> dict[str, Any]:
        """What the controller says of itself."""
        told = {'firmware': self._firmware, 'homes': self._options.homes, 'position_known': self._is_placed}
        return {**super().describe(), **told}

    def program(self, plan: DrawingPlan) -> Iterator[bytes]:
        """What is sent for a plan, without numbers and checksums."""
        check_plan(plan)
        program = replace(self._program, page=plan.page, limits=plan.profile)
        drawing = StreamedDrawing(plan, Remainder(plan), None)
        lines = chain(program.begin(), program.strokes(drawing, len(plan.strokes), HOME_MM), program.park())
        return (f'{line.text}\n'.encode() for line in lines)

    def origin_found_by_homing(self) -> tuple[float, float] | None:
        """Machine coordinates of the page's corner, of a machine that homes."""
        x, y = self._axes.origin_mm.tolist()
        return (round(x, 2), round(y, 2)) if self._options.homes and self._is_placed else None

    # ------------------------------------------------------------- of the driver
    def _connect(self) -> str:
        restarted = self._stream.open(self._options.boot_s)
        found = _FIRMWARE.search(' '.join(self._stream.command('M115')))
        if found is None:
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE, f'who answers at {self._link.port} is no Marlin; look which machine it is'
            )
        self._firmware = found[1]
        self._run(self._program.begin())
        place_mm, token = self._place()
        self._is_placed = not restarted and token == TOKEN
        self._found = place_mm if self._is_placed else None
        if self._origin_is_set:
            self._set_origin()
            self._origin_is_set = False  # it was
        self._learn_reach()
        return ''

    def _leave(self, _status: PlotterStatus) -> None:
        self._run(self._program.raise_pen())

    def _home(self) -> None:
        self._stream.count_anew()
        self._found = None
        self._run(self._program.begin())
        if self._options.homes:
            self._find_place()
        elif not self._is_placed:
            raise self._origin_unknown()
        self._run(self._program.park())

    def _find_place(self) -> None:
        self._stream.command('G28 X Y')
        self._stream.command(f'G92 E{TOKEN:g}')
        self._is_placed = True
        self._learn_reach()

    def _set_origin(self) -> None:
        self._found = None
        self._run(self._program.raise_pen())
        if self._options.homes and self._is_placed:
            place_mm, _ = self._place()
            self._axes = self._axes.at(place_mm)
        else:
            x, y = self._axes.origin_mm.tolist()
            self._stream.command(f'G92 X{x:g} Y{y:g} E{TOKEN:g}')
        self._is_placed = True
        self._program = replace(self._program, axes=self._axes)

    def _move_pen_to(self, *, down: bool) -> None:
        self._run(self._program.lower_pen() if down else self._program.raise_pen())

    def _move_pen(self, height: float) -> None:
        self._run(self._options.pen.lines(height, max(0.3, self._limits.drop_s)))

    def _jog(self, x_mm: float, y_mm: float) -> None:
        self._found = None
        self._run(self._program.raise_pen())
        x, y = self._axes.turned((x_mm, y_mm)).tolist()
        for text in ('G91', f'G0 X{x:.2f} Y{y:.2f} F{JOG_MM_S * 60.0:g}', 'G90', 'M400'):
            self._stream.command(text)

    # ------------------------------------------------------------- of a streamed drawing
    def _place_page(self, plan: DrawingPlan) -> None:
        if not self._is_placed:
            if not self._options.homes:
                raise self._origin_unknown()
            self._find_place()
        program = replace(self._program, page=plan.page, limits=plan.profile, axes=self._axes)
        program.check_reach(plan)
        self._program = program

    def _stands_at(self) -> np.ndarray:
        return self._place()[0]

    def _on_page(self, place: np.ndarray) -> np.ndarray:
        return self._axes.to_page(place)

    def _ahead(self, drawing: StreamedDrawing, first_mm: tuple[float, float]) -> Iterator[Piece]:
        moves = 0
        for line in self._program.strokes(drawing, len(drawing.rest.plan.strokes), first_mm):
            if line.piece is not None:
                yield line.piece
            moves += line.moves
            if moves > 2 * self._options.planner_blocks:
                break

    def _start_program(self) -> None:
        self._run(self._program.begin())

    def _stream_strokes(self, drawing: StreamedDrawing, start: int, end: int) -> None:
        lines = self._program.strokes(drawing, end, drawing.progress.pen_mm, start)
        self._stream.run(lines, sent=self._sent, done=self._done, meet=self._meet)

    def _park(self) -> None:
        self._run(self._program.park())
        if self._drawing is not None:
            self._drawing.parked()

    def _abort(self, error: BaseException) -> None:
        if isinstance(error, RestartedError):
            self._is_placed = False
        super()._abort(error)

    # ------------------------------------------------------------- movements
    def _run(self, lines: Iterator[NumberedLine]) -> None:
        self._stream.run(lines, sent=_nothing, done=_nothing, meet=_no_wish)

    def _come_to_rest(self) -> None:
        """Let what was sent be drawn, and raise the pen."""
        try:
            self._stream.drain(self._done)
            self._run(self._program.raise_pen())
            if self._drawing is not None:
                self._drawing.forget()
        except DamagedError as damage:
            _log.warning('the Marlin plotter at %s is halted: %s', self._link.port, damage)
            self._take_stock()
        self._tell(always=True)

    def _take_stock(self) -> None:
        """Count lines anew, raise the pen, and learn from where it stands what is on paper."""
        self._stream.count_anew()
        if not self._is_placed:  # where it stands tells nothing
            self._run(self._program.begin())
            return
        self._run(self._program.raise_pen())
        place_mm, token = self._place()
        if token != TOKEN:
            self._is_placed = False
            raise RestartedError(self._link.port)
        if self._drawing is not None:
            self._drawing.stands(self._axes.to_page(place_mm), self._near_mm)

    def _place(self) -> tuple[np.ndarray, float]:
        """Where the machine stands, (2,) mm, once all is done; and its token."""
        self._stream.command('M400')
        for line in self._stream.command('M114'):
            if found := _POSITION.match(line):
                return np.array([float(found[1]), float(found[2])]), float(found[3] or 0.0)
        raise DamagedError('it does not tell where it is')

    def _learn_reach(self) -> None:
        """Ask for the soft endstops, which hold once it has homed."""
        found = _REACH.match(' '.join(self._stream.command('M211'))) if self._options.homes else None
        reach = None if found is None else np.array([float(value) for value in found.groups()]).reshape(2, 2)
        self._program = replace(self._program, axes=self._axes, reach_mm=reach)

    def _sent(self, line: NumberedLine) -> None:
        if line.piece is not None and self._drawing is not None:
            self._drawing.sent(line.piece)

    def _done(self, _line: NumberedLine) -> None:
        self._piece_done()

    def _origin_unknown(self) -> OriginUnknownError:
        return OriginUnknownError(
            'the Marlin controller does not know where the pen is since it was switched on or restarted, nor has it '
            'switches to home by'
        )


def _nothing(_: object) -> None:
    """Nobody listens."""


def _no_wish() -> None:
    """Nobody wishes anything."""
