"""Files of styles: what is written is read again, and nothing else is."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.styles import style_file
from sketch_robot.line_art.styles.style_file import StyleSet, check_name, load_styles, save_styles


@pytest.fixture
def written(untrained: StyleSet, tmp_path: Path) -> Path:
    save_styles(untrained, tmp_path / 'styles.safetensors')
    return tmp_path / 'styles.safetensors'


def test_a_set_is_read_as_it_was_written(untrained: StyleSet, written: Path):
    found = load_styles(written)
    assert found.names == ('hatching', 'dots', 'oil')
    assert [style.for_pen for style in found.styles] == [True, True, False]
    assert found.styles[0].source == 'nobody'
    for own, other in zip(untrained.styles, found.styles, strict=True):
        assert np.array_equal(own.condition, other.condition)
        assert np.array_equal(own.thumbnail, other.thumbnail)
    assert all(map(np.array_equal, untrained.kernels, found.kernels))


def test_half_precision_halves_the_file(untrained: StyleSet, written: Path, tmp_path: Path):
    size = save_styles(untrained, tmp_path / 'half.safetensors', half=True)
    assert size < 0.51 * written.stat().st_size
    found = load_styles(tmp_path / 'half.safetensors')
    assert found.kernels[3].dtype == np.float32
    assert found.kernels[3] == pytest.approx(untrained.kernels[3], abs=1e-3)


def _pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({'conditions': [1, 2, 3]}))


def _foreign(path: Path) -> None:
    save_file({'x': np.zeros(3, np.float32)}, path, {'format': 'sketch_robot.u2net.1'})


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100_000])


def _changed(**tensors: np.ndarray):
    def change(path: Path) -> None:
        words = json.dumps([{'name': name, 'for_pen': True, 'source': ''} for name in ('hatching', 'dots', 'oil')])
        save_file({**load_file(path), **tensors}, path, {'format': style_file.FORMAT, 'styles': words})

    return change


def _named(words: str):
    def change(path: Path) -> None:
        save_file(load_file(path), path, {'format': style_file.FORMAT, 'styles': words})

    return change


@pytest.mark.parametrize(
    ('spoil', 'words'),
    [
        (_pickled, 'holds no styles: it is not a safetensors file'),
        (_foreign, "holds no styles: its header says {'format': 'sketch_robot.u2net.1'}"),
        (_cut, 'it is not a safetensors file'),
        (_changed(**{'layers.0.weight': np.zeros((32, 3, 3, 3), np.float32)}), 'layers.0.weight is float32'),
        (_changed(conditions=np.full((3, 3206), np.nan, np.float32)), 'conditions is not finite'),
        (_changed(conditions=np.zeros((2, 3206), np.float32)), 'conditions is float32 (2, 3206)'),
        (_changed(thumbnails=np.zeros((3, 2, 2, 3), np.uint8)), 'it has no thumbnails'),
        (_named('{'), 'its header names no styles'),
        (_named('[{"name": "../x", "for_pen": true, "source": ""}]'), 'its names are no names of styles'),
        (lambda path: path.unlink(), 'there is no file of styles at'),
    ],
)
def test_a_foreign_or_damaged_file_is_refused_with_a_message(written: Path, spoil, words: str):
    spoil(written)
    with pytest.raises(SketchRobotError) as refused:
        load_styles(written)
    assert refused.value.code == ErrorCode.BAD_GOAL
    assert words in refused.value.message
    assert str(written) in refused.value.message


def test_a_file_larger_than_any_of_ours_is_not_read(written: Path, monkeypatch):
    monkeypatch.setattr(style_file, 'LARGEST_FILE', 1000)
    with pytest.raises(SketchRobotError, match='it is larger than'):
        load_styles(written)


def test_a_full_disk_leaves_the_file_that_was_there(untrained: StyleSet, written: Path, monkeypatch):
    before = written.read_bytes()

    def full(_self: Path, _data: bytes) -> int:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(SketchRobotError, match='No space left on device'):
        save_styles(replace(untrained, styles=untrained.styles[:1]), written)
    assert written.read_bytes() == before


@pytest.mark.parametrize('name', ['', 'Woodcut', 'a b', '../x', '_x', 'x' * 41, 'häuser'])
def test_a_name_is_small_letters_digits_and_underscores(name: str):
    with pytest.raises(SketchRobotError, match='is no name of a style'):
        check_name(name)
    assert check_name('hatch_45') == 'hatch_45'
