"""Cross-entropy, style and distillation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.student.u2net import STUDENT, TEACHER, U2NetChannels, U2NetMaps
from sketch_robot.training.losses import (
    FeatureLoss,
    Lite0Features,
    LossWeights,
    StageDistillation,
    Vgg19Features,
    gram_matrix,
    ink_cross_entropy,
    make_feature_net,
    stage_divergence,
)


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


def test_side_maps_count_as_much_as_asked():
    ink, logits = torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    alone = ink_cross_entropy(_maps(logits), ink, LossWeights(ink=1, side=0)).item()
    assert ink_cross_entropy(_maps(logits), ink, LossWeights(ink=1, side=0.5)).item() == pytest.approx(4 * alone)


def test_the_gram_matrix_is_the_papers():
    features = torch.rand(2, 3, 4, 5)
    expected = np.einsum('nchw,ndhw->ncd', features.numpy(), features.numpy()) / (3 * 4 * 5)
    np.testing.assert_allclose(gram_matrix(features).numpy(), expected, rtol=1e-5)


@pytest.fixture(scope='module')
def lite0() -> FeatureLoss:
    return FeatureLoss(Lite0Features())


def test_a_drawing_differs_from_itself_neither_in_style_nor_in_likeness(lite0):
    assert [loss.item() for loss in lite0(_circle(), _circle())] == [0, 0]


def test_style_hardly_minds_where_a_drawing_stands_and_likeness_does(lite0):
    moved = torch.roll(_circle(), (16, 16), (2, 3))
    style, likeness = (loss.item() for loss in lite0(moved, _circle()))
    soft, _ = (loss.item() for loss in lite0(_circle(2.0), _circle()))
    assert style < 0.1 * soft
    assert likeness > 0.5


def test_the_softer_the_lines_the_farther_in_style_and_hatching_is_farther_still(lite0):
    soft, softer = (lite0(_circle(sigma), _circle())[0].item() for sigma in (1.0, 2.5))
    assert 0 < soft < softer
    assert lite0(_circle(hatched=True), _circle())[0].item() > softer


def test_gradients_of_both_reach_the_drawing_alone(lite0):
    ink, target = _circle(1.5).requires_grad_(), _circle().requires_grad_()
    sum(lite0(ink, target)).backward()
    assert ink.grad is not None
    assert ink.grad.abs().max() > 0
    assert target.grad is None
    assert not any(p.requires_grad for p in lite0.parameters())


def test_plain_paper_has_no_features(lite0):
    assert max(m.abs().max().item() for m in lite0.features(torch.zeros(2, 1, 64, 64))) < 1e-3


def test_lite0_gives_maps_of_four_sizes():
    maps = make_feature_net()(torch.rand(1, 1, 64, 64))
    assert [tuple(m.shape[1:]) for m in maps] == [(16, 32, 32), (24, 16, 16), (40, 8, 8), (80, 4, 4)]


def test_vgg19_takes_torchvisions_names_and_gives_five_maps(vgg19_file):
    maps = make_feature_net(vgg19_file)(torch.rand(1, 1, 64, 64))
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


def test_adapters_begin_by_handing_the_students_channels_on():
    distillation = StageDistillation(U2NetChannels((2,) * 11, (3,) * 11), U2NetChannels((2,) * 11, (5,) * 11))
    own = torch.rand(1, 3, 4, 4)
    handed = distillation.adapters[4](own)
    assert torch.equal(handed[:, :3], own)
    assert not handed[:, 3:].any()


def test_distillation_teaches_student_and_adapters_and_not_the_teacher():
    small, large = U2NetChannels((2,) * 11, (3,) * 11), U2NetChannels((2,) * 11, (5,) * 11)
    distillation = StageDistillation(small, large)
    own = tuple(torch.rand(1, 3, 4, 4, requires_grad=True) for _ in range(11))
    distillation(own, tuple(torch.rand(1, 5, 4, 4) for _ in range(11))).backward()
    assert all(m.grad is not None and m.grad.abs().sum() > 0 for m in own)
    assert all(a.weight.grad.abs().sum() > 0 for a in distillation.adapters)
