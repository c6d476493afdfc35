"""The programs in examples/, each run as a user does, on a graph with a painted face before its camera."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from sketch_robot.motion import load_plan
from sketch_robot.testing import World, moving_face, synthetic_face

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
EXAMPLES = Path(__file__).parents[1] / 'examples'


@pytest.fixture(scope='module')
def robot(shared_world: World) -> Iterator[World]:
    shared_world.start_graph(speedup='500', page='A6')
    with shared_world.camera(moving_face, rate_hz=5.0):
        assert shared_world.client.draw(dry_run=True).result(120.0).faces == 1
        yield shared_world


def run(world: World, name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *map(str, words)]
    quiet = {'stdin': subprocess.DEVNULL, 'capture_output': True, 'text': True}
    return subprocess.run(command, env=world.environment, timeout=120, check=False, **quiet)


def test_the_greeter_greets_a_face_and_draws_it(robot: World) -> None:
    done = run(robot, 'greeter.py', '--times', '1')
    assert done.returncode == 0, done.stderr
    assert 'Hello! I see 1 of you' in done.stderr
    assert 'Goodbye!' in done.stderr


def test_the_batch_plans_a_folder_and_tells_what_failed(robot: World, tmp_path: Path) -> None:
    photos = tmp_path / 'photos'
    photos.mkdir()
    cv2.imwrite(str(photos / 'a.png'), synthetic_face()[..., ::-1])
    (photos / 'b.jpg').write_bytes(b'no picture')
    cv2.imwrite(str(photos / 'c.png'), synthetic_face(smile=1.0)[..., ::-1])
    done = run(robot, 'batch.py', photos, tmp_path / 'plans', '--dry-run')
    assert done.returncode == 1, done.stderr
    assert 'b.jpg: BAD_IMAGE' in done.stdout
    plans = sorted((tmp_path / 'plans').iterdir())
    assert [path.name for path in plans] == ['a.svg', 'c.svg']
    assert len(load_plan(plans[0]).strokes) > 5


def test_the_behaviour_tree_draws_and_is_halted_when_it_takes_too_long(robot: World) -> None:
    done = run(robot, 'behaviour.py')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == 'Hello!'
    assert done.stdout.splitlines()[-1] == 'Here you are.'
    halted = run(robot, 'behaviour.py', '--patience', '0')
    assert (halted.returncode, halted.stdout.splitlines()[-1]) == (1, 'halted')


def test_every_example_is_run_here() -> None:
    files = (Path(__file__), Path(__file__).parent / 'nodes' / 'test_studio_node.py')
    text = ''.join(path.read_text() for path in files)
    assert [path.name for path in EXAMPLES.glob('*.py') if f"'{path.name}'" not in text] == []
