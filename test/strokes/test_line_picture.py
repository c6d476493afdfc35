"""Reading line drawings from files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.strokes.line_picture import ink_of_picture, load_line_picture


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
        (b'not a picture', 'is no picture that can be read; use PNG or JPEG'),
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
