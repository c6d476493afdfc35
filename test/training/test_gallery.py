"""Galleries: several artists on a folder of photos."""

from __future__ import annotations

import argparse
import json

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.student.u2net import U2Net, U2NetChannels
from sketch_robot.line_art.student.weight_file import CHANNELS, save_weights
from sketch_robot.photo.sitter import Sitter
from sketch_robot.training import gallery
from sketch_robot.training.commands import CHANGES, add_commands, run
from sketch_robot.training.gallery import (
    ASIDE_PX,
    CAPTION_PX,
    captioned,
    draw_gallery,
    draw_table,
    photo_change,
    save_picture,
)


class _Finder:
    def find(self, photo, *, require_face):
        assert not require_face
        crop = cv2.resize(photo.rgb, (512, 512))
        matte = np.zeros((512, 512), np.float32)
        matte[:, :256] = 1
        return Sitter(crop, np.eye(2, 3), np.ones((512, 512), bool), 1, matte=matte)


class _Artist:
    """Draws one line across the middle, as dark as the photo's first pixel is light."""

    def draw(self, sitter):
        ink = np.zeros((512, 512), np.float32)
        ink[255:258, 56:456] = sitter.crop[0, 0, 0] / 255
        return LineArt(ink, 'line')


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, 'SitterFinder', _Finder)
    monkeypatch.setattr(gallery, 'make_artist', lambda _: _Artist())
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name in 'ab':
        cv2.imwrite(str(folder / f'{name}.png'), np.full((64, 64, 3), 255, np.uint8))
    return folder


def test_a_gallery_shows_photo_drawings_and_strokes_and_measures_them(photos):
    sheet, means = draw_gallery(photos, ('guided', 'student'), tile_px=64, groups=2)
    assert sheet.shape == (64, 2 * 4 * 64, 3)
    assert means['student']['strokes'] == 1
    assert means['student']['ink_mm'] == pytest.approx(400 * 128 / 512, rel=0.05)
    assert means['guided']['ink_outside'] == pytest.approx(0.485, abs=0.02)


def test_without_photos_a_gallery_shows_the_drawings_alone(photos):
    sheet, _ = draw_gallery(photos, ('student',), photo_tiles=False, tile_px=64, groups=1)
    assert sheet.shape == (2 * 64, 2 * 64, 3)


def test_a_weight_file_is_an_artist_of_its_own(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(CHANNELS, 'student', U2NetChannels((2,) * 11, (4,) * 11))
    weights = tmp_path / 'w.safetensors'
    save_weights(U2Net(CHANNELS['student']), weights)
    _, means = draw_gallery(photos, ('guided', str(weights)), tile_px=64, size_px=256)
    assert list(means) == ['guided', str(weights)]


def test_a_table_has_a_row_for_each_change_and_a_column_for_each_photo(photos):
    sheet, means = draw_table(photos, 'student', ('none', 'dark'), tile_px=64)
    assert sheet.shape == (2 * 64, ASIDE_PX + 2 * 64, 3)
    assert {name: values['strokes'] for name, values in means.items()} == {'none': 1, 'dark': 1}
    assert means['none']['ink_outside'] == pytest.approx(0.485, abs=0.02)
    assert means['dark']['ink_outside'] == 0  # a quarter of the ink is too faint to count
    lines = [sheet[top + 20 : top + 44, ASIDE_PX:].min() for top in (0, 64)]
    assert max(lines) < 100


def test_of_one_change_drawings_stand_in_a_grid_above_their_names(photos):
    sheet, means = draw_table(photos, 'student', ('none',), tile_px=64, columns=3)
    assert sheet.shape == (64 + CAPTION_PX, 3 * 64, 3)
    assert [bool((sheet[64:, x : x + 64] < 255).any()) for x in (0, 64, 128)] == [True, True, False]
    assert list(means) == ['none']


def test_a_caption_takes_a_strip_and_leaves_the_picture():
    picture = np.full((40, 50, 3), 9, np.uint8)
    np.testing.assert_array_equal(captioned(picture, 'caf\u00e9', below=True)[:40], picture)
    np.testing.assert_array_equal(captioned(picture, 'dark')[:, ASIDE_PX:], picture)


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(SketchRobotError, match='has no photos') as caught:
        draw_gallery(tmp_path, ('student',))
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_the_command_writes_the_sheet_and_the_numbers(photos, tmp_path):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    out = tmp_path / 'sheet.png'
    assert run(parser.parse_args(['gallery', str(photos), str(out), '--artists', 'student', '--change', 'grey'])) == 0
    assert cv2.imread(str(out)) is not None
    assert json.loads(out.with_suffix('.json').read_text())['student']['strokes'] == 1


@pytest.mark.parametrize(
    ('options', 'names'), [(['--change', 'grey', 'none'], ['grey', 'none']), (['--names'], ['none'])]
)
def test_the_command_makes_tables_and_named_grids(photos, tmp_path, options, names):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    out = tmp_path / 'sheet.png'
    assert run(parser.parse_args(['gallery', str(photos), str(out), '--artists', 'student', *options])) == 0
    assert cv2.imread(str(out)) is not None
    assert list(json.loads(out.with_suffix('.json').read_text())) == names


@pytest.mark.parametrize(('colour', 'channels'), [((200, 200, 200), 2), ((200, 100, 50), 3)])
def test_pictures_without_colours_are_written_as_grey(tmp_path, colour, channels):
    save_picture(np.full((8, 9, 3), colour, np.uint8), tmp_path / 'a.png')
    read = cv2.imread(str(tmp_path / 'a.png'), cv2.IMREAD_UNCHANGED)
    assert read.ndim == channels
    assert np.unique(read).tolist() == sorted(set(colour))


@pytest.mark.parametrize('name', [name for name in CHANGES if name != 'none'])
def test_changes_keep_a_photos_size_and_lose_something(name):
    rgb = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    changed = photo_change(name)(rgb)
    assert changed.shape == rgb.shape
    assert changed.dtype == np.uint8
    assert changed.std() < rgb.std()


def test_no_change_is_none():
    assert photo_change('none') is None


def test_dark_photos_have_a_quarter_of_the_light():
    assert photo_change('dark')(np.full((4, 4, 3), 200, np.uint8)).max() == 50
