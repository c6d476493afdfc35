"""The live view: a 1280 x 720 camera at 30 Hz into the line artist with its default artist, as separate processes."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
from sensor_msgs.msg import Image
from sketch_robot_interfaces.srv import RenderLineArt

from bench.registry import Figure, bench, median_s
from bench.ros_world import RosWorld, frame_1280x720
from sketch_robot.nodes import qos
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.messages import seconds_from_ros
from sketch_robot.photo import Photo

SETTLE = 10  # drawings before the figures count


@bench('live', 'line art of a camera at 30 Hz: rate, age, load and memory; where a frame goes')
def live(quick: bool) -> Iterator[Figure]:
    """Line art as a listener gets it, then the stages of one frame in this process."""
    picture = Path(tempfile.mkdtemp()) / 'frame.png'
    cv2.imwrite(str(picture), frame_1280x720()[..., ::-1])
    arrivals: list[tuple[float, float]] = []  # when it came, and how old its frame was, seconds

    def on_art(msg: Image) -> None:
        now_s = time.time()
        arrivals.append((now_s, now_s - seconds_from_ros(msg.header.stamp)))

    camera = {'still_rate_hz': 30.0}
    nodes = ('camera', 'line_artist', 'planner')  # which traces what is asked for
    with RosWorld(only=nodes, overrides={'camera': camera}, photo=str(picture)) as world:
        world.node.create_subscription(Image, 'line_art', on_art, qos.IMAGE)
        world.until(lambda: len(arrivals) > SETTLE, 120.0)
        arrivals.clear()
        artist = world.processes['line_artist']
        cpu_s, begin_s = _cpu_s(artist), time.time()
        world.spin(8.0 if quick else 30.0)
        cpu_s, took_s = _cpu_s(artist) - cpu_s, time.time() - begin_s
        live = tuple(arrivals)
        request = RenderLineArt.Request(image=image_to_ros(frame_1280x720(), 'rgb8'))
        for _ in range(10):
            world.call(RenderLineArt, 'render_line_art', request)
        memory_mb, share_mb = _kb(artist, 'status', 'VmHWM:') / 1024.0, _kb(artist, 'smaps_rollup', 'Pss:') / 1024.0
        planner_mb = _kb(world.processes['planner'], 'status', 'VmHWM:') / 1024.0
    ages = [age_s for _, age_s in live]
    gaps = [after - before for (before, _), (after, _) in itertools.pairwise(live)]
    yield from (
        Figure('live line art, from one to the next, median', statistics.median(gaps), 's'),
        Figure('live line art, from one to the next, worst', max(gaps), 's'),
        Figure('live line art, pictures a second', len(live) / took_s, '/s', at_least=10.0),
        Figure('live line art, age of its frame when it arrives, median', statistics.median(ages), 's', at_most=0.15),
        Figure('live line art, age of its frame when it arrives, worst', max(ages), 's'),
        Figure('live line art, processor time of line_artist', cpu_s / took_s, 'cores'),
        Figure('the same for one picture', cpu_s / len(live), 's'),
        Figure(
            'most memory that line_artist held (RSS), live and with drawings asked for', memory_mb, 'MB', at_most=400.0
        ),
        Figure('the same with what it shares counted in parts (PSS), at the end', share_mb, 'MB'),
        Figure('most memory that planner held, which traced them', planner_mb, 'MB'),
    )
    yield from _stages(5 if quick else 20)


def _stages(repeats: int) -> Iterator[Figure]:
    """Where the time of a frame goes, in this process."""
    from sketch_robot.line_art.student.artist import StudentArtist
    from sketch_robot.photo import SitterFinder

    photo = Photo(frame_1280x720(), 'frame')
    finder, artist = SitterFinder(), StudentArtist()
    sitter = finder.find(photo)
    yield Figure('one frame: finding the sitter as for a drawing', median_s(lambda: finder.find(photo), repeats), 's')
    finder.quick = True
    stages = {
        'finding the sitter': lambda: finder.find(photo),
        "the student's drawing": lambda: artist.draw(sitter),
        'of that, its network': lambda: artist.net_ink(sitter.crop),
    }
    for name, stage in stages.items():
        yield Figure(f'one frame: {name}', median_s(stage, repeats), 's')


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    """Processor seconds that a process has used, in all its threads."""
    fields = Path(f'/proc/{process.pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _kb(process: subprocess.Popen[bytes], file: str, field: str) -> int:
    """A figure of memory that the kernel keeps of a process, see proc(5)."""
    return int(Path(f'/proc/{process.pid}/{file}').read_text().split(field)[1].split()[0])
