"""Is the drawing the sitter? A face recogniser looks at it and at the photos of many people.

It was trained on photographs alone and needs no labels: at which rank does the drawing's own sitter come? The network
is dlib's ResNet (Davis King, CC0; 99.4 % on LFW), aligned by our own mesh. Descriptors are centred on the mean of all
photos, those of drawings on that of all drawings of their kind, and compared by cosine. A gallery is 82 random people.

Needs `scripts/setup.sh run bench likeness` and photos: LIKENESS_PHOTOS names folders, separated by
':', of one face each picture; LIKENESS_PROBES a text file with the stems of those to be drawn (none: all).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import dlib
import numpy as np

from bench.registry import Figure, bench
from sketch_robot.line_art.artist import ARTISTS, make_artist
from sketch_robot.line_art.ink import render_ink
from sketch_robot.motion import DrawingPlan, load_limits, parse_page
from sketch_robot.motion.fit import place_on
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.photo import Sitter, SitterFinder, load_photo
from sketch_robot.photo.sources import PICTURE_SUFFIXES
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import strokes_from
from sketch_robot.strokes.weight import Weight

MODELS_PACKAGE = 'face_recognition_models'
MODEL = 'models/dlib_face_recognition_resnet_model_v1.dat'
FIVE_POINTS = (
    263,
    362,
    33,
    133,
    2,
)  # mesh points of dlib's five: corners of the left eye, of the right, below the nose
CHIP_PADDING = 0.25  # what the recogniser was trained with
GALLERY, GALLERIES, SEED = 82, 200, 0
PAGE, PROFILE = 'A5', 'axidraw'
BUDGETS_S = (None, 90.0, 60.0, 30.0)
WEIGHTS: tuple[Weight, ...] = ('passes', 'none')
QUICK_PEOPLE = 24
if find_spec(MODELS_PACKAGE) is None:
    raise ImportError(f'{MODELS_PACKAGE} is not installed; see requirements/bench_likeness.txt')


@dataclass(frozen=True, eq=False)
class Look:
    """What is looked at, for each person drawn: the descriptor, and the seconds on the machine (0: not drawn)."""

    descriptors: np.ndarray
    seconds: np.ndarray


@bench('likeness', 'at which rank a face recogniser finds the sitter of a drawing among 82 people', slow=True)
def likeness(quick: bool) -> Iterator[Figure]:
    """Each artist's strokes on A5 by an AxiDraw's pen, its raw ink, and what photos and XDoG give."""
    people = _people()
    photos = np.array([describe(person.crop, person) for person in people.values()])
    probes = _probes(list(people))[: QUICK_PEOPLE if quick else None]
    index = np.array([list(people).index(name) for name in probes])
    sitters = [people[name] for name in probes]
    plain: dict[str, Callable[[Sitter], np.ndarray]] = {'photo in grey': grey, 'XDoG': xdog}
    for name, picture in plain.items():
        look = Look(np.array([describe(picture(sitter), sitter) for sitter in sitters]), np.zeros(len(sitters)))
        yield from _figures(name, look, photos, index)
    for name in ARTISTS:
        artist = make_artist(name)
        arts = [artist.draw(sitter) for sitter in sitters]
        inked = [describe(_printed(art.ink), sitter) for art, sitter in zip(arts, sitters, strict=True)]
        yield from _figures(f'{name}, ink', Look(np.array(inked), np.zeros(len(inked))), photos, index)
        strokes = [strokes_from(art, sitter) for art, sitter in zip(arts, sitters, strict=True)]
        for weight in WEIGHTS:
            for budget_s in BUDGETS_S if weight == 'passes' else (None,):
                plans = [_plan(each, weight, budget_s) for each in strokes]
                drawn = [describe(on_paper(plan), sitter) for plan, sitter in zip(plans, sitters, strict=True)]
                look = Look(np.array(drawn), np.array([plan.predicted_s for plan in plans]))
                within = '' if budget_s is None else f' in {budget_s:.0f} s'
                yield from _figures(f'{name}, strokes, weight {weight}{within}', look, photos, index)


def describe(picture: np.ndarray, sitter: Sitter) -> np.ndarray:
    """The recogniser's descriptor (128,) of the sitter's face in a picture of the crop's size, grey or RGB, uint8."""
    assert sitter.landmarks is not None
    rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    points = sitter.landmarks[:, :2]
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    five = dlib.points([dlib.point(round(float(x)), round(float(y))) for x, y in points[list(FIVE_POINTS)]])
    shape = dlib.full_object_detection(dlib.rectangle(int(left), int(top), int(right), int(bottom)), five)
    return np.array(_recogniser().compute_face_descriptor(np.ascontiguousarray(rgb), shape, 1, CHIP_PADDING))


def ranks_in_galleries(drawings: np.ndarray, photos: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often the sitter comes first, and among the first five, in each of many random galleries.

    Args:
        drawings: (N, 128) descriptors of drawings.
        photos: (M, 128) of the photos of all people.
        index: (N,) int, whose photo each drawing is of.

    Returns:
        two arrays (`GALLERIES`,), shares in [0, 1]. Every sitter is looked for in every gallery, in which the others
        are random.
    """
    alike = _centred(drawings) @ _centred(photos).T
    own = alike[np.arange(len(index)), index]
    better = alike > own[:, None]
    rng = np.random.default_rng(SEED)
    others = min(GALLERY, len(photos)) - 1
    first, five = [], []
    for _ in range(GALLERIES):
        before = np.empty(len(index), int)
        for k, mine in enumerate(index):
            chosen = rng.permutation(np.delete(np.arange(len(photos)), mine))[:others]
            before[k] = better[k, chosen].sum()
        first.append(np.mean(before == 0))
        five.append(np.mean(before < 5))
    return np.array(first), np.array(five)


def on_paper(plan: DrawingPlan) -> np.ndarray:
    """What a plan's pen leaves on paper, in the pixels of the crop: (512, 512) uint8."""
    size = (512, 512)
    place = place_on(plan.page, size)
    to_px = np.array([1.0, -1.0]) / place.scale
    strokes = [
        Stroke((stroke.xy - (place.left_mm, place.top_mm)) * to_px, label=stroke.label) for stroke in plan.strokes
    ]
    return _printed(render_ink(strokes, size, load_limits(PROFILE).pen_width_mm / place.scale))


def grey(sitter: Sitter) -> np.ndarray:
    """The photo without colour."""
    return cv2.cvtColor(sitter.crop, cv2.COLOR_RGB2GRAY)


def xdog(sitter: Sitter) -> np.ndarray:
    """Winnemoeller's extended difference of Gaussians (2011), soft."""
    light = grey(sitter).astype(np.float32) / 255
    sharp = 20.0 * cv2.GaussianBlur(light, (0, 0), 1.0) - 19.0 * cv2.GaussianBlur(light, (0, 0), 1.6)
    return np.rint(255 * np.where(sharp > 0.5, 1.0, 1.0 + np.tanh(8.0 * (sharp - 0.5)))).astype(np.uint8)


def _figures(name: str, look: Look, photos: np.ndarray, index: np.ndarray) -> Iterator[Figure]:
    first, five = ranks_in_galleries(look.descriptors, photos, index)
    seconds = f', {look.seconds.mean():.0f} s on average' if look.seconds.any() else ''
    note = f'{len(index)} drawn, +- {100 * first.std():.1f} over galleries{seconds}'
    yield Figure(f'{name}: rank 1 of {min(GALLERY, len(photos))}', 100 * float(first.mean()), '%', note=note)
    yield Figure(f'{name}: in the first 5', 100 * float(five.mean()), '%')


def _plan(strokes: tuple[Stroke, ...], weight: Weight, budget_s: float | None) -> DrawingPlan:
    return plan_drawing(
        strokes, (512, 512), parse_page(PAGE), load_limits(PROFILE), time_budget_s=budget_s, weight=weight
    )


def _printed(ink: np.ndarray) -> np.ndarray:
    return np.rint(255 * (1 - np.clip(ink, 0, 1))).astype(np.uint8)


def _centred(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=0)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _people() -> dict[str, Sitter]:
    """The sitter in each photo, by the photo's stem; photos without a face mesh are left out."""
    folders = [Path(name) for name in os.environ.get('LIKENESS_PHOTOS', '').split(':') if name]
    if not folders:
        raise ValueError('LIKENESS_PHOTOS names no folder of photos')
    people = {}
    with SitterFinder() as finder:
        for path in sorted(path for folder in folders for path in folder.iterdir()):
            if path.suffix.lower() in PICTURE_SUFFIXES:
                sitter = finder.find(load_photo(path), require_face=False)
                if sitter.landmarks is not None:
                    people[path.stem] = sitter
    return people


def _probes(names: list[str]) -> list[str]:
    listed = os.environ.get('LIKENESS_PROBES', '')
    if not listed:
        return names
    wanted = set(Path(listed).read_text().split())
    return [name for name in names if name in wanted]


@cache
def _recogniser() -> dlib.face_recognition_model_v1:
    spec = find_spec(MODELS_PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations
    return dlib.face_recognition_model_v1(str(Path(next(iter(spec.submodule_search_locations))) / MODEL))
