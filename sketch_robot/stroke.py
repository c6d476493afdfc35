"""A stroke: one movement of the pen between touching the paper and lifting.

The one value that several rooms share: artists think in strokes, tracing finds them, motion places them on a page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from sketch_robot.polyline import length_of, lengths_along
from sketch_robot.validation import NOT_NEGATIVE, Rule, all_fit, fits

LABELS = ('eye', 'brow', 'nose', 'mouth', 'jaw', 'glasses', 'hair', 'ear', 'clothes', 'other', 'shading')


@dataclass(frozen=True, eq=False)
class Stroke:
    """A polyline to draw without lifting the pen.

    Attributes:
        xy: (N, 2) float64, N >= 1, finite. Up to and including `strokes/`: pixels of the line art, origin at its upper
            left corner, x right, y down, the centre of pixel (column, row) at (column + 0.5, row + 0.5). From `motion/`
            on: millimetres of the page, origin at its lower left corner, x right, y up. One point alone is a dot.
        half_width: half the line's width, in the unit of `xy`; 0 when unknown.
        label: what it depicts, one of `LABELS`.
        importance: in [0, 1]; what is left out last when time is short has the most.
        half_widths: (N,) float64, half the line's width at each point, in the unit of `xy`; None when unknown.
        pressure: (N,) float64 in [0, 1], from `motion/` on: how firmly the pen presses at each point, 0 the lightest
            line that the machine draws; None: as it usually does.
        pen: the name of the pen that draws it; '' when there is only one.
        filled: whether it is the outline of a dark shape, all ink inside; closed then.

    Raises:
        ValueError: shape, a value that is not finite, an unknown label, an importance or a pressure outside [0, 1], or
            an array that has not one value for each point.
    """

    xy: np.ndarray
    half_width: float = 0.0
    label: str = 'other'
    importance: float = 0.5
    half_widths: np.ndarray | None = None
    pressure: np.ndarray | None = None
    pen: str = ''
    filled: bool = False

    def __post_init__(self) -> None:
        xy = self.xy
        if type(xy) is not np.ndarray or xy.dtype != np.float64 or not xy.flags.c_contiguous:
            xy = np.ascontiguousarray(xy, dtype=np.float64)
            object.__setattr__(self, 'xy', xy)
        if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) == 0:
            raise ValueError(f'a stroke needs points of shape (N, 2) with N >= 1, not {xy.shape}')
        if not np.isfinite(xy).all():
            raise ValueError('a stroke has a coordinate that is not finite')
        if self.label not in LABELS:
            raise ValueError(f'unknown stroke label {self.label!r}; known: {", ".join(LABELS)}')
        if not 0.0 <= self.importance <= 1.0:
            raise ValueError(f'importance {self.importance} is outside [0, 1]')
        if not fits(self.half_width, NOT_NEGATIVE):
            raise ValueError(f'half width {self.half_width} is not a length')
        if self.half_widths is not None:
            object.__setattr__(self, 'half_widths', _per_point('half_widths', self.half_widths, len(xy), math.inf))
        if self.pressure is not None:
            object.__setattr__(self, 'pressure', _per_point('pressure', self.pressure, len(xy), 1.0))

    @property
    def length(self) -> float:
        """Length of the polyline in the unit of `xy`."""
        return length_of(self.xy)

    @property
    def closed(self) -> bool:
        """Whether it ends where it starts, so that it may start at any of its points."""
        return len(self.xy) >= 4 and bool((self.xy[0] == self.xy[-1]).all())

    def taking(self, index: np.ndarray | slice) -> Stroke:
        """The stroke through some of its points, in their order; what belongs to a point goes with it.

        Args:
            index: as numpy takes it: a slice, (M,) int or (N,) bool.
        """
        return replace(
            self,
            xy=self.xy[index],
            half_widths=None if self.half_widths is None else self.half_widths[index],
            pressure=None if self.pressure is None else self.pressure[index],
        )

    def reversed(self) -> Stroke:
        """The same line, drawn from its other end."""
        return self.taking(slice(None, None, -1))


def _per_point(name: str, values: np.ndarray, count: int, most: float) -> np.ndarray:
    checked = np.ascontiguousarray(values, dtype=np.float64)
    if checked.shape != (count,):
        raise ValueError(f'a stroke of {count} points needs as many {name}, not an array of shape {checked.shape}')
    if not all_fit(checked, Rule(float, low=0.0, high=most)):
        raise ValueError(f'a stroke has {name} that are negative, too large or not finite')
    return checked


def stroke_from(stroke: Stroke, length: float) -> Stroke:
    """Cut off the first so much of a stroke, in the unit of `xy`; its last point alone is left when it is no longer."""
    along = lengths_along(stroke.xy)
    last = int(np.searchsorted(along, length, side='right')) - 1  # the last point at or before the cut
    if last >= len(along) - 1:
        return stroke.taking(slice(-1, None))
    share = (length - along[last]) / (along[last + 1] - along[last])

    def cut(values: np.ndarray) -> np.ndarray:
        at_cut = values[last] + share * (values[last + 1] - values[last])
        return np.concatenate((at_cut[None], values[last + 1 :]))

    return replace(
        stroke,
        xy=cut(stroke.xy),
        half_widths=None if stroke.half_widths is None else cut(stroke.half_widths),
        pressure=None if stroke.pressure is None else cut(stroke.pressure),
    )


def stroke_until(stroke: Stroke, length: float) -> Stroke:
    """Keep the first so much of a stroke, all of it when it is no longer than that."""
    rest = stroke.length - length
    return stroke_from(stroke.reversed(), rest).reversed() if rest > 0.0 else stroke
