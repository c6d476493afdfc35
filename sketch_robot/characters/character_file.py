"""A generator of characters in one file, with the flow that feeds it and the net that judges it.

A safetensors file: numbers and a few words of text, no code that loading could run. It is read without torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import read_tensors, write_whole

FORMAT = 'sketch_robot.characters.1'
LARGEST_FILE = 32 * 2**20  # the published generator has 7.2 MB
GENERATOR_KERNELS = (4, 4, 4, 4, 5)
FLOW_LAYERS = 4
REALISM_LAYERS = ('trunk.0', 'trunk.1', 'trunk.2', 'parts', 'whole.0', 'whole.1')

Layer = tuple[np.ndarray, np.ndarray]  # its weights, and its biases (outputs,), float32


@dataclass(frozen=True, eq=False)
class CharacterNet:
    """All that makes characters.

    Attributes:
        generator: five transposed convolutions, (inputs, outputs, k, k), from a latent vector to a picture.
        flow: four dense layers, (outputs, inputs), from a normal vector, the time, its sine and cosine to a velocity.
        middle, scale: (L,), what normal vectors are multiplied with and moved by to become latent vectors.
        directions: (S, L), ways along which sliders walk among normal vectors, the longest first.
        realism: six convolutions, (outputs, inputs, k, k): a trunk of three, one of its parts, two of the whole.
        least: a picture with a lower score is thrown away.
        source: what it was learned from, with its licence, for people.
    """

    generator: tuple[Layer, ...]
    flow: tuple[Layer, ...]
    middle: np.ndarray
    scale: np.ndarray
    directions: np.ndarray
    realism: tuple[Layer, ...]
    least: float
    source: str

    @property
    def latent(self) -> int:
        """Length of a latent vector."""
        return len(self.middle)

    @property
    def channels(self) -> int:
        """Of a picture: 1, line art, or 3."""
        return int(self.generator[-1][0].shape[1])

    @property
    def parameters(self) -> int:
        """How many numbers the generator has."""
        return sum(kernel.size + bias.size for kernel, bias in self.generator)


def save_character_net(net: CharacterNet, path: Path) -> int:
    """Write a net as float16, whole or not at all.

    Returns:
        the file's size in bytes.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written; what was there before is untouched.
    """
    tensors = {name: np.ascontiguousarray(value, np.float16) for name, value in _tensors(net).items()}
    data = save(tensors, {'format': FORMAT, 'least': repr(float(net.least)), 'source': json.dumps(net.source)})
    write_whole(path, data)
    return len(data)


def load_character_net(path: Path) -> CharacterNet:
    """Read a net.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing, too large, or holds something else.
    """
    if not path.is_file():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no generator of characters at {path}')
    header, tensors = read_tensors(path, FORMAT, most_bytes=LARGEST_FILE, foreign=_foreign)
    try:
        least, source = float(header['least']), str(json.loads(header['source']))
        found = {name: np.asarray(value, np.float32) for name, value in tensors.items()}
        net = CharacterNet(
            tuple(_layer(found, f'generator.{k}') for k in range(len(GENERATOR_KERNELS))),
            tuple(_layer(found, f'flow.{k}') for k in range(FLOW_LAYERS)),
            found['middle'],
            found['scale'],
            found['directions'],
            tuple(_layer(found, f'realism.{name}') for name in REALISM_LAYERS),
            least,
            source,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _foreign(path, f'it lacks or garbles {error}') from error
    problem = _problem(net)
    if problem:
        raise _foreign(path, problem)
    return net


def _layer(tensors: dict[str, np.ndarray], name: str) -> Layer:
    return tensors[f'{name}.weight'], tensors[f'{name}.bias']


def _tensors(net: CharacterNet) -> dict[str, np.ndarray]:
    named = {
        **{f'generator.{k}': layer for k, layer in enumerate(net.generator)},
        **{f'flow.{k}': layer for k, layer in enumerate(net.flow)},
        **{f'realism.{name}': layer for name, layer in zip(REALISM_LAYERS, net.realism, strict=True)},
    }
    layers = {f'{name}.{what}': layer[k] for name, layer in named.items() for k, what in enumerate(('weight', 'bias'))}
    return {**layers, 'middle': net.middle, 'scale': net.scale, 'directions': net.directions}


def _problem(net: CharacterNet) -> str:
    """What does not fit in a net; '' when all does."""
    if not np.isfinite(net.least) or not all(np.isfinite(value).all() for value in _tensors(net).values()):
        return 'it holds numbers that are not finite'
    latent, channels = net.middle.size, net.generator[-1][0].shape[1] if net.generator[-1][0].ndim == 4 else 0
    if channels not in (1, 3):
        return f'its pictures have {channels} channels'
    if net.middle.shape != (latent,) or net.scale.shape != (latent,) or net.directions.shape[1:] != (latent,):
        return f'its latent vectors have {latent} numbers, its scales {net.scale.shape}'
    wants = latent
    for (kernel, bias), side in zip(net.generator, GENERATOR_KERNELS, strict=True):
        if kernel.shape != (wants, len(bias), side, side):
            return f'a layer of its generator is {kernel.shape}, not ({wants}, {len(bias)}, {side}, {side})'
        wants = len(bias)
    wants = latent + 3
    for weight, bias in net.flow:
        if weight.shape != (len(bias), wants):
            return f'a layer of its flow is {weight.shape}, not ({len(bias)}, {wants})'
        wants = len(bias)
    if wants != latent:
        return f'its flow ends in {wants} numbers, not {latent}'
    first, second, third = (len(bias) for _, bias in net.realism[:3])
    sides = ((channels, 5), (first, 4), (second, 4), (third, 1), (third, 4), (len(net.realism[4][1]), 6))
    for (kernel, bias), (wants, side) in zip(net.realism, sides, strict=True):
        if kernel.shape != (len(bias), wants, side, side):
            return f'a layer of its judge is {kernel.shape}, not ({len(bias)}, {wants}, {side}, {side})'
    return ''


def _foreign(path: Path, why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, f'{path} holds no generator of characters: {why}')
