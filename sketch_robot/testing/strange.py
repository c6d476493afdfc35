"""Strange goals: fields and pictures as a careless or hostile client sends them, the same for the same seed.

Each of them must end in a drawing or in an error with a name, whatever it is.
"""

from __future__ import annotations

import random

import numpy as np
from builtin_interfaces.msg import Duration
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw

from sketch_robot.nodes.images import ENCODINGS, image_to_ros
from sketch_robot.testing.faces import synthetic_face

PAGES = ('', 'A5', 'A6', 'A4', 'letter', '100x100', '15x15', 'A99', 'nanx100', '-5x10', '1e9x1e9', '×', 'a' * 9999)
NAMES = ('', '', '', 'student', 'guided', 'nobody', '../../etc/passwd', '/dev/zero', '.', '\x1b[2J', 'ß' * 500, '$(id)')
WEIGHTS = (0.0, 1.0, 0.3, -1.0, float('nan'), float('inf'), 3e38)
SECONDS = (0, 0, 0, 1, 20, 60, -1, -(2**31), 2**31 - 1)
SIZES = (0, 1, 2, 31, 32, 33, 64, 65, 200)


def strange_image(rng: random.Random) -> Image:
    """A picture: none, a face, noise, or a message whose parts do not fit together."""
    kind = rng.randrange(6)
    if kind == 0:
        return Image()
    if kind == 1:
        size = rng.uniform(0.05, 1.5)
        centre = (rng.uniform(-0.2, 1.2), rng.uniform(-0.2, 1.2))
        return image_to_ros(synthetic_face(160, 120, centre=centre, size=size, tilt_deg=rng.uniform(-180, 180)), 'rgb8')
    if kind == 2:
        pixels = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (rng.randint(1, 90), 64, 3), np.uint8)
        return image_to_ros(pixels, 'rgb8')
    msg = Image(encoding=rng.choice((*ENCODINGS, '', 'rgb9', 'x' * 99, 'jpeg')), is_bigendian=rng.randrange(2))
    msg.width, msg.height = rng.choice(SIZES), rng.choice(SIZES)
    if kind == 3:
        msg.width = rng.choice((msg.width, 2**32 - 1, 20_000))
        msg.height = rng.choice((msg.height, 2**32 - 1))
    msg.step = rng.choice((0, msg.width % 2**20, 3 * msg.width % 2**20, 16 * (msg.width % 2**16), 2**32 - 1))
    fits = msg.step * msg.height if kind == 5 else rng.choice(SIZES)
    msg.data = rng.randbytes(min(fits, 200_000))
    return msg


def strange_goal(rng: random.Random) -> Draw.Goal:
    """A goal in which any field may be nonsense; it moves nothing in three of four cases."""
    goal = Draw.Goal(image=strange_image(rng), dry_run=rng.random() < 0.75)
    if rng.random() < 0.5:
        goal.page = rng.choice(PAGES)
    if rng.random() < 0.3:
        goal.time_budget = _duration(rng)
    if rng.random() < 0.2:
        goal.keepalive = _duration(rng)
    if rng.random() < 0.2:
        goal.artist = rng.choice(NAMES)
    if rng.random() < 0.2:
        goal.styles = [rng.choice(NAMES) for _ in range(rng.randrange(4))]
        goal.style_weights = [rng.choice(WEIGHTS) for _ in range(rng.randrange(4))]
    named = ('page', 'artist')
    for field, kind in goal.get_fields_and_field_types().items():
        if field in named or rng.random() < 0.8:
            continue
        if kind == 'string':
            setattr(goal, field, rng.choice(NAMES))
        elif kind in ('float', 'double'):
            setattr(goal, field, rng.choice(WEIGHTS[: -1 if kind == 'float' else None]))
        elif kind.startswith(('uint', 'int')):
            setattr(goal, field, rng.choice((0, 1, 5, 127)))
    return goal


def _duration(rng: random.Random) -> Duration:
    return Duration(sec=rng.choice(SECONDS), nanosec=rng.choice((0, 1, 10**9 - 1, 2**32 - 1)))
