"""A picture of a plan, to see what the pen will do: ink coloured by when it is drawn, and travel between."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sketch_robot.motion.plan import HOME_MM, DrawingPlan, Pen
from sketch_robot.motion.pressure import line_width_mm
from sketch_robot.plotters.paper import coverage, save_png
from sketch_robot.validation import POSITIVE, fits

PX_PER_MM = 8.0
MOST_PX = 4000  # of the longer side
_SHADES = 48  # of time
_Colour = tuple[int, int, int]
_BORDER_MM, _LEGEND_MM = 6.0, 16.0
_TRAVEL_MM, _DOT_MM = 0.2, 2.2
_DESK, _PAPER, _EDGE, _MARGIN = (232, 232, 236), (255, 255, 255), (190, 190, 196), (226, 226, 232)
_TRAVEL = (150, 190, 235)
_START, _END, _TEXT = (20, 140, 60), (200, 30, 40), (70, 70, 78)
_LABELS = 8
# From the first stroke to the last: dark enough for ink all the way (after matplotlib's "plasma", cut before yellow).
_COLOURS = np.array([(13, 8, 135), (95, 0, 165), (165, 30, 140), (215, 75, 90), (240, 130, 30)], dtype=np.float64)


def save_plan_picture(plan: DrawingPlan, path: str | Path, *, px_per_mm: float = PX_PER_MM) -> None:
    """Write `plan_picture` to a PNG file, whole or not at all.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written.
        ValueError: the resolution is not positive.
    """
    save_png(path, plan_picture(plan, px_per_mm=px_per_mm))


def plan_picture(plan: DrawingPlan, *, px_per_mm: float = PX_PER_MM) -> np.ndarray:
    """Draw a plan: ink as wide as on paper, by its time from blue to orange, travel thin and pale, seconds at some
    strokes, a green dot where the first stroke begins and a red one where the last ends, and a legend, which shows
    when each pen draws, in its colour.

    Args:
        px_per_mm: resolution; less where a side would have more than `MOST_PX`.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: the resolution is not positive.
    """
    if not fits(px_per_mm, POSITIVE):
        raise ValueError(f'{px_per_mm} px/mm is not a resolution')
    page = plan.page
    width_mm, height_mm = page.width_mm + 2 * _BORDER_MM, page.height_mm + 2 * _BORDER_MM + _LEGEND_MM
    scale = min(px_per_mm, MOST_PX / max(width_mm, height_mm))
    size = max(1, round(width_mm * scale)), max(1, round(height_mm * scale))
    canvas = np.full((size[1], size[0], 3), _DESK, dtype=np.uint8)
    sketch = _Sketch(canvas, scale, page.height_mm)
    sketch.box((0.0, 0.0, page.width_mm, page.height_mm), _PAPER, filled=True)
    sketch.box((0.0, 0.0, page.width_mm, page.height_mm), _EDGE)
    sketch.box(page.drawable_mm, _MARGIN)
    if plan.strokes:
        sketch.lines(_hops(plan), _TRAVEL, _TRAVEL_MM)
    begins = np.concatenate(([0.0], np.cumsum(plan.stroke_s)))
    widths_mm = {pen.name: pen.width_mm for pen in plan.pens} or {'': plan.profile.pen_width_mm}
    shade = np.rint(begins[:-1] / max(plan.predicted_s, 1e-9) * _SHADES).astype(int).tolist()
    for number, run in groupby(range(len(plan.strokes)), key=shade.__getitem__):
        strokes = [plan.strokes[k] for k in run]
        pressed = [line_width_mm(stroke, plan.profile) for stroke in strokes]
        widths = [widths_mm[s.pen] if width is None else width for s, width in zip(strokes, pressed, strict=True)]
        sketch.lines([stroke.xy for stroke in strokes], _colour(number / _SHADES), widths)
    if plan.strokes:
        sketch.lines([plan.strokes[0].xy[:1]], _START, _DOT_MM)
        sketch.lines([plan.strokes[-1].xy[-1:]], _END, _DOT_MM)
    return _with_text(canvas, plan, scale, begins)


def _hops(plan: DrawingPlan) -> list[np.ndarray]:
    """The ways of the pen that is up, by way of home between two pens: (2, 2) mm each."""
    found = []
    here = np.array(HOME_MM)
    for _, run in groupby(plan.strokes, key=lambda stroke: stroke.pen):
        for stroke in run:
            found.append(np.vstack((here, stroke.xy[0])))
            here = stroke.xy[-1]
        found.append(np.vstack((here, HOME_MM)))
        here = np.array(HOME_MM)
    return found


def _colour(share: float) -> _Colour:
    """Of a moment of the drawing, in [0, 1]."""
    at = float(np.clip(share, 0.0, 1.0)) * (len(_COLOURS) - 1)
    red, green, blue = (round(float(np.interp(at, np.arange(len(_COLOURS)), channel))) for channel in _COLOURS.T)
    return red, green, blue


class _Sketch:
    """Draws millimetres of a page on a picture with a border around."""

    def __init__(self, canvas: np.ndarray, px_per_mm: float, height_mm: float) -> None:
        self._canvas, self._scale, self._height_mm = canvas, px_per_mm, height_mm

    def _px(self, xy_mm: np.ndarray) -> np.ndarray:
        return (np.array([_BORDER_MM, _BORDER_MM + self._height_mm]) + np.asarray(xy_mm) * [1.0, -1.0]) * self._scale

    def lines(
        self, xy_mm: Sequence[np.ndarray], colour: _Colour, width_mm: float | Sequence[float | np.ndarray]
    ) -> None:
        """Paint one line or more over what is there; widths as `coverage` takes them."""
        px = [self._px(xy) for xy in xy_mm]
        widest_mm = width_mm if isinstance(width_mm, float) else max(float(np.max(width)) for width in width_mm)
        reach = 0.5 * widest_mm * self._scale + 1.0
        every = np.concatenate(px)
        low = np.maximum(np.floor(every.min(axis=0) - reach), 0.0).astype(int)
        high = np.ceil(every.max(axis=0) + reach).astype(int)
        part = self._canvas[low[1] : high[1], low[0] : high[0]]
        up = [(xy - (low[0], low[1] + len(part))) * [1.0, -1.0] / self._scale for xy in px]
        ink = coverage(up, self._scale, width_mm, *part.shape[:2])
        covered = ink > 0.0
        share = ink[covered][:, None]
        part[covered] = np.rint(part[covered] * (1.0 - share) + np.array(colour) * share)

    def box(self, box_mm: tuple[float, float, float, float], colour: _Colour, filled: bool = False) -> None:
        left, bottom, right, top = box_mm
        first, last = np.rint(self._px(np.array([[left, top], [right, bottom]]))).astype(int).tolist()
        cv2.rectangle(self._canvas, first, last, colour, cv2.FILLED if filled else 1)


def _turns(plan: DrawingPlan, begins: np.ndarray) -> list[tuple[Pen, float, float]]:
    """Each of several pens, and from when to when it draws."""
    runs = [len(list(run)) for _, run in groupby(plan.strokes, key=lambda stroke: stroke.pen)]
    at = [float(begins[k]) for k in np.cumsum([0, *runs])]
    return list(zip(plan.pens, at[:-1], at[1:], strict=True)) if plan.pens else []


def _with_text(picture: np.ndarray, plan: DrawingPlan, scale: float, begins: np.ndarray) -> np.ndarray:
    """Seconds at some strokes, and the legend below the page."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    small, plain = (ImageFont.load_default(size) for size in (max(8.0, 2.6 * scale), max(8.0, 3.2 * scale)))
    if plan.strokes:
        marks = np.linspace(0.0, begins[-1], _LABELS, endpoint=False)[1:]
        for k in dict.fromkeys(np.searchsorted(begins[:-1], marks).clip(0, len(plan.strokes) - 1).tolist()):
            x, y = plan.strokes[k].xy[0]
            at = (_BORDER_MM + x + 0.8) * scale, (_BORDER_MM + plan.page.height_mm - y - 3.4) * scale
            words = f'{begins[k]:.0f} s'
            box = pen.textbbox(at, words, font=small)
            pen.rectangle((box[0] - 2, box[1] - 1, box[2] + 2, box[3] + 1), fill=_PAPER, outline=_EDGE)
            pen.text(at, words, fill=_TEXT, font=small)
    top = (2 * _BORDER_MM + plan.page.height_mm) * scale
    left, right = _BORDER_MM * scale, (_BORDER_MM + plan.page.width_mm) * scale
    for x in range(round(left), round(right)):
        pen.line((x, top, x, top + 2.5 * scale), fill=_colour((x - left) / (right - left)))
    for each, begin_s, end_s in _turns(plan, begins):
        first, last = (left + (right - left) * at_s / max(plan.predicted_s, 1e-9) for at_s in (begin_s, end_s))
        pen.rectangle((first, top + 2.5 * scale, last, top + 3.3 * scale), fill=each.rgb)
    pen.text((left, top + 3.6 * scale), '0 s', fill=_TEXT, font=plain)
    pen.text((right, top + 3.6 * scale), f'{plan.predicted_s:.0f} s', fill=_TEXT, font=plain, anchor='ra')
    pens = f', {len(plan.pens)} pens' if len(plan.pens) > 1 else ''
    words = (
        f'{len(plan.strokes)} strokes{pens}   {plan.ink_mm / 1e3:.2f} m of ink   {plan.travel_mm / 1e3:.2f} m of travel'
    )
    pen.text((left, top + 8.0 * scale), words, fill=_TEXT, font=plain)
    return np.asarray(image)
