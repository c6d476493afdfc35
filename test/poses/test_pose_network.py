"""The published generator, its warps, and the same on OpenVINO from a file of numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from tiny_pose import TINY
from torch.nn import functional

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.poses import runtime
from sketch_robot.poses.network import PoseDiscriminator, PoseGenerator, deformed, heat_maps, part_masks
from sketch_robot.poses.pairs import PosePairs, load_pictures
from sketch_robot.poses.runtime import PosePainter, shipped_generator
from sketch_robot.poses.shape import PUBLISHED, SLIM, PoseShape, tensor_shapes
from sketch_robot.poses.trainer import conditions
from sketch_robot.poses.weight_file import load_pose_weights, save_pose_weights, weights_of


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.fixture
def net() -> PoseGenerator:
    torch.manual_seed(1)
    return PoseGenerator(TINY).eval()


@pytest.fixture(scope='module')
def batch(people):
    pairs = PosePairs(load_pictures(people, 'train', height_px=64), vary=False)
    return pairs.of(pairs.fixed(6))


def test_the_published_generator_has_its_number_of_parameters():
    with torch.device('meta'):
        assert count(PoseGenerator(PUBLISHED)) == 82_080_579
        assert count(PoseGenerator(SLIM)) == sum(np.prod(shape) for shape in tensor_shapes(SLIM).values())
        assert 2 * count(PoseGenerator(SLIM)) < 8e6  # bytes in half precision


def test_a_file_names_the_tensors_that_the_network_has(net):
    assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == tensor_shapes(TINY)


def test_pictures_come_out_as_large_as_they_go_in(net, batch):
    drawn = net(batch.picture, *conditions(batch, 64, 32))
    assert drawn.shape == batch.picture.shape
    assert drawn.abs().max() <= 1.0
    pose, target, _, _ = conditions(batch, 64, 32)
    assert PoseDiscriminator(4, 4)(batch.picture, pose, drawn, target).shape[:2] == (len(drawn), 1)


def test_deformed_maps_are_the_maximum_over_all_ten_parts(batch):
    """Fewer warps are computed than there are parts; almost nowhere do more overlap."""
    _, _, warps, masks = conditions(batch, 64, 32)
    maps = torch.randn(len(batch.picture), 3, 64, 32)
    wanted = functional.relu(maps)
    for part in range(10):
        grid = functional.affine_grid(warps[:, part], list(maps.shape), align_corners=False)
        brought = functional.grid_sample(maps, grid, align_corners=False)
        wanted = torch.maximum(wanted, brought * masks[:, part : part + 1])
    same = (deformed(maps, warps, masks) - wanted).abs() < 1e-4
    assert same.float().mean() > 0.99


def test_a_part_that_lies_elsewhere_is_brought_to_its_place(batch):
    """Of maps that show where a hand is, those deformed show it where the hand is to be."""
    pose, target, warps, masks = conditions(batch, 64, 32)
    brought = deformed(pose[:, 4:5], warps, masks)
    there = target[:, 4:5] > 0.9
    given = (batch.pose[:, 4, 2] * batch.target[:, 4, 2] * batch.there[:, 3]).bool()
    assert given.any()
    for index in torch.nonzero(given).flatten():
        inside = there[index, 0] & (masks[index, 3] > 0.5)
        if inside.any():
            assert brought[index, 0][inside].mean() > 0.6


def test_without_deformation_the_warps_change_nothing(batch):
    plain = PoseGenerator(PoseShape(TINY.widths, 4, deform=False)).eval()
    pose, target, warps, masks = conditions(batch, 64, 32)
    one = plain(batch.picture, pose, target, warps, masks)
    assert torch.equal(one, plain(batch.picture, pose, target, 2 * warps, masks))


def test_openvino_draws_what_torch_draws(net, people):
    pictures = load_pictures(people, 'train', height_px=64)
    pairs = PosePairs(pictures, vary=False)
    painter = PosePainter(weights_of(net, 64))
    for first, second in pairs.fixed(4):
        one = pairs.of([(first, second)])
        with torch.inference_mode():
            wanted = net(one.picture, *conditions(one, 64, 32))[0].permute(1, 2, 0).numpy()
        drawn = painter.paint(pictures.rgba[first], pictures.poses[first], pictures.poses[second])
        assert np.abs(drawn - (wanted + 1) * 127.5).max() < 1.5


def test_heat_maps_and_masks_are_the_same_in_numpy_and_torch(batch):
    for index in range(3):
        pose = batch.pose[index]
        assert runtime.heat_maps(pose.numpy(), 64, 32) == pytest.approx(heat_maps(pose[None], 64, 32)[0].numpy())
        corners, there = batch.corners[index], batch.there[index]
        masks = part_masks(corners[None], there[None], 64, 32)[0].numpy()
        assert runtime.part_masks(corners.numpy(), there.numpy(), 64, 32) == pytest.approx(masks, abs=1e-4)


def test_the_shipped_generator_is_what_it_says():
    weights = shipped_generator()
    assert weights.shape.channels == 4
    assert weights.shape.deform
    assert weights.height_px % weights.shape.step_px == 0


def test_half_precision_halves_the_file_and_little_changes(net, tmp_path):
    weights = weights_of(net, 64, {'steps': '3'})
    whole = save_pose_weights(weights, tmp_path / 'whole.safetensors')
    half = save_pose_weights(weights, tmp_path / 'half.safetensors', half=True)
    assert half < 0.65 * whole
    read = load_pose_weights(tmp_path / 'half.safetensors')
    assert (read.shape, read.height_px, read.notes) == (TINY, 64, {'steps': '3'})
    for name, value in weights.tensors.items():
        assert read.tensors[name] == pytest.approx(value, abs=1e-3)


def broken(tmp_path: Path, what: str) -> Path:
    path = tmp_path / 'broken.safetensors'
    header = {'format': 'sketch_robot.pose.1', 'shape': json.dumps({'widths': [4, 6, 8, 8], 'channels': 4})}
    shape = json.dumps({'widths': [4, 6, 8, 8], 'channels': 4, 'deform': True, 'height_px': 64})
    tensors = {name: np.zeros(size, np.float32) for name, size in tensor_shapes(TINY).items()}
    if what == 'text':
        path.write_text('no weights')
    elif what == 'other':
        save_file(tensors, path, {'format': 'sketch_robot.u2net.1'})
    elif what == 'no shape':
        save_file(tensors, path, header)
    elif what == 'layer missing':
        del tensors['last.bias']
        save_file(tensors, path, header | {'shape': shape})
    elif what == 'not finite':
        tensors['last.bias'][0] = np.nan
        save_file(tensors, path, header | {'shape': shape})
    elif what == 'wrong size':
        tensors['last.bias'] = np.zeros(5, np.float32)
        save_file(tensors, path, header | {'shape': shape})
    return path


@pytest.mark.parametrize(
    ('what', 'message'),
    [
        ('missing', 'no weights at'),
        ('text', 'not a safetensors file'),
        ('other', 'its header says'),
        ('no shape', 'names no shape'),
        ('layer missing', 'not those of its shape'),
        ('not finite', 'is not finite'),
        ('wrong size', 'last.bias is float32'),
    ],
)
def test_a_file_that_holds_no_generator_is_refused(tmp_path, what, message):
    with pytest.raises(SketchRobotError, match=message) as caught:
        load_pose_weights(broken(tmp_path, what))
    assert caught.value.code is ErrorCode.BAD_GOAL
