"""Count what a network costs: parameters and multiply-adds, by running it once with hooks."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Complexity:
    """A network's cost for one picture.

    Attributes:
        parameters: learned numbers.
        multiply_adds: of its convolutions and linear layers (normalisation, activation, resizing left out, as usual).
    """

    parameters: int
    multiply_adds: int


def count_complexity(net: nn.Module, size_px: int = 512) -> Complexity:
    """Count on one (1, 3, size_px, size_px) picture, on the meta device: nothing is computed."""
    count = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal count
        if isinstance(module, nn.Conv2d):
            height, width = module.kernel_size
            count += output.numel() * height * width * module.in_channels // module.groups
        elif isinstance(module, nn.Linear):
            count += output.numel() * inputs[0].shape[-1]

    meta = copy.deepcopy(net).to('meta').eval()
    for module in meta.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(add)
    with torch.no_grad():
        meta(torch.zeros(1, 3, size_px, size_px, device='meta'))
    return Complexity(sum(p.numel() for p in net.parameters()), count)
