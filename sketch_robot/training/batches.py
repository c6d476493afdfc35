"""Training batches as a pure function of seed and step.

Nothing here has a state: picture k of step n is the same whoever asks, so a resumed run sees what the interrupted one
would have seen, and data-parallel processes share out one batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from sketch_robot.training.drawings import LabelledDrawing, load_crop, render_drawing
from sketch_robot.training.mattes import decode_matte
from sketch_robot.training.photo_damage import DamageOptions, damage_photos
from sketch_robot.training.scenes import Scene, SceneOptions, compose_scene


@dataclass(frozen=True)
class BatchOptions:
    """What a batch is made of.

    Attributes:
        size_px: side of the pictures.
        pictures: in the whole batch, over all processes.
        scenes, damage: how they are varied.
    """

    size_px: int = 512
    pictures: int = 8
    scenes: SceneOptions = field(default_factory=SceneOptions)
    damage: DamageOptions = field(default_factory=DamageOptions)


class Batch(NamedTuple):
    """Pictures to learn from, float32 in [0, 1].

    Attributes:
        rgb: (N, 3, H, W).
        ink: (N, 1, H, W), 1 = ink.
        focus: (N, 1, H, W), 1 near the eyes.
    """

    rgb: Tensor
    ink: Tensor
    focus: Tensor


class PortraitBatches:
    """Pictures and drawings of one folder.

    Args:
        folder: with `crops/`.
        drawings: to choose from.
        mattes: encoded, by name; those without keep their background.
        options: size and variation.
        seed: of order and variation.
        keep_in_memory: decode each JPEG once (0.8 MB each).
    """

    def __init__(
        self,
        folder: Path,
        drawings: list[LabelledDrawing],
        mattes: dict[str, np.ndarray],
        options: BatchOptions,
        *,
        seed: int = 0,
        keep_in_memory: bool = True,
    ) -> None:
        self.folder, self.drawings, self.mattes, self.options, self.seed = folder, drawings, mattes, options, seed
        self._crops: dict[str, np.ndarray] | None = {} if keep_in_memory else None

    def order(self, epoch: int) -> np.ndarray:
        """The order of the drawings in that pass over all of them."""
        return np.random.default_rng((self.seed, 0, epoch)).permutation(len(self.drawings))

    def indices(self, step: int) -> list[int]:
        """Which drawings are in the batch of that step; passes over the drawings follow each other without a gap."""
        first = step * self.options.pictures
        count = len(self.drawings)
        orders = {
            epoch: self.order(epoch) for epoch in {k // count for k in range(first, first + self.options.pictures)}
        }
        return [int(orders[k // count][k % count]) for k in range(first, first + self.options.pictures)]

    def batch(self, step: int, *, rank: int = 0, world: int = 1, device: torch.device | str = 'cpu') -> Batch:
        """The pictures of one process in that step: `pictures / world` of them, on `device`."""
        indices = self.indices(step)
        slots = range(rank, len(indices), world)
        rngs = [np.random.default_rng((self.seed, 1, step, slot)) for slot in slots]
        scenes = [self._scene(indices[slot], rng) for slot, rng in zip(slots, rngs, strict=True)]
        rgb = torch.from_numpy(np.stack([s.rgb for s in scenes])).to(device).permute(0, 3, 1, 2).float().div_(255)
        ink, focus = (
            torch.from_numpy(np.stack(maps)).to(device)[:, None].float().div_(255)
            for maps in ([s.ink for s in scenes], [s.focus for s in scenes])
        )
        return Batch(damage_photos(rgb, self.options.damage, rngs), ink, focus)

    def _scene(self, index: int, rng: np.random.Generator) -> Scene:
        drawing = self.drawings[index]
        other = self.drawings[int(rng.integers(len(self.drawings)))].name
        return compose_scene(
            self._crop(drawing.name),
            drawing.strokes,
            tuple(s for s, label in zip(drawing.strokes, drawing.labels, strict=True) if label == 'eye'),
            self._matte(drawing.name),
            (self._crop(other), self._matte(other)),
            self.options.size_px,
            self.options.scenes,
            rng,
        )

    def _crop(self, name: str) -> np.ndarray:
        if self._crops is None:
            return load_crop(self.folder, name)
        if name not in self._crops:
            self._crops[name] = load_crop(self.folder, name)
        return self._crops[name]

    def _matte(self, name: str) -> np.ndarray | None:
        png = self.mattes.get(name)
        return None if png is None else decode_matte(png)


def plain_picture(folder: Path, drawing: LabelledDrawing, size_px: int, width_px: float) -> tuple[Tensor, Tensor]:
    """A crop and its drawing without any variation, for evaluation: (1, 3, H, W) and (1, 1, H, W) in [0, 1]."""
    rgb = load_crop(folder, drawing.name)
    if rgb.shape[0] != size_px:
        rgb = cv2.resize(rgb, (size_px, size_px), interpolation=cv2.INTER_AREA)
    ink = render_drawing(drawing.strokes, size_px, width_px=width_px)
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255, torch.from_numpy(ink)[None, None].float() / 255
