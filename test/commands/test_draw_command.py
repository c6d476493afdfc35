"""`sketch-robot draw` where things go wrong in the middle, with stand-ins for the slow parts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from sketch_robot import pipeline
from sketch_robot.cli import main
from sketch_robot.commands import UsageError
from sketch_robot.contact_sheet import COLUMNS, ROWS
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.photo import Photo, Sitter
from sketch_robot.stroke import Stroke

Draw = Callable[..., int]


class Finder:
    """Finds one face in any photo, at once."""

    def find(self, photo: Photo, **_options: object) -> Sitter:
        crop = cv2.resize(photo.rgb, (512, 512))
        return Sitter(crop, np.eye(2, 3), np.ones((512, 512), bool), 1)

    def close(self) -> None:
        pass


class Artist:
    """Draws a cross."""

    name = 'student'
    whole_picture = False

    def __init__(self, _runtime: str) -> None:
        pass

    def draw(self, _sitter: Sitter) -> LineArt:
        ink = np.zeros((512, 512), np.float32)
        ink[255:257] = ink[:, 255:257] = 1.0
        lines = [[10.0, 256.0], [500.0, 256.0]], [[256.0, 10.0], [256.0, 500.0]]
        return LineArt(ink, self.name, tuple(Stroke(np.array(line)) for line in lines))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, 'SitterFinder', Finder)
    monkeypatch.setitem(__import__('sketch_robot.line_art.artist', fromlist=['ARTISTS']).ARTISTS, 'student', Artist)


@pytest.fixture
def draw(quick: None) -> Draw:
    return lambda *words: main(['draw', *map(str, words)])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_photo(tmp_path / 'face.png')


def save_photo(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), cv2.resize(astronaut(), (64, 64))[..., ::-1])
    return path


def fail_for(name: str, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing the photo of that name raises the error; the others are drawn."""
    whole = pipeline.Pipeline.draw

    def fail(self: pipeline.Pipeline, path: Path, **options: object) -> pipeline.PipelineResult:
        if Path(path).name == name:
            raise error
        return whole(self, path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline.Pipeline, 'draw', fail)


# ------------------------------------------------------------------------------- one photo
def test_an_interruption_ends_with_130_and_a_report_that_says_so(
    draw: Draw, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_for('face.png', KeyboardInterrupt(), monkeypatch)
    assert draw(photo, '-o', tmp_path / 'plan.svg', '--json', tmp_path / 'report.json') == 130
    assert capsys.readouterr().err == 'sketch-robot: interrupted\n'
    report = json.loads((tmp_path / 'report.json').read_text())
    assert (report['error_code'], report['error'], report['error_msg']) == (8, 'CANCELLED', 'interrupted')
    assert not (tmp_path / 'plan.svg').exists()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'these words are no photo', 'is no picture that can be read; use JPEG or PNG'),
        (cv2.imencode('.png', np.zeros((1, 1, 3), np.uint8))[1].tobytes(), 'is too small: 1 x 1'),
        (cv2.imencode('.png', np.zeros((64, 64, 3), np.uint8))[1].tobytes()[:60], 'is damaged or truncated'),
    ],
    ids=['text', '1x1', 'truncated'],
)
def test_a_bad_photo_is_told_in_one_line_and_in_the_report(
    draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    bad = tmp_path / 'bad.png'
    bad.write_bytes(content)
    assert draw(bad, '-o', tmp_path / 'plan.json', '--json', tmp_path / 'report.json') == 1
    said = capsys.readouterr().err
    assert said.count('\n') == 1
    assert said.startswith(f'sketch-robot: BAD_IMAGE: {bad} {message}')
    assert json.loads((tmp_path / 'report.json').read_text())['error'] == 'BAD_IMAGE'
    assert not (tmp_path / 'plan.json').exists()


def test_line_art_that_cannot_be_written_leaves_no_plan(
    draw: Draw, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'ink.png').mkdir()
    assert draw(photo, '-o', tmp_path / 'plan.svg', '--line-art', tmp_path / 'full' / 'ink.png') == 2
    assert 'is a folder; name a file' in capsys.readouterr().err
    assert not (tmp_path / 'plan.svg').exists()


def test_a_photo_is_not_overwritten_by_its_results(
    draw: Draw, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = photo.read_bytes()
    assert draw(photo, '-o', tmp_path / 'plan.svg', '--simulate', tmp_path / '.' / 'face.png') == 2
    assert 'face.png is named twice' in capsys.readouterr().err
    assert photo.read_bytes() == before


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (('--detail', 'all'), "detail must be one of 'few', 'normal', 'many', not 'all'"),
        (('--age-lines', '1.5'), 'age_lines must lie between 0 and 1, not 1.5'),
        (('--caricature', '0.6'), 'caricature must lie between 0 and 0.5, not 0.6'),
        (
            ('--shading', 'oil'),
            "shading must be one of 'none', 'hatch', 'cross', 'contour', 'stipple', 'spiral', 'scribble', 'one_line', "
            "not 'oil'",
        ),
    ],
)
def test_a_wish_that_cannot_be_met_is_told_in_one_line(
    draw: Draw, photo: Path, tmp_path: Path, words: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw(photo, '-o', tmp_path / 'plan.json', *words) == 2
    assert capsys.readouterr().err == f'sketch-robot: BAD_GOAL: {said}\n'


def test_the_report_without_paper_is_the_plans_and_with_it_the_drawings(
    draw: Draw, photo: Path, tmp_path: Path
) -> None:
    reports = []
    for options in ([], ['--simulate', tmp_path / 'paper.png']):
        assert draw(photo, '-o', tmp_path / 'plan.svg', '--json', tmp_path / 'r.json', *options) == 0
        reports.append(json.loads((tmp_path / 'r.json').read_text()))
    planned, drawn = reports
    assert planned['simulated_s'] == planned['stage_s']['draw'] == 0.0
    assert drawn['simulated_s'] == pytest.approx(drawn['predicted_s'], abs=1e-3)
    assert {drawn[name] == planned[name] for name in ('strokes', 'lifts', 'ink_mm', 'travel_mm')} == {True}


# ------------------------------------------------------------------------------- a folder of photos
def test_a_defect_in_one_photo_is_reported_as_such_and_the_others_are_drawn(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ('a.png', 'b.png', 'c.png'):
        save_photo(tmp_path / 'in' / name)
    fail_for('b.png', ZeroDivisionError('by nought'), monkeypatch)
    assert draw(tmp_path / 'in', '-o', tmp_path / 'out') == 1
    assert 'sketch-robot: b.png: INTERNAL: ZeroDivisionError: by nought' in capsys.readouterr().err
    photos = json.loads((tmp_path / 'out' / 'report.json').read_text())['photos']
    assert [each['error'] for each in photos] == ['OK', 'INTERNAL', 'OK']
    assert sorted(path.name for path in (tmp_path / 'out').glob('*.svg')) == ['a.svg', 'c.svg']


def test_many_photos_fill_several_sheets_and_a_shorter_run_removes_those_of_a_longer_one(
    draw: Draw, tmp_path: Path
) -> None:
    photos = [save_photo(tmp_path / 'in' / f'{number:02}.png') for number in range(2 * COLUMNS * ROWS + 1)]
    sheets = ['contact_sheet.png', 'contact_sheet_2.png', 'contact_sheet_3.png']
    for left in (len(photos), COLUMNS * ROWS + 1, 1):
        for path in photos[left:]:
            path.unlink(missing_ok=True)
        assert draw(tmp_path / 'in', '-o', tmp_path / 'out') == 0
        found = sorted(path.name for path in (tmp_path / 'out').glob('contact_sheet*'))
        assert found == sheets[: -(-left // (COLUMNS * ROWS))]


def test_a_folder_of_bad_photos_only_leaves_a_report_and_no_sheet(draw: Draw, tmp_path: Path) -> None:
    (tmp_path / 'in').mkdir()
    (tmp_path / 'in' / 'bad.jpg').write_bytes(b'no')
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'contact_sheet.png').write_bytes(b'of an earlier run')
    assert draw(tmp_path / 'in', '-o', tmp_path / 'out') == 1
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['report.json']


def test_line_art_and_drawings_of_a_folder_need_a_folder_each(
    draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_photo(tmp_path / 'in' / 'a.png')
    same = tmp_path / 'pictures'
    assert draw(tmp_path / 'in', '-o', tmp_path / 'out', '--line-art', same, '--simulate', same) == 2
    assert 'pictures is named twice' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_the_report_of_a_folder_goes_where_it_is_wanted(draw: Draw, tmp_path: Path) -> None:
    save_photo(tmp_path / 'in' / 'a.png')
    assert draw(tmp_path / 'in', '-o', tmp_path / 'out', '--json', tmp_path / 'figures.json') == 0
    assert json.loads((tmp_path / 'figures.json').read_text())['drawn'] == 1
    assert not (tmp_path / 'out' / 'report.json').exists()


def test_a_folder_that_cannot_be_made_is_told(draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_photo(tmp_path / 'in' / 'a.png')
    (tmp_path / 'file').write_text('in the way')
    assert draw(tmp_path / 'in', '-o', tmp_path / 'file' / 'out') == 1
    assert capsys.readouterr().err.startswith('sketch-robot: BAD_GOAL: cannot make the folder')


def test_a_file_name_that_is_no_text_is_drawn_and_told(
    draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_photo(tmp_path / 'a.png').rename(tmp_path / 'b\udcff.png')
    assert draw(tmp_path / 'b\udcff.png', '-o', tmp_path / 'plan\udcff.svg') == 0
    assert 'plan\\udcff.svg: 2 strokes' in capsys.readouterr().out


def test_a_usage_error_is_a_failure_with_a_code() -> None:
    assert issubclass(UsageError, SketchRobotError)
    assert UsageError(ErrorCode.BAD_GOAL, 'no').code == ErrorCode.BAD_GOAL


@pytest.mark.parametrize('which', ['photo', 'plan'])
def test_a_name_too_long_for_the_file_system_is_told_in_one_line(
    draw: Draw, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], which: str
) -> None:
    names = {'photo': photo, 'plan': tmp_path / 'plan.svg'}
    names[which] = tmp_path / ('n' * 300 + '.svg')
    assert draw(names['photo'], '-o', names['plan']) == 1
    said = capsys.readouterr().err
    assert said.startswith('sketch-robot: BAD_')
    assert said.endswith('File name too long\n')
    assert said.count('\n') == 1


def test_ctrl_c_ends_the_program_with_130_and_one_line(tmp_path: Path) -> None:
    words = [
        sys.executable,
        '-m',
        'sketch_robot.cli',
        'draw',
        str(tmp_path / 'pipe.jpg'),
        '-o',
        str(tmp_path / 'p.svg'),
    ]
    os.mkfifo(tmp_path / 'pipe.jpg')
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as program:
        with (tmp_path / 'pipe.jpg').open('wb'):  # opened once the program reads the photo, which never comes
            program.send_signal(signal.SIGINT)
            assert program.wait(30.0) == 130
        assert program.stderr is not None
        assert program.stderr.read() == 'sketch-robot: interrupted\n'
    assert [path.name for path in tmp_path.iterdir()] == ['pipe.jpg']
