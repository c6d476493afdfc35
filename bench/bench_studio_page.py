"""The studio beside a graph: memory, load, first paint, live pictures to three viewers, and how soon ink is seen."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from PIL import Image
from skimage import data
from websockets.sync.client import connect

from bench.registry import Figure, bench
from bench.ros_world import frame_1280x720
from sketch_robot.testing import Running, World, fresh_world

PIN = '2468'
VIEWERS = 3
BARE = """
import rclpy
from sketch_robot.nodes.node import SketchNode
rclpy.init()
node = SketchNode('bare')
print('spinning', flush=True)
rclpy.spin(node)
"""


@bench('studio_page', 'the studio: memory, idle load, first paint, live rate, ink latency')
def page(quick: bool) -> Iterator[Figure]:
    """The studio as a process of its own, on a real graph with a simulated plotter and a camera at 15 Hz."""
    with fresh_world(Path(tempfile.mkdtemp())) as world:
        world.start_graph(speedup='1', page='A6', camera='none')
        camera = world.camera(frame_1280x720(), rate_hz=15.0)
        node = world.start_node('studio', http_port=0, pin=PIN)
        world.until(lambda: 'ready: http' in node.output, 120.0, 'the studio')
        url = re.findall(r'ready: (http://localhost:\d+)/', node.output)[-1].replace('localhost', '127.0.0.1')
        for other in world.running:
            world.until(lambda other=other: 'ready' in other.output, 120.0, 'the graph')
        seconds = 5.0 if quick else 20.0
        time.sleep(2.0)
        bare_mb = _bare_node_mb(world)
        yield Figure(
            'memory of a node that does nothing (USS)', bare_mb, 'MB', note="33 MB are the middleware's segment"
        )
        yield Figure('memory of the studio when nobody has come yet (RSS)', _kb(node, 'status', 'VmRSS:') / 1e3, 'MB')
        yield _added(node, bare_mb, 'when nobody has come yet')
        yield Figure('processor time of the studio, nobody looks', _load(node, lambda: time.sleep(seconds)), 'cores',
                     at_most=0.25)  # fmt: skip
        yield from _paints(url, node, seconds)
        yield from _live(url, node, seconds)
        _order(url)
        yield from _ink(world, url, 20 if quick else 100)
        yield _added(node, bare_mb, 'after viewers, a sitting and a drawing')
        yield Figure('most memory that the studio held (RSS)', _kb(node, 'status', 'VmHWM:') / 1e3, 'MB')
        camera.stop()


def _added(node: Running, bare_mb: float, when: str) -> Figure:
    """What ending the process would give back (USS), beyond what any node of the graph takes."""
    return Figure(
        f'memory that the studio adds to a bare node, {when}', _private_mb(node) - bare_mb, 'MB', at_most=60.0
    )


def _bare_node_mb(world: World) -> float:
    bare = Running([sys.executable, '-P', '-c', BARE], Path(tempfile.mkdtemp()) / 'bare.log', world.environment)
    world.until(lambda: 'spinning' in bare.output, 60.0, 'a bare node')
    time.sleep(2.0)
    found = _private_mb(bare)
    bare.kill()
    return found


def _private_mb(node: Running) -> float:
    return (_kb(node, 'smaps_rollup', 'Private_Dirty:') + _kb(node, 'smaps_rollup', 'Private_Clean:')) / 1e3


def _paints(url: str, node: Running, seconds: float) -> Iterator[Figure]:
    """Each page in a Chromium that has seen none; then an idle one that is looked at."""
    chromium = os.environ.get('BROWSER') or shutil.which('chromium') or shutil.which('chromium-browser')
    if not chromium:
        return
    from playwright.sync_api import sync_playwright  # only there where `make browser` was made

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=['--no-sandbox'])
        for path in ('/', '/operator', '/kiosk'):
            paints = []
            for _ in range(5):
                tab = browser.new_context().new_page()
                tab.goto(url + path)
                tab.wait_for_selector('body[data-ready]')
                entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
                tab.wait_for_function(entry)
                paints.append(tab.evaluate(entry) / 1e3)
                tab.context.close()
            yield Figure(f'first paint of {path}', float(np.median(paints)), 's', at_most=1.0)
        tab = browser.new_context().new_page()
        tab.goto(url + '/operator')
        load = _load(node, lambda: time.sleep(seconds))
        yield Figure('processor time of the studio, a page open and idle', load, 'cores', at_most=0.25)
        browser.close()


def _live(url: str, node: Running, seconds: float) -> Iterator[Figure]:
    """How many pictures each of three viewers gets."""
    counts = [0] * VIEWERS
    over = threading.Event()

    def look(k: int) -> None:
        with urllib.request.urlopen(f'{url}/api/live/photo', timeout=30) as stream:
            while not over.is_set():
                counts[k] += stream.read(4096).count(b'Content-Type: image/jpeg')

    viewers = [threading.Thread(target=look, args=(k,), daemon=True) for k in range(VIEWERS)]
    for viewer in viewers:
        viewer.start()
    time.sleep(2.0)
    before, begin_s = list(counts), time.monotonic()
    load = _load(node, lambda: time.sleep(seconds))
    took_s = time.monotonic() - begin_s
    rates = [(after - earlier) / took_s for after, earlier in zip(counts, before, strict=True)]
    over.set()
    yield Figure('live pictures to each of three viewers, the slowest', min(rates), 'Hz', at_least=10.0)
    yield Figure('processor time of the studio meanwhile', load, 'cores')


def _order(url: str) -> None:
    """Have a drawing begun."""
    out = BytesIO()
    Image.fromarray(data.astronaut()).save(out, 'JPEG')
    sitting = _ask(url, '/sittings', out.getvalue())
    _ask(url, '/jobs', {'sketch': sitting['sketch'], 'kind': 'rich', 'consent': True, 'gallery': True})
    token = _ask(url, '/operator/sign-in', {'pin': PIN})['token']
    _ask(url, '/operator/sheet', {}, token)


def _ink(world: World, url: str, most: int) -> Iterator[Figure]:
    """From the plotter's telling where the pen is to a page's hearing it; a page paints within its next frame."""
    poses = world.collect(PoseStamped, 'pen_pose')
    delays: list[float] = []
    with connect(url.replace('http', 'ws') + '/api/events') as socket:
        last: Any = None
        deadline_s = time.monotonic() + 120.0
        while len(delays) < most and time.monotonic() < deadline_s:
            now = json.loads(socket.recv(timeout=60.0))['now']
            heard_s = time.monotonic()
            pen = now and tuple(now['pen_mm'])
            if not pen or pen == last or not poses:
                continue
            last = pen
            x_mm = pen[0]
            told = [at for at, pose in poses[-60:] if abs(pose.pose.position.x * 1e3 - x_mm) < 0.006]
            if told:
                delays.append(heard_s - told[-1])
    if delays:
        yield Figure('from the pen to a page, median', float(np.median(delays)), 's', at_most=0.2)
        yield Figure('from the pen to a page, 95 of 100', float(np.percentile(delays, 95)), 's', at_most=0.2)


def _ask(url: str, path: str, body: Any, token: str = '') -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {'Content-Type': 'application/json', **({'Authorization': f'Bearer {token}'} if token else {})}
    with urllib.request.urlopen(urllib.request.Request(f'{url}/api{path}', raw, headers), timeout=90) as answer:
        return json.loads(answer.read())


def _load(node: Running, meanwhile: Callable[[], object]) -> float:
    """Cores that a process keeps busy."""
    before_s, begin_s = _cpu_s(node), time.monotonic()
    meanwhile()
    return (_cpu_s(node) - before_s) / (time.monotonic() - begin_s)


def _cpu_s(node: Running) -> float:
    fields = Path(f'/proc/{node.process.pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _kb(node: Running, file: str, field: str) -> float:
    for line in Path(f'/proc/{node.process.pid}/{file}').read_text().splitlines():
        if line.startswith(field):
            return float(line.split()[1])
    return float('nan')
