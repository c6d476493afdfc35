"""Batches for learning styles, a pure function of seed and step: photos, each with the style it is to be drawn in.

Most batches are small pictures. Every fourth has fewer and larger ones, so that the statistics that the network
normalises by are also learned for whole pictures.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from sketch_robot.training.styles.pens import Drawn, PenManner

LARGE_EVERY = 4


@dataclass(frozen=True)
class StyleBatchOptions:
    """What batches are made of.

    Attributes:
        size_px, pictures: of most batches; sides are multiples of 4.
        large_px, large_pictures: of every fourth.
        largest_photo_px: photos are seen between the picture's side and this.
    """

    size_px: int = 128
    pictures: int = 6
    large_px: int = 224
    large_pictures: int = 2
    largest_photo_px: int = 448


@dataclass(frozen=True, eq=False)
class StyleBatch:
    """Photos and what is to become of them.

    Attributes:
        rgb: (N, 3, S, S) float32 in [0, 1].
        style: (N,) int64, the style of each.
        target: (N, 1, S, S) float32 in [0, 1], the photo as its pen draws it; 0 where the style is a picture's.
        lines: (N, 1, S, S) float32 in [0, 1], where the target's ink has a place of its own; all of it 1 where the
            photo tells every place.
        by_pen: (N,) bool, whether there is a target.
    """

    rgb: Tensor
    style: Tensor
    target: Tensor
    lines: Tensor
    by_pen: Tensor


class StyleBatches:
    """Photos to be drawn in styles.

    Args:
        photos: (M, P, P, 3) uint8.
        manners: of each style, the pen's rule that draws its target; None: a style picture judges it.
        options: sizes.
        seed: of order and variation.
    """

    def __init__(
        self,
        photos: np.ndarray,
        manners: Sequence[PenManner | None],
        options: StyleBatchOptions | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self.photos, self.manners, self.seed = photos, tuple(manners), seed
        self.options = options or StyleBatchOptions()

    def stream(self, first: int) -> Generator[StyleBatch]:
        """The batches from a step on, without end, each composed while the one before it is learned from."""
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self.batch, first)
            step = first
            while True:
                ready = coming.result()
                step += 1
                coming = pool.submit(self.batch, step)
                yield ready

    def batch(self, step: int) -> StyleBatch:
        """The batch of that step."""
        options = self.options
        large = step % LARGE_EVERY == LARGE_EVERY - 1
        side = options.large_px if large else options.size_px
        count = options.large_pictures if large else options.pictures
        slots = [self._one(step, slot, side) for slot in range(count)]
        rgb, style, target, lines = (np.stack([slot[k] for slot in slots]) for k in range(4))
        chosen = torch.from_numpy(style)
        return StyleBatch(
            torch.from_numpy(rgb).permute(0, 3, 1, 2).float().div_(255),
            chosen,
            torch.from_numpy(target)[:, None],
            torch.from_numpy(lines)[:, None],
            torch.tensor([self.manners[int(k)] is not None for k in chosen]),
        )

    def _one(self, step: int, slot: int, side: int) -> tuple[np.ndarray, int, np.ndarray, np.ndarray]:
        number = step * self.options.pictures + slot
        photo = self.photos[self._dealt(number, len(self.photos), 0)]
        style = self._dealt(number, len(self.manners), 1)
        rng = np.random.default_rng((self.seed, 2, step, slot))
        rgb = self._cut(photo, side, rng)
        manner = self.manners[style]
        blank = np.zeros((side, side), np.float32)
        drawn = Drawn(blank, blank) if manner is None else manner.draw(rgb, rng)
        placed = manner is not None and manner.placed
        return rgb, style, drawn.picture, np.ones_like(blank) if placed else drawn.lines

    def _dealt(self, number: int, count: int, what: int) -> int:
        """The card of that number when decks of `count` are shuffled and dealt one after the other."""
        deck = np.random.default_rng((self.seed, what, number // count)).permutation(count)
        return int(deck[number % count])

    def _cut(self, photo: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
        """A part of a photo at a random size, mirrored or not, in colour or grey, lighter or darker."""
        largest = max(side, self.options.largest_photo_px)
        whole = round(float(side * (largest / side) ** rng.random()))
        how = cv2.INTER_AREA if whole < photo.shape[0] else cv2.INTER_LINEAR
        seen = cv2.resize(photo, (whole, whole), interpolation=how)
        top, left = (int(rng.integers(whole - side + 1)) for _ in range(2))
        part = seen[top : top + side, left : left + side]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        light = part.astype(np.float32) / 255
        if rng.random() < 0.15:
            light = np.repeat(light.mean(axis=2, keepdims=True), 3, axis=2)
        light = light ** np.exp(rng.uniform(-0.35, 0.35))
        return np.ascontiguousarray(np.rint(255 * np.clip(light, 0, 1)).astype(np.uint8))
