"""Cross-entropy, style and distillation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.u2net import STUDENT, TEACHER, U2NetChannels, U2NetMaps
from sketch_robot.training.distillation import StageDistillation, stage_divergence
from sketch_robot.training.losses import LossWeights, StyleLoss, gram_matrix, ink_cross_entropy
from sketch_robot.training.style_features import FilterBank, Vgg19Features, make_style_features


def _circle(softness: float = 0.0, hatched: bool = False) -> torch.Tensor:
    ink = np.zeros((128, 128), np.float32)
    cv2.circle(ink, (64, 64), 40, 1.0, 2, cv2.LINE_AA)
    if hatched:
        ink[::6] = 1
    if softness:
        ink = cv2.GaussianBlur(ink, (0, 0), softness)
    return torch.from_numpy(ink)[None, None]


def _maps(logits: torch.Tensor) -> U2NetMaps:
    return U2NetMaps(logits, (logits,) * 6, ())


def test_cross_entropy_weighs_ink_against_white():
    ink = torch.tensor([[[[1.0, 0.0]]]])
    logits = torch.zeros(1, 1, 1, 2)  # probability 1/2 everywhere: each pixel costs ln 2
    plain = ink_cross_entropy(_maps(logits), ink, LossWeights(ink=1, side=0))
    heavy = ink_cross_entropy(_maps(logits), ink, LossWeights(ink=3, side=0))
    assert plain.item() == pytest.approx(np.log(2))
    assert heavy.item() == pytest.approx((3 + 1) / 2 * np.log(2))


def test_places_in_focus_count_more():
    ink, logits = torch.ones(1, 1, 1, 2), torch.zeros(1, 1, 1, 2)
    focus = torch.tensor([[[[1.0, 0.0]]]])
    weights = LossWeights(ink=1, side=0, focus=3)
    assert ink_cross_entropy(_maps(logits), ink, weights, focus).item() == pytest.approx((4 + 1) / 2 * np.log(2))


def test_side_maps_count_as_much_as_asked():
    ink, logits = torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    alone = ink_cross_entropy(_maps(logits), ink, LossWeights(ink=1, side=0)).item()
    assert ink_cross_entropy(_maps(logits), ink, LossWeights(ink=1, side=0.5)).item() == pytest.approx(4 * alone)


def test_the_gram_matrix_is_the_papers():
    features = torch.rand(2, 3, 4, 5)
    expected = np.einsum('nchw,ndhw->ncd', features.numpy(), features.numpy()) / (3 * 4 * 5)
    np.testing.assert_allclose(gram_matrix(features).numpy(), expected, rtol=1e-5)


def test_style_is_zero_for_the_same_drawing_and_ignores_where_it_stands():
    style = StyleLoss(FilterBank())
    assert style(_circle(), _circle()).item() == 0
    moved = torch.roll(_circle(), (8, 8), (2, 3))
    assert style(moved, _circle()).item() < 0.02 * style(_circle(2.0), _circle()).item()


def test_soft_lines_and_hatching_differ_in_style_from_sharp_lines():
    style = StyleLoss(FilterBank())
    soft, softer = style(_circle(1.0), _circle()).item(), style(_circle(2.5), _circle()).item()
    assert 0 < soft < softer
    assert style(_circle(hatched=True), _circle()).item() > softer


def test_style_gradients_reach_the_drawing_alone():
    ink, target = _circle(1.5).requires_grad_(), _circle().requires_grad_()
    style = StyleLoss(FilterBank())
    style(ink, target).backward()
    assert ink.grad is not None
    assert ink.grad.abs().max() > 0
    assert target.grad is None
    assert not any(p.requires_grad for p in style.parameters())


def test_the_filter_bank_is_the_same_every_time_and_silent_on_plain_paper():
    ink = _circle()
    for a, b in zip(FilterBank()(ink), FilterBank()(ink), strict=True):
        assert torch.equal(a, b)
    inside = [m[:, :, 6:-6, 6:-6] for m in FilterBank()(torch.ones(1, 1, 128, 128))]
    assert max(m.abs().max().item() for m in inside) < 1e-4


def test_vgg19_takes_torchvisions_names_and_gives_five_maps(tmp_path):
    convs = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28]
    widths = [64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512]
    state, inputs = {}, 3
    for number, width in zip(convs, widths, strict=True):
        state[f'features.{number}.weight'] = torch.full((width, inputs, 3, 3), 1e-3)
        state[f'features.{number}.bias'] = torch.zeros(width)
        inputs = width
    save_file(state, tmp_path / 'vgg19.safetensors')
    maps = make_style_features(tmp_path / 'vgg19.safetensors')(torch.rand(1, 1, 64, 64))
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (512, 4, 4)]


@pytest.mark.parametrize('content', [None, b'no weights', 'other'])
def test_a_file_that_is_not_vgg19_is_refused(tmp_path, content):
    path = tmp_path / 'vgg19.safetensors'
    if content == 'other':
        save_file({'features.0.weight': torch.zeros(1)}, path)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(SketchRobotError, match=r'vgg19\.safetensors') as caught:
        Vgg19Features(path)
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_stage_divergence_is_the_kl_of_channel_distributions_over_the_channels():
    own, theirs = torch.tensor([[0.0, 0.0]]), torch.tensor([[np.log(3.0), 0.0]])
    expected = (0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)) / 2
    got = stage_divergence(own.view(1, 2, 1, 1).expand(1, 2, 3, 3), theirs.view(1, 2, 1, 1).expand(1, 2, 3, 3))
    assert got.item() == pytest.approx(expected, rel=1e-5)


def test_a_student_that_agrees_has_no_divergence():
    maps = torch.rand(2, 8, 5, 5)
    assert stage_divergence(maps, maps).item() == pytest.approx(0, abs=1e-7)


def test_a_coarser_student_is_compared_on_its_own_grid():
    coarse = torch.rand(1, 4, 4, 4)
    fine = nn.functional.interpolate(coarse, scale_factor=4, mode='nearest')
    assert stage_divergence(coarse, fine).item() == pytest.approx(0, abs=1e-7)


def test_distillation_covers_all_eleven_stages_through_1x1_adapters():
    distillation = StageDistillation(STUDENT, TEACHER)
    assert [(a.in_channels, a.out_channels) for a in distillation.adapters] == [(64, c) for c in TEACHER.outer]
    assert {a.kernel_size for a in distillation.adapters} == {(1, 1)}


def test_distillation_teaches_student_and_adapters_and_not_the_teacher():
    small, large = U2NetChannels((2,) * 11, (3,) * 11), U2NetChannels((2,) * 11, (5,) * 11)
    distillation = StageDistillation(small, large)
    own = tuple(torch.rand(1, 3, 4, 4, requires_grad=True) for _ in range(11))
    distillation(own, tuple(torch.rand(1, 5, 4, 4) for _ in range(11))).backward()
    assert all(m.grad is not None and m.grad.abs().sum() > 0 for m in own)
    assert all(a.weight.grad.abs().sum() > 0 for a in distillation.adapters)
