"""Many manners in one network beside its source's claims, all in one run.

Time and size: our network against optimisation picture by picture (Gatys, Ecker & Bethge 2016) and against one network
a style (Johnson, Alahi & Fei-Fei 2016), which is ours with a single style. Optimisation is our own small reference on
EfficientNet-Lite0, which needs torch; without it those figures are left out.

Writing and faces: which letters are still the likest to themselves after painting, and how far the face mesh that is
found in a painted grey photo lies from that of the photo. With STYLE_PHOTOS, a folder of one face each, also at which
rank the recogniser of `bench likeness` finds the person.
"""

from __future__ import annotations

import os
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.registry import Figure, bench, demo_photo, median_s
from sketch_robot.errors import SketchRobotError
from sketch_robot.line_art.styles.blend import Blend
from sketch_robot.line_art.styles.runtime import StylePainter, shipped_styles
from sketch_robot.line_art.styles.style_file import save_styles
from sketch_robot.photo import Photo, Sitter, SitterFinder, load_photo
from sketch_robot.photo.sources import PICTURE_SUFFIXES

SIDE_PX = 256
STYLES = 25
OPTIMISATION_STEPS, OPTIMISATION_QUICK_STEPS, OPTIMISATION_RATE = 400, 40, 0.03
LETTERS = string.ascii_uppercase + string.digits
LETTER_PX, CELL_PX = 30, 44
WRITTEN_IN = ('contour', 'hatch_45', 'cross_2', 'stipple', 'halftone_45', 'engrave_wave', 'woodcut', 'pencil_soft')
MOST_PEOPLE = 82
MEMORY = """import numpy as np
from sketch_robot.line_art.styles.blend import Blend
from sketch_robot.line_art.styles.runtime import StylePainter, shipped_styles
painter = StylePainter(shipped_styles())
for side in (512, 256) * 3:
    painter.paint(np.zeros((side, side, 3), np.uint8), Blend((painter.styles.names[0],), (1.0,)))
print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)"""


@bench('styles', 'many manners in one network: time, size, writing, faces', slow=True)
def styles(quick: bool) -> Iterator[Figure]:
    """Seconds, megabytes, letters, faces."""
    painter = StylePainter(shipped_styles())
    photo = cv2.resize(demo_photo().rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    yield from _times(painter, photo, quick)
    yield from _sizes(painter)
    yield from _writing(painter)
    yield from _faces(painter, quick)


def _times(painter: StylePainter, photo: np.ndarray, quick: bool) -> Iterator[Figure]:
    repeats = 5 if quick else 20
    names = (painter.styles.names * STYLES)[:STYLES]
    own = [Blend((name,), (1.0,)) for name in names]
    one_s = median_s(lambda: painter.paint(photo, own[0]), repeats, warm_ups=2)
    yield Figure(f'a picture of {SIDE_PX} px in one style', one_s, 's', at_most=0.1)
    many_s = median_s(lambda: [painter.paint(photo, blend) for blend in own], max(1, repeats // 5))
    yield Figure(f'the same in {STYLES} styles, one after the other', many_s, 's')
    four = Blend(painter.styles.names[:4], (0.4, 0.3, 0.2, 0.1))
    yield Figure('a blend of four', median_s(lambda: painter.paint(photo, four), repeats), 's', at_most=0.1)
    yield Figure('pictures a second', 1 / one_s, 'Hz', at_least=10.0)
    large = demo_photo().rgb
    yield Figure('a picture of 512 px', median_s(lambda: painter.paint(large, own[0]), repeats), 's')
    singles = [StylePainter(replace(painter.styles, styles=(style,))) for style in painter.styles.styles[:STYLES]]
    started_s = time.perf_counter()
    for single in singles:
        single.paint(photo, Blend(single.styles.names, (1.0,)))
    first_s = time.perf_counter() - started_s
    yield Figure(
        f'one net a style, {len(singles)} of them',
        first_s,
        's',
        note='each compiled and used once',
    )
    if find_spec('torch') is None or find_spec('efficientnet_lite_pytorch') is None:
        return
    steps = OPTIMISATION_QUICK_STEPS if quick else OPTIMISATION_STEPS
    seconds = optimised(photo, large[:SIDE_PX, -SIDE_PX:], steps)[1] * OPTIMISATION_STEPS / steps
    note = f'{OPTIMISATION_STEPS} steps' if steps == OPTIMISATION_STEPS else f'from {steps} steps'
    yield Figure('optimisation (Gatys) of one picture', seconds, 's', note=note)
    yield Figure('optimisation against our network', seconds / one_s, 'times', at_least=300.0)
    yield Figure(f'likewise for {STYLES} styles', STYLES * seconds / many_s, 'times', at_least=300.0)


def optimised(photo: np.ndarray, style: np.ndarray, steps: int) -> tuple[np.ndarray, float]:
    """A photo optimised towards a style picture, and the seconds it took.

    Args:
        photo, style: (S, S, 3) uint8.
        steps: of Adam, as in the brief's recipe: rate 0.03, style 30, content 1, variation 2.

    Returns:
        (S, S, 3) uint8, and seconds.
    """
    import torch

    from sketch_robot.training.styles.losses import PictureLoss, StyleLossWeights, style_features

    torch.manual_seed(0)
    content, wanted = (
        torch.from_numpy(np.ascontiguousarray(each)).permute(2, 0, 1)[None].float() / 255 for each in (photo, style)
    )
    judge, weights = PictureLoss(wanted, style_features()), StyleLossWeights()
    picture = content.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([picture], lr=OPTIMISATION_RATE)
    started_s = time.perf_counter()
    for _ in range(steps):
        optimiser.zero_grad()
        losses = judge(picture.clamp(0, 1), content, torch.zeros(1, dtype=torch.long))
        factors = (weights.style, weights.content, weights.variation)
        torch.stack([factor * loss for factor, loss in zip(factors, losses, strict=True)]).sum().backward()
        optimiser.step()
    seconds = time.perf_counter() - started_s
    return (255 * picture.detach()[0].permute(1, 2, 0).clamp(0, 1)).round().to(torch.uint8).numpy(), seconds


def _sizes(painter: StylePainter) -> Iterator[Figure]:
    whole = painter.styles
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'styles.safetensors'
        several = (whole.styles * STYLES)[:STYLES]
        named = tuple(replace(style, name=f'style_{k}') for k, style in enumerate(several))
        sizes = {count: save_styles(replace(whole, styles=named[:count]), path) for count in (1, STYLES)}
        shipped = save_styles(whole, path, half=True)
    yield Figure('file of one style, float32', sizes[1] / 1e6, 'MB')
    yield Figure(f'file of {STYLES} styles, float32', sizes[STYLES] / 1e6, 'MB', at_most=8.0, note='with thumbnails')
    yield Figure(f'one net a style, {STYLES} files', STYLES * sizes[1] / 1e6, 'MB')
    yield Figure(f'as shipped, {len(whole.styles)} styles, float16', shipped / 1e6, 'MB', at_most=8.0)
    memory = subprocess.run([sys.executable, '-c', MEMORY], capture_output=True, text=True, check=True).stdout
    yield Figure('memory of a process that paints at 512 and 256 px', float(memory), 'MB')


def written_page() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """All letters in rows on grey shades, (H, W, 3) uint8, and each one's picture, (CELL_PX, CELL_PX) float32."""
    font = ImageFont.load_default(LETTER_PX)
    cells = {}
    for letter in LETTERS:
        cell = Image.new('L', (CELL_PX, CELL_PX), 235)
        ImageDraw.Draw(cell).text((CELL_PX / 2, CELL_PX / 2), letter, fill=20, font=font, anchor='mm')
        cells[letter] = np.asarray(cell, np.float32)
    tiles = [cells[letter] for letter in LETTERS]
    page = np.concatenate([np.concatenate(tiles[k : k + 6], 1) for k in range(0, len(tiles), 6)])
    return np.repeat(page[..., None], 3, axis=2).astype(np.uint8), cells


def read_letters(painted: np.ndarray, cells: dict[str, np.ndarray]) -> float:
    """The share of a painted page's letters that are likest to themselves, by correlation of calm pictures."""
    grey = cv2.GaussianBlur(painted.mean(axis=2).astype(np.float32), (0, 0), 2.0)
    calm = {letter: _normal(cv2.GaussianBlur(cell, (0, 0), 2.0)) for letter, cell in cells.items()}
    right = 0
    for number, letter in enumerate(LETTERS):
        row, column = divmod(number, 6)
        seen = _normal(grey[row * CELL_PX : (row + 1) * CELL_PX, column * CELL_PX : (column + 1) * CELL_PX])
        right += max(calm, key=lambda other, seen=seen: float((calm[other] * seen).sum())) == letter
    return right / len(LETTERS)


def _normal(cell: np.ndarray) -> np.ndarray:
    centred = cell - cell.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-9))


def _writing(painter: StylePainter) -> Iterator[Figure]:
    page, cells = written_page()
    yield Figure('letters read on the page itself', 100 * read_letters(page, cells), '%')
    for name in WRITTEN_IN:
        if name in painter.styles.names:
            share = read_letters(painter.paint(page, Blend((name,), (1.0,))), cells)
            yield Figure(f'letters read, {LETTER_PX} px high, in {name}', 100 * share, '%')


def _faces(painter: StylePainter, quick: bool) -> Iterator[Figure]:
    """Grey photos painted in every style: is the face still found where it was, and is it the same person's?"""
    folder = os.environ.get('STYLE_PHOTOS', '')
    paths = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in PICTURE_SUFFIXES) if folder else []
    with SitterFinder() as finder:
        sitters = [finder.find(demo_photo(), require_face=True)]
        for path in paths[:MOST_PEOPLE]:
            try:
                sitters.append(finder.find(load_photo(path), require_face=True))
            except SketchRobotError:
                continue
        sitters = [each for each in sitters if each.landmarks is not None]
        drawn = sitters[: 4 if quick else 20]
        greys = [np.repeat(cv2.cvtColor(each.crop, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2) for each in drawn]
        recognised = _recogniser_of(sitters) if len(sitters) >= 20 else None
        for name in painter.styles.names:
            painted = [painter.paint(grey, Blend((name,), (1.0,))) for grey in greys]
            found = [_off(finder, picture, sitter) for picture, sitter in zip(painted, drawn, strict=True)]
            seen = [each for each in found if each is not None]
            note = f"mesh off by {100 * float(np.median(seen)):.1f} % of the eyes' distance" if seen else ''
            if recognised is not None:
                ranks = recognised(painted, drawn)
                note += f'; rank 1 of {len(sitters)}: {sum(rank == 1 for rank in ranks)} of {len(ranks)}'
            yield Figure(f'faces found in grey photos, {name}', 100 * len(seen) / len(found), '%', note=note)


def _off(finder: SitterFinder, picture: np.ndarray, sitter: Sitter) -> float | None:
    """How far a painted face's mesh lies from the sitter's, mean, in distances of the eyes; None: no face is found."""
    try:
        again = finder.find(Photo(picture, 'painted'), require_face=True)
    except SketchRobotError:
        return None
    if again.landmarks is None or sitter.landmarks is None:
        return None
    points = np.column_stack([again.landmarks[:, :2], np.ones(len(again.landmarks))])
    there = points @ again.to_photo.T
    eyes = np.linalg.norm(sitter.landmarks[33, :2] - sitter.landmarks[263, :2])
    return float(np.linalg.norm(there - sitter.landmarks[:, :2], axis=1).mean() / eyes)


def _recogniser_of(sitters: list[Sitter]) -> Callable[[list[np.ndarray], list[Sitter]], list[int]] | None:
    """Tells at which rank painted pictures find their sitters; None: the recogniser is not installed."""
    try:
        from bench.bench_likeness import describe
    except ImportError:
        return None
    gallery = np.array([describe(each.crop, each) for each in sitters])
    centre = gallery.mean(axis=0)

    def ranks(painted: list[np.ndarray], drawn: list[Sitter]) -> list[int]:
        looks = np.array([describe(picture, sitter) for picture, sitter in zip(painted, drawn, strict=True)])
        looks = looks - (looks.mean(axis=0) if len(looks) > 4 else centre)
        away = gallery - centre
        alike = (looks / np.linalg.norm(looks, axis=1, keepdims=True)) @ (
            away / np.linalg.norm(away, axis=1, keepdims=True)
        ).T
        return [int((row > row[k]).sum()) + 1 for k, row in enumerate(alike)]

    return ranks
