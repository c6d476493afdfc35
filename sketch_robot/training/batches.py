"""Training batches as a pure function of seed and step.

Nothing here has a state: picture k of step n is the same whoever asks, so a resumed run sees what the interrupted one
would have seen, and data-parallel processes share out one batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from sketch_robot.training.drawings import LabelledDrawing, load_crop, render_drawing
from sketch_robot.training.mattes import decode_matte
from sketch_robot.training.photo_damage import DamageOptions, damage_photos
from sketch_robot.training.scenes import SceneOptions, compose_scene


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

    def batch(
        self, step: int, *, rank: int = 0, world: int = 1, device: torch.device | str = 'cpu'
    ) -> tuple[Tensor, Tensor]:
        """The pictures of one process in that step.

        Returns:
            RGB (n, 3, H, W) and ink (n, 1, H, W), float32 in [0, 1] on `device`; n = pictures / world.
        """
        indices = self.indices(step)
        slots = range(rank, len(indices), world)
        rngs = [np.random.default_rng((self.seed, 1, step, slot)) for slot in slots]
        scenes = [self._scene(indices[slot], rng) for slot, rng in zip(slots, rngs, strict=True)]
        rgb = torch.from_numpy(np.stack([s[0] for s in scenes])).to(device).permute(0, 3, 1, 2).float().div_(255)
        ink = torch.from_numpy(np.stack([s[1] for s in scenes])).to(device)[:, None].float().div_(255)
        return damage_photos(rgb, self.options.damage, rngs), ink

    def _scene(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        drawing = self.drawings[index]
        other = self.drawings[int(rng.integers(len(self.drawings)))].name
        return compose_scene(
            self._crop(drawing.name),
            drawing.strokes,
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
