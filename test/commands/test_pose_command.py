"""`sketch-robot pose`."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.cli import main
from sketch_robot.motion import load_plan
from sketch_robot.testing.people import synthetic_person


@pytest.fixture(scope='module')
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('pose') / 'sitter.png'
    cv2.imwrite(str(path), synthetic_person()[0][..., ::-1])
    return path


def test_a_sitter_is_planned_as_a_dancer_inside_the_page(photo, tmp_path, capsys):
    out = tmp_path / 'plan.json'
    assert main(['pose', str(photo), '--pose', 'dancer', '-o', str(out), '--json', str(tmp_path / 'report.json')]) == 0
    plan = load_plan(out)
    points = np.concatenate([stroke.xy for stroke in plan.strokes])
    assert (points >= 0).all()
    assert (points <= (plan.page.width_mm, plan.page.height_mm)).all()
    assert np.ptp(points[:, 1]) > 1.4 * np.ptp(points[:, 0])
    assert json.loads((tmp_path / 'report.json').read_text())['faces'] == 1
    assert 'strokes' in capsys.readouterr().out


def test_a_time_budget_leaves_the_face_and_drops_what_matters_least(photo, tmp_path):
    whole, short = tmp_path / 'whole.json', tmp_path / 'short.json'
    assert main(['pose', str(photo), '--pose', 'as_they_stand', '-o', str(whole)]) == 0
    plan = load_plan(whole)
    budget = ['--time-budget', str(round(0.7 * plan.predicted_s))]
    assert main(['pose', str(photo), '--pose', 'as_they_stand', '-o', str(short), *budget]) == 0
    kept = load_plan(short)
    assert kept.left_out > 0
    eyes = [sum(stroke.label == 'eye' for stroke in each.strokes) for each in (plan, kept)]
    assert eyes[0] == eyes[1] > 0


@pytest.mark.parametrize(
    ('words', 'status', 'message'),
    [
        (['--pose', 'cartwheel'], 2, "there is no pose 'cartwheel'; choose one of: as_they_stand, dancer"),
        (['--pose', 'nowhere.png'], 2, 'nowhere.png'),
        (['--pose', 'hero', '--shading', 'hatch'], 2, 'not with the shading'),
        ([], 2, '--pose'),
    ],
)
def test_what_cannot_be_done_is_said(photo, tmp_path, capsys, words, status, message):
    assert main(['pose', str(photo), '-o', str(tmp_path / 'plan.svg'), *words]) == status
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'plan.svg').exists()


def test_half_a_sitter_is_told_to_step_back(photo, tmp_path, capsys):
    half = tmp_path / 'half.png'
    cv2.imwrite(str(half), cv2.imread(str(photo))[:560])
    assert main(['pose', str(half), '--pose', 'dancer', '-o', str(tmp_path / 'plan.svg')]) == 1
    assert 'NO_BODY' in (said := capsys.readouterr().err)
    assert 'step back' in said
