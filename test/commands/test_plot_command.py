"""`sketch-robot plot`: from a plan's file to paper, resumed after whatever happens."""

import errno
import io
import os
import signal
import threading
import time

import cv2
import numpy as np
import pytest

from sketch_robot.cli import main
from sketch_robot.files import state_folder
from sketch_robot.motion import DrawingPlan, Page, Pen, save_plan, time_plan
from sketch_robot.motion.machine import Machine, load_limits, save_machine
from sketch_robot.motion.plan import digest_of
from sketch_robot.plotters import paper_of
from sketch_robot.plotters.journal import Journal, read_journal
from sketch_robot.plotters.paper import paper_with
from sketch_robot.stroke import Stroke
from sketch_robot_emulators import EmulatedGrbl, Hardware

CARD = Page(60.0, 60.0, 5.0, '60x60')
PROFILE = load_limits('grbl_plotter')


def plan_of(*lines: object, pens: tuple[str, ...] = ()) -> DrawingPlan:
    strokes = tuple(
        Stroke(np.array(line, dtype=float), pen=pen) for line, pen in zip(lines, pens or [''] * len(lines), strict=True)
    )
    stroke_s, return_s = time_plan(strokes, PROFILE)
    return DrawingPlan(
        strokes, CARD, PROFILE, stroke_s, return_s, pens=tuple(Pen(name) for name in dict.fromkeys(pens) if name)
    )


LADDER = plan_of(*([[10.0, y], [50.0, y]] for y in (10.0, 20.0, 30.0, 40.0)))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with a plan and two machines' files, where journals go as well."""
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path / 'state'))
    save_plan(LADDER, tmp_path / 'plan.json')
    save_machine(Machine('mine', driver='grbl', motion=PROFILE), tmp_path / 'mine.yaml')
    save_machine(
        Machine('thought', driver='simulated', motion=PROFILE, options={'speedup': 50.0}), tmp_path / 'thought.yaml'
    )
    return tmp_path


@pytest.fixture
def machine():
    with EmulatedGrbl(Hardware(CARD), speedup=20.0, reset_on_open=False) as emulated:
        yield emulated


def plot(home, *words: str, machine: str = 'mine') -> int:
    """Run it; a plotter without switches is told that its pen is over the corner when a drawing begins."""
    begins = machine == 'mine' and '--port' in words and '--resume' not in words
    words = (*words, '--origin-is-set') if begins else words
    return main(['plot', str(home / 'plan.json'), '--machine', str(home / f'{machine}.yaml'), *words])


def drawn_as(plan, machine) -> bool:
    machine.wait_until_idle()
    should = paper_of(plan).image(10.0) < 128
    drawn = paper_with(plan.page, machine.paper.polylines).image(10.0) < 128
    return np.count_nonzero(should != drawn) < 0.03 * np.count_nonzero(should)


def test_a_plan_is_drawn_and_told_in_one_line(home, machine, capsys):
    assert plot(home, '--port', machine.port) == 0
    told = capsys.readouterr()
    assert told.out.startswith('4 strokes, 0.16 m of ink in 0:')
    assert told.err.splitlines()[0] == '0 of 4 strokes, 0 %, 0:04 left'
    assert '4 of 4 strokes, 100 %, 0:00 left' in told.err
    assert drawn_as(LADDER, machine)
    assert not machine.pen_down


def test_the_journal_is_kept_for_plan_and_machine_in_the_state_folder(home, machine):
    assert plot(home, '--port', machine.port) == 0
    path = home / 'state' / 'sketch_robot' / f'{digest_of(LADDER)[:16]}-mine.journal'
    entry = read_journal(path)
    assert (entry.machine, entry.strokes, entry.finished) == ('mine', 4, True)


def test_what_is_finished_cannot_be_resumed(home, machine, capsys):
    assert plot(home, '--port', machine.port) == 0
    capsys.readouterr()
    assert plot(home, '--port', '/dev/nowhere', '--resume') == 1
    told = capsys.readouterr().err
    assert 'NOTHING_TO_DRAW: all of this drawing is on paper' in told
    assert 'go on with' not in told


def test_a_machine_that_cannot_be_reached_is_told_with_what_is_on_paper_all_the_same(home, capsys):
    with Journal(state_folder() / f'{digest_of(LADDER)[:16]}-mine.journal') as journal:
        journal.begin(LADDER)
        journal.proven(2, 10.0)
    assert plot(home, '--port', '/dev/nowhere', '--resume') == 1
    assert '2 of 4 strokes are on paper; go on with' in capsys.readouterr().err


def test_without_a_drawing_begun_there_is_nothing_to_resume(home, machine, capsys):
    assert plot(home, '--port', machine.port, '--resume') == 1
    assert 'BAD_PLAN: there is no journal' in capsys.readouterr().err
    assert machine.unit.trace.ink_mm == 0.0


@pytest.mark.parametrize(('number', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lifts_the_pen_and_parks_and_the_rest_is_drawn_by_resume(home, machine, capsys, number, status):
    def interrupt() -> None:
        while machine.unit.trace.ink_mm < 60.0:
            time.sleep(0.001)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert plot(home, '--port', machine.port) == status
    thread.join()
    told = capsys.readouterr().err
    assert 'stopped: the pen is up and parked' in told
    assert 'strokes are on paper; go on with: sketch-robot plot' in told
    assert told.rstrip().endswith('--resume')
    machine.wait_until_idle()
    assert not machine.pen_down
    assert machine.xy_mm == pytest.approx((0.0, 0.0), abs=0.02)
    assert machine.unit.trace.ink_mm < 150.0
    assert plot(home, '--port', machine.port, '--resume') == 0
    assert drawn_as(LADDER, machine)
    assert machine.unit.trace.ink_mm == pytest.approx(LADDER.ink_mm, abs=0.5)
    assert machine.unit.trace.pen_down_travel_mm == 0.0


def test_an_unplugged_machine_is_told_with_how_to_go_on(home, capsys):
    with EmulatedGrbl(Hardware(CARD), speedup=20.0, reset_on_open=False, link=home / 'port') as machine:

        def pull() -> None:
            while machine.unit.trace.ink_mm < 60.0:
                time.sleep(0.001)
            machine.unplug()

        thread = threading.Thread(target=pull)
        thread.start()
        assert plot(home, '--port', str(home / 'port')) == 1
        thread.join()
        told = capsys.readouterr().err
        assert 'PLOTTER_OFFLINE: the GRBL plotter at' in told
        assert 'was lost; check its cable and power' in told
        assert f'--port {home / "port"} --resume' in told
        machine.replug()
        deadline = time.monotonic() + 10.0
        while not (home / 'port').exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert plot(home, '--port', str(home / 'port'), '--resume') == 0
        assert drawn_as(LADDER, machine)
        assert machine.unit.trace.ink_mm == pytest.approx(LADDER.ink_mm, abs=0.5)


def test_a_restart_in_the_middle_is_told_and_wants_the_origin(home, machine, capsys):
    def restart() -> None:
        while machine.unit.trace.ink_mm < 60.0:
            time.sleep(0.001)
        with machine._lock:
            machine.unit.brown_out()

    thread = threading.Thread(target=restart)
    thread.start()
    assert plot(home, '--port', machine.port) == 1
    thread.join()
    assert 'PLOTTER_ALARM: the GRBL controller started anew in the middle' in capsys.readouterr().err
    assert plot(home, '--port', machine.port, '--resume') == 1
    assert '--origin-is-set sets the origin there' in capsys.readouterr().err
    machine.wait_until_idle()
    assert not machine.pen_down
    with machine._lock:  # a person carries the pen to the corner
        machine.unit.trace.slip(-np.array(machine.unit.trace.xy_mm))
    assert plot(home, '--port', machine.port, '--resume', '--origin-is-set') == 0
    assert drawn_as(LADDER, machine)


def test_beginning_anew_keeps_what_is_known_of_an_unfinished_drawing(home, machine, capsys):
    path = state_folder() / f'{digest_of(LADDER)[:16]}-mine.journal'
    with Journal(path) as journal:
        journal.begin(LADDER)
        journal.proven(2, 10.0)
    assert plot(home, '--port', machine.port) == 0
    assert 'beginning anew; of an earlier drawing of this plan 2 of 4 strokes are on paper' in capsys.readouterr().err
    assert read_journal(path.with_suffix('.old')).on_paper.strokes == 2


def test_a_dry_run_writes_the_bytes_and_needs_no_machine(home):
    assert plot(home, '--dry-run', str(home / 'program.gcode')) == 0
    lines = (home / 'program.gcode').read_bytes().decode().splitlines()
    assert lines[0].startswith('G21G90G94')
    assert sum(line.startswith('M3S110') for line in lines) == 4
    assert [line[:9] for line in lines[-2:]] == ['G90G0X0Y0', 'G90G2X.00']
    assert not (home / 'state').exists()


def test_a_machine_that_sends_no_program_has_no_dry_run(home, capsys):
    assert plot(home, '--dry-run', str(home / 'program'), machine='thought') == 2
    assert "the driver 'simulated' sends no program" in capsys.readouterr().err
    assert not (home / 'program').exists()


def test_another_machines_times_are_those_of_the_machine_that_draws(home):
    slow = Machine('slow', driver='grbl', motion=load_limits('grbl_factory'))
    save_machine(slow, home / 'slow.yaml')
    for name in ('mine', 'slow'):
        assert plot(home, '--dry-run', str(home / f'{name}.gcode'), machine=name) == 0
    assert b'F6000' in (home / 'mine.gcode').read_bytes()
    assert b'F500\n' in (home / 'slow.gcode').read_bytes()


def test_a_simulated_machine_draws_as_well(home, capsys):
    assert plot(home, machine='thought') == 0
    assert capsys.readouterr().out.startswith('4 strokes, 0.16 m of ink')


def test_between_pens_it_waits_for_enter(home, machine, capsys, monkeypatch):
    plan = plan_of([[10.0, 10.0], [50.0, 10.0]], [[10.0, 20.0], [50.0, 20.0]], pens=('black', 'red'))
    save_plan(plan, home / 'plan.json')
    monkeypatch.setattr('sys.stdin', io.StringIO('\n'))
    assert plot(home, '--port', machine.port) == 0
    assert "put in the pen 'red' (#000000, 0.5 mm), then resume; press Enter to go on" in capsys.readouterr().err
    assert drawn_as(plan, machine)


class Unreadable:
    def readline(self) -> str:
        raise OSError(errno.EIO, 'in the background')


@pytest.mark.parametrize('stdin', [io.StringIO(''), None, Unreadable()], ids=['at its end', 'closed', 'background'])
@pytest.mark.parametrize(('number', 'status'), [(signal.SIGUSR1, 0), (signal.SIGTERM, 143)])
def test_without_anybody_to_press_enter_a_pause_lasts_until_a_signal(
    home, machine, capsys, monkeypatch, stdin, number, status
):
    plan = plan_of([[10.0, 10.0], [50.0, 10.0]], [[10.0, 20.0], [50.0, 20.0]], pens=('black', 'red'))
    save_plan(plan, home / 'plan.json')
    monkeypatch.setattr('sys.stdin', stdin)
    asked = threading.Event()
    monkeypatch.setattr('sketch_robot.commands.plot._say', lambda text: 'kill -USR1' in text and asked.set())

    def answer() -> None:
        assert asked.wait(20.0)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=answer)
    thread.start()
    assert plot(home, '--port', machine.port) == status
    thread.join()
    assert not machine.pen_down
    assert len(machine.paper.polylines) == (2 if status == 0 else 1)


@pytest.mark.parametrize(
    ('words', 'status', 'text'),
    [
        (('--machine', 'quill'), 2, "there is no machine 'quill'; choose one of"),
        (('--port', '/dev/nowhere'), 1, "PLOTTER_OFFLINE: there is no machine at '/dev/nowhere'"),
        ((), 2, "where the machine 'mine' is plugged in is not known; name its port"),
    ],
)
def test_what_cannot_be_used_is_told(home, capsys, words, status, text):
    assert plot(home, *words) == status
    assert text in capsys.readouterr().err


def test_a_plan_that_is_none_is_told(home, capsys):
    (home / 'plan.json').write_text('{}')
    assert plot(home, '--port', '/dev/null') == 1
    assert 'BAD_PLAN' in capsys.readouterr().err


def test_a_simulated_machine_keeps_a_picture_of_its_paper_in_the_pens_colours(home, monkeypatch):
    line = [[10.0, 20.0], [50.0, 20.0]]
    strokes = tuple(Stroke(line + np.array([0.0, 20.0 * k]), pen=pen) for k, pen in enumerate(('black', 'red')))
    pens = Pen('black', width_mm=1.0), Pen('red', '#c81e28', 2.0)
    save_plan(DrawingPlan(strokes, CARD, PROFILE, *time_plan(strokes, PROFILE), pens=pens), home / 'plan.json')
    monkeypatch.setattr('sys.stdin', io.StringIO('\n'))
    assert plot(home, '--paper', str(home / 'paper.png'), machine='thought') == 0
    picture = cv2.imread(str(home / 'paper.png'))
    assert picture is not None
    assert picture[8 * 40, 8 * 30].tolist() == [24, 24, 24]
    assert [picture[8 * 20 + k, 8 * 30].tolist() for k in (-7, 7)] == [[40, 30, 200]] * 2  # OpenCV's order


@pytest.mark.parametrize(
    ('file', 'machine', 'why'),
    [
        ('paper.png', 'mine', "the machine 'mine' is real"),
        ('paper.txt', 'thought', 'must end in .png'),
        ('no/paper.png', 'thought', 'there is no folder'),
    ],
)
def test_a_picture_of_the_paper_that_cannot_be_is_refused_before_anything_moves(home, capsys, file, machine, why):
    assert plot(home, '--port', '/dev/null', '--paper', str(home / file), machine=machine) > 0
    told = capsys.readouterr().err
    assert why in told
    assert 'strokes' not in told
