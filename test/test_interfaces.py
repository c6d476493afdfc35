"""The messages of `sketch_robot_interfaces`: their constants are the code's, and every field is explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState

from sketch_robot.errors import ErrorCode
from sketch_robot.plotters.plotter import PlotterStatus

FOLDER = Path(__file__).parents[1] / 'sketch_robot_interfaces'
FILES = sorted(path for kind in ('action', 'msg', 'srv') for path in (FOLDER / kind).iterdir())


def constants(path: Path) -> dict[str, int]:
    """NAME=number lines of a definition."""
    found = {}
    for line in path.read_text().splitlines():
        name, sign, value = line.split('#')[0].partition('=')
        if sign and len(name.split()) == 2:
            found[name.split()[1]] = int(value)
    return found


def fields(path: Path) -> list[tuple[str, str, str]]:
    """(type, name, comment) of each field; its own comment, or that on the lines above it since the last empty one."""
    found, above = [], ''
    for line in path.read_text().splitlines():
        code, sign, comment = line.partition('#')
        words = code.split()
        if not words or words == ['---']:
            above = comment.strip() if sign else ''
        elif len(words) == 2 and '=' not in code:
            found.append((words[0], words[1], comment.strip() or above))
    return found


def test_the_error_codes_of_the_action_are_those_of_the_code() -> None:
    ours = {code.name: code.value for code in ErrorCode}
    assert {name: getattr(Draw.Goal, name) for name in ours} == ours
    assert {k: v for k, v in constants(FOLDER / 'action' / 'Draw.action').items() if k in ours} == ours
    phases = {'CAPTURE': 0, 'LINE_ART': 1, 'PLAN': 2, 'DRAW': 3, 'PARK': 4}
    assert constants(FOLDER / 'action' / 'Draw.action') == {**ours, **phases}


def test_the_states_of_the_plotter_are_those_of_the_code() -> None:
    ours = {status.name: status.value for status in PlotterStatus}
    assert {name: getattr(PlotterState, name) for name in ours} == ours
    assert constants(FOLDER / 'msg' / 'PlotterState.msg') == ours


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_every_field_is_explained(path: Path) -> None:
    found = fields(path)
    assert found
    silent = [name for _, name, comment in found if not comment]
    assert not silent, f'{path.name}: no comment on {silent}'
    assert path.read_text().startswith('# ')


def test_every_definition_is_built() -> None:
    listed = (FOLDER / 'CMakeLists.txt').read_text()
    assert [path.name for path in FILES if f'"{path.parent.name}/{path.name}"' not in listed] == []


@pytest.mark.parametrize('unit', ['ink', 'travel', 'page_width', 'margin', 'draw_speed', 'pen_width', 'half_width'])
def test_lengths_say_their_unit(unit: str) -> None:
    comments = [comment for path in FILES for _, name, comment in fields(path) if name == unit]
    assert comments
    assert all('metres' in text or 'm/s' in text or 'same unit' in text for text in comments)
