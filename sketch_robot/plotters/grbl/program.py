"""A drawing as lines of G-code for GRBL 1.1.

Nothing beyond GRBL 1.1's documented language is used: G0 G1 G2 G4 G17 G21 G54 G90 G91 G94, M3, F P R S X Y Z, and the
user's own commands for the pen. Coordinates are those of the machine as G54 shifts them, which the driver has asked
for: x and y are given no offset, nothing is written to EEPROM, and so a reset cannot change where the page is. Each
point is rounded from its exact place, to `GRID_MM`, so that rounding does not add up.

GRBL has no checksums. But an arc by its radius is refused (error:34) when its end is farther away than twice the
radius. So, after every few lines, a "probe" goes on by a thousandth of a mm, which is less than a step, on an arc of
`PROBE_RADIUS_MM` to an absolute place: it is taken only by a parser that stands where it should. Lines with the pen
down are relative, so that a digit that was lost or changed in any of them is in the sum that the probe checks; and the
planner holds so many blocks that the machine can be halted before the wrong one comes up.

In GRBL a change of S waits for all motion unless it is in laser mode; so a servo presses with one strength for each
stroke, a pen on the Z axis with another at each point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

import numpy as np

from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.motion.timing import draw_motion
from sketch_robot.plotters.grbl.options import GrblPen
from sketch_robot.plotters.page_axes import PageAxes
from sketch_robot.polyline import lengths_along
from sketch_robot.stroke import Stroke

GRID_MM = 0.001  # coordinates are rounded to this
GRID = 1000  # steps of the grid in a mm
TRAVEL_FEED = 600  # F after a travel, whose G0 does not need it: says that the next stroke was not begun
MARKS = 50  # F after a stroke is 1 + its number modulo this: says which one was finished last
LEAST_FEED = 60  # of lines with the pen down; what is less is a mark
MODES = f'G21G90G94G17G54F{TRAVEL_FEED}'  # F, since none is known after a reset
BLOCKS = 15  # of GRBL's planner
LEAST_PIECE_MM = 0.5
WAIT_S = 0.03  # until the next lines come
OPENING_LINES = 15  # they fill the planner
PROBE_LINES, PROBE_LINES_IN_HASTE = 6, 12  # from one probe to the next; in haste: over `HASTY_LINES_S`
HASTY_LINES_S = 300.0
PROBE_RADIUS_MM = 0.01  # larger than half of $12, or GRBL's arcs are not defined
_OPENING_GRID = 10  # of the grid's steps, for shorter numbers
_UNSURE_STEPS = 0.02  # from half a step: what 32 bits make of a metre
_FEED_RATIO = 0.98  # of one feed to the next: few F words, none off by more than 1 %
_MM_S = 60.0  # mm/min


class Kind(Enum):
    """What a line does."""

    MODE = auto()  # sets how others are read
    HOLD = auto()  # waits, so that what follows can be checked before it is carried out
    TRAVEL = auto()
    LOWER = auto()
    LOWERING = auto()  # waits until the pen is down
    INK = auto()
    PROBE = auto()  # refused unless the parser stands where it should
    RAISE = auto()
    RAISING = auto()  # waits until the pen is up


class Step(NamedTuple):
    """One line of a program.

    Attributes:
        data: its bytes, the line's end included.
        kind: what it does.
        stroke: number of the stroke that it belongs to.
        point: for INK: number of the point of the stroke's path that it leads to.
        seconds: that it takes, for those that wait.
        value: S that it sets; None: it does not.
    """

    data: bytes
    kind: Kind
    stroke: int = -1
    point: int = 0
    seconds: float = 0.0
    value: float | None = None


def mark_of(stroke: int) -> int:
    """F that tells that a stroke of the whole drawing was the last one finished."""
    return 1 + stroke % MARKS


def hold(seconds: float = 0.05) -> Step:
    """A wait that keeps the controller from taking in what follows."""
    return step_of(f'G4P{plain(seconds)}', Kind.HOLD, seconds=seconds)


def step_of(text: str, kind: Kind, stroke: int = -1, *, seconds: float = 0.0) -> Step:
    """A step from its line without end."""
    return Step(f'{text}\n'.encode(), kind, stroke, 0, seconds)


@dataclass(frozen=True, eq=False)
class PagePlacement:
    """A sheet on the machine, which no point of a drawing leaves.

    Attributes:
        axes: where it lies in the machine's coordinates.
        page: the sheet.
    """

    axes: PageAxes
    page: Page

    def to_machine(self, page_mm: np.ndarray) -> np.ndarray:
        """(N, 2) of the page, held on it, to (N, 2) of the machine, not rounded."""
        return self.axes.to_machine(np.clip(page_mm, 0.0, [self.page.width_mm, self.page.height_mm]))

    def to_grid(self, page_mm: np.ndarray, zero_mm: np.ndarray) -> np.ndarray:
        """(N, 2) of the page to (N, 2) int64 steps of the grid, counted from `zero_mm`; never off the page.

        Args:
            page_mm: points of the page.
            zero_mm: (2,) where the program's coordinates are 0.
        """
        exact = (self.to_machine(page_mm) - zero_mm) * GRID
        grid = np.rint(exact).astype(np.int64)
        for shifts in ((0, 0), (1, 0), (0, 1), (1, 1)):  # else round the other way, along one axis or both
            outside = self.is_off_page(grid / GRID + zero_mm)
            if not outside.any():
                break
            other = np.where(
                exact[outside] > np.rint(exact[outside]), np.ceil(exact[outside]), np.floor(exact[outside])
            )
            near = np.rint(exact[outside])
            grid[outside] = np.where(np.array(shifts, dtype=bool), other, near).astype(np.int64)
        return grid

    def is_off_page(self, machine_mm: np.ndarray) -> np.ndarray:
        """Which of (N, 2) machine coordinates are not on the page."""
        page_mm = self.axes.to_page(machine_mm)
        size = np.array([self.page.width_mm, self.page.height_mm])
        return ((page_mm < -1e-9) | (page_mm > size + 1e-9)).any(axis=1)


@dataclass(frozen=True, eq=False)
class Path:
    """One stroke as the machine draws it.

    Attributes:
        grid: (N, 2) int64; its points in steps of the grid, in the program's coordinates, N >= 1.
        machine_mm: (N, 2) float64; the same in the machine's.
        along_mm: (N,) float64; length along the stroke, in mm of the page, from where the path begins.
        first_mm: length along the stroke that is skipped before the path begins.
        pressure: (N,) float64 in [0, 1]; None: as usual.
    """

    grid: np.ndarray
    machine_mm: np.ndarray
    along_mm: np.ndarray
    first_mm: float = 0.0
    pressure: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class GrblProgram:
    """Makes the lines for one machine.

    Attributes:
        placement: where the page lies.
        pen: how it is lowered.
        limits: how fast.
        zero_mm: (2,) machine coordinates of the program's 0, as G54 says.
        rapid_mm_s: speed of G0; a slower limits travels with G1. 0: always G0.
        steps_per_mm: of x and y.
        probe_radius_mm: how far the parser may be off, twice.
        has_arcs: whether the controller takes arcs; else a line to the same absolute place puts right what was lost.
    """

    placement: PagePlacement
    pen: GrblPen
    limits: MachineLimits
    zero_mm: np.ndarray = field(default_factory=lambda: np.zeros(2))
    rapid_mm_s: float = 0.0
    steps_per_mm: tuple[float, float] = (80.0, 80.0)
    probe_radius_mm: float = PROBE_RADIUS_MM
    has_arcs: bool = True

    def start(self) -> Iterator[Step]:
        """Modes, and the pen up."""
        yield step_of(MODES, Kind.MODE)
        yield from self.raise_pen()

    def raise_pen(self, stroke: int = -1, mark: int = -1) -> Iterator[Step]:
        """The pen up, and time for it; `mark`: number of the stroke in the whole drawing that this ends."""
        seconds = self.limits.lift_s if self.pen.waits_for_motion else 0.0
        value = self.pen.up if self.pen.kind == 'servo' else None
        done = f'F{mark_of(mark)}' if mark >= 0 else ''
        yield Step(f'{raise_line(self.pen)}\n'.encode(), Kind.RAISE, stroke, value=value)
        yield step_of(f'G4P{plain(seconds)}{done}', Kind.RAISING, stroke, seconds=seconds)

    def travel(self, page_mm: Sequence[float] | np.ndarray, stroke: int = -1) -> Iterator[Step]:
        """A straight way with the pen up."""
        grid = self.placement.to_grid(np.array([page_mm], dtype=np.float64), self.zero_mm)[0]
        yield self._travel_to(grid, stroke)

    def park(self) -> Iterator[Step]:
        """To the page's corner with the pen up."""
        grid = self.placement.to_grid(np.array([HOME_MM]), self.zero_mm)[0]
        yield self._travel_to(grid, -1)
        yield self._probe(grid.tolist(), -1)[0]

    def path_of(self, stroke: Stroke, first_mm: float = 0.0) -> Path:
        """The points of a stroke that the machine goes through: its own, and more on long segments.

        Args:
            stroke: what is to be drawn.
            first_mm: how much of the whole stroke was left out before it.
        """
        along = lengths_along(stroke.xy)
        at = _lengths_to_go_to(along, self.piece_mm)
        page_mm = np.column_stack([np.interp(at, along, stroke.xy[:, axis]) for axis in (0, 1)])
        grid = self.placement.to_grid(page_mm, self.zero_mm)
        grid[1 : OPENING_LINES + 1] = self._coarser(grid, grid[1 : OPENING_LINES + 1])
        grid = self._beside_half_steps(grid)
        kept = _without_repeats(grid)
        pressure = None if stroke.pressure is None else np.interp(at[kept], along, stroke.pressure)
        return Path(grid[kept], grid[kept] / GRID + self.zero_mm, at[kept], first_mm, pressure)

    @property
    def piece_mm(self) -> float:
        """The longest line sent with the pen down.

        What the controller holds, 15 blocks and some lines, is drawn even when nobody is there any more; so it shall
        not be longer than is needed to draw at full speed: to brake, and to wait for the next lines.
        """
        limits = self.limits
        accel = min(limits.draw_accel_mm_s2, *(limit or np.inf for limit in limits.axis_accel_mm_s2))
        speed = limits.draw_speed_mm_s
        return max(LEAST_PIECE_MM, 1.5 * (speed**2 / (2.0 * accel) + WAIT_S * speed) / (BLOCKS - 2))

    def draw(self, stroke: Stroke, path: Path, number: int, mark: int = 0) -> Iterator[Step]:
        """Travel to a stroke, draw it along its path, raise the pen; `mark`: its number in the whole drawing."""
        feeds = self._feeds_along(stroke, path)
        yield self._travel_to(path.grid[0], number)
        probe, ahead = self._probe(path.grid[0].tolist(), number)
        yield probe
        pressure = path.pressure
        usual = None if pressure is None else float(pressure.mean() if self.pen.kind == 'servo' else pressure[0])
        modes = f'G91G1F{feeds[0]}' if len(feeds) else ''
        early = modes if self.pen.kind == 'servo' else ''
        value = self.pen.value_at(usual) if self.pen.kind == 'servo' else None
        yield Step(f'{lower_line(self.pen, usual)}{early}\n'.encode(), Kind.LOWER, number, value=value)
        seconds = self.limits.drop_s if self.pen.waits_for_motion else 0.0
        wait = f'G4P{plain(seconds)}' if early else f'G4P{plain(seconds)}{modes}'
        yield step_of(wait, Kind.LOWERING, number, seconds=seconds)
        yield from self._ink(path, feeds, ahead, number)
        yield from self.raise_pen(number, mark)

    def _feeds_along(self, stroke: Stroke, path: Path) -> list[int]:
        """F of each line."""
        if len(path.grid) < 2:
            return []
        motion = draw_motion(stroke.xy, self.limits)
        feeds = _feeds(motion.segment_speeds_mm_s, self.limits.draw_speed_mm_s)
        ends = lengths_along(motion.xy_mm)[1:]
        middle = 0.5 * (path.along_mm[1:] + path.along_mm[:-1])
        chosen: list[int] = feeds[np.minimum(np.searchsorted(ends, middle), len(feeds) - 1)].tolist()
        return chosen

    def _ink(self, path: Path, feeds: list[int], ahead: int, number: int) -> Iterator[Step]:
        """The lines with the pen down; `ahead`: how far along x the last probe has gone beyond its point."""
        points = path.grid.tolist()
        last_feed = feeds[0] if feeds else 0
        heights = self._heights(path)
        spacing = self._probe_lines(path, feeds)
        mode = ''
        for index in range(1, len(points)):
            (x0, y0), (x, y) = points[index - 1], points[index]
            dx, dy = x - x0 - ahead, y - y0
            text = mode + (f'X{grid_text(dx)}' if dx else '') + (f'Y{grid_text(dy)}' if dy else '')
            if heights and heights[index] != heights[index - 1]:
                text += f'Z{grid_text(heights[index] - heights[index - 1])}'
            feed = feeds[index - 1]
            if feed != last_feed:
                text, last_feed = f'{text}F{feed}', feed
            yield Step(f'{text}\n'.encode(), Kind.INK, number, index)
            mode, ahead = '', 0
            if index % spacing == 0 or index == len(points) - 1:
                probe, ahead = self._probe(points[index], number)
                yield probe
                mode = 'G91G1'

    def _heights(self, path: Path) -> list[int]:
        """Z of each point in steps of the grid; none where it does not change."""
        if path.pressure is None or self.pen.kind != 'z':
            return []
        return [round(self.pen.value_at(float(pressure)) * GRID) for pressure in path.pressure]

    def _probe_lines(self, path: Path, feeds: list[int]) -> int:
        if not feeds:
            return PROBE_LINES
        lines_s = max(feeds) / _MM_S * len(feeds) / max(float(path.along_mm[-1]), GRID_MM)
        return PROBE_LINES if lines_s < HASTY_LINES_S else PROBE_LINES_IN_HASTE

    def _probe(self, point: list[int], number: int) -> tuple[Step, int]:
        """A probe at a point, and how far it goes along x: towards the middle of the step, so that no step is made."""
        steps = (point[0] / GRID + float(self.zero_mm[0])) * self.steps_per_mm[0]
        ahead = 1 if steps <= math.floor(steps + 0.5) else -1  # GRBL rounds halves up, in 32 bits
        beyond = np.array([[point[0] + ahead, point[1]]])
        if self.placement.is_off_page(beyond / GRID + self.zero_mm)[0]:
            ahead = -ahead
        place = f'X{grid_text(point[0] + ahead)}Y{grid_text(point[1])}'
        line = f'G90G2{place}R{plain(self.probe_radius_mm)}' if self.has_arcs else f'G90G1{place}'
        return step_of(line, Kind.PROBE, number), ahead

    def _beside_half_steps(self, grid: np.ndarray) -> np.ndarray:
        """Points that GRBL rounds to the same step however its 32-bit sums fall; a probe would else be a step back."""
        steps = (grid / GRID + self.zero_mm) * np.array(self.steps_per_mm)
        moved = grid + (np.abs(steps % 1.0 - 0.5) < _UNSURE_STEPS)
        off = self.placement.is_off_page(moved / GRID + self.zero_mm)
        moved[off] = grid[off]
        return moved

    def _coarser(self, grid: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Points on a coarser grid, counted from the path's start, where that is on the page."""
        coarse = grid[0] + np.rint((points - grid[0]) / _OPENING_GRID).astype(np.int64) * _OPENING_GRID
        off = self.placement.is_off_page(coarse / GRID + self.zero_mm)
        coarse[off] = points[off]
        return coarse

    def _travel_to(self, grid: np.ndarray, number: int) -> Step:
        place = f'X{grid_text(int(grid[0]))}Y{grid_text(int(grid[1]))}'
        if self.limits.travel_speed_mm_s >= self.rapid_mm_s:
            return step_of(f'G90G0{place}F{TRAVEL_FEED}', Kind.TRAVEL, number)
        return step_of(f'G90G1{place}F{plain(self.limits.travel_speed_mm_s * _MM_S)}', Kind.TRAVEL, number)


def _feeds(speeds_mm_s: np.ndarray, most_mm_s: float) -> np.ndarray:
    """F words in mm/min for speeds in mm/s: the usual one as it is, slower ones in steps of equal ratio."""
    steps = np.rint(np.log(speeds_mm_s / most_mm_s) / math.log(_FEED_RATIO))
    return np.maximum(LEAST_FEED, np.rint(most_mm_s * _MM_S * _FEED_RATIO**steps)).astype(int)


def _lengths_to_go_to(along: np.ndarray, piece_mm: float) -> np.ndarray:
    """Lengths at which a line ends: at each point of a polyline, and between where that is too far; (N,) -> (M,).

    Args:
        along: (N,) lengths at its points.
        piece_mm: of the longest line.
    """
    counts = np.maximum(1, np.ceil(np.diff(along) / piece_mm - 1e-9)).astype(int)
    starts, steps = np.repeat(along[:-1], counts), np.repeat(np.diff(along) / counts, counts)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.concatenate((along[:1], starts + steps * (nth + 1.0)))


def _without_repeats(grid: np.ndarray) -> np.ndarray:
    """Which points differ from the one before: (N, 2) -> (M,) int."""
    moved = (np.diff(grid, axis=0) != 0).any(axis=1)
    return np.flatnonzero(np.concatenate(([True], moved)))


def raise_line(pen: GrblPen) -> str:
    """The line that raises a pen."""
    if pen.kind == 'commands':
        return pen.up_command
    return f'M3S{plain(pen.up)}' if pen.kind == 'servo' else f'G0Z{plain(pen.up)}'


def lower_line(pen: GrblPen, pressure: float | None = None) -> str:
    """The line that lowers it, as firmly as told."""
    if pen.kind == 'commands':
        return pen.down_command
    value = plain(pen.value_at(pressure))
    return f'M3S{value}' if pen.kind == 'servo' else f'G1Z{value}F{plain(pen.feed_mm_min)}'


def grid_text(steps: int) -> str:
    """Steps of the grid in mm, as short as can be: 12300 -> '12.3', -500 -> '-.5'."""
    whole, part = divmod(abs(steps), GRID)
    text = f'{whole or ""}.{part:03d}'.rstrip('0').rstrip('.') if part else str(whole)
    return f'-{text}' if steps < 0 else text


def plain(value: float) -> str:
    """A number to a thousandth, as short as can be."""
    return grid_text(round(value * GRID))
