"""Reading line drawings from files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.drawings import TrueStroke, paint
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.strokes import drop_specks, trace_ink
from sketch_robot.strokes.tracing.line_picture import ink_of_picture, load_line_picture


def drawing(paper: int = 255, ink: int = 0) -> np.ndarray:
    """A line 3 pixels wide on 40 x 60 pixels."""
    grey = np.full((40, 60), paper, np.uint8)
    grey[20:23, 10:50] = ink
    return grey


def rgba(grey: np.ndarray) -> Image.Image:
    """Black, with the ink in the transparency alone."""
    pixels = np.zeros((*grey.shape, 4), np.uint8)
    pixels[..., 3] = 255 - grey
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ('name', 'image'),
    [
        ('grey.png', Image.fromarray(drawing())),
        ('colour.png', Image.fromarray(drawing()).convert('RGB')),
        ('palette.gif', Image.fromarray(drawing()).convert('P')),
        ('one_bit.png', Image.fromarray(drawing()).convert('1')),
        ('deep.png', Image.fromarray(drawing().astype(np.uint16) * 257)),
        ('clear.png', rgba(drawing())),
        ('scan.jpg', Image.fromarray(drawing())),
    ],
)
def test_all_kinds_of_files_give_the_same_ink(name: str, image: Image.Image, tmp_path: Path) -> None:
    image.save(tmp_path / name, **({'quality': 98} if name.endswith('jpg') else {}))
    ink = load_line_picture(tmp_path / name)
    assert (ink.shape, ink.dtype) == ((40, 60), np.float32)
    assert ink[20:23, 10:50].min() > 0.95
    assert np.delete(ink, range(19, 24), axis=0).max() < 0.05


@pytest.mark.parametrize(('paper', 'ink'), [(255, 0), (200, 0), (240, 60)])
def test_ink_is_measured_from_the_papers_grey(paper: int, ink: int) -> None:
    found = ink_of_picture(drawing(paper, ink).astype(np.float32) / 255)
    assert found[21, 30] == pytest.approx(1 - ink / paper, abs=1e-6)
    assert found[0].max() == pytest.approx(0.0, abs=1e-6)


def lit(kind: str) -> np.ndarray:
    """(200, 300) float32 brightness of paper."""
    x, y = np.meshgrid(np.linspace(0.0, 1.0, 300), np.linspace(0.0, 1.0, 200))
    falls = {
        'from one side': 0.45 + 0.5 * x,
        'from above': 0.95 - 0.3 * y,
        'in the middle': 0.95 - 0.7 * (x - 0.5) ** 2,
    }
    return falls[kind].astype(np.float32)


@pytest.mark.parametrize('kind', ['from one side', 'from above', 'in the middle'])
@pytest.mark.parametrize('noise', [0.0, 0.01])
def test_uneven_light_is_no_ink(kind: str, noise: float) -> None:
    ink = np.zeros((200, 300), np.float32)
    ink[60:63, 20:280] = ink[20:190, 100:103] = 0.8
    grain = np.random.default_rng(1).normal(0.0, noise, ink.shape).astype(np.float32)
    found = ink_of_picture(np.clip(lit(kind) * (1.0 - ink) + grain, 0.0, 1.0))
    assert found.dtype == np.float32
    assert np.abs(found - ink).max() < 0.01 + 12.0 * noise  # of 0.2 that count as ink


def test_an_empty_sheet_in_uneven_light_is_empty() -> None:
    with pytest.raises(SketchRobotError) as caught:
        ink_of_picture(lit('from one side'))
    assert caught.value.code is ErrorCode.NOTHING_TO_DRAW


@pytest.mark.parametrize('width', [40, 100, 140])
def test_large_dark_areas_are_ink_and_no_shadow(width: int) -> None:
    grey = np.ones((200, 300), np.float32)
    grey[:, :width] = 0.2
    assert ink_of_picture(grey)[100, [10, 290]].tolist() == pytest.approx([0.8, 0.0])


@pytest.mark.parametrize('shape', [(1, 1), (1, 9), (7, 7)])
def test_tiny_pictures_are_measured_from_white(shape: tuple[int, int]) -> None:
    assert ink_of_picture(np.zeros(shape, np.float32)).tolist() == np.ones(shape).tolist()


@pytest.mark.parametrize('value', [255, 200, 128])
def test_empty_paper_is_refused(value: int, tmp_path: Path) -> None:
    Image.fromarray(np.full((50, 50), value, np.uint8)).save(tmp_path / 'white.png')
    with pytest.raises(SketchRobotError) as caught:
        load_line_picture(tmp_path / 'white.png')
    assert caught.value.code is ErrorCode.NOTHING_TO_DRAW
    assert caught.value.message.endswith('white.png has no ink on it; there is nothing to trace')


def header_of(width: int, height: int) -> bytes:
    """A PNG file that says how large it is, and no more."""
    data = b'IHDR' + struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    start = b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + data + struct.pack('>I', zlib.crc32(data))
    return start + struct.pack('>I', 1000) + b'IDAT' + bytes(10)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', 'is empty (0 bytes)'),
        (b'not a picture', 'is no picture that can be read; use JPEG or PNG'),
        (header_of(8001, 8000), 'is too large: 8001 x 8000 is over 64 Mpx; scale it down and try again'),
        (header_of(60, 40), 'is damaged or truncated'),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / 'lines.png').write_bytes(data)
    with pytest.raises(SketchRobotError) as caught:
        load_line_picture(tmp_path / 'lines.png')
    assert caught.value.code is ErrorCode.BAD_IMAGE
    assert message in caught.value.message


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    for path, message in ((tmp_path / 'none.png', 'cannot read the picture'), (tmp_path, 'is a folder')):
        with pytest.raises(SketchRobotError, match=message) as caught:
            load_line_picture(path)
        assert caught.value.code is ErrorCode.BAD_IMAGE


def test_white_ink_on_black_paper_is_refused() -> None:
    with pytest.raises(SketchRobotError, match='dark on the whole') as caught:
        ink_of_picture(drawing(0, 255).astype(np.float32) / 255)
    assert caught.value.code is ErrorCode.BAD_IMAGE


def ruled(width: float, *, strength: float = 1.0, blur: float = 0.0) -> np.ndarray:
    """Cover by ink of three slanting lines on 110 x 150 pixels, float64 in [0, 1]."""
    lines = [
        TrueStroke(np.array([[20.0, 20.0 + 35.0 * k], [130.0, 32.0 + 35.0 * k]]), np.full(2, width / 2.0))
        for k in range(3)
    ]
    cover = strength * paint(lines, (150, 110)).astype(np.float64)
    return cv2.GaussianBlur(cover, (0, 0), blur) if blur else cover


def scanned(brightness: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """As a picture of 256 greys holds it, with noise of a standard deviation in such greys."""
    grain = np.random.default_rng(3).normal(0.0, noise, brightness.shape)
    return (np.clip(np.rint(255.0 * brightness + grain), 0.0, 255.0) / 255.0).astype(np.float32)


def check_ruled(grey: np.ndarray, width: float, *, off: float) -> None:
    strokes = trace_ink(ink_of_picture(grey))
    assert len(strokes) == 3
    assert sum(stroke.length for stroke in strokes) == pytest.approx(3 * 110.65, rel=0.03)
    assert np.mean([stroke.half_width for stroke in strokes]) == pytest.approx(width / 2.0, abs=off)


@given(st.integers(0, 245), st.floats(1.0, 9.0))
@settings(max_examples=40, deadline=None)
def test_a_line_of_any_grey_is_found_once_with_its_width(ink: int, width: float) -> None:
    check_ruled(scanned(1.0 - (1.0 - ink / 255.0) * ruled(width)), width, off=0.1)


@pytest.mark.parametrize(('ink', 'noise'), [(60, 8), (180, 3), (200, 8), (225, 3), (230, 2)])
def test_faint_lines_are_told_from_noise(ink: int, noise: float) -> None:
    check_ruled(scanned(1.0 - (1.0 - ink / 255.0) * ruled(2.5, blur=0.6), noise), 2.5, off=0.4)


@pytest.mark.parametrize('ink', [110, 160, 185, 200])
def test_a_faded_scan_on_grey_paper_is_read(ink: int) -> None:
    check_ruled(scanned(215 / 255 - (215 - ink) / 255 * ruled(2.5, blur=0.8), 2.0), 2.5, off=0.5)


@pytest.mark.parametrize('width', [1.5, 3.0, 6.0])
def test_yellow_ink_is_ink(width: float, tmp_path: Path) -> None:
    colour = np.full((110, 150, 3), 255.0)
    colour[..., 2] -= 255.0 * ruled(width)
    Image.fromarray(np.rint(colour).astype(np.uint8)).save(tmp_path / 'yellow.png')
    strokes = trace_ink(load_line_picture(tmp_path / 'yellow.png'))
    assert len(strokes) == 3
    assert np.mean([stroke.half_width for stroke in strokes]) == pytest.approx(width / 2.0, abs=0.1)


def test_faint_lines_are_found_beside_dark_ones() -> None:
    ink = np.zeros((110, 150))
    ink[:40] = ruled(2.5)[:40]
    ink[40:] = ruled(2.5, strength=0.08)[40:]
    check_ruled(scanned(1.0 - ink), 2.5, off=0.1)


@pytest.mark.parametrize('grey', [1, 3, 8, 15])
@pytest.mark.parametrize('coarse', [0.0, 1.5])
def test_grain_of_empty_paper_is_no_ink(grey: float, coarse: float) -> None:
    grain = np.random.default_rng(1).normal(0.0, 1.0, (300, 300))
    grain = cv2.GaussianBlur(grain, (0, 0), coarse) if coarse else grain
    with pytest.raises(SketchRobotError) as caught:
        ink_of_picture(scanned(235 / 255 + grey / 255 * grain / grain.std()))
    assert caught.value.code is ErrorCode.NOTHING_TO_DRAW


def pencil(seed: int, *, depth: float, coarse: float, width: float = 3.0) -> np.ndarray:
    """Four pencil lines on rough paper, 240 x 300 pixels: pencil stays on the peaks of a random relief.

    Args:
        depth: how much darker it is on them.
        coarse: standard deviation of what blurs the relief.
    """
    rng = np.random.default_rng(seed)
    relief = cv2.GaussianBlur(rng.normal(0.0, 1.0, (240, 300)), (0, 0), coarse)
    relief /= relief.std()
    x = np.linspace(20.0, 280.0, 100)
    lines = [
        TrueStroke(np.column_stack((x, 30.0 + 55.0 * k + 10.0 * np.sin(x / 60.0 + k))), np.full(100, width / 2))
        for k in range(4)
    ]
    cover = cv2.GaussianBlur(paint(lines, (300, 240)).astype(np.float64), (0, 0), 0.7)
    ink = np.clip(0.7 * cover * (1.0 + 1.6 * depth * relief - 0.4 * depth), 0.0, 0.9)
    return scanned(0.93 * (1.0 - ink) * (1.0 - 0.015 * relief.clip(-2.0, 2.0)), 2.5)


@pytest.mark.parametrize('seed', [0, 1, 2, 3])
@pytest.mark.parametrize(
    ('depth', 'coarse', 'width'), [(0.25, 1.0, 3.0), (0.35, 1.0, 3.0), (0.4, 1.5, 3.0), (0.4, 1.0, 2.0)]
)
def test_pencil_on_rough_paper_is_not_cut_into_pieces(seed: int, depth: float, coarse: float, width: float) -> None:
    strokes = drop_specks(trace_ink(ink_of_picture(pencil(seed, depth=depth, coarse=coarse, width=width))))
    assert 4 <= len(strokes) <= 8
    assert sum(stroke.length for stroke in strokes) == pytest.approx(4 * 265.0, rel=0.05)


def test_dashes_on_grainy_paper_stay_dashes() -> None:
    dashes = [
        TrueStroke(np.array([[10.0 + 9.0 * k, 20.0 + 15.0 * j], [15.0 + 9.0 * k, 20.0 + 15.0 * j]]), np.full(2, 0.8))
        for k in range(24)
        for j in range(12)
    ]
    strokes = trace_ink(ink_of_picture(scanned(0.93 * (1.0 - paint(dashes, (240, 240))), 3.0)))
    assert len(strokes) == len(dashes)


def test_a_picture_full_of_hatching_is_not_empty() -> None:
    hatching = [
        TrueStroke(np.array([[0.0, 4.0 * k], [200.0, 4.0 * k + 30.0]]), np.full(2, 0.9)) for k in range(-10, 50)
    ]
    assert ink_of_picture(scanned(1.0 - 0.8 * paint(hatching, (200, 180)))).max() > 0.5
