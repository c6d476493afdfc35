"""The networks have the published shapes, and a file gives on OpenVINO what torch made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sketch_robot.characters.character_file import CharacterNet, load_character_net, save_character_net
from sketch_robot.characters.latents import noise_of, placed, transported
from sketch_robot.characters.network import Discriminator, Generator
from sketch_robot.characters.runtime import compiled, score_of
from sketch_robot.characters.trainer import CharacterRun
from sketch_robot.errors import ErrorCode, SketchRobotError


def kinds(net: nn.Module) -> list[str]:
    return [type(each).__name__ for each in net.modules() if not list(each.children())]


def test_generator_and_discriminator_are_the_published_ones() -> None:
    generator, discriminator = Generator(), Discriminator()
    block = ['ConvTranspose2d', 'BatchNorm2d', 'ReLU']
    assert kinds(generator) == [*block * 4, 'ConvTranspose2d']
    inner = ['Conv2d', 'BatchNorm2d', 'LeakyReLU']
    assert kinds(discriminator) == ['Conv2d', 'LeakyReLU', *inner * 3, 'Conv2d']
    strides = [each.stride[0] for each in discriminator.modules() if isinstance(each, nn.Conv2d)]
    assert strides == [3, 2, 2, 2, 1]
    assert sum(each.numel() for each in generator.parameters()) == 3_578_435
    sizes = []
    x = torch.zeros(2, 100, 1, 1)
    for layer in generator.layers:
        x = layer(x)
        if isinstance(layer, nn.ConvTranspose2d):
            sizes.append(x.shape[-1])
    assert sizes == [4, 8, 16, 32, 96]
    assert discriminator(torch.zeros(2, 3, 96, 96)).shape == (2, 1)


def test_a_file_gives_on_openvino_what_torch_made(tmp_path: Path, tiny_run: CharacterRun, tiny_net: CharacterNet):
    size = save_character_net(tiny_net, tmp_path / 'net.safetensors')
    assert size == (tmp_path / 'net.safetensors').stat().st_size
    net = load_character_net(tmp_path / 'net.safetensors')
    assert (net.source, net.channels, net.latent) == ('circles, public domain', 1, 6)
    assert net.least == tiny_net.least
    noise = noise_of(5, range(4), net.latent)
    with torch.inference_mode():
        latent = tiny_run.likely(torch.from_numpy(noise))
        wanted = tiny_run.kept()(latent)
        parts, whole = tiny_run.realism.eval()(wanted)
    assert placed(net, transported(net, noise)) == pytest.approx(latent.numpy(), abs=0.02)
    pictures, scores = compiled(tiny_net)(latent.numpy())
    assert pictures == pytest.approx(wanted.numpy(), abs=1e-4)
    assert scores == pytest.approx(score_of(parts.numpy(), whole.numpy()), abs=1e-3)
    assert compiled(net)(latent.numpy())[0] == pytest.approx(wanted.numpy(), abs=0.02)


def test_an_unwritable_place_and_foreign_files_end_in_one_clear_error(tmp_path: Path, tiny_net: CharacterNet) -> None:
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(SketchRobotError, match='cannot write'):
        save_character_net(tiny_net, tmp_path / 'file' / 'net.safetensors')
    with pytest.raises(SketchRobotError, match='there is no generator'):
        load_character_net(tmp_path / 'missing.safetensors')
    good = tmp_path / 'net.safetensors'
    save_character_net(tiny_net, good)
    data = good.read_bytes()
    for broken, why in (
        (b'', 'not a safetensors file'),
        (data[: len(data) // 2], 'not a safetensors file'),
        (data.replace(b'sketch_robot.characters.1', b'sketch_robot.characters.9'), 'its header says'),
        (data.replace(b'"middle"', b'"muddle"'), 'lacks'),
    ):
        good.write_bytes(broken)
        with pytest.raises(SketchRobotError, match=why) as caught:
            load_character_net(good)
        assert caught.value.code == ErrorCode.BAD_GOAL


def test_numbers_that_fit_nowhere_are_named(tmp_path: Path, tiny_net: CharacterNet) -> None:
    kernel, bias = tiny_net.generator[2]
    wrong = {
        'not finite': {'middle': np.full(6, np.nan, np.float32)},
        'a layer of its generator': {'generator': (*tiny_net.generator[:2], (kernel[:, :, :3], bias),
                                                   *tiny_net.generator[3:])},
        'its flow': {'flow': (tiny_net.flow[1], *tiny_net.flow[1:])},
        'its judge': {'realism': (tiny_net.realism[1], *tiny_net.realism[1:])},
        'latent vectors': {'scale': np.ones(5, np.float32)},
    }  # fmt: skip
    for why, change in wrong.items():
        save_character_net(replace(tiny_net, **change), tmp_path / 'net.safetensors')
        with pytest.raises(SketchRobotError, match=why):
            load_character_net(tmp_path / 'net.safetensors')
