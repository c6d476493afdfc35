"""Data parallel training whose loss curve is that of one process with the whole batch.

Each process takes every `world`-th picture of a batch, batch normalisation is over the whole batch, and gradients are
averaged. Works with gloo on CPUs (torch's own synchronised normalisation doesn't) and with NCCL on GPUs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from sketch_robot.training.losses import full_precision


@dataclass(frozen=True)
class Workers:
    """Who trains.

    Attributes:
        rank: this process, 0 to world - 1; 0 writes the files.
        world: how many processes.
        device: where this process computes.
        threads: that compose its pictures.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device('cpu'))
    threads: int = 1


def join_workers(device: str = 'auto') -> Workers:
    """Join the processes that torchrun started; alone when there is no torchrun.

    Args:
        device: 'auto' takes a GPU when there is one, else the CPU.
    """
    rank, world = int(os.environ.get('RANK', 0)), int(os.environ.get('WORLD_SIZE', 1))
    if device == 'auto':
        device = f'cuda:{os.environ.get("LOCAL_RANK", 0)}' if torch.cuda.is_available() else 'cpu'
    if world > 1 and not dist.is_initialized():
        dist.init_process_group('nccl' if device.startswith('cuda') else 'gloo')
    threads = max(1, (os.cpu_count() or 1) // world) if device.startswith('cuda') else 1
    return Workers(rank, world, torch.device(device), threads)


def leave_workers() -> None:
    """Close the group that `join_workers` opened."""
    if dist.is_initialized():
        dist.destroy_process_group()


class _SumOverWorkers(torch.autograd.Function):
    """Sum a tensor over all processes; its gradient is summed over them too."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004 (torch hands it over)
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class WholeBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over the pictures of all processes."""

    def forward(self, x: Tensor) -> Tensor:
        """As `BatchNorm2d`; every process must bring the same number of pictures."""
        if not self.training:
            return super().forward(x)
        wide = full_precision(x)
        count = x.numel() // x.shape[1] * dist.get_world_size()
        mean = _SumOverWorkers.apply(wide.sum((0, 2, 3))) / count
        centred = wide - mean[:, None, None]
        variance = _SumOverWorkers.apply(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            momentum = self.momentum or 0.0
            if self.running_mean is not None and self.running_var is not None:
                self.running_mean.lerp_(mean, momentum)
                self.running_var.lerp_(variance * count / max(1, count - 1), momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


def share_batch_norm(net: nn.Module) -> None:
    """Turn every `BatchNorm2d` of the net into `WholeBatchNorm2d`, in place; names of weights stay."""
    for module in net.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = WholeBatchNorm2d


def average_gradients(parameters: Iterable[nn.Parameter], world: int) -> None:
    """Average gradients over all processes, in one message."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= world
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def average(value: Tensor, world: int) -> float:
    """Mean of a scalar over all processes."""
    value = value.detach().double().clone()
    if world > 1:
        dist.all_reduce(value)
    return float(value) / world
