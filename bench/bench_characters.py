"""Characters: time, size, how many are thrown away, and how far they are from what they were learned from.

The distance needs torch and CHARACTER_PICTURES, the folder that was learned from; without them it is left out. Names of
the files for line art match CHARACTER_NAMES (default: lorelei_*), those in colour CHARACTER_COLOUR_NAMES (default:
adventurer_*).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.registry import Figure, bench, median_s
from sketch_robot.characters.drawn import strokes_of
from sketch_robot.characters.latents import noise_of, transported
from sketch_robot.characters.runtime import WEIGHTS, WEIGHTS_PACKAGE, CharacterMaker, shipped_characters

NAMES = {'line_art': ('CHARACTER_NAMES', 'lorelei_*'), 'colour': ('CHARACTER_COLOUR_NAMES', 'adventurer_*')}
SHOWN = 512  # characters whose distance is taken


@bench('characters', 'faces that nobody has: time, size, share thrown away, distance to real ones')
def characters(quick: bool) -> Iterator[Figure]:
    """Seconds, megabytes, shares, distances."""
    for name in WEIGHTS:
        started_s = time.perf_counter()
        maker = CharacterMaker(shipped_characters(name))
        maker.make(0)
        yield Figure(f'{name}: loading, and the first face', time.perf_counter() - started_s, 's')
        size = len((files(WEIGHTS_PACKAGE) / WEIGHTS[name]).read_bytes())
        yield Figure(f'{name}: file', size / 1e6, 'MB', at_most=8.0)
        yield Figure(f'{name}: numbers of the generator', maker.net.parameters / 1e6, 'million')
        seeds = iter(range(100_000))
        each_s = [_seconds(maker, next(seeds)) for _ in range(20 if quick else 100)]
        yield Figure(f'{name}: a face', float(np.median(each_s)), 's', at_most=0.3)
        yield Figure(f'{name}: the slowest of {len(each_s)} faces', max(each_s), 's')
        normal = transported(maker.net, noise_of(1, range(64), maker.net.latent))
        batch_s = median_s(lambda maker=maker, normal=normal: maker.judged(normal), 3 if quick else 11)
        yield Figure(f'{name}: a candidate, of 64 at once', batch_s / 64, 's')
        made = [maker.make(seed) for seed in range(50 if quick else 200)]
        tried = sum(each.candidate + 1 for each in made)
        yield Figure(f'{name}: share thrown away', 1 - len(made) / tried, '', note=f'{tried} candidates')
        yield Figure(f'{name}: seeds without a good one', float(np.mean([not each.good for each in made])), '')
        yield from _distances(name, maker, SHOWN // 4 if quick else SHOWN)
    line_art = CharacterMaker(shipped_characters('line_art')).make(0).rgb
    yield Figure('line_art: strokes of a face', median_s(lambda: strokes_of(line_art), 3 if quick else 11), 's')


def _seconds(maker: CharacterMaker, seed: int) -> float:
    started_s = time.perf_counter()
    maker.make(seed)
    return time.perf_counter() - started_s


def _distances(name: str, maker: CharacterMaker, count: int) -> Iterator[Figure]:
    folder = os.environ.get('CHARACTER_PICTURES', '')
    if not folder or find_spec('torch') is None or find_spec('efficientnet_lite_pytorch') is None:
        return
    import torch

    from sketch_robot.characters.monitor import Monitor
    from sketch_robot.characters.pictures import read_pictures

    variable, pattern = NAMES[name]
    pictures = read_pictures(Path(folder), names=os.environ.get(variable, pattern), colour=maker.net.channels == 3)
    monitor = Monitor(pictures.held_out)
    real = torch.from_numpy(pictures.train[:count]).float() / 255
    shown = np.stack([maker.make(seed).rgb for seed in range(count)]).transpose(0, 3, 1, 2)[:, : maker.net.channels]
    normal = transported(maker.net, noise_of(2, range(count), maker.net.latent))
    unsorted = np.concatenate([maker.judged(part)[0] for part in np.array_split(normal, max(1, count // 64))])
    for what, given in (
        ('real ones', real),
        ('those that are shown', torch.from_numpy(np.ascontiguousarray(shown)).float() / 255),
        ('all that are made', torch.from_numpy((unsorted + 1) / 2)),
    ):
        look = monitor.look(given)
        yield Figure(f'{name}: distance of {what} to held-out ones', look.distance, '', note=f'{count} each')
        yield Figure(f'{name}: variety of {what}', look.variety, '', note='1: as held-out ones')
