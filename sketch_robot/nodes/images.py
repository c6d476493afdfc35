"""Pictures between ROS messages and arrays.

rgb8, bgr8, rgba8, bgra8 and mono8 are moved by numpy without a copy per pixel; Bayer, YUV, 16-bit and float pictures go
through cv_bridge where a working one is installed and through OpenCV otherwise, with the same result. Of the names that
say nothing about colour, 8UC3 is BGR (as RViz shows it) and 32FC3 is RGB.
"""

from __future__ import annotations

import functools
import logging
import sys
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo import MAX_PIXELS, MIN_SIDE_PX, Photo, photo_from_array

_log = logging.getLogger(__name__)

# encoding -> (channels, dtype)
_LAYOUT: dict[str, tuple[int, type]] = {
    'rgb8': (3, np.uint8),
    'bgr8': (3, np.uint8),
    'rgba8': (4, np.uint8),
    'bgra8': (4, np.uint8),
    'mono8': (1, np.uint8),
    '8UC1': (1, np.uint8),
    '8UC3': (3, np.uint8),
    'mono16': (1, np.uint16),
    '16UC1': (1, np.uint16),
    'rgb16': (3, np.uint16),
    'bgr16': (3, np.uint16),
    '32FC1': (1, np.float32),
    '32FC3': (3, np.float32),
    'bayer_rggb8': (1, np.uint8),
    'bayer_bggr8': (1, np.uint8),
    'bayer_gbrg8': (1, np.uint8),
    'bayer_grbg8': (1, np.uint8),
    'bayer_rggb16': (1, np.uint16),
    'bayer_bggr16': (1, np.uint16),
    'bayer_gbrg16': (1, np.uint16),
    'bayer_grbg16': (1, np.uint16),
    'yuv422': (2, np.uint8),
    'uyvy': (2, np.uint8),
    'yuv422_yuy2': (2, np.uint8),
    'yuyv': (2, np.uint8),
    'nv12': (1, np.uint8),
    'nv21': (1, np.uint8),
}
ENCODINGS = tuple(_LAYOUT)

# ROS names a Bayer pattern by its first two by two pixels, OpenCV by the second row's and column's: hence the crossing.
_BAYER = {
    'rggb': cv2.COLOR_BayerBG2RGB,
    'bggr': cv2.COLOR_BayerRG2RGB,
    'gbrg': cv2.COLOR_BayerGR2RGB,
    'grbg': cv2.COLOR_BayerGB2RGB,
}
_YUV = {
    'yuv422': cv2.COLOR_YUV2RGB_UYVY,
    'uyvy': cv2.COLOR_YUV2RGB_UYVY,
    'yuv422_yuy2': cv2.COLOR_YUV2RGB_YUY2,
    'yuyv': cv2.COLOR_YUV2RGB_YUY2,
}
# A plane of luma, then one of half as many rows with the chroma of two by two pixels: as Raspberry Pi cameras send.
_PLANAR = {'nv12': cv2.COLOR_YUV2RGB_NV12, 'nv21': cv2.COLOR_YUV2RGB_NV21}
_BRIDGE_NAMES = {'16UC1': 'mono16', 'uyvy': 'yuv422', 'yuyv': 'yuv422_yuy2'}  # cv_bridge knows these pixels so


def _bad(message: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_IMAGE, message)


def array_from_ros(msg: Image) -> np.ndarray:
    """The pixels of a message, as they are: (H, W) or (H, W, C), uint8, uint16 or float32; a view where possible.

    Of `nv12` and `nv21` both planes, (H + H / 2, W).

    Raises:
        SketchRobotError: BAD_IMAGE, the encoding is unknown, or width, height, step and the data do not fit together.
    """
    if msg.encoding not in _LAYOUT:
        raise _bad(f'the encoding {msg.encoding!r} is not known; send one of: {", ".join(ENCODINGS)}')
    channels, dtype = _LAYOUT[msg.encoding]
    width, height, item = msg.width, msg.height, np.dtype(dtype).itemsize
    if width == 0 or height == 0 or len(msg.data) == 0:
        raise _bad(f'the image is empty: {width} x {height} pixels, {len(msg.data)} bytes')
    if width * height > MAX_PIXELS:
        raise _bad(
            f'the image has {width} x {height} pixels, more than {MAX_PIXELS / 1e6:.0f} million; send a smaller one'
        )
    if msg.encoding in _YUV and width % 2:
        raise _bad(f'{msg.encoding} pixels come in pairs, but a row has {width}; send an even width')
    if msg.step < width * channels * item:
        raise _bad(
            f'step is {msg.step} bytes, but a row of {width} pixels {msg.encoding} needs {width * channels * item}'
        )
    if msg.encoding in _PLANAR:
        if width % 2 or height % 2:
            raise _bad(f'{msg.encoding} shares colours by two by two pixels; send even sides, not {width} x {height}')
        height += height // 2
    if len(msg.data) != msg.step * height:
        raise _bad(
            f'the image holds {len(msg.data)} bytes, but {height} rows of {msg.step} bytes are {msg.step * height}'
        )
    if msg.step % item:
        raise _bad(f'step is {msg.step} bytes, not a multiple of the {item} bytes of a value of {msg.encoding}')
    rows = np.frombuffer(msg.data, np.uint8).reshape(height, msg.step)[:, : width * channels * item]
    pixels = (
        rows
        if item == 1
        else np.ascontiguousarray(rows).view(np.dtype(dtype).newbyteorder('>' if msg.is_bigendian else '<'))
    )
    pixels = pixels.astype(dtype, copy=False)
    return pixels.reshape(height, width) if channels == 1 else pixels.reshape(height, width, channels)


def photo_from_ros(msg: Image, *, source: str = 'image') -> Photo:
    """The photo in a message.

    Raises:
        SketchRobotError: BAD_IMAGE, see `array_from_ros`; or the picture is too small, too large or not finite.
    """
    pixels = array_from_ros(msg)
    if min(msg.width, msg.height) < MIN_SIDE_PX:  # before any conversion: OpenCV's need neighbours
        raise _bad(f'the image is too small: {msg.width} x {msg.height}; each side needs at least {MIN_SIDE_PX} pixels')
    stamp_s = msg.header.stamp.sec + msg.header.stamp.nanosec * 1e-9
    return photo_from_array(_to_rgb(msg.encoding, pixels), source=source, stamp_s=stamp_s)


def image_from_compressed(msg: CompressedImage) -> Image:
    """A JPEG or PNG of `image_transport` as a picture, rgb8, with the same header.

    Raises:
        SketchRobotError: BAD_IMAGE, see `decode_photo`.
    """
    from sketch_robot.photo import decode_photo  # what reads files is not needed otherwise

    photo = decode_photo(bytes(msg.data), f'the compressed picture ({msg.format or "of no format"})')
    return image_to_ros(photo.rgb, 'rgb8', msg.header)


def _to_rgb(encoding: str, pixels: np.ndarray) -> np.ndarray:
    if encoding in ('rgb8', 'rgba8', 'mono8', '8UC1'):
        return pixels
    if encoding in ('bgr8', '8UC3'):
        return pixels[..., ::-1]
    if encoding == 'bgra8':
        return pixels[..., [2, 1, 0, 3]]
    bridge = None if encoding in _PLANAR else working_cv_bridge()  # it knows no planes
    return with_opencv(encoding, pixels) if bridge is None else with_cv_bridge(bridge, encoding, pixels)


def with_opencv(encoding: str, pixels: np.ndarray) -> np.ndarray:
    """Bayer, YUV, 16-bit and float pixels to RGB or grey, (H, W[, 3]), uint8 or float32."""
    if encoding in _YUV or encoding in _PLANAR:
        return cv2.cvtColor(np.ascontiguousarray(pixels), (_YUV | _PLANAR)[encoding])
    if pixels.dtype == np.float32:
        return pixels
    if encoding.startswith('bayer_'):
        pixels = cv2.cvtColor(np.ascontiguousarray(pixels), _BAYER[encoding[6:10]])
    elif encoding == 'bgr16':
        pixels = pixels[..., ::-1]
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(np.ascontiguousarray(pixels), alpha=255.0 / 65535.0)
    return pixels


def with_cv_bridge(bridge: Any, encoding: str, pixels: np.ndarray) -> np.ndarray:
    """The same through cv_bridge; floats have no colour conversion there and stay as they are.

    It gets the pixels without the padding of their rows and in this machine's byte order: when the padding is no
    multiple of a pixel, cv_bridge shears the picture.
    """
    if pixels.dtype == np.float32:
        return pixels
    packed = image_to_ros(pixels, encoding)
    packed.encoding = _BRIDGE_NAMES.get(encoding, encoding)
    return bridge.imgmsg_to_cv2(packed, 'mono8' if packed.encoding == 'mono16' else 'rgb8')


@functools.cache
def working_cv_bridge() -> Any | None:
    """A cv_bridge that converts, or None: some wheels of it lack their compiled part."""
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        probe = Image(height=2, width=2, encoding='mono16', step=4, data=bytes(8))
        bridge.imgmsg_to_cv2(probe, 'mono8')
    except (ImportError, AttributeError, RuntimeError, TypeError) as error:
        _log.debug('no working cv_bridge (%s): OpenCV converts pictures', error)
        return None
    return bridge


def image_to_ros(pixels: np.ndarray, encoding: str, header: Header | None = None) -> Image:
    """A message from (H, W) or (H, W, C) pixels of that encoding; the data are moved in one piece."""
    channels, dtype = _LAYOUT[encoding]
    expected = pixels.shape[2] if pixels.ndim == 3 else 1
    if channels != expected or pixels.dtype != dtype:
        raise ValueError(f'{encoding} wants {channels} channels of {np.dtype(dtype)}, not {expected} of {pixels.dtype}')
    pixels = np.ascontiguousarray(pixels)
    msg = Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, is_bigendian=sys.byteorder == 'big')
    msg.step = pixels.strides[0]
    if header is not None:
        msg.header = header
    msg.data.frombytes(pixels.data.cast('B'))
    return msg


def ink_to_ros(ink: np.ndarray, header: Header | None = None) -> Image:
    """Line art as a picture: mono8, black lines on white. `ink` is (H, W) float32 in [0, 1], 1 = ink."""
    return image_to_ros(np.round(255.0 * (1.0 - np.clip(ink, 0.0, 1.0))).astype(np.uint8), 'mono8', header)


def ink_from_ros(msg: Image) -> np.ndarray:
    """(H, W) float32 ink in [0, 1] of a picture of black lines on white, of any known encoding.

    Raises:
        SketchRobotError: BAD_IMAGE, see `photo_from_ros`.
    """
    if msg.encoding in ('mono8', '8UC1'):
        return 1.0 - array_from_ros(msg).astype(np.float32) / 255.0
    return 1.0 - cv2.cvtColor(photo_from_ros(msg).rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0


def blank_ink(width: int, height: int) -> np.ndarray:
    """(height, width) float32 zeros: line art known by its strokes alone.

    Raises:
        SketchRobotError: BAD_IMAGE, no size a picture can have.
    """
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise _bad(f'line art of {width} x {height} pixels cannot be planned; give its width and height')
    return np.zeros((height, width), np.float32)
