"""A stroke: one movement of the pen between touching the paper and lifting.

The one value that several rooms share: artists think in strokes, tracing finds them, motion places them on a page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

LABELS = ('eye', 'brow', 'nose', 'mouth', 'jaw', 'glasses', 'hair', 'ear', 'clothes', 'other')


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

    def __post_init__(self) -> None:
        xy = np.ascontiguousarray(self.xy, dtype=np.float64)
        if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) == 0:
            raise ValueError(f'a stroke needs points of shape (N, 2) with N >= 1, not {xy.shape}')
        if not np.isfinite(xy).all():
            raise ValueError('a stroke has a coordinate that is not finite')
        if self.label not in LABELS:
            raise ValueError(f'unknown stroke label {self.label!r}; known: {", ".join(LABELS)}')
        if not 0.0 <= self.importance <= 1.0:
            raise ValueError(f'importance {self.importance} is outside [0, 1]')
        if not (np.isfinite(self.half_width) and self.half_width >= 0.0):
            raise ValueError(f'half width {self.half_width} is not a length')
        object.__setattr__(self, 'xy', xy)
        for name, most in (('half_widths', np.inf), ('pressure', 1.0)):
            object.__setattr__(self, name, _per_point(name, getattr(self, name), len(xy), most))

    @property
    def length(self) -> float:
        """Length of the polyline in the unit of `xy`."""
        return float(np.hypot(*np.diff(self.xy, axis=0).T).sum()) if len(self.xy) > 1 else 0.0

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


def _per_point(name: str, values: np.ndarray | None, count: int, most: float) -> np.ndarray | None:
    if values is None:
        return None
    checked = np.ascontiguousarray(values, dtype=np.float64)
    if checked.shape != (count,):
        raise ValueError(f'a stroke of {count} points needs as many {name}, not an array of shape {checked.shape}')
    if not (np.isfinite(checked).all() and (checked >= 0.0).all() and (checked <= most).all()):
        raise ValueError(f'a stroke has {name} that are negative, too large or not finite')
    return checked
