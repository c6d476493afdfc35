"""`sketch-robot machine`: find, test and calibrate machines, against emulated controllers."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sketch_robot.cli import main
from sketch_robot.motion import Page, load_machine
from sketch_robot_emulators import EmulatedEbb, EmulatedGrbl, GrblUnit, Hardware, ServoPen

PAGE = Page(70.0, 70.0, 10.0)
SAID = ['--page', '70x70']
STEPS_MM = (81.0, 79.2, 250.0)  # true ones, while the controller believes in 80
SKEW = 0.02


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has no machines yet."""
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'config'))
    return tmp_path / 'config' / 'sketch_robot' / 'machines'


@pytest.fixture(scope='module', autouse=True)
def compiled() -> None:
    """Compile the emulated controller's kernels now rather than while somebody waits for its answer."""
    unit = GrblUnit(Hardware(PAGE))
    unit.client_opens()
    unit.run(3.0)
    unit.send(b'G21G91G1X5Y5F3000\nG4P0.1\n')
    unit.run(3.0)


@pytest.fixture
def grbl(tmp_path: Path) -> Iterator[EmulatedGrbl]:
    """A plotter that is a little out of true and whose servo needs S300."""
    hardware = Hardware(PAGE, ServoPen(75.0, 110.0), steps_per_mm=STEPS_MM, skew=SKEW)
    with EmulatedGrbl(hardware, settings={100: 80.0, 101: 80.0}, speedup=8.0, link=tmp_path / 'grbl') as machine:
        yield machine


@pytest.fixture
def ebb(tmp_path: Path) -> Iterator[EmulatedEbb]:
    with EmulatedEbb(PAGE, speedup=4.0, link=tmp_path / 'ebb') as machine:
        yield machine


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `sketch-robot machine WORDS`."""
    status = main(['machine', *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def rulers(lines: tuple[np.ndarray, ...]) -> list[float]:
    """What a ruler says of the large rectangle, drawn as one line: width, height, rising and falling diagonal."""
    line = next(line for line in lines if np.ptp(line, axis=0).min() > 40.0)
    way = np.diff(line, axis=0)
    kept = np.flatnonzero(np.hypot(*way.T) > 1e-9)
    angle = np.unwrap(np.arctan2(way[kept, 1], way[kept, 0]))
    turns = kept[np.flatnonzero(np.abs(np.diff(angle)) > 0.5) + 1]
    a, b, c, d = line[0], *line[turns]
    return [float(np.hypot(*side)) for side in (b - a, d - a, c - a, b - d)]


# ------------------------------------------------------------------- list
def test_list_tells_who_is_behind_each_port(
    capsys: pytest.CaptureFixture[str], grbl: EmulatedGrbl, ebb: EmulatedEbb, tmp_path: Path
) -> None:
    nobody, other = os.openpty()
    asked = [grbl.port, ebb.port, os.ttyname(other), tmp_path / 'gone']
    status, out, _ = run(capsys, 'list', '--json', *(word for port in asked for word in ('--port', port)))
    assert status == 0
    told = {port['device']: port for port in json.loads(out)['ports']}
    assert told[str(grbl.port)]['controller'] == 'GRBL 1.1h'
    assert told[str(ebb.port)]['controller'] == 'EBB 3.0.3'
    assert told[os.ttyname(other)]['controller'] == ''
    assert 'there is no machine at' in told[str(tmp_path / 'gone')]['error']
    for end in (nobody, other):
        os.close(end)


def test_list_names_the_machines_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, 'list', '--no-ask')
    assert status == 0
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith('  ')}
    assert lines['grbl_plotter'][1] == 'grbl'
    assert lines['axidraw'][1] == 'ebb'
    assert lines['arm'][1] == 'arm'
    assert lines['default'][1] == 'simulated'


# ------------------------------------------------------------------- test
def test_test_tells_what_a_grbl_machine_says_and_tries_its_pen(
    capsys: pytest.CaptureFixture[str], grbl: EmulatedGrbl
) -> None:
    words = ('test', 'grbl_plotter', '--port', grbl.port, '--pen', '--jog', 10, 5, '--json')
    status, out, err = run(capsys, *words)
    assert status == 0, err
    told = json.loads(out)
    assert (told['machine'], told['driver'], told['firmware']) == ('grbl_plotter', 'grbl', 'GRBL 1.1h')
    assert told['settings']['$100'] == 80.0
    assert (told['status'], told['homes']) == ('idle', False)
    assert grbl.unit.trace.lifts == 3
    assert not grbl.pen_down
    assert grbl.xy_mm == pytest.approx((10.0 * 80.0 / 81.0 + SKEW * 5.0 * 80.0 / 79.2, 5.0 * 80.0 / 79.2), abs=0.02)


def test_test_tries_an_ebb(capsys: pytest.CaptureFixture[str], ebb: EmulatedEbb) -> None:
    status, out, err = run(capsys, 'test', 'axidraw', '--port', ebb.port, '--pen', '--jog', 10, 5)
    assert status == 0, err
    assert 'firmware: EBB 3.0.3' in out
    assert 'position known: no' in out
    assert ebb.xy_mm == pytest.approx((10.0, 5.0), abs=0.02)
    assert not ebb.pen_down


@pytest.mark.parametrize(
    ('words', 'status', 'said'),
    [
        (('test', 'nobody'), 2, "there is no machine 'nobody'"),
        (('test', 'grbl_plotter'), 2, 'name its port'),
        (('test', 'grbl_plotter', '--port', '/dev/nobody'), 1, 'there is no machine at'),
        (('test', 'default', '--jog', 1, 1), 1, 'this machine cannot be jogged'),
        (('calibrate', 'mine'), 2, 'say what it is like'),
        (('calibrate', 'mine', '--like', 'nobody'), 2, "there is no machine 'nobody'"),
        (('calibrate', 'mine', '--like', 'axidraw', '--measured-width', 120), 2, 'together'),
        (('calibrate', 'mine', '--like', 'axidraw', '--measured-diagonals', 1, 2), 2, 'needs --measured-width'),
        (('calibrate', 'mine', '--like', 'axidraw', '--page', 'A99', '--card'), 2, 'A99'),
        (('calibrate', 'no name', '--like', 'axidraw', '--lift-seconds', '0.2'), 1, 'is no name of a machine'),
        (
            ('calibrate', 'mine', '--like', 'default', '--measured-width', 120, '--measured-height', 190),
            1,
            'takes no correction',
        ),
        (
            ('calibrate', 'mine', '--like', 'axidraw', '--measured-width', 12, '--measured-height', 190),
            1,
            'measured width is 0.10 times',
        ),
        (('calibrate', 'mine', '--like', 'axidraw', '--lift-seconds', '-1'), 1, 'lift_s'),
    ],
)
def test_what_cannot_be_is_refused_with_a_message(
    capsys: pytest.CaptureFixture[str], own_folder: Path, words: tuple[object, ...], status: int, said: str
) -> None:
    told = run(capsys, *words)
    assert told[0] == status
    assert said in told[2]
    assert not own_folder.exists()


# ------------------------------------------------------------------- calibrate
def test_a_machine_out_of_true_draws_true_after_its_card_was_measured(
    capsys: pytest.CaptureFixture[str], grbl: EmulatedGrbl, own_folder: Path
) -> None:
    words = ('calibrate', 'mine', *SAID)
    begun = ('--like', 'grbl_plotter', '--port', grbl.port, '--pen-down', 120, '--origin-here', '--card')
    status, out, err = run(capsys, *words, *begun)
    assert status == 0, err
    assert out == f'kept as {own_folder / "mine.yaml"}\n'
    assert 'its width should be 50 mm, its height 50 mm, its diagonals 70.7 mm' in err
    assert load_machine('mine').options == {'port': str(grbl.port), 'pen': {'type': 'servo', 'up': 75, 'down': 120.0}}
    width, height, rising, falling = rulers(grbl.paper.polylines)
    assert (width, height) == pytest.approx((50.0 * 80.0 / 81.0, 50.0 * 80.0 / 79.2), abs=0.05)
    assert rising - falling > 1.0
    ruled = ('--measured-width', width, '--measured-height', height, '--measured-diagonals', rising, falling)
    status, _, err = run(capsys, *words, *ruled, '--lift-seconds', 0.2, '--drop-seconds', 0.15)
    assert status == 0, err
    assert 'it drew -1.2' in err
    mine = load_machine('mine')
    assert (mine.motion.lift_s, mine.motion.drop_s) == (0.2, 0.15)
    before = len(grbl.paper.polylines)
    status, _, err = run(capsys, *words, '--origin-here', '--card')  # this board is reset by its port
    assert status == 0, err
    sides = rulers(grbl.paper.polylines[before:])
    assert sides[:2] == pytest.approx((50.0, 50.0), abs=0.05)
    assert sides[2] == pytest.approx(sides[3], abs=0.05)


def test_a_machine_that_homes_keeps_where_its_page_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own_folder: Path
) -> None:
    hardware = Hardware(PAGE, switch_mm=(-31.0, -21.0, 10.0), start_mm=(5.0, 5.0))
    settings = {22: 1, 23: 3, 27: 1.0}
    with EmulatedGrbl(hardware, settings=settings, speedup=8.0, link=tmp_path / 'grbl') as machine:
        words = ('calibrate', 'mine', '--like', 'grbl_plotter', '--port', machine.port, '--home')
        status, _, err = run(capsys, *words, '--jog', 30, 20, '--origin-here')
        assert status == 0, err
        assert machine.xy_mm == pytest.approx((0.0, 0.0), abs=0.02)
        there = load_machine(own_folder / 'mine.yaml').options['origin_mm']
        status, _, err = run(capsys, 'test', 'mine', '--jog', 8, 8)
        status, _, err = run(capsys, 'test', 'mine', '--home')
        assert status == 0, err
        assert machine.xy_mm == pytest.approx((0.0, 0.0), abs=0.02)
        assert len(there) == 2


def test_a_calibration_asks_step_by_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ebb: EmulatedEbb
) -> None:
    answers = [
        '200',
        '25',
        'down',
        'seven',
        '70',
        'up',
        'test',
        '',
        '4 3',
        'here',
        'x',
        '',
        'n',
        '50 50.5',
        '0.2 0.3',
        '',
    ]
    monkeypatch.setattr('sys.stdin', io.StringIO('\n'.join(answers) + '\n'))
    status, _, err = run(capsys, 'calibrate', 'mine', '--like', 'axidraw', '--port', ebb.port, *SAID)
    assert status == 0, err
    mine = load_machine('mine')
    assert mine.options['pen'] == {'down_percent': 25.0, 'up_percent': 70.0}
    assert mine.options['port'] == str(ebb.port)
    assert np.diag(mine.options['correction']) == pytest.approx([1.0, 50.0 / 50.5], abs=1e-6)
    assert (mine.motion.lift_s, mine.motion.drop_s) == (0.2, 0.3)
    assert ebb.xy_mm == pytest.approx((4.0, 3.0), abs=0.02)
    for said in ("'seven' is none of these", "'x' is none of these", 'a pen height of 200 % is not possible'):
        assert said in err


def test_a_script_sets_a_machine_up_step_by_step_from_its_heights_to_its_lifts(
    tmp_path: Path, ebb: EmulatedEbb, own_folder: Path
) -> None:
    script = '35\ndown\n60\nup\n\n6 4\nhere\n\nn\n50.25 49.75\n0.15\n'
    words = [sys.executable, '-m', 'sketch_robot.cli', 'machine', 'calibrate', 'mine', '--like', 'axidraw', *SAID]
    told = subprocess.run([*words, '--port', ebb.port], input=script, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    mine = load_machine('mine')
    assert mine.options['pen'] == {'up_percent': 60.0, 'down_percent': 35.0}
    assert np.diag(mine.options['correction']) == pytest.approx([50.0 / 50.25, 50.0 / 49.75], abs=1e-6)
    assert (mine.motion.lift_s, mine.motion.drop_s) == (0.15, 0.15)
    assert ebb.xy_mm == pytest.approx((6.0, 4.0), abs=0.02)
    assert not ebb.pen_down


def test_a_calibration_that_nobody_answers_changes_nothing_but_the_port(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ebb: EmulatedEbb
) -> None:
    monkeypatch.setattr('sys.stdin', io.StringIO(''))
    status, _, err = run(capsys, 'calibrate', 'mine', '--like', 'axidraw', '--port', ebb.port)
    assert status == 0, err
    mine, axidraw = load_machine('mine'), load_machine('axidraw')
    assert mine.options == {**axidraw.options, 'port': str(ebb.port)}
    assert mine.motion.draw_speed_mm_s == axidraw.motion.draw_speed_mm_s
    assert ebb.paper.polylines == ()


def test_the_card_can_be_had_as_a_plan(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    card = tmp_path / 'card.svg'
    status, _, err = run(capsys, 'calibrate', 'mine', '--like', 'grbl_plotter', '--card-file', card)
    assert status == 0, err
    assert 'the large rectangle is 120 x 190 mm' in err
    assert '<svg' in card.read_text()


@pytest.mark.parametrize(
    ('words', 'answer', 'status'),
    [((), '', 1), ((), 'no\n', 1), ((), 'yes\n', 0), (('--yes',), '', 0)],
    ids=['nobody answers', 'no', 'yes', 'said before'],
)
def test_a_correction_of_five_percent_is_kept_only_when_somebody_says_so(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own_folder: Path,
    words: tuple[str, ...],
    answer: str,
    status: int,
) -> None:
    monkeypatch.setattr('sys.stdin', io.StringIO(answer))
    measured = (*SAID, '--measured-width', 52.6, '--measured-height', 50.0)
    told, _, err = run(capsys, 'calibrate', 'mine', '--like', 'grbl_plotter', *measured, *words)
    assert told == status, err
    assert 'it drew +5.20 % in width' in err
    kept = (own_folder / 'mine.yaml').exists() and 'correction' in load_machine('mine').options
    assert kept == (status == 0)
