"""The command line, called as a shell does: statuses, one line for each error, files whole or not at all."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, coffee

from sketch_robot import __version__
from sketch_robot.cli import main
from sketch_robot.motion import load_plan

FAILED, USAGE, INTERRUPTED = 1, 2, 130
REPOSITORY = Path(__file__).parents[1]


@dataclass
class Said:
    """What a command left: its exit status and the lines it wrote."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of an error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith('sketch-robot: ')
        return lines[0].removeprefix('sketch-robot: ')


Command = Callable[..., Said]


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str | Path) -> Said:
        capfd.readouterr()
        status = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Said(status, out, err)

    return run


@pytest.fixture(scope='module')
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('photos') / 'face.jpg'
    cv2.imwrite(str(path), astronaut()[..., ::-1])
    return path


@pytest.fixture
def mug(tmp_path: Path) -> Path:
    path = tmp_path / 'mug.png'
    cv2.imwrite(str(path), coffee()[..., ::-1])
    return path


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a model is a failure: for what must be refused at once."""

    def refuse() -> None:
        raise AssertionError('a model was loaded')

    monkeypatch.setattr('sketch_robot.pipeline.SitterFinder', refuse)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ------------------------------------------------------------------------------- one photo
def test_a_photo_becomes_a_plan_with_line_art_drawing_and_report(command: Command, face: Path, tmp_path: Path) -> None:
    said = command(
        'draw', face, '-o', tmp_path / 'plan.svg', '--page', 'A5', '--time-budget', '120', '--artist', 'guided',
        '--line-art', tmp_path / 'ink.png', '--simulate', tmp_path / 'drawing.png', '--json', tmp_path / 'report.json',
    )  # fmt: skip
    assert (said.status, said.err) == (0, '')
    assert names(tmp_path) == ['drawing.png', 'ink.png', 'plan.svg', 'report.json']

    plan = load_plan(tmp_path / 'plan.svg')
    report = json.loads((tmp_path / 'report.json').read_text())
    assert (report['error_code'], report['error'], report['error_msg']) == (0, 'OK', '')
    assert (report['faces'], report['artist'], report['page']) == (1, 'guided', 'A5')
    assert report['strokes'] == report['lifts'] == len(plan.strokes) > 20
    assert report['predicted_s'] == pytest.approx(plan.predicted_s, abs=0.05)
    assert report['simulated_s'] == pytest.approx(report['predicted_s'], abs=0.002)
    assert report['ink_mm'] == pytest.approx(plan.ink_mm, rel=1e-3)
    assert report['travel_mm'] == pytest.approx(plan.travel_mm, rel=1e-3)
    assert all(report['stage_s'][stage] > 0.0 for stage in ('capture', 'line_art', 'plan', 'draw'))

    ink = cv2.imread(str(tmp_path / 'ink.png'), cv2.IMREAD_UNCHANGED)
    assert ink is not None
    assert ink.shape == (512, 512)
    assert 0.01 < (ink < 128).mean() < 0.3  # dark lines on white
    drawing = cv2.imread(str(tmp_path / 'drawing.png'), cv2.IMREAD_UNCHANGED)
    assert drawing is not None
    assert drawing.shape == (1680, 1184)


def test_the_drawing_shows_the_ink_of_the_plan_and_nothing_else(command: Command, face: Path, tmp_path: Path) -> None:
    command('draw', face, '-o', tmp_path / 'plan.json', '--simulate', tmp_path / 'drawing.png')
    plan = load_plan(tmp_path / 'plan.json')
    drawing = cv2.imread(str(tmp_path / 'drawing.png'), cv2.IMREAD_UNCHANGED)
    assert drawing is not None
    px_per_mm, height = 8.0, drawing.shape[0]
    sampled = np.vstack([_every(stroke.xy, 0.05) for stroke in plan.strokes])
    columns, rows = np.floor(sampled * (px_per_mm, -px_per_mm) + (0.0, height)).astype(int).T
    assert (drawing[rows, columns] < 100).all()
    far = cv2.distanceTransform(_marked(drawing.shape, rows, columns), cv2.DIST_L2, 5)
    assert (drawing[far > px_per_mm * (0.5 * plan.profile.pen_width_mm + 0.1) + 1.5] == 255).all()


def _every(xy: np.ndarray, step_mm: float) -> np.ndarray:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.union1d(np.arange(0.0, along[-1], step_mm), along)
    return np.column_stack([np.interp(at, along, xy[:, k]) for k in (0, 1)])


def _marked(shape: tuple[int, ...], rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    blank = np.full(shape, 255, np.uint8)
    blank[rows, columns] = 0
    return blank


def test_the_page_its_orientation_and_margin_are_kept(command: Command, face: Path, tmp_path: Path) -> None:
    out = tmp_path / 'plan.json'
    said = command('draw', face, '-o', out, '--page', 'A6', '--orientation', 'landscape', '--margin', '20')
    assert said.status == 0
    plan = load_plan(out)
    assert (plan.page.width_mm, plan.page.height_mm, plan.page.margin_mm) == (148.0, 105.0, 20.0)
    points = np.vstack([stroke.xy for stroke in plan.strokes])
    assert points.min() >= 20.0 - 1e-6
    assert (points <= (128.0 + 1e-6, 85.0 + 1e-6)).all()


def test_a_budget_is_kept_and_what_was_left_out_is_told(command: Command, face: Path, tmp_path: Path) -> None:
    said = command('draw', face, '-o', tmp_path / 'plan.json', '--time-budget', '15')
    plan = load_plan(tmp_path / 'plan.json')
    assert plan.predicted_s <= 15.0
    assert f'{plan.left_out} left out' in said.out
    assert plan.left_out > 0


def test_nothing_is_written_to_stderr_where_there_is_no_terminal_and_progress_where_there_is(
    face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    assert main(['draw', str(face), '-o', str(tmp_path / 'plan.svg')]) == 0
    shown = terminal.getvalue()
    assert [word for word in ('reading', 'drawing lines', 'planning') if word in shown] == [
        'reading',
        'drawing lines',
        'planning',
    ]
    assert '\n' not in shown
    assert shown.endswith('\r\x1b[K')  # the line is left empty


# ------------------------------------------------------------------------------- a face is required, or not
def test_no_face_is_told_in_one_line_and_leaves_no_plan(command: Command, mug: Path, tmp_path: Path) -> None:
    out = tmp_path / 'results'
    out.mkdir()
    said = command('draw', mug, '-o', out / 'plan.svg', '--line-art', out / 'ink.png', '--json', out / 'report.json')
    assert said.status == FAILED
    assert said.error.startswith('NO_FACE: no face was found in ')
    assert names(out) == ['report.json']
    report = json.loads((out / 'report.json').read_text())
    assert (report['error_code'], report['error'], report['strokes']) == (2, 'NO_FACE', 0)


def test_the_whole_picture_is_drawn_without_a_face(command: Command, mug: Path, tmp_path: Path) -> None:
    said = command('draw', mug, '-o', tmp_path / 'plan.json', '--whole-picture', '--json', tmp_path / 'report.json')
    assert said.status == 0
    assert json.loads((tmp_path / 'report.json').read_text())['faces'] == 0
    assert len(load_plan(tmp_path / 'plan.json').strokes) > 0


# ------------------------------------------------------------------------------- bad photos
@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, 'BAD_IMAGE: cannot read the picture'),
        (b'', 'BAD_IMAGE: '),
        (b'GIF89 is not what follows', 'BAD_IMAGE: '),
    ],
    ids=['missing', 'empty', 'no picture'],
)
def test_a_photo_that_cannot_be_read_is_told(
    command: Command, tmp_path: Path, content: bytes | None, message: str
) -> None:
    photo, out = tmp_path / 'photo.jpg', tmp_path / 'plan.svg'
    if content is not None:
        photo.write_bytes(content)
    out.write_text('an earlier plan')
    said = command('draw', photo, '-o', out)
    assert said.status == FAILED
    assert said.error.startswith(message)
    assert 'photo.jpg' in said.error
    assert out.read_text() == 'an earlier plan'
    assert set(names(tmp_path)) <= {'photo.jpg', 'plan.svg'}


def test_a_truncated_photo_is_told(command: Command, face: Path, tmp_path: Path) -> None:
    (tmp_path / 'half.jpg').write_bytes(face.read_bytes()[:9000])
    said = command('draw', tmp_path / 'half.jpg', '-o', tmp_path / 'plan.svg')
    assert said.status == FAILED
    assert said.error.startswith('BAD_IMAGE: ')
    assert 'truncated' in said.error


# ------------------------------------------------------------------------------- wrong usage
@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            ['--artist', 'rembrandt'],
            "BAD_GOAL: there is no artist 'rembrandt'; choose one of: drawing, guided, student",
        ),
        (['--page', 'A9'], "BAD_GOAL: there is no page 'A9'"),
        (['--page', '50x50', '--margin', '30'], 'leaves nothing inside 30 mm margins'),
        (['--page=-5x10'], 'BAD_GOAL: the page -5 x 10 mm has a side that is not a positive length'),
        (['--page', 'nanx100'], 'is not a positive length'),
        (['--margin', '-1'], 'the margin -1 mm is not a length'),
        (['--margin', 'nan'], 'the margin nan mm is not a length'),
        (['--margin', 'wide'], "argument --margin: invalid float value: 'wide'"),
        (['--time-budget', '-1'], 'a time budget of -1 s is not a length of time'),
        (['--time-budget', 'nan'], 'a time budget of nan s is not a length of time'),
        (['--time-budget', 'inf'], 'a time budget of inf s is not a length of time'),
        (['--time-budget', 'soon'], "argument --time-budget: invalid float value: 'soon'"),
        (['--profile', 'lightning'], "BAD_GOAL: there is no machine 'lightning'"),
        (['--orientation', 'up'], "argument --orientation: invalid choice: 'up'"),
        (['--line-art', 'ink.jpg'], 'the name of ink.jpg must end in .png'),
        (['--simulate', 'drawing'], 'the name of drawing must end in .png'),
        (['--shade'], 'unrecognized arguments: --shade'),
        (['--time', '5'], 'unrecognized arguments: --time 5'),
    ],
    ids=lambda value: '_'.join(value) if isinstance(value, list) else '',
)
@pytest.mark.usefixtures('no_models')
def test_wrong_usage_is_told_in_one_line_before_any_work(
    command: Command, face: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    said = command('draw', face, '-o', tmp_path / 'plan.svg', *options)
    assert said.status == USAGE
    assert message in said.error
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ([], 'the following arguments are required: COMMAND'),
        (['paint'], "invalid choice: 'paint'"),
        (['draw'], 'the following arguments are required: PHOTO, -o/--out'),
        (['draw', 'face.jpg'], 'the following arguments are required: -o/--out'),
        (['draw', 'face.jpg', '-o', 'plan.dxf'], 'the name of plan.dxf must end in .svg or .json'),
        (['draw', 'face.jpg', '-o', 'face.jpg'], 'must end in .svg or .json'),
    ],
    ids=lambda value: '_'.join(value) or 'nothing' if isinstance(value, list) else '',
)
def test_a_command_line_that_lacks_something_is_told_in_one_line(
    command: Command, words: list[str], message: str
) -> None:
    said = command(*words)
    assert said.status == USAGE
    assert message in said.error


@pytest.mark.usefixtures('no_models')
def test_one_file_is_not_written_twice(command: Command, face: Path, tmp_path: Path) -> None:
    said = command('draw', face, '-o', tmp_path / 'a.json', '--json', tmp_path / 'a.json')
    assert said.status == USAGE
    assert 'a.json is named twice' in said.error


@pytest.mark.usefixtures('no_models')
@pytest.mark.parametrize('option', ['-o', '--line-art', '--simulate', '--json'])
def test_a_place_that_cannot_be_written_is_told_before_any_work(
    command: Command, face: Path, tmp_path: Path, option: str
) -> None:
    suffix = {'-o': 'svg', '--json': 'json'}.get(option, 'png')
    wanted = {'-o': tmp_path / 'plan.svg', option: tmp_path / 'no' / f'such.{suffix}'}
    said = command('draw', face, *(word for pair in wanted.items() for word in pair))
    assert said.status in (FAILED, USAGE)
    assert said.error.startswith('BAD_GOAL: cannot write ')
    assert names(tmp_path) == []


def test_a_result_that_cannot_be_replaced_is_told_and_leaves_no_draft(
    command: Command, face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'replace', full)
    said = command('draw', face, '-o', tmp_path / 'plan.svg')
    assert said.status == FAILED
    assert said.error.endswith('plan.svg: No space left on device')
    assert names(tmp_path) == []


# ------------------------------------------------------------------------------- a folder of photos
@pytest.fixture
def photos(tmp_path: Path, face: Path, mug: Path) -> Path:
    folder = tmp_path / 'photos'
    folder.mkdir()
    (folder / 'a.jpg').write_bytes(face.read_bytes())
    cv2.imwrite(str(folder / 'B.PNG'), astronaut()[:, ::-1, ::-1])
    (folder / 'a.png').write_bytes((folder / 'B.PNG').read_bytes())
    (folder / 'broken.jpg').write_bytes(b'\xff\xd8\xff nothing')
    (folder / 'mug.png').write_bytes(mug.read_bytes())
    (folder / 'notes.txt').write_text('no photo')
    (folder / '.hidden.jpg').write_bytes(b'')
    return folder


def test_a_folder_gives_a_plan_for_each_photo_and_tells_the_bad_ones(
    command: Command, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'plans'
    said = command('draw', photos, '-o', out)
    assert said.status == FAILED
    assert names(out) == ['B.svg', 'a.jpg.svg', 'a.png.svg', 'contact_sheet.png', 'report.json']
    complaints = said.err.splitlines()
    assert len(complaints) == 2
    assert complaints[0].startswith('sketch-robot: broken.jpg: BAD_IMAGE: ')
    assert complaints[1].startswith('sketch-robot: mug.png: NO_FACE: ')
    assert said.out == f'{out}: 3 drawn, 2 failed\n'

    report = json.loads((out / 'report.json').read_text())
    assert (report['drawn'], report['failed']) == (3, 2)
    assert {each['photo']: each['error'] for each in report['photos']} == {
        'B.PNG': 'OK',
        'a.jpg': 'OK',
        'a.png': 'OK',
        'broken.jpg': 'BAD_IMAGE',
        'mug.png': 'NO_FACE',
    }
    assert len(load_plan(out / 'a.jpg.svg').strokes) == report['photos'][1]['strokes']
    assert cv2.imread(str(out / 'contact_sheet.png')) is not None


def test_a_folder_of_good_photos_succeeds_and_keeps_pictures_too(command: Command, face: Path, tmp_path: Path) -> None:
    photos = tmp_path / 'in'
    photos.mkdir()
    (photos / 'one.jpg').write_bytes(face.read_bytes())
    ink, drawings = tmp_path / 'ink', tmp_path / 'drawings'
    said = command('draw', photos, '-o', tmp_path / 'out', '--line-art', ink, '--simulate', drawings)
    assert (said.status, said.err) == (0, '')
    assert (names(ink), names(drawings)) == (['one.png'], ['one.png'])
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())['photos'][0]
    assert report['simulated_s'] == pytest.approx(report['predicted_s'], abs=0.002)


@pytest.mark.usefixtures('no_models')
def test_a_folder_without_photos_is_told(command: Command, tmp_path: Path) -> None:
    empty = tmp_path / 'empty'
    empty.mkdir()
    (empty / 'notes.txt').write_text('no photo')
    said = command('draw', empty, '-o', tmp_path / 'out')
    assert said.status == FAILED
    assert said.error.startswith(f'BAD_IMAGE: the folder {empty} holds no pictures (')
    assert not (tmp_path / 'out').exists()


@pytest.mark.usefixtures('no_models')
@pytest.mark.parametrize('out', ['plan.svg', 'photos', 'taken'])
def test_the_results_of_a_folder_need_a_folder_of_their_own(
    command: Command, photos: Path, tmp_path: Path, out: str
) -> None:
    (tmp_path / 'taken').write_text('a file')
    before = names(photos)
    said = command('draw', photos, '-o', tmp_path / out)
    assert said.status == USAGE
    assert said.error.startswith('BAD_GOAL: ')
    assert names(photos) == before


def test_an_interrupted_folder_run_reports_what_was_drawn(
    command: Command, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sketch_robot.pipeline import Pipeline

    whole = Pipeline.draw
    drawn: list[object] = []

    def one_only(self: Pipeline, photo: Path, **options: object) -> object:
        if drawn:
            raise KeyboardInterrupt
        drawn.append(photo)
        return whole(self, photo, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, 'draw', one_only)
    said = command('draw', photos, '-o', tmp_path / 'out')
    assert said.status == INTERRUPTED
    assert said.error == 'interrupted'
    assert [each['error'] for each in json.loads((tmp_path / 'out' / 'report.json').read_text())['photos']] == ['OK']
    assert names(tmp_path / 'out') == ['B.svg', 'contact_sheet.png', 'report.json']


# ------------------------------------------------------------------------------- the program
def test_the_version_is_that_of_the_package(command: Command) -> None:
    assert command('--version') == Said(0, f'sketch-robot {__version__}\n', '')


@pytest.mark.parametrize('words', [['--help'], ['draw', '--help']])
def test_help_names_what_there_is(command: Command, words: list[str]) -> None:
    said = command(*words)
    assert said.status == 0
    wanted = ['draw'] if len(words) == 1 else ['PHOTO', '--page', '--time-budget', '--artist', '--line-art', '--json']
    assert [word for word in wanted if word not in said.out] == []


def test_help_loads_no_model_no_ros_and_no_torch() -> None:
    heavy = '{"torch", "rclpy", "cv2", "numba", "numpy", "openvino"}'
    code = f'import sys; from sketch_robot.cli import main; main(["--help"]); print({heavy} & set(sys.modules))'
    ended = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert ended.stdout.splitlines()[-1] == 'set()'


def test_drawing_loads_no_ros_and_says_nothing_on_stderr_as_a_program(face: Path, tmp_path: Path) -> None:
    code = (
        'import sys; from sketch_robot.cli import main; status = main(sys.argv[1:]);'
        'print("rclpy" in sys.modules); sys.exit(status)'
    )
    words = ['draw', str(face), '-o', str(tmp_path / 'plan.svg')]
    ended = subprocess.run([sys.executable, '-c', code, *words], capture_output=True, text=True, cwd=REPOSITORY)
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1] == 'False'
    assert ended.stderr == ''


def test_a_reader_that_goes_away_is_no_traceback(face: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, '-m', 'sketch_robot.cli', 'draw', str(face), '-o', str(tmp_path / 'plan.svg')]
    ended = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (FAILED, '')
    assert (tmp_path / 'plan.svg').exists()
