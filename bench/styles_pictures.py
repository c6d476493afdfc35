"""The pictures of docs/manners.md: `python -m bench.styles_pictures [FOLDER [PHOTOS]]`.

All manners on scikit-image's astronaut, some of them as strokes on paper, and four of them blended. With a folder of
photos also a sheet a manner with everybody in it, for judging; those stay out of the documents.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.registry import demo_photo
from sketch_robot.errors import SketchRobotError
from sketch_robot.line_art.styles.artist import StyleArtist
from sketch_robot.line_art.styles.blend import Blend
from sketch_robot.line_art.styles.runtime import StylePainter, shipped_styles
from sketch_robot.motion import load_limits, parse_page
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.photo import Sitter, SitterFinder, load_photo
from sketch_robot.photo.sources import PICTURE_SUFFIXES
from sketch_robot.plotters import paper_of
from sketch_robot.plotters.paper import save_png
from sketch_robot.strokes import strokes_from

FOLDER = Path(__file__).parent.parent / 'docs' / 'manners'
ON_PAPER = ('contour_bold', 'hatch_45', 'stipple_coarse', 'woodcut_hatch')
CORNERS = ('contour', 'hatch_45', 'stipple', 'woodcut')
TILE_PX, COLUMNS, GAP_PX, TEXT_PX = 192, 7, 6, 14
JUDGED, PEOPLE = 4, 20  # manners on a sheet for judging, and people


def main(folder: Path = FOLDER, photos: Path | None = None) -> None:
    """Make all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    painter = StylePainter(shipped_styles())
    with SitterFinder() as finder:
        sitter = finder.find(demo_photo(), require_face=True)
        save_png(folder / 'all.png', manners(painter, sitter))
        save_png(folder / 'paper.png', on_paper(painter, sitter))
        save_png(folder / 'blend.png', blended(painter, sitter))
        if photos is not None:
            for number, sheet in enumerate(everybody(painter, finder, photos)):
                save_png(folder / f'people_{number:02}.png', sheet)


def manners(painter: StylePainter, sitter: Sitter) -> np.ndarray:
    """One person in every manner."""
    tiles = [painter.paint(sitter.crop, Blend((name,), (1.0,)), size_px=384) for name in painter.styles.names]
    words = [
        name if style.for_pen else f'{name} (screen)'
        for name, style in zip(painter.styles.names, painter.styles.styles, strict=True)
    ]
    return sheet_of(tiles, words, COLUMNS)


def on_paper(painter: StylePainter, sitter: Sitter) -> np.ndarray:
    """Strokes of some manners on A5 by an AxiDraw's pen, all and in two minutes."""
    tiles, words = [], []
    for budget_s, name in product((None, 120.0), ON_PAPER):
        if name not in painter.styles.names:
            continue
        art = StyleArtist(Blend((name,), (1.0,)), painter).draw(sitter)
        strokes = strokes_from(art, sitter)
        plan = plan_drawing(
            strokes, art.size_px, parse_page('A5'), load_limits('axidraw'), time_budget_s=budget_s, weight='passes'
        )
        page = paper_of(plan).image(6.0)
        rgb = np.repeat(page[..., None], 3, axis=2) if page.ndim == 2 else page
        side = min(rgb.shape[:2])
        top = (rgb.shape[0] - side) // 2
        tiles.append(rgb[top : top + side, :side])
        words.append(f'{name}, {len(plan.strokes)} strokes, {plan.predicted_s:.0f} s')
    return sheet_of(tiles, words, len(tiles) // 2, tile_px=288)


def blended(painter: StylePainter, sitter: Sitter, steps: int = 5) -> np.ndarray:
    """Four manners at the corners, in proportions between them."""
    names = [name for name in CORNERS if name in painter.styles.names]
    tiles, words = [], []
    for row, column in product(range(steps), range(steps)):
        down, right = row / (steps - 1), column / (steps - 1)
        weights = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
        parts = [(name, weight) for name, weight in zip(names, weights, strict=True) if weight > 0]
        blend = Blend(tuple(name for name, _ in parts), tuple(weight for _, weight in parts))
        tiles.append(painter.paint(sitter.crop, blend, size_px=384))
        words.append(' '.join(f'{100 * weight:.0f}' for weight in weights))
    return sheet_of(tiles, words, steps)


def everybody(painter: StylePainter, finder: SitterFinder, photos: Path) -> list[np.ndarray]:
    """Sheets of some manners each, a row of people a manner."""
    people = []
    for path in sorted(each for each in photos.iterdir() if each.suffix.lower() in PICTURE_SUFFIXES):
        try:
            people.append(finder.find(load_photo(path), require_face=True).crop)
        except SketchRobotError:
            continue
        if len(people) == PEOPLE:
            break
    sheets = []
    names = painter.styles.names
    for first in range(0, len(names), JUDGED):
        tiles, words = [], []
        for name in names[first : first + JUDGED]:
            tiles += [painter.paint(crop, Blend((name,), (1.0,)), size_px=256) for crop in people]
            words += [name] * len(people)
        sheets.append(sheet_of(tiles, words, 10, tile_px=150))
    return sheets


def sheet_of(tiles: Sequence[np.ndarray], words: Sequence[str], columns: int, *, tile_px: int = TILE_PX) -> np.ndarray:
    """Pictures in rows with words below them, (H, W, 3) uint8."""
    rows = -(-len(tiles) // columns)
    high = tile_px + TEXT_PX + 2 * GAP_PX
    sheet = np.full((rows * high + GAP_PX, columns * (tile_px + GAP_PX) + GAP_PX, 3), 255, np.uint8)
    for k, tile in enumerate(tiles):
        top, left = GAP_PX + (k // columns) * high, GAP_PX + (k % columns) * (tile_px + GAP_PX)
        sheet[top : top + tile_px, left : left + tile_px] = cv2.resize(
            tile, (tile_px, tile_px), interpolation=cv2.INTER_AREA
        )
    image = Image.fromarray(sheet)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(TEXT_PX - 2)
    for k, text in enumerate(words):
        at = GAP_PX + (k % columns) * (tile_px + GAP_PX), GAP_PX + (k // columns) * high + tile_px + 2
        pen.text(at, text, fill=(60, 60, 68), font=font)
    return np.asarray(image)


if __name__ == '__main__':
    main(*(Path(word) for word in sys.argv[1:]))
