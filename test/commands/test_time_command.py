"""`sketch-robot time`: predictions as JSON, and machines calibrated by what a run took."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sketch_robot.cli import main
from sketch_robot.motion import (
    DrawingPlan,
    Machine,
    Page,
    load_limits,
    load_machine,
    save_machine,
    save_plan,
    time_plan,
)
from sketch_robot.stroke import Stroke

OWN = load_limits('axidraw')


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user without machines of their own."""
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'config'))
    return tmp_path


@pytest.fixture
def plan() -> DrawingPlan:
    made = tuple(Stroke(np.array([[20.0, 20.0 + k], [120.0, 20.0 + k]])) for k in range(10))
    return DrawingPlan(made, Page(148.0, 210.0, 10.0, 'A5'), OWN, *time_plan(made, OWN))


@pytest.fixture(params=['plan.json', 'plan.svg'])
def file(request: pytest.FixtureRequest, tmp_path: Path, plan: DrawingPlan) -> str:
    save_plan(plan, tmp_path / request.param)
    return str(tmp_path / request.param)


def answer(capsys: pytest.CaptureFixture, *words: str) -> dict:
    assert main(['time', *words]) == 0
    out, err = capsys.readouterr()
    assert err == ''
    return json.loads(out)


def complaint(capsys: pytest.CaptureFixture, status: int, *words: str) -> str:
    assert main(['time', *words]) == status
    out, err = capsys.readouterr()
    assert out == ''
    assert err.count('\n') == 1
    return err


def test_a_plan_is_timed_by_its_own_machine(capsys, file: str, plan: DrawingPlan) -> None:
    said = answer(capsys, file)
    assert said['profile'] == 'axidraw'
    assert said['predicted_s'] == pytest.approx(plan.predicted_s, rel=1e-6)
    assert said['draw_s'] == pytest.approx(10 * (100 / 50 + 50 / 200), rel=1e-6)
    assert said['lift_s'] == pytest.approx(10 * 0.24)
    assert said['predicted_s'] == pytest.approx(said['draw_s'] + said['travel_s'] + said['lift_s'])
    assert (said['strokes'], said['stops'], said['stop_s']) == (10, 21, 0.0)
    assert said['ink_mm'] == pytest.approx(1000.0, rel=1e-6)
    assert said['travel_mm'] == pytest.approx(plan.travel_mm, rel=1e-6)


@pytest.mark.parametrize('name', ['default', 'grbl_fast', 'slow_cnc'])
def test_a_plan_is_timed_by_the_machine_that_is_named(capsys, file: str, plan: DrawingPlan, name: str) -> None:
    stroke_s, return_s = time_plan(plan.strokes, load_limits(name))
    said = answer(capsys, file, '--profile', name)
    assert said['profile'] == name
    assert said['predicted_s'] == pytest.approx(stroke_s.sum() + return_s, rel=1e-6)


def test_a_machine_is_named_by_its_file_too(capsys, file: str, home: Path) -> None:
    save_machine(Machine('mine', motion=replace(OWN, lift_s=1.0)), home / 'mine.yaml')
    assert answer(capsys, file, '--profile', str(home / 'mine.yaml'))['lift_s'] == pytest.approx(11.2)


def test_a_measured_run_tells_what_stops_cost(capsys, file: str, plan: DrawingPlan) -> None:
    said = answer(capsys, file, '--measured', str(plan.predicted_s + 0.21))
    assert said['stop_s'] == pytest.approx(0.01, abs=1e-6)
    assert said['predicted_s'] == pytest.approx(plan.predicted_s + 0.21)
    assert said['uncalibrated_s'] == pytest.approx(plan.predicted_s)
    assert said['measured_s'] == [plan.predicted_s + 0.21]
    assert 'saved' not in said


def test_a_calibrated_machine_is_kept_under_a_name(capsys, file: str, plan: DrawingPlan, home: Path) -> None:
    measured = [f'--measured={plan.predicted_s + extra}' for extra in (0.21, 0.63)]
    said = answer(capsys, file, '--profile', 'axidraw', *measured, '--save', 'attic')
    assert said['saved'] == str(home / 'config' / 'sketch_robot' / 'machines' / 'attic.yaml')
    kept, axidraw = load_machine('attic'), load_machine('axidraw')
    assert kept.motion == replace(axidraw.motion, name='attic', stop_s=said['stop_s'])
    assert said['stop_s'] == pytest.approx(0.02, abs=1e-6)
    assert (kept.driver, kept.description, kept.options) == (axidraw.driver, axidraw.description, axidraw.options)
    assert answer(capsys, file, '--profile', 'attic')['predicted_s'] == pytest.approx(plan.predicted_s + 0.42, rel=1e-6)


def test_a_calibrated_machine_is_kept_in_a_file(capsys, file: str, plan: DrawingPlan, home: Path) -> None:
    path = home / 'machines' / 'attic.yaml'
    answer(capsys, file, '--profile', 'axidraw', '--measured', str(plan.predicted_s), '--save', str(path))
    assert load_machine(path).motion.stop_s == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ('words', 'status', 'message'),
    [
        (['--profile', 'laser'], 2, "BAD_GOAL: there is no machine 'laser'; choose one of: "),
        (['--measured', '0'], 2, 'BAD_GOAL: --measured takes a positive number of seconds, not 0'),
        (['--measured', 'nan'], 2, 'BAD_GOAL: --measured takes a positive number of seconds, not nan'),
        (['--measured', 'soon'], 2, "argument --measured: invalid float value: 'soon'"),
        (['--measured', '3'], 1, "the machine is faster than the profile 'axidraw'"),
        (['--save', 'mine', '--measured', '40'], 2, 'BAD_GOAL: --save needs --profile, the machine, and --measured'),
        (
            ['--save', 'mine', '--profile', 'axidraw'],
            2,
            'BAD_GOAL: --save needs --profile, the machine, and --measured',
        ),
        (['--save', 'a b', '--profile', 'axidraw', '--measured', '40'], 1, "'a b' is no name of a machine"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(
    capsys, tmp_path: Path, plan: DrawingPlan, words: list[str], status: int, message: str
) -> None:
    save_plan(plan, tmp_path / 'plan.json')
    assert message in complaint(capsys, status, str(tmp_path / 'plan.json'), *words)


@pytest.mark.parametrize(
    ('file', 'text', 'message'),
    [
        ('none.json', None, 'BAD_PLAN'),
        ('plan.txt', '', 'must end in .json or .svg'),
        ('bad.json', '{', 'BAD_PLAN: the drawing plan cannot be read'),
    ],
)
def test_plans_that_cannot_be_read_are_refused(
    capsys, tmp_path: Path, file: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / file).write_text(text)
    assert message in complaint(capsys, 1, str(tmp_path / file))
