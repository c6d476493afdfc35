"""Decoding and checking of pictures."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo import MAX_PIXELS, MIN_SIDE_PX, decode, decode_photo, load_photo, photo_from_array

HERE = Path(__file__).parent


def encoded(array: np.ndarray, fmt: str = 'PNG', **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, fmt, **options)
    return file.getvalue()


@pytest.fixture
def colours() -> np.ndarray:
    """40 x 60: a red upper half, of which the left third is blue, on a green lower half."""
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20] = (255, 0, 0)
    image[20:] = (0, 255, 0)
    image[:20, :20] = (0, 0, 255)
    return image


def assert_bad_image(caught: pytest.ExceptionInfo[SketchRobotError], *words: str) -> None:
    assert caught.value.code is ErrorCode.BAD_IMAGE
    for word in words:
        assert word in caught.value.message


def test_a_png_is_decoded_pixel_by_pixel(colours: np.ndarray) -> None:
    photo = decode_photo(encoded(colours), 'a test')
    assert np.array_equal(photo.rgb, colours)
    assert photo.source == 'a test'
    assert photo.size_px == (60, 40)


def test_a_jpeg_is_decoded_in_rgb_order(colours: np.ndarray) -> None:
    photo = decode_photo(encoded(colours, 'JPEG', quality=95, subsampling=0))
    assert np.abs(photo.rgb.astype(int) - colours).mean() < 4
    assert photo.rgb[35, 30].tolist()[1] > 240


@pytest.mark.parametrize('fmt', ['WEBP', 'BMP', 'TIFF', 'PPM'])
def test_other_lossless_formats_are_decoded_too(colours: np.ndarray, fmt: str) -> None:
    options = {'lossless': True} if fmt == 'WEBP' else {}
    assert np.array_equal(decode_photo(encoded(colours, fmt, **options)).rgb, colours)


def test_grey_becomes_three_equal_channels() -> None:
    grey = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    photo = decode_photo(encoded(grey))
    assert np.array_equal(photo.rgb, np.dstack([grey] * 3))


def test_transparency_is_laid_on_white_paper() -> None:
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[:, :20] = (10, 20, 30, 255)
    rgba[:, 20:] = (0, 0, 0, 128)
    photo = decode_photo(encoded(rgba))
    assert photo.rgb[5, 5].tolist() == [10, 20, 30]
    assert photo.rgb[5, 30].tolist() == [127, 127, 127]


def test_a_palette_with_a_transparent_colour_is_laid_on_white_paper() -> None:
    image = Image.new('P', (40, 40), 0)
    image.putpalette([200, 0, 0, 0, 0, 200] + [0] * 762)
    image.paste(1, (20, 0, 40, 40))
    file = io.BytesIO()
    image.save(file, 'PNG', transparency=0)
    photo = decode_photo(file.getvalue())
    assert photo.rgb[0, 0].tolist() == [255, 255, 255]
    assert photo.rgb[0, 30].tolist() == [0, 0, 200]


def test_sixteen_bits_are_scaled_to_eight() -> None:
    deep = np.full((40, 40), 65535, np.uint16)
    deep[:, :20] = 257 * 100
    photo = decode_photo(encoded(deep))
    assert photo.rgb[0, 0].tolist() == [100, 100, 100]
    assert photo.rgb[0, 39].tolist() == [255, 255, 255]


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation_is_applied(colours: np.ndarray, orientation: int) -> None:
    # how a camera stores the upright picture for each EXIF orientation
    stored = {
        1: colours,
        2: colours[:, ::-1],
        3: colours[::-1, ::-1],
        4: colours[::-1],
        5: colours.transpose(1, 0, 2),
        6: np.rot90(colours, 1),
        7: colours[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(colours, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode_photo(encoded(np.ascontiguousarray(stored), 'PNG', exif=exif.tobytes()))
    assert np.array_equal(photo.rgb, colours)


@pytest.mark.filterwarnings('ignore:Corrupt EXIF data')
def test_a_damaged_exif_block_does_not_cost_the_picture(colours: np.ndarray) -> None:
    data = encoded(colours, 'JPEG', quality=95, exif=b'Exif\x00\x00II*\x00\xff\xff\xff\x7f')
    assert decode_photo(data).size_px == (60, 40)


def test_no_data_is_refused() -> None:
    with pytest.raises(SketchRobotError) as caught:
        decode_photo(b'', 'camera')
    assert_bad_image(caught, 'camera', 'empty')


@pytest.mark.parametrize('fmt', ['PNG', 'JPEG'])
@pytest.mark.parametrize('kept', [0.2, 0.6, 0.95])
def test_a_truncated_picture_is_refused(fmt: str, kept: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(noise, fmt)
    with pytest.raises(SketchRobotError) as caught:
        decode_photo(data[: int(kept * len(data))], 'half.png')
    assert_bad_image(caught, 'half.png')


def test_a_text_file_is_refused() -> None:
    with pytest.raises(SketchRobotError) as caught:
        decode_photo(b'# a shopping list\n* bread\n' * 20, 'list.txt')
    assert_bad_image(caught, 'list.txt', 'JPEG or PNG')


@pytest.mark.parametrize('size', [(1, 1), (MIN_SIDE_PX - 1, 400), (400, MIN_SIDE_PX - 1)])
def test_a_tiny_picture_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(SketchRobotError) as caught:
        decode_photo(encoded(np.zeros((size[1], size[0], 3), np.uint8)))
    assert_bad_image(caught, 'too small', f'{size[0]} x {size[1]}', str(MIN_SIDE_PX))


def test_the_smallest_picture_is_accepted() -> None:
    assert decode_photo(encoded(np.zeros((MIN_SIDE_PX, MIN_SIDE_PX), np.uint8))).size_px == (MIN_SIDE_PX, MIN_SIDE_PX)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds almost nothing."""
    body = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    chunks = [(b'IHDR', body), (b'IDAT', zlib.compress(b'\x00' * 64)), (b'IEND', b'')]
    parts = [struct.pack('>I', len(d)) + n + d + struct.pack('>I', zlib.crc32(n + d)) for n, d in chunks]
    return b'\x89PNG\r\n\x1a\n' + b''.join(parts)


@pytest.mark.parametrize('size', [(20_000, 20_000), (10_000, 5_001), (1_000_000, 64)])
def test_a_huge_png_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(SketchRobotError) as caught:
        decode_photo(png_header(*size), 'bomb.png')
    assert_bad_image(caught, 'bomb.png', 'too large', 'scale it down', f'{MAX_PIXELS // 10**6} Mpx')


def test_a_huge_jpeg_is_refused_by_its_header() -> None:
    data = bytearray(encoded(np.zeros((64, 64, 3), np.uint8), 'JPEG'))
    frame = data.index(b'\xff\xc0')  # the frame header: length, depth, height, width
    data[frame + 5 : frame + 9] = struct.pack('>HH', 20_000, 20_000)
    with pytest.raises(SketchRobotError) as caught:
        decode_photo(bytes(data), 'bomb.jpg')
    assert_bad_image(caught, 'too large')


def test_a_file_is_loaded_with_its_path_as_source(tmp_path, colours: np.ndarray) -> None:
    path = tmp_path / 'face.png'
    path.write_bytes(encoded(colours))
    assert load_photo(path).source == str(path)
    assert np.array_equal(load_photo(str(path)).rgb, colours)


def test_a_path_that_does_not_exist_is_refused(tmp_path) -> None:
    with pytest.raises(SketchRobotError) as caught:
        load_photo(tmp_path / 'nobody.jpg')
    assert_bad_image(caught, 'nobody.jpg', 'No such file')


def test_a_folder_is_refused(tmp_path) -> None:
    with pytest.raises(SketchRobotError) as caught:
        load_photo(tmp_path)
    assert_bad_image(caught, str(tmp_path), 'folder')


def test_a_path_with_a_null_character_is_refused() -> None:
    with pytest.raises(SketchRobotError) as caught:
        load_photo('face\0.png')
    assert_bad_image(caught, 'cannot read')


@pytest.mark.parametrize('shape', [(40, 50), (40, 50, 1), (40, 50, 3), (40, 50, 4)])
def test_arrays_of_every_usual_shape_become_photos(shape: tuple[int, ...]) -> None:
    photo = photo_from_array(np.full(shape, 255, np.uint8), 'array', stamp_s=3.5)
    assert photo.rgb.shape == (40, 50, 3)
    assert (photo.rgb == 255).all()
    assert photo.stamp_s == 3.5


@pytest.mark.parametrize('shape', [(40,), (40, 50, 2), (40, 50, 5), (2, 40, 50, 3), (0, 0), (40, 0, 3)])
def test_arrays_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SketchRobotError) as caught:
        photo_from_array(np.zeros(shape, np.uint8), 'array')
    assert_bad_image(caught, 'array')


@pytest.mark.parametrize(
    ('value', 'dtype', 'expected'),
    [
        (True, bool, 255),
        (False, bool, 0),
        (65535, np.uint16, 255),
        (257 * 77, '>u2', 77),
        (1.0, np.float32, 255),
        (0.5, np.float64, 128),
        (200.0, np.float32, 200),
        (255.0, np.float16, 255),
    ],
)
def test_pixel_types_are_scaled_to_eight_bits(value: float, dtype: object, expected: int) -> None:
    assert (photo_from_array(np.full((40, 40), value, dtype)).rgb == expected).all()


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_number_are_refused(value: float) -> None:
    image = np.zeros((40, 40, 3), np.float32)
    image[3, 4, 1] = value
    with pytest.raises(SketchRobotError) as caught:
        photo_from_array(image, 'depth camera')
    assert_bad_image(caught, 'depth camera', 'NaN or infinite')


@pytest.mark.parametrize(('low', 'high'), [(-0.5, 1.0), (0.0, 4000.0)])
def test_floats_out_of_range_are_refused(low: float, high: float) -> None:
    with pytest.raises(SketchRobotError) as caught:
        photo_from_array(np.linspace(low, high, 1600).reshape(40, 40))
    assert_bad_image(caught, '0..1 or 0..255')


@pytest.mark.parametrize('dtype', [np.int64, np.int8, np.uint32, complex, object])
def test_other_pixel_types_are_refused(dtype: type) -> None:
    with pytest.raises(SketchRobotError) as caught:
        photo_from_array(np.zeros((40, 40), dtype))
    assert_bad_image(caught, 'uint8')


def test_a_huge_array_is_refused() -> None:
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000, 3))  # takes no memory
    with pytest.raises(SketchRobotError) as caught:
        photo_from_array(huge)
    assert_bad_image(caught, 'too large')


@given(arrays(np.uint8, st.tuples(st.integers(32, 40), st.integers(32, 40), st.just(3)), fill=st.integers(0, 255)))
def test_any_rgb_picture_survives_a_png(image: np.ndarray) -> None:
    assert np.array_equal(decode_photo(encoded(image)).rgb, image)


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_never_crashes(data: bytes) -> None:
    for head in (b'', b'\x89PNG\r\n\x1a\n', b'\xff\xd8\xff\xe0'):
        with pytest.raises(SketchRobotError) as caught:
            decode_photo(head + data)
        assert caught.value.code is ErrorCode.BAD_IMAGE


QUARTERS = ((220, 30, 30), (30, 180, 30), (30, 30, 220), (240, 240, 240))  # of quarters.heic, row by row


@pytest.mark.parametrize(
    ('name', 'shape', 'order'),
    [('quarters.heic', (64, 96), (0, 1, 2, 3)), ('quarters_turned.heic', (96, 64), (2, 0, 3, 1))],
)
def test_a_phones_heic_is_read_upright(name: str, shape: tuple[int, int], order: tuple[int, ...]) -> None:
    rgb = load_photo(HERE / name).rgb
    assert rgb.shape == (*shape, 3)
    height, width = shape
    for k, which in enumerate(order):
        middle = rgb[height * (1 + 2 * (k // 2)) // 4, width * (1 + 2 * (k % 2)) // 4]
        assert np.abs(middle.astype(int) - QUARTERS[which]).max() < 12


@pytest.mark.parametrize('kind', ['heic', 'mif1', 'avif', 'crap'])
def test_a_heic_that_is_none_is_refused_by_name(kind: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        decode_photo(b'\x00\x00\x00\x18ftyp' + kind.encode() + bytes(100))
    assert caught.value.code is ErrorCode.BAD_IMAGE


@given(st.data())
def test_a_damaged_heic_is_refused_and_never_crashes(data: st.DataObject) -> None:
    whole = (HERE / 'quarters.heic').read_bytes()
    damaged = bytearray(whole[: data.draw(st.integers(12, len(whole)))])
    for _ in range(data.draw(st.integers(0, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SketchRobotError):
        decode_photo(bytes(damaged))


def test_without_the_library_a_heic_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, '_reads_heif', lambda: False)
    with pytest.raises(SketchRobotError, match='it is HEIC or AVIF, as some phones save') as caught:
        load_photo(HERE / 'quarters.heic')
    assert caught.value.code is ErrorCode.BAD_IMAGE
