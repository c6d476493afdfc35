"""Files of segments: read as they are written, refused with one message otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.strokes.ordering import segment_file
from sketch_robot.strokes.ordering.segment_file import load_segments


def refused(path: Path) -> SketchRobotError:
    with pytest.raises(SketchRobotError) as caught:
        load_segments(path)
    assert '\n' not in caught.value.message
    return caught.value


def test_segments_and_home_are_read(tmp_path: Path) -> None:
    path = tmp_path / 'segments.json'
    path.write_text('{"unit": "mm", "page": "A4", "home": [5, 0.5], "segments": [[[1, 2], [3, 4.5]], [[0, 0]]]}')
    file = load_segments(path)
    assert file.home == (5.0, 0.5)
    assert [segment.tolist() for segment in file.segments] == [[[1.0, 2.0], [3.0, 4.5]], [[0.0, 0.0]]]


def test_a_bare_list_has_its_home_at_the_corner(tmp_path: Path) -> None:
    path = tmp_path / 'strokes.json'
    path.write_text('[[[1, 2], [3, 4], [5, 6]]]')
    file = load_segments(path)
    assert file.home == (0.0, 0.0)
    assert file.segments[0].tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('', 'it is no JSON: Expecting value: line 1 column 1 (char 0)'),
        ('{"segments": [[[1, 2], [3, 4]]', "it is no JSON: Expecting ',' delimiter: line 1 column 31 (char 30)"),
        ('[' * 100_000, 'it is no JSON: it is nested too deep'),
        ('7', 'it has no list "segments"'),
        ('{}', 'it has no list "segments"'),
        ('{"segments": {}}', 'it has no list "segments"'),
        ('{"segments": [[[1, 2], [3, NaN]]]}', 'segment 0 has a coordinate that is not finite'),
        ('{"segments": [[[1, 2], [3, 4]], [[1, Infinity], [3, 4]]]}', 'segment 1 has a coordinate that is not finite'),
        ('{"segments": [[[1, 2], [3, 1e999]]]}', 'segment 0 has a coordinate that is not finite'),
        ('{"segments": [[[1, 2], [3, 1e7]]]}', 'segment 0 has a coordinate beyond 1e+06 mm'),
        (f'{{"segments": [[[1, 2], [3, 1{"0" * 400}]]]}}', 'segment 0 has a coordinate that is too large'),
        ('{"segments": [[[1, 2], [3, "4"]]]}', 'segment 0 has a coordinate that is no number'),
        ('{"segments": [[[1, 2], [3, true]]]}', 'segment 0 has a coordinate that is no number'),
        ('{"segments": [[[1, 2], [3, null]]]}', 'segment 0 has a coordinate that is no number'),
        ('{"segments": [[[1, 2], [3, 4, 5]]]}', 'segment 0 is not written as points [x, y]'),
        ('{"segments": [[1, 2, 3, 4]]}', 'segment 0 is not written as points [x, y]'),
        ('{"segments": [[]]}', 'segment 0 is not written as points [x, y]'),
        ('{"segments": [7]}', 'segment 0 is not written as points [x, y]'),
        ('{"segments": [[[1, 2], [3, 4]]], "home": [1]}', '"home" is not written as points [x, y]'),
        ('{"segments": [[[1, 2], [3, 4]]], "home": [1, NaN]}', '"home" has a coordinate that is not finite'),
        ('{"segments": [[[1, 2], [3, 4]]], "unit": "in"}', 'its unit is \'in\'; give millimetres, "mm"'),
    ],
)
def test_what_is_no_list_of_segments_is_refused(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / 'segments.json'
    path.write_text(text)
    error = refused(path)
    assert error.code is ErrorCode.BAD_PLAN
    assert error.message == f'cannot read {path} as segments: {why}'


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 'segments.json'
    path.write_bytes(b'\xff\xfe\xfd{')
    error = refused(path)
    assert error.code is ErrorCode.BAD_PLAN
    assert error.message.startswith(f'cannot read {path} as segments: it is no JSON: ')


@pytest.mark.parametrize('text', ['[]', '{"segments": []}'])
def test_no_segments_are_nothing_to_draw(text: str, tmp_path: Path) -> None:
    path = tmp_path / 'segments.json'
    path.write_text(text)
    error = refused(path)
    assert error.code is ErrorCode.NOTHING_TO_DRAW
    assert error.message == f'{path} has no segments; there is nothing to order'


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path / 'none.json')
    assert error.message == f'cannot read {tmp_path}/none.json as segments: No such file or directory'


def test_more_than_two_hundred_thousand_segments_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 'segments.json'
    path.write_text('[' + '0,' * 200_000 + '0]')
    assert refused(path).message.endswith('it has 200001 segments; at most 200000 can be ordered')


@pytest.mark.parametrize(
    ('limit', 'why'), [('MOST_BYTES', 'it is larger than 0 MB'), ('MOST_POINTS', 'it has more than 3 points')]
)
def test_giant_files_are_refused(limit: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_file, limit, 3)
    path = tmp_path / 'segments.json'
    path.write_text(json.dumps([[[0, 0], [1, 1]], [[0, 0], [1, 1]]]))
    assert refused(path).message == f'cannot read {path} as segments: {why}'
