"""What the generator is told: forged or not, and how far it is from what was wanted.

The nearest-neighbour loss (Siarohin et al. 2018, equation 8) lets a feature lie a few pixels beside its place: each
pixel of the picture is compared with the most similar one nearby. Sums are over pixels and channels, as there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

NEIGHBOURS = 3  # side of the neighbourhood, in the features' pixels: at 5 a thin limb's nearest is its background
LITE0_MOST = 24.0  # of its rectifier times 4, so that the loss is about as large as L1 of pictures in [-1, 1]
CONV1_2 = 4  # layers of VGG19 up to the second convolution's rectifier


class ShallowFeatures(Protocol):
    """Something that sees edges and colours: (N, 3, H, W) in [0, 1] to maps."""

    def __call__(self, rgb: Tensor) -> Tensor:
        """Feature maps."""


def nearest_neighbour_loss(drawn: Tensor, wanted: Tensor, side: int = NEIGHBOURS) -> Tensor:
    """Distance of each pixel's features to the nearest of its neighbourhood; maps (N, C, H, W), summed, mean over N."""
    reach = side // 2
    height, width = drawn.shape[-2:]
    around = functional.pad(wanted, [reach] * 4, mode='replicate')
    with torch.no_grad():
        distances = torch.stack(
            [
                (drawn - around[..., dy : dy + height, dx : dx + width]).abs().sum(1)
                for dy in range(side)
                for dx in range(side)
            ]
        )
        nearest = distances.argmin(0)
    rows = torch.arange(height, device=drawn.device)[:, None] + torch.div(nearest, side, rounding_mode='floor')
    columns = torch.arange(width, device=drawn.device) + nearest % side
    place = (rows * around.shape[-1] + columns).flatten(1)
    chosen = around.flatten(2).gather(2, place[:, None].expand(-1, around.shape[1], -1)).view_as(drawn)
    return (drawn - chosen).abs().sum() / len(drawn)


def shallow_features(vgg19: Path | None = None, device: torch.device | str = 'cpu') -> ShallowFeatures:
    """VGG19's conv1_2 from a file, as published, or without one EfficientNet-Lite0's first layer, which halves,
    on pictures of twice the size.

    Raises:
        ModuleNotFoundError: EfficientNet-Lite0 is not installed; SketchRobotError: BAD_GOAL, the file is not VGG19's.
    """
    from sketch_robot.training.losses import Lite0Features, Vgg19Features

    if vgg19 is None:
        lite = Lite0Features(taps=(-1,)).eval().requires_grad_(False).to(device)

        def stem(rgb: Tensor) -> Tensor:
            large = functional.interpolate(rgb, scale_factor=2, mode='bilinear', align_corners=False)
            return lite.maps(large)[0] / LITE0_MOST

        return stem
    vgg = Vgg19Features(vgg19).eval().requires_grad_(False).to(device)
    return lambda rgb: vgg.features[:CONV1_2]((rgb - vgg.mean) / vgg.std)
