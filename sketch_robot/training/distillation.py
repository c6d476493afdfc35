"""Distillation of every stage's features through 1x1 adapters."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.line_art.u2net import U2NetChannels
from sketch_robot.training.losses import full_precision


class StageDistillation(nn.Module):
    """KL divergence between the teacher's and the student's features, over all 11 stages.

    At each position the channels' softmax is a distribution; the divergence is summed over channels, divided by their
    number, averaged over positions and pictures, and summed over stages. Adapters are trained with the student and
    left behind with the teacher.

    Args:
        student, teacher: channels of both nets.
    """

    def __init__(self, student: U2NetChannels, teacher: U2NetChannels) -> None:
        super().__init__()
        self.adapters = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 1) for inputs, outputs in zip(student.outer, teacher.outer, strict=True)
        )

    def forward(self, student: tuple[Tensor, ...], teacher: tuple[Tensor, ...]) -> Tensor:
        """Stage maps of both; a student with a coarser grid than the teacher is compared on its own grid."""
        return torch.stack(
            [
                stage_divergence(adapter(own), theirs)
                for adapter, own, theirs in zip(self.adapters, student, teacher, strict=True)
            ]
        ).sum()


def stage_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher || student) of the channels' softmax at each position, divided by channels, averaged.

    Args:
        student, teacher: (N, C, h, w) and (N, C, H, W); the teacher's map is averaged onto the student's grid.
    """
    if teacher.shape[-2:] != student.shape[-2:]:
        teacher = functional.interpolate(teacher, size=student.shape[-2:], mode='area')
    log_own = functional.log_softmax(full_precision(student), dim=1)
    log_theirs = functional.log_softmax(full_precision(teacher), dim=1)
    divergence = (log_theirs.exp() * (log_theirs - log_own)).sum(1)
    return divergence.mean() / student.shape[1]
