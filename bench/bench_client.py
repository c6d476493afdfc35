"""The client of `draw`: how soon it is heard, hundreds of drawings in a row, thousands of strange goals."""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
from sensor_msgs.msg import Image
from sketch_robot_interfaces.msg import PlotterState

from bench.registry import Figure, bench
from bench.ros_world import frame_1280x720
from sketch_robot.client import DrawError, DrawHandle
from sketch_robot.errors import ErrorCode
from sketch_robot.testing import Running, fresh_world, synthetic_face
from sketch_robot.testing.strange import strange_goal

WARM_UP = 30  # drawings after which allocators have settled
ANSWER_S = 120.0
VISITOR = """
import time
from sketch_robot.client import PortraitClient
from sketch_robot.testing import synthetic_face
drawing = PortraitClient(server_timeout=60.0).draw(synthetic_face(320, 240))
drawing.accepted()
print('accepted', flush=True)
time.sleep(600.0)
"""


@bench('client_latency', 'how soon a client is heard')
def latency(quick: bool) -> Iterator[Figure]:
    """Goals to their acceptance and cancels to their acknowledgement, while a camera sends 1280 x 720 at 30 Hz."""
    folder = Path(tempfile.mkdtemp())
    cv2.imwrite(str(folder / 'frame.png'), frame_1280x720()[..., ::-1])
    accepted, acknowledged = [], []
    with fresh_world(folder) as world:
        rate = {'camera': {'still_rate_hz': 30.0}}
        world.start_graph(photo=str(folder / 'frame.png'), speedup='1', parameters=rate)
        frames = world.collect(Image, 'image_raw')
        world.client.draw(dry_run=True).result(ANSWER_S)
        for _ in range(10 if quick else 100):
            begin_s = time.perf_counter()
            drawing = world.client.draw(dry_run=True)
            drawing.accepted(ANSWER_S)
            accepted.append(time.perf_counter() - begin_s)
            begin_s = time.perf_counter()
            drawing.cancel().result(ANSWER_S)
            acknowledged.append(time.perf_counter() - begin_s)
            _end(drawing)
        rate_hz = (len(frames) - 1) / (frames[-1][0] - frames[0][0])
    yield from (
        Figure('goal to accepted', statistics.median(accepted) * 1e3, 'ms', at_most=10.0),
        Figure('goal to accepted, worst', max(accepted) * 1e3, 'ms'),
        Figure('cancel to acknowledged', statistics.median(acknowledged) * 1e3, 'ms', at_most=10.0),
        Figure('cancel to acknowledged, worst', max(acknowledged) * 1e3, 'ms'),
        Figure('camera rate meanwhile', rate_hz, 'Hz'),
    )


@bench('client_dead', 'how soon a dead client is noticed')
def dead_clients(quick: bool) -> Iterator[Figure]:
    """From the end of a client in mid-drawing until the pen is up; an idle client and a listener are there, too."""
    lifted: dict[str, list[float]] = {'killed': [], 'stopped': []}
    with fresh_world(Path(tempfile.mkdtemp())) as world:
        world.start_graph(speedup='1')
        states = world.states()
        world.client.draw(synthetic_face(320, 240), dry_run=True).result(ANSWER_S)  # it stays, idle
        for number, name in [(signal.SIGKILL, 'killed'), (signal.SIGSTOP, 'stopped')] * (1 if quick else 5):
            command = [sys.executable, '-c', VISITOR]
            with subprocess.Popen(command, env=world.environment, stdout=subprocess.PIPE, text=True) as visitor:
                assert visitor.stdout is not None
                visitor.stdout.readline()
                world.until(lambda: states[-1][1].pen_down and states[-1][1].strokes_done > 0, ANSWER_S)
                begin_s = time.monotonic()
                visitor.send_signal(number)
                # Between strokes the pen is up, too: what counts is that it does not draw any more.
                world.until(lambda: states[-1][1].status in (PlotterState.PARKING, PlotterState.IDLE), 60.0)
                lifted[name].append(states[-1][0] - begin_s)
                visitor.kill()
            world.until(lambda: states[-1][1].status == PlotterState.IDLE, 60.0)
    for name, seconds in lifted.items():
        yield Figure(f'a client that was {name}: until the pen is up', statistics.median(seconds), 's')
        yield Figure(f'a client that was {name}: worst', max(seconds), 's', at_most=3.0)


@bench('client_soak', '200 drawings in a row', slow=True)
def soak(quick: bool) -> Iterator[Figure]:
    """Dry runs and simulated drawings mixed, a cancel at a random moment in a third."""
    rng = random.Random(12)
    wrong, drawn, cancelled = [], 0, 0
    with fresh_world(Path(tempfile.mkdtemp())) as world:
        nodes = world.start_graph(speedup='200')
        face = synthetic_face(320, 240)
        growth = _Growth(nodes)
        for k in range(WARM_UP + (20 if quick else 200)):
            if k == WARM_UP:
                growth.begin()
            page, seen = rng.choice(('A4', 'A5', 'A6', '100x120')), []
            cancels = rng.random() < 1 / 3
            drawing = world.client.draw(face, on_progress=seen.append, page=page, dry_run=rng.random() < 0.5)
            if cancels:
                time.sleep(rng.uniform(0.0, 1.0))
                drawing.cancel()
            code, result_page = _end(drawing)
            drawn, cancelled = drawn + (code == ErrorCode.OK), cancelled + (code == ErrorCode.CANCELLED)
            phases = [progress.phase for progress in seen]
            fractions = [progress.fraction for progress in seen]
            if not (
                code in ((ErrorCode.OK, ErrorCode.CANCELLED) if cancels else (ErrorCode.OK,))
                and result_page in ((page, '') if code else (page,))
                and phases == sorted(phases)
                and fractions == sorted(fractions)
            ):
                wrong.append((k, code, result_page, page))
        grown_mb = growth.mb()
    left = [name for name, node in nodes.items() if node.process.poll() is None]
    yield from (
        Figure('soak of the client: drawn', drawn, '', note=f'{cancelled} cancelled, with {WARM_UP} to warm up'),
        Figure('soak of the client: not as asked', len(wrong), '', at_most=0, note=str(wrong[:3]) if wrong else ''),
        Figure('soak of the client: processes left', len(left), '', at_most=0),
        Figure('soak of the client: RSS growth of the graph', grown_mb, 'MB', at_most=30.0, note=growth.each()),
    )


@bench('client_fuzz', '10,000 strange goals', slow=True)
def fuzz(quick: bool) -> Iterator[Figure]:
    """Goals and pictures at random: each a named error or a drawing, no node dies, no memory grows."""
    ends: dict[str, int] = {}
    count = 200 if quick else 10_000
    with fresh_world(Path(tempfile.mkdtemp())) as world:
        quickly = {'portrait': {'frame_timeout': 0.2}}
        nodes = world.start_graph(speedup='5000', parameters=quickly)
        growth = _Growth(nodes)
        with world.camera(synthetic_face(160, 120), rate_hz=20.0):
            for k in range(count):
                if k == count // 10:
                    growth.begin()
                code, _ = _end(world.client.draw_goal(strange_goal(random.Random(k))))
                ends[code.name] = ends.get(code.name, 0) + 1
        dead = [name for name, node in nodes.items() if node.process.poll() is not None]
        grown_mb = growth.mb()
    told = ', '.join(f'{number} {name}' for name, number in sorted(ends.items()))
    bad = sum(ends.get(name, 0) for name in ('INTERNAL', 'NODE_LOST', 'CLIENT_LOST'))
    yield from (
        Figure('strange goals', count, '', note=told),
        Figure('strange goals: defects and losses', bad, '', at_most=0),
        Figure('strange goals: nodes that died', len(dead), '', at_most=0),
        Figure('strange goals: RSS growth of the graph', grown_mb, 'MB', at_most=30.0, note=growth.each()),
    )


def _end(drawing: DrawHandle) -> tuple[ErrorCode, str]:
    """How it ended, and the page of its plan."""
    try:
        return ErrorCode.OK, drawing.result(ANSWER_S).page
    except DrawError as error:
        return error.code, error.result.page if error.result is not None else ''


class _Growth:
    """Resident memory of the graph's processes since `begin`."""

    def __init__(self, nodes: dict[str, Running]) -> None:
        self._nodes = nodes
        self._before: dict[str, float] = {}
        self._after: dict[str, float] = {}

    def begin(self) -> None:
        self._before = self._now()

    def mb(self) -> float:
        """In all."""
        self._after = self._now()
        return sum(self._after.values()) - sum(self._before.values())

    def each(self) -> str:
        """Of each node, for a note."""
        return ', '.join(f'{name} {self._after[name] - self._before[name]:+.1f}' for name in self._nodes)

    def _now(self) -> dict[str, float]:
        return {name: _rss_mb(node.process.pid) for name, node in self._nodes.items()}


def _rss_mb(pid: int) -> float:
    text = Path(f'/proc/{pid}/status').read_text()
    return int(text.split('VmRSS:')[1].split()[0]) / 1024.0
