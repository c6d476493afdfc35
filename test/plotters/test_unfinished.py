"""The record of a machine's last drawing, and ports that are found again wherever a machine is plugged in."""

from __future__ import annotations

import os
import subprocess
import sys
import tty
from pathlib import Path

import pytest
from drawings import ladder, plan_of

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import state_folder
from sketch_robot.plotters import SimulatedPlotter, SimulationOptions, ports
from sketch_robot.plotters.ports import Port, lasting_name
from sketch_robot.plotters.serial_link import SerialLink
from sketch_robot.plotters.unfinished import BegunDrawing


@pytest.fixture
def record(tmp_path: Path) -> BegunDrawing:
    return BegunDrawing(tmp_path / 'state', 'plotter-default', 'default')


def again(tmp_path: Path) -> BegunDrawing:
    """The same, of a program that was started anew."""
    return BegunDrawing(tmp_path / 'state', 'plotter-default', 'default')


def test_nothing_is_unfinished_before_the_first_drawing(record: BegunDrawing) -> None:
    assert record.unfinished() is None
    with pytest.raises(SketchRobotError, match='there is no unfinished drawing') as caught:
        record.resume()
    assert caught.value.code == ErrorCode.NOTHING_TO_DRAW


def test_another_program_finds_plan_and_journal_of_a_drawing_that_was_cut_short(
    record: BegunDrawing, tmp_path: Path
) -> None:
    plan = ladder(4)
    with record.begin(plan) as journal:
        journal.begin(plan)
        journal.proven(0, 100.0)
        journal.proven(1, 40.0)
    found = again(tmp_path)
    left = found.unfinished()
    assert left is not None
    assert str(left) == '1 of 4 strokes are on paper'
    again_plan, journal = found.resume()
    with journal:
        rest = journal.begin(again_plan)
    assert (rest.first, rest.skipped_mm) == (1, 39.6)
    assert len(rest.plan.strokes) == 3


def test_a_finished_drawing_leaves_nothing(record: BegunDrawing, tmp_path: Path) -> None:
    plotter = SimulatedPlotter(SimulationOptions(speedup=float('inf')))
    plan = ladder(2)
    with plotter, record.begin(plan) as journal:
        plotter.draw(plan, journal=journal)
    assert record.unfinished() is None
    assert again(tmp_path).unfinished() is None


def test_a_plan_that_never_began_does_not_cost_the_one_before(record: BegunDrawing, tmp_path: Path) -> None:
    first = ladder(3)
    with record.begin(first) as journal:
        journal.begin(first)
        journal.proven(0, 100.0)
    with record.begin(plan_of([[500.0, 20.0], [600.0, 20.0]])):
        pass  # the machine has refused it
    left = again(tmp_path).unfinished()
    assert left is not None
    assert len(left.plan.strokes) == 3


def test_plans_of_former_drawings_are_cleared_away(record: BegunDrawing, tmp_path: Path) -> None:
    for rungs in range(1, 5):
        plan = ladder(rungs)
        with record.begin(plan) as journal:
            journal.begin(plan)
    names = sorted(path.suffix for path in (tmp_path / 'state').iterdir())
    assert names == ['.journal', '.json', '.json', '.lock']


def test_a_plan_that_was_changed_is_not_gone_on_with(
    record: BegunDrawing, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = ladder(3)
    with record.begin(plan) as journal:
        journal.begin(plan)
    path = next((tmp_path / 'state').glob('*.json'))
    path.write_text(path.read_text().replace('120.0', '121.0'))
    assert again(tmp_path).unfinished() is None
    assert 'its plan was changed' in caplog.text


@pytest.mark.parametrize('content', [b'', b'nonsense\n', b'\xff\xfe'])
def test_a_damaged_journal_is_told_and_is_no_drawing(
    record: BegunDrawing, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    record.journal_path.parent.mkdir()
    record.journal_path.write_bytes(content)
    assert again(tmp_path).unfinished() is None
    assert 'cannot be gone on with' in caplog.text


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(SketchRobotError, match=r'cannot keep a journal in .*; nothing was drawn') as caught:
        BegunDrawing(tmp_path / 'file' / 'state', 'plotter', 'default').begin(ladder(1))
    assert caught.value.code == ErrorCode.BAD_GOAL


@pytest.mark.parametrize(
    ('said', 'base'), [('/var/state', '/var/state'), ('here', '~/.local/state'), ('', '~/.local/state')]
)
def test_records_are_kept_where_xdg_says(monkeypatch: pytest.MonkeyPatch, said: str, base: str) -> None:
    monkeypatch.setenv('XDG_STATE_HOME', said)
    assert state_folder() == Path(base).expanduser() / 'sketch_robot'


# ------------------------------------------------------------------- ports
@pytest.fixture
def pair() -> list[str]:
    """Two pseudo-terminals, as a machine that is plugged in elsewhere gets another."""
    ends = [os.openpty() for _ in range(2)]
    for _, port in ends:
        tty.setraw(port)
    yield [os.ttyname(port) for _, port in ends]
    for fd in (fd for each in ends for fd in each):
        os.close(fd)


def test_a_machine_named_by_its_device_is_found_again_under_another(
    pair: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [pair[0]]
    monkeypatch.setattr(ports, 'find_ports', lambda: (Port(there[0], 'usb-Arduino_7'),))
    link = SerialLink(pair[0])
    with link:
        assert link.port == pair[0]
    there[0] = pair[1]
    with link:
        assert link.port == pair[1]


def test_the_lasting_name_of_one_of_two_alike_is_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    alike = (Port('/dev/ttyUSB0', '1a86:7523'), Port('/dev/ttyUSB1', '1a86:7523'))
    monkeypatch.setattr(ports, 'find_ports', lambda: alike)
    assert lasting_name('/dev/ttyUSB1') == '/dev/ttyUSB1'


def test_the_lasting_name_of_what_is_on_no_bus_is_the_name_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, 'find_ports', lambda: (Port('/dev/ttyUSB0', 'usb-Arduino_7'),))
    assert lasting_name('/tmp/plotter') == '/tmp/plotter'


# ------------------------------------------------------------------- one program at a time
def test_a_record_is_held_by_one_program_until_it_lets_go(tmp_path: Path) -> None:
    first, second = again(tmp_path), again(tmp_path)
    first.hold()
    first.hold()
    words = rf"process {os.getpid()}, keeps the drawings of the machine 'default'.*a ROS_DOMAIN_ID of its own"
    with pytest.raises(SketchRobotError, match=words) as caught:
        second.hold()
    assert caught.value.code == ErrorCode.BUSY
    with pytest.raises(SketchRobotError, match='keeps the drawings'):
        second.begin(ladder(1))
    first.let_go()
    second.hold()
    second.let_go()


def test_a_record_of_a_killed_program_is_free(tmp_path: Path) -> None:
    code = (
        'import os, sys, pathlib\n'
        'from sketch_robot.plotters.unfinished import BegunDrawing\n'
        "BegunDrawing(pathlib.Path(sys.argv[1]), 'plotter-default', 'default').hold()\n"
        'os.kill(os.getpid(), 9)\n'
    )
    assert subprocess.run([sys.executable, '-c', code, str(tmp_path / 'state')], check=False).returncode == -9
    again(tmp_path).hold()


def test_a_folder_that_cannot_be_written_is_warned_about_when_a_record_is_held(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / 'file').touch()
    BegunDrawing(tmp_path / 'file' / 'state', 'plotter', 'default').hold()
    assert 'drawings cannot be kept in' in caplog.text
