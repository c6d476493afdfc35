"""Pictures in messages: every encoding gives the right colours, every malformed one a clear refusal."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
import pytest
from bad_pictures import BAD_PICTURES
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import images
from sketch_robot.nodes.images import (
    ENCODINGS,
    array_from_ros,
    blank_ink,
    image_from_compressed,
    image_to_ros,
    ink_from_ros,
    ink_to_ros,
    photo_from_ros,
    with_cv_bridge,
    with_opencv,
)

BLOCK = 16
COLOURS = np.array([[(200, 30, 10), (20, 180, 40)], [(15, 25, 220), (90, 160, 60)]], np.uint8)
CHART = COLOURS.repeat(BLOCK, 0).repeat(BLOCK, 1)  # (32, 32, 3): red, green / blue, olive
INNER = [np.s_[r : r + BLOCK - 4, c : c + BLOCK - 4] for r in (2, BLOCK + 2) for c in (2, BLOCK + 2)]
YUV = ('yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv')
PLANAR = ('nv12', 'nv21')
PLAIN = ('rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', '8UC1', '8UC3')
CONVERTED = tuple(e for e in ENCODINGS if e not in (*PLAIN, *PLANAR) and not e.startswith('32F'))


def grey_of(rgb: np.ndarray) -> np.ndarray:
    return rgb[..., 1]  # any one channel will do as a grey picture


def mosaic(rgb: np.ndarray, pattern: str) -> np.ndarray:
    """What a sensor with that colour filter sees; the pattern names row 0 left to right, then row 1."""
    seen = np.empty(rgb.shape[:2], rgb.dtype)
    for place, letter in enumerate(pattern):
        row, column = divmod(place, 2)
        seen[row::2, column::2] = rgb[row::2, column::2, 'rgb'.index(letter)]
    return seen


def yuv422(rgb: np.ndarray, *, luma_first: bool) -> np.ndarray:
    """(H, W, 2): BT.601 with studio swing; each pair of pixels shares U and V."""
    red, green, blue = np.moveaxis(rgb.astype(float) / 255.0, 2, 0)
    y = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    u = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    v = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    chroma = np.empty_like(y)
    chroma[:, 0::2], chroma[:, 1::2] = u[:, 0::2], v[:, 0::2]
    return np.round(np.stack([y, chroma] if luma_first else [chroma, y], axis=2)).astype(np.uint8)


def planes(rgb: np.ndarray, encoding: str) -> np.ndarray:
    """(H + H / 2, W): luma, then U and V (`nv12`) or V and U (`nv21`) of two by two pixels in turn."""
    luma = yuv422(rgb, luma_first=True)
    chroma = luma[::2, :, 1].reshape(len(rgb) // 2, -1, 2)
    return np.concatenate([luma[..., 0], chroma[..., :: 1 if encoding == 'nv12' else -1].reshape(len(chroma), -1)])


def encoded(encoding: str) -> tuple[np.ndarray, np.ndarray]:
    """The chart's pixels in an encoding, and the RGB picture that they show."""
    deep = CHART.astype(np.uint16) * 257
    alpha = np.full((*CHART.shape[:2], 1), 255, np.uint8)
    grey = np.repeat(grey_of(CHART)[..., None], 3, 2)
    if encoding.startswith('bayer_'):
        return mosaic(deep if encoding.endswith('16') else CHART, encoding[6:10]), CHART
    if encoding in PLANAR:
        return planes(CHART, encoding), CHART
    if encoding in YUV:
        return yuv422(CHART, luma_first=encoding in ('yuv422_yuy2', 'yuyv')), CHART
    return {
        'rgb8': (CHART, CHART),
        'bgr8': (CHART[..., ::-1], CHART),
        '8UC3': (CHART[..., ::-1], CHART),
        'rgba8': (np.concatenate([CHART, alpha], 2), CHART),
        'bgra8': (np.concatenate([CHART[..., ::-1], alpha], 2), CHART),
        'mono8': (grey_of(CHART), grey),
        '8UC1': (grey_of(CHART), grey),
        'mono16': (grey_of(deep), grey),
        '16UC1': (grey_of(deep), grey),
        'rgb16': (deep, CHART),
        'bgr16': (deep[..., ::-1], CHART),
        '32FC1': (grey_of(CHART).astype(np.float32) / 255.0, grey),
        '32FC3': (CHART.astype(np.float32), CHART),
    }[encoding]


def message(pixels: np.ndarray, encoding: str, *, padding: int = 0, big_endian: bool = False) -> Image:
    """A message built byte by byte, without the code under test."""
    rows = pixels.reshape(len(pixels), -1).astype(pixels.dtype.newbyteorder('>' if big_endian else '<'))
    data = np.pad(np.ascontiguousarray(rows).view(np.uint8), ((0, 0), (0, padding)), constant_values=77)
    height = pixels.shape[0] * 2 // 3 if encoding in PLANAR else pixels.shape[0]
    return Image(
        height=height, width=pixels.shape[1], encoding=encoding, step=data.shape[1],
        is_bigendian=int(big_endian), data=data.tobytes(),
    )  # fmt: skip


def assert_shows(rgb: np.ndarray, wanted: np.ndarray, encoding: str) -> None:
    """Inside the blocks; at their edges a mosaic mixes colours."""
    assert rgb.shape == wanted.shape
    off = 3 if encoding in (*YUV, *PLANAR) else 0  # rounding of Y, U and V
    for inner in INNER:
        assert np.abs(rgb[inner].astype(int) - wanted[inner]).max() <= off, encoding


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding_gives_the_colours_that_were_encoded(encoding: str) -> None:
    pixels, shown = encoded(encoding)
    assert_shows(photo_from_ros(message(pixels, encoding)).rgb, shown, encoding)


@pytest.mark.parametrize(
    ('encoding', 'padding'),
    [
        ('rgb8', 5),
        ('bgra8', 3),
        ('mono16', 6),
        ('rgb16', 8),
        ('32FC3', 4),
        ('yuyv', 5),
        ('bayer_gbrg8', 7),
        ('nv12', 6),
    ],
)
def test_padding_at_the_end_of_rows_is_left_out(encoding: str, padding: int) -> None:
    pixels, shown = encoded(encoding)
    assert_shows(photo_from_ros(message(pixels, encoding, padding=padding)).rgb, shown, encoding)


@pytest.mark.parametrize('encoding', ['mono16', 'rgb16', 'bgr16', 'bayer_rggb16', '32FC1', '32FC3'])
def test_big_endian_values_are_understood(encoding: str) -> None:
    pixels, shown = encoded(encoding)
    assert_shows(photo_from_ros(message(pixels, encoding, big_endian=True)).rgb, shown, encoding)


def test_an_rgb8_picture_is_not_copied() -> None:
    msg = message(CHART, 'rgb8')
    assert np.shares_memory(photo_from_ros(msg).rgb, np.frombuffer(msg.data, np.uint8))


def test_transparent_pixels_lie_on_white() -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[..., 3] = 51
    assert (photo_from_ros(message(pixels, 'rgba8')).rgb == 204).all()


def test_a_compressed_picture_is_decoded_and_keeps_its_header() -> None:
    header = Header(frame_id='camera_optical_frame')
    header.stamp.sec = 12
    png = cv2.imencode('.png', CHART[..., ::-1])[1].tobytes()
    found = image_from_compressed(CompressedImage(header=header, format='rgb8; png compressed bgr8', data=png))
    assert found.header == header
    assert np.array_equal(photo_from_ros(found).rgb, CHART)
    jpeg = cv2.imencode('.jpg', CHART[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    found = image_from_compressed(CompressedImage(format='jpeg', data=jpeg))
    assert np.abs(photo_from_ros(found).rgb[4:12, 4:12].astype(int) - CHART[4:12, 4:12]).max() < 12


@pytest.mark.parametrize(('data', 'words'), [(b'', 'is empty'), (b'no picture', 'is no picture that can be read')])
def test_a_compressed_picture_that_is_none_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(SketchRobotError, match=rf'the compressed picture \(jpeg\) {words}') as caught:
        image_from_compressed(CompressedImage(format='jpeg', data=data))
    assert caught.value.code == ErrorCode.BAD_IMAGE


def test_the_stamp_of_the_message_is_the_photo_s() -> None:
    msg = message(CHART, 'rgb8')
    msg.header.stamp.sec, msg.header.stamp.nanosec = 12, 500_000_000
    assert photo_from_ros(msg, source='a topic').stamp_s == 12.5
    assert photo_from_ros(msg, source='a topic').source == 'a topic'


_DTYPES = {'rgb8': (3, np.uint8), 'bgra8': (4, np.uint8), 'mono8': (1, np.uint8), 'yuyv': (2, np.uint8),
           'mono16': (1, np.uint16), 'rgb16': (3, np.uint16), '32FC3': (3, np.float32)}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_pixels_make_the_round_trip_unchanged(data: Any) -> None:
    encoding = data.draw(st.sampled_from(sorted(_DTYPES)))
    channels, dtype = _DTYPES[encoding]
    height, width = data.draw(st.integers(1, 9)), 2 * data.draw(st.integers(1, 6))
    shape = (height, width) if channels == 1 else (height, width, channels)
    elements = st.floats(0, 1, width=32) if dtype == np.float32 else None
    pixels = data.draw(hnp.arrays(dtype, shape, elements=elements))
    msg = image_to_ros(pixels, encoding, Header(frame_id='eye'))
    assert (msg.width, msg.height, msg.encoding, msg.header.frame_id) == (width, height, encoding, 'eye')
    assert msg.step == width * channels * np.dtype(dtype).itemsize
    assert msg.is_bigendian == (sys.byteorder == 'big')
    back = array_from_ros(msg)
    assert back.dtype == dtype
    assert np.array_equal(back, pixels)
    padded = message(pixels, encoding, padding=data.draw(st.integers(0, 3)) * np.dtype(dtype).itemsize)
    assert np.array_equal(array_from_ros(padded), pixels)


def test_a_view_that_is_not_contiguous_is_sent_as_it_looks() -> None:
    assert np.array_equal(array_from_ros(image_to_ros(CHART[::2, ::-1], 'rgb8')), CHART[::2, ::-1])


@pytest.mark.parametrize('pixels', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint16)])
def test_pixels_that_do_not_fit_the_encoding_are_a_defect(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match='rgb8 wants 3 channels of uint8, not'):
        image_to_ros(pixels, 'rgb8')


@pytest.mark.parametrize('case', sorted(BAD_PICTURES))
def test_a_bad_picture_is_refused_with_its_reason(case: str) -> None:
    msg, words = BAD_PICTURES[case]
    with pytest.raises(SketchRobotError) as caught:
        photo_from_ros(msg)
    assert caught.value.code == ErrorCode.BAD_IMAGE
    for word in words:
        assert word in caught.value.message


# ------------------------------------------------------------------------------------------------------- line art


def test_ink_is_black_on_white_and_comes_back() -> None:
    ink = np.linspace(0.0, 1.0, 256, dtype=np.float32).reshape(16, 16)
    msg = ink_to_ros(ink)
    assert msg.encoding == 'mono8'
    assert (array_from_ros(msg)[0, 0], array_from_ros(msg)[-1, -1]) == (255, 0)
    assert np.abs(ink_from_ros(msg) - ink).max() < 1e-6


def test_ink_beyond_its_range_is_cut_and_coloured_pictures_are_read_as_ink() -> None:
    assert array_from_ros(ink_to_ros(np.array([[-3.0, 7.0]], np.float32))).tolist() == [[255, 0]]
    black_on_white = np.full((32, 32, 3), 255, np.uint8)
    black_on_white[10] = 0
    ink = ink_from_ros(image_to_ros(black_on_white, 'bgr8'))
    assert (ink[10] == 1.0).all()
    assert ink.sum() == 32.0


@pytest.mark.parametrize('size', [(0, 10), (10, 0), (20_000, 20_000)])
def test_line_art_known_by_strokes_alone_needs_a_size(size: tuple[int, int]) -> None:
    with pytest.raises(SketchRobotError, match=f'line art of {size[0]} x {size[1]} pixels cannot be planned') as caught:
        blank_ink(*size)
    assert caught.value.code == ErrorCode.BAD_IMAGE


# ------------------------------------------------------------------------------------------------------ cv_bridge


BRIDGE_CODES = {  # ROS names a Bayer pattern by its first pixels, OpenCV by those from the second row and column on
    'bayer_rggb': cv2.COLOR_BayerBG2RGB,
    'bayer_bggr': cv2.COLOR_BayerRG2RGB,
    'bayer_gbrg': cv2.COLOR_BayerGR2RGB,
    'bayer_grbg': cv2.COLOR_BayerGB2RGB,
    'yuv422': cv2.COLOR_YUV2RGB_UYVY,
    'yuv422_yuy2': cv2.COLOR_YUV2RGB_YUY2,
    'bgr': cv2.COLOR_BGR2RGB,
}


class BridgeDouble:
    """Stands for cv_bridge where none is installed; reads rows and knows encodings and colour codes as it does.

    As in cv_bridge's `imgmsg_to_cv2` and `cv_bridge.cpp`: rows are cut into whole pixels (a padding that is no multiple
    of a pixel shears the picture), 'uyvy', 'yuyv' and '16UC1' have no colours, 16 bits become 8 by 255 / 65535.
    """

    def imgmsg_to_cv2(self, msg: Image, desired_encoding: str) -> np.ndarray:
        known = msg.encoding if msg.encoding.startswith('yuv422') else msg.encoding.rstrip('0123456789')
        if known not in (*BRIDGE_CODES, 'mono', 'rgb') or (known == 'mono') != (desired_encoding == 'mono8'):
            raise RuntimeError(f'[{msg.encoding}] is not a color format')
        channels = {'mono': 1, 'rgb': 3, 'bgr': 3, 'yuv422': 2, 'yuv422_yuy2': 2}.get(known, 1)
        dtype = np.dtype(np.uint16 if msg.encoding.endswith('16') else np.uint8)
        pixels = msg.step // dtype.itemsize // channels
        shape = (msg.height, pixels) if channels == 1 else (msg.height, pixels, channels)
        order = '>' if msg.is_bigendian else '<'
        image = np.ndarray(shape, dtype.newbyteorder(order), buffer=msg.data)[:, : msg.width].astype(dtype)
        if known in BRIDGE_CODES:
            image = cv2.cvtColor(np.ascontiguousarray(image), BRIDGE_CODES[known])
        return image if dtype == np.uint8 else np.rint(image * (255.0 / 65535.0)).astype(np.uint8)


@pytest.fixture(scope='module')
def bridge() -> Any:
    """The installed cv_bridge where it works, else its double."""
    return images.working_cv_bridge() or BridgeDouble()


@pytest.mark.parametrize('encoding', CONVERTED)
def test_cv_bridge_and_opencv_agree_and_both_are_right(encoding: str, bridge: Any) -> None:
    pixels, shown = encoded(encoding)
    msg = message(pixels, encoding, padding=10, big_endian=pixels.dtype == np.uint16)
    seen = array_from_ros(msg)
    ours, theirs = with_opencv(encoding, seen), with_cv_bridge(bridge, encoding, seen)
    assert theirs.dtype == ours.dtype == np.uint8
    assert np.array_equal(ours, theirs)
    assert_shows(theirs if theirs.ndim == 3 else np.repeat(theirs[..., None], 3, 2), shown, encoding)
    assert msg.encoding == encoding


def test_a_working_cv_bridge_is_used_and_gets_whole_pixels(monkeypatch: pytest.MonkeyPatch, bridge: Any) -> None:
    asked: list[tuple[str, int, str]] = []

    class Listener:
        def imgmsg_to_cv2(self, msg: Image, desired_encoding: str) -> np.ndarray:
            asked.append((msg.encoding, msg.step, desired_encoding))
            return bridge.imgmsg_to_cv2(msg, desired_encoding)

    monkeypatch.setattr(images, 'working_cv_bridge', Listener)
    for encoding in ('yuyv', 'uyvy', '16UC1', 'rgb16', 'bayer_grbg8', 'rgb8', '32FC3'):
        pixels, shown = encoded(encoding)
        assert_shows(photo_from_ros(message(pixels, encoding, padding=4)).rgb, shown, encoding)
    assert asked == [
        ('yuv422_yuy2', 64, 'rgb8'),
        ('yuv422', 64, 'rgb8'),
        ('mono16', 64, 'mono8'),
        ('rgb16', 192, 'rgb8'),
        ('bayer_grbg8', 32, 'rgb8'),
    ]


def test_a_cv_bridge_without_its_compiled_part_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hollow:
        class CvBridge:
            def imgmsg_to_cv2(self, *_: object) -> np.ndarray:
                raise ImportError('no module named cv_bridge.boost.cv_bridge_boost')

    monkeypatch.setitem(sys.modules, 'cv_bridge', Hollow)
    images.working_cv_bridge.cache_clear()
    try:
        assert images.working_cv_bridge() is None
    finally:
        images.working_cv_bridge.cache_clear()
