"""Weights in safetensors files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.student import weight_file
from sketch_robot.line_art.student.u2net import U2Net, U2NetChannels
from sketch_robot.line_art.student.weight_file import load_weights, read_notes, save_weights

TINY = U2NetChannels(inner=(2,) * 11, outer=(4,) * 11)


@pytest.fixture(autouse=True)
def _tiny_student(monkeypatch):
    monkeypatch.setitem(weight_file.CHANNELS, 'student', TINY)


@pytest.mark.parametrize('fold', [1, 4])
def test_a_net_comes_back_as_it_was_saved(tmp_path, fold):
    net = U2Net(TINY, fold=fold)
    save_weights(net, tmp_path / 'w.safetensors', licence='MIT', step='7')
    again = load_weights(tmp_path / 'w.safetensors')
    assert again.fold == fold
    assert not again.training
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in net.state_dict().items())
    notes = read_notes(tmp_path / 'w.safetensors')
    assert (notes['licence'], notes['step']) == ('MIT', '7')


def test_half_precision_halves_the_file_and_loads_as_float32(tmp_path):
    net = U2Net(TINY)
    save_weights(net, tmp_path / 'whole.safetensors')
    save_weights(net, tmp_path / 'half.safetensors', half=True)
    again = load_weights(tmp_path / 'half.safetensors')
    assert again.fuse.weight.dtype == torch.float32
    torch.testing.assert_close(again.fuse.weight, net.fuse.weight, rtol=1e-3, atol=1e-4)
    header = 60_000  # of names, about
    whole, half = ((tmp_path / name).stat().st_size for name in ('whole.safetensors', 'half.safetensors'))
    assert half < whole - (whole - header) / 3


def _pickle(path: Path) -> None:
    torch.save({'fuse.weight': torch.zeros(1)}, path)


def _foreign(path: Path) -> None:
    save_file({'fuse.weight': torch.zeros(1)}, path)


def _other_shape(path: Path) -> None:
    header = {'format': weight_file.FORMAT, 'channels': 'student', 'fold': '1'}
    save_file({'fuse.weight': torch.zeros(1)}, path, header)


def _empty(path: Path) -> None:
    path.write_bytes(b'')


@pytest.mark.parametrize(
    ('write', 'message'),
    [
        (_pickle, 'is not a safetensors file'),
        (_empty, 'is not a safetensors file'),
        (_foreign, 'holds no line artist'),
        (_other_shape, 'does not fit its own header'),
    ],
)
def test_files_that_hold_no_artist_are_refused(tmp_path, write, message):
    path = tmp_path / 'w.safetensors'
    write(path)
    with pytest.raises(SketchRobotError, match=message) as caught:
        load_weights(path)
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SketchRobotError, match=r'no weights at .*w\.safetensors'):
        load_weights(tmp_path / 'w.safetensors')


def test_nets_without_a_name_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match='have a file format'):
        save_weights(U2Net(U2NetChannels((3,) * 11, (4,) * 11)), tmp_path / 'w.safetensors')


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'w.safetensors'
    save_weights(U2Net(TINY), path, step='1')

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(SketchRobotError, match='No space left') as caught:
        save_weights(U2Net(TINY), path, step='2')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert read_notes(path)['step'] == '1'
