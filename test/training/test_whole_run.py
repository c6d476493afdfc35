"""The whole run: labels, teacher, student and export, by one command, and on again after a stop."""

from __future__ import annotations

import argparse
import json

import pytest

from sketch_robot.line_art.student import weight_file
from sketch_robot.line_art.student.u2net import U2NetChannels
from sketch_robot.line_art.student.weight_file import load_weights, read_notes
from sketch_robot.training import whole_run
from sketch_robot.training.commands import add_commands, run
from sketch_robot.training.labels import LabelCount
from sketch_robot.training.losses import LossWeights
from sketch_robot.training.portraits import pack_portraits
from sketch_robot.training.whole_run import PHASES, Phase, WholeRunOptions, run_whole

SMALL = U2NetChannels(inner=(2,) * 11, outer=(4,) * 11)
TINY = (Phase('teacher', 'teacher', 128, 0.5), Phase('student', 'student', 128, 0.5, teacher='teacher'))


@pytest.fixture(autouse=True)
def _tiny_nets(monkeypatch):
    monkeypatch.setitem(weight_file.CHANNELS, 'student', SMALL)
    monkeypatch.setitem(weight_file.CHANNELS, 'teacher', U2NetChannels((3,) * 11, (6,) * 11))
    monkeypatch.setattr(whole_run, '_start', lambda *_: None)
    monkeypatch.setattr(whole_run, 'TRIAL_STEPS', 2)
    monkeypatch.setattr(whole_run, 'UNTIMED_STEPS', 1)


def _options(**changes) -> WholeRunOptions:
    plain = {'minutes': 1e-6, 'phases': TINY, 'weights': LossWeights(style=0, distillation=1.0)}
    return WholeRunOptions(**(plain | changes))


@pytest.fixture
def _without_openvino(monkeypatch):
    monkeypatch.setattr(whole_run, 'find_spec', lambda _: None)


def test_phases_share_all_the_minutes_and_teach_before_they_are_learned_from():
    assert sum(phase.share for phase in PHASES) == pytest.approx(1)
    names = [phase.name for phase in PHASES]
    for number, phase in enumerate(PHASES):
        assert {phase.start, phase.teacher} - {''} <= set(names[:number])


def test_one_command_trains_teacher_and_student_and_exports_what_is_small(portraits, tmp_path, monkeypatch):
    monkeypatch.setattr(whole_run, 'WholeRunOptions', lambda **given: _options(**(given | {'minutes': 1e-6})))
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    pack_portraits(portraits, tmp_path / 'p.zip')
    words = ['train', '--all', str(tmp_path / 'p.zip'), str(tmp_path / 'run'), '--minutes', '1', '--device', 'cpu']
    assert run(parser.parse_args(words)) == 0
    out = tmp_path / 'run' / 'out'
    names = {path.name for path in out.iterdir()}
    assert names == {'student.safetensors', 'student.xml', 'student.bin', 'samples.jpg', 'report.json'}
    assert sum(path.stat().st_size for path in out.iterdir()) < 16e6
    assert load_weights(out / 'student.safetensors').channels == SMALL
    report = json.loads((out / 'report.json').read_text())
    assert {name: spent['steps'] for name, spent in report['phases'].items()} == {'teacher': 2, 'student': 2}
    assert report['portraits'] == 5
    assert 0 < report['scores']['psnr'] < 40


@pytest.mark.usefixtures('_without_openvino')
def test_a_stopped_run_goes_on_with_the_steps_that_were_planned(portraits, tmp_path, monkeypatch):
    asked = iter([False, False, True])  # one phase to begin, one step of it
    run_whole(portraits, tmp_path, _options(), device='cpu', stop=lambda: next(asked, True))
    plan = json.loads((tmp_path / 'plan.json').read_text())
    assert plan == {'teacher': 2}
    assert read_notes(tmp_path / 'teacher' / 'weights.safetensors')['step'] == '1'
    assert not (tmp_path / 'out').exists()
    monkeypatch.setattr(
        whole_run, '_steps_that_fit', lambda phase, *_: 3 if phase.name == 'student' else pytest.fail('planned again')
    )
    run_whole(portraits, tmp_path, _options(), device='cpu')
    assert json.loads((tmp_path / 'plan.json').read_text()) == {'teacher': 2, 'student': 3}
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert report['phases']['teacher']['from'] == 1


@pytest.mark.usefixtures('_without_openvino')
def test_photos_are_labelled_first(portraits, tmp_path, monkeypatch):
    photos = tmp_path / 'photos'
    photos.mkdir()

    def label(source, out, *, artist, processes):
        assert (source, artist, processes) == (photos, 'guided', 3)
        out.symlink_to(portraits)
        return LabelCount(6, 0, 0)

    monkeypatch.setattr(whole_run, 'label_folder', label)
    (tmp_path / 'run').mkdir()
    run_whole(photos, tmp_path / 'run', _options(processes=3), device='cpu')
    assert json.loads((tmp_path / 'run' / 'out' / 'report.json').read_text())['portraits'] == 5
