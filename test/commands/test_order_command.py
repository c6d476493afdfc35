"""`sketch-robot order`: the travel and the order of a file's segments as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sketch_robot.cli import main


@pytest.fixture
def segments() -> np.ndarray:
    """(40, 2, 2) mm."""
    generator = np.random.default_rng(0)
    starts = generator.uniform(0, 200, (40, 1, 2))
    return np.concatenate((starts, starts + generator.uniform(-20, 20, (40, 1, 2))), axis=1)


@pytest.fixture
def file(tmp_path: Path, segments: np.ndarray) -> str:
    path = tmp_path / 'segments.json'
    path.write_text(json.dumps({'unit': 'mm', 'page': 'A4', 'home': [3, 4], 'segments': segments.tolist()}))
    return str(path)


def answer(capsys: pytest.CaptureFixture, *words: str) -> dict:
    assert main(['order', *words]) == 0
    out, err = capsys.readouterr()
    assert err == ''
    return json.loads(out)


def complaint(capsys: pytest.CaptureFixture, status: int, *words: str) -> str:
    assert main(['order', *words]) == status
    out, err = capsys.readouterr()
    assert out == ''
    assert err.count('\n') == 1
    return err


def travel(segments: list | np.ndarray, home: tuple[float, float]) -> float:
    here, total = np.array(home), 0.0
    for segment in segments:
        total += float(np.hypot(*(np.array(segment[0]) - here)))
        here = np.array(segment[-1])
    return total + float(np.hypot(*(np.array(home) - here)))


def test_the_travel_is_that_of_the_order_with_home_and_back(
    file: str, segments: np.ndarray, capsys: pytest.CaptureFixture
) -> None:
    found = answer(capsys, file, '--seconds', '0.1')
    assert sorted(found['order']) == list(range(40))
    turns = zip(found['order'], found['flipped'], strict=True)
    drawn = [segments[k][::-1] if turned else segments[k] for k, turned in turns]
    assert found['travel_mm'] == pytest.approx(travel(drawn, (3, 4)))
    assert found['unordered_mm'] == pytest.approx(travel(segments, (3, 4)))
    assert found['travel_mm'] < 0.3 * found['unordered_mm']
    assert found['segments'] == 40
    assert found['home'] == [3.0, 4.0]
    assert found['entry'] == [0] * 40
    assert found['seconds'] >= 0.0


def test_the_same_file_gives_the_same_order(
    tmp_path: Path, segments: np.ndarray, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / 'few.json'
    path.write_text(json.dumps(segments[:7].tolist()))
    one, other = (answer(capsys, str(path), '--seconds', '60') for _ in range(2))  # few strokes take less
    assert one['order'] == other['order']
    assert one['travel_mm'] == other['travel_mm']


def test_the_segments_are_written_as_they_are_drawn(file: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'ordered.json'
    found = answer(capsys, file, '--seconds', '0.1', '-o', str(out))
    written = json.loads(out.read_text())
    assert written['unit'] == 'mm'
    assert travel(written['segments'], (3, 4)) == pytest.approx(found['travel_mm'])
    assert answer(capsys, str(out), '--seconds', '0')['unordered_mm'] == pytest.approx(found['travel_mm'])


def test_a_closed_line_is_entered_where_that_is_shortest(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / 'segments.json'
    path.write_text('[[[9, 9], [9, 5], [5, 5], [5, 9], [9, 9]]]')
    found = answer(capsys, str(path))
    assert (found['order'], found['flipped'], found['entry']) == ([0], [False], [2])
    assert found['travel_mm'] == pytest.approx(2 * np.hypot(5, 5))


@pytest.mark.parametrize('seconds', ['-1', 'nan', 'inf', '1e9'])
def test_a_time_that_is_none_is_wrong_usage(seconds: str, file: str, capsys: pytest.CaptureFixture) -> None:
    assert 'give 0 to 3600 seconds' in complaint(capsys, 2, file, f'--seconds={seconds}')


@pytest.mark.parametrize(
    ('out', 'why'),
    [
        ('out.txt', 'segments are written as .json; end the name so'),
        ('none/out.json', 'it is a folder, or there is none for it'),
        ('folder.json', 'it is a folder, or there is none for it'),
        ('segments.json', 'holds the segments themselves; name another file'),
    ],
)
def test_an_output_that_cannot_be_is_wrong_usage(
    out: str, why: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / 'folder.json').mkdir()
    assert why in complaint(capsys, 2, file, '-o', str(tmp_path / out))


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('{"segments": []}', 'NOTHING_TO_DRAW: {path} has no segments; there is nothing to order'),
        (
            '[[[0, 0], [0, NaN]]]',
            'BAD_PLAN: cannot read {path} as segments: segment 0 has a coordinate that is not finite',
        ),
    ],
)
def test_segments_that_cannot_be_ordered_are_refused_in_one_line(
    text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / 'segments.json'
    path.write_text(text)
    assert complaint(capsys, 1, str(path)) == f'sketch-robot: {why.format(path=path)}\n'
