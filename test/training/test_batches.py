"""Scenes, damage, and batches that depend on seed and step alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.training.batches import BatchOptions, PortraitBatches, plain_picture
from sketch_robot.training.photo_damage import (
    UNDAMAGED,
    DamageOptions,
    damage_photos,
    down_and_up,
    quantise_like_jpeg,
)
from sketch_robot.training.portraits import Example, PortraitFolder
from sketch_robot.training.scenes import PLAIN, SceneOptions, compose_scene, random_shapes, random_transform


@pytest.fixture(scope='module')
def batches(portraits) -> PortraitBatches:
    options = BatchOptions(size_px=64, pictures=4)
    folder = PortraitFolder(portraits)
    return PortraitBatches(folder, folder.portraits, options, seed=7)


def _generators(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng((seed, k)) for k in range(count)]


def test_a_batch_has_pictures_and_ink_between_0_and_1(batches):
    rgb, ink = batches.batch(0)
    assert rgb.shape == (4, 3, 64, 64)
    assert ink.shape == (4, 1, 64, 64)
    assert rgb.dtype == ink.dtype == torch.float32
    for values in (rgb, ink):
        assert 0 <= values.min() < values.max() <= 1


def test_the_same_step_gives_the_same_batch_and_another_step_another(batches):
    torch.testing.assert_close(batches.batch(3), batches.batch(3), rtol=0, atol=0)
    assert not torch.equal(batches.batch(3)[0], batches.batch(4)[0])


@pytest.mark.parametrize('world', [2, 4])
def test_processes_share_out_one_batch(batches, world):
    whole = batches.batch(5)
    for rank in range(world):
        part = batches.batch(5, rank=rank, world=world)
        for own, every in zip(part, whole, strict=True):
            torch.testing.assert_close(own, every[rank::world], rtol=0, atol=0)


def test_every_pass_shows_every_drawing_once(batches):
    seen = [index for step in range(3) for index in batches.indices(step)]
    assert sorted(seen[:6]) == sorted(seen[6:12]) == list(range(6))


def test_a_stream_gives_the_batches_from_a_step_on(batches):
    coming = batches.stream(4, threads=2)
    for step in (4, 5, 6):
        torch.testing.assert_close(next(coming), batches.batch(step), rtol=0, atol=0)
    coming.close()


@pytest.mark.parametrize(('close_ups', 'scale'), [(0.0, 'head'), (1.0, 'face')])
def test_pictures_are_of_the_scale_that_is_asked_for(portraits, close_ups, scale):
    folder = PortraitFolder(portraits)
    options = BatchOptions(size_px=512, pictures=1, close_ups=close_ups, scenes=PLAIN, damage=UNDAMAGED)
    batches = PortraitBatches(folder, folder.portraits, options)
    expected = plain_picture(folder.example(folder.portraits[batches.indices(0)[0]], scale), 512)
    torch.testing.assert_close(batches.batch(0), expected)


def test_a_plain_scene_is_the_photo_with_its_ink(example):
    rgb, ink = compose_scene(example, example, 512, PLAIN, np.random.default_rng(0))
    np.testing.assert_array_equal(rgb, example.rgb)
    np.testing.assert_array_equal(ink, example.ink)


@pytest.fixture
def example(portraits) -> Example:
    folder = PortraitFolder(portraits)
    return folder.example(folder.portraits[0], 'head')


def test_another_background_changes_everything_but_the_sitter_and_the_ink(portraits, example):
    folder = PortraitFolder(portraits)
    other = folder.example(folder.portraits[1], 'head')
    always = SceneOptions(mirror=0, rotation_degrees=0, scale=0, shift=0, background=1, no_face=0)
    for seed in range(4):
        rgb, ink = compose_scene(example, other, 512, always, np.random.default_rng(seed))
        changed = np.abs(rgb.astype(int) - example.rgb).max(2)
        assert changed[cv2.erode(example.matte, np.ones((15, 15))) == 255].max() <= 1
        assert (changed[cv2.dilate(example.matte, np.ones((15, 15))) == 0] > 8).mean() > 0.5
        np.testing.assert_array_equal(ink, example.ink)


def test_photo_and_ink_move_together():
    square, ink = np.zeros((512, 512, 3), np.uint8), np.zeros((512, 512), np.uint8)
    corners = np.array([[150, 200], [330, 200], [330, 300], [150, 300]], np.int32)
    cv2.fillPoly(square, [corners], (255, 255, 255))
    cv2.polylines(ink, [corners], True, (255,), 3)
    options = SceneOptions(mirror=0.5, rotation_degrees=30, scale=0.3, shift=0.1, background=0, no_face=0)
    whole = Example(square, ink, np.full((512, 512), 255, np.uint8))
    for seed in range(6):
        rgb, moved = compose_scene(whole, whole, 256, options, np.random.default_rng(seed))
        edge = cv2.morphologyEx(rgb[..., 0], cv2.MORPH_GRADIENT, np.ones((3, 3))) > 100
        near_ink = cv2.dilate(moved, np.ones((3, 3))) > 80
        assert (edge & near_ink).sum() / edge.sum() > 0.97


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_transforms_are_similarities_about_the_middle(seed):
    options = SceneOptions()
    move = random_transform(options, 256, np.random.default_rng(seed))
    linear = move[:, :2]
    scale = np.sqrt(abs(np.linalg.det(linear)))
    np.testing.assert_allclose(linear.T @ linear, scale**2 * np.eye(2), atol=1e-9)
    assert 1 / (1 + options.scale) - 1e-9 <= scale <= 1 + options.scale + 1e-9
    middle = np.full(2, 127.5)
    assert np.abs(linear @ middle + move[:, 2] - middle).max() <= options.shift * 256 + 1e-9


def test_pictures_without_a_face_have_ink_where_colours_meet():
    rgb, ink = random_shapes(256, 2.0, np.random.default_rng(4))
    slope = cv2.morphologyEx(rgb, cv2.MORPH_GRADIENT, np.ones((5, 5))).max(2)
    assert ink.max() == 255
    assert np.median(slope[ink > 200]) > 4 * max(1, np.median(slope[ink == 0]))


def test_undamaged_photos_stay_as_they_are():
    rgb = torch.rand(2, 3, 32, 32)
    assert torch.equal(damage_photos(rgb, UNDAMAGED, _generators(2)), rgb)


@pytest.mark.parametrize('kind', ['light', 'colour', 'grey', 'blur', 'noise', 'jpeg'])
def test_each_damage_changes_photos_within_0_and_1(kind):
    rgb = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    only = DamageOptions(**{name: float(name == kind) for name in DamageOptions.__dataclass_fields__})
    damaged = damage_photos(rgb, only, _generators(2))
    assert (damaged - rgb).abs().mean() > 0.005
    assert 0 <= damaged.min() <= damaged.max() <= 1


def test_a_photos_damage_does_not_depend_on_its_neighbours():
    rgb = torch.rand(3, 3, 32, 32)
    together = damage_photos(rgb, DamageOptions(), _generators(3))
    alone = damage_photos(rgb[1:2], DamageOptions(), _generators(3)[1:2])
    torch.testing.assert_close(together[1:2], alone)


@pytest.mark.parametrize('factor', [2, 4, 6])
def test_down_and_up_removes_detail_and_keeps_size_and_mean(factor):
    rgb = torch.rand(1, 3, 96, 96)
    soft = down_and_up(rgb, factor)
    assert soft.shape == rgb.shape
    assert soft.std() < rgb.std() / factor
    assert soft.mean() == pytest.approx(float(rgb.mean()), abs=0.01)


def test_fine_jpeg_hardly_changes_a_photo_and_coarse_jpeg_does():
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 64), indexing='ij')
    rgb = torch.stack((x, y, (x * y).sqrt()))[None]
    fine, coarse = quantise_like_jpeg(rgb, 95), quantise_like_jpeg(rgb, 10)
    assert (fine - rgb).abs().max() < 0.03
    assert (coarse - rgb).abs().mean() > 3 * (fine - rgb).abs().mean()


def test_jpegs_error_is_like_that_of_a_real_encoder():
    rng = np.random.default_rng(0)
    grey = cv2.GaussianBlur(rng.random((64, 64)).astype(np.float32), (0, 0), 2)
    grey = (grey - grey.min()) / np.ptp(grey)
    bytes_ = np.rint(grey * 255).astype(np.uint8)
    real = cv2.imdecode(cv2.imencode('.jpg', bytes_, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_GRAYSCALE)
    ours = quantise_like_jpeg(torch.from_numpy(bytes_ / 255.0)[None, None].float(), 30)[0, 0].numpy() * 255
    assert np.abs(ours - real).mean() < 1.5
