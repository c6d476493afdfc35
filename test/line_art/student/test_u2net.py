"""U2-Net as published, for teacher and student."""

from __future__ import annotations

import pytest
import torch

from sketch_robot.line_art.student.u2net import STUDENT, TEACHER, InkNet, U2Net, U2NetChannels
from sketch_robot.training.evaluate import count_complexity

TINY = U2NetChannels(inner=(2,) * 11, outer=(4,) * 11)


def test_the_teacher_has_44_million_parameters_and_needs_150_billion_multiply_adds():
    cost = count_complexity(U2Net(TEACHER))
    assert cost.parameters == 44_009_869
    assert cost.multiply_adds == pytest.approx(150.0e9, rel=1e-3)


def test_the_student_has_1_131_million_parameters_and_needs_50_6_billion_multiply_adds():
    cost = count_complexity(U2Net(STUDENT))
    assert cost.parameters == 1_131_181
    assert cost.multiply_adds == pytest.approx(50.6e9, rel=1e-3)


def test_the_student_saves_97_percent_of_parameters_and_65_percent_of_multiply_adds():
    teacher, student = count_complexity(U2Net(TEACHER)), count_complexity(U2Net(STUDENT))
    assert 1 - student.parameters / teacher.parameters >= 0.97
    assert 1 - student.multiply_adds / teacher.multiply_adds >= 0.65


def test_folding_by_4_costs_few_parameters_and_saves_92_percent_of_multiply_adds():
    cost = count_complexity(U2Net(STUDENT, fold=4))
    assert cost.parameters == 1_210_576
    assert cost.multiply_adds == pytest.approx(3.80e9, rel=1e-3)


def test_counting_leaves_the_net_as_it_was():
    net = U2Net(TINY).train()
    count_complexity(net, 64)
    assert net.training
    assert all(p.device.type == 'cpu' for p in net.parameters())
    assert not any(m._forward_hooks for m in net.modules())


@pytest.mark.parametrize('fold', [1, 2, 4])
def test_all_seven_maps_have_the_size_of_the_picture(fold):
    maps = U2Net(TINY, fold=fold).eval()(torch.rand(2, 3, 128, 160))
    assert maps.fused.shape == (2, 1, 128, 160)
    assert [side.shape for side in maps.sides] == [maps.fused.shape] * 6


def test_the_eleven_stages_go_down_to_a_32nd_and_up_again():
    stages = U2Net(STUDENT).eval()(torch.rand(1, 3, 64, 64)).stages
    assert [stage.shape[-1] for stage in stages] == [64, 32, 16, 8, 4, 2, 4, 8, 16, 32, 64]
    assert {stage.shape[1] for stage in stages} == {64}


def test_the_teachers_stages_have_the_published_channels():
    with torch.device('meta'):
        stages = U2Net(TEACHER).eval()(torch.rand(1, 3, 64, 64)).stages
    assert [stage.shape[1] for stage in stages] == [64, 128, 256, 512, 512, 512, 512, 256, 128, 64, 64]


def test_odd_sizes_come_out_as_they_went_in():
    assert U2Net(TINY).eval()(torch.rand(1, 3, 71, 53)).fused.shape == (1, 1, 71, 53)


def test_the_fused_map_is_a_learned_sum_of_the_side_maps():
    net = U2Net(TINY).eval()
    maps = net(torch.rand(1, 3, 64, 64))
    weights, bias = net.fuse.weight[0, :, 0, 0], net.fuse.bias
    expected = sum(weight * side for weight, side in zip(weights, maps.sides, strict=True)) + bias
    torch.testing.assert_close(maps.fused, expected)


def test_ink_is_the_fused_map_as_a_probability():
    net = U2Net(TINY).eval()
    rgb = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(InkNet(net)(rgb), net(rgb).fused.sigmoid())


def test_every_parameter_learns_from_fused_and_side_maps():
    net = U2Net(TINY)
    maps = net(torch.rand(2, 3, 64, 64))
    (maps.fused.square().mean() + sum(side.square().mean() for side in maps.sides)).backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize('count', [10, 12])
def test_channels_for_another_number_of_stages_are_refused(count):
    with pytest.raises(ValueError, match='11 stages'):
        U2NetChannels(inner=(8,) * count, outer=(8,) * count)
