"""The pictures of docs/strokes.md: `python -m bench.strokes_pictures [FOLDER]`.

From a random drawing with known strokes and from the demo photo, by the same code that draws.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.morphology import skeletonize

from bench.drawings import random_drawing
from bench.registry import demo_photo
from sketch_robot.motion import DrawingPlan, MachineLimits, Pen, draw_motion, load_limits, parse_page, time_plan
from sketch_robot.motion.fit import fit_strokes
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.motion.pressure import line_width_mm, press_strokes
from sketch_robot.pipeline import Pipeline
from sketch_robot.plotters.paper import coverage, paper_of
from sketch_robot.plotters.plan_picture import plan_picture
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import render_ink, trace_ink
from sketch_robot.strokes.tracing.skeleton import skeleton_graph

FOLDER = Path(__file__).parent.parent / 'docs' / 'strokes'
PAGE = parse_page('A6')
_SHIFT = 4  # OpenCV takes coordinates in 1/16 px
_GREY, _WHITE, _TEXT = (205, 205, 212), (255, 255, 255), (60, 60, 68)
_INKS = [(31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189), (255, 127, 14), (23, 150, 170), (140, 86, 75)]

Colour = tuple[int, int, int]


def main(folder: Path = FOLDER) -> None:
    """Make all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with Pipeline() as pipeline:
        portrait = pipeline.draw(demo_photo(), page=PAGE)
    strokes, size = portrait.strokes, portrait.art.size_px
    pictures = {
        'tracing': tracing,
        'fairness': lambda: fairness(render_ink(strokes, size), strokes),
        'order': lambda: order(strokes, size),
        'budget': lambda: budget(strokes, size),
        'speed': lambda: speed(strokes, size),
        'weight': weight,
        'pens': lambda: pens(strokes, size),
    }
    for name, make in pictures.items():
        make().save(folder / f'{name}.png', optimize=True)
        print(folder / f'{name}.png')


# ----------------------------------------------------------------- the pictures
def tracing() -> Image.Image:
    """Ink, its strokes in colours, and each as wide as it was found to be, of a piece of a noisy drawing."""
    drawing = random_drawing(2, noisy=True, size_px=512)
    side, zoom = 256, 1.6
    piece = drawing.ink[:side, :side]
    grey = 255 - np.rint(12 * cv2.resize(piece, None, fx=zoom, fy=zoom)).clip(0, 12).astype(np.uint8) * 20
    ink = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    lines, wide = np.full_like(ink, 255), np.full_like(ink, 255)
    for k, stroke in enumerate(trace_ink(drawing.ink)):
        xy, half_widths = stroke.xy * zoom, stroke.half_widths
        _line(lines, xy, _INKS[k % len(_INKS)], 2)
        for n in range(len(xy) - 1):
            half_width = stroke.half_width if half_widths is None else half_widths[n]
            _line(wide, xy[n : n + 2], (30, 30, 34), max(1, round(2.0 * zoom * half_width)))
    return _row([('ink, with noise', ink), ('one colour a stroke', lines), ('as wide as measured', wide)])


def fairness(ink: np.ndarray, strokes: Sequence[Stroke]) -> Image.Image:
    """A piece of a portrait as a plain skeleton, and as it is drawn, with all points."""
    profile = load_limits('grbl_fast')
    size = ink.shape[1], ink.shape[0]
    skeleton = [Stroke(edge) for edge in skeleton_graph(skeletonize(ink > 0.5)).edges]
    plain = fit_strokes(skeleton, size, PAGE, tolerance_mm=0.0)
    panels = []
    for name, drawn in (('a plain skeleton', plain), ('ours', plan_drawing(strokes, size, PAGE, profile).strokes)):
        canvas = np.full((460, 460, 3), 255, np.uint8)
        for stroke in drawn:
            points = (stroke.xy - [50.0, 72.0]) * [25.0, -25.0]  # near the nose
            _line(canvas, points, (150, 150, 158), 2)
            for point in points:
                _dot(canvas, point, _INKS[1], 2.6)
        seconds = sum(draw_motion(stroke.xy, profile).seconds for stroke in drawn)
        rate = sum(stroke.length for stroke in drawn) / seconds
        panels.append((f'{name}: {rate:.0f} mm/s on average, pen down', canvas))
    return _row(panels)


def order(strokes: Sequence[Stroke], size: tuple[int, int]) -> Image.Image:
    """The plan in the order of tracing, and as it is drawn."""
    profile = load_limits('grbl_fast')
    plan = plan_drawing(strokes, size, PAGE, profile)
    shuffled = [plan.strokes[k] for k in np.random.default_rng(1).permutation(len(plan.strokes))]
    worse = DrawingPlan(tuple(shuffled), PAGE, profile, *time_plan(shuffled, profile))
    return _row(
        [('in any order', plan_picture(worse, px_per_mm=4)), ('as it is drawn', plan_picture(plan, px_per_mm=4))]
    )


def budget(strokes: Sequence[Stroke], size: tuple[int, int]) -> Image.Image:
    """One portrait in less and less time."""
    profile = load_limits('grbl_plotter')
    whole = plan_drawing(strokes, size, PAGE, profile)
    panels = [(f'all of it: {whole.predicted_s:.0f} s', _drawn(whole.strokes))]
    for share in (0.75, 0.5, 0.25):
        wanted_s = round(whole.predicted_s * share)
        plan = plan_drawing(strokes, size, PAGE, profile, time_budget_s=wanted_s)
        panels.append((f'budget {wanted_s} s: {plan.predicted_s:.1f} s', _drawn(plan.strokes)))
    return _row(panels)


def speed(strokes: Sequence[Stroke], size: tuple[int, int]) -> Image.Image:
    """How fast the pen moves along the lines, on two machines."""
    panels = []
    for name in ('grbl_plotter', 'axidraw'):
        profile = load_limits(name)
        canvas = np.full((round(PAGE.height_mm * 4), round(PAGE.width_mm * 4), 3), 255, np.uint8)
        plan = plan_drawing(strokes, size, PAGE, profile)
        for stroke in plan.strokes:
            motion = draw_motion(stroke.xy, profile)
            moments = np.linspace(0.0, motion.seconds, max(2, int(motion.seconds / 0.004)))
            places = motion.positions(moments)
            rates = np.hypot(*np.diff(places, axis=0).T) / max(np.diff(moments).max(initial=0.0), 1e-9)
            for a, b, rate in zip(places[:-1], places[1:], rates, strict=True):
                _line(canvas, _px(np.array([a, b])), _heat(rate / profile.draw_speed_mm_s), 3)
        panels.append((f'{name}: {profile.draw_speed_mm_s:.0f} mm/s at most, {plan.predicted_s:.0f} s', canvas))
    return _row(panels)


def weight() -> Image.Image:
    """A tapering line with a plain pen, and with one that can be pressed."""
    t = np.linspace(0.0, 1.0, 160)
    xy = np.column_stack((8 + 84 * t, 30 + 14 * np.sin(9.0 * t)))
    stroke = Stroke(xy, 0.6, half_widths=0.2 + 0.9 * np.sin(np.pi * t) ** 2)
    brush = MachineLimits(lightest_mm=0.4, firmest_mm=2.2)
    (pressed,) = press_strokes([stroke], brush)
    width = line_width_mm(pressed, brush)
    assert width is not None
    plain, varied = coverage([xy], 6.0, 0.8, 360, 600), coverage([xy], 6.0, [width], 360, 600)
    names = ('a pen that cannot press', 'width turned into pressure')
    inks = (np.repeat((255 * (1 - ink)).astype(np.uint8)[..., None], 3, axis=2) for ink in (plain, varied))
    return _row(list(zip(names, inks, strict=True)))


def pens(strokes: Sequence[Stroke], size: tuple[float, float]) -> Image.Image:
    """The paper that one portrait leaves with a plain pen, with a brush, and with a second one for the lips."""
    brush = MachineLimits(lightest_mm=0.15, firmest_mm=0.9)
    dark, red = Pen('dark', '#1a1a2e', 0.4), Pen('red', '#c81e28', 0.4)
    painted = [replace(stroke, pen='red' if stroke.label == 'mouth' else 'dark') for stroke in strokes]
    plans = {
        'a pen of 0.4 mm': plan_drawing(strokes, size, PAGE, MachineLimits(pen_width_mm=0.4)),
        'a brush of 0.15 to 0.9 mm': plan_drawing(strokes, size, PAGE, brush),
        'two of them': plan_drawing(painted, size, PAGE, brush, pens=(dark, red)),
    }
    papers = [paper_of(plan).image(4.0)[80:-100, 20:-20] for plan in plans.values()]
    return _row(
        [
            (name, np.dstack([paper] * 3) if paper.ndim == 2 else paper)
            for name, paper in zip(plans, papers, strict=True)
        ]
    )


# ----------------------------------------------------------------- paper and pen
def _px(xy_mm: np.ndarray, scale: float = 4.0) -> np.ndarray:
    return (np.array([0.0, PAGE.height_mm]) + xy_mm * [1.0, -1.0]) * scale


def _drawn(strokes: Sequence[Stroke]) -> np.ndarray:
    """What is on paper, without most of the white around."""
    ink = coverage(
        tuple(stroke.xy for stroke in strokes), 4.0, 0.5, round(PAGE.height_mm * 4), round(PAGE.width_mm * 4)
    )
    return np.repeat((255 - 231 * ink).astype(np.uint8)[120:-100, 20:-20, None], 3, axis=2)


def _heat(share: float) -> Colour:
    """From red (standing) over amber to blue (full speed)."""
    stops = np.array([(200, 20, 30), (240, 150, 40), (40, 90, 200)], dtype=float)
    red, green, blue = (round(float(np.interp(share * 2.0, (0, 1, 2), channel))) for channel in stops.T)
    return red, green, blue


def _line(canvas: np.ndarray, xy_px: np.ndarray, colour: Colour, width: int) -> None:
    points = np.rint((xy_px - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(canvas, [points], False, colour, width, cv2.LINE_AA, _SHIFT)


def _dot(canvas: np.ndarray, xy_px: Sequence[float], colour: Colour, radius: float) -> None:
    x, y = (round((float(value) - 0.5) * (1 << _SHIFT)) for value in xy_px)
    cv2.circle(canvas, (x, y), round(radius * (1 << _SHIFT)), colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _row(panels: Sequence[tuple[str, np.ndarray]]) -> Image.Image:
    """Pictures side by side with their names below."""
    gap, foot = 14, 30
    height = max(panel.shape[0] for _, panel in panels)
    width = sum(panel.shape[1] for _, panel in panels) + gap * (len(panels) + 1)
    image = Image.new('RGB', (width, height + gap + foot), _WHITE)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    left = gap
    for name, panel in panels:
        image.paste(Image.fromarray(panel), (left, gap))
        box = (left - 1, gap - 1, left + panel.shape[1], gap + panel.shape[0])
        pen.rectangle(box, outline=_GREY)
        pen.text((left + panel.shape[1] / 2, gap + panel.shape[0] + 6), name, fill=_TEXT, font=font, anchor='ma')
        left += panel.shape[1] + gap
    return image.quantize(200, dither=Image.Dither.NONE)  # small files


if __name__ == '__main__':
    main(*map(Path, sys.argv[1:2]))
