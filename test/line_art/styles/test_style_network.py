"""The network of many manners: its size, and what its kind of padding and enlarging leaves no trace of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sketch_robot.line_art.styles.blend import Blend
from sketch_robot.line_art.styles.layers import LAYERS, condition_length
from sketch_robot.line_art.styles.network import StyleNet, fill_net
from sketch_robot.line_art.styles.runtime import StylePainter, fitted, mixed
from sketch_robot.line_art.styles.style_file import StyleSet


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_it_has_1_756_million_parameters_with_25_styles_and_3206_a_style():
    assert count(StyleNet(25)) == 1_756_185
    assert count(StyleNet(26)) - count(StyleNet(25)) == condition_length() == 3206
    assert round(100 * 3206 / 1_756_185, 2) == 0.18


def test_it_is_built_as_published():
    assert [(layer.inputs, layer.outputs) for layer in LAYERS[:3]] == [(3, 32), (32, 64), (64, 128)]
    blocks = LAYERS[3:-3]
    assert len(blocks) == 10
    assert all((layer.inputs, layer.outputs, layer.kernel, layer.stride) == (128, 128, 3, 1) for layer in blocks)
    assert [layer.enlarge for layer in LAYERS[-3:]] == [2, 2, 1]
    assert not any(isinstance(module, torch.nn.ConvTranspose2d) for module in StyleNet(1).modules())
    assert all(each.conv.padding == (0, 0) for each in StyleNet(1).all_layers)


def test_a_plain_picture_stays_plain_up_to_its_borders_and_without_a_checkerboard(untrained: StyleSet):
    painter = StylePainter(untrained)
    plain = np.full((64, 72, 3), (140, 120, 90), np.uint8)
    painted = painter.paint(plain, Blend(('hatching',), (1.0,)))
    # Zero padding darkens a border, transposed convolutions weave a checkerboard: both are seen on plain ground.
    assert np.ptp(painted.reshape(-1, 3).astype(int), axis=0).max() <= 1


def test_both_runtimes_paint_the_same(untrained: StyleSet):
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (64, 48, 3), dtype=np.uint8)
    blend = Blend(('hatching', 'oil'), (0.3, 0.7))
    one, other = (
        StylePainter(untrained, runtime=runtime).paint(photo, blend).astype(int) for runtime in ('openvino', 'torch')
    )
    assert one.shape == (64, 48, 3)
    assert np.abs(one - other).mean() < 2.0  # OpenVINO computes in bfloat16 where the processor can
    assert np.ptp(one) > 20


def test_a_blend_is_the_weighted_mean_of_scales_and_shifts(untrained: StyleSet):
    net = StyleNet(3).eval()
    fill_net(net, untrained)
    weights = torch.tensor([[0.25, 0.75, 0.0]])
    wanted = mixed([untrained.styles[0].condition, untrained.styles[1].condition], (0.25, 0.75))
    assert net.condition(weights)[0].detach().numpy() == pytest.approx(wanted, abs=1e-6)


def test_a_picture_is_cut_to_its_middle_where_the_network_needs_whole_multiples_of_4():
    rgb = np.zeros((67, 130, 3), np.uint8)
    rgb[1, 1] = 255
    assert fitted(rgb, None).shape == (64, 128, 3)
    assert fitted(rgb, None)[0, 0].tolist() == [255, 255, 255]
    assert max(fitted(rgb, 64).shape) == 64
    assert min(fitted(np.zeros((2000, 10, 3), np.uint8), 64).shape[:2]) == 32


def test_a_style_that_the_set_has_not_is_refused_with_those_that_it_has(untrained: StyleSet):
    with pytest.raises(Exception, match="there is no style 'mosaic'; choose of: hatching, dots, oil"):
        StylePainter(untrained).condition(Blend(('mosaic',), (1.0,)))
