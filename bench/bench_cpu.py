"""What each node of the graph costs: the processor's time while it waits, draws live, and draws on paper."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
from nav_msgs.msg import Path as PathMsg
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState
from sketch_robot_interfaces.srv import RenderLineArt

from bench.registry import Figure, bench
from bench.ros_world import RosWorld, frame_1280x720
from sketch_robot.nodes import qos
from sketch_robot.nodes.images import image_to_ros

TICKS = os.sysconf('SC_CLK_TCK')
SETTLE_S = 8.0  # discovery, and what is loaded lazily
RATE_HZ = 30.0


def _video(folder: Path) -> Path:
    """Two seconds of 1280 x 720 at 30 Hz, as a webcam's motion JPEG."""
    path = folder / 'camera.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), RATE_HZ, (1280, 720))
    frame = frame_1280x720()[..., ::-1].copy()
    for k in range(60):
        frame[:40, :40] = 4 * k
        writer.write(frame)
    writer.release()
    return path


def _processor_s(pid: int) -> float:
    """Processor seconds that a process has used, its threads' in sum (proc(5): utime and stime)."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _shares(world: RosWorld, seconds: float) -> dict[str, float]:
    """Percent of a core that each node takes."""
    before = {name: _processor_s(process.pid) for name, process in world.processes.items()}
    begin_s = time.monotonic()
    world.spin(seconds)
    took_s = time.monotonic() - begin_s
    return {
        name: 100.0 * (_processor_s(process.pid) - before[name]) / took_s for name, process in world.processes.items()
    }


def _figures(state: str, shares: dict[str, float], at_most: float | None = None) -> Iterator[Figure]:
    for name, share in shares.items():
        yield Figure(f'processor, {state}: {name}', share, '% of a core')
    yield Figure(f'processor, {state}: in sum', sum(shares.values()), '% of a core', at_most=at_most)


@bench('ros_cpu', 'what each node costs while it waits, draws live and draws on paper')
def cpu(quick: bool) -> Iterator[Figure]:
    """A camera of 1280 x 720 at 30 Hz: nobody looks, live line art and its plan are looked at, a portrait is drawn."""
    seconds = 8.0 if quick else 30.0
    states: list[PlotterState] = []
    folder = Path(tempfile.mkdtemp())
    with RosWorld(camera=str(_video(folder)), speedup='1') as world:
        world.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(check_only=True))
        image = image_to_ros(frame_1280x720(), 'rgb8')
        world.answer(world.send(Draw.Goal(image=image, dry_run=True)).get_result_async())
        world.spin(SETTLE_S)
        yield from _figures('idle', _shares(world, seconds), at_most=15.0)
        watching = [
            world.node.create_subscription(Image, 'line_art', lambda _: None, qos.IMAGE),
            world.node.create_subscription(PathMsg, 'live_path', lambda _: None, qos.LATCHED),
        ]
        world.spin(SETTLE_S)
        yield from _figures('live', _shares(world, seconds))
        for subscription in watching:
            world.node.destroy_subscription(subscription)
        world.spin(2.0)
        world.node.create_subscription(PlotterState, 'plotter_state', states.append, qos.LATCHED)
        handle = world.send(Draw.Goal())
        coming = handle.get_result_async()
        world.until(lambda: states and states[-1].strokes_done >= 1, 120.0)
        yield from _figures('drawing', _shares(world, min(seconds, 20.0)))
        handle.cancel_goal_async()
        world.answer(coming)
