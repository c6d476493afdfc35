"""What a bench is, and which there are.

A module `bench/bench_*.py` registers its benches and is found by its name:

    @bench('trace', 'from ink to strokes')
    def trace(quick: bool) -> Iterator[Figure]:
        yield Figure('trace the demo portrait', median_s(work, 3 if quick else 11), 's', at_most=0.2)
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage import data

import bench as package
from sketch_robot.photo import Photo, load_photo
from sketch_robot.photo.sources import PICTURE_SUFFIXES


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Attributes:
        name: what was measured.
        value, unit: of times, the median unless the name says otherwise.
        at_most, at_least: what was promised; None: nothing.
        note: what a reader must know about it.
    """

    name: str
    value: float
    unit: str
    at_most: float | None = None
    note: str = ''
    at_least: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether it keeps its promise; None without one. What is not a number keeps none."""
        if self.at_most is None and self.at_least is None:
            return None
        not_over = self.at_most is None or self.value <= self.at_most
        return bool(not_over and (self.at_least is None or self.value >= self.at_least))

    @property
    def promise(self) -> str:
        """In words for a table; empty: none."""
        bounds = (('<=', self.at_most), ('>=', self.at_least))
        return ', '.join(f'{sign} {bound:g} {self.unit}' for sign, bound in bounds if bound is not None)


Run = Callable[[bool], Iterator[Figure]]


@dataclass(frozen=True)
class Bench:
    """Something to measure.

    Attributes:
        about: one line for people.
        run: measures; takes whether to be quick (few repetitions, for a look), yields figures as they come.
        slow: takes many minutes: only run when it is named or with --all.
    """

    about: str
    run: Run
    slow: bool = False


BENCHES: dict[str, Bench] = {}
_photos: list[Photo] = []


def bench(name: str, about: str, *, slow: bool = False) -> Callable[[Run], Run]:
    """Register a function under a name; see `Bench`."""

    def register(run: Run) -> Run:
        if name in BENCHES:
            raise ValueError(f'two benches are called {name!r}')
        BENCHES[name] = Bench(about, run, slow)
        return run

    return register


def find_benches() -> dict[str, str]:
    """Import every module `bench_*` of this folder, which fills `BENCHES`.

    Returns:
        why a module could not be imported, by module: what it needs is not installed here.
    """
    missing = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith('bench_')):
        try:
            importlib.import_module(f'bench.{module}')
        except ImportError as error:
            missing[module] = str(error)
    return missing


def demo_photo() -> Photo:
    """scikit-image's astronaut, 512 x 512."""
    return Photo(data.astronaut(), 'astronaut')


def photos() -> list[Photo]:
    """What to measure with: the demo photo, and those of the folder that was named."""
    return [demo_photo(), *_photos]


def add_photos(folder: Path) -> None:
    """Measure with the pictures of a folder as well.

    Raises:
        SketchRobotError: BAD_IMAGE, a picture cannot be read.
        OSError: the folder cannot be read.
    """
    _photos.extend(load_photo(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURE_SUFFIXES)


def median_s(work: Callable[[], object], repeats: int, *, warm_ups: int = 1) -> float:
    """Median wall-clock seconds of some work, after running it to warm up."""
    for _ in range(warm_ups):
        work()
    times = []
    for _ in range(repeats):
        start_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - start_s)
    return float(np.median(times))
