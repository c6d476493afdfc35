"""One network for many manners: everything but a scale and a shift a channel is shared by all styles.

Three convolutions, five residual blocks, two bilinear up-samplings with a convolution each, a last convolution
(Johnson, Alahi & Fei-Fei 2016), with conditional instance normalisation after every one of them (Dumoulin, Shlens &
Kudlur 2017; Chen Liang 2021): each map is brought to mean 0 and deviation 1, then scaled and shifted as the style says.
Pictures are padded by reflection, as zeros give dark borders, and no convolution is transposed, as those give
checkerboards. A
blend of styles is a network whose scales and shifts are the weighted means of theirs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.line_art.styles.layers import LAYERS, SMALLEST_VARIANCE, Layer
from sketch_robot.line_art.styles.style_file import StyleSet


class ConditionalNorm(nn.Module):
    """Instance normalisation with a scale and a shift for each style and channel."""

    def __init__(self, styles: int, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(styles, channels))
        self.shift = nn.Parameter(torch.zeros(styles, channels))


class StyleConvolution(nn.Module):
    """A convolution with its up-sampling before and its normalisation after it."""

    def __init__(self, layer: Layer, styles: int) -> None:
        super().__init__()
        self.layer = layer
        self.conv = nn.Conv2d(layer.inputs, layer.outputs, layer.kernel, layer.stride)
        self.norm = ConditionalNorm(styles, layer.outputs)

    def forward(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Apply it: (N, inputs, H, W), and (N, outputs) twice."""
        if self.layer.enlarge > 1:
            x = functional.interpolate(x, scale_factor=float(self.layer.enlarge), mode='bilinear', align_corners=False)
        margin = self.layer.kernel // 2
        x = self.conv(functional.pad(x, (margin,) * 4, mode='reflect'))
        x = functional.instance_norm(x, eps=SMALLEST_VARIANCE)
        return x * scale[..., None, None].to(x.dtype) + shift[..., None, None].to(x.dtype)


class StyleNet(nn.Module):
    """The network: 1,676,035 shared parameters and 3,206 a style.

    Args:
        styles: how many it has.
    """

    def __init__(self, styles: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(StyleConvolution(layer, styles) for layer in LAYERS)
        self.styles = styles

    def forward(self, rgb: Tensor, weights: Tensor) -> Tensor:
        """Draw photos in blends of the styles.

        Args:
            rgb: (N, 3, H, W) in [0, 1]; H and W whole multiples of 4.
            weights: (N, styles), each row's sum 1.

        Returns:
            (N, 3, H, W) in [0, 1].
        """
        return self.draw(rgb, self.condition(weights))

    def condition(self, weights: Tensor) -> Tensor:
        """Scales and shifts of all layers for blends of styles: (N, styles) to (N, 3206), layer by layer."""
        return weights @ torch.cat([torch.cat([each.norm.scale, each.norm.shift], 1) for each in self.all_layers], 1)

    def draw(self, rgb: Tensor, condition: Tensor) -> Tensor:
        """Draw photos by given scales and shifts: (N, 3, H, W) in [0, 1] and (N, 3206) to (N, 3, H, W) in [0, 1]."""
        x, kept, first = rgb, rgb, 0
        for each in self.all_layers:
            layer, count = each.layer, each.layer.outputs
            scale, shift = condition[:, first : first + count], condition[:, first + count : first + 2 * count]
            first += 2 * count
            if layer.opens_block:
                kept = x
            x = each(x, scale, shift)
            if layer.closes_block:
                x = x + kept
            elif layer is not LAYERS[-1]:
                x = torch.relu(x)
        return torch.sigmoid(x)

    @property
    def all_layers(self) -> list[StyleConvolution]:
        """In their order."""
        return [each for each in self.layers if isinstance(each, StyleConvolution)]


@torch.no_grad()
def fill_net(net: StyleNet, styles: StyleSet) -> None:
    """Give a network what a set has; further styles of the network begin as the mean of the set's."""
    conditions = np.stack([each.condition for each in styles.styles])
    spare = np.repeat(conditions.mean(axis=0, keepdims=True), net.styles - len(conditions), axis=0)
    table = torch.from_numpy(np.concatenate([conditions, spare])).float()
    first = 0
    for k, layer in enumerate(LAYERS):
        each = net.all_layers[k]
        each.conv.weight.copy_(torch.from_numpy(styles.kernels[k]))
        assert each.conv.bias is not None
        each.conv.bias.copy_(torch.from_numpy(styles.biases[k]))
        count = layer.outputs
        each.norm.scale.copy_(table[:, first : first + count])
        each.norm.shift.copy_(table[:, first + count : first + 2 * count])
        first += 2 * count
