"""`sketch-robot emulate`, as a process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import serial

from sketch_robot.cli import main

DEADLINE_S = 60.0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    link, paper, kept = tmp_path / 'port', tmp_path / 'paper.png', tmp_path / 'settings.txt'
    kept.write_text('$110=9000.000 (x rate)\n\n$111=8000\n')
    words = ['emulate', 'grbl', '--port', link, '--speedup', '20', '--paper', paper, '--settings', kept]
    process = subprocess.Popen(
        [sys.executable, '-m', 'sketch_robot.cli', *map(str, words), '--servo', '10', '90', '--page', '100x80'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


def test_a_client_draws_on_it_and_the_paper_is_kept(running: subprocess.Popen[str], tmp_path: Path) -> None:
    assert running.stdout is not None
    assert running.stdout.readline().strip() == str(tmp_path / 'port')
    client = serial.Serial(str(tmp_path / 'port'), 115200, timeout=DEADLINE_S)
    assert b'Grbl' in client.readline() + client.readline()
    client.write(b'G0X20Y20\nM3S90\nG4P.1\nG1X60F6000\nM5\nG4P.1\n$120=1500\n')
    assert [client.readline() for _ in range(7)] == [b'ok\r\n'] * 7
    paper = tmp_path / 'paper.png'
    if paper.exists():
        paper.unlink()
    running.send_signal(signal.SIGUSR1)
    end = time.monotonic() + DEADLINE_S
    while not paper.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=DEADLINE_S)
    assert (running.returncode, errors) == (0, '')
    image = cv2.imread(str(paper), cv2.IMREAD_GRAYSCALE)
    assert image.shape == (640, 800)
    assert image[480, 320] < 40  # 8 px/mm: the line's middle
    assert (image < 128).sum() == pytest.approx(40 * 8 * 0.5 * 8, rel=0.05)
    assert not (tmp_path / 'port').is_symlink()
    kept = dict(line.split('=') for line in (tmp_path / 'settings.txt').read_text().splitlines())
    assert (kept['$110'], kept['$111'], kept['$120']) == ('9000', '8000', '1500')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['grbl', '--speedup', '0'], 'a speed-up of 0 is not possible'),
        (['grbl', '--speedup', 'inf'], 'a speed-up of inf is not possible'),
        (['grbl', '--paper', 'paper.jpg'], 'must end in .png'),
        (['grbl', '--fault', 'fire@strokes=1'], "there is no fault 'fire'"),
        (['grbl', '--fault', 'supply@strokes=1'], 'the fault supply cannot happen to this machine'),
        (['grbl', '--page', 'A99'], "there is no page 'A99'"),
        (['grbl', '--servo', '5', '5'], 'two different values'),
        (['ebb', '--relay'], 'are for emulate grbl'),
        (['mill'], 'invalid choice'),
        (['grbl', '--servo', '1', '2', '--z', '3'], 'not allowed with'),
    ],
)
def test_wrong_usage_is_told_in_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['emulate', *words]) == 2
    assert message in capsys.readouterr().err


def test_settings_that_are_none_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / 'settings.txt'
    bad.write_text('$110=9000\nG0 X1\n')
    assert main(['emulate', 'grbl', '--settings', str(bad)]) == 1
    assert "line 2: 'G0 X1' is no GRBL setting" in capsys.readouterr().err


def test_a_link_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['emulate', 'grbl', '--port', str(tmp_path / 'nowhere' / 'port')]) == 1
    assert 'cannot make the link' in capsys.readouterr().err
