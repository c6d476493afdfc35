"""Loud and soft with one pen: how often a line is drawn follows from how wide and dark its ink was.

A pen has one width and one darkness. Seen from afar, ink is what counts: a line as wide and as dark as two strokes of
the pen is drawn there and back beside itself, and tapers to one where it thins; a dark shape, which is a line much
wider than the pen, is filled by strokes along its form without lifting. Lines too faint for the pen are left out
before (`strokes.source`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.shapes import fill_shapes

Weight = Literal['passes', 'pressure', 'none']
WEIGHTS: tuple[Weight, ...] = get_args(Weight)

LEAST_RUN = 2.0  # widths of the pen: shorter heavy places are bumps
GAP = 4.0  # widths of the pen: heavy places so near to each other are one, and so short an end is part of it
FADE = 2.0  # widths of the pen over which the two sides part from the line
STEP = 0.25  # widths of the pen between the points of what is drawn beside itself


def check_weight(weight: str) -> None:
    """Refuse a weight that there is not.

    Raises:
        SketchRobotError: BAD_GOAL; the message names those that there are.
    """
    if weight not in WEIGHTS:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'there is no weight {weight!r}; choose one of: {", ".join(WEIGHTS)}'
        )


@dataclass(frozen=True)
class Filling:
    """When a line is drawn there and back, and how closely; both in widths of the pen.

    Attributes:
        heavy: how wide a line is that is.
        apart: between lines side by side; real ink spreads a little.
        inside: between the lines that fill a shape.
    """

    heavy: float = 1.6
    apart: float = 1.1
    inside: float = 0.92


FULL = Filling()
SHAPES_ALONE = Filling(2.6, 1.5, 1.5)  # for little time: brows, pupils and nostrils, hatched rather than filled


def weigh_strokes(
    strokes: Iterable[Stroke],
    pen_width: float,
    filling: Filling = FULL,
    *,
    box: tuple[float, float, float, float] | None = None,
) -> tuple[Stroke, ...]:
    """Draw strokes as often as their widths ask for.

    Args:
        strokes: with `half_widths`; those without are drawn once.
        pen_width: in the unit of the strokes.
        filling: how closely.
        box: left, bottom, right, top, of ascending coordinates, that nothing may leave; None: no such limit.

    Returns:
        the strokes, each still drawn without lifting, as wide as the pen; shapes filled, see `fill_shapes`.
    """
    filled = fill_shapes(strokes, pen_width, filling.inside * pen_width)
    weighed = tuple(_weighed(stroke, pen_width, filling) for stroke in filled)
    if box is None:
        return weighed
    low, high = np.array(box[:2]), np.array(box[2:])
    return tuple(replace(stroke, xy=np.clip(stroke.xy, low, high)) for stroke in weighed)


def _weighed(stroke: Stroke, pen: float, filling: Filling) -> Stroke:
    if stroke.half_widths is None:
        return stroke
    if len(stroke.xy) == 1:
        return _dot(stroke, pen)
    xy, width = _fine(stroke, STEP * pen)
    heavy = _runs(width > filling.heavy * pen, int(GAP / STEP), int(LEAST_RUN / STEP))
    if not heavy:
        return stroke
    heavy[0], heavy[-1] = _over_short_ends(heavy, len(xy))
    line = np.column_stack([xy, np.minimum(width, pen) / 2.0])
    drawn = _there_and_back(line, width, heavy, pen, filling.apart * pen)
    return replace(stroke, xy=drawn[:, :2], half_width=pen / 2.0, half_widths=drawn[:, 2], pressure=None)


def _there_and_back(xy: np.ndarray, width: np.ndarray, heavy: list[slice], pen: float, apart: float) -> np.ndarray:
    """(M, 3): a line (N, 3) of places and half widths from its start to its end, heavy places filled on the way."""
    normal = np.column_stack([_normals(xy[:, :2], 4), np.zeros(len(xy))])
    drawn: list[np.ndarray] = []
    at = 0
    for number, run in enumerate(heavy):
        last = number == len(heavy) - 1
        spare = np.maximum(width[run] - pen, 0.0) / 2.0
        starts_here, ends_here = run.start == 0, run.stop == len(xy)
        along = np.arange(run.stop - run.start) * (STEP / FADE)
        if not starts_here:
            spare = np.minimum(spare, along * spare.max())
        if not ends_here:
            spare = np.minimum(spare, along[::-1] * spare.max())
        line = xy[run]
        loops, centre = _loops(line, normal[run], spare, apart)
        drawn.append(xy[at : run.start])
        from_the_end = starts_here and not ends_here  # which leads on: there and back from it
        here = len(line) - 1 if from_the_end else 0
        for part, loop in loops:
            corner = part.stop - 1 if from_the_end else part.start
            half = len(loop) // 2 if from_the_end else 0
            drawn += [_way(line, here, corner), loop[half:], loop[:half]]
            here = corner
        if from_the_end:
            if centre is not None:
                drawn += [_way(line, here, centre.stop - 1), line[centre][::-1], line[centre]]
                here = centre.stop - 1
            drawn.append(_way(line, here, len(line) - 1))
        elif not (ends_here and last):
            drawn += [_way(line, here, 0), line]
        elif centre is not None:
            drawn += [_way(line, here, centre.start), line[centre]]
        at = run.stop
    drawn.append(xy[at:])
    return np.vstack([part for part in drawn if len(part)])


def _way(line: np.ndarray, start: int, stop: int) -> np.ndarray:
    """From one point of a line (N, ...) to another along it, without the other: no pen takes a short cut over paper."""
    return line[start:stop] if start <= stop else line[start:stop:-1]


def _over_short_ends(heavy: list[slice], count: int) -> tuple[slice, slice]:
    """The first and the last heavy place, one of them taken to the line's end where that is less to draw twice than
    the place itself: who comes back along a line needs no other way on."""
    first, last = heavy[0], heavy[-1]
    before, after = first.start, count - last.stop
    if before and before <= after and before < first.stop - first.start:
        first = slice(0, first.stop)
    elif after and after < last.stop - last.start:
        last = slice(last.start, count)
    if len(heavy) == 1:
        first = last = slice(first.start, last.stop)
    return first, last


def _loops(
    xy: np.ndarray, normal: np.ndarray, spare: np.ndarray, apart: float
) -> tuple[list[tuple[slice, np.ndarray]], slice | None]:
    """Fill what lies up to `spare` (N,) beside a line: loops there on one side and back on the other, the outermost
    first, each with the part of the line that it goes along; and the part that the innermost leaves open."""
    loops: list[tuple[slice, np.ndarray]] = []
    offset = spare
    while True:
        wide = np.flatnonzero(offset > 0.25 * apart)
        part = slice(0, len(xy)) if not loops else slice(int(wide[0]), int(wide[-1]) + 1)
        beside = np.maximum(offset[part], 0.0)[:, None] * normal[part]
        loops.append((part, np.vstack([xy[part] + beside, (xy[part] - beside)[::-1]])))
        if offset.max() <= 1.25 * apart:  # the middle line fills the rest
            break
        offset = offset - apart
    gap = np.flatnonzero(offset > 0.5 * apart)
    return loops, slice(int(gap[0]), int(gap[-1]) + 1) if len(gap) else None


def _dot(stroke: Stroke, pen: float) -> Stroke:
    """A dot wider than the pen as a small circle."""
    assert stroke.half_widths is not None
    radius = float(stroke.half_widths[0]) - pen / 2
    if radius < 0.15 * pen:
        return stroke
    angle = np.linspace(0.0, 2.0 * np.pi, 9)
    circle = stroke.xy[0] + radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return replace(stroke, xy=circle, half_width=pen / 2, half_widths=None, pressure=None)


def _fine(stroke: Stroke, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spaced points of a stroke and its width at each."""
    assert stroke.half_widths is not None
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(stroke.xy, axis=0).T))))
    at = np.linspace(0.0, along[-1], max(2, round(along[-1] / step) + 1))
    xy = np.column_stack([np.interp(at, along, column) for column in stroke.xy.T])
    width = 2.0 * _smooth(np.interp(at, along, stroke.half_widths), 3)
    return xy, width


def _smooth(values: np.ndarray, reach: int) -> np.ndarray:
    """Mean over so many neighbours to both sides, the ends continued."""
    reach = min(reach, len(values) - 1)
    padded = np.pad(values, reach, mode='edge')
    return np.convolve(padded, np.full(2 * reach + 1, 1.0 / (2 * reach + 1)), 'valid')


def _normals(xy: np.ndarray, reach: int) -> np.ndarray:
    calm = np.column_stack([_smooth(column, reach) for column in xy.T])
    tangent = np.gradient(calm, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None] + 1e-12
    return np.column_stack([-tangent[:, 1], tangent[:, 0]])


def _runs(keep: np.ndarray, gap: int, shortest: int) -> list[slice]:
    """Where `keep` (N,) bool holds, holes of up to `gap` closed, of at least `shortest` points."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], keep.astype(np.int8), [0]))))
    runs: list[list[int]] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        if runs and start - runs[-1][1] <= gap:
            runs[-1][1] = stop
        else:
            runs.append([start, stop])
    near = gap  # a tail shorter than that is part of the heavy place
    wide = [
        (0 if start <= near else start, len(keep) if len(keep) - stop <= near else stop)
        for start, stop in runs
        if stop - start >= shortest
    ]
    return [slice(start, stop) for start, stop in wide]
