"""A hand through OpenVINO: as torch computes it, parts as in the whole, the sitter's crop as line art."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_hand_file import SHAPE

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.hand.artist import HandArtist
from sketch_robot.line_art.hand.hand_file import HandShape, HandWeights, save_hand
from sketch_robot.line_art.hand.runtime import HandRunner, part_around
from sketch_robot.photo.sitter import Sitter


def random_hand(shape: HandShape = SHAPE, **fields) -> HandWeights:
    rng = np.random.default_rng(6)
    weights = {}
    for name, (out, into, side) in shape.layers().items():
        scale = 1.4 / np.sqrt(into * side * side)
        weights[f'{name}.weight'] = rng.normal(0, scale, (out, into, side, side)).astype(np.float32)
        weights[f'{name}.bias'] = rng.normal(0, 0.1, out).astype(np.float32)
    return HandWeights(shape, weights, **fields)


def _photo(height: int = 120, width: int = 150) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_it_draws_what_the_trained_network_does():
    import torch

    from sketch_robot.keyframes.network import HandNet

    torch.manual_seed(2)
    net = HandNet(SHAPE)
    rgb = _photo(48, 64)
    seen = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
    net.train()
    for _ in range(20):
        net(seen)  # statistics of their own, to be folded
    with torch.no_grad():
        expected = net.eval()(seen)[0].permute(1, 2, 0).numpy() * 255
    drawn = HandRunner(HandWeights(SHAPE, net.folded()), precision='float32').draw(rgb)
    assert np.abs(drawn - expected).max() < 1.0


def test_a_part_is_drawn_as_in_the_whole_and_the_rest_is_left():
    runner = HandRunner(random_hand(), precision='float32')
    rgb = _photo(200, 240)
    where = np.zeros((200, 240), bool)
    where[90:110, 100:130] = True
    whole, part = runner.draw(rgb), runner.draw(rgb, where=where)
    assert np.abs(part[where].astype(int) - whole[where]).max() <= 1
    assert np.array_equal(part[~where], rgb[~where])
    assert np.array_equal(runner.draw(rgb, where=np.zeros_like(where)), rgb)


def test_what_lies_further_than_its_reach_changes_nothing():
    runner = HandRunner(random_hand(), precision='float32')
    rgb = _photo(128, 160)
    changed = rgb.copy()
    changed[:, : 80 - SHAPE.reach_px] = 0
    assert np.array_equal(runner.draw(rgb)[:, 80:], runner.draw(changed)[:, 80:])


@pytest.mark.parametrize('size', [(33, 47), (34, 40)])
def test_pictures_of_any_size_are_drawn(size):
    assert HandRunner(random_hand()).draw(_photo(*size)).shape == (*size, 3)


def test_parts_hold_the_mask_and_its_surroundings_and_end_with_the_picture():
    where = np.zeros((100, 300), bool)
    where[40:60, 150:160] = True
    rows, columns = part_around(where, 20)
    assert (rows.start, rows.stop, columns.start, columns.stop) == (16, 80, 128, 192)
    assert part_around(np.zeros((9, 9), bool), 20) is None


def _sitter(face_px: float) -> Sitter:
    valid = np.ones((512, 512), bool)
    valid[500:] = False
    matte = np.zeros((512, 512), np.float32)
    matte[:, 100:400] = 1
    return Sitter(_photo(512, 512), np.eye(2, 3), valid, 1, np.array([150.0, 150.0, 200.0, face_px]), None, matte)


def test_a_sitter_is_drawn_as_line_art_inside_the_matte(tmp_path):
    save_hand(random_hand(face_px=100.0, paper=200.0, darkest=60.0, sitter_only=True), tmp_path / 'anna.safetensors')
    artist = HandArtist(tmp_path / 'anna.safetensors')
    art = artist.draw(_sitter(200.0))
    assert (art.artist, art.ink.shape, art.ink.dtype) == ('anna', (512, 512), np.float32)
    assert art.ink[:, 150:350].max() > 0.1
    assert not art.ink[500:].any()
    assert not art.ink[:, 450:].any()
    assert art.picture.shape == (512, 512, 3)
    assert np.array_equal(art.ink, artist.draw(_sitter(200.0)).ink)


def test_faces_are_as_tall_as_in_the_key_frames(tmp_path):
    save_hand(random_hand(face_px=100.0), tmp_path / 'anna.safetensors')
    artist = HandArtist(tmp_path / 'anna.safetensors')
    artist.warm_up()
    assert [artist._scale(_sitter(face)) for face in (100.0, 200.0, 5000.0, 0.0)] == [1.0, 0.5, 0.25, 1.0]


def test_a_hand_with_guides_draws_no_sitters(tmp_path):
    guided = HandShape(SHAPE.filters, SHAPE.blocks, guided=True)
    hand = replace(random_hand(guided), dots=np.ones((3, 6), np.float32))
    save_hand(hand, tmp_path / 'g.safetensors')
    with pytest.raises(SketchRobotError, match='only its own video') as caught:
        HandArtist(tmp_path / 'g.safetensors').draw(_sitter(200.0))
    assert caught.value.code is ErrorCode.BAD_GOAL
