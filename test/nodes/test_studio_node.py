"""The node `studio` on the real graph: from a photo sent over HTTP to simulated paper, and a kill in the middle."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rclpy.action import ActionClient
from sketch_robot_interfaces.action import ExecutePlan

from sketch_robot.nodes import studio as studio_module
from sketch_robot.testing import Running, World

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
ROOT = Path(__file__).parents[2]


class Studio:
    """A running studio, and who asks it."""

    def __init__(self, world: World) -> None:
        self.world = world
        for name, parameters in (('line_artist', {}), ('planner', {'page': 'A6'}), ('plotter', {'speedup': 1.5})):
            node = world.start_node(name, **parameters)
            world.until(lambda node=node: 'ready' in node.output, 120.0, name)
        self.node: Running = world.start_node('studio', http_port=0, pin='fair')
        # Somebody else who could have sent a plan, as the node portrait: a killed studio is missed all the same.
        self.bystander = ActionClient(world.probe, ExecutePlan, 'execute_plan')
        self.token = ''
        self.url = self._url()

    def _url(self) -> str:
        self.world.until(lambda: 'ready: http' in self.node.output, 90.0, 'the studio')
        found = re.findall(r'ready: (http://localhost:\d+)/', self.node.output)
        return str(found[-1])

    def restart(self) -> None:
        """Kill the node and start it again; its sessions are gone then."""
        before = self.node.output.count('ready: http')
        self.node.kill()
        self.node.start_again()
        self.world.until(lambda: self.node.output.count('ready: http') > before, 90.0, 'the studio again')
        self.url, self.token = self._url(), ''

    def ask(self, path: str, body: Any = None, token: str = '') -> Any:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {'Content-Type': 'application/json'} if isinstance(body, dict) else {}
        if token:
            headers['Authorization'] = f'Bearer {token}'
        request = urllib.request.Request(f'{self.url}/api{path}', data, headers)
        time.sleep(0.02)  # who asks more often than a hundred times a second is asked to wait
        with urllib.request.urlopen(request, timeout=90) as answer:
            return json.loads(answer.read())

    def operate(self, path: str, body: Any = None) -> Any:
        """Ask as the operator."""
        self.token = self.token or self.ask('/operator/sign-in', {'pin': 'fair'})['token']
        return self.ask(f'/operator{path}', body, self.token)

    def current(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.operate('')['current']
        return found


@pytest.fixture(scope='module')
def studio(shared_world: World) -> Studio:
    return Studio(shared_world)


@pytest.fixture(scope='module')
def photo(astronaut: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(astronaut).save(out, 'JPEG')
    return out.getvalue()


def test_a_photo_becomes_a_drawing_on_paper_and_a_kill_in_the_middle_costs_nothing(
    studio: Studio, photo: bytes
) -> None:
    world = studio.world
    sitting = studio.ask('/sittings', photo)
    times = [proposal['predicted_s'] for proposal in sitting['proposals']]
    assert sitting['faces'] == 1
    assert 0.0 < times[0] < times[1] < times[2]
    job = studio.ask('/jobs', {'sketch': sitting['sketch'], 'kind': 'few', 'caption': 'Łódź', 'consent': True})
    studio.operate('/sheet', {})

    def drawn_strokes() -> int:
        now = studio.ask('/queue')['now']
        return now['strokes_done'] if now else 0

    world.until(lambda: drawn_strokes() >= 2, 60.0, 'ink')
    studio.restart()
    world.until(lambda: (studio.current() or {}).get('can_resume'), 60.0, 'the interrupted drawing')
    left = studio.current()
    assert left is not None
    assert (left['id'], left['interrupted'], left['attempts']) == (job['id'], True, 1)
    assert studio.ask('/queue')['now']['state'] == 'interrupted'
    studio.operate(f'/jobs/{job["id"]}', {'action': 'resume'})
    world.until(lambda: studio.ask(f'/jobs/{job["id"]}', token=job['secret'])['state'] == 'drawn', 90.0, 'the rest')
    assert studio.operate('')['drawn_today'] == 1


def test_the_examples_order_a_portrait_and_fetch_it_and_are_told_of_it(
    studio: Studio, photo: bytes, tmp_path: Path
) -> None:
    (tmp_path / 'face.jpg').write_bytes(photo)
    words = [
        sys.executable,
        str(ROOT / 'examples' / 'studio_order.py'),
        'face.jpg',
        '--studio',
        studio.url,
        '--kind',
        'few',
    ]
    listen = [sys.executable, str(ROOT / 'examples' / 'studio_webhook.py'), '--studio', studio.url]
    ear = subprocess.Popen([*listen, '--pin', 'fair', '--drawn', '1'], stdout=subprocess.PIPE, text=True)
    assert ear.stdout is not None
    assert ear.stdout.readline().startswith('listening at http://127.0.0.1:')
    order = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    studio.world.until(lambda: studio.operate('')['queue'], 60.0, 'the order')
    studio.operate('/sheet', {})
    said, _ = order.communicate(timeout=120)
    assert order.returncode == 0
    assert said.endswith('drawn: portrait.svg\n')
    assert '<svg' in (tmp_path / 'portrait.svg').read_text()[:60]
    told, _ = ear.communicate(timeout=30)
    assert ear.returncode == 0
    assert [line.split(': ')[1].strip('\a') for line in told.splitlines()] == ['ready', 'drawing', 'drawn']
    assert studio.operate('/webhooks') == []


@pytest.mark.parametrize(
    ('address', 'hosts', 'way'),
    [
        ('127.0.0.1', (), ''),
        ('::1', ('robot.local',), ''),
        ('192.168.1.7', (), 'http://192.168.1.7:8080/'),
        ('fd00::7', (), 'http://[fd00::7]:8080/'),
        ('0.0.0.0', ('robot.local', 'other'), 'http://robot.local:8080/'),
    ],
)
def test_phones_are_shown_the_way_only_where_they_can_come(address: str, hosts: tuple[str, ...], way: str) -> None:
    assert studio_module._way(address, 8080, hosts) == way


def test_a_command_of_the_operators_reaches_the_machine(studio: Studio) -> None:
    assert studio.operate('/command', {'command': 'pen_up'})['said'] == 'the pen is up'
    assert studio.operate('/command', {'command': 'home'})['said'] == 'the pen is up and at home'


def test_two_studios_share_neither_a_queue_nor_a_port_and_it_ends_in_order(studio: Studio, tmp_path: Path) -> None:
    port = int(studio.url.rsplit(':', 1)[1])
    world = studio.world
    same_queue = world.start_node('studio', http_port=0)
    same_port = world.start_node('studio', http_port=port, database=str(tmp_path / 'other.db'))
    assert (same_queue.wait(90.0), same_port.wait(90.0)) == (1, 1)
    assert 'another studio draws from the queue' in same_queue.output
    assert 'choose another port' in same_port.output
    studio.node.end()
    assert 'Traceback' not in studio.node.output
