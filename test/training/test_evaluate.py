"""Evaluation, robot measures, sheets and the comparison of models."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.student import weight_file
from sketch_robot.line_art.student.u2net import U2Net, U2NetChannels
from sketch_robot.line_art.student.weight_file import load_weights, save_weights
from sketch_robot.training import experiment
from sketch_robot.training.commands import add_commands, run
from sketch_robot.training.evaluate import Scores, evaluate_artist, ink_outside, measure_drawing
from sketch_robot.training.experiment import ExperimentOptions, results_table, run_experiment
from sketch_robot.training.gallery import contact_sheet, save_picture, strokes_picture
from sketch_robot.training.portraits import PortraitFolder, Split
from sketch_robot.training.whole_run import export_weights

SMALL = U2NetChannels(inner=(2,) * 11, outer=(4,) * 11)


@pytest.fixture
def tiny_nets(monkeypatch):
    monkeypatch.setitem(weight_file.CHANNELS, 'student', SMALL)
    monkeypatch.setitem(weight_file.CHANNELS, 'teacher', U2NetChannels((3,) * 11, (6,) * 11))


def _circle(radius: int = 100) -> np.ndarray:
    ink = np.zeros((512, 512), np.uint8)
    cv2.circle(ink, (256, 256), radius, 255, 3, cv2.LINE_AA)
    return ink.astype(np.float32) / 255


def _commands() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    return parser


def test_an_arc_is_one_stroke_of_its_length_on_a5():
    arc = np.zeros((512, 512), np.uint8)
    cv2.ellipse(arc, (256, 256), (100, 100), 0, 0, 300, 255, 3, cv2.LINE_AA)
    measures = measure_drawing(arc.astype(np.float32) / 255)
    assert measures.strokes == 1
    assert measures.ink_mm == pytest.approx(300 / 360 * 2 * np.pi * 100 * 128 / 512, rel=0.03)  # A5 leaves 128 mm
    assert 0 < measures.fast_s < measures.axidraw_s


def test_an_empty_drawing_takes_no_time():
    assert asdict(measure_drawing(np.zeros((64, 64), np.float32))) == {
        'strokes': 0, 'ink_mm': 0.0, 'axidraw_s': 0.0, 'fast_s': 0.0,
    }  # fmt: skip


def test_ink_outside_is_a_share_of_the_ink():
    matte = np.zeros((512, 512), np.float32)
    matte[:, :256] = 1
    assert ink_outside(_circle(), matte) == pytest.approx(0.48, abs=0.02)  # half, less the margin
    assert ink_outside(_circle(), np.ones((512, 512))) == 0
    assert ink_outside(np.zeros((512, 512)), matte) == 0


def test_a_perfect_artist_has_perfect_scores(portraits):
    folder = PortraitFolder(portraits)
    some = folder.portraits[:2]
    known = [folder.example(portrait, scale) for portrait in some for scale in ('head', 'face')]
    inks = {example.rgb.tobytes(): example.ink / np.float32(255) for example in known}
    scores = evaluate_artist(lambda rgb: inks[rgb.tobytes()], folder, some)
    assert scores.portraits == 2
    assert scores.psnr > 100  # float32 against float64
    assert (scores.ssim, scores.fsim, scores.gmsd) == pytest.approx((1, 1, 0), abs=1e-9)
    assert 2 <= scores.strokes <= 4
    assert scores.ink_outside == 0


def test_scales_are_scored_together_and_strokes_counted_on_heads_alone(portraits):
    folder = PortraitFolder(portraits)
    blank = np.zeros((64, 64), np.float32)
    both = evaluate_artist(lambda _: blank, folder, folder.portraits[:2], size_px=64, robot=False)
    each = [
        evaluate_artist(lambda _: blank, folder, folder.portraits[:2], size_px=64, scales=(scale,), robot=False)
        for scale in ('head', 'face')
    ]
    assert both.psnr == pytest.approx((each[0].psnr + each[1].psnr) / 2)
    assert both.strokes == 0


def test_nothing_to_evaluate_on_is_an_error(portraits):
    with pytest.raises(ValueError, match='nothing to evaluate'):
        evaluate_artist(lambda rgb: rgb, PortraitFolder(portraits), [])


def test_sheets_lay_rows_out_side_by_side_and_fill_up_with_white():
    row = [np.zeros((50, 50, 3), np.uint8), np.ones((50, 50), np.float32)]
    sheet = contact_sheet([row] * 3, tile_px=20, groups=2)
    assert sheet.shape == (40, 80, 3)
    assert sheet[5, 25].tolist() == [0, 0, 0]  # ink is black
    assert sheet[30, 60].tolist() == [255, 255, 255]


def test_strokes_are_shown_in_different_colours(tmp_path):
    from sketch_robot.stroke import Stroke

    strokes = [Stroke(np.array([[5.0, y], [55.0, y]])) for y in (10.0, 40.0)]
    picture = strokes_picture(strokes, (60, 60))
    assert picture[9, 30].tolist() != picture[39, 30].tolist()
    save_picture(picture, tmp_path / 'sheet' / 's.png')
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'sheet' / 's.png'))[..., ::-1], picture)


def test_the_comparison_trains_teaches_and_tabulates_and_goes_on(portraits, tmp_path, tiny_nets, monkeypatch):
    folder = PortraitFolder(portraits)
    split = Split(folder.portraits[:4], folder.portraits[4:5])
    options = ExperimentOptions(size_px=64, pictures=2, steps=2, fold=1, seeds=(0,), candidates=('U2-NetT', 'U2-NetS'))
    results = run_experiment(tmp_path, folder, split, options)
    assert list(results) == ['U2-NetT', 'U2-NetS']
    assert (tmp_path / 'U2-NetS_seed0' / 'weights.safetensors').is_file()
    table = (tmp_path / 'table.md').read_text()
    assert '| U2-NetT |' in table
    assert json.loads((tmp_path / 'results.json').read_text())['options']['steps'] == 2
    monkeypatch.setattr(experiment, '_train', lambda *_: pytest.fail('trained again'))
    assert run_experiment(tmp_path, folder, split, options) == results


def test_the_table_gives_changes_beside_the_papers(tiny_nets):
    def scores(value: float) -> Scores:
        return Scores(5, value, 10 * value, value, value, 60, 1500, 90, 40, 0.01, 5)

    one = results_table({'U2-Netp': {'0': scores(0.5)}, 'U2-NetS': {'0': scores(0.55)}}, 1)
    assert '| U2-Netp to U2-NetS | ours | +10.0 % | +10.0 % | +10.0 % | +10.0 % |' in one
    assert '|  | paper | +11.8 % | +16.2 % | +4.2 % | -10.6 % |' in one
    assert '| U2-NetS | 5 | 60 | 1500 | 90 | 40 | 1.0 |' in one


def test_the_table_gives_the_mean_and_each_seed_and_compares_seeds_that_both_have(tiny_nets):
    def scores(value: float) -> Scores:
        return Scores(5, value, 10 * value, value, value, 60, 1500, 90, 40, 0.01, 5)

    without = {'0': scores(0.4), '1': scores(0.5)}
    table = results_table({'U2-Netp': {'0': scores(0.5), '1': scores(0.5)}, 'U2-Netp without style': without}, 1)
    assert '| 0.450 (0.400, 0.500) | 4.50 (4.00, 5.00) |' in table
    assert '| U2-Netp without style to U2-Netp | ours | +11.1 % (+25.0, +0.0) |' in table
    assert 'U2-NetS' not in table


def test_training_evaluating_and_exporting_by_command(portraits, tmp_path, tiny_nets):
    folder, parser = tmp_path / 'run', _commands()
    common = ['--size', '64', '--pictures', '2', '--device', 'cpu', '--steps', '2', '--fold', '1']
    assert run(parser.parse_args(['train', str(portraits), str(folder), *common])) == 0
    weights = folder / 'weights.safetensors'
    assert (
        run(parser.parse_args(['distill', str(portraits), str(tmp_path / 's'), '--teacher', str(weights), *common]))
        == 0
    )
    scores = tmp_path / 'scores.json'
    arguments = ['evaluate', str(portraits), '--weights', str(weights), '--size', '64', '--out', str(scores)]
    assert run(parser.parse_args(arguments)) == 0
    assert json.loads(scores.read_text())['portraits'] == 1
    assert run(parser.parse_args(['export-model', str(weights), str(tmp_path / 'small.safetensors')])) == 0
    assert load_weights(tmp_path / 'small.safetensors').channels == SMALL


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['train', 'PORTRAITS', 'RUN', '--size', '100'], 'use a multiple of 32'),
        (['train', 'PORTRAITS', 'RUN', '--size', '64', '--fold', '4'], 'at least 128'),
        (['train', 'NOWHERE', 'RUN'], 'label the folder first'),
        (['evaluate', 'PORTRAITS', '--weights', 'NOWHERE'], 'no weights at'),
        (['experiment', 'PORTRAITS', 'RUN', '--models', 'U3-Net'], 'choose from: U2-Net'),
        (['export-model', 'NOWHERE', 'out.onnx'], r'end in \.safetensors or \.xml'),
        (['export-model', 'NOWHERE', 'out.safetensors'], 'no weights at'),
        (['label', 'NOWHERE', 'RUN'], 'has no photos'),
    ],
)
def test_commands_that_cannot_work_say_why_and_write_nothing(portraits, tmp_path, arguments, message):
    places = {'PORTRAITS': str(portraits), 'RUN': str(tmp_path / 'run'), 'NOWHERE': str(tmp_path / 'nowhere')}
    with pytest.raises(SketchRobotError, match=message) as caught:
        run(_commands().parse_args([places.get(a, a) for a in arguments]))
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert not (tmp_path / 'run').exists()


def test_weights_over_5_mb_are_kept_out_of_the_package(tmp_path, monkeypatch):
    large = U2NetChannels((48,) * 11, (96,) * 11)
    monkeypatch.setitem(weight_file.CHANNELS, 'teacher', large)
    save_weights(U2Net(large), tmp_path / 'w.safetensors')
    with pytest.raises(SketchRobotError, match='at most 5 MB'):
        export_weights(tmp_path / 'w.safetensors', tmp_path / 'out.safetensors')
    assert not (tmp_path / 'out.safetensors').exists()


def test_parsing_needs_no_torch():
    code = 'import sys, sketch_robot.training.commands; sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize('command', ['train', 'gallery'])
def test_without_torch_a_command_says_in_one_line_how_to_install_it(command):
    code = "import sys; sys.modules['torch'] = None; from sketch_robot.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, '-c', code, command, 'a', 'b']
    ended = subprocess.run(words, check=False, timeout=60, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == (
        'sketch-robot: BAD_GOAL: this needs torch; install it: '
        'pip install -r requirements/training.txt -c requirements/run.txt\n'
    )
