"""Messages that hold no usable picture, by what is wrong with them, and the words that say so."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import Image

from sketch_robot.nodes.images import image_to_ros


def _rgb(**changes: object) -> Image:
    msg = image_to_ros(np.full((48, 64, 3), 128, np.uint8), 'rgb8')
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


def _floats(value: float) -> Image:
    pixels = np.full((48, 64), 0.5, np.float32)
    pixels[3, 4] = value
    return image_to_ros(pixels, '32FC1')


BAD_PICTURES: dict[str, tuple[Image, tuple[str, ...]]] = {
    'empty': (Image(), ('encoding', 'not known')),
    'without data': (_rgb(data=[]), ('empty', '64 x 48 pixels, 0 bytes')),
    'without rows': (_rgb(height=0), ('empty', '64 x 0 pixels')),
    'truncated': (_rgb(data=bytes(5000)), ('holds 5000 bytes', '48 rows of 192 bytes are 9216')),
    'too much data': (_rgb(data=bytes(10_000)), ('holds 10000 bytes', 'are 9216')),
    'one pixel': (
        Image(width=1, height=1, step=3, encoding='rgb8', data=bytes(3)),
        ('too small: 1 x 1', 'at least 32 pixels'),
    ),
    'one Bayer pixel': (
        Image(width=1, height=1, step=1, encoding='bayer_rggb8', data=bytes(1)),
        ('too small: 1 x 1', 'at least 32 pixels'),
    ),
    '20,000 x 20,000': (
        Image(width=20_000, height=20_000, step=60_000, encoding='rgb8', data=bytes(3)),
        ('20000 x 20000 pixels', 'more than 50 million'),
    ),
    'largest numbers': (
        Image(width=2**32 - 1, height=2**32 - 1, step=2**32 - 1, encoding='mono8', data=bytes(3)),
        ('4294967295 x 4294967295 pixels', 'more than 50 million'),
    ),
    'unknown encoding': (_rgb(encoding='rgb9'), ("'rgb9' is not known", 'rgb8, bgr8')),
    'short step': (_rgb(step=191), ('step is 191 bytes', '64 pixels rgb8 needs 192')),
    'odd step': (
        Image(width=64, height=48, step=129, encoding='mono16', data=bytes(129 * 48)),
        ('step is 129 bytes', 'not a multiple of the 2 bytes'),
    ),
    'odd YUV': (
        Image(width=63, height=48, step=126, encoding='yuyv', data=bytes(126 * 48)),
        ('come in pairs', 'a row has 63'),
    ),
    'NV12 of odd height': (
        Image(width=64, height=47, step=64, encoding='nv12', data=bytes(64 * 70)),
        ('even sides, not 64 x 47',),
    ),
    'NV21 without its colours': (
        Image(width=64, height=48, step=64, encoding='nv21', data=bytes(64 * 48)),
        ('holds 3072 bytes', '72 rows of 64 bytes are 4608'),
    ),
    'NaN': (_floats(np.nan), ('NaN or infinite',)),
    'infinity': (_floats(np.inf), ('NaN or infinite',)),
    'bright floats': (_floats(1000.0), ('float pixels from 0.5 to 1000', 'give 0..1 or 0..255')),
}
