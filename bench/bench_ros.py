"""What ROS costs and keeps: the time it adds, cancels, and half an hour at full camera rate."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState
from sketch_robot_interfaces.srv import PlanDrawing, RenderLineArt
from skimage import data

from bench.registry import Figure, bench
from bench.ros_world import RosWorld, frame_1280x720
from sketch_robot.nodes import qos
from sketch_robot.nodes.images import image_to_ros

WARM_UP_S = 60.0  # allocators settle before growth is counted


@bench('ros_overhead', 'what ROS adds between a frame and its plan')
def frame_to_plan(quick: bool) -> Iterator[Figure]:
    """The time that ROS adds between a frame and its plan: the whole, less what the two nodes say they computed."""
    image = image_to_ros(frame_1280x720(), 'rgb8')
    added, whole = [], []
    with RosWorld(only=('line_artist', 'planner', 'portrait')) as world:
        for k in range(3 + (5 if quick else 20)):
            begin_s = time.perf_counter()
            art = world.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(image=image))
            request = PlanDrawing.Request(line_art=art.line_art, strokes=art.strokes, artist=art.artist)
            plan = world.call(PlanDrawing, 'plan_drawing', request)
            computed_s = art.seconds + plan.seconds
            services_s = time.perf_counter() - begin_s - computed_s
            handle = world.send(Draw.Goal(image=image, dry_run=True))
            result = world.answer(handle.get_result_async()).result
            stages_s = result.capture_seconds + result.line_art_seconds + result.plan_seconds
            if k >= 3:
                added.append(services_s)
                whole.append(stages_s)
    yield from (
        Figure('time that ROS adds, frame to plan', statistics.median(added) * 1e3, 'ms', at_most=50.0),
        Figure('frame to plan through the draw action', statistics.median(whole), 's'),
    )


@bench('ros_cancel', 'cancels in mid-drawing, and the feedback of draw')
def cancels(quick: bool) -> Iterator[Figure]:
    """Cancel in mid-drawing: acknowledged, and seen with the pen up."""
    image = image_to_ros(data.astronaut(), 'rgb8')
    states: list[PlotterState] = []
    acknowledged, lifted, gaps = [], [], []
    with RosWorld(camera='none', speedup='1') as world:
        world.node.create_subscription(PlotterState, 'plotter_state', states.append, qos.LATCHED)
        for _ in range(3 if quick else 20):
            feedback: list[tuple[float, Any]] = []
            handle = world.send(
                Draw.Goal(image=image), lambda msg, seen=feedback: seen.append((time.monotonic(), msg.feedback))
            )
            world.until(lambda seen=feedback: any(f.strokes_done >= 1 for _, f in seen), 60.0)
            world.until(lambda: states[-1].pen_down, 30.0)
            begin_s = time.monotonic()
            cancelling = handle.cancel_goal_async()
            world.answer(cancelling)
            acknowledged.append(time.monotonic() - begin_s)
            world.until(lambda: not states[-1].pen_down, 5.0)
            lifted.append(time.monotonic() - begin_s)
            world.answer(handle.get_result_async())
            times = [t for t, _ in feedback]
            gaps += [b - a for a, b in itertools.pairwise(times)]
    yield from (
        Figure('cancel acknowledged, median', statistics.median(acknowledged) * 1e3, 'ms', at_most=50.0),
        Figure('cancel acknowledged, worst', max(acknowledged) * 1e3, 'ms'),
        Figure('cancel to pen up, median', statistics.median(lifted) * 1e3, 'ms', at_most=200.0),
        Figure('cancel to pen up, worst', max(lifted) * 1e3, 'ms'),
        Figure('interval of feedback, median', statistics.median(gaps) * 1e3, 'ms', at_most=200.0),
    )


@bench('ros_soak', 'half an hour at full camera rate', slow=True)
def soak(quick: bool) -> Iterator[Figure]:
    """A 1280 x 720 camera at 30 Hz into the line artist, for half an hour (--quick: two minutes)."""
    seconds = 120.0 if quick else float(os.environ.get('SOAK_MINUTES', '30')) * 60.0
    folder = Path(tempfile.mkdtemp())
    picture = folder / 'frame.png'
    cv2.imwrite(str(picture), frame_1280x720()[..., ::-1])
    arrivals: list[float] = []
    health: dict[str, str] = {}

    def on_health(msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name.startswith('line_artist'):
                health.update({pair.key: pair.value for pair in status.values})

    rate = {'camera': {'still_rate_hz': 30.0}}
    with RosWorld(only=('camera', 'line_artist'), overrides=rate, photo=str(picture)) as world:
        world.node.create_subscription(Image, 'line_art', lambda _: arrivals.append(time.monotonic()), qos.IMAGE)
        world.node.create_subscription(DiagnosticArray, '/diagnostics', on_health, 10)
        world.until(lambda: len(arrivals) > 3, 120.0)
        world.spin(min(WARM_UP_S, seconds / 4))
        before = {name: _rss_mb(process.pid) for name, process in world.processes.items()}
        begin_s, count = time.monotonic(), len(arrivals)
        longest_s = 0.0
        while time.monotonic() - begin_s < seconds:
            world.spin(5.0)
            longest_s = max(longest_s, time.monotonic() - arrivals[-1])
        took_s = time.monotonic() - begin_s
        growth = {name: _rss_mb(process.pid) - before[name] for name, process in world.processes.items()}
        drawn = len(arrivals) - count
        camera_hz = world.rate_of(Image, 'image_raw', qos.IMAGE, 10.0)
    yield from (
        Figure('soak', took_s / 60.0, 'min'),
        Figure('soak: camera rate seen by a third listener', camera_hz, 'Hz'),
        Figure('soak: line art', drawn / took_s, 'Hz'),
        Figure('soak: oldest frame drawn', float(health['oldest_drawn_s']), 's', at_most=0.15),
        Figure('soak: longest without line art', longest_s, 's', at_most=10.0),
        Figure('soak: RSS growth, line_artist', growth['line_artist'], 'MB', at_most=20.0),
        Figure('soak: RSS growth, camera', growth['camera'], 'MB', at_most=20.0),
    )


@bench('make_portrait', 'a warm make portrait')
def warm_portrait(quick: bool) -> Iterator[Figure]:
    """What `make portrait` runs once everything is set up."""
    took, first = [], []
    for _ in range(1 if quick else 3):
        out = Path(tempfile.mkdtemp())
        begin_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, '-m', 'sketch_robot.nodes.draw_portrait', '--out', str(out)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith('drawing lines'):
                first.append(time.perf_counter() - begin_s)
        process.wait()
        took.append(time.perf_counter() - begin_s)
    yield from (
        Figure('warm portrait, until lines are drawn', statistics.median(first), 's', at_most=10.0),
        Figure('warm portrait, all', statistics.median(took), 's', at_most=25.0),
    )


def _rss_mb(pid: int) -> float:
    text = Path(f'/proc/{pid}/status').read_text()
    return int(text.split('VmRSS:')[1].split()[0]) / 1024.0
