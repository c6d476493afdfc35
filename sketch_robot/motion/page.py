"""The sheet of paper."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MARGIN_MM = 10.0


@dataclass(frozen=True)
class Page:
    """A sheet and the part of it that may be drawn on.

    The page's frame has its origin at the lower left corner, x right, y up, millimetres.

    Attributes:
        width_mm, height_mm: the sheet as it lies before the machine.
        margin_mm: the border on each side that stays white.
        name: 'A5', or '148x210' for a custom size.
    """

    width_mm: float
    height_mm: float
    margin_mm: float = DEFAULT_MARGIN_MM
    name: str = ''

    @property
    def drawable_mm(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top of the area inside the margins."""
        return self.margin_mm, self.margin_mm, self.width_mm - self.margin_mm, self.height_mm - self.margin_mm
