"""Random patches of key frames: what a hand is learned from.

Whole frames teach a network where in the picture what is drawn; small patches, many of them, what is drawn where
something looks so (Texler et al. 2020). A batch is a function of seed and step, so that a run that was interrupted goes
on with the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.keyframes.keys import KeyFrame

GRID_PX = 4


@dataclass(frozen=True)
class PatchBatch:
    """Patches of one batch.

    Attributes:
        seen: (N, 3 or 6, P, P) float32 in [0, 1]: the picture, and the guides.
        drawn: (N, 3, P, P) float32 in [0, 1].
        where: (N, 1, P, P) float32, 1 where what is drawn counts.
    """

    seen: Tensor
    drawn: Tensor
    where: Tensor


class Patches:
    """Batches of key frames.

    Args:
        keys: at least one.
        guides: (H, W, 3) uint8 of each key frame, or none.
        patch_px: side of a patch, a multiple of 4; 0: a whole frame is a batch.
        count: patches in a batch.
        light: how much the light of patches is changed, as other rooms and other people have it: 0 not at all.
        seed: of the order.

    Raises:
        SketchRobotError: BAD_GOAL, patches that are no multiple of 4 px or larger than a frame.
    """

    def __init__(
        self,
        keys: Sequence[KeyFrame],
        guides: Sequence[np.ndarray] = (),
        *,
        patch_px: int = 36,
        count: int = 40,
        light: float = 0.0,
        seed: int = 0,
    ) -> None:
        least = min(min(key.frame.shape[:2]) for key in keys)
        if patch_px % GRID_PX or not 0 <= patch_px <= least:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'patches of {patch_px} px do not fit; take a multiple of {GRID_PX} up to {least}'
            )
        self.patch_px, self.count, self.light, self.seed = patch_px, count, light, seed
        self._layers = []
        self._corners = []
        for k, key in enumerate(keys):
            seen = np.concatenate([key.frame, guides[k]], axis=2) if len(guides) else key.frame
            layers = np.concatenate([seen, key.drawn, 255 * key.where[..., None].astype(np.uint8)], axis=2)
            side = [edge // GRID_PX * GRID_PX for edge in layers.shape[:2]]
            self._layers.append(torch.from_numpy(layers[: side[0], : side[1]].transpose(2, 0, 1).copy()))
            corners = _corners(key.where, patch_px) if patch_px else np.zeros((1, 2), int)
            self._corners.append(np.column_stack([np.full(len(corners), k), corners]))
        self._all = np.concatenate(self._corners)

    def batch(self, step: int) -> PatchBatch:
        """The batch of a step; of whole frames the next one."""
        rng = np.random.default_rng((self.seed, step))
        if self.patch_px:
            side = self.patch_px
            chosen = self._all[rng.integers(0, len(self._all), self.count)].tolist()
            layers = torch.stack([self._layers[k][:, y : y + side, x : x + side] for k, y, x in chosen])
        else:
            layers = self._layers[step % len(self._layers)][None]
        values = layers.float() / 255
        seen, drawn, where = values[:, :-4], values[:, -4:-1], values[:, -1:]
        if self.light:
            seen = self._lit(seen, rng)
        return PatchBatch(seen.contiguous(memory_format=torch.channels_last), drawn, where)

    def _lit(self, seen: Tensor, rng: np.random.Generator) -> Tensor:
        """Patches brighter and darker, of more and less contrast, warmer and colder."""
        shape = (len(seen), 1, 1, 1)
        gain = torch.from_numpy(rng.normal(1.0, self.light, shape)).float().clamp(0.4, 1.8)
        tint = torch.from_numpy(rng.normal(1.0, self.light / 3, (len(seen), 3, 1, 1))).float()
        shift = torch.from_numpy(rng.normal(0.0, self.light / 2, shape)).float()
        picture = ((seen[:, :3] * gain * tint) + shift).clamp(0, 1)
        return torch.cat([picture, seen[:, 3:]], 1)


def _corners(where: np.ndarray, patch_px: int) -> np.ndarray:
    """Upper left corners of all patches whose middle is in a mask, moved into the frame: (N, 2) int, y and x."""
    middles = np.argwhere(where)
    return np.clip(middles - patch_px // 2, 0, np.array(where.shape) - patch_px)
