"""Training batches as a pure function of seed and step.

Nothing here has a state: picture k of step n is the same whoever asks, so a resumed run sees what the interrupted one
would have seen, and data-parallel processes share out one batch.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from sketch_robot.training.photo_damage import DamageOptions, damage_photos
from sketch_robot.training.portraits import Example, Portrait, PortraitFolder, Scale
from sketch_robot.training.scenes import Scene, SceneOptions, compose_scene


@dataclass(frozen=True)
class BatchOptions:
    """What a batch is made of.

    Attributes:
        size_px: side of the pictures.
        pictures: in the whole batch, over all processes.
        close_ups: share of the pictures that are close-ups of the face; the others are head crops.
        scenes, damage: how they are varied.
    """

    size_px: int = 512
    pictures: int = 8
    close_ups: float = 0.6
    scenes: SceneOptions = field(default_factory=SceneOptions)
    damage: DamageOptions = field(default_factory=DamageOptions)


class Batch(NamedTuple):
    """Pictures to learn from, float32 in [0, 1].

    Attributes:
        rgb: (N, 3, H, W).
        ink: (N, 1, H, W), 1 = ink.
    """

    rgb: Tensor
    ink: Tensor


class PortraitBatches:
    """Pictures and their ink from one folder.

    Args:
        folder: where the portraits lie.
        portraits: to choose from.
        options: size and variation.
        seed: of order and variation.
    """

    def __init__(
        self, folder: PortraitFolder, portraits: list[Portrait], options: BatchOptions, *, seed: int = 0
    ) -> None:
        self.folder, self.portraits, self.options, self.seed = folder, portraits, options, seed

    def order(self, epoch: int) -> np.ndarray:
        """The order of the portraits in that pass over all of them."""
        return np.random.default_rng((self.seed, 0, epoch)).permutation(len(self.portraits))

    def indices(self, step: int) -> list[int]:
        """Which portraits are in the batch of that step; passes over them follow each other without a gap."""
        first = step * self.options.pictures
        count = len(self.portraits)
        orders = {
            epoch: self.order(epoch) for epoch in {k // count for k in range(first, first + self.options.pictures)}
        }
        return [int(orders[k // count][k % count]) for k in range(first, first + self.options.pictures)]

    def batch(self, step: int, *, rank: int = 0, world: int = 1, device: torch.device | str = 'cpu') -> Batch:
        """The pictures of one process in that step: `pictures / world` of them, on `device`."""
        return self._finished(step, self._scenes(step, rank, world), rank, world, device)

    def stream(
        self,
        first: int,
        *,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = 'cpu',
        threads: int = 1,
        ahead: int = 2,
    ) -> Generator[Batch]:
        """The batches from a step on, without end, each composed while those before it are learned from.

        Args:
            threads: that compose pictures.
            ahead: batches composed in advance.
        """
        with ThreadPoolExecutor(threads) as pool:
            slots = range(rank, self.options.pictures, world)
            coming = {
                step: [pool.submit(self._scene, step, slot) for slot in slots] for step in range(first, first + ahead)
            }
            step = first
            try:
                while True:
                    coming[step + ahead] = [pool.submit(self._scene, step + ahead, slot) for slot in slots]
                    scenes = [future.result() for future in coming.pop(step)]
                    yield self._finished(step, scenes, rank, world, device)
                    step += 1
            finally:
                for futures in coming.values():
                    for future in futures:
                        future.cancel()

    def _scenes(self, step: int, rank: int, world: int) -> list[Scene]:
        return [self._scene(step, slot) for slot in range(rank, self.options.pictures, world)]

    def _finished(self, step: int, scenes: list[Scene], rank: int, world: int, device: torch.device | str) -> Batch:
        rngs = [np.random.default_rng((self.seed, 2, step, slot)) for slot in range(rank, self.options.pictures, world)]
        rgb = torch.from_numpy(np.stack([s.rgb for s in scenes])).to(device).permute(0, 3, 1, 2).float().div_(255)
        ink = torch.from_numpy(np.stack([s.ink for s in scenes])).to(device)[:, None].float().div_(255)
        return Batch(damage_photos(rgb, self.options.damage, rngs), ink)

    def _scene(self, step: int, slot: int) -> Scene:
        rng = np.random.default_rng((self.seed, 1, step, slot))
        scale: Scale = 'face' if rng.random() < self.options.close_ups else 'head'
        example = self._example(self.indices(step)[slot], scale)
        other = self._example(int(rng.integers(len(self.portraits))), 'head')
        return compose_scene(example, other, self.options.size_px, self.options.scenes, rng)

    def _example(self, index: int, scale: Scale) -> Example:
        return self.folder.example(self.portraits[index], scale)


def plain_picture(example: Example, size_px: int) -> Batch:
    """A photo and its ink without any variation, for evaluation: one picture."""
    rgb, ink = example.rgb, example.ink
    if rgb.shape[0] != size_px:
        rgb, ink = (cv2.resize(x, (size_px, size_px), interpolation=cv2.INTER_AREA) for x in (rgb, ink))
    return Batch(
        torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255, torch.from_numpy(ink)[None, None].float() / 255
    )
