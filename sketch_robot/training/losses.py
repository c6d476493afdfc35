"""Losses of the line artist: weighted cross-entropy on all maps, and the style of lines by Gram matrices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.line_art.u2net import U2NetMaps


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts.

    Attributes:
        bce, style, distillation: factors of the three losses; the paper's are the defaults.
        ink: cross-entropy of a pixel counts `1 + (ink - 1) * target`: ink is about one pixel in twenty, and a net that
            is unsure where a line runs would else draw nothing. Large weights make lines thick and grey.
        focus: near the eyes cross-entropy counts `1 + focus` times.
        side: cross-entropy of each of the six side maps against that of the fused map; U2-Net's practice is 1.
    """

    bce: float = 10.0
    style: float = 1.0
    distillation: float = 1000.0
    ink: float = 2.0
    focus: float = 2.0
    side: float = 1.0


def ink_cross_entropy(maps: U2NetMaps, ink: Tensor, weights: LossWeights, focus: Tensor | None = None) -> Tensor:
    """Binary cross-entropy of the fused map plus the weighted sum over side maps, each averaged over pixels.

    Args:
        ink: (N, 1, H, W) in [0, 1].
        focus: the same, 1 near the eyes; None counts all places alike.
    """
    weight = 1 + (weights.ink - 1) * ink
    if focus is not None:
        weight = weight * (1 + weights.focus * focus)

    def one(logits: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(full_precision(logits), ink, weight)

    loss = one(maps.fused)
    if weights.side:
        loss = loss + weights.side * torch.stack([one(side) for side in maps.sides]).sum()
    return loss


def full_precision(x: Tensor) -> Tensor:
    """Half-precision values as float32; others as they are."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def gram_matrix(features: Tensor) -> Tensor:
    """(N, C, H, W) features to (N, C, C), divided by C * H * W (Gatys et al. 2016)."""
    n, c, h, w = features.shape
    flat = features.reshape(n, c, h * w)
    return flat @ flat.transpose(1, 2) / (c * h * w)


class StyleLoss(nn.Module):
    """Squared Frobenius distance of Gram matrices, summed over layers, averaged over pictures.

    Args:
        features: a net from ink (N, 1, H, W) to a list of feature maps; see `style_features`.
    """

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)

    def forward(self, ink: Tensor, target: Tensor) -> Tensor:
        """Both (N, 1, H, W) in [0, 1]; gradients flow to `ink` alone."""
        with torch.no_grad():
            wanted = [gram_matrix(f) for f in self.features(target)]
        drawn = [gram_matrix(f) for f in self.features(ink)]
        return torch.stack([(a - b).square().sum((1, 2)).mean() for a, b in zip(drawn, wanted, strict=True)]).sum()
