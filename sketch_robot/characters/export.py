"""From a run that has learned to the file that the robot makes characters with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from sketch_robot.characters.character_file import CharacterNet, Layer
from sketch_robot.characters.latents import noise_of, transported
from sketch_robot.characters.network import folded
from sketch_robot.characters.runtime import CharacterMaker
from sketch_robot.characters.trainer import CharacterRun

KEPT = 0.03  # of what is made: the rest is thrown away
TRIED = 2048  # pictures, of which that share is found
SLIDERS = 8


def exported(run: CharacterRun, source: str, *, kept: float = KEPT, tried: int = TRIED) -> CharacterNet:
    """The net of a run.

    Args:
        run: whose networks have learned.
        source: what it was learned from, with its licence.
        kept: share of what it makes that is good enough to be shown.
        tried: pictures by which the score of that share is found.
    """
    codes = run.codes()
    realism = run.realism
    convolutions = [each for each in realism.modules() if isinstance(each, nn.Conv2d)]
    trunk, (parts, *whole) = convolutions[:3], convolutions[3:]
    net = CharacterNet(
        tuple(folded(run.kept())),
        tuple(_layer(each) for each in run.flow.dense),
        _array(codes.middle),
        _array(codes.scale),
        directions((_array(codes.mean) - _array(codes.middle)) / _array(codes.scale), SLIDERS),
        tuple(_layer(each) for each in (*trunk, parts, *whole)),
        0.0,
        source,
    )
    return replace(net, least=least_score(net, kept, tried))


def least_score(net: CharacterNet, kept: float, tried: int) -> float:
    """The score that a share of what a net makes reaches."""
    maker, scores = CharacterMaker(net), []
    for first in range(0, tried, 64):
        normal = transported(net, noise_of(0, range(1_000_000 + first, 1_000_000 + first + 64), net.latent))
        scores.append(maker.judged(normal)[1])
    return float(np.quantile(np.concatenate(scores), 1.0 - kept))


def directions(normal: np.ndarray, count: int) -> np.ndarray:
    """The main directions of normal vectors (N, L), each as long as its deviation: (count, L) float32."""
    _, lengths, rows = np.linalg.svd(normal - normal.mean(0), full_matrices=False)
    return np.asarray(rows[:count] * (lengths[:count, None] / np.sqrt(len(normal))), np.float32)


def _layer(module: nn.Module) -> Layer:
    assert isinstance(module, nn.Conv2d | nn.Linear)
    assert module.bias is not None
    return _array(module.weight), _array(module.bias)


def _array(values: torch.Tensor) -> np.ndarray:
    return np.array(values.detach().cpu().float().numpy(), np.float32)
