"""`sketch-robot export`: the file's name says the form; one line for what goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sketch_robot.cli import main
from sketch_robot.motion import DrawingPlan, Page, save_plan
from sketch_robot.stroke import Stroke


@pytest.fixture(autouse=True)
def plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'config'))
    monkeypatch.chdir(tmp_path)
    strokes = (Stroke(np.array([[20.0, 20.0], [80.0, 100.0]])),)
    save_plan(DrawingPlan(strokes, Page(105.0, 148.0, 10.0, 'A6'), stroke_s=np.ones(1)), 'plan.json')
    return tmp_path / 'plan.json'


@pytest.mark.parametrize(
    ('name', 'begins'),
    [
        ('a.gcode', b''),
        ('a.nc', b''),
        ('a.hpgl', b''),
        ('a.PDF', b'%PDF-1.4'),
        ('a.png', b'\x89PNG'),
        ('a.svg', b'<svg'),
        ('a.json', b'{'),
    ],
)
def test_a_file_of_each_form_is_written(capsys: pytest.CaptureFixture, name: str, begins: bytes) -> None:
    assert main(['export', 'plan.json', '-o', name]) == 0
    data = Path(name).read_bytes()
    assert len(data) > 40
    assert begins in data[:60]
    assert capsys.readouterr().out == f'{name}: 1 strokes, {len(data)} bytes\n'


@pytest.mark.parametrize(
    ('words', 'status', 'said'),
    [
        (['plan.json', '-o', 'a.dxf'], 2, 'must end in one of .gcode'),
        (['plan.json', '-o', 'plan.json'], 2, 'is the plan itself'),
        (['none.json', '-o', 'a.pdf'], 1, 'none.json'),
        (['plan.json', '-o', 'nowhere/a.pdf'], 1, 'there is no folder nowhere'),
        (['plan.json', '-o', 'a.gcode', '--machine', 'axidraw'], 1, 'does not speak gcode'),
    ],
)
def test_what_goes_wrong_is_one_line(capsys: pytest.CaptureFixture, words: list[str], status: int, said: str) -> None:
    assert main(['export', *words]) == status
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1)
    assert said in err
