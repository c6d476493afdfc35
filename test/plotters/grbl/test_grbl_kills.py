"""A program that is killed while it draws: resumed, the paper is as planned and nothing is drawn twice."""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from grbl_bench import CARD, CORNER_MM, HOMING, PROFILE, SWITCHES_MM, off_by_mm, small_plan, twice_mm

from sketch_robot.cli import main
from sketch_robot.motion import save_plan
from sketch_robot.motion.machine import Machine, save_machine
from sketch_robot.plotters.journal import read_journal
from sketch_robot_emulators import EmulatedGrbl, Hardware

SPEEDUP = 8.0
NURSERY = """
import json, os, sys
from sketch_robot.cli import main
from sketch_robot.plotters import journal, registry
from sketch_robot.plotters.grbl import driver
import sketch_robot.motion.machine
for line in sys.stdin:
    words = json.loads(line)
    child = os.fork()
    if child == 0:
        os._exit(main(words))
    print(child, flush=True)
    os.waitpid(child, 0)
    print('ended', flush=True)
"""


@pytest.fixture(scope='module')
def start():
    """Starts `sketch-robot` as a process of its own; returns its id and a function that waits for its end."""
    paths = os.pathsep.join(path for path in sys.path if path)
    nursery = subprocess.Popen(
        [sys.executable, '-c', NURSERY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, 'PYTHONPATH': paths},
    )

    def run(*words: str):
        nursery.stdin.write(json.dumps(words) + '\n')
        nursery.stdin.flush()
        return int(nursery.stdout.readline()), nursery.stdout.readline

    yield run
    nursery.stdin.close()
    nursery.wait()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A plan, a machine's file, and a folder for journals."""
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path))
    options = {'origin_mm': list(CORNER_MM), 'check': False}
    save_machine(Machine('homing', driver='grbl', motion=PROFILE, options=options), tmp_path / 'homing.yaml')
    save_machine(Machine('plain', driver='grbl', motion=PROFILE, options={'check': False}), tmp_path / 'plain.yaml')
    return tmp_path


def words_for(home, plan, machine: str, port: str) -> list[str]:
    save_plan(plan, home / 'plan.json')
    journal = ['--journal', str(home / 'j')]
    return ['plot', str(home / 'plan.json'), '--machine', str(home / f'{machine}.yaml'), '--port', port, *journal]


def wait_for(condition, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.001)
    return False


KILLS = [(seed, seed % 4 == 0) for seed in range(20)]  # every fourth on a board that its port resets


@pytest.mark.parametrize(('seed', 'resets'), KILLS)
def test_a_killed_drawing_is_resumed(home, start, seed, resets):
    plan = small_plan(seed)
    share = np.random.default_rng([seed, 9]).uniform(0.05, 0.95)
    hardware = Hardware(CARD, switch_mm=SWITCHES_MM if resets else None)
    emulated = EmulatedGrbl(
        hardware, settings=HOMING if resets else {}, speedup=SPEEDUP, reset_on_open=resets, boot_s=0.2, seed=seed
    )
    with emulated as machine:
        words = words_for(home, plan, 'homing' if resets else 'plain', machine.port)
        child, ended = start(*words, *([] if resets else ['--origin-is-set']))
        assert wait_for(lambda: machine.unit.trace.ink_mm > share * plan.ink_mm)
        os.kill(child, signal.SIGKILL)
        ended()
        machine.wait_until_idle()
        if not (machine.unit.trace.ink_mm >= plan.ink_mm and read_journal(home / 'j').finished):
            assert main([*words, '--resume']) in (0, 1)  # 1: the machine had all of it, and nothing was left
        machine.wait_until_idle()
    assert read_journal(home / 'j').on_paper.strokes == len(plan.strokes)
    world = SimpleNamespace(machine=machine.unit.trace)
    assert off_by_mm(world, plan) < PROFILE.pen_width_mm
    # A board that is reset has forgotten where it stopped: it has drawn what it held, and no more was proven than the
    # last report told, which here is late, as seconds pass faster than usual.
    assert -0.1 < twice_mm(world, plan) < (45.0 if resets else 0.5)
    assert machine.unit.trace.pen_down_travel_mm == 0.0
    assert machine.unit.trace.ink_outside_mm == 0.0
    assert not machine.unit.trace.down
