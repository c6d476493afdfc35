"""The artist that draws in styles: those of the package, and those of a file."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, chelsea, coffee

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.styles.artist import LIVE_PX, StyleArtist, styled_artist
from sketch_robot.line_art.styles.blend import Blend
from sketch_robot.line_art.styles.runtime import WEIGHTS_NAME, WEIGHTS_PACKAGE, StylePainter, shipped_styles
from sketch_robot.line_art.styles.style_file import StyleSet, save_styles
from sketch_robot.photo.sitter import Sitter
from sketch_robot.strokes.tracing.trace import trace_ink


@pytest.fixture(scope='module')
def painter() -> StylePainter:
    return StylePainter(shipped_styles())


def sitter() -> Sitter:
    matte = np.zeros((512, 512), np.float32)
    cv2.ellipse(matte, (224, 260), (150, 240), 0, 0, 360, 1.0, -1)
    return Sitter(astronaut(), np.eye(2, 3), np.ones((512, 512), bool), 1, matte=matte)


def test_the_package_carries_24_manners_and_more_under_8_mb_each_with_its_thumbnail():
    assert len((files(WEIGHTS_PACKAGE) / WEIGHTS_NAME).read_bytes()) < 8_000_000
    styles = shipped_styles().styles
    assert len(styles) >= 24
    assert {style.for_pen for style in styles} == {True, False}
    assert {'woodcut', 'hatch_45', 'stipple'} <= set(shipped_styles().names)
    assert all(style.source for style in styles)
    assert all(style.thumbnail.std() > 10 for style in styles)  # somebody is on it


def test_a_style_gives_ink_on_the_sitter_alone_and_a_picture_of_everything(painter: StylePainter):
    art = StyleArtist(Blend(('hatch_45',), (1.0,)), painter).draw(sitter())
    assert (art.artist, art.ink.shape, art.ink.dtype) == ('hatch_45', (512, 512), np.float32)
    assert art.picture is not None
    assert (art.picture.shape, art.picture.dtype) == ((512, 512, 3), np.uint8)
    assert art.ink[:, :20].max() == 0.0
    assert (art.ink > 0.5).mean() > 0.02
    assert art.strokes is None


def test_a_live_picture_has_256_px_and_ink_as_large_as_the_crop(painter: StylePainter):
    art = StyleArtist(Blend(('woodcut',), (1.0,)), painter).draw_live(sitter())
    assert art.picture is not None
    assert art.picture.shape == (LIVE_PX, LIVE_PX, 3)
    assert art.ink.shape == (512, 512)


@pytest.mark.parametrize('name', ['contour', 'hatch_45', 'woodcut', 'ink_wash'])
def test_what_is_painted_has_no_dark_border_and_no_checkerboard(painter: StylePainter, name: str):
    off = []
    for picture in (astronaut(), chelsea()[:, 80:380], coffee()[:, 100:500]):
        grey = painter.paint(cv2.resize(picture, (192, 192)), Blend((name,), (1.0,))).mean(axis=2)
        border, near = np.ones(grey.shape, bool), np.zeros(grey.shape, bool)
        border[2:-2, 2:-2] = False
        near[8:-8, 8:-8] = True
        near[24:-24, 24:-24] = False
        off.append(grey[border].mean() - grey[near].mean())
        woven = grey * (-1.0) ** np.indices(grey.shape).sum(axis=0)  # what alternates from pixel to pixel
        assert abs(woven.mean()) < 0.5
    assert abs(np.mean(off)) < 20


def test_a_blend_lies_between_its_styles(painter: StylePainter):
    photo = astronaut()[:256, 96:352]
    pictures = [
        painter.paint(photo, Blend(names, weights)).astype(float)
        for names, weights in (
            (('contour_fine',), (1.0,)),
            (('contour_fine', 'woodcut'), (0.5, 0.5)),
            (('woodcut',), (1.0,)),
        )
    ]
    light = [picture.mean() for picture in pictures]
    assert light[0] > light[1] > light[2]


def test_hatching_at_one_angle_is_traced_into_lines_that_mostly_lie_so(painter: StylePainter):
    ramp = np.repeat(np.tile(np.linspace(40, 200, 256), (256, 1))[..., None], 3, axis=2).astype(np.uint8)
    ramp = cv2.GaussianBlur(np.clip(ramp + np.random.default_rng(0).normal(0, 6, ramp.shape), 0, 255), (0, 0), 1)
    picture = painter.paint(ramp.astype(np.uint8), Blend(('hatch_h',), (1.0,)))
    ink = 1 - cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    long = [stroke.xy for stroke in trace_ink(ink) if stroke.length > 20]
    flat = sum(abs(xy[-1][0] - xy[0][0]) > 2 * abs(xy[-1][1] - xy[0][1]) for xy in long)
    assert len(long) > 5
    assert flat > 0.6 * len(long)


def test_what_only_screens_can_show_is_not_drawn_with_a_pen():
    with pytest.raises(SketchRobotError, match=r'is for screens.* a pen can draw: .*woodcut') as refused:
        styled_artist('charcoal=0.8,woodcut=0.2')
    assert refused.value.code == ErrorCode.BAD_GOAL
    assert styled_artist('charcoal=0.2,woodcut=0.8') is not None


def test_styles_of_one_s_own_come_from_a_file(untrained: StyleSet, tmp_path: Path):
    save_styles(untrained, tmp_path / 'mine.safetensors')
    artist = styled_artist('hatching=1,dots=3', tmp_path / 'mine.safetensors')
    assert artist is not None
    assert artist.name == 'hatching=0.25,dots=0.75'
    assert artist.draw(sitter()).artist == artist.name
    with pytest.raises(SketchRobotError, match=r"there is no style 'woodcut'; .*choose of: hatching, dots, oil"):
        styled_artist('woodcut', tmp_path / 'mine.safetensors')
    assert styled_artist('') is None


def test_drawing_in_a_style_loads_no_torch_and_no_pickle():
    code = (
        'import sys, numpy as np; from sketch_robot.line_art.styles.runtime import *; '
        'from sketch_robot.line_art.styles.blend import Blend; '
        'StylePainter(shipped_styles()).paint(np.zeros((64, 64, 3), np.uint8), Blend(("woodcut",), (1.0,))); '
        'print(sorted({"torch"} & set(sys.modules)))'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'


def test_a_damaged_package_file_is_refused(monkeypatch, tmp_path: Path):
    from sketch_robot.line_art.styles import runtime

    (tmp_path / WEIGHTS_NAME).write_bytes(b'something else')
    (tmp_path / 'SHA256SUMS').write_text(f'{"0" * 64}  {WEIGHTS_NAME}\n')
    monkeypatch.setattr(runtime, 'files', lambda _: tmp_path)
    with pytest.raises(SketchRobotError, match='is not the file that SHA256SUMS beside it names'):
        runtime.shipped_styles.__wrapped__()
