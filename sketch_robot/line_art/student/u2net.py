"""U2-Net: a U of U-shaped residual blocks, for teacher and student alike.

Qin et al., "U^2-Net: Going deeper with nested U-structure for salient object detection", Pattern Recognition 2020.
Eleven stages (six going down, five coming up) are residual U-blocks (RSU); the six stages that see their level last
each give a side map, and a 1x1 convolution fuses the side maps into the output. The student differs in channels alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = 6
STAGES = 2 * LEVELS - 1
DILATED_LEVELS = 2  # the two deepest levels are too small to pool; their blocks dilate instead
DILATIONS = (1, 2, 4, 8)


@dataclass(frozen=True)
class U2NetChannels:
    """Channels inside and out of each of the 11 stages, encoder 1 to 6 then decoder 5 to 1.

    Attributes:
        inner: channels inside each stage's block.
        outer: channels that each stage gives.
    """

    inner: tuple[int, ...]
    outer: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.inner) != STAGES or len(self.outer) != STAGES:
            raise ValueError(f'U2-Net has {STAGES} stages, not {len(self.inner)} and {len(self.outer)}')


TEACHER = U2NetChannels(
    inner=(32, 32, 64, 128, 256, 256, 256, 128, 64, 32, 16),
    outer=(64, 128, 256, 512, 512, 512, 512, 256, 128, 64, 64),
)
STUDENT = U2NetChannels(inner=(16,) * STAGES, outer=(64,) * STAGES)


class U2NetMaps(NamedTuple):
    """What a forward pass gives.

    Attributes:
        fused: (N, 1, H, W) logits of ink.
        sides: six (N, 1, H, W) logits, from the finest level to the coarsest.
        stages: eleven (N, C, h, w) feature maps, encoder 1 to 6 then decoder 5 to 1.
    """

    fused: Tensor
    sides: tuple[Tensor, ...]
    stages: tuple[Tensor, ...]


class _ConvNormRelu(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualUBlock(nn.Module):
    """An RSU block: a small U-Net around which its own first convolution is added.

    Args:
        depth: convolutions on the way down, the dilated bottom one included.
        inputs, inner, outputs: channels.
        dilated: grow the field of view by dilation instead of pooling (RSU-4F).
    """

    def __init__(self, depth: int, inputs: int, inner: int, outputs: int, *, dilated: bool = False) -> None:
        super().__init__()
        self.dilated = dilated
        dilations = DILATIONS if dilated else (1,) * (depth - 1) + (2,)
        self.entry = _ConvNormRelu(inputs, outputs)
        self.down = nn.ModuleList(
            _ConvNormRelu(outputs if level == 0 else inner, inner, dilations[level]) for level in range(depth)
        )
        self.up = nn.ModuleList(
            _ConvNormRelu(2 * inner, outputs if level == 0 else inner, dilations[level] if dilated else 1)
            for level in reversed(range(depth - 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        entry = self.entry(x)
        maps = [self.down[0](entry)]
        for level, conv in enumerate(self.down[1:], start=1):
            above = maps[-1]
            pooled = above if self.dilated or level == len(self.down) - 1 else _halve(above)
            maps.append(conv(pooled))
        x = maps.pop()
        for conv in self.up:
            skip = maps.pop()
            x = conv(torch.cat((_resize_like(x, skip), skip), dim=1))
        return x + entry


class U2Net(nn.Module):
    """U2-Net on RGB pictures.

    Args:
        channels: `TEACHER` (44.01 M parameters) or `STUDENT` (1.131 M), or another choice.
        fold: 1 is the published net. With 2, squares of 2 x 2 pixels become channels at the entrance and logits become
            squares of pixels at the exit (Shi et al. 2016, sub-pixel convolution): the same picture size for about a
            quarter of the multiply-adds.
    """

    def __init__(self, channels: U2NetChannels = STUDENT, *, fold: int = 1) -> None:
        super().__init__()
        self.channels = channels
        self.fold = fold
        inner, outer = channels.inner, channels.outer
        inputs = (3 * fold**2, *outer[: LEVELS - 1])
        self.encoder = nn.ModuleList(
            _stage(level, inputs[level], inner[level], outer[level]) for level in range(LEVELS)
        )
        self.decoder = nn.ModuleList(
            _stage(level, outer[stage - 1] + outer[level], inner[stage], outer[stage])
            for stage, level in zip(range(LEVELS, STAGES), reversed(range(LEVELS - 1)), strict=True)
        )
        finest_first = [*reversed(outer[LEVELS:]), outer[LEVELS - 1]]
        self.side = nn.ModuleList(nn.Conv2d(width, fold**2, 3, padding=1) for width in finest_first)
        self.fuse = nn.Conv2d(LEVELS * fold**2, fold**2, 1)

    def forward(self, rgb: Tensor) -> U2NetMaps:
        """Draw a batch.

        Args:
            rgb: (N, 3, H, W) in [0, 1]; H and W multiples of `fold`, at least 32 `fold`.
        """
        x = rgb * 4.0 - 2.0  # about unit variance for photographs
        if self.fold > 1:
            x = functional.pixel_unshuffle(x, self.fold)
        stages: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            x = block(x if level == 0 else _halve(x))
            stages.append(x)
        for level, block in zip(reversed(range(LEVELS - 1)), self.decoder, strict=True):
            skip = stages[level]
            x = block(torch.cat((_resize_like(x, skip), skip), dim=1))
            stages.append(x)
        sources = [*reversed(stages[LEVELS:]), stages[LEVELS - 1]]
        first = self.side[0](sources[0])
        sides = (first, *(_resize_like(conv(x), first) for conv, x in zip(self.side[1:], sources[1:], strict=True)))
        fused = self.fuse(torch.cat(sides, dim=1))
        if self.fold > 1:
            fused = functional.pixel_shuffle(fused, self.fold)
            sides = tuple(functional.pixel_shuffle(side, self.fold) for side in sides)
        return U2NetMaps(fused, sides, tuple(stages))


class InkNet(nn.Module):
    """A U2-Net for use: pictures in, ink out; what is exported to other runtimes."""

    def __init__(self, net: U2Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, rgb: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] to (N, 1, H, W) ink in [0, 1]."""
        return torch.sigmoid(self.net(rgb).fused)


def _stage(level: int, inputs: int, inner: int, outputs: int) -> ResidualUBlock:
    dilated = level >= LEVELS - DILATED_LEVELS
    return ResidualUBlock(4 if dilated else 7 - level, inputs, inner, outputs, dilated=dilated)


def _halve(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2, stride=2, ceil_mode=True)


def _resize_like(x: Tensor, target: Tensor) -> Tensor:
    if x.shape[-2:] == target.shape[-2:]:
        return x
    return functional.interpolate(x, size=target.shape[-2:], mode='bilinear', align_corners=False)
