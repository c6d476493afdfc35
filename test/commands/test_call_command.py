"""`sketch-robot call` before it meets a robot; with one it is tested beside the client."""

from __future__ import annotations

import sys

import pytest

from sketch_robot.cli import main


@pytest.mark.parametrize(
    ('words', 'status', 'said'),
    [
        (['--set', 'page'], 2, "--set wants NAME=VALUE, not 'page'"),
        (['--set', 'page=[1'], 2, 'the value of page is no YAML'),
        (['--plan', 'plan.txt'], 2, 'must end in .svg or .json'),
        (['--set', 'pgae=A5'], 1, "draw has no 'pgae'"),
        (['--time-budget', '-1'], 1, 'time_budget is a number of seconds from 0 on, not -1.0'),
        (['missing.jpg'], 1, 'BAD_IMAGE: '),
    ],
)
def test_what_cannot_be_asked_is_told_before_a_robot_is_looked_for(
    capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str
) -> None:
    assert main(['call', *words]) == status
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_without_ros_it_says_how_to_have_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith(('sketch_robot.client', 'sketch_robot.nodes'))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'rclpy', None)
    assert main(['call']) == 1
    assert 'no ROS 2 here (no module rclpy): source ' in capsys.readouterr().err
