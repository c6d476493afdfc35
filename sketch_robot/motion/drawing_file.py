"""Drawings from files, whatever draws them: pictures of lines, SVG, our own plans, and lists of strokes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.motion.fit import FARTHEST, LEAST_MM, MOST_STROKES, SAME_SIZE_MM, Scaling, place_sheet
from sketch_robot.motion.layout import PLAIN, SheetLayout, lay_out
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import DEFAULT_MARGIN_MM, SIZES_MM, Page, parse_page
from sketch_robot.motion.plan import DrawingPlan, Pen
from sketch_robot.motion.plan_file import parse_json, plan_from_json, read_whole
from sketch_robot.motion.planner import plan_drawing, plan_strokes
from sketch_robot.motion.svg.reader import read_svg
from sketch_robot.motion.text import TextMode
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import placed_importance, traced_importance
from sketch_robot.strokes.ordering.order import Precedence
from sketch_robot.strokes.source import strokes_from
from sketch_robot.strokes.tracing.line_picture import load_line_picture

DEFAULT_PAGE = 'A5'
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sheet:
    """The sheet that a drawing in millimetres lies on, which need not be one that a machine could take."""

    width_mm: float
    height_mm: float
    margin_mm: float


@dataclass(frozen=True, eq=False)
class Drawing:
    """Strokes that are to be planned.

    Attributes:
        strokes: in pixels of a picture, y down; with a `sheet`, in mm of it, y up.
        size: width and height of the picture or the sheet.
        sheet: what it lies on; None for pictures.
        pens: that strokes name. Empty: one pen.
        artist: who drew it, '' when unknown.
    """

    strokes: tuple[Stroke, ...]
    size: tuple[float, float]
    sheet: Sheet | None = None
    pens: tuple[Pen, ...] = ()
    artist: str = ''

    def with_one_pen(self) -> Drawing:
        """The same, all drawn by one pen."""
        return replace(self, strokes=tuple(replace(stroke, pen='') for stroke in self.strokes), pens=())


def load_drawing(path: str | Path, *, text: TextMode = 'single-line') -> Drawing:
    """Read a drawing; the file's suffix says what it is: .svg, .json (a plan of ours, or a list of strokes, each a list
    of points [x, y] in pixels), or else a picture of dark lines on light paper, which is traced.

    Args:
        path: the file.
        text: how to draw the text of an SVG, see `read_svg`.

    Raises:
        SketchRobotError: BAD_PLAN, an SVG or JSON file cannot be read or holds nothing to draw; BAD_IMAGE, the picture
            cannot be read; NOTHING_TO_DRAW, it has no lines.
    """
    suffix = Path(path).suffix.lower()
    if suffix == '.svg':
        return _from_svg(read_whole(path), text)
    if suffix == '.json':
        return _from_json(read_whole(path).decode('utf-8', errors='replace'))
    ink = load_line_picture(path)
    art = LineArt(ink, '')
    strokes = strokes_from(art)
    if not strokes:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, f'{path} has no lines that can be told from its paper')
    return Drawing(strokes, art.size_px)


def page_for(
    sheet: Sheet | None, text: str | None = None, *, margin_mm: float | None = None, orientation: str = 'auto'
) -> Page:
    """The page for a drawing; what is left open is as the drawing's sheet has it.

    Args:
        sheet: of the drawing; None: pictures have none.
        text: as `parse_page` takes it. None: the drawing's sheet, or A5.
        margin_mm: None: the sheet's, or the default. With neither page nor margin asked for, a sheet that is too small
            or too large for any page (icons, posters) goes onto A5, with a warning.
        orientation: see `parse_page`; 'auto' also turns a page of the sheet's size as the sheet lies, when only its
            name is given.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such page.
    """
    if margin_mm is None:
        margin_mm = DEFAULT_MARGIN_MM if sheet is None else sheet.margin_mm
        if text is None and sheet is not None:
            try:
                Page(sheet.width_mm, sheet.height_mm, margin_mm)
            except SketchRobotError as error:
                _log.warning('%s; the drawing is fitted onto A5, unless you name a page', error.message)
                text, margin_mm = DEFAULT_PAGE, DEFAULT_MARGIN_MM
    if text is None:
        text = DEFAULT_PAGE if sheet is None else _name_of(sheet)
    page = parse_page(text, margin_mm=margin_mm, orientation=orientation)
    lies_as_named = orientation != 'auto' or text.strip().upper() not in SIZES_MM  # 'A5 landscape', '210x148'
    if lies_as_named or sheet is None or not _same((page.height_mm, page.width_mm), sheet):
        return page
    return replace(page, width_mm=page.height_mm, height_mm=page.width_mm)


def _name_of(sheet: Sheet) -> str:
    for name, (width_mm, height_mm) in SIZES_MM.items():
        if _same((width_mm, height_mm), sheet) or _same((height_mm, width_mm), sheet):
            return name
    return f'{sheet.width_mm:.3f}x{sheet.height_mm:.3f}'


def _same(size_mm: tuple[float, float], sheet: Sheet) -> bool:
    return max(abs(size_mm[0] - sheet.width_mm), abs(size_mm[1] - sheet.height_mm)) <= SAME_SIZE_MM


def plan_loaded(
    drawing: Drawing,
    page: Page,
    profile: MachineLimits,
    *,
    time_budget_s: float | None = None,
    precedence: Precedence = 'soft',
    scaling: Scaling = 'auto',
    layout: SheetLayout = PLAIN,
) -> DrawingPlan:
    """Plan a drawing; see `plan_drawing`, and `place_sheet` for `scaling`, which is for drawings in millimetres.

    Those keep every line as it is; lines of pictures are joined and made fair for the machine.
    """
    options: dict[str, Any] = {
        'time_budget_s': time_budget_s,
        'artist': drawing.artist,
        'pens': drawing.pens,
        'precedence': precedence,
    }
    if drawing.sheet is None:
        return plan_drawing(drawing.strokes, drawing.size, page, profile, layout=layout, **options)
    if layout == PLAIN:
        return plan_strokes(place_sheet(drawing.strokes, drawing.size, page, scaling=scaling), page, profile, **options)
    sheet = lay_out(layout, page, profile.pen_width_mm)
    placed = sheet.moved(place_sheet(drawing.strokes, drawing.size, sheet.area, scaling=scaling))
    return plan_strokes(placed, page, profile, sheet=sheet, **options)


def _from_svg(data: bytes, text: TextMode) -> Drawing:
    drawing = read_svg(data, text=text)
    margin_mm = DEFAULT_MARGIN_MM if drawing.margin_mm is None else drawing.margin_mm
    size = drawing.width_mm, drawing.height_mm
    return Drawing(drawing.strokes, size, Sheet(*size, margin_mm), drawing.pens, drawing.artist)


def _from_json(text: str) -> Drawing:
    try:
        data = parse_json(text)
    except ValueError as error:
        raise _bad(str(error)) from error
    if isinstance(data, dict):
        plan = plan_from_json(text)
        if not plan.strokes:
            raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'the plan has no strokes')
        size = plan.page.width_mm, plan.page.height_mm
        return Drawing(plan.strokes, size, Sheet(*size, plan.page.margin_mm), plan.pens, plan.artist)
    if not isinstance(data, list) or not data:
        raise _bad('it is neither a plan nor a list of strokes')
    if len(data) > MOST_STROKES:
        raise _bad(f'it has {len(data)} strokes, more than {MOST_STROKES}; draw it in parts')
    lines = [_points(number, entry) for number, entry in enumerate(data)]
    every = np.concatenate(lines)
    low = every.min(axis=0)
    width, height = np.maximum(every.max(axis=0) - low, LEAST_MM).tolist()
    strokes = [Stroke(xy - low) for xy in lines]
    strokes = [replace(stroke, importance=traced_importance(stroke.length, 1.0)) for stroke in strokes]
    return Drawing(placed_importance(strokes, (width, height)), (width, height))


def _points(number: int, entry: Any) -> np.ndarray:
    """(N, 2) points of one entry of a list of strokes."""
    try:
        xy = np.array(entry, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(f'stroke {number} is no list of points [x, y]') from error
    if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) == 0:
        raise _bad(f'stroke {number} is no list of points [x, y]')
    if not (np.abs(xy) <= FARTHEST).all():  # nor not a number
        raise _bad(f'stroke {number} has a coordinate that is not finite, or beyond {FARTHEST:.0e} pixels')
    return xy


def _bad(why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_PLAN, f'the drawing cannot be read: {why}')
