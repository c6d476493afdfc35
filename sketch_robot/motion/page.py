"""The sheet of paper."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import NOT_NEGATIVE, POSITIVE, fits

DEFAULT_MARGIN_MM = 10.0
LARGEST_MM = 2000.0
SIZES_MM = {  # width and height of upright sheets; ISO 216, ANSI
    'A2': (420.0, 594.0),
    'A3': (297.0, 420.0),
    'A4': (210.0, 297.0),
    'A5': (148.0, 210.0),
    'A6': (105.0, 148.0),
    'LETTER': (215.9, 279.4),
}
ORIENTATIONS = ('auto', 'portrait', 'landscape')
_NAMED = re.compile(r'([a-z0-9]+)(?:[\s_-]+(portrait|landscape))?', re.IGNORECASE)
_NUMBER = r'([+-]?(?:\d+\.?\d*|\.\d+|nan|inf)(?:e[+-]?\d+)?)'
_CUSTOM = re.compile(rf'{_NUMBER}\s*(?:mm)?\s*[x×]\s*{_NUMBER}\s*(?:mm)?', re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """A sheet and the part of it that may be drawn on.

    The page's frame has its origin at the lower left corner, x right, y up, millimetres.

    Attributes:
        width_mm, height_mm: the sheet as it lies before the machine.
        margin_mm: the border on each side that stays white.
        name: 'A5', or '148x210' for a custom size.

    Raises:
        SketchRobotError: BAD_GOAL, a size is not positive and finite or over 2 m, the margin is negative, or the
            margins leave nothing.
    """

    width_mm: float
    height_mm: float
    margin_mm: float = DEFAULT_MARGIN_MM
    name: str = ''

    def __post_init__(self) -> None:
        sheet = f'the page {self.width_mm:g} x {self.height_mm:g} mm'
        if not all(fits(side, POSITIVE) for side in (self.width_mm, self.height_mm)):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{sheet} has a side that is not a positive length')
        if max(self.width_mm, self.height_mm) > LARGEST_MM:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{sheet} is larger than {LARGEST_MM:g} mm; sizes are in mm')
        if not fits(self.margin_mm, NOT_NEGATIVE):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the margin {self.margin_mm:g} mm is not a length')
        if min(self.width_mm, self.height_mm) <= 2.0 * self.margin_mm:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{sheet} leaves nothing inside {self.margin_mm:g} mm margins')

    @property
    def drawable_mm(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top of the area inside the margins."""
        return self.margin_mm, self.margin_mm, self.width_mm - self.margin_mm, self.height_mm - self.margin_mm


def parse_page(text: str, *, margin_mm: float = DEFAULT_MARGIN_MM, orientation: str = 'auto') -> Page:
    """The page that a person named.

    Args:
        text: 'A2' to 'A6' or 'Letter', alone or as in 'A5 landscape', or width x height in mm as in '148x210' or
            '148 x 210.5 mm'. Capitals do not matter.
        margin_mm: the border on each side that stays white.
        orientation: 'portrait' or 'landscape' turns the sheet so; 'auto' takes the one in `text`, else leaves named
            sizes upright and custom sizes as they were given.

    Raises:
        SketchRobotError: BAD_GOAL, no such page, orientation or size, or margins that leave nothing.
    """
    if orientation not in ORIENTATIONS:
        known = ', '.join(ORIENTATIONS)
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no orientation {orientation!r}; choose one of: {known}')
    named, custom = _NAMED.fullmatch(text.strip()), _CUSTOM.fullmatch(text.strip())
    if custom:
        width, height = float(custom[1]), float(custom[2])
        name = ''
    elif named and named[1].upper() in SIZES_MM:
        width, height = SIZES_MM[named[1].upper()]
        name = named[1].upper() if named[1].upper() != 'LETTER' else 'Letter'
        if orientation == 'auto':
            orientation = (named[2] or 'portrait').lower()
    else:
        known = ', '.join(size.capitalize() for size in SIZES_MM)
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'there is no page {text[:40]!r}; choose one of {known}, or width x height in mm as 148x210',
        )
    if (orientation == 'landscape' and width < height) or (orientation == 'portrait' and width > height):
        width, height = height, width
    return Page(width, height, margin_mm, name or f'{width:g}x{height:g}')
