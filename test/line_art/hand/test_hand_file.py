"""A hand's file comes back as it was, and anything else is refused with one line."""

from __future__ import annotations

import json
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.artist import is_network, make_artist, problem_with_artist
from sketch_robot.line_art.hand import hand_file
from sketch_robot.line_art.hand.hand_file import HandShape, HandWeights, ink_in, load_hand, save_hand

SHAPE = HandShape((4, 4, 8, 8, 8, 8), 1)


@pytest.fixture
def hand() -> HandWeights:
    rng = np.random.default_rng(3)
    weights = {}
    for name, (out, into, side) in SHAPE.layers().items():
        weights[f'{name}.weight'] = rng.normal(0, 0.2, (out, into, side, side)).astype(np.float32)
        weights[f'{name}.bias'] = rng.normal(0, 0.1, out).astype(np.float32)
    return HandWeights(SHAPE, weights, face_px=84.5, paper=250.0, darkest=12.0, sitter_only=True, notes={'key': '12'})


def _refused(path: Path, match: str) -> None:
    with pytest.raises(SketchRobotError, match=match) as caught:
        load_hand(path)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert str(path) in caught.value.message
    assert '\n' not in caught.value.message


def test_a_hand_comes_back_as_it_was(hand, tmp_path):
    path = tmp_path / 'hand.safetensors'
    assert save_hand(hand, path) == path.stat().st_size
    back = load_hand(path)
    assert (back.shape, back.face_px, back.paper, back.darkest) == (SHAPE, 84.5, 250.0, 12.0)
    assert back.sitter_only
    assert back.notes['key'] == '12'
    for name, value in hand.weights.items():
        assert back.weights[name] == pytest.approx(value, abs=1e-3)


def test_the_largest_hand_has_less_than_8_mb(tmp_path):
    shape = HandShape(blocks=hand_file.MOST_BLOCKS, guided=True)
    weights = {}
    for name, (out, into, side) in shape.layers().items():
        weights[f'{name}.weight'] = np.zeros((out, into, side, side), np.float32)
        weights[f'{name}.bias'] = np.zeros(out, np.float32)
    dots = np.ones((hand_file.MOST_DOTS, 6), np.float32)
    path = tmp_path / 'large.safetensors'
    assert save_hand(HandWeights(shape, weights, dots=dots), path) < hand_file.LARGEST_FILE
    assert load_hand(path).shape == shape


def test_what_is_no_hand_is_refused(tmp_path):
    path = tmp_path / 'x.safetensors'
    _refused(path, 'cannot be read')
    _refused(tmp_path / 'x.pt', 'ends in .safetensors')
    for content, match in (
        (b'', 'no safetensors file'),
        (b'{}', 'no safetensors file'),
        (pickle.dumps({'a': 1}), 'is a pickle'),
        (b'PK\x03\x04' + bytes(100), 'is a pickle or a zip'),
        (struct.pack('<Q', 1 << 40) + bytes(100), 'no safetensors file'),
        (struct.pack('<Q', 20) + b'{"a": not json      ' + bytes(9), 'no safetensors file'),
        (save({'a': np.zeros(3, np.float32)}), 'holds no hand'),
        (save({'a': np.zeros(3, np.float32)}, {'format': 'sketch_robot.u2net.1'}), "format is 'sketch_robot.u2net.1'"),
    ):
        path.write_bytes(content)
        _refused(path, match)


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / 'huge.safetensors'
    with path.open('wb') as file:
        file.truncate(3 * 2**30)
    _refused(path, 'it has 3072 MB, and a hand at most 8')


def test_a_header_that_does_not_fit_its_layers_is_refused(hand, tmp_path):
    path = tmp_path / 'hand.safetensors'
    arrays = {name: value.astype(np.float16) for name, value in hand.weights.items()}
    about = {
        'filters': list(SHAPE.filters), 'blocks': 1, 'guided': False, 'sitter_only': False, 'face_px': 0.0,
        'paper': 255.0, 'darkest': 0.0,
    }  # fmt: skip
    for change, match in (
        ({'blocks': 2}, 'its layer blocks.1.first.weight'),
        ({'blocks': 10**9}, 'another kind'),
        ({'filters': [4, 4]}, 'another kind'),
        ({'filters': [4, 4, 8, 8, 8, 10**12]}, 'another kind'),
        ({'filters': [True] * 6}, 'another kind'),
        ({'guided': 'yes'}, 'guided is no flag'),
        ({'guided': True}, 'its layer fine.weight'),
        ({'paper': 1e9}, 'paper must lie between'),
        ({'face_px': None}, 'face_px is a number'),
    ):
        path.write_bytes(save(arrays, {'format': hand_file.FORMAT, 'hand': json.dumps({**about, **change})}))
        _refused(path, match)
    path.write_bytes(save(arrays, {'format': hand_file.FORMAT, 'hand': '[' * 100_000}))
    _refused(path, 'header cannot be read')
    arrays['top.bias'][0] = np.nan
    path.write_bytes(save(arrays, {'format': hand_file.FORMAT, 'hand': json.dumps(about)}))
    _refused(path, 'numbers that cannot be used')


def test_a_hand_that_cannot_be_written_leaves_the_old_one(hand, tmp_path, monkeypatch):
    path = tmp_path / 'hand.safetensors'
    save_hand(hand, path)

    def full(self, data):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(SketchRobotError, match='No space left'):
        save_hand(replace(hand, paper=1.0), path)
    assert load_hand(path).paper == 250.0


def test_an_artist_can_be_named_by_a_hand(hand, tmp_path):
    path = tmp_path / 'anna.safetensors'
    save_hand(hand, path)
    assert is_network(str(path))
    assert make_artist(str(path)).name == 'anna'
    assert problem_with_artist(str(path)) == ''
    assert 'cannot be read' in problem_with_artist(str(tmp_path / 'nobody.safetensors'))


def test_ink_goes_from_the_artists_paper_to_the_darkest_marks(hand):
    drawn = np.array([[[250] * 3, [255] * 3, [12] * 3, [0] * 3, [131] * 3]], np.uint8)
    assert ink_in(drawn, hand)[0] == pytest.approx([0, 0, 1, 1, 0.5], abs=0.01)
    assert not ink_in(drawn, replace(hand, paper=12.0)).any()
