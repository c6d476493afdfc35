"""What a sheet holds beside the drawing: caption, signature, logo, border, and how often the drawing is on it.

Everything that is written has a strip of the drawable area to itself, along one of its sides, and the drawing is fitted
into what is left; so neither ever touches the other, whatever the drawing is. What is written is drawn last, in the
order of writing, and no time budget leaves it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.marks import Mark, caption_mark, is_svg, signature_mark, svg_mark
from sketch_robot.motion.page import Page
from sketch_robot.stroke import Stroke
from sketch_robot.validation import NOT_NEGATIVE, fits

Place = Literal[
    'under', 'top', 'bottom', 'left', 'right', 'top-left', 'top-right', 'bottom-left', 'bottom-right'
]  # fmt: skip
PLACES: tuple[Place, ...] = get_args(Place)
Border = Literal['none', 'line', 'double', 'rounded']
BORDERS: tuple[Border, ...] = get_args(Border)
Copies = Literal['one', 'strip', 'grid', 'cards']
COPIES: tuple[Copies, ...] = get_args(Copies)
TURNS = (0, 90, 180, 270)

GAP_MM = 2.5  # white between any two things, beyond the pen's line
CELL_GAP_MM = 5.0
CARD_MM = (85.0, 55.0)  # ISO/IEC 7810 ID-1 is 85.6 x 54; printers cut 85 x 55
CUT_MARK_MM = 4.0
LEAST_DRAWING_MM = 20.0
MOST_LETTERS = 120
MOST_LINES = 3

Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True)
class SheetLayout:
    """What is on the sheet beside one drawing.

    Attributes:
        caption: written in single lines, '' for none; a line break begins a new line.
        caption_place: 'under' the drawing, along an edge (upwards at the left, downwards at the right), or in a corner.
        caption_mm: height of its capitals; 0: as the sheet's size asks for.
        signature: a text, written in script, or the SVG of one (beginning with '<'); '' for none.
        signature_place, signature_mm: likewise; its whole height.
        logo: an SVG (beginning with '<'); '' for none.
        logo_place, logo_mm: likewise.
        border: a line around the drawable area: one of `BORDERS`.
        copies: how often the drawing is on the sheet: one, three in a strip, a grid of 2 x 2, or as many cards of
            85 x 55 mm as there is room for, each with all that is written and with marks to cut along.
        mirrored: left and right changed, as for a transfer.
        turned: degrees counterclockwise, one of `TURNS`, for a machine before which the sheet lies otherwise.

    Raises:
        SketchRobotError: BAD_GOAL, a word that is not known, a size that is none, or a caption that is too long.
    """

    caption: str = ''
    caption_place: Place = 'under'
    caption_mm: float = 0.0
    signature: str = ''
    signature_place: Place = 'bottom-right'
    signature_mm: float = 0.0
    logo: str = ''
    logo_place: Place = 'top-left'
    logo_mm: float = 0.0
    border: Border = 'none'
    copies: Copies = 'one'
    mirrored: bool = False
    turned: int = 0

    def __post_init__(self) -> None:
        for what, word, known in (
            ('place of a caption', self.caption_place, PLACES),
            ('place of a signature', self.signature_place, PLACES),
            ('place of a logo', self.logo_place, PLACES),
            ('border', self.border, BORDERS),
            ('number of copies', self.copies, COPIES),
            ('turn', self.turned, TURNS),
        ):
            if word not in known:
                raise _bad(f'there is no {what} {word!r}; choose one of: {", ".join(map(str, known))}')
        for what, size_mm in (
            ('caption', self.caption_mm),
            ('signature', self.signature_mm),
            ('logo', self.logo_mm),
        ):
            if not fits(size_mm, NOT_NEGATIVE):
                raise _bad(f'a {what} of a height of {size_mm} mm cannot be drawn')
        if len(self.caption) > MOST_LETTERS or len(self.caption.splitlines()) > MOST_LINES:
            raise _bad(f'a caption has at most {MOST_LETTERS} letters in {MOST_LINES} lines')
        if self.logo and not is_svg(self.logo):
            raise _bad('a logo is an SVG')
        if not is_svg(self.signature) and len(self.signature) > MOST_LETTERS:
            raise _bad(f'a signature has at most {MOST_LETTERS} letters, or is an SVG')


PLAIN = SheetLayout()


@dataclass(frozen=True, eq=False)
class LaidOutSheet:
    """Where everything goes; in the frame of the sheet before it is mirrored and turned.

    Attributes:
        page: the sheet as it lies before it is turned.
        box_mm: where the drawing is fitted into.
        shifts_mm: (C, 2) from the first copy of the drawing to each; the first is (0, 0).
        matrix, offset_mm: (2, 2) and (2,), from this frame to the page's.
    """

    page: Page
    box_mm: Box
    shifts_mm: np.ndarray
    matrix: np.ndarray
    offset_mm: np.ndarray
    _fixed: tuple[np.ndarray, ...]
    _under: tuple[Mark, ...]

    @property
    def area(self) -> Page:
        """A page as large as the box, without margins; the whole page when it has nothing but the drawing."""
        if self.box_mm == self.page.drawable_mm:
            return self.page
        left, bottom, right, top = self.box_mm
        return Page(right - left, top - bottom, 0.0)

    def moved(self, strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
        """Strokes on the `area` to this frame; rounding does not lead out of the box."""
        if self.box_mm == self.page.drawable_mm:
            return tuple(strokes)
        low, high = np.array(self.box_mm[:2]), np.array(self.box_mm[2:])
        return tuple(replace(stroke, xy=np.clip(stroke.xy + low, low, high)) for stroke in strokes)

    def onto_page(self, strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
        """Strokes of this frame in the page's."""
        if np.array_equal(self.matrix, np.eye(2)):
            return tuple(strokes)
        return tuple(replace(stroke, xy=stroke.xy @ self.matrix.T + self.offset_mm) for stroke in strokes)

    def copied(self, strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
        """All copies of strokes in the page's frame, one copy after the other, those of one pen together."""
        if len(self.shifts_mm) == 1:
            return tuple(strokes)
        shifts = self.shifts_mm @ self.matrix.T
        pens = dict.fromkeys(stroke.pen for stroke in strokes)
        return tuple(
            replace(stroke, xy=stroke.xy + shift)
            for pen in pens
            for shift in shifts
            for stroke in strokes
            if stroke.pen == pen
        )

    def written(self, drawing: Sequence[Stroke]) -> tuple[Stroke, ...]:
        """All that is on the sheet beside the drawing, in the page's frame and the order of writing.

        Args:
            drawing: its strokes, in this frame, under which a caption may go.
        """
        lines = list(self._fixed)
        if self._under:
            lowest = min((float(stroke.xy[:, 1].min()) for stroke in drawing), default=self.box_mm[1])
            rise_mm = max(0.0, lowest - self.box_mm[1])  # all copies have as much white below
            lines += [line + np.array((0.0, rise_mm)) for mark in self._under for line in mark.lines]
        return self.onto_page([Stroke(line, importance=1.0) for line in lines])


def lay_out(layout: SheetLayout, page: Page, pen_mm: float) -> LaidOutSheet:
    """Find room for everything on a page.

    Args:
        layout: what is on it.
        page: the sheet as it lies before the machine.
        pen_mm: width of the line.

    Raises:
        SketchRobotError: BAD_GOAL, something does not fit, or a letter has no single-line form; BAD_PLAN, the SVG of a
            signature or logo cannot be read or has too many lines.
    """
    width, height = page.width_mm, page.height_mm
    if layout.turned in (90, 270):
        width, height = height, width
    sheet = replace(page, width_mm=width, height_mm=height)
    matrix, offset = _turn(layout, width, height)
    if layout.copies == 'cards':
        box, shifts, fixed = _cards(layout, sheet.drawable_mm, pen_mm)
        return LaidOutSheet(sheet, box, shifts, matrix, offset, fixed, ())
    box, fixed, under = _furnish(layout, sheet.drawable_mm, pen_mm)
    cell, shifts = _cells(layout.copies, box)
    if layout.copies != 'one' or box != sheet.drawable_mm:
        _check_room(cell)
    return LaidOutSheet(sheet, cell, shifts, matrix, offset, fixed, under)


def _cards(layout: SheetLayout, area: Box, pen_mm: float) -> tuple[Box, np.ndarray, tuple[np.ndarray, ...]]:
    """As many cards as there is room for, upright or not, whichever are more, side by side."""
    wide, high = area[2] - area[0], area[3] - area[1]
    lying, standing = CARD_MM, CARD_MM[::-1]
    card = max((lying, standing), key=lambda size: (wide // size[0]) * (high // size[1]))
    columns, rows = int(wide // card[0]), int(high // card[1])
    if columns * rows == 0:
        raise _bad(f'a card of {CARD_MM[0]:g} x {CARD_MM[1]:g} mm does not fit into {wide:.0f} x {high:.0f} mm')
    left, bottom = area[0], area[3] - rows * card[1]
    first = (left, area[3] - card[1])
    inset = 3.0
    inner = (first[0] + inset, first[1] + inset, first[0] + card[0] - inset, first[1] + card[1] - inset)
    box, fixed, under = _furnish(replace(layout, copies='one'), inner, pen_mm)
    _check_room(box)
    shifts = np.array([(c * card[0], -r * card[1]) for r in range(rows) for c in range(columns)])
    written = [line + shift for shift in shifts for line in (*fixed, *(line for mark in under for line in mark.lines))]
    xs = [left + c * card[0] for c in range(columns + 1)]
    ys = [bottom + r * card[1] for r in range(rows + 1)]
    marks = [_cross(x, y, (xs[0], ys[0], xs[-1], ys[-1])) for y in ys for x in xs]
    return box, shifts, (*written, *(line for mark in marks for line in mark))


def _cross(x: float, y: float, box: Box) -> list[np.ndarray]:
    """A mark to cut along, inside a box."""
    half = CUT_MARK_MM / 2.0
    across = np.array([[max(x - half, box[0]), y], [min(x + half, box[2]), y]])
    along = np.array([[x, max(y - half, box[1])], [x, min(y + half, box[3])]])
    return [across, along]


def _furnish(layout: SheetLayout, area: Box, pen_mm: float) -> tuple[Box, tuple[np.ndarray, ...], tuple[Mark, ...]]:
    """What is left of an area for the drawing, what is around it, and what goes under the drawing."""
    gap = GAP_MM + pen_mm
    box, lines = _border(layout.border, area, gap)
    side = min(box[2] - box[0], box[3] - box[1])
    marks: list[tuple[Place, Mark]] = []
    if layout.signature:
        height = layout.signature_mm or min(max(0.07 * side, 4.0), 14.0)
        marks.append(
            (layout.signature_place, signature_mark(layout.signature, height, _room(layout.signature_place, box)))
        )
    if layout.logo:
        height = layout.logo_mm or min(max(0.10 * side, 6.0), 20.0)
        marks.append((layout.logo_place, svg_mark(layout.logo, height, _room(layout.logo_place, box), 'logo')))
    if layout.caption.strip():
        place, auto = layout.caption_place, layout.caption_mm == 0.0
        height = layout.caption_mm or min(max(0.036 * side, 2.5), 7.0)
        marks.append(
            (place, caption_mark(layout.caption, height, _room(place, box), _edge_and_slot(place)[1], shrink=auto))
        )
    under: list[Mark] = []
    rows: dict[str, list[_Row]] = {}
    for place, mark in marks:
        edge, slot = _edge_and_slot(place)
        turned = _upright(mark, edge)
        _into_rows(rows.setdefault(edge, []), slot, turned, box, edge, gap)
    for edge, of_edge in rows.items():
        for row in of_edge:
            box, placed = row.placed(box, edge, gap)
            for (slot, _), mark in zip(row.marks, placed, strict=True):
                if slot == 'under':
                    under.append(mark)
                else:
                    lines += mark.lines
    return box, tuple(lines), tuple(under)


class _Row:
    """What lies side by side along one edge."""

    def __init__(self) -> None:
        self.marks: list[tuple[str, Mark]] = []

    def takes(self, slot: str, mark: Mark, length: float, edge: str, gap: float) -> bool:
        mine = _span(slot, mark, length, edge)
        spans = [_span(other, placed, length, edge) for other, placed in self.marks]
        return all(mine[1] + gap <= a or b + gap <= mine[0] for a, b in spans)

    def placed(self, box: Box, edge: str, gap: float) -> tuple[Box, list[Mark]]:
        """The box without the row, and the marks in their places."""
        left, bottom, right, top = box
        flat = edge in ('top', 'bottom')
        depth = max(mark.height if flat else mark.width for _, mark in self.marks)
        length = right - left if flat else top - bottom
        found = []
        for slot, mark in self.marks:
            start = _span(slot, mark, length, edge)[0]
            if edge == 'bottom':
                # A caption under the drawing hangs from the row's upper edge, so that all of it rises with the drawing.
                found.append(mark.at(left + start, bottom + (depth - mark.height if slot == 'under' else 0.0)))
            elif edge == 'top':
                found.append(mark.at(left + start, top - mark.height))
            elif edge == 'left':
                found.append(mark.at(left, bottom + start))
            else:
                found.append(mark.at(right - mark.width, bottom + start))
        step = depth + gap
        inner = {
            'bottom': (left, bottom + step, right, top),
            'top': (left, bottom, right, top - step),
            'left': (left + step, bottom, right, top),
            'right': (left, bottom, right - step, top),
        }[edge]
        return inner, found


def _into_rows(rows: list[_Row], slot: str, mark: Mark, box: Box, edge: str, gap: float) -> None:
    length = box[2] - box[0] if edge in ('top', 'bottom') else box[3] - box[1]
    for row in rows:
        if row.takes(slot, mark, length, edge, gap):
            row.marks.append((slot, mark))
            return
    rows.append(_Row())
    rows[-1].marks.append((slot, mark))


def _edge_and_slot(place: Place) -> tuple[str, str]:
    if place == 'under':
        return 'bottom', 'under'
    edge, _, corner = place.partition('-')
    return edge, {'': 'middle', 'left': 'start', 'right': 'end'}[corner]


def _span(slot: str, mark: Mark, length: float, edge: str) -> tuple[float, float]:
    """From where to where a mark lies along its edge."""
    size = mark.width if edge in ('top', 'bottom') else mark.height
    start = {'start': 0.0, 'end': length - size}.get(slot, (length - size) / 2.0)
    return start, start + size


def _upright(mark: Mark, edge: str) -> Mark:
    """A mark as it lies along its edge: upwards at the left, downwards at the right."""
    if edge == 'left':
        lines = tuple(np.column_stack((mark.height - line[:, 1], line[:, 0])) for line in mark.lines)
        return Mark(lines, mark.height, mark.width)
    if edge == 'right':
        lines = tuple(np.column_stack((line[:, 1], mark.width - line[:, 0])) for line in mark.lines)
        return Mark(lines, mark.height, mark.width)
    return mark


def _room(place: Place, box: Box) -> float:
    """How long a mark may be at a place."""
    edge, slot = _edge_and_slot(place)
    length = box[2] - box[0] if edge in ('top', 'bottom') else box[3] - box[1]
    return length if slot in ('middle', 'under') else 0.6 * length


def _border(border: Border, area: Box, gap: float) -> tuple[Box, list[np.ndarray]]:
    left, bottom, right, top = area
    if border == 'none':
        return area, []
    lines = [_frame(area, 5.0 if border == 'rounded' else 0.0)]
    inset = gap
    if border == 'double':
        step = 1.6
        lines.append(_frame((left + step, bottom + step, right - step, top - step), 0.0))
        inset += step
    return (left + inset, bottom + inset, right - inset, top - inset), lines


def _frame(box: Box, radius: float) -> np.ndarray:
    left, bottom, right, top = box
    if radius == 0.0:
        return np.array([(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)])
    radius = min(radius, (right - left) / 2.0, (top - bottom) / 2.0)
    quarter = np.linspace(0.0, np.pi / 2.0, 13)
    corners = (
        (right - radius, bottom + radius, -np.pi / 2.0),
        (right - radius, top - radius, 0.0),
        (left + radius, top - radius, np.pi / 2.0),
        (left + radius, bottom + radius, np.pi),
    )
    arcs = [
        np.column_stack((x + radius * np.cos(a + quarter), y + radius * np.sin(a + quarter))) for x, y, a in corners
    ]
    closed = np.concatenate((*arcs, arcs[0][:1]))
    return np.clip(closed, (left, bottom), (right, top))


def _cells(copies: Copies, box: Box) -> tuple[Box, np.ndarray]:
    """The first cell, and the shifts to all."""
    left, bottom, right, top = box
    wide, high = right - left, top - bottom
    columns, rows = {
        'one': (1, 1),
        'strip': (3, 1) if wide > high else (1, 3),
        'grid': (2, 2),
    }[copies]
    width = (wide - (columns - 1) * CELL_GAP_MM) / columns
    height = (high - (rows - 1) * CELL_GAP_MM) / rows
    shifts = [(c * (width + CELL_GAP_MM), -r * (height + CELL_GAP_MM)) for r in range(rows) for c in range(columns)]
    return (left, top - height, left + width, top), np.array(shifts)


def _check_room(box: Box) -> None:
    wide, high = box[2] - box[0], box[3] - box[1]
    if min(wide, high) < LEAST_DRAWING_MM:
        raise _bad(
            f'border, caption and the like leave {max(wide, 0.0):.0f} x {max(high, 0.0):.0f} mm for the drawing, less '
            f'than {LEAST_DRAWING_MM:g}; take a larger sheet, or less beside it'
        )


def _turn(layout: SheetLayout, width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and offset from a sheet of that size, mirrored and turned, to the page."""
    mirror = np.diag([-1.0, 1.0]) if layout.mirrored else np.eye(2)
    start = np.array([width if layout.mirrored else 0.0, 0.0])
    turn, corner = {
        0: ([[1.0, 0.0], [0.0, 1.0]], (0.0, 0.0)),
        90: ([[0.0, -1.0], [1.0, 0.0]], (height, 0.0)),
        180: ([[-1.0, 0.0], [0.0, -1.0]], (width, height)),
        270: ([[0.0, 1.0], [-1.0, 0.0]], (0.0, width)),
    }[layout.turned]
    matrix = np.array(turn)
    return matrix @ mirror, matrix @ start + np.array(corner)


def _bad(text: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, text)
