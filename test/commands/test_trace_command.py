"""`sketch-robot trace` as a shell calls it: the file's exact form, and one line for each error."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.cli import main
from sketch_robot.commands.trace import strokes_to_json
from sketch_robot.stroke import Stroke


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A line from (20, 30) to (100, 30), a ring and a dot, in black on white."""
    grey = np.full((120, 160), 255, np.uint8)
    grey[29:31, 20:100] = 0
    cv2.circle(grey, (120, 80), 20, 0, 2, cv2.LINE_AA)
    grey[99:102, 29:32] = 0
    path = tmp_path / 'lines.png'
    cv2.imwrite(str(path), grey)
    return path


def test_strokes_are_lists_of_points_in_pixels(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = lines.with_name('strokes.json')
    assert main(['trace', str(lines), '-o', str(out)]) == 0
    strokes = json.loads(out.read_text())
    assert isinstance(strokes, list)
    assert len(strokes) == 3
    for stroke in strokes:
        assert len(stroke) >= 2
        assert all(len(point) == 2 and all(isinstance(value, float) for value in point) for point in stroke)
    straight, ring, dot = sorted(strokes, key=lambda stroke: stroke[0][1])
    assert np.ptp([x for x, _ in straight]) == pytest.approx(78, abs=1.0)  # a round pen 2 px wide draws 80 px of ink
    assert [y for _, y in straight] == pytest.approx([30.0] * len(straight), abs=0.1)
    assert ring[0] == ring[-1]
    assert np.mean(ring, axis=0) == pytest.approx([120.5, 80.5], abs=0.2)  # OpenCV's (120, 80) is that pixel's middle
    assert np.mean(dot, axis=0) == pytest.approx([30.5, 100.5], abs=0.1)
    said = capsys.readouterr()
    assert said.out == ''
    assert said.err.startswith(f'{out}: 3 strokes, ')


def test_a_dot_becomes_a_line_as_long_as_it_is_wide() -> None:
    dots = [Stroke(np.array([[10.0, 20.0]]), 1.5), Stroke(np.array([[10.0, 20.0]]))]
    assert strokes_to_json(dots) == [[[8.5, 20.0], [11.5, 20.0]], [[9.75, 20.0], [10.25, 20.0]]]


def test_points_have_three_decimals() -> None:
    assert strokes_to_json([Stroke(np.array([[1 / 3, 2.0], [3.0, 2 / 3]]))]) == [[[0.333, 2.0], [3.0, 0.667]]]


def test_an_empty_sheet_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / 'white.png'), np.full((50, 50), 255, np.uint8))
    assert main(['trace', str(tmp_path / 'white.png'), '-o', str(tmp_path / 'strokes.json')]) == 1
    error = capsys.readouterr().err
    assert error.splitlines()[0].startswith('sketch-robot: ')
    assert 'has no ink on it' in error
    assert not (tmp_path / 'strokes.json').exists()


def test_a_sheet_with_faint_specks_only_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grey = np.full((50, 50), 255, np.uint8)
    grey[20, 20] = 220
    cv2.imwrite(str(tmp_path / 'specks.png'), grey)
    assert main(['trace', str(tmp_path / 'specks.png'), '-o', str(tmp_path / 'strokes.json')]) == 1
    assert 'has no lines that can be told from its paper' in capsys.readouterr().err


def test_the_output_must_be_json(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['trace', str(lines), '-o', str(lines.with_name('strokes.svg'))]) == 2
    assert 'strokes are written as .json' in capsys.readouterr().err
    assert main(['trace', str(lines)]) == 2


def test_a_folder_that_is_missing_is_named(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['trace', str(lines), '-o', str(lines.parent / 'none' / 'strokes.json')]) == 1
    assert 'cannot write' in capsys.readouterr().err
