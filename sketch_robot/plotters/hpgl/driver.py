"""Draws with an HP-GL plotter on a serial line: the HP 7475A, and others that speak as it does.

The plotter knows its place by itself, so that a drawing can be gone on with after anything, as long as the sheet stays.
Each piece of a stroke is answered when it is drawn, which proves it. To pause and to stop, what waits in the plotter is
dropped; the vector that it is at comes to its end, the pen is raised, and where it stands tells what is on paper.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.hpgl import program
from sketch_robot.plotters.hpgl.program import A4_LIMITS, UNITS_MM, HpglSheet, Sent
from sketch_robot.plotters.hpgl.stream import BLOCK_BYTES, Handshake, HpglStream
from sketch_robot.plotters.options import option
from sketch_robot.plotters.page_axes import PageAxes
from sketch_robot.plotters.plotter import Capability, PlotterStatus, check_plan
from sketch_robot.plotters.progress import Remainder
from sketch_robot.plotters.registry import register_plotter
from sketch_robot.plotters.serial_link import Link
from sketch_robot.plotters.session import pen_changes
from sketch_robot.plotters.streaming import DamagedError, Piece, StreamedDrawing, StreamedPlotter, StreamOptions

NEAR_MM = 2.5 / UNITS_MM  # where the pen stands and where it was sent differ by rounding
INITIALISED = 8  # of `OS`: it was switched on since it was last asked
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HpglOptions(StreamOptions):
    """What a machine's file says of an HP-GL plotter.

    Attributes:
        baud: of the port; the plotter's switches say it.
        axes, correction: see `StreamOptions`.
        origin_mm: where the page's lower left corner is, from that corner of what the pen reaches where the page's axes
            begin.
        handshake: how room in its buffer is found out; see `hpgl.stream`.
        carousel: how many pens it changes by itself; a plan's first pen is in the first stall. Others are asked for.
    """

    baud: int = option(9600, low=75)
    handshake: Handshake = 'buffer'
    carousel: int = option(6, low=1, high=8)


@register_plotter('hpgl', HpglOptions)
class HpglPlotter(StreamedPlotter):
    """Draws on an HP-GL plotter over a serial line.

    Args:
        options: see there.
        limits: of the machine.
        link: stands for the port, in tests.
    """

    CAPABILITIES: ClassVar[Capability] = Capability.JOG | Capability.CORRECTION | Capability.PROGRAM

    def __init__(self, options: HpglOptions, limits: MachineLimits | None = None, *, link: Link | None = None) -> None:
        xon_xoff = options.handshake == 'xon'
        super().__init__('HP-GL plotter', options, limits, link, near_mm=NEAR_MM, xon_xoff=xon_xoff)
        self._options = options
        self._axes = PageAxes.of(options.axes, options.correction)
        self._stream = HpglStream(self._link, options.handshake)
        self._model, self._bed = '', A4_LIMITS
        self._sheet = self._sheet_of(Page(1.0, 1.0, 0.0))
        self._pens: tuple[str, ...] = ()
        self._speed_mm_s = self._limits.draw_speed_mm_s

    # ------------------------------------------------------------- what it is doing
    def describe(self) -> dict[str, Any]:
        """What the plotter says of itself."""
        x0, y0, x1, y1 = self._bed
        reach = f'{(x1 - x0) / UNITS_MM:.0f} x {(y1 - y0) / UNITS_MM:.0f} mm'
        told = {'firmware': f'HP-GL {self._model}', 'position_known': True, 'reach': reach}
        return {**super().describe(), **told, 'buffer_bytes': self._stream.window.capacity_bytes}

    def program(self, plan: DrawingPlan) -> Iterator[bytes]:
        """What is sent for a plan, by a plotter with A4 in it."""
        check_plan(plan)
        sheet = self._sheet_of(plan.page)
        sheet.check_reach(plan)
        yield b'IN;' + program.begin(sheet, plan.profile.draw_speed_mm_s)
        pens = tuple(pen.name for pen in plan.pens)
        starts = [0, *(k for k, pen in enumerate(pen_changes(plan)) if pen and k > 0), len(plan.strokes)]
        for first, end in pairwise(starts):
            yield self._select(pens, plan.strokes[first].pen)
            drawing = StreamedDrawing(plan, Remainder(plan), None)
            yield from (each.piece.data for each in program.pieces(sheet, drawing, end, HOME_MM, first))
        yield program.park(sheet).piece.data + b'SP0;'

    # ------------------------------------------------------------- of the driver
    def _connect(self) -> str:
        stream = self._stream
        stream.open()
        place, _ = stream.place()
        self._found = None if stream.number(b'OS;') & INITIALISED else np.array(place)
        stream.command(b'IN;')
        self._model = stream.ask(b'OI;')
        limits = stream.ask(b'OH;').split(',')
        if len(limits) != 4:
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE, f'the plotter {self._model} tells no hard-clip limits; load paper, try again'
            )
        x0, y0, x1, y1 = (int(part) for part in limits)
        self._bed = x0, y0, x1, y1
        stream.number(b'OS;')  # which forgets that it was switched on
        stream.window.capacity_bytes = max(BLOCK_BYTES, stream.number(b'\x1b.L') - BLOCK_BYTES)
        self._sheet = self._sheet_of(self._sheet.page)
        return ''

    def _leave(self, _status: PlotterStatus) -> None:
        self._stream.place(b'PU;SP0;')  # a pen that is put away does not dry

    def _home(self) -> None:
        self._found = None
        self._stream.halt(0.0)
        self._stream.command(b'IN;SP1;' + program.begin(self._sheet, self._limits.draw_speed_mm_s))
        self._stream.number(b'OS;')
        self._go(program.park(self._sheet))

    def _move_pen_to(self, *, down: bool) -> None:
        self._stream.place(b'SP1;PD;' if down else b'PU;')

    def _jog(self, x_mm: float, y_mm: float) -> None:
        self._found = None
        x, y = np.rint(self._axes.turned((x_mm, y_mm)) * UNITS_MM).astype(int).tolist()
        self._stream.place(f'PU;IW;PR{x},{y};PA;'.encode())

    # ------------------------------------------------------------- of a streamed drawing
    def _place_page(self, plan: DrawingPlan) -> None:
        self._sheet = self._sheet_of(plan.page)
        self._sheet.check_reach(plan)
        self._pens, self._speed_mm_s = tuple(pen.name for pen in plan.pens), plan.profile.draw_speed_mm_s

    def _stands_at(self) -> np.ndarray:
        return np.array(self._stream.place()[0])

    def _on_page(self, place: np.ndarray) -> np.ndarray:
        return self._sheet.to_page(place)

    def _ahead(self, drawing: StreamedDrawing, first_mm: tuple[float, float]) -> Iterator[Piece]:
        room = self._stream.window.capacity_bytes
        for each in program.pieces(self._sheet, drawing, len(drawing.rest.plan.strokes), first_mm):
            yield each.piece
            room -= len(each.piece.data)
            if room < 0:
                break

    def _start_program(self) -> None:
        self._stream.command(program.begin(self._sheet, self._speed_mm_s))

    def _stream_strokes(self, drawing: StreamedDrawing, start: int, end: int) -> None:  # noqa: ARG002
        self._stream.run(
            program.pieces(self._sheet, drawing, end, drawing.progress.pen_mm),
            sent=lambda each: drawing.sent(each.piece), done=lambda _: self._piece_done(), meet=self._meet,
        )  # fmt: skip

    def _await_pen(self, request: str) -> None:
        drawing = self._drawing
        assert drawing is not None
        if self._stall(self._pens, drawing.rest.plan.strokes[drawing.number].pen) == 0:
            self._park()
            self._stand_paused(request)

    def _draw_strokes(self, start: int, end: int) -> None:
        drawing = self._drawing
        assert drawing is not None
        self._stream.command(self._select(self._pens, drawing.rest.plan.strokes[start].pen))
        super()._draw_strokes(start, end)
        if self._stream.number(b'\x1b.E'):
            _log.warning('the plotter at %s has heard damaged bytes; a line may be out of place', self._link.port)
        if error := self._stream.number(b'OE;'):
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM,
                f'the plotter reports error {error} in what it was sent; check the cable, home it, then resume',
            )

    def _park(self) -> None:
        self._go(program.park(self._sheet))
        if self._drawing is not None:
            self._drawing.parked()

    # ------------------------------------------------------------- movements
    def _go(self, to: Sent) -> None:
        place, _ = self._stream.place(to.piece.data[:-3])
        if place != to.units:
            raise DamagedError(f'the pen is at {place}, not at {to.units}')

    def _take_stock(self) -> None:
        """Halt, and learn from where the pen stands what is on paper."""
        drawing = self._drawing
        place, restarted = self._stream.halt(500.0)
        if restarted:
            if drawing is not None:
                drawing.forget()
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM,
                'the plotter was switched off in the middle; leave the sheet as it is, home the plotter, then resume',
            )
        if drawing is not None:
            drawing.stands(self._sheet.to_page(np.array(place)), NEAR_MM)
            self._tell(always=True)

    # ------------------------------------------------------------- pens and places
    def _stall(self, pens: tuple[str, ...], pen: str) -> int:
        """Where in the carousel a pen is; 0: nowhere, the one that is held is changed by a person."""
        stall = pens.index(pen) + 1 if pen in pens else 1
        return stall if stall <= self._options.carousel else 0

    def _select(self, pens: tuple[str, ...], pen: str) -> bytes:
        return f'SP{self._stall(pens, pen) or 1};'.encode()

    def _sheet_of(self, page: Page) -> HpglSheet:
        """A page on the bed: its corner where its axes begin, moved by `origin_mm`."""
        x0, y0, x1, y1 = self._bed
        ways = self._axes.turned((1.0, 1.0))
        corner = np.where(ways > 0.0, [x0, y0], [x1, y1]) / UNITS_MM
        return HpglSheet(page, self._axes.at(corner + np.array(self._options.origin_mm)), self._bed)
