"""Captions on paper: in each place on each sheet as they were planned, apart from the drawing, and legible to a reader.

The reader is Tesseract (Debian: apt install tesseract-ocr), which knows printed letters and not ours; without it
legibility is left out.
"""

from __future__ import annotations

import difflib
import itertools
import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

from bench.registry import Figure, bench, demo_photo
from sketch_robot.motion import DrawingPlan, load_limits, parse_page
from sketch_robot.motion.layout import PLACES, SheetLayout
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.pipeline import draw_photo
from sketch_robot.plotters import SimulatedPlotter, SimulationOptions

TEXT = 'Anna Berg, Vienna 2026'
SHEETS = tuple(f'{size} {way}' for size in ('A6', 'A5', 'A4') for way in ('portrait', 'landscape'))
PX_MM = 16.0
AROUND_MM = 2.0
UPRIGHT = {'left': -90, 'right': 90}  # how a picture is turned, degrees counterclockwise, to read what is on that edge


@bench('captions', 'captions in each place on A6, A5 and A4: where they are, and whether they can be read')
def captions(quick: bool) -> Iterator[Figure]:
    """The demo portrait with a caption, drawn by the simulated machine."""
    result = draw_photo(demo_photo())
    size = result.art.ink.shape[::-1]
    sheets = SHEETS[:2] if quick else SHEETS
    off_mm, white_mm, outside, alike, whole, count = 0.0, math.inf, 0, [], 0, 0
    for sheet in sheets:
        for place in PLACES:
            layout = SheetLayout(caption=TEXT, caption_place=place)
            plan = plan_drawing(result.strokes, size, parse_page(sheet), load_limits('default'), layout=layout)
            with SimulatedPlotter(SimulationOptions(speedup=math.inf)) as plotter:
                plotter.draw(plan)
                paper = plotter.paper
                assert paper is not None
                on_paper, picture = paper.polylines, paper.image(PX_MM)
            written = [stroke.label == 'other' and stroke.importance == 1.0 for stroke in plan.strokes]
            caption = [line for line, is_text in zip(on_paper, written, strict=True) if is_text]
            planned = [stroke.xy for stroke, is_text in zip(plan.strokes, written, strict=True) if is_text]
            drawing = [line for line, is_text in zip(on_paper, written, strict=True) if not is_text]
            off_mm = max(off_mm, *(_apart(a, b) for a, b in zip(caption, planned, strict=True)))
            near_mm = float(_tree(drawing).query(_dense(caption))[0].min()) - plan.profile.pen_width_mm
            white_mm = min(white_mm, near_mm)
            outside += _is_outside(caption, plan)
            if shutil.which('tesseract'):
                read = _read(picture, caption, plan, place)
                alike.append(difflib.SequenceMatcher(None, TEXT, read).ratio())
                whole += read == TEXT
            count += 1
    yield Figure('sheets with a caption', count, '', note=f'{TEXT!r} in {len(PLACES)} places')
    yield Figure('a caption beside its plan, the farthest', off_mm, 'mm', at_most=0.02)
    yield Figure('white between a caption and the drawing, the least', white_mm, 'mm', at_least=1.0)
    yield Figure('captions that leave the margins', outside, '', at_most=0)
    if alike:
        yield Figure('letters that Tesseract reads as they are', 100.0 * float(np.mean(alike)), '%', at_least=95.0)
        yield Figure('captions read without a mistake', 100.0 * whole / count, '%')


def _read(picture: np.ndarray, caption: list[np.ndarray], plan: DrawingPlan, place: str) -> str:
    """What a reader of printed letters takes the caption for."""
    low, high = np.concatenate(caption).min(axis=0) - AROUND_MM, np.concatenate(caption).max(axis=0) + AROUND_MM
    top = plan.page.height_mm
    box = tuple(int(PX_MM * side) for side in (low[0], top - high[1], high[0], top - low[1]))
    part = Image.fromarray(picture).crop(box).rotate(UPRIGHT.get(place, 0), expand=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'caption.png'
        part.save(path, dpi=(PX_MM * 25.4, PX_MM * 25.4))
        words = ['tesseract', str(path), '-', '--psm', '7']
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def _is_outside(lines: list[np.ndarray], plan: DrawingPlan) -> bool:
    left, bottom, right, top = plan.page.drawable_mm
    xy = np.concatenate(lines)
    return bool((xy < (left - 1e-6, bottom - 1e-6)).any() or (xy > (right + 1e-6, top + 1e-6)).any())


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """How far two lines are from each other at most, mm; both ways."""
    there, back = _dense([a]), _dense([b])
    return float(max(cKDTree(there).query(back)[0].max(), cKDTree(back).query(there)[0].max()))


def _tree(lines: list[np.ndarray]) -> cKDTree:
    return cKDTree(_dense(lines))


def _dense(lines: list[np.ndarray]) -> np.ndarray:
    """Points along lines, at most 0.02 mm apart."""
    pieces = []
    for line in lines:
        pieces.append(line[:1])
        for a, b in itertools.pairwise(line):
            pieces.append(np.linspace(a, b, max(2, math.ceil(float(np.hypot(*(b - a))) / 0.02) + 1)))
    return np.concatenate(pieces)
