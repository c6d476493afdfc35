"""A picture of a plan, to see what the pen will do: ink coloured by when it is drawn, and travel between."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.paper import save_png

PX_PER_MM = 8.0
MOST_PX = 4000  # of the longer side
_FINER = 2  # lines are drawn so many times larger, and made smaller with the picture
_SHIFT = 4  # OpenCV takes coordinates in 1/16 px
_Colour = tuple[int, int, int]
_BORDER_MM, _LEGEND_MM = 6.0, 16.0
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
    """Draw a plan: ink by its time from blue to orange, travel thin and pale, seconds at some strokes, a green dot
    where the first stroke begins and a red one where the last ends, and a legend.

    Args:
        px_per_mm: resolution; less where a side would have more than `MOST_PX`.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: the resolution is not positive.
    """
    if not (np.isfinite(px_per_mm) and px_per_mm > 0.0):
        raise ValueError(f'{px_per_mm} px/mm is not a resolution')
    page = plan.page
    width_mm, height_mm = page.width_mm + 2 * _BORDER_MM, page.height_mm + 2 * _BORDER_MM + _LEGEND_MM
    scale = min(px_per_mm, MOST_PX / max(width_mm, height_mm))
    size = max(1, round(width_mm * scale)), max(1, round(height_mm * scale))
    canvas = np.full((size[1] * _FINER, size[0] * _FINER, 3), _DESK, dtype=np.uint8)
    sketch = _Sketch(canvas, scale * _FINER, page.height_mm)
    sketch.box((0.0, 0.0, page.width_mm, page.height_mm), _PAPER, filled=True)
    sketch.box((0.0, 0.0, page.width_mm, page.height_mm), _EDGE)
    sketch.box(page.drawable_mm, _MARGIN)
    begins = np.concatenate(([0.0], np.cumsum(plan.stroke_s)))
    total_s = max(plan.predicted_s, 1e-9)
    here = np.array(HOME_MM)
    for _, run in groupby(plan.strokes, key=lambda stroke: stroke.pen):
        for stroke in run:
            sketch.line(np.vstack((here, stroke.xy[0])), _TRAVEL, 0.12)
            here = stroke.xy[-1]
        sketch.line(np.vstack((here, HOME_MM)), _TRAVEL, 0.12)
        here = np.array(HOME_MM)
    for stroke, begin_s in zip(plan.strokes, begins[:-1], strict=True):
        sketch.line(stroke.xy, _colour(begin_s / total_s), plan.profile.pen_width_mm)
    if plan.strokes:
        sketch.dot(plan.strokes[0].xy[0], _START)
        sketch.dot(plan.strokes[-1].xy[-1], _END)
    return _with_text(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), plan, scale, begins)


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

    def line(self, xy_mm: np.ndarray, colour: _Colour, width_mm: float) -> None:
        points = np.rint((self._px(xy_mm) - 0.5) * (1 << _SHIFT)).astype(np.int32)
        points = np.repeat(points, 2, axis=0) if len(points) == 1 else points
        thick = max(1, round(width_mm * self._scale))
        cv2.polylines(self._canvas, [points], False, colour, thick, cv2.LINE_AA, _SHIFT)

    def box(self, box_mm: tuple[float, float, float, float], colour: _Colour, filled: bool = False) -> None:
        left, bottom, right, top = box_mm
        first, last = np.rint(self._px(np.array([[left, top], [right, bottom]]))).astype(int).tolist()
        cv2.rectangle(self._canvas, first, last, colour, cv2.FILLED if filled else _FINER)

    def dot(self, xy_mm: np.ndarray, colour: _Colour) -> None:
        centre = np.rint(self._px(xy_mm) * (1 << _SHIFT)).astype(int).tolist()
        radius = round(1.1 * self._scale * (1 << _SHIFT))
        cv2.circle(self._canvas, centre, radius, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


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
    pen.text((left, top + 3.2 * scale), '0 s', fill=_TEXT, font=plain)
    pen.text((right, top + 3.2 * scale), f'{plan.predicted_s:.0f} s', fill=_TEXT, font=plain, anchor='ra')
    pens = f', {len(plan.pens)} pens' if len(plan.pens) > 1 else ''
    words = (
        f'{len(plan.strokes)} strokes{pens}   {plan.ink_mm / 1e3:.2f} m of ink   {plan.travel_mm / 1e3:.2f} m of travel'
    )
    pen.text((left, top + 8.0 * scale), words, fill=_TEXT, font=plain)
    return np.asarray(image)
