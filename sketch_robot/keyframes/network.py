"""The network that learns a hand, and the one that tells its patches from the artist's.

A picture-to-picture network of few layers that sees little around each pixel, as Texler et al. (Interactive video
stylization using few-shot patch-based training, SIGGRAPH 2020) train: 32, 64 and 128 filters down to a quarter of the
side, residual blocks of 128, and 128 and 64 filters back up, each time beside what the way down had seen. Batches are
normalised (Ioffe & Szegedy 2015) while it learns, which made it four times as quick to learn; a hand's file has that
folded into the layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.line_art.hand.hand_file import RGB, HandShape

RESIDUE = 0.1  # of a new block beside the way past it: it begins by changing little
SLOPE = 0.2  # of the critic's leaky ReLUs


class HandNet(nn.Module):
    """From pictures, with guides where the hand has them, to how the artist would draw them.

    Layers have the names that the file has; `sketch_robot.line_art.hand.runtime` runs the same without torch.

    Args:
        shape: how many filters, blocks and inputs.
    """

    def __init__(self, shape: HandShape) -> None:
        super().__init__()
        self.shape = shape
        sizes = shape.layers()
        self.fine = _layer(sizes['fine'])
        self.middle, self.coarse = _layer(sizes['middle'], stride=2), _layer(sizes['coarse'], stride=2)
        self.rise, self.top = _layer(sizes['rise']), _layer(sizes['top'])
        self.blocks = nn.ModuleList(
            _Block(sizes[f'blocks.{k}.first'], sizes[f'blocks.{k}.second']) for k in range(shape.blocks)
        )
        out, into, side = sizes['colour']
        self.colour = nn.Conv2d(into, out, side, padding=side // 2)

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3 or 6, H, W) in [0, 1], sides multiples of 4, to (N, 3, H, W) in [0, 1]."""
        whole = functional.relu(self.fine(picture))
        middle = functional.relu(self.middle(whole))
        x = functional.relu(self.coarse(middle))
        for block in self.blocks:
            x = block(x)
        x = functional.relu(self.rise(torch.cat([_doubled(x), middle], 1)))
        x = functional.relu(self.top(torch.cat([_doubled(x), whole], 1)))
        return torch.sigmoid(self.colour(torch.cat([x, picture], 1)).float())

    @torch.no_grad()
    def folded(self) -> dict[str, np.ndarray]:
        """Its weights by the names that a hand's file has, float32, normalisation folded into the layers."""
        found = {}
        for name in self.shape.layers():
            part = self.get_submodule(name)
            parts: list[Any] = list(part.children()) or [part]
            kernel, bias = parts[0].weight, parts[0].bias
            if len(parts) == 2:
                norm = parts[1]
                scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
                kernel, bias = kernel * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale
            found[f'{name}.weight'] = kernel.contiguous().float().cpu().numpy()
            found[f'{name}.bias'] = bias.float().cpu().numpy()
        return found


class _Block(nn.Module):
    """Two convolutions beside a way past them (He et al. 2016)."""

    def __init__(self, first: tuple[int, int, int], second: tuple[int, int, int]) -> None:
        super().__init__()
        self.first, self.second = _layer(first), _layer(second)
        norm: Any = self.second[1]
        nn.init.constant_(norm.weight, RESIDUE)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), the same out."""
        return x + self.second(functional.relu(self.first(x)))


def _layer(size: tuple[int, int, int], *, stride: int = 1) -> nn.Sequential:
    out, into, side = size
    return nn.Sequential(nn.Conv2d(into, out, side, stride, side // 2, bias=False), nn.BatchNorm2d(out))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode='nearest')


class Critic(nn.Module):
    """Tells the artist's patches from the network's: a patch discriminator (Isola et al. 2017) of three layers."""

    def __init__(self, filters: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2 * RGB, filters, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(filters, 2 * filters, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * filters, 1, 3, padding=1),
        )

    def forward(self, picture: Tensor, drawn: Tensor) -> Tensor:
        """(N, 3, H, W) each, what was drawn and from what, to scores (N, 1, h, w): 1 for the artist's."""
        scores: Tensor = self.layers(torch.cat([picture, drawn], 1))
        return scores.float()
