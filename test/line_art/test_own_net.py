"""One's own network as an artist: fed as its YAML says, its answer read as ink, and refused with a reason."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art import artist as artists
from sketch_robot.line_art import own_net
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import Artist, artist_names, make_artist, problem_with_artist
from sketch_robot.line_art.own_net import NetArtist, NetFormat, ink_of, prepared, read_format
from sketch_robot.photo.sitter import Sitter


def _sitter() -> Sitter:
    crop = np.zeros((512, 512, 3), np.uint8)
    crop[:, :256] = (255, 0, 51)
    valid = np.ones((512, 512), bool)
    valid[500:] = False
    return Sitter(crop, np.eye(2, 3), valid, 1)


def _first_channel(path: Path, shape: tuple[int, ...] = (1, 3, 64, 64), axis: int = 1) -> Path:
    """A network that gives the first colour of its picture, as OpenVINO's files."""
    picture = ops.parameter(shape, np.float32, name='picture')
    first = ops.gather(picture, np.array([0], np.int64), np.int64(axis))
    openvino.save_model(openvino.Model([first], [picture]), path, compress_to_fp16=False)
    return path


def _field(number: int, value: bytes | int) -> bytes:
    """A field of a protocol buffer: a number, or bytes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = b''
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def _onnx(path: Path, side: int = 64) -> Path:
    """The mean of the colours as ONNX, written byte by byte (onnx.proto3): ReduceMean over axis 1."""
    axes = _field(1, b'axes') + _field(8, 1) + _field(20, 7)  # AttributeProto: name, ints, type INTS
    node = _field(1, b'picture') + _field(2, b'ink') + _field(4, b'ReduceMean') + _field(5, axes)

    def value(name: bytes, channels: int) -> bytes:
        dims = b''.join(_field(1, _field(1, each)) for each in (1, channels, side, side))
        return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))  # float32

    graph = _field(1, node) + _field(2, b'g') + _field(11, value(b'picture', 3)) + _field(12, value(b'ink', 1))
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 13)))  # IR 8, opset 13
    return path


def test_a_network_in_openvinos_format_draws_as_its_yaml_says(tmp_path):
    path = _first_channel(tmp_path / 'mine.xml')
    path.with_suffix('.yaml').write_text('size: 64\nanswer_low: 0.0\nanswer_high: 1.0\n')
    artist = make_artist(str(path))
    art = artist.draw(_sitter())
    assert (art.artist, art.ink.shape, art.ink.dtype) == ('mine', (512, 512), np.float32)
    assert art.ink[100, 100] == pytest.approx(0.0)  # red is white to it, and dark is ink
    assert art.ink[100, 400] == pytest.approx(1.0)
    assert art.ink[505, 400] == 0  # beyond the photo


def test_a_network_in_onnx_draws(tmp_path):
    path = _onnx(tmp_path / 'net.onnx')
    path.with_suffix('.yaml').write_text('size: 64\nink: light\nanswer_low: 0\nanswer_high: 1\n')
    art = make_artist(str(path)).draw(_sitter())
    assert art.ink[100, 100] == pytest.approx((1 + 0 + 0.2) / 3, abs=1e-3)
    assert art.ink[100, 400] == pytest.approx(0)


@pytest.mark.parametrize(('colours', 'expected'), [('RGB', 1.0), ('BGR', 0.2)])
def test_colours_come_in_the_order_asked_for_also_when_they_come_last(tmp_path, colours, expected):
    path = _first_channel(tmp_path / 'last.xml', (1, 64, 64, 3), axis=3)
    path.with_suffix('.yaml').write_text(f'size: 64\ncolours: {colours}\nink: light\nanswer_low: 0\nanswer_high: 1\n')
    assert NetArtist(path).draw(_sitter()).ink[100, 100] == pytest.approx(expected, abs=1e-3)


def test_a_network_of_any_size_is_given_the_one_of_its_yaml(tmp_path):
    path = _first_channel(tmp_path / 'any.xml', (1, 3, -1, -1))
    path.with_suffix('.yaml').write_text('size: 96\n')
    assert NetArtist(path).draw(_sitter()).ink.shape == (512, 512)


def test_pictures_are_scaled_to_the_range_before_mean_and_deviation():
    crop = np.full((64, 64, 3), 255, np.uint8)
    form = NetFormat(size=32, low=-1, high=1, mean=(0.5, 0.0, 0.0), deviation=(1.0, 2.0, 4.0))
    assert prepared(crop, form).shape == (32, 32, 3)
    np.testing.assert_allclose(prepared(crop, form)[0, 0], [0.5, 0.5, 0.25])
    assert prepared(crop, NetFormat(size=64, colours='grey', high=255)).shape == (64, 64, 1)


def test_without_a_range_each_answer_is_stretched_over_its_own():
    answer = np.array([[[2.0, 4.0], [3.0, 2.0]]], np.float32)
    np.testing.assert_allclose(ink_of(answer, NetFormat()), [[1, 0], [0.5, 1]])
    np.testing.assert_allclose(ink_of(answer, NetFormat(ink='light')), [[0, 1], [0.5, 0]])
    for ink in ('dark', 'light'):
        assert not ink_of(np.ones((8, 8), np.float32), NetFormat(ink=ink)).any()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'has to say how the network is fed'),
        ('', 'no mapping'),
        ('- 1', 'no mapping'),
        ('size: [', 'no YAML'),
        ('size: !!python/object/apply:os.system [ls]', 'no YAML'),
        ('size: 64.5', 'size is a whole number'),
        ('size: 100000', 'size must lie between 32 and 2048'),
        ('colours: CMYK', "colours must be one of 'RGB', 'BGR', 'grey'"),
        ('colors: RGB', "did you mean 'colours'"),
        ('mean: 0.5', 'mean must be three numbers'),
        ('deviation: [1, 0, 1]', 'no deviation be 0'),
        ('low: 1', 'low and high must differ'),
        ('answer_low: 1', 'both or neither'),
        ('x: ' + 'y' * 5000, 'longer than 4096'),
        ('[' * 2000, 'no YAML'),
    ],
)
def test_a_yaml_that_cannot_be_used_is_refused_with_the_reason(tmp_path, text, message):
    path = tmp_path / 'net.yaml'
    if text is not None:
        path.write_text(text)
    with pytest.raises(SketchRobotError, match=message) as caught:
        read_format(path)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ('shape', 'axis', 'text', 'message'),
    [
        ((1, 3, 64, 64), 1, 'size: 128', r'its input is \[1,3,64,64\]'),
        ((1, 4, 64, 64), 1, 'size: 64', 'must be 3 x 64'),
        ((3, 64, 64), 0, 'size: 64', 'its input is'),
        ((1, 3, 64, 64), 2, 'size: 64', 'no drawing'),
        ((1, 3, 64, 64), 1, 'size: 64\noutput: 3', 'has 1 outputs'),
    ],
)
def test_a_network_that_does_not_fit_its_yaml_is_refused(tmp_path, shape, axis, text, message):
    path = _first_channel(tmp_path / 'net.xml', shape, axis)
    path.with_suffix('.yaml').write_text(text)
    with pytest.raises(SketchRobotError, match=message) as caught:
        NetArtist(path).warm_up()
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_what_is_no_network_is_refused_in_one_line(tmp_path):
    for ending in ('.onnx', '.xml', '.tflite'):
        path = tmp_path / f'net{ending}'
        path.write_bytes(b'no network' * 10)
        path.with_suffix('.yaml').write_text('size: 64')
        with pytest.raises(SketchRobotError, match='OpenVINO cannot use it') as caught:
            NetArtist(path).draw(_sitter())
        assert '\n' not in caught.value.message


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    path = _first_channel(tmp_path / 'net.xml')
    path.with_suffix('.yaml').write_text('size: 64')
    monkeypatch.setattr(own_net, 'LARGEST_FILE', 100)
    with pytest.raises(SketchRobotError, match='at most'):
        NetArtist(path)


def test_a_network_that_needs_too_much_memory_is_refused(tmp_path, monkeypatch):
    path = _first_channel(tmp_path / 'net.xml')
    path.with_suffix('.yaml').write_text('size: 64')
    monkeypatch.setattr(own_net, 'LARGEST_TENSOR', 64 * 64)
    with pytest.raises(SketchRobotError, match='too much memory'):
        NetArtist(path).warm_up()


def test_an_answer_that_is_not_finite_is_refused(tmp_path):
    picture = ops.parameter([1, 3, 64, 64], np.float32)
    broken = ops.log(ops.subtract(ops.reduce_mean(picture, np.array([1]), True), np.float32(9)))
    openvino.save_model(openvino.Model([broken], [picture]), tmp_path / 'net.xml')
    (tmp_path / 'net.yaml').write_text('size: 64')
    with pytest.raises(SketchRobotError, match='not finite'):
        NetArtist(tmp_path / 'net.xml').draw(_sitter())


@pytest.mark.parametrize(('name', 'message'), [('nowhere.onnx', 'no such file'), ('rembrandt', 'choose one of: ')])
def test_an_artist_that_is_not_there_is_a_problem(name, message):
    assert message in problem_with_artist(name)
    assert problem_with_artist('student') == ''


class _Brought(Artist):
    name = 'brought'

    def __init__(self, runtime: str) -> None:
        self.runtime = runtime

    def draw(self, sitter: Sitter) -> LineArt:
        return LineArt(np.zeros(sitter.crop.shape[:2], np.float32), self.name)


def test_another_package_can_bring_an_artist_and_cannot_replace_ours(monkeypatch):
    points = {
        name: EntryPoint(name, value, artists.ENTRY_POINTS)
        for name, value in (
            ('brought', f'{__name__}:_Brought'),
            ('student', f'{__name__}:_Brought'),
            ('absent', 'no_such_package:Artist'),
            ('wrong', 'builtins:len'),
        )
    }
    monkeypatch.setattr(artists, '_brought', lambda: points)
    assert artist_names() == ('absent', 'brought', 'drawing', 'guided', 'student', 'wrong')
    made = make_artist('brought', runtime='torch')
    assert (type(made).__name__, made.runtime) == ('_Brought', 'torch')
    assert type(make_artist('student')).__name__ == 'StudentArtist'
    for name, message in (('absent', "the artist 'absent' cannot be made"), ('wrong', 'builtins:len makes no artist')):
        with pytest.raises(SketchRobotError, match=message) as caught:
            make_artist(name)
        assert caught.value.code is ErrorCode.BAD_GOAL
