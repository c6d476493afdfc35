"""The studio's queue under kills: each job drawn once or offered to a person, none lost, none on another's sheet."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from skimage import data

from bench.registry import Figure, bench
from sketch_robot.testing import Running, fresh_world

PIN, PORT = 'bench', 18_080
DEADLINE_S = 3600.0
SPEEDUP = 25.0  # a drawing takes a few seconds: long enough to be struck in its middle
MOST_AHEAD = 4  # who orders waits while so many are in the queue


class Asked:
    """The studio over HTTP, as the operator asks; who asks while it is down asks again."""

    def __init__(self) -> None:
        self.token = ''

    def ask(self, path: str, body: Any = None) -> Any:
        """Ask until there is an answer."""
        for _ in range(400):
            data_ = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            headers = {'Authorization': f'Bearer {self.token}', 'Content-Type': 'application/json'}
            request = urllib.request.Request(f'http://127.0.0.1:{PORT}/api{path}', data_, headers)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                if error.code == 401:
                    self.token = self.ask('/operator/sign-in', {'pin': PIN})['token']
                elif error.code == 429:
                    time.sleep(1.0)
                else:
                    return {'refused': json.loads(error.read())}
            except (OSError, ValueError):
                time.sleep(0.3)
        raise TimeoutError(path)


def order_all(jobs: int, photo: bytes) -> None:
    """Visitors come as long as the queue is short; who is told that it did not work tries again."""
    robot = Asked()
    robot.ask('/operator')
    for k in range(jobs):
        while len(robot.ask('/operator')['queue']) >= MOST_AHEAD:
            time.sleep(0.5)
        while True:
            sitting = robot.ask('/sittings', photo)
            if 'refused' in sitting:
                continue
            order = {'sketch': sitting['sketch'], 'kind': 'few', 'caption': f'No {k}', 'consent': True}
            if 'refused' not in robot.ask('/jobs', order):
                break


@bench('studio_kills', 'jobs through the queue while nodes are killed')
def kills(quick: bool) -> Iterator[Figure]:
    """A person resumes what can be resumed, believes what the machine says is done, and begins the rest anew."""
    jobs, blows = (12, 4) if quick else (200, 40)
    rng = random.Random(3)
    out = BytesIO()
    Image.fromarray(data.astronaut()).save(out, 'JPEG')
    folder = Path(tempfile.mkdtemp())
    decided, struck_at = Counter[str](), Counter[str]()
    offered: set[int] = set()
    with fresh_world(folder) as world:
        nodes: dict[str, Running] = {'line_artist': world.start_node('line_artist')}
        nodes['planner'] = world.start_node('planner', page='A6')
        nodes['plotter'] = world.start_node('plotter', speedup=SPEEDUP)
        nodes['portrait'] = world.start_node('portrait')
        nodes['studio'] = world.start_node('studio', http_port=PORT, pin=PIN)
        robot = Asked()
        visitors = threading.Thread(target=order_all, args=(jobs, out.getvalue()), daemon=True)
        visitors.start()
        due = sorted(rng.sample(range(jobs * 9 // 10), blows))
        sheets, begin_s = 0, time.monotonic()
        while time.monotonic() - begin_s < DEADLINE_S:
            view = robot.ask('/operator')
            current = view.get('current')
            if current is not None and current['interrupted']:
                offered.add(current['number'])
                if view['machine']['status'] in ('idle', 'alarm'):
                    action = 'resume' if current['can_resume'] and rng.random() < 0.7 else 'afresh'
                    action = 'done' if current['seems_done'] else action
                    answer = robot.ask(f'/operator/jobs/{current["id"]}', {'action': action})
                    decided[action] += 'refused' not in answer
            elif current is None and view['sheet'] == 'used' and view['queue']:
                sheets += 'refused' not in robot.ask('/operator/sheet', {})
            elif current is None and not view['queue'] and not visitors.is_alive():
                break
            elif current is not None and due and sheets > due[0]:
                due.pop(0)
                time.sleep(rng.uniform(0.0, 2.0))
                victims = rng.choice((['plotter'], ['studio'], ['planner'], ['line_artist'], list(nodes)))
                struck_at['a power cut' if len(victims) > 1 else victims[0]] += 1
                for name in victims:
                    nodes[name].kill()
                for name in victims:
                    nodes[name].start_again()
            time.sleep(0.1)
        seconds = time.monotonic() - begin_s
        finished = len(re.findall(r'\]: drawn ', nodes['plotter'].output))
    yield from _what_the_queue_says(folder / 'state' / 'sketch_robot' / 'studio.db', jobs)
    told = ', '.join(f'{count} x {name}' for name, count in struck_at.items())
    yield Figure('drawings that the machine finished', finished, '', note='by its own log')
    yield Figure('kills', sum(struck_at.values()), '', note=f'{told}; {len(offered)} jobs offered to a person: '
                 f'{dict(decided)}; {seconds:.0f} s')  # fmt: skip


def _what_the_queue_says(path: Path, ordered: int) -> Iterator[Figure]:
    """Of the file itself, when all is over."""
    with sqlite3.connect(path) as db:
        states = dict(db.execute('SELECT number, state FROM job').fetchall())
        log = db.execute('SELECT number, event FROM log ORDER BY rowid').fetchall()
    drawn = Counter(number for number, event in log if event == 'drawn')
    owner, foreign = 0, 0  # of the sheet that is in; 0: nobody's yet
    for number, event in log:
        if event == 'sheet':
            owner = 0
        elif event == 'drawing':
            foreign += owner not in (0, number)
            owner = number
    yield Figure('jobs', len(states), '', at_least=ordered)
    yield Figure('jobs that were lost', sum(state != 'drawn' for state in states.values()), '', at_most=0)
    yield Figure('jobs that were drawn twice', sum(count > 1 for count in drawn.values()), '', at_most=0)
    yield Figure("drawings begun or gone on with on another's sheet", foreign, '', at_most=0)
